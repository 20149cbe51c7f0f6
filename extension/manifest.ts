/**
 * What of the manifest and of the README follows from the declared settings, and what translators are given.
 * `node extension/manifest.ts` writes all of it, and a test holds that this was done.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Said, sentencesIn } from './sentences.ts';
import { SETTINGS } from './src/declaration.ts';
import { telemetry } from './telemetry.ts';

/** English sentences by the keys that stand as `%key%` in the manifest. */
export type Sentences = Readonly<Record<string, string>>;

const declared = Object.values(SETTINGS);

/** `contributes.configuration` of the manifest. */
export function configuration(): object {
  const properties = declared.map((setting, order) => [
    `foretype.${setting.key}`,
    { ...schemaOf(setting), default: setting.default, scope: setting.scope, ...marked(setting), order },
  ]);
  return { title: 'Foretype', properties: Object.fromEntries(properties) as object };
}

function marked(setting: (typeof declared)[number]): object {
  return {
    ...('local' in setting && { ignoreSync: true }),
    ...('tags' in setting && { tags: setting.tags }),
  };
}

function schemaOf(setting: (typeof declared)[number]): object {
  const { key } = setting;
  const markdownDescription = `%setting.${key}%`;
  if (typeof setting.default === 'object')
    return { type: 'object', additionalProperties: { type: 'boolean' }, markdownDescription };
  const type = typeof setting.default;
  if (!('values' in setting)) return { type, markdownDescription };
  const markdownEnumDescriptions = setting.values.map((value) => `%setting.${key}.${value}%`);
  return { type, enum: setting.values, markdownDescription, markdownEnumDescriptions };
}

/** `capabilities.untrustedWorkspaces.restrictedConfigurations` of the manifest. */
export function restricted(): string[] {
  return declared.filter((setting) => 'guarded' in setting).map(({ key }) => `foretype.${key}`);
}

/** The README's table of settings, as prettier would set it. */
export function table(sentences: Sentences): string {
  const rows = declared.map((setting) => [
    code(`foretype.${setting.key}`),
    shown(setting.default),
    withoutLinks(sentences[`setting.${setting.key}`] ?? ''),
  ]);
  const all = [['Setting', 'Default', 'Meaning'], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`;
  const [head, ...body] = all.map(line);
  return [head, line(widths.map((width) => '-'.repeat(width))), ...body].join('\n');
}

function shown(value: (typeof declared)[number]['default']): string {
  if (typeof value === 'object') {
    const off = Object.entries(value).filter(([, on]) => !on);
    return `all but ${off.map(([language]) => code(language)).join(', ')}`;
  }
  return value === '' ? 'empty' : code(String(value));
}

function code(text: string): string {
  return `\`${text}\``;
}

/** Links to commands work in VS Code only. */
function withoutLinks(sentence: string): string {
  return sentence.replaceAll(/\[([^\]]+)\]\(command:[^)]+\)/g, '**$1**');
}

/** The README with the table as it is now in place of the one in it. */
export function readmeWith(readme: string, sentences: Sentences): string {
  return readme.replace(/^\| Setting .*\n(?:\|.*\n)*/m, () => `${table(sentences)}\n`);
}

/** What each file of the source says to users. */
export async function said(): Promise<Said[]> {
  const directory = join(import.meta.dirname, 'src');
  const files = (await readdir(directory)).toSorted();
  return Promise.all(
    files.map(async (file) => sentencesIn(await readFile(join(directory, file), 'utf8'), file)),
  );
}

/** `l10n/bundle.l10n.json`: every message as its own translation, for whoever makes one for another language. */
export function bundle(all: readonly Said[]): Sentences {
  const messages = all.flatMap(({ messages }) => [...messages]).toSorted();
  return Object.fromEntries(messages.map((message) => [message, message]));
}

interface Manifest {
  capabilities: { untrustedWorkspaces: { restrictedConfigurations: unknown } };
  contributes: { configuration: unknown };
}

if (import.meta.main) {
  const path = (name: string) => join(import.meta.dirname, name);
  const read = (name: string) => readFile(path(name), 'utf8');
  const manifest = JSON.parse(await read('package.json')) as Manifest;
  manifest.capabilities.untrustedWorkspaces.restrictedConfigurations = restricted();
  manifest.contributes.configuration = configuration();
  const write = (name: string, content: object) =>
    writeFile(path(name), `${JSON.stringify(content, null, 2)}\n`);
  await write('package.json', manifest);
  await write('telemetry.json', telemetry());
  await write(join('l10n', 'bundle.l10n.json'), bundle(await said()));
  const sentences = JSON.parse(await read('package.nls.json')) as Sentences;
  await writeFile(path('README.md'), readmeWith(await read('README.md'), sentences));
}
