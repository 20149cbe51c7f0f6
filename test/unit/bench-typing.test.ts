/** The bench of typing: other products' rules and clients, a person's pace, what an editor shows, and the report. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { chance } from '../../evaluation/src/random.ts';
import { continueDev, llamaVscode, tabby, type Infill, type MakeClient } from '../bench/editor/clients.ts';
import * as activation from '../bench/editor/activation-report.ts';
import * as cached from '../bench/editor/cached-report.ts';
import { play, type Contestant, type Seen } from '../bench/editor/play.ts';
import { ticksIn } from '../bench/editor/processes.ts';
import {
  continueEnough,
  continueKnown,
  continueRequest,
  continueWindow,
  llamaAhead,
  llamaKey,
  llamaKnown,
  llamaRequest,
  llamaShown,
  llamaSilent,
  llamaTexts,
  tabbyForward,
  tabbyPause,
  tabbyRequest,
  tabbyShown,
} from '../bench/editor/rules.ts';
import { changeOf, gapBefore, leftOf, positionAt, type Stroke } from '../bench/editor/strokes.ts';
import { againstBest, figuresOf, FORETYPE, reportOf } from '../bench/editor/typing-report.ts';
import { VirtualClock } from '../support/emulator/virtual-clock.ts';

/** A place where `|` stands. */
function at(marked: string) {
  const offset = marked.indexOf('|');
  assert.ok(offset >= 0);
  return { text: marked.slice(0, offset) + marked.slice(offset + 1), offset };
}

describe('Tabby’s pause', () => {
  const quick = Array.from({ length: 30 }, () => 120);
  const slow = Array.from({ length: 30 }, () => 300);
  for (const [name, marked, gaps, responses, ms] of [
    ['in a word in the middle of a line: three gaps', 'a = fo|o + bar\nb', [], undefined, 600],
    ['at the end of a line: 40 % on the way to 1.5', 'a = fo|\nb', [], undefined, 480],
    ['behind a dot at the end of a line: 90 %', 'a.|\nb', [], undefined, 330],
    ['at the end of the document: all', 'a.|', [], undefined, 300],
    ['20 gaps are too few to know the typist', 'a = fo|o + bar\nb', quick.slice(0, 20), undefined, 600],
    ['30 are enough', 'a = fo|o + bar\nb', quick, undefined, 360],
    ['pauses are no gaps', 'a = fo|o + bar\nb', [...quick, 401, 5000], undefined, 360],
    [
      'the last 100 count',
      'a = fo|o + bar\nb',
      [...slow, ...slow, ...quick, ...quick, ...quick, ...quick],
      undefined,
      360,
    ],
    ['nobody is taken to be quicker than 100', 'a = fo|o + bar\nb', quick.map(() => 50), undefined, 300],
    ['the response time is taken off', 'a = fo|o + bar\nb', [], [100, 200], 450],
    ['of the last ten', 'a = fo|o + bar\nb', [], [9999, ...quick.slice(0, 10)], 480],
    ['to 100 at the least', 'a.|', [], [900], 100],
    ['to 1000 at the most', 'a = fo|o + bar\nb', slow.map(() => 390), undefined, 1000],
    ['before the first response there is no number to wait for', 'a = fo|o\nb', [], [], 0],
  ] as const)
    it(name, () => assert.equal(Math.round(tabbyPause(at(marked), { gaps, responses })), ms));
});

describe('what Tabby asks for and shows', () => {
  const lines = Array.from({ length: 60 }, (_, line) => `l${line}`);
  it('20 lines on either side, the cursor’s among them', () => {
    const place = at([...lines.slice(0, 30), 'a|b', ...lines.slice(30)].join('\n'));
    const { input_prefix: above, prompt, input_suffix: behind, n_predict: most } = tabbyRequest(place);
    assert.deepEqual(above.split('\n'), [...lines.slice(11, 30), '']);
    assert.equal(prompt, 'a');
    assert.deepEqual(behind.split('\n'), ['b', ...lines.slice(30, 49), '']);
    assert.equal(most, 64);
  });
  for (const [name, marked, text, shown] of [
    ['all lines where nothing follows', 'a|\n', 'bcd {\n  e', 'bcd {\n  e'],
    ['all lines before closing brackets', 'f(|);\n', 'bcd,\n  e', 'bcd,\n  e'],
    ['one line before anything else', 'f(|x\n', 'bcd,\n  e', 'bcd,'],
    ['nothing of three characters', 'a|\n', 'bcd', ''],
    ['no blanks at the end', 'a|\n', 'bcde \n ', 'bcde'],
  ] as const)
    it(name, () => assert.equal(tabbyShown(text, at(marked)), shown));
  it('keeps what is left behind each character of the first line, but no text for the whole', () => {
    assert.deepEqual(tabbyForward('abc'), [
      { typed: 'a', left: 'bc' },
      { typed: 'ab', left: 'c' },
    ]);
    assert.deepEqual(tabbyForward('a'), []);
    assert.equal(tabbyForward('x'.repeat(80)).length, 49);
    const typed = tabbyForward('ab {\n  c\n}').map((one) => one.typed);
    assert.deepEqual(typed, ['a', 'ab', 'ab ', 'ab {', 'ab {\n', 'ab {\n  ']);
  });
});

describe('Continue', () => {
  for (const [name, text, ms, shown] of [
    ['waits for the end of a line', 'abc', 200, undefined],
    ['and for 150 ms', 'abc\nd', 150, undefined],
    ['then shows whole lines', 'abc\nd', 151, 'abc'],
    ['a blank first line is not enough', '\nd', 200, undefined],
    ['stops at 375 ms with what there is', 'abc\nd', 376, 'abc\nd'],
    ['stops where a blank line follows', 'abc\n\nd', 10, 'abc'],
    ['stops where the next line of the document comes', 'abc\n  below\n', 10, 'abc'],
  ] as const)
    it(name, () => assert.equal(continueEnough(text, ms, '  below'), shown));

  it('prunes whole lines, the nearest last', () => {
    const line = `${'x'.repeat(99)}\n`;
    const { prefix, suffix } = continueWindow({ text: line.repeat(40), offset: 2050 });
    assert.equal(prefix.length, 1150);
    assert.equal(suffix, line.repeat(40).slice(2050, 2799));
    const { input_prefix: above, prompt, stream } = continueRequest({ text: line.repeat(40), offset: 2050 });
    assert.deepEqual([above.length, prompt.length, stream], [1100, 50, true]);
  });
  it('finds the longest prefix that it knows, where what follows was typed', () => {
    const known = new Map([
      ['a', 'bcd'],
      ['ab', 'xy'],
    ]);
    assert.equal(continueKnown(known, 'abx'), 'y');
    assert.equal(continueKnown(known, 'abc'), undefined, 'though the shorter one says so');
    assert.equal(continueKnown(known, 'abxy'), undefined, 'nothing is left');
    assert.equal(continueKnown(known, 'b'), undefined);
  });
});

describe('llama.vscode', () => {
  it('asks for three texts of 128 tokens, with 256 lines above and 64 below', () => {
    const lines = Array.from({ length: 400 }, (_, line) => `l${line}`);
    const texts = llamaTexts(at([...lines.slice(0, 300), '  a|b', ...lines.slice(300)].join('\n')));
    assert.deepEqual(texts.input_prefix.split('\n'), [...lines.slice(44, 300), '']);
    assert.deepEqual(texts.input_suffix.split('\n'), ['b', ...lines.slice(300, 364), '']);
    assert.deepEqual([texts.prompt, texts.n_indent], ['  a', 2]);
    const { n_cmpl: count, n_predict: most, t_max_predict_ms: time, stream } = llamaRequest(texts);
    assert.deepEqual([count, most, time, stream], [3, 128, 500, false]);
  });
  it('asks for a line of blanks from its beginning', () => {
    const { prompt, n_indent: indent } = llamaTexts(at('a\n    |\nb'));
    assert.deepEqual([prompt, indent], ['', undefined]);
  });
  it('is silent with more than eight characters behind the cursor', () => {
    assert.deepEqual([llamaSilent(at('a|12345678\n')), llamaSilent(at('a|123456789\n'))], [false, true]);
  });
  it('walks back on the line for what it knows', () => {
    const texts = llamaTexts(at('x\nconst |\ny'));
    const known = new Map([[llamaKey(texts), ['abc = 1', 'other']]]);
    const typed = (marked: string) => llamaKnown(known, llamaTexts(at(marked)));
    assert.deepEqual(typed('x\nconst |\ny'), ['abc = 1', 'other']);
    assert.deepEqual(typed('x\nconst ab|\ny'), ['c = 1']);
    assert.deepEqual(typed('x\nconst ax|\ny'), undefined);
    assert.deepEqual(typed('z\nconst |\ny'), undefined, 'another line above');
  });
  for (const [name, marked, texts, shown] of [
    ['nothing that is blank', 'a|\nb', [' \n', 'c\n'], ['c']],
    ['nothing that stands there', 'a|)\nb', [')'], []],
    ['nothing that repeats the next line', 'a|\n\nab\n', ['b'], []],
    ['one line before other text, without that', 'f(|)\n', ['x)\ny', 'z'], ['x', 'z']],
  ] as const)
    it(`shows ${name}`, () => assert.deepEqual(llamaShown(texts, at(marked)), shown));
  it('asks beforehand behind what it shows', () => {
    const texts = llamaTexts(at('x\nif (|\ny'));
    assert.equal(llamaAhead(texts, 'a)').prompt, 'if (a)');
    const { input_prefix: above, prompt } = llamaAhead(texts, 'a) {\n  b');
    assert.deepEqual([above, prompt], ['x\nif (a) {\n', '  b']);
  });
});

/** A server that answers after so long, and a client before it. */
function before(make: MakeClient, { ms, text }: { readonly ms: number; readonly text: string }) {
  const clock = new VirtualClock(10_000);
  const asked: number[] = [];
  let aborted = 0;
  const server: Infill = {
    whole: async (_body, signal) => {
      asked.push(clock.now() - 10_000);
      try {
        await clock.sleep(ms, signal);
      } catch (error) {
        aborted++;
        throw error;
      }
      return [text];
    },
    async *streamed(_body, signal) {
      asked.push(clock.now() - 10_000);
      for (const character of text) {
        await clock.sleep(ms / text.length, signal).catch((error: unknown) => {
          aborted++;
          throw error;
        });
        yield character;
      }
    },
  };
  const client = make(server, clock);
  /** Types with equal gaps; when something was shown for each key, and what. */
  const type = async (head: string, keys: string, gap: number) => {
    const shown: (readonly [number, string] | undefined)[] = [];
    let cancel = new AbortController();
    for (const index of keys.split('').keys()) {
      if (index > 0) await clock.advance(gap);
      cancel.abort();
      cancel = new AbortController();
      const { signal } = cancel;
      const typed = head + keys.slice(0, index + 1);
      const began = clock.now();
      client.ask({ text: `${typed}\nend\n`, offset: typed.length }, signal).then(
        (answer) => {
          if (!signal.aborted) shown[index] = [Math.round(clock.now() - began), answer];
        },
        () => undefined,
      );
    }
    await clock.advance(3000);
    return shown;
  };
  return { type, asked, aborted: () => aborted };
}

describe('a client by Tabby’s rules', () => {
  it('aborts what it asked for with the next key, and waits before it asks again', async () => {
    const { type, asked, aborted } = before(tabby, { ms: 200, text: 'fghij' });
    const shown = await type('a', 'bcde', 150);
    // Until something was answered once, it does not wait.
    assert.deepEqual(asked, [0, 150, 300, 450]);
    assert.equal(aborted(), 3);
    assert.deepEqual(shown.at(-1), [200, 'fghij']);
    const more = await type('other', 'wxyz', 150);
    assert.equal(asked.length, 5);
    // 2.4 gaps of 200, without the 200 that the answer takes.
    assert.deepEqual(more.at(-1), [480, 'fghij']);
  });
  it('waits for what it knows as well', async () => {
    const { type, asked } = before(tabby, { ms: 50, text: 'bcdefg' });
    await type('', 'a', 0);
    const shown = await type('a', 'bc', 1000);
    assert.deepEqual(shown, [
      [480, 'cdefg'],
      [480, 'defg'],
    ]);
    assert.equal(asked.length, 1);
  });
});

describe('a client by Continue’s rules', () => {
  it('asks when nothing was typed for 350 ms', async () => {
    const { type, asked } = before(continueDev, { ms: 100, text: 'fgh\n\n' });
    const shown = await type('a', 'bcde', 300);
    assert.deepEqual(asked, [900 + 350]);
    assert.deepEqual(
      shown.slice(0, -1).filter((one) => one !== undefined),
      [],
    );
    assert.deepEqual(shown.at(-1), [450, 'fgh']);
  });
  it('waits before it looks into its cache', async () => {
    const { type, asked } = before(continueDev, { ms: 100, text: 'bcd\n\n' });
    await type('', 'a', 0);
    assert.deepEqual(await type('a', 'b', 0), [[350, 'cd']]);
    assert.equal(asked.length, 1);
  });
  it('takes over what is on its way where that says what was typed', async () => {
    const { type, asked, aborted } = before(continueDev, { ms: 1000, text: 'bcdefghijk' });
    // What is written by then, 100 ms a character, stops after 375.
    const shown = await type('', 'ab', 460);
    assert.equal(asked.length, 1);
    assert.equal(aborted(), 0);
    assert.deepEqual(shown[1], [350, 'cde']);
  });
});

describe('a client by llama.vscode’s rules', () => {
  it('asks at once, lets nothing be aborted and looks every 150 ms whether it may ask again', async () => {
    const { type, asked, aborted } = before(llamaVscode, { ms: 400, text: 'fghij' });
    const shown = await type('a', 'bcd', 100);
    // The first was answered at 400 for nobody; the last key, of 200, looks at 350 and at 500.
    assert.deepEqual(asked.slice(0, 2), [0, 500]);
    assert.equal(aborted(), 0);
    assert.deepEqual(shown.at(-1), [700, 'fghij']);
  });
  it('gives what it knows without any wait', async () => {
    const { type, asked } = before(llamaVscode, { ms: 50, text: 'bcdefg' });
    await type('', 'a', 0);
    const count = asked.length;
    assert.equal(count, 2, 'one for the place, one for what follows the text');
    const shown = await type('a', 'bc', 100);
    assert.deepEqual(shown, [
      [0, 'cdefg'],
      [0, 'defg'],
    ]);
  });
});

describe('keys', () => {
  const stroke = (marked: string, key: Stroke['key'] = 'typed') => ({ ...at(marked), key });
  it('change what ends at the cursor', () => {
    assert.deepEqual(changeOf({ text: 'ac' }, stroke('ab|c')), { from: 1, to: 1, text: 'b' });
    assert.deepEqual(changeOf({ text: 'aac' }, stroke('a|c')), { from: 1, to: 2, text: '' });
    assert.deepEqual(changeOf({ text: 'a' }, stroke('a\n  |')), { from: 1, to: 1, text: '\n  ' });
  });
  it('leave of a text what they do not type', () => {
    const typed = { from: 0, to: 0, text: 'a' };
    assert.equal(leftOf('abc', typed), 'bc');
    assert.equal(leftOf('bc', typed), '');
    assert.equal(leftOf('abc', { ...typed, text: '' }), '');
  });
  it('come every 239 ms on average in code, and not evenly', () => {
    const code =
      'export function rateOf(count: number, total: number): number {\n  if (total === 0) return 0;\n  return count / total;\n}\n';
    const random = chance('pace');
    const gaps: number[] = [];
    for (let times = 0; times < 100; times++)
      for (let offset = 1; offset <= code.length; offset++) {
        const key = code[offset - 1] === '\n' ? 'line end' : 'typed';
        gaps.push(gapBefore({ key, text: code.slice(0, offset), offset }, random));
      }
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    assert.ok(mean > 225 && mean < 255, String(mean));
    const sorted = gaps.toSorted((a, b) => a - b);
    assert.ok(sorted[Math.floor(0.1 * gaps.length)]! < 110 && sorted[Math.floor(0.95 * gaps.length)]! > 450);
  });
  it('have positions', () => {
    const text = 'ab\n\ncd';
    const positions = [0, 2, 3, 4, 6].map((offset) => positionAt(text, offset));
    assert.deepEqual(positions, [
      { line: 0, character: 0 },
      { line: 0, character: 2 },
      { line: 1, character: 0 },
      { line: 2, character: 0 },
      { line: 2, character: 2 },
    ]);
  });
});

describe('a play', () => {
  const strokes = (text: string): Stroke[] =>
    Array.from({ length: text.length + 1 }, (_, offset) => ({
      key: offset === 0 ? 'open' : 'typed',
      text: text.slice(0, offset),
      offset,
    }));
  const played = async (text: string, ms: number, says: (typed: string) => string) => {
    const clock = new VirtualClock();
    let asked = 0;
    const contestant: Contestant = {
      open: () => Promise.resolve(),
      ask: async (stroke, _change, signal) => {
        asked++;
        await clock.sleep(ms, signal);
        return says(stroke.text);
      },
      close: () => Promise.resolve(),
    };
    return {
      seen: await clock.run(play(strokes(text), contestant, { clock, random: chance('play') })),
      asked: () => asked,
    };
  };

  it('asks at each key and takes the time to what comes before the next', async () => {
    const { seen, asked } = await played('abcdef', 20, () => 'zzz');
    assert.equal(asked(), 6);
    assert.deepEqual(
      seen.map(({ shownMs }) => shownMs && Math.round(shownMs)),
      [20, 20, 20, 20, 20, 20],
    );
  });
  it('counts a text that is typed as standing there', async () => {
    const { seen } = await played('abcdef', 20, (typed) => 'abcdefgh'.slice(typed.length));
    assert.deepEqual(
      seen.map(({ kept }) => kept),
      [false, true, true, true, true, true],
    );
    assert.deepEqual(
      seen.slice(1).map(({ shownMs }) => shownMs),
      [null, null, null, null, null],
    );
  });
  it('shows nothing that comes too late, but for the last key', async () => {
    const { seen } = await played('abcd', 1400, () => 'zzz');
    assert.deepEqual(
      seen.map(({ shownMs }) => shownMs === null),
      [true, true, true, false],
    );
  });
  it('throws what a contestant throws for a key that was the last', async () => {
    await assert.rejects(
      played('ab', 20, () => {
        throw new Error('broken');
      }),
      /broken/u,
    );
  });
});

describe('figures', () => {
  const seen = (shownMs: number | null, kept = false): Seen => ({ key: 'typed', gapMs: 100, kept, shownMs });
  it('are of keys that got a text; what is computed, of all', () => {
    const keys = [seen(10), seen(30), seen(null), seen(null, true)];
    const { median, shown, kept, begun, laptop, node } = figuresOf({
      seen: keys,
      laptop: 2,
      node: 1,
      begun: 3,
    });
    assert.deepEqual([median, shown, kept, begun, laptop, node], [20, 2, 1, 750, 500, 250]);
  });
  it('are compared with the least of those that have one', () => {
    assert.equal(againstBest(10, [NaN, 40, 50]), 0.25);
  });
  it('of one machine and of two make tables', () => {
    const results = (roundTripMs: number | null) => ({
      family: 'f',
      release: 'r',
      roundTripMs,
      pinned: true,
      files: 1,
      arms: {
        [FORETYPE]: { seen: [seen(10)], laptop: 1, node: 0, begun: 1 },
        'Tabby’s rules': { seen: [seen(null)], laptop: 1, node: 1, begun: 1 },
        'Continue’s rules': { seen: [seen(200)], laptop: 1, node: 1, begun: 1 },
        'llama.vscode’s rules': { seen: [seen(100)], laptop: 1, node: 2, begun: 1 },
      },
    });
    const one = reportOf(results(null), 'here').text;
    assert.match(one, /\| × +\| +0\.10 \| +0\.10 \| +0\.50 \|/u);
    assert.match(reportOf(results(20), 'here').text, /the target 20 ms away/u);
  });
  it('of processes are the two fields behind a name that may hold anything', () => {
    const fields = Array.from({ length: 30 }, (_, index) => index + 3).join(' ');
    assert.equal(ticksIn(`7 (a) b (c) ${fields}`), 14 + 15);
    assert.equal(ticksIn(''), 0);
  });
  it('of documents are of as many lines as are asked for', () => {
    assert.deepEqual(cached.linesOf(['a\nb', 'c'], 5), ['a', 'b', 'c', 'a', 'b']);
  });
  it('of documents are median and 99 %', () => {
    const times = Array.from({ length: 101 }, (_, index) => index / 10);
    const cell = {
      lines: 5000,
      end: 'LF',
      bytes: 150_000,
      inServer: times,
      overPipes: times,
      leastMessage: [1],
    } as const;
    const { text } = cached.reportOf({ family: 'f', cells: [cell] }, 'here');
    assert.match(text, /\| 5,000 \| LF +\| 150 \| +5\.00 · 9\.90 \| +5\.00 · 9\.90 \| +1\.00 · 1\.00 \|/u);
  });
  it('of starts are median, least and most', () => {
    const start = (ms: number) => ({
      activationMs: ms,
      loadMs: ms / 2,
      added: { heap: ms * 1e6, resident: 2e6 },
      idle: { heap: 0, resident: 0 },
    });
    const { text } = activation.reportOf(
      { shipped: [10, 40, 20].map(start), waiting: [6, 8].map(start) },
      'here',
    );
    assert.match(text, /while VS Code starts +\| +20 \(10 to 40\) \| +10 \(5 to 20\)/u);
    assert.match(text, /\| activation +\| +7\.0 \(6\.0 to 8\.0\) \| +2\.0 \(2\.0 to 2\.0\)/u);
  });
});
