import type { CompletionReport, ServerStatus } from '@foretype/server/protocol';

/** What there is to show: the server's own report, or why there is none. */
export type Condition = ServerStatus | 'off' | 'starting' | 'stopped';

/** The status item's contents; `label` is what a screen reader says. */
export interface StatusView {
  readonly text: string;
  readonly label: string;
  readonly tooltip: string;
}

type Line = readonly [icon: string, sentence: string];

const withoutServer = {
  off: ['circle-slash', 'Completions are turned off.'],
  starting: ['loading~spin', 'The language server is starting.'],
  stopped: ['error', 'The language server is not running.'],
} satisfies Record<string, Line>;

const draftLines = {
  loading: ['loading~spin', 'The draft model is loading.'],
  ready: ['edit', 'The draft model is ready.'],
  restarting: ['sync~spin', 'The draft model is restarting.'],
  failed: ['error', 'The draft model does not work.'],
} satisfies Record<ServerStatus['draft'], Line>;

const edgeLines = {
  off: ['edit', 'Drafts only: no edge node is set.'],
  connecting: ['sync~spin', 'Connecting to the edge node.'],
  connected: ['check-all', 'Connected to the edge node.'],
  away: ['debug-disconnect', 'Drafts only: the edge node is away.'],
  refused: ['warning', 'Drafts only: the edge node cannot be used.'],
} satisfies Record<ServerStatus['edge'], Line>;

/** The status item for a condition. The draft comes first: without it there is no completion to verify. */
export function viewStatus(condition: Condition): StatusView {
  if (typeof condition === 'string') return view(withoutServer[condition], []);
  const draft = draftLines[condition.draft];
  const edge = edgeLines[condition.edge];
  const [headline, other] = condition.draft === 'ready' ? [edge, draft] : [draft, edge];
  const report = condition.lastCompletion;
  return view(headline, [other[1], condition.reason ?? '', report === null ? '' : describeReport(report)]);
}

function view([icon, sentence]: Line, more: readonly string[]): StatusView {
  return {
    text: `$(${icon}) Foretype`,
    label: `Foretype: ${sentence}`,
    tooltip: ['Foretype', sentence, ...more].filter((line) => line !== '').join('\n'),
  };
}

function describeReport(report: CompletionReport): string {
  const times = [
    report.firstTextMs === null ? '' : `first text after ${milliseconds(report.firstTextMs)}`,
    report.verifiedMs === null
      ? `not verified${report.unverified === null ? '' : ` (${report.unverified})`}`
      : `verified after ${milliseconds(report.verifiedMs)}`,
  ];
  const path = report.path === 'draft' ? 'drafted here' : 'drafted here, verified by the edge node';
  const summary = `Last completion: ${path}; ${times.filter((time) => time !== '').join(', ')}.`;
  if (report.path === 'draft') return summary;
  const adapter = report.adapter === null ? '' : `, adapter ${report.adapter}`;
  const rounds = `${report.rounds} ${report.rounds === 1 ? 'round' : 'rounds'}`;
  return `${summary}\n${report.accepted} of ${report.drafted} drafted tokens accepted in ${rounds}; ${report.bytesUp} bytes up, ${report.bytesDown} down${adapter}.`;
}

function milliseconds(value: number): string {
  return `${Math.round(value)} ms`;
}
