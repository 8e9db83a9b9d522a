"""What `nas --version` says: the versions that matter, and the device, without importing any of it."""

import os
import platform

from nas.cli.terminal import Terminal
from nas.costs.machine import cpu_name, gpu_names
from nas.record.source import source_commit, versions

PACKAGES = ("torch", "optuna", "ray", "plotly", "onnxruntime")
NAS = "hybrid-nas"


def print_versions() -> None:
    """Print a line for each: nas with its commit, Python, packages that are installed, the processor and the GPUs."""
    found, commit = versions((NAS, *PACKAGES)), source_commit()
    ours = f"{found.get(NAS, 'not installed')}{f', commit {commit}' if commit else ''}"
    rows = [("nas", ours), ("python", f"{platform.python_version()}, {platform.platform()}")]
    rows += [(name, found[name]) for name in PACKAGES if name in found]
    rows += [("device", f"{cpu_name()}, {os.cpu_count()} CPUs"), *(("device", name) for name in gpu_names())]
    console = Terminal()
    for name, said in rows:
        console.say(f"{name:<13}{said}")
