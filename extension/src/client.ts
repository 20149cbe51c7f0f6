import {
  type CancellationToken,
  type InlineCompletionItemProvider,
  l10n,
  type LogOutputChannel,
} from 'vscode';
import {
  CloseAction,
  ErrorCodes,
  type ErrorHandler,
  InlineCompletionRequest,
  LanguageClient,
  type LanguageClientOptions,
  ResponseError,
  RevealOutputChannelOn,
  State,
  TransportKind,
  WorkDoneProgress,
} from 'vscode-languageclient/node';
import {
  DismissedNotification,
  type DocumentPlace,
  type Explanation,
  ExplainRequest,
  FamiliesRequest,
  type FamilyInstalled,
  type FamilyList,
  ImportFamilyRequest,
  InstallFamilyRequest,
  FocusNotification,
  ForgetUsageRequest,
  RemoveFamilyRequest,
  type ServerStatus,
  SettingsNotification,
  StatusNotification,
  type UsageHeld,
  UsageRequest,
  VerifiedNotification,
} from '@foretype/server/protocol';
import { isForeign } from './documents.ts';
import type { Advance, FamilyServer } from './families.ts';
import { discreet } from './secrets.ts';
import type { EditorSettings } from './settings.ts';

export interface ClientOptions {
  /** Path of the language server's bundle. */
  readonly module: string;
  /** Directory in which the server keeps the families that are installed. */
  readonly families: string;
  /** Directory in which the server keeps measures of use. */
  readonly usage: string;
  readonly log: LogOutputChannel;
  /** What the server may know from its first message on. */
  readonly localSettings: () => EditorSettings;
  /** The whole settings; sent as soon as the server runs and at every change. */
  readonly readSettings: () => Promise<EditorSettings>;
  readonly onStatus: (status: ServerStatus | 'starting' | 'stopped') => void;
  /** The editor asked for a completion, still wants it, and has got it; `given` is false where there is none. */
  readonly onAnswer: (place: DocumentPlace, given: boolean) => void;
  /** The user accepted a completion whole. */
  readonly onAccepted: () => void;
  /** Whoever asks again for the place gets another text than was answered last, the target's own. */
  readonly onVerified: (place: DocumentPlace) => void;
  /** The server does not run and nothing will start it again by itself; told once, in one sentence. */
  readonly onFailure: (sentence: string) => void;
}

/** The connection to the language server, whose process it starts, and starts again when that process crashes. */
export class Client {
  readonly #options: ClientOptions;
  readonly #client: LanguageClient;
  #sending: Promise<void> = Promise.resolve();
  #failed = false;
  #installations = 0;

  constructor(options: ClientOptions) {
    this.#options = options;
    const server = {
      module: options.module,
      transport: TransportKind.ipc,
      options: { env: { FORETYPE_FAMILIES: options.families } },
    };
    this.#client = new QuietLanguageClient('foretype', 'Foretype', server, this.#clientOptions());
    // By name, since to the compiler the message types of the server's library are not those of the client's.
    this.#client.onNotification(StatusNotification.method, (status: ServerStatus) =>
      options.onStatus(status),
    );
    this.#client.onNotification(VerifiedNotification.method, (place: DocumentPlace) =>
      options.onVerified(place),
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
      if (!crashed)
        this.#fail(
          l10n.t('Foretype is not running: its language server could not be started; the log says more.'),
        );
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

  /** Asks the server for a completion as the editor does. */
  readonly provide: InlineCompletionItemProvider['provideInlineCompletionItems'] = (document, ...rest) =>
    this.#client
      .getFeature(InlineCompletionRequest.method)
      ?.getProvider(document)
      ?.provideInlineCompletionItems(document, ...rest);

  /** Tells the server that what was shown in a document was not wanted. */
  dismissed(uri: string): void {
    if (!this.#client.isRunning()) return;
    this.#client
      .sendNotification(DismissedNotification.method, { uri })
      .catch((cause: unknown) => this.#options.log.debug(sentence(cause)));
  }

  /** Tells the server that the user has come back to the window. */
  focused(): void {
    if (!this.#client.isRunning()) return;
    this.#client
      .sendNotification(FocusNotification.method)
      .catch((cause: unknown) => this.#options.log.debug(sentence(cause)));
  }

  /** What came of the last request; null before the first, undefined where the server cannot say. */
  async explain(): Promise<Explanation | null | undefined> {
    if (!this.#client.isRunning()) return undefined;
    try {
      return await this.#client.sendRequest<Explanation | null>(ExplainRequest.method, {});
    } catch (cause) {
      this.#options.log.debug(sentence(cause));
      return undefined;
    }
  }

  /** What the server does about families; undefined while it does not run. */
  get families(): FamilyServer | undefined {
    if (!this.#client.isRunning()) return undefined;
    const request = async (method: string, params: object, advance: Advance, token: CancellationToken) => {
      const workDoneToken = `foretype-family-${++this.#installations}`;
      const listening = this.#client.onProgress(WorkDoneProgress.type, workDoneToken, (progress) => {
        if (progress.kind !== 'end') advance(progress.percentage, progress.message);
      });
      try {
        return await this.#client.sendRequest<FamilyInstalled>(method, { ...params, workDoneToken }, token);
      } finally {
        listening.dispose();
      }
    };
    return {
      list: () => this.#client.sendRequest<FamilyList>(FamiliesRequest.method, {}),
      install: (id, ...rest) => request(InstallFamilyRequest.method, { id }, ...rest),
      import: (from, ...rest) => request(ImportFamilyRequest.method, { from }, ...rest),
      remove: async (id) => {
        await this.#client.sendRequest<null>(RemoveFamilyRequest.method, { id });
      },
    };
  }

  /** The measures of use; undefined where the server cannot say. */
  async usage(): Promise<UsageHeld | undefined> {
    return this.#asked(() => this.#client.sendRequest<UsageHeld>(UsageRequest.method));
  }

  /** Deletes the measures of use. @returns false where the server cannot. */
  async forgetUsage(): Promise<boolean> {
    return (await this.#asked(() => this.#client.sendRequest<null>(ForgetUsageRequest.method))) === null;
  }

  /** The answer of the server; undefined where it does not run, or ends before it answers. */
  async #asked<Answer>(ask: () => Promise<Answer>): Promise<Answer | undefined> {
    if (!this.#client.isRunning()) return undefined;
    try {
      return await ask();
    } catch (cause) {
      this.#options.log.debug(sentence(cause));
      return undefined;
    }
  }

  #clientOptions(): LanguageClientOptions {
    return {
      documentSelector: [{ language: '*' }],
      outputChannel: this.#options.log,
      traceOutputChannel: discreet(this.#options.log),
      revealOutputChannelOn: RevealOutputChannelOn.Never,
      // What comes later is pushed, the token among it, so that the server asks for no configuration.
      initializationOptions: () => ({
        ...this.#options.localSettings(),
        pushesSettings: true,
        usageDirectory: this.#options.usage,
      }),
      // The start is rejected with the same error, and that is where it is told.
      initializationFailedHandler: () => false,
      errorHandler: this.#errorHandler(),
      middleware: {
        executeCommand: (command, args, next) => {
          // The only command of the server's: every item of its carries it.
          this.#options.onAccepted();
          return next(command, args) as unknown;
        },
        didOpen: async (document, next) => {
          if (!isForeign(document)) await next(document);
        },
        didChange: async (event, next) => {
          if (!isForeign(event.document)) await next(event);
        },
        didClose: async (document, next) => {
          if (!isForeign(document)) await next(document);
        },
        provideInlineCompletionItems: async (document, position, context, token, next) => {
          if (isForeign(document)) return [];
          // The version that is asked about; it may be another one when the answer is there.
          const { version } = document;
          const answer = await next(document, position, context, token);
          // Who is asked in vain was too late, or beaten by another extension: its answer is not shown.
          if (!token.isCancellationRequested) {
            const { line, character } = position;
            const place = { uri: document.uri.toString(), version, position: { line, character } };
            const items = Array.isArray(answer) ? answer : answer?.items;
            this.#options.onAnswer(place, Boolean(items?.length));
          }
          return answer;
        },
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
          this.#fail(
            l10n.t('Foretype is not running: its language server ended several times; the log says more.'),
          );
        return verdict;
      },
    };
  }

  /** A start may fail in several ways at once; the first is told. */
  #fail(told: string): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#options.onFailure(told);
  }
}

/** Writes errors to the log only; the library's own boxes would repeat what `onFailure` says, up to five times. */
class QuietLanguageClient extends LanguageClient {
  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }
}

function sentence(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
