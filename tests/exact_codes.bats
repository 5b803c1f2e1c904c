#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The exact codes with full scenarios: real gradients, really encoded and decoded.

setup() {
  cd "$BATS_TEST_TMPDIR"
  for i in 1 2 3 4 5 6 7 8 9 10 11 12; do # worker i holds part j unless i + j is a multiple of 3
    for j in 1 2 3 4 5; do printf '%d%s' $(((i + j) % 3 != 0)) "$([ $j -lt 5 ] && echo ,)"; done
    echo
  done > placement.csv
  cat > exact.json <<'END'
{ "format": 1, "name": "exact",
  "cluster": { "workers": 12, "classes": [ { "share": 0.75, "speed": 1 }, { "share": 0.25, "speed": 0.5 } ] },
  "delay": { "model": "exponential", "mean_s": 1 },
  "network": { "uplink": { "model": "linear", "latency_s": 0.1, "bandwidth_Bps": 1000 } },
  "learning": { "problem": "least-squares",
                "data": { "source": "gaussian-mixture", "rows": 240, "features": 11 } },
  "schemes": [
    { "code": "uncoded" },
    { "code": "reed-solomon", "s": 2 },
    { "code": "reed-solomon", "s": 3, "nodes": "roots-of-unity", "parts": 30, "mask": "cyclic" },
    { "code": "cyclic-mds", "s": 2 },
    { "code": "cyclic-mds", "s": 2, "even": "negacyclic" },
    { "code": "heterogeneous", "s": 2 },
    { "code": "arbitrary-placement", "s": 1, "placement": "by-speed", "replication": 3, "replication_max": 5 },
    { "code": "arbitrary-placement", "s": 2, "placement": "matrix", "matrix": "placement.csv" },
    { "code": "partial-cyclic", "s": 2, "p": 6 },
    { "code": "partial-repetition", "s": 2, "alpha": 2 } ],
  "baseline": "uncoded", "replications": 2, "stop": { "iterations": 20 },
  "output": { "database": "exact.db" } }
END
}

@test "exact codes decode the gradient, each in its own way" {
  "$STRAGGLE" run exact.json --quiet
  [ "$(sqlite3 exact.db "SELECT count(*) FROM v_point WHERE grad_scaled_err_max < 1e-12")" = 10 ]
  # n + s even: load s + 2 or the other kind of code. The matrix has every part on 8 workers: m = 8 - s.
  run sqlite3 exact.db "SELECT load_d, stragglers_s, comm_m FROM v_point ORDER BY point_id"
  [ "${lines[1]}" = "3.0|2|1" ]
  [ "${lines[3]}" = "4.0|3|1" ]
  [ "${lines[4]}" = "3.0|2|1" ]
  [[ "${lines[7]}" == *"|2|6" ]]
  [ "${lines[8]}" = "1.5|2|1" ]
}

@test "of many workers, too, by the null space alone" {
  cat > many.json <<'END'
{ "format": 1, "cluster": { "workers": 600 }, "delay": { "model": "exponential", "mean_s": 1 },
  "learning": { "problem": "synthetic-gradient", "length": 24, "evaluate_every": 0,
                "optimizer": { "method": "gradient-descent", "step": 0.001 } },
  "schemes": [
    { "code": "ye-abbe", "d": 5, "m": 3 },
    { "code": "ye-abbe", "d": 6, "m": 2, "s": 2 },
    { "code": "arbitrary-placement", "s": 2, "replication": 3, "replication_max": 5 },
    { "code": "arbitrary-placement", "s": 2, "m": 2, "placement": "random", "replication": 4, "parts": 700 },
    { "code": "arbitrary-placement", "s": 1, "placement": "by-speed", "replication": 4 },
    { "code": "gc-mmc", "r": 3 } ],
  "replications": 2, "stop": { "iterations": 10 }, "output": { "database": "many.db" } }
END
  "$STRAGGLE" run many.json --quiet
  [ "$(sqlite3 many.db "SELECT count(*) FROM v_point WHERE grad_scaled_err_max < 1e-9")" = 6 ]
  [ "$(sqlite3 many.db "SELECT count(*) FROM iteration WHERE decoded")" = 120 ]
}

@test "errors on the common scale are relative to the first gradient, whatever the parts" {
  "$STRAGGLE" run exact.json --quiet --set '/network/compression={"compressor": "float32"}'
  # ‖ĝ − Σ‖ of a row is known twice, up to ‖ĝ‖ in place of ‖Σ‖; the first norm here from uncoded.
  run sqlite3 exact.db "SELECT count(*), sum(abs(grad_common_err * first / (grad_rel_err * grad_norm) - 1)
      <= grad_rel_err / (1 - grad_rel_err) + 1e-7), max(grad_common_err) BETWEEN 1e-8 AND 1e-6
    FROM iteration, (SELECT grad_norm AS first FROM iteration WHERE iteration = 0 AND run_id = (SELECT min(run_id) FROM run))"
  [ "$output" = "400|400|1" ]
}

@test "a placement of the wrong size and a wrong number are faults with their place" {
  sed -i 1d placement.csv
  run "$STRAGGLE" check exact.json
  [ "$status" -eq 65 ]
  [[ "$output" == *"/schemes/7/matrix: expected a row for each of n = 12 workers, found 11"* ]]
  { echo "1,1,1,1,2"; cat placement.csv; } > wrong.csv && mv wrong.csv placement.csv
  run "$STRAGGLE" check exact.json
  [[ "$output" == *"expected 0 or 1 in row 1, column 5, found 2"* ]]
  sed -i '1s/2/nan/' placement.csv
  run "$STRAGGLE" check exact.json
  [ "$status" -eq 65 ]
  run "$STRAGGLE" check exact.json --set '/schemes=[{"code":"cyclic-mds","s":4,"even":"reject"}]' --set /baseline='"cyclic-mds"'
  [ "$status" -eq 65 ]
  [[ "$output" == *"expected n + s odd (s = 3 or 5 with n = 12), found s = 4"* ]]
}

@test "compare warns of ill-conditioned decodes, and of no others" {
  "$STRAGGLE" run exact.json --quiet -o ill.db --set /cluster/workers=20 --set /baseline='"uncoded"' \
    --set '/schemes=[{"code":"uncoded"},{"code":"ye-abbe","d":10,"m":5,"construction":"polynomial"},{"code":"reed-solomon","s":3}]'
  run "$STRAGGLE" compare ill.db
  [ "$status" -eq 0 ]
  [[ "$output" == *"Warning: ye-abbe d=10 m=5 polynomial:"*"ill-conditioned decodes"* ]]
  [ "$(grep -c Warning <<< "$output")" = 1 ]
}
