import { join } from 'node:path';

/**
 * Where counts are kept for editors that give no directory: with the user's state, which is neither settings nor cache.
 * @returns empty where the system names no place for it.
 */
export function usageDirectory(
  platform: NodeJS.Platform,
  home: string,
  env: Readonly<Record<string, string | undefined>>,
): string {
  if (platform === 'win32') return env['LOCALAPPDATA'] ? join(env['LOCALAPPDATA'], 'Foretype', 'usage') : '';
  if (home === '') return '';
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', 'Foretype', 'usage');
  // A relative path there is none, says the XDG base directory specification.
  const state = env['XDG_STATE_HOME']?.startsWith('/')
    ? env['XDG_STATE_HOME']
    : join(home, '.local', 'state');
  return join(state, 'foretype', 'usage');
}
