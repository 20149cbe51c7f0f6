/** Part `crowd`: a node that more people use than it can serve: what it refuses, how fast it answers, whether it grows. */
import { setTimeout as sleep } from 'node:timers/promises';
import { draftSpec, startEngine, type Family, type Token } from '@foretype/models';
import { loadHeldOut } from '../../../evaluation/src/heldout.ts';
import { median } from '../../../evaluation/src/aggregate.ts';
import { testsOf } from '../../../evaluation/src/projects.ts';
import { chance } from '../../../evaluation/src/random.ts';
import { table, whole } from '../../../evaluation/src/table.ts';
import { residentBytes } from '../../../edge-node/src/metrics/memory.ts';
import { identityOf } from '../../../edge-node/src/protocol/index.ts';
import { promptFor } from '../../../models/src/prompt.ts';
import { Backoff } from '../../../server/src/backoff.ts';
import { Channel } from '../../../server/src/channel.ts';
import { EdgeError } from '../../../server/src/rounds.ts';
import { EdgeNode } from '../../support/node.ts';
import { childrenOf } from '../../support/processes.ts';
import { roundOf, wholeVerdict } from '../../support/verdict.ts';
import { machine, sampled, type Bench, type Part } from '../bench.ts';
import type { Report } from '../document.ts';
import { placeFor } from '../keystrokes/layouts.ts';
import { tracesOver } from '../keystrokes/places.ts';
import { quantile } from '../statistics.ts';

const CLIENTS = 64;
const SECONDS = 60;
/** Milliseconds between two keys of one person, at which a completion is asked for: 5 keys a second. */
const KEY_MS = 200;
/** Lines that a person types, one after the other, and begins again. */
const LINES_EACH = 2;
const DRAFTED = 4;
const MORE = 8;
/** Milliseconds after which the node takes those who typed for gone. */
const PAUSE_MS = 4000;
/** Seconds after which memory should not grow any more: the seats have gone round once, and every prompt’s place is used. */
const WARM_UP = 30;
/** Verdicts beside somebody whose prompts have to be read, and without. */
const BESIDE = 150;

const never = new AbortController().signal;
const now = () => performance.now();

/** A key: the prompt there, and what a draft would say. */
interface Key {
  readonly context: readonly Token[];
  readonly drafted: readonly Token[];
}

export interface CrowdResults {
  readonly seconds: number;
  /** Milliseconds of each verdict that was given, and failures by their code. */
  readonly verdicts: readonly number[];
  readonly failures: Readonly<Record<string, number>>;
  /** Resident bytes of node and engine, once a second. */
  readonly resident: readonly number[];
  /** Milliseconds of verdicts of one client alone, and beside one whose prompts have to be read all the time. */
  readonly alone: readonly number[];
  readonly beside: readonly number[];
  /** Tokens of those prompts. */
  readonly prompt: number;
}

export const crowd: Part = {
  name: 'crowd',
  run: async (bench) => {
    const results = await measure(bench);
    return { results, ...reportOf(results, machine()) };
  },
};

async function measure(bench: Bench): Promise<CrowdResults> {
  const { family, directory } = bench;
  const seconds = Math.max(5, sampled(bench, SECONDS));
  await using stack = new AsyncDisposableStack();
  const node = stack.adopt(new EdgeNode(), (one) => one.dispose());
  await node.start(['--family', directory, '--rate', '0', '--per-user', '1024', '--sequences', '16']);
  const lines = await keysOf(family);
  const channels = await Promise.all(Array.from({ length: CLIENTS }, () => connected(node, family)));
  stack.defer(() => channels.forEach((channel) => channel.dispose()));

  const verdicts: number[] = [];
  const failures: Record<string, number> = {};
  const resident: number[] = [];
  const began = now();
  const until = began + 1000 * seconds;
  const people = channels.map((channel, number) =>
    typing({
      channel,
      lines: lines.filter((_, index) => index % CLIENTS === number),
      until,
      random: chance(`person ${number}`),
      verdict: (ms) => verdicts.push(ms),
      failure: (code) => (failures[code] = (failures[code] ?? 0) + 1),
    }),
  );
  while (now() < until) {
    await sleep(1000);
    resident.push(await residentOf(node));
    bench.progress('crowd', Math.round((now() - began) / 1000), seconds);
  }
  await Promise.all(people);
  // Until nobody's seat is kept any more.
  await sleep(PAUSE_MS);
  const count = sampled(bench, BESIDE);
  const { alone, beside, prompt } = await besideReading(channels, lines, count);
  return { seconds, verdicts, failures, resident, alone, beside, prompt };
}

interface Person {
  readonly channel: Channel;
  readonly lines: readonly (readonly Key[])[];
  readonly until: number;
  readonly random: () => number;
  readonly verdict: (ms: number) => void;
  readonly failure: (code: string) => void;
}

/** Types at its pace, asks at each key, and leaves a busy node alone as the language server does. */
async function typing({ channel, lines, until, random, verdict, failure }: Person): Promise<void> {
  const backoff = new Backoff();
  await sleep(random() * KEY_MS * 5);
  for (let turn = 0; now() < until; turn++) {
    for (const key of lines[turn % lines.length]!) {
      if (now() >= until) return;
      const asked = now();
      if (!backoff.isDue(asked)) {
        try {
          await wholeVerdict(channel.verify(roundOf({ ...key, more: MORE }), never));
          backoff.answered();
          verdict(now() - asked);
        } catch (error) {
          if (!(error instanceof EdgeError)) throw error;
          failure(error.code);
          if (error.code === 'busy') backoff.busy(now(), random());
        }
      }
      await sleep(Math.max(0, KEY_MS * (0.5 + random()) - (now() - asked)));
    }
  }
}

/** Verdicts for one client whose line is read, in turn alone and while another has a new prompt read. */
async function besideReading(
  channels: readonly Channel[],
  lines: readonly (readonly Key[])[],
  count: number,
) {
  const [typist, reader] = channels as [Channel, Channel];
  const keys = lines[0]!;
  const others = lines.slice(1).map((line) => line[0]!.context);
  const prompt = median(others.map(({ length }) => length));
  const alone: number[] = [];
  const beside: number[] = [];
  for (let turn = 0; turn < count; turn++) {
    const key = keys[turn % keys.length]!;
    const once = async (times: number[]) => {
      const asked = now();
      await wholeVerdict(typist.verify(roundOf({ ...key, more: 0 }), never));
      times.push(now() - asked);
    };
    await once(alone);
    // Backwards, so that no cache knows the beginning.
    const context = others[turn % others.length]!.toReversed();
    await reader.sync({ adapter: '', context }, never);
    await once(beside);
    // What is left of it is read before the next turn.
    await wholeVerdict(reader.verify(roundOf({ context }), never));
  }
  return { alone, beside, prompt };
}

/** Prompts and drafts at each key of lines in the held-out packages, cut so that there is room for what is written. */
async function keysOf(family: Family): Promise<Key[][]> {
  const draft = startEngine(draftSpec(family, { sequences: 1, threads: 1 }));
  try {
    const packages = testsOf(await loadHeldOut());
    const traces = tracesOver(packages, CLIENTS * LINES_EACH, { label: 'crowd', bursts: ['a line'] });
    return await Promise.all(
      traces.map(async ({ strokes }) => {
        const end = strokes.at(-1)!;
        return Promise.all(
          strokes.slice(0, -1).map(async (stroke): Promise<Key> => {
            const { context } = await promptFor({ family, tokenizer: draft }, placeFor(family, stroke));
            const rest = end.text.slice(stroke.offset, end.offset);
            return { context, drafted: (await draft.tokenize(rest)).slice(0, DRAFTED) };
          }),
        );
      }),
    );
  } finally {
    await draft.dispose();
  }
}

async function connected(node: EdgeNode, family: Family): Promise<Channel> {
  const welcome = Promise.withResolvers<undefined>();
  const channel = new Channel({
    url: node.url,
    token: node.token,
    identity: identityOf(family),
    onState: ({ status }) => status === 'connected' && welcome.resolve(undefined),
    random: Math.random,
  });
  await welcome.promise;
  return channel;
}

async function residentOf(node: EdgeNode): Promise<number> {
  const all = await Promise.all([node.pid, ...(await childrenOf(node.pid))].map(residentBytes));
  return all.reduce<number>((sum, bytes) => sum + (bytes ?? 0), 0);
}

export function reportOf(results: CrowdResults, on: string): Report {
  const { seconds, verdicts, failures, resident, alone, beside, prompt } = results;
  const ms = (times: readonly number[], share: number) => quantile(times, share).toFixed(0);
  const warm = resident.slice(Math.min(WARM_UP, resident.length - 1));
  const growth = warm.map((bytes) => (100 * bytes) / warm[0]! - 100);
  const signed = (per: number) => `${per < 0 ? '−' : '+'}${Math.abs(per).toFixed(1)}`;
  const codes = Object.entries(failures).map(([code, count]) => `${whole(count)} ${code}`);
  return {
    text: [
      table(
        `**${CLIENTS} people at one node** for ${seconds} seconds, 5 keys a second each, on ${on}, one thread: verdicts in milliseconds, refusals by their code, and by how much per cent resident memory differed from what it was after ${WARM_UP} seconds.`,
        ['verdicts', 'a second', 'median', '95 %', '99 %', '99 % / median', 'refused', 'memory (%)'],
        [
          [
            whole(verdicts.length),
            (verdicts.length / seconds).toFixed(1),
            ms(verdicts, 0.5),
            ms(verdicts, 0.95),
            ms(verdicts, 0.99),
            (quantile(verdicts, 0.99) / quantile(verdicts, 0.5)).toFixed(1),
            codes.join(', ') || '0',
            `${signed(Math.min(...growth))} to ${signed(Math.max(...growth))}`,
          ],
        ],
      ),
      table(
        `**A verdict beside a prompt that is read**: ${alone.length} pairs, one client alone and while another's prompt of ${prompt} tokens (median) is read; milliseconds.`,
        ['', 'median', '95 %'],
        [
          ['alone', ms(alone, 0.5), ms(alone, 0.95)],
          ['beside', ms(beside, 0.5), ms(beside, 0.95)],
          [
            '×',
            (quantile(beside, 0.5) / quantile(alone, 0.5)).toFixed(2),
            (quantile(beside, 0.95) / quantile(alone, 0.95)).toFixed(2),
          ],
        ],
      ),
    ].join('\n\n'),
    charts: [],
  };
}
