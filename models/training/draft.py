#!/usr/bin/env python3
"""Stage 5 of the training recipe: the static draft, distilled from the finished backbone.

The draft is the backbone's own embedding and first layer, then a private block and norm, the only parts that learn.
It learns the backbone's whole distribution at each position (arXiv 1503.02531), since what counts is that its first
choice is the backbone's. It is made once: adapters leave the shared layer alone, and the draft stays as it is.

Reads backbone.pt, writes draft.pt. May be stopped and taken up again.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from machine import Machine  # first: it sets how threads wait

import torch
import torch.nn.functional as F
from torch import Tensor

from batches import Batches, Validation
from loop import Loop, save
from model import Model, draft_of, load, stored
from optimizer import Optimizers
from sizes import SIZES, Size
from tokenizer import WORK

FIRST_STEP = 1_000_000
"""Rows are drawn by step number; from here on they are others than the backbone has learnt from."""


def divergence(of_backbone: Tensor, of_draft: Tensor) -> Tensor:
    """Mean Kullback-Leibler divergence in nats a position; logits: (…, vocabulary)."""
    known, guessed = of_backbone.log_softmax(-1), of_draft.log_softmax(-1)
    return F.kl_div(guessed.flatten(0, -2), known.flatten(0, -2), log_target=True, reduction='batchmean')


def distil(size: Size, out: Path, minutes: float, machine: Machine, workers: int) -> None:
    backbone = load(out / 'backbone.pt').to(machine.device).requires_grad_(False)
    draft = draft_of(backbone)
    private = torch.nn.ModuleDict({'block': draft.blk[size.shared_layers], 'norm': draft.output_norm})
    private.to(machine.device).requires_grad_(True)
    draft.turns = draft.turns.to(machine.device)
    optimizers = Optimizers(private)
    fed = replace(size, rows_per_step=size.draft_rows)
    validation = Validation(out / 'packed.npz', size, machine)
    loop = Loop(
        out / 'distil.pt',
        minutes,
        {'private': private, 'optimizers': optimizers},
        lambda: validation.agreement(backbone, draft),
        fed.rows_per_step * size.context,
    )
    print(f'{sum(p.numel() for p in private.parameters()) / 1e6:.2f} M private parameters on {machine}', flush=True)
    taught, learning = machine.fast(backbone), machine.fast(draft)
    batches = Batches(out / 'packed.npz', fed, workers)
    for step in loop:
        passes = batches.step(FIRST_STEP + step)[:, :-1].to(machine.device).split(size.rows_per_pass)
        for some in passes:
            with machine.precision():
                with torch.no_grad():
                    known = taught(some)
                guessed = learning(some)
            loss = divergence(known.float(), guessed.float())
            (loss / len(passes)).backward()
            loop.note(loss)
        optimizers.step(loop.left)
    save(out / 'draft.pt', stored(draft))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--size', choices=SIZES, required=True)
    parser.add_argument('--minutes', type=float, required=True)
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--workers', type=int, default=0, help='processes that draw rows; 0 draws them in between')
    parser.add_argument('--out', type=Path, help='holds backbone.pt; default: .foretype/training/SIZE')
    options = parser.parse_args(arguments)
    out = options.out or WORK / options.size
    if not (out / 'backbone.pt').exists():
        print(f'There is no {out / "backbone.pt"}; run train.py with --decay first.', file=sys.stderr)
        return 1
    distil(SIZES[options.size], out, options.minutes, Machine(options.threads), options.workers)
    return 0


if __name__ == '__main__':
    sys.exit(main())
