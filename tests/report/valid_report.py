"""Whether a report.json is what its schema says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema

SCHEMA = Path(__file__).parents[2] / "src" / "tf2torch" / "report" / "schema.json"


def check(result: dict[str, Any]) -> None:
    """Raises ValidationError where it is not."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(result)
