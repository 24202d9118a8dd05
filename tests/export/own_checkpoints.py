"""Checkpoints as people have them, of the tiny network, and what they say to convert them: the cases of a test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Arrays = Mapping[str, Any]
AVERAGE = "/ExponentialMovingAverage"


def same(weights: Arrays) -> Arrays:
    return weights


def renamed(theirs: str, ours: str = "Tiny") -> Callable[[Arrays], Arrays]:
    return lambda weights: {f"{theirs}{name.removeprefix(ours)}".lstrip("/"): value for name, value in weights.items()}


def trained(weights: Arrays) -> Arrays:
    """With what optimizers keep."""
    slots = {f"{name}/{slot}": value for name, value in weights.items() for slot in ("Momentum", "RMSProp_1")}
    return {**weights, **slots, "train/beta1_power": np.float32(0.9), "global_step": np.int64(7)}


def averaged(weights: Arrays) -> Arrays:
    """Every second variable has a moving average, twice as large."""
    return {**weights, **{name + AVERAGE: 2 * weights[name] for name in sorted(weights)[::2]}}


def only_averaged(weights: Arrays) -> Arrays:
    return {name + AVERAGE: value for name, value in weights.items()}


def with_averages(weights: Arrays) -> Arrays:
    """What EMA=1 takes of `averaged`."""
    return {name: 2 * value if name in sorted(weights)[::2] else value for name, value in weights.items()}


def of_classes(count: int) -> Callable[[Arrays], Arrays]:
    def cut(weights: Arrays) -> Arrays:
        return {name: value[..., :count] if "logits" in name else value for name, value in weights.items()}

    return cut


def partial(weights: Arrays) -> Arrays:
    """Without the last layer, and with one of another name and one more."""
    rest = {name: value for name, value in weights.items() if "logits" not in name}
    return {**rest, "Tiny/logit/weights": weights["Tiny/logits/weights"], "Other/mean": np.zeros(3, np.float32)}


def in_float16(weights: Arrays) -> Arrays:
    return {name: value.astype(np.float16) for name, value in weights.items()}


def another(weights: Arrays) -> Arrays:  # noqa: ARG001  # none of them
    return {f"vgg/conv{number}/kernel": np.zeros((3, 3), np.float32) for number in range(14)}


@dataclass(frozen=True)
class Case:
    stored: Callable[[Arrays], Arrays]  # from the weights of the network to those of the checkpoint
    said: Mapping[str, str]
    taken: Callable[[Arrays], Arrays] | None = same  # what comes of it; None: an error
    words: tuple[str, ...] = ()  # of the error, or of what is said
    version: int = 2
    recipe: str = ""  # further lines


CASES = {
    "version 2": Case(same, {}),
    "version 1": Case(same, {}, version=1),
    "half precision": Case(in_float16, {}, in_float16),
    "with an optimizer's slots": Case(trained, {}, words=("",)),
    "with more": Case(
        lambda weights: {**weights, "Other/mean": np.zeros(3, np.float32)},
        {},
        words=("has variables that the network tiny has not, which are left out (1): Other/mean\n",),
    ),
    "averages": Case(averaged, {"EMA": "1"}, with_averages),
    "averages alone": Case(only_averaged, {"EMA": "1"}),
    "averages, not asked for": Case(averaged, {}, words=("moving averages of 6 variables, too; EMA=1 takes them.\n",)),
    "averages alone, not asked for": Case(
        only_averaged, {}, None, ("12 of 12", "EMA=1 takes moving averages, of which it has 12")
    ),
    "no averages": Case(same, {"EMA": "1"}, None, ("holds no moving averages",)),
    "renamed": Case(renamed("model/net"), {"SCOPE_MAP": "model/net=Tiny"}),
    "renamed, says the recipe": Case(renamed("net"), {}, recipe='scope_map = {net = "Tiny"}'),
    "without a scope": Case(renamed(""), {"SCOPE_MAP": "=Tiny"}),
    "averages of renamed": Case(
        lambda weights: renamed("net")(averaged(weights)), {"SCOPE_MAP": "net=Tiny", "EMA": "1"}, with_averages
    ),
    "renamed, nobody says so": Case(renamed("net"), {}, None, ("SCOPE_MAP=net=Tiny explains", "nearest: net/conv1")),
    "without a scope, nobody says so": Case(renamed(""), {}, None, ("SCOPE_MAP==Tiny explains",)),
    "renamed, of other classes, with averages": Case(
        lambda weights: renamed("net")(averaged(of_classes(7)(weights))),
        {},
        None,
        ("not in the network, 12:", "SCOPE_MAP=net=Tiny explains the missing ones."),
    ),
    "no such scope": Case(renamed("net"), {"SCOPE_MAP": "nets=Tiny"}, None, ("no scope nets. It has net.",)),
    "a component begins alike": Case(renamed("net2"), {"SCOPE_MAP": "net=Tiny"}, None, ("no scope net. It has net2",)),
    "two become one": Case(
        lambda weights: {**weights, **renamed("net")(weights)},
        {"SCOPE_MAP": "net=Tiny"},
        None,
        ("SCOPE_MAP: both ", " would be Tiny/"),
    ),
    "other classes": Case(of_classes(7), {}, of_classes(7), ("has 7 classes, where tiny has 11.\n",)),
    "other classes, said": Case(of_classes(7), {"NUM_CLASSES": "7"}, of_classes(7), ("",)),
    "other classes than said": Case(
        of_classes(7),
        {"NUM_CLASSES": "5"},
        None,
        ("has 7 classes, NUM_CLASSES=5 says otherwise", "load(num_classes=5)"),
    ),
    "partial": Case(
        partial,
        {},
        None,
        (
            "does not fit the network tiny: 2 of 12 variables.",
            "Tiny/logits/weights is missing (nearest: Tiny/logit/weights)\n",
            "Tiny/logits/biases is missing (nearest: Tiny/logit/weights, which is [1, 1, 8, 11] instead of [11])\n",
            "not in the network, 2:\n    Other/mean [3]\n    Tiny/logit/weights [1, 1, 8, 11]",
        ),
    ),
    "another network": Case(
        another,
        {},
        None,
        ("12 of 12", "and 2 more", "not in the network, 14:", "vgg/conv0/kernel [3, 3]", "and 4 more"),
    ),
}
