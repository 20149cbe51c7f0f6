import type { CompletionReport, Explanation } from '../protocol.ts';
import { CompletionCache } from './cache.ts';
import { DocumentSuggestions } from './document.ts';
import { Mood } from './mood.ts';
import type { Suggestion, SuggestionRequest, SuggestionsParts } from './parts.ts';

/** What editors are answered, by document, and why. */
export class Suggestions {
  readonly #parts: SuggestionsParts;
  readonly #cache = new CompletionCache<CompletionReport>();
  readonly #documents = new Map<string, DocumentSuggestions>();
  /** The last request at the end. */
  readonly #explained = new Map<string, Explanation>();
  readonly #mood: Mood;

  constructor(parts: SuggestionsParts) {
    this.#parts = parts;
    this.#mood = new Mood(parts.now);
  }

  /**
   * @returns undefined where there is nothing to show; null where a later request came meanwhile, whose answer counts.
   * @throws the reason of `signal` when that is aborted.
   */
  async suggest(request: SuggestionRequest, signal: AbortSignal): Promise<Suggestion | undefined | null> {
    const { uri } = request;
    const document =
      this.#documents.get(uri) ?? new DocumentSuggestions(this.#parts, this.#cache, this.#mood, uri);
    this.#documents.set(uri, document);
    const answer = await document.suggest(request, signal);
    if (!answer) return null;
    this.#explained.delete(uri);
    this.#explained.set(uri, answer.explanation);
    return answer.suggestion;
  }

  /** Of a document, or of the last request of all; null before the first. */
  explain(uri?: string): Explanation | null {
    return (uri === undefined ? [...this.#explained.values()].at(-1) : this.#explained.get(uri)) ?? null;
  }

  /**
   * A text that was answered for a document was accepted whole.
   * @param index 0 for the first of the answer, 1 for the first of its others.
   */
  accepted(uri: string, index = 0): void {
    this.#documents.get(uri)?.accepted(index);
  }

  /** What was shown in a document was sent away. */
  dismissed(uri: string): void {
    this.#documents.get(uri)?.dismissed();
  }

  closed(uri: string): void {
    this.#documents.get(uri)?.close();
    this.#documents.delete(uri);
    this.#explained.delete(uri);
  }
}
