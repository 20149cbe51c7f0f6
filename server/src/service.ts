import { identityOf } from '@foretype/edge-node/protocol';
import { loadFamily, MIN_TEMPERATURE, startEngine, startSharedEngine, unless, type Engine, type Family } from '@foretype/models';
import type { Front, PromptParts } from '@foretype/models';
import { appendFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { exposure, readAddress } from './address.ts';
import type { Cursor } from './anchor.ts';
import { Backoff } from './backoff.ts';
import { besideOf, fronts, roomBeside } from './context/fronts.ts';
import type { Neighbours } from './context/neighbours.ts';
import { completeBlock, type BlockParts } from './block.ts';
import { Channel, type EdgeState } from './channel.ts';
import { complete, type Candidate } from './completion.ts';
import { Control } from './control.ts';
import { DraftModel } from './draft-model.ts';
import { familyOfNode } from './families/of-node.ts';
import { fetchThrough } from './families/outlet.ts';
import { directoryOf, type Places } from './families/place.ts';
import { Network } from './network.ts';
import { extentAt } from './filters/extent.ts';
import { placeAt } from './filters/place.ts';
import { BUDGETS } from './policy.ts';
import { PowerSource } from './power.ts';
import { Projects } from './projects.ts';
import type { ServerSettings, ServerStatus } from './protocol.ts';
import type { RestingState } from './resting-engine.ts';
import { EdgeError } from './rounds.ts';
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

/** From which states of the power on completions come only when they are asked for. */
const PAUSED = { never: [], saver: ['saver'], battery: ['battery', 'saver'] } as const;
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
const EDGE_OFF: EdgeState = { status: 'off', reason: null };
/** Milliseconds for which the backbone answers instead of an adapter that the node has to load. */
const LOADING_MS = 2000;
/** What is said where there is no draft model, and no node to write instead of it. */
const NOBODY =
  'The draft model is turned off and no edge node is set, so that nobody writes completions; turn it on or set a node.';
const UNCONNECTED = 'The edge node, which writes the completions, is not connected yet.';
const BUSY = 'The edge node, which writes the completions, has too much to do; it is asked again soon.';
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
  readonly #projects = new Projects();
  readonly #backoff = new Backoff();
  /** An adapter that the node is loading, and when it is asked for again; the backbone answers until then. */
  #loading = { adapter: '', until: 0 };
  /** By document the adapter that was last found for it. */
  readonly #adapters = new Map<string, string>();
  #draftMs: number | null = null;
  #settings: ServerSettings;
  #network: Network;
  readonly #model: DraftModel;
  readonly #frontOf = fronts();
  /** Ends the getting of the node's family, as long as that is under way. */
  #adoption: AbortController | undefined;
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
    if (!sameAdapter) this.#findAdapters();
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
    this.#adapters.set(uri, '');
    // Whose project it is, is nobody's business where there is no node.
    if (this.#channel) this.#adapterFor(uri).catch(() => undefined);
  }

  /** Somebody is there: a model that sleeps comes up before it is asked. */
  wake(): void {
    const { enabled, automatic } = this.#settings;
    // Who has to ask first may not ask at all.
    if (enabled && automatic && !this.#paused) this.#model.wake();
  }

  closed(uri: string): void {
    this.#adapters.delete(uri);
  }

  /** What texts of a document are good for now. */
  scopeOf(uri: string): Scope {
    const { temperature, seed } = this.#settings;
    const model = [this.#model.family?.id ?? '', temperature, seed].join(' ');
    return { model, adapter: this.#asked(this.#adapters.get(uri) ?? '') };
  }

  /** Why a document gets no completion now; undefined where it may get one. */
  refusal({
    language,
    explicit,
  }: {
    readonly language: string;
    readonly explicit: boolean;
  }): Refusal | undefined {
    const { enabled, automatic, languages } = this.#settings;
    if (!enabled) return { message: 'Completions are turned off.', stays: false };
    if (!this.#settings.draft && !this.#askable) return { message: this.#silence, stays: true };
    if (explicit) return undefined;
    if (!automatic) return { message: 'Completions come only when they are asked for.', stays: true };
    const paused = this.#paused;
    // Nobody tells when a plug is pulled: it is seen when somebody types.
    if (this.#reason !== this.#status.reason) this.#enter({});
    if (paused) return { message: paused, stays: true };
    return (languages[language] ?? languages['*'] ?? true)
      ? undefined
      : { message: `Completions are off for ${language}.`, stays: true };
  }

  /** The way to the network, as it is set now. */
  get network(): Network {
    return this.#network;
  }

  /** UTF-16 code units of other files that a prompt has room for. */
  get roomBeside(): number {
    return roomBeside(this.#model.family);
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
   * The texts for a place as they come: the draft, then the target's own if it is there in time.
   * Nothing where there is nothing to show.
   * @throws the reason of `signal` when that is aborted.
   */
  async *candidates({ cursor, language, purpose }: Work, signal: AbortSignal): AsyncGenerator<Candidate, void> {
    await this.#started;
    const { family, engine, recollection, drafts } = this.#model;
    if (!this.#settings.enabled || !engine || !family || !recollection) return;
    const enough = new AbortController();
    const stop = AbortSignal.any([signal, enough.signal]);
    const edge = this.#askable;
    if (!edge && !drafts) return;
    const adapter = edge ? await unless(signal, this.#adapterFor(cursor.uri)) : '';
    const front = await this.#frontAt(cursor.uri, { family, tokenizer: engine }, signal);
    const block = this.#blockAt({ cursor, language }, family, edge !== undefined);
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
      if (!enough.signal.aborted) this.#explain(error, adapter);
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
    this.#adoption?.abort();
    this.#channel?.dispose();
    this.#network.dispose();
    await this.#model.dispose();
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
    return this.#asked(adapter);
  }

  /** The adapter that is asked for instead of one that the node has to load. */
  #asked(adapter: string): string {
    return adapter === this.#loading.adapter && now() < this.#loading.until ? '' : adapter;
  }

  /** Where several lines are to be completed, and by whom; undefined where it is one. */
  #blockAt(
    { cursor, language }: Pick<Work, 'cursor' | 'language'>,
    { extent }: Family,
    verifies: boolean,
  ): Pick<BlockParts, 'place' | 'unverified'> | undefined {
    const { multiline } = this.#settings;
    const unverified = multiline === 'always';
    // What a draft model writes by itself is good for a line, of a small family what its target writes, too.
    if (multiline === 'never' || (!unverified && (extent === 'line' || !verifies))) return undefined;
    const place = placeAt(cursor.text, cursor.offset, language);
    return extentAt(place) === 'block' ? { place, unverified } : undefined;
  }

  #note({ report }: Candidate, purpose: Work['purpose']): void {
    if (report.path === 'speculated') this.#backoff.answered();
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

  /** One sentence where power is to be saved by waiting to be asked. */
  get #paused(): string | null {
    const { enabled, automatic, pauseOn } = this.#settings;
    const paused: readonly string[] = PAUSED[pauseOn];
    if (!enabled || !automatic || !paused.includes(this.#power)) return null;
    const when = this.#power === 'saver' ? 'while power is saved' : 'on battery';
    return `Completions are paused ${when}; ask for one with the key.`;
  }

  async #start(): Promise<void> {
    // What it is told of the family would be wrong now, also where the other one cannot be read.
    this.#disconnect();
    await this.#model.use(this.families.used, this.#settings.draft);
    this.#connect();
  }

  #disconnect(): void {
    this.#adoption?.abort();
    this.#adoption = undefined;
    if (!this.#channel) return;
    this.#channel.dispose();
    this.#channel = this.#control = undefined;
    this.#enterEdge(EDGE_OFF);
  }

  #connect(): void {
    this.#adoption?.abort();
    this.#adoption = undefined;
    // Before the start there is nothing to connect for, and a client may not hear of us before `initialize` is answered.
    const { family } = this.#model;
    if (!family || this.#disposed) return;
    this.#channel?.dispose();
    this.#channel = this.#control = undefined;
    const { edgeUrl: url, edgeToken: token, draft } = this.#settings;
    if (!url) {
      this.#enterEdge(EDGE_OFF);
      return;
    }
    this.#enterEdge({ status: 'connecting', reason: null });
    this.#warn(url, token);
    // Without a draft the node's text is not the better one but the only one.
    this.#control = new Control({ now, jPerHour: draft ? () => BUDGETS[this.#power] : undefined });
    this.#channel = new Channel({
      url,
      token,
      network: this.#network,
      identity: identityOf(family),
      onState: (state) => {
        // A family that is on its way is no refusal yet.
        if (!this.#adoption || state.status !== 'refused') this.#enterEdge(state);
      },
      onIncompatible: draft ? undefined : () => void this.#adopt(family),
      random: Math.random,
    });
  }

  /**
   * Takes the family of the node in place of `own`, which it does not serve: where nothing is written here there is only
   * its vocabulary to be had. It comes from the node itself, and counts until anything about the connection is changed.
   */
  async #adopt(own: Family): Promise<void> {
    const { edgeUrl: url, edgeToken: token } = this.#settings;
    const { families } = this.families;
    const adoption = new AbortController();
    const { signal } = adoption;
    this.#adoption = adoption;
    // Whatever is changed about the connection ends it.
    const counts = () => this.#adoption === adoption;
    const over = (state: EdgeState) => {
      if (!counts()) return;
      this.#adoption = undefined;
      this.#enterEdge(state);
    };
    const fetch = fetchThrough(this.#network);
    try {
      const directory = await familyOfNode({ url, token, fetch, families, id: own.id, signal });
      const theirs = await loadFamily(directory);
      // It is not the family, then; what it is the node has said already.
      if (isDeepStrictEqual(identityOf(theirs), identityOf(own))) over(this.#channel?.state ?? EDGE_OFF);
      if (!counts()) return;
      await this.#model.use(directory, false);
      if (counts()) this.#connect();
    } catch (error) {
      over({ status: 'refused', reason: error instanceof Error ? error.message : String(error) });
    }
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
    const { draft, edgeUrl } = this.#settings;
    const nobody = draft || edgeUrl ? null : NOBODY;
    return this.#draftReason ?? this.#edge.reason ?? this.#missingAdapter ?? nobody ?? this.#paused;
  }

  /** Why there is no completion, where the edge node would have to write it and cannot be asked. */
  get #silence(): string {
    const busy = this.#edge.status === 'connected' ? BUSY : UNCONNECTED;
    return this.#reason ?? busy;
  }

  #enterDraft(state: RestingState['status'], reason: string | null): void {
    this.#draftReason = reason;
    // A vocabulary that is there, or comes back at once, is nobody's news.
    const idle = state === 'ready' || state === 'asleep';
    this.#enter({ draft: idle && !this.#settings.draft ? 'off' : state });
  }

  /** What is known of documents' adapters is of another node, or of another setting. */
  #findAdapters(): void {
    for (const uri of this.#adapters.keys()) {
      this.#adapters.set(uri, '');
      if (this.#channel) this.#adapterFor(uri).catch(() => undefined);
    }
  }

  #enterEdge(edge: EdgeState): void {
    // A node that came back may have other adapters.
    if (edge.status === 'connected' && this.#edge.status !== 'connected') this.#findAdapters();
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
