#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# K-sync, K-async and adaptive fastest-k, from scenario files into databases and out again: tests/recompute.py
# computes every trajectory once more from what is recorded.

load support/runs

setup() {
  here="$BATS_TEST_DIRNAME" scenario="$BATS_TEST_DIRNAME/scenarios/async.json"
  cd "$BATS_TEST_TMPDIR"
  cp "$scenario" async.json
}

@test "the recorded versions, workers and mini-batches give the trajectory, to 1e-12" {
  make_data
  "$STRAGGLE" run async.json --quiet -o async.db
  run python3 "$here/recompute.py" async.db data.csv
  echo "$output"
  [ "$status" -eq 0 ]
  [ "${#lines[@]}" -eq 11 ]
  [[ "$output" == *"k-async k=3 batch: 12 runs, 1440 updates"* ]]
  [ "$(ask async.db "SELECT max(staleness) > 5 FROM used_message JOIN $run_of WHERE code = 'k-async'")" = 1 ]

  # Exactly K, whatever comes while an update takes 0.6 or 3 s; of K-async of distinct workers.
  [ "$(ask async.db "SELECT count(*) FROM iteration JOIN $run_of
    WHERE code LIKE 'k-%' AND decoded AND n_used <> CAST(substr(scheme_label, instr(scheme_label, '=') + 1, 1) AS INTEGER)")" = 0 ]
  [ "$(ask async.db "SELECT count(*) FROM (SELECT count(*) - count(DISTINCT worker) AS twice
    FROM used_message JOIN $run_of WHERE code = 'k-async' GROUP BY run_id, iteration) WHERE twice > 0")" = 0 ]
  [ "$(ask async.db "SELECT count(*) > 100 FROM (SELECT count(*) - count(DISTINCT worker) AS twice
    FROM used_message JOIN $run_of WHERE code = 'k-batch-async' GROUP BY run_id, iteration) WHERE twice > 0")" = 1 ]
  # With K = 1 and a slow master every update takes at least as long as its time.
  [ "$(ask async.db "SELECT count(*) FROM iteration JOIN $run_of WHERE axes LIKE '%update = 3%' AND decoded AND duration_s < 3 - 1e-9")" = 0 ]

  # No mini-batch is used twice in a run, though many are of one worker at one version.
  for code in k-sync k-batch-sync k-async k-batch-async adaptive-k; do
    run ask async.db "SELECT count(*) - count(DISTINCT run_id || ' ' ||
        CASE WHEN scheme_label LIKE '%global%' THEN '' ELSE worker END || ' ' || batch)
      FROM used_message JOIN $run_of WHERE code = '$code' AND batch > 0"
    [ "$output" = 0 ]
  done
  [ "$(ask async.db "SELECT count(*) > 1000 FROM (SELECT 1 FROM used_message JOIN $run_of
    WHERE batch > 0 GROUP BY run_id, worker, version HAVING count(*) > 1)")" = 1 ]

  # Workers that crashed take part again, and no run ends early.
  [ "$(ask async.db "SELECT count(*) FROM run WHERE stop_reason <> 'iterations'")" = 0 ]
  [ "$(ask async.db "SELECT min(workers) FROM (SELECT count(DISTINCT worker) AS workers FROM used_message
    JOIN $run_of WHERE code LIKE '%async' AND iteration >= 60 GROUP BY run_id)")" = 6 ]

  # The share of messages of each age adds up to 1.
  run ask async.db "$("$STRAGGLE" query async.db @staleness --format csv | python3 -c '
import csv, sys
sums = {}
for row in csv.DictReader(sys.stdin):
    sums[row["point_id"]] = sums.get(row["point_id"], 0) + float(row["share"])
assert len(sums) > 50 and all(abs(s - 1) < 1e-9 for s in sums.values()), sums
print("SELECT 1")')"
  [ "$output" = 1 ]
}

@test "k grows by the signs that the recorded gradients have" {
  make_data
  "$STRAGGLE" run async.json --quiet -o signs.db --set /learning/optimizer/step=0.6 --set '/schemes=[
    { "code": "adaptive-k", "k_step": 2, "threshold": 2, "burn_in": 5 },
    { "code": "adaptive-k", "k_min": 2, "k_max": 5, "threshold": 1, "burn_in": 8, "gradients": "batch" }]'
  run python3 "$here/recompute.py" signs.db data.csv
  echo "$output"
  [ "$status" -eq 0 ]
  [ "${#lines[@]}" -eq 2 ]
  [[ "${lines[0]}" =~ "k raised "[1-9][0-9]* && "${lines[1]}" =~ "k raised "[1-9][0-9]* ]]
}

@test "k grows at given times, and an iteration takes the time of the k fastest" {
  cat > times.json <<'JSON'
{ "format": 1, "cluster": { "workers": 10 },
  "delay": { "model": "shifted-exponential", "shift_s": 0.2, "mean_excess_s": 1 },
  "learning": { "problem": "none" },
  "schemes": [ { "code": "adaptive-k", "policy": "times", "times": [ 2000, 4000, 4000 ], "k_min": 2, "k_step": 3 } ],
  "replications": 1, "stop": { "iterations": 9000 }, "output": { "detail": "iteration" } }
JSON
  "$STRAGGLE" run --quiet times.json
  run ask times.db "SELECT n_used, min(start_s), abs(avg(duration_s) - CASE n_used WHEN 2 THEN 0.2 + 1/10.0 + 1/9.0
      WHEN 5 THEN 0.2 + 1/10.0 + 1/9.0 + 1/8.0 + 1/7.0 + 1/6.0 ELSE 0.2 + 2.92896825396825 END)
      < 4.5 * sqrt(sum(duration_s * duration_s) / count(*) - avg(duration_s) * avg(duration_s)) / sqrt(count(*))
    FROM iteration GROUP BY n_used"
  echo "$output"
  [ "${#lines[@]}" -eq 3 ]
  [[ "${lines[0]}" == "2|0.0|1" && "${lines[1]}" == "5|200"*"|1" && "${lines[2]}" == "10|400"*"|1" ]]
}

@test "switching times of the bound" {
  run "$STRAGGLE" codes check adaptive-k policy=bound step=0.05 convexity=0.4 smoothness=2 variance=10 gap=50 k_min=1 k_step=3 -n 10
  [ "$status" -eq 0 ]
  echo "$output"
  # By bisection of the moment at which the bound with the next k begins to fall faster.
  run python3 - "$output" <<'PYTHON'
import math, re, sys
n, eta, c, L, var, gap, step = 10, 0.05, 0.4, 2, 10, 50, 3
mu = lambda k: sum(1 / (n - i) for i in range(k))
floor = lambda k: eta * L * var / (2 * c * k)
after = lambda k, e, t: floor(k) + (e - floor(k)) * (1 - eta * c) ** (t / mu(k))
slope = lambda k, e: (after(k, e, 1e-6) - e) / 1e-6
t, e, k, found = 0, gap, 1, []
while k < n:
    low, high, k2 = 0, 1e4, min(k + step, n)
    while high - low > 1e-9:
        mid = (low + high) / 2
        at = after(k, e, mid)
        low, high = (mid, high) if slope(k, at) < slope(k2, at) else (low, mid)
    t, e, k = t + low, after(k, e, low), k2
    found.append((k, t))
told = [(int(k), float(t)) for k, t in re.findall(r"(\d+) from ([\d.]+)\s+s", sys.argv[1])]
print(told, found)
assert len(told) == len(found) == 3
assert all(a[0] == b[0] and abs(a[1] - b[1]) < 2e-3 * b[1] for a, b in zip(told, found))
PYTHON
  echo "$output"
  [ "$status" -eq 0 ]
}

@test "too few workers left: the run stalls, or goes on with those there are" {
  cat > lost.json <<'JSON'
{ "format": 1, "cluster": { "workers": 6, "crashes": { "model": "permanent", "mean_iterations": 20 } },
  "delay": { "model": "exponential", "mean_s": 1 }, "learning": { "problem": "none" },
  "schemes": [ { "code": "k-async", "k": 4 }, { "code": "k-batch-async", "k": 4 } ],
  "sweep": [ { "name": "undecodable", "path": "/stop/undecodable", "values": [ "wait", "skip" ] } ],
  "replications": 5, "stop": { "iterations": 10000 }, "output": { "detail": "iteration" } }
JSON
  "$STRAGGLE" run --quiet lost.json -o lost.db || true
  # All are lost in the end. Four at least for each update; with skip one is enough.
  [ "$(ask lost.db "SELECT count(*) FROM run WHERE status <> 'stalled'")" = 0 ]
  [ "$(ask lost.db "SELECT count(*) FROM iteration JOIN $run_of WHERE axes LIKE '%wait%' AND n_used <> 4")" = 0 ]
  [ "$(ask lost.db "SELECT min(n_used) || ' ' || max(n_used) FROM iteration JOIN $run_of WHERE axes LIKE '%skip%'")" = "1 4" ]
}

@test "who lost a message goes on" {
  cat > erased.json <<'JSON'
{ "format": 1, "cluster": { "workers": 10, "erasure": { "model": "bernoulli", "probability": 0.3 } },
  "delay": { "model": "exponential", "mean_s": 1 }, "learning": { "problem": "none" },
  "schemes": [ { "code": "k-async", "k": 4 }, { "code": "k-batch-async", "k": 3 } ],
  "replications": 1, "stop": { "iterations": 20000 }, "output": { "detail": "iteration" } }
JSON
  "$STRAGGLE" run --quiet erased.json
  [ "$(ask erased.db "SELECT group_concat(stop_reason, ' ') FROM run")" = "iterations iterations" ]
  # Renewals, of which 0.7 count: an update takes K E[X] / (0.7 n). Times of updates are independent
  # here, as arrivals of exponential times are.
  run ask erased.db "SELECT abs(avg(duration_s) - 3 / 7.0) < 4.5 * sqrt(avg(duration_s * duration_s) / count(*)), avg(duration_s)
    FROM iteration JOIN $run_of WHERE code = 'k-batch-async'"
  echo "$output"
  [[ "$output" == "1|"* ]]
  # Erased for good: as if it were not there.
  "$STRAGGLE" run --quiet erased.json -o some.db --set '/cluster/erasure={"model":"pattern","workers":[0,9]}'
  [ "$(ask some.db "SELECT abs(avg(duration_s) - 3 / 8.0) < 0.02 FROM iteration JOIN $run_of WHERE code = 'k-batch-async'")" = 1 ]
}

@test "nobody is further ahead of the slowest than max_lead allows" {
  cat > lead.json <<'JSON'
{ "format": 1, "cluster": { "workers": 4, "speeds": [ 1, 2, 3, 0.5 ] }, "delay": { "model": "exponential", "mean_s": 1 },
  "network": { "uplink": { "model": "exponential", "mean_s": 0.3 } }, "learning": { "problem": "none" },
  "schemes": [ { "code": "k-async", "k": 1, "max_lead": { "each": [ 0, 2 ] } }, { "code": "k-batch-async", "k": 3, "max_lead": 2 },
               { "code": "k-async", "k": 4, "max_lead": 0 }, { "code": "k-async", "k": 1 } ],
  "replications": 1, "stop": { "iterations": 1000 }, "output": { "detail": "worker" } }
JSON
  "$STRAGGLE" run --quiet lead.json
  # Who has as many more as allowed sends one more. Gradients are used in the order in which they come.
  run python3 - <<'PYTHON'
import sqlite3
db = sqlite3.connect("lead.db")
for run, label in db.execute("SELECT run_id, scheme_label FROM run JOIN point USING (point_id) ORDER BY run_id").fetchall():
    come, most = [0] * 4, 0
    for (w,) in db.execute("SELECT worker FROM used_message WHERE run_id = ? ORDER BY iteration, position", (run,)):
        come[w] += 1
        most = max(most, max(come) - min(come))
    print(label, most, *db.execute("SELECT count(*) FROM iteration WHERE run_id = ?", (run,)).fetchone())
PYTHON
  echo "$output"
  [ "${lines[0]}" = "k-async k=1 max_lead=0 1 1000" ]
  [ "${lines[1]}" = "k-async k=1 max_lead=2 3 1000" ]
  [ "${lines[2]}" = "k-batch-async k=3 max_lead=2 3 1000" ]
  [ "${lines[3]}" = "k-async k=4 max_lead=0 1 1000" ]
  [[ "${lines[4]}" =~ "k-async k=1 "[1-9][0-9]{2} ]]
}

@test "what is refused, with the rule and what would do" {
  for code in k-sync k-batch-sync k-async k-batch-async; do
    refused "expected k ≤ n = 6, found 7" "$none" "\"code\": \"$code\", \"k\": 7"
  done
  refused "expected k_min ≤ n = 6, found 7" "$none" '"code": "adaptive-k", "policy": "times", "k_min": 7'
  refused "expected k_min = 3 ≤ k_max ≤ n = 6, found 2" "$none" '"code": "adaptive-k", "policy": "times", "k_min": 3, "k_max": 2'
  refused "expected a learning problem that has some, found \"none\"" "$none" '"code": "adaptive-k"'
  refused "expected rising times, found 3 after 4" "$none" '"code": "adaptive-k", "policy": "times", "times": [4, 3]'
  refused "expected at most 1, after which k is k_max = 6, found 2" "$none" '"code": "adaptive-k", "policy": "times", "k_step": 5, "times": [3, 4]'
  refused "expected a number > 0 with policy \"bound\"" "$none" '"code": "adaptive-k", "policy": "bound"'
  refused "expected less than 1/step = 2" "$none" '"code": "adaptive-k", "policy": "bound", "step": 0.5, "convexity": 3, "smoothness": 3, "variance": 1, "gap": 1'
  refused "computes on mini-batches: expected how many rows one has" "$some" '"code": "k-batch-async", "k": 2'
}

@test "K-async against K-sync: a verdict only at equal target loss" {
  shipped="$here/../scenarios/stale-gradients.json"
  sed "s|data/breast|$here/../scenarios/data/breast|" "$shipped" > stale.json
  "$STRAGGLE" run --quiet stale.json -o stale.db --set /sweep=[] --set /replications=6
  run "$STRAGGLE" compare stale.db --format csv
  verdict() { # scheme, columns: of the output of compare
    python3 - "$output" "$@" <<'PYTHON'
import csv, io, sys
rows = [r for r in csv.DictReader(io.StringIO(sys.argv[1])) if r["scheme_label"].startswith(sys.argv[2])]
print(*[r[c] for r in rows for c in sys.argv[3:]])
PYTHON
  }
  [ "$status" -eq 0 ]
  for scheme in "k-async k=1" "k-async k=4" "k-batch-async k=4"; do
    echo "$scheme: $(verdict "$scheme" verdict judged_by)"
    [ "$(verdict "$scheme" verdict judged_by)" = "faster time_to_target" ]
  done
  # With iteration times alone, though three times as short, it is not said to be faster.
  "$STRAGGLE" run --quiet stale.json -o times.db --set /sweep=[] --set /replications=6 --set /stop='{"iterations":100}'
  for learning in "" '{"problem":"none"}'; do
    [ -z "$learning" ] || "$STRAGGLE" run --quiet stale.json -o times.db --set /sweep=[] --set /replications=6 \
      --set /stop='{"iterations":100}' --set "/learning=$learning"
    run "$STRAGGLE" compare times.db
    [[ "$output" == *"No scheme is the fastest"*"A target loss makes times comparable."* ]]
    [[ "$output" != *faster* ]]
  done
}
