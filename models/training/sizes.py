"""The sizes in which the recipe makes a family. Everything that differs between them is here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """A model's shape (Llama architecture, tied embedding) and how it is fed."""

    vocabulary: int
    width: int
    layers: int
    heads: int
    key_value_heads: int
    feed_forward: int
    context: int
    """Tokens of a training row, and the context that the family's manifest states."""
    shared_layers: int
    """First layers that the draft shares with the backbone; adapters leave them alone."""
    rows_per_step: int
    draft_rows: int
    """Rows of a step of the draft's: fewer, since its short training needs many steps more than smooth ones."""
    rows_per_pass: int
    """Rows evaluated at once; a step sums the gradients of several passes where memory is short."""
    snippet_share: float
    """Share of segments that open with snippets of other files of their package."""

    @property
    def head_width(self) -> int:
        return self.width // self.heads

    def layer_parameters(self) -> int:
        attention = 2 * self.width * self.width + 2 * self.width * self.head_width * self.key_value_heads
        return attention + 3 * self.width * self.feed_forward + 2 * self.width

    def parameters(self, layers: int | None = None) -> int:
        """Weights read for a token by a model of that many layers; the embedding is also the output head."""
        layers = self.layers if layers is None else layers
        return layers * self.layer_parameters() + self.vocabulary * self.width + self.width


SIZES = {
    # Deep and narrow, since the draft is two layers and the head, and has to cost a quarter.
    'cpu': Size(
        vocabulary=4096,
        width=256,
        layers=12,
        heads=4,
        key_value_heads=2,
        feed_forward=704,
        context=512,
        shared_layers=1,
        rows_per_step=6,
        draft_rows=4,
        rows_per_pass=6,
        snippet_share=0.1,
    ),
    'gpu': Size(
        vocabulary=8192,
        width=512,
        layers=14,
        heads=8,
        key_value_heads=4,
        feed_forward=1408,
        context=2048,
        shared_layers=1,
        rows_per_step=128,
        draft_rows=64,
        rows_per_pass=32,
        snippet_share=0.35,
    ),
    # For tests and smoke runs: every stage in seconds.
    'tiny': Size(
        vocabulary=1024,
        width=64,
        layers=4,
        heads=2,
        key_value_heads=1,
        feed_forward=128,
        context=128,
        shared_layers=1,
        rows_per_step=4,
        draft_rows=4,
        rows_per_pass=4,
        snippet_share=0.3,
    ),
}
