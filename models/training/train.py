#!/usr/bin/env python3
"""Stage 4 of the training recipe: the backbone.

    train.py --size SIZE --minutes M           go on with the steady phase, from its checkpoint if there is one
    train.py --size SIZE --minutes M --layers N   the same with the first N layers only, to begin with
    train.py --size SIZE --minutes M --decay   let the learning rate fall to zero within M minutes: makes backbone.pt

The steady phase has no end of its own (warm-up, then a constant rate; arXiv 2405.18392), so that more hours improve the
model whenever they are to be had; each decay starts from its checkpoint and leaves that as it was. Both may be stopped
at any time and take up where they were. A model begun with fewer layers learns the first millions of tokens for less;
the next run without --layers stacks them up to the full depth (arXiv 2405.15319).

Writes into --out: steady.pt, decay.pt (checkpoints), backbone.pt (weights alone), train.jsonl (the log).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from machine import Machine  # first: it sets how threads wait

import torch
import torch.nn.functional as F
from torch import Tensor

from batches import SEED, Batches, Validation
from loop import Loop, save
from model import Model, stored
from optimizer import Optimizers
from sizes import SIZES, Size
from tokenizer import WORK


def loss_of(model: torch.nn.Module, ids: Tensor) -> Tensor:
    """Mean nats a token; ids: (rows, tokens + 1)."""
    logits = model(ids[:, :-1])
    return F.cross_entropy(logits.float().flatten(0, 1), ids[:, 1:].flatten())


def grow(steady: Path, layers: int) -> None:
    """Turns the checkpoint of a shallower model into one of `layers`, its blocks repeated in order, momentum forgotten."""
    state = torch.load(steady, map_location='cpu')
    small = state['model']
    depth = 1 + max(int(name.split('.')[1]) for name in small if name.startswith('blk.'))
    if depth > layers:
        raise SystemExit(f'{steady} has {depth} layers already; --layers is for a model that begins.')
    if depth == layers:
        return
    grown = {name: weight for name, weight in small.items() if not name.startswith('blk.')}
    for layer in range(layers):
        prefix = f'blk.{layer % depth}.'
        grown |= {
            f'blk.{layer}.{name.removeprefix(prefix)}': weight for name, weight in small.items() if name.startswith(prefix)
        }
    save(steady, {**state, 'model': grown, 'optimizers': None})
    print(f'{depth} layers stacked up to {layers}', flush=True)


def train(
    size: Size, out: Path, minutes: float, layers: int, decay: bool, machine: Machine, workers: int
) -> None:
    torch.manual_seed(SEED)
    if (out / 'steady.pt').exists():
        grow(out / 'steady.pt', layers)
    model = Model(size, layers).to(machine.device)
    optimizers = Optimizers(model)
    validation = Validation(out / 'packed.npz', size, machine)
    steady, decaying = out / 'steady.pt', out / 'decay.pt'
    loop = Loop(
        decaying if decay else steady,
        minutes,
        {'model': model, 'optimizers': optimizers},
        lambda: validation.bits(model),
        size.rows_per_step * size.context,
        endless=not decay,
    )
    if decay and not decaying.exists():
        loop.resume(steady)
        loop.spent = 0.0
    print(f'{sum(p.numel() for p in model.parameters()) / 1e6:.2f} M parameters on {machine}', flush=True)
    compiled = machine.fast(model)
    batches = Batches(out / 'packed.npz', size, workers)
    for step in loop:
        passes = batches.step(step).to(machine.device).split(size.rows_per_pass)
        for some in passes:
            with machine.precision():
                loss = loss_of(compiled, some)
            (loss / len(passes)).backward()
            loop.note(loss)
        optimizers.step(loop.left if decay else 1.0)
    if decay:
        save(out / 'backbone.pt', stored(model))
        decaying.unlink()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--size', choices=SIZES, required=True)
    parser.add_argument('--minutes', type=float, required=True)
    parser.add_argument('--layers', type=int, help='fewer than the size has, to begin with')
    parser.add_argument('--decay', action='store_true')
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--workers', type=int, default=0, help='processes that draw rows; 0 draws them in between')
    parser.add_argument('--out', type=Path, help='holds packed.npz; default: .foretype/training/SIZE')
    options = parser.parse_args(arguments)
    out = options.out or WORK / options.size
    missing = [name for name in ('packed.npz', *(['steady.pt'] if options.decay else [])) if not (out / name).exists()]
    if missing:
        stage = 'pack.py' if missing[0] == 'packed.npz' else 'train.py without --decay'
        print(f'There is no {out / missing[0]}; run {stage} first.', file=sys.stderr)
        return 1
    size = SIZES[options.size]
    layers = options.layers or size.layers
    train(size, out, options.minutes, layers, options.decay, Machine(options.threads), options.workers)
    return 0


if __name__ == '__main__':
    sys.exit(main())
