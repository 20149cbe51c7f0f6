import { identityOf } from '@foretype/edge-node/protocol';
import {
  draftSpec,
  EngineError,
  loadFamily,
  startEngine,
  type EngineHost,
  type Family,
} from '@foretype/models';
import { availableParallelism } from 'node:os';
import { Channel, EdgeError, type EdgeState } from './channel.ts';
import { complete, type Candidate, type CompletionRequest } from './completion.ts';
import type { ServerSettings, ServerStatus } from './protocol.ts';

export interface ServiceOptions {
  /** Directory of the model family to draft with. */
  readonly family: string;
  readonly settings: ServerSettings;
  readonly onStatus: (status: ServerStatus) => void;
  /** One sentence for the log. */
  readonly log: (message: string) => void;
}

const EDGE_OFF: EdgeState = { status: 'off', reason: null };

/**
 * Owns the draft engine and the channel to the edge node, and makes completions with what of them is there.
 * No failure of either reaches the user as anything but a state and a shorter path.
 */
export class CompletionService {
  readonly #options: ServiceOptions;
  #settings: ServerSettings;
  #family: Family | undefined;
  #engine: EngineHost | undefined;
  #channel: Channel | undefined;
  #status: ServerStatus = { draft: 'loading', edge: 'off', reason: null, lastCompletion: null };
  #draftReason: string | null = null;
  #edgeReason: string | null = null;
  #started: Promise<void> | undefined;

  constructor(options: ServiceOptions) {
    this.#options = options;
    this.#settings = options.settings;
  }

  get status(): ServerStatus {
    return this.#status;
  }

  /** Loads the draft model and connects to the edge node; both go on in the background. */
  start(): void {
    this.#started = this.#start();
  }

  configure(settings: ServerSettings): void {
    const same =
      settings.edgeUrl === this.#settings.edgeUrl && settings.edgeToken === this.#settings.edgeToken;
    this.#settings = settings;
    if (!same) this.#connect();
  }

  /**
   * The best text there is after `patience` milliseconds beyond the first: the verified one, else the draft.
   * @returns undefined where there is nothing to show.
   */
  async complete(
    request: Omit<CompletionRequest, 'adapter'>,
    patience: number,
    signal: AbortSignal,
  ): Promise<Candidate | undefined> {
    await this.#started;
    if (!this.#settings.enabled || !this.#engine || !this.#family) return undefined;
    const enough = new AbortController();
    const stop = AbortSignal.any([signal, enough.signal]);
    const candidates = complete(
      {
        family: this.#family,
        draft: this.#engine,
        verifier: this.#channel?.state.status === 'connected' ? this.#channel : undefined,
        now: () => performance.now(),
      },
      { ...request, adapter: this.#settings.adapter },
      stop,
    );
    let best: Candidate | undefined;
    let timer: NodeJS.Timeout | undefined;
    try {
      for await (const candidate of candidates) {
        best = candidate;
        timer ??= setTimeout(() => enough.abort(), patience);
      }
    } catch (error) {
      signal.throwIfAborted();
      if (!enough.signal.aborted) this.#explain(error);
    } finally {
      clearTimeout(timer);
    }
    if (best) this.#enter({ lastCompletion: best.report });
    return best?.text ? best : undefined;
  }

  async dispose(): Promise<void> {
    this.#channel?.dispose();
    await this.#engine?.dispose();
  }

  async #start(): Promise<void> {
    try {
      this.#family = await loadFamily(this.#options.family);
    } catch (error) {
      this.#enterDraft('failed', error instanceof EngineError ? error.message : String(error));
      return;
    }
    // Half of the cores: the other half is the editor's, and the user's.
    const threads = Math.max(1, Math.floor(availableParallelism() / 2));
    this.#engine = startEngine(draftSpec(this.#family, { sequences: 2, threads }), ({ status, reason }) =>
      this.#enterDraft(status, reason),
    );
    this.#connect();
  }

  #connect(): void {
    // Before the start there is nothing to connect for, and a client may not hear of us before `initialize` is answered.
    if (!this.#family) return;
    this.#channel?.dispose();
    this.#channel = undefined;
    const { edgeUrl: url, edgeToken: token } = this.#settings;
    if (!url) {
      this.#enterEdge(EDGE_OFF);
      return;
    }
    this.#enterEdge({ status: 'connecting', reason: null });
    this.#channel = new Channel({
      url,
      token,
      identity: identityOf(this.#family),
      onState: (state) => this.#enterEdge(state),
      random: Math.random,
    });
  }

  /** A node that went away is a state already; anything else is worth a line in the log. */
  #explain(error: unknown): void {
    if (error instanceof EdgeError && error.code === 'away') return;
    this.#options.log(error instanceof Error ? error.message : String(error));
  }

  #enterDraft(draft: ServerStatus['draft'], reason: string | null): void {
    this.#draftReason = reason;
    this.#enter({ draft });
  }

  #enterEdge({ status, reason }: EdgeState): void {
    this.#edgeReason = reason;
    this.#enter({ edge: status });
  }

  #enter(change: Partial<ServerStatus>): void {
    const reason = this.#draftReason ?? this.#edgeReason;
    if (reason && reason !== this.#status.reason) this.#options.log(reason);
    this.#status = { ...this.#status, ...change, reason };
    this.#options.onStatus(this.#status);
  }
}
