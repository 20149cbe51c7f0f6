"""Tests of the model in PyTorch: `/usr/bin/python3 -m unittest discover models/training`."""

from __future__ import annotations

import math
import tempfile
import unittest
from pathlib import Path

import torch

from adapters import Adapter
from draft import divergence
from loop import save
from model import Model, attend, draft_of, load, rotate, stored, turns_for
from optimizer import Optimizers, orthogonal
from sizes import SIZES
from train import grow, loss_of

TINY = SIZES['tiny']


def plain_attention(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    groups, tokens = q.shape[1] // k.shape[1], q.shape[2]
    k, v = (y.repeat_interleave(groups, 1) for y in (k, v))
    scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
    return (scores + torch.full((tokens, tokens), -math.inf).triu(1)).softmax(-1) @ v


class Parts(unittest.TestCase):
    def setUp(self) -> None:
        torch.manual_seed(0)

    def test_attention_and_its_gradient_are_those_of_the_formula(self) -> None:
        for tokens in (1, 100, 300):
            given = [torch.randn(2, heads, tokens, 16, requires_grad=True) for heads in (4, 2, 2)]
            direction = torch.randn(2, 4, tokens, 16)
            results = []
            for attention in (attend, plain_attention):
                mixed = attention(*given)
                results.append([mixed, *torch.autograd.grad(mixed, given, direction)])
            for ours, expected in zip(*results):
                torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-5)

    def test_attention_in_bfloat16_is_near_that_of_the_formula(self) -> None:
        given = [torch.randn(2, heads, 100, 16) for heads in (4, 2, 2)]
        halves = [x.bfloat16().requires_grad_() for x in given]
        mixed = attend(*halves)
        self.assertEqual(mixed.dtype, torch.bfloat16)
        torch.testing.assert_close(mixed.float(), plain_attention(*given), rtol=0, atol=0.05)
        for gradient in torch.autograd.grad(mixed.float().sum(), halves):
            self.assertEqual(gradient.dtype, torch.bfloat16)

    def test_rotation_turns_neighbouring_pairs_by_the_position(self) -> None:
        x = torch.tensor([1.0, 0.0, 0.0, 1.0]).view(1, 1, 1, 4).expand(1, 3, 1, 4)
        turned = rotate(x, turns_for(3, 4))[0, 2, 0]
        slow = 2 * 10_000**-0.5
        expected = [math.cos(2), math.sin(2), -math.sin(slow), math.cos(slow)]
        torch.testing.assert_close(turned, torch.tensor(expected))

    def test_orthogonal_brings_singular_values_near_one(self) -> None:
        values = torch.linalg.svdvals(orthogonal(torch.randn(3, 16, 48)))
        self.assertLess(values.max(), 1.3)
        self.assertGreater(values.min(), 0.6)

    def test_a_few_steps_learn_a_repeated_row(self) -> None:
        model = Model(TINY)
        optimizers = Optimizers(model)
        ids = torch.randint(9, TINY.vocabulary, (2, 33))
        first = loss_of(model, ids).item()
        for _ in range(60):
            loss_of(model, ids).backward()
            optimizers.step(1.0)
        self.assertLess(loss_of(model, ids).item(), first / 4)

    def test_the_divergence_of_equal_models_is_zero(self) -> None:
        logits = torch.randn(2, 5, 11)
        self.assertAlmostEqual(divergence(logits, logits + 3).item(), 0, places=5)
        self.assertGreater(divergence(logits, torch.randn(2, 5, 11)).item(), 0.1)


class Families(unittest.TestCase):
    def setUp(self) -> None:
        torch.manual_seed(0)
        self.model = Model(TINY)
        for block in self.model.blk:
            torch.nn.init.normal_(block.attn_output.weight, std=0.1)
            torch.nn.init.normal_(block.ffn_down.weight, std=0.1)
        self.ids = torch.randint(9, TINY.vocabulary, (2, 40))

    def test_a_draft_shares_what_is_frozen_and_begins_as_the_shared_layers(self) -> None:
        draft = draft_of(self.model)
        self.assertEqual(len(draft.blk), TINY.shared_layers + 1)
        self.assertIs(draft.token_embd, self.model.token_embd)
        self.assertIs(draft.blk[0], self.model.blk[0])
        shared = self.model.blk[0](self.model.token_embd(self.ids), self.model.turns)
        torch.testing.assert_close(draft(self.ids), draft.head(shared))

    def test_an_adapter_begins_without_effect_and_leaves_the_shared_layers_alone(self) -> None:
        before = self.model(self.ids)
        adapter = Adapter(self.model)
        adapter.attach()
        torch.testing.assert_close(self.model(self.ids), before)
        for values in adapter.b.values():
            torch.nn.init.normal_(values)
        self.assertGreater((self.model(self.ids) - before).abs().max(), 0.1)
        adapter.attach(False)
        torch.testing.assert_close(self.model(self.ids), before)
        names = adapter.tensors()
        self.assertIn('blk.1.attn_q.weight.lora_a', names)
        self.assertFalse([name for name in names if name.startswith('blk.0.')])
        self.assertEqual(len(names), 7 * 2 * (TINY.layers - TINY.shared_layers))

    def test_growing_repeats_the_blocks_and_forgets_the_momentum(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / 'steady.pt'
            small = Model(TINY, 2)
            save(path, {'model': small.state_dict(), 'optimizers': {}, 'loop': {}})
            grow(path, 4)
            state = torch.load(path)
            self.assertIsNone(state['optimizers'])
            grown = Model(TINY)
            grown.load_state_dict(state['model'])
            for layer, block in enumerate(grown.blk):
                torch.testing.assert_close(block.state_dict(), small.blk[layer % 2].state_dict())

    def test_what_is_stored_is_loaded(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / 'backbone.pt'
            save(path, stored(self.model))
            torch.testing.assert_close(load(path)(self.ids), self.model(self.ids))


if __name__ == '__main__':
    unittest.main()
