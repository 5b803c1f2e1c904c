#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The trajectories of a database of least squares once more, from what it records, without straggle.

    recompute.py DB DATA.csv
    recompute.py DB            (problem quadratic, which has no data)

DATA.csv: features and, last, the target, one row per training row in order (no shuffle, no
intercept, no test rows). For every run at detail `worker`: which message of which worker, version and
mini-batch an update used comes from used_message (schemes with neither mini-batches nor old models:
who was used, from worker_iteration); gradients are taken at the model of that version, and have the
weight that the scheme gives to one so old. The loss of every row must be equal to 1e-12, and so must
the squared norm of the whole gradient where it is recorded, and k of adaptive-k by sign counts what
the signs say. Prints a line per scheme: runs, updates, the largest difference, the largest staleness.
"""
import csv
import json
import math
import sqlite3
import sys

FOR_GRADIENT, FOR_BATCH = 7, 8


def philox(counter, key):
    """Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011)."""
    a, b, c, d = counter
    k, m = key
    for _ in range(10):
        p, q = 0xD2511F53 * a, 0xCD9E8D57 * c
        a, b, c, d = (q >> 32) ^ b ^ k, q & 0xFFFFFFFF, (p >> 32) ^ d ^ m, p & 0xFFFFFFFF
        k, m = (k + 0x9E3779B9) & 0xFFFFFFFF, (m + 0xBB67AE85) & 0xFFFFFFFF
    return a, b, c, d


def uniforms(seed, purpose, worker, iteration, replication=0, draw=0):
    """Numbers of 53 bits of the stream at this address, one after another."""
    block = draw << 16
    while True:
        out = philox((block, iteration, worker, purpose << 24 | replication), (seed & 0xFFFFFFFF, seed >> 32))
        for i in (0, 2):
            yield ((out[i] << 32 | out[i + 1]) >> 11) * 2.0 ** -53
        block += 1


def batch_rows(seed, part, name, rows, count):
    """The first steps of a Fisher-Yates shuffle of the part's rows."""
    order, u = list(range(rows)), uniforms(seed, FOR_BATCH, part, name)
    for i in range(min(count, rows)):
        j = i + int(next(u) * (rows - i))
        order[i], order[j] = order[j], order[i]
    return order[:count]


class Data:
    def __init__(self, path):
        with open(path) as f:
            table = [[float(v) for v in row] for row in list(csv.reader(f))[1:]]
        self.x, self.y, self.n = [r[:-1] for r in table], [r[-1] for r in table], len(table)
        self.length = len(self.x[0])

    def start(self):
        return [0.0] * self.length

    def whole(self, w):
        return self.gradient(w, range(self.n))

    def residual(self, w, i):
        return sum(a * b for a, b in zip(self.x[i], w)) - self.y[i]

    def loss(self, w):
        return sum(self.residual(w, i) ** 2 for i in range(self.n)) / 2 / self.n

    def gradient(self, w, rows, scale=1.0):
        g = [0.0] * self.length
        for i in rows:
            r = self.residual(w, i) * scale / self.n
            for c in range(self.length):
                g[c] += r * self.x[i][c]
        return g

    def part(self, parts, p):
        first, end = ((2 * self.n * q + parts) // (2 * parts) for q in (p, p + 1))
        return range(first, end)

    def partial(self, w, parts, p, batch, seed, size):
        rows = self.part(parts, p)
        if batch == 0 or size >= len(rows):
            return self.gradient(w, rows)
        pick = batch_rows(seed, p, batch, len(rows), size)
        return self.gradient(w, [rows[i] for i in pick], len(rows) / size)


class Quadratic:
    """½ xᵀA x − bᵀx with A = ¼ tridiag(−1, 2, −1), b = −¼ e_1, less its least value; the gradient of a
    batch has noise from the stream at its address."""

    def __init__(self, learning, workers, seed):
        self.length = d = learning["length"]
        k = learning["subsets"]
        self.k, self.noise = workers if k == "workers" else k, learning["noise"]
        self.first = math.sqrt(d) if learning["start"] == "sqrt-length" else learning["start"]
        self.best = [-(d + 1 - i) / (d + 1) for i in range(1, d + 1)]
        self.known, zeta = {}, learning["heterogeneity"]
        z = [self.normals(seed, FOR_GRADIENT, j, 0) if zeta else [0.0] * d for j in range(self.k)]
        mean = [sum(v[c] for v in z) / self.k for c in range(d)]
        self.offset = [[zeta / self.k * (v[c] - mean[c]) for c in range(d)] for v in z]

    def normals(self, seed, purpose, worker, iteration):
        u, out = uniforms(seed, purpose, worker, iteration), []
        while len(out) < self.length:
            r, angle = math.sqrt(-2 * math.log(1 - next(u))), 2 * math.pi * next(u)
            out += [r * math.cos(angle), r * math.sin(angle)]
        return out[:self.length]

    def start(self):
        return [self.first] + [0.0] * (self.length - 1)

    def loss(self, w):
        y = [0.0] + [a - b for a, b in zip(w, self.best)] + [0.0]
        return sum((b - a) ** 2 for a, b in zip(y, y[1:])) / 8

    def whole(self, w):
        y = [0.0] + [a - b for a, b in zip(w, self.best)] + [0.0]
        return [(2 * b - a - c) / 4 for a, b, c in zip(y, y[1:], y[2:])]

    def partial(self, w, parts, p, batch, seed, size):
        assert self.k % parts == 0 and not size
        of = range(p * self.k // parts, (p + 1) * self.k // parts)
        g = [v / parts - sum(self.offset[j][c] for j in of) for c, v in enumerate(self.whole(w))]
        if batch and (p, batch) not in self.known:
            self.known[p, batch] = self.normals(seed, FOR_BATCH, p, batch)
        xi = self.known[p, batch] if batch else [0.0] * self.length
        return [a + self.noise / parts * b for a, b in zip(g, xi)]


def messages_of(db, run):
    """iteration → [(worker, version, batch), …]"""
    found = {}
    sql = ("SELECT iteration, worker, version, batch, staleness, position FROM used_message"
           " WHERE run_id = ? ORDER BY iteration, position")
    for iteration, worker, version, batch, staleness, position in db.execute(sql, (run,)):
        of = found.setdefault(iteration, [])
        assert position == len(of)
        of.append((worker, version, batch, staleness))
    if not found:
        sql = "SELECT iteration, worker FROM worker_iteration WHERE run_id = ? AND used"
        for iteration, worker in db.execute(sql, (run,)):
            found.setdefault(iteration, []).append((worker, None, 0, 0))
    return found


class Signs:
    """k of adaptive-k by sign counts."""

    def __init__(self, scheme, n):
        self.k, self.step, self.most = scheme["k_min"], scheme["k_step"], scheme.get("k_max") or n
        self.threshold, self.burn_in = scheme["threshold"], scheme["burn_in"]
        self.counter = self.updates = self.raised = 0
        self.before = None

    def see(self, g):
        if self.before is not None:
            self.counter += 1 if sum(a * b for a, b in zip(g, self.before)) < 0 else -1
        self.before = g
        self.updates += 1
        if self.counter > self.threshold and self.updates > self.burn_in:
            self.raised += self.k < self.most
            self.k = min(self.k + self.step, self.most)
            self.counter = self.updates = 0


def weight(scheme, n, staleness):
    """Of a gradient, beside 1 for a mean of all that are used."""
    if scheme.get("updates") == "per-gradient":
        return 1 / n
    if scheme["code"] == "delay-adaptive":
        return n / max(n, staleness)
    if scheme.get("weight", "constant") == "constant":
        return 1
    return (1 + staleness) ** -(0.5 if scheme["weight"] == "inverse-sqrt" else scheme["exponent"])


def recompute(db, data, run, config):
    learning, scheme = config["environment"]["learning"], config["scheme"]
    n, seed = config["environment"]["cluster"]["workers"], int(config["environment"]["random"]["seed"])
    parts = 1 if scheme.get("gradients") == "global-batch" else n
    step, size = learning["optimizer"]["step"], learning.get("batch_rows")
    signs = Signs(scheme, n) if scheme.get("policy") == "sign-counts" else None
    models, off, oldest = [data.start()], 0.0, 0
    messages = messages_of(db, run)
    losses = db.execute("SELECT iteration, loss, n_used, full_grad_norm2 FROM iteration WHERE run_id = ? AND decoded"
                        " ORDER BY iteration", (run,)).fetchall()
    for iteration, loss, n_used, norm2 in losses:
        used, updates = messages[iteration], len(models) - 1
        assert len(used) == n_used
        decoded = [0.0] * data.length
        for worker, version, batch, staleness in used:
            version = updates if version is None else version
            assert version + staleness == updates
            part = worker if parts > 1 else 0
            g = data.partial(models[version], parts, part, batch, seed, size)
            share = parts / n_used * weight(scheme, n, staleness)
            decoded = [a + share * b for a, b in zip(decoded, g)]
            oldest = max(oldest, staleness)
            assert scheme["code"] != "ringmaster" or staleness < scheme["r"]
            assert scheme.get("updates") != "per-clock" or staleness <= scheme["s"]
        if signs:
            assert n_used == signs.k, (iteration, n_used, signs.k)
            signs.see(decoded)
        models.append([a - step * b for a, b in zip(models[-1], decoded)])
        found = data.loss(models[-1])
        off = max(off, abs(found - loss) / loss)
        if norm2 is not None:
            found = sum(v * v for v in data.whole(models[-1]))
            off = max(off, abs(found - norm2) / norm2)
    return len(losses), off, oldest, signs.raised if signs else 0


def check_batches(data, parts, size, seed):
    """Mini-batches of a part: their rows differ, and their gradients average to the part's."""
    w, names = [0.3 * (c + 1) for c in range(data.length)], range(1, 3001)
    rows = len(data.part(parts, 1))
    picks = [tuple(sorted(batch_rows(seed, 1, b, rows, size))) for b in names]
    assert all(len(set(p)) == size for p in picks)
    assert len(set(picks)) > 0.8 * min(len(picks), math.comb(rows, size))
    whole = data.gradient(w, data.part(parts, 1))
    drawn = [data.partial(w, parts, 1, b, seed, size) for b in names]
    for c in range(data.length):
        column = [g[c] for g in drawn]
        mean = sum(column) / len(column)
        sd = math.sqrt(sum((v - mean) ** 2 for v in column) / (len(column) - 1))
        assert abs(mean - whole[c]) < 4.5 * sd / math.sqrt(len(column)), (c, mean, whole[c], sd)


def main():
    db, data = sqlite3.connect(sys.argv[1]), Data(sys.argv[2]) if len(sys.argv) > 2 else None
    sums, config = {}, None
    for run, label, text in db.execute(
            "SELECT run_id, scheme_label, config_json FROM run JOIN point USING (point_id)"
            " WHERE detail = 'worker' ORDER BY run_id").fetchall():
        config = json.loads(text)
        of = data or Quadratic(config["environment"]["learning"], config["environment"]["cluster"]["workers"],
                               int(config["environment"]["random"]["seed"]))
        updates, off, oldest, raised = recompute(db, of, run, config)
        assert off <= 1e-12, (label, run, off)
        s = sums.setdefault(label, [0, 0, 0.0, 0, 0])
        sums[label] = [s[0] + 1, s[1] + updates, max(s[2], off), max(s[3], oldest), s[4] + raised]
    if data:
        check_batches(data, config["environment"]["cluster"]["workers"],
                      config["environment"]["learning"]["batch_rows"], 1)
    for label, (runs, updates, off, oldest, raised) in sums.items():
        print(f"{label}: {runs} runs, {updates} updates, off by {off:.1e}, staleness up to {oldest},"
              f" k raised {raised} times")


if __name__ == "__main__":
    main()
