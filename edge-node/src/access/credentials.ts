import type { Tokens } from '../state/tokens.ts';

/** Why a token is not valid. Only who holds a token can ask, so that the answer tells strangers nothing. */
export type Invalid = 'unknown' | 'expired' | 'revoked';

/** What the HTTP application needs to know of tokens. */
export interface Credentials extends Pick<
  Tokens,
  'verify' | 'stillValid' | 'roleOf' | 'create' | 'list' | 'revoke'
> {
  /** Of a token that `verify` does not take. */
  whyNot(token: string): Invalid;
}

/** The token in an `Authorization` header (RFC 6750, 2.1); undefined where there is none, or another scheme. */
export function bearerIn(header: string | undefined): string | undefined {
  const [scheme, token] = header?.split(' ') ?? [];
  return scheme?.toLowerCase() === 'bearer' && token ? token : undefined;
}

/** One sentence for whoever has no valid token. */
export function sentenceFor(invalid: Invalid | 'none'): string {
  return SENTENCES[invalid];
}

/** One sentence for whoever had one when the connection was opened. */
export const NO_LONGER_VALID =
  'The token is not valid any more; ask an admin of the edge node for a new one.';

const SENTENCES = {
  none: 'The edge node wants a bearer token.',
  unknown: 'The edge node does not know this token.',
  expired: 'The token has expired; ask an admin of the edge node for a new one.',
  revoked: 'The token was revoked; ask an admin of the edge node for a new one.',
} as const satisfies Record<Invalid | 'none', string>;
