/** Pure: how many weights a GGUF file holds, from its header (version 3, docs/gguf.md of ggml). */

/** Bytes of a metadata value by its type number; strings (8) and arrays (9) say their own length. */
const SIZES = [1, 1, 2, 2, 4, 4, 4, 1, undefined, undefined, 8, 8, 8] as const;
const STRING = 8;
const ARRAY = 9;

/**
 * Weights that are read for one token: all, but of an embedding table only a row where the output has a table of its own.
 * @throws Error where the bytes are not the start of a GGUF file of version 2 or 3.
 */
export function weightsRead(header: Buffer): number {
  const tensors = tensorsOf(header);
  const tied = !tensors.some(({ name }) => name === 'output.weight');
  return tensors.reduce((sum, { name, dimensions }) => {
    const elements = dimensions.reduce((product, size) => product * size, 1);
    return sum + (name === 'token_embd.weight' && !tied ? dimensions[0]! : elements);
  }, 0);
}

function tensorsOf(header: Buffer): { name: string; dimensions: number[] }[] {
  let at = 0;
  const u32 = () => header.readUInt32LE((at += 4) - 4);
  const u64 = () => Number(header.readBigUInt64LE((at += 8) - 8));
  const text = () => {
    const length = u64();
    return header.toString('utf8', at, (at += length));
  };
  const skip = (type: number): void => {
    if (type === STRING) text();
    else if (type === ARRAY) {
      const [of, count] = [u32(), u64()];
      for (let index = 0; index < count; index++) skip(of);
    } else at += SIZES[type]!;
  };
  const [magic, version] = [header.toString('latin1', 0, (at += 4)), u32()];
  if (magic !== 'GGUF' || version < 2 || version > 3)
    throw new Error('The file is not GGUF of version 2 or 3.');
  const [tensors, pairs] = [u64(), u64()];
  for (let pair = 0; pair < pairs; pair++) {
    text();
    skip(u32());
  }
  return Array.from({ length: tensors }, () => {
    const name = text();
    const dimensions = Array.from({ length: u32() }, u64);
    at += 4 + 8;
    return { name, dimensions };
  });
}
