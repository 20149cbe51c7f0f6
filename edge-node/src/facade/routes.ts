import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { randomBytes, randomInt } from 'node:crypto';
import { Readable } from 'node:stream';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { completionDialect, completionRequest, COMPLETIONS, type CompletionBody } from './completions.ts';
import type { Dialect } from './dialect.ts';
import { errorBody, FacadeError, failureOf, FAULT, type Failure } from './failure.ts';
import { INFILL, infillDialect, infillRequest, type InfillBody } from './infill.ts';
import { modelNamed, type Model, type WritingTarget } from './models.ts';
import { objectionIn } from './objection.ts';
import { eventsOf, wholeOf } from './streaming.ts';
import type { TextRequest } from './text.ts';
import { writeText, type WriteParts } from './write.ts';

export interface FacadeOptions {
  /** The families of the node, at least one; the first is for clients that name none. */
  readonly targets: readonly WritingTarget[];
  /** Whom a request is for: see `Asking.client`. */
  readonly account: (request: FastifyRequest) => string;
  /** See `WriteParts.done`. */
  readonly done?: WriteParts['done'];
  /** The real one if absent. */
  readonly world?: World;
}

/** Time and chance. */
export interface World {
  /** Milliseconds on a clock that never goes back. */
  now(): number;
  /** Seconds since 1970. */
  date(): number;
  /** What tells an answer from all others. */
  id(): string;
  /** 32 bits that nobody foresees. */
  seed(): number;
}

const WORLD: World = {
  now: () => performance.now(),
  date: () => Math.floor(Date.now() / 1000),
  id: () => randomBytes(12).toString('base64url'),
  seed: () => randomInt(2 ** 32),
};

/** Hundreds of lines around the place, with sixteen snippets of 64 lines from llama.vim, are a fifth of it. */
const MAX_BODY_BYTES = 1024 * 1024;

/** Milliseconds without a byte either way after which a client is taken for gone: it may hold a place in the engine. */
const STALLED_MS = 60_000;

/**
 * The APIs for clients that are not ours: `POST /infill` as llama-server has it, `POST /v1/completions` as OpenAI has it,
 * whole or as server-sent events. To be registered, as a plugin, behind the node's authentication.
 */
export function facade(app: FastifyInstance, options: FacadeOptions, done: () => void): void {
  const { targets, account, world = WORLD } = options;

  // Fastify's own would take text for a number where it looks like one, and keep out of an answer what is not in a schema.
  app.setValidatorCompiler(({ schema }) => {
    const validator = Compile(schema as TSchema);
    return (value: unknown) => {
      if (validator.Check(value)) return { value };
      return { error: new FacadeError('invalid-request', objectionIn(validator.Errors(value))) };
    };
  });
  app.setSerializerCompiler(() => (answer) => JSON.stringify(answer));

  const failed = (error: unknown, { log }: FastifyRequest): Failure => {
    const failure = failureOf(error) ?? FAULT;
    if (failure.status === 500) log.error({ err: error }, 'fault in a completion');
    return failure;
  };
  app.setErrorHandler((error, request, reply) => {
    const failure = failed(error, request);
    if (failure.retryAfter !== undefined) reply.header('retry-after', failure.retryAfter);
    return reply.code(failure.status).type('application/json').send(errorBody(failure));
  });

  const answer = async (request: FastifyRequest, reply: FastifyReply, asked: Asked): Promise<unknown> => {
    const { target } = asked.model;
    const gone = new AbortController();
    const parts = { target, client: account(request), now: () => world.now(), done: options.done };
    const pieces = writeText(parts, asked.request, gone.signal);
    whenOver(reply, () => {
      gone.abort();
      // Where nobody takes the next piece, nothing else would give back the place in the engine.
      pieces.return(undefined as never).catch(() => undefined);
    });
    try {
      if (!asked.stream) return await wholeOf(pieces, asked.dialect);
      const first = await pieces.next();
      const events = eventsOf(pieces, first, asked.dialect, (error) =>
        gone.signal.aborted ? undefined : failed(error, request),
      );
      reply.header('content-type', 'text/event-stream; charset=utf-8').header('cache-control', 'no-cache');
      return Readable.from(events, { highWaterMark: 1 });
    } catch (error) {
      if (!gone.signal.aborted) throw error;
      // Nobody is there to be told.
      return reply.hijack();
    }
  };

  app.post<{ Body: InfillBody }>(
    '/infill',
    { bodyLimit: MAX_BODY_BYTES, schema: INFILL },
    (request, reply) => {
      const { body } = request;
      // As a llama-server does that has one model: llama.vscode names its chat model here where no other is set.
      const model = modelNamed(targets, body.model) ?? modelNamed(targets, '')!;
      const wanted = infillRequest(body, model, () => world.seed());
      const dialect = infillDialect(body, wanted, model);
      return answer(request, reply, { model, request: wanted, dialect, stream: body.stream === true });
    },
  );

  app.post<{ Body: CompletionBody }>(
    '/v1/completions',
    { bodyLimit: MAX_BODY_BYTES, schema: COMPLETIONS },
    (request, reply) => {
      const { body } = request;
      const model = modelNamed(targets, body.model);
      if (!model) {
        const name = (body.model ?? '').slice(0, MAX_NAME_LENGTH);
        throw new FacadeError(
          'model-not-found',
          `The edge node has no model "${name}"; GET /v1/models lists those that it has.`,
        );
      }
      const wanted = completionRequest(body, model, () => world.seed());
      const dialect = completionDialect(body, model, { id: `cmpl-${world.id()}`, created: world.date() });
      return answer(request, reply, { model, request: wanted, dialect, stream: body.stream === true });
    },
  );
  done();
}

/** What is quoted back of a name at most. */
const MAX_NAME_LENGTH = 80;

interface Asked {
  readonly model: Model;
  readonly request: TextRequest;
  readonly dialect: Dialect;
  readonly stream: boolean;
}

/** Tells when there is nobody to answer any more: all was sent, the client has left or takes nothing. */
function whenOver({ raw }: FastifyReply, over: () => void): void {
  raw.once('close', over);
  raw.setTimeout(STALLED_MS, () => raw.destroy());
  if (raw.destroyed) over();
}
