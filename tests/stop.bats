#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Stop policies through the whole path: scenario, plan, run, rows, expect. STRAGGLE names the
# program.

setup() {
  schema="$BATS_TEST_DIRNAME/../scenarios/scenario.schema.json"
  cd "$BATS_TEST_TMPDIR"
  # Four workers: a subset takes 1, 1.25, 2 and 4 s.
  cat > four.json <<'END'
{
  "format": 1,
  "cluster": {
    "workers": 4, "assign": "in-order",
    "classes": [ { "share": 0.25, "speed": 1 }, { "share": 0.25, "speed": 0.8 },
                 { "share": 0.25, "speed": 0.5 }, { "share": 0.25, "speed": 0.25 } ]
  },
  "delay": { "model": "deterministic", "value_s": 1 },
  "learning": { "problem": "none", "length": 12 },
  "schemes": [ { "code": "ignore-stragglers", "s": 1, "stop": "count" } ],
  "stop": { "iterations": 3 },
  "output": { "database": "four.db", "detail": "iteration" }
}
END
  cat > random.json <<'END'
{
  "format": 1,
  "cluster": { "workers": 5 },
  "delay": { "model": "exponential", "mean_s": 2 },
  "learning": { "problem": "none", "length": 12 },
  "schemes": [ { "code": "ignore-stragglers", "s": 2,
                 "stop": { "rule": "deadline", "deadline_s": 2 } } ],
  "sweep": [ { "name": "deadline_s", "path": "/schemes/0/stop/deadline_s",
               "values": [0.5, 1, 2, 4, 8] } ],
  "replications": 4,
  "stop": { "iterations": 2000 },
  "output": { "database": "random.db" }
}
END
}

# Rows as decoded|duration|used, all iterations being alike.
rows_with() {
  rm -f four.db
  "$STRAGGLE" run four.json --quiet --set "/schemes/0/stop=$1" --set "/stop/undecodable=\"${2:-wait}\""
  sqlite3 four.db "SELECT DISTINCT decoded, round(duration_s, 9), n_used FROM iteration"
}

@test "stop: every policy from a scenario to rows" {
  [ "$(rows_with '"count"')" = "1|2.0|3" ]
  [ "$(rows_with '{"rule":"count","messages":2}')" = "1|1.25|2" ]
  [ "$(rows_with '"decodable"')" = "1|4.0|4" ]
  [ "$(rows_with '{"rule":"coverage","share":0.5}')" = "1|1.25|2" ]
  [ "$(rows_with '{"rule":"deadline","deadline_s":2}')" = "1|2.0|3" ]
  [ "$(rows_with '{"rule":"deadline","deadline_s":1.5}')" = "1|1.5|2" ]
  [ "$(rows_with '{"rule":"deadline","deadline_s":9}')" = "1|4.0|4" ]
  [ "$(rows_with '{"rule":"first-factor","mu":0.5}')" = "1|1.5|2" ]
  [ "$(rows_with '{"rule":"quorum","count":2,"grace_s":0.5}')" = "1|1.75|2" ]
  [ "$(rows_with '{"rule":"first-of","first":"count","second":{"rule":"deadline","deadline_s":1.1}}')" = "1|1.1|1" ]
}

@test "stop: a deadline at which nothing has come skips the step, whatever undecodable says" {
  for policy in wait skip error; do
    [ "$(rows_with '{"rule":"deadline","deadline_s":0.75}' $policy)" = "0|0.75|0" ]
    [ "$(sqlite3 four.db "SELECT stop_reason FROM run")" = iterations ]
    [ "$(sqlite3 four.db "SELECT sim_time_s FROM run")" = 2.25 ]
  done
}

@test "stop: an axis over a parameter, and over names" {
  run "$STRAGGLE" run random.json --quiet
  [ "$status" -eq 0 ]
  [ "$(sqlite3 random.db "SELECT count(*) FROM point")" = 5 ]
  # Nobody waits longer than the deadline.
  run sqlite3 random.db "SELECT count(*) FROM run_summary WHERE iter_max_s > 8 + 1e-9"
  [ "$output" = 0 ]
  run "$STRAGGLE" plan four.json --set '/schemes/0/stop={"each":["count","decodable"]}'
  [ "$status" -eq 0 ]
  [[ "$output" == *count* && "$output" == *decodable* ]]
}

@test "stop: expect and simulation agree at every deadline" {
  "$STRAGGLE" run random.json --quiet
  run "$STRAGGLE" expect random.json --database random.db
  [ "$status" -eq 0 ]
  [[ "$output" == *"5 judged: 0 with |z| > 4"* ]]
}

@test "stop: what is too rare to have happened is not judged" {
  # All have come by the deadline with certainty but for e^-20 or so of the iterations.
  cat > rare.json <<'END'
{
  "format": 1,
  "cluster": { "workers": 2 },
  "delay": { "model": "mixture", "components": [
    { "weight": 0.999999999, "model": "deterministic", "value_s": 1 },
    { "weight": 1e-9, "model": "deterministic", "value_s": 3 } ] },
  "learning": { "problem": "none", "length": 12 },
  "schemes": [ { "code": "uncoded" } ],
  "replications": 2,
  "stop": { "iterations": 500 },
  "output": { "database": "rare.db" }
}
END
  "$STRAGGLE" run rare.json --quiet
  run "$STRAGGLE" expect rare.json --database rare.db
  [ "$status" -eq 0 ]
  [[ "$output" == *"too rare to happen"* ]]
  [[ "$output" != *"|z| > 4"* || "$output" == *" 0 with |z| > 4"* ]]
  # A real difference is still found out.
  sqlite3 rare.db "UPDATE run_summary SET iter_mean_s = iter_mean_s * 1.2"
  run "$STRAGGLE" expect rare.json --database rare.db
  [[ "$output" == *"1 with |z| > 4"* ]]
}

@test "stop: faults have a place, and the nearest name" {
  run "$STRAGGLE" check four.json --set '/schemes/0/stop="deadlin"'
  [ "$status" -eq 65 ]
  [[ "$output" == *"/schemes/0/stop"* && "$output" == *'did you mean "deadline"'* ]]
  run "$STRAGGLE" check four.json --set '/schemes/0/stop={"rule":"deadlin"}'
  [ "$status" -eq 65 ]
  [[ "$output" == *"/schemes/0/stop"* && "$output" == *'did you mean "deadline"'* ]]
  run "$STRAGGLE" check four.json --set '/schemes/0/stop="deadline"'
  [ "$status" -eq 65 ]
  [[ "$output" == *'"deadline_s" is missing'* ]]
  run "$STRAGGLE" check four.json --set '/schemes/0/stop={"rule":"deadline"}'
  [ "$status" -eq 65 ]
  [[ "$output" == *'"deadline_s" is missing'* ]]
  run "$STRAGGLE" check four.json --set '/schemes/0/stop={"rule":"deadline","deadline_s":"soon"}'
  [ "$status" -eq 65 ]
  [[ "$output" == *"/schemes/0/stop/deadline_s"* ]]
  run "$STRAGGLE" check four.json --set '/schemes/0/stop=3'
  [ "$status" -eq 65 ]
  [[ "$output" == *"/schemes/0/stop"* ]]
  run "$STRAGGLE" check four.json --set '/schemes/0/stop={"rule":"first-of","first":"count","second":"first-of"}'
  [ "$status" -eq 65 ]
  [[ "$output" == *"/schemes/0/stop/second"* ]]
  run "$STRAGGLE" check four.json --set '/schemes/0/stop={"rule":"deadline","deadline_s":3,"mu":1}'
  [ "$status" -eq 65 ]
  [[ "$output" == *'"mu"'* ]]
}

@test "stop: as typed on the command line of codes check" {
  run "$STRAGGLE" codes check uncoded -n 6 "stop=first-of(first=decodable,second=deadline(deadline_s=30))"
  [ "$status" -eq 0 ]
  for bad in "deadline(deadline_s=30" "deadline(deadline_s=30))" "deadline(30)" "first-of(first=count)" "deadlin(deadline_s=3)"; do
    run "$STRAGGLE" codes check uncoded -n 6 "stop=$bad"
    [ "$status" -ne 0 ]
    [[ "$output" == *"stop"* && "$output" == *expected* || "$output" == *"did you mean"* ]]
  done
}

@test "stop: the schema has the shorthand" {
  python3 -c 'import jsonschema' 2>/dev/null || skip "no jsonschema"
  for stop in '"decodable"' '{"rule":"deadline","deadline_s":3}' '{"each":["count","decodable"]}'; do
    sed "s|\"stop\": \"count\"|\"stop\": $stop|" four.json > one.json
    python3 -c 'import json, jsonschema, sys
jsonschema.validate(json.load(open(sys.argv[1])), json.load(open(sys.argv[2])))' one.json "$schema"
  done
  sed 's|"stop": "count"|"stop": "deadlin"|' four.json > one.json
  run python3 -c 'import json, jsonschema, sys
jsonschema.validate(json.load(open(sys.argv[1])), json.load(open(sys.argv[2])))' one.json "$schema"
  [ "$status" -ne 0 ]
}

@test "stop: a deadline does not narrow a block, and its width changes no bit of the times" {
  cat > wide.json <<'END'
{
  "format": 1,
  "cluster": { "workers": 6 },
  "delay": { "model": "exponential", "mean_s": 2 },
  "learning": { "problem": "logistic-regression", "l2": 0.001, "block_width": 4,
    "data": { "source": "gaussian-mixture", "rows": 120, "features": 7 },
    "optimizer": { "method": "nesterov", "step": 0.5 } },
  "schemes": [ { "code": "ignore-stragglers", "s": 2,
                 "stop": { "rule": "deadline", "deadline_s": 1 } },
               { "code": "ignore-stragglers", "s": 2,
                 "stop": { "rule": "first-of", "first": "count",
                           "second": { "rule": "first-factor", "mu": 2 } } } ],
  "replications": 6,
  "stop": { "iterations": 60 },
  "output": { "database": "wide.db", "detail": "iteration" }
}
END
  "$STRAGGLE" run wide.json --quiet -o two.db -j 2
  "$STRAGGLE" run wide.json --quiet -o one.db -j 1
  dump="SELECT * FROM iteration ORDER BY run_id, iteration"
  [ "$(sqlite3 one.db "$dump")" = "$(sqlite3 two.db "$dump")" ]
  [ "$(sqlite3 one.db "SELECT count(*) > 700, min(decoded), max(decoded) FROM iteration")" = "1|0|1" ]
  # Alone and side by side: the times are the same, losses to rounding.
  "$STRAGGLE" run wide.json --quiet -o narrow.db --set /learning/block_width=1
  run sqlite3 one.db "ATTACH 'narrow.db' AS b;
    WITH x AS (SELECT scheme_label, replication, iteration, duration_s, n_used, loss
               FROM main.iteration JOIN main.run USING (run_id) JOIN main.point USING (point_id)),
         y AS (SELECT scheme_label, replication, iteration, duration_s, n_used, loss
               FROM b.iteration JOIN b.run USING (run_id) JOIN b.point USING (point_id))
    SELECT count(*), sum(x.duration_s = y.duration_s AND x.n_used = y.n_used) = count(*),
      max(abs(x.loss - y.loss)) < 1e-10 FROM x JOIN y USING (scheme_label, replication, iteration)"
  [ "$output" = "720|1|1" ]
}

@test "a target is reached at its own update, however seldom metrics are evaluated" {
  for every in 1 7 1000; do
    "$STRAGGLE" run -q "$BATS_TEST_DIRNAME/../scenarios/quickstart.json" --set /replications=3 \
      --set /learning/evaluate_every=$every --set '/learning/optimizer/method="nesterov"' -o every.db
  done
  # Per scheme and replication one update and one time; not all schemes have the same.
  run sqlite3 every.db "SELECT count(*), sum(n = 1), sum(first % 7 <> 0) > 0 FROM (
    SELECT count(DISTINCT iterations_to_target || ' ' || time_to_target_s) AS n, min(iterations_to_target) AS first
    FROM run_summary JOIN run USING (run_id) JOIN point USING (point_id)
    WHERE iterations_to_target IS NOT NULL GROUP BY scheme_label, replication HAVING count(*) = 3)"
  [ "$output" = "27|27|1" ]
  # The loss is known in every row; test metrics in every 7th and the last.
  run sqlite3 every.db "SELECT count(*) FROM iteration WHERE loss IS NULL"
  [ "$output" = 0 ]
  run sqlite3 every.db "SELECT count(*) FROM (SELECT i.*, lead(iteration) OVER (PARTITION BY run_id ORDER BY iteration) IS NULL AS last
    FROM iteration i JOIN run USING (run_id) JOIN point USING (point_id)
    WHERE json_extract(config_json, '$.environment.learning.evaluate_every') = 7)
    WHERE (test_loss IS NOT NULL) <> (last OR (iteration + 1) % 7 = 0)"
  [ "$output" = 0 ]
}
