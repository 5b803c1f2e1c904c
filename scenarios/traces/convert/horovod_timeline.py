#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A Horovod timeline (of rank 0: it has the activity of all) to a trace.

    horovod_timeline.py timeline.json [--tensor NAME] > trace.csv

In the negotiation of a tensor each rank makes a tick when it is ready. The compute time of a rank is
from the end of the negotiation of this tensor one step before, when all go on, to its tick. Without
--tensor: the one whose ticks come last, since that is when a rank has computed all gradients. Times
within a step that are communication of other tensors are part of it."""
import argparse
import json
import re
import sys


def read(path):
    text = open(path).read().strip()
    try:
        return json.loads(text)
    except json.JSONDecodeError:  # the closing bracket is only written at a clean end
        return json.loads(text.rstrip().rstrip(",") + "]")


def negotiations(events):
    """{tensor: [(ticks {rank: µs}, end µs)]}, in time."""
    names, open_, found = {}, {}, {}
    for e in events:
        if not e:
            continue
        pid, phase, name = e.get("pid"), e.get("ph"), e.get("name", "")
        if phase == "M" and name == "process_name":
            names[pid] = e.get("args", {}).get("name", str(pid))
        elif phase == "B" and re.match(r"NEGOTIATE_ALLREDUCE", name):
            open_[pid] = {}
        elif phase in "Xi" and name.isdigit() and pid in open_:
            open_[pid][int(name)] = float(e["ts"])
        elif phase == "E" and pid in open_:
            found.setdefault(names.get(pid, str(pid)), []).append((open_.pop(pid), float(e["ts"])))
    return found


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("file")
    p.add_argument("--tensor", help="name of the tensor that marks the end of computation")
    p.add_argument("--licence", default="not stated")
    a = p.parse_args()
    found = negotiations(read(a.file))
    found = {t: n for t, n in found.items() if len(n) > 1}
    if not found:
        sys.exit("no tensor is negotiated more than once")
    most = max(len(n) for n in found.values())
    last = max((t for t in found if len(found[t]) == most), key=lambda t: found[t][0][1])
    tensor = a.tensor or last
    if tensor not in found:
        sys.exit(f"there is no tensor {tensor}; there are {', '.join(sorted(found))}")
    ranks = set.union(*(set(n[0]) for n in found[tensor]))
    print(f"# source: Horovod timeline, tensor {tensor}, end of its negotiation to the next ticks\n"
          f"# licence: {a.licence}\n# unit: s\niteration,worker,compute_s")
    for i in range(1, len(found[tensor])):
        ticks, before = found[tensor][i][0], found[tensor][i - 1][1]
        if set(ticks) != ranks or min(ticks.values()) <= before:
            print(f"step {i} is incomplete and left out", file=sys.stderr)
            continue
        for rank in sorted(ranks):
            print(f"{i},{rank},{(ticks[rank] - before) / 1e6:.9g}")


main()
