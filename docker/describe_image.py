"""Run while an image is built: writes /etc/tf2torch/image.json, which every manifest.json repeats."""

import json
import platform
import sys
from importlib import metadata
from pathlib import Path

name, base = sys.argv[1:]
packages = {found.metadata["Name"]: found.version for found in metadata.distributions()}
record = {
    "image": name,
    "base": base,
    "python": platform.python_version(),
    "packages": dict(sorted(packages.items(), key=lambda item: item[0].lower())),
}
path = Path("/etc/tf2torch/image.json")
path.parent.mkdir(parents=True)
path.write_text(json.dumps(record, indent=2) + "\n")
