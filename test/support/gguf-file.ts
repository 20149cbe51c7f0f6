/** GGUF files made for tests, as wrong as a test wants them. */

export interface MadeTensor {
  readonly name: string;
  readonly dimensions: readonly number[];
  readonly type: number;
  readonly data: Buffer;
  /** From where the data begin; one behind the other if absent. */
  readonly offset?: bigint;
}

export interface MadeFile {
  readonly version?: number;
  /** Key, type and bytes of each value. */
  readonly keys?: readonly (readonly [string, number, Buffer])[];
  readonly tensors?: readonly MadeTensor[];
  /** Tensors and keys that the file claims to have. */
  readonly counts?: readonly [bigint, bigint];
}

export function ggufFile({ version = 3, keys = [], tensors = [], counts }: MadeFile): Buffer {
  let next = 0;
  const infos = tensors.map(({ name, dimensions, type, data, offset }) => {
    const at = offset ?? BigInt(next);
    next += aligned(data.length);
    const sizes = dimensions.map((count) => u64(BigInt(count)));
    return Buffer.concat([string(name), u32(dimensions.length), ...sizes, u32(type), u64(at)]);
  });
  const header = Buffer.concat([
    Buffer.from('GGUF'),
    u32(version),
    ...(counts ?? [BigInt(tensors.length), BigInt(keys.length)]).map(u64),
    ...keys.map(([key, type, value]) => Buffer.concat([string(key), u32(type), value])),
    ...infos,
  ]);
  return Buffer.concat([padded(header), ...tensors.map(({ data }) => padded(data))]);
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

export function f32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
}

export function u64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
}

export function string(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([u64(BigInt(bytes.length)), bytes]);
}

/** Data begin at multiples of 32 bytes. */
export function aligned(bytes: number): number {
  return Math.ceil(bytes / 32) * 32;
}

export function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(aligned(bytes.length) - bytes.length)]);
}
