"""Every op case, by family: a module of this package each, with a tuple CASES."""

from __future__ import annotations

import importlib
import pkgutil

from tests.ops.case import Case

CASES: tuple[Case, ...] = tuple(
    case
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name)
    for case in importlib.import_module(f"{__name__}.{module.name}").CASES
)
