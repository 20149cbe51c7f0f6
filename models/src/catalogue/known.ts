/** Families of public models that share a tokenizer: what is known of them, and where their files are. */

/** A file that anybody can have. */
export interface KnownFile {
  readonly url: string;
  /** Its name in the family. */
  readonly file: string;
  /** About, where the checksum is not known. */
  readonly bytes: number;
  /** Null where nobody told: what comes first is trusted, and pinned. */
  readonly sha256: string | null;
}

/** A token by id, with the text that it must have in the file. */
export type Marker = readonly [id: number, text: string];

export interface KnownFamily {
  readonly id: string;
  /** SPDX, or the licence's own name. */
  readonly licence: string;
  /** What to know before using it, one sentence. */
  readonly note?: string;
  /** Of the backbone and of the draft. */
  readonly parameters: readonly [backbone: string, draft: string];
  /**
   * Tokens of a prompt with its completion: less than the models were trained for, since every prompt that is kept takes
   * as much memory as the longest, and a whole prompt is read before the first token.
   */
  readonly context: number;
  readonly trainedContext: number;
  /** Bytes of KV for a token: 2 · layers · KV heads · width of a head · 2 bytes. */
  readonly kvPerToken: Readonly<Record<'backbone' | 'draft', number>>;
  readonly fim: {
    readonly prefix: Marker;
    readonly suffix: Marker;
    readonly middle: Marker;
    readonly order: 'joined' | 'suffix-first' | 'prefix-first';
    /** See `FimTokens.files`. */
    readonly files?: { readonly separator: Marker; readonly repository?: Marker };
  };
  readonly end: readonly Marker[];
  readonly backbone: KnownFile;
  readonly draft: KnownFile;
}

/** Of the base models, in the numeric format that is exact whatever the batch (see ARCHITECTURE.md). */
function qwen(size: string, revision: string, bytes: number, sha256: string | null): KnownFile {
  const file = `qwen2.5-coder-${size}-q8_0.gguf`;
  const repository = `ggml-org/Qwen2.5-Coder-${size.toUpperCase()}-Q8_0-GGUF`;
  return { url: `https://huggingface.co/${repository}/resolve/${revision}/${file}`, file, bytes, sha256 };
}

/** Checksums and sizes as Hugging Face and projects that pin the same revisions have them. */
const QWEN = {
  '0.5b': qwen(
    '0.5b',
    '5788aee90e725673490be18f553d234feaa8303d',
    531_068_128,
    'd0f8cd6c49bab52a0abdbe47948518b1f4d9b1a8a2a6825099cea31cea10ac56',
  ),
  '1.5b': qwen(
    '1.5b',
    '8be1b8a895a84beea772817caaa71eba6b6e0d07',
    1_646_573_056,
    '29871c94d15727a6e243f79a37113d4ae625a6215b5e800bf41a23af2da32832',
  ),
  '3b': qwen(
    '3b',
    '9c1de162ae417c9c3aacde97c729c4128de047d8',
    3_285_476_160,
    'a522a906e299ed34db738b9626b2cd0da9e446c14674468a22fc2eae3dbd344d',
  ),
  '7b': qwen(
    '7b',
    'bca77e0a8c88fc224882bcc404170c3ef17efacc',
    8_098_525_600,
    '0ef48dc94a3c551a6736ac2601de38413dc9aa9318534b16e8baee08290a4aaf',
  ),
  // Its size is known to one project only, and its checksum to none.
  '14b': qwen('14b', 'main', 15_701_597_984, null),
} as const;

/** Token ids: README of QwenLM/Qwen2.5-Coder; what ends a completion is what must never be part of one. */
const QWEN_TOKENS = {
  fim: {
    prefix: [151_659, '<|fim_prefix|>'],
    suffix: [151_661, '<|fim_suffix|>'],
    middle: [151_660, '<|fim_middle|>'],
    order: 'prefix-first',
    files: { separator: [151_664, '<|file_sep|>'], repository: [151_663, '<|repo_name|>'] },
  },
  end: [
    [151_643, '<|endoftext|>'],
    [151_644, '<|im_start|>'],
    [151_645, '<|im_end|>'],
    [151_659, '<|fim_prefix|>'],
    [151_660, '<|fim_middle|>'],
    [151_661, '<|fim_suffix|>'],
    [151_662, '<|fim_pad|>'],
    [151_663, '<|repo_name|>'],
    [151_664, '<|file_sep|>'],
  ],
} as const satisfies Pick<KnownFamily, 'fim' | 'end'>;

/** Bytes of KV for a token of the 0.5B model. */
const DRAFT_KV = 2 * 24 * 2 * 64 * 2;

const QWEN_FAMILY = {
  ...QWEN_TOKENS,
  licence: 'Apache-2.0',
  context: 4096,
  trainedContext: 32_768,
  draft: QWEN['0.5b'],
} as const;

/** The smallest first. */
export const KNOWN_FAMILIES: readonly KnownFamily[] = [
  {
    ...QWEN_FAMILY,
    id: 'qwen2.5-coder-1.5b',
    parameters: ['1.54 B', '0.49 B'],
    kvPerToken: { backbone: 2 * 28 * 2 * 128 * 2, draft: DRAFT_KV },
    backbone: QWEN['1.5b'],
  },
  {
    ...QWEN_FAMILY,
    id: 'qwen2.5-coder-3b',
    licence: 'Qwen Research',
    note: 'The licence of its backbone allows research and evaluation, no commercial use.',
    parameters: ['3.09 B', '0.49 B'],
    kvPerToken: { backbone: 2 * 36 * 2 * 128 * 2, draft: DRAFT_KV },
    backbone: QWEN['3b'],
  },
  {
    ...QWEN_FAMILY,
    id: 'qwen2.5-coder-7b',
    parameters: ['7.61 B', '0.49 B'],
    kvPerToken: { backbone: 2 * 28 * 4 * 128 * 2, draft: DRAFT_KV },
    backbone: QWEN['7b'],
  },
  {
    ...QWEN_FAMILY,
    id: 'qwen2.5-coder-14b',
    parameters: ['14 B', '0.49 B'],
    kvPerToken: { backbone: 2 * 48 * 8 * 128 * 2, draft: DRAFT_KV },
    backbone: QWEN['14b'],
  },
];
