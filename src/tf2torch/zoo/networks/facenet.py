"""Inception-ResNet v1 (Szegedy et al. 2016, arXiv:1602.07261) as facenet has it, which makes embeddings of faces."""

from __future__ import annotations

from typing import Any

from tf2torch.export.tensorflow import tf
from tf2torch.zoo.networks.inception import REDUCED, chain, conv, features, inception_arg_scope
from tf2torch.zoo.networks.inception_resnet import (
    STEM,
    block8,
    block17,
    block35,
    mixed_6a,
    mixed_7a,
    repeat,
    residual,
)
from tf2torch.zoo.networks.slim import slim

LAYERS = (
    *STEM,
    conv("4b_3x3", 256, **REDUCED),
    repeat("Repeat", 5, "block35", block35(32, 32), scale=0.17),
    mixed_6a(192, 256),
    repeat("Repeat_1", 10, "block17", block17(128, 128, 128), scale=0.1),
    mixed_7a(256, 256),
    repeat("Repeat_2", 5, "block8", block8(192, 192), scale=0.2),
    residual("Block8", block8(192, 192), rectified=False),
)


def arg_scope() -> Any:
    return inception_arg_scope(0.995)


def inception_resnet_v1(
    images: Any, is_training: bool, dropout_keep_prob: float = 0.8, embedding_size: int = 0
) -> None:
    """Faces [N, 160, 160, 3], scaled as (x - 127.5) / 128, to InceptionResnetV1/embeddings, [N, embedding_size].

    Embeddings have the length 1. Without an `embedding_size` they are the 1792 features; otherwise a Bottleneck makes
    them of the features.
    """
    training = slim.arg_scope([slim.batch_norm, slim.dropout], is_training=is_training)
    with tf.variable_scope("InceptionResnetV1"), training:
        x = chain(images, LAYERS)
        with tf.variable_scope("Logits"):
            x = features(x, dropout_keep_prob)
        if embedding_size:
            with slim.arg_scope([slim.batch_norm], fused=False):  # tf_slim's of two axes needs an older TensorFlow
                x = slim.fully_connected(x, embedding_size, activation_fn=None, scope="Bottleneck")
        tf.nn.l2_normalize(x, 1, 1e-10, name="embeddings")
