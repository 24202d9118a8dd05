"""Source, weights and self-test of a network, and what each part of it is in TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from tf2torch import bundle, details, files
from tf2torch.emit import preprocessing
from tf2torch.emit.loading import SKETCH, WEIGHTS
from tf2torch.emit.module import source
from tf2torch.emit.title import Title
from tf2torch.errors import InputError, UnsupportedError
from tf2torch.ir import weights_file
from tf2torch.ir.correspondence import Correspondence, Module, Parameter
from tf2torch.ir.types import Graph, Node, Param, Ref, Value
from tf2torch.outline import names
from tf2torch.outline.attributes import walk
from tf2torch.outline.network import Network, outline
from tf2torch.outline.shape import inner_shape
from tf2torch.outline.structure import Block, Leaf, Step

Array = np.ndarray[Any, Any]
SOURCE = "converted_pytorch.py"


def write(graph: Graph, weights: Mapping[str, Array], title: Title, products: Path) -> Correspondence:
    """Writes converted_pytorch.py and .safetensors. `weights`: TensorFlow's arrays by name."""
    missing = [str(value.ref and value.ref.tensor) for value in graph.outputs if value in set(graph.inputs)]
    if missing:
        raise UnsupportedError(
            f"The output {missing[0]} is an input: there is nothing to convert. Name another output."
        )
    network = outline(graph, title.recipe.network or title.name)
    if title.recipe.network and not title.recipe.classes:
        network = replace(network, head=None)  # its last layer gives something else, of a number that is not free
    values = parameters(network)
    known = {name: graph.params[value] for name, value in values.items()}
    state = {name: _as_torch(weights[param.ref.tensor], param) for name, param in known.items()}
    trainable = sum(state[name].size for name, param in known.items() if param.kind == "trainable")
    state.update(_constants(network, state))
    about = weights_file.metadata({name: param.ref for name, param in known.items()}, graph.info.get("constants") or ())
    weights_file.save(state, about, products / WEIGHTS)
    carried = preprocessing.source(title.recipe, graph)
    files.write_text(products / SOURCE, source(network, title.text(graph, trainable), carried))
    return Correspondence(
        tuple(_ref(value) for value in graph.inputs),
        tuple(_ref(value) for value in graph.outputs),
        tuple(_modules(network)),
        {name: Parameter(param.ref, param.kind) for name, param in known.items()},
    )


def parameters(network: Network) -> dict[str, Value]:
    """The params of a network by the key that they have in its state dict."""
    found = {name: value for value, name in names.weights(network.root).items()}
    for path, step in walk(network.root, network.classes):
        if isinstance(step.target, Leaf):
            found.update({f"{path}.{name}": value for name, value in step.target.weights.items()})
        elif isinstance(step.target, Block):
            attributes = names.weights(_representative(network, step.target)).values()
            own = zip(attributes, step.target.weights.values(), strict=True)
            found.update({f"{path}.{name}": value for name, value in own})
    return found


def _representative(network: Network, block: Block) -> Block:
    """The instance from which the class of a block is printed, and which names its attributes."""
    module = network.classes[inner_shape(block)].module
    assert isinstance(module, Block)  # it has the same shape
    return module


def _as_torch(array: Array, param: Param) -> Array:
    return np.asarray(param.ref.view.apply(array), order="C")


def _constants(network: Network, state: Mapping[str, Array]) -> dict[str, Array]:
    """The gamma (1) and beta (0) of batch norms that have none in TensorFlow."""
    found: dict[str, Array] = {}
    for path, step in walk(network.root, network.classes):
        if isinstance(step.target, Leaf) and "BatchNorm" in step.target.class_name:
            mean = state[f"{path}.running_mean"]
            for name in step.target.args["fixed"]:
                if f"{path}.{name}" not in state:
                    found[f"{path}.{name}"] = np.full_like(mean, 1 if name == "weight" else 0)
    return found


def _modules(network: Network) -> Iterator[Module]:
    for path, step in walk(network.root, network.classes):
        if isinstance(step.target, Leaf) and not step.nodes:  # an nn.Identity in the place of a shortcut
            continue
        yield Module(path, _class_name(network, step), _refs(step.outputs), _ops(step.nodes), _origin(step.nodes))
    root = network.root
    nodes = tuple(node for step in root.steps for node in step.nodes)
    yield Module("", network.name, _refs(tuple(root.outputs)), _ops(nodes), _origin(nodes))


def _class_name(network: Network, step: Step) -> str:
    assert step.module is not None  # walk yields no functions
    known = network.classes.get(inner_shape(step.module))
    if known is not None:
        return known.name
    return step.module.class_name if isinstance(step.module, Leaf) else type(step.module).__name__


def _refs(values: tuple[Value, ...]) -> tuple[Ref | None, ...]:
    return tuple(value.ref for value in values)


def _ref(value: Value) -> Ref:
    assert value.ref is not None  # inputs and outputs are TensorFlow's own
    return value.ref


def _ops(nodes: tuple[Node, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(node.op for node in nodes))


def _origin(nodes: tuple[Node, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for node in nodes for name in node.origin))


def sketch(reference: Path, written: Correspondence, products: Path) -> None:
    """Writes the inputs and the first output of the self-test: one image, or what TensorFlow was given."""
    found = details.load(reference)
    if found is not None and found.single:
        inputs, output, tolerance = [array[:1] for array in found.inputs], found.single[0], found.tolerance
    elif found is not None:
        inputs, output, tolerance = list(found.inputs), found.outputs[0], found.tolerance
    else:
        images = bundle.load(reference)
        if images is None:
            raise InputError("The reference holds nothing. `make export FORCE=1` records it again.")
        inputs, output, tolerance = [images.inputs[:1]], images.single, images.tolerance("batch 1")
    views = [np.asarray(ref.view.apply(array), order="C") for ref, array in zip(written.inputs, inputs, strict=True)]
    named = {"input": views[0]} if len(views) == 1 else {f"input{index}": view for index, view in enumerate(views)}
    recorded = {
        **named,
        "output": np.asarray(written.outputs[0].view.apply(output), order="C"),
        "tolerance": np.array([tolerance], np.float32),
    }
    save_file(recorded, products / SKETCH)
