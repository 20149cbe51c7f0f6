import { identityOf } from '@foretype/edge-node/protocol';
import {
  draftSpec,
  EngineError,
  loadFamily,
  MIN_TEMPERATURE,
  startEngine,
  unless,
  type Engine,
  type Family,
} from '@foretype/models';
import { appendFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { exposure, readAddress } from './address.ts';
import type { Cursor } from './anchor.ts';
import { Backoff } from './backoff.ts';
import { Channel, type EdgeState } from './channel.ts';
import { complete, type Candidate } from './completion.ts';
import { Control } from './control.ts';
import { BUDGETS } from './policy.ts';
import { PowerSource } from './power.ts';
import { Projects } from './projects.ts';
import type { ServerSettings, ServerStatus } from './protocol.ts';
import { Recollection } from './recollection.ts';
import { EdgeError } from './rounds.ts';
import type { CompletionTrace } from './trace.ts';

export interface ServiceOptions {
  /** Directory of the model family to draft with. */
  readonly family: string;
  readonly settings: ServerSettings;
  readonly onStatus: (status: ServerStatus) => void;
  /** One sentence for the log. */
  readonly log: (message: string) => void;
  /** Makes the draft engine; {@link startEngine} where absent. */
  readonly engine?: (...args: Parameters<typeof startEngine>) => Engine;
}

/** Weight of the newest of the times in which drafts came. */
const NEWEST = 0.2;
const EDGE_OFF: EdgeState = { status: 'off', reason: null };
/** Milliseconds for which the backbone answers instead of an adapter that the node has to load. */
const LOADING_MS = 2000;
const now = () => performance.now();
const samplingOf = ({ temperature, seed }: ServerSettings) =>
  temperature >= MIN_TEMPERATURE ? { temperature, seed } : undefined;

/**
 * Owns the draft engine and the channel to the edge node, and makes completions with what of them is there.
 * No failure of either reaches the user as anything but a state and a shorter path.
 */
export class CompletionService {
  readonly #options: ServiceOptions;
  readonly #powerSource = new PowerSource(now);
  readonly #projects = new Projects();
  readonly #backoff = new Backoff();
  /** An adapter that the node is loading, and when it is asked for again; the backbone answers until then. */
  #loading = { adapter: '', until: 0 };
  /** By document the adapter that was last found for it. */
  readonly #adapters = new Map<string, string>();
  #draftMs: number | null = null;
  #settings: ServerSettings;
  #family: Family | undefined;
  #engine: Engine | undefined;
  #recollection: Recollection | undefined;
  /** The connection to the node, and what work with it was like so far. */
  #channel: Channel | undefined;
  #control: Control | undefined;
  #status: ServerStatus = { draft: 'loading', edge: 'off', reason: null, lastCompletion: null };
  #draftReason: string | null = null;
  #edge: EdgeState = EDGE_OFF;
  /** The last sentence in the log, and the last warning of an exposed token: neither is worth a line a keystroke. */
  #said: string | undefined;
  #warned: string | undefined;
  #started: Promise<void> | undefined;
  #disposed = false;

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
    // Another adapter may be one that the node has, or has not.
    else if (this.#reason !== this.#status.reason) this.#enter({});
  }

  /** A document is open: what its completions will need can be found out now. */
  opened(uri: string): void {
    this.#adapterFor(uri).catch(() => undefined);
  }

  closed(uri: string): void {
    this.#adapters.delete(uri);
  }

  /** Names all that makes texts good for each other; see `CompletionCache`. */
  scopeOf(uri: string): string {
    const { temperature, seed } = this.#settings;
    return [this.#family?.id ?? '', this.#adapters.get(uri) ?? '', temperature, seed].join(' ');
  }

  /** Why a document gets no completion now, in one sentence; undefined where it may get one. */
  refusal({
    language,
    explicit,
  }: {
    readonly language: string;
    readonly explicit: boolean;
  }): string | undefined {
    const { enabled, automatic, languages } = this.#settings;
    if (!enabled) return 'Completions are turned off.';
    if (explicit) return undefined;
    if (!automatic) return 'Completions come only when they are asked for.';
    return (languages[language] ?? languages['*'] ?? true)
      ? undefined
      : `Completions are off for ${language}.`;
  }

  /** Whether the edge node can be asked now. */
  get verifies(): boolean {
    return this.#askable !== undefined;
  }

  /** What is known of the user's typing and machine. */
  get typing(): { readonly draftMs: number | null; readonly power: keyof typeof BUDGETS } {
    return { draftMs: this.#draftMs, power: this.#power };
  }

  /**
   * The texts for a place as they come: the draft, then the target's own if it is there within `patience` milliseconds.
   * Nothing where there is nothing to show.
   * @throws the reason of `signal` when that is aborted.
   */
  async *candidates(cursor: Cursor, patience: number, signal: AbortSignal): AsyncGenerator<Candidate, void> {
    await this.#started;
    const recollection = this.#recollection;
    if (!this.#settings.enabled || !this.#engine || !this.#family || !recollection) return;
    const enough = new AbortController();
    const stop = AbortSignal.any([signal, enough.signal]);
    const edge = this.#askable;
    const adapter = edge ? await unless(signal, this.#adapterFor(cursor.uri)) : '';
    const candidates = complete(
      {
        family: this.#family,
        draft: this.#engine,
        edge,
        now,
        onTrace: (trace) => this.#trace(trace),
      },
      {
        ...cursor,
        // A prompt that has the suffix first grows at its end as it is.
        ...(this.#family.fim.order === 'prefix-first' && { anchor: recollection.anchorAt(cursor) }),
        adapter,
        sampling: samplingOf(this.#settings),
        patience,
        others: recollection.othersThan(cursor.uri),
        remembered: recollection.rememberedAt(cursor),
      },
      stop,
    );
    let best: Candidate | undefined;
    let timer: NodeJS.Timeout | undefined;
    try {
      for await (const candidate of candidates) {
        best = candidate;
        timer ??= setTimeout(() => enough.abort(), patience);
        this.#note(candidate);
        if (candidate.text) yield candidate;
      }
    } catch (error) {
      signal.throwIfAborted();
      if (!enough.signal.aborted) this.#explain(error, adapter);
    } finally {
      clearTimeout(timer);
      if (best) recollection.keep(cursor, { text: best.text, verified: best.report.path === 'speculated' });
    }
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    this.#channel?.dispose();
    await this.#engine?.dispose();
  }

  get #power(): keyof typeof BUDGETS {
    const { power } = this.#settings;
    return power === 'auto' ? this.#powerSource.current : power;
  }

  /** The node, where it is there and has the adapter. */
  get #askable() {
    if (this.#edge.status !== 'connected' || this.#missingAdapter || this.#backoff.isDue(now()))
      return undefined;
    return this.#channel && this.#control && { verifier: this.#channel, control: this.#control };
  }

  /** The adapter that is set, or that the node has for the document's project; empty for the backbone. */
  async #adapterFor(uri: string): Promise<string> {
    const { adapter: name } = this.#settings;
    const project = name ? undefined : await this.#projects.of(uri);
    if (!this.#channel || (!name && project === undefined)) return '';
    const adapter = await this.#channel.adapterOf(project === undefined ? { name } : { project });
    this.#adapters.set(uri, adapter);
    return adapter === this.#loading.adapter && now() < this.#loading.until ? '' : adapter;
  }

  #note({ report }: Candidate): void {
    if (report.path === 'speculated') this.#backoff.answered();
    if (report.firstTextMs !== null)
      this.#draftMs = (this.#draftMs ?? report.firstTextMs) * (1 - NEWEST) + report.firstTextMs * NEWEST;
    this.#enter({ lastCompletion: report });
  }

  #trace(trace: CompletionTrace): void {
    const { traceFile } = this.#settings;
    if (!traceFile) return;
    const line = JSON.stringify({ time: new Date().toISOString(), family: this.#family?.id, ...trace });
    appendFile(traceFile, `${line}\n`).catch((error: unknown) => {
      const { code } = error as NodeJS.ErrnoException;
      this.#say(`The trace file ${traceFile} cannot be written (${code ?? 'unknown'}).`);
    });
  }

  async #start(): Promise<void> {
    try {
      this.#family = await loadFamily(this.#options.family);
    } catch (error) {
      this.#enterDraft('failed', error instanceof EngineError ? error.message : String(error));
      return;
    }
    if (this.#disposed) return;
    // Half of the cores: the other half is the editor's, and the user's.
    const threads = Math.max(1, Math.floor(availableParallelism() / 2));
    const start = this.#options.engine ?? startEngine;
    this.#engine = start(draftSpec(this.#family, { sequences: 2, threads }), ({ status, reason }) =>
      this.#enterDraft(status, reason),
    );
    this.#recollection = new Recollection(this.#engine);
    this.#connect();
  }

  #connect(): void {
    // Before the start there is nothing to connect for, and a client may not hear of us before `initialize` is answered.
    if (!this.#family || this.#disposed) return;
    this.#channel?.dispose();
    this.#channel = this.#control = undefined;
    const { edgeUrl: url, edgeToken: token } = this.#settings;
    if (!url) {
      this.#enterEdge(EDGE_OFF);
      return;
    }
    this.#enterEdge({ status: 'connecting', reason: null });
    this.#warn(url, token);
    this.#control = new Control({ now, jPerHour: () => BUDGETS[this.#power] });
    this.#channel = new Channel({
      url,
      token,
      identity: identityOf(this.#family),
      onState: (state) => this.#enterEdge(state),
      random: Math.random,
    });
  }

  /** A token that others can read on its way is the user's choice in an office, but one to know of. */
  #warn(url: string, token: string): void {
    const address = readAddress(url);
    const warning = token && typeof address !== 'string' ? exposure(address) : undefined;
    if (warning && warning !== this.#warned) this.#say(warning);
    this.#warned = warning ?? this.#warned;
  }

  /** A node that went away is a state already; anything else is worth a line in the log, once. */
  #explain(error: unknown, adapter: string): void {
    const code = error instanceof EdgeError ? error.code : undefined;
    if (code === 'away') return;
    if (code === 'busy') this.#backoff.busy(now(), Math.random());
    if (code === 'loading') this.#loading = { adapter, until: now() + LOADING_MS };
    const message = error instanceof Error ? error.message : String(error);
    if (message !== this.#said && message !== this.#status.reason) this.#say(message);
  }

  #say(message: string): void {
    this.#said = message;
    this.#options.log(message);
  }

  /** One sentence where the node lacks the adapter that is set: it would refuse every round. */
  get #missingAdapter(): string | null {
    const { adapter } = this.#settings;
    const { status } = this.#edge;
    const adapters = this.#channel?.adapters ?? [];
    if (status !== 'connected' || adapter === '' || adapters.includes(adapter)) return null;
    return `The edge node has no adapter named ${adapter}; it has ${adapters.join(', ') || 'none'}.`;
  }

  get #reason(): string | null {
    return this.#draftReason ?? this.#edge.reason ?? this.#missingAdapter;
  }

  #enterDraft(draft: ServerStatus['draft'], reason: string | null): void {
    this.#draftReason = reason;
    this.#enter({ draft });
  }

  #enterEdge(edge: EdgeState): void {
    this.#edge = edge;
    // Asked for at once, so that the node tells when it gets an adapter that it lacks.
    const { adapter: name } = this.#settings;
    if (edge.status === 'connected' && name) void this.#channel?.adapterOf({ name });
    this.#enter({ edge: edge.status });
  }

  #enter(change: Partial<ServerStatus>): void {
    const reason = this.#reason;
    if (reason && reason !== this.#status.reason) this.#say(reason);
    this.#status = { ...this.#status, ...change, reason };
    this.#options.onStatus(this.#status);
  }
}
