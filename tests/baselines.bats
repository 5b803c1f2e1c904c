#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Backup workers, DropCompute, speculative copies, load balancing and eviction, from scenario files into databases:
# tests/baselines.py simulates every iteration once more, with the same random numbers and no line of straggle.

load support/runs

setup() {
  here="$BATS_TEST_DIRNAME"
  cd "$BATS_TEST_TMPDIR"
  cp "$here/scenarios/baselines.json" .
}

@test "schedules, mini-batches, samples, errors and models are those of an independent simulation" {
  make_data
  "$STRAGGLE" run baselines.json --quiet -o baselines.db
  run python3 "$here/baselines.py" baselines.db data.csv
  echo "$output"
  [ "$status" -eq 0 ]
  [ "${#lines[@]}" -eq 28 ]
  [[ "$output" == *"drop-compute micro_batches=4 threshold_s=0.07 drop: 4 runs, 160 iterations, "[1-9]*" skipped"* ]]
  # With pieces of the share and no threshold, as with no backups, it is uncoded to rounding.
  [ "$(ask baselines.db "SELECT count(*) > 300 AND max(abs(a.loss - b.loss)) < 1e-12 FROM iteration a JOIN $run_of
    JOIN (SELECT iteration, replication, axes, loss FROM iteration JOIN $run_of WHERE code = 'uncoded') b
    USING (iteration, replication, axes) WHERE scheme_label IN ('drop-compute micro_batches=4 part',
      'backup-workers b=0 part')")" = 1 ]
}

@test "the same when encoding takes time, and when some workers' messages never come" {
  make_data
  "$STRAGGLE" run baselines.json --quiet -o encode.db --set '/encode={"model":"flops","flops_per_s":40}'
  run python3 "$here/baselines.py" encode.db data.csv
  echo "$output"
  [ "$status" -eq 0 ]
  [ "$(ask encode.db "SELECT count(DISTINCT scheme_label) FROM iteration JOIN $run_of WHERE encode_s > 0")" = 28 ]
  "$STRAGGLE" run baselines.json --quiet -o lost.db --set '/cluster/erasure={"model":"pattern","workers":[3]}' --set '/schemes=[
    { "code": "backup-workers", "b": 2 },
    { "code": "drop-compute", "micro_batches": 4, "threshold_s": 0.4, "running": { "each": [ "finish", "drop" ] },
      "gradients": { "each": [ "batch", "global-batch", "part" ] } },
    { "code": "speculative-copies", "left": 2 }, { "code": "speculative-copies", "left": 1, "copies": 5 },
    { "code": "evict", "who": "listed", "listed": [ 3, 0 ] } ]'
  run python3 "$here/baselines.py" lost.db data.csv
  echo "$output"
  [ "$status" -eq 0 ]
  [ "${#lines[@]}" -eq 10 ]
  [ "$(ask lost.db "SELECT count(*) FROM worker_iteration WHERE worker = 3 AND used")" = 0 ]
}

@test "an iteration in which nobody computed anything is skipped, whatever becomes of bad patterns but an error" {
  make_data
  for undecodable in wait skip error; do
    "$STRAGGLE" run baselines.json --quiet -o $undecodable.db --set /sweep=[] --set /stop/undecodable='"'$undecodable'"' --set '/schemes=[
      { "code": "drop-compute", "micro_batches": 2, "threshold_s": 0.05, "running": "drop" } ]' || true
  done
  for undecodable in wait skip; do
    [ "$(ask $undecodable.db "SELECT group_concat(DISTINCT status) FROM run")" = finished ]
    run ask $undecodable.db "SELECT sum(NOT decoded) > 10, sum(NOT decoded AND abs(duration_s - 0.25) > 1e-9), sum(decoded AND n_used = 0) FROM iteration"
    echo "$output"
    [ "$output" = "1|0|0" ]
  done
  cmp <(ask wait.db "SELECT * FROM iteration") <(ask skip.db "SELECT * FROM iteration")
  [ "$(ask error.db "SELECT group_concat(DISTINCT stop_reason) FROM run")" = undecodable ]
}

@test "a worker's clock runs from when it begins to compute: with downtimes, late models, queues, either scaling" {
  cat > clock.json <<'JSON'
{ "format": 1, "cluster": { "workers": 5, "speeds": [ 1, 2, 1, 0.5, 1 ] },
  "delay": { "model": "shifted-exponential", "shift_s": 0.3, "mean_excess_s": 1, "scaling": "additive" },
  "network": { "cancel": "instant" }, "learning": { "problem": "none" },
  "schemes": [ { "code": "drop-compute", "micro_batches": 50, "threshold_s": 2, "work": 1, "running": "drop", "gradients": { "each": [ "batch", "part" ] } } ],
  "replications": 2, "stop": { "iterations": 60, "undecodable": "skip" }, "output": { "detail": "worker" } }
JSON
  crashes='/cluster/crashes={"model":"seconds","mean_iterations":4,"downtime":{"model":"exponential","mean_s":3}}'
  gone='/cluster/crashes={"model":"iterations","mean_iterations":4,"mean_recovery_iterations":2}'
  late='/network/broadcast={"model":"sequential","bandwidth_Bps":2000,"latency_s":0.05}'
  slow='/network/uplink={"model":"shifted-exponential","shift_s":0.1,"mean_excess_s":0.4}'
  queue='/network/ingress={"model":"fifo","bandwidth_Bps":3000}'
  number=0
  while read -ra sets; do
    number=$((number + 1))
    "$STRAGGLE" run clock.json --quiet -o clock$number.db "${sets[@]/#/--set=}"
    # Two seconds of computing, or none of a worker that is dead; never more, wherever what else happens takes time.
    run ask clock$number.db "SELECT count(*) = 2 * 2 * 60 * 5, sum(compute_s IS NOT NULL AND abs(compute_s - 2) > 1e-9), sum(compute_s IS NULL) > 0,
      sum(tasks) > 100, max(tasks) < 50 FROM worker_iteration"
    echo "$number ${sets[*]}: $output"
    [[ "$output" == "1|0|"*"|1|1" ]]
    [ "$(ask clock$number.db "SELECT count(*) FROM iteration WHERE duration_s < 2 - 1e-9")" = 0 ]
  done <<END
/master/update_s=0
$crashes
$crashes $late
$gone $slow $queue
$late $slow $queue /network/duplex="half"
$crashes $late $slow $queue /late_work="keep-partial"
$late $slow /late_work="finish-first" /network/late_messages="occupy-link"
/delay/scaling="startup" /delay/per_subset_s=0.4 $late
/delay/scaling="proportional" $slow /master/update_s=0.7
END
  [ "$number" = 9 ]
  [ "$(ask clock4.db "SELECT sum(compute_s IS NULL) > 20 FROM worker_iteration")" = 1 ]
}

@test "formed messages: a compressor that needs the whole vector sends the sum of the mini-batches" {
  make_data
  # Of the three largest of three coordinates nothing is lost but digits beyond float32.
  for compression in '{"compressor":"float64"}' '{"compressor":"top-k","k":3,"feedback":"none","insist":true}'; do
    "$STRAGGLE" run baselines.json --quiet -o formed.db --set "/network/compression=$compression" --set /sweep=[] --set '/schemes=[
      { "code": "drop-compute", "micro_batches": 4, "threshold_s": 0.4, "gradients": "batch" },
      { "code": "drop-compute", "micro_batches": 4, "threshold_s": 0.4, "gradients": "global-batch" } ]'
  done
  run ask formed.db "SELECT count(*), max(abs(high - low) / low) < 1e-6, max(high - low) > 0 FROM (SELECT max(loss) AS high, min(loss) AS low, count(*) AS n
    FROM iteration JOIN $run_of GROUP BY scheme_label, replication, iteration) WHERE n = 2"
  echo "$output"
  [ "$output" = "160|1|1" ]
}

@test "time per gradient is least at 22 backups of 100 workers, and expect has the closed form" {
  cat > backups.json <<'JSON'
{ "format": 1, "cluster": { "workers": 100 }, "delay": { "model": "shifted-exponential", "shift_s": 1, "mean_excess_s": 0.5 },
  "learning": { "problem": "none" }, "schemes": [ { "code": "backup-workers", "b": { "each": [ 0, 4, 18, 19, 20, 21, 22, 23, 24, 25, 40 ] } } ],
  "replications": 1, "stop": { "iterations": 10 } }
JSON
  "$STRAGGLE" expect backups.json --format csv > backups.csv
  python3 - <<'PYTHON'
import csv
H = lambda n: sum(1 / i for i in range(1, n + 1))
least = {}
for row in csv.DictReader(open("backups.csv")):
    b, mean = int(row["scheme"].split("=")[1]), float(row["mean_s"])
    assert abs(mean - (1 + (H(100) - H(b)) / 2)) < 1e-9, (b, mean)
    least[mean / (100 - b)] = b
assert len(least) == 11 and least[min(least)] == 22, least
PYTHON
}

@test "DropCompute's share kept and effective speed, beside the normal approximation" {
  cat > drop.json <<'JSON'
{ "format": 1, "cluster": { "workers": 64 },
  "delay": { "model": "capped-lognormal", "shift_s": 1, "median_s": 0.30326532985631671, "sigma": 1, "cap_s": 5.5, "scaling": "additive" },
  "network": { "uplink": { "model": "deterministic", "value_s": 1 } }, "learning": { "problem": "none" },
  "schemes": [ { "code": "drop-compute", "micro_batches": 12, "work": 1, "gradients": "part" },
               { "code": "drop-compute", "micro_batches": 12, "work": 1, "gradients": "part", "threshold_s": 18, "running": { "each": [ "drop", "finish" ] } } ],
  "replications": 1, "stop": { "iterations": 2500 }, "output": { "detail": "iteration" } }
JSON
  "$STRAGGLE" run --quiet drop.json
  ask drop.db "SELECT scheme_label, avg(duration_s), avg(1 / (1 + coalesce(err_norm, 0))) FROM iteration JOIN $run_of GROUP BY 1" > rates
  cat rates
  python3 - <<'PYTHON'
import math, statistics
rates = {l.split("|")[0].removeprefix("drop-compute micro_batches=12 "): [float(x) for x in l.strip().split("|")[1:]] for l in open("rates")}
whole, drop, finish = rates["part work=1"], rates["threshold_s=18 drop part work=1"], rates["threshold_s=18 finish part work=1"]
assert abs(whole[0] - 1 - 24.49) < 0.15 and whole[1] == 1, rates
# The normal approximation is 6 % too low on the law that it is for.
normal, phi, euler, M, N = statistics.NormalDist(), None, 0.57721566490153286, 12, 64
mean, sd = 1.49590362, 0.60415916
approximation = M * mean + math.sqrt(M) * sd * ((1 - euler) * normal.inv_cdf(1 - 1 / N) + euler * normal.inv_cdf(1 - 1 / (math.e * N)))
assert abs(approximation - 22.9097) < 1e-3, approximation
assert 0.055 < 1 - approximation / (whole[0] - 1) < 0.072
assert drop[0] == 19 and abs(drop[1] - 0.9403) < 0.002, rates
assert abs(drop[1] * whole[0] / drop[0] - 1.2614) < 0.008, rates
# Who finishes what it is at loses less and waits longer.
assert abs(finish[1] - 0.975) < 0.0015 and abs(finish[0] - 1 - 21.06) < 0.12, rates
assert abs(finish[1] * whole[0] / finish[0] - 1.127) < 0.008, rates
PYTHON
}

@test "to evict the slowest pays where E[max_n]/E[max_(n-1)] exceeds n/(n-1), and not where it does not" {
  for slow in 0.75 0.5; do
    cat > evict-$slow.json <<JSON
{ "format": 1, "cluster": { "workers": 8, "speeds": [ 1, 1, 1, 1, 1, $slow, 1, 1 ] },
  "delay": { "model": "shifted-exponential", "shift_s": 0.8, "mean_excess_s": 0.2 }, "learning": { "problem": "none" },
  "schemes": [ { "code": "uncoded" }, { "code": "evict" } ], "replications": 1, "stop": { "iterations": 4000 } }
JSON
    "$STRAGGLE" run --quiet evict-$slow.json
    "$STRAGGLE" expect evict-$slow.json --format csv > evict-$slow.csv
  done
  python3 - <<'PYTHON'
import csv, math, sqlite3
def mean_of_max(speeds):
    """By integrating the tail; times are shift/speed + Exp(0.2/speed)."""
    low = max(0.8 / s for s in speeds)
    total, dt = low, 1e-4
    for k in range(200000):
        t = low + (k + 0.5) * dt
        total += dt * (1 - math.prod(1 - math.exp(-(t - 0.8 / s) * s / 0.2) for s in speeds))
    return total
pays = {}
for slow in (0.75, 0.5):
    everyone, others = mean_of_max([1] * 7 + [slow]), mean_of_max([1] * 7)
    ratio = everyone / others
    exact = {r["scheme"]: float(r["mean_s"]) for r in csv.DictReader(open(f"evict-{slow}.csv"))}
    found = dict(sqlite3.connect(f"evict-{slow}.db").execute(
        "SELECT scheme_label, avg(iter_mean_s) FROM run_summary JOIN run USING (run_id) JOIN point USING (point_id) GROUP BY 1"))
    for label, value in (("uncoded", everyone), ("evict", others * 8 / 7)):
        assert abs(exact[label] - value) < 1e-4, (exact, value)
        assert abs(found[label] - value) < 0.03, (found, value)
    assert (found["evict"] < found["uncoded"]) == (ratio > 8 / 7), (slow, ratio, found)
    pays[slow] = ratio > 8 / 7
assert pays == {0.75: False, 0.5: True}, pays
PYTHON
}

@test "parts in proportion to speeds that are known, or measured, also beside a trace" {
  # A trace of four workers, of whom the second is always four times as slow; times have that in them already.
  python3 - > trace.csv <<'PYTHON'
import random
random.seed(3)
print("iteration,worker,compute_s")
for i in range(300):
    for w in range(4):
        print(i, w, f"{(4 if w == 1 else 1) * random.uniform(0.95, 1.05):.6f}", sep=",")
PYTHON
  cat > trace.json <<'JSON'
{ "format": 1, "cluster": { "workers": 4, "known_speeds": [ 4, 1, 4, 4 ] },
  "delay": { "model": "trace", "path": "trace.csv", "mode": "replay" }, "learning": { "problem": "none" },
  "schemes": [ { "code": "uncoded" }, { "code": "load-balanced" }, { "code": "load-balanced", "by": "measured" },
               { "code": "evict" }, { "code": "evict", "who": "slowest-measured" }, { "code": "heterogeneous", "s": 0 } ],
  "replications": 1, "stop": { "iterations": 300 }, "output": { "detail": "worker" } }
JSON
  "$STRAGGLE" run --quiet trace.json
  ask trace.db "SELECT scheme_label, avg(duration_s) FROM iteration JOIN $run_of GROUP BY 1" > means
  cat means
  python3 - <<'PYTHON'
means = dict(line.strip().split("|") for line in open("means"))
means = {k: float(v) for k, v in means.items()}
assert 3.9 < means["uncoded"] < 4.1
# 4 subsets at 3.25 subsets a second, if all take as long.
assert 4 / 3.25 < means["load-balanced"] < 4 / 3.25 * 1.05, means
assert 4 / 3.25 < means["load-balanced measured"] < 4 / 3.25 * 1.05, means
assert abs(means["evict"] - 4 / 3 * 1.025) < 0.02, means
assert means["evict"] == means["evict slowest-measured"], means
PYTHON
  # The trace's times are not divided: a subset takes the slow worker 4 s, whatever is known.
  [ "$(ask trace.db "SELECT min(compute_s) > 3.7 FROM worker_iteration JOIN $run_of WHERE scheme_label = 'uncoded' AND worker = 1")" = 1 ]
  # heterogeneous gives the slow worker a quarter of the others' load; without the knowledge all have as much.
  shares="SELECT group_concat(part) FROM (SELECT printf('%.1f', avg(compute_s) / CASE worker WHEN 1 THEN 4 ELSE 1 END) AS part FROM worker_iteration
    JOIN $run_of WHERE scheme_label LIKE 'heterogeneous%' AND compute_s > 0 GROUP BY worker ORDER BY worker)"
  run ask trace.db "$shares"
  echo "$output"
  [ "$output" = 1.2,0.3,1.2,1.2 ]
  "$STRAGGLE" run --quiet trace.json -o blind.db --set /cluster/known_speeds=[]
  run ask blind.db "$shares"
  echo "$output"
  [ "$output" = 1.0,1.0,1.0,1.0 ]
  # What is known is part of a point's identity.
  [ "$(ask trace.db "ATTACH 'blind.db' AS b; SELECT count(*) FROM point JOIN b.point AS o ON point.point_sha256 = o.point_sha256")" = 0 ]
}

@test "what is measured depends on the iterations that are looked at, and on no run" {
  cat > measured.json <<'JSON'
{ "format": 1, "cluster": { "workers": 5, "speeds": [ 1, 2, 1, 0.5, 1 ] }, "delay": { "model": "exponential", "mean_s": 1 },
  "learning": { "problem": "none" }, "schemes": [ { "code": "load-balanced" }, { "code": "load-balanced", "by": "measured", "iterations": { "each": [ 1, 20000 ] } } ],
  "replications": 2, "stop": { "iterations": 20 }, "output": { "detail": "worker" } }
JSON
  "$STRAGGLE" run --quiet measured.json
  # Times of two schemes on the same random numbers are as their parts: the same in all runs of a scheme.
  run ask measured.db "SELECT scheme_label, max(ratio) - min(ratio) < 1e-9, round(avg(ratio), 1) FROM (SELECT scheme_label, a.compute_s / b.compute_s AS ratio
      FROM worker_iteration a JOIN $run_of JOIN (SELECT iteration, replication, worker, compute_s FROM worker_iteration JOIN $run_of
        WHERE scheme_label = 'load-balanced') b USING (iteration, replication, worker) WHERE worker = 1) GROUP BY 1"
  echo "$output"
  [[ "${lines[0]}" == "load-balanced|1|1.0" ]]
  [[ "${lines[1]}" == "load-balanced measured iterations=1|1|"* && "${lines[1]}" != *"|1.0" ]]
  [[ "${lines[2]}" == "load-balanced measured iterations=20000|1|1.0" ]]
}

@test "errors name the rule, what was expected and what was found" {
  base='{ "format": 1, "cluster": { "workers": 6 }, "delay": { "model": "exponential", "mean_s": 1 }, "learning": { "problem": "none" }, "stop": { "iterations": 2 }, "replications": 1, "schemes": [ SCHEME ] }'
  while IFS='|' read -r scheme message; do
    echo "${base/SCHEME/$scheme}" > bad.json
    run "$STRAGGLE" check bad.json
    echo "$scheme: $output"
    [ "$status" -ne 0 ]
    [[ "$output" == *"$message"* ]]
  done <<'END'
{ "code": "backup-workers", "b": 6 }|expected b < n = 6 (0 to 5), found 6
{ "code": "backup-workers" }|"b" is missing
{ "code": "drop-compute" }|"micro_batches" is missing
{ "code": "drop-compute", "micro_batches": 2, "threshold_s": 0 }|found 0
{ "code": "drop-compute", "micro_batches": 60000, "work": 2 }|expected micro_batches = 60000 times work at most 65536
{ "code": "speculative-copies" }|expected either left or left_share, found neither
{ "code": "speculative-copies", "left": 1, "left_share": 0.5 }|expected either left or left_share, found both
{ "code": "speculative-copies", "left": 4 }|expected k ≤ n/2 = 3
{ "code": "speculative-copies", "left": 2, "copies": 3 }|expected copies ≤ (n − k)/k (1 to 2)
{ "code": "evict", "workers": 6 }|expected workers < n = 6 (0 to 5), found 6
{ "code": "evict", "who": "listed", "listed": [ 6 ] }|expected workers from 0 to 5, found 6
{ "code": "evict", "who": "listed", "listed": [ 2, 2 ] }|expected each worker once, found 2 twice
{ "code": "evict", "who": "listed", "listed": [ 2 ], "workers": 2 }|expected as many as are listed (1), or nothing, found 2
{ "code": "evict", "listed": [ 2 ] }|who
{ "code": "load-balanced", "iterations": 5 }|by
END
  echo "${base/SCHEME/{ \"code\": \"load-balanced\" \}}" > bad.json
  run "$STRAGGLE" check bad.json --set /cluster/known_speeds=[1,2]
  [[ "$output" == *"/cluster/known_speeds"*"expected a speed for each of 6 workers, found 2"* ]]
  run "$STRAGGLE" check bad.json --set /cluster/known_speeds=[1,1,1,1,1,1] --set /cluster/speeds=[1,1,1,1,1,1]
  [[ "$output" == *"expected no known_speeds with speeds"* ]]
  run "$STRAGGLE" check bad.json --set /cluster/known_speeds=[1,1,1,1,1,0]
  [ "$status" -ne 0 ]
}
