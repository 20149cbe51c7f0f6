/** Pure: a completion that writes again what stands after the cursor on its line. */
import { closersIn } from './closers.ts';
import type { Candidate } from './filtered.ts';
import { isBlank, onlyCloses } from './lines.ts';
import type { Site } from './place.ts';

/** Letters and digits that must agree before a part of the rest is held to be repeated. */
const ENOUGH = 3;
const WORD = /[\p{L}\p{N}_$]/u;

/** `candidate` without the rest of the line, or with as much of the rest replaced as it has in it. */
export function withoutSuffix(candidate: Candidate, site: Site): Candidate {
  const rest = site.tail.trimEnd();
  if (isBlank(rest) || candidate.text === '' || candidate.replaces > 0) return candidate;
  return onlyCloses(rest) ? overClosers(candidate, site, rest) : withoutRest(candidate, rest);
}

/**
 * The rest is what an editor closes by itself: the completion may write it too, and then what it wrote counts, since it
 * knows where to.
 */
function overClosers({ text }: Candidate, site: Site, rest: string): Candidate {
  /** Behind what of the rest is written in the text, and where its writing begins. */
  let replaces = 0;
  let first: number | undefined;
  const take = (characters: string, at: number): boolean => {
    const from = replaces + /^\s*/u.exec(rest.slice(replaces))![0].length;
    if (!rest.startsWith(characters, from)) return false;
    replaces = from + characters.length;
    first ??= at;
    return true;
  };
  let end = 0;
  for (const { at, text: closer, needed } of closersIn(text, site)) {
    if (needed) continue;
    if (!take(closer, at)) break;
    end = at + closer.length;
    while (/[;,>]/u.test(text[end] ?? '') && take(text[end]!, end)) end++;
  }
  if (first === undefined) return { text: withoutPunctuation(text, site, rest), replaces: 0 };
  const written = text.slice(first).trimEnd();
  if (end === text.trimEnd().length && squeezed(rest).startsWith(squeezed(written))) {
    return { text: text.slice(0, first), replaces: 0 };
  }
  return { text, replaces };
}

function squeezed(text: string): string {
  return text.replace(/\s+/gu, '');
}

/** Without the punctuation at its end that the rest begins with: `;`, `,`, and the end of a tag or of a type. */
function withoutPunctuation(text: string, { head, syntax }: Site, rest: string): string {
  const whole = text.trimEnd();
  const first = /^[;,>]*/u.exec(rest.trimStart())![0];
  const parts = Array.from(first, (_, index) => first.slice(0, index + 1));
  const part = parts.findLast((characters) => whole.endsWith(characters)) ?? '';
  if (part === '') return text;
  const kept = whole.slice(0, -part.length);
  // In a shell two of them end a case.
  if (!part.includes('>')) return syntax.blocks === 'words' ? text : kept;
  const line = (head + whole + rest).replace(/[-=]>|>=|<=|>>=/gu, '');
  const times = (character: string) => line.split(character).length;
  return times('>') > times('<') ? kept : text;
}

/** The rest is text: where it is found again, the completion has gone past what was wanted. */
function withoutRest({ text }: Candidate, tail: string): Candidate {
  const rest = tail.trimStart();
  const spaced = rest.length < tail.length;
  const [line] = text.split('\n', 1) as [string];
  const words = rest.match(/[\p{L}\p{N}_]+/gu)?.length ?? 0;
  const whole = text.trimEnd();
  const letters = rest.match(/[\p{L}\p{N}_]/gu)?.length ?? 0;
  const telling = letters >= (rest.startsWith('.') ? ENOUGH : 1) && rest.length >= 2;
  if (telling && whole.endsWith(rest)) return until(text, whole.length - rest.length, tail, spaced);
  // A single word may well be said twice, but not with the bracket behind it.
  if (telling && (words > 1 || /[()[\]{}]/u.test(rest))) {
    const at = line.indexOf(rest);
    if (at > 0 || (at === 0 && line.length > rest.length)) return until(text, at, tail, spaced);
  }
  for (let length = Math.min(rest.length - 1, whole.length); length > 0; length--) {
    const part = rest.slice(0, length);
    if (!whole.endsWith(part)) continue;
    const at = whole.length - length;
    const torn = WORD.test(part.at(-1)!) && WORD.test(rest[length]!);
    const joined = WORD.test(part[0]!) && WORD.test(whole[at - 1] ?? ' ');
    const common = part.match(/[\p{L}\p{N}_]/gu)?.length ?? 0;
    if (!torn && !joined && !/[<>]/u.test(part) && (common >= ENOUGH || /^\s*[;,]\s*$/u.test(part))) {
      return { text: whole.slice(0, at), replaces: 0 };
    }
  }
  return { text, replaces: 0 };
}

/** `text` up to the rest of the line at `at`, or with the rest in it where it goes on in the middle of a word. */
function until(text: string, at: number, tail: string, spaced: boolean): Candidate {
  if (!spaced && WORD.test(text[at] ?? '') && WORD.test(text[at - 1] ?? ' ')) {
    return { text: text.slice(0, at + tail.length), replaces: tail.length };
  }
  return { text: spaced ? text.slice(0, at).trimEnd() : text.slice(0, at), replaces: 0 };
}
