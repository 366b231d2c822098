"""Baselines: what a build measured once, in a form that another machine can be held against.

A time says little on another machine. So each figure is kept as a ratio to the calibration, a fixed
piece of arithmetic and memory work (bench/calibration_bench.cc) that runs right before each program
of each round.
"""

import json
import pathlib
import re
import statistics
from collections.abc import Callable

from . import programs
from .programs import Samples, WrongUse

FORMAT = 1
CALIBRATION_PATTERN = "."  # all that calibration_bench has: one benchmark


def measure(build: pathlib.Path, names: list[str], rounds: int, seconds: float,
            tell: Callable[[str], None]) -> Samples:
    """Each benchmark's times in units of the calibration of the same moment."""
    calibration = programs.calibration_of(build)
    paths = programs.programs_of(build)
    samples: Samples = {}
    for number in range(rounds):
        for program, wanted in programs.by_program(names):
            tell(f"round {number + 1} of {rounds}: {program}")
            unit = calibrate(calibration, seconds)
            times = programs.run_program(paths[program], programs.exactly(wanted), seconds)
            for name, time in times.items():
                samples.setdefault(name, []).append(time / unit)
    tell("")
    return samples


def calibrate(calibration: pathlib.Path, seconds: float) -> float:
    """The time of the calibration now, in nanoseconds."""
    times = programs.run_program(calibration, CALIBRATION_PATTERN, seconds)
    if len(times) != 1:
        raise programs.BrokenBenchmark(f"{calibration}: {len(times)} benchmarks instead of one")
    return next(iter(times.values()))


def write(file: pathlib.Path, samples: Samples, calibration_ns: float, cpu: str) -> None:
    """Keeps every round: the median, the minimum and the spread are judged when it is read."""
    content = {
        "format": FORMAT,
        "cpu": cpu,
        "calibration_ns": round(calibration_ns),
        "benchmarks": {name: [float(f"{ratio:.4g}") for ratio in ratios]
                       for name, ratios in sorted(samples.items())},
    }
    # One line for each benchmark, so that a new baseline is a readable change.
    text = json.dumps(content, indent=1)
    text = re.sub(r"\[[^\]]*\]", lambda found: re.sub(r"\s+", " ", found[0]), text)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n")
    except OSError as fault:
        raise WrongUse(f"{file}: {fault.strerror}") from fault


def read(file: pathlib.Path) -> Samples:
    try:
        content = json.loads(file.read_text())
    except OSError as fault:
        raise WrongUse(f"{file}: {fault.strerror}") from fault
    except ValueError as fault:
        raise WrongUse(f"{file} is no baseline: {fault}; write one with --save") from fault
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise WrongUse(f"{file} is no baseline of format {FORMAT}: write a new one with --save")
    samples = content.get("benchmarks")
    if not isinstance(samples, dict) or not all(map(_are_ratios, samples.values())):
        raise WrongUse(f"{file}: \"benchmarks\" is not a list of ratios for each name")
    return samples


def _are_ratios(ratios: object) -> bool:
    return (isinstance(ratios, list) and bool(ratios)
            and all(isinstance(one, (int, float)) and one > 0 for one in ratios))


def cpu_model(cpuinfo: str) -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", cpuinfo, re.MULTILINE)
    return found[1].strip() if found else "unknown"


def unit_of(build: pathlib.Path, seconds: float, rounds: int) -> float:
    calibration = programs.calibration_of(build)
    return statistics.median(calibrate(calibration, seconds) for _ in range(rounds))
