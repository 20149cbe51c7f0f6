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
  const header = Buffer.concat([
    Buffer.from('GGUF'),
    u32(version),
    ...(counts ?? [BigInt(tensors.length), BigInt(keys.length)]).map(u64),
    ...keys.map(([key, type, value]) => Buffer.concat([string(key), u32(type), value])),
  ]);
  return withTensors(header, tensors);
}

/**
 * A file with other 32-bit numbers in its metadata, and data of other sizes for its tensors.
 * @param tensors as many as the file has; the first is the first that it tells of.
 */
export function changed(
  file: Buffer,
  numbers: Readonly<Record<string, number>>,
  tensors: readonly MadeTensor[],
): Buffer {
  const header = Buffer.from(file.subarray(0, file.indexOf(string(tensors[0]!.name))));
  for (const [key, value] of Object.entries(numbers)) {
    const written = string(key);
    const at = header.indexOf(written) + written.length;
    if (header.readUInt32LE(at) === F32) header.writeFloatLE(value, at + 4);
    else header.writeUInt32LE(value, at + 4);
  }
  return withTensors(header, tensors);
}

/** The type of a metadata value that is a 32-bit floating-point number. */
const F32 = 6;

function withTensors(header: Buffer, tensors: readonly MadeTensor[]): Buffer {
  let next = 0;
  const infos = tensors.map(({ name, dimensions, type, data, offset }) => {
    const at = offset ?? BigInt(next);
    next += aligned(data.length);
    const sizes = dimensions.map((count) => u64(BigInt(count)));
    return Buffer.concat([string(name), u32(dimensions.length), ...sizes, u32(type), u64(at)]);
  });
  return Buffer.concat([
    padded(Buffer.concat([header, ...infos])),
    ...tensors.map(({ data }) => padded(data)),
  ]);
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
function aligned(bytes: number): number {
  return Math.ceil(bytes / 32) * 32;
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(aligned(bytes.length) - bytes.length)]);
}
