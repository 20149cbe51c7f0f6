import { type Disposable, type ExtensionContext, type SecretStorage, window, workspace } from 'vscode';
import type { ServerSettings } from '@foretype/server/protocol';

/** What an editor sets; the server has a default for the rest. */
export type EditorSettings = Pick<
  ServerSettings,
  'enabled' | 'edgeUrl' | 'edgeToken' | 'adapter' | 'traceFile'
>;

const section = 'foretype';
const tokenKey = 'foretype.edge.token';

/** The settings that need no secret: enough to draft, never enough to connect. */
export function localSettings(): EditorSettings {
  const configuration = workspace.getConfiguration(section);
  return {
    enabled: configuration.get('enabled', true),
    edgeUrl: '',
    edgeToken: '',
    adapter: configuration.get('edge.adapter', '').trim(),
    traceFile: configuration.get('trace.file', '').trim(),
  };
}

/**
 * The settings as they are at this moment. The token is read from the secret storage each time, since another window
 * may have changed it.
 */
export async function readSettings(secrets: SecretStorage): Promise<EditorSettings> {
  const edgeToken = (await secrets.get(tokenKey)) ?? '';
  const edgeUrl = workspace.getConfiguration(section).get('edge.url', '').trim();
  return { ...localSettings(), edgeUrl, edgeToken };
}

/** Calls `listener` after a setting or the token changed, also where another window changed it. */
export function watchSettings(
  { secrets }: Pick<ExtensionContext, 'secrets'>,
  listener: () => void,
): Disposable[] {
  return [
    workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration(section)) listener();
    }),
    secrets.onDidChange(({ key }) => {
      if (key === tokenKey) listener();
    }),
  ];
}

/** Asks for the edge node's token; an empty answer forgets it, a dismissed box changes nothing. */
export async function askForToken(secrets: SecretStorage): Promise<void> {
  const answer = await window.showInputBox({
    title: 'Foretype: Set Edge Token',
    prompt: 'The token that the edge node printed at its first start. Leave empty to forget the token.',
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
