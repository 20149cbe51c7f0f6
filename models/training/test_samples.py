"""Tests of the rows training reads, on a vocabulary made by hand: `python3 -m unittest discover models/training`."""

from __future__ import annotations

import tempfile
import unittest
from pathlib import Path

import numpy as np

import samples
from pack import flatten
from tokenizer import BOS, END, FILE, MIDDLE, PREFIX, SUFFIX

WORDS = [' return ', 'const ', 'value', '  ', '});\n', ' = ', '()', 'été', '\n\n']
FIRST_BYTE, FIRST_WORD = 9, 9 + 256
PIECES = [b''] * 9 + [bytes([byte]) for byte in range(256)] + [word.encode() for word in WORDS]
TEXTS = [
    ''.join(f'const value{n} = été();\n  if (value{n}) {{\n    return value{n};\n  }}\n\n' for n in range(40)),
    'const value = 1;\n' * 60,
    'held.out();\n' * 60,
    'x',
]


def encode(text: bytes) -> list[int]:
    """Longest word first, else a byte."""
    ids = []
    while text:
        word = max((piece for piece in PIECES[FIRST_WORD:] if text.startswith(piece)), key=len, default=None)
        ids.append(FIRST_BYTE + text[0] if word is None else PIECES.index(word, FIRST_WORD))
        text = text[len(word or b'1') :]
    return ids


def halves() -> dict[tuple[int, int, int], list[int]]:
    return {
        (token, cut, side): encode(half)
        for token, piece in enumerate(PIECES)
        for cut in range(1, len(piece))
        if piece[cut] & 0xC0 != 0x80
        for side, half in enumerate((piece[:cut], piece[cut:]))
    }


def packed(directory: str) -> samples.Packed:
    ids, starts = flatten([encode(text.encode()) for text in TEXTS], np.uint16)
    paths, path_starts = flatten([encode(f'src/{n}.ts'.encode()) for n in range(len(TEXTS))], np.uint16)
    piece_bytes, piece_starts = flatten(map(list, PIECES), np.uint8)
    half_ids, half_starts = flatten(halves().values(), np.uint16)
    path = Path(directory) / 'packed.npz'
    np.savez(
        path,
        ids=ids,
        starts=starts,
        heldout=np.array([False, False, True, False]),
        package=np.array([0, 0, 1, 2], np.uint16),
        package_names=np.array(['a', 'b', 'c']),
        path_ids=paths,
        path_starts=path_starts,
        piece_bytes=piece_bytes,
        piece_starts=piece_starts,
        half_keys=np.array(list(halves()), np.uint16),
        half_ids=half_ids,
        half_starts=half_starts,
    )
    return samples.Packed(path)


class Samples(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        with tempfile.TemporaryDirectory() as directory:
            cls.data = packed(directory)

    def setUp(self) -> None:
        self.data.limit(~self.data.held_out)

    def text(self, ids: list[int]) -> str:
        return b''.join(self.data.pieces[token] for token in ids).decode()

    def test_rows_are_full_and_of_training_files_only(self) -> None:
        for seed in range(200):
            row = samples.row(self.data, np.random.default_rng(seed), 301, 0.5)
            self.assertEqual(len(row), 301)
            self.assertEqual(row[0], BOS)
            self.assertNotIn('held', b''.join(self.data.pieces[token] for token in row).decode(errors='replace'))

    def test_a_segment_with_a_hole_puts_together_to_a_stretch_of_its_file(self) -> None:
        orders = {SUFFIX: 0, PREFIX: 0}
        trimmed = 0
        for seed in range(400):
            ids = samples.segment(self.data, np.random.default_rng(seed), 200, 0)
            self.assertLessEqual(len(ids), 200)
            if MIDDLE not in ids:
                continue
            self.assertEqual(ids[-1], END)
            first = ids[ids.index(FILE) :].index(self.data.newline) + ids.index(FILE) + 1 if FILE in ids else 1
            orders[ids[first]] += 1
            marks = {mark: ids.index(mark) for mark in (SUFFIX, PREFIX, MIDDLE) if mark in ids}
            self.assertEqual(PREFIX in marks, ids[first] == PREFIX)
            borders = sorted([*marks.values(), len(ids) - 1])
            parts = {mark: ids[at + 1 : next(b for b in borders if b > at)] for mark, at in marks.items()}
            whole = ''.join(self.text(parts[mark]) for mark in (PREFIX, MIDDLE, SUFFIX) if mark in parts)
            self.assertTrue(any(whole in text for text in TEXTS), whole)
            trimmed += PREFIX not in marks and len(parts[SUFFIX]) == int(0.25 * (200 - 1))
        self.assertGreater(trimmed, 10)
        self.assertGreater(orders[SUFFIX], 2 * orders[PREFIX])
        self.assertGreater(orders[PREFIX], 10)

    def test_a_cut_inside_a_token_leaves_its_halves(self) -> None:
        ids = encode('const value = été();\n'.encode())
        prefix, middle, suffix = samples.split(self.data, ids, 3, 9)
        self.assertEqual([self.text(part) for part in (prefix, middle, suffix)], ['con', 'st val', 'ue = été();\n'])

    def test_a_hole_inside_one_token_goes_on_to_its_end(self) -> None:
        ids = encode(b'value()')
        parts = samples.split(self.data, ids, 1, 3)
        self.assertEqual([self.text(part) for part in parts], ['v', 'alue', '()'])

    def test_holes_never_tear_a_character(self) -> None:
        ids = encode('été été = été;\n'.encode() * 20)
        for seed in range(300):
            start, end = samples.hole(self.data, np.random.default_rng(seed), ids)
            self.assertLessEqual(start, end)
            for part in samples.split(self.data, ids, start, end):
                self.text(part)

    def test_a_block_ends_with_its_closer_or_before_the_next_statement(self) -> None:
        text = b'f(() => {\n  one();\n\n  two();\n});\nlast();\n'
        self.assertEqual(text[samples.block_end(text, 5) :], b'\nlast();\n')
        self.assertEqual(text[samples.block_end(text, text.index(b'one')) :], b'\n\n  two();\n});\nlast();\n')

    def test_snippets_come_from_other_files_of_the_package(self) -> None:
        seen = 0
        for seed in range(200):
            header = samples.header_of(self.data, np.random.default_rng(seed), 0, 120, 1.0)
            self.assertLessEqual(len(header), 120)
            if header.count(FILE) > 1:
                seen += 1
                self.assertIn('src/1.ts\n', self.text(header))
            self.assertTrue(self.text(header).endswith('src/0.ts\n'))
        self.assertGreater(seen, 50)


if __name__ == '__main__':
    unittest.main()
