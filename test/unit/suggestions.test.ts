import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Candidate } from '../../server/src/completion.ts';
import type { CompletionReport, DocumentPlace } from '../../server/src/protocol.ts';
import { CompletionCache } from '../../server/src/suggestions/cache.ts';
import { Mood } from '../../server/src/suggestions/mood.ts';
import { onNextLine } from '../../server/src/suggestions/next-line.ts';
import { pauseFor } from '../../server/src/suggestions/pause.ts';
import type { Refusal, SuggestionRequest } from '../../server/src/suggestions/parts.ts';
import { fateOf } from '../../server/src/suggestions/shown.ts';
import { Suggestions } from '../../server/src/suggestions/suggestions.ts';
import { emptyTrace, reportOf } from '../../server/src/trace.ts';

const uri = 'file:///a.ts';
/** Of the backbone, and of an adapter, by one model. */
const scope = { model: 'm', adapter: '' };
const adapted = { model: 'm', adapter: 'a@1' };
/** A cursor where `|` stands. */
const at = (marked: string, of = uri) => {
  const offset = marked.indexOf('|');
  return { uri: of, text: marked.replace('|', ''), offset };
};

describe('the cache of completions', () => {
  const draft = (text: string) => ({ text, verifiedBy: null, about: null });
  const verified = (text: string, verifiedBy = '') => ({ text, verifiedBy, about: null });
  const filled = () => {
    const cache = new CompletionCache<null>();
    cache.keep(at('const a = |;\n'), scope, draft('count + 1'));
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
      assert.equal(filled().find(at(marked), scope).draft?.text, rest);
    });

  it('keeps documents and models apart; a draft has no adapter', () => {
    assert.equal(filled().find(at('const a = |;\n', 'file:///b.ts'), scope).draft, undefined);
    assert.equal(filled().find(at('const a = |;\n'), { model: 'n', adapter: '' }).draft, undefined);
    assert.equal(filled().find(at('const a = |;\n'), adapted).draft?.text, 'count + 1');
  });

  it('keeps apart what adapters wrote', () => {
    const cache = filled();
    const place = at('const a = |;\n');
    cache.keep(place, adapted, verified('by a', 'a@1'));
    cache.keep(place, adapted, verified('by the backbone, while a was loading'));
    assert.equal(cache.find(place, adapted).verified?.text, 'by a');
    assert.equal(cache.find(place, scope).verified?.text, 'by the backbone, while a was loading');
    assert.equal(cache.find(place, { model: 'm', adapter: 'a@2' }).verified, undefined);
  });

  it('finds a place again when the file changed further away', () => {
    const cache = new CompletionCache<null>();
    const near = `${'x = 1;\n'.repeat(60)}const a = `;
    cache.keep(at(`old\n${near}|;\n${'y = 2;\n'.repeat(60)}old`), scope, draft('count'));
    assert.equal(cache.find(at(`new!\n${near}|;\n${'y = 2;\n'.repeat(60)}`), scope).draft?.text, 'count');
  });

  it('does not let a draft take the place of what was verified, nor a later draft hide it', () => {
    const cache = filled();
    cache.keep(at('const a = |;\n'), scope, verified('count - 1'));
    cache.keep(at('const a = |;\n'), scope, draft('count + 2'));
    assert.equal(cache.find(at('const a = |;\n'), scope).verified?.text, 'count - 1');
    cache.keep(at('const a = co|;\n'), scope, draft('nst'));
    const { verified: found, draft: nearer } = cache.find(at('const a = co|;\n'), scope);
    assert.deepEqual(found, { text: 'unt - 1', typed: 'co', verifiedBy: '', about: null });
    assert.equal(nearer?.text, 'nst');
  });

  it('is quick in a large document, hit or not', () => {
    const large = `${'const value = compute(another, one);\n'.repeat(30_000)}|${'}\n'.repeat(10_000)}`;
    const cache = filled();
    const place = at(large);
    const times = Array.from({ length: 30 }, () => {
      const started = performance.now();
      cache.find(place, scope);
      return performance.now() - started;
    });
    assert.ok(Math.min(...times) < 2, times.join(' '));
  });
});

describe('what became of a text', () => {
  for (const [now, kind, rest] of [
    ['a = |;', 'stands', 'foo(b, c)'],
    ['a = fo|;', 'stands', 'o(b, c)'],
    ['a = foo(|);', 'stands', 'b, c)'],
    ['a = foo(b, c)|;', 'done', undefined],
    ['a = foo(b, c) |;', 'done', undefined],
    ['a = x|;', 'departed', undefined],
    ['a =| ;', 'left', undefined],
    ['b = f|;', 'left', undefined],
    ['a = f|oo;', 'left', undefined],
  ] as const)
    it(`${now}: ${kind}`, () => {
      const fate = fateOf('foo(b, c)', at('a = |;'), at(now));
      assert.equal(fate.kind, kind);
      assert.equal(fate.kind === 'stands' ? fate.rest : undefined, rest);
    });
});

describe('the pause before work', () => {
  const mood = { overwritten: 0, dismissed: 0 };
  const typing = { draftMs: 30, power: 'mains', mood, newLine: false } as const;
  for (const [name, change, ms] of [
    ['short where drafts are quick', {}, 15],
    ['none before the first draft', { draftMs: null }, 0],
    ['half a draft’s time', { draftMs: 100 }, 50],
    ['never longer than is noticed', { draftMs: 900 }, 75],
    ['longer on battery', { draftMs: 100, power: 'battery' }, 100],
    ['longest when power is saved', { draftMs: 100, power: 'saver' }, 200],
    ['none on a new line', { draftMs: 900, power: 'saver', newLine: true }, 0],
    ['as before after two that were sent away', { mood: { ...mood, dismissed: 2 } }, 15],
    ['longer after each further one', { mood: { ...mood, dismissed: 5 } }, 200],
    ['at most three seconds', { mood: { ...mood, dismissed: 50 } }, 3000],
    ['even on a new line', { mood: { ...mood, dismissed: 5 }, newLine: true }, 200],
    ['longer where they are written over', { mood: { ...mood, overwritten: 5 } }, 200],
    ['but not long', { mood: { ...mood, overwritten: 50 } }, 300],
    ['nor on a new line', { mood: { ...mood, overwritten: 50 }, newLine: true }, 0],
  ] as const)
    it(`is ${name}`, () => assert.equal(pauseFor({ ...typing, ...change }), ms));
});

describe('the mood', () => {
  it('is told by what became of the last texts, and forgotten', () => {
    let now = 0;
    const mood = new Mood(() => now);
    mood.dismissed();
    now = 19_000;
    mood.overwritten();
    assert.deepEqual(mood.unwanted, { overwritten: 1, dismissed: 1 });
    now = 38_999;
    assert.deepEqual(mood.unwanted, { overwritten: 1, dismissed: 1 });
    now = 39_000;
    assert.deepEqual(mood.unwanted, { overwritten: 0, dismissed: 0 });
    mood.overwritten();
    assert.deepEqual(mood.unwanted, { overwritten: 1, dismissed: 0 });
    mood.pleased();
    assert.deepEqual(mood.unwanted, { overwritten: 0, dismissed: 0 });
  });
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
    make: ({ cursor, purpose }, signal) => {
      const one = new Made(cursor.text.slice(0, cursor.offset), purpose, signal);
      made.push(one);
      return one.stream();
    },
    cut: (text) => ({ text, replaces: 0, losses: [] }),
    scope: () => scope,
    verifies: () => true,
    typing: () => ({ draftMs: 50, power: 'mains' }),
    onVerified: (place) => verified.push(place),
    now: () => clock,
    after: (ms, run) => {
      const timer = { at: clock + ms, run };
      timers.push(timer);
      return () => (timers = timers.filter((one) => one !== timer));
    },
    ...parts,
  });
  const ask = (marked: string, explicit = false, refused?: Refusal) => {
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
      refused,
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
  readonly purpose: string;
  readonly signal: AbortSignal;
  readonly #queue: (Candidate | undefined)[] = [];
  #news = Promise.withResolvers<undefined>();

  constructor(before: string, purpose: string, signal: AbortSignal) {
    this.before = before;
    this.purpose = purpose;
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

  async say(text: string, path: CompletionReport['path'] = 'draft', adapter = ''): Promise<void> {
    this.#queue.push({ text, report: reportOf(emptyTrace(adapter), path) });
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
    const { suggestions, made, ask, pass } = world();
    const { answer } = ask('a = |;', true);
    await pass(0);
    await made[0]!.say('draft');
    await pass(5000);
    await made[0]!.say('target', 'speculated');
    await made[0]!.end();
    assert.equal(await answer, 'target');
    const position = { line: 0, character: 4 };
    const again = { uri, version: 2, position, cursor: at('a = |;'), language: 'typescript', explicit: true };
    const { others } = (await suggestions.suggest(again, new AbortController().signal))!;
    assert.deepEqual(others, [{ text: 'draft', replaces: 0 }], 'and may choose the draft');
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

  it('make the line after the one that was chosen, which is no overwriting of the first', async () => {
    const { suggestions, made, ask, pass } = world();
    const { answer } = ask('a = |', true);
    await pass(0);
    await made[0]!.say('1;');
    await made[0]!.say('2;', 'speculated');
    await made[0]!.end();
    assert.equal(await answer, '2;');
    await pass(800);
    suggestions.accepted(uri, 1);
    const ahead = made.at(-1)!;
    assert.equal(ahead.before, 'a = 1;\n');
    void ask('a = 1;|');
    await pass(0);
    assert.equal(ahead.signal.aborted, false);
    await ahead.say('b = 2;');
    assert.equal(await ask('a = 1;\n|').answer, 'b = 2;');
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

  it('stay as they were shown while they are typed, whatever the filters made of them', async () => {
    const cut = (text: string) => ({ text: text.replace(/^\(/u, ''), replaces: 0, losses: [] });
    const { made, ask, pass } = world({ cut });
    const { answer } = ask('foo(|;');
    await pass(25);
    await made[0]!.say('(a, b)');
    await pass(40);
    assert.equal(await answer, 'a, b)');
    assert.equal(await ask('foo(a|;').answer, ', b)');
    await made[0]!.end();
    assert.equal(await ask('foo(a, |;').answer, 'b)');
  });

  it('stay where the target says what is not to be shown, and come where the draft was not', async () => {
    const cut = (text: string) => ({ text: text.includes('bad') ? '' : text, replaces: 0, losses: [] });
    const { made, verified, ask, pass } = world({ cut });
    const first = ask('a = |;');
    await pass(25);
    await made[0]!.say('count');
    await pass(40);
    assert.equal(await first.answer, 'count');
    await made[0]!.say('bad', 'speculated');
    assert.deepEqual(verified, []);
    assert.equal(await ask('a = c|;').answer, 'ount');
    const second = ask('b = |;');
    await pass(25);
    await made.at(-1)!.say('bad draft');
    await pass(40);
    assert.equal(await second.answer, undefined);
    await made.at(-1)!.say('value', 'speculated');
    assert.equal(verified.length, 1);
    assert.equal(await ask('b = |;').answer, 'value');
  });

  it('grow without a change to what stands there', async () => {
    const { made, verified, ask, pass } = world();
    const { answer } = ask('if (a) {|');
    await pass(25);
    await made[0]!.say('\n  one();', 'speculated');
    await pass(40);
    assert.equal(await answer, '\n  one();');
    await made[0]!.say('\n  one();\n}', 'speculated');
    assert.equal(verified.length, 1);
    assert.equal(await ask('if (a) {|').answer, '\n  one();\n}');
    await made[0]!.say('\n  other();\n}\n', 'speculated');
    assert.equal(verified.length, 1, 'what was verified is not taken back');
  });

  it('stay while they are typed where none would be made, as long as they may', async () => {
    const { made, ask, pass } = world();
    const { answer } = ask('a = |;', true);
    await pass(0);
    await made[0]!.say('count', 'speculated');
    await made[0]!.end();
    assert.equal(await answer, 'count');
    const off = { message: 'Completions come only when they are asked for.', stays: true };
    assert.equal(await ask('a = co|;', false, off).answer, 'unt');
    assert.equal(await ask('a = x|;', false, off).answer, undefined);
    assert.equal(await ask('a = co|;', false, off).answer, undefined, 'it was over');
    await ask('a = |;', true).answer;
    assert.equal(await ask('a = c|;', false, { message: 'Snoozed.', stays: false }).answer, undefined);
    assert.equal(made.length, 1);
  });

  it('are not given by an adapter that is not asked any more', async () => {
    let adapter = 'a@1';
    const { made, ask, pass } = world({ scope: () => ({ model: 'm', adapter }) });
    const { answer } = ask('a = |;');
    await pass(25);
    await made[0]!.say('by the first', 'speculated', 'a@1');
    await made[0]!.end();
    assert.equal(await answer, 'by the first');
    void ask('b = |;');
    await pass(25);
    await made[1]!.say('else', 'speculated', 'a@1');
    adapter = 'a@2';
    void ask('a = |;');
    await pass(25);
    assert.equal(made.at(-1)!.before, 'a = ');
    assert.equal(made.length, 3);
  });

  it('are those of the last request, also where editors do not cancel', async () => {
    const { suggestions, made, ask, pass } = world();
    const first = ask('a = |;');
    await pass(25);
    const second = ask('b = |;');
    await pass(25);
    await made[1]!.say('second');
    await pass(40);
    assert.equal(await second.answer, 'second');
    assert.equal(await first.answer, undefined);
    assert.equal(suggestions.explain(uri)!.given, 'draft');
    assert.equal(await ask('b = s|;').answer, 'econd');
  });

  it('end the line made ahead where something else is typed, and keep it where it is begun', async () => {
    const { suggestions, made, ask, pass } = world();
    const { answer } = ask('a = |');
    await pass(25);
    await made[0]!.say('1;');
    await pass(40);
    await answer;
    suggestions.accepted(uri);
    assert.equal(made[1]!.purpose, 'ahead');
    void ask('a = 1;|');
    await pass(25);
    assert.equal(made[1]!.signal.aborted, false);
    const next = ask('a = 1;\n|');
    await pass(0);
    await made[1]!.say('b = 2;');
    await pass(40);
    assert.equal(await next.answer, 'b = 2;');
    suggestions.accepted(uri);
    void ask('a = 1;\nx|');
    await pass(25);
    assert.equal(made.find(({ before }) => before === 'a = 1;\nb = 2;\n')!.signal.aborted, true);
  });

  it('explain the last one', async () => {
    const cut = (text: string) => ({
      text: text === 'bad' ? '' : text,
      replaces: 0,
      losses: text === 'bad' ? ['It is not shown: it is bad.'] : [],
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
    assert.deepEqual(steps, ['Waited 25 ms for the next key.', 'It is not shown: it is bad.']);
    await ask('b = |;', false, { message: 'Completions are off for go.', stays: true }).answer;
    assert.deepEqual(suggestions.explain()!.steps, ['Completions are off for go.']);
    suggestions.closed(uri);
    assert.equal(suggestions.explain(uri), null);
  });
});
