#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Timelines of the PyTorch profiler (Chrome trace JSON, one file per rank, perhaps .gz) to a trace.

    pytorch_profiler.py rank0.json rank1.json.gz … > trace.csv

A step is a "ProfilerStep#N" event of the processor. The compute time of a rank is from the start of
its step to the start of the last collective in it (--collective, a regular expression on event
names): what comes after is waiting for the others and communication. Taken out is the time in
earlier collectives in which nothing else ran on the GPU (without GPU: no aten operation). Left out
are steps that not every rank has, and a last one that the end of the recording cuts."""
import argparse
from bisect import bisect_left, bisect_right
import re
import statistics
import sys

sys.dont_write_bytecode = True
from timeline import fail, number, read, text, warn


def union(spans):
    """Spans that do not overlap, in time."""
    found = []
    for begin, end in sorted(spans):
        if found and begin <= found[-1][1]:
            found[-1][1] = max(found[-1][1], end)
        else:
            found.append([begin, end])
    return found


def without(spans, others):
    """The length of a union of spans outside of another one."""
    length, at = 0.0, 0
    for begin, end in spans:
        while at < len(others) and others[at][1] <= begin:
            at += 1
        i = at
        while begin < end:
            busy, free = others[i] if i < len(others) else (end, end)
            length += max(0.0, min(busy, end) - begin)
            begin, i = max(begin, free), i + 1
    return length


def clipped(spans, begin, end):
    """What of a union of spans is between two times."""
    first = max(0, bisect_left(spans, [begin]) - 1)
    return [(max(b, begin), min(e, end)) for b, e in spans[first:bisect_left(spans, [end])]
            if e > begin]


def spans_of(events):
    return [(number(e, "ts"), number(e, "ts") + number(e, "dur")) for e in events]


def step_events(events):
    """{step: (begin, end)} of the processor; those of the GPU are copies, which begin later."""
    found = {}
    for e in sorted(events, key=lambda e: (text(e, "cat").startswith("gpu"), number(e, "ts"))):
        m = re.fullmatch(r"ProfilerStep#(\d+)", text(e, "name"))
        if m:
            found.setdefault(int(m[1]), spans_of([e])[0])
    return found


def steps(path, events, collective):
    """{step: seconds}"""
    events = [e for e in events if text(e, "ph") == "X" and number(e, "ts") is not None
              and (number(e, "dur") or 0) >= 0 and number(e, "dur") is not None]
    gpu = [e for e in events if text(e, "cat") in ("kernel", "gpu_memcpy", "gpu_memset")]
    named = [e for e in events if collective.search(text(e, "name"))
             and text(e, "cat") != "gpu_user_annotation"]
    kernels = [e for e in named if text(e, "cat") == "kernel"]
    # Where there are kernels, the processor's events only launch them.
    talk = union(spans_of(kernels or named))
    starts = sorted(number(e, "ts") for e in kernels or named)
    work = union(spans_of(e for e in gpu or events if not collective.search(text(e, "name"))
                          and (gpu or text(e, "name").startswith("aten::"))))
    found, calls, length = {}, {}, {}
    for step, (begin, end) in step_events(events).items():
        inside = starts[bisect_right(starts, begin):bisect_right(starts, end)]
        stop = inside[-1] if inside else end
        waits = without(clipped(talk, begin, stop), clipped(work, begin, stop))
        found[step] = (stop - begin - waits) / 1e6
        calls[step], length[step] = len(inside), end - begin
    if not found:
        return found
    last, others = max(found), [s for s in found if s != max(found)]
    if others and (calls[last] < min(calls[s] for s in others)
                   or length[last] < statistics.median(length[s] for s in others) / 2):
        warn(path, f"step {last} is cut by the end of the recording and left out")
        del found[last]
    for step in [s for s in found if not found[s] > 0]:
        warn(path, f"step {step} has no time to compute and is left out")
        del found[step]
    silent = sum(calls[s] == 0 for s in found)
    most = max((calls[s] for s in found), default=0)
    if silent:
        warn(path, f"steps without a collective: {silent}; taken whole, they may include waiting")
    if most > 1:
        warn(path, f"up to {most} collectives in a step: time in those before the last in which "
             "nothing else runs is taken for waiting, and left out")
    return found


def rank_of(about):
    """What the file says, or None."""
    info = about.get("distributedInfo")
    try:
        return int(info.get("rank"))
    except (AttributeError, TypeError, ValueError):
        return None


def number_ranks(files):
    """{rank: path}; files that name no rank get the free numbers, in the order of the files."""
    ranks, rest = {}, []
    for path, rank in files:
        if rank is None:
            rest.append(path)
        elif rank in ranks:
            fail(path, f"rank {rank} came already, in {ranks[rank]}")
        else:
            ranks[rank] = path
    free = (i for i in range(len(files)) if i not in ranks)
    for path in rest:
        rank = next(free)
        ranks[rank] = path
        warn(path, f"names no rank: taken for rank {rank}")
    return ranks


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("files", nargs="+")
    p.add_argument("--collective", default=r"nccl|rccl|gloo:|c10d::|all_?reduce",
                   help="names of events that are communication")
    p.add_argument("--licence", default="not stated")
    a = p.parse_args()
    try:
        collective = re.compile(a.collective, re.IGNORECASE)
    except re.error as e:
        fail("--collective", e)
    found, files = {}, []
    for path in a.files:
        events, about = read(path)
        files.append((path, rank_of(about)))
        found[path] = steps(path, events, collective)
    ranks = number_ranks(files)
    every = set.union(*(set(s) for s in found.values()))
    common = set.intersection(*(set(s) for s in found.values()))
    if not common:
        fail(", ".join(a.files), "no whole ProfilerStep is in every file")
    if len(common) < len(every):
        warn("steps that are not whole in every file and left out", len(every) - len(common))
    print("# source: PyTorch profiler, start of step to start of its last collective, without waits\n"
          f"# licence: {a.licence}\n# unit: s\niteration,worker,compute_s")
    for step in sorted(common):
        for rank in sorted(ranks):
            print(f"{step},{rank},{found[ranks[rank]][step]:.9g}")


main()
