/**
 * Pure: what a GGUF file says of itself, read from bytes that nobody vouches for. Version 3, little endian, as in
 * ggml-org/ggml, docs/gguf.md.
 */

/** Text, a number, a yes or no, or a row of them; 64-bit numbers are rounded where a double cannot hold them. */
export type GgufValue = string | number | boolean | readonly GgufValue[];

export interface GgufTensor {
  readonly name: string;
  /** Number of values in a row, then of rows; rarely more. */
  readonly shape: readonly number[];
  readonly type: TensorType;
  /** Bytes from the start of the file, and how many they are. */
  readonly at: number;
  readonly bytes: number;
}

export interface Gguf {
  readonly metadata: ReadonlyMap<string, GgufValue>;
  /** In the order of their data, which do not overlap. */
  readonly tensors: readonly GgufTensor[];
  /** Where the tensors' data begin. */
  readonly dataAt: number;
}

/** The file is not what it should be; the message is one sentence that says where. */
export class GgufError extends Error {
  override readonly name = 'GgufError';
  readonly code = 'gguf-invalid';
}

/** Number of each type, values in a block of it and the bytes of a block (ggml.h, ggml-common.h). */
const TENSOR_TYPES = {
  f32: { id: 0, values: 1, bytes: 4 },
  f16: { id: 1, values: 1, bytes: 2 },
  bf16: { id: 30, values: 1, bytes: 2 },
  q4_0: { id: 2, values: 32, bytes: 18 },
  q4_1: { id: 3, values: 32, bytes: 20 },
  q5_0: { id: 6, values: 32, bytes: 22 },
  q5_1: { id: 7, values: 32, bytes: 24 },
  q8_0: { id: 8, values: 32, bytes: 34 },
  q2_k: { id: 10, values: 256, bytes: 84 },
  q3_k: { id: 11, values: 256, bytes: 110 },
  q4_k: { id: 12, values: 256, bytes: 144 },
  q5_k: { id: 13, values: 256, bytes: 176 },
  q6_k: { id: 14, values: 256, bytes: 210 },
  iq4_nl: { id: 20, values: 32, bytes: 18 },
  iq4_xs: { id: 23, values: 256, bytes: 136 },
  mxfp4: { id: 39, values: 32, bytes: 17 },
} as const;
export type TensorType = keyof typeof TENSOR_TYPES;

/** The longest header, and what it may count; real ones have some hundreds of tensors and arrays of the vocabulary. */
export const MAX_HEADER_BYTES = 32 * 1024 * 1024;
const MOST = { tensors: 16_384, keys: 4096, nesting: 2, dimensions: 4, name: 256 } as const;
/** What a dimension may be: 32-bit numbers of them cannot overflow a double when four are multiplied and checked. */
const MAX_DIMENSION = 2 ** 31 - 1;

/**
 * Reads the header of a file.
 * @param head the first bytes of the file: all of it, or {@link MAX_HEADER_BYTES}.
 * @param size bytes of the whole file.
 * @throws GgufError
 */
export function parseGguf(head: Uint8Array, size: number): Gguf {
  const reader = new Reader(head);
  const { tensorCount, metadata } = beginning(reader);
  const infos = Array.from({ length: tensorCount }, () => tensorInfo(reader));
  const alignment = alignmentOf(metadata);
  const dataAt = Math.ceil(reader.at / alignment) * alignment;
  const tensors = infos
    .map(({ offset, ...info }) => ({ ...info, at: dataAt + offset }))
    .sort((one, other) => one.at - other.at);
  const names = new Set<string>();
  let end = dataAt;
  for (const { name, at, bytes } of tensors) {
    if (names.has(name)) throw new GgufError(`The tensor ${JSON.stringify(name)} stands in it twice.`);
    names.add(name);
    if (at % alignment !== 0) throw new GgufError(`The tensor ${JSON.stringify(name)} is not aligned.`);
    if (at < end) throw new GgufError(`The tensor ${JSON.stringify(name)} overlaps another.`);
    end = at + bytes;
    if (end > size) throw new GgufError(`The tensor ${JSON.stringify(name)} ends behind the file.`);
  }
  return { metadata, tensors, dataAt };
}

/**
 * A whole file with the same metadata, byte for byte, and no tensors: all that tokenizing takes.
 * @param head as for {@link parseGguf}.
 * @throws GgufError
 */
export function withoutTensors(head: Uint8Array): Uint8Array {
  const reader = new Reader(head);
  const { metadata } = beginning(reader);
  const alignment = alignmentOf(metadata);
  const file = new Uint8Array(Math.ceil(reader.at / alignment) * alignment);
  file.set(head.subarray(0, reader.at));
  new DataView(file.buffer).setBigUint64(TENSORS_AT, 0n, true);
  return file;
}

/** Where the number of tensors stands: behind the magic number and the version. */
const TENSORS_AT = 8;

/** Reads up to where the tensors are told of. */
function beginning(reader: Reader): {
  readonly tensorCount: number;
  readonly metadata: Map<string, GgufValue>;
} {
  if (reader.u32() !== 0x46554747) throw new GgufError('It is not a GGUF file.');
  const version = reader.u32();
  if (version !== 3) throw new GgufError(`It is GGUF of version ${version}, expected 3.`);
  const tensorCount = reader.count(MOST.tensors, 'tensors');
  const keyCount = reader.count(MOST.keys, 'keys');
  const metadata = new Map<string, GgufValue>();
  for (let index = 0; index < keyCount; index++) {
    const key = reader.text(MOST.name);
    if (metadata.has(key)) throw new GgufError(`The key ${JSON.stringify(key)} stands in it twice.`);
    metadata.set(key, reader.value(reader.u32(), 0));
  }
  return { tensorCount, metadata };
}

function tensorInfo(reader: Reader): Omit<GgufTensor, 'at'> & { readonly offset: number } {
  const name = reader.text(MOST.name);
  const shown = JSON.stringify(name);
  const dimensions = reader.u32();
  if (dimensions < 1 || dimensions > MOST.dimensions)
    throw new GgufError(
      `The tensor ${shown} has ${dimensions} dimensions, expected 1 to ${MOST.dimensions}.`,
    );
  const shape = Array.from({ length: dimensions }, () => reader.u64());
  if (shape.some((count) => count < 1 || count > MAX_DIMENSION))
    throw new GgufError(`The tensor ${shown} has the impossible shape ${shape.join(' × ')}.`);
  const id = reader.u32();
  const found = Object.entries(TENSOR_TYPES).find(([, type]) => type.id === id);
  if (!found) throw new GgufError(`The tensor ${shown} has values of the unknown type ${id}.`);
  const [type, block] = found;
  if (shape[0]! % block.values !== 0)
    throw new GgufError(`The tensor ${shown} has rows of ${shape[0]} values, which ${type} cannot hold.`);
  const values = shape.reduce((all, count) => all * count, 1);
  const bytes = (values / block.values) * block.bytes;
  if (!Number.isSafeInteger(bytes)) throw new GgufError(`The tensor ${shown} is larger than any file.`);
  return { name, shape, type: type as TensorType, bytes, offset: reader.u64() };
}

function alignmentOf(metadata: ReadonlyMap<string, GgufValue>): number {
  const alignment = metadata.get('general.alignment') ?? 32;
  const fits = typeof alignment === 'number' && alignment >= 1 && alignment <= 65_536;
  if (fits && Number.isInteger(Math.log2(alignment))) return alignment;
  throw new GgufError('Its general.alignment is not a power of 2.');
}

/** Reads one thing after the other, and never past the end. */
class Reader {
  at = 0;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  /** Rounded where it is above 2^53: whoever needs it exact has a bound far below. */
  u64(): number {
    return Number(this.#view.getBigUint64(this.#take(8), true));
  }

  count(most: number, what: string): number {
    const count = this.u64();
    if (count > most) throw new GgufError(`It counts ${count} ${what}, more than ${most}.`);
    return count;
  }

  text(most: number): string {
    const length = this.u64();
    if (length > most) throw new GgufError(`At byte ${this.at} a name is ${length} bytes long.`);
    return this.#decoded(length);
  }

  value(type: number, depth: number): GgufValue {
    const fixed = VALUES[type];
    if (fixed) return fixed.read(this.#view, this.#take(fixed.bytes));
    if (type === STRING) return this.#decoded(this.u64());
    if (type !== ARRAY || depth >= MOST.nesting)
      throw new GgufError(`At byte ${this.at} there is a value of the unknown type ${type}.`);
    const of = this.u32();
    const length = this.u64();
    // Before anything is made of it: each value takes a byte at least, a text or an array eight or more.
    if (length * (VALUES[of]?.bytes ?? 8) > this.#bytes.length - this.at) throw this.#cut();
    return Array.from({ length }, () => this.value(of, depth + 1));
  }

  #decoded(length: number): string {
    const from = this.#take(length);
    return TEXT.decode(this.#bytes.subarray(from, this.at));
  }

  #take(bytes: number): number {
    const from = this.at;
    if (bytes > this.#bytes.length - from) throw this.#cut();
    this.at = from + bytes;
    return from;
  }

  #cut(): GgufError {
    return new GgufError(`Its header is cut off or larger than ${MAX_HEADER_BYTES} bytes.`);
  }
}

/** A byte order mark at the beginning is a part of the text, as in some tokens. */
const TEXT = new TextDecoder('utf-8', { ignoreBOM: true });

const [STRING, ARRAY] = [8, 9];
/** Metadata values of a fixed size, by type. */
const VALUES: Readonly<
  Record<number, { readonly bytes: number; readonly read: (view: DataView, at: number) => GgufValue }>
> = {
  0: { bytes: 1, read: (view, at) => view.getUint8(at) },
  1: { bytes: 1, read: (view, at) => view.getInt8(at) },
  2: { bytes: 2, read: (view, at) => view.getUint16(at, true) },
  3: { bytes: 2, read: (view, at) => view.getInt16(at, true) },
  4: { bytes: 4, read: (view, at) => view.getUint32(at, true) },
  5: { bytes: 4, read: (view, at) => view.getInt32(at, true) },
  6: { bytes: 4, read: (view, at) => view.getFloat32(at, true) },
  7: { bytes: 1, read: (view, at) => view.getUint8(at) !== 0 },
  10: { bytes: 8, read: (view, at) => Number(view.getBigUint64(at, true)) },
  11: { bytes: 8, read: (view, at) => Number(view.getBigInt64(at, true)) },
  12: { bytes: 8, read: (view, at) => view.getFloat64(at, true) },
};
