import { catalogueSentence, freeBytes, sizeText, type Pulled } from '@foretype/models/catalogue';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  LSPErrorCodes,
  ResponseError,
  type CancellationToken,
  type Connection,
  type WorkDoneProgressParams,
  type WorkDoneProgressReporter,
} from 'vscode-languageserver';
import { importFamily, installFamily, listFamilies, type InstallTools } from './families.ts';
import { machineFacts } from './machine.ts';
import {
  FamiliesRequest,
  ImportFamilyRequest,
  InstallFamilyRequest,
  type FamilyInstalled,
} from './messages.ts';
import { settingOf, type Places } from './place.ts';

export interface FamilyRequests {
  readonly places: () => Places & { readonly used: string };
  readonly fetch: () => typeof fetch;
  /** The files of the family that is used were made good. */
  readonly onMended: () => void;
}

/** Milliseconds between two reports of how far a download is. */
const REPORT_MS = 200;

/** Binds what clients may ask about families. */
export function answerFamilies(connection: Connection, { places, fetch, onMended }: FamilyRequests): void {
  const install = async (
    { workDoneToken }: WorkDoneProgressParams,
    token: CancellationToken,
    title: string,
    work: (tools: InstallTools) => Promise<Pulled>,
  ): Promise<FamilyInstalled> => {
    const abort = new AbortController();
    if (token.isCancellationRequested) abort.abort();
    const cancelled = token.onCancellationRequested(() => abort.abort());
    const reporter = connection.window.attachWorkDoneProgress(workDoneToken);
    reporter.begin(title, 0);
    try {
      const {
        family: installed,
        directory,
        already,
      } = await work({
        fetch: fetch(),
        sleep: (ms, signal) => sleep(ms, undefined, { signal }),
        freeBytes,
        note: (line) => connection.console.info(line),
        progress: progressOf(reporter),
        signal: abort.signal,
      });
      if (!already && directory === places().used) onMended();
      return { outcome: 'installed', id: installed.id, setting: settingOf(directory, places()), already };
    } catch (error) {
      if (abort.signal.aborted) return { outcome: 'cancelled' };
      const sentence = catalogueSentence(error);
      if (sentence === undefined) throw error;
      connection.console.warn(sentence);
      throw new ResponseError(LSPErrorCodes.RequestFailed, sentence);
    } finally {
      cancelled.dispose();
      reporter.done();
    }
  };

  connection.onRequest(FamiliesRequest, async () =>
    listFamilies(places(), await machineFacts(places().families)),
  );
  connection.onRequest(InstallFamilyRequest, ({ id, ...params }, token) =>
    install(params, token, id, (tools) => installFamily(id, places().families, tools)),
  );
  connection.onRequest(ImportFamilyRequest, ({ from, ...params }, token) =>
    install(params, token, from, (tools) => importFamily(from, places().families, tools)),
  );
}

function progressOf(reporter: WorkDoneProgressReporter): InstallTools['progress'] {
  let last = -Infinity;
  return (_file, received, total) => {
    const now = performance.now();
    if (now - last < REPORT_MS && received < total) return;
    last = now;
    const percentage = Math.floor((received / total) * 100);
    reporter.report(percentage, `${sizeText(received)} / ${sizeText(total)}`);
  };
}
