/** Pure: where the cursor will stand when the line that ends at it is done, as far as editors agree. */
import type { Cursor } from '../anchor.ts';

/** UTF-16 code units before the cursor in which the document's unit of indentation is looked for. */
const LOOKED = 4096;
const OPENS = /[{[(:]\s*$/u;

/** The cursor on the next line, indented as editors do it: as this line is, and a unit more where it opens a block. */
export function onNextLine(cursor: Cursor): Cursor {
  const { uri, text, offset } = cursor;
  const line = text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset);
  const indent = /^[ \t]*/u.exec(line)![0];
  const more = OPENS.test(line) ? unitOf(text.slice(Math.max(0, offset - LOOKED), offset)) : '';
  const added = `\n${indent}${more}`;
  return { uri, text: text.slice(0, offset) + added + text.slice(offset), offset: offset + added.length };
}

/** What one level of indentation is: a tab where lines begin with tabs, else the least that a line begins with. */
function unitOf(text: string): string {
  const indents = [...text.matchAll(/^(\t| {2,8})\S/gmu)].map(([, indent]) => indent!);
  if (indents.includes('\t')) return '\t';
  return indents.reduce((least, indent) => (indent.length < least.length ? indent : least), '    ');
}
