"""A graph on disk: graph.json and weights.safetensors, what the TensorFlow side hands to the PyTorch side.

graph.json   {"format": 1, "info", "inputs": [name], "outputs": [name], "values": {name: [dtype, shape, tensor]},
             "params": {name: [tensor, kind]}, "nodes": [{"op", "inputs", "outputs", "attrs", "scope", "origin"}]}
Attributes are JSON, but for {"array": dtype, "shape", "data" | "fill"} and {"tuple": [...]}.
Views are none at this boundary: every value has TensorFlow's own shape.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from tf2torch import files
from tf2torch.errors import InputError
from tf2torch.ir.types import Attr, Graph, Node, Param, Ref, TensorType, Value

FORMAT = 1
GRAPH, WEIGHTS = "graph.json", "weights.safetensors"
Array = np.ndarray[Any, Any]


def save(graph: Graph, weights: Mapping[str, Array], folder: Path) -> None:
    """Writes graph.json and weights.safetensors. `weights` has every param's value by the name of its tensor."""
    with files.atomic(folder / WEIGHTS) as temporary:
        save_file({name: np.asarray(value, order="C") for name, value in weights.items()}, temporary)
    with files.atomic(folder / GRAPH) as temporary:
        temporary.write_text(json.dumps(encode(graph), indent=None, separators=(",", ":")), encoding="utf-8")


def load(folder: Path) -> tuple[Graph, dict[str, Array]]:
    """Raises InputError if a file is missing, broken or of another format."""
    try:
        data = json.loads((folder / GRAPH).read_text(encoding="utf-8"))
        if data.get("format") != FORMAT:
            raise ValueError(f"format {data.get('format')}, not {FORMAT}")
        return decode(data), load_file(folder / WEIGHTS)
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise InputError(
            f"The exported graph in {folder} is missing or broken ({error}). `make export FORCE=1` writes it again."
        ) from error


def load_graph(path: Path) -> Graph:
    """The graph in a graph.json, without its weights. Raises InputError if the file is missing or broken."""
    try:
        return decode(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path.name} is missing or broken. `make export FORCE=1` writes it again.") from error


def encode(graph: Graph) -> dict[str, Any]:
    """The graph as JSON data."""
    return {
        "format": FORMAT,
        "info": {name: _encode(value) for name, value in graph.info.items()},
        "inputs": [value.name for value in graph.inputs],
        "outputs": [value.name for value in graph.outputs],
        "values": {
            value.name: [
                value.type.dtype,
                None if value.type.shape is None else list(value.type.shape),
                value.ref and value.ref.tensor,
            ]
            for value in graph.values()
        },
        "params": {value.name: [param.ref.tensor, param.kind] for value, param in graph.params.items()},
        "nodes": [
            {
                "op": node.op,
                "inputs": [value.name for value in node.inputs],
                "outputs": [value.name for value in node.outputs],
                "attrs": {name: _encode(value) for name, value in node.attrs.items()},
                "scope": list(node.scope),
                "origin": list(node.origin),
            }
            for node in graph.nodes
        ],
    }


def decode(data: Mapping[str, Any]) -> Graph:
    """The graph of JSON data. Raises KeyError or ValueError if it is not one."""
    values = {
        name: Value(name, TensorType(dtype, None if shape is None else tuple(shape)), None if ref is None else Ref(ref))
        for name, (dtype, shape, ref) in data["values"].items()
    }
    nodes = tuple(
        Node(
            node["op"],
            tuple(values[name] for name in node["inputs"]),
            tuple(values[name] for name in node["outputs"]),
            MappingProxyType({name: _decode(value) for name, value in node["attrs"].items()}),
            tuple(node["scope"]),
            tuple(node["origin"]),
        )
        for node in data["nodes"]
    )
    return Graph(
        tuple(values[name] for name in data["inputs"]),
        tuple(values[name] for name in data["outputs"]),
        nodes,
        {values[name]: Param(Ref(tensor), kind) for name, (tensor, kind) in data["params"].items()},
        MappingProxyType({name: _decode(value) for name, value in data["info"].items()}),
    )


def _encode(value: Attr) -> Any:
    if isinstance(value, np.ndarray):
        flat = value.ravel()
        same = flat.size > 1 and bool((flat[0] == flat).all())
        data = {"fill": flat[0].item()} if same else {"data": flat.tolist()}
        dtype = "str" if value.dtype.kind == "U" else value.dtype.name  # numpy does not know its own name str64
        return {"array": dtype, "shape": list(value.shape), **data}
    if isinstance(value, tuple):
        return {"tuple": [_encode(item) for item in value]}
    if isinstance(value, Mapping):
        return {"map": {name: _encode(item) for name, item in value.items()}}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"an attribute of type {type(value).__name__} has no JSON form")


def _decode(value: Any) -> Attr:
    if not isinstance(value, dict):
        return value
    if "tuple" in value:
        return tuple(_decode(item) for item in value["tuple"])
    if "map" in value:
        return {name: _decode(item) for name, item in value["map"].items()}
    shape = tuple(value["shape"])
    if "fill" in value:
        return np.full(shape, value["fill"], value["array"])
    return np.array(value["data"], value["array"]).reshape(shape)
