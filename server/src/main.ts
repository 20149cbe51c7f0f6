/** The language server's process, as an editor starts it: `--node-ipc` or `--stdio` says how they talk. */
import { EMBEDDED_FAMILY } from '@foretype/models';
import { homedir } from 'node:os';
import { createConnection, ProposedFeatures } from 'vscode-languageserver/node';
import { familiesDirectory } from './families/place.ts';
import { serve } from './lsp.ts';
import { usageDirectory } from './usage/directory.ts';
import { VERSION } from './version.ts';

const connection = createConnection(ProposedFeatures.all);
serve(connection, {
  family: process.env['FORETYPE_FAMILY'] ?? EMBEDDED_FAMILY,
  families: familiesDirectory({ platform: process.platform, env: process.env, home: homedir() }),
  version: VERSION,
  // Who starts the process itself says where its counts go.
  ...(process.argv.includes('lsp') && { usage: usageDirectory(process.platform, homedir(), process.env) }),
});
connection.listen();
