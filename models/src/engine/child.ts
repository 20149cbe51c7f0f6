/**
 * The engine's process: loads one model and answers its host until the host goes away; or, told a socket's path, all hosts
 * that connect there until the last of them has gone.
 */
import module from 'node:module';
import {
  createMessageConnection,
  IPCMessageReader,
  IPCMessageWriter,
  type CancellationToken,
  type MessageConnection,
} from 'vscode-jsonrpc/node';
import { EngineError } from '../engine.ts';
import { listen } from './listen.ts';
import { loadLlama, type AdoptingEngine } from './llama.ts';
import {
  Adopt,
  Choose,
  Detokenize,
  Load,
  Read,
  Score,
  Tokenize,
  toResponseError,
  Write,
  Wrote,
  type LoadRequest,
} from './rpc.ts';
import type { EngineSpec } from './spec.ts';

let spec: EngineSpec | undefined;
let loading: Promise<AdoptingEngine> | undefined;
let engine: AdoptingEngine | undefined;
/** See `checkWeights`. */
const verified = new Set<string>();

// A terminal's Ctrl+C, its closing and a service manager's stop reach the whole group; a host still needs its engine to
// finish what is under way, and ends it by going.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);

const socket = process.argv[2];
if (socket === undefined) {
  // A host that was killed cannot say goodbye; without this its engine would live on as an orphan.
  process.on('disconnect', end);
  serve(createMessageConnection(new IPCMessageReader(process), new IPCMessageWriter(process)), false);
} else {
  listen(socket, {
    serve: (connection) => serve(connection, true),
    // Nobody can do anything with a model that could not be loaded.
    isOfUse: () => engine !== undefined,
    end,
  });
}

/** There is nothing to save, and an ordinary exit would run the native library's destructors while its threads evaluate,
 * which may never end. */
function end(): void {
  process.kill(process.pid, 'SIGKILL');
}

/** Answers one host. @param shared whether there may be others: what one host adds to the engine is no affair of theirs. */
function serve(connection: MessageConnection, shared: boolean): void {
  /** What ends the calls of this host. */
  const running = new Set<AbortController>();
  const answer = async <T>(
    token: CancellationToken,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> => {
    const abort = new AbortController();
    running.add(abort);
    // Where it was cancelled before it was begun, nobody tells of it any more.
    if (token.isCancellationRequested) abort.abort();
    token.onCancellationRequested(() => abort.abort());
    try {
      return await work(abort.signal);
    } catch (error) {
      throw toResponseError(error);
    } finally {
      running.delete(abort);
    }
  };
  // Nobody reads what a host that has gone still waited for.
  connection.onClose(() => running.forEach((abort) => abort.abort()));

  connection.onRequest(Load, (request, token) =>
    answer(token, async () => {
      const facts = await (await load(request)).facts();
      return { facts, weights: spec!.weights.sha256, pid: process.pid, verified: [...verified] };
    }),
  );
  connection.onRequest(Adopt, (adapter, token) =>
    answer(token, async () => {
      if (shared) throw new EngineError('unknown-adapter', 'An engine that is shared takes no adapters.');
      await loaded().adopt(adapter);
      return null;
    }),
  );
  connection.onRequest(Tokenize, (text, token) => answer(token, () => loaded().tokenize(text)));
  connection.onRequest(Detokenize, (tokens, token) => answer(token, () => loaded().detokenize(tokens)));
  connection.onRequest(Choose, (request, token) =>
    answer(token, (signal) => loaded().choose(request, signal)),
  );
  connection.onRequest(Read, (request, token) =>
    answer(token, async (signal) => {
      await loaded().read(request, signal);
      return null;
    }),
  );
  connection.onRequest(Score, (request, token) => answer(token, (signal) => loaded().score(request, signal)));
  connection.onRequest(Write, ({ stream, ...request }, token) =>
    answer(token, async (signal) => {
      for await (const written of loaded().write(request, signal)) {
        await connection.sendProgress(Wrote, stream, written);
      }
      return null;
    }),
  );
  connection.listen();
}

/** What was asked for first is loaded; hosts look at what that was. */
async function load(request: LoadRequest): Promise<AdoptingEngine> {
  spec ??= request.spec;
  if (!loading) request.verified.forEach((stamp) => verified.add(stamp));
  loading ??= loadLlama(spec, verified, (line) => process.stderr.write(`${line}\n`)).finally(keepCompiled);
  return (engine = await loading);
}

/** Leaves what was compiled to the next process, where there is a place for it (`NODE_COMPILE_CACHE`): this one is killed. */
function keepCompiled(): void {
  // Older versions of Node have none.
  const { flushCompileCache } = module as Partial<typeof module>;
  // Not while somebody waits for the first words.
  setTimeout(() => flushCompileCache?.(), 1_000).unref();
}

function loaded(): AdoptingEngine {
  if (!engine)
    throw new EngineError('engine-failed', 'The engine was asked before it was told what to load.');
  return engine;
}
