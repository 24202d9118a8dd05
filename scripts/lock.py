"""Writes docker/<extra>.requirements.txt for each extra of pyproject.toml from what is installed in this environment.

Run by `make lock` in a fresh environment that holds all extras, so that the files agree with one another.
CUDA's packages are left out: torch pins them itself, and its CPU wheels have none.
"""

import re
import tomllib
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
CUDA = re.compile(r"nvidia-|triton$|cuda-")


def closure(requirements: list[str]) -> dict[str, str]:
    """Name and version of every installed distribution that the requirements lead to."""
    found: dict[str, str] = {}
    pending = [Requirement(text) for text in requirements]
    while pending:
        requirement = pending.pop()
        name = requirement.name.lower().replace("_", "-")
        if name in found or CUDA.match(name) or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
            continue
        distribution = metadata.distribution(name)
        found[name] = distribution.version.split("+")[0]  # the local part says only which wheel: 2.13.0+cpu
        pending += [Requirement(text) for text in distribution.requires or []]
    return dict(sorted(found.items()))


for extra, wanted in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"].items():
    lines = [f"# Written by `make lock` from the extra [{extra}] of pyproject.toml."]
    lines += [f"{name}=={version}" for name, version in closure(wanted).items()]
    (ROOT / "docker" / f"{extra}.requirements.txt").write_text("\n".join(lines) + "\n")
