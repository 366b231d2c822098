"""Finds the benchmark programs of a build folder, runs them in turns and reads what they print."""

import json
import pathlib
import subprocess
from collections.abc import Callable, Iterable, Iterator

SUFFIX = "_bench"
CALIBRATION = "calibration_bench"
# These measure by themselves, once, and do not speak Google Benchmark's language.
PLAIN = {"restore_bench", "usage_bench"}
PROGRAM_SECONDS_MAX = 600  # a program that takes longer hangs
_NS = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}

# {benchmark: its time in nanoseconds, one for each time that it ran}
Samples = dict[str, list[float]]


class WrongUse(Exception):
    """What the caller has to mend; the command exits with 2."""


class BrokenBenchmark(Exception):
    """A program that fails, or whose own check of its result does; the command exits with 1."""


def programs_of(build: pathlib.Path) -> dict[str, pathlib.Path]:
    """{name: path} of the micro benchmarks in `build`, the calibration left out."""
    folder = build / "bench"
    found = {path.name: path for path in sorted(folder.glob("*" + SUFFIX))
             if path.is_file() and path.name not in PLAIN | {CALIBRATION}}
    if not found:
        raise WrongUse(f"{folder} has no benchmark programs: meson configure {build}"
                       f" -Dbenchmarks=true, then ninja -C {build}")
    return found


def calibration_of(build: pathlib.Path) -> pathlib.Path:
    path = build / "bench" / CALIBRATION
    if not path.is_file():
        raise WrongUse(f"{path} is missing: ninja -C {build} bench/{CALIBRATION}")
    return path


def times_in(text: str, program: str) -> dict[str, float]:
    """{program/benchmark: ns of one iteration} in what Google Benchmark prints as JSON: the time of
    the CPU, for that of the clock tells what else the machine does; but what the benchmark itself
    took the time of, where it did."""
    times = {}
    for run in json.loads(text)["benchmarks"]:
        if run.get("run_type", "iteration") != "iteration":
            continue
        name = f"{program.removesuffix(SUFFIX)}/{run['name']}"
        if run.get("error_occurred"):
            raise BrokenBenchmark(f"{name}: {run.get('error_message', 'failed')}")
        key = "real_time" if "manual_time" in run["name"].split("/") else "cpu_time"
        times[name] = run[key] * _NS[run["time_unit"]]
        if not times[name] > 0:
            raise BrokenBenchmark(f"{name}: took {run[key]}, which cannot be compared")
    return times


def run_program(path: pathlib.Path, pattern: str, seconds: float) -> dict[str, float]:
    """Runs those benchmarks of one program that `pattern` finds, each for at least `seconds`."""
    words = [str(path), "--benchmark_format=json", f"--benchmark_min_time={seconds:g}",
             f"--benchmark_filter={pattern}"]
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False,
                              timeout=PROGRAM_SECONDS_MAX)
    except subprocess.TimeoutExpired as late:
        raise BrokenBenchmark(f"{path}: not done within {PROGRAM_SECONDS_MAX} s") from late
    except OSError as fault:
        raise WrongUse(f"{path}: {fault.strerror}") from fault
    if done.returncode != 0:
        raise BrokenBenchmark(f"{path}: exit status {done.returncode}: {done.stderr.strip()}")
    # No benchmark that fits: it says so in words, and prints no JSON.
    if not done.stdout.lstrip().startswith("{"):
        return {}
    try:
        return times_in(done.stdout, path.name)
    except (ValueError, KeyError) as fault:
        raise BrokenBenchmark(f"{path}: its output cannot be read: {fault!r}") from fault


def names_of(path: pathlib.Path) -> list[str]:
    """The benchmarks of one program, by their full names."""
    try:
        done = subprocess.run([str(path), "--benchmark_list_tests=true"], capture_output=True,
                              text=True, check=False, timeout=PROGRAM_SECONDS_MAX)
    except (OSError, subprocess.TimeoutExpired) as fault:
        raise WrongUse(f"{path}: {fault}") from fault
    if done.returncode != 0:
        raise BrokenBenchmark(f"{path}: exit status {done.returncode}: {done.stderr.strip()}")
    program = path.name.removesuffix(SUFFIX)
    return [f"{program}/{line}" for line in done.stdout.splitlines() if line]


def exactly(names: Iterable[str]) -> str:
    """A pattern of POSIX that finds these benchmarks of a program and no others."""
    escaped = ("".join("\\" + c if c in r"\.[]{}()*+?^$|" else c for c in name) for name in names)
    return "^(" + "|".join(escaped) + ")$"


def by_program(names: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """(program, its benchmarks without the program's name), of names in full."""
    groups: dict[str, list[str]] = {}
    for name in names:
        program, _, rest = name.partition("/")
        groups.setdefault(program + SUFFIX, []).append(rest)
    yield from groups.items()


def run_in_turns(sides: list[dict[str, pathlib.Path]], names: list[str], rounds: int,
                 seconds: float, tell: Callable[[str], None]) -> list[Samples]:
    """Measures `names` in each of `sides`, programs by name, and gives each side's samples. Each
    round runs each program of one side right after the other's, and the next round the other way
    round: what the machine does meanwhile hits both alike."""
    samples: list[Samples] = [{} for _ in sides]
    groups = list(by_program(names))
    for number in range(rounds):
        order = range(len(sides)) if number % 2 == 0 else reversed(range(len(sides)))
        turn = list(order)
        for program, wanted in groups:
            tell(f"round {number + 1} of {rounds}: {program}")
            for side in turn:
                times = run_program(sides[side][program], exactly(wanted), seconds)
                for name, time in times.items():
                    samples[side].setdefault(name, []).append(time)
    tell("")
    return samples
