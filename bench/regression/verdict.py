"""Judges whether one build is slower than another, from times of both in the same rounds."""

import dataclasses
import math
import statistics
from collections.abc import Callable

# A difference of less than a cycle at 3 GHz is where the linker put the loop, not what it does.
CYCLE_NS = 0.3
# So often is what looks slower measured anew, and has to look so each time. A benchmark that is as
# fast as before looks slower once in a while; with a hundred of them one always does.
CONFIRMATIONS = 2
# The error of a median from the median distance to it, for samples of a normal distribution:
# 1.4826 gives the standard deviation, sqrt(pi / 2) the median's error beside the mean's.
_ERROR_OF_MEDIAN = 1.4826 * math.sqrt(math.pi / 2)
_SIGMAS = 2  # 95 of 100 differences by chance alone are smaller


@dataclasses.dataclass(frozen=True)
class Comparison:
    """One benchmark in two builds; times in nanoseconds (or in units of the calibration)."""

    name: str
    base: float  # medians
    new: float
    ratio: float  # of the medians, new to base
    ratio_of_least: float  # of the minima
    noise: float  # how far apart the medians of equal builds may be, as a part of base
    apart: float  # new - base

    def slower(self, limit: float, floor: float = CYCLE_NS) -> bool:
        """Beyond the limit by the median and by the minimum, and by more than chance."""
        return (self.ratio > 1 + limit and self.ratio_of_least > 1 + limit
                and self.ratio - 1 > self.noise and self.apart > floor)

    def faster(self, limit: float, floor: float = CYCLE_NS) -> bool:
        return (self.ratio < 1 / (1 + limit) and self.ratio_of_least < 1 / (1 + limit)
                and 1 - self.ratio > self.noise and -self.apart > floor)


def error_of_median(samples: list[float]) -> float:
    """The standard error of the median, from the spread of the samples."""
    middle = statistics.median(samples)
    distance = statistics.median(abs(sample - middle) for sample in samples)
    return distance * _ERROR_OF_MEDIAN / math.sqrt(len(samples))


def compare(name: str, base: list[float], new: list[float]) -> Comparison:
    medians = statistics.median(base), statistics.median(new)
    error = math.hypot(error_of_median(base), error_of_median(new))
    return Comparison(name=name, base=medians[0], new=medians[1], ratio=medians[1] / medians[0],
                      ratio_of_least=min(new) / min(base), noise=_SIGMAS * error / medians[0],
                      apart=medians[1] - medians[0])


# Measures these benchmarks anew: (base's samples, new's samples) by name.
MeasureAgain = Callable[[list[str]], tuple[dict[str, list[float]], dict[str, list[float]]]]


def confirm(suspects: list[Comparison], limit: float, again: MeasureAgain,
            floor: float = CYCLE_NS) -> list[Comparison]:
    """Those of `suspects` that are slower in fresh rounds, too, each time: as they were the last
    time."""
    for _ in range(CONFIRMATIONS):
        if not suspects:
            break
        base, new = again([suspect.name for suspect in suspects])
        fresh = [compare(one.name, base[one.name], new[one.name]) for one in suspects]
        suspects = [one for one in fresh if one.slower(limit, floor)]
    return suspects
