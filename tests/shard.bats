#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Shards and their merge: what many processes compute is what one does. STRAGGLE names the program.

setup() {
  cd "$BATS_TEST_TMPDIR"
  cat > small.json <<'END'
{
  "format": 1,
  "name": "small",
  "cluster": { "workers": 6 },
  "delay": { "model": "exponential", "mean_s": 1, "unit": "subset" },
  "learning": {
    "problem": "logistic-regression",
    "data": { "source": "gaussian-mixture", "rows": 120, "features": 5 }
  },
  "schemes": [
    { "code": "uncoded" },
    { "code": "cyclic-repetition", "s": { "each": [1, 2] } }
  ],
  "sweep": [ { "name": "n", "path": "/cluster/workers", "values": [6, 8] } ],
  "baseline": "uncoded",
  "replications": 7,
  "stop": { "iterations": 20 },
  "output": { "database": "small.db", "detail": "worker" }
}
END
}

# The content of all result tables, without numbers of rows, wall-clock times and who wrote.
content() {
  local table columns
  # All tables but those that say who wrote, from what, and what is no result of a run: a new one is
  # among them by itself.
  for table in $(sqlite3 "$1" "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN
    ('invocation', 'scenario', 'calibration', 'code_check', 'code_check_sets', 't_quantile', 'column_doc')
    ORDER BY name"); do
    columns=$(sqlite3 "$1" "SELECT group_concat('quote(t.' || name || ')', ',') FROM pragma_table_info('$table')
      WHERE name NOT IN ('run_id', 'point_id', 'scenario_id', 'invocation_id', 'wall_s')")
    echo "$table"
    case $table in
      point) sqlite3 "$1" "SELECT $columns FROM point t ORDER BY point_sha256" ;;
      point_axis) sqlite3 "$1" "SELECT point_sha256, $columns FROM point_axis t JOIN point USING (point_id)
        ORDER BY point_sha256, position" ;;
      *) sqlite3 "$1" "SELECT p.point_sha256, r.replication, $columns FROM $table t
        JOIN run r USING (run_id) JOIN point p ON p.point_id = r.point_id" | LC_ALL=C sort ;;
    esac
  done | sha256sum
}

shards() { # scenario, how many
  local i
  for i in $(seq "$2"); do "$STRAGGLE" run "$1" --shard "$i/$2" -q; done
}

none() { # no scheduler in the environment, whatever the tests run in
  env -i PATH="$PATH" OPENBLAS_NUM_THREADS=1 "$@"
}

@test "merged shards are the unsharded database, to the bit, and are asked the same" {
  "$STRAGGLE" run small.json -o whole.db -q
  for n in 1 2 5; do
    shards small.json $n
    run "$STRAGGLE" merge "merged-$n.db" small.shard-*-of-$n.db
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"42 runs added from $n databases, 0 were there already"* ]]
    [ "$(content merged-$n.db)" = "$(content whole.db)" ]
    for question in compare "query @points" "query @slowest-workers" "query @costs" "query @progress"; do
      set -- $question
      "$STRAGGLE" $1 whole.db ${2:-} > a.txt
      "$STRAGGLE" $1 merged-$n.db ${2:-} > b.txt
      cmp a.txt b.txt
    done
  done
  # The hash sees a last bit.
  sqlite3 merged-2.db "UPDATE iteration SET start_s = start_s * (1 + 2.3e-16)
    WHERE run_id = (SELECT min(run_id) FROM run) AND iteration = 7"
  [ "$(content merged-2.db)" != "$(content whole.db)" ]
  sqlite3 merged-5.db "UPDATE iter_time_group SET position = position + 100 WHERE run_id = (SELECT max(run_id) FROM run)"
  [ "$(content merged-5.db)" != "$(content whole.db)" ]
}

@test "every run is dealt to exactly one shard, evenly" {
  for n in 2 5 60; do
    shards small.json $n
    total=0 least=99 most=0
    for i in $(seq $n); do
      k=$(sqlite3 "small.shard-$i-of-$n.db" "SELECT count(*) FROM run")
      total=$((total + k))
      [ "$k" -ge "$least" ] || least=$k
      [ "$k" -le "$most" ] || most=$k
    done
    echo "$n: $total $least $most"
    [ "$total" -eq 42 ]
    [ $((most - least)) -le 1 ]
  done
}

@test "dear points are dealt before cheap ones" {
  # Two points of ten cost most, in places of equal parity: by turns, one shard would have both.
  sweep='/sweep=[{"name":"n","path":"/cluster/workers","values":[900,8,9,10,11,12,898,14,15,16]}]'
  run "$STRAGGLE" plan small.json --set "$sweep" --set '/schemes=[{"code":"uncoded"}]' \
    --set /learning/data/rows=1800 --set /replications=1 --shard 1/2
  echo "$output"
  [[ "$output" =~ the\ most\ is\ 5[0-2](\.[0-9])?\ % ]]
}

@test "an interrupted shard goes on, and merging a part is no loss" {
  long="--set /stop/iterations=3000 --set /output/detail=iteration"
  "$STRAGGLE" run small.json $long --shard 1/2 -j 1 -q &
  pid=$!
  sleep 0.3
  kill -KILL $pid
  wait $pid || true
  "$STRAGGLE" run small.json $long --shard 2/2 -q
  "$STRAGGLE" merge merged.db small.shard-2-of-2.db -q
  "$STRAGGLE" run small.json $long --shard 1/2 -q
  "$STRAGGLE" merge merged.db small.shard-1-of-2.db -q
  "$STRAGGLE" run small.json $long -o whole.db -q
  [ "$(content merged.db)" = "$(content whole.db)" ]
}

@test "merging twice changes nothing" {
  shards small.json 3
  "$STRAGGLE" merge small.db small.shard-*.db -q
  sqlite3 small.db .dump > once.sql
  run "$STRAGGLE" merge small.db small.shard-*.db small.db
  [[ "$output" == *"0 runs added from 3 databases, 42 were there already"* ]]
  sqlite3 small.db .dump | cmp - once.sql
  [ "$(sqlite3 small.db "SELECT group_concat(shard, ' ') FROM (SELECT shard FROM invocation ORDER BY shard)")" = "1/3 2/3 3/3" ]
  [ "$(sqlite3 small.db "SELECT count(DISTINCT invocation_id) FROM run")" = 3 ]
  [ "$(sqlite3 small.db "PRAGMA integrity_check; PRAGMA foreign_key_check")" = ok ]
}

@test "shards leave out what the scenario's own database has" {
  shards small.json 2
  "$STRAGGLE" merge small.db small.shard-*.db -q
  rm small.shard-*.db
  for i in 1 2 3; do
    run "$STRAGGLE" run small.json --set /replications=9 --shard $i/3
    [[ "$output" == *"4 runs computed"* ]]
  done
  run "$STRAGGLE" plan small.json --set /replications=9 --shard 1/3
  [[ "$output" == *"0 runs are missing"* ]]
  run "$STRAGGLE" plan small.json --set /replications=9 --shard 1/3 -o new.db --known small.shard-1-of-3.db
  [[ "$output" == *" 14 runs are missing in new.shard-1-of-3.db"* ]]
  [[ "$output" == *" 14 runs are missing"* ]]
  "$STRAGGLE" merge small.db small.shard-*.db -q
  "$STRAGGLE" run small.json --set /replications=9 -o whole.db -q
  [ "$(content small.db)" = "$(content whole.db)" ]
}

@test "what is not the same is said, and nothing is written" {
  shards small.json 2
  "$STRAGGLE" merge small.db small.shard-1-of-2.db -q
  sqlite3 small.db .dump > before.sql
  check() { # statement that spoils other.db, what the fault says
    cp small.shard-1-of-2.db other.db
    sqlite3 other.db "$1"
    run "$STRAGGLE" merge small.db small.shard-2-of-2.db other.db
    echo "$output"
    [ "$status" -eq 65 ]
    [[ "$output" == *"$2"* ]]
    sqlite3 small.db .dump | cmp - before.sql
    run "$STRAGGLE" merge new.db small.shard-*.db other.db
    [ "$status" -eq 65 ]
    [ "$(echo new.db*)" = "new.db*" ]
  }
  one="run_id = (SELECT min(run_id) FROM run)"
  check "UPDATE iteration SET loss = loss * (1 + 2.3e-16) WHERE $one AND iteration = 3" "iteration.loss of iteration 3 is 0."
  check "UPDATE worker_iteration SET used = 1 - used WHERE $one AND iteration = 19 AND worker = 5" "worker_iteration.used of iteration 19"
  check "UPDATE run_summary SET iter_mean_s = -iter_mean_s WHERE $one" "run_summary.iter_mean_s is -"
  check "UPDATE run SET stop_reason = 'sim-time' WHERE $one" ".stop_reason is sim-time here and iterations in the databases before it; computed with kernels"
  check "DELETE FROM iteration WHERE $one AND iteration = 19" "a row of iteration of iteration 19 is not here but in the databases before it"
  check "UPDATE point SET n_workers = 7 WHERE point_id = 1" "point.n_workers is 7 here and 6"
  check "UPDATE point SET results_version = results_version + 1" "expected results of version"
  check "PRAGMA user_version = 1" "expected schema version"
  check "PRAGMA application_id = 7" "database of another program"
  run "$STRAGGLE" merge small.db nothing.db
  [ "$status" -eq 66 ]
  sqlite3 small.db .dump | cmp - before.sql
}

@test "more detail is kept, and a killed merge is all or nothing" {
  "$STRAGGLE" run small.json --set /output/detail=summary -o a.db -q
  cp a.db c.db
  "$STRAGGLE" run small.json -o b.db -q
  "$STRAGGLE" run small.json --set /output/detail=iteration -o c.db -q
  run "$STRAGGLE" merge a.db b.db
  [[ "$output" == *"42 are more detailed now"* ]]
  [ "$(content a.db)" = "$(content b.db)" ]
  run "$STRAGGLE" merge a.db b.db c.db
  [[ "$output" == *"84 were there already"* ]]
  [ "$(content a.db)" = "$(content b.db)" ]
  "$STRAGGLE" run small.json --set /stop/iterations=1500 -o long.db -q
  for wait in 0.05 0.1 0.3; do
    "$STRAGGLE" merge a.db long.db -q &
    pid=$!
    sleep $wait
    kill -KILL $pid || true
    wait $pid || true
    n=$(sqlite3 a.db "SELECT count(*) FROM run")
    [ "$n" = 42 ] || [ "$n" = 84 ]
  done
  "$STRAGGLE" merge a.db long.db -q
  [ "$(sqlite3 a.db "SELECT count(*) FROM run")" = 84 ]
}

@test "checks of codes and decode times are merged, too" {
  "$STRAGGLE" codes check group d=4 m=2 --database a.db -q
  "$STRAGGLE" codes check uncoded --database b.db -q
  "$STRAGGLE" merge c.db a.db b.db -q
  "$STRAGGLE" merge c.db b.db a.db -q
  [ "$(sqlite3 c.db "SELECT count(*) FROM code_check")" = 2 ]
  sets=0
  for db in a.db b.db; do sets=$((sets + $(sqlite3 $db "SELECT count(*) FROM code_check_sets"))); done
  [ "$(sqlite3 c.db "SELECT count(*) FROM code_check_sets JOIN code_check USING (check_id)")" = $sets ]
  sqlite3 b.db "UPDATE code_check SET err_float32_worst = 1"
  run "$STRAGGLE" merge c.db b.db
  [ "$status" -eq 65 ]
  measured="--set /master/decode={\"model\":\"measured\"}"
  run "$STRAGGLE" run small.json $measured --shard 1/2
  [ "$status" -eq 65 ]
  [[ "$output" == *"one measurement of decode times"* ]]
  "$STRAGGLE" run small.json $measured --set /replications=1 -q
  for i in 1 2; do "$STRAGGLE" run small.json $measured --shard $i/2 -q; done
  "$STRAGGLE" merge small.db small.shard-*.db
  [ "$(sqlite3 small.db "SELECT count(*) FROM run")" = 42 ]
  "$STRAGGLE" run small.json $measured --set /replications=1 -q -o other.db
  run "$STRAGGLE" merge other.db small.db
  [ "$status" -eq 65 ]
  [[ "$output" == *"another measurement"* ]]
}

@test "which shard a process is, said or from the environment" {
  is() { # i-of-n, variables …; --shard has $shard
    local expected=$1
    shift
    run none "$@" "$STRAGGLE" plan small.json --shard "$shard"
    echo "$shard $* -> $output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"small.shard-$expected.db"* ]]
  }
  refused() { # a part of the message, variables …
    local expected=$1
    shift
    run none "$@" "$STRAGGLE" plan small.json --shard "$shard"
    echo "$shard $* -> $output"
    [ "$status" -eq 64 ]
    [[ "$output" == *"$expected"* ]]
  }
  shard=3/8
  is 3-of-8
  shard=0/8
  refused "numbers begin at 1"
  for shard in 9/8 1/0 -1/2 1/2/3 1 / 1/ auto/x autos 1.5/2 "" 1/9999999999; do
    refused "expected i/n with i from 1 to n"
  done
  shard=auto
  refused "--shard 1/8"
  array="SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_MAX=3 SLURM_ARRAY_TASK_STEP=1"
  is 1-of-4 $array SLURM_ARRAY_TASK_ID=0
  is 4-of-4 $array SLURM_ARRAY_TASK_ID=3
  is 1-of-4 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=4 SLURM_ARRAY_TASK_ID=1
  is 2-of-3 SLURM_ARRAY_TASK_COUNT=3 SLURM_ARRAY_TASK_MIN=5 SLURM_ARRAY_TASK_MAX=25 SLURM_ARRAY_TASK_STEP=10 SLURM_ARRAY_TASK_ID=15
  refused "have gaps" SLURM_ARRAY_TASK_COUNT=2 SLURM_ARRAY_TASK_MIN=3 SLURM_ARRAY_TASK_MAX=7 SLURM_ARRAY_TASK_STEP=1 SLURM_ARRAY_TASK_ID=3
  is 3-of-6 OMPI_COMM_WORLD_RANK=2 OMPI_COMM_WORLD_SIZE=6
  is 3-of-6 PMI_RANK=2 PMI_SIZE=6
  is 3-of-6 SLURM_STEP_ID=0 SLURM_PROCID=2 SLURM_STEP_NUM_TASKS=6
  # A batch script has a rank, but nobody beside it; mpirun goes before the srun that began it.
  refused "--shard 1/8" SLURM_PROCID=0 SLURM_NTASKS=6
  is 3-of-6 OMPI_COMM_WORLD_RANK=2 OMPI_COMM_WORLD_SIZE=6 SLURM_STEP_ID=0 SLURM_PROCID=0 SLURM_STEP_NUM_TASKS=2
  # Tasks within an array.
  is 5-of-8 $array SLURM_ARRAY_TASK_ID=2 SLURM_STEP_ID=0 SLURM_PROCID=0 SLURM_STEP_NUM_TASKS=2
  refused "say it, as in --shard auto/8" JOB_COMPLETION_INDEX=3
  shard=auto/8
  is 4-of-8 JOB_COMPLETION_INDEX=3
  is 4-of-8 PMIX_RANK=3
  refused "expected a number from 0 to 7" JOB_COMPLETION_INDEX=8
  refused "expected 8 shards, found 4" $array SLURM_ARRAY_TASK_ID=0
  run "$STRAGGLE" run small.json --shard 1/2 --what-if auto
  [ "$status" -eq 64 ]
}

@test "missing shards are named" {
  "$STRAGGLE" run small.json --shard 1/3 -q
  run "$STRAGGLE" merge merged.db small.shard-1-of-3.db
  [ "$status" -eq 0 ]
  [[ "$output" == *"2 of 3 shards are not among them"* ]]
  run "$STRAGGLE" merge merged.db small.shard-1-of-3.db --json
  [[ "$output" == *'"shards_missing": 2'* ]]
}

@test "until: as many runs as the precision takes, in one process and over shards" {
  sed -i '/replications/d; s/"baseline"/"until": { "half_width": 0.04, "least": 8, "most": 300 }, "baseline"/' small.json
  run "$STRAGGLE" plan small.json -o whole.db
  [[ "$output" == *"48 runs are missing"*"the first 8 runs of each point settle"* ]]
  run "$STRAGGLE" run small.json -o whole.db
  echo "$output"
  [ "$status" -eq 0 ]
  [[ "$output" =~ until\ ±\ 4\ %:\ ([0-9]+)\ to\ ([0-9]+)\ runs\ of\ a\ point ]]
  [ "${BASH_REMATCH[2]}" -gt 20 ]
  # N = (t s / h)^2 of the first 8 pairs, of every scheme; the baseline has the most of its environment.
  t=2.364624251592785 points=
  while IFS='|' read -r point n wanted base; do
    [ "$n" -eq "$wanted" ]
    [ "$base" -ge "$n" ]
    points+=" $point"
  done < <(sqlite3 whole.db "WITH x AS (SELECT p.point_id, ln(b.iter_mean_s / s.iter_mean_s) AS x
        FROM run r JOIN run_summary s USING (run_id) JOIN point p USING (point_id)
        JOIN point o ON o.env_sha256 = p.env_sha256 AND o.is_baseline AND NOT p.is_baseline
        JOIN run q ON q.point_id = o.point_id AND q.replication = r.replication
        JOIN run_summary b ON b.run_id = q.run_id WHERE r.replication < 8),
      m AS (SELECT point_id, avg(x) AS mean FROM x GROUP BY point_id),
      v AS (SELECT point_id, sum((x - mean) * (x - mean)) / 7 AS v FROM x JOIN m USING (point_id) GROUP BY point_id)
    SELECT point_id, (SELECT count(*) FROM run r WHERE r.point_id = v.point_id),
      max(8, CAST(ceil(v * $t * $t / (ln(1.04) * ln(1.04))) AS INTEGER)),
      (SELECT count(*) FROM run r JOIN point o USING (point_id) JOIN point p ON p.env_sha256 = o.env_sha256
        WHERE o.is_baseline AND p.point_id = v.point_id) FROM v")
  [ "$points" = " 2 3 5 6" ]
  run "$STRAGGLE" run small.json -o whole.db
  [[ "$output" == *" 0 runs computed"* ]]
  # Two rounds, and a third that has nothing to do.
  for round in 1 2 3; do
    for i in 1 2 3; do "$STRAGGLE" run small.json --shard $i/3 -q; done
    run "$STRAGGLE" merge small.db small.shard-*.db
  done
  [[ "$output" == *" 0 runs added"* ]]
  run "$STRAGGLE" plan small.json
  [[ "$output" == *" 0 runs are missing"* ]]
  [ "$(content small.db)" = "$(content whole.db)" ]
}

@test "until: what cannot be had is said" {
  sed -i '/replications/d' small.json
  run "$STRAGGLE" run small.json --set '/until={"half_width":0.001,"most":25}'
  [[ "$output" == *"25 runs of each point; 4 of 4 comparisons want more than 25, to expect is up to ±"* ]]
  run "$STRAGGLE" run small.json -o b.db --set '/until={"half_width":0.5,"least":5}' --set /stop/target_loss=0.1
  [[ "$output" == *"5 runs of each point; 4 of 4 have runs without a time to compare and stay at 5"* ]]
  run "$STRAGGLE" check small.json --set '/until={"half_width":0.1}' --set /replications=3
  [ "$status" -ne 0 ]
  [[ "$output" == *'found both'* ]]
  run "$STRAGGLE" check small.json --set '/until={"half_width":0.1,"least":30,"most":20}'
  [[ "$output" == *'expected least ≤ most = 20, found 30'* ]]
  # A scheme alone: its own time.
  run "$STRAGGLE" run small.json -o c.db --set '/schemes=[{"code":"uncoded"}]' --set '/until={"half_width":0.05}'
  [[ "$output" =~ until\ ±\ 5\ %:\ [0-9]+\ to\ [0-9]+\ runs ]]
  # More of a replayed trace tell nothing: a spread of 0 is no precision.
  run "$STRAGGLE" run small.json -o d.db --set '/until={"half_width":0.001,"least":5}' --set '/delay={"model":"trace","mode":"replay","unit":"subset","path":"'"$BATS_TEST_DIRNAME"'/../scenarios/traces/independent.csv"}'
  [[ "$output" == *"until ± 0.1 %: 5 runs of each point; runs of "*" are all the same, and more of them tell nothing"* ]]
}
