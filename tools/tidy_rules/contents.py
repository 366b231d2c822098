"""What must not be committed, whatever the language."""

import re
from collections.abc import Iterator

from .tree import Tree

FILE_BYTES_MAX = 300 * 1024
_LINE_BYTES_MAX = 2000  # a line beyond it was written by a machine

_FOREIGN = re.compile(
    r"(^|/)(node_modules|vendor|vendored|third_party|third-party|3rdparty|extern|external|deps"
    r"|subprojects|bower_components|site-packages)/|\.min\.(js|css)$|\.(a|o|so|jar|whl|exe)$"
    r"|\.bundle\.js$|-bundle\.js$|(^|/)single_include/")
_BANNER = re.compile(r"/\*!|@preserve|Licensed under the MIT|Permission is hereby granted, free of")

# Written in pieces, so that these very lines are no findings.
_MACHINE_PATH = re.compile(
    r"(?<![\w.$}-])/(?:ho" + r"me|Us" + r"ers|ro" + r"ot|wo" + r"rk)/[A-Za-z.][\w.-]*"
    r"|\b[A-Z]:\\Us" + r"ers\\|\.\./sha" + r"red\b")
_KEY = re.compile(
    r"(?<![\w-])(?:(?:sk|pk|rk|nvapi|xai|glpat|xoxb)-|(?:gsk|r8|hf|ghp|gho|ghs)_)[\w-]{8,}"
    r"|AKIA[0-9A-Z]{16}|AIza[0-9A-Za-z_-]{30,}|github_pat_\w{20,}"
    r"|eyJ[A-Za-z0-9_-]{16,}\.eyJ[A-Za-z0-9_-]{16,}")
_INVENTED_KEY = re.compile(r"sk-test-|nvapi-test-")
_PRIVATE_KEY = "-----BEGIN " + r"(?:[A-Z]+ )*PRIVATE KEY-----\s*[A-Za-z0-9+/=]{40}"
_UNFINISHED = re.compile(
    r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b|\bGTEST_" + r"SKIP\b|\bDIS" + r"ABLED_\w"
    r"|\b(?:test|it|describe)\.(?:on" + r"ly|sk" + r"ip|to" + r"do)\b|\bunittest\.sk" + r"ip"
    r"|\bskip" + r"Test\b|\b[Nn]ot (?:yet )?impl" + r"emented\b")


def foreign_bundles(tree: Tree) -> Iterator[str]:
    for path in tree.files:
        size = len(tree.bytes(path))
        if size > FILE_BYTES_MAX:
            yield f"{path}: {size // 1024} KiB, more than {FILE_BYTES_MAX // 1024}"
        if _FOREIGN.search(path):
            yield f"{path}: looks like foreign or built code"
        if not path.endswith((".cc", ".h", ".js", ".mjs", ".css", ".html", ".py")):
            continue
        for number, line in enumerate(tree.lines(path), 1):
            if len(line) > _LINE_BYTES_MAX:
                yield f"{path}:{number}: {len(line)} columns: minified or generated"
        if _BANNER.search(tree.text(path)) and not path.startswith("tools/tidy_rules/"):
            yield f"{path}: carries a foreign licence banner"


def _matches(tree: Tree, pattern: re.Pattern) -> Iterator[tuple[str, int, str]]:
    for path in tree.files:
        if tree.is_binary(path) or path.endswith("package-lock.json"):
            continue
        for match in pattern.finditer(tree.text(path)):
            yield path, tree.text(path).count("\n", 0, match.start()) + 1, match[0]


def machine_paths(tree: Tree) -> Iterator[str]:
    for path, number, text in _matches(tree, _MACHINE_PATH):
        yield f"{path}:{number}: {text} is a path of one machine"


def keys(tree: Tree) -> Iterator[str]:
    for path, number, text in _matches(tree, _KEY):
        if not _INVENTED_KEY.match(text):
            yield f"{path}:{number}: {text[:8]}... looks like a key; invented ones begin sk-test-"
    for path, number, _ in _matches(tree, re.compile(_PRIVATE_KEY)):
        yield f"{path}:{number}: a private key"


def unfinished(tree: Tree) -> Iterator[str]:
    for path, number, text in _matches(tree, _UNFINISHED):
        yield f"{path}:{number}: {text}"
