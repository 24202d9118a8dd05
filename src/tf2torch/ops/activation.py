"""Activations."""

from __future__ import annotations

from tf2torch.ops.expr import Expr, F, Var, torch
from tf2torch.ops.registry import CHANNELS, ELEMENTWISE, axes, lowers, lowers_all

lowers_all(
    ELEMENTWISE,
    Elu=F.elu,
    Relu=F.relu,
    Relu6=F.relu6,
    Selu=F.selu,
    Sigmoid=torch.sigmoid,
    Softplus=F.softplus,
    Softsign=F.softsign,
    Tanh=torch.tanh,
)


@lowers("LeakyRelu", layout=ELEMENTWISE)
def leaky_relu(features: Var, *, alpha: float = 0.2) -> Expr:
    """max(x, alpha * x). TensorFlow's default alpha is 0.2, torch's 0.01."""
    return F.leaky_relu(features, negative_slope=alpha)


@lowers("Softmax", layout=axes("axis"))
def softmax(logits: Var, *, axis: int = -1) -> Expr:
    """TensorFlow's op knows the last axis only. `axis` is ours: passes.layout sets it where the channels come first."""
    return F.softmax(logits, dim=axis)


@lowers("LogSoftmax", layout=axes("axis"))
def log_softmax(logits: Var, *, axis: int = -1) -> Expr:
    """As Softmax."""
    return F.log_softmax(logits, dim=axis)


# What passes.activations finds; TensorFlow has no ops for these.
lowers_all(ELEMENTWISE, silu=F.silu, mish=F.mish, hard_swish=F.hardswish, hard_sigmoid=F.hardsigmoid)


@lowers("l2_normalize", layout=axes("axis"))
def l2_normalize(x: Var, *, axis: int, least: float) -> Expr:
    """Divided by its length along an axis, or by `least` where it is shorter."""
    return F.normalize(x, dim=axis, eps=least)


@lowers("prelu", layout=CHANNELS)
def prelu(x: Var, slope: Var) -> Expr:
    """LeakyRelu with a slope for each channel, [C]."""
    return F.prelu(x, slope)


@lowers("gelu", layout=ELEMENTWISE)
def gelu(x: Var, *, approximate: str = "none") -> Expr:
    """The normal distribution up to x, times x; `approximate` is "tanh" where the author wrote it with one."""
    return F.gelu(x) if approximate == "none" else F.gelu(x, approximate=approximate)
