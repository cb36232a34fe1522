"""Print the ratios that benchmark results hold: ratios.py RESULT.json...

A benchmark is named `subject/variant`. For each subject the median time of every variant is set against
npymap's: above 1, npymap is the faster one. Times are printed for orientation only; machines that are shared
make ratios the one thing to trust.
"""

import json
import statistics
import sys

subjects = {}
for path in sys.argv[1:]:
    with open(path) as file:
        for run in json.load(file)["benchmarks"]:
            if run.get("run_type") != "iteration" or run.get("error_occurred"):
                continue
            subject, variant = run["run_name"].split("/")[:2]
            scale = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}[run["time_unit"]]
            subjects.setdefault(subject, {}).setdefault(variant, []).append(run["real_time"] * scale)

for subject, variants in subjects.items():
    medians = {variant: statistics.median(times) for variant, times in variants.items()}
    ours = medians.get("npymap")
    for variant, seconds in medians.items():
        ratio = f"{seconds / ours:8.3f} x npymap" if ours else ""
        print(f"{subject:40} {variant:20} {seconds:12.4g} s {ratio}  ({len(variants[variant])} runs)")
