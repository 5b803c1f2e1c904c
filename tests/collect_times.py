#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""When the updates of rennala, malenia and mindflayer are over, once more, without straggle.

    collect_times.py DB [TRACE.csv]

For every run of the database at detail `worker`: the end of each update and how many gradients of whom it used.
Times are those of cluster.speeds (deterministic) or, with TRACE.csv, the row's for a worker's next task. Links, the
master's update and the word to stop take the scenario's fixed seconds. The busy and wasted seconds of a run are
checked, too, where nothing is on its way at its end; and that no update of rennala takes longer than min over m of
H_m (1 + B/m), 2 + B/m without interruption, H_m the harmonic mean of the m shortest times. Prints a line for each
scheme.
"""
import csv
import heapq
import json
import sqlite3
import sys
from collections import Counter
from fractions import Fraction


class Collect:
    """Rennala and Malenia. seconds(worker, i): of its i-th task. Who is done at the same time comes in the order of
    (time, worker)."""

    def __init__(self, n, seconds, enough, interrupt, most, transfer, update, signal):
        self.n, self.seconds, self.enough, self.interrupt, self.most = n, seconds, enough, interrupt, most
        self.transfer, self.update, self.signal = transfer, update, signal
        self.now, self.version, self.updating, self.queue, self.order = 0.0, 0, False, [], 0
        self.count, self.waiting, self.done = Counter(), [], []
        self.number, self.tasks = [0] * n, [0] * n
        self.begins, self.ends, self.free, self.link = [0.0] * n, [0.0] * n, [0.0] * n, [0.0] * n
        self.busy = self.useful = 0.0
        for i in range(n):
            self.give(i)

    def schedule(self, time, rank, what):
        self.order += 1
        heapq.heappush(self.queue, (time, rank, self.order, what))

    def give(self, i):
        self.number[i] += 1
        self.begins[i] = max(self.now, self.free[i])
        self.ends[i] = self.begins[i] + self.seconds(i, self.tasks[i])
        self.tasks[i] += 1
        self.schedule(self.ends[i], 1, ("task", i, self.number[i], self.version))

    def stop(self, i):
        if self.begins[i] <= self.now < self.ends[i]:
            self.free[i] = min(self.ends[i], self.now + self.signal)
            self.busy += self.free[i] - self.begins[i]
        self.number[i] += 1

    def go_on(self, i):
        if self.updating or self.count[i] >= self.most:
            self.waiting.append(i)
        else:
            self.give(i)

    def arrive(self, i, version, seconds):
        fresh = version == self.version
        if fresh and not self.updating:
            self.count[i] += 1
            self.useful += seconds
            if self.enough(self.count):
                self.updating = True
                self.schedule(self.now + self.update, 0, ("over",))
                for w in range(self.n) if self.interrupt else []:
                    if self.ends[w] > self.now:
                        self.stop(w)
        if fresh or not self.interrupt:
            self.go_on(i)

    def over(self):
        self.done.append((self.now, dict(self.count)))
        self.version += 1
        self.updating, self.count = False, Counter()
        again, self.waiting = range(self.n) if self.interrupt else self.waiting, []
        for i in again:
            self.give(i)

    def run(self, updates):
        while len(self.done) < updates:
            self.now, _, _, what = heapq.heappop(self.queue)
            if what[0] == "over":
                self.over()
            elif what[0] == "task":
                _, i, number, version = what
                if number != self.number[i]:
                    continue
                self.busy += self.ends[i] - self.begins[i]
                self.link[i] = max(self.now, self.link[i]) + self.transfer
                what = ("come", i, version, self.ends[i] - self.begins[i])
                if self.transfer > 0:
                    self.schedule(self.link[i], 1, what)
                else:
                    self.arrive(*what[1:])
            else:
                self.arrive(*what[1:])
        return self.done


def mindflayer(n, seconds, trials, limit, transfer, update, updates):
    """Rounds: nobody begins before all have sent what they have."""
    now, begun, done = 0.0, [0] * n, []
    for _ in range(updates):
        end, count = now, {}
        for i in range(n):
            time = now
            for _ in range(trials[i]):
                x = seconds(i, begun[i])
                begun[i] += 1
                if x <= limit[i]:
                    count[i] = count.get(i, 0) + 1
                time += min(x, limit[i])
            if trials[i] > 0:
                end = max(end, time + transfer)
        now = end + update
        done.append((now, count))
    return done


def of_all(n, values, usual):
    return [usual] * n if not values else list(values) * n if len(values) == 1 else list(values)


def expected(scheme, n, seconds, fixed, updates):
    if scheme["code"] == "mindflayer":
        return mindflayer(n, seconds, of_all(n, scheme["worker_trials"], scheme["trials"]),
                          of_all(n, scheme["worker_limits"], scheme.get("time_limit")),
                          fixed["transfer"], fixed["update"], updates), None
    most = float("inf")
    if scheme["code"] == "rennala":
        def enough(count):
            return sum(count.values()) >= scheme["b"]
    else:
        s = Fraction(scheme["s"])
        most = scheme.get("most") or max(100, 100 * s // n)

        def enough(count):
            return len(count) == n and n / sum(Fraction(1, b) for b in count.values()) >= s / n
    c = Collect(n, seconds, enough, scheme["interrupt"], most, **fixed)
    return c.run(updates), c


def bound(tau, b, before):
    rate, least = 0.0, float("inf")
    for m, t in enumerate(sorted(tau), 1):
        rate += 1 / t
        least = min(least, m / rate * (before + b / m))
    return least


def main():
    db = sqlite3.connect(sys.argv[1])
    trace = None
    if len(sys.argv) > 2:
        with open(sys.argv[2]) as f:
            trace = {(int(r["worker"]), int(r["iteration"])): float(r["compute_s"]) for r in csv.DictReader(f)}
    found = {}
    for run, label, text in db.execute("SELECT run_id, scheme_label, config_json FROM run JOIN point USING (point_id)"
                                       " ORDER BY run_id").fetchall():
        config = json.loads(text)
        of, scheme = config["environment"], config["scheme"]
        n, network = of["cluster"]["workers"], of["network"]
        if trace:
            def seconds(i, task):
                return trace[i, task]
        else:
            tau = [of["delay"]["value_s"] / v for v in of["cluster"]["speeds"]]

            def seconds(i, task):
                return tau[i]
        fixed = {"transfer": network["uplink"].get("value_s", 0), "update": of["master"]["update_s"],
                 "signal": network["signal_latency_s"] if network["cancel"] == "signal" else 0}
        rows = db.execute("SELECT start_s + duration_s FROM iteration WHERE run_id = ? ORDER BY iteration", (run,)).fetchall()
        used = [{} for _ in rows]
        for i, worker, count in db.execute("SELECT iteration, worker, sum(coalesce(batches, 1)) FROM used_message"
                                           " WHERE run_id = ? GROUP BY iteration, worker", (run,)):
            used[i][worker] = count
        done, of_run = expected(scheme, n, seconds, fixed, len(rows))
        s = found.setdefault(label, [0, 0, 0, 0.0])
        for i, ((end,), row, (time, count)) in enumerate(zip(rows, used, done)):
            assert abs(end - time) <= 1e-10 * time, (label, run, i, end, time)
            if scheme["code"] != "mindflayer":
                assert row == count, (label, run, i, row, count)
            s[2] += sum(count.values())
        s[0] += 1
        s[1] += len(rows)
        if scheme["code"] == "rennala" and not trace and not any(fixed.values()):
            most = bound(tau, scheme["b"], 1 if scheme["interrupt"] else 2)
            ends = [0.0] + [end for (end,) in rows]
            longest = max(b - a for a, b in zip(ends, ends[1:]))
            assert longest <= most * (1 + 1e-12), (label, run, longest, most)
            s[3] = max(s[3], longest / most)
        if of_run and scheme["interrupt"] and not any(fixed.values()):
            busy, wasted = db.execute("SELECT sum(busy_s), sum(wasted_s) FROM iteration WHERE run_id = ?", (run,)).fetchone()
            assert abs(busy - of_run.busy) <= 1e-9 * busy, (label, busy, of_run.busy)
            assert abs(wasted - (of_run.busy - of_run.useful)) <= 1e-9 * busy, (label, wasted, of_run.busy - of_run.useful)
    for label, (runs, updates, gradients, share) in found.items():
        print(f"{label}: {runs} runs, {updates} updates, {gradients} gradients" +
              (f", at most {share:.3f} of the bound" if share else ""))


main()
