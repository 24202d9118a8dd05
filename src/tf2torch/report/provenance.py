"""What a conversion was made from, and the command that makes it again."""

from __future__ import annotations

import os
import shlex
from typing import Any

from tf2torch import ledger
from tf2torch.job import DEFAULT_ENGINE, Job

OURS = "evaluate"  # the stage that asks: what is on record of it is its last run


def of(job: Job) -> dict[str, Any]:
    """The part of manifest.json that is known before the evaluation ends: nothing of the evaluation itself."""
    known = ledger.manifest(job)
    return {
        "command": command(job, os.environ.get("TF2TORCH_COMMAND", "")),
        "source": known["source"],
        "products": {name: made for name, made in known["products"].items() if made["stage"] != OURS},
        "versions": {name: value for name, value in known["versions"].items() if name != OURS},
        "seconds": {name: value for name, value in known["seconds"].items() if name != OURS},
    }


def command(job: Job, given: str) -> str:
    """`make convert` with every variable that is not at its default. `given` is what the user typed.

    Paths are taken from there: in a container the folders have other names.
    """
    said = dict(word.split("=", 1) for word in _words(given) if "=" in word)
    variables = {
        "MODEL": job.name,
        "ENGINE": "" if job.engine == DEFAULT_ENGINE else job.engine,
        "SOURCE": said.get("SOURCE", own.name) if (own := job.source or job.checkpoint) else "",
        **job.said,
        "INPUT": ",".join(job.input_names),
        "OUTPUT": "" if "AUX_LOGITS" in job.said else ",".join(job.output_names),
        "WEIGHTS": "random" if job.weights == "random" else "",
        "SEED": str(job.seed) if job.seed else "",
        "IMAGES": said.get("IMAGES", ""),
        "FORMATS": ",".join(job.formats),
        "PROOF": "1" if job.proof else "",
    }
    return " ".join(["make convert", *(f"{name}={shlex.quote(value)}" for name, value in variables.items() if value)])


def _words(given: str) -> list[str]:
    try:
        return shlex.split(given)
    except ValueError:  # make hands quotes on as it pleases
        return given.split()
