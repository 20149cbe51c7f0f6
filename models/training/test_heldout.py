"""Tests of the held-out facts: `python3 -m unittest discover models/training`."""

from __future__ import annotations

import hashlib
import json
import tempfile
import unittest
from pathlib import Path

import heldout
import source_filters as filters
from test_corpus import package

LICENCE = '/* Copyright 2020 Somebody. MIT License. */\n'
BODY = "/* eslint-disable */\nimport { a } from './\U0001f600';\n\nexport const b = a;\n"


def joined(original: str, slices: list[tuple[int, int]]) -> str:
    """What the evaluation makes of the slices."""
    data = original.encode('utf-16-le')
    return b''.join(data[2 * start : 2 * end] for start, end in slices).decode('utf-16-le') + '\n'


class Slices(unittest.TestCase):
    def test_give_back_what_the_corpus_kept(self) -> None:
        for original in (
            BODY,
            LICENCE + BODY,
            '#!/usr/bin/env node\n\U0001f600\n' + BODY,
            BODY.removesuffix('\n'),
            BODY + '//# sourceMappingURL=a.js.map\n',
            BODY.replace('*/\n', '*/\n' + LICENCE),
        ):
            text, _ = filters.strip_notices(original)
            slices = heldout.slices_of(original, text)
            self.assertIsNotNone(slices, original)
            self.assertEqual(joined(original, slices or []), text)

    def test_are_not_made_up(self) -> None:
        self.assertIsNone(heldout.slices_of(BODY, BODY.replace('const', 'let')))


class Splits(unittest.TestCase):
    def test_a_quarter_is_for_the_test(self) -> None:
        splits = [heldout.split_of(f'src/file{number}.ts') for number in range(4000)]
        self.assertAlmostEqual(splits.count('test') / 4000, heldout.TEST_SHARE, delta=0.03)


class Facts(unittest.TestCase):
    def test_one_line_a_file_with_its_hash(self) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            of = package(Path(scratch), 'kept', {'src/a.ts': '\ufeff' + (LICENCE + BODY).replace('\n', '\r\n')})
            row = {'package': 'kept', 'path': 'src/a.ts', 'split': 'heldout', 'text': BODY}
            text = heldout.render(heldout.facts([row], [of], Path(scratch)))
            with self.assertRaisesRegex(heldout.HeldOutError, 'does not hold the corpus text of src/a.ts'):
                heldout.facts([{**row, 'text': 'something else\n'}], [of], Path(scratch))
        (read,) = json.loads(text)['packages']
        self.assertEqual((read['name'], read['version'], len(text.splitlines())), ('kept', '1.0.0', 5))
        self.assertEqual(read['files'][0]['sha256'], hashlib.sha256(BODY.encode()).hexdigest())
        self.assertEqual(read['files'][0]['slices'], [[len(LICENCE), len(LICENCE) + heldout.units(BODY) - 1]])


if __name__ == '__main__':
    unittest.main()
