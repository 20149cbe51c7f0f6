import type { Page } from 'playwright-core';

/** The last line of the open file as the editor draws it. */
export interface Line {
  /** What stands in the document. */
  readonly real: string;
  /** What is offered to stand behind it. */
  readonly ghost: string;
}

/** What was drawn, and in how many frames one after the other. */
export interface Drawn extends Line {
  frames: number;
}

/** What a frame may show: the start of the line, and the texts that may stand behind it, in their order. */
export interface Expected {
  readonly start: string;
  readonly texts: readonly string[];
}

// What of a browser's objects is used here: the library of all their types would take the place of Node's in every test.
interface Element {
  readonly textContent: string;
  readonly style: { readonly top: string };
  querySelectorAll(selector: string): Iterable<Element>;
}
declare const document: Element;
declare const window: {
  foretypeLine: () => Line;
  foretypeDrawn: Drawn[];
  readonly foretypeChanged: (line: Line) => void;
};
declare function requestAnimationFrame(run: () => void): void;

/** Looks at the last line of the open file after every frame that the browser draws. */
export class Frames {
  readonly #page: Page;
  /** Told of every change of what is drawn. */
  onChange: (line: Line) => void = () => undefined;

  private constructor(page: Page) {
    this.#page = page;
  }

  static async watch(page: Page): Promise<Frames> {
    const frames = new Frames(page);
    await page.exposeFunction('foretypeChanged', (line: Line) => frames.onChange(line));
    await page.evaluate(watchFrames);
    return frames;
  }

  /** The line as it is drawn now. */
  now(): Promise<Line> {
    return this.#page.evaluate(() => window.foretypeLine());
  }

  /** What was drawn since this was called last. */
  drawn(): Promise<Drawn[]> {
    return this.#page.evaluate(() => window.foretypeDrawn.splice(0));
  }
}

/** Runs in the page. */
function watchFrames(): void {
  const line = (): Line => {
    const lines = [...document.querySelectorAll('.editor-instance .view-lines .view-line')];
    const last = lines.reduce<Element | undefined>(
      (lowest, one) => (parseFloat(one.style.top) < parseFloat(lowest?.style.top ?? '-1') ? lowest : one),
      undefined,
    );
    const ghosts = [...(last?.querySelectorAll('.ghost-text-decoration') ?? [])];
    // The editor draws blanks as no-break spaces.
    const plain = (text: string) => text.replaceAll('\u00a0', ' ');
    const ghost = plain(ghosts.map(({ textContent }) => textContent).join(''));
    const whole = plain(last?.textContent ?? '');
    return { real: whole.slice(0, whole.length - ghost.length), ghost };
  };
  const drawn: Drawn[] = [];
  let before: Drawn | undefined;
  const look = () => {
    const seen = line();
    if (before?.real === seen.real && before.ghost === seen.ghost) before.frames++;
    else {
      before = { ...seen, frames: 1 };
      window.foretypeChanged(seen);
    }
    // Taken away by whoever read it, and still the same.
    if (drawn.at(-1) !== before) drawn.push(before);
  };
  // A task that is begun before a frame is drawn runs behind it.
  const everyFrame = () => {
    setTimeout(look);
    requestAnimationFrame(everyFrame);
  };
  window.foretypeLine = line;
  window.foretypeDrawn = drawn;
  requestAnimationFrame(everyFrame);
}

/**
 * What a person would have seen flicker, in one sentence each: once a text is offered, the line may only show it, or one
 * that comes after it in `texts`, with more and more of it typed.
 */
export function flickers(drawn: readonly Line[], { start, texts }: Expected): string[] {
  const wholes = texts.map((text) => start + text);
  const first = drawn.findIndex(({ real, ghost }) => real.startsWith(start) && ghost !== '');
  if (first === -1) return ['Nothing was offered.'];
  const found: string[] = [];
  let at = 0;
  let typed = start;
  for (const { real, ghost } of drawn.slice(first)) {
    const next = wholes.indexOf(real + ghost, at);
    if (next === -1) found.push(`“${real}” was drawn with “${ghost}” behind it.`);
    else at = next;
    if (!real.startsWith(typed)) found.push(`“${typed}” became “${real}”.`);
    typed = real;
  }
  return found;
}
