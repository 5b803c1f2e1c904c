#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""When rounds of multi-message communication are over, from the times at which workers have done their shares.

  mmc_law.py DATABASE

The database has, in each environment, uncoded and cyclic repetition for s = 1 … r − 1, all waiting for everyone at
detail worker: from these rows come C_i(k), when worker i has done k shares. The rows of uc-mmc and gc-mmc must follow
from them. What coded messages span is decided over the integers modulo a prime, with random numbers of our own in
place of the code's: rows of any prefix m orthogonal to the first m − 1 rows of a random matrix whose rows sum to 0.
"""
import json, random, sqlite3, sys

PRIME = 2 ** 61 - 1
db = sqlite3.connect(sys.argv[1])


def solve(a, b):
    """x with a x = b, a square and regular, modulo PRIME."""
    n = len(a)
    a = [row[:] + [y] for row, y in zip(a, b)]
    for k in range(n):
        p = next(i for i in range(k, n) if a[i][k])
        a[k], a[p] = a[p], a[k]
        inverse = pow(a[k][k], PRIME - 2, PRIME)
        a[k] = [x * inverse % PRIME for x in a[k]]
        for i in range(n):
            if i != k and a[i][k]:
                f = a[i][k]
                a[i] = [(x - f * y) % PRIME for x, y in zip(a[i], a[k])]
    return [row[n] for row in a]


def cyclic_rows(size, r):
    """row[m][i]: of worker i after m shares, among `size` workers."""
    rng = random.Random(5)
    h = [[rng.randrange(PRIME) for _ in range(size - 1)] for _ in range(r - 1)]
    for line in h:
        line.append(-sum(line) % PRIME)
    rows = {}
    for m in range(1, r + 1):
        rows[m] = []
        for i in range(size):
            held = [(i + c) % size for c in range(m)]
            x = solve([[line[j] for j in held[1:]] for line in h[:m - 1]], [-line[i] % PRIME for line in h[:m - 1]])
            row = [0] * size
            for j, value in zip(held, [1] + x):
                row[j] = value
            rows[m].append(row)
    return rows


def spans(arrivals, size):
    """The time of the first arrival (time, row) after which the rows span the sum."""
    kept, target = [], [1] * size
    for time, row in sorted(arrivals, key=lambda a: a[0]):
        for pivot, other in kept:
            if row[pivot]:
                f = row[pivot]
                row = [(x - f * y) % PRIME for x, y in zip(row, other)]
        pivot = next((j for j in range(size) if row[j]), None)
        if pivot is None:
            continue
        inverse = pow(row[pivot], PRIME - 2, PRIME)
        row = [x * inverse % PRIME for x in row]
        kept.append((pivot, row))
        f = target[pivot]
        target = [(x - f * y) % PRIME for x, y in zip(target, row)]
        if not any(target):
            return time
    return None


def predict(scheme, done, n, table):
    """done[k][i]: when worker i has done k shares."""
    r = scheme["r"]
    if scheme["code"] == "uc-mmc":
        share = sorted(min(done[m][(j - m + 1) % n] for m in range(1, r + 1)) for j in range(n))
        missing = int(scheme.get("epsilon", 0) * n * (1 + 1e-12))
        return share[n - 1 - missing]
    clusters = scheme.get("clusters", 1)
    size = n // clusters
    if (size, r) not in table:
        table[size, r] = cyclic_rows(size, r)
    rows = table[size, r]
    return max(spans([(done[m][first + i], rows[m][i]) for m in scheme.get("prefixes") or range(1, r + 1)
                      for i in range(size)], size) for first in range(0, n, size))


table, checked, off = {}, 0, 0
for environment, in db.execute("SELECT DISTINCT env_sha256 FROM point").fetchall():
    points = db.execute("SELECT point_id, run_id, json_extract(config_json, '$.scheme'), n_workers "
                        "FROM point JOIN run USING (point_id) WHERE env_sha256 = ?",
                        (environment,)).fetchall()
    done = {}
    for _, run, scheme, n in points:
        scheme = json.loads(scheme)
        if scheme["code"] in ("uncoded", "cyclic-repetition"):
            for iteration, worker, time in db.execute(
                    "SELECT iteration, worker, compute_s FROM worker_iteration WHERE run_id = ?", (run,)):
                done.setdefault(iteration, {}).setdefault(scheme.get("s", 0) + 1, {})[worker] = time
    for _, run, scheme, n in points:
        scheme = json.loads(scheme)
        if not scheme["code"].endswith("-mmc"):
            continue
        for iteration, duration in db.execute("SELECT iteration, duration_s FROM iteration WHERE run_id = ?", (run,)):
            time = predict(scheme, done[iteration], n, table)
            checked += 1
            if not abs(duration - time) <= 1e-12 * time:
                off += 1
                if off <= 5:
                    print("%s, iteration %d: %.17g, expected %.17g" % (scheme, iteration, duration, time))
print("%d rows, %d off" % (checked, off))
sys.exit(1 if off or not checked else 0)
