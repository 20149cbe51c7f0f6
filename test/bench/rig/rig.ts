import { identityOf } from '@foretype/edge-node/protocol';
import { draftSpec, startEngine, type EngineHost, type Family } from '@foretype/models';
import { Channel } from '../../../server/src/channel.ts';
import { atRoundTrip, IDEAL } from '../../support/emulator/profiles.ts';
import { LinkProxy } from '../../support/emulator/proxy.ts';
import { EdgeNode } from '../../support/node.ts';
import type { Bench } from '../bench.ts';
import { pin, pinChildren } from './pin.ts';

/** The cores that the engines are bound to: the laptop's, and the node's, which a peer shares with it. */
export const LAPTOP_CORE = 0;
export const NODE_CORE = 1;

/**
 * A laptop and an edge node on this machine: the draft engine as the language server starts it, the node's own process,
 * and between them the real channel over an emulated network that is only distance.
 */
export class Rig {
  readonly family: Family;
  readonly draft: EngineHost;
  readonly channel: Channel;
  /** All connections to the node, the first of them {@link channel}: each is a laptop of its own to the node. */
  readonly channels: readonly Channel[];
  /** Between laptop and node, where they are some way apart. */
  readonly link: LinkProxy | undefined;
  /** Whether each engine has a core of its own. */
  readonly pinned: boolean;
  readonly #node: EdgeNode;

  private constructor(
    parts: Pick<Rig, 'family' | 'draft' | 'channels' | 'link' | 'pinned'> & { node: EdgeNode },
  ) {
    this.family = parts.family;
    this.draft = parts.draft;
    this.channel = parts.channels[0]!;
    this.channels = parts.channels;
    this.link = parts.link;
    this.pinned = parts.pinned;
    this.#node = parts.node;
  }

  /** Everything is ready when it resolves; the node keeps as many prompts as there are laptops, 4 at least. */
  static async start({ family, directory }: Bench, roundTripMs: number | 'none', laptops = 1): Promise<Rig> {
    const node = new EdgeNode();
    const sequences = Math.max(4, laptops);
    const draft = startEngine(draftSpec(family, { sequences: 2 * laptops, threads: 1 }));
    try {
      const flags = ['--family', directory, '--sequences', String(sequences)];
      await Promise.all([node.start(flags), draft.facts()]);
      const pinned = pin(draft.pid, LAPTOP_CORE) && (await pinChildren(node.pid, NODE_CORE));
      const link =
        roundTripMs === 'none'
          ? undefined
          : await LinkProxy.start({ to: node.url, profile: atRoundTrip(IDEAL, roundTripMs) });
      const channels = await Promise.all(
        Array.from({ length: laptops }, () =>
          connected({ url: link?.url ?? node.url, token: node.token, family }),
        ),
      );
      return new Rig({ family, draft, channels, link, pinned, node });
    } catch (error) {
      await Promise.all([node.dispose(), draft.dispose()]);
      throw error;
    }
  }

  reshape(roundTripMs: number): void {
    this.link?.reshape(atRoundTrip(IDEAL, roundTripMs));
  }

  async dispose(): Promise<void> {
    for (const channel of this.channels) channel.dispose();
    this.link?.close();
    await Promise.all([this.#node.dispose(), this.draft.dispose()]);
  }
}

/** Milliseconds of silence that are borne: many laptops on one core of a large target wait longer than a person would. */
const SILENCE = 120_000;

/** A channel that the node has welcomed. */
async function connected(to: { url: string; token: string; family: Family }): Promise<Channel> {
  const welcome = Promise.withResolvers<undefined>();
  const channel = new Channel({
    url: to.url,
    token: to.token,
    identity: identityOf(to.family),
    onState: ({ status, reason }) => {
      if (status === 'connected') welcome.resolve(undefined);
      else if (reason !== null) welcome.reject(new Error(reason));
    },
    random: Math.random,
    silence: SILENCE,
  });
  await welcome.promise;
  return channel;
}
