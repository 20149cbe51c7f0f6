import { complete, type CompletionParts, type CompletionRequest } from '../../../server/src/completion.ts';
import type { CompletionTrace } from '../../../server/src/trace.ts';

/** What became of one completion; times in milliseconds since it was asked for. */
export interface Asked {
  /** When there was something to show. */
  readonly firstMs: number;
  /** When the target's own text was there, and the text; undefined where it was not asked for to the end. */
  readonly verified: { readonly ms: number; readonly text: string } | undefined;
  readonly trace: CompletionTrace;
  /** Milliseconds that this process's own thread computed meanwhile. */
  readonly ownMs: number;
}

const never = new AbortController().signal;

/** Asks for one completion and waits for all of it. */
export async function ask(parts: CompletionParts, request: CompletionRequest): Promise<Asked> {
  const began = parts.now();
  const computed = process.threadCpuUsage();
  let firstMs = NaN;
  let verified: Asked['verified'];
  let trace: CompletionTrace | undefined;
  const watched = { ...parts, onTrace: (found: CompletionTrace) => (trace = found) };
  for await (const { text, report } of complete(watched, request, never)) {
    const ms = parts.now() - began;
    if (Number.isNaN(firstMs)) firstMs = ms;
    if (report.path === 'speculated') verified = { ms, text };
  }
  const { user, system } = process.threadCpuUsage(computed);
  return { firstMs, verified, trace: trace!, ownMs: (user + system) / 1000 };
}
