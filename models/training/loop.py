"""A training loop that lasts a given time, reports, and can be stopped at any moment and taken up again."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor

CHECKPOINT_SECONDS = 240


class Loop:
    """Yields step numbers until its minutes are over.

    `parts` have `state_dict` and `load_state_dict` and go into the checkpoint. With `endless`, the minutes are this
    run's; else they are those of all runs together, so that a schedule over them survives an interruption.
    """

    def __init__(
        self,
        checkpoint: Path,
        minutes: float,
        parts: dict[str, object],
        measure: Callable[[], dict[str, float]],
        tokens_per_step: int,
        endless: bool = False,
    ):
        self.checkpoint, self.parts, self.measure = checkpoint, parts, measure
        self.tokens_per_step = tokens_per_step
        self.budget = minutes * 60
        self.step, self.tokens, self.seconds, self.spent = 0, 0, 0.0, 0.0
        self.loss: Tensor | None = None
        if checkpoint.exists():
            self.resume(checkpoint)
            if endless:
                self.spent = 0.0

    def resume(self, checkpoint: Path) -> None:
        state = torch.load(checkpoint, map_location='cpu')
        for name, part in self.parts.items():
            part.load_state_dict(state[name])
        loop = state['loop']
        self.step, self.tokens, self.seconds, self.spent = (loop[key] for key in ('step', 'tokens', 'seconds', 'spent'))

    @property
    def left(self) -> float:
        """Share of the minutes still to come, 1 to 0."""
        return max(0.0, 1 - self.spent / self.budget)

    def __iter__(self) -> Iterator[int]:
        first, spent_before = self.step, self.spent
        started = last = saved = time.monotonic()
        stopped: list[int] = []
        # A polite end (SIGTERM, Ctrl+C) loses nothing; a kill loses what came after the last checkpoint.
        for signal_number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signal_number, lambda number, _: stopped.append(number))
        while self.spent < self.budget and not stopped:
            yield self.step
            self.step += 1
            self.tokens += self.tokens_per_step
            now = time.monotonic()
            self.seconds += now - last
            self.spent += now - last
            last = now
            if now - saved > CHECKPOINT_SECONDS:
                self.report((self.step - first) / (now - started))
                saved = last = time.monotonic()
        self.report((self.step - first) / max(1e-9, self.spent - spent_before))
        if stopped:
            raise SystemExit(128 + stopped[0])

    def note(self, loss: Tensor) -> None:
        """The step's loss, kept as a running mean on the device that computed it."""
        loss = loss.detach()
        self.loss = loss if self.loss is None else 0.95 * self.loss + 0.05 * loss

    def report(self, steps_per_second: float) -> None:
        measured = self.measure()
        entry = {
            'stage': self.checkpoint.stem,
            'seconds': round(self.seconds),
            'step': self.step,
            'tokens': self.tokens,
            'loss': round(float(self.loss or 0), 4),
            **measured,
        }
        with (self.checkpoint.parent / 'train.jsonl').open('a') as log:
            print(json.dumps(entry), file=log)
        values = ', '.join(f'{name.replace("_", " ")} {value:.4f}' for name, value in measured.items())
        print(
            f'step {self.step}, {entry["tokens"] / 1e6:.2f} M tokens, loss {entry["loss"]:.3f}, held out: {values}; '
            f'{steps_per_second * self.tokens_per_step:.0f} tokens/s, {self.left * self.budget / 60:.0f} min left',
            flush=True,
        )
        self.save()

    def save(self) -> None:
        loop = {'step': self.step, 'tokens': self.tokens, 'seconds': self.seconds, 'spent': self.spent}
        save(self.checkpoint, {'loop': loop, **{name: part.state_dict() for name, part in self.parts.items()}})


def save(path: Path, state: dict) -> None:
    """Whole or not at all: a run may be killed while it writes."""
    torch.save(state, path.with_suffix('.new'))
    path.with_suffix('.new').replace(path)
