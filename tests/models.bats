#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Models trained side by side: a run has reached the target when all have, times are per model.

setup() {
  : "${TOYS:=$(dirname "$STRAGGLE")/tests/straggle-toys}"
  cd "$BATS_TEST_TMPDIR"
  cat > models.json <<'END'
{ "format": 1, "name": "models", "cluster": { "workers": 3 }, "delay": { "model": "exponential", "mean_s": 1 },
  "learning": { "problem": "least-squares", "evaluate_every": 2,
                "data": { "source": "gaussian-mixture", "rows": 80, "features": 3 },
                "optimizer": { "method": "gradient-descent", "step": 0.1 } },
  "schemes": [ { "code": "toy-pipeline" }, { "code": "m-sgc", "B": 1, "W": 2, "lambda": 2 }, { "code": "uncoded" } ],
  "baseline": "uncoded", "replications": 6, "stop": { "iterations": 400, "target_loss": 0.25 } }
END
}

@test "the target is reached when all models have, and what is told of a run follows from its rows" {
  "$TOYS" run models.json -q
  python3 - <<'END'
import sqlite3
db = sqlite3.connect("models.db")
runs = db.execute("SELECT run_id, code, models, iterations, sim_time_s, stop_reason, time_to_target_s, iterations_to_target,"
                  " final_loss, final_accuracy FROM run JOIN run_summary USING (run_id) JOIN point USING (point_id)").fetchall()
assert len(runs) == 18
for run, code, models, iterations, end, reason, time, updates, final, accuracy in runs:
    rows = db.execute("SELECT model, loss, start_s + duration_s FROM iteration WHERE run_id = ? ORDER BY iteration", (run,)).fetchall()
    assert reason == "target-loss" and (models > 1) == (code != "uncoded"), code
    assert {m for m, _, _ in rows} == set(range(models)), code
    reached, done, last = {}, [0] * models, {}
    for model, loss, at in rows:
        done[model] += 1
        last[model] = loss
        if loss <= 0.25 and model not in reached:
            reached[model] = (at, done[model])
    assert len(reached) == models and len(rows) == iterations, code
    assert abs(time - max(at for at, _ in reached.values()) / models) < 1e-9 and abs(time - end / models) < 1e-9, code
    assert updates == reached[rows[-1][0]][1], code
    assert final == max(last.values()), code
# Exact gradients: all models go the way of the one that is trained alone.
assert len({round(r[8], 12) for r in runs}) == 1 and len({r[7] for r in runs}) == 1
END
}

@test "compare judges times per model and says so; without a target it is seconds per update" {
  "$TOYS" run models.json -q
  run "$STRAGGLE" compare models.db
  echo "$output"
  [ "$status" -eq 0 ]
  [[ "$output" == *"toy-pipeline trains 2 models side by side; an iteration updates one of them,"*"per model"* ]]
  [[ "$output" != *"uncoded trains"* ]]
  "$STRAGGLE" compare models.db --format csv > compare.csv
  python3 - <<'END'
import csv, math, sqlite3, statistics
db = sqlite3.connect("models.db")
time = {}
for label, replication, t in db.execute("SELECT scheme_label, replication, sim_time_s / models FROM run JOIN point USING (point_id)"):
    time[label, replication] = t
for line in csv.DictReader(open("compare.csv")):
    label = line["scheme_label"]
    ratios = [time["uncoded", r] / time[label, r] for r in range(6)]
    expected = math.exp(statistics.fmean(map(math.log, ratios)))
    assert math.isclose(float(line["speedup"]), expected, rel_tol=1e-9), (label, line["speedup"], expected)
    median = statistics.median(time[label, r] for r in range(6))
    assert math.isclose(float(line["time_to_target_median_s"]), median, rel_tol=1e-9), label
END
  sed 's/, "target_loss": 0.25//' models.json > seconds.json
  "$TOYS" run seconds.json -q -o seconds.db
  run "$STRAGGLE" compare seconds.db
  [[ "$output" == *"toy-pipeline trains 2 models side by side; an iteration updates one of them."* ]]
}

# A cap that only some models get under: such a run has not reached the target, whatever the others did.
@test "a target that one model has not reached is not reached" {
  "$TOYS" run models.json -q --set /learning/evaluate_every=1 --set /stop/iterations=11
  [ "$(sqlite3 models.db "SELECT code || count(time_to_target_s) || stop_reason FROM run_summary JOIN run USING (run_id)
    JOIN point USING (point_id) WHERE code = 'toy-pipeline'")" = "toy-pipeline0iterations" ]
  # The eleventh update is the sixth of model 0, which is there; model 1 is not, and it is what counts.
  [ "$(sqlite3 models.db "SELECT count(*) FROM iteration JOIN run USING (run_id) JOIN point USING (point_id)
    WHERE code = 'toy-pipeline' AND loss <= 0.25")" = 6 ]
  [ "$(sqlite3 models.db "SELECT min(final_loss) > 0.25 FROM run_summary JOIN run USING (run_id) JOIN point USING (point_id)
    WHERE code = 'toy-pipeline'")" = 1 ]
}
