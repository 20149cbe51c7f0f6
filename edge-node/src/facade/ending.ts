/**
 * Pure: where a text ends that comes in pieces. What has been let through stands, so that whatever may turn out to be
 * behind the end is held back. How the text is cut into pieces makes no difference.
 */

export interface Passed {
  /** What may be shown. */
  readonly text: string;
  /** Whether the text ends behind it; nothing that comes later counts. */
  readonly ended: boolean;
}

/** A text on its way through a rule. */
export interface Gate {
  push(text: string): Passed;
  /** What is held back still, where the text has ended without the rule. */
  rest(): string;
}

export interface StopGate extends Gate {
  /** The stop text that was met; empty before. */
  readonly word: string;
}

/** Ends before the first of `words`: the one whose end comes first, and among those the longest. */
export function stopGate(words: readonly string[]): StopGate {
  const wanted = words.filter((word) => word !== '');
  let held = '';
  let met = '';
  return {
    get word() {
      return met;
    },
    push(text) {
      held += text;
      const stop = firstIn(held, wanted);
      if (stop) {
        met = stop.word;
        return { text: held.slice(0, stop.at), ended: true };
      }
      const sure = held.length - begun(held, wanted);
      const passed = held.slice(0, sure);
      held = held.slice(sure);
      return { text: passed, ended: false };
    },
    rest: () => held,
  };
}

/**
 * Ends before the first further line that does not begin with `least` characters of white space, as a blank line does
 * not; a line's white space is held back until there is something behind it.
 */
export function indentGate(least: number): Gate {
  let held = '';
  // The line in which the text begins has its indentation already.
  let measured = true;
  return {
    push(text) {
      if (least === 0) return { text, ended: false };
      held += text;
      let passed = '';
      for (;;) {
        if (measured) {
          const end = held.indexOf('\n') + 1;
          const sure = end === 0 ? held.length : end;
          passed += held.slice(0, sure);
          held = held.slice(sure);
          if (end === 0) return { text: passed, ended: false };
        }
        const width = /^[ \t]*/u.exec(held)![0].length;
        measured = width < held.length;
        if (!measured || width < least) return { text: passed, ended: measured };
      }
    },
    rest: () => held,
  };
}

function firstIn(
  text: string,
  words: readonly string[],
): { readonly word: string; readonly at: number } | undefined {
  let first: { readonly word: string; readonly at: number; readonly end: number } | undefined;
  for (const word of words) {
    const at = text.indexOf(word);
    if (at === -1) continue;
    const end = at + word.length;
    if (!first || end < first.end || (end === first.end && at < first.at)) first = { word, at, end };
  }
  return first;
}

/** How many characters at the end of `text` may become one of `words`, of which it holds none. */
function begun(text: string, words: readonly string[]): number {
  const longest = Math.max(0, ...words.map((word) => word.length - 1));
  for (let size = Math.min(longest, text.length); size > 0; size--) {
    const tail = text.slice(-size);
    if (words.some((word) => word.length > size && word.startsWith(tail))) return size;
  }
  return 0;
}
