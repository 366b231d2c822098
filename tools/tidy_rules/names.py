"""One name, one type: the compiler sees one file at a time, and the linker says nothing."""

import re
from collections.abc import Iterator

from .tree import Tree

_NAMESPACE = re.compile(r"^namespace ([\w:]+) \{", re.MULTILINE)
_TYPE = re.compile(
    r"^(?:struct|class|enum(?: class)?)\s+(?:(?:alignas\([^)]*\)|\[\[\w+\]\])\s+)*"
    r"(\w+)(?:\s+final)?\s*(?::(?!:)[^;{]*)?\{", re.MULTILINE)


def types(tree: Tree) -> Iterator[str]:
    """Where two headers define a type of one name, a program with both has one of the two sets of
    implicit members and container functions for both types: memory corruption, not an error.
    Templates are told apart by their arguments."""
    first: dict[tuple[str, str], str] = {}
    for path in tree.with_suffix(".h"):
        text = tree.text(path)
        space = _NAMESPACE.search(text)
        for match in _TYPE.finditer(text):
            if text[:match.start()].rstrip("\n").rsplit("\n", 1)[-1].startswith("template"):
                continue
            name = (space[1] if space else "", match[1])
            line = text.count("\n", 0, match.start()) + 1
            if name in first:
                yield f"{path}:{line}: {match[1]} is another type in {first[name]}"
            first.setdefault(name, path)
