'use strict';
// Runs inside VS Code's extension host, which calls `run`: measures what the extension costs there.
const { writeFileSync } = require('node:fs');
const { performance } = require('node:perf_hooks');
const { setTimeout: sleep } = require('node:timers/promises');
const { setFlagsFromString } = require('node:v8');
const { runInNewContext } = require('node:vm');
const vscode = require('vscode');

/** Milliseconds that a host is left alone before anything is measured, and twice that between. */
const SETTLED_MS = 3000;
const READY_WITHIN_MS = 30_000;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');

module.exports.run = async () => {
  const extension = vscode.extensions.getExtension('foretype.foretype');
  await sleep(SETTLED_MS);
  const grown = extension.isActive ? {} : await growth(extension);
  await extension.activate();
  writeFileSync(process.env.FORETYPE_MEASURED, JSON.stringify({ ...(await activation()), ...grown }));
};

/** What activation adds to the memory of the host, and what doing nothing for as long adds. */
async function growth(extension) {
  const first = await memory();
  await sleep(2 * SETTLED_MS);
  const before = await memory();
  const began = performance.now();
  const api = await extension.activate();
  await until(() => api.status?.draft === 'ready');
  await sleep(Math.max(0, 2 * SETTLED_MS - (performance.now() - began)));
  const after = await memory();
  const between = (from, to) => ({ heap: to.heap - from.heap, resident: to.resident - from.resident });
  return { added: between(before, after), idle: between(first, before) };
}

async function memory() {
  for (let times = 0; times < 3; times++) {
    collect();
    await sleep(50);
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap: heapUsed + external, resident: rss };
}

/** Milliseconds as VS Code itself measured them. */
async function activation() {
  await vscode.commands.executeCommand('perfview.show');
  let row;
  await until(() => {
    const report = vscode.workspace.textDocuments.find(({ uri }) => uri.scheme === 'perf');
    row = /^\| foretype\.foretype .*$/m.exec(report?.getText() ?? '')?.[0];
    return row !== undefined;
  });
  const [, , , load, call, finish] = row.split('|').map(Number);
  return { loadMs: load, activationMs: load + call + finish };
}

async function until(condition) {
  const deadline = performance.now() + READY_WITHIN_MS;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`This did not happen in time: ${condition}`);
    await sleep(50);
  }
}
