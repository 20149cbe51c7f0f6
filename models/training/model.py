"""The backbone in PyTorch: Llama architecture with a tied embedding, and the static draft beside it.

Rotary positions turn neighbouring pairs (2i, 2i+1), which is llama.cpp's convention for this architecture, so that
weights are exported as they are. Runs on the PyTorch 1.13 of Debian 12 as well as on newer ones.
"""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sizes import Size

EPSILON = 1e-5
ROPE_BASE = 10_000.0
QUERY_BLOCK = 128
"""Queries attended at once where PyTorch has no fused attention: keys after the block are not computed at all."""


class Norm(nn.Module):
    """RMS normalisation (arXiv 1910.07467), computed in 32 bits."""

    def __init__(self, width: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        wide = x.float()
        scale = torch.rsqrt(wide.square().mean(-1, keepdim=True) + EPSILON)
        return (wide * scale * self.weight).to(x.dtype)


class Linear(nn.Linear):
    """A matrix without bias, to which a low-rank adapter (arXiv 2106.09685) may be attached."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__(inputs, outputs, bias=False)
        self.adapter: tuple[Tensor, Tensor, float] | None = None
        """A (rank, inputs), B (outputs, rank) and the scale alpha / rank."""

    def forward(self, x: Tensor) -> Tensor:
        y = F.linear(x, self.weight)
        if self.adapter is None:
            return y
        a, b, scale = self.adapter
        return y + F.linear(F.linear(x, a), b) * scale


class Block(nn.Module):
    """Attention with grouped key-value heads, then a gated feed-forward (SwiGLU)."""

    def __init__(self, size: Size):
        super().__init__()
        self.size = size
        key_value_width = size.key_value_heads * size.head_width
        self.attn_norm = Norm(size.width)
        self.attn_q = Linear(size.width, size.width)
        self.attn_k = Linear(size.width, key_value_width)
        self.attn_v = Linear(size.width, key_value_width)
        self.attn_output = Linear(size.width, size.width)
        self.ffn_norm = Norm(size.width)
        self.ffn_gate = Linear(size.width, size.feed_forward)
        self.ffn_up = Linear(size.width, size.feed_forward)
        self.ffn_down = Linear(size.feed_forward, size.width)
        for name, matrix in self.named_parameters():
            if matrix.dim() == 2:
                nn.init.normal_(matrix, std=0.5 / math.sqrt(matrix.shape[1]))
            if name in ('attn_output.weight', 'ffn_down.weight'):
                # A new block changes nothing, so that depth does not hurt the first steps.
                nn.init.zeros_(matrix)

    def forward(self, x: Tensor, turns: Tensor) -> Tensor:
        """x: (rows, tokens, width); turns: (tokens, head width / 2, 2), cosine and sine."""
        size, (rows, tokens, _) = self.size, x.shape
        h = self.attn_norm(x)

        def heads(y: Tensor, count: int) -> Tensor:
            return y.view(rows, tokens, count, size.head_width)

        q = rotate(heads(self.attn_q(h), size.heads), turns).transpose(1, 2)
        k = rotate(heads(self.attn_k(h), size.key_value_heads), turns).transpose(1, 2)
        v = heads(self.attn_v(h), size.key_value_heads).transpose(1, 2)
        mixed = attend(q, k, v).transpose(1, 2).reshape(rows, tokens, size.width)
        x = x + self.attn_output(mixed)
        h = self.ffn_norm(x)
        return x + self.ffn_down(F.silu(self.ffn_gate(h)) * self.ffn_up(h))


def turns_for(tokens: int, head_width: int) -> Tensor:
    """Rotary positions (arXiv 2104.09864): (2, tokens, 1, head width / 2, 2), cosines, then sines signed for a pair."""
    frequencies = ROPE_BASE ** (-torch.arange(0, head_width, 2).float() / head_width)
    angles = torch.outer(torch.arange(tokens).float(), frequencies)[:, None, :, None]
    cosine, sine = angles.cos(), angles.sin()
    return torch.stack((torch.cat((cosine, cosine), -1), torch.cat((-sine, sine), -1)))


def rotate(x: Tensor, turns: Tensor) -> Tensor:
    """x: (rows, tokens, heads, head width)."""
    cosine, sine = turns[:, : x.shape[1]]
    pairs = x.float().unflatten(-1, (-1, 2))
    return (pairs * cosine + pairs.flip(-1) * sine).flatten(-2).to(x.dtype)


def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Causal attention; q: (rows, heads, tokens, width), k and v: (rows, key-value heads, tokens, width)."""
    groups = q.shape[1] // k.shape[1]
    if hasattr(F, 'scaled_dot_product_attention'):
        k, v = (y.repeat_interleave(groups, 1) for y in (k, v))
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)
    rows, heads, tokens, width = q.shape
    dtype = q.dtype
    # NumPy knows no bfloat16.
    q, k, v = (y.float() for y in (q, k, v))
    # The queries of a group become rows of one product with the key head they share.
    q = q.reshape(rows, heads // groups, groups, tokens, width) / math.sqrt(width)
    mixed = []
    for start in range(0, tokens, QUERY_BLOCK):
        end = min(tokens, start + QUERY_BLOCK)
        mixed.append(BlockAttention.apply(q[:, :, :, start:end], k[:, :, :end], v[:, :, :end]))
    return torch.cat(mixed, 3).reshape(rows, heads, tokens, width).to(dtype)


class BlockAttention(torch.autograd.Function):
    """Causal attention of a block of queries to the keys up to its end, for CPUs.

    The products go through NumPy, which hands each matrix to BLAS, where Debian's PyTorch loops over elements.
    """

    @staticmethod
    def forward(context, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """q: (rows, key-value heads, groups, queries, width); k, v: (rows, key-value heads, keys, width)."""
        rows, heads, groups, queries, width = q.shape
        q = q.reshape(rows, heads, groups * queries, width)
        scores = matmul(q, k.transpose(-1, -2))
        later = torch.ones(queries, queries, dtype=torch.bool).triu(1)
        scores.unflatten(2, (groups, queries))[..., -queries:].masked_fill_(later, -math.inf)
        weights = scores.softmax(-1)
        context.queries = queries
        context.save_for_backward(q, k, v, weights)
        return matmul(weights, v).unflatten(2, (groups, queries))

    @staticmethod
    def backward(context, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        q, k, v, weights = context.saved_tensors
        gradient = gradient.flatten(2, 3)
        of_weights = matmul(gradient, v.transpose(-1, -2))
        of_scores = torch._softmax_backward_data(of_weights, weights, -1, weights.dtype)
        of_q = matmul(of_scores, k).unflatten(2, (-1, context.queries))
        of_k = matmul(of_scores.transpose(-1, -2), q)
        of_v = matmul(weights.transpose(-1, -2), gradient)
        return of_q, of_k, of_v


def matmul(a: Tensor, b: Tensor) -> Tensor:
    return torch.from_numpy(np.matmul(a.detach().numpy(), b.detach().numpy()))


class Model(nn.Module):
    """`layers` blocks between a tied embedding; the draft is one of these too, made of shared parts."""

    def __init__(self, size: Size, layers: int | None = None):
        super().__init__()
        self.size = size
        self.token_embd = nn.Embedding(size.vocabulary, size.width)
        nn.init.normal_(self.token_embd.weight, std=0.02)
        self.blk = nn.ModuleList([Block(size) for _ in range(size.layers if layers is None else layers)])
        self.output_norm = Norm(size.width)
        self.register_buffer('turns', turns_for(size.context, size.head_width), persistent=False)

    def hidden(self, ids: Tensor) -> Tensor:
        """ids: (rows, tokens) → (rows, tokens, width), not yet normalised."""
        x = self.token_embd(ids)
        for block in self.blk:
            x = block(x, self.turns)
        return x

    def head(self, hidden: Tensor) -> Tensor:
        """(…, width) → logits (…, vocabulary)."""
        return F.linear(self.output_norm(hidden), self.token_embd.weight)

    def forward(self, ids: Tensor) -> Tensor:
        """ids: (rows, tokens) → logits (rows, tokens, vocabulary)."""
        return self.head(self.hidden(ids))


def load(path: Path) -> Model:
    """A model whose `stored` was saved, on the CPU."""
    saved = torch.load(path, map_location='cpu')
    model = Model(Size(**saved['size']), saved['layers'])
    model.load_state_dict(saved['model'])
    return model


def stored(model: Model) -> dict:
    """What `load` reads."""
    weights = {name: weight.detach().cpu() for name, weight in model.state_dict().items()}
    return {'model': weights, 'size': asdict(model.size), 'layers': len(model.blk)}


def draft_of(backbone: Model) -> Model:
    """The static draft: the backbone's own embedding and first layers, a private block and a private norm.

    The shared parts are the same objects, not copies: freezing the backbone freezes them. The private block begins as
    the backbone's last block without effect, so that training starts from the shared layers' own guess.
    """
    size = backbone.size
    draft = Model(size, size.shared_layers + 1)
    draft.token_embd = backbone.token_embd
    for index in range(size.shared_layers):
        draft.blk[index] = backbone.blk[index]
    private = draft.blk[size.shared_layers]
    private.load_state_dict(backbone.blk[-1].state_dict())
    nn.init.zeros_(private.attn_output.weight)
    nn.init.zeros_(private.ffn_down.weight)
    draft.output_norm.load_state_dict(backbone.output_norm.state_dict())
    return draft
