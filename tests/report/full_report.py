"""A report.json with everything in it that there can be, made up."""

from __future__ import annotations

import base64
import io
import json
import math
from typing import Any

from PIL import Image

from tf2torch.evaluate.report import SCHEMA

SOURCE = '''"""residual_net, converted from TensorFlow; 2,342 trainable parameters."""

import torch
from torch import Tensor, nn


class Unit(nn.Module):
    """unit (3 uses)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(channels, eps=1e-05, momentum=0.003)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.bn(self.conv(x)).relu()  # <b>not bold</b> & "quoted"


def load(weights: str = "converted_pytorch.safetensors") -> Unit:
    return Unit(8)
'''
FAMILIES = {"Conv2D": "convolution", "FusedBatchNormV3": "normalization", "Relu": "activation"}
BLOCKS = {"stem": 1, "block1": 3, "block2": 4, "block3": 6, "block4": 3}


def result(**changes: object) -> dict[str, Any]:
    """A conversion that passed, but for the changes."""
    coarse = {"error": 1.2e-3, "same_top1": 10, "count": 10}
    whole = {
        "schema": SCHEMA,
        "model": "residual_net",
        "engine": "native",
        "weights": "pretrained",
        "verdict": "PASS",
        "tensorflow": "2.21.0",
        "torch": "2.13.0",
        "device": "CPU",
        "published_accuracy": {"top1": 75.2, "top5": 92.2},
        "loaded": {
            "converted_pytorch.safetensors": {**_entry(), "tf32": coarse, "modules": modules(), **_parts()},
            "converted_pytorch.pth": {**_entry(), **dict.fromkeys(("modules", "gradients", "trainable", "float64"))},
        },
        "notes": ["gradients of part/of/the/graph: TensorFlow has none for Where"],
        "provenance": provenance(),
        "network": network(),
        "examples": [example(index) for index in range(6)],
        "attacks": attacks(),
        "timing": timing(),
    }
    return json.loads(json.dumps({**whole, **changes}))  # type: ignore[no-any-return]  # every row a dictionary of its own


def failed() -> dict[str, Any]:
    """The same, but one module goes wrong half-way, and all after it."""
    found = result(verdict="FAIL")
    entry = found["loaded"]["converted_pytorch.safetensors"]
    rows = entry["modules"]["rows"]
    middle = next(index for index, row in enumerate(rows) if row["path"] == "block3.1.conv")
    for row in rows[middle:]:
        row.update(passed=False, error=3e-2 * (1 + len(row["path"]) % 5))
    figures = {"mean": 0.01, "std": 1.02, "min": -4.2, "max": 5.1}
    hint = "SAME padding that is symmetric: TensorFlow puts the odd pixel to the right and to the bottom"
    rows[middle].update(ours=figures, theirs={**figures, "mean": 0.03}, differing=0.24, hint=hint)
    rows[-1].update(error=None)
    entry["passed"] = entry["modules"]["passed"] = False
    entry["modules"]["by_itself"] = {**modules(), "passed": False, "first_diverging": rows[middle]}
    entry["modules"]["by_itself"]["rows"][middle] = rows[middle]
    entry["modules"]["first_diverging"] = rows[middle]
    for row in entry["comparisons"].values():
        row.update(passed=False, error=0.21)
    entry["comparisons"]["size 257x257"] = {
        "passed": False,
        "error": None,
        "shape": [1, 10],
        "wanted_shape": [1, 1000],
        "tolerance": 1e-5,
    }
    return found


def _entry() -> dict[str, Any]:
    row = {"passed": True, "error": 3.9e-6, "tolerance": 1.1e-5}
    one, two, ten = ({"same_top1": count, "count": count} for count in (1, 2, 10))
    comparisons = {
        "batch 1": {**row, **one, "float32_error": 3.4e-6},
        "batch 2": {**row, "error": 5.6e-6, **two},
        "size 257x257": {**row, "error": 5.1e-6, **one},
        "batch 10": {**row, "error": 8.0e-6, **ten, "float32_error": 3.5e-6},
        "images": {**row, "error": 5.5e-6, **ten, "float32_error": 3.6e-6},
    }
    side = {"top1": 7520, "top5": 9221}
    counts = {"images": 10_000, "tensorflow": side, "pytorch": side}
    return {"passed": True, "parameters": 25_557_032, "comparisons": comparisons, "accuracy": counts}


def _parts() -> dict[str, Any]:
    row = {"passed": True, "cosine": 0.9999943, "same_sign": 0.9994, "relative_l2": 3.4e-3}
    worst = {"variable": "residual_net/block1/unit_3/BatchNorm/gamma", **row}
    return {
        "gradients": {
            "passed": True,
            "inputs": [row],
            "variables": {"passed": True, "compared": 161, "cosine": 0.9999946, "worst": worst, "failing": []},
        },
        "trainable": {
            "passed": True,
            "trainable": 25_557_032,
            "tensorflow": 25_557_032,
            "baked": 0,
            "baked_variables": [],
        },
        "float64": {"passed": True, "tolerance": 1e-9, "errors": {"outputs": 2.1e-14, "input gradients": 4.0e-14}},
    }


def modules() -> dict[str, Any]:
    names = [
        (f"{block}.{unit}{part}", kind, op)
        for block, units in BLOCKS.items()
        for unit in range(units)
        for part, kind, op in (
            (".conv", "nn.Conv2d", "Conv2D"),
            (".bn", "nn.BatchNorm2d", "FusedBatchNormV3"),
            ("", "Unit", "Relu"),
        )
    ]
    rows = [
        {
            "path": path,
            "call": 1,
            "class": kind,
            "ops": [op],
            "nodes": [f"residual_net/{path.replace('.', '/')}/{op}"],
            "tensor": f"residual_net/{path.replace('.', '/')}/{op}:0",
            "family": FAMILIES[op],
            "passed": True,
            "error": 0.0 if index == 0 else 2e-7 * (1 + index / 6) * (1.4 + math.sin(index)),
            "tolerance": 1e-6 * (1 + index / 6),
        }
        for index, (path, kind, op) in enumerate(names)
    ]
    rows.append({**rows[-1], "path": "", "class": "ResidualNet", "tensor": "Squeeze:0", "ops": ["Squeeze"]})
    rows.append({**rows[0], "path": "labels", "passed": None, "error": None})
    rows[-1].pop("tolerance")
    return {"passed": True, "stopped": None, "compared": len(rows) - 1, "first_diverging": None, "rows": rows}


def provenance() -> dict[str, Any]:
    made = {"sha256": "4d09edc21ef41c31cf04d1d8b710119bbbb6685c694b36213016101054d286ec", "weights": "pretrained"}
    return {
        "command": "make convert MODEL=residual_net IMAGES='my photographs' PROOF=1",
        "source": {
            "url": "http://download.tensorflow.org/models/residual_net_2016_08_28.tar.gz",
            "sha256": "fe242206dcb26a579791f0356208e4136af168f0499ef2f34dc21663c30dd3b6",
        },
        "products": {
            "converted_pytorch.py": {**made, "stage": "codegen"},
            "converted_pytorch.pth": {**made, "stage": "build"},
        },
        "versions": {"export": {"tensorflow": "2.21.0", "tf-slim": "1.1.0"}, "codegen": {"torch": "2.13.0"}},
        "seconds": {"export": 43.5, "codegen": 6.0},
    }


def network() -> dict[str, Any]:
    def layer(name: str, kind: str, details: str, parameters: int, size: int) -> dict[str, Any]:
        about = {"name": name, "class": kind, "details": details, "parameters": parameters}
        return {**about, "output": [1, 64, size, size], "parts": []}

    def unit(name: str, size: int) -> dict[str, Any]:
        conv = layer("conv", "Conv2d", "64, 64, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1)", 36_864, size)
        parts = [conv, layer("bn", "BatchNorm2d", "64, eps=1e-05, momentum=0.003", 128, size)]
        return {**layer(name, "Unit", "", 36_992, size), "parts": parts}

    parts = []
    for place, (block, count) in enumerate(BLOCKS.items()):
        units = [unit(str(index), 112 >> place) for index in range(count)]
        parts.append({**layer(block, "Sequential", "", 36_992 * count, 112 >> place), "parts": units})
    top = {"name": "", "class": "ResidualNet", "details": "", "parameters": 36_992 * 17, "output": [1, 1000]}
    return {"input": [[1, 3, 224, 224]], **top, "parts": parts}


def example(index: int) -> dict[str, Any]:
    sides = [[[100 + index + place, 0.62 / (place + 1) ** 2] for place in range(5)] for _ in range(2)]
    if index == 4:
        sides[1][3][0] = 7
    return {
        "name": f"ILSVRC2012_val_{index:08}.JPEG",
        "label": 100 + index + index % 3,
        "thumbnail": picture(index),
        "tensorflow": sides[0],
        "pytorch": sides[1],
    }


def picture(index: int) -> str:
    buffer = io.BytesIO()
    gradient = Image.linear_gradient("L").resize((144, 144))
    Image.merge("RGB", (gradient.rotate(90 * index), gradient, gradient.rotate(37 * index))).save(buffer, "JPEG")
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def attacks() -> dict[str, Any]:
    def row(attack: str, steps: int, epsilon: int, same: float) -> dict[str, Any]:
        side = {"success": 0.9 + epsilon / 160}
        figures = {"tensorflow": side, "pytorch": side, "same_sign": same}
        return {"attack": attack, "steps": steps, "epsilon": epsilon, "images": 10, **figures}

    return {
        "images": 10,
        "passed": True,
        "gradient": {"passed": True, "cosine": 0.999991, "same_sign": 0.9991, "relative_l2": 1e-5},
        "rows": [
            *(row("FGSM", 1, 8, 0.9991), row("FGSM", 1, 16, 0.9991)),
            *(row("PGD", 10, 8, 0.9852), row("PGD", 10, 16, 0.9866)),
        ],
    }


def timing() -> dict[str, Any]:
    ways = {"TensorFlow": 1.0, "eager": 0.89, "channels_last": 0.81, "bf16 autocast": 1.4, "BN folded": 0.74}
    rows: list[dict[str, Any]] = [
        {
            "way": way,
            "batch": batch,
            "median_ms": 41.0 * batch * ratio,
            "spread_ms": [40.2 * batch * ratio, 43.9 * batch * ratio],
            "ratio": ratio,
            "memory_mb": 512.0 + 31 * batch,
            "error": 2.1e-3 if way == "bf16 autocast" else None,
        }
        for batch in (1, 8, 32)
        for way, ratio in ways.items()
    ]
    problem = "no C++ compiler is installed"
    nothing = dict.fromkeys(("median_ms", "spread_ms", "ratio", "memory_mb"))
    rows.append({"way": "torch.compile", "batch": 1, **nothing, "problem": problem})
    notes = ["torch.compile: left out at batch 8 and 32."]
    return {
        "device": "CPU",
        "threads": 2,
        "parameters": 25_557_032,
        "macs": 4_089_184_256,
        "rows": rows,
        "notes": notes,
    }
