import type { Engine, WriteRequest, Written } from '@foretype/models';
import { setTimeout as sleep } from 'node:timers/promises';
import { writingBy } from './engine.ts';

/**
 * A draft engine that says again, at the pace it had then, what it has written to its end before: so one core can play
 * many laptops, each of which has a core of its own. What was never asked before is written now.
 *
 * @param now a clock in milliseconds; one that stands still makes it answer at once.
 */
export function recalling(engine: Engine, now: () => number): Engine {
  const known = new Map<string, readonly { readonly written: Written; readonly ms: number }[]>();

  async function* write(request: WriteRequest, signal?: AbortSignal): AsyncGenerator<Written, void> {
    const { context, begun, limit, until, leading } = request;
    const key = JSON.stringify([context, begun, limit, until, leading]);
    const began = now();
    const again = known.get(key);
    if (again) {
      for (const { written, ms } of again) {
        const rest = ms - (now() - began);
        if (rest > 0) await sleep(rest, undefined, { signal });
        yield written;
      }
      return;
    }
    const made = [];
    for await (const written of engine.write(request, signal)) {
      made.push({ written, ms: now() - began });
      yield written;
    }
    known.set(key, made);
  }

  return writingBy(write, engine);
}
