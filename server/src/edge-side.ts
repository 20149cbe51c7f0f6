import { identityOf } from '@foretype/edge-node/protocol';
import { loadFamily, type Family } from '@foretype/models';
import { isDeepStrictEqual } from 'node:util';
import { exposure, readAddress } from './address.ts';
import { Backoff } from './backoff.ts';
import type { Channel, EdgeState } from './channel.ts';
import type { Edge } from './completion.ts';
import { Control } from './control.ts';
import { familyOfNode } from './families/of-node.ts';
import { fetchThrough } from './families/fetch.ts';
import type { Network } from './network.ts';
import { BUDGETS } from './policy.ts';
import { Projects } from './projects.ts';
import type { ServerSettings } from './protocol.ts';
import { EdgeError } from './rounds.ts';

export interface EdgeSideOptions {
  readonly settings: () => ServerSettings;
  readonly network: () => Network;
  /** Directory of the families that were installed. */
  readonly families: () => string;
  readonly power: () => keyof typeof BUDGETS;
  /** Has the family in a directory take the place of the one that is used, without its weights. */
  readonly adopt: (directory: string) => Promise<Family | undefined>;
  /** Called whenever {@link EdgeSide.state} or {@link EdgeSide.reason} may have changed. */
  readonly onState: () => void;
  /** One sentence for the log. */
  readonly log: (message: string) => void;
  /** Milliseconds on a clock that only moves forward. */
  readonly now: () => number;
  /** A number from 0 to 1. */
  readonly random: () => number;
}

const OFF: EdgeState = { status: 'off', reason: null };
/** Milliseconds for which the backbone answers instead of an adapter that the node has to load. */
const LOADING_MS = 2000;

/** The node's side: the channel to it, what work with it was like so far, and whose adapter answers for which document. */
export class EdgeSide {
  readonly #options: EdgeSideOptions;
  readonly #projects = new Projects();
  readonly #backoff = new Backoff();
  /** By open document the adapter that was last found for it. */
  readonly #adapters = new Map<string, string>();
  /** An adapter that the node is loading, and when it is asked for again; the backbone answers until then. */
  #loading = { adapter: '', until: 0 };
  #channel: Channel | undefined;
  /** Counts the connections that were asked for: only the last of them is made. */
  #turn = 0;
  #control: Control | undefined;
  #state = OFF;
  /** Ends the getting of the node's family, as long as that is under way. */
  #adoption: AbortController | undefined;
  /** The last warning of an exposed token: it is not worth a line a change of settings. */
  #warned: string | undefined;

  constructor(options: EdgeSideOptions) {
    this.#options = options;
  }

  get state(): EdgeState {
    return this.#state;
  }

  /** One sentence where the node cannot be asked, or lacks the adapter that is set: it would refuse every round. */
  get reason(): string | null {
    return this.#state.reason ?? this.#missingAdapter;
  }

  /** The node, where it is there, has the adapter and has not too much to do. */
  get asked(): Edge | undefined {
    if (
      this.#state.status !== 'connected' ||
      this.#missingAdapter ||
      this.#backoff.isDue(this.#options.now())
    )
      return undefined;
    return this.#channel && this.#control && { verifier: this.#channel, control: this.#control };
  }

  /** Connects to the node that is set, in place of another, as one who uses `family`. */
  connect(family: Family): void {
    this.#leave();
    const { settings, network, power, now, random } = this.#options;
    const { edgeUrl: url, edgeToken: token, draft } = settings();
    if (!url) {
      this.#enter(OFF);
      return;
    }
    this.#enter({ status: 'connecting', reason: null });
    this.#warn(url, token);
    // Without a draft the node's text is not the better one but the only one.
    this.#control = new Control({ now, jPerHour: draft ? () => BUDGETS[power()] : undefined });
    const turn = this.#turn;
    // Reading what a connection takes is most of a start, which nobody need wait for who has no node.
    void import('./channel.ts').then(({ Channel }) => {
      if (turn !== this.#turn) return;
      this.#channel = new Channel({
        url,
        token,
        network: network(),
        identity: identityOf(family),
        onState: (state) => {
          // A family that is on its way is no refusal yet.
          if (!this.#adoption || state.status !== 'refused') this.#enter(state);
        },
        onIncompatible: draft ? undefined : () => void this.#adopt(family),
        random,
      });
    });
  }

  disconnect(): void {
    const off = this.#state.status === 'off';
    this.#leave();
    if (!off) this.#enter(OFF);
  }

  dispose(): void {
    this.#leave();
  }

  /** Finds out the adapter of a document that was opened, so that its first completion need not wait for that. */
  opened(uri: string): void {
    this.#adapters.set(uri, '');
    this.#find(uri);
  }

  closed(uri: string): void {
    this.#adapters.delete(uri);
  }

  /** Another adapter is set: what is known of documents' adapters is so no more. */
  findAdapters(): void {
    for (const uri of this.#adapters.keys()) {
      this.#adapters.set(uri, '');
      this.#find(uri);
    }
  }

  /** The adapter that is set, or that the node has for the document's project; empty for the backbone. */
  async adapterOf(uri: string): Promise<string> {
    const { adapter: name } = this.#options.settings();
    const project = name ? undefined : await this.#projects.of(uri);
    if (!this.#channel || (!name && project === undefined)) return '';
    const adapter = await this.#channel.adapterOf(project === undefined ? { name } : { project });
    if (this.#adapters.has(uri)) this.#adapters.set(uri, adapter);
    return this.#unlessLoading(adapter);
  }

  /** The same, as far as it is known. */
  adapterNow(uri: string): string {
    return this.#unlessLoading(this.#adapters.get(uri) ?? '');
  }

  /** A round was answered to its end. */
  answered(): void {
    this.#backoff.answered();
  }

  /** @returns a sentence for the log; undefined where the node went away, which is a state already. */
  failed(error: unknown, adapter: string): string | undefined {
    const { now, random } = this.#options;
    const code = error instanceof EdgeError ? error.code : undefined;
    if (code === 'away') return undefined;
    if (code === 'busy') this.#backoff.busy(now(), random());
    if (code === 'loading') this.#loading = { adapter, until: now() + LOADING_MS };
    return error instanceof Error ? error.message : String(error);
  }

  #unlessLoading(adapter: string): string {
    return adapter === this.#loading.adapter && this.#options.now() < this.#loading.until ? '' : adapter;
  }

  #find(uri: string): void {
    // Whose project it is, is nobody's business where there is no node.
    if (this.#channel) this.adapterOf(uri).catch(() => undefined);
  }

  #leave(): void {
    this.#turn++;
    this.#adoption?.abort();
    this.#adoption = undefined;
    this.#channel?.dispose();
    this.#channel = this.#control = undefined;
  }

  #enter(state: EdgeState): void {
    const before = this.#state.status;
    this.#state = state;
    if (state.status === 'connected') {
      // A node that came back may have other adapters.
      if (before !== 'connected') this.findAdapters();
      // Asked for at once, so that the node tells when it gets an adapter that it lacks.
      const { adapter: name } = this.#options.settings();
      if (name) void this.#channel?.adapterOf({ name });
    }
    this.#options.onState();
  }

  get #missingAdapter(): string | null {
    const { adapter } = this.#options.settings();
    const adapters = this.#channel?.adapters ?? [];
    if (this.#state.status !== 'connected' || adapter === '' || adapters.includes(adapter)) return null;
    return `The edge node has no adapter named ${adapter}; it has ${adapters.join(', ') || 'none'}.`;
  }

  /** A token that others can read on its way is the user's choice in an office, but one to know of. */
  #warn(url: string, token: string): void {
    const address = readAddress(url);
    const warning = token && typeof address !== 'string' ? exposure(address) : undefined;
    if (warning && warning !== this.#warned) this.#options.log(warning);
    this.#warned = warning ?? this.#warned;
  }

  /**
   * Takes the family of the node in place of `own`, which it does not serve: where nothing is written here there is only
   * its vocabulary to be had. It comes from the node itself, and counts until anything about the connection is changed.
   */
  async #adopt(own: Family): Promise<void> {
    const { settings, network, families, adopt } = this.#options;
    const { edgeUrl: url, edgeToken: token } = settings();
    const adoption = new AbortController();
    const { signal } = adoption;
    this.#adoption = adoption;
    // Whatever is changed about the connection ends it.
    const counts = () => this.#adoption === adoption;
    const over = (state: EdgeState) => {
      if (!counts()) return;
      this.#adoption = undefined;
      this.#enter(state);
    };
    const fetch = fetchThrough(network());
    try {
      const directory = await familyOfNode({ url, token, fetch, families: families(), id: own.id, signal });
      const theirs = await loadFamily(directory);
      // It is not the family, then; what it is the node has said already.
      if (isDeepStrictEqual(identityOf(theirs), identityOf(own))) over(this.#channel?.state ?? OFF);
      if (!counts()) return;
      const family = await adopt(directory);
      if (counts() && family) this.connect(family);
    } catch (error) {
      over({ status: 'refused', reason: error instanceof Error ? error.message : String(error) });
    }
  }
}
