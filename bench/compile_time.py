#!/usr/bin/python3
"""What each public header costs to include: seconds of g++, and the ratio to its budget.

Usage: compile_time.py [HEADER...], as `shape.hpp`. Each is the only include of a source that is
compiled with -O2; the best of RUNS is told, in CPU time, so that a busy machine matters little.
$CXX chooses the compiler. Exits with 1 when a header is over its budget.
"""
import os
import pathlib
import resource
import subprocess
import sys
import tempfile

RUNS = 7
LIGHT = 0.4
# Light are the floors below arrays. The own cost of Eigen and <chrono> has no budget.
BUDGETS = dict.fromkeys(["npymap.hpp", "any_array.hpp", "array.hpp", "blocks.hpp", "convert.hpp", "reduce.hpp", "strings.hpp"], 0.9)
BUDGETS |= {"chrono.hpp": None, "eigen.hpp": None, "eigen_passes.hpp": None}

INCLUDE = pathlib.Path(__file__).resolve().parent.parent / "include"


def cpu_seconds():
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def cost(text):
    """The least CPU seconds of RUNS compilations of a source."""
    compiler = os.environ.get("CXX", "g++")
    options = ["-std=c++20", "-O2", f"-I{INCLUDE}", "-I/usr/include/eigen3", "-c"]
    best = float("inf")
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder, "source.cpp")
        source.write_text(text)
        for _ in range(RUNS):
            before = cpu_seconds()
            subprocess.run([compiler, *options, "-o", f"{folder}/object.o", source], check=True)
            best = min(best, cpu_seconds() - before)
    return best


def main():
    headers = sys.argv[1:] or sorted(path.name for path in (INCLUDE / "npymap").glob("*.hpp"))
    over = 0
    print(f"{'header':<20} {'seconds':>8} {'budget':>8} {'ratio':>6}")
    print(f"{'(an empty source)':<20} {cost(''):>8.2f}")
    for header in headers:
        seconds = cost(f"#include <npymap/{header}>\n")
        budget = BUDGETS.get(header, LIGHT)
        judged = f" {budget:>8.2f} {seconds / budget:>6.2f}" if budget else ""
        print(f"{header:<20} {seconds:>8.2f}{judged}", flush=True)
        over += budget is not None and seconds > budget
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
