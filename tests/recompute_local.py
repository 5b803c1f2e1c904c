#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The trajectories of local SGD and DiLoCo once more, from what a database records, without straggle.

    recompute_local.py DB DATA.csv

As recompute.py, with local steps: H steps of gradient descent, momentum or AdamW at every worker whose
message was used, on the recorded mini-batches, from the model of the recorded version; what an optimiser
remembers goes on with the messages that were used. Outer steps: gradient descent, or Nesterov's as PyTorch
has it, whose parameters must be the points that workers are given. Messages as computed, or the k largest
coordinates as float32 with error feedback or without. The loss of every row must be equal to 1e-12.
"""
import json
import math
import sqlite3
import struct
import sys

from recompute import Data, messages_of


def f32(v):
    return struct.unpack("f", struct.pack("f", v))[0]


class Worker:
    """An optimiser in the form of PyTorch's loops over parameters."""

    def __init__(self, method, rate, length):
        self.m, self.rate, self.t = method, rate, 0
        self.first, self.second = [0.0] * length, [0.0] * length

    def step(self, x, g):
        name = self.m["method"]
        if name == "sgd":
            return [a - self.rate * b for a, b in zip(x, g)]
        if name == "momentum":
            self.first = [self.m["momentum"] * v + b for v, b in zip(self.first, g)]
            return [a - self.rate * v for a, v in zip(x, self.first)]
        self.t += 1
        b1, b2 = self.m["beta1"], self.m["beta2"]
        self.first = [b1 * v + (1 - b1) * b for v, b in zip(self.first, g)]
        self.second = [b2 * v + (1 - b2) * b * b for v, b in zip(self.second, g)]
        out = []
        for a, m, v in zip(x, self.first, self.second):
            a *= 1 - self.rate * self.m["weight_decay"]
            root = math.sqrt(v) / math.sqrt(1 - b2 ** self.t) + self.m["epsilon"]
            out.append(a - self.rate / (1 - b1 ** self.t) * m / root)
        return out


class Outer:
    """x is what losses are of, y what workers are given."""

    def __init__(self, config, length):
        self.step, self.beta = config["step"], config.get("momentum", 0.0)
        self.nesterov = config["method"] == "nesterov"
        self.x = self.y = [0.0] * length
        self.torch, self.buffer, self.updates = [0.0] * length, [0.0] * length, 0

    def update(self, g):
        beta = self.beta if self.nesterov else 0.0
        x = [a - self.step * b for a, b in zip(self.y, g)]
        self.y = [a + beta * (a - b) for a, b in zip(x, self.x)]
        self.x = x
        self.buffer = [beta * a + b for a, b in zip(self.buffer, g)]
        self.torch = [a - self.step * (b + beta * c) for a, b, c in zip(self.torch, g, self.buffer)]
        self.updates += 1
        scale = max(map(abs, self.y))
        assert all(abs(a - b) <= 1e-11 * scale for a, b in zip(self.torch, self.y))


def recompute(db, data, run, config):
    environment, scheme = config["environment"], config["scheme"]
    learning, compression = environment["learning"], environment["network"]["compression"]
    n, seed = environment["cluster"]["workers"], int(environment["random"]["seed"])
    length, l2, size = data.length, learning["l2"], learning["batch_rows"]
    shared = scheme["gradients"] == "global-batch"
    parts, H = 1 if shared else n, scheme["period"]
    outer = Outer(learning["optimizer"], length)
    rate = scheme.get("rate") or outer.step
    whole = scheme["code"] == "diloco" or scheme["sends"] == "displacement"
    kept = scheme["inner_state"] == "kept"
    workers = [Worker(scheme["inner"], rate, length) for _ in range(n)]
    sparse = compression["compressor"] == "top-k"
    feedback = sparse and compression.get("feedback", "classic") == "classic"
    errors = [[0.0] * length for _ in range(n)]
    points, off, oldest, seen = [outer.y], 0.0, 0, set()
    messages = messages_of(db, run)
    batches = dict(((i, p), b) for i, p, b in db.execute(
        "SELECT iteration, position, batches FROM used_message WHERE run_id = ?", (run,)))
    rows = db.execute("SELECT iteration, loss, n_used, samples_used FROM iteration WHERE run_id = ?"
                      " AND decoded ORDER BY iteration", (run,)).fetchall()
    for iteration, loss, n_used, samples in rows:
        used, updates, decoded, touched = messages[iteration], outer.updates, [0.0] * length, 0
        assert len(used) == n_used
        for position, (worker, version, batch, staleness) in enumerate(used):
            version = updates if version is None else version
            assert version + staleness == updates
            oldest = max(oldest, staleness)
            part = 0 if shared else worker
            share = len(data.part(parts, part)) / data.n
            assert not batch or batches[iteration, position] == (H if H > 1 else 1)
            x = points[version]
            if not kept:
                workers[worker] = Worker(scheme["inner"], rate, length)
            for t in range(H):
                name = batch + t if batch else 0
                assert not name or (part, name) not in seen
                seen.add((part, name or None))
                g = data.partial(x, parts, part, name, seed, size)
                x = workers[worker].step(x, [a / share + l2 * b for a, b in zip(g, x)])
                touched += size if batch else len(data.part(parts, part))
            # The master adds l2 times the model: that is not in what is sent.
            scale = 1.0 if whole else 1 / rate
            sent = [share * (scale * (a - b) - l2 * a) for a, b in zip(points[version], x)]
            if sparse:
                y = [a + b for a, b in zip(sent, errors[worker])] if feedback else sent
                most = math.ceil(compression["share"] * length)
                best = sorted(range(length), key=lambda i: -abs(y[i]))[:most]
                sent = [f32(v) if i in best else 0.0 for i, v in enumerate(y)]
                errors[worker] = [a - b for a, b in zip(y, sent)]
            decoded = [a + parts / n_used * b for a, b in zip(decoded, sent)]
        assert samples == touched, (samples, touched)
        outer.update([a + l2 * b for a, b in zip(decoded, points[-1])])
        points.append(outer.y)
        found = data.loss(outer.x) + l2 / 2 * sum(a * a for a in outer.x)
        off = max(off, abs(found - loss) / loss)
    return len(rows), off, oldest


def main():
    db, data = sqlite3.connect(sys.argv[1]), Data(sys.argv[2])
    sums = {}
    for run, label, text in db.execute(
            "SELECT run_id, scheme_label, config_json FROM run JOIN point USING (point_id)"
            " WHERE detail = 'worker' ORDER BY run_id").fetchall():
        updates, off, oldest = recompute(db, data, run, json.loads(text))
        assert off <= 1e-12, (label, run, off)
        s = sums.setdefault(label, [0, 0, 0.0, 0])
        sums[label] = [s[0] + 1, s[1] + updates, max(s[2], off), max(s[3], oldest)]
    for label, (runs, updates, off, oldest) in sums.items():
        print(f"{label}: {runs} runs, {updates} updates, off by {off:.1e}, staleness up to {oldest}")


main()
