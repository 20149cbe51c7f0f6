/** Pure: from outputs to counts, and from counts to figures. */

export type Counts = Readonly<Record<string, number>>;

/** The sum of each count; all have the same names. */
export function addUp<T extends Counts>(counts: readonly T[]): T {
  const sum: Record<string, number> = {};
  for (const one of counts) {
    for (const [name, count] of Object.entries(one)) sum[name] = (sum[name] ?? 0) + count;
  }
  return sum as T;
}

/** The sums of each group, groups in the order they first come. */
export function addUpBy<T, C extends Counts>(
  items: readonly T[],
  keyOf: (item: T) => string,
  countsOf: (item: T) => C,
): Record<string, C> {
  const groups = Map.groupBy(items, keyOf);
  return Object.fromEntries([...groups].map(([key, members]) => [key, addUp(members.map(countsOf))]));
}

/** The middle one, or the mean of the two in the middle; NaN of none. */
export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export type LineCounts = ReturnType<typeof compareLine>;

/** One line against what stood there, both without white space at their end. Lengths are UTF-16 code units. */
export function compareLine(gold: string, output: string) {
  const [expected, found] = [gold.trimEnd(), output.trimEnd()];
  return {
    holes: 1,
    exact: expected === found ? 1 : 0,
    /** Length of the part in common from the start. */
    leading: sharedLength(expected, found),
    characters: expected.length,
  };
}

export type BlockCounts = ReturnType<typeof compareBlock>;

/** A block against as many lines of `output`; what comes after them does not count. */
export function compareBlock(gold: string, output: string) {
  const expected = gold.split('\n').map((line) => line.trimEnd());
  const found = output
    .split('\n')
    .slice(0, expected.length)
    .map((line) => line.trimEnd());
  const right = expected.filter((line, index) => line === found[index]).length;
  return {
    holes: 1,
    exact: right === expected.length ? 1 : 0,
    firstLine: expected[0] === found[0] ? 1 : 0,
    rightLines: right,
    lines: expected.length,
    leading: sharedLength(expected.join('\n'), found.join('\n')),
    characters: expected.join('\n').length,
  };
}

function sharedLength(a: string, b: string): number {
  let shared = 0;
  while (shared < a.length && shared < b.length && a[shared] === b[shared]) shared++;
  return shared;
}

/** What came of drafting, over rounds; lists go by the place in the draft. */
export interface DraftCounts {
  prompts: number;
  rounds: number;
  drafted: number;
  accepted: number;
  /** Tokens that stand at the end: accepted ones and the target's own. */
  committed: number;
  /** Rounds whose draft reached that place. */
  readonly draftedAt: number[];
  /** Rounds in which all before that place were accepted, so that it was judged. */
  readonly judgedAt: number[];
  readonly acceptedAt: number[];
}

export function noDrafts(length: number): DraftCounts {
  const zeros = () => Array.from({ length }, () => 0);
  const sums = { prompts: 0, rounds: 0, drafted: 0, accepted: 0, committed: 0 };
  return { ...sums, draftedAt: zeros(), judgedAt: zeros(), acceptedAt: zeros() };
}

export function countRound(
  counts: DraftCounts,
  { drafted, accepted, committed }: { drafted: number; accepted: number; committed: number },
): void {
  counts.rounds++;
  counts.drafted += drafted;
  counts.accepted += accepted;
  counts.committed += committed;
  for (let place = 0; place < drafted; place++) {
    counts.draftedAt[place]!++;
    if (place <= accepted) counts.judgedAt[place]!++;
    if (place < accepted) counts.acceptedAt[place]!++;
  }
}

export function addDrafts(all: readonly DraftCounts[], length: number): DraftCounts {
  const sum = noDrafts(length);
  for (const one of all) {
    for (const name of ['prompts', 'rounds', 'drafted', 'accepted', 'committed'] as const)
      sum[name] += one[name];
    for (const name of ['draftedAt', 'judgedAt', 'acceptedAt'] as const) {
      one[name].forEach((count, place) => (sum[name][place]! += count));
    }
  }
  return sum;
}
