/** Part `channels`: time to the verified text in real time, by round trip, adapter and the way rounds are made. */
import type { Family } from '@foretype/models';
import { loadHeldOut } from '../../../evaluation/src/heldout.ts';
import { projectsOf, testsOf } from '../../../evaluation/src/projects.ts';
import { chance, shuffled } from '../../../evaluation/src/random.ts';
import { BUDGETS } from '../../../server/src/policy.ts';
import { promptFor } from '../../../models/src/prompt.ts';
import { machine, sampled, type Bench, type Part } from '../bench.ts';
import { placeFor } from '../keystrokes/layouts.ts';
import { ask, type Asked } from '../rig/ask.ts';
import { Rig } from '../rig/rig.ts';
import { workOf, type Work } from '../rig/work.ts';
import { cellOf, type CellTimes } from './cells.ts';
import { momentsOver, type Moment } from './moments.ts';
import { reportOf, type ChannelResults } from './report.ts';
import { resting } from './rest.ts';
import { DRAFT_ONLY, POLICY, STRATEGIES, STREAM, type Strategy } from './strategies.ts';

const ROUND_TRIPS = [3, 20, 60, 200];
/** Adapters measured beside the backbone, at most. */
const ADAPTERS = 2;
/** Keystrokes measured in each cell, and those before them that only teach. */
const KEYSTROKES = 24;
const LESSONS = 8;

const never = new AbortController().signal;
const now = () => performance.now();

export const channels: Part = {
  name: 'channels',
  run: async (bench) => {
    const rig = await Rig.start(bench, ROUND_TRIPS[0]!);
    try {
      const results = await measure(bench, rig);
      return { results, ...reportOf(results, machine()) };
    } finally {
      await rig.dispose();
    }
  },
};

async function measure(bench: Bench, rig: Rig): Promise<ChannelResults> {
  const keystrokes = sampled(bench, KEYSTROKES);
  const lessons = sampled(bench, LESSONS);
  const models = await modelsOf(bench.family, keystrokes, lessons);
  const cells: CellTimes[] = [];
  let done = 0;
  for (const model of models) {
    for (const roundTripMs of ROUND_TRIPS) {
      rig.reshape(roundTripMs);
      const measured = await measureCell(rig, model, `${model.adapter} ${roundTripMs}`, () =>
        bench.progress('channels', ++done, models.length * ROUND_TRIPS.length * keystrokes),
      );
      cells.push({ model: model.adapter || 'backbone', roundTripMs, ...measured });
    }
  }
  const { pinned } = rig;
  return { family: bench.family.id, pinned, keystrokes, lessons, cells, summary: cells.map(cellOf) };
}

interface Model {
  readonly adapter: string;
  readonly lessons: readonly Moment[];
  readonly moments: readonly Moment[];
}

/** The backbone on all held-out packages, and adapters each on the project it was made for. */
async function modelsOf(family: Family, keystrokes: number, lessons: number): Promise<Model[]> {
  const packages = testsOf(await loadHeldOut());
  const projects = projectsOf(family.adapters, packages).slice(0, ADAPTERS);
  const models = [{ adapter: '', on: packages }, ...projects.map((one) => ({ ...one, on: [one.package] }))];
  return models.map(({ adapter, on }) => ({
    adapter,
    lessons: momentsOver(on, lessons, 'lessons'),
    moments: momentsOver(on, keystrokes, 'channels'),
  }));
}

async function measureCell(
  rig: Rig,
  { adapter, lessons, moments }: Model,
  label: string,
  onMoment: () => void,
): Promise<Pick<CellTimes, 'times' | 'work'>> {
  const arms = STRATEGIES.map((strategy) => armOf(rig, strategy, adapter));
  for (const moment of lessons) for (const arm of arms) await arm.run(moment);
  const times: Record<string, (number | null)[]> = Object.fromEntries(arms.map(({ name }) => [name, []]));
  const work = new Map<string, Work[]>();
  for (const [index, moment] of moments.entries()) {
    const texts = new Set<string>();
    for (const { name, run } of shuffled(arms, chance(`bench order ${label} ${index}`))) {
      const { verified, trace } = await run(moment);
      times[name]![index] = name === DRAFT_ONLY ? trace.draftMs : (verified?.ms ?? null);
      if (!verified) continue;
      texts.add(verified.text);
      work.set(name, [...(work.get(name) ?? []), workOf(trace)]);
    }
    if (texts.size > 1) throw new Error('Two strategies verified different texts, which must never be.');
    onMoment();
  }
  return { times, work: { policy: work.get(POLICY) ?? [], stream: work.get(STREAM) ?? [] } };
}

/** A strategy with what it learns in one cell. */
function armOf({ family, draft, channel }: Rig, { name, control, rests = false }: Strategy, adapter: string) {
  const way = rests ? resting(draft, channel) : { engine: draft, verifier: channel };
  const edge = { verifier: way.verifier, control: control({ now, jPerHour: () => BUDGETS.mains }) };
  return {
    name,
    run: async ({ before, at }: Moment): Promise<Asked> => {
      // Whatever was asked before, both engines have read what they have when the key before was answered.
      const { context } = await promptFor({ family, tokenizer: draft }, placeFor(family, before));
      const round = { adapter, context, drafted: [], more: 0, leading: [], begun: 0 };
      await Promise.all([draft.read({ context }), Array.fromAsync(channel.verify(round, never))]);
      const request = { ...placeFor(family, at), adapter };
      return ask({ family, draft: way.engine, edge, now }, request);
    },
  };
}
