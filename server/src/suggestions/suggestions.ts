import { unless } from '@foretype/models';
import type { Cursor } from '../anchor.ts';
import type { Candidate } from '../completion.ts';
import type { CompletionReport, DocumentPlace, Explanation } from '../protocol.ts';
import { CompletionCache } from './cache.ts';
import { Generation } from './generation.ts';
import { onNextLine } from './next-line.ts';
import { pauseFor, type Typing } from './pause.ts';
import { AFTER, formerlyBehind } from './typed-through.ts';

export interface SuggestionsParts {
  /** Makes the texts of a place: a draft, then the target's own. */
  readonly make: (cursor: Cursor, explicit: boolean, signal: AbortSignal) => AsyncIterable<Candidate>;
  /** What may be shown of a text at a place, and by what it was cut. */
  readonly cut: (text: string, request: SuggestionRequest) => Cut;
  /** Names all that makes texts good for each other: the family, the adapter in its version, the temperature. */
  readonly scope: (uri: string) => string;
  /** Whether anybody could verify a draft now. */
  readonly verifies: () => boolean;
  readonly typing: () => Pick<Typing, 'draftMs' | 'power'>;
  /** Told that the target says something else than what was answered for a place, and that the place is still current. */
  readonly onVerified: (place: DocumentPlace) => void;
  /** Milliseconds on a clock that only moves forward. */
  readonly now: () => number;
  /** Calls back after so many milliseconds, unless what it returns is called before. */
  readonly after: (ms: number, run: () => void) => () => void;
}

/** What is to be shown, see `filtered`. */
interface Cut {
  readonly text: string;
  readonly replaces: number;
  readonly by: readonly string[];
}

export interface SuggestionRequest extends DocumentPlace {
  readonly cursor: Cursor;
  /** Identifier of the document's language. */
  readonly language: string;
  /** Asked for by a key: whoever does so waits for the target. */
  readonly explicit: boolean;
}

export interface Suggestion {
  /** What comes after the cursor, line ends as `\n`. */
  readonly text: string;
  /** UTF-16 code units after the cursor that are in the text, too. */
  readonly replaces: number;
  readonly given: Exclude<Explanation['given'], 'silent'>;
}

/** Milliseconds beyond the draft for which its answer waits for the target: less than is noticed, and no swap follows. */
const TOGETHER_MS = 40;
/** Milliseconds for which a completion that nobody asks for any more goes on: whoever typed may come back to it. */
const LEFT_MS = 500;
/** Milliseconds for which a text stands untouched until the line after it is made, too: it is being read. */
const READ_MS = 500;
/** UTF-16 code units before a text by which it is told that the user goes on from there. */
const LOOKED_BACK = 256;

/** What was answered last for a document. */
interface Answered {
  readonly request: SuggestionRequest;
  readonly text: string;
  readonly replaces: number;
  readonly verified: boolean;
  readonly at: number;
}

/**
 * Answers an editor: at once where the text is known, from a completion under way where that still says what is typed,
 * and from a new one after a pause otherwise. What is answered first is the draft; where the target disagrees and nobody
 * has typed past it, {@link SuggestionsParts.onVerified} has the editor ask again. Nothing is answered with nothing while
 * a text that was shown still fits: editors take that for the end of it.
 */
export class Suggestions {
  readonly #parts: SuggestionsParts;
  readonly #cache = new CompletionCache<CompletionReport>();
  /** By document: one completion at a time, the latest wins. */
  readonly #running = new Map<string, Generation>();
  readonly #answered = new Map<string, Answered>();
  readonly #explained = new Map<string, Explanation>();
  #rejected = 0;
  /** Completions of which only the target's text is wanted: a draft is shown already. */
  readonly #judging = new WeakSet<Generation>();
  /** What is made before it is asked for. */
  #ahead: Generation | undefined;
  /** Ends the waiting for that while a text is being read, and the one before a draft that was known is verified. */
  #stopReading: () => void = () => undefined;
  #stopPausing: () => void = () => undefined;

  constructor(parts: SuggestionsParts) {
    this.#parts = parts;
  }

  /** @throws the reason of `signal` when that is aborted. */
  async suggest(request: SuggestionRequest, signal: AbortSignal): Promise<Suggestion | undefined> {
    const { cursor, uri, explicit } = request;
    signal.throwIfAborted();
    const began = this.#parts.now();
    const steps: string[] = [];
    const scope = this.#parts.scope(uri);
    this.#stopReading();
    this.#stopPausing();
    this.#judge(request);
    if (this.#running.get(uri)?.typedAt(cursor, scope) === undefined) this.#stop(uri);
    const known = this.#cache.find(cursor, scope);
    let found = known && (known.verified || !explicit) ? this.#shown(known, request, steps) : undefined;
    let given: Suggestion['given'] = 'cache';
    let report = known?.about ?? null;
    if (found === undefined) {
      const candidate = await this.#made(request, scope, steps, signal);
      signal.throwIfAborted();
      report = candidate?.report ?? null;
      given = candidate?.report.path === 'speculated' ? 'verified' : 'draft';
      found = candidate && this.#shown(candidate, request, steps);
    } else {
      steps.push(`Known before${known!.typed ? `, ${known!.typed.length} characters of it typed` : ''}.`);
      if (!known!.verified) this.#verify(request, scope);
    }
    const verified = report?.path === 'speculated';
    this.#answered.set(uri, {
      request,
      text: found?.text ?? '',
      replaces: found?.replaces ?? 0,
      verified,
      at: this.#parts.now(),
    });
    const { position } = request;
    const ms = this.#parts.now() - began;
    this.#explained.delete(uri);
    this.#explained.set(uri, { uri, position, given: found ? given : 'silent', ms, steps, report });
    if (!found) return undefined;
    const { text, replaces } = found;
    if (!explicit) this.#stopReading = this.#parts.after(READ_MS, () => this.#prefetch(cursor, found, scope));
    return { text, replaces, given };
  }

  /** Why nothing was even tried, for whoever wonders. */
  refused({ uri, position }: DocumentPlace, why: string): void {
    this.#explained.delete(uri);
    this.#explained.set(uri, { uri, position, given: 'silent', ms: 0, steps: [why], report: null });
  }

  /** Of a document, or of the last request of all; null before the first. */
  explain(uri?: string): Explanation | null {
    return (uri === undefined ? [...this.#explained.values()].at(-1) : this.#explained.get(uri)) ?? null;
  }

  /** What was shown in a document was accepted. */
  accepted(uri: string): void {
    this.#rejected = 0;
    const answered = this.#answered.get(uri);
    this.#stopReading();
    if (answered?.text) this.#prefetch(answered.request.cursor, answered, this.#parts.scope(uri));
  }

  /** What was shown in a document was sent away. */
  dismissed(uri: string): void {
    this.#stopReading();
    if (this.#answered.delete(uri)) this.#rejected++;
  }

  closed(uri: string): void {
    this.#stopReading();
    this.#stopPausing();
    if (this.#ahead?.cursor.uri === uri) this.#ahead.abort();
    this.#running.get(uri)?.abort();
    for (const map of [this.#running, this.#answered, this.#explained]) map.delete(uri);
  }

  #stop(uri: string): void {
    this.#running.get(uri)?.abort();
    this.#running.delete(uri);
  }

  /** A text that was shown and is not what was typed was not wanted. */
  #judge({ cursor, uri }: SuggestionRequest): void {
    const last = this.#answered.get(uri);
    if (!last?.text) return;
    const { cursor: from, uri: of } = last.request;
    const typed = cursor.text.slice(from.offset, cursor.offset);
    const before = from.text.slice(Math.max(0, from.offset - LOOKED_BACK), from.offset);
    const goesOn =
      cursor.offset > from.offset &&
      cursor.text.startsWith(before, from.offset - before.length) &&
      formerlyBehind(typed, cursor.text, cursor.offset).includes(
        from.text.slice(from.offset, from.offset + AFTER),
      );
    // Who goes somewhere else says nothing of the text.
    if (!goesOn) return;
    if (typed.startsWith(last.text)) this.#rejected = 0;
    if (typed.startsWith(last.text) || last.text.startsWith(typed)) return;
    this.#answered.delete(of);
    // Nobody rejects what there was no time to read.
    if (this.#parts.now() - last.at >= READ_MS) this.#rejected++;
  }

  /** What of a text may be shown; undefined where nothing is left of it. */
  #shown({ text }: { readonly text: string }, request: SuggestionRequest, steps: string[]): Cut | undefined {
    if (text === '') return undefined;
    const cut = this.#parts.cut(text, request);
    for (const name of cut.by) steps.push(cut.text === '' ? `Not shown: ${name}.` : `Cut: ${name}.`);
    return cut.text === '' ? undefined : cut;
  }

  /** The best text for the place that comes in time. */
  async #made(
    request: SuggestionRequest,
    scope: string,
    steps: string[],
    signal: AbortSignal,
  ): Promise<Candidate | undefined> {
    const { cursor, uri, explicit } = request;
    const ahead = this.#ahead;
    if (ahead && ahead.typedAt(cursor, scope) !== undefined) {
      this.#running.get(uri)?.abort();
      this.#running.set(uri, ahead);
      this.#ahead = undefined;
    }
    const joined = await this.#join(request, scope, signal);
    // A draft is no answer to who asks for the better text.
    if (joined && !(explicit && joined.report.path === 'draft')) {
      steps.push('A completion that was under way says what was typed since.');
      return joined;
    }
    this.#stop(uri);
    if (!explicit) {
      const pause = this.#pause(cursor);
      if (pause > 0) {
        steps.push(`Waited ${Math.round(pause)} ms for the next key.`);
        await this.#sleep(pause, signal);
      }
    }
    const generation = this.#generate(cursor, scope, explicit);
    this.#running.set(uri, generation);
    return this.#wanted(generation, '', explicit, signal);
  }

  #pause({ text, offset }: Cursor): number {
    const line = text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset);
    const newLine = line.trim() === '' && offset > 0;
    return pauseFor({ ...this.#parts.typing(), rejected: this.#rejected, newLine });
  }

  /** Has a draft that was known, and that nothing under way will judge, judged at the place where it is now. */
  #verify({ cursor, uri }: SuggestionRequest, scope: string): void {
    if (!this.#parts.verifies()) return;
    const running = this.#running.get(uri);
    if (running && !running.done && running.latest?.report.path !== 'speculated') return;
    this.#stopPausing = this.#parts.after(this.#pause(cursor), () => {
      this.#stop(uri);
      const judging = this.#generate(cursor, scope, false);
      this.#judging.add(judging);
      this.#running.set(uri, judging);
    });
  }

  #generate(cursor: Cursor, scope: string, explicit: boolean): Generation {
    return new Generation(
      { cursor, scope },
      (stop) => this.#parts.make(cursor, explicit, stop),
      (one, candidate) => this.#found(one, candidate),
    );
  }

  /**
   * Makes the line after a text that was or will be accepted, so that it is there when that is begun; where something
   * stands behind it, that is where the user goes first, and power is not to be spent on guesses.
   */
  #prefetch({ uri, text, offset }: Cursor, accepted: Pick<Cut, 'text' | 'replaces'>, scope: string): void {
    const after = text.slice(offset + accepted.replaces);
    if (this.#parts.typing().power !== 'mains' || !/^[ \t]*(\n|$)/u.test(after)) return;
    const before = text.slice(0, offset) + accepted.text;
    const cursor = onNextLine({ uri, text: before + after, offset: before.length });
    if (this.#ahead?.typedAt(cursor, scope) !== undefined || this.#cache.find(cursor, scope)) return;
    this.#ahead?.abort();
    this.#ahead = this.#generate(cursor, scope, false);
  }

  /** The rest of a completion under way, where the place is on its way. */
  async #join(
    { cursor, uri, explicit }: SuggestionRequest,
    scope: string,
    signal: AbortSignal,
  ): Promise<Candidate | undefined> {
    const running = this.#running.get(uri);
    const typed = running?.typedAt(cursor, scope);
    if (!running || typed === undefined) return undefined;
    return this.#wanted(running, typed, explicit, signal);
  }

  /** What a completion says after what was typed of it; undefined where it says something else, or nothing. */
  async #wanted(
    generation: Generation,
    typed: string,
    explicit: boolean,
    signal: AbortSignal,
  ): Promise<Candidate | undefined> {
    try {
      let candidate = explicit ? await generation.last(signal) : await generation.first(signal);
      if (!explicit && candidate?.report.path === 'draft' && !generation.done) {
        const left = new AbortController();
        const soon = AbortSignal.any([signal, left.signal]);
        await Promise.race([generation.last(soon), this.#sleep(TOGETHER_MS, soon)]).finally(() =>
          left.abort(),
        );
        candidate = generation.latest;
      }
      // What was typed to its end says nothing of what comes next.
      if (!candidate?.text.startsWith(typed) || candidate.text.length === typed.length) return undefined;
      return { ...candidate, text: candidate.text.slice(typed.length) };
    } finally {
      if (signal.aborted) this.#leave(generation);
    }
  }

  /** Whoever asked has typed on; unless the next request wants it, it ends. */
  #leave(generation: Generation): void {
    const { uri } = generation.cursor;
    this.#parts.after(LEFT_MS, () => {
      const answered = this.#answered.get(uri);
      const wanted = answered && generation.typedAt(answered.request.cursor, generation.scope) !== undefined;
      if (generation.done || generation.waiting > 0 || wanted) return;
      generation.abort();
      if (this.#running.get(uri) === generation) this.#running.delete(uri);
    });
  }

  /** @throws the reason of `signal` when that is aborted. */
  async #sleep(ms: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const cancel = this.#parts.after(ms, () => resolve(undefined));
    await unless(signal, promise).finally(cancel);
  }

  #found(generation: Generation, { text, report }: Candidate): void {
    const { cursor, scope } = generation;
    const verified = report.path === 'speculated';
    if (!verified && this.#judging.has(generation)) return;
    this.#cache.keep(cursor, scope, { text, verified, about: report });
    if (!verified) return;
    const answered = this.#answered.get(cursor.uri);
    if (!answered || answered.verified) return;
    const { request } = answered;
    const typed = generation.typedAt(request.cursor, scope);
    if (typed === undefined || !text.startsWith(typed)) return;
    // What the editor gets when it asks again is what is compared.
    const rest = this.#shown({ text: text.slice(typed.length) }, request, []);
    if (!rest || rest.text === answered.text) return;
    const { uri, version, position } = request;
    this.#parts.onVerified({ uri, version, position });
  }
}
