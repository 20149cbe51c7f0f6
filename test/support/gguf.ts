/** GGUF files, version 3, little endian (ggml-org/ggml, docs/gguf.md): read, changed in some places, and written again. */

import { aligned, padded, string, u32, u64 } from './gguf-file.ts';

/** Types of metadata values, and the bytes of those whose size is fixed. */
const [U32, F32, STRING, ARRAY] = [4, 6, 8, 9];
const SIZES: Readonly<Record<number, number>> = {
  0: 1,
  1: 1,
  2: 2,
  3: 2,
  [U32]: 4,
  5: 4,
  [F32]: 4,
  7: 1,
  10: 8,
  11: 8,
  12: 8,
};

/** Types of tensors that are known here. */
export const TENSOR_F32 = 0;
export const TENSOR_Q8_0 = 8;

export interface Tensor {
  readonly name: string;
  /** Number of values in a row, then of rows. */
  readonly dimensions: readonly number[];
  readonly type: number;
  readonly data: Buffer;
}

/** Bytes of a row of `values` values. Q8_0 keeps 32 of them as a half-precision scale and a byte each. */
export function rowBytes(type: number, values: number): number {
  if (type === TENSOR_F32) return 4 * values;
  if (type === TENSOR_Q8_0 && values % 32 === 0) return (values / 32) * 34;
  throw new Error(`A row of ${values} values of the type ${type} is not known here.`);
}

export class Gguf {
  readonly tensors: readonly Tensor[];
  /** All metadata, as in the file. */
  readonly #metadata: Buffer;
  readonly #keys: number;
  /** Where the value of a key stands in the metadata, and its type. */
  readonly #places = new Map<string, { readonly at: number; readonly type: number }>();

  constructor(file: Buffer) {
    const cursor = new Cursor(file);
    if (cursor.bytes(4).toString('latin1') !== 'GGUF' || cursor.u32() !== 3)
      throw new Error('Not a GGUF file of version 3.');
    const tensors = cursor.u64();
    this.#keys = cursor.u64();
    const begin = cursor.at;
    for (let key = 0; key < this.#keys; key++) {
      const name = cursor.string();
      const type = cursor.u32();
      this.#places.set(name, { at: cursor.at - begin, type });
      cursor.skip(type);
    }
    this.#metadata = Buffer.from(file.subarray(begin, cursor.at));
    const infos = Array.from({ length: tensors }, () => {
      const name = cursor.string();
      const dimensions = Array.from({ length: cursor.u32() }, () => cursor.u64());
      return { name, dimensions, type: cursor.u32(), offset: cursor.u64() };
    });
    const data = aligned(cursor.at);
    this.tensors = infos.map(({ offset, ...info }) => {
      const [values, ...rows] = info.dimensions;
      const bytes = rowBytes(info.type, values!) * rows.reduce((all, count) => all * count, 1);
      return { ...info, data: file.subarray(data + offset, data + offset + bytes) };
    });
  }

  /** A 32-bit number of the metadata. */
  number(key: string): number {
    const { at, type } = this.#place(key);
    return type === F32 ? this.#metadata.readFloatLE(at) : this.#metadata.readUInt32LE(at);
  }

  /** The file with other numbers in its metadata, and other tensors. */
  with(numbers: Readonly<Record<string, number>>, tensors: readonly Tensor[]): Buffer {
    const metadata = Buffer.from(this.#metadata);
    for (const [key, value] of Object.entries(numbers)) {
      const { at, type } = this.#place(key);
      if (type === F32) metadata.writeFloatLE(value, at);
      else metadata.writeUInt32LE(value, at);
    }
    let offset = 0;
    const infos = tensors.map(({ name, dimensions, type, data }) => {
      const info = Buffer.concat([
        string(name),
        u32(dimensions.length),
        ...dimensions.map((count) => u64(BigInt(count))),
        u32(type),
        u64(BigInt(offset)),
      ]);
      offset = aligned(offset + data.length);
      return info;
    });
    const begin = [
      Buffer.from('GGUF'),
      u32(3),
      u64(BigInt(tensors.length)),
      u64(BigInt(this.#keys)),
      metadata,
      ...infos,
    ];
    return Buffer.concat([padded(Buffer.concat(begin)), ...tensors.map(({ data }) => padded(data))]);
  }

  #place(key: string): { readonly at: number; readonly type: number } {
    const place = this.#places.get(key);
    if (place && (place.type === U32 || place.type === F32)) return place;
    throw new Error(`The file has no 32-bit number ${key}.`);
  }
}

class Cursor {
  at = 0;
  readonly #file: Buffer;

  constructor(file: Buffer) {
    this.#file = file;
  }

  bytes(count: number): Buffer {
    return this.#file.subarray(this.at, (this.at += count));
  }

  u32(): number {
    return this.bytes(4).readUInt32LE();
  }

  u64(): number {
    return Number(this.bytes(8).readBigUInt64LE());
  }

  string(): string {
    return this.bytes(this.u64()).toString();
  }

  skip(type: number): void {
    if (type === STRING) this.string();
    else if (type === ARRAY) {
      const [of, count] = [this.u32(), this.u64()];
      for (let index = 0; index < count; index++) this.skip(of);
    } else this.bytes(SIZES[type]!);
  }
}
