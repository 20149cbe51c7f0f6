/** Pure: what is wrong with a body, in one sentence. */
import type { TLocalizedValidationError } from 'typebox/error';

/**
 * @param errors as TypeBox finds them. Where a field may be of several kinds there is one for each: the deepest is about
 *   the kind that was meant, and of equals the first is as good as any.
 */
export function objectionIn(errors: readonly TLocalizedValidationError[]): string {
  const [meant] = errors.toSorted((one, other) => depth(other) - depth(one));
  if (!meant) return 'The request is wrong.';
  const field = meant.instancePath.slice(1).replaceAll('/', '.') || 'the body';
  const demand =
    meant.keyword === 'const' ? `must be ${JSON.stringify(meant.params.allowedValue)}` : meant.message;
  return `The request is wrong: ${field} ${demand}.`;
}

function depth({ instancePath }: TLocalizedValidationError): number {
  return instancePath.split('/').length;
}
