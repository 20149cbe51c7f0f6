import type { LogOutputChannel } from 'vscode';
import {
  CloseAction,
  ErrorCodes,
  type ErrorHandler,
  LanguageClient,
  type LanguageClientOptions,
  ResponseError,
  RevealOutputChannelOn,
  State,
  TransportKind,
} from 'vscode-languageclient/node';
import { type ServerStatus, SettingsNotification, StatusNotification } from '@foretype/server/protocol';
import type { EditorSettings } from './settings.ts';

export interface ClientOptions {
  /** Path of the language server's bundle. */
  readonly module: string;
  readonly log: LogOutputChannel;
  /** What the server may know from its first message on. */
  readonly localSettings: () => EditorSettings;
  /** The whole settings; sent as soon as the server runs and at every change. */
  readonly readSettings: () => Promise<EditorSettings>;
  readonly onStatus: (status: ServerStatus | 'starting' | 'stopped') => void;
  /** The server does not run and nothing will start it again by itself; told once, in one sentence. */
  readonly onFailure: (sentence: string) => void;
}

/** The connection to the language server, whose process it starts, and starts again when that process crashes. */
export class Client {
  readonly #options: ClientOptions;
  readonly #client: LanguageClient;
  #sending: Promise<void> = Promise.resolve();
  #failed = false;

  constructor(options: ClientOptions) {
    this.#options = options;
    const server = { module: options.module, transport: TransportKind.ipc };
    this.#client = new QuietLanguageClient('foretype', 'Foretype', server, this.#clientOptions());
    // By name, since to the compiler the message types of the server's library are not those of the client's.
    this.#client.onNotification(StatusNotification.method, (status: ServerStatus) =>
      options.onStatus(status),
    );
    this.#client.onDidChangeState(({ newState }) => {
      if (newState === State.Running) this.sendSettings();
      else options.onStatus(newState === State.Starting ? 'starting' : 'stopped');
    });
  }

  /** Resolves when the server has answered or failed; a failure is told through `onFailure`, never thrown. */
  async start(): Promise<void> {
    this.#failed = false;
    await this.#client.start().catch((cause: unknown) => {
      this.#options.log.error(sentence(cause));
      // After a crash it is for the error handler to start the server again or to give up.
      const crashed = cause instanceof ResponseError && cause.code === ErrorCodes.PendingResponseRejected;
      if (!crashed) this.#fail('its language server could not be started');
    });
  }

  /** Resolves when the server's process was told to end. */
  async stop(): Promise<void> {
    // A client that is starting cannot be stopped; calling `start` again joins the start under way.
    if (this.#client.needsStop()) await this.#client.start().catch(() => {});
    if (!this.#client.isRunning()) return;
    await this.#client.stop().catch((cause: unknown) => this.#options.log.warn(sentence(cause)));
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Sends the settings as they are now; each sending waits for the one before, so that the newest arrives last. */
  sendSettings(): void {
    this.#sending = this.#sending
      .then(async () => {
        const settings = await this.#options.readSettings();
        if (this.#client.isRunning())
          await this.#client.sendNotification(SettingsNotification.method, settings);
      })
      .catch((cause: unknown) =>
        this.#options.log.error(`The settings could not be sent: ${sentence(cause)}`),
      );
  }

  #clientOptions(): LanguageClientOptions {
    return {
      documentSelector: [{ language: '*' }],
      outputChannel: this.#options.log,
      revealOutputChannelOn: RevealOutputChannelOn.Never,
      initializationOptions: this.#options.localSettings,
      // The start is rejected with the same error, and that is where it is told.
      initializationFailedHandler: () => false,
      errorHandler: this.#errorHandler(),
      middleware: {
        didOpen: async (document, next) => {
          if (!foreignSchemes.has(document.uri.scheme)) await next(document);
        },
        didChange: async (event, next) => {
          if (!foreignSchemes.has(event.document.uri.scheme)) await next(event);
        },
        didClose: async (document, next) => {
          if (!foreignSchemes.has(document.uri.scheme)) await next(document);
        },
        provideInlineCompletionItems: (document, position, context, token, next) =>
          foreignSchemes.has(document.uri.scheme) ? [] : next(document, position, context, token),
      },
    };
  }

  #errorHandler(): ErrorHandler {
    let standard: ErrorHandler | undefined;
    const handler = () => (standard ??= this.#client.createDefaultErrorHandler());
    return {
      error: (error, message, count) => handler().error(error, message, count),
      closed: async () => {
        const verdict = await handler().closed();
        if (verdict.action === CloseAction.DoNotRestart)
          this.#fail('its language server ended unexpectedly several times');
        return verdict;
      },
    };
  }

  /** A start may fail in several ways at once; the first is told. */
  #fail(reason: string): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#options.onFailure(`Foretype is not running: ${reason}; the log says more.`);
  }
}

/**
 * Documents that are no code of the user's. The log must not pass in any case: it would be sent to the server, which
 * may log that, and so on without end.
 */
const foreignSchemes: ReadonlySet<string> = new Set(['output', 'vscode-scm', 'comment', 'debug', 'git']);

/** Writes errors to the log only; the library's own boxes would repeat what `onFailure` says, up to five times. */
class QuietLanguageClient extends LanguageClient {
  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }
}

function sentence(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
