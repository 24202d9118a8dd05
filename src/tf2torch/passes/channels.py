"""Which axis has the channels."""

from __future__ import annotations

from tf2torch.ir.types import Value

LAST = {2: "NC", 3: "NWC", 4: "NHWC", 5: "NDHWC"}  # data_format by rank where channels are last, and where first
FIRST = {2: "NC", 3: "NCW", 4: "NCHW", 5: "NCDHW"}


def rank_of(value: Value) -> int | None:
    return None if value.type.shape is None else len(value.type.shape)


def axis_of(vector: Value, x: Value) -> int | None:
    """The axis of x along which a vector, maybe reshaped, lies; None if it is not one number for each channel."""
    shape, of_x = vector.type.shape, x.type.shape
    if not shape or of_x is None or len(shape) > len(of_x):
        return None
    if len(shape) == 1:
        return len(of_x) - 1 if shape[0] == of_x[-1] else None
    missing = len(of_x) - len(shape)
    wide = [axis for axis, length in enumerate(shape, missing) if length != 1]
    return wide[0] if len(wide) == 1 and shape[wide[0] - missing] == of_x[wide[0]] else None
