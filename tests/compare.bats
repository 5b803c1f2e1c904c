#!/usr/bin/env bats
# The comparison from scenario files: what it says, and when it warns.

setup() {
  cd "$BATS_TEST_TMPDIR"
  scenarios="$BATS_TEST_DIRNAME/../scenarios"
}

@test "quantiles are pooled: compare, v_point and expect agree, and with the exact ones" {
  for detail in summary iteration; do
    "$STRAGGLE" run --quiet "$scenarios/quickstart.json" --set /output/detail=$detail -o $detail.db
    "$STRAGGLE" compare $detail.db --format json > compare.json
    "$STRAGGLE" expect "$scenarios/quickstart.json" --database $detail.db --format json > expect.json
    # By rows where they are there, by groups where not: runs of 37 iterations are kept whole.
    [ "$(sqlite3 :memory: "SELECT count(*), max(abs(c.value ->> 'iter_p99_s' - e.value ->> 'sim_p99_s') / (e.value ->> 'sim_p99_s')) < 1e-3
        FROM json_each(readfile('compare.json')) c JOIN json_each(readfile('expect.json'), '$.points') e
        ON c.value ->> 'scheme_label' = e.value ->> 'scheme'")" = "9|1" ]
  done
  # A mean of the runs' own quantiles was 5 to 9 % low.
  [ "$(sqlite3 :memory: "SELECT count(*), max(abs(value ->> 'z_p99')) < 3 FROM json_each(readfile('expect.json'), '$.points')")" = "9|1" ]
  [ "$(sqlite3 summary.db "SELECT abs(iter_p99_s - 79.79) < 4 FROM v_point WHERE code = 'uncoded'")" = 1 ]
  diff <(sqlite3 summary.db "SELECT * FROM v_iter_quantile") <(sqlite3 iteration.db "SELECT * FROM v_iter_quantile")
}

@test "replayed times have intervals from blocks of iterations" {
  "$STRAGGLE" run --quiet "$scenarios/trace-replay.json" -o one.db
  "$STRAGGLE" run --quiet "$scenarios/trace-replay.json" --set /replications=8 -o eight.db
  for db in one eight; do
    "$STRAGGLE" compare $db.db --format json > $db.json
    run "$STRAGGLE" compare $db.db
    [[ "$output" == *"compute times are replayed, the same in all replications"* ]]
    [[ "$output" == *"all replications are the same (7 schemes): intervals are from one, by 10 blocks"* ]]
    [[ "$output" != *"too few  "* ]]
  done
  # More of the same is no more certain.
  intervals="SELECT group_concat(printf('%.4g %.4g %s', value ->> 'speedup_ci95_low', value ->> 'speedup_ci95_high', value ->> 'verdict')) FROM json_each(readfile"
  [ "$(sqlite3 :memory: "$intervals('one.json'))")" = "$(sqlite3 :memory: "$intervals('eight.json'))")" ]
  [ "$(sqlite3 :memory: "SELECT count(*) FROM json_each(readfile('eight.json')) WHERE value ->> 'speedup_ci95_high' > 1.001 * (value ->> 'speedup_ci95_low')")" = 7 ]
  [ "$(sqlite3 eight.db "SELECT count(*) FROM v_point WHERE iter_mean_ci95_half_s IS NOT NULL")" = 0 ]
  "$STRAGGLE" run --quiet "$scenarios/trace-replay.json" --set /replications=8 --set /output/detail=summary -o summary.db
  run "$STRAGGLE" compare summary.db
  [[ "$output" == *"runs equal"*"all replications are the same (7 schemes), and there are no iterations"* ]]
}

@test "compare warns of laws without a variance, and of runs as short as what lasts" {
  timing='"learning":{"problem":"none","length":10},"schemes":[{"code":"uncoded"},{"code":"fractional-repetition","s":1}],"replications":10'
  for shape in 1 1.5 2.5; do
    echo '{"format":1,"cluster":{"workers":4},"delay":{"model":"pareto","minimum_s":1,"shape":'$shape'},"stop":{"iterations":50},'"$timing}" > pareto.json
    "$STRAGGLE" run --quiet pareto.json -o pareto-$shape.db
  done
  run "$STRAGGLE" compare pareto-1.db
  [[ "$output" == *"Warning: delay: Pareto times of shape 1 have no mean"* ]]
  run "$STRAGGLE" compare pareto-1.5.db
  [[ "$output" == *"Warning: delay: Pareto times of shape 1.5 have no variance"* ]]
  run "$STRAGGLE" compare pareto-2.5.db
  [[ "$output" != *Warning* ]]
  for stays in 100 1.5; do
    echo '{"format":1,"cluster":{"workers":4},"delay":{"model":"exponential","mean_s":1,"memory":{"slow_share":0.25,"mean_slow_iterations":'$stays',"slowdown":9}},"stop":{"iterations":100},'"$timing}" > memory.json
    "$STRAGGLE" run --quiet memory.json -o memory-$stays.db
  done
  run "$STRAGGLE" compare memory-100.db
  [[ "$output" == *"Warning: iterations hang together: the mean of a run of "* ]]
  run "$STRAGGLE" compare memory-1.5.db
  [[ "$output" != *Warning* ]]
}

@test "one level for all verdicts of a sweep" {
  "$STRAGGLE" run --quiet "$BATS_TEST_DIRNAME/scenarios/small.json" -o small.db --set /replications=6
  each="$("$STRAGGLE" compare small.db --format csv | wc -l)"
  [ "$("$STRAGGLE" compare small.db --simultaneous --format csv | wc -l)" = "$each" ]
  run "$STRAGGLE" compare small.db --simultaneous
  [[ "$output" == *"intervals and verdicts against a baseline hold together at 95 %"* ]]
}
