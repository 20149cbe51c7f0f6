import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nextStep, Turns, type Job, type Turn } from '../../models/src/engine/turns.ts';

const FRESH: Turn = { lastUrgent: new Map(), lastReading: new Map(), owedToPrompts: 0 };
const job = (name: string, is: Partial<Job> = {}) => ({
  name,
  lane: '',
  tokens: 1,
  urgent: true,
  since: 0,
  alone: false,
  ...is,
});
const reading = (name: string, since: number, lane = '') =>
  job(name, { urgent: false, tokens: 32, since, lane });
const names = (jobs: readonly { name: string }[]) => jobs.map(({ name }) => name).join(' ');

describe('nextStep', () => {
  it('puts what is waited for before the reading of prompts', () => {
    assert.equal(names(nextStep([reading('p', 0), job('a'), job('b')], FRESH, 32)), 'a b');
  });

  it('lets a prompt have what it is owed', () => {
    const waiting = [reading('p', 0), job('a')];
    assert.equal(names(nextStep(waiting, FRESH, 32)), 'a');
    assert.equal(names(nextStep(waiting, { ...FRESH, owedToPrompts: 1 }, 32)), 'p');
    assert.equal(names(nextStep([job('a')], { ...FRESH, owedToPrompts: 1 }, 32)), 'a');
  });

  it('reads the prompt that was begun first to its end', () => {
    assert.equal(names(nextStep([reading('late', 7), reading('early', 3)], FRESH, 32)), 'early');
  });

  it('takes as many of a lane as fit, in the order in which they came', () => {
    const waiting = [job('a', { tokens: 20 }), job('b', { tokens: 20 }), job('c', { tokens: 12 })];
    assert.equal(names(nextStep(waiting, FRESH, 32)), 'a c');
  });

  it('takes the lane that had its turn longest ago, and none beside it', () => {
    const waiting = [job('x', { lane: 'x' }), job('y', { lane: 'y' }), job('z', { lane: 'z' })];
    const lastUrgent = new Map([
      ['x', 5],
      ['y', 2],
      ['z', 4],
    ]);
    assert.equal(names(nextStep(waiting, { ...FRESH, lastUrgent }, 32)), 'y');
    lastUrgent.delete('z');
    assert.equal(names(nextStep(waiting, { ...FRESH, lastUrgent }, 32)), 'z');
  });

  it('evaluates alone what must be alone', () => {
    const alone = { lane: 'x', alone: true };
    assert.equal(names(nextStep([job('a', alone), job('b', alone)], FRESH, 32)), 'a');
  });
});

describe('Turns', () => {
  const take = (turns: Turns, log: string[], is: ReturnType<typeof job>, signal?: AbortSignal) =>
    turns.take(
      is,
      async () => {
        log.push(`+${is.name}`);
        await new Promise((resolve) => setImmediate(resolve));
        log.push(`-${is.name}`);
        return is.name;
      },
      signal,
    );

  it('runs a step at a time and gives back what each job gives', async () => {
    const turns = new Turns(32, () => 0);
    const log: string[] = [];
    const all = [reading('p', 1), job('a'), job('b'), job('x', { lane: 'x' })];
    const found = await Promise.all(all.map((one) => take(turns, log, one)));
    assert.deepEqual(found, ['p', 'a', 'b', 'x']);
    assert.equal(log.join(' '), '+a +b -a -b +x -x +p -p');
  });

  it('gives prompts half of the time while both wait, and what is waited for the first turn', async () => {
    let clock = 0;
    const turns = new Turns(32, () => clock);
    const log: string[] = [];
    const run = async (one: Job, name: string, ms: number, count: number) => {
      for (let index = 0; index < count; index++)
        await turns.take(one, () => {
          clock += ms;
          log.push(name);
          return Promise.resolve();
        });
    };
    const both = () =>
      Promise.all([run(reading('p', 0), 'p', 10, 8), run(job('a'), 'a', 20, 8)]).then(() =>
        log.splice(0).join(''),
      );
    assert.equal(await both(), 'appappappappaaaa');
    assert.equal(await both(), 'appappappappaaaa', 'nothing is owed from before');
  });

  it('is shared while somebody was waited for a short while ago', async () => {
    const turns = new Turns(32, () => 0);
    const log: string[] = [];
    assert.equal(turns.isShared, false);
    await take(turns, log, reading('p', 0));
    assert.equal(turns.isShared, false);
    await take(turns, log, job('a'));
    for (let step = 0; step < 15; step++) await take(turns, log, reading('p', 0));
    assert.equal(turns.isShared, true);
    await take(turns, log, reading('p', 0));
    assert.equal(turns.isShared, false);
  });

  it('hands on what a job throws, and goes on', async () => {
    const turns = new Turns(32, () => 0);
    const failed = turns.take(job('a'), () => Promise.reject(new Error('no')));
    const log: string[] = [];
    const after = take(turns, log, job('b', { lane: 'x' }));
    await assert.rejects(failed, { message: 'no' });
    assert.equal(await after, 'b');
  });

  it('forgets a job whose caller left before its turn', async () => {
    const turns = new Turns(32, () => 0);
    const log: string[] = [];
    const left = new AbortController();
    const first = take(turns, log, job('a'));
    const second = take(turns, log, job('b', { lane: 'x' }), left.signal);
    left.abort(new Error('left'));
    await assert.rejects(second, { message: 'left' });
    await first;
    assert.equal(await take(turns, log, job('c')), 'c');
    assert.ok(!log.includes('+b'));
  });

  it('gives every lane its turn, however much another asks for', async () => {
    let ticks = 0;
    const turns = new Turns(32, () => ticks++);
    const log: string[] = [];
    const busy = async (lane: string, count: number) => {
      for (let index = 0; index < count; index++) await take(turns, log, job(lane, { lane }));
    };
    await Promise.all([
      busy('x', 20),
      busy('x', 20),
      busy('y', 5),
      busy('p', 0),
      take(turns, log, reading('p', 0)),
    ]);
    const firstY = log.slice(0, 24).filter((entry) => entry === '+y').length;
    assert.ok(firstY >= 3, log.slice(0, 24).join(' '));
    assert.ok(log.indexOf('+p') < 16, log.slice(0, 24).join(' '));
  });
});
