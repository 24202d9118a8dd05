"""Attacks on a classifier of images, the same arithmetic for both sides: FGSM, and ten steps of PGD. Numpy only.

Each side brings two functions, the gradient and the classes; all else happens here. The loss is the logarithm of the
sum of the other classes' exponentials, less the output of the label: its gradient is that of the cross-entropy but for
a positive factor, which is all that the sign of it needs, and it does not vanish where the network is sure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from tf2torch import images
from tf2torch.recipe import Preprocessing

FloatArray = np.ndarray[Any, np.dtype[np.float32]]
IntArray = np.ndarray[Any, np.dtype[np.int64]]
Bits = np.ndarray[Any, np.dtype[np.uint8]]

IMAGES = 4
FEW = 2  # of them for PGD, which takes ten times as long
STEPS = 10
FAR = 1e9  # what the loss takes from the output of the label, so that the exponential of it is nothing


@dataclass(frozen=True, slots=True)
class Attack:
    method: Literal["FGSM", "PGD"]
    eps: int  # in 255ths of the range of a pixel

    @property
    def steps(self) -> int:
        return 1 if self.method == "FGSM" else STEPS


ATTACKS = tuple(Attack(method, eps) for method in ("FGSM", "PGD") for eps in (8, 16))


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a side makes of the same images."""

    inputs: FloatArray  # [n, H, W, 3], as the network takes them
    labels: IntArray  # [n], what TensorFlow names them
    counts: IntArray  # [attacks], how many of the images each of ATTACKS is tried on, the first ones
    gradient: FloatArray  # [n, H, W, 3], of the loss
    raised: Bits  # [attacks, bytes], packed: whether the attack raised each number
    fooled: Bits  # [attacks, n], 1 where the network names the attacked image otherwise


def run(
    gradient: Callable[[FloatArray], FloatArray],
    classes: Callable[[FloatArray], IntArray],
    inputs: FloatArray,
    labels: IntArray,
    counts: IntArray,
    style: Preprocessing,
    seed: int,
) -> Recorded:
    """Attacks the first inputs, or all.

    gradient: of the loss for the labels of the first inputs, as many as it is given; classes: the largest outputs.
    """
    first = gradient(inputs)
    raised = np.zeros((len(ATTACKS), *inputs.shape), bool)
    fooled = np.zeros((len(ATTACKS), len(inputs)), np.uint8)
    for attack, count, up, wrong in zip(ATTACKS, counts, raised, fooled, strict=True):
        changed = _attacked(attack, gradient, first[:count], inputs[:count], style, seed)
        up[:count] = changed > inputs[:count]
        wrong[:count] = classes(changed) != labels[:count]
    return Recorded(inputs, labels, counts, first, np.packbits(raised.reshape(len(ATTACKS), -1), 1), fooled)


def _attacked(
    attack: Attack,
    gradient: Callable[[FloatArray], FloatArray],
    first: FloatArray,
    inputs: FloatArray,
    style: Preprocessing,
    seed: int,
) -> FloatArray:
    """The attacked images, in the range of images and no further than eps from them."""
    lowest, highest = (images.network_input(np.full(3, end, np.float32), style) for end in (0, 1))
    eps = (highest - lowest) * np.float32(attack.eps / 255)
    least, most = np.maximum(inputs - eps, lowest), np.minimum(inputs + eps, highest)
    if attack.method == "FGSM":
        return np.clip(inputs + eps * np.sign(first), least, most)
    start = np.asarray(np.random.default_rng([seed, attack.eps]).uniform(-1, 1, inputs.shape), np.float32)
    changed: FloatArray = np.clip(inputs + eps * start, least, most)
    for _ in range(attack.steps):
        changed = np.clip(changed + eps / np.float32(4) * np.sign(gradient(changed)), least, most)
    return changed


def successes(recorded: Recorded) -> list[float]:
    """For each attack the share of its images that are named otherwise."""
    return [float(row[:count].mean()) for row, count in zip(recorded.fooled, recorded.counts, strict=True)]


def same_signs(ours: Recorded, theirs: Recorded) -> list[float]:
    """For each attack the share of numbers that both sides raise, or both do not."""
    sizes = theirs.counts * theirs.inputs[0].size
    triples = zip(ours.raised, theirs.raised, sizes, strict=True)
    return [float(1 - np.unpackbits(mine ^ yours, count=size).mean()) for mine, yours, size in triples]
