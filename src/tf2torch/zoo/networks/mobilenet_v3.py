"""MobileNet v3 (arXiv:1905.02244): inverted residuals with hard-swish and gates of squeeze-and-excitation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from tf2torch.export.tensorflow import tf
from tf2torch.zoo.networks.inverted_residual import arg_scope, classifier, divisible, global_mean, inverted_residual
from tf2torch.zoo.networks.slim import slim

__all__ = ["arg_scope", "mobilenet_v3_large", "mobilenet_v3_small"]


class Unit(NamedTuple):
    expansion: float
    channels: int
    kernel_size: int
    stride: int
    is_gated: bool
    is_swish: bool  # else relu


class Size(NamedTuple):
    units: tuple[Unit, ...]
    channels: int  # of the last layer before the classifier


LARGE = Size(
    (
        Unit(1, 16, 3, 1, is_gated=False, is_swish=False),
        Unit(4, 24, 3, 2, is_gated=False, is_swish=False),
        Unit(3, 24, 3, 1, is_gated=False, is_swish=False),
        Unit(3, 40, 5, 2, is_gated=True, is_swish=False),
        *[Unit(3, 40, 5, 1, is_gated=True, is_swish=False)] * 2,
        Unit(6, 80, 3, 2, is_gated=False, is_swish=True),
        Unit(2.5, 80, 3, 1, is_gated=False, is_swish=True),
        *[Unit(184 / 80, 80, 3, 1, is_gated=False, is_swish=True)] * 2,
        *[Unit(6, 112, 3, 1, is_gated=True, is_swish=True)] * 2,
        Unit(6, 160, 5, 2, is_gated=True, is_swish=True),
        *[Unit(6, 160, 5, 1, is_gated=True, is_swish=True)] * 2,
    ),
    1280,
)
SMALL = Size(
    (
        Unit(1, 16, 3, 2, is_gated=True, is_swish=False),
        Unit(72 / 16, 24, 3, 2, is_gated=False, is_swish=False),
        Unit(88 / 24, 24, 3, 1, is_gated=False, is_swish=False),
        Unit(4, 40, 5, 2, is_gated=True, is_swish=True),
        *[Unit(6, 40, 5, 1, is_gated=True, is_swish=True)] * 2,
        *[Unit(3, 48, 5, 1, is_gated=True, is_swish=True)] * 2,
        Unit(6, 96, 5, 2, is_gated=True, is_swish=True),
        *[Unit(6, 96, 5, 1, is_gated=True, is_swish=True)] * 2,
    ),
    1024,
)


def mobilenet_v3_large(
    images: Any,
    num_classes: int,
    is_training: bool,
    dropout_keep_prob: float = 0.8,
    multiplier: float = 1.0,
    minimalistic: bool = False,
) -> None:
    """Of [N, H, W, 3] the logits MobilenetV3/Logits/output, [N, num_classes].

    multiplier: of the channels of every layer but the last. minimalistic: without gates, hard-swish and kernels of 5.
    """
    with _scopes(is_training):
        x = _features(images, LARGE, multiplier, minimalistic)
        classifier(x, num_classes, dropout_keep_prob)


def mobilenet_v3_small(
    images: Any,
    num_classes: int,
    is_training: bool,
    dropout_keep_prob: float = 0.8,
    multiplier: float = 1.0,
    minimalistic: bool = False,
) -> None:
    """As mobilenet_v3_large."""
    with _scopes(is_training):
        x = _features(images, SMALL, multiplier, minimalistic)
        classifier(x, num_classes, dropout_keep_prob)


@contextmanager
def _scopes(is_training: bool) -> Iterator[None]:
    with (
        tf.variable_scope("MobilenetV3"),
        slim.arg_scope([slim.batch_norm, slim.dropout], is_training=is_training),
    ):
        yield


def _features(x: Any, size: Size, multiplier: float, minimalistic: bool) -> Any:
    """[N, H, W, 3] -> [N, 1, 1, size.channels]."""
    swish = tf.nn.relu if minimalistic else hard_swish
    x = slim.conv2d(x, divisible(16 * multiplier), 3, stride=2, activation_fn=swish)
    for unit in size.units:
        x = inverted_residual(
            x,
            unit.expansion,
            divisible(unit.channels * multiplier),
            swish if unit.is_swish else tf.nn.relu,
            3 if minimalistic else unit.kernel_size,
            unit.stride,
            gate=squeeze_excite if unit.is_gated and not minimalistic else tf.identity,
        )
    x = slim.conv2d(x, 6 * x.shape.as_list()[-1], 1, activation_fn=swish)
    return slim.conv2d(global_mean(x), size.channels, 1, activation_fn=swish, normalizer_fn=None)


def hard_swish(x: Any) -> Any:
    with tf.name_scope("hard_swish"):
        return x * tf.nn.relu6(x + 3) * (1 / 6)


def squeeze_excite(x: Any) -> Any:
    """Every channel times a number between 0 and 1 that is computed from the means of all channels."""
    channels = x.shape.as_list()[-1]
    with tf.variable_scope("squeeze_excite"):
        squeezed = slim.conv2d(global_mean(x), divisible(channels / 4), 1, activation_fn=tf.nn.relu, normalizer_fn=None)
        return x * slim.conv2d(squeezed, channels, 1, activation_fn=_gate, normalizer_fn=None)


def _gate(x: Any) -> Any:
    return tf.nn.relu6(x + 3) * 0.16667  # as the published networks have been trained, and not 1 / 6
