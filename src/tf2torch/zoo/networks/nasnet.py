"""NASNet-A (Zoph et al., Learning Transferable Architectures for Scalable Image Recognition, 2018).

Without the classifier that training has beside the last one: the reference builds that only to train.
"""

from __future__ import annotations

from typing import Any

from tf2torch.zoo.networks.nasnet_cells import Cell, arg_scope, classifier, imagenet_stem, reductions
from tf2torch.zoo.networks.slim import slim

__all__ = ["arg_scope", "nasnet_cifar", "nasnet_large", "nasnet_mobile"]

NORMAL = Cell(
    sums=(
        (("separable_5x5", 0), ("separable_3x3", 1)),
        (("separable_5x5", 1), ("separable_3x3", 1)),
        (("avg_pool", 0), ("none", 1)),
        (("avg_pool", 1), ("avg_pool", 1)),
        (("separable_3x3", 0), ("none", 0)),
    ),
    output=(1, 2, 3, 4, 5, 6),
)
REDUCTION = Cell(
    sums=(
        (("separable_5x5", 0), ("separable_7x7", 1)),
        (("max_pool", 0), ("separable_7x7", 1)),
        (("avg_pool", 0), ("separable_5x5", 1)),
        (("none", 3), ("avg_pool", 2)),
        (("separable_3x3", 2), ("max_pool", 0)),
    ),
    output=(3, 4, 5, 6),
)


def nasnet_cifar(images: Any, num_classes: int, is_training: bool, dropout_keep_prob: float = 1.0) -> None:
    """NASNet-A (6 @ 768) for pictures [N, 32, 32, 3]."""
    with slim.arg_scope([slim.batch_norm, slim.dropout], is_training=is_training):
        with slim.arg_scope([slim.batch_norm], epsilon=1e-5):
            x = slim.batch_norm(slim.conv2d(images, 96, 3, scope="l1_stem_3x3"), scope="l1_stem_bn")
            x = _cells([None, x], cells=18, filters=32)
        classifier(x, num_classes, dropout_keep_prob)


def nasnet_mobile(images: Any, num_classes: int, is_training: bool, dropout_keep_prob: float = 0.5) -> None:
    """NASNet-A (4 @ 1056) for pictures [N, 224, 224, 3]."""
    with slim.arg_scope([slim.batch_norm, slim.dropout], is_training=is_training):
        x = _cells(imagenet_stem(images, REDUCTION, 32, 44), cells=12, filters=44)
        classifier(x, num_classes, dropout_keep_prob)


def nasnet_large(images: Any, num_classes: int, is_training: bool, dropout_keep_prob: float = 0.5) -> None:
    """NASNet-A (6 @ 4032) for pictures [N, 331, 331, 3]."""
    with slim.arg_scope([slim.batch_norm, slim.dropout], is_training=is_training):
        x = _cells(imagenet_stem(images, REDUCTION, 96, 168), cells=18, filters=168, skip=True)
        classifier(x, num_classes, dropout_keep_prob)


def _cells(layers: list[Any], cells: int, filters: int, skip: bool = False) -> Any:
    """Normal cells, after each third of them a reduction. With `skip` its previous layer is the next cell's, too."""
    for number in range(cells):
        previous = layers[-2]
        if number in reductions(cells):
            filters *= 2
            scope = f"reduction_cell_{reductions(cells).index(number)}"
            layers.append(REDUCTION(layers[-1], layers[-2], filters, 2, scope))
        if not skip:
            previous = layers[-2]
        layers.append(NORMAL(layers[-1], previous, filters, 1, f"cell_{number}"))
    return layers[-1]
