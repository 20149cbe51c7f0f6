/** The clients of other products as far as their users wait for them: {@link rules.ts} in motion, before a llama-server. */
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../support/emulator/virtual-clock.ts';
import {
  CONTINUE_CACHED,
  CONTINUE_PAUSE,
  continueEnough,
  continueKnown,
  continueRequest,
  continueWindow,
  lineAt,
  lineBelow,
  LLAMA_CACHED,
  LLAMA_POLL,
  llamaAhead,
  llamaKey,
  llamaKnown,
  llamaRequest,
  llamaShown,
  llamaSilent,
  llamaTexts,
  TABBY_CACHED,
  tabbyForward,
  tabbyPause,
  tabbyRequest,
  tabbyShown,
  type Place,
} from './rules.ts';

/** llama-server as it is asked; what it is asked for stands in {@link rules.ts}. */
export interface Infill {
  /** All texts of one request. */
  readonly whole: (body: object, signal?: AbortSignal) => Promise<readonly string[]>;
  /** The text as it comes; leaving the loop ends the request. */
  readonly streamed: (body: object, signal: AbortSignal) => AsyncIterable<string>;
}

export interface PlainClient {
  /** What is shown for a place, empty for nothing. May reject, or answer, when `signal` is aborted. */
  ask(place: Place, signal: AbortSignal): Promise<string>;
}

export type MakeClient = (server: Infill, clock: Clock) => PlainClient;

/** Waits, whether the text is known or not; a key ends the wait, and the request. */
export function tabby(server: Infill, clock: Clock): PlainClient {
  const gaps: number[] = [];
  const responses: number[] = [];
  const known = new LRUCache<string, string>({ max: TABBY_CACHED });
  const keyOf = ({ text, offset }: Place, typed = '') =>
    `${text.slice(0, offset)}${typed}\0${text.slice(offset)}`;
  let lastAt = -Infinity;

  return {
    async ask(place, signal) {
      const at = clock.now();
      gaps.push(at - lastAt);
      lastAt = at;
      const kept = known.get(keyOf(place));
      await clock.sleep(
        tabbyPause(place, { gaps, responses: kept === undefined ? responses : undefined }),
        signal,
      );
      let shown = kept;
      if (shown === undefined) {
        const asked = clock.now();
        const [text = ''] = await server.whole(tabbyRequest(place), signal);
        responses.push(clock.now() - asked);
        shown = tabbyShown(text, place);
      }
      known.set(keyOf(place), shown);
      for (const { typed, left } of tabbyForward(shown)) known.set(keyOf(place, typed), left);
      return shown;
    },
  };
}

/** A text on its way, which the next request takes over where it says what was typed since. */
interface Stream {
  readonly prefix: string;
  said: string;
  readonly shown: Promise<string>;
  readonly stop: AbortController;
}

/** Waits longer than anybody types, then looks into its cache, then has a text streamed. */
export function continueDev(server: Infill, clock: Clock): PlainClient {
  const known = new Map<string, string>();
  let latest = 0;
  let running: Stream | undefined;

  const start = (place: Place, prefix: string): Stream => {
    const stop = new AbortController();
    const asked = clock.now();
    const below = lineBelow(place);
    const stream: Stream = { prefix, said: '', stop, shown: read() };
    return stream;

    async function read(): Promise<string> {
      try {
        for await (const part of server.streamed(continueRequest(place), stop.signal)) {
          stream.said += part;
          const enough = continueEnough(stream.said, clock.now() - asked, below);
          if (enough !== undefined) return enough;
        }
        // The end closes the last line.
        return continueEnough(stream.said, Infinity, below)!;
      } catch (error) {
        if (stop.signal.aborted) return '';
        throw error;
      }
    }
  };

  return {
    async ask(place, signal) {
      const request = ++latest;
      await clock.sleep(CONTINUE_PAUSE);
      if (request !== latest) return '';
      const { prefix } = continueWindow(place);
      const kept = continueKnown(known, prefix);
      if (kept !== undefined) return kept;
      if (
        !running ||
        prefix.length < running.prefix.length ||
        !(running.prefix + running.said).startsWith(prefix)
      ) {
        running?.stop.abort();
        running = start(place, prefix);
      }
      const typed = prefix.slice(running.prefix.length);
      const text = await running.shown;
      if (signal.aborted || !text.startsWith(typed)) return '';
      const shown = text.slice(typed.length);
      if (shown.trim() === '') return '';
      known.set(prefix, shown);
      for (const oldest of known.keys()) if (known.size > CONTINUE_CACHED) known.delete(oldest);
      return shown;
    },
  };
}

/** Asks at once, but one thing at a time, and what was asked for is waited for whoever wants it or not. */
export function llamaVscode(server: Infill, clock: Clock): PlainClient {
  const known = new LRUCache<string, readonly string[]>({ max: LLAMA_CACHED });
  let busy = false;

  /** What comes behind a text that is shown; nobody waits for it but the server, which does one thing after the other. */
  const askAhead = async (texts: ReturnType<typeof llamaTexts>, shown: string) => {
    const [line, ...more] = shown.split('\n');
    const next = { ...texts, input_prefix: `${texts.input_prefix}${texts.prompt}${line!}\n`, prompt: '' };
    if (more.length > 0 && !known.has(llamaKey(next))) known.set(llamaKey(next), [more.join('\n')]);
    const ahead = llamaAhead(texts, shown);
    if (known.has(llamaKey(ahead))) return;
    const found = await server.whole(llamaRequest(ahead));
    const some = found.map((text) => text.trimEnd()).filter((text) => text !== '');
    if (some.length > 0) known.set(llamaKey(ahead), some);
  };

  return {
    async ask(place, signal) {
      while (busy) {
        await clock.sleep(LLAMA_POLL);
        if (signal.aborted) return '';
      }
      busy = true;
      try {
        if (llamaSilent(place)) return '';
        const texts = llamaTexts(place);
        const kept = llamaKnown(known, texts);
        if (kept === undefined && signal.aborted) return '';
        const found = kept ?? [...new Set(await server.whole(llamaRequest(texts)))];
        const shown = llamaShown(found, place);
        const [first] = shown;
        if (first === undefined) return '';
        if (!kept) known.set(llamaKey(texts), shown);
        if (!signal.aborted && lineAt(place).rest.trim() === '')
          askAhead(texts, first).catch(() => undefined);
        // Blanks that stand before the cursor already are in the text of a line that was asked for from its beginning.
        const { head } = lineAt(place);
        return head.trim() === '' && first.startsWith(head) ? first.slice(head.length) : first;
      } finally {
        busy = false;
      }
    },
  };
}
