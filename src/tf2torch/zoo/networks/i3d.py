"""I3D (Carreira and Zisserman, 2017): Inception v1 inflated to films, every convolution of 3 x 3 to 3 x 3 x 3."""

from __future__ import annotations

from typing import Any

from tf2torch.zoo.networks.s3dg import arg_scope, inception_3d
from tf2torch.zoo.networks.slim import slim

__all__ = ["arg_scope", "i3d"]


def i3d(images: Any, num_classes: int, is_training: bool, dropout_keep_prob: float = 0.8) -> None:
    """Logits of films [N, frames, height, width, 3]: InceptionV1/Logits/SpatialSqueeze, [N, num_classes]."""
    with slim.arg_scope([slim.batch_norm, slim.dropout], is_training=is_training):
        inception_3d(images, num_classes, dropout_keep_prob, frames=7, conv=_conv, gate=lambda x, _: x)


def _conv(x: Any, channels: int, scope: str) -> Any:
    return slim.conv3d(x, channels, 3, scope=scope)
