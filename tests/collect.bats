#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Rennala, Malenia and MindFlayer: gradients collected at one version of the model. tests/collect_times.py and
# tests/recompute_collect.py compute times and trajectories once more.

load support/runs

setup() {
  here="$BATS_TEST_DIRNAME"
  cd "$BATS_TEST_TMPDIR"
}

@test "the recorded versions, workers and mini-batches give the trajectory, to 1e-12" {
  make_data
  cp "$here/scenarios/collect.json" .
  "$STRAGGLE" run collect.json --quiet -o collect.db
  run python3 "$here/recompute_collect.py" collect.db data.csv
  echo "$output"
  [ "$status" -eq 0 ]
  [ "${#lines[@]}" -eq 14 ]
  [[ "$output" == *"rennala b=13 interrupt=false: 8 runs, 480 updates"* ]]
  [[ "$output" == *"mindflayer trials=2 quantile=0.6: 8 runs, 480 updates"*", p 0.6000"* ]]
  # B exactly; of Malenia everybody, all parts whole; nobody waits for the new model for ever.
  [ "$(ask collect.db "SELECT count(*) FROM iteration JOIN $run_of
    WHERE code = 'rennala' AND n_used <> CAST(substr(scheme_label, 11) AS INTEGER)")" = 0 ]
  [ "$(ask collect.db "SELECT count(*) || ' ' || max(decoding_err) || ' ' || min(alpha_sum) || ' ' || max(alpha_sum)
    FROM iteration JOIN $run_of WHERE code = 'malenia'")" = "1920 0.0 6.0 6.0" ]
  [ "$(ask collect.db "SELECT count(*) FROM run WHERE stop_reason <> 'iterations'")" = 0 ]
  [ "$(ask collect.db "SELECT min(workers) FROM (SELECT count(DISTINCT worker) AS workers FROM used_message
    JOIN $run_of WHERE code = 'rennala' GROUP BY run_id, iteration > 30)")" -ge 5 ]
  # Nothing is used that is older than the model, though without interruption much of it comes.
  [ "$(ask collect.db "SELECT max(staleness) FROM used_message")" = 0 ]
  [ "$(ask collect.db "SELECT sum(messages_received_total) > 1.3 * sum(used) FROM (SELECT run_id, sum(n_received) AS messages_received_total,
    sum(n_used) AS used FROM iteration JOIN $run_of WHERE scheme_label = 'rennala b=4 interrupt=false' GROUP BY run_id)")" = 1 ]
}

@test "workers of fixed times: every update, its gradients and the seconds wasted, with links, updates and signals" {
  cat > fixed.json <<'JSON'
{ "format": 1, "cluster": { "workers": 9, "speeds": [ 1, 0.83, 0.71, 0.613, 0.557, 0.491, 0.433, 0.311, 0.127 ] },
  "delay": { "model": "deterministic", "value_s": 1 }, "network": { "uplink": { "model": "deterministic", "value_s": 0.07 } },
  "learning": { "problem": "none" },
  "schemes": [ { "code": "rennala", "b": { "each": [ 1, 4, 30 ] }, "interrupt": { "each": [ true, false ] } },
               { "code": "malenia", "s": { "each": [ 5, 31 ] }, "interrupt": { "each": [ true, false ] } },
               { "code": "malenia", "s": 9, "most": 2, "interrupt": { "each": [ true, false ] } },
               { "code": "mindflayer", "trials": 3, "time_limit": 2 },
               { "code": "mindflayer", "worker_trials": [ 1, 2, 3, 4, 5, 0, 1, 2, 3 ], "worker_limits": [ 2, 2, 2, 1, 3, 2, 2, 5, 2 ] } ],
  "sweep": [ { "name": "uplink", "path": "/network/uplink/value_s", "values": [ 0, 0.07, 1.1 ] },
             { "name": "update", "path": "/master/update_s", "values": [ 0, 0.6 ] },
             { "name": "signal", "path": "/network/signal_latency_s", "values": [ 0, 0.3 ] } ],
  "replications": 1, "stop": { "iterations": 100 }, "output": { "detail": "worker" } }
JSON
  "$STRAGGLE" run --quiet fixed.json
  run python3 "$here/collect_times.py" fixed.db
  echo "$output"
  [ "$status" -eq 0 ]
  [ "${#lines[@]}" -eq 14 ]
  [[ "${lines[0]}" == "rennala b=1 interrupt: 12 runs, 1200 updates, 1200 gradients, at most "* ]]
  # Words to stop: none without interruption, and to those at work otherwise.
  run ask fixed.db "SELECT sum(signals_down) FROM iteration JOIN $run_of
    WHERE scheme_label LIKE '%interrupt=false' OR code = 'mindflayer'"
  [ "$output" = 0 ]
  # With B = 1 and nothing on the way all but one are at work at each step.
  [ "$(ask fixed.db "SELECT min(signals_down) || ' ' || max(signals_down) FROM iteration JOIN $run_of
    WHERE scheme_label = 'rennala b=1 interrupt' AND axes LIKE '%uplink = 0,%' AND iteration < 99")" = "8 8" ]
}

@test "seconds of an update for worker i of √i seconds: exact, as k-batch-sync, and within the harmonic bound" {
  python3 - <<'PYTHON'
import json, math, random
s = {"format": 1, "cluster": {"workers": 100, "speeds": [1 / math.sqrt(i) for i in range(1, 101)]},
     "delay": {"model": "deterministic", "value_s": 1}, "learning": {"problem": "none"},
     "schemes": [{"code": c, m: {"each": [1, 10, 50, 100]}} for c, m in (("rennala", "b"), ("k-batch-sync", "k"))] + [{"code": "k-sync", "k": 100}],
     "replications": 1, "stop": {"iterations": 200}, "output": {"detail": "iteration"}}
json.dump(s, open("roots.json", "w"))
random.seed(3)
sets = [[round(random.lognormvariate(0, 1), 6) for _ in range(12)] for _ in range(60)]
s["cluster"] = {"workers": 12, "speeds": sets[0]}
s["schemes"] = [{"code": "rennala", "b": {"each": [1, 5, 40]}, "interrupt": {"each": [True, False]}}]
s["stop"]["iterations"] = 100
s["output"]["detail"] = "worker"
for i, speeds in enumerate(sets):
    s["cluster"]["speeds"] = speeds
    json.dump(s, open(f"random{i}.json", "w"))
PYTHON
  "$STRAGGLE" run --quiet roots.json
  run ask roots.db "SELECT printf('%.6f %.6f', sim_time_s / iterations, max(abs(i.duration_s - b.duration_s)))
    FROM run JOIN v_point p USING (point_id) JOIN iteration i USING (run_id)
    LEFT JOIN (SELECT scheme_label, iteration, duration_s FROM iteration JOIN $run_of WHERE code = 'k-batch-sync') b
      ON b.iteration = i.iteration AND substr(b.scheme_label, 15) = substr(p.scheme_label, 10)
    WHERE p.code <> 'k-batch-sync' GROUP BY run_id ORDER BY run_id"
  echo "$output"
  [ "$output" = "$(printf '1.000000 0.000000\n2.828427 0.000000\n6.000000 0.000000\n8.246211 0.000000\n10.000000 0.000000')" ]
  "$STRAGGLE" run --quiet random*.json -o random.db
  run python3 "$here/collect_times.py" random.db
  echo "$output"
  [ "$status" -eq 0 ]
  [ "${#lines[@]}" -eq 6 ]
  [[ "${lines[5]}" =~ "rennala b=40 interrupt=false: 60 runs, 6000 updates, 240000 gradients, at most 0."[5-9] ]]
}

@test "attempts of MindFlayer on measured times: each in turn, given up at its limit" {
  python3 - > trace.csv <<'PYTHON'
import random
random.seed(11)
print("iteration,worker,compute_s")
for t in range(1600):
    for w in range(5):
        print(t, w, f"{random.paretovariate(1.1) * (1 + w / 4):.6f}", sep=",")
PYTHON
  cat > trace.json <<'JSON'
{ "format": 1, "cluster": { "workers": 5 }, "delay": { "model": "trace", "path": "trace.csv", "mode": "replay", "past_end": "end" },
  "network": { "uplink": { "model": "deterministic", "value_s": 0.2 } }, "learning": { "problem": "none" },
  "schemes": [ { "code": "mindflayer", "trials": { "each": [ 1, 4 ] }, "time_limit": { "each": [ 1.3, 2.5 ] }, "success": [ 0.5 ] },
               { "code": "mindflayer", "worker_trials": [ 5, 4, 3, 2, 0 ], "worker_limits": [ 1.2, 2, 2, 6, 1 ], "success": [ 0.5 ] } ],
  "replications": 1, "stop": { "iterations": 300 }, "output": { "detail": "worker" } }
JSON
  "$STRAGGLE" run --quiet trace.json
  run python3 "$here/collect_times.py" trace.db trace.csv
  echo "$output"
  [ "$status" -eq 0 ]
  [ "${#lines[@]}" -eq 5 ]
  # p_i from the scenario: the share of a worker's times within the limit.
  "$STRAGGLE" check trace.json > told --set '/delay/mode="iteration-bootstrap"' --set '/schemes=[{"code":"mindflayer","time_limit":1.4}]'
  run python3 - <<'PYTHON'
import csv, re
rows = list(csv.DictReader(open("trace.csv")))
share = [sum(float(r["compute_s"]) <= 1.4 for r in rows if r["worker"] == str(w)) / 1600 for w in range(5)]
told = [float(x) for x in re.search(r"p = ([\d.]+) … ([\d.]+), by sampled", open("told").read()).groups()]
print(min(share), max(share), told)
assert max(share) - min(share) > 0.2 and abs(told[0] - min(share)) < 0.01 and abs(told[1] - max(share)) < 0.01
PYTHON
  echo "$output"
  [ "$status" -eq 0 ]
}

@test "what is decoded is the gradient in the mean, where the scheme says so, and is not where it does not" {
  make_data
  cat > mean.json <<'JSON'
{ "format": 1, "cluster": { "workers": 4, "speeds": [ 1, 1.3, 2, 3 ] }, "delay": { "model": "exponential", "mean_s": 1 },
  "learning": { "problem": "least-squares", "batch_rows": 4, "evaluate_every": 500,
                "data": { "source": "csv", "path": "data.csv", "label": "y", "test_share": 0, "standardize": false, "intercept": false, "shuffle": false },
                "optimizer": { "method": "gradient-descent", "step": 1e-9 } },
  "schemes": [ { "code": "rennala", "b": 4, "gradients": "global-batch" }, { "code": "malenia", "s": 5 },
               { "code": "mindflayer", "trials": 2, "quantile": 0.5, "gradients": "global-batch" },
               { "code": "mindflayer", "worker_trials": [ 1, 2, 3, 1 ], "time_limit": 0.5, "gradients": "global-batch" },
               { "code": "mindflayer", "worker_trials": [ 1, 2, 3, 1 ], "time_limit": 0.5, "weights": "by-worker",
                 "success": [ 0.3934693402873666, 0.4779542232390984, 0.6321205588285577, 0.7768698398515702 ] },
               { "code": "rennala", "b": 4 }, { "code": "mindflayer", "worker_trials": [ 1, 2, 3, 1 ], "time_limit": 0.5 } ],
  "replications": 1, "stop": { "iterations": 3000 }, "output": { "detail": "worker" } }
JSON
  "$STRAGGLE" run --quiet mean.json
  run python3 "$here/recompute_collect.py" mean.db data.csv --mean
  echo "$output"
  [ "$status" -eq 0 ]
  # 1 − e^(−v/2) for speed v: Σ p_i B_i = 0.57466 Σ B_i. The last two take more of the data of fast workers.
  run python3 - "$output" <<'PYTHON'
import re, sys
off = [float(x) for x in re.findall(r"mean off by ([\d.]+)", sys.argv[1])]
p = [float(x) for x in re.findall(r", p ([\d.]+)", sys.argv[1])]
assert len(off) == 7 and max(off[:5]) < 4 and min(off[5:]) > 8, off
assert abs(p[0] - 0.5) < 1e-3 and abs(p[1] - 0.57466) < 4e-3 and p[1] == p[2], p
PYTHON
  echo "$output"
  [ "$status" -eq 0 ]
}

@test "workers that are lost, and messages" {
  cat > lost.json <<'JSON'
{ "format": 1, "cluster": { "workers": 6, "crashes": { "model": "permanent", "mean_iterations": 20 } },
  "delay": { "model": "exponential", "mean_s": 1 }, "learning": { "problem": "none" },
  "schemes": [ { "code": "rennala", "b": 9, "interrupt": { "each": [ true, false ] } }, { "code": "malenia", "s": 8, "interrupt": { "each": [ true, false ] } },
               { "code": "mindflayer", "trials": 2, "time_limit": 1 } ],
  "sweep": [ { "name": "undecodable", "path": "/stop/undecodable", "values": [ "wait", "skip" ] } ],
  "replications": 3, "stop": { "iterations": 10000 }, "output": { "detail": "worker" } }
JSON
  "$STRAGGLE" run --quiet lost.json -o lost.db || true
  # All are lost in the end. Rennala needs one of them to the last, the others all unless they may skip.
  [ "$(ask lost.db "SELECT count(*) FROM run WHERE status <> 'stalled'")" = 0 ]
  [ "$(ask lost.db "SELECT count(*) FROM iteration JOIN $run_of WHERE code = 'rennala' AND axes LIKE '%wait%' AND n_used <> 9")" = 0 ]
  run ask lost.db "SELECT code, min(w) || ' ' || max(w) FROM (SELECT code, axes, sum(messages > 0) AS w FROM worker_iteration
    JOIN $run_of WHERE axes LIKE '%wait%' AND code <> 'rennala' GROUP BY run_id, iteration) GROUP BY code"
  echo "$output"
  [ "$output" = "$(printf 'malenia|6 6\nmindflayer|6 6')" ]
  [ "$(ask lost.db "SELECT count(*) FROM (SELECT point_id, count(*) AS n FROM iteration JOIN $run_of WHERE axes LIKE '%skip%' GROUP BY point_id) a
    JOIN (SELECT point_id, count(*) AS n FROM iteration JOIN $run_of WHERE axes LIKE '%wait%' GROUP BY point_id) b
    ON a.point_id <> b.point_id WHERE a.n > b.n")" -ge 3 ]

  # Erased messages: exponential times have no memory, arrivals come at 0.7 of the rate. Who lost one goes on.
  "$STRAGGLE" run --quiet lost.json -o erased.db --set /cluster/crashes='{"model":"none"}' --set /sweep=[] --set /replications=1 \
    --set /cluster/erasure='{"model":"bernoulli","probability":0.3}' --set /output/detail='"iteration"'
  [ "$(ask erased.db "SELECT count(*) FROM run WHERE stop_reason <> 'iterations'")" = 0 ]
  run ask erased.db "SELECT abs(avg(duration_s) - 9 / 0.7 / 6) < 4.5 * sqrt(avg(duration_s * duration_s) - avg(duration_s) * avg(duration_s)) / 100,
    avg(duration_s), count(*) FROM iteration JOIN $run_of WHERE scheme_label = 'rennala b=9 interrupt'"
  echo "$output"
  [[ "$output" == "1|"*"|10000" ]]
}

@test "10,000 workers, 1,000 gradients an update: as much as there are messages" {
  cat > many.json <<'JSON'
{ "format": 1, "cluster": { "workers": 10000 }, "delay": { "model": "pareto", "minimum_s": 1, "shape": 1.5 }, "learning": { "problem": "none" },
  "schemes": [ { "code": "rennala", "b": 1000, "interrupt": { "each": [ true, false ] } } ],
  "replications": 1, "stop": { "iterations": 50 }, "output": { "detail": "iteration" } }
JSON
  timeout 60 "$STRAGGLE" run --quiet many.json
  # Interrupted: what is sent is used. Otherwise each worker has at most one at the old model.
  run ask many.db "SELECT scheme_label, sum(n_used), sum(messages_sent) <= CASE WHEN scheme_label LIKE '%false' THEN 550000 ELSE 50000 END,
    sum(n_received) FROM iteration JOIN $run_of GROUP BY run_id"
  echo "$output"
  [[ "${lines[0]}" == "rennala b=1000 interrupt|50000|1|50000" && "${lines[1]}" == "rennala b=1000 interrupt=false|50000|1|"* ]]
}

# Orders of this literature, seen here; no figure of a paper.
@test "heavy tails: MindFlayer ahead of Rennala as published, and that of synchronous descent" {
  sed "s|data/breast|$here/../scenarios/data/breast|" "$here/../scenarios/rennala.json" > heavy.json
  "$STRAGGLE" run --quiet heavy.json
  run "$STRAGGLE" compare heavy.db --format csv
  [ "$status" -eq 0 ]
  run python3 - "$output" <<'PYTHON'
import csv, io, sys
rows = {r["scheme_label"]: r for r in csv.DictReader(io.StringIO(sys.argv[1]))}
time = {k: float(r["time_to_target_median_s"]) for k, r in rows.items()}
print(time)
assert all(r["n_reached"] == "10" for r in rows.values())
mindflayer, rennala = time["mindflayer trials=1 quantile=0.5 global-batch"], time["rennala b=16 interrupt=false global-batch"]
assert 1.2 * mindflayer < rennala < time["k-sync k=16 global-batch"] / 3
assert time["k-sync k=8 global-batch"] < mindflayer  # m-Sync
PYTHON
  echo "$output"
  [ "$status" -eq 0 ]
  run "$STRAGGLE" compare heavy.db
  [[ "$output" != *"gradients of older models"* ]]
  # Without a target nothing is said to be faster.
  "$STRAGGLE" run --quiet heavy.json -o times.db --set /learning='{"problem":"none"}' --set /stop='{"iterations":50}' --set /replications=3
  run "$STRAGGLE" compare times.db
  [[ "$output" == *"No scheme is the fastest"* && "$output" != *faster* ]]
}

@test "what is refused, with the rule and what would do" {
  refused '/schemes/0/b: expected' "$none" '"code": "rennala", "b": 0'
  refused 'expected most ≥ S/n = 5, found 4' "$none" '"code": "malenia", "s": 30, "most": 4'
  refused 'expected one of time_limit, quantile and worker_limits, found 0 of them' "$none" '"code": "mindflayer"'
  refused 'expected one of time_limit, quantile and worker_limits, found 2 of them' "$none" '"code": "mindflayer", "time_limit": 2, "quantile": 0.5'
  refused '/schemes/0/worker_trials: expected a number for each of 6 workers, found 2' "$none" '"code": "mindflayer", "time_limit": 2, "worker_trials": [ 1, 2 ]'
  refused 'expected success now and then of some worker, found p B = 0 of all' "$none" '"code": "mindflayer", "time_limit": 1'
  refused 'of all workers with weights by-worker, found p B = 0 of worker 2' "$none" '"code": "mindflayer", "time_limit": 2, "weights": "by-worker", "worker_trials": [ 1, 1, 0, 1, 1, 1 ]'
  refused 'computes on mini-batches: expected how many rows one has' "$some" '"code": "malenia", "s": 6'
}
