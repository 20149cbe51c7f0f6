/** Ways of laying out the prompt at a keystroke. */
import type { Engine, Family, FimTokens, Token } from '@foretype/models';
import { sharedPrefix } from '../../../models/src/engine/slots.ts';
import { promptFor, type Place } from '../../../models/src/prompt.ts';
import { batchFor, infillEvaluated, infillPrompt, infillTexts, type InfillParts } from './infill.ts';
import type { Keystroke } from './traces.ts';

export interface LaidOut {
  readonly prompt: readonly Token[];
  /** Tokens that healing took back: they are not read, but have to be written again. */
  readonly healed: number;
}

export interface Layout {
  readonly name: string;
  readonly layOut: (stroke: Keystroke) => Promise<LaidOut>;
  /** Tokens of a prompt that have to be evaluated where the KV cache holds those of `cached`. */
  readonly evaluated: (cached: readonly Token[], prompt: readonly Token[]) => number;
}

export interface LayoutParts {
  readonly family: Pick<Family, 'context' | 'fim' | 'tokenizer'>;
  readonly tokenizer: Pick<Engine, 'tokenize' | 'detokenize'>;
}

const atCursor = ({ text, offset }: Keystroke): Place => ({ text, offset });
const atAnchor = ({ text, offset, anchor }: Keystroke): Place => ({ text, offset, anchor });

/** The place of a keystroke as the language server asks for it: split where a burst began if the family needs that. */
export function placeFor({ fim }: Pick<Family, 'fim'>, stroke: Keystroke): Place {
  return fim.order === 'prefix-first' ? atAnchor(stroke) : atCursor(stroke);
}

export function layoutsFor({ family, tokenizer }: LayoutParts): Layout[] {
  const ours = (name: string, order: FimTokens['order'], placeOf: (stroke: Keystroke) => Place): Layout => ({
    name,
    layOut: async (stroke) => {
      const parts = { family: { ...family, fim: { ...family.fim, order } }, tokenizer };
      const { context, leading } = await promptFor(parts, placeOf(stroke));
      return { prompt: context, healed: leading.tokens.length };
    },
    evaluated: unshared,
  });
  const partsOf = infillParts(tokenizer);
  const infill = (name: string, suffixFirst: boolean): Layout => {
    const server = { ...family, bos: family.tokenizer.bos, batch: batchFor(family.context), suffixFirst };
    return {
      name,
      layOut: async (stroke) => ({ prompt: infillPrompt(await partsOf(stroke), server), healed: 0 }),
      evaluated: infillEvaluated,
    };
  };
  return [
    ours('joined', 'joined', atCursor),
    ours('suffix-first', 'suffix-first', atCursor),
    ours('suffix-first, anchored', 'suffix-first', atAnchor),
    ours('prefix-first', 'prefix-first', atCursor),
    ours('prefix-first, anchored', 'prefix-first', atAnchor),
    infill('/infill', false),
    infill('/infill, --spm-infill', true),
  ];
}

/** What does not follow the same tokens; of a prompt that is there whole, its last token is asked again. */
export function unshared(cached: readonly Token[], prompt: readonly Token[]): number {
  return Math.max(1, prompt.length - sharedPrefix(cached, prompt));
}

/** Tokens of what `/infill` is sent. Both layouts ask for the same, and the long prefix rarely changes. */
function infillParts(tokenizer: Pick<Engine, 'tokenize'>): (stroke: Keystroke) => Promise<InfillParts> {
  const known = new Map<string, Promise<Token[]>>();
  const tokens = (text: string) => {
    const found = known.get(text) ?? tokenizer.tokenize(text);
    known.delete(text);
    known.set(text, found);
    for (const oldest of known.keys()) if (known.size > 8) known.delete(oldest);
    return found;
  };
  return async (stroke) => {
    const texts = infillTexts(stroke);
    const [prefix, prompt, suffix] = await Promise.all(
      [texts.prefix, texts.prompt, texts.suffix].map(tokens),
    );
    return { prefix: prefix!, prompt: prompt!, suffix: suffix! };
  };
}
