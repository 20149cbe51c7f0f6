import {
  MIN_TEMPERATURE,
  reachOf,
  startEngine,
  startSharedEngine,
  unless,
  type Engine,
  type Front,
  type PromptParts,
  type WindowSize,
} from '@foretype/models';
import { appendFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Cursor } from './anchor.ts';
import { besideOf, fronts, roomBeside } from './context/fronts.ts';
import type { Neighbours } from './context/neighbours.ts';
import { blockAt, completeBlock } from './block.ts';
import { complete, type Candidate } from './completion.ts';
import { DraftModel } from './draft-model.ts';
import { EdgeSide } from './edge-side.ts';
import { directoryOf, type Places } from './families/place.ts';
import { Network } from './network.ts';
import { placeOf } from './filters/place.ts';
import { BUDGETS } from './policy.ts';
import { PowerSource } from './power.ts';
import type { ServerSettings, ServerStatus } from './protocol.ts';
import type { RestingState } from './resting-engine.ts';
import { nobodyWrites, pausedBy, refusalOf } from './refusals.ts';
import type { Scope } from './suggestions/cache.ts';
import type { Refusal, Work } from './suggestions/parts.ts';
import type { CompletionTrace } from './trace.ts';

export interface ServiceOptions {
  /** Directory of the model family to draft with where the settings name none. */
  readonly family: string;
  /** Directory of the families that were installed; the one beside the family where absent. */
  readonly families?: string;
  readonly settings: ServerSettings;
  readonly onStatus: (status: ServerStatus) => void;
  /** One sentence for the log. */
  readonly log: (message: string) => void;
  /** By which servers know each other that may share an engine; absent for none. */
  readonly version?: string;
  /** Where power comes from; the operating system's word where absent. */
  readonly power?: Pick<PowerSource, 'current'>;
  /** Makes the draft engine; one that other servers share, or {@link startEngine}, where absent. */
  readonly engine?: (...args: Parameters<typeof startEngine>) => Engine;
  /** What prompts show beside their own documents; nothing where absent. */
  readonly neighbours?: Pick<Neighbours, 'beside' | 'allowed'>;
}

const MINUTE = 60_000;

/**
 * Milliseconds after the draft for which the target's text is still worth while: for a completion made while typing it
 * takes the place of what is shown, which nobody wants to change under their eyes later; who asked for one by a key waits
 * for the answer. Lines that are added to a block change nothing that stands there, so they may come later.
 */
const PATIENCE = { typing: 1000, ahead: 1000, asked: 10_000 };
const BLOCK_PATIENCE = 3000;

/** Weight of the newest of the times in which drafts came. */
const NEWEST = 0.2;
const now = () => performance.now();
const samplingOf = ({ temperature, seed }: ServerSettings) =>
  temperature >= MIN_TEMPERATURE ? { temperature, seed } : undefined;

/**
 * Owns the draft engine and the channel to the edge node, and makes completions with what of them is there.
 * No failure of either reaches the user as anything but a state and a shorter path.
 */
export class CompletionService {
  readonly #options: ServiceOptions;
  readonly #powerSource: Pick<PowerSource, 'current'>;
  #draftMs: number | null = null;
  #settings: ServerSettings;
  #network: Network;
  readonly #model: DraftModel;
  readonly #frontOf = fronts();
  readonly #edge: EdgeSide;
  #status: ServerStatus = {
    draft: 'loading',
    edge: 'off',
    languages: null,
    reason: null,
    lastCompletion: null,
  };
  #draftReason: string | null = null;
  /** The last sentence in the log: it is not worth a line a keystroke. */
  #said: string | undefined;
  #started: Promise<void> | undefined;
  #disposed = false;

  constructor(options: ServiceOptions) {
    this.#options = options;
    this.#settings = options.settings;
    this.#network = new Network(options.settings, process.env);
    this.#powerSource = options.power ?? new PowerSource(now);
    this.#model = new DraftModel({
      start: (spec, onState) => this.#startEngine(spec, onState),
      onState: ({ status, reason }) => this.#enterDraft(status, reason),
      allowed: options.neighbours && ((uri) => options.neighbours!.allowed(uri)),
      idleMs: () => this.#settings.idleMinutes * MINUTE,
      after: (ms, run) => {
        const timer = setTimeout(run, ms).unref();
        return () => clearTimeout(timer);
      },
    });
    this.#edge = new EdgeSide({
      settings: () => this.#settings,
      network: () => this.#network,
      families: () => this.families.families,
      power: () => this.#power,
      adopt: async (directory) => {
        await this.#model.use(directory, false);
        return this.#model.family;
      },
      onState: () => this.#enter({}),
      log: (message) => this.#say(message),
      now,
      random: Math.random,
    });
  }

  get status(): ServerStatus {
    return this.#status;
  }

  /** Loads the draft model and connects to the edge node; both go on in the background. */
  start(): void {
    this.#started = this.#start();
  }

  configure(settings: ServerSettings): void {
    const old = this.#settings;
    const keeps = (...names: (keyof ServerSettings)[]) => names.every((name) => settings[name] === old[name]);
    const sameNetwork = keeps('proxy', 'noProxy', 'certificates');
    const same = sameNetwork && keeps('edgeUrl', 'edgeToken', 'draft', 'family');
    const sameAdapter = same && keeps('adapter');
    this.#settings = settings;
    if (!sameNetwork) {
      this.#network.dispose();
      this.#network = new Network(settings, process.env);
    }
    // Before the start nothing is loaded for either way.
    if (!keeps('draft', 'family') && this.#started) this.start();
    else if (!same) this.#connect();
    if (!sameAdapter) this.#edge.findAdapters();
    if (!same) return;
    // Another adapter may be one that the node has, or has not.
    if (this.#reason !== this.#status.reason) this.#enter({});
  }

  /** Where families are, and the directory of the one that is drafted with. */
  get families(): Places & { readonly used: string } {
    const { family: standard, families = dirname(standard) } = this.#options;
    return { standard, families, used: directoryOf(this.#settings.family, { standard, families }) };
  }

  /** The files of the family that is drafted with are others than they were. */
  reload(): void {
    if (this.#started) this.start();
  }

  /** A document is open: what its completions will need can be found out now. */
  opened(uri: string): void {
    this.wake();
    this.#edge.opened(uri);
  }

  /** Somebody is there: a model that sleeps comes up before it is asked. */
  wake(): void {
    const { enabled, automatic } = this.#settings;
    // Who has to ask first may not ask at all.
    if (enabled && automatic && pausedBy(this.#settings, this.#power) === null) this.#model.wake();
  }

  closed(uri: string): void {
    this.#edge.closed(uri);
  }

  /** What texts of a document are good for now. */
  scopeOf(uri: string): Scope {
    const { temperature, seed } = this.#settings;
    const model = [this.#model.family?.id ?? '', temperature, seed].join(' ');
    return { model, adapter: this.#edge.adapterNow(uri) };
  }

  /** Why a document gets no completion now; undefined where it may get one. */
  refusal({
    language,
    explicit,
  }: {
    readonly language: string;
    readonly explicit: boolean;
  }): Refusal | undefined {
    // Nobody tells when a plug is pulled: it is seen when somebody types.
    if (this.#reason !== this.#status.reason) this.#enter({});
    const { state, asked } = this.#edge;
    return refusalOf({
      settings: this.#settings,
      family: this.#model.family,
      language,
      explicit,
      power: this.#power,
      connected: state.status === 'connected',
      asked: asked !== undefined,
      reason: this.#reason,
    });
  }

  /** The way to the network, as it is set now. */
  get network(): Network {
    return this.#network;
  }

  /** UTF-16 code units of other files that a prompt has room for. */
  get roomBeside(): number {
    return roomBeside(this.#model.family);
  }

  /** UTF-16 code units around a cursor that a prompt takes; undefined where no family is there yet. */
  get reach(): WindowSize | undefined {
    const { family } = this.#model;
    return family && reachOf(family.context);
  }

  /** Whether the edge node can be asked now. */
  get verifies(): boolean {
    return this.#edge.asked !== undefined;
  }

  /** What is known of the user's typing and machine. */
  get typing(): { readonly draftMs: number | null; readonly power: keyof typeof BUDGETS } {
    return { draftMs: this.#draftMs, power: this.#power };
  }

  /**
   * The texts for a place as they come: the draft, then the target's own if it is there in time.
   * Nothing where there is nothing to show.
   * @throws the reason of `signal` when that is aborted.
   */
  async *candidates(
    { cursor, language, purpose }: Work,
    signal: AbortSignal,
  ): AsyncGenerator<Candidate, void> {
    await this.#started;
    const { family, engine, recollection, drafts } = this.#model;
    if (!this.#settings.enabled || !engine || !family || !recollection) return;
    const enough = new AbortController();
    const stop = AbortSignal.any([signal, enough.signal]);
    const edge = this.#edge.asked;
    if (!edge && !drafts) return;
    const adapter = edge ? await unless(signal, this.#edge.adapterOf(cursor.uri)) : '';
    const front = await this.#frontAt(cursor.uri, { family, tokenizer: engine }, signal);
    const block = blockAt({
      place: placeOf(cursor, language),
      multiline: this.#settings.multiline,
      written: family.extent ?? 'block',
      verifies: edge !== undefined,
    });
    const patience = Math.max(PATIENCE[purpose], block ? BLOCK_PATIENCE : 0);
    const draft = drafts ? engine : tokenizerOf(engine);
    const parts = { family, draft, edge, now, onTrace: (trace: CompletionTrace) => this.#trace(trace) };
    const line = (written: string) => {
      const at = written === '' ? cursor : behind(cursor, written);
      return complete(
        parts,
        {
          ...at,
          // A prompt that has the suffix first grows at its end as it is.
          ...(family.fim.order === 'prefix-first' && { anchor: recollection.anchorAt(at) }),
          front: front.tokens,
          adapter,
          sampling: samplingOf(this.#settings),
          patience,
          others: [front.tokens, ...recollection.othersThan(cursor.uri)],
          remembered: recollection.rememberedAt(at),
        },
        stop,
      );
    };
    const candidates = block ? completeBlock({ line, now, ...block }) : line('');
    let best: Candidate | undefined;
    let timer: NodeJS.Timeout | undefined;
    try {
      for await (const made of candidates) {
        const candidate = besideOf(made, front);
        best = candidate;
        timer ??= setTimeout(() => enough.abort(), patience);
        this.#note(candidate, purpose);
        if (candidate.text) yield candidate;
      }
    } catch (error) {
      signal.throwIfAborted();
      if (!enough.signal.aborted) this.#failed(error, adapter);
    } finally {
      clearTimeout(timer);
      // What nobody asked for is no memory of where somebody was.
      if (best && purpose !== 'ahead')
        recollection.keep(cursor, { text: best.text, verified: best.report.path === 'speculated' });
    }
  }

  /** What prompts in a document begin with. @throws the reason of `signal` when that is aborted. */
  async #frontAt(uri: string, parts: PromptParts, signal: AbortSignal): Promise<Front> {
    const made = async () => {
      const beside = await this.#options.neighbours?.beside(uri);
      return beside && this.#frontOf(parts, beside);
    };
    return (await unless(signal, made())) ?? { tokens: [], shown: [] };
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    this.#edge.dispose();
    this.#network.dispose();
    await this.#model.dispose();
  }

  get #power(): keyof typeof BUDGETS {
    const { power } = this.#settings;
    return power === 'auto' ? this.#powerSource.current : power;
  }

  #note({ report }: Candidate, purpose: Work['purpose']): void {
    if (report.path === 'speculated') this.#edge.answered();
    if (report.firstTextMs !== null)
      this.#draftMs = (this.#draftMs ?? report.firstTextMs) * (1 - NEWEST) + report.firstTextMs * NEWEST;
    if (purpose !== 'ahead') this.#enter({ lastCompletion: report });
  }

  #trace(trace: CompletionTrace): void {
    const { traceFile } = this.#settings;
    if (!traceFile) return;
    const line = JSON.stringify({ time: new Date().toISOString(), family: this.#model.family?.id, ...trace });
    appendFile(traceFile, `${line}\n`).catch((error: unknown) => {
      const { code } = error as NodeJS.ErrnoException;
      this.#say(`The trace file ${traceFile} cannot be written (${code ?? 'unknown'}).`);
    });
  }

  #startEngine(...[spec, onState]: Parameters<typeof startEngine>): Engine {
    const { engine, version, log } = this.#options;
    if (engine) return engine(spec, onState);
    if (version === undefined || !this.#settings.shareEngine) return startEngine(spec, onState);
    return startSharedEngine(spec, { version, log }, onState);
  }

  async #start(): Promise<void> {
    // What it is told of the family would be wrong now, also where the other one cannot be read.
    this.#edge.disconnect();
    await this.#model.use(this.families.used, this.#settings.draft);
    this.#connect();
  }

  #connect(): void {
    // Before the start there is nothing to connect for, and a client may not hear of us before `initialize` is answered.
    const { family } = this.#model;
    if (family && !this.#disposed) this.#edge.connect(family);
  }

  /** What is no state is worth a line in the log, once. */
  #failed(error: unknown, adapter: string): void {
    const message = this.#edge.failed(error, adapter);
    if (message !== undefined && message !== this.#said && message !== this.#status.reason)
      this.#say(message);
  }

  #say(message: string): void {
    this.#said = message;
    this.#options.log(message);
  }

  get #reason(): string | null {
    const settings = this.#settings;
    const own = this.#draftReason ?? this.#edge.reason;
    return own ?? nobodyWrites(settings) ?? pausedBy(settings, this.#power);
  }

  #enterDraft(state: RestingState['status'], reason: string | null): void {
    this.#draftReason = reason;
    // A vocabulary that is there, or comes back at once, is nobody's news.
    const idle = state === 'ready' || state === 'asleep';
    this.#enter({ draft: idle && !this.#settings.draft ? 'off' : state });
  }

  #enter(change: Partial<ServerStatus>): void {
    const reason = this.#reason;
    if (reason && reason !== this.#status.reason) this.#say(reason);
    const languages = this.#model.family?.languages ?? null;
    this.#status = { ...this.#status, edge: this.#edge.state.status, languages, ...change, reason };
    this.#options.onStatus(this.#status);
  }
}

/** Of an engine that writes nothing all that it does. */
function tokenizerOf(engine: Engine): Pick<Engine, 'tokenize' | 'detokenize'> {
  return {
    tokenize: (text, signal) => engine.tokenize(text, signal),
    detokenize: (tokens, signal) => engine.detokenize(tokens, signal),
  };
}

/** The cursor after something was written at it. */
function behind({ uri, text, offset }: Cursor, written: string): Cursor {
  return { uri, text: text.slice(0, offset) + written + text.slice(offset), offset: offset + written.length };
}
