/**
 * When ghost text that is on the screen may be replaced by what the target wrote. VS Code does not tell an extension
 * what it shows, so it is inferred: what was answered last for the place where the cursor still is, unless something
 * happened on which VS Code takes ghost text away. A replacement that comes after that would bring the text back.
 */
import type { DocumentPlace } from '@foretype/server/protocol';

/** As much of a text editor of VS Code's as the rule needs. */
export interface EditorLike {
  readonly document: { readonly uri: { toString(): string }; readonly version: number };
  readonly selections: readonly {
    readonly isEmpty: boolean;
    readonly active: { readonly line: number; readonly character: number };
  }[];
}

/** Where the next key would write; null where that is no single place, or the window has not the keyboard. */
export function cursorOf(editor: EditorLike | undefined, focused: boolean): DocumentPlace | null {
  const [selection, ...others] = editor?.selections ?? [];
  if (!editor || !focused || !selection?.isEmpty || others.length > 0) return null;
  const { line, character } = selection.active;
  const { uri, version } = editor.document;
  return { uri: uri.toString(), version, position: { line, character } };
}

/** What is known of the ghost text on the screen. */
export class SwapGuard {
  /** Where our answer is shown, as far as can be known. */
  #armed: DocumentPlace | null = null;
  /** A verified text that arrived before the draft that it is to replace was handed over. */
  #early: DocumentPlace | null = null;

  /**
   * The editor took our answer for a place, perhaps without a text: what the filters leave nothing of is a draft, too,
   * and the target may have something to show.
   * @returns whether a verified text for the place waits already.
   */
  answered(place: DocumentPlace): boolean {
    this.#armed = place;
    return isSame(this.#armed, this.#early);
  }

  /** The cursor, the editor or the window's focus changed. */
  moved(cursor: DocumentPlace | null): void {
    if (!isSame(this.#armed, cursor)) this.#armed = null;
    if (!isSame(this.#early, cursor)) this.#early = null;
  }

  /** The user sent away what was shown. */
  dismissed(): void {
    this.#armed = this.#early = null;
  }

  /**
   * A verified text is there for a place.
   * @returns whether to show it now. Where the user typed on, the next request brings it.
   */
  verified(place: DocumentPlace, cursor: DocumentPlace | null): boolean {
    this.#early = isSame(place, this.#armed) ? null : place;
    return this.#early === null && isSame(place, cursor);
  }
}

function isSame(a: DocumentPlace | null, b: DocumentPlace | null): boolean {
  return (
    a !== null &&
    b !== null &&
    a.uri === b.uri &&
    a.version === b.version &&
    a.position.line === b.position.line &&
    a.position.character === b.position.character
  );
}
