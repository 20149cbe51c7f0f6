import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DocumentPlace } from '@foretype/server/protocol';
import { cursorOf, SwapGuard, type EditorLike } from '../../extension/src/swap.ts';

const PLACE: DocumentPlace = { uri: 'file:///a.ts', version: 7, position: { line: 3, character: 9 } };
const typedOn: DocumentPlace = { ...PLACE, version: 8, position: { line: 3, character: 10 } };
const moved: DocumentPlace = { ...PLACE, position: { line: 3, character: 8 } };

/** A guard after a draft was answered for `PLACE`, where the cursor is. */
function armed(): SwapGuard {
  const guard = new SwapGuard();
  guard.answered(PLACE);
  return guard;
}

describe('a verified text replaces what is shown', () => {
  it('where the draft was answered and the cursor still is', () => {
    assert.equal(armed().verified(PLACE, PLACE), true);
  });

  it('a second time too, when the target was asked again', () => {
    const guard = armed();
    guard.verified(PLACE, PLACE);
    guard.answered(PLACE);
    assert.equal(guard.verified(PLACE, PLACE), true);
  });

  it('also where the filters left nothing of the draft', () => {
    const guard = new SwapGuard();
    guard.answered(PLACE);
    guard.moved(PLACE);
    assert.equal(guard.verified(PLACE, PLACE), true);
  });

  it('after an event that changed nothing', () => {
    const guard = armed();
    guard.moved(PLACE);
    assert.equal(guard.verified(PLACE, PLACE), true);
  });

  it('when it was there before the draft was handed over', () => {
    const guard = new SwapGuard();
    assert.equal(guard.verified(PLACE, PLACE), false);
    assert.equal(guard.answered(PLACE), true);
    assert.equal(guard.verified(PLACE, PLACE), true);
    assert.equal(guard.answered(PLACE), false, 'It is shown once only.');
  });
});

describe('a verified text is left to the next request', () => {
  const cases: [why: string, guard: () => SwapGuard, place: DocumentPlace, cursor: DocumentPlace | null][] = [
    ['nothing was answered', () => new SwapGuard(), PLACE, PLACE],
    ['the user typed on', armed, PLACE, typedOn],
    ['the document was changed elsewhere', armed, PLACE, { ...PLACE, version: 8 }],
    ['it is for a version that was not answered last', armed, typedOn, typedOn],
    ['another document has the cursor', armed, PLACE, { ...PLACE, uri: 'file:///b.ts' }],
    ['there is no cursor', armed, PLACE, null],
  ];
  for (const [why, guard, place, cursor] of cases)
    it(`since ${why}`, () => assert.equal(guard().verified(place, cursor), false));

  it('since the user sent it away, also where it came early', () => {
    const guard = armed();
    guard.dismissed();
    assert.equal(guard.verified(PLACE, PLACE), false);
    guard.dismissed();
    assert.equal(guard.answered(PLACE), false);
  });

  for (const [why, cursor] of [
    ['the cursor was moved away and back', moved],
    ['another editor was shown in between', { ...PLACE, uri: 'file:///b.ts' }],
    ['the window was left in between', null],
  ] as const) {
    it(`since ${why}`, () => {
      const guard = armed();
      guard.moved(cursor);
      guard.moved(PLACE);
      assert.equal(guard.verified(PLACE, PLACE), false);
    });
  }

  it('an early one is forgotten with the cursor', () => {
    const guard = new SwapGuard();
    guard.verified(PLACE, PLACE);
    guard.moved(typedOn);
    assert.equal(guard.answered(PLACE), false);
  });
});

describe('the cursor', () => {
  const at = (character: number, isEmpty = true) => ({ isEmpty, active: { line: 3, character } });
  const editor = (...selections: EditorLike['selections']): EditorLike => ({
    document: { uri: new URL('file:///a.ts'), version: 7 },
    selections,
  });

  it('is where the one empty selection is', () => {
    assert.deepEqual(cursorOf(editor(at(9)), true), PLACE);
  });
  it('is nowhere with a selection, with several, without an editor or without the keyboard', () => {
    assert.equal(cursorOf(editor(at(9, false)), true), null);
    assert.equal(cursorOf(editor(at(9), at(2)), true), null);
    assert.equal(cursorOf(undefined, true), null);
    assert.equal(cursorOf(editor(at(9)), false), null);
  });
});
