/** Pure: who may use what. A route that is not listed here cannot be registered, and nobody may use it. */
import type { Role } from '../state/tokens.ts';

/** The least that it takes: no token at all, or one of an account with this role. */
export type Least = 'anyone' | Role;

/** By method and path, as Fastify writes paths; whoever may `GET` something may ask for its `HEAD`. */
const LEAST: Readonly<Record<string, Least>> = {
  'GET /health': 'anyone',
  'GET /openapi.json': 'anyone',

  'GET /v1/wire': 'user',
  'GET /v1/models': 'user',
  'GET /v1/projects/:id': 'user',
  'GET /v1/families/:id/family.json': 'user',
  'GET /v1/families/:id/vocabulary.gguf': 'user',
  'POST /infill': 'user',
  'POST /v1/completions': 'user',

  'GET /metrics': 'admin',
  'GET /v1/admin/adapters': 'admin',
  'POST /v1/admin/adapters': 'admin',
  'GET /v1/admin/adapters/:name': 'admin',
  'DELETE /v1/admin/adapters/:name': 'admin',
  'PUT /v1/admin/adapters/:name/pin': 'admin',
  'POST /v1/admin/adapters/:name/versions': 'admin',
  'GET /v1/admin/adapters/:name/:number': 'admin',
  'GET /v1/admin/adapters/:name/:number/file': 'admin',
  'HEAD /v1/admin/blocks/:id': 'admin',
  'GET /v1/admin/blocks/:id': 'admin',
  'PUT /v1/admin/blocks/:id': 'admin',
  'GET /v1/admin/projects': 'admin',
  'PUT /v1/admin/projects/:id': 'admin',
  'DELETE /v1/admin/projects/:id': 'admin',
  'GET /v1/admin/tokens': 'admin',
  'POST /v1/admin/tokens': 'admin',
  'DELETE /v1/admin/tokens/:id': 'admin',
};

/** @returns undefined where the route is not listed. */
export function leastFor(method: string, path: string): Least | undefined {
  return LEAST[`${method} ${path}`] ?? (method === 'HEAD' ? LEAST[`GET ${path}`] : undefined);
}

export function mayUse(role: Role, least: Least): boolean {
  return least !== 'admin' || role === 'admin';
}
