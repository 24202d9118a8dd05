"""Run as a script where TensorFlow is: the same images, cropped, resized and scaled by TensorFlow's own operations.

tensorflow_images.py IMAGES.npz RESULTS.npz. The keys are STYLE HEIGHT WIDTH, the size asked for; a value is [H, W, 3].
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import tensorflow as tf

tf = tf.compat.v1
VGG_MEANS = (123.68, 116.78, 103.94)


def resize(image: Any, height: int, width: int) -> Any:
    return tf.image.resize_bilinear(image[None], [height, width])[0]


def inception(image: Any, height: int, width: int) -> Any:
    return resize(tf.image.central_crop(image, 0.875), height, width) * 2 - 1


def vgg(image: Any, height: int, width: int) -> Any:
    """vgg_preprocessing.py: the shorter side to 256 (more only for a larger crop), then the crop, all in 0..255."""
    shape = tf.cast(tf.shape(image)[:2], tf.float32)
    scale = max(256, height) / tf.reduce_min(shape)
    grown = resize(image * 255, *np.rint(shape * scale).astype(int))
    top, left = (grown.shape[0] - height) // 2, (grown.shape[1] - width) // 2
    return tf.image.crop_to_bounding_box(grown, top, left, height, width) - tf.constant(VGG_MEANS)


STYLES = {"resize": resize, "inception": inception, "vgg": vgg}

if __name__ == "__main__":
    results = {}
    for key, image in np.load(sys.argv[1]).items():
        style, height, width = key.split()[:3]
        results[key] = STYLES[style](tf.constant(image), int(height), int(width)).numpy()
    np.savez(sys.argv[2], **results)
