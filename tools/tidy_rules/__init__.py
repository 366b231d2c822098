"""The rules of tools/tidy, in the order in which they are reported."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from . import contents, format, includes, names, shape
from .tree import Tree

__all__ = ["RULES", "Rule", "Tree"]


@dataclass(frozen=True)
class Rule:
    """name - what holds when the rule holds; check - yields "path:line: what is wrong"."""

    name: str
    check: Callable[[Tree], Iterable[str]]


RULES = [
    Rule("includes point one way", includes.directions),
    Rule("third-party headers stay in their folder", includes.third_party),
    Rule("pure code includes no system calls", includes.pure_code),
    Rule("a source includes its own header first", includes.own_header_first),
    Rule("headers begin with #pragma once", includes.pragma_once),
    Rule("every source is built", includes.every_source_is_built),
    Rule("a name stands for one type", names.types),
    Rule("files and functions keep their length", shape.lengths),
    Rule("lines have at most 100 columns", shape.columns),
    Rule("text is clean: UTF-8, LF, no tabs, no trailing space", shape.clean_text),
    Rule("C++ is formatted", format.formatted),
    Rule("no foreign bundles", contents.foreign_bundles),
    Rule("no paths of one machine", contents.machine_paths),
    Rule("no keys but invented ones", contents.keys),
    Rule("no marks of unfinished work", contents.unfinished),
]
