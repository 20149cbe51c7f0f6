/** Pure: what typing does around a cursor, beyond what was typed. */

/** UTF-16 code units behind the cursor by which a place is known again. */
export const AFTER = 128;

const CLOSERS: Readonly<Record<string, string>> = {
  '(': ')',
  '[': ']',
  '{': '}',
  "'": "'",
  '"': '"',
  '`': '`',
};
const QUOTES = ['"', "'", '`'];

/**
 * What may have stood behind the cursor before `typed` was, the likeliest first: what stands there now, or that without
 * the closers that editors add to what is opened, and with those that are typed over. {@link AFTER} units of each.
 */
export function formerlyBehind(typed: string, text: string, offset: number): readonly string[] {
  const now = text.slice(offset, offset + AFTER);
  if (!/[()[\]{}'"`]/u.test(typed)) return [now];
  const open: string[] = [];
  let over = '';
  for (const character of typed) {
    if (open.at(-1) === character) open.pop();
    else if (CLOSERS[character] !== undefined) open.push(CLOSERS[character]);
    else if (')]}'.includes(character)) over += character;
  }
  const found = new Set([now]);
  for (let count = 0; count <= open.length; count++) {
    const added = open
      .slice(open.length - count)
      .reverse()
      .join('');
    if (!text.startsWith(added, offset)) continue;
    const rest = text.slice(offset + count, offset + count + AFTER);
    for (let kept = 0; kept <= over.length; kept++) {
      found.add((over.slice(over.length - kept) + rest).slice(0, AFTER));
      found.add((over.slice(0, kept) + rest).slice(0, AFTER));
    }
    // What opens a quote here may also be one that was typed over.
    for (const quote of QUOTES) if (open.includes(quote)) found.add((quote + rest).slice(0, AFTER));
  }
  return [...found];
}
