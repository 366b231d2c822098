"""The files that the rules look at, read once."""

import functools
import os
import pathlib
import subprocess

CXX = (".cc", ".h")
SCRIPTS = (".py", ".mjs", ".js", ".sh", ".css")
_FOREIGN_FOLDERS = {".git", "node_modules", "__pycache__"}


class Tree:
    """root - the top folder; files - paths below it with '/', sorted: those that git tracks or
    would track, or all but build folders where there is no git."""

    def __init__(self, root: pathlib.Path):
        self.root = root
        self.files = sorted(path for path in _listed(root) if (root / path).is_file())

    def with_suffix(self, *suffixes: str) -> list[str]:
        return [path for path in self.files if path.endswith(suffixes)]

    @functools.cached_property
    def code(self) -> list[str]:
        """C++ and scripts, those without a suffix too (they begin with #!)."""
        scripts = [path for path in self.files if self.is_script(path)]
        return self.with_suffix(*CXX) + scripts

    def is_script(self, path: str) -> bool:
        if path.endswith(SCRIPTS):
            return True
        return "." not in pathlib.PurePosixPath(path).name and self.bytes(path).startswith(b"#!")

    def is_python(self, path: str) -> bool:
        return path.endswith(".py") or self.bytes(path).split(b"\n", 1)[0].endswith(b"python3")

    def is_binary(self, path: str) -> bool:
        return b"\0" in self.bytes(path)[:8000]

    @functools.lru_cache(maxsize=None)  # noqa: B019  one Tree a process
    def bytes(self, path: str) -> bytes:
        return (self.root / path).read_bytes()

    @functools.lru_cache(maxsize=None)  # noqa: B019
    def text(self, path: str) -> str:
        return self.bytes(path).decode("utf-8", errors="replace")

    def lines(self, path: str) -> list[str]:
        return self.text(path).splitlines()


def _listed(root: pathlib.Path) -> list[str]:
    try:
        top = os.fsdecode(_git(root, "rev-parse", "--show-toplevel")).strip()
        if pathlib.Path(top) == root:
            listing = _git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
            return [os.fsdecode(path) for path in listing.split(b"\0") if path]
    except (OSError, subprocess.CalledProcessError):
        pass  # no git, or no repository: a release archive
    return _walked(root)


def _git(root: pathlib.Path, *words: str) -> bytes:
    return subprocess.run(["git", "-C", str(root), *words], capture_output=True, check=True).stdout


def _walked(root: pathlib.Path) -> list[str]:
    found = []
    for folder, names, files in os.walk(root):
        names[:] = [name for name in names
                    if name not in _FOREIGN_FOLDERS and not name.startswith("build")]
        found += [os.path.relpath(os.path.join(folder, file), root) for file in files]
    return found
