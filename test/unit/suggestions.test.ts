import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Candidate } from '../../server/src/completion.ts';
import type { CompletionReport, DocumentPlace } from '../../server/src/protocol.ts';
import { CompletionCache } from '../../server/src/suggestions/cache.ts';
import { onNextLine } from '../../server/src/suggestions/next-line.ts';
import { pauseFor } from '../../server/src/suggestions/pause.ts';
import { Suggestions, type SuggestionRequest } from '../../server/src/suggestions/suggestions.ts';
import { emptyTrace, reportOf } from '../../server/src/trace.ts';

const uri = 'file:///a.ts';
/** A cursor where `|` stands. */
const at = (marked: string, of = uri) => {
  const offset = marked.indexOf('|');
  return { uri: of, text: marked.replace('|', ''), offset };
};

describe('the cache of completions', () => {
  const known = (text: string, verified = false) => ({ text, verified, about: null });
  const filled = () => {
    const cache = new CompletionCache<null>();
    cache.keep(at('const a = |;\n'), 'm', known('count + 1'));
    return cache;
  };
  for (const [name, marked, rest] of [
    ['the place itself', 'const a = |;\n', 'count + 1'],
    ['what is typed of it', 'const a = cou|;\n', 'nt + 1'],
    ['its end', 'const a = count + 1|;\n', ''],
    ['something else typed', 'const a = cu|;\n', undefined],
    ['something else behind it', 'const a = |);\n', undefined],
    ['more than it says', 'const a = count + 12|;\n', undefined],
    ['another line', 'const a = ;\n|', undefined],
  ] as const)
    it(`${rest === undefined ? 'has nothing for' : 'finds'} ${name}`, () => {
      assert.equal(filled().find(at(marked), 'm')?.text, rest);
    });

  it('keeps documents, models and adapters apart', () => {
    assert.equal(filled().find(at('const a = |;\n', 'file:///b.ts'), 'm'), undefined);
    assert.equal(filled().find(at('const a = |;\n'), 'n'), undefined);
  });

  it('finds a place again when the file changed further away', () => {
    const cache = new CompletionCache<null>();
    const near = `${'x = 1;\n'.repeat(60)}const a = `;
    cache.keep(at(`old\n${near}|;\n${'y = 2;\n'.repeat(60)}old`), 'm', known('count'));
    assert.equal(cache.find(at(`new!\n${near}|;\n${'y = 2;\n'.repeat(60)}`), 'm')?.text, 'count');
  });

  it('does not let a draft take the place of what was verified, nor a later draft hide it', () => {
    const cache = filled();
    cache.keep(at('const a = |;\n'), 'm', known('count - 1', true));
    cache.keep(at('const a = |;\n'), 'm', known('count + 2'));
    assert.equal(cache.find(at('const a = |;\n'), 'm')?.text, 'count - 1');
    cache.keep(at('const a = co|;\n'), 'm', known('nst'));
    assert.deepEqual(cache.find(at('const a = co|;\n'), 'm'), {
      text: 'unt - 1',
      typed: 'co',
      verified: true,
      about: null,
    });
  });

  it('is quick in a large document, hit or not', () => {
    const large = `${'const value = compute(another, one);\n'.repeat(30_000)}|${'}\n'.repeat(10_000)}`;
    const cache = filled();
    const place = at(large);
    const times = Array.from({ length: 30 }, () => {
      const started = performance.now();
      cache.find(place, 'm');
      return performance.now() - started;
    });
    assert.ok(Math.min(...times) < 2, times.join(' '));
  });
});

describe('the pause before work', () => {
  const typing = { draftMs: 30, power: 'mains', rejected: 0, newLine: false } as const;
  for (const [name, change, ms] of [
    ['short where drafts are quick', {}, 25],
    ['half a draft’s time', { draftMs: 100 }, 50],
    ['never longer than is noticed', { draftMs: 900 }, 75],
    ['longer on battery', { draftMs: 100, power: 'battery' }, 100],
    ['longest when power is saved', { draftMs: 100, power: 'saver' }, 200],
    ['none on a new line', { draftMs: 900, power: 'saver', newLine: true }, 0],
    ['as before after two rejections', { rejected: 2 }, 25],
    ['longer after each further one', { rejected: 5 }, 200],
    ['at most three seconds', { rejected: 50 }, 3000],
    ['even on a new line', { rejected: 5, newLine: true }, 200],
  ] as const)
    it(`is ${name}`, () => assert.equal(pauseFor({ ...typing, ...change }), ms));
});

describe('the next line', () => {
  for (const [marked, next] of [
    ['  let a = 1;|\nx', '  let a = 1;\n  |\nx'],
    ['  if (a) {|', '  if (a) {\n    |'],
    ['a {\n    b {|', 'a {\n    b {\n        |'],
    ['a {\n\tb {|', 'a {\n\tb {\n\t\t|'],
    ['def f():|', 'def f():\n    |'],
    ['|', '\n|'],
  ] as const)
    it(JSON.stringify(marked), () => assert.deepEqual(onNextLine(at(marked)), at(next)));
});

/** Suggestions over completions that the test makes, one after the other. */
function world(parts: Partial<ConstructorParameters<typeof Suggestions>[0]> = {}) {
  let clock = 0;
  let timers: { readonly at: number; readonly run: () => void }[] = [];
  const made: Made[] = [];
  const verified: DocumentPlace[] = [];
  let version = 0;
  const suggestions = new Suggestions({
    make: (cursor, _explicit, signal) => {
      const one = new Made(cursor.text.slice(0, cursor.offset), signal);
      made.push(one);
      return one.stream();
    },
    cut: (text) => ({ text, replaces: 0, by: [] }),
    scope: () => 'm',
    verifies: () => true,
    typing: () => ({ draftMs: 10, power: 'mains' }),
    onVerified: (place) => verified.push(place),
    now: () => clock,
    after: (ms, run) => {
      const timer = { at: clock + ms, run };
      timers.push(timer);
      return () => (timers = timers.filter((one) => one !== timer));
    },
    ...parts,
  });
  const ask = (marked: string, explicit = false) => {
    const abort = new AbortController();
    const cursor = at(marked);
    const position = { line: 0, character: cursor.offset };
    const request: SuggestionRequest = {
      uri,
      cursor,
      version: ++version,
      position,
      language: 'typescript',
      explicit,
    };
    const answer = suggestions.suggest(request, abort.signal).then((found) => found?.text);
    answer.catch(() => undefined);
    return { answer, cancel: () => abort.abort(new Error('typed on')) };
  };
  const pass = async (ms: number) => {
    await turns();
    clock += ms;
    const due = timers.filter((timer) => timer.at <= clock);
    timers = timers.filter((timer) => timer.at > clock);
    for (const { run } of due) run();
    await turns();
  };
  return { suggestions, made, verified, ask, pass };
}

async function turns(): Promise<void> {
  for (let count = 0; count < 4; count++) await turn();
}

/** A completion that says what the test has it say. */
class Made {
  readonly before: string;
  readonly signal: AbortSignal;
  readonly #queue: (Candidate | undefined)[] = [];
  #news = Promise.withResolvers<undefined>();

  constructor(before: string, signal: AbortSignal) {
    this.before = before;
    this.signal = signal;
    signal.addEventListener('abort', () => this.#news.resolve(undefined));
  }

  async *stream(): AsyncGenerator<Candidate, void> {
    for (;;) {
      this.signal.throwIfAborted();
      while (this.#queue.length > 0) {
        const next = this.#queue.shift();
        if (!next) return;
        yield next;
      }
      this.#news = Promise.withResolvers();
      await this.#news.promise;
    }
  }

  async say(text: string, path: CompletionReport['path'] = 'draft'): Promise<void> {
    this.#queue.push({ text, report: reportOf(emptyTrace(''), path) });
    this.#news.resolve(undefined);
    await turns();
  }

  async end(): Promise<void> {
    this.#queue.push(undefined);
    this.#news.resolve(undefined);
    await turns();
  }
}

describe('suggestions', () => {
  it('give the draft a moment after it came, and have the editor ask again where the target disagrees', async () => {
    const { made, verified, ask, pass } = world();
    const { answer } = ask('a = |;');
    await pass(25);
    await made[0]!.say('draft');
    await pass(40);
    assert.equal(await answer, 'draft');
    await made[0]!.say('target', 'speculated');
    assert.deepEqual(verified, [{ uri, version: 1, position: { line: 0, character: 4 } }]);
    assert.equal(await ask('a = |;').answer, 'target');
    assert.equal(made.length, 1);
  });

  it('give the target’s text where it comes in that moment, or says the same, without a word', async () => {
    const { made, verified, ask, pass } = world();
    const soon = ask('a = |;');
    await pass(25);
    await made[0]!.say('draft');
    await made[0]!.say('target', 'speculated');
    await made[0]!.end();
    assert.equal(await soon.answer, 'target');
    const same = ask('b = |;');
    await pass(25);
    await made[1]!.say('same');
    await pass(40);
    assert.equal(await same.answer, 'same');
    await made[1]!.say('same', 'speculated');
    assert.deepEqual(verified, []);
  });

  it('follow whoever types through them without any work, and tell of the target at the place of now', async () => {
    const { made, verified, ask, pass } = world();
    const { answer } = ask('a = |;');
    await pass(25);
    await made[0]!.say('count + 1');
    await pass(40);
    await answer;
    assert.equal(await ask('a = c|;').answer, 'ount + 1');
    assert.equal(await ask('a = co|;').answer, 'unt + 1');
    await made[0]!.say('color', 'speculated');
    assert.deepEqual(verified, [{ uri, version: 3, position: { line: 0, character: 6 } }]);
    assert.equal(await ask('a = co|;').answer, 'lor');
    assert.equal(made.length, 1);
    assert.equal(made[0]!.signal.aborted, false);
  });

  it('say nothing of a target that does not fit what was typed since', async () => {
    const { made, verified, ask, pass } = world();
    const { answer } = ask('a = |;');
    await pass(25);
    await made[0]!.say('count');
    await pass(40);
    await answer;
    assert.equal(await ask('a = cou|;').answer, 'nt');
    await made[0]!.say('value', 'speculated');
    assert.deepEqual(verified, []);
    assert.equal(await ask('a = coun|;').answer, 't', 'the text that stands there stays');
    await pass(25);
    assert.equal(made[1]!.before, 'a = coun', 'and is judged where it is');
    await made[1]!.say('ter', 'speculated');
    assert.equal(verified.length, 1);
    assert.equal(await ask('a = coun|;').answer, 'ter');
  });

  it('begin once for keys that come quickly, and hand on what is under way', async () => {
    const { made, ask, pass } = world();
    const first = ask('a = |;');
    await pass(10);
    first.cancel();
    await assert.rejects(first.answer, /typed on/u);
    const second = ask('a = c|;');
    await pass(25);
    assert.deepEqual(
      made.map(({ before }) => before),
      ['a = c'],
    );
    second.cancel();
    const third = ask('a = co|;');
    await pass(0);
    await made[0]!.say('ount');
    await pass(40);
    assert.equal(await third.answer, 'unt');
    assert.equal(made.length, 1);
    await pass(1000);
    assert.equal(made[0]!.signal.aborted, false, 'somebody else wanted it');
    assert.equal(made.length, 1);
  });

  it('begin anew where what is under way says something else, and end that', async () => {
    const { made, ask, pass } = world();
    const first = ask('a = |;');
    await pass(25);
    first.cancel();
    const second = ask('a = v|;');
    await pass(0);
    await made[0]!.say('count');
    await pass(40);
    await pass(25);
    assert.equal(made[0]!.signal.aborted, true);
    await made[1]!.say('alue');
    await pass(40);
    assert.equal(await second.answer, 'alue');
  });

  it('end what nobody asks for any more, after a while', async () => {
    const { made, ask, pass } = world();
    const { cancel } = ask('a = |;');
    await pass(25);
    cancel();
    await pass(499);
    assert.equal(made[0]!.signal.aborted, false);
    await pass(1);
    assert.equal(made[0]!.signal.aborted, true);
  });

  it('wait for the target where somebody asks by a key, and do not pause', async () => {
    const { made, ask, pass } = world();
    const { answer } = ask('a = |;', true);
    await pass(0);
    await made[0]!.say('draft');
    await pass(5000);
    await made[0]!.say('target', 'speculated');
    await made[0]!.end();
    assert.equal(await answer, 'target');
  });

  it('back off from whoever does not want them, until one is accepted', async () => {
    const { suggestions, made, ask, pass } = world();
    const reject = async (number: number) => {
      const { answer } = ask(`${'z'.repeat(number)} = |;`);
      await pass(4000);
      await made.at(-1)!.say('count');
      await pass(40);
      assert.equal(await answer, 'count');
      suggestions.dismissed(uri);
    };
    for (let number = 1; number <= 8; number++) await reject(number);
    const before = made.length;
    const slow = ask('y = |;');
    await pass(1000);
    assert.equal(made.length, before, 'eight in a row were sent away');
    slow.cancel();
    suggestions.accepted(uri);
    ask('x = |;');
    await pass(25);
    assert.equal(made.length, before + 1);
  });

  it('make the line after one that is accepted, so that it is there when it is begun', async () => {
    const { suggestions, made, ask, pass } = world();
    const { answer } = ask('  a = |');
    await pass(25);
    await made[0]!.say('1;');
    await pass(40);
    await answer;
    suggestions.accepted(uri);
    assert.equal(made[1]!.before, '  a = 1;\n  ');
    await made[1]!.say('b = 2;');
    assert.equal(await ask('  a = 1;\n  |').answer, 'b = 2;');
    assert.equal(made.length, 2);
  });

  it('stay while editors close brackets, and let them be typed over', async () => {
    const { made, ask, pass } = world();
    const { answer } = ask('foo|;');
    await pass(25);
    await made[0]!.say('(a, b)');
    await pass(40);
    assert.equal(await answer, '(a, b)');
    assert.equal(await ask('foo(|);').answer, 'a, b)');
    assert.equal(await ask('foo(a, b|);').answer, ')');
    assert.equal(made[0]!.signal.aborted, false);
    assert.equal(made.length, 1);
  });

  it('begin anew at the end of what was said, and where somebody asks by a key and a draft is all there is', async () => {
    const { made, ask, pass } = world();
    const { answer } = ask('a = |;');
    await pass(25);
    await made[0]!.say('1');
    await made[0]!.end();
    await pass(40);
    await answer;
    void ask('a = 1|;');
    await pass(25);
    assert.equal(made[1]!.before, 'a = 1');
    void ask('a = |;', true);
    await pass(0);
    assert.equal(made[2]!.before, 'a = ');
  });

  it('are not made again at each key where nobody can verify them', async () => {
    const { made, ask, pass } = world({ verifies: () => false });
    const { answer } = ask('a = |;');
    await pass(25);
    await made[0]!.say('count + 1');
    await made[0]!.end();
    await pass(40);
    await answer;
    for (const [marked, rest] of [
      ['a = c|;', 'ount + 1'],
      ['a = co|;', 'unt + 1'],
    ] as const) {
      assert.equal(await ask(marked).answer, rest);
      await pass(100);
    }
    assert.equal(made.length, 1);
  });

  it('are not rejected by who goes elsewhere, types them, or had no time to read them', async () => {
    const { made, ask, pass } = world();
    for (let turn = 0; turn < 6; turn++) {
      const { answer } = ask(`${'x'.repeat(turn)} = |;`);
      await pass(25);
      await made.at(-1)!.say('count');
      await pass(40);
      assert.equal(await answer, 'count', 'the pause is the shortest');
      ask(`${'x'.repeat(turn)} = z|;`).cancel();
    }
  });

  it('explain the last one', async () => {
    const cut = (text: string) => ({
      text: text === 'bad' ? '' : text,
      replaces: 0,
      by: text === 'bad' ? ['closers'] : [],
    });
    const { suggestions, made, ask, pass } = world({ cut });
    assert.equal(suggestions.explain(), null);
    const { answer } = ask('a = |;');
    await pass(25);
    await made[0]!.say('bad');
    await pass(40);
    assert.equal(await answer, undefined);
    const { given, steps } = suggestions.explain(uri)!;
    assert.equal(given, 'silent');
    assert.deepEqual(steps, ['Waited 25 ms for the next key.', 'Not shown: closers.']);
    suggestions.refused(
      { uri, version: 2, position: { line: 0, character: 0 } },
      'Completions are off for go.',
    );
    assert.deepEqual(suggestions.explain()!.steps, ['Completions are off for go.']);
    suggestions.closed(uri);
    assert.equal(suggestions.explain(uri), null);
  });
});
