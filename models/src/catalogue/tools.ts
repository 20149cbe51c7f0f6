/** What differs between the machines on which families are installed, and what they are told meanwhile. */

/** Whose models are needed: a node's (the backbone with its adapters, and the draft where it can be had), or a laptop's. */
export type Wants = 'backbone' | 'draft';

export interface PullTools {
  readonly wants: Wants;
  readonly fetch: typeof fetch;
  /** Rejects where the signal is aborted. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<unknown>;
  /** Bytes that this user may still write where `path` is, or would be. */
  readonly freeBytes: (path: string) => Promise<number>;
  /** Does `work` while nobody else on this machine does any under the same path. Rejects where the signal is aborted. */
  readonly alone: <T>(path: string, work: () => Promise<T>, signal?: AbortSignal) => Promise<T>;
  /** Says what goes on. */
  readonly note: (line: string) => void;
  /** Bytes of a file that came so far, and that there are. */
  readonly progress: (file: string, received: number, total: number) => void;
  /** What has families go to another place, where something does: `--state`. */
  readonly elsewhere?: string | undefined;
  /** Ends what is under way, which rejects with the signal's reason; what came stays, and the next time goes on from there. */
  readonly signal?: AbortSignal | undefined;
}
