import type { Explanation } from '@foretype/server/protocol';
import type { Translate } from './l10n.ts';
import { describeReport } from './status.ts';

/**
 * An explanation as a page to read: Markdown in its source, which editors wrap and colour.
 * @param name - what the user knows the document by.
 */
export function explanationPage(explanation: Explanation, name: string, t: Translate): string {
  const { position, steps, report } = explanation;
  const paragraphs = [
    `# ${t('Last Completion')}`,
    t('{0}, line {1}, column {2}', name, position.line + 1, position.character + 1),
    outcome(explanation, t),
    steps.map((step, index) => `${index + 1}. ${oneLine(step)}`).join('\n'),
    report === null
      ? ''
      : describeReport(report, t)
          .map((sentence) => `- ${oneLine(sentence)}`)
          .join('\n'),
    t('Run “Foretype: Explain Last Completion” again for the newest one.'),
  ];
  return `${paragraphs.filter((paragraph) => paragraph !== '').join('\n\n')}\n`;
}

function outcome({ given, ms }: Explanation, t: Translate): string {
  const time = Math.round(ms * 10) / 10;
  switch (given) {
    case 'cache':
      return t('A text that was known already was offered after {0} ms.', time);
    case 'draft':
      return t('A draft of this machine was offered after {0} ms.', time);
    case 'verified':
      return t('A text that the edge node had verified was offered after {0} ms.', time);
    case 'silent':
      return t('Nothing was offered; that was decided after {0} ms.', time);
  }
}

/** A line break inside an entry would end the list. */
function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}
