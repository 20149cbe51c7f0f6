import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import fastify from 'fastify';
import type { WritingTarget } from '../../../edge-node/src/facade/models.ts';
import { facade } from '../../../edge-node/src/facade/routes.ts';

export interface FacadeApp {
  readonly url: string;
  /** Lines of the log so far. */
  readonly log: readonly string[];
}

/** The facade alone on a free port; it goes with the test. Whoever asks says who it is by a header. */
export async function startFacade(t: TestContext, targets: readonly WritingTarget[]): Promise<FacadeApp> {
  const log: string[] = [];
  const app = fastify({
    logger: { level: 'debug', stream: { write: (line: string) => void log.push(line) } },
    forceCloseConnections: true,
  });
  t.after(() => app.close());
  app.register(facade, {
    targets,
    account: ({ headers }) => String(headers['x-account'] ?? 'tests'),
    world: {
      now: () => performance.now(),
      date: () => 1_700_000_000,
      id: () => 'id',
      seed: () => 99,
    },
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  return { url: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`, log };
}

export function post(url: string, body: unknown, options: RequestInit = {}): Promise<Response> {
  const json = typeof body === 'string' ? body : JSON.stringify(body);
  const { headers, ...rest } = options;
  return fetch(url, {
    method: 'POST',
    body: json,
    headers: { 'content-type': 'application/json', ...(headers as Record<string, string> | undefined) },
    ...rest,
  });
}

/** The data of the server-sent events of a whole answer. */
export async function eventsIn(response: Response): Promise<string[]> {
  assert.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8');
  const text = await response.text();
  assert.ok(text.endsWith('\n\n'), 'every event ends');
  return text
    .slice(0, -2)
    .split('\n\n')
    .map((event) => {
      assert.ok(event.startsWith('data: ') && !event.includes('\n'), event);
      return event.slice('data: '.length);
    });
}

/** The value at a path of keys and places in lists, such as `choices/0/text`. */
export function valueAt(value: unknown, path: string): unknown {
  return path
    .split('/')
    .reduce<unknown>(
      (found, key) =>
        typeof found === 'object' && found !== null ? (found as Record<string, unknown>)[key] : undefined,
      value,
    );
}
