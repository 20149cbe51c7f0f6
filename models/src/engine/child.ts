/** The engine's process: loads one model and answers its host until the host goes away. */
import {
  createMessageConnection,
  IPCMessageReader,
  IPCMessageWriter,
  type CancellationToken,
} from 'vscode-jsonrpc/node';
import { EngineError } from '../engine.ts';
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
} from './rpc.ts';

const connection = createMessageConnection(new IPCMessageReader(process), new IPCMessageWriter(process));
let engine: AdoptingEngine | undefined;

// A host that was killed cannot say goodbye; without this its engine would live on as an orphan. It has nothing to save,
// and an ordinary exit would run the native library's destructors while its threads evaluate, which may never end.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
// A terminal's Ctrl+C and a service manager's stop reach the whole group; the host still needs its engine to finish
// what is under way, and ends it by disconnecting.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);

connection.onRequest(Load, (spec) =>
  answer(async () => {
    engine = await loadLlama(spec, (line) => process.stderr.write(`${line}\n`));
    return engine.facts();
  }),
);
connection.onRequest(Adopt, (adapter) =>
  answer(async () => {
    await loaded().adopt(adapter);
    return null;
  }),
);
connection.onRequest(Tokenize, (text) => answer(() => loaded().tokenize(text)));
connection.onRequest(Detokenize, (tokens) => answer(() => loaded().detokenize(tokens)));
connection.onRequest(Choose, (request, token) => answer(() => loaded().choose(request, signalOf(token))));
connection.onRequest(Read, (request, token) =>
  answer(async () => {
    await loaded().read(request, signalOf(token));
    return null;
  }),
);
connection.onRequest(Score, (request, token) => answer(() => loaded().score(request, signalOf(token))));
connection.onRequest(Write, ({ stream, ...request }, token) =>
  answer(async () => {
    for await (const written of loaded().write(request, signalOf(token))) {
      await connection.sendProgress(Wrote, stream, written);
    }
    return null;
  }),
);
connection.listen();

function loaded(): AdoptingEngine {
  if (!engine)
    throw new EngineError('engine-failed', 'The engine was asked before it was told what to load.');
  return engine;
}

async function answer<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toResponseError(error);
  }
}

function signalOf(token: CancellationToken): AbortSignal {
  const abort = new AbortController();
  token.onCancellationRequested(() => abort.abort());
  return abort.signal;
}
