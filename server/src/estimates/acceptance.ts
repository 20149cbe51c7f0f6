/** Pure: how much of a draft stands, by its source, the adapter, the place in the draft, and how sure the source was. */
import { COUNT_LIFE, half, ROUND_LIFE, sum } from './memory.ts';

/** Who drafted: the draft model, prompt lookup, or the memory of an earlier completion. */
export type Source = 'neural' | 'lookup' | 'memory';

/** The longest draft that is planned or counted. */
export const DEPTH = 16;

/** Acceptance of a single token before anything was seen. */
export const ACCEPTANCE_PRIOR = { neural: 0.75, lookup: 0.6, memory: 0.85 } as const;

/**
 * How much of a draft stood. `drafted` counts the tokens that could be compared with the target's text, sent or not: where
 * all that was sent stands, what was drafted meanwhile is compared with the tokens the node wrote by itself. What follows
 * an end token, or the end of the known text, was not compared.
 */
export interface Agreement {
  readonly adapter: string;
  readonly source: Source;
  readonly drafted: number;
  readonly accepted: number;
  /** How sure the source was of each token, 0 to 1, by a measure of its own; absent where it does not say. */
  readonly sureness?: readonly number[];
}

interface Counts {
  readonly hits: readonly number[];
  readonly tries: readonly number[];
}

/** Product-limit counts: tries[k] drafts had k tokens stand and one more judged; in hits[k] of them it stood too. */
interface Curve extends Counts {
  /** Acceptance of a single token to fall back on. */
  readonly base: number;
  /** The same counts by {@link bandOf} the sureness instead of by position. */
  readonly bands: Counts;
  /** The last rounds: counts, and how far the hits exceed what the curve foretold, with the variance of that. */
  readonly recent: {
    readonly hits: number;
    readonly tries: number;
    readonly excess: number;
    readonly variance: number;
  };
  readonly at: number;
}

/** By `source adapter`; the one not used for longest leaves first. */
export type Curves = Readonly<Record<string, Curve>>;

/** What is known of a source with one adapter. */
export interface Acceptance {
  /** P(the first k drafted tokens all stand), at index k - 1, never rising. */
  readonly standing: readonly number[];
  /** How many observations each position rests on, recent ones counting most. */
  readonly evidence: readonly number[];
  /** P(a token stands | all before it do), by how sure the source was of it; see {@link trust}. */
  readonly bands: readonly number[];
}

/** Half-life in rounds of what contradicts a curve. */
const RECENT_LIFE = 12;
const CURVES = 24;
/** Prior observations: of the pooled acceptance, of each position around it, of each band. */
const BASE_WEIGHT = 8;
const POSITION_WEIGHT = 3;
const BAND_WEIGHT = 4;
/** Standard deviations by which the last rounds must miss a curve to replace it: seldom by chance. */
const SURPRISE = 3;

/** Upper bounds of the bands of sureness; the last one ends at 1. Most of what a draft model writes is above 0.9. */
const BANDS = [0.3, 0.5, 0.7, 0.85, 0.95, 0.99];
const MIDDLES = [0.2, 0.4, 0.6, 0.78, 0.9, 0.97, 0.995];

const zeros = (length: number): Counts => ({
  hits: Array<number>(length).fill(0),
  tries: Array<number>(length).fill(0),
});
const UNSURPRISED = { hits: 0, tries: 0, excess: 0, variance: 0 };

/** P(a token stands | all before it do) for a source that is so sure of it: what such sureness was worth so far. */
export function trust({ bands }: Acceptance, sureness: number): number {
  return bands[bandOf(sureness)]!;
}

/** What is believed at `now` (ms). */
export function acceptanceOf(curves: Curves, source: Source, adapter: string, now: number): Acceptance {
  const curve = older(curves[keyOf(source, adapter)] ?? newCurve(curves, source, now), now);
  const rate = pooled(curve);
  return {
    standing: standing(curve),
    evidence: curve.tries,
    bands: curve.bands.hits.map((hits, band) => {
      // Until it is known, sureness is half believed.
      const prior = (rate + MIDDLES[band]!) / 2;
      return (hits + BAND_WEIGHT * prior) / (curve.bands.tries[band]! + BAND_WEIGHT);
    }),
  };
}

/** Counts one more comparison, made at `at` (ms). */
export function countAgreement(
  curves: Curves,
  { source, adapter, drafted, accepted, sureness = [] }: Agreement,
  at: number,
): Curves {
  const judged = Math.min(drafted, accepted + 1, DEPTH);
  if (judged === 0) return curves;
  const key = keyOf(source, adapter);
  const curve = older(curves[key] ?? newCurve(curves, source, at), at);
  const foretold = conditional(curve).slice(0, judged);
  const stood = Math.min(accepted, judged);
  const keep = half(1, RECENT_LIFE);
  const recent = {
    hits: keep * curve.recent.hits + stood,
    tries: keep * curve.recent.tries + judged,
    excess: keep * curve.recent.excess + stood - sum(foretold),
    variance: keep * keep * curve.recent.variance + sum(foretold.map((rate) => rate * (1 - rate))),
  };
  const known = sum(curve.tries) > 4 * BASE_WEIGHT;
  const changed = known && recent.excess ** 2 > SURPRISE ** 2 * recent.variance;
  const bands = sureness.slice(0, judged).map(bandOf);
  const counted: Curve = {
    ...(changed ? restart(curve, (recent.hits + 0.5) / (recent.tries + 1), at) : curve),
    ...(!changed && {
      hits: curve.hits.map((hits, index) => hits + (index < stood ? 1 : 0)),
      tries: curve.tries.map((tries, index) => tries + (index < judged ? 1 : 0)),
      bands: {
        hits: curve.bands.hits.map((hits, band) => hits + countOf(bands.slice(0, stood), band)),
        tries: curve.bands.tries.map((tries, band) => tries + countOf(bands, band)),
      },
      recent,
      at,
    }),
  };
  const others = Object.entries(curves).filter(([name]) => name !== key);
  return Object.fromEntries([...others.slice(-(CURVES - 1)), [key, counted]]);
}

/** Counts fade with the rounds of their adapter, drafted or not: what is not tried is forgotten too. */
export function roundPasses(curves: Curves, adapter: string): Curves {
  const keep = half(1, ROUND_LIFE);
  return Object.fromEntries(
    Object.entries(curves).map(([key, curve]) => [
      key,
      key.slice(key.indexOf(' ') + 1) === adapter ? shrunk(curve, keep) : curve,
    ]),
  );
}

function keyOf(source: Source, adapter: string): string {
  return `${source} ${adapter}`;
}

function bandOf(sureness: number): number {
  const band = BANDS.findIndex((bound) => sureness < bound);
  return band === -1 ? BANDS.length : band;
}

function countOf(bands: readonly number[], wanted: number): number {
  return bands.filter((band) => band === wanted).length;
}

/** A new adapter is believed to be like those seen with the same source. */
function newCurve(curves: Curves, source: Source, at: number): Curve {
  const like = Object.entries(curves).filter(([key]) => key.startsWith(`${source} `));
  const rates = like.map(([, curve]) => pooled(curve));
  return startCurve((sum(rates) + ACCEPTANCE_PRIOR[source]) / (rates.length + 1), at);
}

function startCurve(base: number, at: number): Curve {
  return { ...zeros(DEPTH), base, bands: zeros(BANDS.length + 1), recent: UNSURPRISED, at };
}

/** What sureness is worth changes less than how often the source is sure. */
function restart({ bands }: Curve, base: number, at: number): Curve {
  return { ...startCurve(base, at), bands: faded(bands, 0.5) };
}

/** Acceptance of a single token, wherever it stands. */
function pooled({ hits, tries, base }: Curve): number {
  return (sum(hits) + BASE_WEIGHT * base) / (sum(tries) + BASE_WEIGHT);
}

/** P(token k + 1 stands | the first k do): its own count, drawn to the pooled rate while there is little of it. */
function conditional(curve: Curve): number[] {
  const rate = pooled(curve);
  return curve.hits.map(
    (hits, index) => (hits + POSITION_WEIGHT * rate) / (curve.tries[index]! + POSITION_WEIGHT),
  );
}

/** The product-limit estimate (Kaplan and Meier 1958): a draft cut short says nothing of the positions after it. */
function standing(curve: Curve): number[] {
  let all = 1;
  return conditional(curve).map((rate) => (all *= rate));
}

function older(curve: Curve, now: number): Curve {
  return shrunk(curve, half(now - curve.at, COUNT_LIFE));
}

function shrunk(curve: Curve, keep: number): Curve {
  return { ...curve, ...faded(curve, keep), bands: faded(curve.bands, keep) };
}

function faded({ hits, tries }: Counts, keep: number): Counts {
  return { hits: hits.map((count) => count * keep), tries: tries.map((count) => count * keep) };
}
