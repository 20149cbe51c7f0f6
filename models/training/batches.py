"""Rows for training by step number, so that a resumed run goes on with the same ones; fixed rows for validation."""

from __future__ import annotations

import math
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

import samples
from machine import Machine
from model import Model
from samples import Packed
from sizes import Size
from tokenizer import BOS, MIDDLE

SEED = 20261121
VALIDATION_ROWS = 32
AHEAD = 3
"""Steps drawn before they are needed, where processes draw them."""


class Batches:
    """With `workers`, processes draw the rows; without, they are drawn in between, which a CPU's pace does not notice."""

    def __init__(self, path: Path, size: Size, workers: int):
        self.size, self.workers = size, workers
        self.data = None if workers else training_files(path)
        self.pool = ProcessPoolExecutor(workers, initializer=open_packed, initargs=(path,)) if workers else None
        self.ahead: dict[int, list] = {}

    def step(self, step: int) -> Tensor:
        """(rows, context + 1) ids."""
        rows = self.size.rows_per_step
        if self.pool is None:
            return torch.from_numpy(draw(self.data, step, self.size, range(rows)))
        share = math.ceil(rows / self.workers)
        for later in range(step, step + AHEAD):
            if later not in self.ahead:
                parts = (range(first, min(first + share, rows)) for first in range(0, rows, share))
                self.ahead[later] = [self.pool.submit(draw_opened, later, self.size, part) for part in parts]
        return torch.from_numpy(np.concatenate([part.result() for part in self.ahead.pop(step)]))


def training_files(path: Path) -> Packed:
    data = Packed(path)
    data.limit(~data.held_out)
    return data


def draw(data: Packed, step: int, size: Size, rows: range) -> np.ndarray:
    drawn = (
        samples.row(data, np.random.default_rng([SEED, step, number]), size.context + 1, size.snippet_share)
        for number in rows
    )
    return np.array(list(drawn), np.int64)


opened: list[Packed] = []
"""The data of a worker process."""


def open_packed(path: Path) -> None:
    opened.append(training_files(path))


def draw_opened(step: int, size: Size, rows: range) -> np.ndarray:
    return draw(opened[0], step, size, rows)


class Validation:
    """Fixed rows of held-out packages: plain stretches, and segments with a hole."""

    def __init__(self, path: Path, size: Size, machine: Machine):
        self.machine = machine
        data = Packed(path)
        data.limit(data.held_out)
        rng = np.random.default_rng(7)
        plain, holes, middles = [], [], []
        while len(plain) < VALIDATION_ROWS:
            ids, _ = samples.stretch(data, rng, data.draw_file(rng), size.context)
            if len(ids) == size.context:
                plain.append([BOS, *ids])
        while len(holes) < VALIDATION_ROWS:
            ids = samples.segment(data, rng, size.context + 1, 0)
            if MIDDLE in ids:
                start, padding = ids.index(MIDDLE) + 1, size.context + 1 - len(ids)
                holes.append(ids + [BOS] * padding)
                middles.append([0] * start + [1] * (len(ids) - start) + [0] * padding)
        lengths = torch.tensor([len(piece) for piece in data.pieces])
        self.plain, self.holes = torch.tensor(plain), torch.tensor(holes)
        self.middles = torch.tensor(middles)[:, 1:]
        """1 where a token of a hole is predicted."""
        self.plain_bytes = int(lengths[self.plain[:, 1:]].sum())
        self.middle_bytes = int((lengths[self.holes[:, 1:]] * self.middles).sum())

    @torch.no_grad()
    def bits(self, model: Model) -> dict[str, float]:
        """Bits per byte, left to right and of the holes' texts."""

        def nats(ids: Tensor) -> Tensor:
            parts = []
            for some in ids.split(4):
                logits = self.logits(model, some)
                losses = F.cross_entropy(logits.flatten(0, 1), some[:, 1:].flatten().to(logits.device), reduction='none')
                parts.append(losses.view(len(some), -1).cpu())
            return torch.cat(parts)

        plain, middle = nats(self.plain).sum().item(), (nats(self.holes) * self.middles).sum().item()
        return {
            'bits_per_byte': round(plain / self.plain_bytes / math.log(2), 4),
            'middle_bits_per_byte': round(middle / self.middle_bytes / math.log(2), 4),
        }

    @torch.no_grad()
    def agreement(self, backbone: Model, draft: Model) -> dict[str, float]:
        """How often the draft's first choice is the backbone's, on real text."""

        def agree(ids: Tensor) -> Tensor:
            parts = [
                (self.logits(backbone, some).argmax(-1) == self.logits(draft, some).argmax(-1)).cpu()
                for some in ids.split(4)
            ]
            return torch.cat(parts).float()

        middles = self.middles.float()
        return {
            'agreement': round(agree(self.plain).mean().item(), 4),
            'middle_agreement': round(((agree(self.holes) * middles).sum() / middles.sum()).item(), 4),
        }

    def logits(self, model: Model, ids: Tensor) -> Tensor:
        """(rows, tokens, vocabulary) for (rows, tokens + 1) ids."""
        with self.machine.precision():
            return model(ids[:, :-1].to(self.machine.device)).float()
