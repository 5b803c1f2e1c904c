#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What decoding errors do to gradient descent on a strongly convex problem: floors of the loss
# against their exact values and bounds, an adversary, and deadlines. STRAGGLE names the program.
#
# The problem: a row for each worker (or more), y = ⟨(cos φ_i, sin φ_i), x⟩ + noise with φ_i = π i/n, so that
# the mean loss has curvature L = μ = 1/2 in every direction. Rows are put into blocks anew in every
# replication, by a uniform permutation.

setup() {
  scenarios="$BATS_TEST_DIRNAME/../scenarios"
  cd "$BATS_TEST_TMPDIR"
  cat > line.py <<'END'
import itertools, math, random, sqlite3
from statistics import fmean, stdev

def rows(n):
    r = random.Random(n)
    return [(round(math.cos(math.pi * i / n), 6), round(math.sin(math.pi * i / n), 6), round(r.gauss(0.5, 1), 6))
            for i in range(n)]

def write(n):
    with open(f"line{n}.csv", "w") as f:
        f.write("a,b,y\n" + "".join("%r,%r,%r\n" % row for row in rows(n)))

def fit(rows):
    """Least squares over the rows: x, its residuals, the mean loss's Hessian and least value over all n."""
    h = [[sum(r[i] * r[j] for r in rows) for j in (0, 1)] for i in (0, 1)]
    v = [sum(r[i] * r[2] for r in rows) for i in (0, 1)]
    det = h[0][0] * h[1][1] - h[0][1] * h[1][0]
    return [(h[1][1] * v[0] - h[0][1] * v[1]) / det, (h[0][0] * v[1] - h[1][0] * v[0]) / det]

def residuals(rows, x):
    return [r[0] * x[0] + r[1] * x[1] - r[2] for r in rows]

def loss(rows, x):
    return sum(e * e for e in residuals(rows, x)) / (2 * len(rows))

def sigma2(rows):
    """Σ |gradient of a row's share of the mean loss|² at the least-squares solution."""
    return sum(e * e * (r[0] ** 2 + r[1] ** 2) for e, r in zip(residuals(rows, fit(rows)), rows)) / len(rows) ** 2

def floors(name, rows, first):
    """Per scheme label: mean gap of the loss from iteration `first` on, for each replication."""
    db, best, out = sqlite3.connect(name), loss(rows, fit(rows)), {}
    for label, _, gap in db.execute("SELECT scheme_label, replication, avg(loss) FROM iteration JOIN run USING (run_id) "
            "JOIN point USING (point_id) WHERE iteration >= ? GROUP BY point_id, replication ORDER BY point_id, replication", (first,)):
        out.setdefault(label, []).append(gap - best)
    return out

def z(xs, value):
    return (fmean(xs) - value) / (stdev(xs) / len(xs) ** .5)
END
}

# scenario N ERASURE STEP ITERATIONS REPLICATIONS SCHEMES [ROWS]
scenario() {
  local rows=${7:-$1}
  python3 -c "import line; line.write($rows)"
  echo '{ "format": 1, "cluster": { "workers": '$1', "erasure": '"$2"' }, "delay": { "model": "exponential", "mean_s": 1 },
    "replicate": "delays+code+data", "learning": { "problem": "least-squares", "evaluate_every": 1,
      "data": { "source": "csv", "path": "line'$rows'.csv", "label": "y", "test_share": 0, "standardize": false, "intercept": false },
      "optimizer": { "step": '$3' } },
    "schemes": ['"$6"'], "stop": { "iterations": '$4', "undecodable": "skip" }, "replications": '$5' }' > s.json
  "$STRAGGLE" run -q s.json -o s.db
}

# With α of the groups independent of each other, mean and second moment of the model's error follow
# a linear recursion, exactly; the mean over all 15 ways to make three pairs of six rows.
@test "floors: exact below optimal below fixed decoding, as the recursion of moments has them" {
  scenario 6 '{ "model": "bernoulli", "probability": 0.2 }' 0.25 160 150 '
    { "code": "fractional-repetition", "s": 1 }, { "code": "approximate-repetition", "d": 2 },
    { "code": "approximate-repetition", "d": 2, "debias": "known" },
    { "code": "approximate-repetition", "d": 2, "decoding": "fixed" }'
  python3 - <<'END'
from line import *
N, D, P, STEP, FIRST, LAST = 6, 2, .2, .25, 60, 160
rows = rows(N)
star = fit(rows)
res = residuals(rows, star)
def pairings(items):
    if not items:
        yield []
    for k in range(1, len(items)):
        for rest in pairings(items[1:k] + items[k + 1:]):
            yield [(items[0], items[k])] + rest
def steps(rule, pairs):
    for counts in itertools.product(range(D + 1), repeat=N // D):
        p = math.prod(math.comb(D, c) * (1 - P) ** c * P ** (D - c) for c in counts)
        b, g = [[1, 0], [0, 1]], [0, 0]
        for count, pair in zip(counts, pairs):
            for i in pair:
                for u in 0, 1:
                    g[u] += STEP * rule(count) * rows[i][u] * res[i] / N
                    for v in 0, 1:
                        b[u][v] -= STEP * rule(count) * rows[i][u] * rows[i][v] / N
        yield p, b, g
def gap(rule, pairs):
    m = [-star[0], -star[1]]
    M = [[m[u] * m[v] for v in (0, 1)] for u in (0, 1)]
    all_steps, gaps = list(steps(rule, pairs)), []
    for t in range(LAST):
        nm, nM = [0, 0], [[0, 0], [0, 0]]
        for p, b, g in all_steps:
            bm = [b[u][0] * m[0] + b[u][1] * m[1] for u in (0, 1)]
            for u in 0, 1:
                nm[u] += p * (bm[u] - g[u])
                for v in 0, 1:
                    nM[u][v] += p * (sum(b[u][i] * M[i][j] * b[v][j] for i in (0, 1) for j in (0, 1))
                                     - bm[u] * g[v] - g[u] * bm[v] + g[u] * g[v])
        m, M = nm, nM
        gaps.append((M[0][0] + M[1][1]) / 4)
    return fmean(gaps[FIRST:])
expected = {"approximate-repetition d=2": lambda c: c > 0,
            "approximate-repetition d=2 known": lambda c: (c > 0) / (1 - P ** D),
            "approximate-repetition d=2 fixed": lambda c: c / (D * (1 - P))}
found = floors("s.db", rows, FIRST)
for label, rule in expected.items():
    value = fmean(gap(rule, pairs) for pairs in pairings(list(range(N))))
    print(label, fmean(found[label]), value, z(found[label], value))
    assert abs(z(found[label], value)) <= 4, label
# Each within its bound: 2 η V/μ for the squared distance, V ≤ ν (1 + 1/(n - 1)) σ²; without debiasing
# the step is shorter by κ.
for label, nu, step in (("approximate-repetition d=2", P ** D / (1 - P ** D), STEP * (1 - P ** D)),
                        ("approximate-repetition d=2 known", P ** D / (1 - P ** D), STEP),
                        ("approximate-repetition d=2 fixed", P / (D * (1 - P)), STEP)):
    bound = .5 / 2 * 2 * step * nu * (1 + 1 / (N - 1)) * sigma2(rows) / .5
    assert fmean(found[label]) + 4 * stdev(found[label]) / len(found[label]) ** .5 <= bound, label
exact, optimal, fixed = found["fractional-repetition s=1"], found["approximate-repetition d=2 known"], found["approximate-repetition d=2 fixed"]
assert max(floors("s.db", rows, 140)["fractional-repetition s=1"]) < 1e-9
assert z([f - o for f, o in zip(fixed, optimal)], 0) > 4 and z(optimal, 0) > 4
END
}

# Petersen's graph: 10 blocks, 15 workers, e = 0.00992994634 with least squares, by enumeration, and
# p/(d (1 - p)) = 0.08333 with fixed weights.
@test "floors: a graph code, least squares debiased below fixed weights, both within their bounds" {
  scenario 15 '{ "model": "bernoulli", "probability": 0.2 }' 0.25 150 40 '
    { "code": "graph", "graph": "petersen", "debias": "measured" }, { "code": "graph", "graph": "petersen", "decoding": "fixed" },
    { "code": "expander", "d": 4, "debias": "measured" }, { "code": "expander", "d": 4, "decoding": "fixed" }' 30
  python3 - <<'END'
from line import *
rows = rows(30)
found = list(floors("s.db", rows, 60).values())
nu = [x for x, in sqlite3.connect("s.db").execute("SELECT avg(err_norm) FROM iteration JOIN run USING (run_id) GROUP BY point_id ORDER BY point_id")]
e = .00992994634
for value, expected in zip(nu, (e / (1 - e), .2 / (3 * .8), nu[2], .2 / (4 * .8))):
    assert abs(value / expected - 1) < .05, nu
# σ² is of the blocks: n blocks of a permutation of the rows, whose gradients add up to 0. In the mean
# over permutations it is that of the rows times (30 - 30/n)/29.
for f, v, n in zip(found, nu, (10, 10, 15, 15)):
    bound = .25 * v * (1 + 1 / (n - 1)) * sigma2(rows) * (30 - 30 / n) / 29
    assert 0 < fmean(f) + 4 * stdev(f) / len(f) ** .5 <= bound, (fmean(f), v, bound)
for optimal, fixed in (found[0], found[1]), (found[2], found[3]):
    assert z([b - a for a, b in zip(optimal, fixed)], 0) > 4
END
}

# All workers of s/2 pairs are always missing: descent ends at the least-squares solution of the
# other rows, whose loss averaged over all sets of them is known.
@test "floors: an adversary's grows with the number of stragglers, as theory says" {
  last=0
  for s in 0 1 2 4; do
    rm -f s.db
    scenario 12 '{ "model": "worst", "count": '$s' }' 1 80 60 '{ "code": "approximate-repetition", "d": 2 }'
    python3 - $s <<'END'
import sys
from line import *
rows, s = rows(12), int(sys.argv[1])
lost = s // 2 * 2
db = sqlite3.connect("s.db")
assert db.execute("SELECT min(decoding_err), max(decoding_err) FROM iteration").fetchone() == (lost, lost)
found, = floors("s.db", rows, 79).values()
best = loss(rows, fit(rows))
kept = [[r for i, r in enumerate(rows) if i not in gone] for gone in itertools.combinations(range(12), lost)]
value = fmean(loss(rows, fit(k)) - best for k in kept)
print(s, fmean(found), value)
assert abs(fmean(found) - value) <= (4 * stdev(found) / len(found) ** .5 if lost else 1e-9)
# |x - x*| ≤ √R σ/(μ - √(R L L')), L' of a row; the loss is L/2 times its square above the least.
L = .5
bound = (lost * sigma2(rows)) ** .5 / (L - (lost * L / 12) ** .5)
assert max(found) <= L / 2 * bound ** 2 + 1e-9
open(f"floor{s}", "w").write(str(fmean(found)))
END
  done
  python3 -c "
f = [float(open(f'floor{s}').read()) for s in (0, 1, 2, 4)]
assert f[0] < 1e-9 and f[1] < 1e-9 and f[2] > 1e-3 and f[3] > 1.5 * f[2], f"
}

@test "deadlines: the best is neither the shortest nor the longest" {
  "$STRAGGLE" run -q "$scenarios/approximate-deadline.json" --set /replications=5 -o d.db
  sqlite3 d.db "SELECT code, json_extract(config_json, '$.scheme.stop.deadline_s'), avg(time_to_target_s),
      min(time_to_target_s IS NOT NULL) FROM run_summary JOIN run USING (run_id) JOIN point USING (point_id)
    WHERE stop_rule = 'deadline' GROUP BY point_id ORDER BY 1, 2" > times
  cat times
  python3 - <<'END'
times = {}
for line in open("times"):
    code, deadline, mean, reached = line.strip().split("|")
    assert reached == "1"
    times.setdefault(code, []).append((float(deadline), float(mean)))
assert len(times) == 2
for code, sweep in times.items():
    best = min(range(len(sweep)), key=lambda i: sweep[i][1])
    assert 0 < best < len(sweep) - 1, (code, sweep)
    assert sweep[0][1] > 1.5 * sweep[best][1] and sweep[-1][1] > 2 * sweep[best][1], (code, sweep)
END
}
