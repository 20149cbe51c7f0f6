#!/usr/bin/env python3
"""Stage 3 of the training recipe: the corpus as token ids, so that training needs neither text nor SentencePiece.

Writes packed.npz into --out (compressed: it travels to a machine with an accelerator):

  ids, starts        uint16 ids of all files, one after the other, and where each begins (files + 1 numbers)
  heldout            for each file, whether it is held out
  package            for each file, the number of its package; package_names in that order
  path_ids, path_starts   the ids of each file's path, as context headers name it
  piece_bytes, piece_starts   what each id stands for
  half_keys, half_ids, half_starts   the ids of each piece's leading bytes and trailing bytes, see `Halves`

The halves let training cut the text anywhere, also inside a token, with tables only.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from sizes import SIZES
from tokenizer import WORK


def flatten(lists: Iterable[list[int]], dtype: type) -> tuple[np.ndarray, np.ndarray]:
    """Lists one after the other, and where each begins; the last number is the end."""
    lists = list(lists)
    starts = np.zeros(len(lists) + 1, np.int64)
    np.cumsum([len(each) for each in lists], out=starts[1:])
    flat = np.fromiter((value for each in lists for value in each), dtype, int(starts[-1]))
    return flat, starts


def pieces_of(processor) -> list[bytes]:
    """The bytes of each id; a control token stands for none."""

    def bytes_of(token: int) -> bytes:
        if processor.is_control(token) or processor.is_unknown(token):
            return b''
        piece = processor.id_to_piece(token)
        return bytes([int(piece[3:5], 16)]) if processor.is_byte(token) else piece.replace('▁', ' ').encode()

    return [bytes_of(token) for token in range(processor.get_piece_size())]


def halves_of(processor, pieces: list[bytes]) -> dict[tuple[int, int, int], list[int]]:
    """(token, cut in bytes, side 0 or 1) → ids of that side, wherever the cut does not tear a character."""
    halves = {}
    for token, piece in enumerate(pieces):
        for cut in range(1, len(piece)):
            if piece[cut] & 0xC0 == 0x80:
                continue
            for side, half in enumerate((piece[:cut], piece[cut:])):
                halves[token, cut, side] = processor.encode(half.decode())
    return halves


def pack(corpus: Path, model: Path) -> dict[str, np.ndarray]:
    import sentencepiece

    processor = sentencepiece.SentencePieceProcessor(model_file=str(model))
    with corpus.open(encoding='utf-8') as lines:
        files = [json.loads(line) for line in lines]
    packages = {name: number for number, name in enumerate(sorted({entry['package'] for entry in files}))}
    encoded = []
    started = time.monotonic()
    for start in range(0, len(files), 1000):
        texts = [entry['text'] for entry in files[start : start + 1000]]
        encoded += [np.array(ids, np.uint16) for ids in processor.encode(texts, num_threads=2)]
        passed = time.monotonic() - started
        left = passed / len(encoded) * (len(files) - len(encoded))
        print(f'\r{len(encoded)} of {len(files)} files, {left:.0f} s left ', end='', file=sys.stderr)
    print(file=sys.stderr)
    pieces = pieces_of(processor)
    halves = halves_of(processor, pieces)
    paths, path_starts = flatten((processor.encode(entry['path']) for entry in files), np.uint16)
    half_ids, half_starts = flatten(halves.values(), np.uint16)
    piece_bytes, piece_starts = flatten(map(list, pieces), np.uint8)
    return {
        'ids': np.concatenate(encoded),
        'starts': np.cumsum([0] + [len(ids) for ids in encoded]),
        'heldout': np.array([entry['split'] == 'heldout' for entry in files]),
        'package': np.array([packages[entry['package']] for entry in files], np.uint16),
        'package_names': np.array(list(packages)),
        'path_ids': paths,
        'path_starts': path_starts,
        'piece_bytes': piece_bytes,
        'piece_starts': piece_starts,
        'half_keys': np.array(list(halves), np.uint16).reshape(-1, 3),
        'half_ids': half_ids,
        'half_starts': half_starts,
    }


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--size', choices=SIZES, required=True)
    parser.add_argument('--corpus', type=Path, default=WORK / 'corpus' / 'corpus.jsonl')
    parser.add_argument('--out', type=Path, help='holds tokenizer.model; default: .foretype/training/SIZE')
    options = parser.parse_args(arguments)
    out = options.out or WORK / options.size
    for needed, stage in ((options.corpus, 'corpus.py'), (out / 'tokenizer.model', 'tokenizer.py')):
        if not needed.exists():
            print(f'There is no {needed}; run {stage} first.', file=sys.stderr)
            return 1
    arrays = pack(options.corpus, out / 'tokenizer.model')
    np.savez_compressed(out / 'packed.npz', **arrays)
    size = (out / 'packed.npz').stat().st_size / 1e6
    print(f'{len(arrays["ids"]) / 1e6:.1f} M tokens, {size:.1f} MB')
    return 0


if __name__ == '__main__':
    sys.exit(main())
