/** Parts `typing` and `typing-away`: a person types, and several products say what comes next. */
import { loadHeldOut } from '../../../evaluation/src/heldout.ts';
import { testsOf } from '../../../evaluation/src/projects.ts';
import { chance, shuffled } from '../../../evaluation/src/random.ts';
import { realClock } from '../../support/emulator/virtual-clock.ts';
import { sampled, type Bench, type Part } from '../bench.ts';
import { tracesOver, type Trace } from '../keystrokes/places.ts';
import { release } from '../peer/build.ts';
import { besidePeers } from '../peer/pair.ts';
import { continueDev, llamaVscode, tabby } from './clients.ts';
import { foretype, plain, type Arm } from './contestants.ts';
import { play, type Seen } from './play.ts';
import { ARMS, FORETYPE, reportOf, type ArmName, type TypingResults } from './typing-report.ts';

const ROUND_TRIP_MS = 20;
/** Places of each kind of burst, and keys of each at most: with four products, at a person's pace, six minutes. */
const PLACES = 3;
const KEYS_EACH = 60;
const BURSTS = ['several lines', 'with deletions'] as const;
/** Of the places, with a target that is 12 times as large. */
const WIDE_SHARE = 2 / 3;
/** Keys with which everybody gets going before the first place, for which nothing counts. */
const WARM = 24;

export const typing = partOf('typing', undefined);
export const typingAway = partOf('typing-away', ROUND_TRIP_MS);

function partOf(name: string, roundTripMs: number | undefined): Part {
  const measure = (bench: Bench, program: string) => withTarget(bench, program, roundTripMs);
  return { name, run: (bench) => besidePeers(bench, { wideShare: WIDE_SHARE, measure, reportOf }) };
}

async function withTarget(bench: Bench, program: string, roundTripMs: number | undefined) {
  await using stack = new AsyncDisposableStack();
  const options = { stack, family: bench.family, directory: bench.directory, roundTripMs, program };
  const arms: Record<ArmName, Arm> = {
    [FORETYPE]: await foretype(options),
    'Tabby’s rules': await plain(tabby, options),
    'Continue’s rules': await plain(continueDev, options),
    'llama.vscode’s rules': await plain(llamaVscode, options),
  };
  return await measure(bench, arms, roundTripMs);
}

async function measure(
  bench: Bench,
  arms: Readonly<Record<ArmName, Arm>>,
  roundTripMs: number | undefined,
): Promise<TypingResults> {
  const packages = testsOf(await loadHeldOut());
  const traces = tracesOver(packages, sampled(bench, PLACES), { label: 'typing', bursts: BURSTS });
  const [warm] = tracesOver(packages, 1, { label: 'typing warm', bursts: ['a line'] });
  for (const name of ARMS)
    await typed({ ...warm!, strokes: warm!.strokes.slice(0, WARM) }, arms[name], 'warm');
  const sums = Object.fromEntries(
    ARMS.map((name) => [name, { seen: [] as Seen[], laptop: 0, node: 0, begun: 0 }]),
  ) as Record<ArmName, { seen: Seen[]; laptop: number; node: number; begun: number }>;
  let done = 0;
  for (const [index, trace] of traces.entries()) {
    for (const name of shuffled(ARMS, chance(`typing order ${index}`))) {
      const arm = arms[name];
      const [before, begun] = [await arm.computed(), arm.begun()];
      const strokes = trace.strokes.slice(0, 1 + KEYS_EACH);
      const seen = await typed({ strokes }, arm, String(index));
      const after = await arm.computed();
      const sum = sums[name];
      sum.seen.push(...seen);
      sum.laptop += after.laptop - before.laptop;
      sum.node += after.node - before.node;
      sum.begun += arm.begun() - begun;
      bench.progress('typing', ++done, traces.length * ARMS.length);
    }
  }
  return {
    family: bench.family.id,
    release: release(),
    roundTripMs: roundTripMs ?? null,
    pinned: ARMS.every((name) => arms[name].pinned),
    files: new Set(traces.map(({ file }) => `${file.package}/${file.path}`)).size,
    arms: sums,
  };
}

/** Everybody sees the same keys at the same pace. */
function typed({ strokes }: Pick<Trace, 'strokes'>, arm: Arm, label: string): Promise<Seen[]> {
  return play(strokes, arm, { clock: realClock, random: chance(`typing pace ${label}`) });
}
