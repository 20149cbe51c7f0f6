/**
 * Pure: reads prompts that a client has laid out for another model. Clients that know of raw completions only (Zed,
 * Continue) write the fill-in-the-middle markers of the model that they take the node for as plain text; the node's own
 * models know other markers and orders, so that the parts are what counts.
 */

/** What stands around the place in a raw prompt. */
export interface RawParts {
  readonly prefix: string;
  readonly suffix: string;
  /** Texts of other files that were laid out before the place. */
  readonly extra: readonly string[];
}

interface Layout {
  /** The models that were trained with these markers. */
  readonly models: string;
  readonly prefix: string;
  readonly suffix: string;
  /** Ends the prompt; absent where the prefix does. */
  readonly middle?: string;
  /** What stands before each of the other files, which come before both parts. */
  readonly files?: readonly string[];
  /** What may stand behind the end. */
  readonly tail?: string;
}

/** As Zed (crates/edit_prediction/src/fim.rs) and Continue (AutocompleteTemplate.ts) lay them out. */
export const LAYOUTS: readonly Layout[] = [
  {
    models: 'Qwen2.5-Coder and Qwen3-Coder, CodeGemma, Granite 4',
    prefix: '<|fim_prefix|>',
    suffix: '<|fim_suffix|>',
    middle: '<|fim_middle|>',
    files: ['<|repo_name|>', '<|file_sep|>', '<|file_separator|>'],
  },
  {
    models:
      'StarCoder and StarCoder2, Stable Code, Granite Code; clients take it for models they do not know',
    prefix: '<fim_prefix>',
    suffix: '<fim_suffix>',
    middle: '<fim_middle>',
    files: ['<repo_name>', '<file_sep>'],
  },
  { models: 'Code Llama', prefix: '<PRE> ', suffix: ' <SUF>', middle: ' <MID>' },
  {
    models: 'DeepSeek-Coder and DeepSeek-Coder-V2',
    prefix: '<｜fim▁begin｜>',
    suffix: '<｜fim▁hole｜>',
    middle: '<｜fim▁end｜>',
  },
  { models: 'Codestral', prefix: '[PREFIX]', suffix: '[SUFFIX]' },
  {
    models: 'GLM-4, CodeGeeX4',
    prefix: '<|code_prefix|>',
    suffix: '<|code_suffix|>',
    middle: '<|code_middle|>',
    files: ['<|user|>\n', '###REFERENCE:\n'],
    tail: '<|assistant|>\n',
  },
  { models: 'Seed-Coder', prefix: '<[fim-prefix]>', suffix: '<[fim-suffix]>', middle: '<[fim-middle]>' },
];

/**
 * The parts of a prompt with markers in one of the {@link LAYOUTS}, in either order; undefined where it has none and is
 * only to be continued. A text that merely speaks of markers is told by its end, where a layout has one of its own, else
 * by its front. Of several markers of a kind the first is the one that counts.
 */
export function readRawPrompt(prompt: string): RawParts | undefined {
  for (const layout of LAYOUTS) {
    const parts = readAs(layout, prompt);
    if (parts) return parts;
  }
  return undefined;
}

function readAs(
  { prefix, suffix, middle, files = [], tail = '' }: Layout,
  prompt: string,
): RawParts | undefined {
  const whole = tail !== '' && prompt.endsWith(tail) ? prompt.slice(0, -tail.length) : prompt;
  if (middle === undefined ? !whole.startsWith(suffix) : !whole.endsWith(middle)) return undefined;
  const body = middle === undefined ? whole : whole.slice(0, -middle.length);
  const prefixFirst = body.indexOf(prefix) < body.indexOf(suffix);
  const [first, second] = prefixFirst ? [prefix, suffix] : [suffix, prefix];
  const opening = body.indexOf(first);
  const between = opening === -1 ? -1 : body.indexOf(second, opening + first.length);
  if (between === -1) return undefined;
  const one = body.slice(opening + first.length, between);
  const other = body.slice(between + second.length);
  const [before, after] = prefixFirst ? [one, other] : [other, one];
  return { prefix: before, suffix: after, extra: textsOf(body.slice(0, opening), files) };
}

function textsOf(head: string, markers: readonly string[]): string[] {
  const texts = markers.reduce((pieces, marker) => pieces.flatMap((piece) => piece.split(marker)), [head]);
  return texts.filter((text) => text.trim() !== '');
}
