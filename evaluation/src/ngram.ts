/** Pure: a language model that only counts, to tell how much of a figure is in plain repetition. */
import type { Token } from '@foretype/models';

interface Node {
  readonly id: number;
  /** How often something followed. */
  total: number;
  /** How many different tokens followed. */
  kinds: number;
  /** The most frequent follower, the first one seen among equals. */
  best: Token;
  most: number;
}

/**
 * An interpolated n-gram model, smoothed after Witten and Bell: the more different tokens follow a context, the more
 * weight goes to the next shorter one; under the shortest lies the uniform distribution.
 *
 *     p(w | h) = (count(h w) + kinds(h) · p(w | shorter h)) / (count(h) + kinds(h))
 */
export class NgramModel {
  readonly #order: number;
  readonly #vocabulary: number;
  /** Contexts of up to `order - 1` tokens, by the key of the shorter context and the token before it. */
  readonly #nodes = new Map<number, Node>();
  readonly #root: Node = { id: 0, total: 0, kinds: 0, best: 0, most: 0 };
  /** How often a token followed a context, by the context's id and the token. */
  readonly #counts = new Map<number, number>();

  constructor(order: number, vocabulary: number) {
    this.#order = order;
    this.#vocabulary = vocabulary;
  }

  /** Counts the tokens of one text; nothing is counted across texts. */
  learn(tokens: readonly Token[]): void {
    tokens.forEach((token, at) => {
      let node = this.#root;
      this.#count(node, token);
      for (let back = 1; back < this.#order && back <= at; back++) {
        const key = this.#key(node, tokens[at - back]!);
        let longer = this.#nodes.get(key);
        if (!longer) {
          longer = { id: this.#nodes.size + 1, total: 0, kinds: 0, best: 0, most: 0 };
          this.#nodes.set(key, longer);
        }
        node = longer;
        this.#count(node, token);
      }
    });
  }

  /** The probability of `token` after `context`; over all tokens they add up to 1. */
  probability(context: readonly Token[], token: Token): number {
    return this.#probability(this.#contexts(context), token);
  }

  /** The most probable of the tokens that most often followed some part of the context: nearly always the best of all. */
  predict(context: readonly Token[]): Token {
    const contexts = this.#contexts(context);
    let [best, highest] = [0, -1];
    for (const { best: token } of contexts) {
      const probability = this.#probability(contexts, token);
      if (probability > highest) [best, highest] = [token, probability];
    }
    return best;
  }

  /** The known contexts, from the empty one to the longest. */
  #contexts(context: readonly Token[]): Node[] {
    const found = [this.#root];
    for (let back = 1; back < this.#order && back <= context.length; back++) {
      const longer = this.#nodes.get(this.#key(found.at(-1)!, context.at(-back)!));
      if (!longer) break;
      found.push(longer);
    }
    return found;
  }

  #probability(contexts: readonly Node[], token: Token): number {
    let probability = 1 / this.#vocabulary;
    for (const node of contexts) {
      if (node.total === 0) continue;
      const count = this.#counts.get(this.#key(node, token)) ?? 0;
      probability = (count + node.kinds * probability) / (node.total + node.kinds);
    }
    return probability;
  }

  #count(node: Node, token: Token): void {
    const key = this.#key(node, token);
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    node.total++;
    if (count === 1) node.kinds++;
    if (count > node.most) [node.best, node.most] = [token, count];
  }

  #key(node: Node, token: Token): number {
    return node.id * this.#vocabulary + token;
  }
}
