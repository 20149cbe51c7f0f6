/**
 * What the language server says beyond LSP 3.18: all that a client of it may import. Each message is one constant.
 * A client that knows none of this still gets completions.
 */
import {
  NotificationType,
  NotificationType0,
  RequestType,
  RequestType0,
  type Position,
} from 'vscode-languageserver';
import type { UsageReport } from '@foretype/edge-node/protocol';
import type { ServerSettings, SettingKey } from './settings.ts';

export type { ServerSettings, SettingKey };
export {
  FamiliesRequest,
  ImportFamilyRequest,
  InstallFamilyRequest,
  RemoveFamilyRequest,
  type FamilyFailure,
  type FamilyInstalled,
  type FamilyList,
  type FamilyOffer,
} from './families/messages.ts';

/** How a completion came about. Times in milliseconds from the request's arrival. Never any text. */
export interface CompletionReport {
  /** `draft`: only the local model wrote it. `speculated`: the edge node verified it. */
  readonly path: 'draft' | 'speculated';
  readonly rounds: number;
  /** Tokens drafted, accepted and committed over all rounds. */
  readonly drafted: number;
  readonly accepted: number;
  readonly committed: number;
  /** When the first text was known, i.e. the local draft. */
  readonly firstTextMs: number | null;
  /** When the target had confirmed the whole text; null for `draft`. */
  readonly verifiedMs: number | null;
  /** Why the edge node was not asked, though it is there; null where it was, or is not. */
  readonly unverified: string | null;
  /** Application bytes sent to and received from the edge node. */
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly adapter: string | null;
  /** What the prompt began with of other places; absent where that was nothing. */
  readonly beside?: { readonly chunks: number; readonly files: number };
}

/** The state of both sides, for a status display. */
export interface ServerStatus {
  /**
   * The local draft model. `asleep`: its memory is given back until somebody types. `off`: none is used, only what
   * tokenizes for the edge node, which then writes all completions.
   */
  readonly draft: 'loading' | 'ready' | 'asleep' | 'off' | 'restarting' | 'failed';
  /** `off`: no URL is set. `away`: not reachable now, tried again. `refused`: it will not work until something is changed. */
  readonly edge: 'off' | 'connecting' | 'connected' | 'away' | 'refused';
  /** Those that the model was trained on; null for any. Others are off unless they are named in the settings. */
  readonly languages: readonly string[] | null;
  /** One sentence where something is not as it should be. */
  readonly reason: string | null;
  readonly lastCompletion: CompletionReport | null;
}

/** Server to client, whenever something in it changed. */
export const StatusNotification = new NotificationType<ServerStatus>('foretype/status');

/** A place in a version of a document, as in LSP. */
export interface DocumentPlace {
  readonly uri: string;
  readonly version: number;
  readonly position: Position;
}

/**
 * Server to client: what was last answered for this place was a draft, and the target says something else that still
 * fits what was typed since; whoever asks again gets it. Sent only while it does.
 */
export const VerifiedNotification = new NotificationType<DocumentPlace>('foretype/verified');

/** Client to server: the user sent away what was shown in a document. */
export const DismissedNotification = new NotificationType<{ readonly uri: string }>('foretype/dismissed');

/** Client to server: the user is back, so that a model that sleeps can come up before the first key. */
export const FocusNotification = new NotificationType0('foretype/focus');

/** What happened to the last request for a completion of a document, for a person who wonders. Never any text of it. */
export interface Explanation {
  readonly uri: string;
  readonly position: Position;
  /** Whether a text was given, and from where; `silent` where none was. */
  readonly given: 'cache' | 'draft' | 'verified' | 'silent';
  /** Milliseconds from the request to the answer. */
  readonly ms: number;
  /** One sentence each: what was decided and why, in order. */
  readonly steps: readonly string[];
  /** How the text that was given came about; null where there is none. */
  readonly report: CompletionReport | null;
}

/** Client to server: the explanation of the last request, of this document or of any; null before the first. */
export const ExplainRequest = new RequestType<{ readonly uri?: string }, Explanation | null, void>(
  'foretype/explain',
);

/** The measures of use that are held on this machine; see `docs/usage.md`. */
export interface UsageHeld {
  /** Exactly what would be sent. */
  readonly report: UsageReport;
  /** Where it lies; empty where it is in memory only. */
  readonly directory: string;
  /** Whether the user lets it go to an edge node, and has named one. Nothing is sent yet, not even then. */
  readonly wouldSend: boolean;
}

/** Client to server: the measures of use. */
export const UsageRequest = new RequestType0<UsageHeld, void>('foretype/usage');

/** Client to server: delete all measures of use that are held on this machine. */
export const ForgetUsageRequest = new RequestType0<null, void>('foretype/forgetUsage');

/** Client to server: the settings as they are now. */
export const SettingsNotification = new NotificationType<ServerSettings>('foretype/settings');
