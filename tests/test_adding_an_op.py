"""docs/adding-an-op.md, followed to the letter."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorflow")
pytest.importorskip("torch")
from tests.ops.case import Case
from tests.ops.compute import actual, expected
from tf2torch.ops import registry

DOCUMENT = Path(__file__).parent.parent / "docs" / "adding-an-op.md"
FUNCTION, ROWS = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
FAMILY = "reduction"


@pytest.fixture
def cases(monkeypatch: pytest.MonkeyPatch) -> list[Case]:
    """The rows of the document, once its function is registered."""
    (name,) = re.findall(r'@lowers\("(\w+)"', FUNCTION)
    known = {op: handler for op, handler in registry.handlers().items() if op != name}
    monkeypatch.setattr(registry, "_handlers", known)
    exec(FUNCTION, dict(vars(importlib.import_module(f"tf2torch.ops.{FAMILY}"))))
    assert known[name].family == FAMILY
    rows: list[Case] = eval(f"[{ROWS}]", dict(vars(importlib.import_module(f"tests.ops.cases.{FAMILY}"))))
    return rows


def test_the_function_does_what_tensorflow_does(cases: list[Case]) -> None:
    (case,) = [case for case in cases if case.refuse is None]
    assert not case.attrs
    (wanted,), (found,) = expected(case), actual(case)
    np.testing.assert_allclose(found, wanted, rtol=case.tolerance, atol=case.tolerance * float(np.abs(wanted).max()))


def test_what_it_cannot_do_it_refuses(cases: list[Case]) -> None:
    (case,) = [case for case in cases if case.refuse is not None]
    with pytest.raises(registry.Refuse, match=case.refuse):
        actual(case)


def test_it_takes_six_lines() -> None:
    assert len(FUNCTION.strip().splitlines()) == 6


def test_the_words_for_the_layout_are_all_there() -> None:
    table: Any = re.findall(r"^\| `(\w+)", DOCUMENT.read_text(), re.MULTILINE)
    assert {"CHANNELS", "ELEMENTWISE", "axes"} == set(table)
    assert all(hasattr(registry, word) for word in table)
