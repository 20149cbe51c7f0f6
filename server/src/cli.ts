#!/usr/bin/env node
/** The `foretype` command: completions from a terminal, and the language server for any editor. */
import { MAX_TEMPERATURE } from '@foretype/models';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { Client } from './client.ts';
import { decodeText, parsePlace, positionIn, UsageError } from './position.ts';
import type { ServerSettings, ServerStatus } from './protocol.ts';
import { readTrace, timeline } from './trace.ts';
import { VERSION } from './version.ts';

const USAGE = `Foretype ${VERSION}: completions drafted here, verified by an edge node.

Usage:
  foretype complete FILE:LINE:COL [--json] [--edge URL] [--token-file FILE] [--adapter NAME]
                    [--temperature T] [--seed N] [--trace FILE]
  foretype trace FILE [--last N]
  foretype families [--json]
  foretype families pull NAME|URL
  foretype families import FOLDER
  foretype families remove NAME
  foretype usage [forget]
  foretype lsp --stdio

  Model families: \`families\` lists what is here and what could be had, \`pull\` downloads what drafting needs of one, and
  goes on where it ended, \`import\` copies it from a folder, \`remove\` deletes one that is installed, or what came of one.

  Measures of use, as counted for editors that start \`foretype lsp\`: \`usage\` shows all that is held, \`usage forget\`
  deletes it.

  --json              Prints text and report, or the families, as one JSON object.
  --edge URL          Verifies with the edge node at URL, and exits with 1 where that fails; without it the local
                      draft is all.
  --token-file FILE   Reads the edge node's token from FILE.
  --adapter NAME      Asks the node for this adapter instead of the backbone.
  --temperature T     Chooses by chance, the more the higher T is (0 to 2; 0 if absent: the most likely text).
  --seed N            Another number gives another text where T is above 0.
  --trace FILE        Appends to FILE what was done and when: a line of JSON, no text in it. \`foretype trace\` shows such
                      a file's last completion, or its last N.
`;

try {
  await run(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = error instanceof UsageError ? 2 : 1;
}

async function run([command, ...rest]: string[]): Promise<void> {
  if (command === 'lsp' && rest.length > 0) await import('./main.ts');
  else if (command === 'lsp')
    throw new UsageError('An editor talks to the server over --stdio: foretype lsp --stdio.');
  else if (command === 'complete') await complete(rest);
  else if (command === 'trace') await showTraces(rest);
  else if (command === 'families') await families(rest);
  else if (command === 'usage') await usage(rest);
  else if (command === '--version') console.log(VERSION);
  else if (command === undefined || command === '--help' || command === '-h') console.log(USAGE);
  else throw new UsageError(`There is no command "${command}"; see foretype --help.`);
}

async function complete(args: string[]): Promise<void> {
  const { values, positionals } = parse(args);
  if (positionals.length !== 1) {
    throw new UsageError(`Expected one FILE:LINE:COL, got ${positionals.length}; see foretype --help.`);
  }
  const place = parsePlace(positionals[0]!);
  const text = decodeText(await read(place.file), place.file);
  const position = positionIn(text, place);
  const edgeToken = values['token-file']
    ? decodeText(await read(values['token-file']), values['token-file']).trim()
    : '';
  const traceFile = values.trace ? resolve(values.trace) : '';
  const settings = {
    edgeUrl: values.edge ?? '',
    edgeToken,
    adapter: values.adapter ?? '',
    temperature: numberOf('--temperature', values.temperature, MAX_TEMPERATURE),
    seed: numberOf('--seed', values.seed, 2 ** 32 - 1, 'whole number'),
    traceFile,
  };
  const { answer, problem } = await ask(place.file, text, position, settings);
  if (values.json) console.log(JSON.stringify({ ...place, ...answer }, null, 2));
  else print(answer);
  // The draft is worth having, but whoever named a node asked for more.
  if (problem !== undefined) throw new Error(problem);
}

/** What `foretype complete` prints with `--json`, besides the place. */
export interface Answer {
  /** The text to insert at the position; empty where the models have nothing to say. */
  readonly text: string;
  /** The server's state after the completion; its `lastCompletion` says how the text came about. */
  readonly status: ServerStatus;
}

async function ask(
  file: string,
  text: string,
  position: { readonly line: number; readonly character: number },
  settings: Partial<ServerSettings>,
): Promise<{ answer: Answer; problem: string | undefined }> {
  const { client } = await Client.start(settings);
  try {
    const uri = pathToFileURL(resolve(file)).href;
    await client.open(uri, text);
    await client.until(
      ({ draft, edge }) => ['ready', 'off', 'failed'].includes(draft) && edge !== 'connecting',
    );
    const logged = client.log.length;
    const completion = await client.complete(uri, position);
    const status = client.status!;
    // What went wrong with this completion only is no state, so the log alone says it.
    const unverified = status.lastCompletion?.unverified ?? undefined;
    const reason =
      status.reason ??
      client.log.slice(logged).at(-1) ??
      (unverified && `The edge node was not asked: ${unverified}.`);
    if (!status.lastCompletion) throw new Error(reason ?? 'The draft model made no completion; try again.');
    const verified = status.lastCompletion.path === 'speculated';
    const problem =
      settings.edgeUrl && !verified
        ? (reason ?? 'The edge node did not verify this draft; try again.')
        : undefined;
    return { answer: { text: completion, status }, problem };
  } finally {
    await client.stop();
  }
}

function parse(args: string[]) {
  const text = { type: 'string' } as const;
  const options = {
    json: { type: 'boolean' },
    edge: text,
    'token-file': text,
    adapter: text,
    temperature: text,
    seed: text,
    trace: text,
    last: text,
  } as const;
  try {
    return parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

async function usage(args: string[]): Promise<void> {
  const [task = 'show', ...more] = parse(args).positionals;
  if ((task !== 'show' && task !== 'forget') || more.length > 0)
    throw new UsageError('Expected nothing or forget; see foretype --help.');
  const { usageDirectory } = await import('./usage/directory.ts');
  const { runUsage } = await import('./usage/command.ts');
  const directory = usageDirectory(process.platform, homedir(), process.env);
  await runUsage(task, { directory, print: console.log, note: console.error });
}

async function families(args: string[]): Promise<void> {
  const { values, positionals } = parse(args);
  const { familiesIo, familiesTask, runFamilies } = await import('./families/command.ts');
  const task = familiesTask(positionals, values.json === true);
  if (!task)
    throw new UsageError(
      'Expected nothing, pull NAME|URL, import FOLDER or remove NAME; see foretype --help.',
    );
  const stopped = new AbortController();
  process.once('SIGINT', () => stopped.abort());
  await runFamilies(task, familiesIo(stopped.signal));
}

function numberOf(
  option: string,
  given: string | undefined,
  most: number,
  kind: 'number' | 'whole number' = 'number',
): number {
  const number = Number(given ?? 0);
  const fits = number >= 0 && number <= most && (kind === 'number' || Number.isInteger(number));
  if (given?.trim() !== '' && fits) return number;
  throw new UsageError(`${option} is a ${kind} from 0 to ${most}, not "${given ?? ''}".`);
}

async function showTraces(args: string[]): Promise<void> {
  const { values, positionals } = parse(args);
  const [file, ...more] = positionals;
  if (file === undefined || more.length > 0) {
    throw new UsageError(`Expected one FILE, got ${positionals.length}; see foretype --help.`);
  }
  const last = Number(values.last ?? 1);
  if (!Number.isInteger(last) || last < 1)
    throw new UsageError('--last is a number of completions, 1 or more.');
  const lines = decodeText(await read(file), file)
    .trimEnd()
    .split('\n');
  for (const line of lines.slice(-last)) {
    const trace = readTrace(line);
    if (!trace) throw new UsageError(`${file} holds a line that is no trace of a completion.`);
    console.log([`${trace.time}, ${trace.family}`, ...timeline(trace)].join('\n'));
  }
}

function print({ text, status }: Answer): void {
  console.log(text);
  const report = status.lastCompletion;
  if (report) {
    const { path, rounds, drafted, accepted, firstTextMs, verifiedMs, bytesUp, bytesDown } = report;
    console.error(
      path === 'draft'
        ? `draft only: ${drafted} tokens in ${ms(firstTextMs)}`
        : `verified: ${accepted} of ${drafted} drafted tokens accepted in ${rounds} rounds; ` +
            `first text after ${ms(firstTextMs)}, verified after ${ms(verifiedMs)}; ${bytesUp} B up, ${bytesDown} B down`,
    );
  }
}

function ms(time: number | null): string {
  return time === null ? '-' : `${time.toFixed(0)} ms`;
}

async function read(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UsageError(
      code === 'ENOENT' ? `There is no file ${file}.` : `${file} cannot be read (${code ?? 'unknown'}).`,
    );
  }
}
