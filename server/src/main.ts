/** The language server's process, as an editor starts it: `--node-ipc` or `--stdio` says how they talk. */
import { EMBEDDED_FAMILY } from '@foretype/models';
import { createConnection, ProposedFeatures } from 'vscode-languageserver/node';
import { serve } from './lsp.ts';
import { VERSION } from './version.ts';

const connection = createConnection(ProposedFeatures.all);
serve(connection, { family: process.env['FORETYPE_FAMILY'] ?? EMBEDDED_FAMILY, version: VERSION });
connection.listen();
