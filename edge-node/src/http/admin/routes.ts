import type { FastifyError, FastifyInstance } from 'fastify';
import type { Credentials } from '../../access/credentials.ts';
import type { Blocks } from '../../adapters/blocks.ts';
import { AdapterError } from '../../adapters/error.ts';
import type { AdapterStore, BackboneFacts } from '../../adapters/store.ts';
import { systemCode } from '@foretype/models/catalogue';
import type { Target } from '../../target.ts';
import { answerError, Refusal } from '../answers.ts';
import type { Renew } from '../bodies.ts';
import type { AccessOf } from '../guard.ts';
import { adapterRoutes } from './adapters.ts';
import { addingRoutes } from './adding.ts';
import { projectRoutes } from './projects.ts';
import { tokenRoutes } from './tokens.ts';
import { MissingBlocks, type Uploads } from './uploads.ts';

export interface AdminParts {
  readonly targets: readonly Pick<Target, 'family'>[];
  readonly tokens: Credentials;
  readonly store: Pick<
    AdapterStore,
    'add' | 'versions' | 'pieces' | 'remove' | 'pinned' | 'pin' | 'projects' | 'assign' | 'unassign'
  >;
  readonly blocks: Pick<Blocks, 'has' | 'get'>;
  readonly uploads: Uploads;
  /** What adapters of a family are checked against. */
  readonly backbones: (family: string) => Promise<BackboneFacts>;
  /** Told when adapters or projects are others than before. */
  readonly changed: () => void;
  readonly accessOf: AccessOf;
  readonly renew: Renew;
  readonly now: () => Date;
}

/** What admins may do that the command line may, too. */
export function adminRoutes(app: FastifyInstance, parts: AdminParts, done: () => void): void {
  app.setErrorHandler<FastifyError | MissingBlocks>((error, request, reply) => {
    if (error instanceof MissingBlocks) {
      const { code, message, ids: blocks } = error;
      void reply.code(409).send({ error: { code, message, blocks } });
    } else {
      answerError(refusalOf(error), request, reply);
    }
  });
  adapterRoutes(app, parts);
  addingRoutes(app, parts);
  projectRoutes(app, parts);
  tokenRoutes(app, parts);
  done();
}

/** Errors of the store, as answers; all others stay what they are. */
function refusalOf(error: FastifyError): FastifyError {
  if (error instanceof AdapterError) {
    return error.code === 'unknown'
      ? new Refusal(404, 'unknown-adapter', error.message, { cause: error })
      : new Refusal(422, 'invalid-adapter', error.message, { cause: error });
  }
  const sqlite = 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : undefined;
  if (sqlite === BUSY) {
    const message = 'Another command keeps the database of the edge node; try again.';
    return new Refusal(503, 'busy', message, { cause: error });
  }
  if (sqlite !== FULL && !NO_ROOM.has(systemCode(error))) return error;
  const message = 'The disk of the edge node is full, and nothing was stored; free some of it and try again.';
  return new Refusal(507, 'disk-full', message, { cause: error });
}

/** Primary result codes, https://sqlite.org/rescode.html. */
const BUSY = 5;
const FULL = 13;

const NO_ROOM = new Set(['ENOSPC', 'EDQUOT']);
