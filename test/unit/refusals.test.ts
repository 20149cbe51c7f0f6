import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { refusalOf, type Circumstances } from '../../server/src/refusals.ts';
import { readSettings } from '../../server/src/settings.ts';

const settings = (change: object) => readSettings(change).settings;
const here: Circumstances = {
  settings: settings({}),
  family: { id: 'small', languages: ['typescript'] },
  language: 'typescript',
  explicit: false,
  power: 'mains',
  connected: false,
  asked: false,
  reason: null,
};
const UNTRAINED = 'The model small was not trained on python; turn python on, or choose another family.';

describe('why there is no completion', () => {
  for (const [name, change, message] of [
    ['nothing, as it is', {}, undefined],
    ['all are turned off', { settings: settings({ enabled: false }) }, 'Completions are turned off.'],
    [
      'they are asked for only',
      { settings: settings({ automatic: false }) },
      'Completions come only when they are asked for.',
    ],
    ['nobody asked by a key', { settings: settings({ automatic: false }), explicit: true }, undefined],
    [
      'power is saved',
      { settings: settings({ pauseOn: 'saver' }), power: 'saver' },
      'Completions are paused while power is saved; ask for one with the key.',
    ],
    ['the language is off', { language: 'markdown' }, 'Completions are off for markdown.'],
    ['the model does not know the language', { language: 'python' }, UNTRAINED],
    ['not where it is asked for by a key', { language: 'python', explicit: true }, undefined],
    [
      'nor where the language is named',
      { language: 'python', settings: settings({ languages: { python: true } }) },
      undefined,
    ],
    ['nor where the model knows any', { language: 'python', family: { id: 'large' } }, undefined],
    ['nor before there is a family', { language: 'python', family: undefined }, undefined],
    [
      'nobody writes: the node is not there yet',
      { settings: settings({ draft: false, edgeUrl: 'http://node:1' }) },
      'The edge node, which writes the completions, is not connected yet.',
    ],
    [
      'nobody writes: it has too much to do',
      { settings: settings({ draft: false, edgeUrl: 'http://node:1' }), connected: true },
      'The edge node, which writes the completions, has too much to do; it is asked again soon.',
    ],
  ] as const)
    it(name, () => assert.equal(refusalOf({ ...here, ...change })?.message, message));
});
