/** Families that are small enough to be made for a test, and a server that has them. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { KnownFamily } from '@foretype/models/catalogue';
import { ggufFile, string, u32, u64 } from './gguf-file.ts';

const [U32, STRING, ARRAY] = [4, 8, 9];

export interface MadeModel {
  readonly tokens: readonly string[];
  /** Tokens at the end that mean nothing. */
  readonly padding?: number;
  readonly end?: number;
  /** Bytes that make this file another one. */
  readonly name?: string;
}

/** A GGUF file with a tokenizer and no weights. */
export function modelFile({ tokens, padding = 0, end = 0, name = 'model' }: MadeModel): Buffer {
  const all = [...tokens, ...Array.from({ length: padding }, (_none, at) => `[PAD${tokens.length + at}]`)];
  const types = all.map((_token, at) => (at < tokens.length ? 1 : 5));
  const numbers = {
    block_count: 2,
    embedding_length: 64,
    'attention.head_count': 4,
    'attention.head_count_kv': 2,
  };
  return ggufFile({
    keys: [
      ['general.architecture', STRING, string('llama')],
      ['general.name', STRING, string(name)],
      ...Object.entries(numbers).map(([key, value]) => [`llama.${key}`, U32, u32(value)] as const),
      ['tokenizer.ggml.model', STRING, string('gpt2')],
      [
        'tokenizer.ggml.tokens',
        ARRAY,
        Buffer.concat([u32(STRING), u64(BigInt(all.length)), ...all.map(string)]),
      ],
      [
        'tokenizer.ggml.token_type',
        ARRAY,
        Buffer.concat([u32(U32), u64(BigInt(all.length)), ...types.map(u32)]),
      ],
      ['tokenizer.ggml.eos_token_id', U32, u32(end)],
    ],
  });
}

export const TOKENS = [
  '<end>',
  '<prefix>',
  '<suffix>',
  '<middle>',
  ...Array.from({ length: 300 }, (_none, at) => `word${at}`),
];

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A family as the catalogue has it, with both files at `url`. */
export function knownFamily(url: string, files: Readonly<Record<'backbone' | 'draft', Buffer>>): KnownFamily {
  const part = (role: 'backbone' | 'draft') => ({
    url: `${url}/${role}.gguf`,
    file: `${role}.gguf`,
    bytes: files[role].length,
    sha256: sha256(files[role]),
  });
  return {
    id: 'made-1.0',
    licence: 'MIT',
    parameters: ['1', '1'],
    context: 128,
    trainedContext: 256,
    kvPerToken: { backbone: 1, draft: 1 },
    fim: { prefix: [1, '<prefix>'], suffix: [2, '<suffix>'], middle: [3, '<middle>'], order: 'prefix-first' },
    end: [[0, '<end>']],
    backbone: part('backbone'),
    draft: part('draft'),
  };
}

/** What the server does with a request; undefined has it answer as it should. */
export type Misbehaviour = (request: IncomingMessage, response: ServerResponse, file: Buffer) => void;

export interface FileServer {
  readonly url: string;
  readonly files: Map<string, Buffer>;
  /** What it does with the next requests for a file, one after the other. */
  readonly next: Map<string, Misbehaviour[]>;
  /** Requests so far: `NAME` or `NAME from BYTE`. */
  readonly asked: string[];
}

/** Serves files by name, and parts of them; it goes with the test, or what else has an end. */
export async function fileServer(t: { after: (run: () => void) => void }): Promise<FileServer> {
  const made: Omit<FileServer, 'url'> = { files: new Map(), next: new Map(), asked: [] };
  const server = createServer((request, response) => {
    const name = request.url!.slice(1);
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    made.asked.push(from > 0 ? `${name} from ${from}` : name);
    const file = made.files.get(name);
    if (!file) return void response.writeHead(404).end();
    const behave = made.next.get(name)?.shift();
    if (behave) {
      behave(request, response, file);
      return;
    }
    const tag = `"${sha256(file)}"`;
    const stale = request.headers['if-range'] !== undefined && request.headers['if-range'] !== tag;
    if (from === 0 || stale)
      return void response.writeHead(200, { 'content-length': file.length, etag: tag }).end(file);
    response.writeHead(206, {
      'content-length': file.length - from,
      'content-range': `bytes ${from}-${file.length - 1}/${file.length}`,
      etag: tag,
    });
    response.end(file.subarray(from));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { ...made, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** Sends so many bytes of the file, and breaks the connection. */
export function cutAfter(bytes: number): Misbehaviour {
  return (request, response, file) => {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const headers = {
      'content-length': file.length - from,
      etag: `"${sha256(file)}"`,
      ...(from > 0 && { 'content-range': `bytes ${from}-${file.length - 1}/${file.length}` }),
    };
    response.writeHead(from > 0 ? 206 : 200, headers);
    response.write(file.subarray(from, from + bytes), () => response.destroy());
  };
}
