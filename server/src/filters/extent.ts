/** Pure: whether one line is to be completed at a place, several, or none. */
import { announcesBlock, isEmptyBelow, openedIn } from './blocks.ts';
import { isBlank, onlyCloses } from './lines.ts';
import { siteOf, type Place, type Site } from './place.ts';

/** `none`: nothing that fits can be written here. */
export type Extent = 'none' | 'line' | 'block';

interface Rule {
  readonly extent: Extent;
  readonly when: (site: Site) => boolean;
}

/** The first that applies decides; the last always does. */
const RULES: readonly Rule[] = [
  // In the middle of a word, whatever is written becomes part of it.
  {
    extent: 'none',
    when: ({ head, tail }) => /[\p{L}\p{N}_$]$/u.test(head) && /^[\p{L}\p{N}_$]/u.test(tail),
  },
  { extent: 'line', when: ({ literal }) => literal !== undefined },
  // Between two texts on a line there is room for one line.
  { extent: 'line', when: ({ tail }) => !onlyCloses(tail) },
  { extent: 'line', when: ({ syntax }) => syntax.blocks === 'none' },
  { extent: 'block', when: betweenBraces },
  { extent: 'line', when: ({ tail }) => !isBlank(tail) },
  {
    extent: 'block',
    when: (site) => !isBlank(site.head) && opensHere(site) && isEmptyBelow(site.head, site),
  },
  { extent: 'line', when: ({ head }) => !isBlank(head) },
  { extent: 'block', when: belowOpener },
  { extent: 'block', when: belowDocumentation },
  { extent: 'block', when: isOwnParagraph },
  { extent: 'line', when: () => true },
];

/** How much is to be completed at `place`; takes a fraction of a millisecond in a document of any length. */
export function extentAt(place: Place): Extent {
  const site = siteOf(place);
  return RULES.find(({ when }) => when(site))!.extent;
}

/** `{▮}` of a body, as an editor leaves it that closes braces by itself; those of an import hold names. */
function betweenBraces({ head, tail }: Site): boolean {
  return /^\s*\}/u.test(tail) && /(?:\)|=>|->|\b(?:else|try|do|finally|loop|unsafe))\s*\{\s*$/u.test(head);
}

/** The cursor stands at the end of a line that announces or opens a block. */
function opensHere(site: Site): boolean {
  const { head, frames, near } = site;
  const start = near.length - head.length;
  const opened = openedIn(frames, start, near.length).at(-1);
  return opened?.close === '}'
    ? /\{\s*(?:\|[^|]*\|\s*)?$/u.test(head)
    : !opened && announcesBlock(head, site);
}

function belowOpener(site: Site): boolean {
  const { above, frames, near, head } = site;
  const index = above.findLastIndex((line) => !isBlank(line));
  const last = above[index];
  if (last === undefined) return false;
  const end =
    near.length - head.length - above.slice(index + 1).reduce((sum, line) => sum + line.length + 1, 0);
  const opens = openedIn(frames, end - last.length - 1, end).length > 0 || announcesBlock(last, site);
  return opens && isEmptyBelow(last, site);
}

/** Behind a comment, a decorator or an attribute that has a line of its own, with what it is about still to come. */
function belowDocumentation({ above, below, syntax }: Site): boolean {
  const last = above.at(-1)?.trim() ?? '';
  const comment =
    syntax.lineComments.some((open) => last.startsWith(open)) ||
    syntax.blockComments.some(([, close]) => last.endsWith(close.trim())) ||
    /^(?:@[\w.]+(?:\(.*\))?|#!?\[.*\]|\[[A-Z]\w*(?:\(.*\))?\])$/u.test(last);
  return comment && last !== '' && isOpenBelow(below);
}

/** Blank lines above and below: something new begins here, and nothing that stands there is torn apart. */
function isOwnParagraph({ above, below }: Site): boolean {
  return isBlank(above.at(-1)) && isOpenBelow(below);
}

/** Whether the next line leaves room: it is blank, closes something, or there is none. */
function isOpenBelow(below: readonly string[]): boolean {
  return isBlank(below[0]) || /^\s*(?:[)\]}]|end\b|<\/)/u.test(below[0]!);
}
