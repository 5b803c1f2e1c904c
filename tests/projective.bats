#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Projective derivative codes from a scenario file into the database.

setup() {
  cd "$BATS_TEST_TMPDIR"
  python3 - <<'END' > data.csv
import random
random.seed(7)
print(",".join("abcdefgh"), "y", sep=",")
for _ in range(96):
    x = [random.gauss(0, 1) for _ in range(8)]
    print(*(f"{v:.6f}" for v in x), f"{sum((i + 1) * v for i, v in enumerate(x)) + random.gauss(0, .1):.6f}", sep=",")
END
}
ask() { sqlite3 "$1" "$2"; }
rows="iteration JOIN run USING (run_id) JOIN v_point USING (point_id)"

scenario() { # cluster schemes stop
  cat <<END
{ "format": 1, "name": "projective", "cluster": { "workers": 8$1 },
  "delay": { "model": "shifted-exponential", "shift_s": 1, "mean_excess_s": 1 },
  "learning": { "problem": "least-squares", "evaluate_every": 1,
    "data": { "source": "csv", "path": "data.csv", "label": "y", "test_share": 0 },
    "optimizer": { "method": "gradient-descent", "step": 0.2 } },
  "schemes": [ $2 ], "replications": 3, "stop": $3 }
END
}

@test "batch: what is lost is 1 - rank/K, and descent goes on with it" {
  scenario ', "erasure": { "model": "bernoulli", "probability": 0.3 }' '
    { "code": "projective-derivative", "blocks": 6 },
    { "code": "projective-derivative", "blocks": 6, "rotate": true },
    { "code": "projective-derivative", "blocks": 6, "weight": 1, "rotate": true },
    { "code": "projective-derivative", "blocks": 9, "tasks": 2, "rotate": true, "stop": { "rule": "deadline", "deadline_s": 3.2 } },
    { "code": "uncoded" }' '{ "iterations": 150 }' > a.json
  "$STRAGGLE" run a.json -q -o a.db --set /stop/undecodable=skip
  # Always a whole number of sixths, and 1ᵀα = ‖α‖².
  [ "$(ask a.db "SELECT count(*) > 1000 AND max(abs(6 * err_norm - round(6 * err_norm))) < 1e-9 AND
      max(abs(err_norm - 1 + alpha_sum)) < 1e-9 AND sum(err_norm > 0.1) > 50
    FROM $rows WHERE scheme_label LIKE '%blocks=6%' AND decoded")" = 1 ]
  # The squared error of the gradient is that of what is left out: never above its norm.
  [ "$(ask a.db "SELECT max(grad_rel_err) <= 1 + 1e-9 FROM $rows WHERE code = 'projective-derivative' AND decoded")" = 1 ]
  # To the floor of the noise, 0.005 in the mean, from 100.
  ask a.db "SELECT scheme_label, min(loss), max(loss) FROM (SELECT scheme_label, loss FROM $rows WHERE iteration = 149)
    GROUP BY scheme_label"
  [ "$(ask a.db "SELECT count(*) = 12 AND max(loss) < 0.02 FROM $rows
    WHERE code = 'projective-derivative' AND iteration = 149")" = 1 ]
  [ "$(ask a.db "SELECT min(loss) > 1 FROM $rows WHERE code = 'projective-derivative' AND iteration = 0")" = 1 ]
}

@test "asynchronous: updates along what is new, of stale gradients that are recorded, down to the floor" {
  scenario ', "speeds": [ 1, 1, 1, 1, 1, 1, 1, 0.1 ]' '
    { "code": "projective-derivative-async", "blocks": 6 },
    { "code": "projective-derivative-async", "blocks": 6, "rotate": true },
    { "code": "projective-derivative-async", "blocks": 9, "rotate": true, "rows": 20, "weight": 2 }' '{ "iterations": 1500 }' > b.json
  "$STRAGGLE" run b.json -q -o b.db --set /output/detail=worker
  ask b.db "SELECT scheme_label, max(loss) FROM $rows WHERE iteration = 1499 GROUP BY scheme_label"
  [ "$(ask b.db "SELECT count(*) = 6 AND max(loss) < 0.02 FROM $rows WHERE iteration = 1499 AND scheme_label LIKE '%rotate%'")" = 1 ]
  # An update uses up to K messages, of different models, and is itself of rank 1.
  [ "$(ask b.db "SELECT max(n_used), min(n_used), max(iteration.staleness_max) > 5, max(abs(err_norm - 5.0 / 6)) < 1e-9
    FROM $rows WHERE scheme_label LIKE '%blocks=6%'")" = "6|1|1|1" ]
  [ "$(ask b.db "SELECT count(DISTINCT version) > 1 FROM used_message JOIN run USING (run_id) WHERE iteration = 50 AND run_id = (SELECT min(run_id) FROM run)")" = 1 ]
  # Nobody waits for the slow worker: seven others bring an update each second or so.
  [ "$(ask b.db "SELECT avg(duration_s) < 1 FROM $rows")" = 1 ]
}

@test "asynchronous with crashes and lost messages: no run ends early" {
  scenario ', "crashes": { "model": "iterations", "mean_iterations": 20, "mean_recovery_iterations": 3 }, "erasure": { "model": "bernoulli", "probability": 0.1 }' '
    { "code": "projective-derivative-async", "blocks": 6, "rotate": true }' '{ "iterations": 300 }' > c.json
  "$STRAGGLE" run c.json -q -o c.db --set /network/ingress='{"model":"fifo","bandwidth_Bps":200}' --set /master/update_s=0.5
  [ "$(ask c.db "SELECT count(*), min(stop_reason), max(stop_reason) FROM run")" = "3|iterations|iterations" ]
  [ "$(ask c.db "SELECT max(loss) < 5 FROM iteration WHERE iteration = 299")" = 1 ]
}

@test "refused with the reason" {
  scenario '' '{ "code": "projective-derivative", "blocks": 100 }' '{ "iterations": 1 }' > d.json
  run "$STRAGGLE" check d.json
  [ "$status" -ne 0 ]
  [[ "$output" == *"expected at most as many pieces (m) as a gradient has coordinates (9), found 100"* ]]
  run "$STRAGGLE" check d.json --set /schemes/0/blocks=4 --set /schemes/0/rows=3
  [ "$status" -ne 0 ]
  [[ "$output" == *"expected without rotate 8 combinations, one of each task of a round, found 3"* ]]
}
