#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The trajectories of rennala, malenia and mindflayer once more, from what a database of least squares records.

    recompute_collect.py DB DATA.csv [--mean]

As recompute.py: for every run at detail `worker` the gradients that an update used (worker, version, mini-batches)
are computed again, and the loss of every row must be equal to 1e-12; all of them are of the model that the update
changes. The p_i of mindflayer that are not given are inferred from alpha_sum: Σ p_i B_i must be the same in all rows
of a scheme with pooled weights, and is printed as a share of Σ B_i. samples_used and decoding_err are checked.

--mean: the step is so small that the model stays where it is; prints by how many standard errors the mean of what was
decoded is off the gradient of all the data, at the most over the coordinates.
"""
import json
import math
import sqlite3
import sys

from recompute import Data


def of_all(n, values, usual):
    return [usual] * n if not values else list(values) * n if len(values) == 1 else list(values)


class Weights:
    """worker → weight of each of its gradients in an update, and Σ (α − 1)²."""

    def __init__(self, scheme, n, parts):
        self.scheme, self.n, self.parts, self.scale = scheme, n, parts, None

    def expect(self, alpha_sum, gradients):
        """Σ p_i B_i."""
        s = self.scheme
        if s["success"]:
            return sum(p * b for p, b in zip(of_all(self.n, s["success"], 1), of_all(self.n, s["worker_trials"], s["trials"])))
        found = self.parts * gradients / alpha_sum if alpha_sum else self.scale
        assert self.scale is None or abs(found / self.scale - 1) < 1e-12
        self.scale = found
        return found

    def of(self, count, alpha_sum):
        s, total = self.scheme, sum(count.values())
        if s["code"] == "rennala":
            return {w: self.parts / total for w in count}
        if s["code"] == "malenia":
            return {w: self.parts / len(count) / b for w, b in count.items()}
        if s["weights"] == "by-worker":
            p, b = of_all(self.n, s["success"], 1), of_all(self.n, s["worker_trials"], s["trials"])
            return {w: self.parts / (self.n * p[w] * b[w]) for w in count}
        return {w: self.parts / self.expect(alpha_sum, total) for w in count}


def recompute(db, data, run, config, weights, seen):
    learning, n = config["environment"]["learning"], weights.n
    seed, parts = int(config["environment"]["random"]["seed"]), weights.parts
    step, size = learning["optimizer"]["step"], learning["batch_rows"]
    w, off, names = [0.0] * data.length, 0.0, set()
    rows = db.execute("SELECT iteration, loss, n_used, alpha_sum, decoding_err, samples_used FROM iteration"
                      " WHERE run_id = ? AND decoded ORDER BY iteration", (run,)).fetchall()
    for update, (iteration, loss, n_used, alpha_sum, error, samples) in enumerate(rows):
        used = db.execute("SELECT worker, version, batch, batches, staleness FROM used_message WHERE run_id = ?"
                          " AND iteration = ?", (run, iteration)).fetchall()
        assert len(used) == n_used
        count = {}
        for worker, version, batch, batches, staleness in used:
            assert version == update and staleness == 0, (iteration, version, staleness)
            count[worker] = count.get(worker, 0) + batches
        assert samples == sum(count.values()) * size, (iteration, samples, count)
        weight = weights.of(count, alpha_sum)
        decoded, alpha = [0.0] * data.length, [0.0] * parts
        for worker, _, first, batches, _ in used:
            part = worker if parts > 1 else 0
            for batch in range(first, first + batches):
                assert (part, batch) not in names
                names.add((part, batch))
                alpha[part] += weight[worker]
                g = data.partial(w, parts, part, batch, seed, size)
                decoded = [a + weight[worker] * b for a, b in zip(decoded, g)]
        assert abs(sum((a - 1) ** 2 for a in alpha) - error) <= 1e-12 * parts * max(1, max(alpha)) ** 2, (iteration, alpha, error)
        assert abs(sum(alpha) - alpha_sum) <= 1e-12 * parts
        w = [a - step * b for a, b in zip(w, decoded)]
        seen.append(decoded)
        if loss is not None:
            off = max(off, abs(data.loss(w) - loss) / loss)
    return len(rows), off


def away(seen, gradient):
    count, worst = len(seen), 0.0
    for c, g in enumerate(gradient):
        column = [v[c] for v in seen]
        mean = sum(column) / count
        sd = math.sqrt(sum((v - mean) ** 2 for v in column) / (count - 1))
        worst = max(worst, abs(mean - g) / sd * math.sqrt(count))
    return worst


def main():
    db, data = sqlite3.connect(sys.argv[1]), Data(sys.argv[2])
    sums, of_label = {}, {}
    for run, label, text in db.execute("SELECT run_id, scheme_label, config_json FROM run JOIN point USING (point_id)"
                                       " WHERE detail = 'worker' ORDER BY run_id").fetchall():
        config = json.loads(text)
        n = config["environment"]["cluster"]["workers"]
        parts = 1 if config["scheme"].get("gradients") == "global-batch" else n
        # p is of the environment, too
        weights = of_label.setdefault((label, json.dumps(config["environment"])), Weights(config["scheme"], n, parts))
        seen = []
        updates, off = recompute(db, data, run, config, weights, seen)
        assert off <= 1e-12, (label, run, off)
        s = sums.setdefault(label, [0, 0, 0.0, None, ""])
        if weights.scale:
            s[3] = weights.scale / sum(of_all(n, config["scheme"]["worker_trials"], config["scheme"]["trials"]))
        sums[label][:3] = s[0] + 1, s[1] + updates, max(s[2], off)
        if "--mean" in sys.argv:
            s[4] = f", mean off by {away(seen, data.gradient([0.0] * data.length, range(data.n))):.2f} standard errors"
    for label, (runs, updates, off, p, mean) in sums.items():
        print(f"{label}: {runs} runs, {updates} updates, off by {off:.1e}" + (f", p {p:.4f}" if p else "") + mean)


main()
