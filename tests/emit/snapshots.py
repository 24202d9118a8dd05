"""The generated sources of some recipes, and the graphs that they come from: tests/snapshots, without weights.

The source does not depend on the values of the weights, so that nothing but their shapes is needed to make it.
"""

from __future__ import annotations

import gzip
import json
from functools import cache
from math import prod
from pathlib import Path

import numpy as np

from tf2torch import passes, recipe
from tf2torch.emit import Title, preprocessing
from tf2torch.emit.module import source
from tf2torch.emit.package import parameters
from tf2torch.ir import store
from tf2torch.ir.types import Graph
from tf2torch.outline.network import Network, outline

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "tests" / "snapshots"
SOURCES = ("alexnet_v2", "inception_v1", "inception_v3", "resnet_v1_50", "resnet_v2_50", "vgg_16")
GRAPHS = (*SOURCES, "resnet_v1_152")  # of the last one, only the number of lines is of interest


def graph_file(name: str) -> Path:
    return FOLDER / "ir" / f"{name}.graph.json.gz"


def source_file(name: str) -> Path:
    return FOLDER / f"{name}.py"


def packed(graph: Graph) -> bytes:
    """The same bytes for the same graph, whenever it is written."""
    return gzip.compress(json.dumps(store.encode(graph), separators=(",", ":")).encode(), mtime=0)


@cache
def lowered(name: str) -> Graph:
    """The graph of a recipe in the torch dialect."""
    graph = store.decode(json.loads(gzip.decompress(graph_file(name).read_bytes())))
    shapes = {param.ref.tensor: value.type.shape or () for value, param in graph.params.items()}
    nothing = {tensor: np.broadcast_to(np.float32(0), shape) for tensor, shape in shapes.items()}  # type: ignore[arg-type]  # the shape of a weight is known
    return passes.run(graph, nothing)[0]


@cache
def outlined(name: str) -> Network:
    return outline(lowered(name), name)


@cache
def generated(name: str) -> str:
    """The source as the engine writes it for random weights."""
    graph, network = lowered(name), outlined(name)
    trained = [value for value in parameters(network).values() if graph.params[value].kind == "trainable"]
    title = Title(recipe.load(ROOT / "models", name), {}, "random, seed 0")
    text = title.text(graph, sum(prod(value.type.shape or ()) for value in trained))  # type: ignore[arg-type]  # as above
    return source(network, text, preprocessing_of(name))


@cache
def preprocessing_of(name: str) -> str:
    return preprocessing.source(recipe.load(ROOT / "models", name), lowered(name))
