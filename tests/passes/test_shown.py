"""What the passes show in their docstrings is what they do."""

from __future__ import annotations

from collections.abc import Callable

from tests.passes.documented import assert_shows, runs
from tf2torch.ir.types import Graph
from tf2torch.passes.identities import identities
from tf2torch.passes.layout import layout
from tf2torch.passes.lower import lower
from tf2torch.passes.permutes import permutes
from tf2torch.passes.statics import sizes, statics


@runs(statics, identities, layout, sizes, lower, permutes)
def test_before_and_after(function: Callable[[Graph], Graph], before: str, after: str) -> None:
    assert_shows(function, before, after)
