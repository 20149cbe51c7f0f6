import { infillTexts, N_PREDICT } from '../keystrokes/infill.ts';

export interface PeerPlace {
  readonly text: string;
  readonly offset: number;
  /** Which of the server's caches to use; the first, as the plugin asks, if absent. */
  readonly slot?: number;
}

/** What came back; times in milliseconds since the request. */
export interface PeerAnswer {
  /** The first characters, and the last. */
  readonly firstMs: number;
  readonly wholeMs: number;
  readonly text: string;
  /** Tokens of the prompt that the server evaluated, and tokens that it wrote. */
  readonly evaluated: number;
  readonly written: number;
}

/** Milliseconds of writing that llama.vim gives the first request at a place, and of reading (which nobody heeds). */
const T_MAX_PREDICT_MS = 250;
const T_MAX_PROMPT_MS = 500;

/** The body of llama.vim's request, with no chunks of other files. */
export function pluginRequest(place: PeerPlace) {
  return { ...requestFor(place), response_fields: FIELDS };
}

/** The least that the same server has to do for one line: it streams, chooses greedily and stops where the line ends. */
export function lineRequest(place: PeerPlace) {
  return { ...requestFor(place), stop: ['\n'], samplers: ['top_k'], top_k: 1, stream: true };
}

function requestFor(place: PeerPlace) {
  const { prefix, prompt, suffix, indent } = infillTexts(place);
  return {
    id_slot: place.slot ?? 0,
    input_prefix: prefix,
    input_suffix: suffix,
    input_extra: [],
    prompt,
    n_predict: N_PREDICT,
    stop: [] as string[],
    n_indent: indent,
    top_k: 40,
    top_p: 0.9,
    samplers: ['top_k', 'top_p', 'infill'],
    stream: false,
    cache_prompt: true,
    t_max_prompt_ms: T_MAX_PROMPT_MS,
    t_max_predict_ms: T_MAX_PREDICT_MS,
  };
}

const FIELDS = [
  'content',
  'timings/prompt_n',
  'timings/prompt_ms',
  'timings/prompt_per_token_ms',
  'timings/prompt_per_second',
  'timings/predicted_n',
  'timings/predicted_ms',
  'timings/predicted_per_token_ms',
  'timings/predicted_per_second',
  'truncated',
  'tokens_cached',
];

/** Asks as the plugin does. @throws Error with what the server says where it refuses. */
export async function askPlugin(url: string, place: PeerPlace): Promise<PeerAnswer> {
  const began = performance.now();
  const body = (await (await post(url, pluginRequest(place))).json()) as Fields;
  return readWhole(body, performance.now() - began);
}

/** Asks for a line and reads it as it comes. @throws Error with what the server says where it refuses. */
export async function askLine(url: string, place: PeerPlace): Promise<PeerAnswer> {
  const began = performance.now();
  const { body } = await post(url, lineRequest(place));
  return readLine(body!.pipeThrough(new TextDecoderStream()), () => performance.now() - began);
}

type Fields = Readonly<Record<string, string | number>>;

/** An answer that came in one piece after `ms` milliseconds. */
export function readWhole(fields: Fields, ms: number): PeerAnswer {
  return {
    firstMs: ms,
    wholeMs: ms,
    text: String(fields['content']),
    evaluated: Number(fields['timings/prompt_n']),
    written: Number(fields['timings/predicted_n']),
  };
}

interface StreamEvent {
  readonly content?: string;
  readonly timings?: { readonly prompt_n: number; readonly predicted_n: number };
}

/** An answer that comes as server-sent events, with the milliseconds so far. */
export async function readLine(chunks: AsyncIterable<string>, clock: () => number): Promise<PeerAnswer> {
  let firstMs: number | undefined;
  let text = '';
  let timings = { prompt_n: NaN, predicted_n: NaN };
  for await (const event of eventsOf(chunks)) {
    const { content = '', timings: last } = JSON.parse(event) as StreamEvent;
    if (content !== '') firstMs ??= clock();
    text += content;
    timings = last ?? timings;
  }
  const wholeMs = clock();
  // An empty line shows by its end.
  return {
    firstMs: firstMs ?? wholeMs,
    wholeMs,
    text,
    evaluated: timings.prompt_n,
    written: timings.predicted_n,
  };
}

/** The data of server-sent events, which may be cut anywhere on their way. */
export async function* eventsOf(chunks: AsyncIterable<string>): AsyncGenerator<string, void> {
  let rest = '';
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop()!;
    for (const line of lines) if (line.startsWith('data: ')) yield line.slice('data: '.length).trimEnd();
  }
}

async function post(url: string, request: object): Promise<Response> {
  const answer = await fetch(`${url}/infill`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request),
  });
  if (answer.ok) return answer;
  throw new Error(`llama-server refused with status ${answer.status}: ${await answer.text()}`);
}
