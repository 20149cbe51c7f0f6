import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { Connection, reset } from './connection.ts';
import { Link } from './link.ts';
import type { Profile } from './profiles.ts';
import { realClock } from './virtual-clock.ts';

export interface ProxyOptions {
  /** Base URL of what is behind the link, on this machine. */
  readonly to: string;
  readonly profile: Profile;
  /** The same seed and traffic give the same delays; 0 where absent. */
  readonly seed?: number;
}

/** What came out of the proxy so far. */
export interface ProxyCounts {
  /** Connections that were ever taken. */
  connections: number;
  /** Bytes that the node, and the client, were given. */
  up: number;
  down: number;
}

/**
 * A network between a client and a node: TCP over loopback, each way shaped by a {@link Link}. TCP's handshake takes
 * its round trip too, although the client's side of it is over at once: what the client says first waits for it.
 */
export class LinkProxy {
  /** Base URL for the client. */
  readonly url: string;
  readonly counts: ProxyCounts = { connections: 0, up: 0, down: 0 };
  readonly #seed: number;
  readonly #server: Server;
  readonly #connections = new Set<Connection>();
  #to: string;
  #state: 'whole' | 'silent' | 'reset' = 'whole';
  #links!: { readonly up: Link; readonly down: Link; readonly began: number; readonly roundTrip: number };

  private constructor(server: Server, { to, profile, seed = 0 }: ProxyOptions) {
    this.#to = to;
    this.#seed = seed;
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    this.reshape(profile);
    server.on('connection', (client) => this.#take(client));
  }

  /** Listens on a free port; goes with the test where one is given. */
  static async start(options: ProxyOptions, t?: TestContext): Promise<LinkProxy> {
    // A half-closed connection is an ordinary one: the end of each way travels on its own.
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    await listening(server, 0);
    const proxy = new LinkProxy(server, options);
    t?.after(() => proxy.close());
    return proxy;
  }

  /** Connections that the client began and neither ended nor reset. */
  get open(): number {
    return [...this.#connections].filter(({ open }) => open).length;
  }

  /** Another network from now on, whose schedule begins now; what is on its way keeps its time. */
  reshape({ up, down }: Profile): void {
    this.#links = {
      up: new Link(up, `${this.#seed} up`),
      down: new Link(down, `${this.#seed} down`),
      began: realClock.now(),
      roundTrip: up[0]!.roundTrip,
    };
  }

  /** New connections go to another node from now on, as where one was started anew. */
  lead(to: string): void {
    this.#to = to;
  }

  /** Breaks the network until {@link heal}: every connection is reset, or nothing arrives and nobody is told. */
  cut(how: 'reset' | 'silent'): void {
    this.#state = how;
    for (const connection of this.#connections) {
      if (how === 'reset') connection.reset();
      else connection.freeze();
    }
  }

  /** New connections are refused until {@link heal}, as where no node runs; those there are go on. */
  refuse(): void {
    this.#server.close();
  }

  /** Ends cut and refusal. Connections that were silent go on when TCP next sends again, as they do in the world. */
  async heal(): Promise<void> {
    if (this.#state === 'silent') {
      for (const connection of this.#connections) connection.thaw(this.#links.roundTrip);
    }
    this.#state = 'whole';
    if (!this.#server.listening) await listening(this.#server, Number(new URL(this.url).port));
  }

  close(): void {
    for (const connection of this.#connections) connection.reset();
    this.#server.close();
  }

  #take(client: Socket): void {
    if (this.#state === 'reset') {
      reset(client.on('error', () => undefined));
      return;
    }
    const id = this.counts.connections++;
    const connection = new Connection(client, {
      dial: () => {
        const { hostname: host, port } = new URL(this.#to);
        return connect({ host, port: Number(port), allowHalfOpen: true, noDelay: true });
      },
      shape: (way, bytes) => {
        const { began, [way]: link } = this.#links;
        return began + link.pass(bytes, realClock.now() - began, id).out;
      },
      passed: (way, bytes) => (this.counts[way] += bytes),
      over: () => {
        this.#connections.delete(connection);
        this.#links.up.forget(id);
        this.#links.down.forget(id);
      },
    });
    this.#connections.add(connection);
    if (this.#state === 'silent') connection.freeze();
    connection.begin();
  }
}

/** Rejects where the port is taken. */
async function listening(server: Server, port: number): Promise<void> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
}
