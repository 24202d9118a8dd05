"""PyTorch side: the generated network beside one written by hand, with the same weights, on the CPU."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tf2torch.benchmark import handwritten
from tf2torch.bundle import relative_error
from tf2torch.emit.package import SOURCE
from tf2torch.engines.native.evaluate import imported
from tf2torch.errors import ParityError
from tf2torch.job import Job
from tf2torch.progress import Progress

BATCH = 8
WARM_UP = 2  # runs of each network that do not count
EQUAL = 1e-5  # relative difference of the outputs: the same sums in another order
FORMATS = {"channels_last": torch.channels_last, "contiguous": torch.contiguous_format}

Pair = tuple[float, float]


def measure(job: Job, products: str, rounds: str) -> dict[str, Any]:
    """Seconds of (generated, hand-written) for each memory format; of the generated one twice if there is no other."""
    generated: nn.Module = imported(Path(products) / SOURCE).load()
    images = seeded_images(BATCH, job.recipe.input_size)
    other = generated
    if job.name in handwritten.NETWORKS:
        other = by_hand(job.name, job.recipe.classes).eval()
        give_weights(generated, other)
        check_equal(generated, other, images)
    count = int(rounds)
    with Progress(f"latency at batch {BATCH}", len(FORMATS) * (count + WARM_UP), unit="pairs") as progress:
        pairs = {name: _in_format(generated, other, images, name, count, progress.update) for name in FORMATS}
    return {"pairs": pairs, "threads": torch.get_num_threads(), "torch": torch.__version__}


def seeded_images(batch: int, size: int) -> Tensor:
    """Of shape [batch, 3, size, size]; always the same."""
    return torch.randn((batch, 3, size, size), generator=torch.Generator().manual_seed(0))


def by_hand(name: str, classes: int) -> nn.Module:
    """The network that was written by hand, with any weights."""
    module = importlib.import_module(f"{handwritten.__name__}.{name}")
    network: nn.Module = getattr(module, handwritten.NETWORKS[name])(classes)
    return network


def give_weights(source: nn.Module, target: nn.Module) -> None:
    """Gives `target` the weights of `source`, layer by layer in the order of definition, and the epsilon of its norms.

    Raises ParityError if the layers are others.
    """
    pairs = list(zip(layers(source), layers(target), strict=False))
    for index, (ours, theirs) in enumerate(pairs):
        if _shapes(ours) != _shapes(theirs):
            raise ParityError(
                f"The hand-written {type(target).__name__} has other layers: layer {index + 1} is {theirs}, not {ours}."
            )
        theirs.load_state_dict(ours.state_dict())
        if isinstance(theirs, nn.BatchNorm2d):
            theirs.eps = float(ours.eps)  # type: ignore[arg-type]  # of the same shapes, so a norm too
    if len(layers(source)) != len(layers(target)):
        counts = f"{len(layers(target))}, not {len(layers(source))}"
        raise ParityError(f"The hand-written {type(target).__name__} has other layers: {counts}.")


def layers(network: nn.Module) -> list[nn.Module]:
    """The modules that hold weights or buffers themselves, in the order of definition."""
    return [module for module in network.modules() if [*module.parameters(False), *module.buffers(False)]]


def _shapes(layer: nn.Module) -> dict[str, torch.Size]:
    return {name: value.shape for name, value in layer.state_dict().items()}


def check_equal(generated: nn.Module, other: nn.Module, images: Tensor) -> None:
    """Raises ParityError unless both compute the same."""
    with torch.inference_mode():
        error = relative_error(other(images).numpy(), generated(images).numpy())
    if error > EQUAL:
        raise ParityError(
            f"The hand-written {type(other).__name__} computes something else than the generated one: relative "
            f"difference {error:.1e}. With unequal work there is no latency to compare."
        )


def _in_format(
    generated: nn.Module, other: nn.Module, images: Tensor, name: str, rounds: int, tick: Callable[[], None]
) -> list[Pair]:
    images = images.to(memory_format=FORMATS[name])
    networks = [network.to(memory_format=FORMATS[name]) for network in (generated, other)]  # type: ignore[call-overload]  # torch's stubs lack it
    with torch.inference_mode():
        return alternate(lambda: networks[0](images), lambda: networks[1](images), rounds, tick)


def alternate(
    first: Callable[[], object], second: Callable[[], object], rounds: int, tick: Callable[[], None]
) -> list[Pair]:
    """Seconds of (first, second) of each round. Who begins changes, so that neither finds the warmer caches."""
    pairs: list[Pair] = []
    for index in range(WARM_UP + rounds):
        pairs.append((_seconds(first), _seconds(second)) if index % 2 else (_seconds(second), _seconds(first))[::-1])
        tick()
    return pairs[WARM_UP:]


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
