/**
 * What a prompt may show of other places, kept up to date by what an editor tells: where somebody was and what they
 * edited, in all documents. Next to nothing is done at a key. What was gathered stays as it is, to the letter, while
 * somebody works in one place, since a prompt that began otherwise would have to be read again; it is gathered anew where
 * they have gone somewhere else, and where something was saved.
 */
import { windowAt, type OtherText } from '@foretype/models';
import { chunkAround, type Chunk, type Origin } from './chunk.ts';
import { standingIn, withEdit, withoutEditsIn, type Edits } from './edits.ts';
import {
  gather,
  roomOfRing,
  type Clock,
  type ContextPlace,
  type ContextSources,
  type Gathered,
} from './gather.ts';
import { Imports, type ReadText } from './imports.ts';
import { nameIn } from './names.ts';
import { emptyRing, isFar, limitsFor, withChunk, withoutDocuments, type Ring, type Spot } from './ring.ts';

export interface NeighboursParts {
  /** UTF-16 code units of other files that a prompt has room for; 0 where the family was not trained to read them. */
  readonly room: () => number;
  /** URIs of the documents that are open, and the text of one of them as it is now. */
  readonly open: () => readonly string[];
  readonly textOf: (uri: string) => string | undefined;
  /** Whether a document may be shown to others. */
  readonly allowed: (uri: string) => Promise<boolean>;
  /** Reads a file that is not open. */
  readonly read: ReadText;
  readonly clock: Clock;
}

/** What a prompt shows beside its own file; the same object as long as it is the same. */
export interface Beside {
  /** What the document at hand is called. */
  readonly name: string;
  /** In the order in which the prompt has them. */
  readonly others: readonly OtherText[];
}

/** Milliseconds after which it is asked again whether what is shown may still be, and for what was not there in time. */
const RECHECK_MS = 5000;
/** UTF-16 code units of a document beyond which it is data, and would take long to look at. */
const LARGEST = 500_000;
/** Documents whose last text is kept to tell what was edited in them. */
const MOST_BASES = 32;
/** Share of the room behind the cursor, when what the prompt shows of its own file is guessed: the least that it will. */
const BEHIND = 0.25;

/** What was gathered for a spot. */
interface Found {
  readonly beside: Beside | undefined;
  /** The documents that are shown. */
  readonly uris: readonly string[];
  /** Whether something was not there in time. */
  readonly lacks: boolean;
}

interface Gathering {
  readonly found: Promise<Found>;
  checkedAt: number;
}

const NOTHING: Found = { beside: undefined, uris: [], lacks: false };

export class Neighbours {
  readonly #parts: NeighboursParts;
  #folders: readonly string[] = [];
  /** The room that the ring was made for. */
  #room = 0;
  #ring: Ring = emptyRing(limitsFor(0));
  #edits: Edits = [];
  #imports: Imports;
  /** By document the text in which its edits were last looked for, and the line that was last worked on. */
  readonly #bases = new Map<string, string>();
  readonly #lines = new Map<string, number>();
  /** Where it was last gathered for. */
  #spot: Spot | undefined;
  #gathering: Gathering | undefined;
  #last: Beside | undefined;

  constructor(parts: NeighboursParts) {
    this.#parts = parts;
    this.#imports = this.#freshImports();
  }

  /** The workspace has other folders now. */
  setFolders(uris: readonly string[]): void {
    this.#folders = uris;
    this.rulesChanged();
  }

  /** Whether a document may be shown to others: not where it lies outside the project, nor where it is ignored. */
  async allowed(uri: string): Promise<boolean> {
    return this.#nameOf(uri) !== undefined && this.#parts.allowed(uri);
  }

  /** Other documents may be shown than before. */
  rulesChanged(): void {
    this.#imports = this.#freshImports();
    this.#gathering = undefined;
  }

  opened(uri: string): void {
    if (!this.#isWanted()) return;
    const text = this.#textOf(uri);
    if (text === undefined) return;
    this.#edits = standingIn(this.#edits, { uri, text });
    this.#keepBase(uri, text);
    this.#take({ uri, line: 0 }, 'opened');
  }

  saved(uri: string): void {
    if (!this.#isWanted()) return;
    this.#imports.changed(uri);
    const line = this.#lines.get(uri);
    if (line !== undefined) this.#take({ uri, line }, 'saved');
    this.#gathering = undefined;
  }

  /** @param text what it was when it was closed. */
  closed(uri: string, text: string): void {
    const line = this.#lines.get(uri);
    if (line !== undefined) this.#take({ uri, line }, 'visited', text);
    const base = this.#bases.get(uri);
    if (base !== undefined) this.#fold(uri, base, text);
    this.#bases.delete(uri);
    this.#lines.delete(uri);
    if (this.#spot?.uri === uri) this.#spot = undefined;
  }

  /** Somebody works here: called at each key, before what is beside it is asked for. */
  visited(spot: Spot): void {
    if (!this.#isWanted()) return;
    const { uri, line } = spot;
    const from = this.#spot;
    if (!from || isFar(from, spot)) {
      if (from) this.#take(this.#leftOf(from, spot), 'visited');
      this.#spot = spot;
      this.#gathering = undefined;
    }
    this.#lines.set(uri, line);
    if (this.#gathering) this.#recheck(this.#gathering);
    this.#gathering ??= this.#gathered(this.#spot!);
  }

  /**
   * What a prompt in a document shows beside it; undefined where nothing may be, or somebody works elsewhere. It is there
   * 50 ms after the key at the latest.
   */
  async beside(uri: string): Promise<Beside | undefined> {
    if (this.#spot?.uri !== uri || !this.#isWanted()) return undefined;
    this.#gathering ??= this.#gathered(this.#spot);
    return (await this.#gathering.found).beside;
  }

  /** Whether there is room for anything; a ring that was made for another is begun anew. */
  #isWanted(): boolean {
    const room = this.#parts.room();
    if (room === this.#room) return room > 0;
    this.#room = room;
    this.#ring = emptyRing(limitsFor(roomOfRing(room)));
    this.#bases.clear();
    this.#gathering = undefined;
    if (room > 0) for (const uri of this.#parts.open()) this.opened(uri);
    else this.#edits = [];
    return room > 0;
  }

  /** The place that somebody left who was at `from` when it was gathered, and has come to `to`. */
  #leftOf(from: Spot, to: Spot): Spot {
    const last = { uri: from.uri, line: this.#lines.get(from.uri) ?? from.line };
    // Who came line by line is still where they were; what they began at is out of sight.
    return isFar(last, to) ? last : from;
  }

  /** What a document is called; undefined where it lies outside the project. */
  #nameOf(uri: string): string | undefined {
    return nameIn(this.#folders, uri);
  }

  #textOf(uri: string): string | undefined {
    const text = this.#parts.textOf(uri);
    return text !== undefined && text.length <= LARGEST ? text : undefined;
  }

  #take({ uri, line }: Spot, origin: Origin, text = this.#textOf(uri)): void {
    if (text === undefined || text.length > LARGEST) return;
    const chunk = chunkAround({ uri, text }, line, { size: this.#ring.limits.lines, origin });
    if (chunk) this.#ring = withChunk(this.#ring, chunk);
  }

  #keepBase(uri: string, text: string): void {
    this.#bases.delete(uri);
    this.#bases.set(uri, text);
    for (const oldest of this.#bases.keys()) if (this.#bases.size > MOST_BASES) this.#bases.delete(oldest);
  }

  #fold(uri: string, before: string, after: string): void {
    if (before !== after) this.#edits = withEdit(this.#edits, { uri, before, after });
  }

  #foldAll(): void {
    for (const [uri, before] of [...this.#bases]) {
      const after = this.#textOf(uri);
      if (after === undefined || after === before) continue;
      this.#fold(uri, before, after);
      this.#keepBase(uri, after);
    }
  }

  #gathered(spot: Spot): Gathering {
    return { found: this.#found(spot), checkedAt: this.#parts.clock.now() };
  }

  async #found({ uri, line }: Spot): Promise<Found> {
    const text = this.#textOf(uri);
    const name = this.#nameOf(uri);
    // Of a document that belongs nowhere nobody knows what may be shown to it.
    if (text === undefined || name === undefined) return NOTHING;
    if (!this.#bases.has(uri)) this.#keepBase(uri, text);
    this.#foldAll();
    const size = { before: this.#room * (1 - BEHIND), after: this.#room * BEHIND };
    const { prefix, suffix } = windowAt(text, offsetOf(text, line), size);
    const { chunks, missing } = await this.#gather({ uri, text, around: prefix + suffix });
    return {
      beside: this.#named(name, chunks),
      uris: [...new Set(chunks.map((chunk) => chunk.uri))],
      lacks: missing.length > 0,
    };
  }

  /** Never rejects. */
  async #gather(place: ContextPlace & { readonly text: string }): Promise<Gathered> {
    const refused = new Set<string>();
    const imports = this.#imports;
    const sources: ContextSources = {
      ring: this.#ring,
      edits: this.#edits,
      imports: () => imports.of(place),
      allowed: async (uri) => {
        const allowed = await this.allowed(uri);
        if (!allowed) refused.add(uri);
        return allowed;
      },
    };
    const gathered = await gather(sources, place, { characters: this.#room, clock: this.#parts.clock });
    // They would take the room of what may be shown.
    this.#ring = withoutDocuments(this.#ring, (uri) => refused.has(uri));
    this.#edits = withoutEditsIn(this.#edits, (uri) => refused.has(uri));
    return gathered;
  }

  #named(name: string, chunks: readonly Chunk[]): Beside {
    const others = chunks.flatMap(({ uri, text }) => {
      const other = this.#nameOf(uri);
      return other === undefined ? [] : [{ name: other, text }];
    });
    const last = this.#last;
    const same =
      last?.name === name &&
      last.others.length === others.length &&
      last.others.every((other, at) => other.name === others[at]!.name && other.text === others[at]!.text);
    if (!same) this.#last = { name, others };
    return this.#last!;
  }

  /** Has it gathered anew with a later key where something lacks, or may not be shown any more. */
  #recheck(gathering: Gathering): void {
    const { now } = this.#parts.clock;
    if (now() - gathering.checkedAt < RECHECK_MS) return;
    gathering.checkedAt = now();
    const look = async () => {
      const { uris, lacks } = await gathering.found;
      const verdicts = await Promise.all(uris.map((uri) => this.allowed(uri)));
      if ((lacks || verdicts.includes(false)) && this.#gathering === gathering) this.#gathering = undefined;
    };
    look().catch(() => undefined);
  }

  #freshImports(): Imports {
    return new Imports(async (uri, bytes) => {
      if (!(await this.allowed(uri))) return undefined;
      return this.#parts.textOf(uri)?.slice(0, bytes) ?? this.#parts.read(uri, bytes);
    });
  }
}

/** UTF-16 offset of the start of a line. */
function offsetOf(text: string, line: number): number {
  let offset = 0;
  for (let at = 0; at < line; at++) {
    const end = text.indexOf('\n', offset);
    if (end === -1) return text.length;
    offset = end + 1;
  }
  return offset;
}
