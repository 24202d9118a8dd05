"""The registry, and every handler against TensorFlow's own definition of the op."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

from tests.ops.compute import definition
from tf2torch.export.tensorflow import tf
from tf2torch.ir.types import Node, TensorType, Value
from tf2torch.ops import registry
from tf2torch.ops.expr import Expr, F, Var
from tf2torch.ops.registry import Handler, Refuse, Static

THEIRS = {op: handler for op, handler in registry.handlers().items() if op[0].isupper()}  # the others are ours

# Attributes that TensorFlow does not have, and the pass that sets them.
EXTRAS = {
    ("Conv3D", "explicit_paddings"): "padding",
    ("Softmax", "axis"): "layout",
    ("LogSoftmax", "axis"): "layout",
}


def _default(attr: Any) -> Any:
    """The default of an attribute of an op definition, as handlers write it."""
    if not attr.HasField("default_value"):
        return inspect.Parameter.empty
    value = attr.default_value
    kind = value.WhichOneof("value")
    match kind:
        case "type":
            return tf.as_dtype(value.type).name
        case "s":
            return value.s.decode()
        case "f":
            return float(str(np.float32(value.f)))
        case "list":
            return tuple(value.list.i) or tuple(value.list.f) or tuple(text.decode() for text in value.list.s)
    return getattr(value, kind)


@pytest.mark.parametrize("handler", THEIRS.values(), ids=THEIRS)
def test_parameters_are_those_of_tensorflow(handler: Handler) -> None:
    theirs = definition(handler.op)
    assert theirs is not None, f"TensorFlow has no op {handler.op}"
    inputs = [arg.name for arg in theirs.input_arg]
    if handler.function.__module__ == registry.__name__:  # of lowers_all
        assert len(inputs) == 1
        return
    parameters = inspect.signature(handler.function).parameters
    passes_add = {name for name, parameter in parameters.items() if parameter.default is None}
    ours = [name for name, parameter in parameters.items() if parameter.kind is not parameter.KEYWORD_ONLY]
    assert [name for name in ours if name not in passes_add] == inputs
    lists = {arg.name for arg in theirs.input_arg if arg.number_attr or arg.type_list_attr}
    assert {name[1:] for name in handler.tensors if name.startswith("*")} == lists - set(handler.statics)


@pytest.mark.parametrize("handler", THEIRS.values(), ids=THEIRS)
def test_attributes_and_defaults_are_those_of_tensorflow(handler: Handler) -> None:
    theirs = {attr.name: _default(attr) for attr in definition(handler.op).attr}
    ours = {name: default for name, default in handler.attrs.items() if (handler.op, name) not in EXTRAS}
    assert ours == {name: theirs.get(name, "no such attribute") for name in ours}


@pytest.mark.parametrize("handler", THEIRS.values(), ids=THEIRS)
def test_layout_names_parameters(handler: Handler) -> None:
    tensors = {name.removeprefix("*") for name in handler.tensors}
    assert set(handler.layout.images) <= tensors
    assert {*handler.layout.axes, *handler.layout.per_axis} <= {*handler.attrs, *handler.statics}


def test_extras_are_in_use() -> None:
    assert {(op, name) for op, name in EXTRAS if name in THEIRS[op].attrs} == set(EXTRAS)


def _node(op: str, inputs: int = 0, **attrs: Any) -> Node:
    values = tuple(Value(f"x{index}", TensorType("float32", (2, 3)), None) for index in range(inputs))
    return Node(op, values, (), attrs)


def test_an_unknown_op() -> None:
    with pytest.raises(KeyError, match="NoSuchOp"):
        registry.lower(_node("NoSuchOp"))


def test_two_handlers_of_one_op() -> None:
    def another(features: Var) -> Expr:
        return features

    with pytest.raises(ValueError, match="Elu has two handlers: handler and another"):
        registry.lowers("Elu")(another)


def test_an_input_that_must_be_known() -> None:
    with pytest.raises(Refuse, match="its input reduction_indices is computed while the network runs"):
        registry.lower(_node("Sum", 1))


def test_family_is_the_module() -> None:
    assert THEIRS["Relu"].family == THEIRS["LeakyRelu"].family == "activation"


def test_what_a_signature_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_handlers", {})

    @registry.lowers("ours")
    def handler(x: Var, size: Static[int], bias: Var | None = None, *, alpha: float, beta: float = 1.0) -> Expr:
        return F.pad(x, size, bias, alpha, beta)

    (made,) = registry._handlers.values()
    assert (made.tensors, made.statics) == (("x", "bias"), ("size",))
    assert made.attrs == {"alpha": inspect.Parameter.empty, "beta": 1.0}
