"""The walk of docs/architecture.md: the passes make of its first graph what it says they do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tf2torch import passes
from tf2torch.ir import printer

DOCUMENT = Path(__file__).parent.parent / "docs" / "architecture.md"
BLOCKS = dict(re.findall(r"```text (\w+)\n(.*?)```", DOCUMENT.read_text(), re.DOTALL))


def words(line: str) -> list[str]:
    """A line without the order of its attributes, which means nothing."""
    head, _, arguments = line.partition(" = ")
    return [head, *sorted(re.split(r"[(), ]+", arguments))]


@pytest.mark.parametrize("name", [name for name in BLOCKS if name != "export"])
def test_a_graph_after_a_pass(name: str) -> None:
    graph = printer.parse(BLOCKS["export"])
    names = [a_pass.__name__ for a_pass in passes.PIPELINE]
    for a_pass in passes.PIPELINE[: names.index(name) + 1]:
        graph = a_pass(graph)
    assert [words(line) for line in printer.text(graph).splitlines()] == [
        words(line) for line in BLOCKS[name].strip().splitlines()
    ]


def test_it_walks_all_the_way() -> None:
    assert list(BLOCKS) == ["export", "layout", "permutes"]
