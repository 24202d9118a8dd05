"""The mechanism that runs docstrings."""

from __future__ import annotations

import pytest

from tests.passes.documented import assert_shows, pairs
from tf2torch.ir.types import Graph


def nothing(graph: Graph) -> Graph:
    """Leaves the graph alone.

    Before:
        input %x: float32[?, 4]
        %a/y: float32[?, 4] = Relu(%x, \\
                                   note=(1,))
        output %a/y
    After:
        input %x: float32[?, 4]
        %a/y: float32[?, 4] = Relu(%x, note=(1,))
        output %a/y
    """
    return graph


def test_what_a_docstring_shows_is_run() -> None:
    ((before, after),) = pairs(nothing)
    assert_shows(nothing, before, after)
    with pytest.raises(AssertionError):
        assert_shows(nothing, before, after + "\n")
