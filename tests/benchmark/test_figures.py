"""Medians, spreads, targets, and how they are shown."""

from __future__ import annotations

import pytest

from tf2torch.benchmark import figures
from tf2torch.benchmark.figures import Figure


def test_a_median_with_its_spread() -> None:
    figure = figures.of("build", "s", [1.0, 5.0, 2.0, 4.0, 3.0])
    assert figure == Figure("build", 3.0, "s", (2.0, 4.0), 5)
    assert figure.row() == ("build", "3.00 s", "2.00 s .. 4.00 s", "5", "", "")


def test_one_run_has_no_spread() -> None:
    assert figures.of("build", "ms", [12.4]).row() == ("build", "12 ms", "", "1", "", "")


@pytest.mark.parametrize(("limit", "verdict"), [(2.0, "met"), (1.9, "MISSED")])
def test_a_target(limit: float, verdict: str) -> None:
    row = figures.of("peak", "MB", [2.0], limit, "of the weights").row()
    assert row[-2:] == (f"at most {limit:.0f} MB (of the weights)", verdict)


def test_table_and_document() -> None:
    rows = [figures.of("ratio", "x", [1.0, 1.5], 1.03), Figure("torch.compile", "1 graph")]
    assert figures.table(rows).splitlines() == [
        "what           median   half of the runs within  runs  target",
        "ratio          1.250 x  1.125 x .. 1.375 x       2     at most 1.030 x  MISSED",
        "torch.compile  1 graph                           1",
    ]
    document = figures.markdown("Benchmark of net", rows, ["On the CPU."])
    assert document.startswith("# Benchmark of net\n\n| what | median |")
    assert "\n| torch.compile | 1 graph |  | 1 |  |  |\n\n* On the CPU.\n" in document
