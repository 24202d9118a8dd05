"""TensorFlow in graph mode: the one place that imports it and decides how it behaves.

The networks and their checkpoints are TensorFlow 1 programs, so everything here is `tensorflow.compat.v1`.
"""

from __future__ import annotations

import importlib
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tf2torch.export.legacy_layers import legacy_layers

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # its kernels add rounding of their own to the reference
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")  # the reference is computed on the CPU: a GPU would add TF32 noise


@contextmanager
def _silence() -> Iterator[None]:
    """Drops what TensorFlow's C++ side writes to the terminal while it loads (it found no CUDA: nobody asked)."""
    saved = os.dup(2)
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)


# Deprecations inside TensorFlow's own packages, on which nobody here can act.
warnings.filterwarnings("ignore", module=r"(tensorflow|keras|tf_keras|tf_slim)(\..*)?$")
with _silence():
    import tensorflow

    tf: Any = tensorflow.compat.v1
    tf.logging.set_verbosity(tf.logging.ERROR)
    tf.disable_v2_behavior()


def slim_networks(module: str) -> Any:
    """The module tf_slim.nets.<module>. tf_slim looks for Keras' old layers where tf_keras no longer keeps them."""
    with _silence():
        sys.modules.update(legacy_layers())
        return importlib.import_module(f"tf_slim.nets.{module}")


def session(graph: Any) -> Any:
    """A session that computes the graph as it stands: Grappler's rewrites cost more than they bring here."""
    config = tf.ConfigProto()
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    return tf.Session(graph=graph, config=config)
