# SPDX-License-Identifier: MIT
"""The fastest scheme of each environment, from the raw rows of iterations alone, against what
`straggle compare --best --format json` says: best.py DB JSON. Shares no code with it."""
import json
import math
import sqlite3
import sys


def student(p, degrees):
    """The p-quantile of Student's t: Simpson's rule and bisection."""
    scale = math.exp(math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2)) / math.sqrt(degrees * math.pi)

    def below(t):
        n, total = 4000, 0.0
        for i in range(n + 1):
            x = t * i / n
            weight = 1 if i in (0, n) else 4 if i % 2 else 2
            total += weight * (1 + x * x / degrees) ** (-(degrees + 1) / 2)
        return 0.5 + scale * total * t / n / 3

    low, high = 0.0, 200.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) < p else (low, middle)
    return low


def close(a, b):
    return abs(a - b) <= 1e-9 * abs(b)


db = sqlite3.connect(sys.argv[1])
times = {}  # (environment, scheme) → replication → seconds
for env, label, replication, seconds in db.execute(
        "SELECT env_sha256, scheme_label, replication, avg(duration_s) FROM iteration"
        " JOIN run USING (run_id) JOIN point USING (point_id) GROUP BY run_id"):
    times.setdefault(env, {}).setdefault(label, {})[replication] = seconds
found = {row["env_sha256"]: row for row in json.load(open(sys.argv[2]))}
assert found.keys() == times.keys(), "other environments"
quantile = {}
ahead = 0
for env, schemes in times.items():
    row = found[env]
    mean = {label: sum(t.values()) / len(t) for label, t in schemes.items()}
    order = sorted(mean, key=mean.get)
    best = order[0]
    # Equal up to rounding of sums: either may be called the best.
    equal = [s for s in order if all(close(schemes[s][r], schemes[best][r]) for r in schemes[best])]
    others = [s for s in order if s not in equal]
    assert row["best_label"] in equal, (row, equal)
    assert row["ties"] == len(equal) - 1 and row["candidates"] == len(others) + 1, row
    assert row["next_label"] == others[0], (row, others)
    assert close(row["time_s"], mean[best])
    level = 0.05 / len(others)
    holds = True
    for s in others:
        logs = [math.log(schemes[s][r] / schemes[best][r]) for r in schemes[best]]
        n = len(logs)
        middle = sum(logs) / n
        sd = math.sqrt(sum((x - middle) ** 2 for x in logs) / (n - 1))
        key = (level, n)
        if key not in quantile:
            quantile[key] = student(1 - level / 2, n - 1)
        half = quantile[key] * sd / math.sqrt(n)
        holds = holds and middle > half
        if s == others[0]:
            for name, x in (("lead", middle), ("lead_low", middle - half), ("lead_high", middle + half)):
                assert abs(math.log(row[name]) - x) < 1e-6, (name, row, x)
    assert row["ahead"] == holds, row
    ahead += holds
    logs = [math.log(schemes["uncoded"][r] / schemes[best][r]) for r in schemes[best]]
    assert abs(math.log(row["speedup"]) - sum(logs) / len(logs)) < 1e-9, row
print(len(times), "environments agree,", ahead, "with a leader")
