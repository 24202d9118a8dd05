"""PNASNet-5 (Liu et al., Progressive Neural Architecture Search, 2018): one cell, strided where height and width halve.

Without the classifier that training has beside the last one: the reference builds that only to train.
"""

from __future__ import annotations

from typing import Any

from tf2torch.zoo.networks.nasnet_cells import Cell, arg_scope, classifier, imagenet_stem, reductions
from tf2torch.zoo.networks.slim import slim

__all__ = ["arg_scope", "pnasnet_large", "pnasnet_mobile"]

CELL = Cell(
    sums=(
        (("separable_5x5", 1), ("max_pool", 1)),
        (("separable_7x7", 0), ("max_pool", 0)),
        (("separable_5x5", 0), ("separable_3x3", 0)),
        (("separable_3x3", 4), ("max_pool", 0)),
        (("separable_3x3", 1), ("none", 0)),
    ),
    output=(2, 3, 4, 5, 6),
)


def pnasnet_mobile(images: Any, num_classes: int, is_training: bool, dropout_keep_prob: float = 0.5) -> None:
    """For pictures [N, 224, 224, 3]."""
    with slim.arg_scope([slim.batch_norm, slim.dropout], is_training=is_training):
        x = _cells(imagenet_stem(images, CELL, 32, 54), cells=9, filters=54)
        classifier(x, num_classes, dropout_keep_prob)


def pnasnet_large(images: Any, num_classes: int, is_training: bool, dropout_keep_prob: float = 0.5) -> None:
    """For pictures [N, 331, 331, 3]."""
    with slim.arg_scope([slim.batch_norm, slim.dropout], is_training=is_training):
        x = _cells(imagenet_stem(images, CELL, 96, 216), cells=12, filters=216)
        classifier(x, num_classes, dropout_keep_prob)


def _cells(layers: list[Any], cells: int, filters: int) -> Any:
    for number in range(cells):
        stride = 2 if number in reductions(cells) else 1
        filters *= stride
        layers.append(CELL(layers[-1], layers[-2], filters, stride, f"cell_{number}"))
    return layers[-1]
