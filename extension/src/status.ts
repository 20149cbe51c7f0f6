import type { CompletionReport, Explanation, ServerStatus } from '@foretype/server/protocol';
import type { Translate } from './l10n.ts';

/** All that the status item and its menu depend on. */
export interface Situation {
  /** The server's own report, or why there is none. */
  readonly condition: ServerStatus | 'starting' | 'stopped';
  readonly enabled: boolean;
  readonly automatic: boolean;
  /** The time at which completions come back, as a clock shows it, or null for the next restart; null while they are not snoozed. */
  readonly snooze: { readonly until: string | null } | null;
  /** The language of the document that has the cursor; null where there is none. */
  readonly language: { readonly id: string; readonly enabled: boolean } | null;
  /** What came of the last request; null before the first, and where the server does not say. */
  readonly answer: Pick<Explanation, 'given' | 'ms' | 'steps'> | null;
}

/** The status item's contents; `label` is what a screen reader says. */
export interface StatusView {
  readonly text: string;
  readonly label: string;
  /** Plain sentences, one to a paragraph; the first says what counts most. */
  readonly tooltip: readonly [string, ...string[]];
  /** What would mend what is not as it should be. */
  readonly remedies: readonly Remedy[];
}

export interface Remedy {
  readonly title: string;
  readonly command: string;
  readonly args?: readonly unknown[];
}

type Line = readonly [icon: string, sentence: string];

/** The status item for a situation: what the user chose first, then what hinders, then what is there. */
export function viewStatus(situation: Situation, t: Translate): StatusView {
  const { condition, automatic, answer } = situation;
  const [[icon, sentence], ...others] = headlines(situation, t);
  const server = typeof condition === 'string' ? null : condition;
  const report = server?.lastCompletion ?? null;
  const more = [
    ...others.map(([, other]) => other),
    server?.reason ?? '',
    automatic ? '' : t('Completions come only when they are asked for.'),
    answer === null ? '' : describeAnswer(answer, t),
    // Where there was nothing, what there was before explains nothing.
    ...(server && report && answer?.given !== 'silent'
      ? describeReport(report, server.edge !== 'off', t)
      : []),
  ];
  const until = situation.enabled && situation.snooze?.until;
  return {
    text: `$(${icon}) Foretype${until ? ` ${until}` : ''}`,
    label: t('Foretype: {0}', sentence),
    tooltip: [sentence, ...more.filter((line) => line !== '')],
    remedies: remedies(situation, t),
  };
}

/** The sentence that counts most, and others that hold beside it. */
function headlines(situation: Situation, t: Translate): readonly [Line, ...Line[]] {
  const { condition, snooze, language } = situation;
  if (!situation.enabled) return [['circle-slash', t('Completions are turned off.')]];
  if (snooze) {
    const sentence =
      snooze.until === null
        ? t('Completions are snoozed until the editor is restarted.')
        : t('Completions are snoozed until {0}.', snooze.until);
    return [['bell-slash', sentence]];
  }
  if (condition === 'starting') return [['loading~spin', t('The language server is starting.')]];
  if (condition === 'stopped') return [['error', t('The language server is not running.')]];
  const draft = draftLine(condition.draft, t);
  const edge = condition.draft === 'off' ? soleLine(condition.edge, t) : edgeLine(condition.edge, t);
  // Without the draft there is no completion to verify.
  const there = ['ready', 'asleep', 'off'].includes(condition.draft);
  const both = there ? ([edge, draft] as const) : ([draft, edge] as const);
  if (language?.enabled !== false) return both;
  return [['circle-slash', t('Completions are turned off for {0}.', language.id)], ...both];
}

function draftLine(draft: ServerStatus['draft'], t: Translate): Line {
  switch (draft) {
    case 'loading':
      return ['loading~spin', t('The draft model is loading.')];
    case 'ready':
      return ['edit', t('The draft model is ready.')];
    case 'asleep':
      return ['edit', t('The draft model sleeps until you type.')];
    case 'off':
      return ['edit', t('The draft model is turned off: the edge node writes everything.')];
    case 'restarting':
      return ['sync~spin', t('The draft model is restarting.')];
    case 'failed':
      return ['error', t('The draft model does not work.')];
  }
}

function edgeLine(edge: ServerStatus['edge'], t: Translate): Line {
  switch (edge) {
    case 'off':
      return ['edit', t('Drafts only: no edge node is set.')];
    case 'connecting':
      return ['sync~spin', t('Connecting to the edge node.')];
    case 'connected':
      return ['check-all', t('Connected to the edge node.')];
    case 'away':
      return ['debug-disconnect', t('Drafts only: the edge node is away.')];
    case 'refused':
      return ['warning', t('Drafts only: the edge node cannot be used.')];
  }
}

/** The edge node's state where nothing is drafted here. */
function soleLine(edge: ServerStatus['edge'], t: Translate): Line {
  switch (edge) {
    case 'off':
      return ['warning', t('No completions: the draft model is turned off and no edge node is set.')];
    case 'away':
      return ['debug-disconnect', t('No completions: the edge node is away.')];
    case 'refused':
      return ['warning', t('No completions: the edge node cannot be used.')];
    default:
      return edgeLine(edge, t);
  }
}

function describeAnswer({ given, ms, steps }: NonNullable<Situation['answer']>, t: Translate): string {
  // What comes from memory takes parts of a millisecond.
  const time = ms < 10 ? Math.round(ms * 10) / 10 : Math.round(ms);
  switch (given) {
    case 'cache':
      return t('Last answer: from memory, {0} ms after the editor asked.', time);
    case 'draft':
      return t('Last answer: a draft, {0} ms after the editor asked.', time);
    case 'verified':
      return t('Last answer: verified, {0} ms after the editor asked.', time);
    case 'silent':
      return t('Last answer: nothing, {0} ms after the editor asked. {1}', time, steps.at(-1) ?? '').trim();
  }
}

/**
 * How a text came about, in a few sentences. Its times are those that it took to write, which may have been long before
 * the answer that it was given in.
 * @param hasNode - whether an edge node is set, without which nobody expects a verification.
 */
export function describeReport(report: CompletionReport, hasNode: boolean, t: Translate): readonly string[] {
  const { path, unverified, accepted, drafted, rounds, bytesUp, bytesDown, adapter } = report;
  if (path === 'draft') {
    const reason =
      unverified === null ? t('It was not verified.') : t('It was not verified: {0}.', unverified);
    const verdict = hasNode || unverified !== null ? reason : '';
    return [together(t('Last completion: drafted here.'), timesOf(report, t), verdict)];
  }
  const origin =
    drafted === 0
      ? t('Last completion: written by the edge node.')
      : t('Last completion: drafted here, verified by the edge node.');
  return [
    together(origin, timesOf(report, t)),
    drafted === 0
      ? t('Rounds: {0}.', rounds)
      : t('Drafted tokens accepted: {0} of {1}. Rounds: {2}.', accepted, drafted, rounds),
    t('Bytes up: {0}, down: {1}.', bytesUp, bytesDown),
    ...(adapter === null ? [] : [t('Adapter: {0}.', adapter)]),
  ];
}

/** What it took to write a text, in one sentence; empty where nobody knows. */
function timesOf({ firstTextMs, verifiedMs }: CompletionReport, t: Translate): string {
  const rounded = (ms: number | null) => (ms === null ? null : Math.round(ms));
  const first = rounded(firstTextMs);
  const whole = rounded(verifiedMs) ?? first;
  if (whole === null) return '';
  return first === null || first === whole
    ? t('Writing it took {0} ms.', whole)
    : t('Writing it took {0} ms to the first text and {1} ms to the verified one.', first, whole);
}

function together(...sentences: readonly string[]): string {
  return sentences.filter((sentence) => sentence !== '').join(' ');
}

function remedies({ condition, enabled, snooze }: Situation, t: Translate): readonly Remedy[] {
  if (!enabled) return [{ title: t('Turn On'), command: 'foretype.toggle' }];
  if (snooze) return [{ title: t('End Snooze'), command: 'foretype.snooze', args: [0] }];
  if (condition === 'stopped')
    return [{ title: t('Restart Language Server'), command: 'foretype.restart' }, showLog(t)];
  if (condition === 'starting') return [];
  if (condition.draft === 'failed')
    return [{ title: t('Choose Model Family…'), command: 'foretype.chooseFamily' }, showLog(t)];
  if (condition.draft === 'off' && condition.edge === 'off') {
    const command = 'workbench.action.openSettings';
    return [{ title: t('Set the Edge Node'), command, args: ['foretype.edge.url'] }];
  }
  return condition.edge === 'refused'
    ? [{ title: t('Set Edge Token'), command: 'foretype.setEdgeToken' }]
    : [];
}

function showLog(t: Translate): Remedy {
  return { title: t('Show Log'), command: 'foretype.showLog' };
}

/** The tooltip as Markdown. What the server says contains names that others gave, so nothing of it is markup. */
export function tooltipMarkdown({ tooltip, remedies }: StatusView): string {
  const links = remedies.map(({ title, command, args }) => {
    const query = args ? `?${encodeURIComponent(JSON.stringify(args))}` : '';
    return `[${escapeMarkdown(title)}](command:${command}${query})`;
  });
  const paragraphs = tooltip.map(escapeMarkdown);
  if (links.length > 0) paragraphs.push(links.join(' · '));
  return ['**Foretype**', ...paragraphs].join('\n\n');
}

/** Text that Markdown shows as it is. */
export function escapeMarkdown(text: string): string {
  return text.replaceAll(/[\\`*_{}[\]()#+\-.!~|<>&$:@]/g, '\\$&').replaceAll(/\s+/g, ' ');
}
