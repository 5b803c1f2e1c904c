#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Local SGD's updates by an event schedule of its own, against those of a database.

    local_schedule.py DB TRACE.csv COMPUTE SEND UPDATE

A phase takes COMPUTE times the trace's number (task by task when overlapped, else round by round), a message
SEND seconds on its worker's link, an update UPDATE seconds. Overlapped: phase p begins from the model with the
displacements up to p - 2; who has not done a phase that was updated without it leaves it. Every update must end
at the recorded time, to 1e-9, with the recorded workers and staleness.
"""
import csv
import heapq
import json
import sqlite3
import sys


def overlapped(times, n, quorum, grace, send, update, count):
    """[(end, {worker: staleness})]"""
    events, order = [], 0
    queue, running, begun, epoch, link = [[] for _ in range(n)], [None] * n, [0] * n, [0] * n, [0.0] * n
    came, version, busy, over, waits, out = {}, 0, False, False, False, []

    def at(time, *what):
        nonlocal order
        order += 1
        heapq.heappush(events, (time, order, what))

    def go(w, now):
        if running[w] is None and queue[w]:
            running[w] = queue[w].pop(0)
            at(now + times(w, begun[w]), "done", w, epoch[w])
            begun[w] += 1

    def enough(now):
        nonlocal busy, waits
        held = came.get(version, {})
        if busy or not held:
            return
        if len(held) == n or (len(held) >= quorum and (grace == 0 or over)):
            busy = True
            at(now + update, "updated", dict(held))
        elif len(held) >= quorum and not waits:
            waits = True
            at(now + grace, "grace", version)

    for w in range(n):
        queue[w] = [(0, 0), (1, 0)]
        go(w, 0.0)
    while len(out) < count:
        now, _, what = heapq.heappop(events)
        if what[0] == "done":
            _, w, of = what
            if of != epoch[w]:
                continue
            link[w] = max(link[w], now) + send
            at(link[w], "came", w, *running[w])
            running[w] = None
            go(w, now)
        elif what[0] == "came":
            _, w, phase, model = what
            if phase > version or (phase == version and not busy):
                came.setdefault(phase, {})[w] = model
                enough(now)
        elif what[0] == "grace":
            over = over or what[1] == version
            enough(now)
        else:
            used = what[1]
            out.append((now, {w: version - m for w, m in used.items()}))
            version += 1
            busy = over = waits = False
            for w in range(n):
                late = w not in used and running[w] is not None and running[w][0] < version
                if late:
                    epoch[w] += 1
                    running[w], queue[w] = None, [(version, version), (version + 1, version)]
                else:
                    queue[w].append((version + 1, version))
                go(w, now)
            enough(now)
    return out


def blocking(times, n, quorum, grace, send, update, count):
    out, now = [], 0.0
    for round_ in range(count):
        ends = sorted((now + times(w, round_) + send, w) for w in range(n))
        end = min(ends[-1][0], ends[quorum - 1][0] + grace)
        now = end + update
        out.append((now, {w: 0 for t, w in ends if t <= end}))
    return out


def main():
    db, compute, send, update = sqlite3.connect(sys.argv[1]), *map(float, sys.argv[3:])
    table = {}
    with open(sys.argv[2]) as f:
        for row in csv.DictReader(f):
            table[int(row["worker"]), int(row["iteration"])] = float(row["compute_s"])
    rows = 1 + max(t for _, t in table)
    for run, label, text in db.execute("SELECT run_id, scheme_label, config_json FROM run JOIN point"
                                       " USING (point_id) ORDER BY run_id").fetchall():
        config = json.loads(text)
        n, scheme = config["environment"]["cluster"]["workers"], config["scheme"]
        found = db.execute("SELECT iteration, start_s + duration_s FROM iteration WHERE run_id = ?"
                           " ORDER BY iteration", (run,)).fetchall()
        stop, both = scheme.get("stop") or {}, (lambda w, t: compute * table[w, t % rows], n)
        if scheme["outer"] == "overlapped":
            wanted = overlapped(*both, scheme.get("quorum") or n, scheme["grace_s"], send, update, len(found))
        else:
            wanted = blocking(*both, stop.get("count", n), stop.get("grace_s", 0), send, update, len(found))
        off, stale, used = 0.0, 0, 0
        for (iteration, end), (time, who) in zip(found, wanted):
            off = max(off, abs(end - time))
            stale, used = max(stale, *who.values()), used + len(who)
            names = dict(db.execute("SELECT worker, staleness FROM used_message WHERE run_id = ? AND iteration = ?",
                                    (run, iteration)))
            if scheme["outer"] != "overlapped":
                names = {w: 0 for (w,) in db.execute("SELECT worker FROM worker_iteration WHERE run_id = ?"
                                                     " AND iteration = ? AND used", (run, iteration))}
            assert names == who, (label, iteration, names, who)
        assert off < 1e-9, (label, off)
        print(f"{label}: {len(found)} updates until {found[-1][1]:.3f} s, {used / len(found):.3f} workers in one,"
              f" staleness up to {stale}")


main()
