/** `foretype complete` as a user types it, with real models, a real edge node, and what can happen to them. */
import { EMBEDDED_FAMILY, loadFamily, type Family } from '@foretype/models';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, describe, it, type TestContext } from 'node:test';
import { Write } from '../../models/src/engine/rpc.ts';
import type { Answer } from '../../server/src/cli.ts';
import { startEdge, TOKEN } from '../support/edge-node.ts';
import { EdgeNode } from '../support/node.ts';
import { childrenOf, gone } from '../support/processes.ts';

const CLI = join(import.meta.dirname, '../../server/src/cli.ts');
const directory = mkdtempSync(join(tmpdir(), 'foretype-cli-'));
const source = join(directory, 'a.ts');
/** Loaded into every process of a run, it ends the one with the model when that is asked to write. */
const DEADLY_DRAFT = `data:text/javascript,${encodeURIComponent(`
  const emit = process.emit;
  process.emit = function (name, message, ...rest) {
    if (name === 'message' && message?.method === '${Write.method}') process.exit(9);
    return emit.call(this, name, message, ...rest);
  };
`)}`;
const PLACE = `${source}:2:15`;

describe('foretype complete', { timeout: 120_000 }, () => {
  let family: Family;
  before(async () => {
    family = await loadFamily(EMBEDDED_FAMILY);
    writeFileSync(source, 'export function sum(values: number[]) {\n  return values\n}\n');
  });
  after(() => rmSync(directory, { recursive: true }));

  describe('with an edge node', () => {
    const node = new EdgeNode();
    before(() => node.start());
    after(() => node.dispose());

    it('verified: exit 0, and --json says all of it', async (t) => {
      const { code, stdout, stderr } = await run(t, [...edge(node), '--json']).ended;
      assert.deepEqual([code, stderr], [0, '']);
      const answer = JSON.parse(stdout) as Answer & Record<string, unknown>;
      assert.deepEqual(Object.keys(answer).sort(), ['column', 'file', 'line', 'status', 'text']);
      assert.deepEqual([answer['file'], answer['line'], answer['column']], [source, 2, 15]);
      assert.equal(typeof answer.text, 'string');
      const { status } = answer;
      assert.deepEqual([status.draft, status.edge, status.reason], ['ready', 'connected', null]);
      assert.equal(status.lastCompletion!.path, 'speculated');
    });

    it('traced: what was done and when, without a word of the text', async (t) => {
      const file = join(directory, 'trace.jsonl');
      for (let time = 0; time < 2; time++) {
        assert.equal((await run(t, [...edge(node), '--trace', file]).ended).code, 0);
      }
      const stored = readFileSync(file, 'utf8');
      assert.equal(stored.trimEnd().split('\n').length, 2);
      assert.doesNotMatch(stored, /values|sum|return/u);
      const { code, stdout } = await foretype(t, ['trace', file, '--last', '2']).ended;
      assert.equal(code, 0);
      assert.equal(stdout.match(/ ms {2}round 1: \d+ drafted tokens? sent$/gmu)?.length, 2);
      assert.match(stdout, /^ +[\d.]+ ms {2}verified\n +[\d.]+ ms {2}end$/mu);
      const wrong = await foretype(t, ['trace', source]).ended;
      assert.deepEqual([wrong.code, wrong.stderr.match(/no trace of a completion/gu)?.length], [2, 1]);
    });

    it('verified: the text on standard output, the numbers on standard error', async (t) => {
      const { code, stderr } = await run(t, edge(node)).ended;
      assert.equal(code, 0);
      assert.match(stderr, /^verified: \d+ of \d+ drafted tokens accepted in \d+ rounds; [^\n]*\n$/u);
    });

    it('an adapter: it writes, and the report names it', async (t) => {
      const { name } = family.adapters[0]!;
      const { code, stdout } = await run(t, [...edge(node), '--adapter', name, '--json']).ended;
      const { lastCompletion } = (JSON.parse(stdout) as Answer).status;
      assert.deepEqual([code, lastCompletion!.path, lastCompletion!.adapter], [0, 'speculated', name]);
    });

    it('an adapter that the node does not have: the draft, why, exit 1', async (t) => {
      drafted(await run(t, [...edge(node), '--adapter', 'nobody']).ended, /adapter.*\bnobody\b.*\.$/u);
    });

    it('a wrong token: the draft, why, exit 1', async (t) => {
      const file = join(directory, 'wrong');
      writeFileSync(file, 'ft_wrong\n');
      const { ended } = run(t, ['--edge', node.url, '--token-file', file]);
      drafted(await ended, /^The edge node at \S+ refused the token; .*\.$/u);
    });

    it('no token: the draft, why, exit 1', async (t) => {
      drafted(await run(t, ['--edge', node.url]).ended, /^The edge node at \S+ asks for a token; .*\.$/u);
    });
  });

  it('a node that is away: the draft, why, exit 1', async (t) => {
    // A port that nothing listens on: it is below those that systems give out, and nobody's by name.
    const url = 'http://127.0.0.1:9';
    drafted(await run(t, ['--edge', url]).ended, /^The edge node at \S+ cannot be reached.*\.$/u);
    const { code, stdout } = await run(t, ['--edge', url, '--json']).ended;
    const { lastCompletion, edge } = (JSON.parse(stdout) as Answer).status;
    assert.deepEqual([code, edge, lastCompletion!.path], [1, 'away', 'draft']);
  });

  it('nothing named: the draft is all that was asked for, exit 0', async (t) => {
    const { code, stderr } = await run(t, []).ended;
    assert.equal(code, 0);
    assert.match(stderr, /^draft only: \d+ tokens in \d+ ms\n$/u);
  });

  it('nothing to say is an answer too: exit 0', async (t) => {
    const { code, stdout } = await run(t, ['--json'], {}, `${emptyFile()}:1:1`).ended;
    const { lastCompletion } = (JSON.parse(stdout) as Answer).status;
    assert.deepEqual([code, lastCompletion!.path], [0, 'draft']);
  });

  it('a draft model that dies twice while it loads: it is waited for until it is back', async (t) => {
    const cli = run(t, []);
    // After the second loss the model is started again only after a pause, in which it makes no completion.
    for (let losses = 0; losses < 2; losses++) {
      const engines = await descendants(cli.pid, 2);
      engines.forEach((pid) => process.kill(pid, 'SIGKILL'));
      await gone(engines);
    }
    const { code, stderr } = await cli.ended;
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^draft only: \d+ tokens/u);
  });

  it('a draft model that dies of every draft: why, exit 1, and no text', async (t) => {
    const { code, stdout, stderr } = await run(t, [], { NODE_OPTIONS: `--import=${DEADLY_DRAFT}` }).ended;
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, /^The model process ended with code 9[^\n]*\.\n$/u);
  });

  it('a language server that dies in the middle of a completion: one sentence, exit 1', async (t) => {
    const { url, asked } = await deafNode(t, family);
    const file = join(directory, 'any');
    writeFileSync(file, `${TOKEN}\n`);
    const cli = run(t, ['--edge', url, '--token-file', file]);
    assert.equal(await Promise.race([asked, cli.ended]), undefined);
    const [server] = await childrenOf(cli.pid);
    const engines = await childrenOf(server!);
    process.kill(server!, 'SIGKILL');
    assert.deepEqual(await cli.ended, {
      code: 1,
      stdout: '',
      stderr: 'The language server ended with SIGKILL.\n',
    });
    await gone(engines);
  });

  it('a language server that dies while its model loads: one sentence, exit 1', async (t) => {
    const cli = run(t, []);
    await descendants(cli.pid, 2);
    process.kill((await childrenOf(cli.pid))[0]!, 'SIGTERM');
    const { code, stderr } = await cli.ended;
    assert.equal(code, 1);
    assert.match(stderr, /^The language server ended with \S+( \d+)?\.\n$/u);
  });
});

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(t: TestContext, flags: string[], env: Record<string, string> = {}, place = PLACE) {
  return foretype(t, ['complete', place, ...flags], env);
}

function foretype(t: TestContext, args: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [CLI, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  const exit = once(child, 'exit') as Promise<[number | null]>;
  t.after(() => child.kill('SIGKILL'));
  const ended = Promise.all([exit, readAll(child.stdout), readAll(child.stderr)]).then(
    ([[code], stdout, stderr]): Ended => ({ code, stdout, stderr }),
  );
  return { pid: child.pid!, ended };
}

function edge(node: EdgeNode): string[] {
  return ['--edge', node.url, '--token-file', node.tokenFile()];
}

/** The draft is printed as without a node, and then one sentence says why it is not verified. */
function drafted({ code, stdout, stderr }: Ended, why: RegExp): void {
  assert.equal(code, 1);
  assert.match(stdout, /\n$/u);
  const [report, reason, ...rest] = stderr.split('\n');
  assert.match(report!, /^draft only: \d+ tokens in \d+ ms$/u);
  assert.match(reason!, why);
  assert.deepEqual(rest, [''], stderr);
}

/** Waits until a process has descendants `depth` generations below it. */
async function descendants(pid: number, depth: number): Promise<number[]> {
  for (;;) {
    let generation = [pid];
    for (let step = 0; step < depth; step++)
      generation = (await Promise.all(generation.map(childrenOf))).flat();
    if (generation.length > 0) return generation;
    await sleep(10);
  }
}

/** A node that fits the family, welcomes everybody, and never gives a verdict. */
async function deafNode(t: TestContext, family: Family): Promise<{ url: string; asked: Promise<unknown> }> {
  const asked = Promise.withResolvers<undefined>();
  const never = Promise.withResolvers<undefined>();
  const facts = {
    tokenizer: family.tokenizer.fingerprint,
    // More than the family has, so that no token of it is refused.
    vocabulary: 1_000_000,
    context: family.context,
  };
  const { url } = await startEdge(t, {
    family,
    engine: {
      facts: () => Promise.resolve(facts),
      delay: () => {
        asked.resolve(undefined);
        return never.promise;
      },
    },
  });
  return { url, asked: asked.promise };
}

function emptyFile(): string {
  const file = join(directory, 'empty.ts');
  writeFileSync(file, '');
  return file;
}
