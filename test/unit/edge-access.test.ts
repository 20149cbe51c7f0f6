import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bearerIn } from '../../edge-node/src/access/credentials.ts';
import { Presence, type Kind } from '../../edge-node/src/access/presence.ts';
import { leastFor, mayUse } from '../../edge-node/src/access/routes.ts';

describe('bearerIn', () => {
  for (const [header, token] of [
    ['Bearer ft_a', 'ft_a'],
    ['bearer ft_a', 'ft_a'],
    ['Bearer ', undefined],
    ['Bearer', undefined],
    ['Basic ft_a', undefined],
    ['ft_a', undefined],
    ['', undefined],
    [undefined, undefined],
  ] as const) {
    it(`finds ${token ?? 'nothing'} in ${JSON.stringify(header)}`, () =>
      assert.equal(bearerIn(header), token));
  }
});

describe('leastFor', () => {
  it('takes a head for what it is the head of, and nothing for granted', () => {
    assert.equal(leastFor('HEAD', '/metrics'), 'admin');
    assert.equal(leastFor('HEAD', '/health'), 'anyone');
    for (const [method, path] of [
      ['POST', '/health'],
      ['HEAD', '/infill'],
      ['GET', '/health/'],
      ['OPTIONS', '/v1/models'],
      ['GET', ''],
    ] as const)
      assert.equal(leastFor(method, path), undefined, `${method} ${path}`);
  });

  it('lets an admin do what a user may, and not the other way round', () => {
    assert.ok(mayUse('admin', 'user') && mayUse('admin', 'admin') && mayUse('user', 'user'));
    assert.ok(!mayUse('user', 'admin'));
  });
});

describe('Presence', () => {
  const events: string[] = [];
  const opened = (kind: Kind, name: string, token = 1) => ({
    kind,
    access: { token, account: { name, role: 'user' as const } },
    expel: () => void events.push(`${name} ${token} expelled`),
    dismiss: () => void events.push(`${name} ${token} dismissed`),
  });

  it('bounds each kind and account by itself', () => {
    const presence = new Presence({ connection: 2, request: 1 });
    const first = presence.enter(opened('connection', 'ada'));
    assert.ok(first && presence.enter(opened('connection', 'ada', 2)));
    assert.equal(presence.enter(opened('connection', 'ada', 3)), undefined);
    assert.ok(presence.enter(opened('connection', 'grace')));
    assert.ok(presence.enter(opened('request', 'ada')));
    assert.equal(presence.enter(opened('request', 'ada')), undefined);
    first();
    first();
    assert.equal(presence.count('connection'), 2);
    assert.ok(presence.enter(opened('connection', 'ada')));
    assert.equal(presence.enter(opened('connection', 'ada')), undefined);
  });

  it('ends what a token opened that is not valid any more, and asks for each token once', () => {
    const presence = new Presence({ connection: 9, request: 9 });
    presence.enter(opened('connection', 'ada', 1));
    presence.enter(opened('request', 'ada', 1));
    presence.enter(opened('connection', 'ada', 2));
    events.length = 0;
    const asked: number[] = [];
    presence.expel(({ token }) => asked.push(token) > 0 && token === 2);
    assert.deepEqual(events, ['ada 1 expelled', 'ada 1 expelled']);
    assert.deepEqual(asked, [1, 2]);
  });

  it('ends one that does not take its leave, and all others', () => {
    const presence = new Presence({ connection: 9, request: 9 });
    const dismiss = () => {
      throw new Error('It is gone.');
    };
    presence.enter({ ...opened('request', 'ada'), dismiss });
    presence.enter(opened('request', 'grace'));
    events.length = 0;
    presence.dismiss('request');
    assert.deepEqual(events, ['ada 1 expelled', 'grace 1 dismissed']);
  });

  it('tells when all of a kind is over', async () => {
    const presence = new Presence({ connection: 9, request: 9 });
    await presence.over('request');
    const [one, other] = [
      presence.enter(opened('request', 'ada')),
      presence.enter(opened('request', 'grace')),
    ];
    presence.enter(opened('connection', 'ada'));
    let over = false;
    const told = presence.over('request').then(() => (over = true));
    events.length = 0;
    presence.dismiss('request');
    assert.deepEqual(events, ['ada 1 dismissed', 'grace 1 dismissed']);
    one!();
    await Promise.resolve();
    assert.ok(!over);
    other!();
    await told;
  });
});
