"""Who may include whom: docs/DESIGN.md "The house" as a table."""

import pathlib
import re
from collections.abc import Iterator

from .tree import CXX, Tree

# A room is a folder or, inside engine/, a file stem. Each names the rooms right below it; what
# those may use, it may use too. Rooms that are not named here (tests, bench) may include all.
_BELOW = {
    "base": [],
    "parser": ["base"],
    "tls": ["base"],
    "store": ["base", "tls"],
    "store/journal": ["store"],
    "store/vault": ["base", "tls"],
    "store/import": ["store", "store/vault", "parser"],
    "engine/task": ["base"],
    "engine/io": ["engine/task"],
    "engine/shard": ["engine/io", "engine/mailbox"],
    "engine/mailbox": ["engine/io", "engine/shard"],
    "engine/net": ["engine/shard", "parser", "tls"],
    "engine/route": ["base", "parser"],
    "engine/simulate": ["engine/route"],
    "engine/llm": ["engine/route"],
    "engine/proxy": ["engine/net", "engine/llm", "store/journal"],
    "engine/config": ["parser", "tls", "engine/route", "engine/llm"],
    "engine/log_writer": ["base"],
    "admin": ["engine/proxy", "engine/config", "store", "store/import", "store/vault"],
    "engine/server": ["admin", "engine/config", "engine/proxy", "engine/log_writer"],
    "tools/mock": ["engine/config", "engine/proxy"],
    "engine/load": ["engine/net", "engine/llm", "engine/proxy"],
    "engine/cli": ["engine/server", "engine/simulate", "engine/load", "tools/mock"],
    "engine/main": ["engine/cli"],
}

# Files of engine/ that are parts of one room.
_SAME_ROOM = {
    "engine/build_snapshot": "engine/server",
    "engine/cooldown_record": "engine/server",
    "engine/cpu_plan": "engine/server",
    "engine/daily_backup": "engine/server",
    "engine/descriptors": "engine/server",
    "engine/event_batch": "engine/server",
    "engine/gateway_shard": "engine/server",
    "engine/journal_keeper": "engine/server",
    "engine/latest_stamps": "engine/server",
    "engine/restore_budgets": "engine/server",
    "engine/restore_spent": "engine/server",
    "engine/server_admin": "engine/server",
    "engine/server_store": "engine/server",
    "engine/store_figures": "engine/server",
    "engine/store_thread": "engine/server",
    "engine/store_troubles": "engine/server",
    "engine/usage_booking": "engine/server",
}

# Which rooms may include which third-party headers, besides the tests of those rooms.
_THIRD_PARTY = [
    (r"simdjson\.h", ["parser", "bench"]),
    (r"openssl/.*", ["tls"]),
    (r"lmdb\.h", ["store"]),
    (r"sqlite3\.h", ["store/import"]),
    (r"ares\.h|ares_.*\.h", ["engine/net"]),
    (r"linux/io_uring\.h", ["engine/io"]),
    (r"liburing.*", []),
    (r"yaml-cpp/.*", ["engine/config", "tools/mock"]),
    (r"CLI/.*", ["engine/cli", "tools/mock"]),
    (r"nlohmann/.*", ["admin", "tools/mock", "tests"]),
    (r"fmt/.*", ["engine/cli", "engine/config", "engine/load", "admin", "tools/mock", "bench"]),
    (r"zlib\.h", ["store", "admin", "tools/mock"]),
    (r"gtest/.*|gmock/.*", ["tests"]),
    (r"benchmark/.*", ["bench"]),
]

# Headers of Linux, glibc and the compiler that anyone may include (but see _PURE).
_SYSTEM = re.compile(
    r"(sys|netinet|arpa|linux|net|asm)/.*\.h"
    r"|(dirent|dlfcn|endian|errno|fcntl|getopt|limits|malloc|netdb|poll|pthread|pwd|sched|signal"
    r"|spawn|stdint|stdlib|string|strings|sysexits|syslog|termios|time|unistd|ucontext|x86intrin"
    r"|cpuid|.*mmintrin|arm_neon)\.h")
_STANDARD = re.compile(r"[a-z_0-9]+|cxxabi\.h|sanitizer/.*_interface\.h|ext/.*")

# Where bytes become meaning or policy is decided: no descriptor, no clock, no thread.
_PURE = ("parser/", "engine/route/", "engine/simulate/", "engine/llm/",
         "tls/session.", "tls/aead.", "tls/digest.")
_IO_HEADERS = re.compile(
    r"(sys|netinet|linux|net)/.*|(fcntl|unistd|poll|netdb|signal|spawn|pthread)\.h"
    r"|thread|mutex|condition_variable|shared_mutex|future|iostream")

_INCLUDE = re.compile(r'\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')


def room_of(path: str) -> str:
    """The room that a file stands in: "engine/io", "base", "engine/shard", "tests/unit/io"."""
    parts = pathlib.PurePosixPath(path).parts
    if parts[0] == "store" and "/".join(parts[:2]) in _BELOW:
        return "/".join(parts[:2])
    if parts[0] in ("engine", "tools") and len(parts) > 2:
        return "/".join(parts[:2])
    if parts[0] == "engine":
        stem = "engine/" + pathlib.PurePosixPath(path).name.split(".")[0]
        return _SAME_ROOM.get(stem, stem)
    return "/".join(parts[:-1]) if parts[0] == "tests" else parts[0]


def allowed_rooms(room: str) -> set[str]:
    """The room itself and all rooms below it."""
    found: set[str] = set()
    ahead = [room]
    while ahead:
        at = ahead.pop()
        if at not in found:
            found.add(at)
            ahead += _BELOW.get(at, [])
    return found


def includes_of(tree: Tree, path: str) -> Iterator[tuple[int, str, str]]:
    """(line number, quoted path or "", angle path or "")"""
    for number, line in enumerate(tree.lines(path), 1):
        match = _INCLUDE.match(line)
        if match:
            yield number, match[1] or "", match[2] or ""


def directions(tree: Tree) -> Iterator[str]:
    for path in tree.with_suffix(*CXX):
        room = room_of(path)
        if room.split("/")[0] in ("tests", "bench"):
            continue
        if room not in _BELOW:
            yield f"{path}: {room} is no room of the house (tools/tidy_rules/includes.py)"
            continue
        allowed = allowed_rooms(room)
        for number, quoted, _ in includes_of(tree, path):
            if not quoted:
                continue
            if not (tree.root / quoted).is_file():
                yield f"{path}:{number}: \"{quoted}\" is not a path from the root of the tree"
            elif room_of(quoted) not in allowed:
                yield f"{path}:{number}: {room} may not include {quoted}"


def _tests_of(path: str, rooms: list[str]) -> bool:
    """Is it a test of one of those rooms? tests/unit/net tests engine/net."""
    parts = pathlib.PurePosixPath(path).parts
    if parts[0] not in ("tests", "bench"):
        return False
    return any(room.split("/")[-1] in parts or room == parts[0] for room in rooms) or (
        parts[:2] == ("tests", "fuzz"))


def third_party(tree: Tree) -> Iterator[str]:
    for path in tree.with_suffix(*CXX):
        room = room_of(path)
        for number, _, header in includes_of(tree, path):
            if not header:
                continue
            rooms = next((rooms for pattern, rooms in _THIRD_PARTY
                          if re.fullmatch(pattern, header)), None)
            if rooms is None:
                if not _STANDARD.fullmatch(header) and not _SYSTEM.fullmatch(header):
                    yield f"{path}:{number}: <{header}> belongs to no folder"
            elif room not in rooms and not _tests_of(path, rooms):
                where = " and ".join(rooms) or "nowhere"
                yield f"{path}:{number}: <{header}> is used in {where} only"


def pure_code(tree: Tree) -> Iterator[str]:
    for path in tree.with_suffix(*CXX):
        if not path.startswith(_PURE):
            continue
        for number, _, header in includes_of(tree, path):
            if _IO_HEADERS.fullmatch(header):
                yield f"{path}:{number}: no I/O and no threads here: <{header}>"


def own_header_first(tree: Tree) -> Iterator[str]:
    for path in tree.with_suffix(".cc"):
        own = path[:-len(".cc")] + ".h"
        if not (tree.root / own).is_file():
            continue
        first = next(includes_of(tree, path), None)
        if first is None or first[1] != own:
            yield f"{path}: the first include is not \"{own}\""


def pragma_once(tree: Tree) -> Iterator[str]:
    for path in tree.with_suffix(".h"):
        if "/pch/" in path:  # compiled by itself, where gcc warns of it
            continue
        code = [line for line in tree.lines(path) if line.strip() and not line.startswith("//")]
        if not code or code[0].strip() != "#pragma once":
            yield f"{path}: the first line that is no comment is not #pragma once"


def every_source_is_built(tree: Tree) -> Iterator[str]:
    for path in tree.with_suffix(".cc"):
        name = pathlib.PurePosixPath(path)
        builds = [folder for folder in name.parents
                  if (tree.root / folder / "meson.build").is_file()]
        # A foreach over programs names only their stems, and fuzzers without their prefix.
        spelled = [str(name.relative_to(folder)) for folder in builds]
        spelled += [name.stem, name.stem.removeprefix("fuzz_")]
        if not any(f"'{text}'" in tree.text(str(folder / "meson.build"))
                   for folder in builds for text in spelled):
            yield f"{path}: no meson.build names it"
