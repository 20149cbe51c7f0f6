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
  /** Between laptop and node. */
  readonly link: LinkProxy;
  /** Whether each engine has a core of its own. */
  readonly pinned: boolean;
  readonly #node: EdgeNode;

  private constructor(
    parts: Pick<Rig, 'family' | 'draft' | 'channel' | 'link' | 'pinned'> & { node: EdgeNode },
  ) {
    this.family = parts.family;
    this.draft = parts.draft;
    this.channel = parts.channel;
    this.link = parts.link;
    this.pinned = parts.pinned;
    this.#node = parts.node;
  }

  /** Everything is ready when it resolves. */
  static async start({ family, directory }: Bench, roundTripMs: number): Promise<Rig> {
    const node = new EdgeNode();
    const draft = startEngine(draftSpec(family, { sequences: 2, threads: 1 }));
    try {
      await Promise.all([node.start(['--family', directory]), draft.facts()]);
      const pinned = pin(draft.pid, LAPTOP_CORE) && (await pinChildren(node.pid, NODE_CORE));
      const link = await LinkProxy.start({ to: node.url, profile: atRoundTrip(IDEAL, roundTripMs) });
      const connected = Promise.withResolvers<undefined>();
      const channel = new Channel({
        url: link.url,
        token: node.token,
        identity: identityOf(family),
        onState: ({ status, reason }) => {
          if (status === 'connected') connected.resolve(undefined);
          else if (reason !== null) connected.reject(new Error(reason));
        },
        random: Math.random,
      });
      await connected.promise;
      return new Rig({ family, draft, channel, link, pinned, node });
    } catch (error) {
      await Promise.all([node.dispose(), draft.dispose()]);
      throw error;
    }
  }

  reshape(roundTripMs: number): void {
    this.link.reshape(atRoundTrip(IDEAL, roundTripMs));
  }

  async dispose(): Promise<void> {
    this.channel.dispose();
    this.link.close();
    await Promise.all([this.#node.dispose(), this.draft.dispose()]);
  }
}
