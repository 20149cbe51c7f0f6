import { Text } from '@codemirror/state';
import type { Position, Range, TextDocumentContentChangeEvent } from 'vscode-languageserver';

/** Of UTF-16 code units, the end excluded. */
export interface Extent {
  readonly start: number;
  readonly end: number;
}

/**
 * A document that an editor has open, as it was at one version. It is kept as CodeMirror's tree of lines: a key costs the
 * same in a document of any length, where one string would be made anew each time, and collected. Offsets are UTF-16 code
 * units in a text whose line ends are `\n`, whatever they are in the editor.
 */
export class OpenDocument {
  readonly uri: string;
  /** The editor's identifier. */
  readonly languageId: string;
  readonly version: number;
  readonly #lines: Text;
  readonly #lineEnd: string | undefined;
  #text: string | undefined;

  private constructor(
    { uri, languageId }: Pick<OpenDocument, 'uri' | 'languageId'>,
    version: number,
    lines: Text,
    lineEnd: string | undefined,
  ) {
    this.uri = uri;
    this.languageId = languageId;
    this.version = version;
    this.#lines = lines;
    this.#lineEnd = lineEnd;
  }

  static of(uri: string, languageId: string, version: number, text: string): OpenDocument {
    return new OpenDocument({ uri, languageId }, version, linesOf(text), firstEnd(text));
  }

  /** UTF-16 code units. */
  get length(): number {
    return this.#lines.length;
  }

  get lineCount(): number {
    return this.#lines.lines;
  }

  /** As the first line ends, which is how a line that is inserted has to end. */
  get lineEnd(): string {
    return this.#lineEnd ?? '\n';
  }

  /** The whole of it; long in a long document. */
  get text(): string {
    return (this.#text ??= this.#lines.toString());
  }

  slice(start: number, end: number): string {
    return this.#lines.sliceString(start, end);
  }

  /** Start of the line that an offset is in. */
  lineStartAt(offset: number): number {
    return this.#lines.lineAt(offset).from;
  }

  /** As LSP has it: what is beyond a line's end is that end, and what is beyond the last line the document's. */
  offsetAt({ line, character }: Position): number {
    if (line < 0) return 0;
    if (line >= this.#lines.lines) return this.length;
    const { from, to } = this.#lines.line(line + 1);
    return Math.min(from + Math.max(0, character), to);
  }

  extentOf(range: Range): Extent {
    const [a, b] = [this.offsetAt(range.start), this.offsetAt(range.end)];
    return { start: Math.min(a, b), end: Math.max(a, b) };
  }

  /** What a change replaces; one without a place replaces all. */
  replacedBy(change: TextDocumentContentChangeEvent): Extent {
    return 'range' in change ? this.extentOf(change.range) : { start: 0, end: this.length };
  }

  changed(change: TextDocumentContentChangeEvent, version: number): OpenDocument {
    const { start, end } = this.replacedBy(change);
    const lines = this.#lines.replace(start, end, linesOf(change.text));
    // An editor that changes how all lines end sends all of them again.
    const lineEnd = start === 0 ? (firstEnd(change.text) ?? this.#lineEnd) : this.#lineEnd;
    return new OpenDocument(this, version, lines, lineEnd ?? firstEnd(change.text));
  }
}

/** A text as documents have it. */
export function withLineFeeds(text: string): string {
  return text.replaceAll(LINE_END, '\n');
}

const LINE_END = /\r\n?|\n/gu;

function linesOf(text: string): Text {
  return Text.of(text.split(LINE_END));
}

function firstEnd(text: string): string | undefined {
  return /\r?\n/u.exec(text)?.[0];
}
