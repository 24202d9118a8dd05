"""The schema of report.json; the tests of the evaluation hold every report to it that they make."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from tests.conftest import result as plain_report
from tests.report import full_report, valid_report


@pytest.mark.parametrize("result", [full_report.result(), full_report.failed(), plain_report()])
def test_reports(result: dict[str, Any]) -> None:
    valid_report.check(result)


@pytest.mark.parametrize(
    "changes",
    [
        {"schema": 1},
        {"verdict": "maybe"},
        {"loaded": {}},
        {"engine": None},
        {"weights": "some"},
        {"timing": {"rows": [{"way": "eager"}]}},
        {"attacks": {"passed": True, "rows": [{"attack": "FGSM"}]}},
        {"examples": [{**full_report.example(0), "thumbnail": "https://example.org/picture.jpg"}]},
        {"network": {"name": "", "parts": [{}]}},
    ],
)
def test_what_is_no_report(changes: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        valid_report.check(full_report.result(**changes))
