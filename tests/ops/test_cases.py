"""Every row of the table of cases against TensorFlow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.ops.case import Case
from tests.ops.cases import CASES
from tests.ops.compute import actual, expected, required
from tf2torch.ops import registry


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_what_tensorflow_computes(case: Case) -> None:
    if case.refuse is not None:
        with pytest.raises(registry.Refuse, match=case.refuse):
            actual(case)
        return
    wanted, found = expected(case), actual(case)
    assert len(found) == len(wanted)
    for index in case.outputs or range(len(wanted)):
        assert found[index].shape == wanted[index].shape
        assert found[index].dtype == wanted[index].dtype
        (_compare_samples if case.random else _compare)(found[index], wanted[index], case.tolerance)


def _compare(found: Any, wanted: Any, tolerance: float) -> None:
    magnitudes = np.abs(wanted.astype(np.float64))
    scale = max(1e-30, magnitudes.max(initial=0.0, where=np.isfinite(magnitudes)))
    np.testing.assert_allclose(found, wanted, rtol=0, atol=tolerance * scale)


def _compare_samples(found: Any, wanted: Any, tolerance: float) -> None:
    for level in (0.05, 0.25, 0.5, 0.75, 0.95):
        assert abs(np.quantile(found, level) - np.quantile(wanted, level)) <= tolerance * np.std(wanted)
    assert abs(np.mean(found) - np.mean(wanted)) <= tolerance * np.std(wanted)


def test_every_op_has_a_row_with_no_more_attributes_than_it_must_have() -> None:
    bare = {case.op for case in CASES if case.refuse is None and set(case.attrs) == required(case.op)}
    assert {op for op in registry.handlers() if op[0].isupper()} - bare == set()  # the others are ours
