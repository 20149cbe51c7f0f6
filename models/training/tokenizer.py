#!/usr/bin/env python3
"""Stage 2 of the training recipe: a SentencePiece BPE tokenizer from the training half of the corpus.

Writes tokenizer.model into --out. Pieces may span line ends (`);\\n`, `}\\n\\n`), which is why the trainer reads chunks of
lines from an iterator: its command line would cut at every line end. Nothing is normalised, so that text comes back
byte for byte, and whatever has no piece becomes byte pieces.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from sizes import SIZES

REPOSITORY = Path(__file__).resolve().parents[2]
WORK = REPOSITORY / '.foretype' / 'training'

UNKNOWN, BOS, END, PREFIX, SUFFIX, MIDDLE, PAD, REPO, FILE = range(9)
"""Ids of the special tokens, in the order in which SentencePiece is told of them."""
CONTROL = ['<|fim_prefix|>', '<|fim_suffix|>', '<|fim_middle|>', '<|fim_pad|>', '<|repo|>', '<|file_sep|>']

SAMPLE = 24_000_000
"""Characters read; more changes the pieces little and costs memory."""
FILE_CAP = 20_000
"""Characters of one file, lest a few big ones decide the pieces."""
CHUNK_LINES = 40


def chunks(corpus: Path, seed: int = 1) -> Iterator[str]:
    """Pieces of training files in random order, SAMPLE characters in all, line ends inside them."""
    with corpus.open(encoding='utf-8') as lines:
        files = [entry['text'] for entry in map(json.loads, lines) if entry['split'] == 'train']
    random.Random(seed).shuffle(files)
    left = SAMPLE
    for text in files:
        lines_of = text[:FILE_CAP].split('\n')
        for start in range(0, len(lines_of), CHUNK_LINES):
            chunk = '\n'.join(lines_of[start : start + CHUNK_LINES])
            if not chunk.strip():
                continue
            yield chunk
            left -= len(chunk)
        if left <= 0:
            return


def train(corpus: Path, vocabulary: int, out: Path) -> None:
    import sentencepiece

    out.mkdir(parents=True, exist_ok=True)
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=chunks(corpus),
        model_prefix=str(out / 'tokenizer'),
        vocab_size=vocabulary,
        model_type='bpe',
        byte_fallback=True,
        normalization_rule_name='identity',
        add_dummy_prefix=False,
        remove_extra_whitespaces=False,
        allow_whitespace_only_pieces=True,
        split_digits=True,
        character_coverage=0.9999,
        max_sentence_length=100_000,
        max_sentencepiece_length=24,
        num_threads=2,
        unk_id=UNKNOWN,
        bos_id=BOS,
        eos_id=END,
        pad_id=-1,
        eos_piece='<|eot|>',
        control_symbols=CONTROL,
        minloglevel=2,
    )
    (out / 'tokenizer.vocab').unlink()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--size', choices=SIZES, required=True)
    parser.add_argument('--corpus', type=Path, default=WORK / 'corpus' / 'corpus.jsonl')
    parser.add_argument('--out', type=Path, help='default: .foretype/training/SIZE')
    options = parser.parse_args(arguments)
    if not options.corpus.exists():
        print(f'There is no corpus at {options.corpus}; run corpus.py first.', file=sys.stderr)
        return 1
    started = time.monotonic()
    out = options.out or WORK / options.size
    train(options.corpus, SIZES[options.size].vocabulary, out)
    print(f'{out / "tokenizer.model"}, {time.monotonic() - started:.0f} s')
    return 0


if __name__ == '__main__':
    sys.exit(main())
