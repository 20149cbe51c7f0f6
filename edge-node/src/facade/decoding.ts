/** Pure: from tokens that come one by one to text. */
import type { Engine, Token } from '@foretype/models';

/** Tokens that are decoded together: so many that their number does not tell, so few that each costs little. */
const WINDOW = 32;

/**
 * The text that each token adds to those before it. A token may end within a character: its bytes come out with the token
 * that ends the character, and of a text that ends before that not at all. Some tokenizers write a token by what comes
 * before it, so that it is never decoded alone.
 */
export function decoding(
  detokenize: (tokens: readonly Token[]) => ReturnType<Engine['detokenize']>,
): (token: Token) => Promise<string> {
  let window: Token[] = [];
  let known = '';
  return async (token) => {
    window.push(token);
    const text = await detokenize(window);
    if (text.endsWith('\uFFFD')) return '';
    const fresh = text.slice(known.length);
    known = text;
    if (window.length >= WINDOW) {
      window = window.slice(-1);
      known = await detokenize(window);
    }
    return fresh;
  };
}
