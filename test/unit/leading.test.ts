import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { bytesOf, fittingTokens, leftAfter, leftAlong, piecesOf } from '../../models/src/engine/leading.ts';

const VOCABULARY = {
  tokens: ['<unk>', '<s>', '<0xC3>', '<0xA9>', 'get', 'getElement', 'g', '▁x', '', 'é'],
  token_type: [2, 3, 6, 6, 1, 1, 1, 1, 1, 1],
};
const TEXTS = ['', '', '', '', 'get', 'getElement', 'g', ' x', '\uFFFD', 'é'];
const PIECES = piecesOf(VOCABULARY, (id) => TEXTS[id]!);

describe('piecesOf', () => {
  it('gives bytes, and nothing for ids without text of their own', () => {
    const e = bytesOf('é');
    assert.deepEqual(PIECES, [
      undefined,
      undefined,
      '\u00C3',
      '\u00A9',
      'get',
      'getElement',
      'g',
      ' x',
      undefined,
      e,
    ]);
    assert.equal('\u00C3\u00A9', e);
  });
});

describe('leftAfter', () => {
  it('a piece takes its part', () => assert.equal(leftAfter('getEl', 'get'), 'El'));
  it('a longer piece takes all', () => assert.equal(leftAfter('getEl', 'getElement'), ''));
  it('a piece that departs does not fit', () => assert.equal(leftAfter('getEl', 'gem'), undefined));
  it('no text does not fit', () => assert.equal(leftAfter('getEl', undefined), undefined));
  it('with nothing left all fit', () =>
    assert.deepEqual([leftAfter('', 'x'), leftAfter('', undefined)], ['', '']));

  it('pieces that fit one after the other spell the text, however it is cut', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), fc.array(fc.nat(3)), (text, cuts) => {
        let left: string | undefined = bytesOf(text);
        let spelt = '';
        for (const cut of [...cuts, text.length * 4]) {
          if (left === '') break;
          const piece = bytesOf(text).slice(spelt.length, spelt.length + cut + 1);
          spelt += piece;
          left = leftAfter(left!, piece);
        }
        assert.deepEqual([left, spelt], ['', bytesOf(text)]);
      }),
    );
  });
});

describe('leftAlong', () => {
  it('says what is left before each drafted token and after the last', () => {
    assert.deepEqual(leftAlong('getEl', ['g', 'et', 'Element', ';']), ['getEl', 'etEl', 'El', '', '']);
  });
  it('asks for nothing after a token that departs', () => {
    assert.deepEqual(leftAlong('getEl', ['get', 'X', 'El']), ['getEl', 'El', '', '']);
  });
});

describe('fittingTokens', () => {
  it('are those that begin with the text, or are a part of it', () =>
    assert.deepEqual(fittingTokens('ge', PIECES), [4, 5, 6]));
  it('finds the bytes of a character that has no other piece', () =>
    assert.deepEqual(fittingTokens('\u00C3\u00A8', PIECES), [2]));
  it('are none where none fits', () => assert.deepEqual(fittingTokens('Z', PIECES), []));
});
