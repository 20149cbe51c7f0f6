/** Rules of the checkout itself. */
import { ESLint } from 'eslint';
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';

const root = join(import.meta.dirname, '../..');
const bin = (name: string) => join(root, 'node_modules/.bin', name);

describe('the checkout', () => {
  for (const [name, ...command] of [
    ['types hold', bin('tsc'), '-b'],
    ['lint holds, with the boundaries between packages', bin('eslint'), '.', '--max-warnings', '0'],
    ['format holds', bin('prettier'), '--check', '.'],
  ] as const) {
    it(name, () => {
      const { status, stdout, stderr } = spawnSync(process.execPath, command, {
        cwd: root,
        encoding: 'utf8',
      });
      assert.equal(status, 0, stdout + stderr);
    });
  }

  it('the generated wire code belongs to the schema', () => {
    const out = mkdtempSync(join(tmpdir(), 'foretype-wire-'));
    const env = { ...process.env, PATH: `${join(root, 'node_modules/.bin')}:${process.env['PATH'] ?? ''}` };
    execFileSync(bin('buf'), ['generate', '-o', out], { cwd: root, env });
    const file = 'edge-node/src/protocol/wire_pb.ts';
    const [made, kept] = [out, root].map((folder) => readFileSync(join(folder, file), 'utf8'));
    rmSync(out, { recursive: true });
    assert.equal(kept, made, 'Run npm run generate.');
  });

  it('no package runs an install script that was not decided on', () => {
    const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { hasInstallScript?: boolean }>;
    };
    const { allowScripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      allowScripts: Record<string, boolean>;
    };
    const scripted = Object.entries(lock.packages).filter(([, entry]) => entry.hasInstallScript);
    const names = scripted.map(([path]) =>
      path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length),
    );
    assert.ok(names.length > 0);
    assert.deepEqual(
      names.filter((name) => allowScripts[name] !== false),
      [],
    );
  });
});

describe('the boundary rule', () => {
  const eslint = new ESLint({ cwd: root });
  const refused: [file: string, source: string][] = [
    ['models/src/fim.ts', "import '@foretype/server/protocol';"],
    ['models/src/fim.ts', "import '../../server/src/policy.ts';"],
    ['models/src/fim.ts', 'export const now = () => performance.now();'],
    ['models/src/speculation.ts', 'export const dice = () => Math.random();'],
    ['models/src/engine/slots.ts', "import 'node:fs';"],
    ['models/src/engine/slots.ts', "import 'fs';"],
    ['models/src/fim.ts', "import 'vscode-jsonrpc/node';"],
    ['server/src/completion.ts', "import { startEngine } from '@foretype/models'; startEngine;"],
    ['edge-node/src/session.ts', "import '@bufbuild/protobuf';"],
    ['edge-node/src/protocol/context.ts', "import { judge } from '@foretype/models'; judge;"],
    ['models/src/family.ts', "import 'node-llama-cpp';"],
    ['edge-node/src/verify.ts', "import '@foretype/server/protocol';"],
    ['edge-node/src/verify.ts', "import 'fastify';"],
    ['server/src/service.ts', "import '@foretype/edge-node';"],
    ['server/src/service.ts', "import '../../edge-node/src/session.ts';"],
    ['server/src/service.ts', "import 'undici';"],
    ['server/src/service.ts', "import 'vscode';"],
    ['extension/src/extension.ts', "import '@foretype/models';"],
    ['extension/src/extension.ts', "import '@foretype/edge-node/protocol';"],
    ['evaluation/src/fill.ts', "import '@foretype/edge-node';"],
    ['server/src/policy.ts', "import '@foretype/evaluation';"],
  ];
  for (const [file, source] of refused) {
    it(`refuses in ${file}: ${source}`, async () => {
      const [result] = await eslint.lintText(`${source}\n`, { filePath: join(root, file) });
      const rules = result!.messages.map(({ ruleId }) => ruleId);
      assert.ok(
        rules.some((rule) => rule?.includes('no-restricted-')),
        `It said ${JSON.stringify(result!.messages)}.`,
      );
    });
  }
  const allowed: [file: string, source: string][] = [
    ['server/src/service.ts', "import '@foretype/edge-node/protocol';"],
    ['server/src/dial.ts', "import 'undici';"],
    ['models/src/engine/llama.ts', "import 'node-llama-cpp';"],
    ['edge-node/src/http.ts', "import 'fastify';"],
    [
      'edge-node/src/protocol/context.ts',
      "import type { Token } from '@foretype/models'; export type T = Token;",
    ],
    ['models/src/engine/rpc.ts', "import 'vscode-jsonrpc/node';"],
    ['extension/src/extension.ts', "import '@foretype/server/protocol';"],
    ['evaluation/src/fill.ts', "import '@foretype/models';"],
  ];
  for (const [file, source] of allowed) {
    it(`allows in ${file}: ${source}`, async () => {
      const [result] = await eslint.lintText(`${source}\n`, { filePath: join(root, file) });
      assert.deepEqual(
        result!.messages.filter(({ ruleId }) => ruleId?.includes('no-restricted-')),
        [],
      );
    });
  }
});
