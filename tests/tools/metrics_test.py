#!/usr/bin/env python3
"""Holds what is said of the metrics against what is served.

usage: metrics_test.py METRICS_SAMPLE

METRICS_SAMPLE prints a scrape with all families (metrics_sample.cc). The Grafana dashboard, the
Prometheus rules and docs/METRICS.md may only speak of those, and the document of all of them;
promtool has to like the scrape and the rules, and the rules their tests. Prints TAP.
"""

import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
DASHBOARD = ROOT / "packaging/grafana/sluice.json"
RULES = ROOT / "packaging/prometheus/alerts.yml"
RULE_TESTS = ROOT / "packaging/prometheus/alerts_test.yml"
DOCUMENT = ROOT / "docs/METRICS.md"

NAME = re.compile(r"\b(?:sluice|sidecar|process)_[a-z0-9_]+")
LABELS = re.compile(r"\b((?:sluice|sidecar|process)_[a-z0-9_]+)\{([^}]*)\}")


def run(*words, text=None):
    """(exit status, all that was said)"""
    done = subprocess.run([str(word) for word in words], input=text, capture_output=True,
                          text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def scrape(sample, form):
    status, text = run(sample, form)
    assert status == 0, text
    return text


def families_of(text):
    return set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))


def series_of(text):
    """{name: its labels}"""
    series = {}
    for line in text.splitlines():
        match = re.match(r"([a-z0-9_]+)(?:\{(.*)\})? ", line)
        if match and not line.startswith("#"):
            labels = re.findall(r'([a-z_]+)="', match[2] or "")
            series.setdefault(match[1], set()).update(labels)
    return series


def queries_of_dashboard():
    """(where, query)"""
    def of(panels):
        for panel in panels:
            for target in panel.get("targets", []):
                yield panel["title"], target["expr"]
            yield from of(panel.get("panels", []))
    board = json.loads(DASHBOARD.read_text())
    yield from of(board["panels"])
    for variable in board["templating"]["list"]:
        query = variable.get("query")
        if query and variable["type"] == "query":
            yield variable["name"], query if isinstance(query, str) else query["query"]


def queries_of_rules():
    name = ""
    for line in RULES.read_text().splitlines():
        found = re.match(r"\s*- alert: (\S+)", line)
        name = found[1] if found else name
        yield name, line.split("#")[0]


def strangers(queries, series):
    """Names and labels in queries that no scrape has."""
    for where, query in queries:
        for name in NAME.findall(query):
            if name not in series:
                yield f"{where}: {name} is served nowhere"
        for name, labels in LABELS.findall(query):
            for label in re.findall(r"([a-z_]+)\s*(?:=|!=|=~|!~)", labels):
                if label not in series.get(name, set()) | {"job", "instance"}:
                    yield f"{where}: {name} has no label {label}"


def openmetrics_faults(text):
    """The rules of OpenMetrics 1.0 that promtool of Debian 12 does not check."""
    lines = text.splitlines()
    if lines[-1] != "# EOF" or lines.count("# EOF") != 1:
        yield "does not end with # EOF"
    types = dict(re.findall(r"^# TYPE (\S+) (\S+)", text, re.MULTILINE))
    for name, unit in re.findall(r"^# UNIT (\S+) (\S+)", text, re.MULTILINE):
        if not name.endswith("_" + unit):
            yield f"{name} does not end with its unit {unit}"
    for name, kind in types.items():
        if name.endswith(("_total", "_bucket")):
            yield f"the family {name} has a name for samples"
        samples = re.findall(rf"^{name}(\w*)[ {{]", text, re.MULTILINE)
        suffixes = {"counter": {"_total"}, "histogram": {"_bucket", "_sum", "_count"}}
        wanted = suffixes.get(kind, {""})
        if not wanted & set(samples):
            yield f"{name} ({kind}) has no samples of its own"


def undocumented(families):
    told = set(re.findall(rf"^\| `({NAME.pattern})", DOCUMENT.read_text(), re.MULTILINE))
    yield from (f"docs/METRICS.md lacks {name}" for name in sorted(families - told))
    yield from (f"docs/METRICS.md tells of {name}, which is not served"
                for name in sorted(told - families))


def promtool(*words, text=None):
    status, said = run("promtool", *words, text=text)
    # It complains of names without failing for all of them.
    if status != 0 or text is not None and said.strip():
        yield from [f"exit status {status}", *said.splitlines()]


def main():
    if len(sys.argv) != 2:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    text = scrape(sys.argv[1], "text")
    series = series_of(text)
    checks = {
        "promtool check metrics": promtool("check", "metrics", text=text),
        "OpenMetrics": openmetrics_faults(scrape(sys.argv[1], "openmetrics")),
        "promtool check rules": promtool("check", "rules", RULES),
        "promtool test rules": promtool("test", "rules", RULE_TESTS),
        "the dashboard asks for what there is": strangers(queries_of_dashboard(), series),
        "the rules ask for what there is": strangers(queries_of_rules(), series),
        "docs/METRICS.md tells of every family": undocumented(families_of(text)),
    }
    print(f"TAP version 13\n1..{len(checks)}")
    broken = 0
    for number, (name, faults) in enumerate(checks.items(), 1):
        found = list(faults)
        broken += bool(found)
        print(f"{'not ok' if found else 'ok'} {number} - {name}")
        for fault in found:
            print(f"# {fault}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
