"""clang-format, where the version that decides is installed: another one formats otherwise."""

import subprocess
from collections.abc import Iterator

from .tree import CXX, Tree

_VERSION = "14"


def formatted(tree: Tree) -> Iterator[str]:
    sources = tree.with_suffix(*CXX)
    command = _clang_format()
    if not command or not sources:
        return
    # One process for all files: the start costs more than the work.
    done = subprocess.run([command, "--style=file", "--dry-run", *sources], cwd=tree.root,
                          capture_output=True, text=True, check=False)
    for line in done.stderr.splitlines():
        if "[-Wclang-format-violations]" in line:
            path, number = line.split(":")[:2]
            yield f"{path}:{number}: clang-format {_VERSION} writes this otherwise"


def _clang_format() -> str:
    for command in (f"clang-format-{_VERSION}", "clang-format"):
        try:
            version = subprocess.run([command, "--version"], capture_output=True, text=True,
                                     check=True).stdout
        except (OSError, subprocess.CalledProcessError):
            continue
        if f"version {_VERSION}." in version:
            return command
    return ""
