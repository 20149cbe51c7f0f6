import { createHash, timingSafeEqual } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { transaction } from './database.ts';

export type Role = 'user' | 'admin';

/** Whoever a token stands for. */
export interface Account {
  readonly name: string;
  readonly role: Role;
}

/** Refuses a token with which an account, and so all its other tokens, could do less than before. */
export class DemotionError extends Error {
  override readonly name = 'DemotionError';
  readonly code = 'conflict';
}

/** A token that is valid now. */
export interface Access {
  readonly token: number;
  readonly account: Account;
}

/** What may be told of a token: never the token. */
export interface TokenInfo {
  readonly id: number;
  readonly account: Account;
  readonly created: Date;
  readonly expires: Date | null;
  readonly revoked: Date | null;
}

export interface TokensOptions {
  readonly database: DatabaseSync;
  /** `size` bytes that nobody can guess. */
  readonly random: (size: number) => Uint8Array;
  readonly now: () => Date;
}

/** Lets secret scanners, and people, see what a leaked string is. */
const PREFIX = 'ft_';

/** Bearer tokens and the accounts they belong to. Only a hash of a token is kept, and it is shown once. */
export class Tokens {
  readonly #database: DatabaseSync;
  readonly #random: TokensOptions['random'];
  readonly #now: TokensOptions['now'];

  constructor({ database, random, now }: TokensOptions) {
    this.#database = database;
    this.#random = random;
    this.#now = now;
  }

  /** Whether there has never been any, as at the first start. */
  get isEmpty(): boolean {
    return !this.#database.prepare('SELECT 1 FROM token LIMIT 1').get();
  }

  /** The role of an account; undefined where there is none of that name. */
  roleOf(name: string): Role | undefined {
    const row = this.#database.prepare('SELECT role FROM account WHERE name = ?').get(name);
    return row && accountOf({ name, ...row }).role;
  }

  /**
   * Makes a token for an account, which is made where it is new, and returns it: it cannot be had again.
   * @throws DemotionError where the account has a higher role.
   */
  create({ name, role }: Account, expires?: Date): string {
    const token = PREFIX + Buffer.from(this.#random(32)).toString('base64url');
    const now = this.#now().getTime();
    transaction(this.#database, () => {
      if (role === 'user' && this.roleOf(name) === 'admin')
        throw new DemotionError(`The account ${name} is an admin's, and so are all its tokens.`);
      this.#database
        .prepare(
          'INSERT INTO account (name, role, created) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET role = excluded.role',
        )
        .run(name, role, now);
      this.#database
        .prepare(
          'INSERT INTO token (account, sha256, created, expires) SELECT id, ?, ?, ? FROM account WHERE name = ?',
        )
        .run(hash(token), now, expires?.getTime() ?? null, name);
    });
    return token;
  }

  /** The account of a valid token. The lookup is by hash, of which timing tells nothing that helps to find another. */
  verify(token: string): Access | undefined {
    const sha256 = hash(token);
    const row = this.#database
      .prepare(
        'SELECT token.id, sha256, expires, revoked, name, role FROM token JOIN account ON account.id = account WHERE sha256 = ?',
      )
      .get(sha256);
    if (!row || !timingSafeEqual(row['sha256'] as Uint8Array, sha256)) return undefined;
    return this.#isValid(row) ? { token: Number(row['id']), account: accountOf(row) } : undefined;
  }

  /** Why a token is not valid that {@link verify} does not take. */
  whyNot(token: string): 'unknown' | 'expired' | 'revoked' {
    const row = this.#database.prepare('SELECT revoked FROM token WHERE sha256 = ?').get(hash(token));
    if (!row) return 'unknown';
    return row['revoked'] === null ? 'expired' : 'revoked';
  }

  /** Whether a token that was valid still is. */
  stillValid({ token }: Access): boolean {
    const row = this.#database.prepare('SELECT expires, revoked FROM token WHERE id = ?').get(token);
    return row !== undefined && this.#isValid(row);
  }

  list(): TokenInfo[] {
    const rows = this.#database
      .prepare(
        'SELECT token.id, token.created, expires, revoked, name, role FROM token JOIN account ON account.id = account ORDER BY token.id',
      )
      .all();
    return rows.map((row) => ({
      id: Number(row['id']),
      account: accountOf(row),
      created: new Date(Number(row['created'])),
      expires: dateOf(row['expires']),
      revoked: dateOf(row['revoked']),
    }));
  }

  /** @returns whether there is such a token that was not revoked before. */
  revoke(id: number): boolean {
    const { changes } = this.#database
      .prepare('UPDATE token SET revoked = ? WHERE id = ? AND revoked IS NULL')
      .run(this.#now().getTime(), id);
    return changes > 0;
  }

  #isValid(row: Row): boolean {
    const expires = dateOf(row['expires']);
    return row['revoked'] === null && (expires === null || this.#now() < expires);
  }
}

type Row = Readonly<Record<string, unknown>>;

function accountOf(row: Row): Account {
  return { name: String(row['name']), role: row['role'] as Role };
}

function dateOf(value: unknown): Date | null {
  return value === null ? null : new Date(Number(value));
}

function hash(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
