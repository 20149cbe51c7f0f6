/** Puts the parts of an edge node together and runs it until it is told to stop. */
import { EngineError, loadFamily, type Family } from '@foretype/models';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Blocks } from './adapters/blocks.ts';
import { hold } from './adapters/lock.ts';
import { blocksIn, openState } from './state/state.ts';
import { familiesOf, type Config } from './config.ts';
import { systemCode } from '@foretype/models/catalogue';
import { StartError } from './error.ts';
import { adapterFiles, clearAdapterFiles, readGguf } from './hosting/files.ts';
import { Fleet } from './hosting/fleet.ts';
import { memberOf } from './hosting/members.ts';
import { policyNamed } from './hosting/policy.ts';
import { Rosters } from './hosting/rosters.ts';
import { createHttp } from './http.ts';
import { measured } from './metrics/measured.ts';
import { memoryOf } from './metrics/memory.ts';
import { createPrometheus } from './metrics/prometheus.ts';
import { Scheduler } from './scheduler.ts';
import { Seats } from './seats.ts';
import { targetOf, type Target } from './target.ts';

/** Milliseconds between two looks whether a command beside the node changed something. */
const LOOK_EVERY = 500;
/** Milliseconds that a request waits for its turn: an editor has moved on by then. */
const PATIENCE_MS = 2000;
/** Milliseconds that people may pause without losing their seat, and that they wait who have one, see `Seats`. */
const SITTING = { idleMs: 3000, tenureMs: 30_000, soonMs: 250, readMs: 600 };
/**
 * Seats for each prompt that the engine keeps. Whoever goes to another place leaves a prompt behind of which nobody has
 * any use: were there as many seats, the next prompt would take the place of somebody's who is typing. Two can always work.
 */
const SEATED = { share: 0.5, least: 2 };
/** WebSockets of one account: an editor has one for each of its windows. */
const CONNECTIONS = 64;
const MINUTE_MS = 60_000;
/** Why a backbone will not be there however long one waits. */
const FINAL: ReadonlySet<string> = new Set(['memory-full', 'model-invalid']);

/** Resolves once the node is ready; it then runs until a signal. */
export async function serve(config: Config, version: string): Promise<void> {
  const families = await Promise.all(familiesOf(config).map(loadFamily));
  const now = () => new Date();
  const monotonic = () => performance.now();
  const state = openState(config.state, { random: randomBytes, now });
  if (state.tokens.isEmpty) {
    console.log(`Token (shown once): ${state.tokens.create({ name: 'admin', role: 'admin' })}`);
    console.log('It is an admin’s. Make one for each editor with: foretype-edge token create NAME');
  }

  const rosters = new Rosters({ families, database: state.database, stored: () => state.adapters.stored() });
  const prometheus = createPrometheus({ version });
  const budget = config.memory === 0 ? Infinity : config.memory * 1024 ** 2;
  const loaded = Promise.withResolvers<undefined>();
  const backbones = new Map(
    await Promise.all(families.map(async (family) => [family.id, await headerOf(family)] as const)),
  );
  const directory = join(config.state, 'loaded');
  const lock = hold(join(config.state, 'serve.lock'));
  if (!lock) {
    const message = `Another edge node runs with the state directory ${config.state}; stop it or choose another with --state.`;
    throw new StartError('state-invalid', message);
  }
  await clearAdapterFiles(directory);
  const fleet = new Fleet({
    members: families.map((family) => {
      const roster = () => rosters.of(family.id);
      const { fileOf, prune } = adapterFiles({ family, roster, store: state.adapters, directory });
      rosters.onChange(
        () => void prune().catch((err: unknown) => http.log.error({ err }, 'files not removed')),
      );
      return memberOf({ family, backbone: backbones.get(family.id)!, resources: config, roster, fileOf });
    }),
    budget,
    policy: policyNamed(config.placement),
    now: monotonic,
    onEvent: (event) => {
      prometheus.hosting(event);
      if (event.kind === 'hit' || event.kind === 'miss') return;
      const failed =
        event.kind === 'state' && event.state.status !== 'ready' && event.state.status !== 'loading';
      // An engine takes longer to say anything than the next statements take to make `http`.
      http.log[failed ? 'error' : 'info'](event, 'engine');
      if (event.kind !== 'state' || event.family !== families[0]!.id) return;
      const { status, reason } = event.state;
      if (status === 'ready') loaded.resolve(undefined);
      if (status === 'failed')
        loaded.reject(new EngineError('model-invalid', reason ?? 'The model cannot be loaded.'));
    },
  });
  const targets = families.map((family): Target => {
    const { waiting, perUser } = config;
    const options = {
      running: config.sequences,
      waiting,
      waitingEach: perUser,
      patienceMs: PATIENCE_MS,
      seats: new Seats({
        count: Math.max(SEATED.least, Math.ceil(config.sequences * SEATED.share)),
        ...SITTING,
      }),
      now: monotonic,
    };
    return targetOf(family, {
      engine: measured(fleet.engine(family.id), { family: family.id, metrics: prometheus, now: monotonic }),
      scheduler: new Scheduler(options),
      roster: () => rosters.of(family.id),
      onRoster: (listener) => rosters.onChange(listener),
      prepare: (adapter) => fleet.prepare(family.id, adapter),
    });
  });
  const ids = families.map(({ id }) => id);
  const http = createHttp({
    targets,
    engineState: (family) => fleet.state(family),
    tokens: state.tokens,
    limits: { requests: config.rate, windowMs: MINUTE_MS, atOnce: config.perUser, connections: CONNECTIONS },
    admin: {
      store: state.adapters,
      blocks: new Blocks(blocksIn(config.state)),
      uploads: join(config.state, 'uploads'),
      backbones: (family) => {
        const { sha256 } = families.find(({ id }) => id === family)!.backbone;
        return Promise.resolve({ sha256, gguf: backbones.get(family)! });
      },
      changed: () => rosters.refresh(),
    },
    metrics: prometheus,
    memory: () =>
      memoryOf({ families: ids, pid: (family) => fleet.pid(family), budget, placed: () => fleet.bytes }),
    version,
    started: now(),
    now,
    logLevel: config.logLevel,
    logTo: process.stderr,
    tls: tlsOf(config),
  });
  const look = setInterval(() => {
    try {
      rosters.refresh();
    } catch (err) {
      // A database that cannot be read now may be so the next time; it must not end the node.
      http.log.error({ err }, 'adapters cannot be looked up');
    }
  }, LOOK_EVERY);
  const stop = async () => {
    clearInterval(look);
    await http.close();
    await fleet.dispose();
    state[Symbol.dispose]();
    lock[Symbol.dispose]();
  };
  stopOnSignal(stop);

  // Listening comes first, so that a port in use is said at once and `/health` can tell that a large model loads.
  const ready = http.listen(config).then(async (url) => {
    await loaded.promise;
    return url;
  });
  loaded.promise.catch(() => undefined);
  try {
    // One backbone is loaded before anybody asks; its failure is the node's.
    fleet.prepare(ids[0]!, '').catch((error: unknown) => {
      // A process that was lost is started again.
      if (error instanceof EngineError && FINAL.has(error.code)) loaded.reject(error);
    });
    console.log(`foretype-edge listens on ${await ready}`);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function headerOf({ id, backbone }: Family) {
  try {
    return await readGguf(backbone.path);
  } catch (cause) {
    const why = cause instanceof Error && cause.name === 'GgufError' ? cause.message : systemCode(cause);
    const message = `The backbone of ${id}, ${backbone.path}, cannot be read (${why}); install the model family again.`;
    throw new EngineError('model-invalid', message, { cause });
  }
}

/** @throws StartError `usage` where only one of the files is named, or one cannot be read. */
function tlsOf({ tlsCert, tlsKey }: Config) {
  if (tlsCert === '' && tlsKey === '') return undefined;
  if (tlsCert === '' || tlsKey === '')
    throw new StartError('usage', 'TLS needs both --tls-cert and --tls-key; one of them is missing.');
  const read = (path: string) => {
    try {
      return readFileSync(path, 'utf8');
    } catch (cause) {
      throw new StartError('usage', `The file ${path} cannot be read (${systemCode(cause)}).`, { cause });
    }
  };
  return { cert: read(tlsCert), key: read(tlsKey) };
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
