import type { Token, VerdictPart } from '@foretype/models';
import type { VerifyRequest } from '../../server/src/verifier.ts';

/** A round about the backbone that asks for a verdict and no more, but for what `fields` change. */
export function roundOf(fields: Partial<VerifyRequest> & Pick<VerifyRequest, 'context'>): VerifyRequest {
  return { adapter: '', drafted: [], more: 0, leading: [], begun: 0, ...fields };
}

/** All parts of a verdict as one. */
export async function wholeVerdict<Part extends VerdictPart>(parts: AsyncIterable<Part>) {
  const all = await Array.fromAsync(parts);
  return {
    accepted: all[0]?.accepted ?? 0,
    tokens: all.flatMap(({ tokens }): Token[] => [...tokens]),
    parts: all,
  };
}

/** One part, as a verdict that was not streamed. */
export async function* inOnePart(
  verdict: VerdictPart | Promise<VerdictPart>,
): AsyncGenerator<VerdictPart, void> {
  yield await verdict;
}
