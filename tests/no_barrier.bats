#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Schemes without a barrier: SSP, FedBuff, delay-adaptive steps, Ringmaster. tests/recompute.py computes trajectories
# once more from what is recorded, tests/no_barrier.py when which gradients are used where times are fixed.

load support/runs

setup() {
  here="$BATS_TEST_DIRNAME"
  cd "$BATS_TEST_TMPDIR"
  cp "$here/scenarios/no_barrier.json" .
}

@test "the recorded versions, workers and mini-batches, with the weights of their ages, give the trajectory, to 1e-12" {
  make_data 72 6
  "$STRAGGLE" run no_barrier.json --quiet -o no_barrier.db
  run python3 "$here/recompute.py" no_barrier.db data.csv
  echo "$output"
  [ "$status" -eq 0 ]
  [ "${#lines[@]}" -eq 15 ]
  [[ "$output" == *"fedbuff k=2 concurrency=4: 8 runs, 960 updates"* ]]
  # Old enough for the step of delay-adaptive to be shorter, and for Ringmaster's bound to matter.
  [ "$(ask no_barrier.db "SELECT max(staleness) > 8 FROM used_message JOIN $run_of WHERE code = 'delay-adaptive'")" = 1 ]
  [ "$(ask no_barrier.db "SELECT max(staleness) FROM used_message JOIN $run_of WHERE scheme_label LIKE 'ringmaster r=4 stops=false%'")" = 3 ]
  [ "$(ask no_barrier.db "SELECT max(staleness) FROM used_message JOIN $run_of WHERE scheme_label = 'ssp s=4'")" = 4 ]

  # Exactly K, and all n of a clock, however long an update takes; workers that crashed take part again.
  [ "$(ask no_barrier.db "SELECT count(*) FROM iteration JOIN $run_of WHERE decoded AND n_used <> CASE
    WHEN code = 'fedbuff' THEN CAST(substr(scheme_label, 11, 1) AS INTEGER)
    WHEN code = 'ssp' AND scheme_label NOT LIKE '%per-gradient%' THEN 6 ELSE 1 END")" = 0 ]
  [ "$(ask no_barrier.db "SELECT count(*) FROM run WHERE stop_reason <> 'iterations'")" = 0 ]
  [ "$(ask no_barrier.db "SELECT min(workers) FROM (SELECT count(DISTINCT worker) AS workers FROM used_message
    JOIN $run_of WHERE code <> 'ringmaster' AND iteration >= 30 GROUP BY run_id)")" = 6 ]

  # No mini-batch is used twice.
  [ "$(ask no_barrier.db "SELECT count(*) - count(DISTINCT run_id || ' ' ||
      CASE WHEN scheme_label LIKE '%global%' THEN '' ELSE worker END || ' ' || batch) FROM used_message JOIN $run_of WHERE batch > 0")" = 0 ]
  # At most so many compute at a time.
  [ "$(ask no_barrier.db "SELECT count(*) FROM iteration JOIN $run_of WHERE
    CASE WHEN scheme_label LIKE '%concurrency=4%' THEN 4 WHEN scheme_label LIKE '%concurrency=5%' THEN 5 ELSE 6 END * duration_s < busy_s - 1e-9")" = 0 ]

  # What an update is of all gradients together: the weights once more.
  run python3 - <<'PYTHON'
import json, sqlite3
db, checked = sqlite3.connect("no_barrier.db"), 0
weights = {"constant": lambda s, d: 1, "inverse-sqrt": lambda s, d: (1 + d) ** -0.5,
           "polynomial": lambda s, d: (1 + d) ** -s["exponent"]}
for run, text in db.execute("SELECT run_id, config_json FROM run JOIN point USING (point_id)").fetchall():
    scheme = json.loads(text)["scheme"]
    parts, of = 1 if scheme["gradients"] == "global-batch" else 6, {}
    for i, worker, delay in db.execute("SELECT iteration, worker, staleness FROM used_message WHERE run_id = ?", (run,)):
        of.setdefault(i, []).append((worker if parts > 1 else 0, delay))
    for i, sum_, norm in db.execute("SELECT iteration, alpha_sum, err_norm FROM iteration WHERE run_id = ? AND decoded", (run,)):
        alpha = [0.0] * parts
        for part, delay in of[i]:
            w = weights[scheme.get("weight", "constant")](scheme, delay)
            w *= 1 / 6 if scheme.get("updates") == "per-gradient" else 1
            w *= 6 / max(6, delay) if scheme["code"] == "delay-adaptive" else 1
            alpha[part] += w * parts / len(of[i])
        assert abs(norm - sum((a - 1) ** 2 for a in alpha) / parts) < 1e-12, (run, i, norm, alpha)
        assert sum_ is None or abs(sum_ - sum(alpha)) < 1e-12 * parts or abs(sum_ - sum(alpha) / parts) < 1e-12, (run, i, sum_, alpha)
        checked += 1
print(checked)
PYTHON
  echo "$output"
  [ "$output" = 14400 ]
}

@test "fixed times: the updates of a plain program, with transfers, a slow master and signals that take time" {
  python3 - <<'PYTHON'
import json, random
random.seed(3)
for i in range(4):
    json.dump({"format": 1, "cluster": {"workers": 7, "speeds": [2 ** random.gauss(0, 1.2) for _ in range(7)]},
      "delay": {"model": "deterministic", "value_s": 1}, "learning": {"problem": "none"},
      "network": {"uplink": {"model": "deterministic", "value_s": 0}},
      "schemes": [{"code": "k-async", "k": 3}, {"code": "k-async", "k": 1, "max_lead": 1}, {"code": "k-batch-async", "k": 4},
                  {"code": "ssp", "s": {"each": [0, 2]}}, {"code": "ssp", "s": {"each": [0, 3]}, "updates": "per-gradient"},
                  {"code": "fedbuff", "k": 3}, {"code": "fedbuff", "k": 2, "concurrency": 4, "clients": "in-turn"},
                  {"code": "delay-adaptive"}, {"code": "ringmaster", "r": {"each": [1, 4, 12]}, "stops": {"each": [True, False]}}],
      "sweep": [{"name": "transfer", "path": "/network/uplink/value_s", "values": [0, 0.37]},
                {"name": "update", "path": "/master/update_s", "values": [0, 0.23]},
                {"name": "signal", "path": "/network/signal_latency_s", "values": [0, 0.41]}],
      "replications": 1, "stop": {"iterations": 80}, "output": {"detail": "worker"}}, open(f"fixed{i}.json", "w"))
PYTHON
  "$STRAGGLE" run --quiet fixed?.json -o fixed.db
  run python3 "$here/no_barrier.py" fixed.db
  echo "$output"
  [ "$status" -eq 0 ]
  [ "${#lines[@]}" -eq 16 ]
  [ "$(grep -c "32 runs, 2560 updates" <<< "$output")" -eq 16 ]
  # Signals that take time cost time, and only where somebody is interrupted.
  [ "$(ask fixed.db "SELECT group_concat(DISTINCT scheme_label LIKE 'ringmaster%stops') FROM (
    SELECT scheme_label, max(sim_time_s) - min(sim_time_s) AS more FROM run JOIN point USING (point_id)
    GROUP BY scheme_label, config_json ->> '\$.environment.cluster.speeds', config_json ->> '\$.environment.network.uplink.value_s',
      config_json ->> '\$.environment.master.update_s') WHERE more > 1e-9")" = 1 ]
}

@test "ringmaster for tau = sqrt(i): simultaneous gradients in the order in which they were begun" {
  python3 - <<'PYTHON'
import json, math
json.dump({"format": 1, "cluster": {"workers": 100, "speeds": [1 / math.sqrt(i + 1) for i in range(100)]},
  "delay": {"model": "deterministic", "value_s": 1}, "learning": {"problem": "none"},
  "schemes": [{"code": "ringmaster", "r": {"each": [1, 10, 50]}, "stops": {"each": [True, False]}}],
  "replications": 1, "stop": {"iterations": 2000}, "output": {"detail": "iteration"}}, open("roots.json", "w"))
PYTHON
  "$STRAGGLE" run --quiet roots.json
  run python3 "$here/no_barrier.py" roots.db
  echo "$output"
  [ "$status" -eq 0 ]
  [ "$(grep -c "1 runs, 2000 updates, at most 0" <<< "$output")" -eq 6 ]
  # In the order of the workers it would be 520 and 215.0349 s: tests/test_ringmaster.c.
  [ "$(ask roots.db "SELECT group_concat(round(sim_time_s, 4), ' ') FROM run JOIN v_point USING (point_id) WHERE scheme_label LIKE '%stops'")" = "2000.0 514.7737 214.9605" ]
}

@test "ssp with s = 0 is the synchronous run, to the bit" {
  make_data 72 6
  # Times are multiples of 1/64 s, so that no sum of them is rounded. (What errors are measured against is summed in
  # another order where there is no barrier: those columns differ in their last bits.)
  cat > same.json <<'JSON'
{ "format": 1, "cluster": { "workers": 6 }, "delay": { "model": "empirical", "values_s": [ 0.25, 0.359375, 0.5, 1, 1.015625, 3.25, 9 ] },
  "network": { "uplink": { "model": "empirical", "values_s": [ 0.125, 0.25, 1.5 ] } },
  "learning": { "problem": "least-squares", "batch_rows": 4,
                "data": { "source": "csv", "path": "data.csv", "label": "y", "test_share": 0, "standardize": false, "intercept": false, "shuffle": false },
                "optimizer": { "method": "nesterov", "step": 0.05, "momentum": 0.5 } },
  "schemes": [ { "code": "uncoded" }, { "code": "ssp", "s": 0 } ], "sweep": [ { "name": "update", "path": "/master/update_s", "values": [ 0, 0.75 ] } ],
  "replications": 2, "stop": { "iterations": 150 }, "output": { "detail": "worker" } }
JSON
  columns="replication, axes, iteration, start_s, duration_s, wait_s, loss, n_used, n_received, messages_sent,
    bits, bytes_received, bytes_sent, bytes_broadcast, busy_s, wasted_s, queued_s, ingress_messages, signals_down"
  equal() { # columns, arguments of run
    local of="$1"
    shift
    "$STRAGGLE" run --quiet same.json --force -o same.db "$@"
    ask same.db "SELECT $of FROM iteration JOIN $run_of WHERE code <> 'ssp' ORDER BY replication, axes, iteration" > synchronous.txt
    ask same.db "SELECT $of FROM iteration JOIN $run_of WHERE code = 'ssp' ORDER BY replication, axes, iteration" > ssp.txt
    [ "$(wc -l < ssp.txt)" -eq 600 ]
    cmp synchronous.txt ssp.txt
    rm same.db
  }
  equal "$columns"
  equal "$columns" --set '/network/ingress={"model":"fifo","bandwidth_Bps":256}' --set /network/duplex=half
  equal "$columns" --set '/network/broadcast={"model":"sequential","bandwidth_Bps":512,"latency_s":0.125}' --set /network/signal_latency_s=0.5
  equal "$columns" --set '/network/compression={"compressor":"float32"}' --set '/delay/scaling=additive'
  # Random times: the same instants and losses; seconds between two of them are rounded otherwise.
  equal "replication, axes, iteration, start_s, loss, n_used, last_worker, bytes_sent" --set '/delay={"model":"exponential","mean_s":1}' --set /sweep=[] --set /replications=4
  # Mini-batches: those of K-sync with K = n.
  equal "$columns" --set '/schemes=[{"code":"k-sync","k":6,"gradients":"batch"},{"code":"ssp","s":0,"gradients":"batch"}]'
  equal "$columns" --set '/schemes=[{"code":"k-sync","k":6,"gradients":"global-batch"},{"code":"ssp","s":0,"gradients":"global-batch"}]'
}

@test "ssp: as far ahead as s, and no further; a clock's gradients are those of its models" {
  cat > ahead.json <<'JSON'
{ "format": 1, "cluster": { "workers": 4, "speeds": [ 1, 2, 3, 0.5 ] }, "delay": { "model": "exponential", "mean_s": 1 },
  "network": { "uplink": { "model": "exponential", "mean_s": 0.3 } }, "learning": { "problem": "none" },
  "schemes": [ { "code": "ssp", "s": { "each": [ 0, 2, 5 ] } }, { "code": "ssp", "s": { "each": [ 0, 2, 5 ] }, "updates": "per-gradient" } ],
  "sweep": [ { "name": "update", "path": "/master/update_s", "values": [ 0, 0.2 ] } ],
  "replications": 1, "stop": { "iterations": 1000 }, "output": { "detail": "worker" } }
JSON
  "$STRAGGLE" run --quiet ahead.json
  run python3 - <<'PYTHON'
import json, sqlite3
db = sqlite3.connect("ahead.db")
for run, label, text in db.execute("SELECT run_id, scheme_label, config_json FROM run JOIN point USING (point_id) ORDER BY run_id").fetchall():
    s, clocks = (json.loads(text)["scheme"][k] for k in ("s", "updates"))
    come, most, oldest, rows = [0] * 4, 0, 0, 0
    for i, w, version in db.execute("SELECT iteration, worker, version FROM used_message WHERE run_id = ? ORDER BY iteration, position", (run,)):
        if clocks == "per-clock":  # the c-th gradient of a worker is at a model that lacks s clocks at most, in update c
            assert come[w] - s <= version <= come[w] == i, (label, i, w, version, come)
            oldest = max(oldest, come[w] - version)
        come[w] += 1
        most = max(most, max(come) - min(come))
    assert most <= s + 1, (label, most)
    if clocks == "per-clock":
        assert oldest == s and min(come) == max(come) == 1000
    else:
        assert most == s + 1
print("all")
PYTHON
  echo "$output"
  [ "$output" = all ]
  # The slowest decides: the more rope, the sooner 1000 clocks are done, but never sooner than by its own times.
  [ "$(ask ahead.db "SELECT group_concat(scheme_label, ',') FROM (SELECT scheme_label FROM run JOIN v_point USING (point_id)
    WHERE scheme_label NOT LIKE '%per%' AND axes LIKE '%= 0' ORDER BY sim_time_s DESC)")" = "ssp s=0,ssp s=2,ssp s=5" ]
}

@test "lost workers: ssp stalls, or goes on without them; the others need no more than one" {
  cat > lost.json <<'JSON'
{ "format": 1, "cluster": { "workers": 6, "crashes": { "model": "permanent", "mean_iterations": 20 } },
  "delay": { "model": "exponential", "mean_s": 1 }, "learning": { "problem": "none" },
  "schemes": [ { "code": "ssp", "s": 1 }, { "code": "ssp", "s": 1, "updates": "per-gradient" }, { "code": "fedbuff", "k": 3 },
               { "code": "fedbuff", "k": 1, "concurrency": 3 }, { "code": "delay-adaptive" }, { "code": "ringmaster", "r": 4, "stops": true } ],
  "sweep": [ { "name": "undecodable", "path": "/stop/undecodable", "values": [ "wait", "skip" ] } ],
  "replications": 5, "stop": { "iterations": 10000 }, "output": { "detail": "worker" } }
JSON
  "$STRAGGLE" run --quiet lost.json -o lost.db || true
  [ "$(ask lost.db "SELECT count(*) FROM run WHERE status <> 'stalled'")" = 0 ] # all are lost in the end
  run python3 - <<'PYTHON'
import sqlite3
db = sqlite3.connect("lost.db")
most, last, used = {}, {}, {}
for run, label, axes in db.execute("SELECT run_id, scheme_label, axes FROM run JOIN v_point USING (point_id)").fetchall():
    counts = [n for (n,) in db.execute("SELECT n_used FROM iteration WHERE run_id = ? ORDER BY iteration", (run,))]
    of = db.execute("SELECT count(*) FROM used_message WHERE run_id = ? GROUP BY worker ORDER BY 1", (run,)).fetchall()
    key = label, "skip" in axes
    last.setdefault(key, []).append(counts[-1])
    used.setdefault(key, []).append((of[0][0], of[-1][0], sum(n for (n,) in of), len(of)))
for (label, skip), tails in sorted(last.items()):
    ahead = [b - a for a, b, _, n in used[label, skip] if n == 6]
    total = sum(t for _, _, t, _ in used[label, skip])
    if label.startswith("ssp") and not skip:  # the first that is lost stops them all
        assert max(ahead) <= 2 and (set(tails) == {6} or "per" in label), (label, tails, ahead)
    if label.startswith("ssp") and skip:      # until none is left
        assert max(ahead) > 10 and min(tails) >= 1 and set(tails) <= {1, 2}, (label, tails, ahead)
        assert total > 1.5 * sum(t for _, _, t, _ in used[label, False])
    if label == "fedbuff k=3":
        assert set(tails) <= ({1, 2, 3} if skip else {3}), (label, tails)
    if label.startswith(("delay", "ring")) or "concurrency" in label:
        assert set(tails) == {1}
print(len(last))
PYTHON
  echo "$output"
  [ "$output" = 12 ]
}

@test "fedbuff: who begins when another is done" {
  cat > next.json <<'JSON'
{ "format": 1, "cluster": { "workers": 5 }, "delay": { "model": "exponential", "mean_s": 1 }, "learning": { "problem": "none" },
  "schemes": [ { "code": "fedbuff", "k": 1, "concurrency": 1 }, { "code": "fedbuff", "k": 1, "concurrency": 1, "clients": "in-turn" },
               { "code": "fedbuff", "k": 2, "concurrency": 3 } ],
  "replications": 1, "stop": { "iterations": 5000 }, "output": { "detail": "worker" } }
JSON
  "$STRAGGLE" run --quiet next.json
  run python3 - <<'PYTHON'
import sqlite3
db = sqlite3.connect("next.db")
runs = db.execute("SELECT run_id, scheme_label FROM run JOIN point USING (point_id) ORDER BY run_id").fetchall()
for run, label in runs:
    who = [w for (w,) in db.execute("SELECT worker FROM used_message WHERE run_id = ? ORDER BY iteration, position", (run,))]
    if "in-turn" in label:
        assert who == [i % 5 for i in range(5000)]
    elif "concurrency=1" in label:  # each after each, equally often: 25 cells, 5 rows that add up
        cells = [sum(a == x and b == y for a, b in zip(who, who[1:])) for x in range(5) for y in range(5)]
        chi2 = sum((c - 199.96) ** 2 / 199.96 for c in cells)
        assert 5 < chi2 < 50, chi2
    else:
        busy, duration = db.execute("SELECT sum(busy_s), sum(duration_s) FROM iteration WHERE run_id = ?", (run,)).fetchone()
        assert abs(busy - 3 * duration) < 1e-9 * busy
        assert len(set(who)) == 5
print(len(runs))
PYTHON
  echo "$output"
  [ "$output" = 3 ]
}

@test "who lost a message goes on; compressed messages; no feedback without a barrier" {
  cat > erased.json <<'JSON'
{ "format": 1, "cluster": { "workers": 10, "erasure": { "model": "bernoulli", "probability": 0.3 } },
  "delay": { "model": "exponential", "mean_s": 1 }, "network": { "signal_latency_s": 0.1 }, "learning": { "problem": "none" },
  "schemes": [ { "code": "fedbuff", "k": 3, "concurrency": 5 }, { "code": "ssp", "s": 2 }, { "code": "ssp", "s": 2, "updates": "per-gradient" },
               { "code": "delay-adaptive" }, { "code": "ringmaster", "r": 5, "stops": true } ],
  "replications": 1, "stop": { "iterations": 20000 }, "output": { "detail": "iteration" } }
JSON
  "$STRAGGLE" run --quiet erased.json
  [ "$(ask erased.db "SELECT count(*) FROM run WHERE stop_reason = 'iterations'")" = 5 ]
  # Renewals, of which 0.7 count.
  for of in "fedbuff|3/3.5" "delay-adaptive|1/7.0"; do
    run ask erased.db "SELECT abs(avg(duration_s) - ${of#*|}) < 4.5 * sqrt(avg(duration_s * duration_s) / count(*)), avg(duration_s)
      FROM iteration JOIN $run_of WHERE code = '${of%|*}'"
    echo "$of $output"
    [[ "$output" == "1|"* ]]
  done
  make_data 72 6
  for compression in '{"compressor":"bfloat16"}' '{"compressor":"qsgd"}'; do
    "$STRAGGLE" run --quiet no_barrier.json --force -o packed.db --set "/network/compression=$compression" --set /sweep=[]
    [ "$(ask packed.db "SELECT count(*) FROM run WHERE stop_reason <> 'iterations'")" = 0 ]
    [ "$(ask packed.db "SELECT count(*) FROM iteration WHERE decoded AND NOT compression_err > 0")" = 0 ]
    rm packed.db
  done
  run "$STRAGGLE" run --quiet no_barrier.json -o packed.db --set '/network/compression={"compressor":"top-k","share":0.5,"feedback":"classic"}'
  [ "$status" -ne 0 ]
  [[ "$output" == *"a code with a barrier such as k-sync"* ]]
}

@test "compare: no verdict without a target loss" {
  make_data 72 6
  "$STRAGGLE" run --quiet no_barrier.json -o short.db --set '/stop={"iterations":60}' --set /sweep=[] --set /baseline='"ssp s=0"'
  run "$STRAGGLE" compare short.db
  echo "$output"
  [[ "$output" == *"A target loss makes times comparable."* ]]
  [ "$("$STRAGGLE" compare short.db --format csv | grep -c faster)" -eq 0 ]
  "$STRAGGLE" run --quiet no_barrier.json -o target.db --set '/stop={"iterations":4000,"target_loss":0.06}' --set /sweep=[] \
    --set /replications=6 --set /baseline='"ssp s=0"'
  [ "$("$STRAGGLE" compare target.db --format csv | grep -c "faster,.*time_to_target\|time_to_target.*,faster")" -ge 10 ]
}

@test "what is refused, with the rule and what would do" {
  refused "expected k ≤ n = 6, found 7" "$none" '"code": "fedbuff", "k": 7'
  refused "expected concurrency ≤ n = 6, found 7" "$none" '"code": "fedbuff", "k": 2, "concurrency": 7'
  refused "/schemes/0/exponent" "$none" '"code": "fedbuff", "k": 2, "weight": "constant", "exponent": 2'
  # Both are told.
  refused "expected k ≤ n = 6, found 7" "$none" '"code": "fedbuff", "k": 7, "concurrency": 9'
  [[ "$output" == *"expected concurrency ≤ n = 6, found 9"* ]]
  refused "/schemes/0/s: expected at most 1048576 gradients that may wait for the master" "$none" '"code": "ssp", "s": 1000000'
  "$STRAGGLE" run --quiet -o far.db refused.json --set '/schemes=[{"code":"ssp","s":1000000,"updates":"per-gradient"}]' --set /stop='{"iterations":20}'
  refused "/schemes/0/s" "$none" '"code": "ssp"'
  refused "/schemes/0/s" "$none" '"code": "ssp", "s": -1'
  refused "/schemes/0/r" "$none" '"code": "ringmaster", "r": 0'
  refused "expected work ≤ 65536" "$none" '"code": "delay-adaptive", "work": 1e6'
  refused "computes on mini-batches: expected how many rows one has" "$some" '"code": "fedbuff", "k": 2'
  refused "computes on mini-batches: expected how many rows one has" "$some" '"code": "ringmaster", "r": 2, "gradients": "global-batch"'
}
