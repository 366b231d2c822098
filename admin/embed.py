#!/usr/bin/env python3
"""Writes a C++ source that holds files: embed.py OUT NAME=FILE..."""

import pathlib
import sys

_COLUMNS = 24


def _literal(data: bytes) -> str:
    rows = (data[i:i + _COLUMNS] for i in range(0, len(data), _COLUMNS))
    return "\n".join("    " + ",".join(f"{byte}" for byte in row) + "," for row in rows)


def main() -> None:
    out, *pairs = sys.argv[1:]
    parts = ['#include "admin/assets.h"\n\n#include <algorithm>\n\n',
             "namespace sluice {\nnamespace {\n"]
    table = []
    for number, pair in enumerate(pairs):
        name, file = pair.split("=", 1)
        data = pathlib.Path(file).read_bytes()
        parts.append(f"constexpr unsigned char kBytes{number}[] = {{\n{_literal(data)}\n    0}};\n")
        bytes_of = f"reinterpret_cast<const char*>(kBytes{number})"
        table.append(f'    {{"{name}", {{{bytes_of}, {len(data)}}}}},')
    parts.append("const Asset kAssets[] = {\n" + "\n".join(table) + "\n};\n")
    parts.append("\n}  // namespace\n\n"
                 "const Asset* find_asset(std::string_view name) noexcept {\n"
                 "  const auto found = std::ranges::find(kAssets, name, &Asset::name);\n"
                 "  return found == std::end(kAssets) ? nullptr : found;\n}\n\n"
                 "}  // namespace sluice\n")
    pathlib.Path(out).write_text("".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
