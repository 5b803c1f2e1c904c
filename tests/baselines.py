#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Backup workers, DropCompute, speculative copies, load balancing and eviction once more, without straggle.

    baselines.py DB DATA.csv

Every run at detail `worker` of tests/scenarios/baselines.json is simulated again: compute times are drawn from the
same addressed streams (recompute.py's own Philox), who does what until when follows from the schemes' definitions alone, and
models from the data. Durations of iterations, who was used, tasks, busy and wasted seconds, mini-batches, samples,
decoding errors and losses must be equal (relative 1e-9; losses 1e-12). Prints a line per scheme.
"""
import bisect
import json
import math
import sqlite3
import sys

from recompute import Data, uniforms

FOR_COMPUTE = 1


class Cluster:
    """When a worker's tasks end, one after another from the start of the iteration on."""

    def __init__(self, environment, replication):
        self.n = environment["cluster"]["workers"]
        delay = environment["delay"]
        self.shift, self.excess = delay["shift_s"], delay["mean_excess_s"]
        assert delay["scaling"] == "additive"
        self.speed = environment["cluster"]["speeds"] or [1] * self.n
        self.known = environment["cluster"]["known_speeds"] or self.speed
        self.seed, self.replication = int(environment["random"]["seed"]), replication
        uplink, cancel = environment["network"]["uplink"], environment["network"]["cancel"]
        assert uplink["model"] == "deterministic" and cancel == "instant" and environment["late_work"] == "cancel"
        self.uplink = uplink["value_s"]
        self.update = environment["master"]["update_s"]
        encode = environment["encode"]
        self.flops_per_s = encode.get("flops_per_s", math.inf)
        self.lost = {item for item in environment["cluster"]["erasure"].get("workers", [])}  # their messages never come

    def seconds(self, worker, iteration, done, work):
        """Of a task of so much work, made of lround(work) draws, the first of which is number `done`."""
        draws = 1 if work < 1.5 else int(work + 0.5)
        sum_s = 0.0
        for i in range(draws):
            u = next(uniforms(self.seed, FOR_COMPUTE, worker, iteration, self.replication, done + i))
            sum_s += self.shift - self.excess * math.log1p(-u)
        return sum_s * (work / draws) / self.speed[worker], draws

    def tasks(self, worker, iteration, works, start=0.0, done=0):
        ends, now = [], start
        for work in works:
            seconds, draws = self.seconds(worker, iteration, done, work)
            now, done = now + seconds, done + draws
            ends.append(now)
        return ends

    def sends(self, time, terms, length):
        return time + 2.0 * terms * length / self.flops_per_s + self.uplink


class Round:
    """What one iteration of a scheme comes to."""

    def __init__(self, n):
        self.end = 0.0                                         # without the master's update
        self.used, self.tasks, self.busy, self.wasted = [], [0] * n, [0.0] * n, 0.0
        self.skipped = False


def first_of(cluster, iteration, n, works, need, length, terms=1):
    """Workers i with a task of works[i] (None: nothing): the first `need` count."""
    ends = {i: cluster.tasks(i, iteration, [works[i]])[0] for i in range(n) if works[i] is not None}
    order = sorted((i for i in ends if i not in cluster.lost), key=lambda i: ends[i])
    r = Round(n)
    r.used = sorted(order[:need])
    r.end = cluster.sends(ends[order[need - 1]], terms, length)
    for i, end in ends.items():
        r.tasks[i] = int(end <= r.end)
        r.busy[i] = min(end, r.end)
        if i not in r.used:
            r.wasted += r.busy[i]
    return r


def drop_compute(cluster, iteration, n, scheme, work, length):
    m, threshold, r = scheme["micro_batches"], scheme.get("threshold_s"), Round(n)
    r.count = []
    for i in range(n):
        ends = cluster.tasks(i, iteration, [work] * m)
        done, until = m, ends[-1]
        if threshold is not None and ends[-1] > threshold:
            done = bisect.bisect_right(ends, threshold)
            until = threshold
            if scheme["running"] == "finish":
                until, done = ends[done], done + 1
            else:
                r.wasted += threshold - (ends[done - 1] if done else 0)
        lost = i in cluster.lost
        r.tasks[i], r.busy[i] = done, until
        if lost:
            r.wasted += ends[done - 1] if done else 0
            if scheme["running"] == "finish":
                r.wasted += until - ends[done - 1]
        r.end = max(r.end, until if lost else cluster.sends(until, done, length))
        r.count.append(0 if lost else done)
    if cluster.lost and threshold is not None:
        r.end = max(r.end, threshold)  # nothing can happen any more: clocks have run out, too
    r.used = [i for i in range(n) if r.count[i] > 0]
    r.skipped = not r.used
    return r


def speculative(cluster, iteration, n, scheme, work, length):
    """Events by time: the master sees results `sends` after they are computed."""
    left = scheme.get("left") or max(1, int(scheme["left_share"] * n + 0.5))
    r, have, started = Round(n), set(), False
    end = {(i, i): cluster.tasks(i, iteration, [work])[0] for i in range(n)}  # (worker, part)
    begun, coming = dict.fromkeys(end, 0.0), sorted((cluster.sends(t, 1, length), w, p) for (w, p), t in end.items())
    stopped, answered, counted = {}, [], set()
    while len(have) < n:
        time, worker, part = coming.pop(0)
        if stopped.get((worker, part), math.inf) < end[worker, part] or part in have or worker in cluster.lost:
            continue
        have.add(part)
        counted.add((worker, part))
        r.used.append(worker)
        answered.append(worker)
        if len(have) == n:
            r.end = time
        elif started:
            for key in end:
                if key[1] == part and key[0] != worker and end[key] > time:
                    stopped[key] = time
        elif len(have) == n - left:
            started, next_one = True, 0
            for _ in range(scheme["copies"]):
                for p in (p for p in range(n) if p not in have):
                    who = answered[next_one]
                    next_one += 1
                    key = (who, p)
                    begun[key] = time
                    end[key] = cluster.tasks(who, iteration, [work], time, 1 if work < 1.5 else int(work + 0.5))[0]
                    coming.append((cluster.sends(end[key], 1, length), who, p))
            coming.sort()
    for (w, p), t in end.items():
        until = min(t, stopped.get((w, p), math.inf), r.end)
        r.tasks[w] += t <= min(stopped.get((w, p), math.inf), r.end)
        r.busy[w] += max(until - begun[w, p], 0)
        r.wasted += max(until - begun[w, p], 0) if (w, p) not in counted else 0
    r.used = sorted(set(r.used))
    return r


def simulate(cluster, iteration, scheme, length):
    n, share = cluster.n, 1.0  # a subset is a worker's share
    code = scheme["code"]
    if code == "uncoded":
        return first_of(cluster, iteration, n, [share] * n, n, length)
    if code == "backup-workers":
        return first_of(cluster, iteration, n, [scheme.get("work") or share] * n, n - scheme["b"], length)
    if code == "load-balanced":
        return first_of(cluster, iteration, n, [n * s / sum(cluster.known) for s in cluster.known], n, length)
    if code == "evict":
        out = evicted(cluster, scheme)
        work = n / (n - len(out))
        return first_of(cluster, iteration, n, [None if i in out else work for i in range(n)], n - len(out), length)
    if code == "speculative-copies":
        return speculative(cluster, iteration, n, scheme, share, length)
    work = scheme.get("work") or share / scheme["micro_batches"]
    return drop_compute(cluster, iteration, n, scheme, work, length)


def evicted(cluster, scheme):
    if scheme["who"] == "listed":
        return set(scheme["listed"])
    order = sorted(range(cluster.n), key=lambda i: (cluster.known[i], -i))
    return set(order[:scheme.get("workers") or 1])


def decoded_of(cluster, data, scheme, r, w, iteration, named, size):
    """ĝ, the samples that it is of, Σ (α − 1)² or None of an exact scheme."""
    n, g, seed = cluster.n, [0.0] * data.length, cluster.seed
    code, of = scheme["code"], scheme.get("gradients")
    add = lambda terms, weight: [a + weight * sum(t[c] for t in terms) for c, a in enumerate(g)]
    if code not in ("backup-workers", "drop-compute"):
        return data.gradient(w, range(data.n)), data.n, None
    m = scheme.get("micro_batches", 1)
    count = {i: r.count[i] if code == "drop-compute" else 1 for i in r.used}
    parts = {"batch": n, "global-batch": 1, "part": n * m}[of]
    weight, samples, alpha = parts / sum(count.values()), 0, [0.0] * parts
    for i in r.used:
        if of == "part":
            pieces = [i * m + (iteration + k) % m for k in range(count[i])]
            g = add([data.gradient(w, data.part(parts, p)) for p in pieces], weight)
            samples += sum(len(data.part(parts, p)) for p in pieces)
            for p in pieces:
                alpha[p] += weight
            continue
        part, (first, batches) = (i if of == "batch" else 0), named[i]
        assert batches == count[i], (i, batches, count)
        g = add([data.partial(w, parts, part, first + k, seed, size) for k in range(batches)], weight)
        samples += batches * size
        alpha[part] += weight * batches
    exact = of == "part" and (code == "drop-compute" and scheme.get("threshold_s") is None or
                              code == "backup-workers" and scheme["b"] == 0)
    return g, samples, None if exact else sum((a - 1) ** 2 for a in alpha)


def close(a, b, tolerance=1e-9):
    return abs(a - b) <= tolerance * max(1.0, abs(a), abs(b))


def check_run(db, data, run, replication, config):
    scheme, environment = config["scheme"], config["environment"]
    cluster = Cluster(environment, replication)
    n, size = cluster.n, environment["learning"]["batch_rows"]
    step = environment["learning"]["optimizer"]["step"]
    w, seen, dropped, skipped, possible = [0.0] * data.length, set(), 0, 0, 0
    rows = db.execute("SELECT iteration, round, duration_s, loss, samples_used, decoding_err, decoded, n_used, busy_s,"
                      " wasted_s, encode_s FROM iteration WHERE run_id = ? ORDER BY iteration", (run,)).fetchall()
    for iteration, number, duration, loss, samples, error, decoded, n_used, busy, wasted, _ in rows:
        where = (config["scheme"], replication, iteration)
        r = simulate(cluster, number, scheme, data.length)
        workers = db.execute("SELECT worker, compute_s, tasks, used FROM worker_iteration WHERE run_id = ? AND"
                             " iteration = ? ORDER BY worker", (run, iteration)).fetchall()
        named = {}
        for worker, batch, batches in db.execute("SELECT worker, batch, batches FROM used_message WHERE run_id = ? AND"
                                                 " iteration = ?", (run, iteration)):
            named[worker] = (batch, batches)
            part = worker if scheme.get("gradients") == "batch" else 0
            for k in range(batches if batch else 0):
                assert (part, batch + k) not in seen, where
                seen.add((part, batch + k))
        assert bool(decoded) == (not r.skipped), where
        assert close(duration, r.end + (0 if r.skipped else cluster.update)), (where, duration, r.end)
        assert close(busy, sum(r.busy)), (where, busy, r.busy)
        # Of a skipped iteration all was for nothing.
        assert close(wasted, sum(r.busy) if r.skipped else r.wasted), (where, wasted, r.wasted)
        for worker, compute, tasks, used in workers:
            assert tasks == r.tasks[worker], (where, worker, tasks, r.tasks)
            assert close(compute or 0.0, r.busy[worker]), (where, worker, compute, r.busy)
            in_decode = worker in r.used
            if scheme["code"] == "drop-compute":  # zeros too
                in_decode = not r.skipped and worker not in cluster.lost
            assert bool(used) == in_decode, (where, worker, used, r.used)
        assert n_used == len(r.used) or r.skipped or scheme["code"] == "speculative-copies", (where, n_used, r.used)
        assert sorted(named) == sorted(r.used) or not named, (where, named, r.used)
        skipped += r.skipped
        if scheme["code"] == "drop-compute":
            possible += n * scheme["micro_batches"]
            dropped += n * scheme["micro_batches"] - sum(r.count)
        if r.skipped:
            continue
        g, expected, alpha = decoded_of(cluster, data, scheme, r, w, number, named, size)
        assert samples == expected, (where, samples, expected)
        assert (error is None) == (alpha is None) and (alpha is None or close(error, alpha)), (where, error, alpha)
        w = [a - step * b for a, b in zip(w, g)]
        assert close(loss, data.loss(w), 1e-12), (where, loss, data.loss(w))
    return len(rows), skipped, dropped / possible if possible else 0.0


def main():
    db, data = sqlite3.connect(sys.argv[1]), Data(sys.argv[2])
    lines = {}
    for run, replication, label, text in db.execute(
            "SELECT run_id, replication, scheme_label, config_json FROM run JOIN point USING (point_id)"
            " WHERE detail = 'worker' ORDER BY run_id").fetchall():
        rows, skipped, dropped = check_run(db, data, run, replication, json.loads(text))
        line = lines.setdefault(label, [0, 0, 0, 0.0])
        lines[label] = [line[0] + 1, line[1] + rows, line[2] + skipped, line[3] + dropped]
    for label, (runs, rows, skipped, dropped) in lines.items():
        print(f"{label}: {runs} runs, {rows} iterations, {skipped} skipped, {dropped / runs:.3f} dropped")


main()
