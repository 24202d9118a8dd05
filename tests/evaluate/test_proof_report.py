from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tf2torch.evaluate import proof_report, report

PTH, KIT = "converted_pytorch.pth", "KitModel(converted_pytorch.npy)"
STATISTICS = {"mean": 0.5, "std": 1.25, "min": -3.0, "max": None}


def module(path: str, error: float | None = 1e-7, call: int = 1, **more: Any) -> dict[str, Any]:
    row = {"path": path, "call": call, "class": "Conv2d", "ops": ["Conv2D"], "nodes": [f"net/{path}/Conv2D"]}
    row |= {"tensor": f"net/{path}/Conv2D:0", "passed": True, "error": error, "tolerance": 1e-6}
    return {**row, **more}


def gradient(**more: Any) -> dict[str, Any]:
    return {"passed": True, "cosine": 0.999999, "same_sign": 0.99, "relative_l2": 1e-3, **more}


@pytest.fixture
def entry(new_result: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """One way to load the model, with a proof that holds."""
    rows = [module(""), module("stem.conv"), module("stem.conv", 5e-7, call=2), module("b|c", None, passed=None)]
    entry: dict[str, Any] = new_result()["loaded"][PTH]
    entry["modules"] = {"passed": True, "compared": 3, "first_diverging": None, "stopped": None, "rows": rows}
    variables = {"passed": True, "compared": 7, "cosine": 0.9999, "failing": []}
    variables["worst"] = {"variable": "net/weights", **gradient(cosine=0.9999)}
    entry["gradients"] = {"passed": True, "inputs": [gradient()], "variables": variables}
    entry["trainable"] = {"passed": True, "trainable": 27_200_000, "tensorflow": 27_200_000, "baked": 0}
    entry["trainable"]["baked_variables"] = []
    entry["float64"] = {"passed": True, "tolerance": 1e-10, "errors": {"outputs": 1e-14, "input gradients": 2e-15}}
    return entry


@pytest.fixture
def failing(entry: dict[str, Any]) -> dict[str, Any]:
    """The same, with nothing that holds."""
    sides = {"ours": STATISTICS, "theirs": STATISTICS}
    first = module("stem", 0.3, call=2, passed=False, hint="bias", nodes=["net/c"], **sides)
    unreached = {**module("head", None, passed=False, problem="not reached"), "hint": "none"}
    del unreached["tolerance"], unreached["tensor"]
    entry["modules"].update(passed=False, first_diverging=first, stopped="sizes | differ")
    entry["modules"]["rows"][2:] = [first, unreached]
    wrong = {"variable": "net/biases", **gradient(passed=False, cosine=0.3)}
    missing = {"variable": "net/gamma", "passed": False, "cosine": None, "relative_l2": None, "problem": "no parameter"}
    entry["gradients"]["variables"].update(passed=False, worst=wrong, failing=[wrong, missing])
    entry["gradients"].update(passed=False, inputs=[gradient(passed=False, cosine=None, relative_l2=None)])
    entry["trainable"].update(passed=False, tensorflow=27_200_011, baked=11, baked_variables=["net/biases"])
    entry["float64"].update(passed=False, errors={"outputs": 1e-3, "gradient of net/biases": None})
    return entry


def cells(lines: list[str], first: str) -> list[str]:
    (line,) = [line for line in lines if line.startswith(f"| {first} |")]
    return [cell.strip() for cell in line.replace("\\|", "").split("|")[1:-1]]


def test_the_lines_of_a_proof_that_holds(entry: dict[str, Any]) -> None:
    assert proof_report.lines(entry) == [
        ("modules", "3/3 agree", True),
        ("gradients", "inputs cos 0.999999  variables cos 0.999900 (net/weights)", True),
        ("parameters", "27,200,000 trainable, TensorFlow 27,200,000", True),
        ("float64", "outputs 1.0e-14  input gradients 2.0e-15", True),
    ]


def test_the_lines_of_one_that_does_not(failing: dict[str, Any]) -> None:
    assert proof_report.lines(failing) == [
        ("modules", "2/3 agree", False),
        (
            "",
            "first diverging: stem, call 2 (Conv2D: net/c), relative error 3.0e-01 (tolerance 1.0e-06). Perhaps: bias",
            False,
        ),
        ("gradients", "inputs cos none  variables cos 0.300000 (net/biases)", False),
        ("parameters", "27,200,000 trainable, TensorFlow 27,200,011", False),
        ("float64", "outputs 1.0e-03  gradient of net/biases not a number", False),
    ]


def test_the_verdict_line(new_result: Callable[[], dict[str, Any]], entry: dict[str, Any]) -> None:
    result = new_result()
    result["loaded"] = {PTH: entry}
    assert report.verdict_line(result, 41.2, "output/net/report.md") == (
        "PASS net  27.2 M parameters, 0 baked  max rel diff 2.0e-07  grad cos 0.999999  top-1 10/10  41 s"
        "  -> output/net/report.md"
    )


def test_the_verdict_line_of_what_has_no_classes(new_result: Callable[[], dict[str, Any]]) -> None:
    result = new_result()
    for one in result["loaded"].values():
        for row in one["comparisons"].values():
            del row["same_top1"], row["count"]
    assert "top-1" not in report.verdict_line(result, 1, "x")
    assert "top-1 " not in report.comparison_lines(result)[0]
    assert report.markdown(result).count("| 1.0e-06 |  | PASS |") == 4


def test_a_network_that_stops(new_result: Callable[[], dict[str, Any]]) -> None:
    result = new_result()
    problem = {"passed": False, "error": None, "problem": "sizes | differ", "tolerance": 1e-6}
    result["loaded"][PTH]["comparisons"]["batch 1"] = problem
    assert "  sizes | differ  " in report.verdict_line(result, 1, "x")
    assert report.comparison_lines(result)[0].endswith("sizes | differ  FAIL")
    assert f"| {PTH} | batch 1 | sizes \\| differ | | | FAIL |" in report.markdown(result)


def test_the_sections(entry: dict[str, Any]) -> None:
    lines = proof_report.markdown("x", entry)
    assert [line for line in lines if line.startswith("## ")] == [
        "## Modules of x: 3 of 3 agree",
        "## Gradients of x: PASS",
        "## Parameters of x: PASS",
        "## Float64 of x: PASS",
    ]
    assert cells(lines, "stem.conv, call 2") == [
        *("stem.conv, call 2", "Conv2d", "net/stem.conv/Conv2D:0", "5.0e-07", "1.0e-06", "PASS")
    ]
    assert lines.index(next(line for line in lines if "call 2" in line)) < lines.index(
        next(line for line in lines if "the network itself" in line)
    )
    assert not any("b|c" in line for line in lines)  # it was not compared
    assert cells(lines, "net/weights (worst)")[1:] == ["0.999900", "99.00 %", "1.0e-03", "PASS"]
    assert cells(lines, "outputs")[1:] == ["1.0e-14", "1e-10"]


def test_the_sections_of_what_fails(failing: dict[str, Any]) -> None:
    lines = proof_report.markdown("x", failing)
    text = "\n".join(lines)
    assert "**The first that differs, in the order in which they run: stem, call 2 (Conv2D" in text
    assert "The network stopped: sizes | differ" in text
    assert cells(lines, "TensorFlow") == ["TensorFlow", "5.000e-01", "1.250e+00", "-3.000e+00", "not a number"]
    assert cells(lines, "head")[3:] == ["not reached", "", "FAIL"]
    assert cells(lines, "net/biases")[1:] == ["0.300000", "99.00 %", "1.0e-03", "FAIL"]
    assert cells(lines, "net/gamma")[1] == "no parameter"
    assert cells(lines, "input 1")[1:] == ["none", "99.00 %", "", "FAIL"]
    assert "Baked: net/biases." in text


@pytest.mark.parametrize("part", ["gradients", "float64"])
def test_a_part_that_could_not_be_computed(entry: dict[str, Any], part: str) -> None:
    entry[part] = {"passed": False, "problem": "out of shape", "inputs": [], "variables": None, "errors": {}}
    assert (part, "out of shape", False) in proof_report.lines(entry)
    assert "out of shape" in proof_report.markdown("x", entry)
    assert proof_report.cosine(entry) == ["grad cos none" if part == "gradients" else "grad cos 0.999999"]


def test_nothing_is_said_of_what_was_not_compared(new_result: Callable[[], dict[str, Any]]) -> None:
    entry = new_result()["loaded"][KIT]
    assert (proof_report.lines(entry), proof_report.markdown("x", entry), proof_report.cosine(entry)) == ([], [], [])
    assert proof_report.parameters(entry) == "23.9 M parameters"


def test_what_tensorflow_did_not_compute(new_result: Callable[..., dict[str, Any]]) -> None:
    text = report.markdown(new_result(notes=["float64: a loop"], tensorflow=None))
    assert "What is not compared or not judged:\n\n* float64: a loop\n" in text
    assert "\nTensorFlow against PyTorch 2.13.0" in text
