"""The options that every command has. Each takes its default from the variable of the same name, as make sets it."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path
from typing import get_args

from tf2torch import engines, errors, own, prefix
from tf2torch.job import DEFAULT_ENGINE, ENGINES, FORMATS, Job
from tf2torch.recipe import Preprocessing, Recipe

_ENDING = re.compile(r"\.(pb|pbtxt|ckpt|meta|index|data)([^A-Za-z0-9_].*)?$")  # scripts/lib.sh has the same
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")  # of files and folders, on any machine
DEFAULT_MODEL = "inception_v3"
_NATIVE_ONLY = ("source", "input", "output", "aux_logits", "formats", "proof", "bisect")
_OWN = tuple(name.lower() for name in own.VARIABLES)
_VARIABLES = (
    *("model", "engine", "weights", "seed", "images", "device", "devices", "timing", "force", "offline", "from"),
    *(*_OWN, "ema", *_NATIVE_ONLY, "models_folder", "work_folder", "output_folder"),
)


def parser() -> argparse.ArgumentParser:
    """The options, to be given to each command. Raises UsageError for a variable whose value is not known."""
    result = argparse.ArgumentParser(add_help=False)

    def option(name: str, default: str, text: str, **more: object) -> None:
        value = os.environ.get(name.upper()) or default
        choices = more.get("choices")
        if isinstance(choices, tuple) and value not in choices:  # argparse checks what is typed, not what is default
            raise errors.UsageError(f"{name.upper()}={value} is not known. It is {' or '.join(filter(None, choices))}.")
        result.add_argument(f"--{name.replace('_', '-')}", default=value, help=f"{text} ({name.upper()}=)", **more)  # type: ignore[arg-type]  # argparse's own overloads

    def flag(name: str, text: str) -> None:
        default = os.environ.get(name.upper(), "0") not in ("", "0")
        option_name = f"--{name.replace('_', '-')}"
        result.add_argument(option_name, action="store_true", default=default, help=f"{text} ({name.upper()}=1)")

    option("model", "", f"the model to convert; {DEFAULT_MODEL}, or what SOURCE is called")
    option("engine", DEFAULT_ENGINE, "which engine converts", choices=ENGINES)
    option("weights", "pretrained", "where the weights come from", choices=("pretrained", "random"))
    option("seed", "0", "of random weights and of the inputs to compare on", type=int)
    option("images", "", "folder with labels.csv (filename,label) to compare on")
    option("device", "auto", "of the evaluation: auto, cpu, cuda, cuda:1")
    option("devices", "1", "how many processes share the images out among themselves: a number, or all GPUs")
    option("timing", "1", "measure how fast both sides are: 1, 0", choices=("1", "0"))
    option("source", "", "a graph or checkpoint of your own instead of the recipe's")
    option("network", "", "whose network your checkpoint is of: a model, or the network of one")
    option("num_classes", "", "of your checkpoint; else as many as it has")
    option("input_shape", "", "of one input, without the batch: 299, or 299,299,3")
    option("preprocess", "", "how a photograph becomes an input", choices=("", *get_args(Preprocessing)))
    option("scope_map", "", "renamed scopes, the checkpoint's and the network's: their=our,a/b=c")
    flag("ema", "take the moving averages of the variables instead of their last values")
    flag("aux_logits", "compute the second classifier, too")
    option("input", "", "TensorFlow tensors to feed, with commas between them")
    option("output", "", "TensorFlow tensors to compute, with commas between them")
    option("formats", "", f"further model files: {', '.join(FORMATS)}")
    flag("proof", "compare in float64 and the gradients of every parameter, too")
    flag("bisect", "compare every tensor whole, and name the first that differs")
    flag("force", "run stages that are done")
    flag("offline", "download nothing")
    option("from", "", "run this stage and those after it", dest="start", choices=("", *engines.NAMES))
    option("models_folder", "models", "recipes and checkpoints")
    option("work_folder", ".cache/work", "intermediates")
    option("output_folder", "output", "products")
    return result


def environment(options: argparse.Namespace) -> dict[str, str]:
    """The variables that say to a child process what these options say."""
    values = {name: getattr(options, "start" if name == "from" else name) for name in _VARIABLES}
    return {name.upper(): str(int(value) if isinstance(value, bool) else value) for name, value in values.items()}


def model(options: argparse.Namespace) -> str:
    """The name of the model: as given, or what the source is called, or its network, or the default.

    Folders are called after it. Raises UsageError for one that would lead elsewhere.
    """
    if options.model or not options.source:
        name = options.model or options.network or DEFAULT_MODEL
    else:
        name = name_of(Path(options.source))
    if not _NAME.fullmatch(name):
        raise errors.UsageError(
            f"MODEL={name} is no name for a model: letters, digits and _ make one, after the first also . and -."
            if name
            else f"What is {options.source} to be called? MODEL= says it."
        )
    return name


def name_of(source: Path) -> str:
    """What a source is called: its file's name without .pb, .ckpt-1000.meta and the like, but mobilenet_v1_1.0_224."""
    return re.sub(r"[^A-Za-z0-9_.]", "_", _ENDING.sub("", source.name)).strip(".")


def job(options: argparse.Namespace, *, converted: bool = False) -> Job:
    """What to convert and how. Raises UsageError for options that do not go together.

    converted: that has been done, and no recipe is needed any more.
    """
    models, work, output = folders(options)
    images = options.images and Path(options.images)
    if images and not images.is_dir():
        raise errors.InputError(
            f"IMAGES={images} is not a folder. It holds images and a labels.csv (filename,label), "
            "or a folder for each class."
        )
    source = prefix.of(Path(options.source)) if options.source else None
    said = {name.upper(): str(value) for name in _OWN if (value := getattr(options, name))}
    name = model(options)  # again: a command that it has ended is put on record by a job, too
    found = own.recipe_of(models, name, source, said, converted=converted)
    checkpoint = source if source and _is_of_network(found, source, named=bool(options.network)) else None
    given = [
        name.upper() for name in _NATIVE_ONLY if getattr(options, name) and not (name == "source" and options.network)
    ]
    if given and options.engine == "mmdnn":
        raise errors.UsageError(f"The engine mmdnn has no {' and no '.join(given)}; ENGINE=native has.")
    flags = {name.upper(): "1" for name in ("ema", "aux_logits") if getattr(options, name)}
    unread = [name for name in ("EMA", "SCOPE_MAP") if name in {**said, **flags}]
    if unread and options.weights == "random":
        raise errors.UsageError(f"WEIGHTS=random reads no checkpoint, for which {' and '.join(unread)} would be.")
    return Job(
        recipe=found,
        engine=options.engine,
        weights=options.weights,
        seed=options.seed,
        images=images if images and found.says_preprocessing else None,  # how else would they become inputs?
        device=options.device,
        models=models,
        work_root=work,
        output_root=output,
        source=None if checkpoint else source,
        checkpoint=checkpoint,
        moving_averages=options.ema,
        classes_said=bool(options.num_classes),
        said={**said, **flags},
        input_names=_names(options.input),
        output_names=_outputs(options, found),
        proof=options.proof,
        bisect=options.bisect,
        formats=_formats(options.formats),
        timing=options.timing == "1",
        devices=options.devices,
    )


def _is_of_network(found: Recipe, source: Path, *, named: bool) -> bool:
    """Whether a source is read as a checkpoint of the recipe's network: NETWORK says so, or it brings no graph."""
    return bool(found.network) and (named or (prefix.is_checkpoint(source) and not prefix.meta(source).is_file()))


def _outputs(options: argparse.Namespace, found: Recipe) -> tuple[str, ...]:
    if not options.aux_logits:
        return _names(options.output)
    if options.output:
        raise errors.UsageError("AUX_LOGITS=1 and OUTPUT= both say which tensors to compute. Name them all in OUTPUT=.")
    if not found.aux_output:
        raise errors.UsageError(
            f"AUX_LOGITS=1: no second classifier of {found.name} is known. OUTPUT= names any tensor."
        )
    return (found.output, found.aux_output)


def folders(options: argparse.Namespace) -> tuple[Path, Path, Path]:
    """models/, the intermediates, output/."""
    return Path(options.models_folder), Path(options.work_folder), Path(options.output_folder)


def forced(name: str, options: argparse.Namespace) -> bool:
    """Whether a stage is to run although its last results hold."""
    order = engines.NAMES
    return options.force or (bool(options.start) and order.index(name) >= order.index(options.start))


def _names(text: str) -> tuple[str, ...]:
    return tuple(filter(None, re.split(r"[,\s]+", text)))


def _formats(text: str) -> tuple[str, ...]:
    given = _names(text)
    for name in given:
        if name not in FORMATS:
            raise errors.UsageError(f"FORMATS={name} is not known. It is {' or '.join(FORMATS)}, or both with a comma.")
    return tuple(name for name in FORMATS if name in given)
