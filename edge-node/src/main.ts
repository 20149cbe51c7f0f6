#!/usr/bin/env node
/** `foretype-edge`: does what its command line says. */
import { EMBEDDED_FAMILY, EngineError } from '@foretype/models';
import { machineMemory } from '@foretype/models/catalogue';
import { readFileSync } from 'node:fs';
import { availableParallelism, homedir } from 'node:os';
import { join } from 'node:path';
import { helpText, parseCommand } from './command.ts';
import { processIo } from './commands/io.ts';
import { runCommand } from './commands/run.ts';
import { readConfig, settingsSchema } from './config.ts';
import { StartError } from './error.ts';
import { serve } from './serve.ts';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

try {
  await main(process.argv.slice(2));
} catch (error) {
  const expected = error instanceof StartError || error instanceof EngineError;
  console.error(expected ? error.message : error);
  process.exit(error instanceof StartError && error.code === 'usage' ? 2 : 1);
}

async function main(argv: readonly string[]): Promise<void> {
  const { env } = process;
  const stateHome = env['XDG_STATE_HOME'] || join(homedir(), '.local', 'state');
  const schema = settingsSchema({
    cores: availableParallelism(),
    memory: machineMemory(),
    stateHome,
    family: EMBEDDED_FAMILY,
  });
  const command = parseCommand(argv, schema);
  const readFile = (path: string) => readFileSync(path, 'utf8');
  switch (command.name) {
    case 'help':
      console.log(helpText(schema, command.topic));
      return;
    case 'version':
      console.log(version);
      return;
    case 'serve':
      return serve(readConfig({ schema, flags: command.flags, env, readFile }), version);
    default:
      process.exitCode = await runCommand(command, processIo(schema));
  }
}
