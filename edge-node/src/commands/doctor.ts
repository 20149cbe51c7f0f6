import { familiesOf } from '../config.ts';
import {
  judgeCertificate,
  judgeClock,
  judgeCpu,
  judgeDisk,
  judgeEngine,
  judgeFiles,
  judgeMemory,
  judgePort,
  judgeState,
  type Finding,
} from '../doctor/judge.ts';
import {
  availableMemory,
  cpuFeatures,
  probeCertificate,
  probeFamily,
  probePort,
  probeState,
} from '../doctor/probe.ts';
import type { CommandIo } from './io.ts';
import { CommandError, sentenceOf } from './problem.ts';
import type { Asked } from './run.ts';
import { jsonText, table } from './text.ts';

/** Milliseconds in which the native library must have loaded the smallest model. */
const ENGINE_WITHIN = 30_000;

/** Looks at everything that a node needs, and says what to do. */
export async function doctor({ options, config }: Asked, io: CommandIo): Promise<void> {
  const { threads, memory: budget, sequences, host, state: directory } = config;
  const now = io.now();
  const families = await Promise.all(familiesOf(config).map((family) => probeFamily(family, sequences)));
  const { state, newest } = await probeState(directory, io);
  const findings: Finding[] = [
    judgeCpu({ ...io.machine, threads, features: await cpuFeatures() }),
    judgeEngine(await engineProblem(io)),
    ...families.map(({ files }) => judgeFiles(files)),
    judgeMemory({
      total: io.machine.memory,
      available: await availableMemory(),
      budget: budget * 1024 ** 2,
      needs: families.reduce((sum, { needs }) => sum + (needs ?? 0), 0),
    }),
    judgeState(state),
    judgeDisk(directory, await io.freeBytes(directory)),
    judgePort(await probePort(config)),
    judgeCertificate(probeCertificate(config), host, now),
    judgeClock(now, newest),
  ];
  if (options.has('json')) {
    io.out(jsonText(findings));
  } else {
    const rows = findings.map(({ status, check, says, mend }) => [
      status,
      check,
      [says, mend].join(' ').trimEnd(),
    ]);
    for (const line of table(rows)) io.out(line);
  }
  const failed = findings.filter(({ status }) => status === 'fail').length;
  if (failed > 0)
    throw new CommandError(
      'unhealthy',
      `${failed} of ${findings.length} checks failed; mend them and run foretype-edge doctor again.`,
    );
}

async function engineProblem({ tryEngine, sleep }: CommandIo): Promise<string | undefined> {
  const late = new AbortController();
  try {
    return await Promise.race([
      tryEngine(late.signal).then(() => undefined),
      sleep(ENGINE_WITHIN, late.signal).then(
        () => `The native library said nothing for ${ENGINE_WITHIN / 1000} s.`,
      ),
    ]);
  } catch (error) {
    return sentenceOf(error) ?? `The native library failed (${String(error)}).`;
  } finally {
    late.abort();
  }
}
