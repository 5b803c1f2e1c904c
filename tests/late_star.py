# SPDX-License-Identifier: MIT
"""One iteration after another of a star that waits for n - s, by hand: times of computing and sending
from the trace, cancelling after a signal. Prints duration, busy and wasted seconds of each."""
import csv, sys

path, n, wait, signal = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
late_work, late_messages = sys.argv[5:]
compute, send = {}, {}
for row in csv.DictReader(open(path)):
    key = int(row["iteration"]), int(row["worker"])
    compute[key], send[key] = float(row["compute_s"]), float(row["send_s"])
iterations = 1 + max(i for i, _ in compute)
now = 0.0
free = [0.0] * n          # when a worker begins the iteration's task
link = [0.0] * n          # when its link is free
for i in range(iterations):
    begin = [max(now, free[w]) for w in range(n)]
    done = [begin[w] + compute[i, w] for w in range(n)]
    sent = [max(done[w], link[w]) for w in range(n)]
    come = [sent[w] + send[i, w] for w in range(n)]
    order = sorted(range(n), key=lambda w: come[w])
    used = set(order[:wait])
    end = come[order[wait - 1]]
    heard = end + signal
    busy = wasted = 0.0
    for w in range(n):
        # What was left of the iteration before, in this row.
        stale = max(0.0, min(free[w], end) - now)
        own = max(0.0, min(done[w], end) - begin[w])
        busy += stale + own
        wasted += stale + (0.0 if w in used else own)
    for w in range(n):
        if w in used:
            free[w], link[w] = end, come[w]
            continue
        # It goes on with what it is at until it hears; it begins nothing else of this iteration.
        if begin[w] <= end < done[w]:
            free[w] = done[w] if late_work == "finish-first" else min(done[w], heard)
            link[w] = min(link[w], heard) if late_messages == "cancel" else link[w]
        else:
            free[w] = max(end, free[w])
            if sent[w] <= end:  # on the link
                link[w] = come[w] if late_messages == "occupy-link" else min(come[w], heard)
    print("%.9f %.9f %.9f" % (end - now, busy, wasted))
    now = end
