import type { TextDocument } from 'vscode';

/** The scheme of the pages that this extension shows. */
export const PAGE_SCHEME = 'foretype';
/** A scheme has one provider of pages, so the measures of use have their own. */
export const USAGE_SCHEME = 'foretype-usage';

/**
 * Schemes of documents that are no code of the user's. The log must not pass in any case: it would be sent to the
 * server, which may log that, and so on without end. All other documents do, wherever they lie: cells of notebooks,
 * documents without a file, files of another machine.
 */
const foreign: ReadonlySet<string> = new Set([
  'output',
  'vscode-scm',
  'comment',
  'debug',
  'git',
  PAGE_SCHEME,
  USAGE_SCHEME,
]);

/** Whether a document is never to be completed, nor to be known to the server. */
export function isForeign({ uri }: Pick<TextDocument, 'uri'>): boolean {
  return foreign.has(uri.scheme);
}
