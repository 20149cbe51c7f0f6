import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bringing, rosterOf, type Stored } from '../../edge-node/src/roster.ts';
import { FAKE_FAMILY } from '../support/edge-target.ts';

const stored = (adapter: string, number: number, backbone = FAKE_FAMILY.backbone.sha256) => ({
  adapter,
  number,
  sha256: `${number}`.repeat(64),
  bytes: 100 * number,
  backbone,
  pinned: adapter === 'green',
});
const NONE: Stored = { versions: [], projects: new Map() };

describe('a roster', () => {
  it("has the family's adapters as they are", () => {
    const roster = rosterOf(FAKE_FAMILY, NONE);
    assert.deepEqual(
      roster.current.map(({ id, version }) => [id, version]),
      [
        ['blue', undefined],
        ['red', undefined],
      ],
    );
    assert.equal(roster.resolve('blue')?.id, 'blue');
    assert.equal(roster.resolve('green'), undefined);
  });

  it('stands for the newest version by name, and for any by id', () => {
    const versions = [stored('green', 1), stored('green', 2), stored('red', 1)];
    const roster = rosterOf(FAKE_FAMILY, { ...NONE, versions });
    assert.deepEqual(roster.current.map(({ id }) => id).sort(), ['blue', 'green@2', 'red@1']);
    assert.equal(roster.resolve('green')?.id, 'green@2');
    assert.equal(roster.resolve('green@1')?.bytes, 100);
    assert.equal(roster.find('green'), undefined, 'rounds ask for a version');
    assert.equal(roster.find('red')?.version, undefined, "the family's own is still there by its id");
    assert.equal(roster.find('green@1')?.pinned, true);
  });

  it('leaves out what was made for another backbone', () => {
    const roster = rosterOf(FAKE_FAMILY, { ...NONE, versions: [stored('green', 1, 'c'.repeat(64))] });
    assert.equal(roster.resolve('green'), undefined);
  });

  it('knows the adapter of a project', () => {
    const versions = [stored('green', 3)];
    const projects = new Map([
      ['one', 'green'],
      ['two', 'blue'],
      ['three', 'gone'],
    ]);
    const roster = rosterOf(FAKE_FAMILY, { versions, projects });
    assert.equal(roster.ofProject('one')?.id, 'green@3');
    assert.equal(roster.ofProject('two')?.id, 'blue');
    assert.equal(roster.ofProject('three'), undefined);
    assert.equal(roster.ofProject('four'), undefined);
  });

  it('answers a project with what was added under its name, and with what is shipped where nothing is', () => {
    const projects = new Map([['one', 'blue']]);
    const answers = (versions: Stored['versions']) =>
      rosterOf(FAKE_FAMILY, { versions, projects }).ofProject('one')?.id;
    assert.equal(answers([]), 'blue');
    assert.equal(answers([stored('blue', 1)]), 'blue@1');
    assert.equal(answers([stored('blue', 1, 'c'.repeat(64))]), 'blue', 'that is for another family');
  });

  it('is of the families that bring an adapter', () => {
    const other = { id: 'other', adapters: FAKE_FAMILY.adapters.filter(({ name }) => name === 'red') };
    const named = (name: string) => bringing([FAKE_FAMILY, other], name).map(({ id }) => id);
    assert.deepEqual([named('red'), named('blue'), named('green')], [['fake-1', 'other'], ['fake-1'], []]);
  });
});
