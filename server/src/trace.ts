/** Pure: what one completion did and when, so that a slow one can be explained. Never any text, token or path. */
import type { Source } from './estimates.ts';
import type { CompletionReport } from './protocol.ts';
import type { Receipt } from './verifier.ts';

/** A part of a verdict; times in milliseconds since the completion began. */
export interface PartTrace {
  readonly ms: number;
  /** Milliseconds that the node had spent on the round by then. */
  readonly nodeMs: number;
  readonly accepted: number;
  /** How many tokens of the target's own it brought. */
  readonly tokens: number;
}

export interface RoundTrace {
  /** Where the draft comes from; null where there is none. */
  readonly source: Source | null;
  /** The tokens to draft (K), as planned, and the most to be written on (m). */
  readonly draft: number;
  readonly more: number;
  /** Why so many. */
  readonly why: string;
  /** When a draft was asked for, and when it was on its way. */
  readonly startMs: number;
  sentMs: number | null;
  drafted: number;
  bytesUp: number;
  bytesDown: number;
  readonly parts: PartTrace[];
}

export interface CompletionTrace {
  readonly adapter: string | null;
  /** Tokens of the prompt, and tokens taken back from before the cursor. */
  context: number;
  leading: number;
  /** When the prompt was there, the local draft's line, and the target's. */
  promptMs: number | null;
  draftMs: number | null;
  verifiedMs: number | null;
  /** Tokens of the local draft's line. */
  drafted: number;
  /** The context that was sent ahead, once the node had said that it has it; `ms` is the way there and back. */
  ahead: (Receipt & { readonly ms: number }) | null;
  readonly rounds: RoundTrace[];
  /** Why there was no further round, where the text could not be verified to its end. */
  unverified: string | null;
  /** When it was over, and how: `left` is a reader that had enough, or typed on. */
  endMs: number | null;
  outcome: 'done' | 'left' | 'failed';
}

export function emptyTrace(adapter: string): CompletionTrace {
  return {
    adapter: adapter || null,
    context: 0,
    leading: 0,
    promptMs: null,
    draftMs: null,
    verifiedMs: null,
    drafted: 0,
    ahead: null,
    rounds: [],
    unverified: null,
    endMs: null,
    outcome: 'left',
  };
}

/** What is shown of a completion whose text came about by `path`. */
export function reportOf(trace: CompletionTrace, path: CompletionReport['path']): CompletionReport {
  const { ahead, rounds, draftMs, verifiedMs } = trace;
  const times = [draftMs, verifiedMs].filter((time) => time !== null);
  const firstTextMs = times.length > 0 ? Math.min(...times) : null;
  if (path === 'draft') {
    const none = {
      rounds: 0,
      accepted: 0,
      committed: 0,
      verifiedMs: null,
      bytesUp: 0,
      bytesDown: 0,
      adapter: null,
    };
    return { path, ...none, drafted: trace.drafted, firstTextMs, unverified: trace.unverified };
  }
  const parts = rounds.flatMap((round) => round.parts);
  const accepted = sum(parts, (part) => part.accepted);
  return {
    path,
    rounds: rounds.length,
    drafted: sum(rounds, (round) => round.drafted),
    accepted,
    committed: accepted + sum(parts, (part) => part.tokens),
    firstTextMs,
    verifiedMs,
    unverified: null,
    bytesUp: sum(rounds, (round) => round.bytesUp) + (ahead?.bytesUp ?? 0),
    bytesDown: sum(rounds, (round) => round.bytesDown) + (ahead?.bytesDown ?? 0),
    adapter: trace.adapter,
  };
}

/** A trace as it stands in a file. */
export interface StoredTrace extends CompletionTrace {
  /** ISO 8601. */
  readonly time: string;
  /** Id of the model family. */
  readonly family: string;
}

/** @returns undefined for a line that is none. */
export function readTrace(line: string): StoredTrace | undefined {
  try {
    const trace = JSON.parse(line) as StoredTrace;
    return typeof trace.time === 'string' && Array.isArray(trace.rounds) ? trace : undefined;
  } catch {
    return undefined;
  }
}

/** A trace as lines to read, one for each thing that happened. */
export function timeline(trace: CompletionTrace): string[] {
  const {
    adapter,
    context,
    leading,
    promptMs,
    draftMs,
    verifiedMs,
    drafted,
    ahead,
    rounds,
    unverified,
    endMs,
    outcome,
  } = trace;
  const events: [ms: number | null, what: string][] = [
    [promptMs, `prompt: ${count(context, 'token')}${leading > 0 ? `, ${leading} taken back` : ''}`],
    [
      ahead && promptMs !== null ? promptMs + ahead.ms : null,
      `context sent ahead: ${ahead?.bytesUp ?? 0} B up, ${ahead?.bytesDown ?? 0} B down`,
    ],
    ...rounds.flatMap((round, index) => roundEvents(round, index + 1)),
    [draftMs, `local draft: ${count(drafted, 'token')}`],
    [verifiedMs, 'verified'],
    [unverified === null ? null : endMs, `no further round: ${unverified ?? ''}`],
    [endMs, OUTCOMES[outcome]],
  ];
  const happened = events.filter((event): event is [number, string] => event[0] !== null);
  happened.sort(([a], [b]) => a - b);
  return [
    `adapter ${adapter ?? 'none'}, ${count(rounds.length, 'round')}`,
    ...happened.map(([ms, what]) => `${ms.toFixed(1).padStart(9)} ms  ${what}`),
  ];
}

const OUTCOMES = { done: 'end', left: 'end: nobody waited any more', failed: 'end: failed' };

function roundEvents(round: RoundTrace, number: number): [ms: number | null, what: string][] {
  const { source, draft, more, why, startMs, sentMs, drafted, bytesUp, bytesDown, parts } = round;
  const plan = draft > 0 ? `${source ?? 'no'} draft of ${draft}` : 'no draft';
  return [
    [startMs, `round ${number}: ${plan}${more > 0 ? `, ${more} more from the target` : ''} (${why})`],
    [sentMs, `round ${number}: ${count(drafted, 'drafted token')} sent`],
    ...parts.map(({ ms, nodeMs, accepted, tokens }, index): [number, string] => {
      const away = ms - (sentMs ?? ms) - nodeMs;
      return index === 0
        ? [
            ms,
            `round ${number}: ${accepted} accepted, ${tokens} of the target; node ${nodeMs.toFixed(1)} ms, ` +
              `channel ${away.toFixed(1)} ms, ${bytesUp} B up, ${bytesDown} B down`,
          ]
        : [ms, `round ${number}: ${tokens} more`];
    }),
  ];
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

function sum<T>(all: readonly T[], of: (one: T) => number): number {
  return all.reduce((total, one) => total + of(one), 0);
}
