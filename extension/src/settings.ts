import {
  type Disposable,
  type ExtensionContext,
  l10n,
  type LogOutputChannel,
  type SecretStorage,
  window,
  workspace,
} from 'vscode';
import type { ServerSettings } from '@foretype/server/protocol';
import { type DeclaredSettings, readDeclared } from './declaration.ts';
import { languageEnabled, type Languages, toggledLanguage } from './languages.ts';
import { HTTP_KEYS, proxySettings, type ProxySettings } from './proxy.ts';

/** What an editor sets; the server has a default for the rest. */
export type EditorSettings = DeclaredSettings & ProxySettings & Pick<ServerSettings, 'edgeToken'>;

const section = 'foretype';
const tokenKey = 'foretype.edge.token';

/** What is set without the token and without what it is for: enough to draft, never enough to connect. */
export function localSettings(): EditorSettings {
  return { ...declaredSettings(), ...proxies(), edgeUrl: '', edgeToken: '' };
}

/**
 * The settings as they are at this moment. The token is read from the secret storage each time, since another window
 * may have changed it.
 */
export async function readSettings(
  secrets: SecretStorage,
  log: Pick<LogOutputChannel, 'warn'>,
): Promise<EditorSettings> {
  const edgeToken = await tokenIn(secrets, log);
  return { ...declaredSettings(), ...proxies(), edgeToken };
}

/** A keyring that is locked, or not there, keeps the token from us, which is no reason to send nothing. */
async function tokenIn(secrets: SecretStorage, log: Pick<LogOutputChannel, 'warn'>): Promise<string> {
  try {
    return (await secrets.get(tokenKey)) ?? '';
  } catch (cause) {
    log.warn(`The edge token cannot be read from the secret storage: ${String(cause)}`);
    return '';
  }
}

/** What is set, the address of the edge node included. */
export function declaredSettings(): DeclaredSettings {
  const configuration = workspace.getConfiguration(section);
  return readDeclared((key) => configuration.get<unknown>(key));
}

function proxies(): ProxySettings {
  const configuration = workspace.getConfiguration();
  return proxySettings((key) => configuration.inspect<unknown>(key));
}

/** Calls `listener` after a setting or the token changed, also where another window changed it. */
export function watchSettings(
  { secrets }: Pick<ExtensionContext, 'secrets'>,
  listener: () => void,
): Disposable[] {
  return [
    workspace.onDidChangeConfiguration((event) => {
      if ([section, ...HTTP_KEYS].some((key) => event.affectsConfiguration(key))) listener();
    }),
    secrets.onDidChange(({ key }) => {
      if (key === tokenKey) listener();
    }),
  ];
}

/** Asks for the edge node's token; an empty answer forgets it, a dismissed box changes nothing. */
export async function askForToken(secrets: SecretStorage): Promise<void> {
  const answer = await window.showInputBox({
    title: l10n.t('Foretype: Set Edge Token'),
    prompt: l10n.t('The token that you were given for the edge node. Leave empty to forget the token.'),
    password: true,
    // The token is mostly pasted from another window, which takes the focus away.
    ignoreFocusOut: true,
  });
  if (answer === undefined) return;
  const token = answer.trim();
  await (token === '' ? secrets.delete(tokenKey) : secrets.store(tokenKey, token));
}

/** Turns completions on or off where it has an effect: in the workspace if that has a value of its own. */
export async function toggleEnabled(): Promise<void> {
  const configuration = workspace.getConfiguration(section);
  const inWorkspace = configuration.inspect('enabled')?.workspaceValue !== undefined;
  await configuration.update('enabled', !localSettings().enabled, !inWorkspace);
}

/**
 * Turns completions on or off for a language, where that has an effect: see {@link toggledLanguage}.
 * @param known - the languages that the model was trained on; null for any.
 * @returns whether they are on now.
 */
export async function toggleLanguage(id: string, known: readonly string[] | null): Promise<boolean> {
  const configuration = workspace.getConfiguration(section);
  const inspected = configuration.inspect<Languages>('languages');
  const enabled = languageEnabled(declaredSettings().languages, id, known);
  const { place, languages } = toggledLanguage(id, enabled, {
    user: inspected?.globalValue,
    workspace: inspected?.workspaceValue,
  });
  await configuration.update('languages', languages, place === 'user');
  return !enabled;
}
