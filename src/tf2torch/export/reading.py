"""Reads the user's own graph from a file, and tells by its contents what kind it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf import text_format
from google.protobuf.message import DecodeError

from tf2torch import prefix as prefixes
from tf2torch.errors import InputError
from tf2torch.export.tensorflow import tf

_OP = re.compile(r"[A-Z_][A-Za-z0-9_>]*")


@dataclass(frozen=True, slots=True)
class Given:
    definition: Any  # GraphDef
    trainable: frozenset[str] | None  # None: the file does not say
    checkpoint: Path | None  # its prefix
    files: tuple[Path, ...]


def read(path: Path) -> Given:
    """A .meta with its checkpoint (any of their files, or their common prefix), or a frozen graph, text or binary.

    Raises InputError if it is missing, truncated, or no graph.
    """
    prefix = prefixes.of(path)
    meta = prefixes.meta(prefix)
    if prefix.is_dir():
        raise InputError(
            f"{path} is a folder without a file `checkpoint` that names the latest one. SOURCE is a frozen graph .pb, "
            "a checkpoint, or the folder of a training."
        )
    if not meta.is_file() and prefixes.is_checkpoint(prefix):
        raise InputError(
            f"There is no {meta}. The checkpoint alone says nothing of the network: NETWORK= names the one that it is "
            "of, if `make list` has it."
        )
    if meta.is_file():
        path = meta
    elif not path.is_file():
        raise InputError(f"There is no {path if prefix == path else meta}.")
    definition, trainable = parse(path)
    parts = [file for file in prefixes.files(prefix) if file != path] if path == meta else []
    return Given(definition, trainable, prefix if parts else None, (path, *parts))


def parse(path: Path) -> tuple[Any, frozenset[str] | None]:
    """The GraphDef in a file, and the names of the trainable variables if the file says them."""
    data = path.read_bytes()
    if not data:
        raise InputError(f"{path.name} is empty.")
    for kind in (tf.MetaGraphDef, tf.GraphDef):
        for decode in (_binary, _text):
            message = decode(kind, data)
            definition = message.graph_def if message is not None and kind is tf.MetaGraphDef else message
            if definition is not None and _is_graph(definition):
                _check_whole(definition, path)
                return definition, _trainable(message) if kind is tf.MetaGraphDef else None
    raise InputError(f"{path.name} is no TensorFlow graph (GraphDef or MetaGraphDef), or it is truncated.")


def _binary(kind: Any, data: bytes) -> Any:
    try:
        return kind.FromString(data)
    except DecodeError:
        return None


def _text(kind: Any, data: bytes) -> Any:
    try:
        return text_format.Parse(data.decode("ascii"), kind())
    except (text_format.ParseError, UnicodeDecodeError):
        return None


def _is_graph(definition: Any) -> bool:
    return bool(definition.node) and all(node.name and _OP.fullmatch(node.op) for node in definition.node)


def _check_whole(definition: Any, path: Path) -> None:
    """A file that is cut between two nodes parses as well, but lacks what others read."""
    known = {node.name for node in definition.node}
    for node in definition.node:
        for name in node.input:
            if name.removeprefix("^").split(":")[0] not in known:
                raise InputError(f"{path.name} is truncated: {node.name} reads {name}, which is not in it.")


def _trainable(meta: Any) -> frozenset[str] | None:
    stored = meta.collection_def.get(tf.GraphKeys.TRAINABLE_VARIABLES)
    if stored is None:
        return None
    names = []
    for data in stored.bytes_list.value:
        variable = _variable_def().FromString(data)
        names.append(variable.variable_name.split(":")[0])
    return frozenset(names)


def _variable_def() -> Any:
    from tensorflow.core.framework.variable_pb2 import VariableDef

    return VariableDef
