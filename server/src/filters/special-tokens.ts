/** Pure: what models write for other models and not for people. */
import type { Site } from './place.ts';

const NAME = '\\p{L}\\p{N}_▁.:/-';
/** Of every family: `<|fim_suffix|>`, `<｜end▁of▁sentence｜>`, `<fim-middle>`, `[INST]`. */
const TOKEN = new RegExp(
  [
    `<[|｜][${NAME}][ ${NAME}]{0,46}[|｜]>`,
    '</?(?:fim[_-][a-z]{3,8}|fim|file_sep|file_separator|gh_stars|issue_start|issue_comment|issue_closed|jupyter_(?:start|text|code|output)|empty_output|commit_(?:before|msg|after)|(?:start|end)_of_turn|end_?of_?(?:text|code|file)|im_(?:start|end)|COMPLETION|mask_\\d+|sentinel_\\d+)>',
    // With the name behind it: people write `<filename>` for a name that is to be given.
    '<(?:filename|repo_?name)>(?=[\\w./-])',
    '▁<(?:PRE|SUF|MID|EOT)>',
    '\\[/?(?:INST|gMASK|sMASK|TOOL_CALLS|AVAILABLE_TOOLS)\\]',
    '(?<![^\\n])\\[(?:SUFFIX|PREFIX|MIDDLE)\\]',
    '<</?SYS>>',
  ].join('|'),
  'u',
);
/** Those that are also tags of HTML; the ends of a sequence only where nothing follows on the line. */
const TAG_LIKE = /<(?:PRE|SUF|MID|EOT|EOS|BOS|EOM|MASK|PAD|UNK)>|<\/?(?:s|bos|eos|pad|unk)>(?=\s*(?:\n|$))/u;
/** A token that the limit of the completion cut through. */
const CUT_TOKEN = /(?:<[|｜][a-z▁]{2,}[\p{L}_▁]*[|｜]?|<fim[_-][a-z]*)$/u;
/** After these the completion begins, if they stand before it. */
const LEADING =
  /^\s*(?:<[|｜]fim[_▁](?:middle|hole|end)[|｜]>|<fim[_-]middle>|▁?<MID>|\[MIDDLE\]|<COMPLETION>)/u;

/** `text` without the first special token and what follows it; a marker that it begins with goes alone. */
export function withoutSpecialTokens(text: string, { syntax, near, next }: Site): string {
  // Who writes about such tokens wants to read them.
  const known = (token: string) => near.includes(token) || next.includes(token);
  const [leading = ''] = LEADING.exec(text) ?? [];
  const rest = known(leading.trim()) && leading !== '' ? text : text.slice(leading.length);
  const patterns = syntax.blocks === 'tags' ? [TOKEN, CUT_TOKEN] : [TOKEN, TAG_LIKE, CUT_TOKEN];
  const found = patterns.map((pattern) => pattern.exec(rest));
  const ends = found.filter((match) => match && !known(match[0])).map((match) => match!.index);
  return rest.slice(0, Math.min(rest.length, ...ends)).replace(/[\uFFFD\u200B\uFEFF]+$/u, '');
}
