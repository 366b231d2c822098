#!/usr/bin/env python3
"""Holds bench/regress to its word, with made-up benchmark programs in made-up build folders.

usage: regress_test.py

A program here is a script that answers as a Google Benchmark one does. Its times are written down
before: of each benchmark a row, of which it tells one after the other, each time that it runs.
Prints TAP.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/unit/tools"))
sys.path.insert(0, str(ROOT / "bench"))

import tree_tools  # noqa: E402

from regression import baseline, programs, verdict  # noqa: E402

# Answers from what stands beside it: {benchmark: {"times": [...], "error": "..."}}. How often each
# was asked stands beside it, too; every run leaves a word in ../../order.
PROGRAM = '''#!/usr/bin/python3 -IS
import json, os, re, sys
here = os.path.abspath(__file__)
build = os.path.dirname(os.path.dirname(here))
with open(here + ".times") as file:
    kept = json.load(file)
words = dict(word[2:].partition("=")[::2] for word in sys.argv[1:])
if "benchmark_list_tests" in words:
    print("\\n".join(kept))
    sys.exit(0)
with open(os.path.dirname(build) + "/order", "a") as order:
    order.write(f"{os.path.basename(build)}:{os.path.basename(here)}\\n")
asked = {}
if os.path.exists(here + ".asked"):
    with open(here + ".asked") as file:
        asked = json.load(file)
runs = []
for name, row in kept.items():
    if not re.search(words["benchmark_filter"], name):
        continue
    at = asked[name] = asked.get(name, -1) + 1
    run = {"name": name, "run_type": "iteration", "time_unit": row.get("unit", "ns"),
           "cpu_time": row["times"][min(at, len(row["times"]) - 1)],
           "real_time": row.get("real", 1e9)}
    if "error" in row:
        run |= {"error_occurred": True, "error_message": row["error"]}
    runs.append(run)
    runs.append({"name": name + "_mean", "run_type": "aggregate", "time_unit": "ns",
                 "cpu_time": 1e9, "real_time": 1e9})
with open(here + ".asked", "w") as file:
    json.dump(asked, file)
print(json.dumps({"benchmarks": runs}) if runs else "Failed to match any benchmarks")
'''

STEADY = [100.0, 101, 99, 100, 101, 99, 100]


def times(*row: float, **more: object) -> dict[str, object]:
    return {"times": list(row)} | more


class Builds(unittest.TestCase):
    """A folder with made-up builds in it."""

    def setUp(self) -> None:
        kept = tempfile.TemporaryDirectory()
        self.addCleanup(kept.cleanup)
        self.folder = pathlib.Path(kept.name)

    def build(self, name: str, program: str = "route_bench",
              **benchmarks: dict[str, object]) -> str:
        path = self.folder / name / "bench" / program
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(PROGRAM)
        path.chmod(0o755)
        path.with_name(program + ".times").write_text(json.dumps(benchmarks))
        return str(self.folder / name)

    def regress(self, *words: str) -> tuple[int, str]:
        """(exit status, all that was said)"""
        done = subprocess.run([str(ROOT / "bench/regress"), "--rounds", "5", *words],
                              capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def compared(self, base: list[float], new: list[float], *words: str) -> tuple[int, str]:
        return self.regress(self.build("base", one=times(*base)),
                            self.build("new", one=times(*new)), *words)


class TwoBuilds(Builds):
    def test_equal_builds_pass(self) -> None:
        status, said = self.compared(STEADY, STEADY)
        self.assertEqual(status, 0, said)
        self.assertIn("1 benchmarks, 0 slower than 5 %", said)

    def test_one_that_is_slower_each_time_fails(self) -> None:
        status, said = self.compared(STEADY, [time * 1.08 for time in STEADY])
        self.assertEqual(status, 1, said)
        self.assertIn("SLOWER: route/one: 1.080 times base", said)

    def test_four_percent_are_within_the_limit_of_five(self) -> None:
        status, said = self.compared(STEADY, [time * 1.04 for time in STEADY])
        self.assertEqual(status, 0, said)

    def test_the_limit_can_be_narrower_and_wider(self) -> None:
        slower = [time * 1.08 for time in STEADY]
        self.assertEqual(self.compared(STEADY, slower, "--limit", "10%")[0], 0)
        self.assertEqual(self.compared(STEADY, [time * 1.04 for time in STEADY],
                                       "--limit", "3%")[0], 1)

    def test_one_that_is_faster_passes_and_is_told(self) -> None:
        status, said = self.compared(STEADY, [time / 1.3 for time in STEADY])
        self.assertEqual(status, 0, said)
        self.assertRegex(said, r"route/one .*0\.769 .* faster")

    def test_what_is_not_slower_when_measured_anew_passes(self) -> None:
        # The five rounds are slow, those that confirm are not.
        status, said = self.compared(STEADY, [110.0] * 5 + [100.0])
        self.assertEqual(status, 0, said)
        self.assertIn("not confirmed: route/one", said)

    def test_it_has_to_be_slower_in_every_confirmation(self) -> None:
        status, said = self.compared(STEADY, [110.0] * 10 + [100.0])
        self.assertEqual(status, 0, said)
        self.assertEqual(self.compared(STEADY, [110.0] * 15)[0], 1)

    def test_the_minimum_has_a_say(self) -> None:
        # All rounds but one were disturbed, all in the same way; that one was as fast as base.
        status, said = self.compared([100.0], [100.0, 120, 120, 120, 120] * 3)
        self.assertEqual(status, 0, said)
        self.assertNotIn("slower?", said)

    def test_noise_of_the_base_is_no_verdict(self) -> None:
        base = [100.0, 160, 108, 170, 101] * 3
        status, said = self.compared(base, [time * 1.1 for time in base])
        self.assertEqual(status, 0, said)

    def test_less_than_a_cycle_is_not_counted(self) -> None:
        self.assertEqual(self.compared([1.0], [1.2])[0], 0)
        self.assertEqual(self.compared([1.0], [1.5])[0], 1)

    def test_units_are_read(self) -> None:
        base = self.build("base", one=times(1000.0, unit="ns"))
        new = self.build("new", one=times(1.2, unit="us"))
        status, said = self.regress(base, new)
        self.assertEqual(status, 1, said)

    def test_a_time_that_the_benchmark_took_itself_is_of_the_clock(self) -> None:
        base = self.build("base", **{"one/manual_time": times(100.0, real=100.0)})
        new = self.build("new", **{"one/manual_time": times(100.0, real=120.0)})
        self.assertEqual(self.regress(base, new)[0], 1)

    def test_programs_take_turns_that_alternate(self) -> None:
        base = self.build("base", one=times(100.0))
        new = self.build("new", one=times(100.0))
        self.regress(base, new)
        order = (self.folder / "order").read_text().split()
        a, b = "base:route_bench", "new:route_bench"
        self.assertEqual(order, [a, b, b, a, a, b, b, a, a, b])

    def test_only_what_fits_the_filter_runs(self) -> None:
        base = self.build("base", one=times(100.0), another=times(100.0))
        new = self.build("new", one=times(100.0), another=times(200.0))
        self.assertEqual(self.regress(base, new, "--filter", "route/one")[0], 0)
        self.assertEqual(self.regress(base, new, "--filter", "another")[0], 1)

    def test_names_are_no_patterns(self) -> None:
        # "a" is not asked when "a<b>/1" is, nor the other way round.
        names = {"find<a>": times(100.0), "find<a>/1": times(100.0), "b(+)": times(100.0)}
        status, said = self.regress(self.build("base", **names), self.build("new", **names))
        self.assertEqual(status, 0, said)
        self.assertIn("3 benchmarks", said)

    def test_what_is_in_one_build_only_is_told(self) -> None:
        base = self.build("base", one=times(100.0), gone=times(1.0))
        new = self.build("new", one=times(100.0), added=times(1.0))
        status, said = self.regress(base, new)
        self.assertEqual(status, 0, said)
        self.assertRegex(said, r"only in \S+base: route/gone\n")
        self.assertRegex(said, r"not in \S+base: route/added\n")

    def test_a_benchmark_whose_check_fails_fails_it(self) -> None:
        status, said = self.regress(self.build("base", one=times(100.0)),
                                    self.build("new", one=times(100.0, error="misread")))
        self.assertEqual((status, said), (1, "bench/regress: route/one: misread\n"))

    def test_a_program_that_dies_fails_it(self) -> None:
        base = self.build("base", one=times(100.0))
        new = self.build("new", one=times(100.0))
        path = pathlib.Path(new, "bench/route_bench")
        path.write_text(PROGRAM.replace("runs = []", "sys.exit(3)"))
        status, said = self.regress(base, new)
        self.assertEqual(status, 1)
        self.assertIn("exit status 3", said)

    def test_plain_programs_and_the_calibration_are_left_out(self) -> None:
        for name in ("usage_bench", "restore_bench", "calibration_bench"):
            self.build("base", name, strange=times(1.0))
        base = self.build("base", one=times(100.0))
        self.assertEqual(list(programs.programs_of(pathlib.Path(base))), ["route_bench"])


class WrongUse(Builds):
    def refused(self, told: str, *words: str) -> None:
        status, said = self.regress(*words)
        self.assertEqual(status, 2, said)
        self.assertIn(told, said)

    def test_exits_with_two_and_says_what_to_mend(self) -> None:
        one = self.build("base", one=times(100.0))
        other = self.build("new", two=times(100.0))
        self.refused("2 build folders wanted, 1 given", one)
        self.refused("1 build folder wanted, 2 given", "--save", "x.json", one, other)
        self.refused("nothing to compare", one, other)
        self.refused("-Dbenchmarks=true", one, str(self.folder / "none"))
        self.refused("nothing to compare", one, one, "--filter", "nowhere")
        self.refused("no regular expression", one, one, "--filter", "(")
        self.refused("at least 3", one, one, "--rounds", "2")
        self.refused("--limit", one, one, "--limit", "-5%")
        self.refused("not allowed with", "--save", "a", "--against", "b", one)


class Baselines(Builds):
    def calibrated(self, name: str, unit: float, one: list[float]) -> str:
        self.build(name, "calibration_bench", calibration=times(unit))
        return self.build(name, one=times(*one))

    def saved(self) -> str:
        file = str(self.folder / "baselines" / "a.json")
        status, said = self.regress("--save", file, self.calibrated("base", 1000, STEADY))
        self.assertEqual(status, 0, said)
        return file

    def test_another_machine_that_is_twice_as_fast_in_all_is_equal(self) -> None:
        new = self.calibrated("new", 500, [50.0])
        status, said = self.regress("--against", self.saved(), new)
        self.assertEqual(status, 0, said)
        self.assertRegex(said, r"route/one +0\.1 +0\.1 +1\.000")

    def test_one_that_lost_what_the_machine_won_fails(self) -> None:
        new = self.calibrated("new", 500, [100.0])
        status, said = self.regress("--against", self.saved(), new)
        self.assertEqual(status, 1, said)
        self.assertIn("SLOWER: route/one: 2.000 times base", said)

    def test_its_limit_is_wide_unless_told(self) -> None:
        new = self.calibrated("new", 500, [65.0])
        file = self.saved()
        self.assertEqual(self.regress("--against", file, new)[0], 0)
        self.assertEqual(self.regress("--against", file, "--limit", "10%", new)[0], 1)

    def test_the_calibration_runs_before_each_program(self) -> None:
        self.saved()
        order = (self.folder / "order").read_text().split()
        self.assertEqual(order[:10], ["base:calibration_bench", "base:route_bench"] * 5)

    def test_the_file_has_each_round_on_the_line_of_its_benchmark(self) -> None:
        lines = pathlib.Path(self.saved()).read_text().splitlines()
        self.assertIn('  "route/one": [ 0.1, 0.101, 0.099, 0.1, 0.101 ]', lines)

    def test_a_file_that_is_none_is_wrong_use(self) -> None:
        new = self.calibrated("new", 500, [100.0])
        file = self.folder / "b.json"
        for content in ("{", '{"format": 99}', '{"format": 1, "benchmarks": {"a": []}}'):
            file.write_text(content)
            self.assertEqual(self.regress("--against", str(file), new)[0], 2, content)
        self.assertEqual(self.regress("--against", str(self.folder / "none"), new)[0], 2)
        bare = self.build("bare", one=times(1.0))
        self.assertEqual(self.regress("--save", str(file), bare)[0], 2)

    def test_the_processor_is_named_by_its_model(self) -> None:
        text = "processor\t: 0\nmodel name\t: A Fast One @ 3 GHz\n"
        self.assertEqual(baseline.cpu_model(text), "A Fast One @ 3 GHz")
        self.assertEqual(baseline.cpu_model(""), "unknown")


class Verdict(unittest.TestCase):
    def test_noise_shrinks_with_the_root_of_the_rounds(self) -> None:
        spread = [90.0, 95, 100, 105, 110]
        few = verdict.compare("a", spread, spread).noise
        many = verdict.compare("a", spread * 4, spread * 4).noise
        self.assertAlmostEqual(many, few / 2)

    def test_a_single_outlier_is_no_noise(self) -> None:
        quiet = verdict.compare("a", [100.0] * 7, [100.0] * 7)
        disturbed = verdict.compare("a", [100.0] * 6 + [900], [100.0] * 7)
        self.assertEqual(disturbed.noise, quiet.noise)


if __name__ == "__main__":
    tree_tools.main(__file__)
