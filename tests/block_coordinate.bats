#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Block-coordinate gradient coding from the outside: rows of runs against plain sums over the times
# of the workers, which an uncoded scheme in the same environment has recorded.

setup() {
  cd "$BATS_TEST_TMPDIR"
}

# scenario NAME DELAY SCHEMES LEARNING [ITERATIONS]: NAME.json, run into NAME.db.
scenario() {
  cat > "$1.json" <<END
{ "format": 1, "cluster": { "workers": 7 }, "delay": { $2 }, "schemes": [ $3 ], "learning": { $4 },
  "replications": 1, "random": { "seed": 3 }, "stop": { "iterations": ${5:-10000} },
  "output": { "detail": "worker" } }
END
  "$STRAGGLE" run --quiet "$1.json" -o "$1.db"
}

none='"problem": "none", "length": 2100'
shifted='"model": "shifted-exponential", "shift_s": 50, "mean_excess_s": 1000'
startup='"model": "exponential", "mean_s": 1, "scaling": "startup", "per_subset_s": 0.1'

@test "one block is cyclic repetition, to the bit, row by row" {
  local squares='"problem": "least-squares", "data": { "source": "gaussian-mixture", "rows": 140, "features": 5 },
    "optimizer": { "method": "gradient-descent", "step": 0.01 }'
  local schemes='{ "code": "cyclic-repetition", "s": 3 }, { "code": "block-coordinate", "blocks": [1], "s": 3 }'
  local scaling
  for scaling in proportional additive startup; do
    local delay="\"model\": \"exponential\", \"mean_s\": 1, \"scaling\": \"$scaling\""
    [ $scaling = startup ] && delay=$startup
    scenario "$scaling" "$delay" "$schemes" "$squares"
    run sqlite3 "$scaling.db" "
      SELECT count(*), count(DISTINCT run_id) FROM iteration;
      UPDATE iteration SET run_id = 0 WHERE run_id = (SELECT max(run_id) FROM iteration);
      CREATE TEMP TABLE one AS SELECT * FROM iteration WHERE run_id = 0;
      CREATE TEMP TABLE two AS SELECT * FROM iteration WHERE run_id <> 0;
      UPDATE two SET run_id = 0;
      SELECT count(*) FROM (SELECT * FROM one EXCEPT SELECT * FROM two);
      SELECT count(*) > 9000 FROM one WHERE loss IS NOT NULL AND grad_scaled_err < 1e-12"
    [ "$output" = "20000|2
0
1" ]
  done
}

@test "an iteration takes what the times of the workers say" {
  local schemes='{ "code": "uncoded" }, { "code": "block-coordinate", "blocks": [3, 0, 2, 1, 0, 4, 5] },
    { "code": "block-coordinate", "blocks": [2, 1, 1], "s": 2 }, { "code": "block-coordinate", "design": "large-time" }'
  scenario proportional "$shifted" "$schemes, { \"code\": \"hierarchical-layers\", \"coordinates\": 2 }" "$none"
  scenario startup "$startup" "$schemes" "$none"
  python3 - <<'END'
import json, sqlite3
from itertools import accumulate
n, length = 7, 2100

def rounded(sizes):
    exact = [x * length / sum(sizes) for x in sizes]
    whole = [int(x + 1e-9) for x in exact]
    for s in sorted(range(n), key=lambda s: (-round(exact[s] - whole[s], 9), s))[:length - sum(whole)]:
        whole[s] += 1
    return whole

# Layers (j, s): of all solutions of max u ≤ (s_j + 1)/j the one whose ratios are lexicographically largest. One
# unit at a time is taken from the layer that has the largest ratio left then, until as many are left as there are.
R, left = length // 2, n * (length // 2) - length
s_of = [n - 1] * R
for _ in range((n - 1) * R - left):
    j = max((j for j in range(R) if s_of[j] > 0), key=lambda j: (s_of[j] / (j + 1), -j))
    s_of[j] -= 1
assert sum(s_of) == left and s_of == sorted(s_of)
layers = [(j + 1, s) for j, s in enumerate(s_of)]

sizes = {1: [3, 0, 2, 1, 0, 4, 5], 2: [0, 0, 2, 1, 1, 0, 0], 3: [1 / (s + 1) for s in range(n)]}
for name in "proportional", "startup":
    db = sqlite3.connect(name + ".db")
    runs = [r for r, in db.execute("SELECT DISTINCT run_id FROM iteration ORDER BY run_id")]
    assert len(runs) == (5 if name == "proportional" else 4)
    time = {}
    for i, w, t in db.execute("SELECT iteration, worker, compute_s FROM worker_iteration WHERE run_id = ?", runs[:1]):
        time.setdefault(i, []).append(t)
    assert len(time) == 10000
    for k, x in sizes.items():
        S = [sum((i + 1) * c for i, c in enumerate(rounded(x)[:s + 1])) / length for s in range(n)]
        count = 0
        for i, d, messages in db.execute("SELECT iteration, duration_s, n_used FROM iteration WHERE run_id = ?", runs[k:k + 1]):
            T = sorted(time[i])
            if name == "startup":  # X + 0.1 a subset, of which uncoded workers have one
                tau = max(T[n - 1 - s] + 0.1 * (S[s] - 1) for s in range(n) if x[s])
            else:
                tau = max(T[n - 1 - s] * S[s] for s in range(n) if x[s])
            assert abs(d - tau) <= 1e-9 * tau, (name, k, i, d, tau)
            assert messages >= sum(n - s for s in range(n) if x[s])
            count += 1
        assert count == 10000
    for i, d in db.execute("SELECT iteration, duration_s FROM iteration WHERE run_id = ? AND iteration < 500", runs[4:] or [-1]):
        T = sorted(time[i])
        tau = max(j * T[n - 1 - s] for j, s in layers) * n / length
        assert abs(d - tau) <= 1e-9 * tau, (i, d, tau)
END
}

@test "times are homogeneous: in sizes, in time" {
  scenario one "$shifted" '{ "code": "block-coordinate", "blocks": [3, 0, 2, 1, 0, 4, 5] }' "$none" 2000
  scenario sizes "$shifted" '{ "code": "block-coordinate", "blocks": [96, 0, 64, 32, 0, 128, 160] }' "$none" 2000
  scenario twice '"model": "shifted-exponential", "shift_s": 100, "mean_excess_s": 2000' \
    '{ "code": "block-coordinate", "blocks": [3, 0, 2, 1, 0, 4, 5] }' "$none" 2000
  scenario longer "$shifted" '{ "code": "block-coordinate", "blocks": [3, 0, 2, 1, 0, 4, 5] }' \
    '"problem": "none", "length": 4200' 2000
  run sqlite3 one.db "ATTACH 'sizes.db' AS s; ATTACH 'twice.db' AS t; ATTACH 'longer.db' AS l;
    SELECT count(*), sum(o.duration_s = s.duration_s), sum(2 * o.duration_s = t.duration_s), sum(o.duration_s = l.duration_s)
    FROM main.iteration o JOIN s.iteration s USING (iteration) JOIN t.iteration t USING (iteration) JOIN l.iteration l USING (iteration)"
  [ "$output" = "2000|2000|2000|2000" ]
}

@test "sizes, expected time and bound are shown" {
  scenario chosen "$shifted" '{ "code": "block-coordinate" }, { "code": "block-coordinate", "design": "means" }' "$none" 10
  run "$STRAGGLE" check chosen.json
  [[ "$output" == *"block-coordinate: 7 blocks (optimal), of s:size 0:"*"expected compute time 10"*"(Jensen's bound)"* ]]
  [[ "$output" == *"block-coordinate means: 7 blocks (means)"* ]]
  run "$STRAGGLE" codes check block-coordinate s=2 -n 5
  [[ "$output" == *"promised  d = "*"s = 2  m = 1"*"3 blocks (large-time)"* ]]
}

@test "a message a block: counts and bytes in closed form" {
  scenario counts "$shifted" '{ "code": "block-coordinate", "blocks": [1, 0, 0, 0, 0, 1] }' "$none" 200
  # Two blocks of 1050 numbers. All 7 send the first, at least 2 of them the second.
  run sqlite3 counts.db "SELECT count(*), min(n_used), max(n_used) <= 14, sum(bytes_received = n_received * 1050 * 8) FROM iteration"
  [ "$output" = "200|9|1|200" ]
}
