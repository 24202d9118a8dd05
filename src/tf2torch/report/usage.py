"""How what was made is loaded, as source to copy."""

from __future__ import annotations

from typing import Any

PHOTOGRAPH = """\
import numpy
import torch
from PIL import Image

from converted_pytorch import load, preprocess

network = load()  # ready to run; network.train() to go on training
image = torch.from_numpy(numpy.array(Image.open("photograph.jpg").convert("RGB"))).permute(2, 0, 1)
with torch.inference_mode():
    logits = network(preprocess(image)[None])
print(logits.softmax(1).topk(5))
"""
PLAIN = """\
import torch

from converted_pytorch import {function}

network = {call}  # ready to run; network.train() to go on training
with torch.inference_mode():
    outputs = network({inputs})
"""


def loading(result: dict[str, Any], source: str) -> str:
    """For the folder in which the generated source stands."""
    if "\ndef preprocess(" in source:
        return PHOTOGRAPH
    native = result["engine"] == "native"
    network = result.get("network") or {}
    shapes = network.get("input") or [["..."]]
    return PLAIN.format(
        function="load" if native else "KitModel",
        call="load()" if native else 'KitModel("converted_pytorch.npy").eval()',
        inputs=", ".join(f"torch.rand({', '.join(map(str, shape))})" for shape in shapes),
    )
