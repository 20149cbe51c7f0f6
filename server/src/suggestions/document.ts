import { unless } from '@foretype/models';
import type { Cursor } from '../anchor.ts';
import type { Candidate } from '../completion.ts';
import type { CompletionReport, Explanation } from '../protocol.ts';
import type { CompletionCache, Scope } from './cache.ts';
import { Generation } from './generation.ts';
import { onNextLine } from './next-line.ts';
import type { Mood } from './mood.ts';
import type { Cut, Offered, Suggestion, SuggestionRequest, SuggestionsParts, Work } from './parts.ts';
import { pauseFor } from './pause.ts';
import { fateOf, type Fate } from './shown.ts';

/** Milliseconds beyond the draft for which its answer waits for the target: less than is noticed, and no swap follows. */
const TOGETHER_MS = 40;
/** Milliseconds for which a completion that nobody asks for any more goes on: whoever typed may come back to it. */
const LEFT_MS = 500;
/** Milliseconds for which a text stands untouched until the line after it is made, too: it is being read. */
const READ_MS = 500;

/** UTF-16 code units that are typed of a text by whoever follows it. */
const FOLLOWED = 3;
/** How often a draft that stands is judged. */
const TRIES = 2;

/** What was answered last; nothing was shown of it where the text is empty. */
interface Shown {
  readonly request: SuggestionRequest;
  readonly text: string;
  readonly replaces: number;
  readonly verified: boolean;
  readonly report: CompletionReport | null;
  /** When its text came on the screen. */
  readonly at: number;
  /** UTF-16 code units of it that were typed since. */
  readonly followed: number;
  /** How often somebody was asked to judge it, as a draft. */
  tried: number;
}

/** A text that was chosen for an answer, as it is to be shown. */
interface Chosen {
  readonly cut: Cut;
  readonly given: Suggestion['given'];
  readonly verified: boolean;
  readonly report: CompletionReport | null;
}

/**
 * Answers for one document: at once where the text is known, from a completion under way where that still says what is
 * typed, and from a new one after a pause otherwise. What is answered first is the draft; where the target disagrees and
 * nobody has typed past it, {@link SuggestionsParts.onVerified} has the editor ask again. Nothing is answered with
 * nothing while a text that was shown still fits: editors take that for the end of it.
 */
export class DocumentSuggestions {
  readonly #parts: SuggestionsParts;
  readonly #cache: CompletionCache<CompletionReport>;
  readonly #mood: Mood;
  readonly #uri: string;
  #order = 0;
  #shown: Shown | undefined;
  /** The completion under way; the latest wins. */
  #running: Generation | undefined;
  /** What is made before it is asked for. */
  #ahead: Generation | undefined;
  /** Completions of which only the target's text is wanted: a draft is shown already. */
  readonly #judging = new WeakSet<Generation>();
  /** Ends the waiting for that while a text is being read, and the one before a draft that was known is verified. */
  #stopReading: () => void = () => undefined;
  #stopPausing: () => void = () => undefined;

  constructor(parts: SuggestionsParts, cache: CompletionCache<CompletionReport>, mood: Mood, uri: string) {
    this.#parts = parts;
    this.#cache = cache;
    this.#mood = mood;
    this.#uri = uri;
  }

  /**
   * @returns undefined where a later request came meanwhile, whose answer counts.
   * @throws the reason of `signal` when that is aborted.
   */
  async suggest(
    request: SuggestionRequest,
    signal: AbortSignal,
  ): Promise<{ suggestion: Suggestion | undefined; explanation: Explanation } | undefined> {
    const { cursor, explicit, refused } = request;
    signal.throwIfAborted();
    const began = this.#parts.now();
    const order = ++this.#order;
    const steps: string[] = [];
    const scope = this.#parts.scope(this.#uri);
    this.#stopReading();
    this.#stopPausing();
    const fate = this.#judge(cursor, scope);
    if (this.#running?.typedAt(cursor, scope) === undefined) this.#stop();
    let chosen: Chosen | undefined;
    if (!refused || (refused.stays && fate.kind === 'stands')) {
      chosen = this.#known(request, scope, fate, steps);
    }
    if (!chosen && refused) {
      steps.push(refused.message);
      this.#stop();
    } else if (!chosen) {
      chosen = await this.#made(request, scope, order, steps, signal);
      signal.throwIfAborted();
      if (order !== this.#order) return undefined;
    }
    this.#show(request, chosen, fate);
    if (chosen?.given === 'cache' && !chosen.verified && !refused) this.#verify(request, scope);
    const ms = this.#parts.now() - began;
    const { uri, position } = request;
    const given = chosen?.given ?? 'silent';
    const explanation: Explanation = { uri, position, given, ms, steps, report: chosen?.report ?? null };
    if (!chosen) return { suggestion: undefined, explanation };
    const { cut } = chosen;
    if (!explicit) this.#stopReading = this.#parts.after(READ_MS, () => this.#prefetch(request, cut, scope));
    const others = explicit ? this.#others(request, scope, cut.text) : [];
    return {
      suggestion: { text: cut.text, replaces: cut.replaces, given: chosen.given, others },
      explanation,
    };
  }

  /** What else is known of the place: the draft that the target did not agree with. */
  #others(request: SuggestionRequest, scope: Scope, text: string): Offered[] {
    const { draft } = this.#cache.find(request.cursor, scope);
    const cut = draft && this.#cut(draft.text, request, []);
    return cut && cut.text !== text ? [{ text: cut.text, replaces: cut.replaces }] : [];
  }

  accepted(index: number): void {
    this.#mood.pleased();
    this.#stopReading();
    const shown = this.#shown;
    if (!shown?.text) return;
    const scope = this.#parts.scope(this.#uri);
    const other = index > 0 && this.#others(shown.request, scope, shown.text)[index - 1];
    // What stands in the document now is the other one, with which nobody overwrote the first.
    if (other) this.#shown = { ...shown, ...other, verified: false };
    this.#prefetch(shown.request, other || shown, scope);
  }

  dismissed(): void {
    this.#stopReading();
    // Another extension's text may have been meant.
    if (this.#shown?.text) this.#mood.dismissed();
    this.#shown = undefined;
  }

  close(): void {
    this.#order++;
    this.#stopReading();
    this.#stopPausing();
    this.#ahead?.abort();
    this.#stop();
    this.#shown = undefined;
  }

  #stop(): void {
    this.#running?.abort();
    this.#running = undefined;
  }

  /** What became of the text that was shown last, taken note of. */
  #judge(cursor: Cursor, scope: Scope): Fate {
    const shown = this.#shown;
    const fate: Fate = shown ? fateOf(shown.text, shown.request.cursor, cursor) : { kind: 'left' };
    const followed = fate.kind === 'stands' && shown!.followed + fate.typed.length >= FOLLOWED;
    if (fate.kind === 'done' || followed) this.#mood.pleased();
    if (fate.kind === 'departed') {
      // Nobody rejects what there was no time to read.
      if (this.#parts.now() - shown!.at >= READ_MS) this.#mood.overwritten();
      this.#shown = undefined;
    }
    // The line behind a text that is not there will not be written.
    const gone = fate.kind === 'departed' || fate.kind === 'left';
    if (gone && this.#ahead?.typedAt(cursor, scope) === undefined) {
      this.#ahead?.abort();
      this.#ahead = undefined;
    }
    return fate;
  }

  #show(request: SuggestionRequest, chosen: Chosen | undefined, fate: Fate): void {
    const text = chosen?.cut.text ?? '';
    const before = this.#shown;
    const stands = before && fate.kind === 'stands' && fate.rest === text;
    this.#shown = {
      request,
      text,
      replaces: chosen?.cut.replaces ?? 0,
      verified: chosen?.verified ?? false,
      report: chosen?.report ?? null,
      at: stands ? before.at : this.#parts.now(),
      followed: stands ? before.followed + fate.typed.length : 0,
      tried: stands ? before.tried : 0,
    };
  }

  /** What of a text may be shown; undefined where nothing is left of it. */
  #cut(text: string, request: SuggestionRequest, steps: string[]): Cut | undefined {
    if (text === '') return undefined;
    const cut = this.#parts.cut(text, request);
    steps.push(...cut.losses);
    return cut.text === '' ? undefined : cut;
  }

  /**
   * The best of the texts that are there: the target's; then what stands on the screen, as it was shown, since filters
   * may have changed its beginning, or find the target's own not fit to be shown; then a draft, where the target has not
   * said that there is nothing.
   */
  #known(request: SuggestionRequest, scope: Scope, fate: Fate, steps: string[]): Chosen | undefined {
    const { verified, draft } = this.#cache.find(request.cursor, scope);
    const shown = this.#shown;
    const standing = fate.kind === 'stands' &&
      shown && { text: fate.rest, typed: fate.typed, verified: shown.verified, report: shown.report };
    const cached = [verified ?? draft].flatMap((one) =>
      one ? [{ text: one.text, typed: one.typed, verified: one.verifiedBy !== null, report: one.about }] : [],
    );
    // What corrects what stands there goes first, and what is more of the same.
    const better = cached.filter(
      (one) =>
        standing && (one.verified !== standing.verified ? one.verified : one.text.startsWith(standing.text)),
    );
    const texts = standing ? [...better, standing] : cached;
    for (const one of texts) {
      // A draft is no answer to who asks for the better text.
      if (request.explicit && !one.verified) continue;
      const cut = this.#cut(one.text, request, steps);
      if (!cut) continue;
      steps.push(`Known before${one.typed ? `, ${one.typed.length} characters of it typed` : ''}.`);
      return { cut, given: 'cache', verified: one.verified, report: one.report };
    }
    return undefined;
  }

  /** The best text for the place that comes in time; undefined, too, where a later request came meanwhile. */
  async #made(
    request: SuggestionRequest,
    scope: Scope,
    order: number,
    steps: string[],
    signal: AbortSignal,
  ): Promise<Chosen | undefined> {
    const { cursor, explicit } = request;
    const overtaken = () => order !== this.#order;
    const choose = (candidate: Candidate | undefined): Chosen | undefined => {
      const cut = candidate && this.#cut(candidate.text, request, steps);
      if (!cut) return undefined;
      const verified = candidate.report.path === 'speculated';
      return { cut, given: verified ? 'verified' : 'draft', verified, report: candidate.report };
    };
    for (let paused = explicit; ; paused = true) {
      this.#adopt(cursor, scope);
      const joined = await this.#join(request, scope, signal);
      if (overtaken()) return undefined;
      if (joined && !(explicit && joined.report.path === 'draft')) {
        steps.push('A completion that was under way says what was typed since.');
        return choose(joined);
      }
      this.#stop();
      const pause = paused ? 0 : this.#pause(cursor);
      if (pause <= 0) break;
      steps.push(`Waited ${Math.round(pause)} ms for the next key.`);
      await this.#sleep(pause, signal);
      if (overtaken()) return undefined;
      const known = this.#known(request, scope, { kind: 'left' }, steps);
      if (known) return known;
    }
    const generation = this.#generate(request, explicit ? 'asked' : 'typing', scope);
    this.#running = generation;
    return choose(await this.#wanted(generation, '', explicit, signal));
  }

  /** What was made before it was asked for is what is under way, now that it is. */
  #adopt(cursor: Cursor, scope: Scope): void {
    if (this.#ahead?.typedAt(cursor, scope) === undefined) return;
    this.#running?.abort();
    this.#running = this.#ahead;
    this.#ahead = undefined;
  }

  #pause({ text, offset }: Cursor): number {
    const line = text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset);
    const newLine = line.trim() === '' && offset > 0;
    return pauseFor({ ...this.#parts.typing(), mood: this.#mood.unwanted, newLine });
  }

  /** Has a draft that was known, and that nothing under way will judge, judged at the place where it is now. */
  #verify(request: SuggestionRequest, scope: Scope): void {
    const shown = this.#shown!;
    // A node that had no time for it twice will have none while the rest of it is typed.
    if (!this.#parts.verifies() || shown.tried >= TRIES) return;
    const running = this.#running;
    if (running && !running.done && running.latest?.report.path !== 'speculated') return;
    this.#stopPausing = this.#parts.after(this.#pause(request.cursor), () => {
      this.#stop();
      shown.tried++;
      this.#running = this.#generate(request, 'typing', scope);
      this.#judging.add(this.#running);
    });
  }

  #generate({ cursor, language }: Omit<Work, 'purpose'>, purpose: Work['purpose'], scope: Scope): Generation {
    return new Generation(
      { cursor, scope },
      (stop) => this.#parts.make({ cursor, language, purpose }, stop),
      (one, candidate) => this.#found(one, candidate),
    );
  }

  /**
   * Makes the line after a text that was or will be accepted, so that it is there when that is begun; where something
   * stands behind it, that is where the user goes first, and power is not to be spent on guesses.
   */
  #prefetch(
    { cursor: { uri, text, offset }, language }: Pick<SuggestionRequest, 'cursor' | 'language'>,
    accepted: Pick<Cut, 'text' | 'replaces'>,
    scope: Scope,
  ): void {
    const after = text.slice(offset + accepted.replaces);
    if (this.#parts.typing().power !== 'mains' || !/^[ \t]*(\n|$)/u.test(after)) return;
    const before = text.slice(0, offset) + accepted.text;
    const cursor = onNextLine({ uri, text: before + after, offset: before.length });
    const { verified, draft } = this.#cache.find(cursor, scope);
    if (this.#ahead?.typedAt(cursor, scope) !== undefined || verified || draft) return;
    this.#ahead?.abort();
    this.#ahead = this.#generate({ cursor, language }, 'ahead', scope);
  }

  /** The rest of a completion under way, where the place is on its way. */
  async #join(
    { cursor, explicit }: SuggestionRequest,
    scope: Scope,
    signal: AbortSignal,
  ): Promise<Candidate | undefined> {
    const running = this.#running;
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
    this.#parts.after(LEFT_MS, () => {
      const cursor = this.#shown?.request.cursor;
      const wanted = cursor && generation.typedAt(cursor, generation.scope) !== undefined;
      if (generation.done || generation.waiting > 0 || wanted) return;
      generation.abort();
      if (this.#running === generation) this.#running = undefined;
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
    // The adapter that it was, which may be another than the one that was to be: a node may still be loading that.
    const verifiedBy = verified ? (report.adapter ?? '') : null;
    this.#cache.keep(cursor, scope, { text, verifiedBy, about: report });
    const shown = this.#shown;
    if (!shown) return;
    const { request } = shown;
    const typed = generation.typedAt(request.cursor, scope);
    if (typed === undefined || !text.startsWith(typed)) return;
    // What the editor gets when it asks again is what is compared.
    const rest = this.#cut(text.slice(typed.length), request, []);
    if (!rest || rest.text === shown.text) return;
    // A draft is corrected by the target; whatever else comes may only be more of the same.
    const grows = shown.text !== '' && rest.text.startsWith(shown.text) && verified === shown.verified;
    if (!grows && (!verified || shown.verified)) return;
    const { uri, version, position } = request;
    this.#parts.onVerified({ uri, version, position });
  }
}
