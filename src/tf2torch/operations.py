"""The TensorFlow operations that the engine native knows, as a table. Needs neither framework."""

from __future__ import annotations

import argparse
import inspect
import json
from typing import Any

from tf2torch.ops import registry


def show(options: argparse.Namespace) -> int:
    """Prints the table, by family; docs/ops.md has more of each."""
    entries = [entry(handler) for handler in registry.handlers().values() if handler.op[0].isupper()]
    entries.sort(key=lambda item: (item["family"], item["op"]))
    if options.json:
        print(json.dumps(entries, indent=2))
        return 0
    width = max(len(item["op"]) for item in entries)
    family = None
    for item in entries:
        if item["family"] != family:
            print(f"{'' if family is None else chr(10)}{item['family']}")
            family = item["family"]
        print(f"  {item['op']:<{width}}  {item['note']}".rstrip())
    print(f"\n{len(entries)} operations")
    return 0


def entry(handler: registry.Handler) -> dict[str, Any]:
    """What is known about one operation, as plain data."""
    attributes = {
        name: None if default is inspect.Parameter.empty else default for name, default in handler.attrs.items()
    }
    return {
        "op": handler.op,
        "family": handler.family,
        "inputs": list(handler.tensors),
        "known_at_conversion": list(handler.statics),
        "attributes": attributes,
        "layout": handler.layout.kind,
        "note": (inspect.getdoc(handler.function) or "").split("\n")[0],
    }
