import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { connect, type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TestContext } from 'node:test';

export interface ProxyOptions {
  /** What it answers instead of connecting. */
  readonly answer?: string;
  /** Certificate and key, where it is spoken to over TLS. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

/** A proxy that tunnels to ports of this machine, whatever the host is called; it goes with the test. */
export class ConnectProxy {
  readonly url: string;
  /** Every tunnel that was asked for. */
  readonly asked: { readonly host: string; readonly headers: IncomingHttpHeaders }[] = [];
  /** What came that was no tunnel: whoever sends it trusts the proxy with what is in it. */
  readonly plain: string[] = [];
  readonly #open = new Set<Duplex>();

  private constructor(server: Server, scheme: string, answer: string | undefined) {
    this.url = `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('request', ({ url }, response) => {
      this.plain.push(url!);
      response.writeHead(502).end();
    });
    server.on('connect', ({ url, headers }, socket) => {
      this.asked.push({ host: url!, headers });
      this.#open.add(socket.on('error', () => undefined).once('close', () => this.#open.delete(socket)));
      if (answer !== undefined) {
        socket.end(`HTTP/1.1 ${answer}\r\ncontent-length: 0\r\n\r\n`);
        return;
      }
      const there = connect(Number(url!.split(':').at(-1)), '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
        there.pipe(socket).pipe(there);
      });
      // An HTTP server leaves half of a connection open for whoever wants to write on.
      for (const end of ['end', 'close']) there.once(end, () => socket.destroy());
      for (const end of ['end', 'close']) socket.once(end, () => there.destroy());
      there.on('error', () => undefined);
    });
  }

  static async start(t: TestContext, { answer, tls }: ProxyOptions = {}): Promise<ConnectProxy> {
    const server = tls ? createSecureServer(tls) : createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const proxy = new ConnectProxy(server, tls ? 'https' : 'http', answer);
    t.after(() => {
      proxy.cut();
      server.closeAllConnections();
      server.close();
    });
    return proxy;
  }

  /** Tunnels that are open. */
  get open(): number {
    return this.#open.size;
  }

  /** Ends every tunnel. */
  cut(): void {
    for (const socket of this.#open) socket.destroy();
  }
}
