/** Part `cached`: how long the language server takes to answer with a text that it knows, in documents of many lines. */
import { loadHeldOut } from '../../../evaluation/src/heldout.ts';
import { machine, sampled, type Bench, type Part } from '../bench.ts';
import { ENDS, linesOf, reportOf, type CachedCell, type CachedResults } from './cached-report.ts';
import { Editor } from './lsp.ts';

const LINES = [100, 5000, 20_000] as const;
/** Keys of each document that are answered from what is known, and those before that count for nothing. */
const KEYS = 1500;
const WARM = 200;
/** Characters of a text that are typed again and again, at the least and at most. */
const LEAST = 8;
const MOST = 40;
/** What is typed on a line of its own until a text comes that is long enough, with what stands below. */
const BEGINNINGS = ['if (', 'const ', 'return ', 'for (const ', 'export function ', 'this.', 'throw new '];

export const cached: Part = {
  name: 'cached',
  run: async (bench) => {
    const results = await measure(bench);
    return { results, ...reportOf(results, machine()) };
  },
};

async function measure(bench: Bench): Promise<CachedResults> {
  const texts = (await loadHeldOut()).flatMap(({ files }) => files.map(({ text }) => text));
  const { directory, family } = bench;
  const here = await Editor.inProcess({}, directory);
  const there = await Editor.overPipes({}, directory);
  try {
    for (const editor of [here, there]) await editor.until(({ draft }) => draft === 'ready');
    const cells: CachedCell[] = [];
    for (const lines of LINES)
      for (const end of ['LF', 'CRLF'] as const) {
        const document = linesOf(texts, lines).join(ENDS[end]);
        const uri = `file:///bench/${lines}-${end}.ts`;
        const keys = sampled(bench, KEYS);
        const inServer = await typedThrough(here, { uri, document, keys });
        const overPipes = await typedThrough(there, { uri, document, keys });
        const leastMessage = await timesOf(keys, () => there.explain(uri));
        cells.push({ lines, end, bytes: document.length, inServer, overPipes, leastMessage });
        bench.progress('cached', cells.length, LINES.length * 2);
      }
    return { family: family.id, cells };
  } finally {
    await Promise.all([here.stop(), there.stop()]);
  }
}

/** Milliseconds of each key of a text that the server has just given, typed key by key, taken back and typed again. */
async function typedThrough(
  editor: Editor,
  { uri, document, keys }: { readonly uri: string; readonly document: string; readonly keys: number },
): Promise<number[]> {
  const line = Math.floor(document.split('\n').length / 2);
  const at = (character: number) => ({ line, character });
  await editor.open(uri, document);
  await editor.edit(uri, { start: at(0), end: at(0) }, document.includes('\r\n') ? '\r\n' : '\n');
  let typed = '';
  let text = '';
  for (const beginning of BEGINNINGS) {
    await editor.edit(uri, { start: at(0), end: at(typed.length) }, beginning);
    typed = beginning;
    text = (await editor.ask(uri, at(typed.length), undefined, true)).split(/\r?\n/u)[0]!.slice(0, MOST);
    if (text.length >= LEAST) break;
  }
  if (text.length < LEAST) throw new Error(`Nothing long enough was completed in ${uri}.`);
  const times: number[] = [];
  // The last character is left: what was typed whole says nothing of what comes next.
  const places = text.length - 1;
  for (let key = 0; key < WARM + keys; key++) {
    const done = key % places;
    if (done === 0 && key > 0)
      await editor.edit(uri, { start: at(typed.length), end: at(typed.length + places) }, '');
    const place = at(typed.length + done);
    const began = performance.now();
    void editor.edit(uri, { start: place, end: place }, text[done]!);
    const rest = await editor.ask(uri, at(typed.length + done + 1));
    if (key >= WARM) times.push(performance.now() - began);
    if (rest.split(/\r?\n/u)[0] !== text.slice(done + 1) && !rest.startsWith(text.slice(done + 1)))
      throw new Error(
        `What was known was not given again: ${JSON.stringify(rest)} for ${JSON.stringify(text)}.`,
      );
  }
  const { given } = (await editor.explain(uri))!;
  if (given !== 'cache') throw new Error(`The last text was not known, but ${given}.`);
  await editor.close(uri);
  return times;
}

async function timesOf(count: number, run: () => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let done = 0; done < count; done++) {
    const began = performance.now();
    await run();
    times.push(performance.now() - began);
  }
  return times;
}
