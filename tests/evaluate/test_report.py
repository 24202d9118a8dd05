from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tf2torch.evaluate import report

PTH, KIT = "converted_pytorch.pth", "KitModel(converted_pytorch.npy)"


@pytest.fixture
def result(new_result: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    return new_result()


def change(result: dict[str, Any], name: str, compared: str, **row: Any) -> None:
    result["loaded"][name]["comparisons"][compared].update(row)


def verdict(result: dict[str, Any]) -> list[str]:
    line = report.verdict_line(result, 61.7, "output/net/report.md")
    assert "\n" not in line
    return line.split("  ")


def test_the_verdict_line(result: dict[str, Any]) -> None:
    assert verdict(result) == [
        "PASS net",
        "23.9 M parameters",
        "max rel diff 2.0e-07",
        "top-1 10/10",
        "62 s",
        "-> output/net/report.md",
    ]


def test_the_verdict_line_says_that_weights_are_random(result: dict[str, Any]) -> None:
    result["weights"] = "random, seed 0"
    assert verdict(result)[:2] == ["PASS net", "RANDOM WEIGHTS"]


def test_the_verdict_line_shows_the_worst_comparison(result: dict[str, Any]) -> None:
    """The one nearest to its own tolerance, not the one with the largest error."""
    change(result, PTH, "batch 1", error=9e-6, tolerance=1e-4)
    change(result, KIT, "batch 10", error=4e-6, tolerance=2e-6, same_top1=8, passed=False)
    result["verdict"] = "FAIL"
    assert verdict(result)[0] == "FAIL net"
    assert verdict(result)[2:4] == ["max rel diff 4.0e-06", "top-1 8/10"]


def test_no_number_is_worse_than_any(result: dict[str, Any]) -> None:
    change(result, PTH, "batch 1", error=1e9)
    change(result, KIT, "batch 1", error=None, passed=False)
    assert verdict(result)[2] == "max rel diff not a number"


def test_top_1_is_that_of_the_images_if_there_are_any(result: dict[str, Any]) -> None:
    for name, same in ((PTH, 100), (KIT, 99)):
        comparisons = result["loaded"][name]["comparisons"]
        comparisons["images"] = {**comparisons["batch 10"], "same_top1": same, "count": 100}
    assert report.top1(result) == (99, 100)


def test_top_1_of_a_wrong_shape(result: dict[str, Any]) -> None:
    wrong = {"passed": False, "error": None, "shape": [11], "wanted_shape": [10, 11], "tolerance": 1e-6}
    result["loaded"][PTH]["comparisons"]["batch 10"] = wrong
    assert report.top1(result) == (0, 10)
    result["loaded"][KIT]["comparisons"]["batch 10"] = wrong
    assert report.top1(result) == (0, 0)
    assert "top-1 0/0" in verdict(result)


def test_the_lines_for_a_terminal(result: dict[str, Any]) -> None:
    wrong = {"passed": False, "error": None, "shape": [11], "wanted_shape": [1, 11], "tolerance": 1e-6}
    result["loaded"][KIT]["comparisons"]["batch 1"] = wrong
    assert report.comparison_lines(result) == [
        f"  {PTH}            batch 1   max rel diff 2.0e-07 (tolerance 1.0e-06)  top-1 1/1  PASS",
        f"  {PTH}            batch 10  max rel diff 2.0e-07 (tolerance 1.0e-06)  top-1 10/10  PASS",
        f"  {KIT}  batch 1   shape [11], not [1, 11]  FAIL",
        f"  {KIT}  batch 10  max rel diff 2.0e-07 (tolerance 1.0e-06)  top-1 10/10  PASS",
    ]


# ---- report.md


def table(text: str) -> list[list[str]]:
    """The cells of every line of every table; each table has as many in every line."""
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]
    assert len({len(row) for row in rows if row[0] in (PTH, KIT, "loaded from")}) == 1
    return rows


def test_the_table(result: dict[str, Any]) -> None:
    change(result, KIT, "batch 10", error=2e-5, same_top1=7, passed=False)
    change(result, PTH, "batch 1", error=None, passed=False)
    assert table(report.markdown(result)) == [
        ["loaded from", "compared on", "relative error", "tolerance", "top-1 equal", "verdict"],
        ["---"] * 6,
        [PTH, "batch 1", "not a number", "1.0e-06", "1/1", "FAIL"],
        [PTH, "batch 10", "2.0e-07", "1.0e-06", "10/10", "PASS"],
        [KIT, "batch 1", "2.0e-07", "1.0e-06", "1/1", "PASS"],
        [KIT, "batch 10", "2.0e-05", "1.0e-06", "7/10", "FAIL"],
    ]


def test_a_wrong_shape_in_the_table(result: dict[str, Any]) -> None:
    wrong = {"passed": False, "error": None, "shape": [11], "wanted_shape": [1, 11], "tolerance": 1e-6}
    result["loaded"][PTH]["comparisons"]["batch 1"] = wrong
    assert table(report.markdown(result))[2] == [PTH, "batch 1", "shape [11], not [1, 11]", "", "", "FAIL"]


def test_accuracy_is_no_word_for_what_does_not_classify(result: dict[str, Any]) -> None:
    for entry in result["loaded"].values():
        del entry["comparisons"]["batch 10"]
    assert "accuracy" not in report.markdown(result)


def test_the_words_around_the_table(result: dict[str, Any]) -> None:
    text = report.markdown(result)
    assert text.startswith("# net: PASS\n\nTensorFlow 2.21.0 against PyTorch 2.13.0 on CPU, engine mmdnn.\n")
    assert text.endswith("accuracy was not measured.\n")
    assert "No images were given" in text
    assert "random" not in text


def with_accuracy(result: dict[str, Any], tensorflow: tuple[int, int], pytorch: tuple[int, int]) -> None:
    sides = {"tensorflow": tensorflow, "pytorch": pytorch}
    hits = {side: dict(zip(("top1", "top5"), counts, strict=True)) for side, counts in sides.items()}
    for entry in result["loaded"].values():
        entry["comparisons"]["images"] = dict(entry["comparisons"]["batch 10"])
        entry["accuracy"] = {"images": 10, **hits}


def test_accuracy(result: dict[str, Any]) -> None:
    with_accuracy(result, (7, 9), (6, 10))
    text = report.markdown(result)
    assert "Accuracy on 10 images:" in text
    assert table(text)[-2:] == [["TensorFlow", "7", "9"], ["PyTorch", "6", "10"]]


def test_accuracy_on_the_whole_validation_set_is_in_percent(result: dict[str, Any]) -> None:
    with_accuracy(result, (38_987, 46_950), (38_986, 46_951))
    for entry in result["loaded"].values():
        entry["accuracy"]["images"] = 50_000
    result["published_accuracy"] = {"top1": 78.0, "top5": 93.9}
    text = report.markdown(result)
    assert "| TensorFlow | 78.0 % | 93.9 % |\n| PyTorch | 78.0 % | 93.9 % |\n| published, ILSVRC-2012" in text


def test_published_accuracy_stands_beside_it_for_published_weights_only(result: dict[str, Any]) -> None:
    with_accuracy(result, (7, 9), (7, 9))
    result["published_accuracy"] = {"top1": 78.0, "top5": 93.9}
    assert table(report.markdown(result))[-1] == ["published, ILSVRC-2012 validation set", "78.0 %", "93.9 %"]
    result["published_accuracy"]["top5"] = None  # as the authors of MobileNet v3 do
    assert table(report.markdown(result))[-1] == ["published, ILSVRC-2012 validation set", "78.0 %", ""]
    result["weights"] = "random, seed 0"
    text = report.markdown(result)
    assert table(text)[-1] == ["PyTorch", "7", "9"]
    assert "**The weights are random (random, seed 0): nobody trained this network.**" in text
    assert text.endswith("these say nothing about the network, only that both sides agree.\n")


def test_accuracy_that_could_not_be_measured(result: dict[str, Any]) -> None:
    with_accuracy(result, (7, 9), (7, 9))
    for entry in result["loaded"].values():
        entry["accuracy"] = None
    text = report.markdown(result)
    assert "another shape, so accuracy was not measured" in text
    assert "No images were given" not in text
