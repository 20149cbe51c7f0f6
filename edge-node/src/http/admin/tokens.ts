import type { FastifyInstance } from 'fastify';
import { Type, type Static } from 'typebox';
import { DemotionError } from '../../state/tokens.ts';
import { Refusal, refused } from '../answers.ts';
import type { AdminParts } from './routes.ts';
import { NOTHING, TimeSchema } from './schemas.ts';

const AccountSchema = Type.String({
  pattern: '^[\\p{L}\\p{N}][\\p{L}\\p{N} ._@+-]{0,63}$',
  description: 'Whom the token is for; several tokens may be of one account.',
});
const RoleSchema = Type.Enum(['user', 'admin'], {
  description: 'What the account may do, with all its tokens. A newer token may give more, but not less.',
});
const EndSchema = Type.Union([TimeSchema, Type.Null()]);

const TokenSchema = Type.Object(
  {
    id: Type.Integer(),
    account: Type.String(),
    role: RoleSchema,
    created: TimeSchema,
    expires: EndSchema,
    revoked: EndSchema,
  },
  { description: 'What may be told of a token: never the token.' },
);

const ListSchema = Type.Object(
  { tokens: Type.Array(TokenSchema) },
  { description: 'All tokens there ever were.' },
);

const MakeSchema = Type.Object({
  account: AccountSchema,
  role: Type.Optional(
    Type.Enum(['user', 'admin'], {
      description: 'Without it, the one that the account has, and `user` where it is new.',
    }),
  ),
  expires: Type.Optional(TimeSchema),
});

const MadeSchema = Type.Object(
  {
    id: Type.Integer(),
    token: Type.String(),
    account: Type.String(),
    role: RoleSchema,
    expires: EndSchema,
  },
  { description: 'The token, which is told this once.' },
);

const TokenParams = Type.Object({ id: Type.Integer({ minimum: 1 }) });

const tags = ['Tokens'];

/** Who may use the node. */
export function tokenRoutes(app: FastifyInstance, { tokens, accessOf, now }: AdminParts): void {
  app.get(
    '/v1/admin/tokens',
    { schema: { summary: 'All tokens', tags, response: { 200: ListSchema } } },
    (): Static<typeof ListSchema> => ({
      tokens: tokens.list().map(({ id, account: { name, role }, created, expires, revoked }) => ({
        id,
        account: name,
        role,
        created: created.toISOString(),
        expires: expires?.toISOString() ?? null,
        revoked: revoked?.toISOString() ?? null,
      })),
    }),
  );

  app.post<{ Body: Static<typeof MakeSchema> }>(
    '/v1/admin/tokens',
    {
      schema: {
        summary: 'Make a token',
        tags,
        body: MakeSchema,
        response: {
          201: MadeSchema,
          409: refused('The account is an admin, and the token would make it a user.'),
        },
      },
    },
    (request, reply) => {
      const { account: name, role: asked, expires: text } = request.body;
      const expires = text === undefined ? undefined : expiryOf(text, now());
      const role = asked ?? tokens.roleOf(name) ?? 'user';
      const token = createdBy(() => tokens.create({ name, role }, expires));
      const { token: id } = tokens.verify(token)!;
      request.log.info(
        { admin: accessOf(request).account.name, account: name, role, token: id },
        'token made',
      );
      reply.code(201).header('cache-control', 'no-store');
      const made = { id, token, account: name, role, expires: expires?.toISOString() ?? null };
      return made satisfies Static<typeof MadeSchema>;
    },
  );

  app.delete<{ Params: Static<typeof TokenParams> }>(
    '/v1/admin/tokens/:id',
    {
      schema: {
        summary: 'Revoke a token; what is open with it ends within a second',
        tags,
        params: TokenParams,
        response: { 204: NOTHING, 404: refused('There is no such token, or it was revoked before.') },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      if (!tokens.revoke(id)) throw new Refusal(404, 'unknown-token', `There is no token ${id} to revoke.`);
      request.log.info({ admin: accessOf(request).account.name, token: id }, 'token revoked');
      return reply.code(204).send();
    },
  );
}

/** @throws Refusal where that is no time to come. */
function expiryOf(text: string, now: Date): Date {
  const expires = new Date(text);
  // A leap second, which RFC 3339 has and JavaScript has not.
  if (Number.isNaN(expires.getTime()))
    throw new Refusal(400, 'invalid-request', `The node knows no such time as ${text}; name another.`);
  if (expires <= now)
    throw new Refusal(400, 'invalid-request', `The token would have ended at ${expires.toISOString()}.`);
  return expires;
}

function createdBy(create: () => string): string {
  try {
    return create();
  } catch (cause) {
    if (!(cause instanceof DemotionError)) throw cause;
    throw new Refusal(409, cause.code, cause.message, { cause });
  }
}
