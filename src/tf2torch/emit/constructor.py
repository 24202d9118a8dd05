"""Modules as constructor calls: nn.Conv2d(3, 64, 7, stride=2), Concat(...), Bottleneck(64, 64)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tf2torch.emit.code import Uses, literal
from tf2torch.outline.classes import Argument, Class
from tf2torch.outline.shape import columns, inner_columns, inner_shape, is_number
from tf2torch.outline.structure import Cells, Concat, Leaf, Module, Residual, Sequential, Step, substeps

# Constructor arguments that are given by position, and the defaults of the others.
_POSITIONAL = ("in_channels", "out_channels", "kernel_size", "num_features", "in_features", "out_features", "size")
_ALSO_POSITIONAL = ("stride", "padding")
_DEFAULTS: Mapping[str, Any] = {
    "padding": 0,
    "dilation": 1,
    "groups": 1,
    "output_padding": 0,
    "ceil_mode": False,
    "count_include_pad": True,
    "affine": True,
    "start_dim": 1,
    "end_dim": -1,
    "negative_slope": 0.01,
}


class Constructors:
    """Prints constructor calls; collects what they use."""

    def __init__(self, classes: Mapping[str, Class], uses: Uses) -> None:
        self.classes, self.uses = classes, uses

    def text(self, module: Module, number: Callable[[int], str | None], offset: int = 0) -> str:
        """The call that makes a module. `number(i)`: the expression for the i-th number; None: the number itself."""
        known = self.classes.get(inner_shape(module))
        if known is not None:
            return self._instance(known, module, number, offset)
        if isinstance(module, Leaf):
            return self._leaf(module, number, offset)
        elements = self._elements(module, number, offset)
        if isinstance(module, Concat):
            self.uses.helpers["Concat"] = None
            return f"Concat({', '.join(elements)})"
        if isinstance(module, Residual):
            self.uses.helpers["Residual"] = None
            return f"Residual({', '.join(elements)})"
        if isinstance(module, Cells):
            self.uses.helpers["Cells"] = None
            return f"Cells([{', '.join(elements)}])"
        return f"nn.Sequential({', '.join(elements)})"

    def _elements(self, module: Module, number: Callable[[int], str | None], offset: int) -> list[str]:
        """The modules in a Sequential or Concat; runs of three and more that differ in at most one argument as one."""
        texts: list[str] = []
        for step in substeps(module):
            assert step.module is not None
            texts.append(self.text(step.module, number, offset))
            offset += len(columns(step.module))
        return _comprehended(texts) if isinstance(module, Sequential) else texts

    def elements(self, module: Module, number: Callable[[int], str | None]) -> list[str]:
        return self._elements(module, number, 0)

    def _leaf(self, leaf: Leaf, number: Callable[[int], str | None], offset: int) -> str:
        given: list[tuple[str, str]] = []
        class_name = leaf.class_name
        for name, value in leaf.args.items():
            text = literal(value)
            if is_number(value) or name == "padding":
                text = number(offset) or text
                offset += 1
            if name == "padding" and class_name.endswith("Same"):
                stride = dict(given).get("stride", "1")
                text = "'same'" if stride == "1" else "0" if stride.isdigit() else f"'same' if {stride} == 1 else 0"
                if _is_even(dict(given)["kernel_size"]):  # of which PyTorch's own "same" warns
                    text = "0"
            if name == "fixed" or text == literal(_default(class_name, name)) or (name, text) == ("bias", "True"):
                continue
            if name == "stride" and text == ("1" if "Conv" in leaf.class_name else _text_of(given, "kernel_size")):
                continue
            given.append((name, text))
        if not class_name.startswith("nn."):
            self.uses.helpers[class_name] = None
        return f"{class_name}({', '.join(_arguments(given, is_pool='Pool' in class_name))})"

    def _instance(self, known: Class, module: Module, number: Callable[[int], str | None], offset: int) -> str:
        own = list(inner_columns(module))

        def at(index: int) -> str:
            return number(offset + index) or literal(own[index].value)

        positional: list[str] = []
        keywords: list[str] = []
        inner = offset + len(own)
        required = [argument for argument in known.arguments if argument.default is None]
        positional += [_argument_text(argument, at) for argument in required]
        for step, name in zip(_given(module), known.given, strict=True):
            assert step.module is not None
            if not _is_identity(step.module):
                keywords.append(f"{name}={self.text(step.module, number, inner)}")
            inner += len(columns(step.module))
        for argument in known.arguments[len(required) :]:
            text = _argument_text(argument, at)
            if text == literal(argument.default):
                continue
            first = argument is known.arguments[len(required)] and not known.given
            positional.append(text) if first else keywords.append(f"{argument.name}={text}")
        return f"{known.name}({', '.join([*positional, *keywords])})"


def _default(class_name: str, name: str) -> Any:
    return False if name == "affine" and "InstanceNorm" in class_name else _DEFAULTS.get(name)


def _is_even(kernel: str) -> bool:
    return kernel.isdigit() and int(kernel) % 2 == 0


def _text_of(given: list[tuple[str, str]], name: str) -> str | None:
    return dict(given).get(name)


def _given(module: Module) -> list[Step]:
    return [step for step in substeps(module) if step.is_argument]


def _is_identity(module: Module) -> bool:
    return isinstance(module, Leaf) and module.class_name == "nn.Identity"


def _argument_text(argument: Argument, at: Callable[[int], str]) -> str:
    texts = [at(index) for index in argument.columns]
    return texts[0] if len(texts) == 1 else f"({', '.join(texts)})"


def _arguments(given: list[tuple[str, str]], *, is_pool: bool) -> list[str]:
    """Those that everybody knows the place of by position, the others by name."""
    result: list[str] = []
    by_position = True
    for name, text in given:
        known = name in _POSITIONAL or (name in _ALSO_POSITIONAL and (name == text or is_pool))
        in_place = name != "padding" or "stride" in dict(given)  # what stands before it may be left out
        by_position = by_position and known and in_place
        result.append(text if by_position else f"{name}={text}")
    return result


def _comprehended(texts: Sequence[str]) -> list[str]:
    """Runs of equal calls, or of three and more calls with one number that differs, as a comprehension."""
    result: list[str] = []
    index = 0
    while index < len(texts):
        call = re.fullmatch(r"(\w+)\((\d+)\)", texts[index])
        equal = _run(texts, index, lambda text, first=texts[index]: text == first)  # type: ignore[misc]  # mypy wants lambdas without defaults
        like = _run(texts, index, lambda text, call=call: bool(call) and bool(re.fullmatch(rf"{call[1]}\(\d+\)", text)))  # type: ignore[misc]  # as above
        length = 1
        if equal > 1 and (equal > 2 or len(texts) > 3):
            length = equal
            result.append(f"*({texts[index]} for _ in range({equal}))")
        elif like > 2 and call:
            length = like
            values = ", ".join(text[len(call[1]) + 1 : -1] for text in texts[index : index + like])
            result.append(f"*({call[1]}(channels) for channels in ({values}))")
        else:
            result.append(texts[index])
        index += length
    return result


def _run(texts: Sequence[str], start: int, belongs: Callable[[str], bool]) -> int:
    """How many texts from a start on belong together."""
    end = start
    while end < len(texts) and belongs(texts[end]):
        end += 1
    return end - start
