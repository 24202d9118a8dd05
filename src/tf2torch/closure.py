"""Which of our own modules a module needs, read off the source without importing anything."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_ROOT = Path(__file__).parent
_PACKAGE = _ROOT.name


def source_hash(module: str) -> str:
    """SHA-256 over the source of `module` and of every module of this package that it imports, however deep."""
    digest = hashlib.sha256()
    for name in sorted(modules(module)):
        digest.update(name.encode() + b"\0" + _file(name).read_bytes() + b"\0")
    return digest.hexdigest()


def modules(module: str) -> set[str]:
    """`module` and every module of this package that it imports, however deep."""
    found: set[str] = set()
    pending = [module]
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending.extend(_imports(name))
    return found


def _file(module: str) -> Path:
    path = _ROOT.joinpath(*module.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@cache
def _imports(module: str) -> frozenset[str]:
    """The modules of this package named in import statements anywhere in `module`, those inside functions included.

    A package whose `__path__` is read is imported whole: what reads it looks for its modules by itself. So is one that
    puts a module's name together, f"{__name__}.{module}".
    """
    names: set[str] = set()
    for node in _run(ast.parse(_file(module).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Attribute) and node.attr == "__path__":
            names.update(_whole(ast.unparse(node.value)))
        elif isinstance(node, ast.JoinedStr) and ast.unparse(node).startswith(("f'{__name__}.", 'f"{__name__}.')):
            names.update(_whole(module))
    return frozenset(name for name in names if name.split(".")[0] == _PACKAGE and _file(name).is_file())


def _whole(package: str) -> Iterator[str]:
    return (f"{package}.{path.stem}" for path in _file(package).parent.glob("*.py"))


def _run(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node of a tree but for what stands under TYPE_CHECKING, which is never run."""
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        yield node
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            pending.extend(node.orelse)
        else:
            pending.extend(ast.iter_child_nodes(node))
