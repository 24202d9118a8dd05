"""The network itself: which of its layers stand alone, and which follow one another under one name."""

from __future__ import annotations

import re
from collections import Counter

from tf2torch.ir.types import Value
from tf2torch.outline.compose import has_own_layers, module_form
from tf2torch.outline.shape import inner_shape
from tf2torch.outline.structure import Block, Concat, Leaf, Sequential, Step, is_weighted

STEM = "stem"
FEW = 2  # blocks of one shape; more of them in a row are gathered


def head(root: Block) -> Step | None:
    """The last layer with weights, if it gives what the network returns by nothing but functions: the classifier."""
    weighted = [step for step in root.steps if step.module is not None and is_weighted(step.module)]
    if not weighted or not isinstance(weighted[-1].target, Leaf):
        return None
    last = weighted[-1]
    return last if last.target.class_name in ("nn.Linear", "nn.Conv1d", "nn.Conv2d", "nn.Conv3d") else None  # type: ignore[union-attr]  # a leaf, see above


def arrange(root: Block) -> None:
    """Gathers runs of layers: those called alike (Mixed_5b, Mixed_5c), and the plain ones in front (the stem)."""
    readers: dict[Value, int] = dict.fromkeys(root.outputs, 1)
    for step in root.steps:
        for value in step.inputs:
            readers[value] = readers.get(value, 0) + 1
    last = head(root)
    result: list[Step] = []
    run: list[Step] = []
    for step in root.steps:
        module = module_form(step) if step is not last and len(step.inputs) == len(step.outputs) == 1 else None
        if run and (module is None or step.inputs[0] is not run[-1].outputs[0] or readers[step.inputs[0]] > 1):
            result += _gathered(run)
            run = []
        if module is None:
            result.append(step)
        else:
            run.append(step)
    root.steps = result + _gathered(run)


def _gathered(run: list[Step]) -> list[Step]:
    """The steps of a run, those that belong together as one."""
    keys = _keys(run)
    result: list[Step] = []
    while run:
        length = 1
        while length < len(run) and keys[length] in (keys[0], None):
            length += 1
        merged = sum(key is not None for key in keys[:length]) > 1
        while length > 1 and keys[length - 1] is None and (length == len(run) or not merged):
            length -= 1  # a function at the end stays in the forward, where it does not lead on
        key, members, run, keys = keys[0], run[:length], run[length:], keys[length:]
        weighted = sum(step.module is not None and is_weighted(step.module) for step in members)
        result += [_sequential(members, key)] if key and weighted > 1 else members
    return result


def _keys(run: list[Step]) -> list[str | None]:
    """What each step of a run belongs to; None: a function, which belongs to what stands before it."""
    plain = [isinstance(step.target, Block) and has_own_layers(step.target) for step in run]
    layered = [step.module is not None and is_weighted(step.module) for step in run]
    alike = Counter(inner_shape(step.target) for step in run if isinstance(step.target, (Block, Sequential)))
    repeated = _repeated(run)
    others = [index for index, is_layer in enumerate(layered) if is_layer and not plain[index]]
    keys: list[str | None] = []
    for index, step in enumerate(run):
        if not layered[index]:
            keys.append(None)
        elif others and index < others[0] and sum(plain[: others[0]]) > 2:
            keys.append(STEM)
        else:
            stem = re.sub(r"_\d+$", "", step.name)
            is_repeated = stem in repeated and _is_composite(step)
            keys.append(stem if is_repeated else _family(step, alike, run[max(index - 1, 0) : index + 2]) or step.name)
    return keys


def _is_composite(step: Step) -> bool:
    """Whether it is made of other modules alone."""
    is_block = isinstance(step.target, Block) and not has_own_layers(step.target)
    return is_block or isinstance(step.target, (Sequential, Concat))


def _repeated(run: list[Step]) -> set[str]:
    """What the author called several things: TensorFlow made name, name_1, name_2 of it."""
    called = [step.name for step in run if _is_composite(step)]
    counts = Counter(re.sub(r"_\d+$", "", name) for name in called)
    return {name for name in called if counts[name] > FEW}


def _family(step: Step, alike: Counter[str], neighbours: list[Step]) -> str | None:
    """Mixed_5 of a step called Mixed_5b; unit of unit_1 where it is one of several of the same shape.

    neighbours: the steps beside it, of which one has the same shape where a step has no forward of its own.
    """
    lettered = re.fullmatch(r"(.*\d)[a-z]", step.name)
    if lettered:
        return lettered[1]
    numbered = re.fullmatch(r"(.*[^\d_])_*\d+", step.name)
    if numbered is None or not isinstance(step.target, (Block, Sequential)) or not _is_composite(step):
        return None
    shape = inner_shape(step.target)
    beside = [inner_shape(other.target) for other in neighbours if isinstance(other.target, Sequential)]
    if isinstance(step.target, Sequential) and beside.count(shape) == 1:  # itself
        return None
    return numbered[1] if alike[shape] > FEW else None


def _sequential(members: list[Step], name: str) -> Step:
    steps = []
    for step in members:
        module = module_form(step)
        assert module is not None  # it would not be in a run
        steps.append(Step(module, step.inputs, step.outputs, step.name, step.nodes))
    nodes = tuple(node for step in members for node in step.nodes)
    return Step(Sequential(steps), members[0].inputs, members[-1].outputs, name, nodes)
