#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# straggle expect, as a person uses it. STRAGGLE names the program.

setup() {
  scenarios="$BATS_TEST_DIRNAME/../scenarios"
  cd "$BATS_TEST_TMPDIR"
  cat > small.json <<'END'
{
  "format": 1,
  "cluster": { "workers": 6 },
  "delay": { "model": "exponential", "mean_s": 2 },
  "learning": { "problem": "none", "length": 60 },
  "schemes": [
    { "code": "uncoded" },
    { "code": "fractional-repetition", "s": { "each": [1, 2] } }
  ],
  "replications": 4,
  "stop": { "iterations": 500 },
  "output": { "database": "small.db" }
}
END
}

@test "expect: exact values alone" {
  run "$STRAGGLE" expect small.json --format csv
  [ "$status" -eq 0 ]
  [[ "${lines[0]}" == scheme,n,wait_for,known_by,mean_s,* ]]
  # Uncoded: 2 H(6) = 4.9; repetition: d · 2/d · H(n/d).
  [[ "${lines[1]}" == uncoded,6,6\ of\ 6,construction,4.9,* || "${lines[1]}" == *,4.8999999999* || "${lines[1]}" == *,4.9000000000* ]]
  [[ "$output" == *'"3 groups, 1 of 2 each"'* ]]
}

@test "expect: beside simulated values, found by key" {
  "$STRAGGLE" run small.json --quiet
  run "$STRAGGLE" expect small.json --database small.db
  [ "$status" -eq 0 ]
  [[ "$output" == *sim_mean_s* ]]
  [[ "$output" == *"3 judged: 0 with |z| > 4"* ]]
  [[ "$output" == *"effective degrees"* ]]
  # A point that the database does not have is shown and said so.
  run "$STRAGGLE" expect small.json --database small.db --set /schemes/1/s=5
  [ "$status" -eq 0 ]
  [[ "$output" == *"fractional-repetition s=5: not in the database"* ]]
  [[ "$output" == *"1 judged"* ]]
  # Nothing in it at all.
  run "$STRAGGLE" expect small.json --database small.db --set /delay/mean_s=3
  [ "$status" -eq 0 ]
  [[ "$output" == *"3 not in the database"* ]]
  [[ "$output" != *judged* ]]
}

# The ends of iterations are sums, so that equal times differ by rounding.
@test "expect: times that are never random are not judged by their rounding" {
  "$STRAGGLE" run small.json --quiet --set '/delay={"model":"deterministic","value_s":1}' --set /master/update_s=0.3 -o fixed.db
  run "$STRAGGLE" expect small.json --database fixed.db --set '/delay={"model":"deterministic","value_s":1}' --set /master/update_s=0.3
  echo "$output"
  [[ "$output" == *"3 judged: 0 with |z| > 4"* ]]
}

@test "expect: a wrong simulation is found out" {
  "$STRAGGLE" run small.json --quiet
  sqlite3 small.db "UPDATE run_summary SET iter_mean_s = iter_mean_s * 1.2"
  run "$STRAGGLE" expect small.json --database small.db
  [ "$status" -eq 0 ]
  [[ "$output" == *"3 judged: 3 with |z| > 4"* ]]
}

@test "expect: JSON has points and a summary" {
  "$STRAGGLE" run small.json --quiet
  "$STRAGGLE" expect small.json -d small.db --json > out.json
  run sqlite3 :memory: "WITH x(j) AS (SELECT readfile('out.json')), s(s) AS (SELECT j -> '\$.summary' FROM x),
      p AS (SELECT value ->> 'mean_s' AS mean, value ->> 'iterations' AS n, value ->> 'z' AS z
            FROM x, json_each(j, '\$.points'))
    SELECT count(*), min(n) = 2000, s ->> 'judged',
      s ->> 'sum_z2' < s ->> 'sum_z2_p999', abs(s ->> 'sum_z2' - sum(z * z)) < 1e-9
    FROM p, s"
  [ "$output" = "3|1|3|1|1" ]
  run sqlite3 :memory: "SELECT abs(readfile('out.json') ->> '\$.points[0].mean_s' - 4.9) < 1e-9"
  [ "$output" = 1 ]
}

@test "expect: no closed form, with the reason" {
  run "$STRAGGLE" expect small.json --set '/network={"ingress":{"model":"fifo","bandwidth_Bps":1e4}}'
  [ "$status" -eq 0 ]
  [[ "$output" == *"no closed form: uncoded: messages queue at the master (and 2 more)"* ]]
}

@test "expect: faults as check reports them" {
  run "$STRAGGLE" expect small.json --set /schemes/1/s=99
  [ "$status" -eq 65 ]
  run "$STRAGGLE" check small.json --set /schemes/1/s=99
  [ "$status" -eq 65 ]
  run "$STRAGGLE" expect small.json --database missing.db
  [ "$status" -eq 66 ]
  run "$STRAGGLE" expect small.json -o small.db
  [ "$status" -eq 64 ]
  run "$STRAGGLE" expect
  [ "$status" -eq 64 ]
}

@test "expect: shipped scenarios of papers" {
  for s in "$scenarios"/papers/*.json; do
    run "$STRAGGLE" check "$s"
    [ "$status" -eq 0 ]
  done
  run "$STRAGGLE" expect "$scenarios/papers/ye-abbe-n8.json"
  [ "$status" -eq 0 ]
  [[ "$output" == *36.1138* && "$output" == *21.3697* && "$output" == *18.4528* ]]
}
