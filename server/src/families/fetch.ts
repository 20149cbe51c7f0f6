import { CatalogueError } from '@foretype/models/catalogue';
import { NetworkError, type Network } from '../network.ts';

/** Fetches through a network, whose own sentences say best what is wrong with it. */
export function fetchThrough(network: Pick<Network, 'fetch'>): typeof fetch {
  return async (...request) => {
    try {
      return await network.fetch(...request);
    } catch (error) {
      const { cause } = error as Error;
      throw cause instanceof NetworkError
        ? new CatalogueError('network', cause.message, { cause: error })
        : error;
    }
  };
}
