"""Writes docs/ops.md. Run as python -m tests.ops.write_table."""

from __future__ import annotations

from pathlib import Path

from tests.ops.case import Case
from tests.ops.cases import CASES
from tests.ops.compute import prepare, required
from tf2torch.ops import registry
from tf2torch.ops.table import Example, markdown

PATH = Path(__file__).parents[2] / "docs" / "ops.md"


def table() -> str:
    """What docs/ops.md has to say."""
    examples: dict[str, list[Example]] = {}
    for case in sorted(CASES, key=lambda case: set(case.attrs) != required(case.op)):  # defaults come first
        examples.setdefault(case.op, []).append(_example(case))
    return markdown(examples)


def _example(case: Case) -> Example:
    node, _ = prepare(case)
    try:
        return Example(registry.lower(node))
    except registry.Refuse as reason:
        return Example(refusal=str(reason))


if __name__ == "__main__":
    PATH.write_text(table())
