import { createHash, timingSafeEqual } from 'node:crypto';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';
import { StartError, systemCode } from './error.ts';

/** Whoever a bearer token stands for. */
export interface Account {
  readonly name: string;
}

export interface Accounts {
  /** The account that `token` belongs to; takes the same time for every wrong token. */
  verify(token: string): Account | undefined;
}

export interface OpenedAccounts {
  readonly accounts: Accounts;
  /** The plain token, where this was the first start; it is nowhere else and cannot be had again. */
  readonly created: string | undefined;
}

export interface AccountsOptions {
  /** Made, with its parents, where it does not exist. */
  readonly directory: string;
  /** `size` bytes that nobody can guess. */
  readonly random: (size: number) => Uint8Array;
  readonly now: () => Date;
}

const TokensSchema = Type.Object({
  format: Type.Literal(1),
  tokens: Type.Array(
    Type.Object({
      name: Type.String({ minLength: 1 }),
      /** Of the whole token, prefix included. 256 random bits need no salt and no slow hash. */
      sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
      created: Type.String({ minLength: 1 }),
    }),
    { minItems: 1 },
  ),
});
type Tokens = Static<typeof TokensSchema>;

/** Lets secret scanners, and people, see what a leaked string is. */
const TOKEN_PREFIX = 'ft_';

/**
 * Reads the tokens of this node, or makes the first one.
 * @throws StartError `state-invalid` naming the file and what to do.
 */
export async function openAccounts({ directory, random, now }: AccountsOptions): Promise<OpenedAccounts> {
  const path = join(directory, 'tokens.json');
  const stored = await readTokens(path);
  if (stored) return { accounts: accountsOf(stored), created: undefined };

  const created = TOKEN_PREFIX + Buffer.from(random(32)).toString('base64url');
  const sha256 = hash(created).toString('hex');
  const tokens: Tokens = { format: 1, tokens: [{ name: 'first', sha256, created: now().toISOString() }] };
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await replaceFile(path, `${JSON.stringify(tokens, null, 2)}\n`);
  } catch (cause) {
    const message = `The state directory ${directory} cannot be written (${systemCode(cause)}); let this user write there or choose another with --state.`;
    throw new StartError('state-invalid', message, { cause });
  }
  return { accounts: accountsOf(tokens), created };
}

function accountsOf({ tokens }: Tokens): Accounts {
  const known = tokens.map(({ name, sha256 }) => ({ account: { name }, sha256: Buffer.from(sha256, 'hex') }));
  return {
    verify(token) {
      const presented = hash(token);
      return known.find(({ sha256 }) => timingSafeEqual(sha256, presented))?.account;
    },
  };
}

async function readTokens(path: string): Promise<Tokens | undefined> {
  let text;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') return undefined;
    const message = `The token file ${path} cannot be read (${systemCode(cause)}); let this user read it or choose another directory with --state.`;
    throw new StartError('state-invalid', message, { cause });
  }
  const tokens = parseJson(text);
  if (Value.Check(TokensSchema, tokens)) return tokens;
  const why = tokens === undefined ? 'it is not JSON' : 'it is not a list of tokens';
  const mend = 'restore it, or delete it to have a new token made at the next start';
  throw new StartError('state-invalid', `The token file ${path} is damaged (${why}); ${mend}.`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Writes beside and renames, so that a crash leaves either no file or a whole one. */
async function replaceFile(path: string, text: string): Promise<void> {
  const beside = `${path}.new`;
  const file = await open(beside, 'w', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(beside, path);
}

function hash(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
