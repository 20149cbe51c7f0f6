/** Part `holes`: what the target writes where a text was taken out of a real file. */
import {
  COMPLETION_LIMIT,
  endsLine,
  type Engine,
  type Family,
  type FimTokens,
  firstLine,
  heal,
  layOut,
  partsAt,
  type Token,
} from '@foretype/models';
import { addUpBy, compareBlock, compareLine, type BlockCounts, type LineCounts } from './aggregate.ts';
import { sampled, type Bench, type Engines } from './bench.ts';
import { startOf } from './bits.ts';
import type { HeldOutPackage } from './heldout.ts';
import { blockHoles, goldOf, lineHoles, overPackages, placeOf, type Hole } from './holes.ts';
import { testsOf } from './projects.ts';
import { chance } from './random.ts';

const LINE_HOLES = 540;
const BLOCK_HOLES = 216;
/** The most tokens written for a block; its at most 400 characters are fewer in any tokenizer of ours. */
const BLOCK_LIMIT = 200;

/**
 * How a prompt is laid out; `left-to-right` is the baseline that sees only what stands before the cursor. Where it is
 * `anchored` the text is split at the start of the line, and the line's beginning stands behind the middle's marker.
 */
export type Order = FimTokens['order'] | 'prefix-first anchored' | 'left-to-right';

/** What a prompt is tried as: the family's own order first, then the others that a model may know. */
interface Attempt {
  readonly order: Order;
  readonly healed: boolean;
}

/**
 * Plain and healed of every order, in a sequence in which each prompt shares as much as it can with the one before.
 * Anchored prompts end in what is being typed, so they are only healed ones.
 */
function lineAttempts({ fim }: Family): Attempt[] {
  const orders = new Set<Order>([fim.order, 'prefix-first', 'prefix-first anchored', 'left-to-right']);
  return [...orders].flatMap((order) =>
    (order === 'prefix-first anchored' ? [true] : [false, true]).map((healed) => ({ order, healed })),
  );
}

/** Blocks begin after white space, where healing is the exception; they take long, so it is tried in one order only. */
function blockAttempts(family: Family): Attempt[] {
  return lineAttempts(family).filter(({ order, healed }) => !healed || order === family.fim.order);
}

/** Sums by order, with token healing or without, and by the kind of hole. */
export interface HolesResult {
  readonly lines: Record<string, LineCounts>;
  readonly blocks: Record<string, BlockCounts>;
}

/** The key of a sum in {@link HolesResult}: the attempt's two words or more, then the kind of hole. */
function variant(order: Order, healed: boolean, kind: string): string {
  return [order, healed ? 'healed' : 'plain', kind].join(' ');
}

export function sampleLines(bench: Bench, packages: readonly HeldOutPackage[]): Hole[] {
  const chanceOf = (name: string) => chance(`line holes of ${name}`);
  return overPackages(testsOf(packages), sampled(bench, LINE_HOLES), chanceOf, lineHoles);
}

export async function measureHoles(bench: Bench, packages: readonly HeldOutPackage[]): Promise<HolesResult> {
  const chanceOf = (name: string) => chance(`block holes of ${name}`);
  const blocks = overPackages(testsOf(packages), sampled(bench, BLOCK_HOLES), chanceOf, blockHoles);
  const lineCounts = await bench.map('line holes', sampleLines(bench, packages), (engines, hole) =>
    tryAll(lineAttempts(bench.family), hole, async (order, healed) => {
      const asked = { hole, order, healed, limit: COMPLETION_LIMIT };
      const text = await written(bench, engines, asked, (text) => endsLine(text));
      return compareLine(goldOf(hole), firstLine(text));
    }),
  );
  const blockCounts = await bench.map('block holes', blocks, (engines, hole) =>
    tryAll(blockAttempts(bench.family), hole, async (order, healed) => {
      const asked = { hole, order, healed, limit: BLOCK_LIMIT };
      const lines = goldOf(hole).split('\n').length;
      const text = await written(bench, engines, asked, (text) => text.split('\n').length > lines);
      return compareBlock(goldOf(hole), text);
    }),
  );
  return {
    lines: addUpBy(lineCounts.flat(), keyOf, countsOf),
    blocks: addUpBy(blockCounts.flat(), keyOf, countsOf),
  };
}

interface Outcome<C> {
  readonly key: string;
  readonly counts: C;
}
const keyOf = ({ key }: Outcome<unknown>) => key;
const countsOf = <C>({ counts }: Outcome<C>) => counts;

async function tryAll<C>(
  attempts: readonly Attempt[],
  hole: Hole,
  attempt: (order: Order, healed: boolean) => Promise<C>,
): Promise<Outcome<C>[]> {
  const outcomes: Outcome<C>[] = [];
  for (const { order, healed } of attempts) {
    outcomes.push({ key: variant(order, healed, hole.kind), counts: await attempt(order, healed) });
  }
  return outcomes;
}

interface Asked extends Attempt {
  readonly hole: Hole;
  readonly limit: number;
}

/** What the backbone writes greedily in a hole, at least until `enough` of it is there. */
async function written(
  { family }: Bench,
  { target }: Engines,
  { hole, order, healed, limit }: Asked,
  enough: (text: string) => boolean,
): Promise<string> {
  const orders: Partial<Record<Order, FimTokens['order']>> = {
    'prefix-first anchored': 'prefix-first',
    'left-to-right': family.fim.order,
  };
  const fim = { ...family.fim, order: orders[order] ?? (order as FimTokens['order']) };
  const parts = { family: { ...family, fim }, tokenizer: target };
  const place = placeOf(hole);
  const anchor = place.text.lastIndexOf('\n', place.offset - 1) + 1;
  const split = order.endsWith('anchored') ? { ...place, anchor } : place;
  const around = await partsAt(parts, split, limit);
  const { kept, leading } = healed ? await heal(parts, around) : { kept: around, leading: { text: '' } };
  const context =
    order === 'left-to-right'
      ? [startOf(family), ...kept.prefix.slice(-(family.context - limit - 1))]
      : layOut(parts, kept, limit);
  const end = new Set(family.tokenizer.end);
  const tokens: Token[] = [];
  let text = '';
  for await (const { token } of target.write({ context, limit, leading: leading.text })) {
    if (end.has(token)) break;
    tokens.push(token);
    text = await textAfter(target, tokens, leading.text);
    if (enough(text)) break;
  }
  return text;
}

/** The text of what was written, without the leading text and without half a character at its end. */
async function textAfter(engine: Engine, tokens: readonly Token[], leading: string): Promise<string> {
  return (await engine.detokenize(tokens)).slice(leading.length).replace(/\uFFFD+$/u, '');
}
