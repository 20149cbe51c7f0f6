import type { Explanation } from '@foretype/server/protocol';
import type { Translate } from './l10n.ts';
import { describeReport, escapeMarkdown } from './status.ts';

/** What of an explanation the language server does not say. */
export interface Around {
  /** What the user knows the document by. */
  readonly name: string;
  /** Whether an edge node is set. */
  readonly hasNode: boolean;
}

/** An explanation as a page of Markdown. What the server says contains names that others gave: none of it is markup. */
export function explanationPage(explanation: Explanation, { name, hasNode }: Around, t: Translate): string {
  const { position, steps, report } = explanation;
  const figures = report === null ? [] : describeReport(report, hasNode, t);
  const paragraphs = [
    `# ${t('Last Completion')}`,
    plain(t('{0}, line {1}, column {2}', name, position.line + 1, position.character + 1)),
    plain(outcome(explanation, t)),
    steps.map((step, index) => `${index + 1}. ${plain(step)}`).join('\n'),
    figures.map((sentence) => `- ${plain(sentence)}`).join('\n'),
    t('Run “Foretype: Explain Last Completion” again for the newest one.'),
  ];
  return `${paragraphs.filter((paragraph) => paragraph !== '').join('\n\n')}\n`;
}

function outcome({ given, ms }: Explanation, t: Translate): string {
  const time = Math.round(ms * 10) / 10;
  switch (given) {
    case 'cache':
      return t('A text that was known already was offered {0} ms after the editor asked.', time);
    case 'draft':
      return t('A draft of this machine was offered {0} ms after the editor asked.', time);
    case 'verified':
      return t('A text that the edge node had verified was offered {0} ms after the editor asked.', time);
    case 'silent':
      return t('Nothing was offered; that was decided {0} ms after the editor asked.', time);
  }
}

/** One line of text as it is, since a line break would end an entry of a list. */
function plain(text: string): string {
  return escapeMarkdown(text.trim());
}
