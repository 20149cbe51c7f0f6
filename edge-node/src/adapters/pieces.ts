/** Pure: where a file of tensors is cut into blocks, so that files which share tensors share blocks. */
import type { Gguf } from '@foretype/models';

/** A part of a file. */
export interface Piece {
  readonly at: number;
  readonly bytes: number;
}

/**
 * The header, with the padding behind it, and each tensor with what stands behind it up to the next; put together in
 * this order, they are the file.
 * @param size bytes of the file.
 */
export function piecesOf({ tensors, dataAt }: Pick<Gguf, 'tensors' | 'dataAt'>, size: number): Piece[] {
  const begins = [0, ...tensors.map(({ at }) => at)];
  // Without tensors, or with something before the first, the header ends elsewhere.
  if (tensors[0] && tensors[0].at > dataAt) begins.splice(1, 0, dataAt);
  return begins
    .map((at, index) => ({ at, bytes: (begins[index + 1] ?? size) - at }))
    .filter(({ bytes }) => bytes > 0);
}
