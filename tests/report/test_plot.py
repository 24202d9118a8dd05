"""Where the errors of the modules are drawn."""

from __future__ import annotations

import pytest

from tests.report import full_report
from tf2torch.report import plot


def row(path: str, error: float | None, tolerance: float | None = 1e-6, *, passed: bool | None = True) -> plot.Row:
    found = {"path": path, "class": "Unit", "passed": passed, "error": error}
    return found if tolerance is None else {**found, "tolerance": tolerance}


def test_one_above_the_other_from_left_to_right() -> None:
    drawn = plot.errors([row("a.b", 1e-8), row("a.c", 1e-7), row("d", 1e-5, passed=False)])
    assert drawn is not None
    xs, ys = [[getattr(point, axis) for point in drawn.points] for axis in "xy"]
    assert xs == sorted(xs)
    assert ys == sorted(ys, reverse=True)
    assert ys[0] - ys[1] == pytest.approx((ys[1] - ys[2]) / 2, abs=0.2)  # the scale is logarithmic
    assert [tick.exponent for tick in drawn.ticks] == [-8, -7, -6, -5]
    assert drawn.first_diverging == drawn.points[2]
    assert [band.label for band in drawn.bands] == ["a", "d"]
    assert (drawn.zero, drawn.unknown) == (None, None)


def test_errors_that_have_no_logarithm() -> None:
    drawn = plot.errors(
        [row("a", 0.0), row("b", None, passed=False), row("c", 1e-7), row("d", None, None, passed=None)]
    )
    assert drawn is not None
    zero, unknown, usual = drawn.points  # what was not compared is not drawn
    assert zero.y == drawn.zero
    assert unknown.y == drawn.unknown
    assert drawn.unknown < usual.y < drawn.zero
    assert unknown.title == "b (Unit): not a number, tolerance 1.0e-06"
    assert drawn.first_diverging == unknown


def test_a_flat_network_has_the_parts_that_its_name_scopes_are() -> None:
    scopes = (
        "net/net/conv_1/Conv2D",
        "net/net/conv_1/Relu",
        "net/block/unit_1/Conv2D",
        "net/Pad",
        "Squeeze",
        "Squeeze",
    )
    rows = [{**row(name.replace("/", "_"), 1e-7), "tensor": f"{name}:0"} for name in scopes]
    drawn = plot.errors(rows)
    assert drawn is not None
    assert [(band.label, round(band.width)) for band in drawn.bands] == [
        ("conv_1", 295),
        ("block", 148),
        ("net", 148),
        ("Squeeze", 295),
    ]


def test_nothing_to_draw() -> None:
    assert plot.errors([]) is None
    assert plot.errors([row("a", None, passed=None)]) is None
    only_zero = plot.errors([row("a", 0.0, None)])
    assert only_zero is not None
    assert only_zero.tolerance == ""


def test_the_tolerance_is_not_drawn_where_there_is_none() -> None:
    drawn = plot.errors([row("a", 1e-7), row("b", 1e-7, None), row("c", 1e-7), row("d", 1e-7)])
    assert drawn is not None
    assert drawn.tolerance.count("M") == 2
    assert drawn.tolerance.count("L") == 1


def test_everything_stays_on_the_paper() -> None:
    for result in (full_report.result(), full_report.failed()):
        drawn = plot.errors(result["loaded"]["converted_pytorch.safetensors"]["modules"]["rows"])
        assert drawn is not None
        assert all(0 < point.x < plot.WIDTH and 0 < point.y < plot.HEIGHT for point in drawn.points)
