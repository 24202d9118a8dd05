"""Inception v4 (Szegedy et al. 2016, arXiv:1602.07261)."""

from __future__ import annotations

from typing import Any

from tf2torch.export.tensorflow import tf
from tf2torch.zoo.networks.inception import (
    REDUCED,
    auxiliary_logits,
    avg_pool,
    block,
    chain,
    classify,
    conv,
    features,
    fork,
    inception_arg_scope,
    max_pool,
)
from tf2torch.zoo.networks.slim import slim

STEM = (
    conv("1a_3x3", 32, **REDUCED),
    conv("2a_3x3", 32, padding="VALID"),
    conv("2b_3x3", 64),
    block("Mixed_3a", [max_pool("0a_3x3")], [conv("0a_3x3", 96, **REDUCED)]),
    block(
        "Mixed_4a",
        [conv("0a_1x1", 64), conv("1a_3x3", 96, padding="VALID")],
        [conv("0a_1x1", 64), conv("0b_1x7", 64), conv("0c_7x1", 64), conv("1a_3x3", 96, padding="VALID")],
    ),
    block("Mixed_5a", [conv("1a_3x3", 192, **REDUCED)], [max_pool("1a_3x3")]),
)
INCEPTION_A = (
    [conv("0a_1x1", 96)],
    [conv("0a_1x1", 64), conv("0b_3x3", 96)],
    [conv("0a_1x1", 64), conv("0b_3x3", 96), conv("0c_3x3", 96)],
    [avg_pool, conv("0b_1x1", 96)],
)
REDUCTION_A = (
    [conv("1a_3x3", 384, **REDUCED)],
    [conv("0a_1x1", 192), conv("0b_3x3", 224), conv("1a_3x3", 256, **REDUCED)],
    [max_pool("1a_3x3")],
)
INCEPTION_B = (
    [conv("0a_1x1", 384)],
    [conv("0a_1x1", 192), conv("0b_1x7", 224), conv("0c_7x1", 256)],
    [conv("0a_1x1", 192), conv("0b_7x1", 192), conv("0c_1x7", 224), conv("0d_7x1", 224), conv("0e_1x7", 256)],
    [avg_pool, conv("0b_1x1", 128)],
)
REDUCTION_B = (
    [conv("0a_1x1", 192), conv("1a_3x3", 192, **REDUCED)],
    [conv("0a_1x1", 256), conv("0b_1x7", 256), conv("0c_7x1", 320), conv("1a_3x3", 320, **REDUCED)],
    [max_pool("1a_3x3")],
)
INCEPTION_C = (
    [conv("0a_1x1", 256)],
    [conv("0a_1x1", 384), fork(conv("0b_1x3", 256), conv("0c_3x1", 256))],
    [
        conv("0a_1x1", 384),
        conv("0b_3x1", 448),
        conv("0c_1x3", 512),
        fork(conv("0d_1x3", 256), conv("0e_3x1", 256)),
    ],
    [avg_pool, conv("0b_1x1", 256)],
)
MIDDLE = (
    *(block(f"Mixed_5{letter}", *INCEPTION_A) for letter in "bcde"),
    block("Mixed_6a", *REDUCTION_A),
    *(block(f"Mixed_6{letter}", *INCEPTION_B) for letter in "bcdefgh"),
)
END = (block("Mixed_7a", *REDUCTION_B), *(block(f"Mixed_7{letter}", *INCEPTION_C) for letter in "bcd"))


def arg_scope() -> Any:
    return inception_arg_scope(0.9997)


def inception_v4(images: Any, num_classes: int, is_training: bool, dropout_keep_prob: float = 0.8) -> None:
    """Logits of images [N, 299, 299, 3]: InceptionV4/Logits/Logits, [N, num_classes], and those of AuxLogits."""
    with tf.variable_scope("InceptionV4"), slim.arg_scope([slim.batch_norm, slim.dropout], is_training=is_training):
        middle = chain(images, (*STEM, *MIDDLE))
        auxiliary_logits(middle, num_classes, "Conv2d_2a", "Aux_logits")
        x = chain(middle, END)
        with tf.variable_scope("Logits"):
            classify(features(x, dropout_keep_prob), num_classes, "Logits")
