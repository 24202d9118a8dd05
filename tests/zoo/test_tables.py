"""The tables of the zoo, from the files that conversions leave; and that what is tracked of the zoo is of this zoo."""

from __future__ import annotations

import argparse
from math import prod
from pathlib import Path
from typing import Any

import pytest

from tf2torch import files, fleet, recipe
from tf2torch.errors import UsageError
from tf2torch.zoo import marked, overview, sizes, table

ROOT = Path(__file__).parents[2]
MODELS = ROOT / "models"
LISTS = ROOT / "tests" / "data" / "variables"
RECIPE = 'network = "{}"\nclasses = 10\ninput_size = 8\npreprocessing = "none"\noutput = "x"\n'
ROW = {"error": 2e-6, "tolerance": 1e-5}
COUNTED = {**ROW, "same_top1": 9, "count": 10}
PASS = {"verdict": "PASS", "batch 1": "2.0e-06 / 1.0e-05", "float64": "3.0e-15"}
WRONG = {"verdict": "FAIL", "batch 1": "2.0e-01 / 1.0e-05"}
REFUSED = {
    "verdict": "fails",
    "remarks": "build, exit code 4: MMdnn cannot convert this network: mmtomodel failed at a/b with KeyError: 'c\\|d'",
}


def report(**comparisons: Any) -> dict[str, Any]:
    named = {name.replace("_", " "): row for name, row in comparisons.items()}
    entry = {"comparisons": named, "trainable": {"tensorflow": 61_700}, "parameters": 7}
    return {"loaded": {"x.pth": {**entry, "float64": {"errors": {"outputs": 1e-15, "gradients": 3e-15}}}}}


def leave(folder: Path, result: Any = None, **status: Any) -> None:
    """What a conversion leaves."""
    about = {"verdict": "PASS", "exit_code": 0, "weights": "random, seed 0", "stage": "evaluate", "error": None}
    files.write_json(folder / "status.json", {**about, **status})
    files.write_json(folder / "report.json", result or report(batch_1=ROW, batch_10=COUNTED))
    files.write_text(folder / "converted_pytorch.py", "x = 1\ndef preprocess(image):\n    return image\ny = 2\n")


@pytest.mark.parametrize(
    ("result", "column", "cell"),
    [
        (report(batch_1=ROW, batch_10=COUNTED), "batch 1", "2.0e-06 / 1.0e-05"),
        (report(batch_1=ROW, batch_10=COUNTED), "top-1", "9/10"),
        (report(batch_1=ROW, batch_10=ROW), "top-1", ""),  # no classifier
        (report(batch_1={**ROW, "error": None}), "batch 1", "not a number"),
        (report(batch_1={"shape": [1, 2]}), "batch 1", "shape [1, 2]"),
        (report(batch_1={"error": None, "problem": "It | broke. Badly."}), "batch 1", "It \\| broke"),
        (report(images=COUNTED), "photographs", "2.0e-06 / 1.0e-05"),
        (report(images=COUNTED), "float64", "3.0e-15"),
        (report(images=COUNTED), "parameters", "61.7 k"),
        (report(images=COUNTED), "source lines", "2"),
    ],
)
def test_the_figures_of_a_conversion(tmp_path: Path, result: Any, column: str, cell: str) -> None:
    leave(tmp_path, result)
    assert table.cells(tmp_path)[column] == cell


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        ({}, "PASS"),
        ({"verdict": None, "exit_code": 4, "error": "Too odd."}, "fails"),
        ({"weights": "pretrained"}, "before"),
        ({"verdict": None, "exit_code": 130}, "before"),
        (None, "before"),
    ],
)
def test_what_was_not_measured_this_time_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: dict[str, Any] | None, verdict: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        files.write_text(tmp_path / "models" / f"{name}.toml", RECIPE.format(name))
    rows = {"a": {"verdict": "before"}, "gone": {"verdict": "before"}}
    for engine, document in table.DOCUMENTS.items():
        files.write_text(document, f"Above.\n{marked.BEGIN}\n{table.text(engine, rows)}\n{marked.END}\nBelow.\n")
    files.write_text(overview.DOCUMENT, f"{marked.BEGIN}\n{marked.END}\n")
    if status is not None:
        leave(tmp_path / "output" / "a", **status)
    options = argparse.Namespace(models_folder="models", output_folder="output", engine="native", write=True)
    assert table.show(options) == 0
    found = marked.parse(marked.inside(table.DOCUMENTS["native"]))
    assert {name: cells["verdict"] for name, cells in found.items()} == {"a": verdict, "b": "not measured"}
    assert table.DOCUMENTS["native"].read_text().startswith("Above.\n")
    assert table.DOCUMENTS["native"].read_text().endswith("Below.\n")
    assert f"| a |  | {verdict} |" in overview.DOCUMENT.read_text()


def test_a_table_is_read_as_it_was_written() -> None:
    rows = {"a": PASS, "b": REFUSED, "c": {"verdict": "not measured"}}
    for engine in table.COLUMNS:
        kept = {
            name: {head: cell for head, cell in row.items() if head in table.COLUMNS[engine]}
            for name, row in rows.items()
        }
        assert marked.parse(table.text(engine, rows)) == kept


def test_sizes_of_which_the_same_is_to_be_said_share_a_line(tmp_path: Path) -> None:
    networks = {"net_1": "net", "net_2": "net", "net_3": "net", "odd": "odd", "pair_1": "pair", "pair_2": "pair"}
    for name, network in networks.items():
        files.write_text(tmp_path / f"{name}.toml", RECIPE.format(network))
    files.write_text(tmp_path / sizes.FILE, sizes.text({f"net_{n}": sizes.Size(n * 1_000_000, 1) for n in (1, 2, 3)}))
    native = {**dict.fromkeys(networks, PASS), "net_2": {**PASS, "float64": "1.0e-14"}}
    mmdnn = {**dict.fromkeys(networks, PASS), "odd": REFUSED, "pair_2": WRONG}
    lines = overview.text(tmp_path, {"native": native, "mmdnn": mmdnn}).splitlines()[2:]
    assert lines == [
        "| net_* (3) | 1 M to 3 M | PASS | 1.0e-14 | PASS |",
        "| odd |  | PASS | 3.0e-15 | fails: mmtomodel: KeyError: 'c\\|d' |",
        "| pair_1 |  | PASS | 3.0e-15 | PASS |",
        "| pair_2 |  | PASS | 3.0e-15 | wrong at batch 1: 2.0e-01 |",
    ]
    mmdnn["net_3"] = WRONG
    assert len(overview.text(tmp_path, {"native": native, "mmdnn": mmdnn}).splitlines()) == 2 + 6


@pytest.mark.parametrize(
    ("wanted", "weights", "found"),
    [
        ("", "random", ["a_1", "a_2", "b"]),
        ("", "pretrained", ["a_1", "b"]),
        ("a_2", "pretrained", ["a_2"]),
        ("b, a_*", "random", ["a_1", "a_2", "b"]),
    ],
)
def test_which_models_are_meant(tmp_path: Path, wanted: str, weights: str, found: list[str]) -> None:
    for name in ("a_1", "a_2", "b"):
        files.write_text(tmp_path / f"{name}.toml", RECIPE.format("net"))
    files.write_text(tmp_path / "of_a_graph_of_its_own.toml", RECIPE.format(""))
    with (tmp_path / "b.toml").open("a") as file:
        file.write('[weights]\nurl = "https://example.org"\nfile = "x"\n')
    files.write_text(tmp_path / "a_1.ckpt", "x")
    assert fleet.chosen(tmp_path, wanted, weights) == found


def test_what_no_model_is_called(tmp_path: Path) -> None:
    files.write_text(tmp_path / "vgg_16.toml", RECIPE.format("net"))
    with pytest.raises(UsageError, match=r"'vgg16'\. Did you mean vgg_16\?"):
        fleet.chosen(tmp_path, "vgg16", "random")


@pytest.mark.parametrize(("codes", "code"), [([0, 0], 0), ([0, 5, 137], 5), ([3, None, 4], 4), ([None], 0), ([], 0)])
def test_the_exit_code_of_the_whole(codes: list[int | None], code: int) -> None:
    assert fleet.exit_code([fleet.Ended("x", each, 1) for each in codes]) == code


def test_every_recipe_has_been_counted() -> None:
    assert sorted(sizes.read(MODELS)) == recipe.names(MODELS), "stale: run `make sizes`"


@pytest.mark.parametrize("name", [path.stem for path in sorted(LISTS.glob("*.txt"))])
def test_the_parameters_are_those_of_the_lists(name: str) -> None:
    """Beside what the output needs a list holds statistics, and what only training uses."""
    unused = ("moving_mean", "moving_variance", "global_step", "AuxLogits", "aux_", "Aux")
    lines = [line.split("\t") for line in (LISTS / f"{name}.txt").read_text().splitlines()]
    shapes = [shape for variable, shape in lines if not any(word in variable for word in unused)]
    assert sizes.read(MODELS)[name].parameters == sum(prod(map(int, shape.split("x"))) for shape in shapes)
