/// <reference types="vscode" />
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, it } from 'mocha';
import * as vscode from 'vscode';
import type { ServerStatus } from '@foretype/server/protocol';

/** What the extension's `activate` returns. */
interface Api {
  readonly status: ServerStatus | null;
}

const TYPED = 'export class Registry {\n  readonly items = new Map<string, number>();\n\n  async load(name';

describe('the extension in its host', () => {
  const extension = vscode.extensions.getExtension<Api>('foretype.foretype')!;

  it('is installed', () => {
    assert.ok(extension);
  });

  it('activates without waiting for the server or a model', async () => {
    const { status } = await extension.activate();
    assert.ok(
      status === null || status.draft === 'loading' || status.draft === 'ready',
      JSON.stringify(status),
    );
    assert.ok((await activationTime()) < 1000, `Activation took ${await activationTime()} ms.`);
  });

  it('registers its commands', async () => {
    const commands = await vscode.commands.getCommands(true);
    for (const name of ['toggle', 'setEdgeToken', 'showLog', 'restart', 'menu']) {
      assert.ok(commands.includes(`foretype.${name}`), name);
    }
  });

  it('is ready to draft with no edge node set', async () => {
    await until(() => extension.exports.status?.draft === 'ready');
    assert.equal(extension.exports.status?.edge, 'off');
    assert.equal(extension.exports.status.reason, null);
  });

  it('offers a completion, which is inserted as it is', async () => {
    const { document } = await openWith(TYPED);
    await until(() => accept(document));
    assert.ok(document.getText().startsWith(TYPED), document.getText());
  });

  it('offers nothing while it is turned off', async () => {
    await vscode.commands.executeCommand('foretype.toggle');
    try {
      // The server is told right after the command ends.
      await sleep(200);
      const { document } = await openWith(TYPED);
      for (let attempt = 0; attempt < 3; attempt++) assert.equal(await accept(document), false);
    } finally {
      await vscode.commands.executeCommand('foretype.toggle');
    }
    const { document } = await openWith(TYPED);
    await until(() => accept(document));
  });

  it('works on after a restart of the language server', async () => {
    await vscode.commands.executeCommand('foretype.restart');
    await until(() => extension.exports.status?.draft === 'ready');
    const { document } = await openWith(TYPED);
    await until(() => accept(document));
  });

  // Not about the extension but about this workbench: it must not allow what a released VS Code forbids.
  it('would be refused a proposed API', () => {
    assert.throws(() => {
      const register: unknown = Reflect.get(vscode.workspace, 'registerTimelineProvider');
      assert.ok(typeof register === 'function');
      Reflect.apply(register, vscode.workspace, ['*', { id: 'none', label: 'none' }]);
    }, /CANNOT use API proposal/);
  });
});

/** A new untitled document with the cursor at its end. */
async function openWith(content: string): Promise<vscode.TextEditor> {
  const document = await vscode.workspace.openTextDocument({ language: 'typescript', content });
  const editor = await vscode.window.showTextDocument(document);
  const end = document.lineAt(document.lineCount - 1).range.end;
  editor.selection = new vscode.Selection(end, end);
  return editor;
}

/** Asks for a completion, accepts what is offered and tells whether there was anything. */
async function accept(document: vscode.TextDocument): Promise<boolean> {
  const before = document.getText();
  await vscode.commands.executeCommand('editor.action.inlineSuggest.trigger');
  await sleep(500);
  await vscode.commands.executeCommand('editor.action.inlineSuggest.commit');
  await sleep(100);
  return document.getText() !== before;
}

/** Milliseconds from loading the extension's code to the end of `activate`, as VS Code itself measured them. */
async function activationTime(): Promise<number> {
  await vscode.commands.executeCommand('perfview.show');
  let row: string | undefined;
  await until(() => {
    const report = vscode.workspace.textDocuments.find(({ uri }) => uri.scheme === 'perf');
    row = /^\| foretype\.foretype .*$/m.exec(report?.getText() ?? '')?.[0];
    return row !== undefined;
  });
  const [, , , load, call, finish] = row!.split('|').map(Number);
  return load! + call! + finish!;
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, `This did not happen within 30 s: ${condition.toString()}`);
    await sleep(50);
  }
}
