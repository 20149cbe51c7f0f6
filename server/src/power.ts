/** Where the machine's power comes from: the rim of what `Control` budgets. */
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { BUDGETS } from './policy.ts';

export type Power = keyof typeof BUDGETS;

/** How long an answer is good for (ms): a plug is pulled seldom, and reading costs a process on some systems. */
const FRESH = 60_000;

const run = promisify(execFile);

/** The power source, as it was within the last minute; `mains` until it is known, and where nothing says otherwise. */
export class PowerSource {
  readonly #now: () => number;
  readonly #read: () => Promise<Power>;
  #known: Power = 'mains';
  #at = -Infinity;

  constructor(now: () => number, read = readPower) {
    this.#now = now;
    this.#read = read;
  }

  get current(): Power {
    if (this.#now() - this.#at > FRESH) {
      this.#at = this.#now();
      this.#read().then(
        (power) => (this.#known = power),
        // A system that does not tell is treated as one without a battery.
        () => undefined,
      );
    }
    return this.#known;
  }
}

/**
 * Asks the operating system. Rejects where it does not tell (Windows among them: it would take a PowerShell a minute).
 * @param supplies Linux's directory of power supplies.
 * @param profile Linux's file that says whether the user prefers power or performance.
 */
export async function readPower(
  platform = process.platform,
  supplies = '/sys/class/power_supply',
  profile = '/sys/firmware/acpi/platform_profile',
): Promise<Power> {
  if (platform === 'darwin') {
    const [source, settings] = await Promise.all([run('pmset', ['-g', 'batt']), run('pmset', ['-g'])]);
    return powerOfMac(source.stdout, settings.stdout);
  }
  // What desktops call "power saver"; many machines have no profiles.
  if ((await readFile(profile, 'utf8').catch(() => '')).trim() === 'low-power') return 'saver';
  const names = await readdir(supplies);
  const all = names.map(async (name) => {
    const [type, online, scope] = await Promise.all(
      ['type', 'online', 'scope'].map((file) => readFile(join(supplies, name, file), 'utf8').catch(() => '')),
    );
    return { type: type!.trim(), online: online!.trim(), scope: scope!.trim() };
  });
  return powerOfLinux(await Promise.all(all));
}

/** A power supply, by its files in `/sys/class/power_supply/NAME`. */
export interface Supply {
  readonly type: string;
  readonly online: string;
  /** `Device` where it feeds something that is plugged in, such as a mouse. */
  readonly scope: string;
}

/** On battery is who has one and no mains adapter that is plugged in; a mouse's battery has no say. */
export function powerOfLinux(all: readonly Supply[]): Power {
  const supplies = all.filter(({ scope }) => scope !== 'Device');
  const mains = supplies.filter(({ type }) => type === 'Mains' || type === 'USB');
  const unplugged = mains.length > 0 && mains.every(({ online }) => online === '0');
  return unplugged && supplies.some(({ type }) => type === 'Battery') ? 'battery' : 'mains';
}

/** By what `pmset -g batt` prints, and `pmset -g`, which knows of Low Power Mode. */
export function powerOfMac(printed: string, settings = ''): Power {
  if (/^\s*lowpowermode\s+1\b/mu.test(settings)) return 'saver';
  return printed.includes("'Battery Power'") ? 'battery' : 'mains';
}
