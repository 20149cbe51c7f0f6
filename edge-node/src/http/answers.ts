import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { Type, type Static } from 'typebox';

/** Routes refer to it by its name, so that it stands in the API's description once. */
export const ErrorSchema = Type.Object(
  { error: Type.Object({ code: Type.String(), message: Type.String() }) },
  { $id: 'Error', description: 'What went wrong: a code for programs and one sentence for people.' },
);

/** The schema of an answer that is an error; `when` is one sentence. */
export function refused(when: string) {
  return Type.Ref('Error#', { description: when });
}

/** An answer that is an error, for whoever is too deep in to answer; `message` is one sentence. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly statusCode: number;
  readonly code: string;

  constructor(statusCode: number, code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.statusCode = statusCode;
    this.code = code;
  }
}

const codes = new WeakMap<FastifyReply, string>();

/** The code of an answer that is an error. */
export function codeOf(reply: FastifyReply): string | undefined {
  return codes.get(reply);
}

/** Whether an answer has begun; `reply.sent` is true only once all of a stream went out. */
export function isUnderWay(reply: FastifyReply): boolean {
  // A stream that was sent has its type from the start, and its head goes out with the first bytes.
  return reply.sent || reply.raw.headersSent || reply.hasHeader('content-type');
}

export function refuse(reply: FastifyReply, status: number, code: string, message: string): FastifyReply {
  codes.set(reply, code);
  return reply.code(status).send({ error: { code, message } } satisfies Static<typeof ErrorSchema>);
}

/** Answers whatever was thrown: nothing of a fault of the node itself leaves it. */
export function answerError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const status = error.statusCode ?? 500;
  if (error instanceof Refusal) {
    refuse(reply, status, error.code, error.message);
  } else if (status < 500) {
    refuse(reply, status, 'invalid-request', `The request is wrong: ${error.message.replace(/\.$/, '')}.`);
  } else {
    request.log.error({ err: error }, 'fault in a request');
    refuse(reply, 500, 'internal', 'The edge node failed to answer; its log says why.');
  }
}

export function answerUnknown(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return refuse(reply, 404, 'not-found', `There is no ${request.method} ${pathOf(request.url)} here.`);
}

export function answerGoingAway(reply: FastifyReply): FastifyReply {
  const last = reply.header('connection', 'close').header('retry-after', 5);
  return refuse(last, 503, 'unavailable', 'The edge node is shutting down.');
}

/** A query may hold what belongs neither into a log nor into an answer. */
export function pathOf(url: string): string {
  return url.split('?', 1)[0]!;
}
