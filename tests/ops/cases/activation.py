"""Activations."""

from __future__ import annotations

from tests.ops.case import Case, seeded

X = seeded(2, 3, 4, low=-8, high=8)
WIDE = seeded(2, 3, 4, low=-60, high=60)

CASES = (
    *(Case(op, {"features": X}) for op in ("Elu", "LeakyRelu", "Relu", "Relu6", "Selu", "Softplus", "Softsign")),
    *(Case(op, {"x": X}) for op in ("Tanh", "Sigmoid")),
    *(Case(op, {"logits": X}) for op in ("Softmax", "LogSoftmax")),
    Case("LeakyRelu", {"features": X}, {"alpha": 0.1}),
    Case("Relu", {"features": seeded(8, low=-4, high=4, dtype="int32")}, note="integers"),
    Case("Softplus", {"features": WIDE}, note="where exp would overflow"),
    Case("Softplus", {"features": WIDE.astype("float64")}, tolerance=1e-10, note="float64"),
    Case("Softmax", {"logits": WIDE[0]}, note="matrix"),
)
