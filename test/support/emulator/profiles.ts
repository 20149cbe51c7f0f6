/** Pure: networks that a laptop is on, as settings for {@link Link}. */
import type { LinkSettings, Step } from './course.ts';

/** Both directions between a client and a node. */
export interface Profile {
  readonly name: string;
  readonly up: readonly Step[];
  readonly down: readonly Step[];
}

type Direction = Omit<LinkSettings, 'roundTrip'>;

/** A network for some time, from `at` on (milliseconds). */
interface Leg {
  readonly at: number;
  readonly up: Direction;
  readonly down: Direction;
  readonly moves?: boolean;
}

/** Bytes a second. */
const MBIT = 1e6 / 8;

function profile(name: string, legs: readonly Leg[]): Profile {
  const steps = (direction: 'up' | 'down') =>
    legs.map(({ at, moves = false, ...leg }): Step => {
      const roundTrip = meanOf(leg.up) + meanOf(leg.down);
      return { at, moves, roundTrip, ...leg[direction] };
    });
  return { name, up: steps('up'), down: steps('down') };
}

function meanOf({ delay, jitter }: Direction): number {
  return delay + jitter;
}

/** No more than distance: what a formula is compared with. */
export const IDEAL = profile('ideal', [
  {
    at: 0,
    up: { delay: 10, jitter: 0, bandwidth: Infinity, loss: 0 },
    down: { delay: 10, jitter: 0, bandwidth: Infinity, loss: 0 },
  },
]);

/** A node in the same building on gigabit Ethernet: two switches and two kernels; assumption, 0.6 ms. */
export const LAN = profile('LAN', [
  {
    at: 0,
    up: { delay: 0.25, jitter: 0.05, bandwidth: 940 * MBIT, loss: 0 },
    down: { delay: 0.25, jitter: 0.05, bandwidth: 940 * MBIT, loss: 0 },
  },
]);

/**
 * Office Wi-Fi (802.11ac) to a node in the same building; assumption, 5 ms. The radio repeats lost frames itself, which
 * is jitter; what is left as loss is seldom. Stalls are the laptop's scans of other channels.
 */
const WIFI_LEG = {
  up: { delay: 1, jitter: 1.5, bandwidth: 60 * MBIT, loss: 1e-4, stalls: { every: 30_000, last: 60 } },
  down: { delay: 1, jitter: 1.5, bandwidth: 120 * MBIT, loss: 1e-4, stalls: { every: 30_000, last: 60 } },
};
export const WIFI = profile('Wi-Fi', [{ at: 0, ...WIFI_LEG }]);

/** The same at the edge of its reach: low rates, many repetitions, losses that TCP sees; assumption. */
const WEAK_WIFI_LEG = {
  up: { delay: 4, jitter: 20, bandwidth: 1 * MBIT, loss: 0.03, stalls: { every: 1500, last: 200 } },
  down: { delay: 4, jitter: 15, bandwidth: 3 * MBIT, loss: 0.03, stalls: { every: 1500, last: 200 } },
};

/**
 * 4G: 53 ms, 15 Mbit/s down and 14 up are the means of Ofcom's measurement of four British networks (end of 2014);
 * that the way up has the larger share (a phone asks before it sends) and the stalls (changes of cell, which lose
 * nothing) are assumptions.
 */
const LTE_LEG = {
  up: { delay: 20, jitter: 10, bandwidth: 14 * MBIT, loss: 5e-4, stalls: { every: 20_000, last: 80 } },
  down: { delay: 17, jitter: 6, bandwidth: 15 * MBIT, loss: 5e-4, stalls: { every: 20_000, last: 80 } },
};
export const LTE = profile('4G', [{ at: 0, ...LTE_LEG }]);

/** 5G in the middle bands with a node in the operator's region; assumption, 22 ms and a tenth of the mobile loss. */
export const NR = profile('5G', [
  {
    at: 0,
    up: { delay: 9, jitter: 3, bandwidth: 30 * MBIT, loss: 1e-4, stalls: { every: 30_000, last: 40 } },
    down: { delay: 8, jitter: 2, bandwidth: 200 * MBIT, loss: 1e-4, stalls: { every: 30_000, last: 40 } },
  },
]);

/**
 * Satellites in low orbit: 33 ms is the median that SpaceX gave for Starlink in the United States (March 2024). Its
 * paths are laid anew every 15 s, at times with a gap; its length, the loss and the rates are assumptions.
 */
export const SATELLITE = profile('satellite', [
  {
    at: 0,
    up: { delay: 12, jitter: 5, bandwidth: 12 * MBIT, loss: 5e-3, stalls: { every: 15_000, last: 100 } },
    down: { delay: 12, jitter: 4, bandwidth: 120 * MBIT, loss: 5e-3, stalls: { every: 15_000, last: 100 } },
  },
]);

/** A satellite that stands still: 4 × 35 786 km at the speed of light are 477 ms; the rest is assumption. */
export const GEOSTATIONARY = profile('geostationary', [
  {
    at: 0,
    up: { delay: 290, jitter: 25, bandwidth: 3 * MBIT, loss: 2e-3 },
    down: { delay: 270, jitter: 15, bandwidth: 25 * MBIT, loss: 2e-3 },
  },
]);

/**
 * Out of the office for lunch, made up in the shape of a recording: Wi-Fi weakens on the stairs, drops, the laptop
 * goes over to a phone's 4G with another address, and comes back to Wi-Fi, again with another one.
 */
export const WALK = profile('walk', [
  { at: 0, ...WIFI_LEG },
  { at: 10_000, ...WEAK_WIFI_LEG },
  { at: 20_000, up: { ...WEAK_WIFI_LEG.up, cut: true }, down: { ...WEAK_WIFI_LEG.down, cut: true } },
  { at: 24_000, ...LTE_LEG, moves: true },
  { at: 60_000, ...WIFI_LEG, moves: true },
]);

export const PROFILES: readonly Profile[] = [IDEAL, LAN, WIFI, LTE, NR, SATELLITE, GEOSTATIONARY, WALK];

/** The mean round trip of small messages far apart, without loss and stalls, in milliseconds; of a trace, at first. */
export function roundTripOf({ up, down }: Profile): number {
  return meanOf(up[0]!) + meanOf(down[0]!);
}

/** The same network further away, or nearer: {@link roundTripOf} is `ms`, and delays and jitter keep their ratios. */
export function atRoundTrip(base: Profile, ms: number): Profile {
  const factor = ms / roundTripOf(base);
  const scale = (steps: readonly Step[]) =>
    steps.map((step) => ({
      ...step,
      delay: step.delay * factor,
      jitter: step.jitter * factor,
      roundTrip: step.roundTrip * factor,
    }));
  return { name: `${base.name} at ${ms} ms`, up: scale(base.up), down: scale(base.down) };
}

/** A trace that passes `factor` times as fast: 10 makes ten seconds of it one. Delays stay as they are. */
export function sped(base: Profile, factor: number): Profile {
  const speed = (steps: readonly Step[]) => steps.map((step) => ({ ...step, at: step.at / factor }));
  return { name: `${base.name}, ${factor} times as fast`, up: speed(base.up), down: speed(base.down) };
}
