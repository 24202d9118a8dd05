"""Which of TensorFlow's tensors each value in a source of MMdnn's is, and how to get at the values while it runs.

MMdnn's `forward` is flat: every value is a local variable that is called after its TensorFlow node, and every layer an
attribute of the same name. So the source itself says what corresponds to what; no file of MMdnn's is needed for it.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from torch import nn

from tf2torch.errors import InputError
from tf2torch.evaluate.parity import Ended
from tf2torch.ir.correspondence import Correspondence, Module, Parameter
from tf2torch.ir.types import Graph, Node, Ref, Value
from tf2torch.ir.views import IDENTITY, View

CLASS = "KitModel"
_LAYERS = {"conv": "nn.Conv{}d", "batch_normalization": "nn.BatchNorm{}d", "dense": "nn.Linear"}
_AXES = {4: (0, 3, 1, 2), 5: (0, 4, 1, 2, 3)}  # channels first, of a batch of images or volumes
_KERNELS = {"Conv2D": (3, 2, 0, 1), "DepthwiseConv2dNative": (2, 3, 0, 1), "Conv3D": (4, 3, 0, 1, 2), "MatMul": (1, 0)}
_SUMS = ("BiasAdd", "Add", "AddV2")
_NORM = ("weight", "bias", "running_mean", "running_var")  # in the order of TensorFlow's inputs after the first


@contextmanager
def watching(model: nn.Module, correspondence: Correspondence, ended: Ended) -> Iterator[None]:
    """Hands over the local variables of `forward` when it ends, even by an exception, in the order of the source.

    They cannot be replaced any more, so that no module can be looked at by itself.
    """
    code = type(model).forward.__code__

    def profile(frame: FrameType, event: str, result: object) -> None:
        if event != "return" or frame.f_code is not code:
            return
        found = {**frame.f_locals, **({} if result is None else {"": result})}
        for called in correspondence.modules:
            if called.path in found:
                ended(called, found[called.path])

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        yield
    finally:
        sys.setprofile(before)


def correspondence(source: str, graph: Graph) -> Correspondence:
    """What the values and parameters of a source of MMdnn's are in the graph as it was exported.

    Raises InputError if the source is none of MMdnn's.
    """
    written = _Source.read(source)
    named = {variable(node.name): node for node in graph.nodes}
    modules: list[Module] = []
    parameters: dict[str, Parameter] = {}
    for name, class_name in written.values.items():
        node = named.get(name)
        if node is None:  # MMdnn's own: a padding, the indices of a maximum
            continue
        nodes = (node, *_fused(graph, node, written.values))
        origin = tuple(item.name for item in nodes)
        modules.append(Module(name, class_name, (_ref(nodes[-1].outputs[0]),), (class_name,), origin))
        if name in written.layers:
            parameters.update(_parameters(graph, name, nodes))
    output = _ref(graph.outputs[0])
    modules.append(Module("", CLASS, (output,), (), tuple(node.name for node in graph.nodes)))
    inputs = tuple(map(_ref, graph.inputs))
    return Correspondence(inputs, (output,), tuple(modules), parameters)


def variable(node: str) -> str:
    """What MMdnn calls a node in its source."""
    for sign in "/-[]":
        node = node.replace(sign, "_")
    return node


@dataclass(frozen=True, slots=True)
class _Source:
    layers: Mapping[str, str]  # the class of each layer, by the name of its attribute
    values: Mapping[str, str]  # what computes each local variable of forward, in order

    @classmethod
    def read(cls, text: str) -> _Source:
        try:
            (network,) = (
                node for node in ast.parse(text).body if isinstance(node, ast.ClassDef) and node.name == CLASS
            )
            methods = {node.name: node for node in network.body if isinstance(node, ast.FunctionDef)}
            layers = dict(map(_layer, _calls(methods["__init__"])))
            values = {name: layers.get(what.removeprefix("self."), what) for name, what in _values(methods["forward"])}
        except (SyntaxError, ValueError, KeyError) as error:
            raise InputError("The source is none of MMdnn's. `make convert FROM=codegen` makes it anew.") from error
        return cls(layers, values)


def _calls(function: ast.FunctionDef) -> list[tuple[str, ast.Call]]:
    """Each self.<name> = self.__<helper>(...)."""
    return [
        (target.attr, value)
        for target, value in ((item.targets[0], item.value) for item in function.body if isinstance(item, ast.Assign))
        if isinstance(target, ast.Attribute) and isinstance(value, ast.Call)
    ]


def _layer(written: tuple[str, ast.Call]) -> tuple[str, str]:
    name, call = written
    helper = ast.unparse(call.func).removeprefix("self.").strip("_")
    dimensions = ast.unparse(call.args[0]) if call.args else ""
    return name, _LAYERS.get(helper, helper).format(dimensions)


def _values(function: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    """Each local variable, and the function or operator that it comes from."""
    for item in function.body:
        if not isinstance(item, ast.Assign):
            continue
        target, value = item.targets[0], item.value
        names = target.elts if isinstance(target, ast.Tuple) else [target]
        what = ast.unparse(value.func) if isinstance(value, ast.Call) else type(getattr(value, "op", value)).__name__
        yield ast.unparse(names[0]), what  # of several it is the first that counts: the others are indices


def _fused(graph: Graph, node: Node, values: Mapping[str, str]) -> tuple[Node, ...]:
    """The bias that MMdnn has made a part of a layer: the value is then that after it."""
    users = graph.users().get(node.outputs[0], []) if node.op in _KERNELS else []
    biased = [user for user in users if user.op in _SUMS and user.inputs[1] in graph.params]
    return tuple(biased) if len(users) == 1 and biased and variable(biased[0].name) not in values else ()


def _parameters(graph: Graph, layer: str, nodes: tuple[Node, ...]) -> Iterator[tuple[str, Parameter]]:
    """Those of a layer that are variables of TensorFlow's, by their keys in the state dict."""
    node = nodes[0]
    if node.op in _KERNELS:
        found = {"weight": (node.inputs[1], View().permute(_KERNELS[node.op]))}
        if len(nodes) > 1:
            found["bias"] = (nodes[1].inputs[1], IDENTITY)
    elif node.op.startswith("FusedBatchNorm"):
        found = {key: (value, IDENTITY) for key, value in zip(_NORM, node.inputs[1:5], strict=True)}
    else:
        return
    for key, (value, view) in found.items():
        if value in graph.params:
            param = graph.params[value]
            yield f"{layer}.{key}", Parameter(Ref(param.ref.tensor, view), param.kind)


def _ref(value: Value) -> Ref:
    """A tensor as MMdnn has it: channels first, of images and volumes."""
    assert value.ref is not None  # every value of an exported graph is one of TensorFlow's tensors
    axes = _AXES.get(len(value.type.shape or ()))
    return Ref(value.ref.tensor, View().permute(axes) if axes else IDENTITY)
