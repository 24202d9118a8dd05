"""What a sound graph is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tf2torch.errors import Tf2TorchError
from tf2torch.ir.printer import parse
from tf2torch.ir.types import Graph, Node, Ref, Slot, TensorType, Value
from tf2torch.ir.verify import check, check_weights
from tf2torch.ir.views import View

SOUND = parse("input %x: float32[?, 2]\n%y: float32[?, 2] = F.relu(%x)\noutput %y")
(X,), (RELU,) = SOUND.inputs, SOUND.nodes
Y = RELU.output


def value(name: str, view: View | None = None) -> Value:
    return Value(name, TensorType("float32", (2, 3)), Ref(name, view or View()))


def relu(**changes: object) -> Node:
    return replace(RELU, **changes)  # type: ignore[arg-type]  # a test's own keywords


BROKEN: dict[str, Graph] = {
    "read before": replace(SOUND, inputs=()),
    "computed twice": SOUND.with_nodes((RELU, RELU)),
    "two values are called x": SOUND.with_nodes((RELU, relu(outputs=(value("x"),)))),
    "computes nothing": SOUND.with_nodes((RELU, relu(outputs=()))),
    "the output .* is computed nowhere": SOUND.with_nodes(()),
    "uses \\[\\]": SOUND.with_nodes((relu(attrs={"args": (1,), "kwargs": {}}),)),
    "has no args and kwargs": SOUND.with_nodes((relu(attrs={"args": (Slot(0),)}),)),
    "has 4 axes": replace(SOUND, inputs=(X, value("z", View().permute((0, 3, 1, 2))))),
}


def test_a_sound_graph_passes() -> None:
    check(SOUND, "nothing")


@pytest.mark.parametrize("message", BROKEN)
def test_a_broken_graph_names_the_pass(message: str) -> None:
    with pytest.raises(Tf2TorchError, match=f"The pass layout broke .*{message}"):
        check(BROKEN[message], "layout")


def test_a_weight_has_the_shape_that_its_param_says() -> None:
    graph = parse("param %w: float32[2, 3] trainable\noutput %w")
    check_weights(graph, {"w": np.zeros((2, 3))}, "permutes")
    with pytest.raises(Tf2TorchError, match=r"permutes broke .* the weight w is \[3, 2\]"):
        check_weights(graph, {"w": np.zeros((3, 2))}, "permutes")
