#!/usr/bin/env python3
"""Stage 8 of the training recipe: what SentencePiece and PyTorch compute, as facts for the tests of the product.

Writes one JSON file:

  tokenizer.files   for each held-out file of the corpus, SHA-256 of its ids as 16-bit little-endian numbers
  tokenizer.texts   texts that tokenizers stumble over, with their ids
  choices           for the backbone, the draft and each adapter: ids of held-out text, the likeliest next id after
                    each of them in 32-bit arithmetic, and by how much its logit is above the second one's
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path

import machine  # noqa: F401  first: it sets how threads wait

import numpy as np
import torch

from adapters import PROJECTS, files_of, rows_of
from model import Linear, Model, load
from samples import Packed
from sizes import SIZES
from tokenizer import WORK

TEXTS = [
    'const a = 1;\r\nconst b = 2;\r\n',
    '\tif (x) {\n\t\treturn "\t";\n\t}\n',
    '  \n\n   \n \t \n',
    "const party = '🎉👩‍👩‍👧 é e\u0301 ﬁ';\n",
    'a\0b\0\0c',
    '<|fim_prefix|>x<|fim_suffix|></s><s><unk><|eot|><0x0A><|file_sep|>',
    '▁ leading and  double  spaces ▁▁',
    '\ufeffexport {};\n',
    'x' * 3000,
    '中文标识符 = "\u2028";\n',
    '',
]
ROWS = 8
TOKENS = 256
"""Of each row at most; a context may be shorter."""


def choices_of(model: Model, rows: torch.Tensor) -> list[dict]:
    """rows: (rows, tokens)."""
    with torch.no_grad():
        best = model(rows).topk(2)
    margins = (best.values[..., 0] - best.values[..., 1]).double().numpy().round(3)
    return [
        {'ids': row.tolist(), 'choices': choice.tolist(), 'margins': margin.tolist()}
        for row, choice, margin in zip(rows, best.indices[..., 0], margins)
    ]


def attach(model: Model, tensors: dict[str, torch.Tensor], alpha: float) -> None:
    for layer, block in enumerate(model.blk):
        for name, matrix in block.named_children():
            key = f'blk.{layer}.{name}.weight.lora_'
            if isinstance(matrix, Linear) and f'{key}a' in tensors:
                a, b = tensors[f'{key}a'], tensors[f'{key}b']
                matrix.adapter = (a, b, alpha / a.shape[0])


def tokenizer_facts(corpus: Path, model: Path) -> dict:
    import sentencepiece

    processor = sentencepiece.SentencePieceProcessor(model_file=str(model))
    files = {}
    with corpus.open(encoding='utf-8') as lines:
        for entry in map(json.loads, lines):
            if entry['split'] == 'heldout':
                ids = np.array(processor.encode(entry['text']), '<u2')
                files[f'{entry["package"]}/{entry["path"]}'] = hashlib.sha256(ids.tobytes()).hexdigest()
    return {'files': files, 'texts': [{'text': text, 'ids': processor.encode(text)} for text in TEXTS]}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--size', choices=SIZES, required=True)
    parser.add_argument('--corpus', type=Path, default=WORK / 'corpus' / 'corpus.jsonl')
    parser.add_argument('--to', type=Path, required=True, metavar='FILE')
    parser.add_argument('--out', type=Path, help='holds what training wrote; default: .foretype/training/SIZE')
    options = parser.parse_args(arguments)
    out = options.out or WORK / options.size
    data = Packed(out / 'packed.npz')
    backbone, draft = load(out / 'backbone.pt'), load(out / 'draft.pt')
    tokens = min(TOKENS, backbone.size.context)
    data.limit(data.held_out)
    rows = rows_of(data, backbone.size, ROWS)[:, :tokens]
    choices = {'backbone': choices_of(backbone, rows), 'draft': choices_of(draft, rows)}
    for name, package in PROJECTS.items():
        path = out / 'adapters' / f'{name}.pt'
        if path.exists():
            stored = torch.load(path)
            attach(backbone, stored['tensors'], stored['alpha'])
            data.limit(files_of(data, package, 'test'))
            choices[name] = choices_of(backbone, rows_of(data, backbone.size, ROWS)[:, :tokens])
    facts = {'tokenizer': tokenizer_facts(options.corpus, out / 'tokenizer.model'), 'choices': choices}
    options.to.write_text(json.dumps(facts, ensure_ascii=False, separators=(',', ':')) + '\n', encoding='utf-8')
    return 0


if __name__ == '__main__':
    sys.exit(main())
