/** Pure: which model a client means. */
import type { Target } from '../target.ts';

/** What the facade needs of a target. */
export type WritingTarget = Pick<Target, 'family' | 'engine' | 'scheduler' | 'roster' | 'prepare' | 'end'>;

export interface Model {
  readonly target: WritingTarget;
  /** Id of the adapter; absent for the backbone itself. */
  readonly adapter?: string;
  /** What answers, as an answer names it. */
  readonly name: string;
}

/**
 * The model of that name: a family's id stands for its backbone, an adapter's name for its current version and an
 * adapter's id for that version. No name, or an empty one, is the first family's backbone: llama.vim sends an empty one
 * where none is configured, and so does llama.vscode to `/v1/completions`.
 */
export function modelNamed(
  targets: readonly WritingTarget[],
  name: string | null | undefined,
): Model | undefined {
  const [first] = targets;
  if (!name) return first && { target: first, name: first.family.id };
  for (const target of targets) {
    if (target.family.id === name) return { target, name };
  }
  for (const target of targets) {
    const adapter = target.roster().resolve(name)?.id;
    if (adapter !== undefined) return { target, adapter, name: adapter };
  }
  return undefined;
}
