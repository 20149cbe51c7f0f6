/** Pure: how a family fits a machine. */
import { memoryText, ROOM_LEFT, sizeText } from '@foretype/models/catalogue';

export interface MachineFacts {
  /** Bytes of memory that a process may have. */
  readonly memory: number;
  /** Bytes of it that are free now; null where the system does not tell. */
  readonly free: number | null;
  readonly cores: number;
  /** Bytes that are free where families are kept. */
  readonly disk: number;
}

export interface DraftFacts {
  /** Bytes of its weights. */
  readonly bytes: number;
  /** Tokens of a prompt with its completion. */
  readonly context: number;
  /** Bytes of memory while it drafts; null where its file does not tell. */
  readonly needs: number | null;
  /** Bytes that are still to come. */
  readonly toCome: number;
}

/**
 * `good`: nobody will notice it. `slow`: drafts come late. `tight`: memory has to be freed first. `no`: it cannot be
 * installed, or would take most of the machine.
 */
export type Verdict = 'good' | 'slow' | 'tight' | 'no';

export interface Fit {
  readonly verdict: Verdict;
  /** One sentence, with figures. */
  readonly sentence: string;
}

/** Prompts that the draft engine keeps. */
export const DRAFT_SEQUENCES = 2;

/** The part of a machine's memory that a draft may take. */
const SHARE = 1 / 2;

/** Tokens of a line of code, usually. */
const LINE = 12;

/** Bytes of weights a second that go through one thread while it writes, and through all: memory is what it waits for. */
const WRITTEN = { thread: 8e9, most: 25e9 };

/** The same while it reads a prompt, many tokens at once: computing is what it waits for, and each thread has its own. */
const READ = 30e9;

/** Milliseconds from which on a draft of a line is late, and the first one of a file, whose prompt has to be read. */
const LATE = { line: 500, file: 15_000 };

/** What to expect of a family on a machine; times are estimates, good for choosing between families. */
export function fitOf(machine: MachineFacts, draft: DraftFacts): Fit {
  const { memory, free, disk } = machine;
  const { needs, toCome } = draft;
  const no = (sentence: string): Fit => ({ verdict: 'no', sentence });
  if (toCome > 0 && toCome + ROOM_LEFT > disk)
    return no(`${sizeText(toCome)} are to come, and ${sizeText(disk)} are free on the disk.`);
  if (needs !== null && needs > memory * SHARE)
    return no(`It needs about ${memoryText(needs)} of memory, too much of the ${memoryText(memory)} here.`);
  const { lineMs, fileMs } = timesOf(machine.cores, draft);
  const line = lineMs < 100 ? 'less than 0.1 s' : `about ${seconds(lineMs)}`;
  const first = seconds(fileMs);
  if (lineMs > LATE.line || fileMs > LATE.file)
    return {
      verdict: 'slow',
      sentence: `With ${machine.cores} cores a line takes ${line}, the first of a file up to ${first}.`,
    };
  if (needs !== null && free !== null && needs > free)
    return {
      verdict: 'tight',
      sentence: `It needs about ${memoryText(needs)} of memory, and ${memoryText(free)} are free now.`,
    };
  const taken = needs === null ? 'A' : `About ${memoryText(needs)} of memory, a`;
  return { verdict: 'good', sentence: `${taken} line in ${line}, the first of a file in up to ${first}.` };
}

/** Milliseconds for a line, and for the first one in a file, whose prompt is half of the context. */
function timesOf(cores: number, { bytes, context }: DraftFacts): { lineMs: number; fileMs: number } {
  // The other half is the editor's.
  const threads = Math.max(1, Math.floor(cores / 2));
  const writtenPerMs = Math.min(threads * WRITTEN.thread, WRITTEN.most) / 1000;
  const lineMs = (LINE * bytes) / writtenPerMs;
  return { lineMs, fileMs: lineMs + (bytes * context) / 2 / ((threads * READ) / 1000) };
}

function seconds(ms: number): string {
  return ms < 9_950 ? `${(Math.max(ms, 100) / 1000).toFixed(1)} s` : `${Math.round(ms / 1000)} s`;
}
