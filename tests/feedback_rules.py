#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Losses of least squares with scaled sign once more, from the rules of its memories alone.

    feedback_rules.py DB DATA.csv STEP [wrong]

DATA.csv: features and, last, the target, a row each, in order (no shuffle, no intercept, no test
rows). Runs are of ignore-stragglers at detail `worker`, with messages by scaled sign and, as the
scenario says, feedback and a broadcast compressed by scaled sign. Who was used is read from
worker_iteration; a memory advances only then (`wrong`: always). Prints the largest difference of a
loss, relative, for each scheme.
"""
import csv
import json
import sqlite3
import struct
import sys

db, path, step = sys.argv[1], sys.argv[2], float(sys.argv[3])
always = len(sys.argv) > 4
rows = [[float(x) for x in row] for row in csv.reader(open(path)) if row[0][0] in "-0123456789"]
n, l = len(rows), len(rows[0]) - 1


def as_float(x):
    return struct.unpack("f", struct.pack("f", x))[0]


def scaled_sign(v):
    size = as_float(sum(abs(x) for x in v) / l)
    return [-size if x < 0 else size for x in v]


def gradient(part, x):
    g = [0.0] * l
    for row in part:
        r = sum(a * b for a, b in zip(row, x)) - row[l]
        for j in range(l):
            g[j] += r * row[j] / n
    return g


def loss(x):
    return sum((sum(a * b for a, b in zip(row, x)) - row[l]) ** 2 for row in rows) / (2 * n)


con = sqlite3.connect(db)
for point, label, config in con.execute("SELECT point_id, scheme_label, config_json FROM point"
                                        " ORDER BY point_id").fetchall():
    config = json.loads(config)
    network = config["environment"]["network"]
    feedback = config["scheme"]["compression"].get("feedback", "none")
    told_by_sign = "broadcast_compression" in network
    workers = config["environment"]["cluster"]["workers"]
    worst = 0.0
    for (run,) in con.execute("SELECT run_id FROM run WHERE point_id = ?", (point,)).fetchall():
        x, told = [0.0] * l, [0.0] * l
        memory = [[0.0] * l for _ in range(workers)]
        losses = con.execute("SELECT iteration, loss FROM iteration WHERE run_id = ?"
                             " ORDER BY iteration", (run,)).fetchall()
        for iteration, found in losses:
            used = {w for (w,) in con.execute("SELECT worker FROM worker_iteration WHERE run_id = ?"
                                              " AND iteration = ? AND used", (run, iteration))}
            if told_by_sign:
                change = scaled_sign([a - b for a, b in zip(x, told)])
                told = [a + b for a, b in zip(told, change)]
            total = [0.0] * l
            for w in range(workers):
                y = gradient(rows[w * n // workers:(w + 1) * n // workers],
                             told if told_by_sign else x)
                m = memory[w]
                if feedback == "ef21":
                    m = got = [a + b for a, b in
                               zip(m, scaled_sign([a - b for a, b in zip(y, m)]))]
                else:
                    u = [a + b for a, b in zip(y, m)]
                    got = scaled_sign(u)
                    if feedback == "classic":
                        m = [a - b for a, b in zip(u, got)]
                if w in used or always:
                    memory[w] = m
                if w in used:
                    total = [a + b * workers / len(used) for a, b in zip(total, got)]
            x = [a - step * b for a, b in zip(x, total)]
            mine = loss(x)
            worst = max(worst, abs(mine - found) / mine)
    print(label, "%.1e" % worst, "equal" if worst < 1e-10 else "different")
