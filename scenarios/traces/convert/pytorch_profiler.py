#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Timelines of the PyTorch profiler (Chrome trace JSON, one file per rank, perhaps .gz) to a trace.

    pytorch_profiler.py rank0.json rank1.json.gz … > trace.csv

A step is a "ProfilerStep#N" event. The compute time of a rank is from the start of its step to the
start of the last collective in it (--collective, a regular expression on event names): what comes
after is waiting for the others and communication. Steps that not every rank has are left out."""
import argparse
import gzip
import json
import re
import sys


def read(path):
    with (gzip.open if path.endswith(".gz") else open)(path, "rt") as f:
        return json.load(f)


def steps(timeline, collective):
    """{step: seconds}"""
    events = [e for e in timeline["traceEvents"] if e.get("ph") == "X"]
    starts = sorted(float(e["ts"]) for e in events if collective.search(e["name"]))
    found, without = {}, 0
    for e in events:
        m = re.fullmatch(r"ProfilerStep#(\d+)", e["name"])
        if not m or int(m[1]) in found:  # the same annotation may be there for the GPU as well
            continue
        begin, end = float(e["ts"]), float(e["ts"]) + float(e["dur"])
        inside = [t for t in starts if begin < t <= end]
        without += not inside
        found[int(m[1])] = ((inside[-1] if inside else end) - begin) / 1e6
    return found, without


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("files", nargs="+")
    p.add_argument("--collective", default=r"nccl|gloo:|c10d::|all_?reduce",
                   help="names of events that are communication")
    p.add_argument("--licence", default="not stated")
    a = p.parse_args()
    collective = re.compile(a.collective, re.IGNORECASE)
    ranks = {}
    for i, path in enumerate(a.files):
        timeline = read(path)
        rank = int(timeline.get("distributedInfo", {}).get("rank", i))
        if rank in ranks:
            sys.exit(f"{path}: rank {rank} came already")
        ranks[rank], without = steps(timeline, collective)
        if without:
            print(f"{path}: {without} steps without a collective: taken whole, they may include "
                  "waiting", file=sys.stderr)
    common = set.intersection(*(set(s) for s in ranks.values()))
    if not common:
        sys.exit("no ProfilerStep is in every file")
    print("# source: PyTorch profiler, start of step to start of its last collective\n"
          f"# licence: {a.licence}\n# unit: s\niteration,worker,compute_s")
    for step in sorted(common):
        for rank in sorted(ranks):
            print(f"{step},{rank},{ranks[rank][step]:.9g}")


main()
