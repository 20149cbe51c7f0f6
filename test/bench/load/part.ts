/** Part `load`: how many completions a second one core of a node gives to many laptops, beside llama-server. */
import { loadHeldOut } from '../../../evaluation/src/heldout.ts';
import { testsOf } from '../../../evaluation/src/projects.ts';
import { chance, shuffled } from '../../../evaluation/src/random.ts';
import { complete } from '../../../server/src/completion.ts';
import { sampled, type Bench, type Part } from '../bench.ts';
import { placeFor } from '../keystrokes/layouts.ts';
import { tracesOver, type Trace } from '../keystrokes/places.ts';
import { release } from '../peer/build.ts';
import { askLine, askPlugin } from '../peer/client.ts';
import { besidePeers, startPair } from '../peer/pair.ts';
import { ARMS, type Arm } from '../peer/report.ts';
import { player } from '../rig/player.ts';
import { Rig } from '../rig/rig.ts';
import { recalling } from '../rig/recalling.ts';
import { reportOf, type LoadResults, type Pass } from './report.ts';

const ROUND_TRIP_MS = 20;
const LAPTOPS = 8;
const PASSES = 3;
/** Lines that each laptop types in a pass, and the keys of each, at most, at which it asks. */
const LINES_EACH = 2;
const KEYS_EACH = 12;
/** Of the lines, with a target that is 12 times as large. */
const WIDE_SHARE = 1 / 2;

const never = new AbortController().signal;
const now = () => performance.now();

/** One laptop's way of asking at a key. */
type Play = (stroke: Trace['strokes'][number], trace: Trace) => Promise<unknown>;

export const load: Part = {
  name: 'load',
  run: (bench) => besidePeers(bench, { wideShare: WIDE_SHARE, measure, reportOf }),
};

async function measure(bench: Bench, program: string): Promise<LoadResults> {
  await using stack = new AsyncDisposableStack();
  const rig = stack.adopt(await Rig.start(bench, ROUND_TRIP_MS, LAPTOPS), (one) => one.dispose());
  const options = { stack, program, family: bench.family, roundTripMs: ROUND_TRIP_MS, parallel: LAPTOPS };
  const { plugin, line, pinned } = await startPair(options);
  const draft = recalling(rig.draft, now);
  const arms: Record<Arm, (laptop: number) => Play> = {
    foretype: (laptop) => player({ family: rig.family, draft, channel: rig.channels[laptop]! }),
    'llama.vim': (slot) => (stroke) => askPlugin(plugin.url, { ...stroke, slot }),
    'llama-server, one line': (slot) => (stroke) => askLine(line.url, { ...stroke, slot }),
  };
  const passes: Record<Arm, Pass[]> = { foretype: [], 'llama.vim': [], 'llama-server, one line': [] };
  let done = 0;
  for (let pass = 0; pass < PASSES; pass++) {
    const places = await placesFor(bench, pass);
    for (const trace of places.flat())
      for (const stroke of keysOf(trace)) await drafted({ family: rig.family, draft }, stroke);
    for (const arm of shuffled(ARMS, chance(`load order ${pass}`))) {
      passes[arm].push(await passOf(places, arms[arm]));
      bench.progress('load', ++done, PASSES * ARMS.length);
    }
  }
  return {
    family: bench.family.id,
    release: release(),
    roundTripMs: ROUND_TRIP_MS,
    laptops: LAPTOPS,
    pinned: rig.pinned && pinned,
    passes,
  };
}

/** What each laptop types in a pass. */
async function placesFor(bench: Bench, pass: number): Promise<Trace[][]> {
  const packages = testsOf(await loadHeldOut());
  const lines = sampled(bench, LINES_EACH);
  const traces = tracesOver(packages, LAPTOPS * lines, { label: `load ${pass}`, bursts: ['a line'] });
  return Array.from({ length: LAPTOPS }, (_, laptop) =>
    traces.filter((_trace, index) => index % LAPTOPS === laptop),
  );
}

/** At the last key of a line there is nothing left of it to ask for. */
function keysOf({ strokes }: Trace): Trace['strokes'] {
  return strokes.slice(0, Math.min(KEYS_EACH, strokes.length - 1));
}

/** Has the local draft made, with nobody else at work, as a laptop would have it made by an engine of its own. */
async function drafted(
  parts: Pick<Parameters<typeof complete>[0], 'family' | 'draft'>,
  stroke: Trace['strokes'][number],
) {
  const place = { ...placeFor(parts.family, stroke), adapter: '' };
  await Array.fromAsync(complete({ ...parts, edge: undefined, now }, place, never));
}

async function passOf(
  places: readonly (readonly Trace[])[],
  laptop: (number: number) => Play,
): Promise<Pass> {
  const times: number[] = [];
  const began = now();
  const typing = places.map(async (traces, number) => {
    const play = laptop(number);
    for (const trace of traces) {
      for (const stroke of keysOf(trace)) {
        const asked = now();
        await play(stroke, trace);
        times.push(now() - asked);
      }
    }
  });
  await Promise.all(typing);
  return { wallMs: now() - began, times };
}
