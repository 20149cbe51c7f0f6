/** What the parts of the bench are given, and what they give. */
import type { Family } from '@foretype/models';
import { cpus } from 'node:os';
import type { Report } from './document.ts';

export interface Bench {
  readonly family: Family;
  /** Where the family lies. */
  readonly directory: string;
  /** Per cent of every sample that is measured; 100 gives the published figures. */
  readonly percent: number;
  readonly progress: (what: string, done: number, all: number) => void;
}

export interface Outcome extends Report {
  /** All counts and times, for --json. */
  readonly results: unknown;
}

export interface Part {
  readonly name: string;
  /** @returns one sentence in place of an outcome where something is missing that a person has to provide. */
  readonly run: (bench: Bench) => Promise<Outcome | string>;
}

/** How many of `full` things a sample of that many per cent has: one at least. */
export function sampled({ percent }: Bench, full: number): number {
  return Math.max(1, Math.round((full * percent) / 100));
}

/** What was measured on, for figures that depend on it. */
export function machine(): string {
  const all = cpus();
  return `${all[0]?.model.trim() ?? 'an unknown CPU'}, ${all.length} cores`;
}
