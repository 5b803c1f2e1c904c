#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Descent without a barrier where worker i takes tau[i] seconds for each gradient, once more, without straggle.

    no_barrier.py DB

For every run of the database (deterministic times, cluster.speeds, detail `worker`): when each update is over, and
of which workers and versions the gradients are that it uses. Of ringmaster without transfer, update and signal
times also that no R updates in a row take longer than the bound. Prints a line for each scheme.
"""
import heapq
import json
import math
import sqlite3
import sys
from collections import deque


class Descent:
    """transfer, update and signal: seconds of a message on its link, of an update, until a worker hears that it may
    stop. Simultaneous tasks are over in the order in which they began."""

    def __init__(self, tau, k=1, waits=True, limit=math.inf, stops=False, lead=math.inf, clocks=False, active=None,
                 transfer=0, update=0, signal=0, by_worker=False):
        self.tau, self.n, self.k, self.waits, self.limit, self.stops = tau, len(tau), k, waits, limit, stops
        self.lead, self.clocks, self.active = lead, clocks, active or len(tau)
        self.transfer, self.update, self.signal, self.by_worker = transfer, update, signal, by_worker
        n = self.n
        self.now, self.version, self.queue, self.order = 0.0, 0, [], 0
        self.number, self.at, self.come = [0] * n, [None] * n, [0] * n
        self.begins, self.ends, self.free, self.link = [0.0] * n, [0.0] * n, [0.0] * n, [0.0] * n
        self.held, self.used, self.waiting = [], None, []  # (worker, version)
        self.idle = deque(range(self.active, n))
        self.done = []  # (time, [(worker, version)])
        for i in range(self.active):
            self.give(i)

    def schedule(self, time, kind, worker, what):
        heapq.heappush(self.queue, (time, kind, worker if self.by_worker else self.order, worker, what))
        self.order += 1

    def give(self, i):
        self.number[i] += 1
        self.at[i] = self.version
        self.begins[i] = max(self.now, self.free[i])
        self.ends[i] = self.begins[i] + self.tau[i]
        self.schedule(self.ends[i], "task", i, self.number[i])

    def interrupt(self, i):
        if self.begins[i] <= self.now < self.ends[i]:
            self.free[i] = min(self.ends[i], self.now + self.signal)
        self.give(i)

    def go_on(self):
        room = max(self.n, self.k) if not self.clocks else (self.lead + 1) * self.n
        if len(self.held) >= room:
            return
        slowest = self.version if self.clocks else min(self.come)
        stay = []
        for i in self.waiting:
            if self.come[i] - slowest > self.lead:
                stay.append(i)
                continue
            self.idle.append(i)
            self.give(self.idle.popleft())
        self.waiting = stay

    def old(self, version):
        return self.version - version >= self.limit

    def begin_update(self):
        if self.used is not None:
            return False
        if self.clocks:
            first = {}
            for m in self.held:
                first.setdefault(m[0], m)
            pick = list(first.values()) if len(first) == self.n else []
        else:
            pick = self.held[:self.k] if len(self.held) >= self.k else []
        if not pick:
            return False
        self.used = pick
        for m in pick:
            self.held.remove(m)  # the oldest of those that are equal
        if self.update > 0:
            self.schedule(self.now + self.update, "over", 0, None)
        else:
            self.end_update()
        return True

    def end_update(self):
        used, self.used = self.used, None
        self.version += 1
        self.done.append((self.now, sorted(used)))
        if self.waits:
            self.waiting += [m[0] for m in used] + [m[0] for m in self.held if self.old(m[1])]
        self.held = [m for m in self.held if not self.old(m[1])]
        self.begin_update()
        for i in range(self.n):
            if self.stops and self.at[i] is not None and self.old(self.at[i]):
                self.interrupt(i)
        self.go_on()

    def arrive(self, i, version):
        self.at[i] = None
        self.come[i] += 1
        if self.old(version) or not self.waits:
            self.waiting.append(i)
        begun = False
        if not self.old(version):
            self.held.append((i, version))
            begun = self.begin_update()
        if not (begun and self.waits):  # else all that may go on do when the update is over
            self.go_on()

    def run(self, updates):
        while len(self.done) < updates:
            self.now, kind, _, i, what = heapq.heappop(self.queue)
            if kind == "over":
                self.end_update()
            elif kind == "task" and what == self.number[i]:
                self.link[i] = max(self.now, self.link[i]) + self.transfer
                if self.transfer > 0:
                    self.schedule(self.link[i], "come", i, (what, self.at[i]))
                else:
                    self.arrive(i, self.at[i])
            elif kind == "come" and what[0] == self.number[i]:
                self.arrive(i, what[1])
        return self.done


def rules(scheme, n):
    code = scheme["code"]
    if code in ("k-async", "k-batch-async"):
        return {"k": scheme["k"], "waits": code == "k-async", "lead": scheme.get("max_lead", math.inf)}
    if code == "ssp":
        clocks = scheme["updates"] == "per-clock"
        return {"k": n if clocks else 1, "waits": not clocks, "clocks": clocks, "lead": scheme["s"]}
    if code == "fedbuff":
        return {"k": scheme["k"], "waits": False, "active": scheme.get("concurrency")}
    if code == "ringmaster":
        return {"limit": scheme["r"], "stops": scheme["stops"]}
    assert code == "delay-adaptive"
    return {}


def bound(tau, r):
    """2 min over m of H_m (1 + r/m), H_m the harmonic mean of the m smallest."""
    rate, least = 0.0, math.inf
    for m, t in enumerate(sorted(tau), 1):
        rate += 1 / t
        least = min(least, 2 * m / rate * (1 + r / m))
    return least


def main():
    db = sqlite3.connect(sys.argv[1])
    found = {}
    for run, label, text in db.execute("SELECT run_id, scheme_label, config_json FROM run JOIN point USING (point_id)"
                                       " ORDER BY run_id").fetchall():
        config = json.loads(text)
        of, scheme = config["environment"], config["scheme"]
        tau = [of["delay"]["value_s"] / v for v in of["cluster"]["speeds"]]
        network = of["network"]
        seconds = {"transfer": network["uplink"].get("value_s", 0), "update": of["master"]["update_s"],
                   "signal": network["signal_latency_s"] if network["cancel"] == "signal" else 0}
        rows = db.execute("SELECT start_s + duration_s FROM iteration WHERE run_id = ? ORDER BY iteration", (run,)).fetchall()
        used = [[] for _ in rows]
        for i, worker, version in db.execute("SELECT iteration, worker, version FROM used_message WHERE run_id = ?", (run,)):
            used[i].append((worker, version))
        s = found.setdefault(label, [0, 0, 0.0])
        for (end,), of_row, (time, expected) in zip(rows, used, Descent(tau, **rules(scheme, len(tau)), **seconds).run(len(rows))):
            assert abs(end - time) <= 1e-10 * time, (label, run, end, time)
            assert not used or not of_row or sorted(of_row) == expected, (label, run, time, of_row, expected)
            s[1] += 1
        s[0] += 1
        if scheme["code"] == "ringmaster" and not any(seconds.values()):
            r, ends = scheme["r"], [0.0] + [end for (end,) in rows]
            longest = max(b - a for a, b in zip(ends, ends[r:]))
            assert longest <= bound(tau, r) * (1 + 1e-12), (label, run, longest, bound(tau, r))
            s[2] = max(s[2], longest / bound(tau, r))
    for label, (runs, updates, share) in found.items():
        print(f"{label}: {runs} runs, {updates} updates" + (f", at most {share:.3f} of the bound" if share else ""))


if __name__ == "__main__":
    main()
