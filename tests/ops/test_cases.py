"""Every row of the table of cases against TensorFlow."""

from __future__ import annotations

import numpy as np
import pytest

from tests.ops.case import Case
from tests.ops.cases import CASES
from tests.ops.compute import actual, expected
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
        scale = max(1e-30, np.abs(wanted[index].astype(np.float64)).max(initial=0.0))
        np.testing.assert_allclose(found[index], wanted[index], rtol=0, atol=case.tolerance * scale)


def test_every_op_has_a_row_without_attributes() -> None:
    bare = {case.op for case in CASES if case.refuse is None and not case.attrs}
    assert {op for op in registry.handlers() if op[0].isupper()} - bare == set()  # the others are ours
