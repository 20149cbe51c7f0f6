"""Muon (Keller Jordan, 2024) for the matrices inside the blocks, Adam for the embedding and the norms."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

MUON_RATE = 0.02
ADAM_RATE = 0.004
MOMENTUM = 0.95
WARM_UP_STEPS = 40


class Muon(torch.optim.Optimizer):
    """Momentum whose matrix is made orthogonal before it is applied, so that every direction learns at one pace."""

    def __init__(self, parameters: Iterable[nn.Parameter], lr: float = MUON_RATE):
        super().__init__(parameters, {'lr': lr})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        for group in self.param_groups:
            stacks: dict[tuple[int, int], list[tuple[nn.Parameter, Tensor]]] = {}
            for parameter in group['params']:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if 'momentum' not in state:
                    state['momentum'] = torch.zeros_like(parameter)
                state['momentum'].mul_(MOMENTUM).add_(parameter.grad)
                ahead = parameter.grad.add(state['momentum'], alpha=MOMENTUM)
                rows, columns = parameter.shape
                # Matrices of one shape, lying or standing, go through the iteration together.
                lying = ahead.t() if rows > columns else ahead
                stacks.setdefault(tuple(lying.shape), []).append((parameter, lying))
            for stack in stacks.values():
                for (parameter, _), update in zip(stack, orthogonal(torch.stack([g for _, g in stack]))):
                    rows, columns = parameter.shape
                    update = update.t() if rows > columns else update
                    parameter.add_(update.to(parameter.dtype), alpha=-group['lr'] * max(1, rows / columns) ** 0.5)


def orthogonal(matrices: Tensor, steps: int = 5) -> Tensor:
    """Newton-Schulz iteration to singular values near 1; matrices: (count, rows, columns), rows ≤ columns."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrices.bfloat16() if matrices.is_cuda else matrices
    x = x / (x.flatten(1).norm(dim=1)[:, None, None] + 1e-7)
    for _ in range(steps):
        square = x @ x.transpose(1, 2)
        x = a * x + (b * square + c * square @ square) @ x
    return x


class Optimizers:
    """Both, with one schedule: the factor multiplies each one's own rate."""

    def __init__(self, model: nn.Module):
        parameters = [p for p in model.parameters() if p.requires_grad]
        embeddings = {m.weight for m in model.modules() if isinstance(m, nn.Embedding)}
        matrices = [p for p in parameters if p.dim() == 2 and p not in embeddings]
        rest = [p for p in parameters if p.dim() != 2 or p in embeddings]
        self.muon = Muon(matrices)
        self.adam = torch.optim.Adam(rest, lr=ADAM_RATE, betas=(0.9, 0.95))
        self.steps = 0

    def step(self, factor: float) -> None:
        """Warm-up is counted here, since it is what empty momentum needs, wherever in its training the model is."""
        self.steps += 1
        factor *= min(1.0, self.steps / WARM_UP_STEPS)
        self.muon.param_groups[0]['lr'] = MUON_RATE * factor
        self.adam.param_groups[0]['lr'] = ADAM_RATE * factor
        for optimizer in (self.muon, self.adam):
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    def state_dict(self) -> dict:
        return {'muon': self.muon.state_dict(), 'adam': self.adam.state_dict(), 'steps': self.steps}

    def load_state_dict(self, state: dict | None) -> None:
        """Nothing is loaded from nothing: a model that has grown begins with empty momentum."""
        if state is None:
            return
        self.steps = state['steps']
        self.muon.load_state_dict(state['muon'])
        self.adam.load_state_dict(state['adam'])
