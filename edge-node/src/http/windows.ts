import type { FastifyRateLimitStoreCtor } from '@fastify/rate-limit';

/** One window of an account. */
interface Window {
  readonly began: number;
  count: number;
}

/**
 * Counts requests within windows of time. The library's own go by the time of day: where that is set back by an hour,
 * whoever had used up a window would have to wait for an hour.
 * @param now is a clock in milliseconds that never goes back.
 */
export function windowsBy(now: () => number): FastifyRateLimitStoreCtor {
  return class {
    readonly #windows = new Map<string, Window>();

    incr(
      account: string,
      answer: (error: null, result: { current: number; ttl: number }) => void,
      windowMs: number,
    ): void {
      const at = now();
      const known = this.#windows.get(account);
      const window = known && at < known.began + windowMs ? known : { began: at, count: 0 };
      window.count++;
      this.#windows.set(account, window);
      answer(null, { current: window.count, ttl: window.began + windowMs - at });
    }

    /** All routes count together. */
    child() {
      return this;
    }
  };
}
