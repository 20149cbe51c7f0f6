import { DemotionError } from '../state/tokens.ts';
import type { CommandIo } from './io.ts';
import { CommandError } from './problem.ts';
import type { Asked } from './run.ts';
import { openState } from '../state/state.ts';
import { jsonText, table, timeText } from './text.ts';

const HOUR = 3_600_000;

export function create({ words, options, config }: Asked, io: CommandIo): void {
  const [name] = words as [string];
  if (!/^[^\p{C}\p{Z}][^\p{C}]{0,63}$/u.test(name))
    throw new CommandError(
      'usage',
      `The name ${JSON.stringify(name)} is none: 1 to 64 characters that can be seen.`,
    );
  const when = options.get('expires');
  const expires = when === undefined ? undefined : expiryOf(when, io.now());
  const role = options.has('admin') ? 'admin' : 'user';

  using state = openState(config.state, io);
  const known = state.tokens.roleOf(name);
  const token = createdBy(name, () => state.tokens.create({ name, role }, expires));
  io.out(token);
  io.err(`The token of ${name} (${role}) is shown once; the node keeps only a hash of it.`);
  if (known && known !== role) io.err(`${name} is an admin now, with all their tokens.`);
  io.err(expires ? `It ends at ${timeText(expires)}.` : 'It does not end by itself.');
}

function createdBy(name: string, create: () => string): string {
  try {
    return create();
  } catch (cause) {
    if (!(cause instanceof DemotionError)) throw cause;
    throw new CommandError(
      'usage',
      `${name} is an admin: add --admin, or choose another name for a token that may do less.`,
      { cause },
    );
  }
}

export function list({ options, config }: Asked, io: CommandIo): void {
  using state = openState(config.state, io);
  const tokens = state.tokens.list().map(({ id, account, created, expires, revoked }) => {
    const over = expires !== null && expires <= io.now();
    return { id, ...account, created, expires, status: revoked ? 'revoked' : over ? 'expired' : 'valid' };
  });
  if (options.has('json')) {
    io.out(jsonText(tokens));
    return;
  }
  if (tokens.length === 0) {
    io.err('There is no token; make one with foretype-edge token create NAME.');
    return;
  }
  const rows = tokens.map(({ id, name, role, created, expires, status }) => [
    String(id),
    name,
    role,
    timeText(created),
    timeText(expires),
    status,
  ]);
  for (const line of table([['NUMBER', 'NAME', 'ROLE', 'CREATED', 'ENDS', 'STATUS'], ...rows])) io.out(line);
}

export function revoke({ words, config }: Asked, io: CommandIo): void {
  const [word] = words as [string];
  if (!/^\d{1,15}$/.test(word))
    throw new CommandError(
      'usage',
      `${JSON.stringify(word)} is no number of a token; see foretype-edge token list.`,
    );
  using state = openState(config.state, io);
  const known = state.tokens.list().find(({ id }) => id === Number(word));
  if (!known) throw new CommandError('unknown', `There is no token ${word}; see foretype-edge token list.`);
  if (!state.tokens.revoke(known.id)) throw new CommandError('unknown', `Token ${word} was revoked before.`);
  io.out(`Token ${word} of ${known.account.name} is revoked.`);
}

/**
 * Pure: when a token ends that lasts `text`: hours (`12h`), days (`30d`), or to the end of a day (`2027-01-31`, UTC).
 * @throws CommandError `usage`
 */
export function expiryOf(text: string, now: Date): Date {
  const [, count, unit] = /^([1-9]\d{0,4})([hd])$/.exec(text) ?? [];
  if (count !== undefined) return new Date(now.getTime() + Number(count) * (unit === 'h' ? HOUR : 24 * HOUR));
  const day = /^\d{4}-\d{2}-\d{2}$/.test(text) ? new Date(`${text}T00:00:00Z`) : undefined;
  // A day that no month has becomes one of the next.
  if (!day || Number.isNaN(day.getTime()) || day.toISOString().slice(0, 10) !== text)
    throw new CommandError(
      'usage',
      `--expires: expected a time as 12h, 30d or 2027-01-31, got ${JSON.stringify(text)}.`,
    );
  const end = new Date(day.getTime() + 24 * HOUR);
  if (end <= now) throw new CommandError('usage', `--expires: expected a day to come, got ${text}.`);
  return end;
}
