#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A Horovod timeline (of rank 0: it has the activity of all) to a trace.

    HOROVOD_CACHE_CAPACITY=0 HOROVOD_TIMELINE=timeline.json horovodrun …
    horovod_timeline.py timeline.json [--tensor NAME] > trace.csv

In the negotiation of a tensor each rank makes a tick when it is ready; but not for what the response
cache knows, which must be off. The compute time of a rank is from the end of the negotiation of this
tensor one step before, when all go on, to its tick. Without --tensor: of those of nearly every step
the one whose ticks come last, since that is when a rank has computed all gradients. Times within a
step that are communication of other tensors are part of it."""
import argparse
import re
import sys

sys.dont_write_bytecode = True
from timeline import fail, number, read, text, warn

CACHE = "set HOROVOD_CACHE_CAPACITY=0 when the timeline is recorded"


def negotiations(events):
    """{tensor: [(ticks {rank: µs}, end µs)]}, in time."""
    names, open_, found = {}, {}, {}
    for e in events:
        pid, phase, name, ts = str(e.get("pid")), text(e, "ph"), text(e, "name"), number(e, "ts")
        if phase == "M" and name == "process_name":
            args = e.get("args")
            names[pid] = text(args, "name") if isinstance(args, dict) else ""
        elif ts is None:
            continue
        elif phase == "B" and name.startswith("NEGOTIATE_ALLREDUCE"):
            open_[pid] = {}
        elif phase in ("X", "i") and re.fullmatch("[0-9]+", name) and pid in open_:
            open_[pid][int(name)] = ts
        elif phase == "E" and pid in open_:
            found.setdefault(names.get(pid) or pid, []).append((open_.pop(pid), ts))
    return found


def whole_steps(negotiated):
    """[(step, {rank: seconds})] of the steps in which each rank has a tick after the step before."""
    ranks = set().union(*(ticks for ticks, _ in negotiated))
    steps = []
    for i in range(1, len(negotiated)):
        ticks, before = negotiated[i][0], negotiated[i - 1][1]
        if ranks and set(ticks) == ranks and min(ticks.values()) > before:
            steps.append((i, {r: (ticks[r] - before) / 1e6 for r in sorted(ranks)}))
    return steps


def last_tensor(found, steps):
    """Of the tensors of nearly every step (a cut takes one from some) the last that is ready, by the
    first whole step that they share."""
    most = max(len(s) for s in steps.values())
    usual = [t for t in steps if len(steps[t]) >= most / 2]
    shared = set.intersection(*({i for i, _ in steps[t]} for t in usual))
    i = min(shared, default=-1)
    return max(usual, key=lambda t: (max(found[t][i][0].values(), default=0)))


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("file")
    p.add_argument("--tensor", help="name of the tensor that marks the end of computation")
    p.add_argument("--licence", default="not stated")
    a = p.parse_args()
    found = negotiations(read(a.file)[0])
    found = {t: n for t, n in found.items() if len(n) > 1}
    if not found:
        fail(a.file, "no allreduce of a tensor is negotiated more than once")
    if a.tensor and a.tensor not in found:
        fail(a.file, f"there is no tensor {a.tensor}; there are {', '.join(sorted(found))}")
    if not any(ticks for n in found.values() for ticks, _ in n):
        fail(a.file, f"no rank has a tick in any negotiation: {CACHE}")
    steps = {t: whole_steps(n) for t, n in found.items()}
    tensor = a.tensor or last_tensor(found, steps)
    if not steps[tensor]:
        fail(a.file, f"no step after the first has the ticks of all ranks: {CACHE}")
    lost = len(found[tensor]) - 1 - len(steps[tensor])
    if lost:
        warn(a.file, f"{lost} of {lost + len(steps[tensor])} steps lack the tick of a rank and are "
                     f"left out; if they are many, {CACHE}")
    print(f"# source: Horovod timeline, tensor {tensor}, end of its negotiation to the next ticks\n"
          f"# licence: {a.licence}\n# unit: s\niteration,worker,compute_s")
    for i, seconds in steps[tensor]:
        for rank, x in seconds.items():
            print(f"{i},{rank},{x:.9g}")


main()
