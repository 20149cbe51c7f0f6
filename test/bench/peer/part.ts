/** Part `peer`: keys replayed to this product and to llama-server side by side, with the same target file. */
import { loadHeldOut } from '../../../evaluation/src/heldout.ts';
import { testsOf } from '../../../evaluation/src/projects.ts';
import { chance, shuffled } from '../../../evaluation/src/random.ts';
import type { LinkProxy } from '../../support/emulator/proxy.ts';
import { sampled, type Bench, type Part } from '../bench.ts';
import { batchFor } from '../keystrokes/infill.ts';
import { tracesOver, type Trace } from '../keystrokes/places.ts';
import type { Keystroke } from '../keystrokes/traces.ts';
import { player } from '../rig/player.ts';
import { Rig } from '../rig/rig.ts';
import { release } from './build.ts';
import { askLine, askPlugin } from './client.ts';
import { besidePeers, startPair } from './pair.ts';
import { ARMS, reportOf, type Answer, type Arm, type PeerResults, type Turn } from './report.ts';

const ROUND_TRIP_MS = 20;
/** Lines that are typed, and keys of each that are asked for: a line is long, and its keys are much alike. */
const PLACES = 24;
const KEYS_EACH = 12;
/** Of the lines, with a target that is 12 times as large. */
const WIDE_SHARE = 1 / 3;

export const peer: Part = {
  name: 'peer',
  run: (bench) => besidePeers(bench, { wideShare: WIDE_SHARE, measure, reportOf }),
};

async function measure(bench: Bench, program: string): Promise<PeerResults> {
  await using stack = new AsyncDisposableStack();
  const rig = stack.adopt(await Rig.start(bench, ROUND_TRIP_MS), (one) => one.dispose());
  const { family } = bench;
  const options = { stack, program, family, roundTripMs: ROUND_TRIP_MS, parallel: 1 };
  const { plugin, line, pinned } = await startPair(options);
  const arms: Record<Arm, Player> = {
    foretype: { carried: () => bytesOf(rig.link!), play: player(rig) },
    'llama.vim': {
      carried: () => bytesOf(plugin),
      play: (stroke) => askPlugin(plugin.url, stroke),
    },
    'llama-server, one line': {
      carried: () => bytesOf(line),
      play: (stroke) => askLine(line.url, stroke),
    },
  };
  const traces = await tracesFor(bench);
  const turns: Turn[] = [];
  for (const [done, trace] of traces.entries()) {
    turns.push(...(await replay(trace, arms, done)));
    bench.progress('peer', done + 1, traces.length);
  }
  return {
    family: family.id,
    release: release(),
    roundTripMs: ROUND_TRIP_MS,
    batch: batchFor(family.context),
    pinned: rig.pinned && pinned,
    places: traces.length,
    turns,
  };
}

/** Something that is asked at each key. */
interface Player {
  readonly play: (stroke: Keystroke, trace: Trace) => Promise<Answer>;
  /** Bytes that went to and from it so far, framing and headers included. */
  readonly carried: () => number;
}

const bytesOf = ({ counts }: LinkProxy) => counts.up + counts.down;

async function tracesFor(bench: Bench): Promise<Trace[]> {
  const packages = testsOf(await loadHeldOut());
  return tracesOver(packages, sampled(bench, PLACES), { label: 'peer', bursts: ['a line'] });
}

/** Types a line; at each key all arms are asked, one after the other in an order drawn by lot. */
async function replay(trace: Trace, arms: Record<Arm, Player>, index: number): Promise<Turn[]> {
  const turns: Turn[] = [];
  const carried = new Map<Arm, number>();
  // At the last key of a line there is nothing left of it to ask for.
  const keys = trace.strokes.slice(0, Math.min(1 + KEYS_EACH, trace.strokes.length - 1));
  for (const [key, stroke] of keys.entries()) {
    const asked = new Map<Arm, Answer & { bytes: number }>();
    for (const arm of shuffled(ARMS, chance(`peer order ${index} ${key}`))) {
      const answer = await arms[arm].play(stroke, trace);
      // What follows an answer (a cancellation, say) counts with the next key.
      const all = arms[arm].carried();
      asked.set(arm, { ...answer, bytes: all - (carried.get(arm) ?? 0) });
      carried.set(arm, all);
    }
    const answers = Object.fromEntries(asked) as Turn['answers'];
    if (stroke.key !== 'open') turns.push({ rest: restOfLine(trace, stroke), answers });
  }
  return turns;
}

/** What was really typed after a key, up to the end of the line. */
function restOfLine({ strokes }: Trace, { text, offset }: Keystroke): string {
  const last = strokes.at(-1)!;
  const after = text.length - offset;
  return last.text.slice(offset, last.text.length - after);
}
