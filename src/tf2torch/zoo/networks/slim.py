"""tf_slim, importable: `from tf2torch.zoo.networks.slim import slim`. TensorFlow side."""

from __future__ import annotations

from typing import Any

from tf2torch.export.tensorflow import slim_networks

slim_networks("alexnet")  # any of its networks will do: this puts Keras' old layers where tf_slim looks for them
import tf_slim  # noqa: E402  # only after that

slim: Any = tf_slim
