import { randomBytes } from 'node:crypto';
import type { Connection } from 'vscode-languageserver';
import type { OpenDocument } from '../open-document.ts';
import { ForgetUsageRequest, UsageRequest } from '../protocol.ts';
import { Measures } from './measures.ts';

/** Measures on the clocks of this machine, shown to the client and forgotten when it asks for that. */
export function measuresFor(
  connection: Connection,
  documentOf: (uri: string) => OpenDocument | undefined,
): Measures {
  const measures = new Measures({
    now: () => performance.now(),
    day: () => dayOf(new Date()),
    documentOf,
    every: (ms, run) => {
      const timer = setInterval(run, ms).unref();
      return () => clearInterval(timer);
    },
    id: randomBytes(6).toString('hex'),
    log: (message) => connection.console.warn(message),
  });
  connection.onRequest(UsageRequest, async () => ({
    report: await measures.report(),
    directory: measures.directory,
    wouldSend: measures.shares,
  }));
  connection.onRequest(ForgetUsageRequest, async () => {
    await measures.forget();
    return null;
  });
  return measures;
}

/** The directory that a client gives for the counts; the one by default where it gives none. */
export function directoryGiven(initializationOptions: unknown, standard: string): string {
  if (typeof initializationOptions !== 'object' || initializationOptions === null) return standard;
  const { usageDirectory } = initializationOptions as { usageDirectory?: unknown };
  return typeof usageDirectory === 'string' ? usageDirectory : standard;
}

function dayOf(date: Date): string {
  const [month, day] = [date.getMonth() + 1, date.getDate()].map((part) => String(part).padStart(2, '0'));
  return `${date.getFullYear()}-${month}-${day}`;
}
