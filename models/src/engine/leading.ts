/**
 * Pure: which tokens may come next where a continuation must begin with a given text (`WriteRequest.leading`).
 *
 * Texts and tokens are compared as strings of bytes, one character (U+0000 to U+00FF) for each byte of UTF-8, since a
 * token may hold a part of a character.
 */

/** Type numbers of GGUF's `tokenizer.ggml.token_type`. */
const NORMAL = 1;
const BYTE = 6;

/** The bytes of a token; absent for ids that bear no text, such as the markers of fill-in-the-middle. */
export type Piece = string | undefined;

export function bytesOf(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/**
 * What each id of a vocabulary adds to a text.
 * @param textOf the text of one id, for those that are whole characters.
 */
export function piecesOf(
  vocabulary: { readonly tokens: readonly string[]; readonly token_type?: readonly number[] },
  textOf: (id: number) => string,
): Piece[] {
  return vocabulary.tokens.map((name, id) => {
    const type = vocabulary.token_type?.[id] ?? NORMAL;
    if (type === BYTE) return String.fromCharCode(Number(name.slice(1, -1)));
    const text = type === NORMAL ? textOf(id) : '';
    return text === '' || text.includes('\uFFFD') ? undefined : bytesOf(text);
  });
}

/**
 * What is left of `left` after `piece`: nothing where the piece reaches to its end or beyond.
 * @returns undefined where the piece does not fit.
 */
export function leftAfter(left: string, piece: Piece): string | undefined {
  if (piece === undefined) return left === '' ? '' : undefined;
  if (left.startsWith(piece)) return left.slice(piece.length);
  return piece.startsWith(left) ? '' : undefined;
}

/**
 * What is left of `left` before each drafted token and after the last one, `drafted.length + 1` strings of bytes.
 * After a token that does not fit nothing is asked for any more: no choice can agree with it.
 */
export function leftAlong(left: string, drafted: readonly Piece[]): string[] {
  const lefts = [left];
  for (const piece of drafted) lefts.push(leftAfter(lefts.at(-1)!, piece) ?? '');
  return lefts;
}

/** The ids that fit, in their order. */
export function fittingTokens(left: string, pieces: readonly Piece[]): number[] {
  return pieces.flatMap((piece, id) => (leftAfter(left, piece) === undefined ? [] : [id]));
}
