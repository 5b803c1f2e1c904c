#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Local SGD, DiLoCo and quorums, from scenario files into databases and out again: tests/recompute_local.py
# computes every trajectory once more from what is recorded, tests/local_schedule.py every time from the trace.

load support/runs

setup() {
  here="$BATS_TEST_DIRNAME"
  cd "$BATS_TEST_TMPDIR"
  cp "$here"/scenarios/local*.json .
}

@test "H = 1 and plain averaging is synchronous descent, a quorum of all is none: to the bit" {
  make_data 70 # whose parts are uneven
  "$STRAGGLE" run local-equal.json --quiet -o equal.db
  python3 - <<'PYTHON'
import sqlite3
db = sqlite3.connect("equal.db")
def rows(point, table):
    c = db.execute(f"SELECT * FROM {table} WHERE run_id IN (SELECT run_id FROM run WHERE point_id = ?)"
                   " ORDER BY run_id, iteration", (point,))
    return [dict(zip([d[0] for d in c.description], r)) for r in c]
ids = [i for (i,) in db.execute("SELECT point_id FROM point ORDER BY point_id")]
# K-sync is exact with whole parts, and has no decoding error then; local SGD has one, of 0.
errors = {"run_id", "subsets_effective", "decoding_err", "err_norm", "err_root"}
for a, b, but in ((0, 2, errors), (1, 2, errors), (2, 3, {"run_id"}), (4, 5, {"run_id"}), (6, 7, {"run_id"}),
                  (8, 9, {"run_id"})):
    for table in ("iteration", "worker_iteration", "used_message"):
        x, y = rows(ids[a], table), rows(ids[b], table)
        assert len(x) == len(y) and (len(x) >= 80 or table == "used_message"), (a, b, table)
        differ = {k for r, s in zip(x, y) for k in r if r[k] != s[k]}
        assert differ <= but, (a, b, table, differ)
assert db.execute("SELECT count(*) FROM iteration WHERE loss IS NULL").fetchone() == (0,)
assert not any(r["err_norm"] for r in rows(ids[2], "iteration"))
PYTHON
}

@test "the recorded versions, workers and mini-batches give the trajectory, to 1e-12" {
  make_data 70
  "$STRAGGLE" run local.json --quiet -o local.db
  "$STRAGGLE" run local.json --quiet -o nesterov.db \
    --set '/learning/optimizer={"method":"nesterov","momentum":0.9,"step":0.02}'
  for db in local nesterov; do
    run python3 "$here/recompute_local.py" $db.db data.csv
    echo "$output"
    [ "$status" -eq 0 ]
    [ "${#lines[@]}" -eq 12 ]
    [[ "$output" == *"local-sgd period=3 overlapped batch: 8 runs, 480 updates"*"staleness up to 1"* ]]
  done
  # No run ended early; rounds without a quorum were skipped, none of them with one.
  [ "$(ask local.db "SELECT count(*) FROM run WHERE stop_reason <> 'iterations'")" = 0 ]
  [ "$(ask local.db "SELECT count(*) > 0, max(n_received) < 4 FROM iteration JOIN $run_of
    WHERE NOT decoded AND scheme_label LIKE '%count=4%'")" = "1|1" ]
  # Fewer and more than the quorum: never, and within the grace time.
  [ "$(ask local.db "SELECT min(n_used), max(n_used) FROM iteration JOIN $run_of
    WHERE decoded AND scheme_label LIKE '%quorum=4 grace_s%'")" = "4|6" ]
  [ "$(ask local.db "SELECT min(n_used), max(n_used) FROM iteration JOIN $run_of
    WHERE decoded AND scheme_label LIKE '%quorum(count=3)%'")" = "3|3" ]
  # Workers that crashed take part again.
  [ "$(ask local.db "SELECT min(workers) FROM (SELECT count(DISTINCT worker) AS workers FROM used_message
    JOIN $run_of WHERE iteration >= 20 AND code = 'local-sgd' AND scheme_label LIKE '%overlapped%' GROUP BY run_id)")" = 6 ]
  # Step by step a worker's mini-batches are others.
  [ "$(ask local.db "SELECT count(*) - count(DISTINCT run_id || ' ' ||
      CASE WHEN scheme_label LIKE '%global%' THEN '' ELSE worker END || ' ' || batch), min(batches), max(batches)
    FROM used_message JOIN $run_of WHERE batch > 0")" = "0|1|5" ]
}

@test "compressed displacements, with and without feedback, and what they lose" {
  make_data 70
  for feedback in classic none; do
    local overlapped=',{"code":"local-sgd","period":3,"inner":"momentum","outer":"overlapped","rate":0.01}'
    [ $feedback = none ] || overlapped="" # without a barrier feedback has other rules
    "$STRAGGLE" run local.json --quiet -o $feedback.db --set /sweep=[] --set '/cluster/crashes={"model":"none"}' \
      --set '/cluster/erasure={"model":"none"}' --set /schemes='[{"code":"local-sgd","period":4,"gradients":"batch"},
        {"code":"local-sgd","period":3,"inner":"momentum"},{"code":"diloco","period":3,"rate":0.01},
        {"code":"diloco","period":3,"rate":0.01,"inner_state":"reset"}'"$overlapped]" \
      --set '/network/compression={"compressor":"top-k","share":0.5,"feedback":"'$feedback'","insist":true}'
    run python3 "$here/recompute_local.py" $feedback.db data.csv
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(ask $feedback.db "SELECT count(*) FROM run WHERE stop_reason <> 'iterations'")" = 0 ]
    [ "$(ask $feedback.db "SELECT max(bits) < 8 * 6 * 24 FROM iteration")" = 1 ]
  done
  # Formed when they are sent, also those that are late, erased or cancelled.
  "$STRAGGLE" run local.json --quiet -o lost.db --set /network/late_messages='"occupy-link"' --set /late_work='"finish-first"' \
    --set /schemes='[{"code":"diloco","period":3,"rate":0.01,"stop":{"rule":"quorum","count":3,"grace_s":0.2}},
      {"code":"local-sgd","period":3,"inner":"momentum","stop":{"rule":"quorum","count":4}}]' \
    --set '/network/compression={"compressor":"top-k","share":0.5,"feedback":"none","insist":true}'
  run python3 "$here/recompute_local.py" lost.db data.csv
  echo "$output"
  [ "$status" -eq 0 ]
}

@test "updates end when an event schedule of another program says" {
  make_data 70
  python3 - > trace.csv <<'PYTHON'
import random
random.seed(7)
print("iteration,worker,compute_s")
for t in range(400):
    for w in range(5):
        slow = 4 if w == (t // 40) % 5 else 1
        print(f"{t},{w},{slow * (0.5 + random.expovariate(1)):.6f}")
PYTHON
  "$STRAGGLE" run local-overlapped.json --quiet -o overlapped.db
  run python3 "$here/local_schedule.py" overlapped.db trace.csv 3 0.4 0.1
  echo "$output"
  [ "$status" -eq 0 ]
  [ "${#lines[@]}" -eq 6 ]
  [[ "$output" == *"overlapped quorum=3 grace_s=0.7: 300 updates"*"staleness up to 1"* ]]
}

@test "on a ring: the same models but for rounding, the state kept, and a quorum" {
  make_data 70
  local own='"period":3,"inner":"adamw","rate":0.02,"sends":"displacement"' few='"period":4,"gradients":"batch"'
  "$STRAGGLE" run local.json --quiet -o ring.db --set /sweep=[] --set '/cluster={"workers":3}' --set /schemes='[
    {"code":"local-sgd",'"$own"'},{"code":"local-sgd",'"$own"',"collective":"ring"},
    {"code":"local-sgd",'"$few"'},{"code":"local-sgd",'"$few"',"collective":"tree"},
    {"code":"local-sgd",'"$few"',"stop":{"rule":"quorum","count":2,"grace_s":0.5},"collective":"ring"},
    {"code":"local-sgd",'"$few"',"stop":{"rule":"quorum","count":3,"grace_s":0.5},"collective":"ring"}]'
  python3 - <<'PYTHON'
import sqlite3
db = sqlite3.connect("ring.db")
losses = [[x for (x,) in db.execute("SELECT loss FROM iteration JOIN run USING (run_id) WHERE point_id = ? ORDER BY run_id, iteration",
                                    (i,))] for (i,) in db.execute("SELECT point_id FROM point ORDER BY point_id").fetchall()]
assert all(len(x) == 120 for x in losses), [len(x) for x in losses]
for a, b in ((0, 1), (2, 3), (2, 5)):
    assert max(abs(x / y - 1) for x, y in zip(losses[a], losses[b])) < 1e-12, (a, b)
assert losses[4] != losses[5]
used = [n for (n,) in db.execute("SELECT samples_used FROM iteration JOIN run USING (run_id) JOIN point USING (point_id)"
                                 " WHERE scheme_label LIKE '%count=2%'")]
assert min(used) == 2 * 4 * 4 and max(used) == 3 * 4 * 4, (min(used), max(used))
PYTHON
  # Pieces that are compressed one by one when they are sent have no one place for the steps.
  run "$STRAGGLE" run local.json --quiet -o no.db --set /sweep=[] --set '/cluster={"workers":3}' \
    --set /schemes='[{"code":"local-sgd",'"$own"',"collective":"ring"}]' \
    --set '/network/compression={"compressor":"top-k","share":0.5,"feedback":"none","insist":true}'
  echo "$output"
  [ "$status" -ne 0 ]
}

@test "a worker that is behind is told so, and a run goes on without those who never come back" {
  cat > lost.json <<'JSON'
{ "format": 1, "cluster": { "workers": 6, "crashes": { "model": "permanent", "mean_iterations": 30 } },
  "delay": { "model": "exponential", "mean_s": 1 }, "learning": { "problem": "none" },
  "schemes": [ { "code": "local-sgd", "period": 2, "outer": "overlapped" },
               { "code": "local-sgd", "period": 2, "outer": "overlapped", "quorum": 4 },
               { "code": "local-sgd", "period": 2 }, { "code": "local-sgd", "period": 2, "stop": { "rule": "quorum", "count": 4 } } ],
  "replications": 5, "stop": { "iterations": 1000 }, "output": { "detail": "iteration" } }
JSON
  "$STRAGGLE" run --quiet lost.json -o lost.db || true
  [ "$(ask lost.db "SELECT DISTINCT status FROM run JOIN point USING (point_id) WHERE scheme_label LIKE '%overlapped%'")" = stalled ]
  [ "$(ask lost.db "SELECT min(n_used), max(n_used) FROM iteration JOIN $run_of WHERE scheme_label = 'local-sgd period=2 overlapped'")" = "1|6" ]
  [ "$(ask lost.db "SELECT min(n_used), max(n_used) FROM iteration JOIN $run_of WHERE decoded AND scheme_label LIKE '%quorum%'")" = "4|4" ]
  [ "$(ask lost.db "SELECT min(n_used), max(n_used) FROM iteration JOIN $run_of WHERE decoded AND scheme_label = 'local-sgd period=2'")" = "1|6" ]
  [ "$(ask lost.db "SELECT sum(signals_down) > 0 FROM iteration JOIN $run_of WHERE scheme_label LIKE '%overlapped quorum%'")" = 1 ]
}

@test "what is refused, with the rule and what would do" {
  local h='"code": "local-sgd", "period": 4'
  refused '"period" is missing' "$none" '"code": "local-sgd"'
  refused "expected at most 6553 with steps of work 10" "$none" '"code": "local-sgd", "period": 6554, "work": 10'
  refused "/schemes/0/rate: expected the rate of the local steps where workers send displacements" "$none" "$h, \"sends\": \"displacement\""
  refused "expected quorum ≤ n = 6, found 7" "$none" "$h, \"outer\": \"overlapped\", \"quorum\": 7"
  refused "outer" "$none" "$h, \"quorum\": 3"
  refused '/schemes/0/grace_s: expected a "quorum" with it' "$none" "$h, \"outer\": \"overlapped\", \"grace_s\": 5"
  refused "whose protocol decides itself when to decode" "$none" "$h, \"outer\": \"overlapped\", \"stop\": \"count\""
  refused "computes on mini-batches: expected how many rows one has" "$some" "$h, \"gradients\": \"batch\""
  refused "/learning/optimizer/step: expected a number with the scheme" "$some" "$h, \"rate\": 0.1"
  refused "the step is the outer learning rate" "$some, \"optimizer\": { \"step\": \"auto\" }" "$h, \"rate\": 0.1, \"sends\": \"displacement\""
  refused "expected at most n = 6, the messages that a segment has in a round, found 7" "$none" \
    '"code": "uncoded", "stop": { "rule": "quorum", "count": 7 }'
  refused "beta1" "$none" "$h, \"inner\": { \"method\": \"adamw\", \"beta1\": 1 }"
}

@test "the shipped scenario: more local steps win where messages are slow, until workers drift apart" {
  sed "s|data/breast|$here/../scenarios/data/breast|" "$here/../scenarios/local-steps.json" > steps.json
  "$STRAGGLE" run --quiet steps.json -o steps.db
  run "$STRAGGLE" compare steps.db --format csv
  python3 - "$output" <<'PYTHON'
import csv, io, sys
at = {r["scheme_label"]: r for r in csv.DictReader(io.StringIO(sys.argv[1]))}
names = ["k-sync k=8 batch"] + [f"local-sgd period={h} batch" for h in (1, 4, 16, 64, 256)]
speed = [float(at[n]["speedup"]) for n in names]
print(speed, [at[n]["judged_by"] for n in names])
assert speed[0] == speed[1] == 1 and speed[1] < speed[2] < speed[3] < speed[4]
assert speed[5] < 1.1 * speed[4]
assert float(at["local-sgd period=16 overlapped batch"]["speedup"]) > 1.5 * speed[3]
assert all(at[n]["judged_by"] == "time_to_target" for n in names)
PYTHON
  # Without a target loss no inexact scheme is the fastest.
  "$STRAGGLE" run --quiet steps.json -o times.db --set /stop='{"iterations":20}'
  run "$STRAGGLE" compare times.db
  [[ "$output" == *"A target loss makes times comparable."* && "$output" != *faster* ]]
}
