"""Training rows: segments of files, laid out as the product lays out its prompts. Pure but for chance, which is given.

A segment is the beginning of sequence, at times a context header (snippets of sibling files, then the file's path),
and a stretch of a file: as it stands, or with a hole whose text comes last (fill-in-the-middle, arXiv 2207.14255).

  header         [FILE path \\n snippet]… [FILE path \\n]
  joined         BOS header SUFFIX suffix MIDDLE prefix middle END
  prefix first   BOS header PREFIX prefix SUFFIX suffix MIDDLE middle END

Joined is favoured (the paper's SPM, where nothing stands between prefix and middle): typing only appends to the prompt,
and going on in the middle of a line is what a model learns from plain text. A marker there took ten million tokens and
more to see through: 12-layer `cpu` then filled 0 of 135 holes right, and 11 % without any suffix. Splits are drawn anew
each time a file is seen.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from pathlib import Path

import numpy as np

from tokenizer import BOS, END, FILE, MIDDLE, PREFIX, SUFFIX

HOLE_SHARE = 0.7
"""Share of segments that have a hole."""
JOINED_SHARE = 0.85
SUFFIX_SHARE = 0.25
"""What a full prompt has of the suffix; half of the joined segments have no more of it."""
HEADER_SHARE = 0.5
FILE_START_SHARE = 0.15
"""Share of stretches that begin where their file begins: imports are seen nowhere else."""
SHORTEST = 96
"""Tokens a segment has at least; what is left of a row after that is plain text."""
SPARE = 10
"""Tokens by which a stretch may grow when it is cut inside tokens."""


class Packed:
    """The arrays that pack.py wrote; see there."""

    def __init__(self, path: Path):
        arrays = np.load(path)
        self.ids, self.starts = arrays['ids'], arrays['starts']
        self.paths, self.path_starts = arrays['path_ids'], arrays['path_starts']
        self.packages, self.package_names = arrays['package'], arrays['package_names'].tolist()
        self.held_out = arrays['heldout']
        bounds = arrays['piece_starts']
        flat = arrays['piece_bytes'].tobytes()
        self.pieces = [flat[a:b] for a, b in zip(bounds, bounds[1:])]
        self.newline = self.pieces.index(b'\n')
        half_ids, half_starts = arrays['half_ids'].tolist(), arrays['half_starts'].tolist()
        self.halves = {
            tuple(key): half_ids[half_starts[row] : half_starts[row + 1]]
            for row, key in enumerate(arrays['half_keys'].tolist())
        }
        self.limit(np.ones(len(self.packages), bool))

    def limit(self, mask: np.ndarray) -> None:
        """Draws from the files where `mask` is true alone; mask: (files,)."""
        self.files = np.flatnonzero(mask)
        self.ends = np.cumsum(np.diff(self.starts)[self.files])
        packages = self.packages[self.files]
        self.siblings = {package: self.files[packages == package] for package in set(packages.tolist())}

    def file(self, file: int) -> np.ndarray:
        return self.ids[self.starts[file] : self.starts[file + 1]]

    def draw_file(self, rng: np.random.Generator) -> int:
        """A file, likelier the longer it is."""
        return int(self.files[np.searchsorted(self.ends, rng.integers(self.ends[-1]), side='right')])

    def path(self, file: int) -> str:
        ids = self.paths[self.path_starts[file] : self.path_starts[file + 1]]
        return b''.join(self.pieces[token] for token in ids).decode()

    def name(self, file: int) -> list[int]:
        """`FILE path newline`, what opens a snippet or the file itself."""
        path = self.paths[self.path_starts[file] : self.path_starts[file + 1]]
        return [FILE, *path.tolist(), self.newline]


def row(data: Packed, rng: np.random.Generator, length: int, snippet_share: float) -> list[int]:
    """Exactly `length` ids: one segment or several, none of them cut off."""
    ids: list[int] = []
    while (left := length - len(ids)) >= SHORTEST:
        wanted = left if rng.random() < 0.5 else int(rng.integers(SHORTEST, left + 1))
        ids += segment(data, rng, wanted, snippet_share)
    while (left := length - len(ids)) > 0:
        ids += [BOS, *stretch(data, rng, data.draw_file(rng), left)[0]][:left]
    return ids


def segment(data: Packed, rng: np.random.Generator, length: int, snippet_share: float) -> list[int]:
    """At most `length` ids, at least SHORTEST are wanted; shorter where the file is."""
    file = data.draw_file(rng)
    header = header_of(data, rng, file, length // 2, snippet_share) if rng.random() < HEADER_SHARE else []
    room = length - len(header) - 1
    if rng.random() >= HOLE_SHARE:
        ids, ended = stretch(data, rng, file, room - 1)
        return [BOS, *header, *ids, *([END] if ended else [])]
    ids, _ = stretch(data, rng, file, room - 4 - SPARE)
    start, end = hole(data, rng, ids)
    if rng.random() < JOINED_SHARE:
        # Where the prefix ends does not show: each of its places is one where somebody may be typing.
        _, before, suffix = split(data, ids, 0, end)
        if rng.random() < 0.5:
            suffix = suffix[: int(SUFFIX_SHARE * room)]
        return [BOS, *header, SUFFIX, *suffix, MIDDLE, *before, END]
    prefix, middle, suffix = split(data, ids, start, end)
    return [BOS, *header, PREFIX, *prefix, SUFFIX, *suffix, MIDDLE, *middle, END]


def header_of(data: Packed, rng: np.random.Generator, file: int, room: int, snippet_share: float) -> list[int]:
    """Snippets of other files of the package while chance wants them and there is room, then the file's own path."""
    own = data.name(file)
    siblings = data.siblings[int(data.packages[file])]
    ids: list[int] = []
    share = snippet_share
    while rng.random() < share:
        other = int(rng.choice(siblings))
        left = room - len(ids) - len(own) - len(data.name(other))
        if other == file or left < 32:
            break
        ids += data.name(other) + stretch(data, rng, other, int(rng.integers(32, min(left, 320) + 1)))[0]
        share = 0.6
    return ids + own if len(ids) + len(own) <= room else []


def stretch(data: Packed, rng: np.random.Generator, file: int, length: int) -> tuple[list[int], bool]:
    """At most `length` ids of a file from one place on, and whether they reach its end."""
    ids = data.file(file)
    last = max(0, len(ids) - length)
    start = 0 if rng.random() < FILE_START_SHARE else int(rng.integers(last + 1))
    taken = ids[start : start + length].tolist()
    return taken, start + length >= len(ids)


def hole(data: Packed, rng: np.random.Generator, ids: list[int]) -> tuple[int, int]:
    """Where the hole begins and ends, as byte offsets into the text of `ids`; it may be empty at the very end."""
    text = b''.join(data.pieces[token] for token in ids)
    kind = rng.random()
    at = int(rng.integers(len(text) + 1))
    if kind < 0.35:
        start = whole_character(text, at)
    elif kind < 0.7:
        start = next_boundary(data, ids, at)
    else:
        # A line start, before or behind its indentation.
        start = text.rfind(b'\n', 0, at) + 1
        if kind < 0.9:
            start += indentation(text[start : start + 200])
    return start, hole_end(rng, text, start)


def hole_end(rng: np.random.Generator, text: bytes, start: int) -> int:
    kind = rng.random()
    line_end = find(text, start)
    if kind < 0.55:
        # At a line's end there is nothing to fill in on it: the next line is.
        return line_end if text[start:line_end].strip() else find(text, line_end + 1)
    if kind < 0.8:
        return block_end(text, start)
    return whole_character(text, min(len(text), start + int(rng.integers(1, 200))))


def block_end(text: bytes, start: int, most: int = 14) -> int:
    """The end of the statement that the hole's line begins: the lines indented deeper, and a closer on its own level."""
    first = text.rfind(b'\n', 0, start) + 1
    depth = indentation(text[first : first + 200])
    block = end = find(text, start)
    for _ in range(most):
        if end == len(text):
            break
        line = text[end + 1 : find(text, end + 1)]
        end += 1 + len(line)
        if not line.strip():
            continue
        if indentation(line) <= depth:
            closes = indentation(line) == depth and line.strip()[:1] in b'})]'
            return end if closes else block
        block = end
    return block


def split(data: Packed, ids: list[int], start: int, end: int) -> tuple[list[int], list[int], list[int]]:
    """Ids before, inside and after the bytes [start, end); a token that a border cuts is replaced by its halves."""
    ends = list(accumulate(len(data.pieces[token]) for token in ids))

    def cut(at: int) -> tuple[int, int]:
        """Number of whole tokens before byte `at`, and how many bytes of the next one."""
        index = bisect_right(ends, at)
        return index, at - (ends[index - 1] if index else 0)

    (first, into), (last, over) = cut(start), cut(end)
    if first == last and into and over:
        # Both borders are in one token, whose middle has no table: the hole goes on to the token's end.
        last, over = last + 1, 0
    prefix, middle, suffix = ids[:first], ids[first:last], ids[last:]
    if into:
        prefix = prefix + data.halves[ids[first], into, 0]
        middle = data.halves[ids[first], into, 1] + middle[1:]
    if over:
        middle = middle + data.halves[ids[last], over, 0]
        suffix = data.halves[ids[last], over, 1] + suffix[1:]
    return prefix, middle, suffix


def next_boundary(data: Packed, ids: list[int], at: int) -> int:
    end = 0
    for token in ids:
        if end >= at:
            return end
        end += len(data.pieces[token])
    return end


def find(text: bytes, start: int) -> int:
    """The next line end, or the text's."""
    end = text.find(b'\n', start)
    return len(text) if end < 0 else end


def indentation(line: bytes) -> int:
    return len(line) - len(line.lstrip(b' \t'))


def whole_character(text: bytes, at: int) -> int:
    while 0 < at < len(text) and text[at] & 0xC0 == 0x80:
        at -= 1
    return at
