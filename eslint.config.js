import js from '@eslint/js';
import { builtinModules } from 'node:module';
import ts from 'typescript-eslint';

/** Outside libraries that only some files may import, so that replacing one is a change in one place. */
const RIMS = [
  { library: 'node-llama-cpp', files: ['models/src/engine/llama.ts', 'models/src/engine/llama-slot.ts'] },
  { library: 'vscode-jsonrpc', files: ['models/src/engine/{child,host,link,listen,rpc,shared}.ts'] },
  { library: 'undici', files: ['server/src/{dial,outlet}.ts'] },
  { library: '@bufbuild/protobuf', files: ['edge-node/src/protocol/frames.ts'] },
  {
    library: '(@fastify/.*|fastify)',
    files: ['edge-node/src/http.ts', 'edge-node/src/http/**', 'edge-node/src/facade/routes.ts'],
  },
  { library: 'prom-client', files: ['edge-node/src/metrics/prometheus.ts'] },
  { library: 'jsonc-parser', files: ['edge-node/src/config.ts'] },
  { library: 'lru-cache', files: ['edge-node/src/hosting/policy.ts', 'server/src/suggestions/cache.ts'] },
  { library: 'ignore', files: ['server/src/context/ignored.ts'] },
  { library: 'vscode', files: ['extension/src/**'] },
];

/** What each package may import of its siblings; nothing else, and never by a relative path out of the package. */
const MAY_IMPORT = {
  models: [],
  'edge-node': ['models', 'models/catalogue'],
  server: ['models', 'models/catalogue', 'edge-node/protocol'],
  extension: ['server/protocol'],
  evaluation: ['models'],
};

/** Files that decide and compute only: no I/O, no clock, no chance. */
const PURE = [
  'models/src/{adapter,fim,gguf,kv,line,lookup,others,prompt,sampling,speculation,window}.ts',
  'models/src/engine/{leading,slots}.ts',
  'edge-node/src/{objection,roster,verify}.ts',
  'models/src/catalogue/{known,manifest,memory,size,system}.ts',
  'edge-node/src/commands/tasks.ts',
  'edge-node/src/facade/{completions,decoding,described,dialect,ending,failure,infill,models,objection,prompt,raw-prompt,streaming,text}.ts',
  'edge-node/src/hosting/popularity.ts',
  'edge-node/src/adapters/pieces.ts',
  'edge-node/src/placement/place.ts',
  'edge-node/src/protocol/compatibility.ts',
  'server/src/{anchor,backoff,block,completion,control,drafts,editors,estimates,items,policy,placed,position,recollection,refusals,resting-engine,trace,verification,verifier,write-ahead}.ts',
  'extension/src/{declaration,explain,family-choices,l10n,languages,menu,snooze,status,swap,usage-page}.ts',
  'server/src/context/{chunk,edits,fronts,gather,imports,names,neighbours,ring,secrets,signatures}.ts',
  'server/src/filters/*.ts',
  'server/src/suggestions/{document,generation,mood,next-line,parts,pause,shown,suggestions,typed-through}.ts',
  'server/src/estimates/*.ts',
  'server/src/usage/{change,offer,persistence,rows,sketch,standing,tally,usage}.ts',
  'server/src/families/fit.ts',
  'evaluation/src/{aggregate,holes,ngram,passages,projects,random,report,report-drafts,table,weights}.ts',
];

/** The import rule of one package; `own` is the library whose rim the files are. */
function imports(folder, { own, pure = false, typesOnly = false } = {}) {
  const others = Object.keys(MAY_IMPORT).filter((name) => name !== folder);
  const allowed = MAY_IMPORT[folder].map((name) => `${name}$`).join('|') || '$.';
  const rims = RIMS.filter(({ library }) => library !== own);
  const patterns = [
    { regex: `^(\\.\\./)+(${others.join('|')})/`, message: 'Import another package by its name.' },
    {
      regex: `^@foretype/(?!${allowed})`,
      message: `${folder}/ may import of its siblings: ${MAY_IMPORT[folder].join(', ') || 'none'}.`,
    },
    ...rims.map(({ library, files }) => ({
      regex: `^${library}(/|$)`,
      message: `Only ${files.join(', ')} may import it.`,
    })),
  ];
  if (pure) {
    patterns.push({ regex: `^(node:|(${builtinModules.join('|')})$)`, message: 'A pure file does no I/O.' });
    patterns.push({
      regex: '^@foretype/models$',
      importNamePattern: '^(startEngine|loadFamily)$',
      message: 'A pure file does no I/O.',
    });
  }
  if (typesOnly)
    patterns.push({
      regex: '^@foretype/',
      allowTypeImports: true,
      message: 'The protocol needs types only.',
    });
  return { '@typescript-eslint/no-restricted-imports': ['error', { patterns }] };
}

const folderOf = (file) => file.split('/')[0];

export default ts.config(
  {
    ignores: [
      '**/node_modules',
      '**/dist',
      '.foretype',
      '.tsbuild',
      'out',
      '**/*_pb.ts',
      'test/editor/suite/**',
    ],
  },
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
  ...Object.keys(MAY_IMPORT).map((folder) => ({ files: [`${folder}/src/**/*.ts`], rules: imports(folder) })),
  { files: ['edge-node/src/protocol/**/*.ts'], rules: imports('edge-node', { typesOnly: true }) },
  ...RIMS.flatMap(({ library: own, files }) =>
    files.map((file) => ({ files: [file], rules: imports(folderOf(file), { own }) })),
  ),
  ...PURE.map((file) => ({ files: [file], rules: imports(folderOf(file), { pure: true }) })),
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
