"""The sources of the recipes, kept under tests/snapshots: they are current, short, and clean."""

from __future__ import annotations

import ast
import gzip
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

pytest.importorskip("torch")
from tests.emit import snapshots
from tf2torch.passes.permutes import residual_permutes

MOST_LINES = {"inception_v3": 200, "inception_v1": 130, "resnet_v1_50": 110, "vgg_16": 70}
MOST_ARGUMENTS = 6
STALE = "stale: run `make snapshots`, and review the difference like code"


@pytest.mark.parametrize("name", snapshots.SOURCES)
def test_sources_are_current(name: str) -> None:
    assert snapshots.generated(name) == snapshots.source_file(name).read_text(), STALE


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:`layer.apply` is deprecated:UserWarning")  # by tf_slim
@pytest.mark.parametrize("name", snapshots.GRAPHS)
def test_graphs_are_current(name: str, need: Callable[..., None]) -> None:
    need("tensorflow", "tf_slim")
    from tests.emit.write_snapshots import export

    kept, now = snapshots.graph_file(name).read_bytes(), snapshots.packed(export(name))
    assert json.loads(gzip.decompress(kept)) == json.loads(gzip.decompress(now)), STALE


@pytest.mark.parametrize("name", MOST_LINES)
def test_sources_are_short(name: str) -> None:
    assert lines(name) <= MOST_LINES[name]


def test_depth_is_a_number() -> None:
    """A network of 152 layers reads like one of 50."""
    assert lines("resnet_v1_152") <= lines("resnet_v1_50") + 2


@pytest.mark.parametrize("name", snapshots.SOURCES)
def test_nothing_is_permuted(name: str) -> None:
    assert residual_permutes(snapshots.lowered(name)) == 0


@pytest.mark.parametrize("name", snapshots.SOURCES)
def test_classes_have_few_arguments(name: str) -> None:
    many = {}
    for found in classes(name):
        for item in found.body:
            if isinstance(item, ast.FunctionDef) and item.name == "__init__":
                arguments = [argument.arg for argument in [*item.args.args, *item.args.kwonlyargs]][1:]
                many.update({found.name: arguments} if len(arguments) > MOST_ARGUMENTS else {})
    assert many == {}


@pytest.mark.parametrize("name", snapshots.SOURCES)
def test_classes_are_called_after_their_roles(name: str) -> None:
    network = snapshots.outlined(name)
    called = [found.name for found in network.classes.values()]
    assert [one for one in called if re.search(r"\d$|^(Unit|Chain|Net|Block)[A-Z]?$|Module$", one)] == []


@pytest.mark.parametrize("name", snapshots.SOURCES)
def test_nothing_is_called_by_a_running_number(name: str) -> None:
    """mixed_5 and fc8 are the author's own; x_12 and channels_2 would be ours."""
    own = " ".join(node.name for node in snapshots.lowered(name).nodes).lower()
    numbered = {one for one in identifiers(name) if re.fullmatch(r"[a-z_]+_\d+", one)}
    assert {one for one in numbered if one not in own and not one.startswith("branch_")} == set()


def test_linted() -> None:
    """By ruff's own rules, and by those for imports, newer Python and likely bugs."""
    check = [sys.executable, "-m", "ruff", "check", "--isolated", "--line-length=120", "--no-cache"]
    files = [str(snapshots.source_file(name)) for name in snapshots.SOURCES]
    for rules in ([], ["--select=E,F,I,UP,B"]):
        done = subprocess.run([*check, *rules, *files], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_typed(tmp_path: Path, need: Callable[..., None]) -> None:
    need("mypy")
    files = [str(snapshots.source_file(name)) for name in snapshots.SOURCES]
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--config-file=",
        f"--cache-dir={snapshots.ROOT / '.mypy_cache/snapshots'}",
    ]
    done = subprocess.run([*command, *files], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def lines(name: str) -> int:
    """Of the network and how it is loaded: without `preprocess` and the `resize` that it needs."""
    source = snapshots.generated(name)
    carried = snapshots.preprocessing_of(name)
    assert carried in source
    return len(source.replace(f"{carried}\n\n\n", "").splitlines())


@pytest.mark.parametrize("name", MOST_LINES)
def test_preprocessing_is_short(name: str) -> None:
    assert len(snapshots.preprocessing_of(name).split("def preprocess(")[1].splitlines()) <= 12


@cache
def tree(name: str) -> ast.Module:
    return ast.parse(snapshots.source_file(name).read_text())


def classes(name: str) -> Iterator[ast.ClassDef]:
    return (node for node in ast.walk(tree(name)) if isinstance(node, ast.ClassDef))


def identifiers(name: str) -> set[str]:
    """Every name, attribute, argument and class in a source."""
    found = set()
    for node in ast.walk(tree(name)):
        for field in ("id", "attr", "arg", "name"):
            if isinstance(one := getattr(node, field, None), str):
                found.add(one)
    return found
