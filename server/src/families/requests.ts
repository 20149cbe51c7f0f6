import { catalogueSentence, freeBytes, sizeText, systemCode, type Pulled } from '@foretype/models/catalogue';
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
  RemoveFamilyRequest,
  type FamilyFailure,
  type FamilyInstalled,
} from './messages.ts';
import { settingOf, type Places } from './place.ts';
import { removeFamily } from './remove.ts';

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
  /** What a client is told of an error. */
  const failure = (error: unknown): unknown => {
    const sentence = catalogueSentence(error);
    if (sentence === undefined) return error;
    connection.console.warn(sentence);
    const data: FamilyFailure = { code: systemCode(error) };
    return new ResponseError(LSPErrorCodes.RequestFailed, sentence, data);
  };
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
    const { progress, end } = progressOf(reporter);
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
        progress,
        signal: abort.signal,
      });
      if (!already && directory === places().used) onMended();
      return { outcome: 'installed', id: installed.id, setting: settingOf(directory, places()), already };
    } catch (error) {
      if (abort.signal.aborted) return { outcome: 'cancelled' };
      throw failure(error);
    } finally {
      cancelled.dispose();
      end();
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
  connection.onRequest(RemoveFamilyRequest, async ({ id }) => {
    await removeFamily(id, places).catch((error: unknown) => {
      throw failure(error);
    });
    return null;
  });
}

/** Reports how far a file is, now and then, and the last of it soon, also where nothing more comes. */
function progressOf(reporter: WorkDoneProgressReporter): {
  readonly progress: InstallTools['progress'];
  readonly end: () => void;
} {
  let timer: NodeJS.Timeout | undefined;
  let latest = { received: 0, total: 1 };
  const report = () => {
    const { received, total } = latest;
    reporter.report(Math.floor((received / total) * 100), `${sizeText(received)} / ${sizeText(total)}`);
  };
  const progress: InstallTools['progress'] = (_file, received, total) => {
    latest = { received, total };
    timer ??= setTimeout(() => {
      timer = undefined;
      report();
    }, REPORT_MS);
  };
  const end = () => {
    if (timer) report();
    clearTimeout(timer);
  };
  return { progress, end };
}
