"""Every rule of tools/tidy finds a tree that breaks it, and leaves alone one that does not."""

import pathlib
import tempfile
import unittest

import tree_tools

from tidy_rules import RULES, Tree
from tidy_rules.shape import cxx_functions

LONG_FUNCTION = "int f(int a) {\n" + "  a++;\n" * 69 + "  return a;\n}\n"
MESON = "sources = files('a.cc', 'b.cc')\n"
FOREIGN_KEY = "sk-" + "proj-0123456789abcdef"

# (rule, files of the tree, what is found; "" for a tree that keeps the rule)
ROWS = [
    ("includes point one way", {"base/a.h": '#include "parser/b.h"\n', "parser/b.h": ""},
     "base/a.h:1: base may not include parser/b.h"),
    ("includes point one way", {"parser/a.h": '#include "base/b.h"\n', "base/b.h": ""}, ""),
    ("includes point one way",
     {"engine/io/a.h": '#include "engine/net/b.h"\n', "engine/net/b.h": ""},
     "engine/io/a.h:1: engine/io may not include engine/net/b.h"),
    ("includes point one way",
     {"engine/proxy/a.h": '#include "engine/task/b.h"\n', "engine/task/b.h": ""}, ""),
    ("includes point one way",
     {"engine/net/a.h": '#include "engine/shard.h"\n#include "engine/mailbox.h"\n',
      "engine/shard.h": "", "engine/mailbox.h": ""}, ""),
    ("includes point one way",
     {"engine/route/a.h": '#include "engine/io/b.h"\n', "engine/io/b.h": ""},
     "engine/route/a.h:1: engine/route may not include engine/io/b.h"),
    ("includes point one way",
     {"engine/proxy/a.cc": '#include "engine/config/b.h"\n', "engine/config/b.h": ""},
     "engine/proxy/a.cc:1: engine/proxy may not include engine/config/b.h"),
    ("includes point one way", {"base/a.h": '#include "b.h"\n', "base/b.h": ""},
     'base/a.h:1: "b.h" is not a path from the root of the tree'),
    ("includes point one way", {"engine/attic/a.h": ""},
     "engine/attic/a.h: engine/attic is no room of the house"),
    ("third-party headers stay in their folder", {"tls/a.cc": "#include <simdjson.h>\n"},
     "tls/a.cc:1: <simdjson.h> is used in parser and bench only"),
    ("third-party headers stay in their folder", {"parser/a.cc": "#include <simdjson.h>\n"}, ""),
    ("third-party headers stay in their folder",
     {"engine/net/a.cc": "#include <openssl/ssl.h>\n"},
     "engine/net/a.cc:1: <openssl/ssl.h> is used in tls only"),
    ("third-party headers stay in their folder",
     {"tests/unit/tls/a_test.cc": "#include <gtest/gtest.h>\n#include <openssl/ssl.h>\n"}, ""),
    ("third-party headers stay in their folder", {"base/a.cc": "#include <lmdb.h>\n"},
     "base/a.cc:1: <lmdb.h> is used in store only"),
    ("third-party headers stay in their folder", {"engine/proxy/a.cc": "#include <ares.h>\n"},
     "engine/proxy/a.cc:1: <ares.h> is used in engine/net only"),
    ("third-party headers stay in their folder",
     {"engine/net/a.cc": "#include <linux/io_uring.h>\n"},
     "engine/net/a.cc:1: <linux/io_uring.h> is used in engine/io only"),
    ("third-party headers stay in their folder",
     {"engine/proxy/a.cc": "#include <yaml-cpp/yaml.h>\n"},
     "engine/proxy/a.cc:1: <yaml-cpp/yaml.h> is used in engine/config and tools/mock only"),
    ("third-party headers stay in their folder", {"engine/config/a.cc": "#include <CLI/CLI.hpp>\n"},
     "engine/config/a.cc:1: <CLI/CLI.hpp> is used in engine/cli and tools/mock only"),
    ("third-party headers stay in their folder", {"engine/net/a.cc": "#include <gtest/gtest.h>\n"},
     "engine/net/a.cc:1: <gtest/gtest.h> is used in tests only"),
    ("third-party headers stay in their folder", {"base/a.cc": "#include <boost/asio.hpp>\n"},
     "base/a.cc:1: <boost/asio.hpp> belongs to no folder"),
    ("third-party headers stay in their folder",
     {"engine/net/a.cc": "#include <sys/socket.h>\n#include <vector>\n"}, ""),
    ("pure code includes no system calls", {"parser/a.cc": "#include <sys/socket.h>\n"},
     "parser/a.cc:1: no I/O and no threads here: <sys/socket.h>"),
    ("pure code includes no system calls", {"engine/route/a.cc": "#include <mutex>\n"},
     "engine/route/a.cc:1: no I/O and no threads here: <mutex>"),
    ("pure code includes no system calls",
     {"engine/io/a.cc": "#include <unistd.h>\n", "parser/b.cc": "#include <vector>\n"}, ""),
    ("a source includes its own header first",
     {"base/a.cc": '#include <vector>\n#include "base/a.h"\n', "base/a.h": ""},
     'base/a.cc: the first include is not "base/a.h"'),
    ("a source includes its own header first",
     {"base/a.cc": '// why\n#include "base/a.h"\n\n#include <vector>\n', "base/a.h": ""}, ""),
    ("headers begin with #pragma once", {"base/a.h": "#ifndef A\n#define A\n#endif\n"},
     "base/a.h: the first line that is no comment is not #pragma once"),
    ("headers begin with #pragma once", {"base/a.h": "// What it is.\n#pragma once\n"}, ""),
    ("headers begin with #pragma once", {"base/pch/a.h": "#include <string>\n"}, ""),
    ("every source is built", {"base/a.cc": "", "base/c.cc": "", "base/meson.build": MESON},
     "base/c.cc: no meson.build names it"),
    ("every source is built",
     {"base/a.cc": "", "base/meson.build": MESON, "x/f.cc": "", "meson.build": "files('x/f.cc')\n"},
     ""),
    ("every source is built",
     {"tests/fuzz/fuzz_url.cc": "", "tests/fuzz/meson.build": "fuzz_targets = {'url': []}\n"}, ""),
    ("a name stands for one type",
     {"base/a.h": "namespace sluice {\nstruct A {\n};\n}\n",
      "base/b.h": "namespace sluice {\nenum class A : int { kB };\n}\n"},
     "base/b.h:2: A is another type in base/a.h"),
    ("a name stands for one type",
     {"base/a.h": "namespace sluice {\nstruct A;\nclass B final : public A {\n};\n}\n",
      "base/b.h": "namespace sluice {\nstruct B::C {\n};\ntemplate <class T>\nstruct B {\n};\n}\n",
      "base/c.h": "namespace sluice::test {\nstruct B {\n};\n}\n"}, ""),
    ("files and functions keep their length", {"base/a.h": "\n" * 401},
     "base/a.h: 401 lines, more than 400"),
    ("files and functions keep their length", {"base/a.h": "\n" * 400}, ""),
    ("files and functions keep their length", {"base/a.cc": LONG_FUNCTION},
     "base/a.cc:f: 72 lines, more than 70"),
    ("files and functions keep their length",
     {"tools/a.py": "def f():\n" + "    pass\n" * 70}, "tools/a.py:f: 71 lines, more than 70"),
    ("files and functions keep their length",
     {"tests/a.mjs": "test('slow', async () => {\n" + "  go();\n" * 69 + "});\n"},
     "tests/a.mjs:test_slow_async: 71 lines, more than 70"),
    ("files and functions keep their length",
     {"base/a.cc": LONG_FUNCTION, "tools/tidy_exceptions.txt": "# why\nbase/a.cc:f 72\n"}, ""),
    ("files and functions keep their length",
     {"base/a.cc": LONG_FUNCTION, "tools/tidy_exceptions.txt": "base/a.cc:f 71\n"},
     "base/a.cc:f: 72 lines, grew beyond the 71"),
    ("files and functions keep their length",
     {"base/a.cc": LONG_FUNCTION, "tools/tidy_exceptions.txt": "base/a.cc:f 73\n"},
     "base/a.cc:f: 72 lines now, write that into"),
    ("files and functions keep their length",
     {"base/a.cc": "", "tools/tidy_exceptions.txt": "base/a.cc:f 72\n"},
     "base/a.cc:f needs no exception any more"),
    ("lines have at most 100 columns", {"base/a.h": "// " + "x" * 98 + "\n"},
     "base/a.h:1: 101 columns"),
    ("lines have at most 100 columns", {"base/a.h": "// " + "ü" * 97 + "\n"}, ""),
    ("lines have at most 100 columns", {"base/a.h": '    R"({' + "x" * 98 + '})"\n'}, ""),
    ("text is clean: UTF-8, LF, no tabs, no trailing space", {"a.md": "one \n"},
     "a.md:1: trailing space"),
    ("text is clean: UTF-8, LF, no tabs, no trailing space", {"base/a.h": "\tint a;\n"},
     "base/a.h: has a tab"),
    ("text is clean: UTF-8, LF, no tabs, no trailing space", {"base/a.h": "int a;\r\n"},
     "base/a.h: has a carriage return"),
    ("text is clean: UTF-8, LF, no tabs, no trailing space", {"base/a.h": "int a;"},
     "base/a.h: does not end with a line end"),
    ("text is clean: UTF-8, LF, no tabs, no trailing space", {"base/a.h": b"// \xff\n"},
     "base/a.h: no UTF-8 at byte 3"),
    ("text is clean: UTF-8, LF, no tabs, no trailing space", {"base/a.h": "// \u202e\n"},
     "base/a.h:1: an invisible or direction-turning character"),
    ("no foreign bundles", {"assets/a.bin": "x" * (300 * 1024 + 1)},
     "assets/a.bin: 300 KiB, more than 300"),
    ("no foreign bundles", {"assets/chart.min.js": "var a;\n"},
     "assets/chart.min.js: looks like foreign or built code"),
    ("no foreign bundles", {"third_party/a.h": ""}, "third_party/a.h: looks like foreign"),
    ("no foreign bundles", {"assets/a.js": "x" * 2001 + "\n"},
     "assets/a.js:1: 2001 columns: minified or generated"),
    ("no foreign bundles", {"assets/a.js": "/" + "*! chart v4 */\n"},
     "assets/a.js: carries a foreign licence banner"),
    ("no paths of one machine", {"a.md": "see /ho" + "me/ann/notes\n"},
     "a.md:1: /ho" + "me/ann is a path of one machine"),
    ("no paths of one machine", {"a.py": 'open("/ro' + 'ot/x")\n'},
     "a.py:1: /ro" + "ot/x is a path"),
    ("no paths of one machine", {"a.md": "GET /homepage, http://h/v1/root/a, docs/work/x\n"}, ""),
    ("no keys but invented ones", {"a.yaml": f"api_key: {FOREIGN_KEY}\n"},
     "a.yaml:1: sk-proj-... looks like a key"),
    ("no keys but invented ones", {"a.yaml": "api_key: nvapi-" + "0123456789abcdefghij\n"},
     "a.yaml:1: nvapi-01... looks like a key"),
    ("no keys but invented ones",
     {"a.pem": "-----BEGIN " + "PRIVATE KEY-----\n" + "MIIE" * 16 + "\n"},
     "a.pem:1: a private key"),
    ("no keys but invented ones", {"a.yaml": "api_key: sk-test-0123456789\n", "b.h": "sk_X509_num"},
     ""),
    ("no marks of unfinished work", {"base/a.h": "// TO" + "DO: later\n"}, "base/a.h:1: TO" + "DO"),
    ("no marks of unfinished work", {"tests/a.cc": "  GTEST_" + "SKIP();\n"},
     "tests/a.cc:1: GTEST_" + "SKIP"),
    ("no marks of unfinished work", {"tests/a.mjs": "test.sk" + "ip('x', f);\n"},
     "tests/a.mjs:1: test.sk" + "ip"),
    ("no marks of unfinished work", {"tests/a.cc": "TEST(A, DIS" + "ABLED_B) {}\n"},
     "tests/a.cc:1: DIS" + "ABLED_B"),
]


def findings(rule_name: str, files: dict[str, str | bytes]) -> list[str]:
    rule = next(rule for rule in RULES if rule.name == rule_name)
    with tempfile.TemporaryDirectory() as folder:
        for path, content in files.items():
            file = pathlib.Path(folder, path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return list(rule.check(Tree(pathlib.Path(folder))))


class TidyRules(unittest.TestCase):
    """One test per row, added below."""


def _row_test(rule: str, files: dict[str, str | bytes], expected: str):
    def check(self: unittest.TestCase) -> None:
        found = findings(rule, files)
        if expected:
            self.assertTrue(any(expected in finding for finding in found), found)
        else:
            self.assertEqual(found, [])
    return check


for number, row in enumerate(ROWS):
    setattr(TidyRules, f"test_{number:02} {row[0]}: {row[2] or 'kept'}", _row_test(*row))


class TidyRuleList(unittest.TestCase):
    def test_every_rule_has_a_row_that_breaks_it(self) -> None:
        broken = {rule for rule, _, expected in ROWS if expected}
        self.assertEqual({rule.name for rule in RULES} - broken, {"C++ is formatted"})

    def test_clang_format_finds_a_source_that_it_would_write_otherwise(self) -> None:
        found = findings("C++ is formatted", {".clang-format": "BasedOnStyle: Google\n",
                                              "base/a.h": "int   a ;\n"})
        self.assertTrue(found and found[0].startswith("base/a.h:1: clang-format 14"), found)


class CxxFunctions(unittest.TestCase):
    def test_names_and_lengths(self) -> None:
        text = """
namespace a {
struct Row { int b; };
constexpr Row kRows[] = {
    {1},
};
class C {
 public:
  C() : x_(1) {}
  int get() const { return x_; }
  bool operator==(const C&) const = default;
  void set(int x) {
    if (x > 0) {
      x_ = '}';
    }
  }
};
TEST(Group, Name) {
  auto f = [] {
    return "{";
  };
}
}  // namespace a
"""
        self.assertEqual(list(cxx_functions(text)),
                         [("C", 1), ("get", 1), ("set", 5), ("Group.Name", 5)])


if __name__ == "__main__":
    tree_tools.main(__file__)
