/**
 * `npm start`: an edge node on loopback with the embedded family, one completion through the real language server, and
 * then the node stays until Ctrl+C. `--once` ends after the completion; `--port N` listens elsewhere.
 */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { text as readAll } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Answer } from '../server/src/cli.ts';

const STATE = '.foretype/edge';
/** The token in plain text, for the editor on this machine; the node keeps only a hash. */
const TOKEN = '.foretype/token';
/** A place in a real source file, named by the text it stands behind so that edits above do not move it. */
const SAMPLE = { file: 'models/src/weights.ts', behind: 'if (found !== weights.sha256) {' };

/** A part failed and has said why on standard error, so that nothing is left to say. */
class Said extends Error {}

if (process.argv[2] === 'serve') {
  // This process is the node itself. Its standard input closes when `npm start` tells it to stop, and also when that was
  // killed, so that no node is left behind. SIGTERM's listener is there from the moment that there is something to stop.
  process.stdin.resume().once('end', () => process.emit('SIGTERM', 'SIGTERM') || process.exit(0));
  await import('../edge-node/src/main.ts');
} else {
  await main().catch((error: unknown) => {
    if (!(error instanceof Said)) console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  });
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { once: { type: 'boolean', default: false }, port: { type: 'string' } },
  });
  const stopping = new AbortController();
  const stop = () => stopping.abort();
  // However often and from whom a signal comes (a terminal, npm, bootstrap), it stops once.
  process.on('SIGINT', stop).on('SIGTERM', stop);
  const node = startNode(values.port ?? (values.once ? '0' : undefined));
  stopping.signal.addEventListener('abort', () => node.stdin.end());
  const ended = once(node, 'exit') as Promise<[code: number | null, signal: string | null]>;
  try {
    const url = await listening(node, ended);
    show(await complete(url, stopping.signal), url);
    if (values.once) stop();
    else console.log('\nThe edge node keeps running; Ctrl+C stops it.');
  } catch (error) {
    // What a stop cut short is no failure.
    if (!stopping.signal.aborted) {
      stop();
      await ended;
      throw error;
    }
  }
  const [code, signal] = await ended;
  if (stopping.signal.aborted && code === 0) return;
  throw new Error(`The edge node ended with ${signal ?? `code ${code ?? 'none'}`}.`);
}

function startNode(port: string | undefined): ChildProcessByStdio<Writable, Readable, null> {
  // A state without its token would leave a node that nobody can talk to.
  if (!existsSync(TOKEN)) rmSync(STATE, { recursive: true, force: true });
  mkdirSync(STATE, { recursive: true });
  const flags = ['--state', STATE, '--log-level', 'warn', ...(port === undefined ? [] : ['--port', port])];
  // A group of its own, since a terminal's Ctrl+C reaches the whole group: the node must be told to stop only once.
  return spawn(process.execPath, [fileURLToPath(import.meta.url), 'serve', ...flags], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
    windowsHide: true,
  });
}

/** The node's URL, once it says where it listens. Its token is kept on the way. */
async function listening(
  node: ChildProcessByStdio<Writable, Readable, null>,
  ended: Promise<[code: number | null, signal: string | null]>,
): Promise<string> {
  const lines = createInterface({ input: node.stdout });
  const found = new Promise<string>((resolve) => {
    lines.on('line', (line) => {
      const token = /^Token \(shown once\): (\S+)$/u.exec(line)?.[1];
      if (token) writeFileSync(TOKEN, `${token}\n`, { mode: 0o600 });
      const url = /listens on (\S+)$/u.exec(line)?.[1];
      if (url) resolve(url);
    });
  });
  const early = ended.then(([, signal]) => {
    throw signal ? new Error(`The edge node was ended by ${signal} before it listened.`) : new Said();
  });
  return await Promise.race([found, early]);
}

/** FILE:LINE:COL of the sample, and what stands on its line before it. */
function samplePlace(): { place: string; before: string } {
  const lines = readFileSync(SAMPLE.file, 'utf8').split('\n');
  const line = lines.findIndex((text) => text.includes(SAMPLE.behind));
  const column = lines[line]!.indexOf(SAMPLE.behind) + SAMPLE.behind.length;
  return {
    place: `${SAMPLE.file}:${line + 1}:${column + 1}`,
    before: lines[line]!.slice(0, column).trimStart(),
  };
}

async function complete(url: string, signal: AbortSignal): Promise<Answer> {
  const { place } = samplePlace();
  const cli = ['server/src/cli.ts', 'complete', place, '--json', '--edge', url, '--token-file', TOKEN];
  const child = spawn(process.execPath, cli, { stdio: ['ignore', 'pipe', 'inherit'], signal });
  const [output, exit] = await Promise.all([readAll(child.stdout), once(child, 'exit')]);
  const [code, killer] = exit as [code: number | null, signal: string | null];
  if (killer) throw new Error(`The language server's client was ended by ${killer}.`);
  if (code !== 0) throw new Said();
  const answer = JSON.parse(output) as Answer;
  if (answer.text === '') throw new Error(`The models had nothing to say at ${place}.`);
  return answer;
}

function show({ text, status }: Answer, url: string): void {
  const { place, before } = samplePlace();
  const { rounds, drafted, accepted, firstTextMs, verifiedMs, bytesUp, bytesDown } = status.lastCompletion!;
  console.log(`
Completed ${place} through the language server and the edge node:

    ${before}▏${text.replaceAll('\n', '\n    ')}

  drafted here       ${drafted} tokens in ${rounds} rounds, of which the target accepted ${accepted}
  time to first text ${firstTextMs!.toFixed(0)} ms (the local draft)
  time to verified   ${verifiedMs!.toFixed(0)} ms (exactly what the target alone writes)
  bytes              ${bytesUp} up, ${bytesDown} down

The edge node listens on ${url}

In VS Code:            npm run package && code --install-extension out/foretype-${process.platform}-${process.arch}.vsix
                       then set foretype.edge.url to ${url}
                       and run "Foretype: Set Edge Token" with the token in ${TOKEN}
From a terminal:       npx foretype complete FILE:LINE:COL --edge ${url} --token-file ${TOKEN}
Any other LSP editor:  npx foretype lsp --stdio (see README.md)`);
}
