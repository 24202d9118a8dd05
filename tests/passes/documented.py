"""A pass shows in its docstring what it does, in the printer's text; this runs what it shows.

    Before:
        input %x: float32[?, 4]
        %y: float32[?, 4] = Identity(%x)
        output %y
    After:
        input %x: float32[?, 4]
        output %x

There may be several such pairs.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable

import pytest

from tf2torch.ir.printer import parse, text
from tf2torch.ir.types import Graph
from tf2torch.ir.verify import check

_PAIR = re.compile(r"^Before[^\n]*:\n((?:    .*\n|\n)+)After:\n((?:    .*(?:\n|\Z)|\n)+)", re.MULTILINE)


def pairs(function: Callable[[Graph], Graph]) -> list[tuple[str, str]]:
    """What the docstring shows: (before, after). A line that ends in a backslash goes on in the next."""
    found = _PAIR.findall(inspect.getdoc(function) or "")
    return [(_joined(before), _joined(after)) for before, after in found]


def runs(*functions: Callable[[Graph], Graph]) -> pytest.MarkDecorator:
    """Parametrizes a test with `function`, `before`, `after`; every function must show at least one pair."""
    rows = []
    for function in functions:
        shown = pairs(function)
        assert shown, f"{function.__name__} does not show Before and After"
        rows += [pytest.param(function, *pair, id=f"{function.__name__}{i}") for i, pair in enumerate(shown)]
    return pytest.mark.parametrize(("function", "before", "after"), rows)


def assert_shows(function: Callable[[Graph], Graph], before: str, after: str) -> None:
    """Runs the pass on the graph `before` and compares the text of the result."""
    graph = parse(before)
    check(graph, "nothing")
    result = function(graph)
    check(result, function.__name__)
    assert text(result) == after


def _joined(block: str) -> str:
    return "\n".join(line.strip() for line in re.sub(r"\\\n\s*", "", block).splitlines() if line.strip())
