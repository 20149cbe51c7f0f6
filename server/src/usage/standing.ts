/** Pure: how much of a text that was accepted still stands where it was put. */

/** Words and signs that are compared on each side; what lies beyond them in an accepted text is not looked at. */
const MOST_TOKENS = 400;
/** Times as many words and signs as in the text among which they are searched: in enough text, anything can be found. */
const AROUND = 3;

/**
 * Share, 0 to 1, of the text's non-blank characters that are in words and signs which stand in `now` in the same order.
 * What was put between them does not count, nor do blanks: to indent or to comment is not to take back.
 */
export function shareKept(text: string, now: string): number {
  if (now.includes(text)) return 1;
  const before = tokensOf(text).slice(0, MOST_TOKENS);
  const after = tokensOf(now).slice(0, before.length * AROUND);
  const total = lengthOf(before);
  return total === 0 ? 0 : longestCommon(before, after) / total;
}

function tokensOf(text: string): readonly string[] {
  return text.match(/[\p{L}\p{N}_$]+|[^\s\p{L}\p{N}_$]/gu) ?? [];
}

function lengthOf(tokens: readonly string[]): number {
  return tokens.reduce((sum, token) => sum + token.length, 0);
}

/** Characters in the longest common subsequence, by dynamic programming over one row. */
function longestCommon(before: readonly string[], after: readonly string[]): number {
  let row = new Float64Array(after.length + 1);
  for (const token of before) {
    const next = new Float64Array(after.length + 1);
    after.forEach((other, index) => {
      const match = token === other ? row[index]! + token.length : 0;
      next[index + 1] = Math.max(match, row[index + 1]!, next[index]!);
    });
    row = next;
  }
  return row[after.length]!;
}
