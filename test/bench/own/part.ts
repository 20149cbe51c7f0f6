/** Part `own`: what the language server itself computes for a completion, engines and network apart. */
import { loadHeldOut } from '../../../evaluation/src/heldout.ts';
import { testsOf } from '../../../evaluation/src/projects.ts';
import { table, whole } from '../../../evaluation/src/table.ts';
import { machine, sampled, type Part } from '../bench.ts';
import { tracesOver } from '../keystrokes/places.ts';
import { player } from '../rig/player.ts';
import { Rig } from '../rig/rig.ts';
import { quantile } from '../statistics.ts';
import { remembered } from './engine.ts';

const PLACES = 16;
const KEYS_EACH = 12;
/** Times that everything is typed; the engine's answers are known from the second on, and the code is warm. */
const PASSES = 4;

export const own: Part = {
  name: 'own',
  run: async (bench) => {
    const rig = await Rig.start(bench, 'none');
    try {
      const packages = testsOf(await loadHeldOut());
      const traces = tracesOver(packages, sampled(bench, PLACES), { label: 'own', bursts: ['a line'] });
      const draft = remembered(rig.draft);
      const times: number[] = [];
      for (let pass = 0; pass < PASSES; pass++) {
        const play = player({ family: rig.family, draft, channel: rig.channel });
        for (const trace of traces) {
          for (const stroke of trace.strokes.slice(0, KEYS_EACH)) {
            const { ownMs } = await play(stroke, trace);
            if (pass > 0) times.push(ownMs);
          }
        }
        bench.progress('own', pass + 1, PASSES);
      }
      const results = { family: bench.family.id, times };
      const figures = [0.5, 0.9, 0.95, 0.99].map((share) => quantile(times, share).toFixed(2));
      return {
        results,
        text: table(
          `**The language server's own thread**, milliseconds a completion: ${whole(times.length)} keys at ${traces.length} places; family \`${bench.family.id}\`, on ${machine()}.`,
          ['median', '90 %', '95 %', '99 %'],
          [figures],
        ),
        charts: [],
      };
    } finally {
      await rig.dispose();
    }
  },
};
