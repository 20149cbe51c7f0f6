/** Part `draft`: how much of what is drafted the target would have written itself. */
import {
  COMPLETION_LIMIT,
  endsLine,
  judge,
  promptFor,
  speculate,
  type Token,
  tokensOf,
} from '@foretype/models';
import { addDrafts, addUp, countRound, noDrafts, type DraftCounts } from './aggregate.ts';
import { sampled, type Bench, type Engines } from './bench.ts';
import { samplePassages, windowsOf } from './bits.ts';
import type { HeldOutPackage } from './heldout.ts';
import { lineHoles, overPackages, placeOf } from './holes.ts';
import type { NgramModel } from './ngram.ts';
import type { Passage } from './passages.ts';
import { projectsOf, testsOf } from './projects.ts';
import { chance } from './random.ts';
import { SOURCES, sourcesAt, type DraftPlace } from './sources.ts';

const PROMPTS = 108;
export const LENGTHS = [4, 8] as const;
/** Passages on which choices are compared, of all packages and of an adapter's project. */
const PASSAGES = 18;

/** One target on one set of prompts. */
export interface DraftResult {
  /** Empty for the backbone. */
  readonly adapter: string;
  /** The adapter whose project the prompts are from; empty where they are from all packages. */
  readonly project: string;
  /** By source and draft length, `neural 8`. */
  readonly counts: Record<string, DraftCounts>;
  /** On running text: tokens, how often draft and target choose the same, how often each chooses what comes. */
  readonly choices: { tokens: number; same: number; draftRight: number; targetRight: number };
}

/** Each adapter on its own project beside the backbone on the same prompts, and the backbone on all packages. */
export async function measureDraft(
  bench: Bench,
  packages: readonly HeldOutPackage[],
  ngram: NgramModel,
): Promise<DraftResult[]> {
  const tests = testsOf(packages);
  const sets = [
    { project: '', packages: tests, targets: [''] },
    ...projectsOf(bench.family.adapters, tests).map(({ adapter, package: own }) => ({
      project: adapter,
      packages: [own],
      targets: ['', adapter],
    })),
  ];
  const results: DraftResult[] = [];
  for (const { project, packages: from, targets } of sets) {
    const chanceOf = (name: string) => chance(`prompts of ${name} for ${project}`);
    const holes = overPackages(from, sampled(bench, PROMPTS), chanceOf, lineHoles);
    // An even choice: passages come package by package.
    const all = samplePassages(bench, from);
    const passages = all.filter((_, at) => at % Math.ceil(all.length / sampled(bench, PASSAGES)) === 0);
    for (const adapter of targets) {
      const name = `drafts for ${adapter || 'the backbone'}`;
      const rounds = await bench.map(name, holes, (engines, hole) =>
        draftAll(bench, engines, { hole, adapter, ngram }),
      );
      const choices = await bench.map(`${name}, choices`, passages, (engines, passage) =>
        compareChoices(bench, engines, passage, adapter),
      );
      const keys = Object.keys(rounds[0] ?? {});
      const longest = Math.max(...LENGTHS);
      const sums = keys.map(
        (key) =>
          [
            key,
            addDrafts(
              rounds.map((one) => one[key]!),
              longest,
            ),
          ] as const,
      );
      results.push({ adapter, project, counts: Object.fromEntries(sums), choices: addUp(choices) });
    }
  }
  return results;
}

interface Task extends DraftPlace {
  readonly adapter: string;
}

/** All sources and lengths at one place. The target writes once: whatever is drafted, its text is the same. */
async function draftAll(bench: Bench, engines: Engines, task: Task): Promise<Record<string, DraftCounts>> {
  const { draft, target } = engines;
  const { family } = bench;
  const prompt = await promptFor({ family, tokenizer: draft }, placeOf(task.hole));
  const { context: read, leading } = prompt;
  const limit = COMPLETION_LIMIT + leading.tokens.length;
  const own = await tokensOf(
    target.write({ adapter: task.adapter, context: read, limit, leading: leading.text }),
  );
  const draftsBy = await sourcesAt(draft, prompt, task);
  const end = new Set(family.tokenizer.end);
  const outcomes: Record<string, DraftCounts> = {};
  for (const draftLength of LENGTHS) {
    for (const source of SOURCES) {
      const counts = { ...noDrafts(Math.max(...LENGTHS)), prompts: 1 };
      const output: Token[] = [];
      const rounds = speculate({
        prompt: read,
        limit,
        plan: () => ({ draft: draftLength, more: 0 }),
        end,
        draft: draftsBy[source],
        verify: async function* (context, drafted) {
          yield await Promise.resolve(verdictBy(own, context.length - read.length, drafted));
        },
      });
      for await (const { drafted, accepted, committed } of rounds) {
        countRound(counts, { drafted, accepted, committed: committed.length });
        output.push(...committed);
        const text = await draft.detokenize(output.filter((token) => !end.has(token)));
        if (endsLine(text.slice(leading.text.length))) break;
      }
      outcomes[`${source} ${draftLength}`] = counts;
    }
  }
  return outcomes;
}

/** What a target says that is known to write `own`, of which `at` tokens are already in the context. */
export function verdictBy(own: readonly Token[], at: number, drafted: readonly Token[]) {
  // After the target's own end nothing agrees with it.
  const choices = Array.from({ length: drafted.length + 1 }, (_, index) => own[at + index] ?? -1);
  const { accepted, next } = judge(drafted, choices);
  return { accepted, tokens: [next] };
}

async function compareChoices(bench: Bench, engines: Engines, passage: Passage, adapter: string) {
  const { windows } = await windowsOf(bench, engines, passage);
  const counts = { tokens: 0, same: 0, draftRight: 0, targetRight: 0 };
  for (const { context, tokens } of windows) {
    const drafted = tokens.slice(0, -1);
    const ours = await engines.draft.choose({ context, drafted });
    const targets = await engines.target.choose({ adapter, context, drafted });
    tokens.forEach((token, at) => {
      counts.tokens++;
      if (ours[at] === targets[at]) counts.same++;
      if (ours[at] === token) counts.draftRight++;
      if (targets[at] === token) counts.targetRight++;
    });
  }
  return counts;
}
