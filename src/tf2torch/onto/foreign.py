"""Networks that others wrote: how they are named, and a converted network's weights under their keys."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tf2torch.bundle import relative_error
from tf2torch.errors import InputError, MachineError, UsageError
from tf2torch.onto.matching import match
from tf2torch.onto.wiring import Layer, layers, squeezed

TIMM = "timm"
_SETTINGS = ("eps", "stride", "dilation", "groups", "ceil_mode")  # of layers, in which a disagreement may lie
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Mapped:
    count: int  # keys of the foreign network that have their weights
    state: Mapping[str, Tensor]  # these, and what counts batches
    ours_left: tuple[str, ...]  # keys that have no counterpart
    theirs_left: tuple[str, ...]
    differ: tuple[str, ...]  # settings of paired layers that are not the same, in words


def build(name: str, classes: int) -> nn.Module:
    """The network `timm:NAME`, `package.module:factory` or `file.py:factory`, in evaluation mode.

    classes: that timm's is to have; 0 leaves it as it is.
    Raises MachineError if timm is not installed, UsageError for what is not there, InputError if it is no network.
    """
    where, _, what = name.rpartition(":")
    if where == TIMM:
        return _from_timm(what, classes)
    module = _module(where)
    factory = getattr(module, what, None)
    if not callable(factory):
        raise UsageError(f"--onto {name}: {where} has no {what} to call.")
    try:
        made = factory()
    except (Exception, SystemExit) as error:  # whatever the user's own code raises
        raise InputError(f"--onto {name}: {what}() raised {type(error).__name__}: {error}.") from error
    if not isinstance(made, nn.Module):
        raise InputError(f"--onto {name}: {what}() gives a {type(made).__name__}, not an nn.Module.")
    return made.eval()


def _from_timm(name: str, classes: int) -> nn.Module:
    try:
        timm: Any = importlib.import_module(TIMM)
    except ModuleNotFoundError as error:
        raise MachineError(
            f"--onto {TIMM}:{name} needs timm, which is no part of tf2torch. `pip install timm` in the environment "
            "where PyTorch is (of RUNTIME=local: .venv/bin/pip), or name a module of your own: package.module:factory."
        ) from error
    except Exception as error:  # what it needs itself is not there, or not for this torch
        raise MachineError(
            f"--onto {TIMM}:{name}: timm cannot be imported ({error}). Mend its installation."
        ) from error
    if not timm.is_model(name):
        near = ", ".join(timm.list_models(f"*{name.split('.')[0][:8]}*")[:_SHOWN])
        raise UsageError(f"timm has no network {name!r}.{f' It has {near}.' if near else ''}")
    network: nn.Module = timm.create_model(name, pretrained=False, **({"num_classes": classes} if classes else {}))
    return network.eval()


def _module(where: str) -> Any:
    """Of a file, or of a package that can be imported from here."""
    try:
        if where.endswith(".py"):
            specification = importlib.util.spec_from_file_location(Path(where).stem, where)
            assert specification is not None and specification.loader is not None  # noqa: PT018  # it is a .py
            module = importlib.util.module_from_spec(specification)
            sys.modules.setdefault(Path(where).stem, module)  # dataclasses look their module up
            specification.loader.exec_module(module)
            return module
        if str(Path.cwd()) not in sys.path:
            sys.path.append(str(Path.cwd()))
        return importlib.import_module(where)
    except (Exception, SystemExit) as error:  # whatever the user's own code raises
        raise UsageError(
            f"--onto {where}: cannot be imported ({error}). It is a file or a module, and in it what makes the "
            "network: file.py:factory, package.module:factory, or timm:NAME."
        ) from error


def put(network: nn.Module, foreign: nn.Module, inputs: Sequence[Tensor]) -> Mapped:
    """The weights of a converted network for a foreign one. `inputs` are what both take."""
    pairs, differ = _pairs(network, foreign, inputs)
    own, state, tied = network.state_dict(), dict(foreign.state_dict()), _tied(foreign)
    mapped = set()
    for theirs, ours in pairs.items():
        for key in tied.get(theirs, (theirs,)):
            state[key] = own[ours].reshape(state[key].shape).to(state[key].dtype)
            mapped.add(key)
    left = tuple(key for key, value in state.items() if value.is_floating_point() and key not in mapped)
    ours_left = tuple(key for key, value in own.items() if value.is_floating_point() and key not in pairs.values())
    kept = {key: value for key, value in state.items() if key not in left}
    return Mapped(len(mapped), kept, ours_left, left, tuple(differ))


def _pairs(network: nn.Module, foreign: nn.Module, inputs: Sequence[Tensor]) -> tuple[dict[str, str], list[str]]:
    """Their keys -> ours, and in which settings paired layers differ."""
    ours, theirs = layers(network, inputs), _layers_of(foreign, inputs)
    pairs: dict[str, str] = {}
    differ: dict[str, None] = {}
    for mine, other in sorted(match(ours, theirs).items()):
        keys = ours[mine].keys, theirs[other].keys
        if pairs.keys().isdisjoint(keys[1]):  # else it runs a second time
            pairs.update(zip(*reversed(keys), strict=True))
            owners = _owner(network, ours[mine]), _owner(foreign, theirs[other])
            pairs.update(_statistics(*owners))
            differ.update(dict.fromkeys(_differences(*owners)))
    return pairs, [*differ]


def compare(network: nn.Module, foreign: nn.Module, inputs: Sequence[Tensor]) -> float:
    """The largest relative error of the foreign network's outputs in float64; equal networks agree to 1e-12 or so.

    Of a network with one output the other's first counts: what it gives besides is its own. Infinity for an output of
    another shape. Both are in float64 afterwards. Raises InputError if one cannot be, or gives too few outputs.
    """
    wide = [tensor.double() if tensor.is_floating_point() else tensor for tensor in inputs]
    try:
        with torch.inference_mode():
            expected, found = ([*_tensors(each.double()(*wide))] for each in (network, foreign))
    except (RuntimeError, TypeError) as error:  # it makes float32 tensors of its own
        reason = str(error).splitlines()[0]
        raise InputError(
            f"The network given with --onto does not run in float64 ({reason}), to be compared."
        ) from error
    if len(found) < len(expected):
        raise InputError(
            f"The network given with --onto gives {len(found)} of the {len(expected)} outputs of the converted one, "
            "so they cannot be compared."
        )
    return max(map(_error, found, expected))


def _error(found: Tensor, expected: Tensor) -> float:
    if expected.squeeze().shape != found.squeeze().shape:
        return float("inf")
    return relative_error(found.squeeze().numpy(), expected.squeeze().numpy())


def _tensors(result: Any) -> Iterator[Tensor]:
    """Those in whatever a network gives, in order."""
    if isinstance(result, Tensor):
        yield result
    elif isinstance(result, (tuple, list, dict)):
        for item in result.values() if isinstance(result, dict) else result:
            yield from _tensors(item)


def _layers_of(foreign: nn.Module, inputs: Sequence[Tensor]) -> list[Layer]:
    try:
        return layers(foreign, inputs)
    except (RuntimeError, TypeError, ValueError) as error:
        shapes = " and ".join(str([*tensor.shape]) for tensor in inputs)
        reason = str(error).splitlines()[0]
        raise InputError(
            f"The network given with --onto cannot run on what the converted one takes, {shapes}: {reason}"
        ) from error


def _owner(network: nn.Module, layer: Layer) -> tuple[str, nn.Module]:
    path = layer.keys[0].rpartition(".")[0]
    return path, network.get_submodule(path)


def _statistics(ours: tuple[str, nn.Module], theirs: tuple[str, nn.Module]) -> dict[str, str]:
    """Their keys of the buffers of two norms -> ours: of the same name, or in order, the mean before the variance."""
    mine, other = (dict(module.named_buffers(recurse=False)) for _, module in (ours, theirs))
    mine, other = ({k: v for k, v in each.items() if v.is_floating_point()} for each in (mine, other))
    names = dict.fromkeys(mine) if mine.keys() <= other.keys() else None
    pairs = zip(names or other, mine, strict=False)
    return {
        _key(theirs[0], there): _key(ours[0], here)
        for there, here in pairs
        if squeezed(other[there]) == squeezed(mine[here])
    }


def _key(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _differences(ours: tuple[str, nn.Module], theirs: tuple[str, nn.Module]) -> list[str]:
    found = []
    for name in _SETTINGS:
        mine, other = getattr(ours[1], name, None), getattr(theirs[1], name, None)
        if None not in (mine, other) and mine != other:
            found.append(f"{theirs[0]}: {name} {other}, converted {mine}")
    return found


def _tied(network: nn.Module) -> dict[str, tuple[str, ...]]:
    """All keys of the parameters that have several, by each of them."""
    by_tensor: dict[int, list[str]] = {}
    for name, parameter in network.named_parameters(remove_duplicate=False):
        by_tensor.setdefault(id(parameter), []).append(name)
    return {name: tuple(names) for names in by_tensor.values() if len(names) > 1 for name in names}
