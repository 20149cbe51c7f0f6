/** By language identifier whether completions are offered; `*` for all that are not named and that the model knows. */
export type Languages = Readonly<Record<string, boolean>>;

/** @param known - the languages that the model was trained on; null for any. */
export function languageEnabled(languages: Languages, id: string, known: readonly string[] | null): boolean {
  return languages[id] ?? ((languages['*'] ?? true) && (known?.includes(id) ?? true));
}

/** What of the map each place says; VS Code merges them, a workspace's entries over the user's. */
export interface Inspected {
  readonly user: Languages | undefined;
  readonly workspace: Languages | undefined;
}

/** What to write, and where, so that the language is on where it was off, or off where it was on. */
export function toggledLanguage(
  id: string,
  enabled: boolean,
  { user, workspace }: Inspected,
): { readonly place: keyof Inspected; readonly languages: Languages } {
  // Only the workspace's own entry for this language would hide one that the user makes.
  const place = workspace !== undefined && id in workspace ? 'workspace' : 'user';
  return { place, languages: { ...(place === 'workspace' ? workspace : user), [id]: !enabled } };
}
