/** What the node tells of itself in figures: sessions, engines and HTTP report here, and do not know who reads it. */

/** One round, or one completion of a client that drafts nothing. */
export interface RoundFigures {
  readonly family: string;
  /** Name or id of the adapter; empty for the backbone. */
  readonly adapter: string;
  /** `verified`, or the code of the failure. */
  readonly outcome: string;
  /** Tokens of the draft, and those of them that the target would have written itself. */
  readonly drafted: number;
  readonly accepted: number;
  /** Tokens of the target's own. */
  readonly own: number;
  /** Tokens of the context, and those of them that were not in the KV cache. */
  readonly context: number;
  readonly fresh: number;
  /** Milliseconds from the request to the end of its answer. */
  readonly spentMs: number;
}

/** What an engine evaluated in one piece. */
export interface EvaluationFigures {
  readonly family: string;
  readonly tokens: number;
  readonly spentMs: number;
}

/** Something that happened to what is in memory, see `FleetEvent`. */
export interface HostingFigures {
  readonly kind: 'hit' | 'miss' | 'loaded' | 'recycled' | 'unloaded' | 'state';
  readonly family: string;
  /** Of what was loaded. */
  readonly bytes?: number;
  /** Adapters that had to go. */
  readonly evicted?: number;
}

/** One answered HTTP request. */
export interface RequestFigures {
  readonly method: string;
  /** The route as it is registered, never a path that a client made up; undefined where there is none. */
  readonly route: string | undefined;
  readonly status: number;
  readonly spentMs: number;
}

export interface Metrics {
  round(figures: RoundFigures): void;
  evaluation(figures: EvaluationFigures): void;
  hosting(figures: HostingFigures): void;
  request(figures: RequestFigures): void;
  /** An error that a client was told of outside a round, by its code. */
  failure(code: string): void;
}
