/**
 * Pure: when other products ask for a completion while somebody types, and for what, as their sources say: Tabby's agent
 * 1.9.0-dev (`codeCompletion/debouncer.ts`, `contexts.ts`, `cache.ts`), Continue `d0a3c0b` (`core/autocomplete`), and
 * llama.vscode 0.0.63 (`src/completion.ts`). Times are milliseconds.
 */
import { infillTexts } from '../keystrokes/infill.ts';
import type { Stroke } from './strokes.ts';

export type Place = Pick<Stroke, 'text' | 'offset'>;

const within = (least: number, most: number, value: number) => Math.max(least, Math.min(most, value));

// Tabby

/** Gaps between keys that count (longer ones are pauses), how many, and how many are needed for a mean. */
const TABBY_GAPS = { longest: 400, most: 100, needed: 20 };
/** What is waited for is so many gaps of this typist, fewer at places where a text is likely to be accepted. */
const TABBY_BASE = { unknown: 200, least: 100, most: 400 };
const TABBY_FACTOR = { least: 1.5, most: 3 };
const TABBY_LIKELY = { trigger: 0.5, lineEnd: 0.4, documentEnd: 0.1 };
const TABBY_PAUSE = { least: 100, most: 1000 };
/** Responses whose mean is taken off the pause. */
const TABBY_RESPONSES = 10;
export const TABBY_CACHED = 100;
/** Characters of a text's first line that can be typed and found in the cache. */
const TABBY_FORWARD = 50;
/** The least characters that are shown. */
const TABBY_LEAST = 4;
const TABBY_LINES = 20;

export interface TabbyTyping {
  /** All gaps before the keys so far, this one's included. */
  readonly gaps: readonly number[];
  /** In what time completions came so far; undefined for a text that is in the cache, which waits as well. */
  readonly responses: readonly number[] | undefined;
}

/**
 * How long Tabby waits for the next key. Before its very first response the mean is no number, and its timer goes off at
 * once.
 */
export function tabbyPause(place: Place, { gaps, responses }: TabbyTyping): number {
  const counted = gaps.filter((gap) => gap <= TABBY_GAPS.longest).slice(-TABBY_GAPS.most);
  const base =
    counted.length > TABBY_GAPS.needed
      ? within(TABBY_BASE.least, TABBY_BASE.most, meanOf(counted))
      : TABBY_BASE.unknown;
  const { head, rest, below } = lineAt(place);
  const likely =
    (/^\W*$/u.test(head.slice(-1)) ? TABBY_LIKELY.trigger : 0) +
    (closed(rest) ? TABBY_LIKELY.lineEnd : 0) +
    (/^\W*$/u.test(rest + below) ? TABBY_LIKELY.documentEnd : 0);
  const factor = TABBY_FACTOR.most - (TABBY_FACTOR.most - TABBY_FACTOR.least) * Math.min(1, likely);
  const response = responses === undefined ? 0 : meanOf(responses.slice(-TABBY_RESPONSES));
  if (Number.isNaN(response)) return 0;
  return within(TABBY_PAUSE.least, TABBY_PAUSE.most, factor * base - response);
}

/** What Tabby's server has the model asked for: 20 lines on either side, and no more than 64 tokens. */
export function tabbyRequest(place: Place) {
  return {
    ...textsAround(place, TABBY_LINES - 1, TABBY_LINES - 1),
    n_predict: 64,
    temperature: 0.1,
    // Of its stops, which name each language's keywords, those that most texts meet.
    stop: ['\n\n', '\n//', '\nfunction', '\nclass', '\nimport', '\nexport'],
    stream: false,
    cache_prompt: true,
  };
}

/** What Tabby shows of a text: one line where something but closing brackets stands behind the cursor. */
export function tabbyShown(text: string, place: Place): string {
  const whole = closed(lineAt(place).rest) ? text : text.split('\n')[0]!;
  const solid = whole.trimEnd();
  return solid.trim().length < TABBY_LEAST ? '' : solid;
}

/** What of a text was typed and what is left, for all places at which Tabby keeps the rest beforehand. */
export function tabbyForward(text: string): { readonly typed: string; readonly left: string }[] {
  const lines = text.split('\n');
  const first = lines.length > 1 ? `${lines[0]!}\n` : text;
  const cuts = Array.from(
    { length: Math.max(0, Math.min(TABBY_FORWARD, first.length) - 1) },
    (_, at) => at + 1,
  );
  if (lines.length > 2) {
    const indent = Math.max(0, lines[1]!.search(/\S/u));
    cuts.push(first.length - 1, first.length, first.length + indent);
  }
  return [...new Set(cuts)].map((at) => ({ typed: text.slice(0, at), left: text.slice(at) }));
}

/** Whether nothing stands there but what editors close by themselves. */
function closed(rest: string): boolean {
  return /^[)\]}>"'`;,\s]*$/u.test(rest);
}

// Continue

/** Before its cache is looked into. */
export const CONTINUE_PAUSE = 350;
export const CONTINUE_CACHED = 1000;
/** From when on the end of a line is enough, and when writing stops in any case. */
const CONTINUE_ENOUGH = 150;
const CONTINUE_STOP = 2.5 * CONTINUE_ENOUGH;
/** 30 and 20 per cent of 1,024 tokens, which its counter takes code to have about four characters each of. */
const CONTINUE_WINDOW = { before: 1229, after: 819 };

/** Whole lines around the cursor, as Continue prunes them: its keys in the cache are such prefixes. */
export function continueWindow({ text, offset }: Place): {
  readonly prefix: string;
  readonly suffix: string;
} {
  let prefix = text.slice(0, offset);
  while (prefix.length > CONTINUE_WINDOW.before && prefix.includes('\n'))
    prefix = prefix.slice(prefix.indexOf('\n') + 1);
  let suffix = text.slice(offset);
  const end = suffix.lastIndexOf('\n', CONTINUE_WINDOW.after);
  if (suffix.length > CONTINUE_WINDOW.after) suffix = suffix.slice(0, Math.max(0, end));
  return { prefix, suffix };
}

export function continueRequest(place: Place) {
  const { prefix, suffix } = continueWindow(place);
  const start = prefix.lastIndexOf('\n') + 1;
  return {
    input_prefix: prefix.slice(0, start),
    prompt: prefix.slice(start),
    input_suffix: suffix || '\n',
    input_extra: [],
    n_predict: 512,
    temperature: 0.01,
    stop: ['/src/', '#- coding: utf-8', '```', 'diff --git'],
    stream: true,
    cache_prompt: true,
  };
}

/**
 * What Continue shows of a text that came so far, `ms` after it was asked for; undefined while it waits for more.
 * @param below the next line of the document on which something stands: what repeats it is not taken.
 */
export function continueEnough(text: string, ms: number, below: string): string | undefined {
  const lines = text.split('\n');
  const taken: string[] = [];
  for (const line of lines.slice(0, -1)) {
    if (line.trim() === '' && taken.length > 0) return taken.join('\n');
    if (below.trim() !== '' && line === below) return taken.join('\n');
    taken.push(line);
  }
  if (ms > CONTINUE_STOP) return [...taken, lines.at(-1)!].join('\n');
  return ms > CONTINUE_ENOUGH && taken.some((line) => line.trim() !== '') ? taken.join('\n') : undefined;
}

/** What is left of a text that is kept for the longest prefix that the place begins with. */
export function continueKnown(known: ReadonlyMap<string, string>, prefix: string): string | undefined {
  const key = [...known.keys()]
    .filter((one) => prefix.startsWith(one))
    .reduce<string | undefined>(
      (best, one) => (best === undefined || one.length > best.length ? one : best),
      undefined,
    );
  const typed = key === undefined ? undefined : prefix.slice(key.length);
  const text = key === undefined ? undefined : known.get(key)!;
  return typed !== undefined && text?.startsWith(typed) && text !== typed
    ? text.slice(typed.length)
    : undefined;
}

// llama.vscode

/** Between looks whether the request before is over; no other wait. */
export const LLAMA_POLL = 150;
export const LLAMA_CACHED = 250;
/** Characters behind the cursor on its line beyond which nothing is asked for. */
const LLAMA_REST = 8;
const LLAMA_LINES = { above: 256, below: 64 };

export function llamaSilent(place: Place): boolean {
  return lineAt(place).rest.length > LLAMA_REST;
}

/** Three completions at once, each of up to 128 tokens or half a second. */
export function llamaRequest(texts: InfillRequest) {
  return {
    id_slot: 0,
    ...texts,
    n_predict: 128,
    n_cmpl: 3,
    top_k: 40,
    top_p: 0.99,
    stream: false,
    samplers: ['top_k', 'top_p', 'infill'],
    cache_prompt: true,
    t_max_prompt_ms: 500,
    t_max_predict_ms: 500,
  };
}

/** The parts of a request that come from the document. */
export interface InfillRequest {
  readonly input_prefix: string;
  readonly prompt: string;
  readonly input_suffix: string;
  readonly input_extra: readonly never[];
  readonly n_indent?: number;
}

export function llamaTexts(place: Place): InfillRequest {
  const { head } = lineAt(place);
  const indent = head.search(/\S/u);
  return {
    ...textsAround(place, LLAMA_LINES.above, LLAMA_LINES.below),
    // A line of blanks is asked for from its beginning.
    ...(indent === -1 ? { prompt: '' } : { n_indent: indent }),
  };
}

export const llamaKey = ({ input_prefix: above, input_suffix: behind, prompt }: InfillRequest) =>
  [above, behind, prompt].join('|');

/** The texts of the place, or of one before it on the line from which what they say was typed. */
export function llamaKnown(
  known: { get(key: string): readonly string[] | undefined },
  texts: InfillRequest,
): readonly string[] | undefined {
  const { prompt } = texts;
  for (let at = prompt.length; at >= 0; at--) {
    const typed = prompt.slice(at);
    const fitting = known
      .get(llamaKey({ ...texts, prompt: prompt.slice(0, at) }))
      ?.filter((text) => text.startsWith(typed))
      .map((text) => text.slice(typed.length));
    if (fitting && fitting.length > 0) return fitting;
  }
  return undefined;
}

/** What is left of texts for a place: none that are blank or stand there already. */
export function llamaShown(texts: readonly string[], place: Place): string[] {
  const { rest, below } = lineAt(place);
  const next = below.split('\n').find((line) => line.trim() !== '');
  return texts
    .map((text) => text.trimEnd())
    .filter((text) => text.trim() !== '' && text !== rest && lineAt(place).head + text !== next)
    .map((text) => {
      if (rest.trim() === '') return text;
      const first = text.split('\n')[0]!;
      return first.endsWith(rest) ? first.slice(0, first.length - rest.length) : first;
    });
}

/** Where llama.vscode asks beforehand: behind the text, as if it had been accepted. */
export function llamaAhead(texts: InfillRequest, shown: string): InfillRequest {
  const lines = shown.split('\n');
  if (lines.length === 1) return { ...texts, prompt: texts.prompt + shown };
  const above = `${texts.input_prefix}${texts.prompt}${lines.slice(0, -1).join('\n')}\n`;
  const kept = above.slice(0, -1).split('\n').slice(-LLAMA_LINES.above);
  return { ...texts, input_prefix: `${kept.join('\n')}\n`, prompt: lines.at(-1)! };
}

// All

/** The cursor's line before and behind it, and all that follows. */
export function lineAt({ text, offset }: Place) {
  const start = text.lastIndexOf('\n', offset - 1) + 1;
  const end = text.indexOf('\n', offset);
  const last = end === -1 ? text.length : end;
  return { head: text.slice(start, offset), rest: text.slice(offset, last), below: text.slice(last) };
}

/** The next line behind the cursor's on which something stands; empty where there is none. */
export function lineBelow(place: Place): string {
  return (
    lineAt(place)
      .below.split('\n')
      .find((line) => line.trim() !== '') ?? ''
  );
}

function textsAround(place: Place, above: number, below: number): InfillRequest {
  const { prefix, suffix } = infillTexts(place);
  const { head, rest } = lineAt(place);
  const lines = prefix.slice(0, -1).split('\n').slice(-above);
  // The first of these is what stands behind the cursor.
  const behind = suffix
    .slice(0, -1)
    .split('\n')
    .slice(1, below + 1);
  return {
    input_prefix: `${lines.join('\n')}\n`,
    prompt: head,
    input_suffix: `${[rest, ...behind].join('\n')}\n`,
    input_extra: [],
  };
}

function meanOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}
