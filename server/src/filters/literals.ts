/** Pure: completions that begin inside a string or a comment. */
import type { Site } from './place.ts';

/**
 * `text` up to the end of the line in a string that ends there, and in a comment, of which a line is enough: what a model
 * goes on to say in the next is the comment on something else. A text that begins with the next line is code again.
 */
export function withinLiteral(text: string, { literal }: Site): string {
  if (!literal) return text;
  const lineEnd = text.indexOf('\n');
  if (lineEnd === -1) return text;
  if (literal.kind === 'comment') return /^\s*\n/u.test(text) ? text : text.slice(0, lineEnd);
  if (literal.literal?.multiline !== false) return text;
  // Behind the string it may go on over lines, as an arrow function does.
  const closed = closingAt(text.slice(0, lineEnd), literal.close);
  return closed ? text : text.slice(0, lineEnd);
}

function closingAt(line: string, close: string): boolean {
  return line.replaceAll(/\\./gu, '').includes(close);
}
