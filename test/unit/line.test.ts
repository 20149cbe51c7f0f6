import { endsLine, firstLine } from '@foretype/models';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

const cases: [text: string, ends: boolean, line: string][] = [
  ['', false, ''],
  ['max(a, b)', false, 'max(a, b)'],
  ['max(a, b);\n', true, 'max(a, b);'],
  ['max(a, b);  \n  more', true, 'max(a, b);'],
  ['max(a);\r\nmore', true, 'max(a);'],
  ['\n', false, ''],
  ['\n  \n', false, ''],
  ['\n  return a;', false, '\n  return a;'],
  ['\n  return a;\n}', true, '\n  return a;'],
  ['\n\n  x\n', true, '\n\n  x'],
  ['\u{1F600}\n', true, '\u{1F600}'],
  ['  \t', false, ''],
];

describe('the first line with something on it', () => {
  for (const [text, ends, line] of cases) {
    it(JSON.stringify(text), () => assert.deepEqual([endsLine(text), firstLine(text)], [ends, line]));
  }

  it('does not change when more is written behind it, so that drafts cannot matter', () => {
    for (const [text, ends] of cases) {
      if (ends) assert.equal(firstLine(`${text}anything\nat all`), firstLine(text));
    }
  });
});
