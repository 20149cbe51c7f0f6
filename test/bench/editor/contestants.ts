import type { Family } from '@foretype/models';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atRoundTrip, IDEAL } from '../../support/emulator/profiles.ts';
import { LinkProxy } from '../../support/emulator/proxy.ts';
import { realClock } from '../../support/emulator/virtual-clock.ts';
import { EdgeNode } from '../../support/node.ts';
import { batchFor, CACHE_REUSE } from '../keystrokes/infill.ts';
import { PeerServer } from '../peer/server.ts';
import { pinChildren } from '../rig/pin.ts';
import { LAPTOP_CORE, NODE_CORE } from '../rig/rig.ts';
import type { MakeClient } from './clients.ts';
import { infillAt } from './infill.ts';
import { Editor } from './lsp.ts';
import type { Contestant } from './play.ts';
import { computedBy } from './processes.ts';
import { positionAt } from './strokes.ts';

/** A contestant whose work is known. */
export interface Arm extends Contestant {
  /** Seconds computed so far on the laptop, and for others elsewhere. */
  readonly computed: () => Promise<{ readonly laptop: number; readonly node: number }>;
  /** Completions that were begun so far. */
  readonly begun: () => number;
  /** Whether each engine is bound to a core. */
  readonly pinned: boolean;
}

export interface ArmOptions {
  /** Takes what is to be ended. */
  readonly stack: AsyncDisposableStack;
  readonly family: Family;
  /** Where the family lies. */
  readonly directory: string;
  /** Milliseconds to the node and back; undefined for one machine that does all. */
  readonly roundTripMs: number | undefined;
}

/** The language server in its own process, with a node where there is a way to one. */
export async function foretype({ stack, directory, roundTripMs }: ArmOptions): Promise<Arm> {
  const node = roundTripMs === undefined ? undefined : stack.adopt(new EdgeNode(), (one) => one.dispose());
  let edgeUrl = '';
  if (node) {
    await node.start(['--family', directory]);
    const link = await LinkProxy.start({ to: node.url, profile: atRoundTrip(IDEAL, roundTripMs!) });
    stack.defer(() => link.close());
    edgeUrl = link.url;
  }
  const traces = stack.adopt(mkdtempSync(join(tmpdir(), 'foretype-bench-')), (one) =>
    rmSync(one, { recursive: true }),
  );
  const traceFile = join(traces, 'trace.jsonl');
  const settings = { edgeUrl, edgeToken: node?.token ?? '', traceFile };
  const editor = stack.adopt(await Editor.overPipes(settings, directory), (one) => one.stop());
  await editor.until(({ draft, edge }) => draft === 'ready' && edge === (node ? 'connected' : 'off'));
  const pinned =
    (await pinChildren(editor.pid!, LAPTOP_CORE)) && (!node || (await pinChildren(node.pid, NODE_CORE)));
  let uri = '';
  let before = '';
  let count = 0;
  return {
    pinned,
    open: async ({ text }) => {
      uri = `file:///bench/${count++}.ts`;
      before = text;
      await editor.open(uri, text);
    },
    ask: async ({ text, offset }, { from, to, text: added }, signal) => {
      const range = { start: positionAt(before, from), end: positionAt(before, to) };
      before = text;
      void editor.edit(uri, range, added);
      return editor.ask(uri, positionAt(text, offset), signal);
    },
    close: () => editor.close(uri),
    computed: async () => ({
      laptop: await computedBy([editor.pid!]),
      node: node ? await computedBy([node.pid]) : 0,
    }),
    begun: () => (existsSync(traceFile) ? readFileSync(traceFile, 'utf8').split('\n').length - 1 : 0),
  };
}

/** Another product's rules before a llama-server of its own with the target's file. */
export async function plain(
  make: MakeClient,
  { stack, family, roundTripMs, program }: ArmOptions & { readonly program: string },
): Promise<Arm> {
  const { context, backbone } = family;
  const server = await PeerServer.start({
    program,
    model: backbone.path,
    context,
    batch: batchFor(context),
    cacheReuse: CACHE_REUSE,
    suffixFirst: false,
    // What llama-server takes where nobody says a number, and what Tabby says.
    parallel: 4,
    core: roundTripMs === undefined ? LAPTOP_CORE : NODE_CORE,
  });
  stack.defer(() => server.dispose());
  let { url } = server;
  if (roundTripMs !== undefined) {
    const link = await LinkProxy.start({ to: url, profile: atRoundTrip(IDEAL, roundTripMs) });
    stack.defer(() => link.close());
    url = link.url;
  }
  let asked = 0;
  const client = make(
    infillAt(url, () => asked++),
    realClock,
  );
  return {
    pinned: server.pinned,
    open: () => Promise.resolve(),
    ask: (stroke, _change, signal) => client.ask(stroke, signal),
    close: () => Promise.resolve(),
    computed: async () => {
      const seconds = await computedBy([server.pid]);
      return roundTripMs === undefined ? { laptop: seconds, node: 0 } : { laptop: 0, node: seconds };
    },
    begun: () => asked,
  };
}
