/** The manifest against the code, the sentences and the files that it names. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { namedProject, projectId } from '../../edge-node/src/protocol/index.ts';
import {
  bundle,
  configuration,
  readmeWith,
  restricted,
  said,
  type Sentences,
} from '../../extension/manifest.ts';
import { sentencesIn } from '../../extension/sentences.ts';
import { Projects } from '../../server/src/projects.ts';

const directory = join(import.meta.dirname, '..', '..', 'extension');
const read = (...path: string[]) => readFileSync(join(directory, ...path), 'utf8');
const json = (...path: string[]) => JSON.parse(read(...path)) as unknown;

interface Manifest {
  readonly main: string;
  readonly l10n: string;
  readonly extensionKind: readonly string[];
  readonly capabilities: {
    readonly virtualWorkspaces: boolean;
    readonly untrustedWorkspaces: { supported: string; restrictedConfigurations: readonly string[] };
  };
  readonly contributes: {
    readonly configuration: object;
    readonly commands: readonly { readonly command: string; readonly title: string }[];
    readonly menus: Readonly<Record<string, readonly { readonly command: string }[]>>;
    readonly keybindings: readonly {
      readonly command: string;
      readonly key: string;
      readonly when: string;
    }[];
    readonly walkthroughs: readonly { readonly id: string; readonly steps: readonly Step[] }[];
  };
}
interface Step {
  readonly id: string;
  readonly media: { readonly svg: string; readonly altText: string };
  readonly completionEvents: readonly string[];
}

const manifest = json('package.json') as Manifest;
const sentences = json('package.nls.json') as Sentences;
const { commands, keybindings, menus, walkthroughs } = manifest.contributes;
const source = readdirSync(join(directory, 'src'))
  .map((file) => read('src', file))
  .join('\n');
/** Names of ours that the code registers as commands. */
const registered = new Set(
  [...source.matchAll(/registerCommand\('([\w.]+)'|^ {4}'(foretype\.\w+)':/gm)].map(
    ([, direct, listed]) => direct ?? listed!,
  ),
);
registered.add('foretype.menu');

describe('what follows from the declared settings is up to date; if not, run node extension/manifest.ts', () => {
  it('the settings page', () => assert.deepEqual(manifest.contributes.configuration, configuration()));
  it('what a workspace that is not trusted may not set', () =>
    assert.deepEqual(manifest.capabilities.untrustedWorkspaces.restrictedConfigurations, restricted()));
  it("the README's table", () => assert.equal(read('README.md'), readmeWith(read('README.md'), sentences)));
  it('what translators are given', async () =>
    assert.deepEqual(json('l10n', 'bundle.l10n.json'), bundle(await said())));
});

const { properties } = manifest.contributes.configuration as {
  readonly properties: Readonly<Record<string, { readonly scope: string; readonly ignoreSync?: boolean }>>;
};

describe('a workspace, trusted or not', () => {
  const { restrictedConfigurations } = manifest.capabilities.untrustedWorkspaces;
  // Only the user's own settings count in this scope, see `ConfigurationScope` in VS Code.
  const own = (key: string) => properties[key]!.scope === 'application';
  it('cannot say where code goes, whom to trust on the way, what is loaded, nor what is written or shared', () => {
    for (const name of [
      'edge.url',
      'network.certificates',
      'model.family',
      'model.draft',
      'trace.file',
      'usage.measure',
      'usage.share',
    ])
      assert.ok(own(`foretype.${name}`), name);
    for (const key of restrictedConfigurations) assert.ok(own(key), key);
  });
  it('can set what shows more or less of completions, and nothing else', () => {
    const theirs = Object.keys(properties).filter((key) => !own(key));
    assert.deepEqual(
      theirs.map((key) => key.replace('foretype.', '')),
      ['enabled', 'automatic', 'languages', 'multiline', 'edge.adapter'],
    );
    for (const key of theirs) assert.equal(properties[key]!.scope, 'window');
  });
  it('has no file of ours but one, which can name a project and nothing else', async () => {
    const folder = join(directory, '..', 'server', 'src');
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
      file.endsWith('.ts'),
    );
    const naming = files.filter((file) =>
      readFileSync(join(folder, file), 'utf8').includes("'.foretype.json'"),
    );
    assert.deepEqual(naming, ['projects.ts']);
    const workspace = mkdtempSync(join(tmpdir(), 'foretype-workspace-'));
    try {
      const file = {
        project: 'ours',
        edgeUrl: 'http://theirs.test',
        proxy: 'http://theirs.test',
        family: '/theirs',
      };
      writeFileSync(join(workspace, '.foretype.json'), JSON.stringify(file));
      const document = pathToFileURL(join(workspace, 'a.ts')).href;
      assert.equal(await new Projects().of(document), projectId(namedProject('ours')!));
    } finally {
      rmSync(workspace, { recursive: true, force: true });
    }
  });
});

describe('a setting of this machine', () => {
  const local = Object.keys(properties).filter((key) => properties[key]!.ignoreSync);
  it('is one that says what is here or what this machine can do, and no other', () => {
    assert.deepEqual(
      local.map((key) => key.replace('foretype.', '')),
      [
        'network.certificates',
        'model.family',
        'model.draft',
        'power',
        'pauseOn',
        'model.idleMinutes',
        'trace.file',
      ],
    );
  });
  it("is taken from the user's own settings, also beside a remote machine, and synced to no other", () => {
    for (const key of local) assert.equal(properties[key]!.scope, 'application', key);
    const scopes = new Set(Object.values(properties).map(({ scope }) => scope));
    assert.deepEqual([...scopes].toSorted(), ['application', 'window']);
  });
});

describe('the sentences of the manifest', () => {
  const used = [...read('package.json').matchAll(/"%([^%"]+)%"/g)].map(([, key]) => key!);
  it('are all there, and no other', () => {
    assert.ok(used.length > 20);
    assert.deepEqual([...new Set(used)].toSorted(), Object.keys(sentences).toSorted());
  });
  it('are whole', () => {
    for (const [key, sentence] of Object.entries(sentences)) {
      assert.equal(sentence.trim(), sentence, key);
      if (key.startsWith('setting.')) assert.match(sentence, /\.$/, key);
    }
  });
  it('stand for all that VS Code shows of it', () => {
    const shown = /"(?:title|description|markdownDescription|altText)": "([^"]*)"/g;
    const values = [...read('package.json').matchAll(shown)].map(([, value]) => value!);
    assert.deepEqual(
      values.filter((value) => !/^%.*%$/.test(value)),
      ['Foretype'],
    );
  });
  it('link to commands that there are', () => {
    const links = Object.values(sentences).flatMap((sentence) => [
      ...sentence.matchAll(/\(command:([\w.]+)/g),
    ]);
    assert.ok(links.length > 5);
    for (const [, command] of links)
      assert.ok(!command!.startsWith('foretype.') || registered.has(command!), command);
  });
});

describe('the sentences of the code', () => {
  it('can all be translated', async () => {
    assert.deepEqual(
      (await said()).flatMap(({ untranslated }) => untranslated),
      [],
    );
  });
  it('would be found if they could not', () => {
    const refused = [
      "window.showInformationMessage('Done');",
      "window.showErrorMessage(ok ? 'Fine' : l10n.t('No'));",
      'const items = [{ label: `Turn ${x}` }];',
      "item.tooltip = 'Working';",
      "const greeting = 'this is read by somebody';",
      'l10n.t(greeting);',
      'l10n.t(`Hello ${name}`);',
      "l10n.t('Hello {0}', 'dear reader of it');",
    ];
    for (const line of refused) assert.equal(sentencesIn(line, 'x.ts').untranslated.length, 1, line);
    const allowed = [
      "window.showInformationMessage(l10n.t('Done'));",
      "log.info('The settings were sent to the server.');",
      'item.text = `$(${icon}) Foretype${more}`;',
      "commands.executeCommand('editor.action.inlineSuggest.hide');",
      "import { one } from './a b c.ts';",
    ];
    for (const line of allowed) assert.deepEqual(sentencesIn(line, 'x.ts').untranslated, [], line);
    assert.deepEqual([...sentencesIn("t('a {0}', l10n.t('b'))", 'x.ts').messages], ['a {0}', 'b']);
  });
});

describe('commands', () => {
  it('are registered where they are declared', () => {
    for (const { command } of commands) assert.ok(registered.has(command), command);
  });
  it('are declared where a key, a menu or a step of the walkthrough names them', () => {
    const declared = new Set(commands.map(({ command }) => command));
    const named = [...keybindings, ...Object.values(menus).flat()].map(({ command }) => command);
    for (const command of named) assert.ok(declared.has(command), command);
  });
  it('take no key where nothing of ours is on the screen, but for one that is free', () => {
    for (const { key, when } of keybindings) {
      const conditions = when.split(' && ');
      assert.ok(conditions.includes('editorTextFocus'), key);
      assert.ok(key === 'alt+\\' || conditions.includes('inlineSuggestionVisible'), key);
    }
  });
  it('leave Escape to whatever closes before ghost text does, and to Vim', () => {
    const { when } = keybindings.find(({ key }) => key === 'escape')!;
    for (const condition of [
      '!suggestWidgetVisible',
      '!notificationToastsVisible',
      '!vim.active',
      '!neovim.init',
    ])
      assert.ok(when.split(' && ').includes(condition), condition);
  });
});

describe('the walkthrough', () => {
  const [walkthrough] = walkthroughs;
  it('is the one that the menu opens, and short', () => {
    assert.equal(walkthroughs.length, 1);
    assert.ok(source.includes(`#${walkthrough!.id}\``));
    assert.equal(walkthrough!.steps.length, 4);
  });
  for (const { id, media, completionEvents } of walkthrough!.steps) {
    it(`${id} has a picture of ours in the colours of the theme`, () => {
      const picture = read(media.svg);
      assert.match(picture, /var\(--vscode-/);
      // VS Code shows it under a policy that allows neither styles nor scripts nor other places.
      assert.doesNotMatch(picture, /<style|style=|<script|href=/);
    });
    it(`${id} is done by something that can happen`, () => {
      assert.ok(completionEvents.length > 0);
      for (const event of completionEvents) {
        const [, kind, name] = /^(onCommand|onContext):(.+)$/.exec(event)!;
        if (kind === 'onContext') assert.ok(source.includes(`reached('${name}')`), event);
        // What commands of ours do is said by a context key, which also tells what was done before.
        else assert.ok(!name!.startsWith('foretype.'), event);
      }
      assert.ok(completionEvents.some((event) => event.startsWith('onContext:foretype.')));
    });
  }
});

describe('the extension', () => {
  it('runs beside the user first, and everywhere', () => {
    assert.deepEqual(manifest.extensionKind, ['ui', 'workspace']);
    assert.equal(manifest.capabilities.virtualWorkspaces, true);
    assert.equal(manifest.capabilities.untrustedWorkspaces.supported, 'limited');
    assert.doesNotMatch(source, /scheme: ?'file'/);
  });
  it('does not wait for the language client to be read, which takes most of the time', () => {
    const eager = /^import (?!type )[^;]*from '(?:vscode-languageclient|@foretype|\.\/client\.ts)[^']*';/gm;
    const files = readdirSync(join(directory, 'src')).filter((file) => file !== 'client.ts');
    for (const file of files) assert.deepEqual(read('src', file).match(eager), null, file);
    assert.ok(eager.test(read('src', 'client.ts')));
    assert.ok(read('src', 'extension.ts').includes("await import('./client.ts')"));
  });
  it('has its translations where it says', () => assert.ok(existsSync(join(directory, manifest.l10n))));
});
