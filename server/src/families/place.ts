/** Where the families of this machine are. */
import { basename, isAbsolute, join } from 'node:path';

export interface Places {
  /** Directory of the family that is used where none is set. */
  readonly standard: string;
  /** Directory that has a folder for each family that was installed. */
  readonly families: string;
}

/** The system, as far as it says where a user's data are. */
export interface System {
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
}

/** The directory of families: the one that is named (`FORETYPE_FAMILIES`), or where the system has the user's data. */
export function familiesDirectory({ platform, env, home }: System): string {
  const { FORETYPE_FAMILIES: named, LOCALAPPDATA, XDG_DATA_HOME } = env;
  if (named) return named;
  const data = {
    // Not the roaming one, which is copied from machine to machine.
    win32: LOCALAPPDATA || join(home, 'AppData', 'Local'),
    darwin: join(home, 'Library', 'Application Support'),
  }[platform as string];
  // The specification has relative paths ignored.
  const xdg = XDG_DATA_HOME && isAbsolute(XDG_DATA_HOME) ? XDG_DATA_HOME : join(home, '.local', 'share');
  return join(data ?? xdg, 'foretype', 'families');
}

/** The directory that the setting `family` means: none for the standard one, an absolute path, or an installed family. */
export function directoryOf(family: string, { standard, families }: Places): string {
  if (family === '') return standard;
  // A name is never a way to another place.
  return isAbsolute(family) ? family : join(families, basename(family));
}

/** What the setting `family` has to be for a directory; see {@link directoryOf}. */
export function settingOf(directory: string, { standard, families }: Places): string {
  if (directory === standard) return '';
  const name = basename(directory);
  return directory === join(families, name) ? name : directory;
}
