"""Activations."""

from __future__ import annotations

from tf2torch.ops.expr import Expr, F, Var, torch
from tf2torch.ops.registry import ELEMENTWISE, lowers, lowers_all

lowers_all(ELEMENTWISE, Relu=F.relu, Relu6=F.relu6, Tanh=torch.tanh, Sigmoid=torch.sigmoid)


@lowers("LeakyRelu", layout=ELEMENTWISE)
def leaky_relu(features: Var, *, alpha: float = 0.2) -> Expr:
    """max(x, alpha * x). TensorFlow's default alpha is 0.2, torch's 0.01."""
    return F.leaky_relu(features, negative_slope=alpha)
