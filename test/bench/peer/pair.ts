import type { Family } from '@foretype/models';
import { atRoundTrip, IDEAL } from '../../support/emulator/profiles.ts';
import { LinkProxy } from '../../support/emulator/proxy.ts';
import { machine, type Bench, type Outcome } from '../bench.ts';
import { together, type Report } from '../document.ts';
import { batchFor, CACHE_REUSE } from '../keystrokes/infill.ts';
import { NODE_CORE } from '../rig/rig.ts';
import { withWideTarget } from '../rig/wide.ts';
import { NOT_BUILT, peerProgram } from './build.ts';
import { PeerServer } from './server.ts';

export interface PairOptions {
  /** Takes what is to be ended. */
  readonly stack: AsyncDisposableStack;
  /** llama-server. */
  readonly program: string;
  readonly family: Family;
  readonly roundTripMs: number;
  /** Prompts kept, and requests worked on, at once. */
  readonly parallel: number;
}

/** Two servers of the family's backbone, as the plugin asks and with the suffix first, each behind its own network. */
export async function startPair({ stack, program, family, roundTripMs, parallel }: PairOptions) {
  const { context, backbone } = family;
  const options = {
    program,
    model: backbone.path,
    context,
    batch: batchFor(context),
    cacheReuse: CACHE_REUSE,
    parallel,
    core: NODE_CORE,
  };
  const start = async (suffixFirst: boolean) => {
    const server = await PeerServer.start({ ...options, suffixFirst });
    stack.defer(() => server.dispose());
    const link = await LinkProxy.start({ to: server.url, profile: atRoundTrip(IDEAL, roundTripMs) });
    stack.defer(() => link.close());
    return { link, pinned: server.pinned };
  };
  const [plugin, line] = [await start(false), await start(true)];
  return { plugin: plugin.link, line: line.link, pinned: plugin.pinned && line.pinned };
}

/** Measures beside the peers twice: with the family's own target, and with one of a size that teams run. */
export async function besidePeers<R>(
  bench: Bench,
  part: {
    /** Of every sample, with the large target. */
    readonly wideShare: number;
    readonly measure: (bench: Bench, program: string) => Promise<R>;
    readonly reportOf: (results: R, on: string) => Report;
  },
): Promise<Outcome | string> {
  const program = peerProgram();
  if (!program) return NOT_BUILT;
  const results = [
    await part.measure(bench, program),
    await part.measure(await withWideTarget(bench, part.wideShare), program),
  ];
  return { results, ...together(results.map((one) => part.reportOf(one, machine()))) };
}
