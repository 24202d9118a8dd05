"""Evaluation of what this engine made, loaded in each of its ways, and looked into module by module."""

from __future__ import annotations

import importlib.util
import pickle
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import ModuleType

import torch
from safetensors import SafetensorError
from torch import nn

from tf2torch.engines.native import SOURCE
from tf2torch.errors import InputError
from tf2torch.evaluate import board, evaluation, proof
from tf2torch.evaluate import device as devices
from tf2torch.evaluate.network import first_line
from tf2torch.evaluate.proof import Proof
from tf2torch.ir import correspondence
from tf2torch.job import Job


def run(job: Job, kept: Path, products: Path) -> None:
    """Writes report.json and report.md. Keeps board.json, for TensorBoard."""
    source = job.output / SOURCE
    ways, known = loaders(source, job.formats), read_proof(job)
    evaluation.run(job, ways, products, known)
    board.attempt(next(iter(ways.values())), devices.choose(job.device), known, kept)


def loaders(source: Path, formats: tuple[str, ...]) -> dict[str, evaluation.Loader]:
    """Each way to load the network, by the name of the file that it is loaded from."""
    found: dict[str, evaluation.Loader] = {
        f"{source.stem}.safetensors": partial(_from_source, source, "load", ".safetensors"),
        f"{source.stem}.pth": partial(_from_pickle, source.with_suffix(".pth")),
    }
    if "npy" in formats:
        found[f"KitModel({source.stem}.npy)"] = partial(_from_source, source, "KitModel", ".npy")
    return found


def read_proof(job: Job) -> Proof:
    """What TensorFlow computed on the way, and which of our tensors that is. Raises InputError if a part is missing."""
    graph, details = proof.recorded(job)
    known = correspondence.load(job.intermediate("codegen", "correspondence.json"))
    return Proof.of(graph, known, details, bisect=job.bisect)


def _from_source(source: Path, function: str, suffix: str) -> nn.Module:
    """What the function of the generated source makes of the weights beside it."""
    with _told(source.with_suffix(suffix)):
        network: nn.Module = getattr(imported(source), function)(source.with_suffix(suffix))
        return network


def imported(source: Path) -> ModuleType:
    """The generated source as a module. It needs torch alone, and is no module of ours."""
    name = f"tf2torch_converted_{source.parent.name}"
    specification = importlib.util.spec_from_file_location(name, source)
    assert specification is not None and specification.loader is not None  # noqa: PT018  # it is a .py
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    specification.loader.exec_module(module)
    return module


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turns what torch raises of a file that is not whole, or not of this source, into an InputError."""
    try:
        yield
    except (
        OSError,
        RuntimeError,
        ValueError,
        EOFError,
        AttributeError,
        pickle.UnpicklingError,
        SafetensorError,
    ) as error:
        raise InputError(
            f"{path} cannot be loaded ({first_line(error)}). `make convert FROM=codegen` makes it anew."
        ) from error


def _from_pickle(path: Path) -> nn.Module:
    """The network in a .pth, which brings its source with it."""
    with _told(path):
        # weights_only would refuse the class, which is the point of this file: trust it like the source.
        network: nn.Module = torch.load(path, map_location="cpu", weights_only=False)
        return network
