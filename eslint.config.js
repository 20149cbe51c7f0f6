import js from '@eslint/js';
import ts from 'typescript-eslint';

/** Outside libraries that only one place may import, so that replacing one is a change in one file. */
const RIMS = {
  'node-llama-cpp': ['models/src/engine/llama.ts'],
  undici: ['server/src/channel.ts'],
  fastify: ['edge-node/src/http.ts'],
  '@fastify/websocket': ['edge-node/src/http.ts'],
  vscode: ['extension/src/**'],
};

/** What each package may import of its siblings; nothing else, and never by a relative path out of the package. */
const MAY_IMPORT = {
  models: [],
  'edge-node': ['@foretype/models'],
  server: ['@foretype/models', '@foretype/edge-node/protocol'],
  extension: ['@foretype/server/protocol'],
};

/** Files that decide and compute only: no I/O, no clock, no chance. */
const PURE = [
  'models/src/speculation.ts',
  'models/src/fim.ts',
  'models/src/line.ts',
  'models/src/engine/slots.ts',
  'edge-node/src/protocol/compatibility.ts',
  'edge-node/src/verify.ts',
  'server/src/completion.ts',
  'server/src/position.ts',
  'server/src/window.ts',
];

const noRestrictedImports = (folder, file, pure = false) => [
  'error',
  {
    patterns: [
      ...(pure ? [{ regex: '^node:', message: 'A pure file does no I/O.' }] : []),
      {
        regex: `^(\\.\\./)+(${Object.keys(MAY_IMPORT)
          .filter((name) => name !== folder)
          .join('|')})/`,
        message: 'Import another package by its name.',
      },
      {
        regex: `^@foretype/(?!(?:${MAY_IMPORT[folder].map((name) => name.slice('@foretype/'.length)).join('|') || '-'})$)`,
        message: `${folder}/ may import only: ${MAY_IMPORT[folder].join(', ') || 'nothing of its siblings'}.`,
      },
    ],
    paths: Object.keys(RIMS)
      .filter((library) => !RIMS[library].includes(file))
      .map((name) => ({ name, message: `Only ${RIMS[name].join(', ')} may import ${name}.` })),
  },
];

export default ts.config(
  { ignores: ['**/node_modules', '**/dist', '.tsbuild', 'out', '**/*_pb.ts', 'test/editor/suite/**'] },
  js.configs.recommended,
  ...ts.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: { allowDefaultProject: ['*.js', 'tools/*.mjs'] } } },
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/only-throw-error': 'off',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      'no-restricted-syntax': [
        'error',
        {
          selector: 'TSEnumDeclaration, TSModuleDeclaration[declare!=true], TSParameterProperty',
          message: 'Only erasable syntax: Node strips types.',
        },
      ],
    },
  },
  ...Object.keys(MAY_IMPORT).map((folder) => ({
    files: [`${folder}/src/**/*.ts`],
    rules: { 'no-restricted-imports': noRestrictedImports(folder) },
  })),
  ...Object.values(RIMS)
    .flat()
    .map((file) => ({
      files: [file],
      rules: { 'no-restricted-imports': noRestrictedImports(file.split('/')[0], file) },
    })),
  ...PURE.map((file) => ({
    files: [file],
    rules: { 'no-restricted-imports': noRestrictedImports(file.split('/')[0], file, true) },
  })),
  {
    files: PURE,
    rules: {
      'no-restricted-globals': [
        'error',
        'process',
        'performance',
        'Date',
        'setTimeout',
        'setInterval',
        'fetch',
        'crypto',
      ],
      'no-restricted-properties': ['error', { object: 'Math', property: 'random' }],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      // node:test returns promises that the runner itself awaits.
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            { from: 'package', package: 'node:test', name: ['test', 'it', 'describe', 'suite'] },
          ],
        },
      ],
    },
  },
  { files: ['**/*.{js,mjs,cjs}'], ...ts.configs.disableTypeChecked },
  { files: ['**/*.cjs'], rules: { '@typescript-eslint/no-require-imports': 'off' } },
  {
    files: ['**/*.{mjs,cjs}'],
    languageOptions: {
      globals: { process: 'readonly', console: 'readonly', require: 'readonly', module: 'readonly' },
    },
  },
);
