#!/usr/bin/env python3
"""Stage 6 of the training recipe: LoRA adapters, each for one held-out project.

Rank 8 on every matrix of the layers above those the draft shares, so that the draft keeps seeing what it was made for.
A project's files are split by heldout.py's rule: the adapter learns from "train" and is measured on "test".

Reads backbone.pt, writes adapters/NAME.pt. A finished adapter is not made again; an unfinished one is taken up.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path

from machine import Machine  # first: it sets how threads wait

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import samples
from batches import SEED
from heldout import split_of
from loop import Loop, save
from model import Linear, Model, load
from samples import Packed
from sizes import SIZES, Size
from tokenizer import BOS, WORK

RANK = 8
ALPHA = 16.0
RATE = 1e-2
ROWS = 2
TEST_ROWS = 96
TEST_ROWS_AT_ONCE = 4
FIRST_ROW = 2_000_000

PROJECTS = {
    'langium': 'langium',
    'pothos': '@pothos/core',
    'tanstack-router': '@tanstack/router-core',
    'lumino': '@lumino/widgets',
    'uppy': '@uppy/core',
    'hls': 'hls.js',
    'livekit': 'livekit-client',
}


class Adapter(nn.Module):
    """A (rank, inputs) and B (outputs, rank) for every matrix of the adapted layers; B begins as zero."""

    def __init__(self, model: Model):
        super().__init__()
        self.matrices = {
            f'blk.{layer}.{name}': matrix
            for layer, block in enumerate(model.blk)
            if layer >= model.size.shared_layers
            for name, matrix in block.named_children()
            if isinstance(matrix, Linear)
        }
        device = model.token_embd.weight.device
        self.a, self.b = nn.ParameterDict(), nn.ParameterDict()
        for name, matrix in self.matrices.items():
            outputs, inputs = matrix.weight.shape
            key = name.replace('.', '-')
            self.a[key] = nn.Parameter(torch.randn(RANK, inputs, device=device) / math.sqrt(inputs))
            self.b[key] = nn.Parameter(torch.zeros(outputs, RANK, device=device))

    def attach(self, attached: bool = True) -> None:
        for name, matrix in self.matrices.items():
            key = name.replace('.', '-')
            matrix.adapter = (self.a[key], self.b[key], ALPHA / RANK) if attached else None

    def tensors(self) -> dict[str, torch.Tensor]:
        """By the names that GGUF has for them."""
        return {
            f'{name}.weight.lora_{side}': values[name.replace('.', '-')].detach().cpu()
            for name in self.matrices
            for side, values in (('a', self.a), ('b', self.b))
        }


def files_of(data: Packed, package: str, split: str) -> np.ndarray:
    """Mask of the package's files in that split: (files,)."""
    number = data.package_names.index(package)
    return np.array([p == number and split_of(data.path(file)) == split for file, p in enumerate(data.packages)])


def rows_of(data: Packed, size: Size, count: int) -> torch.Tensor:
    """Plain stretches of the files `data` is limited to, from file starts on, not overlapping: (rows, context + 1)."""
    rows = []
    for file in data.files:
        ids = data.file(file)
        for start in range(0, len(ids) - size.context + 1, size.context):
            rows.append([BOS, *ids[start : start + size.context].tolist()])
    order = np.random.default_rng(3).permutation(len(rows))[:count]
    return torch.tensor([rows[index] for index in order])


def perplexity(model: Model, rows: torch.Tensor, machine: Machine) -> float:
    """Over plain text, left to right."""
    nats, tokens = 0.0, 0
    with torch.no_grad():
        for some in rows.to(machine.device).split(TEST_ROWS_AT_ONCE):
            with machine.precision():
                logits = model(some[:, :-1])
            nats += F.cross_entropy(logits.float().flatten(0, 1), some[:, 1:].flatten(), reduction='sum').item()
            tokens += some[:, 1:].numel()
    return math.exp(nats / tokens)


def train(model: Model, data: Packed, name: str, out: Path, minutes: float, machine: Machine) -> dict[str, float]:
    size, package = model.size, PROJECTS[name]
    data.limit(files_of(data, package, 'test'))
    test = rows_of(data, size, TEST_ROWS)
    data.limit(files_of(data, package, 'train'))
    torch.manual_seed(SEED)
    adapter = Adapter(model)
    adapter.attach(False)
    before = perplexity(model, test, machine)
    adapter.attach()
    optimizer = torch.optim.AdamW(adapter.parameters(), lr=RATE, betas=(0.9, 0.98), weight_decay=0.01)
    loop = Loop(
        out / 'adapters' / f'{name}-checkpoint.pt',
        minutes,
        {'adapter': adapter, 'optimizer': optimizer},
        lambda: {'perplexity': round(perplexity(model, test, machine), 3)},
        ROWS * size.context,
    )
    for step in loop:
        rows = [
            samples.row(data, np.random.default_rng([SEED, FIRST_ROW + step, row]), size.context + 1, size.snippet_share)
            for row in range(ROWS)
        ]
        ids = torch.tensor(rows, device=machine.device)
        with machine.precision():
            logits = model(ids[:, :-1])
        loss = F.cross_entropy(logits.float().flatten(0, 1), ids[:, 1:].flatten())
        loss.backward()
        optimizer.param_groups[0]['lr'] = RATE * min(1.0, (step + 1) / 10) * loop.left
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        loop.note(loss)
    after = perplexity(model, test, machine)
    adapter.attach(False)
    about = {
        'package': package,
        'train_files': len(data.files),
        'train_tokens': int(data.ends[-1]),
        'perplexity_before': round(before, 2),
        'perplexity_after': round(after, 2),
        'lower': round(1 - after / before, 3),
    }
    save(out / 'adapters' / f'{name}.pt', {'tensors': adapter.tensors(), 'alpha': ALPHA, 'about': about})
    loop.checkpoint.unlink()
    return about


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--size', choices=SIZES, required=True)
    parser.add_argument('--minutes', type=float, required=True, help='for each adapter')
    parser.add_argument('--only', choices=PROJECTS, action='append', help='default: all')
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--out', type=Path, help='holds backbone.pt; default: .foretype/training/SIZE')
    options = parser.parse_args(arguments)
    out = options.out or WORK / options.size
    if not (out / 'backbone.pt').exists():
        print(f'There is no {out / "backbone.pt"}; run train.py with --decay first.', file=sys.stderr)
        return 1
    (out / 'adapters').mkdir(exist_ok=True)
    machine = Machine(options.threads)
    model = load(out / 'backbone.pt').to(machine.device).requires_grad_(False)
    data = Packed(out / 'packed.npz')
    known = [name for name, package in PROJECTS.items() if package in data.package_names]
    for name in options.only or known:
        if not (out / 'adapters' / f'{name}.pt').exists():
            print(name, json.dumps(train(model, data, name, out, options.minutes, machine)), flush=True)
    return 0


if __name__ == '__main__':
    sys.exit(main())
