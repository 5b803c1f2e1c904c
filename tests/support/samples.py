# SPDX-License-Identifier: MIT
"""What `straggle compare` says of samples, work, equal amounts and codes at their best, from the raw
rows of iterations alone. Shares no code with it.

  samples.py columns DB JSON      compare --json
  samples.py equal DB JSON WHAT   compare --equal WHAT --across … --json
  samples.py codes DB JSON        compare --per-code --across … --json
"""
import json
import math
import sqlite3
import statistics
import sys

what, database, printed = sys.argv[1:4]
db = sqlite3.connect(database)
db.row_factory = sqlite3.Row
rows = json.load(open(printed))


def close(a, b, slack=1e-9):
    if a is None or b is None or isinstance(a, float) and math.isnan(a):
        return b is None or math.isnan(b)
    return abs(a - b) <= slack * max(abs(a), abs(b))


def student(degrees):
    """The 97.5 % quantile of Student's t: Simpson's rule and bisection."""
    scale = math.exp(math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2)) / math.sqrt(degrees * math.pi)

    def below(t):
        n = 4000
        return 0.5 + scale * t / n / 3 * sum(
            (1 if i in (0, n) else 4 if i % 2 else 2) * (1 + (t * i / n) ** 2 / degrees) ** (-(degrees + 1) / 2)
            for i in range(n + 1))
    low, high = 0.0, 200.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) < 0.975 else (low, middle)
    return low


def mean(x):
    """Mean with its interval; none under five numbers."""
    m = sum(x) / len(x)
    if len(x) < 5 or min(x) == max(x):
        return m, None, None
    half = student(len(x) - 1) * statistics.stdev(x) / math.sqrt(len(x))
    return m, m - half, m + half


def median(x):
    """Median with its interval of order statistics, by the binomial law; math.inf: later than all."""
    x, n = sorted(x), len(x)
    if x[0] == x[-1]:
        return x[0], None, None
    k, below = 0, 0.0
    while k < n // 2 and 2 * (below + math.comb(n, k) / 2 ** n) <= 0.05:
        below += math.comb(n, k) / 2 ** n
        k += 1
    middle = (x[(n - 1) // 2] + x[n // 2]) / 2
    return (middle, *((x[k - 1], x[n - k]) if k else (None, None)))


class Run:
    def __init__(self, point, replication, target):
        self.point, self.replication = point, replication
        self.rows = db.execute(
            "SELECT duration_s, start_s, samples_used, subsets_effective, busy_s, bytes_sent, bytes_broadcast, loss, decoded"
            " FROM iteration JOIN run USING (run_id) WHERE point_id = ? AND replication = ? ORDER BY iteration",
            (point["point_id"], replication)).fetchall()
        self.finished = db.execute("SELECT status = 'finished' FROM run WHERE point_id = ? AND replication = ?",
                                   (point["point_id"], replication)).fetchone()[0]
        self.iter_s = self.sum("duration_s") / len(self.rows)
        self.busy = self.sum("busy_s") / len(self.rows)
        self.samples = self.sum("samples_used") / len(self.rows)
        # The first row at the target; none: all of them are the run's.
        self.reached = target is not None and any(r["loss"] is not None and r["loss"] <= target for r in self.rows)
        self.time = self.sum("duration_s") if self.reached else math.inf
        if self.reached:  # a run ends there
            assert [r["loss"] is not None and r["loss"] <= target for r in self.rows].count(True) == 1

    def sum(self, column):
        return sum(r[column] or 0 for r in self.rows)

    def to_target(self, column):
        return self.sum(column) if self.reached else math.inf


runs = {}
points = {p["point_id"]: p for p in db.execute("SELECT * FROM point")}
for point_id, replication in db.execute("SELECT point_id, replication FROM run WHERE status <> 'running'"
                                        " ORDER BY point_id, replication"):
    p = points[point_id]
    runs.setdefault(point_id, []).append(Run(p, replication, p["target_loss"]))


def samples(point_id):
    """Of an update: rows, or where times only are simulated subsets."""
    p, all_runs = points[point_id], runs[point_id]
    if not p["timing_only"]:
        return statistics.mean(r.samples for r in all_runs)
    n = sum(len(r.rows) for r in all_runs)
    if p["exact"]:
        return p["n_subsets"] * sum(x["decoded"] for r in all_runs for x in r.rows) / n
    return statistics.mean(statistics.mean(x["subsets_effective"] for x in r.rows if x["decoded"]) for r in all_runs) * \
        sum(x["decoded"] for r in all_runs for x in r.rows) / n


def gives(point_id):
    """Whether an update is the exact gradient, as far as rows can tell."""
    p = points[point_id]
    worst, skipped = db.execute("SELECT max(grad_scaled_err), sum(NOT decoded) FROM iteration JOIN run USING (run_id)"
                                " WHERE point_id = ?", (point_id,)).fetchone()
    return bool(p["exact"] and p["barrier"] and not p["compressed"] and (worst or 0) < 1e-6 and
                (p["target_loss"] is not None or not skipped))


def check_interval(row, name, found, scale=1):
    for ending, x in zip(("", "_low", "_high"), found):
        x = None if x is None or math.isinf(x) else x * scale
        assert close(row[name + ending], x), (name + ending, row[name + ending], x, row["scheme_label"])


checked = 0
if what == "columns":
    for row in rows:
        p, r = points[row["point_id"]], runs[row["point_id"]]
        amount = samples(row["point_id"])
        assert close(row["samples"], amount), (row["scheme_label"], row["samples"], amount)
        assert row["samples_unit"] == ("subsets" if p["timing_only"] else "samples")
        iteration = statistics.mean(x.iter_s for x in r)
        assert close(row["sample_s"], iteration / amount)
        assert close(row["worker_s_per_sample"], p["n_workers"] * iteration / amount)
        assert close(row["busy_s_per_iter"], statistics.mean(x.busy for x in r))
        if not p["timing_only"]:
            assert close(row["samples_per_iter"], amount)
        there = [x for x in r if x.reached]
        for name, column in (("samples_to_target", "samples_used"), ("busy_to_target_s", "busy_s")):
            assert close(row[name], statistics.mean(x.to_target(column) for x in there) if there else None), name
        assert close(row["bytes_to_target"], statistics.mean(
            x.to_target("bytes_sent") + x.to_target("bytes_broadcast") for x in there) if there else None)
        checked += 1
elif what == "equal":
    equal = sys.argv[4]
    groups = {}
    for row in rows:
        p, r = points[row["point_id"]], [x for x in runs[row["point_id"]] if x.finished]
        amount = samples(row["point_id"])
        own = [amount if p["timing_only"] else x.samples for x in r]
        assert close(row["samples_per_iter"], sum(own) / len(own))
        check_interval(row, "iter_s", mean([x.iter_s for x in r]))
        check_interval(row, "sample_s", mean([x.iter_s / n for x, n in zip(r, own)]))
        check_interval(row, "worker_s_per_sample", mean([p["n_workers"] * x.iter_s / n for x, n in zip(r, own)]))
        check_interval(row, "busy_s_per_sample", mean([x.busy / n for x, n in zip(r, own)]))
        if p["target_loss"] is not None:
            all_runs = runs[row["point_id"]]
            check_interval(row, "time_to_target_s", median([x.time for x in all_runs]))
            check_interval(row, "worker_s_to_target", median([p["n_workers"] * x.time for x in all_runs]))
        assert row["gives_gradient"] == gives(row["point_id"]), row
        groups.setdefault((row["group"], row["batch"]), []).append(row)
        checked += 1
    assert checked == len(runs)
    for (group, batch), of in groups.items():
        target = points[of[0]["point_id"]]["target_loss"] is not None
        key = {"batch": "iter_s", "time": "sample_s", "work": "worker_s_per_sample"}[equal] if not target else \
            "worker_s_to_target" if equal == "work" else "time_to_target_s"
        order = [math.inf if row[key] is None else row[key] for row in of]
        assert order == sorted(order), (equal, order)
        if equal == "batch" and batch is not None:
            amounts = [row["samples_per_iter"] for row in of]
            assert len(of) > 1 and max(amounts) <= 1.01 * min(amounts)
    if equal == "batch":  # who is alone is so
        for (group, batch), of in groups.items():
            for row in of if batch is None else []:
                assert not any(other["group"] == group and other is not row and
                               abs(other["samples_per_iter"] / row["samples_per_iter"] - 1) < 0.005 for other in rows)
else:
    families = {}
    for point_id, p in points.items():
        families.setdefault((p["code"], gives(point_id)), []).append(point_id)
    best = {}
    for family, of in families.items():
        def score(point_id):
            times = [x.time if points[point_id]["target_loss"] is not None else x.iter_s if x.finished else math.inf
                     for x in runs[point_id] if x.replication % 2 == 0]
            there = [math.log(t) for t in times if not math.isinf(t)]
            return 1 - len(there) / len(times), sum(there) / len(there) if there else math.inf
        if points[of[0]]["target_loss"] is not None or family[1]:
            best[family] = min(of, key=score)
    assert len(rows) == len(best), (len(rows), list(best))
    base = next(best[f] for f in best if any(points[i]["is_baseline"] for i in families[f]))
    for row in rows:
        family = (row["code"], bool(row["gives_gradient"]))
        assert best[family] == row["point_id"], (family, best[family], row["point_id"])
        assert row["candidates"] == len(families[family])
        p, odd = points[row["point_id"]], [x for x in runs[row["point_id"]] if x.replication % 2]
        assert row["runs"] == len(odd)
        if p["target_loss"] is None:
            check_interval(row, "iter_s", median([x.iter_s for x in odd]))
        else:
            assert row["n_reached"] == sum(x.reached for x in odd)
            check_interval(row, "time_to_target_s", median([x.time for x in odd]))
            check_interval(row, "worker_s_to_target", median([p["n_workers"] * x.time for x in odd]))
            check_interval(row, "busy_s_to_target", median([x.to_target("busy_s") for x in odd]))
            check_interval(row, "samples_to_target", median([x.to_target("samples_used") for x in odd]))
            check_interval(row, "bytes_to_target", median(
                [x.to_target("bytes_sent") + x.to_target("bytes_broadcast") for x in odd]))
        if row["point_id"] == base:
            assert row["is_baseline"] == 1 and row["speedup"] == 1
        else:
            of_base = {x.replication: x for x in runs[base]}
            time = (lambda x: x.time) if p["target_loss"] is not None else (lambda x: x.iter_s)
            if any(math.isinf(time(x)) or math.isinf(time(of_base[x.replication])) for x in odd):
                assert row["speedup"] is None
            else:
                found = mean([math.log(time(of_base[x.replication]) / time(x)) for x in odd])
                for name, x in zip(("speedup", "speedup_ci95_low", "speedup_ci95_high"), found):
                    assert close(row[name], None if x is None else math.exp(x), 1e-6), (name, row, x)
        checked += 1
print(checked, "rows agree")
