from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tf2torch import closure
from tf2torch.job import ENGINES

ROOT = Path(closure.__file__).parent
Run = Callable[..., subprocess.CompletedProcess[str]]

PACKAGE = {
    "__init__": "",
    "top": "import tf2torch.direct\nfrom tf2torch.sub import module",
    "direct": "def later():\n    from tf2torch import indirect",
    "indirect": "from tf2torch.direct import later  # round again",
    "sub/__init__": "",
    "sub/module": "import os, numpy.linalg\nfrom tf2torch.sub.names import constant",
    "sub/names": "constant = 1",
    "sub/other": "import tf2torch.top",
    "unrelated": "",
    "typed": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from tf2torch import unrelated",
    "by_name/__init__": "import importlib\ndef load(name):\n    importlib.import_module(f'{__name__}.{name}')",
    "by_name/one": "",
    "finder": "import pkgutil, tf2torch.sub\nfound = pkgutil.iter_modules(tf2torch.sub.__path__)",
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package of this name in a temporary folder, which closure takes for ours."""
    root = tmp_path / "tf2torch"
    for name, text in PACKAGE.items():
        path = root / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(closure, "_ROOT", root)
    closure._imports.cache_clear()
    yield root
    closure._imports.cache_clear()


def test_imports_are_followed(package: Path) -> None:
    expected = {"", ".top", ".direct", ".indirect", ".sub", ".sub.module", ".sub.names"}
    assert package.is_dir()
    assert closure.modules("tf2torch.top") == {f"tf2torch{name}" for name in expected}
    assert closure.modules("tf2torch.sub.names") == {"tf2torch.sub.names"}


def test_a_package_whose_modules_are_looked_for_is_imported_whole(package: Path) -> None:
    assert package.is_dir()
    assert {"tf2torch.sub.module", "tf2torch.sub.other"} <= closure.modules("tf2torch.finder")


def test_a_package_that_imports_its_modules_by_name_is_imported_whole(package: Path) -> None:
    assert package.is_dir()
    assert "tf2torch.by_name.one" in closure.modules("tf2torch.by_name")


def test_what_is_imported_for_types_alone_does_not_matter(package: Path) -> None:
    assert package.is_dir()
    assert closure.modules("tf2torch.typed") == {"tf2torch.typed"}


@pytest.mark.parametrize(
    ("changed", "matters"),
    [
        ("top", True),
        ("direct", True),
        ("indirect", True),
        ("sub/module", True),
        ("sub/names", True),
        ("sub/__init__", True),
        ("sub/other", False),
        ("unrelated", False),
    ],
)
def test_the_hash_follows_the_sources(package: Path, changed: str, matters: bool) -> None:
    before = closure.source_hash("tf2torch.top")
    assert closure.source_hash("tf2torch.top") == before
    with (package / f"{changed}.py").open("a") as file:
        file.write("\n# changed")
    assert (closure.source_hash("tf2torch.top") != before) == matters


def test_a_new_import_is_part_of_it(package: Path) -> None:
    before = closure.source_hash("tf2torch.sub.names")
    (package / "sub" / "names.py").write_text("from tf2torch import unrelated")
    closure._imports.cache_clear()
    assert "tf2torch.unrelated" in closure.modules("tf2torch.sub.names")
    assert closure.source_hash("tf2torch.sub.names") != before


def test_the_hash_does_not_depend_on_where_the_package_is(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = closure.source_hash("tf2torch.top")
    monkeypatch.setattr(closure, "_ROOT", package.rename(package.parent / "elsewhere"))
    closure._imports.cache_clear()
    assert closure.source_hash("tf2torch.top") == before


# ---- what is true of our own modules

SOURCES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py"))
SIDES = {"export": "torch", "codegen": "tensorflow", "build": "tensorflow", "evaluate": "tensorflow"}


def imported_at_the_top(module: str) -> set[str]:
    """The packages that importing a module imports: what stands in functions or under TYPE_CHECKING is not run."""
    found: set[str] = set()
    pending: list[ast.AST] = [ast.parse(closure._file(module).read_text(encoding="utf-8"))]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            found.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            pending.extend(node.orelse)
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            pending.extend(ast.iter_child_nodes(node))
    return found


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("stage", "framework"), SIDES.items())
def test_no_stage_imports_the_other_sides_framework(engine: str, stage: str, framework: str) -> None:
    modules = closure.modules(f"tf2torch.engines.{engine}.{stage}")
    assert len(modules) > 5
    assert {module for module in modules if framework in imported_at_the_top(module)} == set()


def test_each_side_does_import_its_own() -> None:
    modules = closure.modules("tf2torch.engines.mmdnn.export") | closure.modules("tf2torch.engines.mmdnn.evaluate")
    assert {module for module in modules if "tensorflow" in imported_at_the_top(module)} == {
        "tf2torch.export.tensorflow"
    }
    assert "tf2torch.evaluate.evaluation" in {module for module in modules if "torch" in imported_at_the_top(module)}


@pytest.mark.parametrize("source", SOURCES)
def test_no_import_is_relative(source: str) -> None:
    """Closures would not see it."""
    for node in ast.walk(ast.parse((ROOT / source).read_text(encoding="utf-8"))):
        assert not isinstance(node, ast.ImportFrom) or node.level == 0


@pytest.mark.parametrize("engine", ENGINES)
def test_exporting_needs_no_torch(need: Callable[..., None], python: Run, tmp_path: Path, engine: str) -> None:
    need("tensorflow", "tf_slim", "mmdnn")
    code = f"import tf2torch.engines.{engine}.export\nassert 'tensorflow' in sys.modules"
    python(code, hide=("torch", *([] if engine == "mmdnn" else ["mmdnn"])), cwd=tmp_path)


def test_inspecting_needs_no_torch(need: Callable[..., None], python: Run, tmp_path: Path) -> None:
    """It looks at every operation's handler, which speak of torch without importing it."""
    need("tensorflow", "tf_slim")
    code = "import tf2torch.export.inspection\nfrom tf2torch.ops import registry\nassert registry.handlers()"
    python(code, hide=("torch", "mmdnn"), cwd=tmp_path)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_other_stages_need_no_tensorflow(
    need: Callable[..., None], python: Run, tmp_path: Path, engine: str
) -> None:
    need("torch", "mmdnn")
    code = f"from tf2torch.engines.{engine} import codegen, build, evaluate\nassert 'torch' in sys.modules"
    hidden = ("tensorflow", "keras", "tf_keras", "tf_slim", "requests", *([] if engine == "mmdnn" else ["mmdnn"]))
    python(code, hide=hidden, cwd=tmp_path)


@pytest.mark.parametrize(
    "command",
    [
        *(["list"], ["list", "--json"], ["info"], ["info", "--json"], ["plan"], ["zoo-table"], ["ops"]),
        *(["fleet-plan", "--weights", "random"], ["fleet-summary", "inception_v3=-"]),
    ],
)
def test_what_only_looks_needs_nothing_but_python(command: list[str], tmp_path: Path) -> None:
    """Without site-packages (-S) there is the standard library alone."""
    done = subprocess.run(
        [sys.executable, "-S", "-W", "error", "-m", "tf2torch.cli", *command],
        cwd=ROOT.parents[1],
        env={"PYTHONPATH": str(ROOT.parent), "WORK_FOLDER": str(tmp_path), "OUTPUT_FOLDER": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "inception_v3" in done.stdout or command in (["plan"], ["ops"])


def test_without_site_packages_there_is_no_numpy() -> None:
    done = subprocess.run([sys.executable, "-S", "-c", "import numpy"], capture_output=True, text=True, check=False)
    assert "ModuleNotFoundError" in done.stderr
