/** What each account has open at the moment: what bounds it, and what ends it when its token does. */
import type { Access } from '../state/tokens.ts';

/** A WebSocket, or an HTTP request that is not answered yet. */
export type Kind = 'connection' | 'request';

export interface Opened {
  readonly kind: Kind;
  readonly access: Access;
  /** Ends it because its token is not valid any more. */
  readonly expel: () => void;
  /** Ends it because the node shuts down. */
  readonly dismiss?: () => void;
}

/** Says that it is over; more than once is once. */
export type Close = () => void;

export class Presence {
  readonly #most: Readonly<Record<Kind, number>>;
  readonly #open = new Set<Opened>();
  readonly #waiting: { readonly kind: Kind; readonly resolve: () => void }[] = [];

  /** @param most that an account may have open at once, of each kind. */
  constructor(most: Readonly<Record<Kind, number>>) {
    this.#most = most;
  }

  /** @returns undefined where the account has as many open as it may. */
  enter(opened: Opened): Close | undefined {
    const { kind, access } = opened;
    if (
      this.#of(kind).filter((one) => one.access.account.name === access.account.name).length >=
      this.#most[kind]
    )
      return undefined;
    this.#open.add(opened);
    return () => {
      this.#open.delete(opened);
      this.#tell();
    };
  }

  count(kind: Kind): number {
    return this.#of(kind).length;
  }

  /** Ends all that was opened with a token that is not valid any more; each token is asked for once. */
  expel(stillValid: (access: Access) => boolean): void {
    const valid = new Map<number, boolean>();
    for (const { access, expel } of [...this.#open]) {
      const known = valid.get(access.token) ?? stillValid(access);
      valid.set(access.token, known);
      if (!known) expel();
    }
  }

  /** Ends all of a kind because the node shuts down. */
  dismiss(kind: Kind): void {
    for (const { dismiss, expel } of this.#of(kind)) {
      try {
        dismiss?.();
      } catch {
        // One that does not take its leave must not keep the others from theirs.
        expel();
      }
    }
  }

  /** Resolves when nothing of a kind is open. */
  over(kind: Kind): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ kind, resolve });
      this.#tell();
    });
  }

  #of(kind: Kind): Opened[] {
    return [...this.#open].filter((opened) => opened.kind === kind);
  }

  #tell(): void {
    for (const { kind, resolve } of this.#waiting) if (this.count(kind) === 0) resolve();
  }
}
