"""Lengths, columns and clean text."""

import ast
import re
from collections.abc import Iterator

from .tree import CXX, Tree

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
COLUMNS_MAX = 100
EXCEPTIONS = "tools/tidy_exceptions.txt"

_TEXT = re.compile(r"\.(cc|h|py|mjs|js|css|html|md|yaml|yml|json|txt|build|sh)$")
_LITERALS = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<tag>[^\s()\\]{0,16})\(.*?\)(?P=tag)"'
    r"|\"(?:[^\"\\\n]|\\.)*\"|(?<![0-9A-Fa-f])'(?:[^'\\\n]|\\.)*'", re.DOTALL)
_DIRECTIVES = re.compile(r"^\s*#(?:[^\n\\]|\\.|\\\n)*", re.MULTILINE)
_LEADING = re.compile(r"\s*(?:(?:public|private|protected)\s*:\s*)?")
_SCOPE = re.compile(r"\b(namespace|class|struct|union|enum|extern)\b")


def lengths(tree: Tree) -> Iterator[str]:
    """Holds the tree against the limits and the ratchet: what is longer than a limit must stand in
    EXCEPTIONS with exactly its present length, and what stands there must still be longer."""
    allowed = _exceptions(tree)
    for name, lines, limit in _measured(tree):
        if lines <= limit:
            continue
        excepted = allowed.pop(name, None)
        if excepted is None:
            yield f"{name}: {lines} lines, more than {limit}"
        elif lines > excepted:
            yield f"{name}: {lines} lines, grew beyond the {excepted} of {EXCEPTIONS}"
        elif lines < excepted:
            yield f"{name}: {lines} lines now, write that into {EXCEPTIONS} ({excepted})"
    for name in allowed:
        yield f"{EXCEPTIONS}: {name} needs no exception any more, take it out"


def _exceptions(tree: Tree) -> dict[str, int]:
    if EXCEPTIONS not in tree.files:
        return {}
    rows = [line.split() for line in tree.lines(EXCEPTIONS)
            if line.strip() and not line.startswith("#")]
    return {name: int(lines) for name, lines in rows}


def _measured(tree: Tree) -> Iterator[tuple[str, int, int]]:
    """(path or path:function, lines, limit)"""
    for path in tree.code:
        yield path, len(tree.lines(path)), FILE_LINES_MAX
        if path.endswith(CXX):
            functions = cxx_functions(tree.text(path))
        elif tree.is_python(path):
            functions = _python_functions(tree.text(path))
        elif path.endswith((".mjs", ".js")):
            functions = _js_functions(tree.lines(path))
        else:
            continue
        for name, lines in functions:
            yield f"{path}:{name}", lines, FUNCTION_LINES_MAX


def cxx_functions(text: str) -> Iterator[tuple[str, int]]:
    """(name, lines) of every outermost function body, from the line of its name to its last brace.
    A block is a function if a parenthesis stands before it and it is no scope and no initialiser.
    """
    code = _DIRECTIVES.sub(_blanked, _LITERALS.sub(_blanked, text))
    kinds: list[str] = []
    head_at = 0
    name, begin = "", 0
    for at in (match.start() for match in re.finditer(r"[{};]", code)):
        if code[at] == "{":
            head = code[head_at:at]
            kind = "inner" if any(kind != "scope" for kind in kinds) else _block_kind(head)
            if kind == "function":
                begin = head_at + _LEADING.match(head).end()
                found = re.search(r"([\w~:]+|operator\S+?)\s*\(", head)
                name = found[1] if found else "?"
                if name in ("TEST", "TEST_F", "TEST_P", "TYPED_TEST"):
                    name = re.sub(r"\s+", "", re.search(r"\(([^()]*)\)", head)[1]).replace(",", ".")
            kinds.append(kind)
        elif code[at] == "}" and kinds and kinds.pop() == "function":
            yield name, code.count("\n", begin, at) + 1
        head_at = at + 1


def _blanked(match: re.Match) -> str:
    return re.sub(r"[^\n]", " ", match[0])


def _block_kind(head: str) -> str:
    bare = re.sub(r"<[^<>]*>|\[\[.*?\]\]", " ", head, flags=re.DOTALL)
    if "(" not in bare or re.search(r"=\s*$|=[^()=]*$", bare):
        return "scope" if _SCOPE.search(bare) else "other"
    if re.match(r"\s*(?:template\s*)?(?:class|struct|union|namespace)\b[^(]*alignas", bare):
        return "scope"
    return "function"


def _python_functions(text: str) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, node.end_lineno - node.lineno + 1


def _js_functions(lines: list[str]) -> Iterator[tuple[str, int]]:
    """Functions and callbacks that begin at the left edge; describe() only groups."""
    begin = -1
    for number, line in enumerate(lines):
        if re.match(r"(export |async |default )*(function|test|it|const \w+ = (async )?\()", line):
            begin = number
        elif line.startswith("}") and begin >= 0:
            yield re.sub(r"\W+", "_", lines[begin])[:40].strip("_"), number - begin + 1
            begin = -1


def columns(tree: Tree) -> Iterator[str]:
    for path in tree.code:
        for number, line in enumerate(tree.lines(path), 1):
            # A raw literal on lines of its own cannot be broken without changing it.
            if len(line) > COLUMNS_MAX and not line.lstrip().startswith('R"'):
                yield f"{path}:{number}: {len(line)} columns"


def clean_text(tree: Tree) -> Iterator[str]:
    for path in tree.files:
        data = tree.bytes(path)
        if not _TEXT.search(path) or not data:
            continue
        if not data.endswith(b"\n"):
            yield f"{path}: does not end with a line end"
        if b"\r" in data:
            yield f"{path}: has a carriage return"
        if b"\t" in data:
            yield f"{path}: has a tab"
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as fault:
            yield f"{path}: no UTF-8 at byte {fault.start}"
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if line != line.rstrip():
                yield f"{path}:{number}: trailing space"
            if re.search("[\u200b\u202a-\u202e\u2066-\u2069\ufeff]", line):
                yield f"{path}:{number}: an invisible or direction-turning character"


