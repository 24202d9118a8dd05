"""Normalization, and the bias of a layer."""

from __future__ import annotations

from decimal import Decimal

from tf2torch.ops.expr import Expr, F, Var
from tf2torch.ops.registry import CHANNELS, Refuse, lowers
from tf2torch.ops.windows import differing

_BATCH_NORM = {"momentum": 0.1, "eps": 1e-5, "training": False}
_LAYER_NORM = {"eps": 1e-5}
_RESPONSE = {"alpha": 1e-4, "beta": 0.75, "k": 1.0}


@lowers("batch_norm", layout=CHANNELS)
def batch_norm(
    x: Var,
    mean: Var,
    variance: Var,
    gamma: Var | None = None,
    beta: Var | None = None,
    *,
    epsilon: float,
    decay: float | None = None,
    has_gamma: bool = True,
    has_beta: bool = True,
) -> Expr:
    """Every way in which TensorFlow writes batch normalization; x is [N, C, ...], the others [C].

    The node's inputs are x, mean, variance, then gamma if has_gamma, then beta if has_beta. torch's momentum is
    1 - decay: what the new statistics weigh, not the old ones.
    """
    if not has_gamma:  # then the fourth input is beta
        gamma, beta = None, gamma
    momentum = 0.1 if decay is None else float(1 - Decimal(str(decay)))
    assert (beta is not None) == has_beta, "inputs and has_beta disagree"
    return F.batch_norm(x, mean, variance, gamma, beta, **differing(_BATCH_NORM, momentum=momentum, eps=epsilon))


@lowers("layer_norm")
def layer_norm(
    x: Var,
    gamma: Var | None = None,
    beta: Var | None = None,
    *,
    epsilon: float,
    has_gamma: bool = True,
    has_beta: bool = True,
) -> Expr:
    """Normalization over the last axis, [..., C], by its own mean and biased variance; inputs as of batch_norm."""
    if not has_gamma:
        gamma, beta = None, gamma
    assert (beta is not None) == has_beta, "inputs and has_beta disagree"
    return F.layer_norm(x, (x.dims[-1],), gamma, beta, **differing(_LAYER_NORM, eps=epsilon))


@lowers("instance_norm", layout=CHANNELS)
def instance_norm(
    x: Var,
    gamma: Var | None = None,
    beta: Var | None = None,
    *,
    epsilon: float,
    has_gamma: bool = True,
    has_beta: bool = True,
) -> Expr:
    """Normalization of each channel of each image, [N, C, ...], by its own mean and biased variance."""
    if not has_gamma:
        gamma, beta = None, gamma
    assert (beta is not None) == has_beta, "inputs and has_beta disagree"
    given = {name: value for name, value in (("weight", gamma), ("bias", beta)) if value is not None}
    return F.instance_norm(x, **given, **differing(_LAYER_NORM, eps=epsilon))


def _fused(x: Var, scale: Var, offset: Var, mean: Var, variance: Var, epsilon: float, training: bool) -> list[Expr]:
    """y, mean, variance, then what only the gradient wants: the statistics once more, as the CPU kernel keeps them."""
    keywords = differing(_BATCH_NORM, eps=epsilon, training=training)
    if not training:
        return [F.batch_norm(x, mean, variance, scale, offset, **keywords), mean, variance, mean, variance]
    over = (0, *range(2, x.rank))
    average, biased = x.mean(over), x.var(over, unbiased=False)
    return [F.batch_norm(x, None, None, scale, offset, **keywords), average, x.var(over), average, biased]


@lowers("FusedBatchNorm", "FusedBatchNormV2", layout=CHANNELS)
def fused_batch_norm(
    x: Var,
    scale: Var,
    offset: Var,
    mean: Var,
    variance: Var,
    *,
    epsilon: float = 0.0001,
    exponential_avg_factor: float = 1.0,
    is_training: bool = True,
) -> tuple[Expr, ...]:
    """Batch normalization; in training with the statistics of the batch, whose variance it returns unbiased."""
    if is_training and exponential_avg_factor != 1.0:
        raise Refuse(f"exponential_avg_factor={exponential_avg_factor} updates running statistics")
    return tuple(_fused(x, scale, offset, mean, variance, epsilon, is_training))


@lowers("FusedBatchNormV3", layout=CHANNELS)
def fused_batch_norm_v3(
    x: Var,
    scale: Var,
    offset: Var,
    mean: Var,
    variance: Var,
    *,
    epsilon: float = 0.0001,
    exponential_avg_factor: float = 1.0,
    is_training: bool = True,
) -> tuple[Expr, ...]:
    """FusedBatchNorm with a sixth output, for a gradient on a GPU, which nothing else reads: the mean stands there."""
    results = fused_batch_norm(
        x,
        scale,
        offset,
        mean,
        variance,
        epsilon=epsilon,
        exponential_avg_factor=exponential_avg_factor,
        is_training=is_training,
    )
    return (*results, results[1])


@lowers("BiasAdd", "BiasAddV1", layout=CHANNELS)
def bias_add(value: Var, bias: Var) -> Expr:
    """A number for each channel, which stands second; TensorFlow's bias is a vector."""
    return value + (bias.reshape(-1, *(1,) * (value.rank - 2)) if value.rank > 2 else bias)


@lowers("LRN", layout=CHANNELS)
def local_response_norm(
    input: Var, *, depth_radius: int = 5, bias: float = 1.0, alpha: float = 1.0, beta: float = 0.5
) -> Expr:
    """X / (bias + alpha * sum of squares) ** beta. torch divides its alpha by the number of channels in the sum."""
    size = 2 * depth_radius + 1
    total = float(Decimal(str(alpha)) * size)
    return F.local_response_norm(input, size, **differing(_RESPONSE, alpha=total, beta=beta, k=bias))
