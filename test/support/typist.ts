/** Somebody who types in an editor that shows ghost text as VS Code does: trimmed by what is typed of it, else gone. */
import assert from 'node:assert/strict';
import {
  CancellationTokenSource,
  InlineCompletionTriggerKind,
  type InlineCompletionItem,
} from 'vscode-languageserver/node';
import type { Client } from '../../server/src/client.ts';

export interface Tally {
  requests: number;
  cancelled: number;
  /** Answers by where they came from, see `Explanation.given`. */
  readonly given: Record<string, number>;
  /** Shown texts that changed though the user had only typed what they said, and the target had nothing to do with it. */
  flickers: string[];
  /** Shown texts that stand in the document already. */
  duplicates: string[];
}

export class Typist {
  readonly #client: Client;
  readonly #uri: string;
  readonly tally: Tally = { requests: 0, cancelled: 0, given: {}, flickers: [], duplicates: [] };
  text: string;
  offset = 0;
  /** What stands at the cursor as ghost text. */
  shown = '';
  /** Whether the target wrote that: what is a draft may be corrected. */
  verified = false;
  #pending: CancellationTokenSource | undefined;
  readonly #done: Promise<void>[] = [];

  private constructor(client: Client, uri: string, text: string) {
    this.#client = client;
    this.#uri = uri;
    this.text = text;
  }

  static async open(client: Client, uri: string, text: string): Promise<Typist> {
    await client.open(uri, text);
    return new Typist(client, uri, text);
  }

  /** Types a text key by key; `wait` lets each key's answer come before the next. */
  async type(keys: string, wait = false): Promise<void> {
    for (const key of keys) {
      await this.#edit(this.offset, this.offset, key);
      this.shown = this.shown.startsWith(key) ? this.shown.slice(key.length) : '';
      await this.#ask();
      if (wait) await this.settled();
    }
  }

  /** Replaces a part of the text, as a deletion, an undo or a paste does, and asks as an editor then does. */
  async replace(from: number, to: number, text: string): Promise<void> {
    await this.#edit(from, to, text);
    this.shown = '';
    await this.#ask();
  }

  /** Goes to another place, where nothing is asked for before something is typed. */
  jump(offset: number): void {
    this.offset = offset;
    this.shown = '';
    this.#pending?.cancel();
  }

  /** Has accepted what is shown. */
  async accept(): Promise<void> {
    const { shown } = this;
    this.shown = '';
    await this.#edit(this.offset, this.offset, shown);
    await this.#ask();
  }

  /** Waits for the answers to all requests. */
  async settled(): Promise<void> {
    await Promise.all(this.#done.splice(0));
  }

  async #edit(from: number, to: number, text: string): Promise<void> {
    this.text = this.text.slice(0, from) + text + this.text.slice(to);
    this.offset = from + text.length;
    await this.#client.change(this.#uri, this.text);
  }

  async #ask(): Promise<void> {
    this.#pending?.cancel();
    const cancel = new CancellationTokenSource();
    const lines = this.text.slice(0, this.offset).split('\n');
    const position = { line: lines.length - 1, character: lines.at(-1)!.length };
    const { text, offset, shown } = this;
    this.tally.requests++;
    const asked = this.#client.items(
      this.#uri,
      position,
      InlineCompletionTriggerKind.Automatic,
      cancel.token,
    );
    const done = asked.then(
      async ([item]) => {
        if (cancel.token.isCancellationRequested) {
          this.tally.cancelled++;
          return;
        }
        const { given, report } = (await this.#client.explain(this.#uri))!;
        this.tally.given[given] = (this.tally.given[given] ?? 0) + 1;
        this.shown = item ? this.#restOf(item, text, offset) : '';
        const verified = report?.path === 'speculated';
        const corrected = verified && !this.verified;
        if (shown !== '' && this.shown !== shown && !corrected)
          this.tally.flickers.push(`${shown} → ${this.shown}`);
        this.verified = verified;
      },
      () => {
        this.tally.cancelled++;
      },
    );
    this.#pending = cancel;
    this.#done.push(done);
    // What is typed next comes at once, or after the answer.
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** What an item adds at the cursor; also looks whether that stands there already. */
  #restOf({ insertText, range }: InlineCompletionItem, text: string, offset: number): string {
    const head = text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset);
    assert.ok(
      typeof insertText === 'string' && insertText.startsWith(head),
      'it begins with what stands there',
    );
    assert.equal(range!.start.character, 0);
    const rest = insertText.slice(head.length);
    const replaced = range!.end.character - head.length;
    const after = text.slice(offset + replaced);
    const line = after.split('\n', 1)[0]!.trim();
    const next =
      after
        .split('\n')
        .slice(1)
        .find((one) => one.trim() !== '')
        ?.trim() ?? '';
    const last = rest.split('\n').at(-1)!.trim();
    if (
      (line.length > 2 && rest.trim().endsWith(line)) ||
      (next.length > 6 && last === next && rest.includes('\n'))
    )
      this.tally.duplicates.push(`${head}[${rest}]${line}`);
    return rest;
  }
}
