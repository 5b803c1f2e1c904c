#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The quadratic problem and the target for its gradient, from scenario files into databases and out again:
# tests/recompute.py computes every trajectory once more, noise included, from what is recorded.

setup() {
  here="$BATS_TEST_DIRNAME" scenario="$BATS_TEST_DIRNAME/scenarios/quadratic.json"
  shipped="$BATS_TEST_DIRNAME/../scenarios/tridiagonal.json"
  cd "$BATS_TEST_TMPDIR"
}

ask() { sqlite3 "$1" "$2"; }
run_of="run USING (run_id) JOIN v_point USING (point_id)"

@test "recorded versions and batches give every trajectory with its noise and the whole gradient's norm, to 1e-12" {
  "$STRAGGLE" run "$scenario" --quiet -o q.db
  run python3 "$here/recompute.py" q.db
  echo "$output"
  [ "$status" -eq 0 ]
  [ "${#lines[@]}" -eq 9 ]
  [ "$(ask q.db "SELECT max(staleness) > 5 FROM used_message JOIN $run_of WHERE code LIKE '%async'")" = 1 ]
  [ "$(ask q.db "SELECT count(*) FROM iteration WHERE decoded AND (full_grad_norm2 IS NULL OR loss IS NULL)")" = 0 ]
  # A stochastic gradient is a sample; exact ones are not of samples.
  [ "$(ask q.db "SELECT count(*) FROM iteration JOIN $run_of WHERE decoded AND samples_used IS NOT
    CASE WHEN scheme_label LIKE '%batch%' THEN n_used END")" = 0 ]
}

@test "the same with late work and messages, a shared link, erasures, and noise that is not there" {
  for ingress in '{ "model": "unlimited" }' '{ "model": "fifo", "bandwidth_Bps": 500 }'; do
    "$STRAGGLE" run "$scenario" --quiet -o all.db --set /stop/iterations=40 --set /replications=1 --set "/network/ingress=$ingress" --set '/sweep=[
      { "name": "work", "path": "/late_work", "values": [ "cancel", "finish-first" ] },
      { "name": "late", "path": "/network/late_messages", "values": [ "cancel", "occupy-link" ] },
      { "name": "noise", "path": "/learning/noise", "values": [ 0, 0.1 ] } ]' \
      --set '/cluster/erasure={"model": "bernoulli", "probability": 0.05}' \
      --set '/schemes=[ { "code": "k-sync", "k": 3, "gradients": "batch" }, { "code": "k-batch-sync", "k": 4 }, { "code": "k-async", "k": 2, "gradients": "global-batch" } ]'
  done
  run python3 "$here/recompute.py" all.db
  echo "$output"
  [ "$status" -eq 0 ]
  [ "$(ask all.db "SELECT count(*) FROM run WHERE iterations >= 40")" = 48 ]
}

@test "optimisers begin at the start that the problem has; so do models that are compressed" {
  cat > start.json <<'JSON'
{ "format": 1, "cluster": { "workers": 4 }, "delay": { "model": "exponential", "mean_s": 1 },
  "learning": { "problem": "quadratic", "length": 9, "start": -2.3, "l2": 0.03, "heterogeneity": 1,
                "optimizer": { "method": "nesterov", "step": 0.4, "momentum": 0.6 } },
  "schemes": [ { "code": "uncoded" }, { "code": "cyclic-repetition", "s": 1 }, { "code": "group", "d": 4, "m": 2 } ],
  "sweep": [ { "name": "width", "path": "/learning/block_width", "values": [ 1, 8 ] } ],
  "replications": 3, "stop": { "iterations": 30 } }
JSON
  for optimizer in '"gradient-descent"' '"nesterov", "momentum": 0.6' '"nesterov"' '"heavy-ball", "momentum": 0.6' '"gradient-descent", "average": true'; do
    "$STRAGGLE" run start.json --quiet -o start.db --set "/learning/optimizer={\"step\": 0.4, \"method\": $optimizer}"
  done
  run python3 - <<'PYTHON'
import json, sqlite3
db, d = sqlite3.connect("start.db"), 9
def gradient(x):
    y = [0] + [a + (d - i) / (d + 1) for i, a in enumerate(x)] + [0]
    return [(2 * b - a - c) / 4 + 0.03 * v for a, b, c, v in zip(y, y[1:], y[2:], x)]
def loss(x):
    y = [0] + [a + (d - i) / (d + 1) for i, a in enumerate(x)] + [0]
    return sum((b - a) ** 2 for a, b in zip(y, y[1:])) / 8 + 0.015 * sum(v * v for v in x)
worst, seen = 0, 0
for point, text in db.execute("SELECT point_id, config_json FROM point").fetchall():
    o = json.loads(text)["environment"]["learning"]["optimizer"]
    x = [-2.3] + [0.0] * (d - 1)
    before, mean, expected = x, [0.0] * d, []
    for t in range(30):
        beta = 0 if t == 0 or o["method"] == "gradient-descent" else o.get("momentum") or t / (t + 3)
        move = [beta * (a - b) for a, b in zip(x, before)]
        at = [a + m for a, m in zip(x, move)] if o["method"] == "nesterov" else x
        before, x = x, [a + m - 0.4 * g for a, m, g in zip(x, move, gradient(at))]
        mean = [m + (a - m) / (t + 1) for a, m in zip(x, mean)]
        expected.append(loss(mean if o.get("average") else x))
    for run, in db.execute("SELECT run_id FROM run WHERE point_id = ?", (point,)).fetchall():
        found = [v for v, in db.execute("SELECT loss FROM iteration WHERE run_id = ? ORDER BY iteration", (run,))]
        assert len(found) == 30
        worst, seen = max(worst, max(abs(a / b - 1) for a, b in zip(found, expected))), seen + 1
print(worst, seen)
assert worst < 1e-12 and seen == 90
PYTHON
  echo "$output"
  [ "$status" -eq 0 ]

  # Both ends know the start: the first difference that is compressed is 0, whatever is done to it.
  "$STRAGGLE" run start.json --quiet -o sent.db --set /sweep=[] --set /stop/iterations=2 --set '/schemes=[{ "code": "uncoded" }]'
  "$STRAGGLE" run start.json --quiet -o sent.db --set /sweep=[] --set /stop/iterations=2 --set '/schemes=[{ "code": "uncoded" }]' \
    --set '/network/broadcast_compression={ "compressor": "bfloat16" }'
  [ "$(ask sent.db "SELECT count(DISTINCT loss) || ' ' || count(*) FROM iteration WHERE iteration = 0")" = "1 6" ]
  [ "$(ask sent.db "SELECT count(DISTINCT loss) > 1 FROM iteration WHERE iteration = 1")" = 1 ]
}

@test "a run ends at the first model that is looked at and meets each target that is given" {
  for targets in '"target_grad_norm2": 0.01' '"target_loss": 0.6' '"target_grad_norm2": 0.01, "target_loss": 0.6' '"target_grad_norm2": 0.05, "target_loss": 0.2'; do
    "$STRAGGLE" run "$shipped" --quiet -o t.db --set /sweep=[] --set /learning/optimizer/step=0.04 --set "/stop={ \"iterations\": 4000, $targets }" --set /learning/evaluate_every=5
  done
  run python3 - <<'PYTHON'
import json, sqlite3
db, ends = sqlite3.connect("t.db"), {}
for run, reason, text, time, updates, loss, norm2 in db.execute(
        "SELECT run_id, stop_reason, config_json, time_to_target_s, iterations_to_target, final_loss,"
        " final_full_grad_norm2 FROM run JOIN run_summary USING (run_id) JOIN point USING (point_id)").fetchall():
    stop = json.loads(text)["environment"]["stop"]
    wanted = stop.get("target_loss"), stop.get("target_grad_norm2")
    ends.setdefault((reason, wanted), []).append(time)
    rows = db.execute("SELECT iteration, loss, full_grad_norm2, start_s + duration_s FROM iteration"
                      " WHERE run_id = ? ORDER BY iteration", (run,)).fetchall()
    assert all((n is not None) == (wanted[1] is not None and i % 5 == 4) for i, _, n, _ in rows)
    met = [i for i, l, n, _ in rows if l is not None and (wanted[0] is None or l <= wanted[0])
           and (wanted[1] is None or (n is not None and n <= wanted[1]))]
    assert met == [len(rows) - 1] and updates == len(rows) and time == rows[-1][3], (run, wanted, met, len(rows))
    assert loss == rows[-1][1] and norm2 == rows[-1][2]
print(sorted((k, len(v)) for k, v in ends.items()))
assert {k: len(v) for k, v in ends.items()} == {("target-gradient", (None, 0.01)): 40, ("target-loss", (0.6, None)): 40,
                                               ("targets", (0.6, 0.01)): 40, ("targets", (0.2, 0.05)): 40}
# One binds, then the other.
print(sum(ends["targets", (0.6, 0.01)]), sum(ends["target-loss", (0.6, None)]), sum(ends["target-gradient", (None, 0.01)]))
assert sum(ends["targets", (0.6, 0.01)]) >= max(sum(ends["target-loss", (0.6, None)]), sum(ends["target-gradient", (None, 0.01)]))
PYTHON
  echo "$output"
  [ "$status" -eq 0 ]
}

@test "compare, plots, plan and timeline know the time to the gradient's target" {
  "$STRAGGLE" run "$shipped" --quiet -o s.db
  run "$STRAGGLE" compare s.db
  echo "$output"
  [[ "$output" == *"verdict on the time to ‖∇f‖² 0.001, time: the median"*"Fastest of all, inexact: k-async k=1 global-batch"* ]]
  # The orders of this literature: asynchrony by far with a small step, and not at all with a large one.
  "$STRAGGLE" compare s.db --format csv > s.csv
  run python3 - <<'PYTHON'
import csv
rows = {(r["axes"], r["scheme_label"].replace(" global-batch", "")): r for r in csv.DictReader(open("s.csv"))}
assert all(r["judged_by"] == "time_to_target" for r in rows.values())
t = {k: float(r["time_to_target_median_s"] or "inf") if int(float(r["n_reached"])) else float("inf") for k, r in rows.items()}
order = [sorted((s for a, s in t if a == f"step = {x}"), key=lambda s: t[f"step = {x}", s]) for x in ("0.04", "0.2", "1")]
print(order, t)
never = float("inf")
fixed = ["k-batch-sync k=6", "rennala b=6", "k-sync k=6", "k-sync k=36"]
assert order[0] == ["k-async k=1", "ringmaster r=24 stops", "ringmaster r=6 stops", "k-async k=6"] + fixed
assert order[1][:2] == ["ringmaster r=6 stops", "k-async k=6"] and t["step = 0.2", "k-async k=1"] == never
assert order[2][:4] == fixed and all(t["step = 1", s] == never for s in order[2][4:])
assert all(t[f"step = {x}", "rennala b=6"] == t[f"step = {x}", "k-batch-sync k=6"] for x in ("0.04", "0.2", "1"))
assert rows["step = 0.04", "k-async k=1"]["verdict"] == "faster"
PYTHON
  echo "$output"
  [ "$status" -eq 0 ]

  run "$STRAGGLE" plot s.db gradient --filter step=0.04 --log x -o g.svg
  echo "$output"
  [[ "$output" == *"‖∇f‖² over simulated time"*"8 schemes, the fastest first: k-async k=1"* ]]
  grep -q "target ‖∇f‖² 0.001" g.svg
  # Moments are even on the axis that is drawn.
  [ "$(sqlite3 :memory: ".import --csv g.csv g" "SELECT max(r) - min(r) < 1e-6 AND count(*) = 199 FROM
    (SELECT time_s / lag(time_s) OVER (ORDER BY rowid) AS r FROM g WHERE series LIKE 'k-sync k=36%') WHERE r IS NOT NULL")" = 1 ]
  "$STRAGGLE" plot s.db loss --y full_grad_norm2 --filter step=0.04 --log x -o l.svg
  cmp g.csv l.csv
  run "$STRAGGLE" plot s.db time -o time.svg
  [[ "$output" == *"Time to the target gradient by step"* ]]
  run "$STRAGGLE" plan "$shipped"
  [ "$status" -eq 0 ]
  run "$STRAGGLE" timeline s.db --scheme "k-async k=6 global-batch" --environment 2 --iterations 10..20 -o run.json
  echo "$output"
  [ "$status" -eq 0 ]
  [ "$("$STRAGGLE" query s.db @points --format csv | head -1 | grep -c final_full_grad_norm2)" = 1 ]
}

@test "a number of runs by precision, of times to the gradient's target" {
  sed 's/"replications": 5/"until": { "half_width": 0.01, "least": 5, "most": 12 }/' "$shipped" > until.json
  "$STRAGGLE" run until.json --quiet -o u.db --set '/sweep=[]' --set /learning/noise=0.1 --set /learning/optimizer/step=0.04 \
    --set '/schemes=[{ "code": "k-sync", "k": 36, "gradients": "global-batch" }, { "code": "k-async", "k": 6, "gradients": "global-batch" }]' 2> said || { cat said; false; }
  [ "$(ask u.db "SELECT group_concat(n) FROM (SELECT count(*) AS n FROM run GROUP BY point_id ORDER BY 1)")" = "12,12" ]
}

@test "fixed times, the i-th worker the root of i: seconds of an update of K-batch-sync, derived" {
  python3 - <<'PYTHON'
import json, math
json.dump({"format": 1, "cluster": {"workers": 100, "speeds": [1 / math.sqrt(i) for i in range(1, 101)]},
           "delay": {"model": "deterministic", "value_s": 1}, "learning": {"problem": "quadratic", "length": 5},
           "schemes": [{"code": "k-batch-sync", "k": k, "gradients": "global-batch"} for k in (1, 10, 50, 100)],
           "replications": 1, "stop": {"iterations": 3}}, open("roots.json", "w"))
PYTHON
  "$STRAGGLE" run roots.json --quiet
  run ask roots.db "SELECT group_concat(printf('%.6f', iter_mean_s), ' ') FROM (SELECT iter_mean_s FROM v_point ORDER BY iter_mean_s)"
  [ "$output" = "1.000000 2.828427 6.000000 8.246211" ]
}

@test "what has no gradient, or is not looked at, has no target for it" {
  run "$STRAGGLE" check "$shipped" --set '/learning={"problem": "none"}' --set '/schemes=[{"code": "uncoded"}]' --set /baseline=uncoded
  echo "$output"
  [[ "$output" == *"/stop/target_grad_norm2"*'the problem "none" has no gradient to reach a target'* ]]
  run "$STRAGGLE" check "$shipped" --set /learning/evaluate_every=0 --set /stop/target_loss=1
  echo "$output"
  [[ "$output" == *"/stop/target_loss"*"a target needs the loss"*"/stop/target_grad_norm2"*"a target needs the gradient: expected learning.evaluate_every ≥ 1, found 0"* ]]
  run "$STRAGGLE" check "$shipped" --set /stop/target_grad_norm2=-1 --set /learning/batch_rows=3 --set /learning/noise=-1
  echo "$output"
  [[ "$output" == *"/learning/noise"*"/stop/target_grad_norm2"* ]]
  run "$STRAGGLE" check "$shipped" --set /learning/batch_rows=3
  [[ "$output" == *"/learning/batch_rows"*'found "quadratic"'* ]]
  run "$STRAGGLE" check "$shipped" --set '/learning/optimizer/step="two-over-l-plus-mu"' --set '/sweep=[]'
  echo "$output"
  [ "$status" -eq 0 ]
}
