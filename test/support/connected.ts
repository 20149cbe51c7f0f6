import { identityOf } from '@foretype/edge-node/protocol';
import type { Family } from '@foretype/models';
import { Channel } from '../../server/src/channel.ts';

/** A channel of one who uses `family`, once it has met the node. */
export async function connectedTo(
  { url, token }: { readonly url: string; readonly token: string },
  family: Family,
): Promise<Channel> {
  const connected = Promise.withResolvers<undefined>();
  const channel = new Channel({
    url,
    token,
    identity: identityOf(family),
    onState: ({ status }) => status === 'connected' && connected.resolve(undefined),
    random: Math.random,
  });
  await connected.promise;
  return channel;
}
