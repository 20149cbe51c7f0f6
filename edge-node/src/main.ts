#!/usr/bin/env node
/** `foretype-edge`: puts the parts of an edge node together and runs it until it is told to stop. */
import { backboneSpec, EMBEDDED_FAMILY, EngineError, loadFamily, startEngine } from '@foretype/models';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { availableParallelism, homedir } from 'node:os';
import { join } from 'node:path';
import { openAccounts } from './accounts.ts';
import { helpText, parseCommand } from './command.ts';
import { readConfig, settingsSchema, type Config } from './config.ts';
import { StartError } from './error.ts';
import { createHttp } from './http.ts';
import { targetOf } from './target.ts';

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
  const schema = settingsSchema({ cores: availableParallelism(), stateHome, family: EMBEDDED_FAMILY });
  const command = parseCommand(argv, schema);
  const readFile = (path: string) => readFileSync(path, 'utf8');
  switch (command.name) {
    case 'help':
      console.log(helpText(schema));
      return;
    case 'version':
      console.log(version);
      return;
    case 'serve':
      return serve(readConfig({ schema, flags: command.flags, env, readFile }));
  }
}

/** Resolves once the node is ready; it then runs until a signal. */
async function serve(config: Config): Promise<void> {
  const family = await loadFamily(config.family);
  const now = () => new Date();
  const { accounts, created } = await openAccounts({ directory: config.state, random: randomBytes, now });
  if (created !== undefined) {
    console.log(`Token (shown once): ${created}`);
    console.log('Give it to each editor as its edge token; the node itself keeps only a hash of it.');
  }

  const loaded = Promise.withResolvers<undefined>();
  const engine = startEngine(backboneSpec(family, config), ({ status, reason }) => {
    // A process takes longer to say anything than the next statement takes to make `http`.
    const healthy = status === 'ready' || status === 'loading';
    http.log[healthy ? 'info' : 'error']({ status, reason }, 'engine state');
    if (status === 'ready') loaded.resolve(undefined);
    if (status === 'failed') {
      loaded.reject(new EngineError('model-invalid', reason ?? 'The model cannot be loaded.'));
    }
  });
  const http = createHttp({
    target: targetOf(family, engine),
    engineState: () => engine.state,
    accounts,
    version,
    started: now(),
    logLevel: config.logLevel,
    logTo: process.stderr,
  });
  const stop = async () => {
    await http.close();
    await engine.dispose();
  };
  stopOnSignal(stop);

  // Listening comes first, so that a port in use is said at once and `/health` can tell that a large model loads.
  const ready = http.listen(config).then(async (url) => {
    await loaded.promise;
    return url;
  });
  loaded.promise.catch(() => undefined);
  try {
    console.log(`foretype-edge listens on ${await ready}`);
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The first signal stops in good order, the second at once. */
function stopOnSignal(stop: () => Promise<void>): void {
  let stopping = false;
  const onSignal = (code: number) => {
    if (stopping) process.exit(128 + code);
    stopping = true;
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  };
  process.on('SIGINT', () => onSignal(2));
  process.on('SIGTERM', () => onSignal(15));
}
