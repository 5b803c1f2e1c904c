#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Traces on the command line: fit, scenarios of traces, converters of timelines.

setup() {
  root="$BATS_TEST_DIRNAME/.."
  cd "$BATS_TEST_TMPDIR"
  cp -r "$root/scenarios" .
}

@test "fit: tables within the terminal, verdict, and a fragment that check takes" {
  for trace in independent persistent; do
    COLUMNS=100 run "$STRAGGLE" fit scenarios/traces/$trace.csv --replicates 9
    [ "$status" -eq 0 ]
    [[ "$output" == *"Verdict: The measurements"* ]]
    [[ "$output" == *"To paste into a scenario"* ]]
    widest=$(echo "$output" | sed '/^To paste/,$d' | LC_ALL=C.UTF-8 wc -L)
    [ "$widest" -gt 50 ]
    [ "$widest" -le 100 ]
    { echo '{ "format": 1,'
      echo "$output" | sed '1,/^To paste/d'
      echo ', "learning": { "problem": "none" }, "schemes": [ { "code": "uncoded" } ] }'
    } > fragment.json
    run "$STRAGGLE" check fragment.json
    [ "$status" -eq 0 ]
  done
}

@test "fit --json is JSON, with every model's scenario; check takes each" {
  ask() { sqlite3 :memory: "SELECT $1 FROM (SELECT readfile('fit.json') AS j)"; }
  "$STRAGGLE" fit scenarios/traces/memory.csv --replicates 9 --json > fit.json
  [ "$(ask "(SELECT group_concat(key) FROM json_each(j, '\$.warnings'))")" = memory ]
  [ "$(ask "json_array_length(j, '\$.laws')")" -eq 9 ]
  n=$(ask "json_array_length(j, '\$.models')")
  [ "$n" -ge 3 ]
  for i in $(seq 0 $((n - 1))); do
    ask "j ->> '\$.models[$i].scenario'" > members
    { echo '{ "format": 1,'; cat members
      echo ', "learning": { "problem": "none" }, "schemes": [ { "code": "uncoded" } ] }'
    } > fragment.json
    "$STRAGGLE" check fragment.json
  done
}

@test "fit: some workers only, and the fragment says which" {
  run "$STRAGGLE" fit scenarios/traces/persistent.csv --workers 0-3,8 --replicates 0
  [ "$status" -eq 0 ]
  [[ "$output" == *"5 workers × 240 iterations"* ]]
  run "$STRAGGLE" fit scenarios/traces/persistent.csv --workers 12 --replicates 0
  [ "$status" -eq 64 ]
  [[ "$output" == *"0-7,12"* ]]
}

@test "fit reads standard input, and asks for the file's name in its place" {
  run bash -c "\"$STRAGGLE\" fit - --replicates 0 < scenarios/traces/memory.csv"
  [ "$status" -eq 0 ]
  [[ "$output" == *"12 workers × 240 iterations"* ]]
  cat scenarios/traces/memory.csv | "$STRAGGLE" fit - --replicates 0 --json > fit.json
  [[ "$(sqlite3 :memory: "SELECT readfile('fit.json') -> '$.models'")" == *'TRACE.csv'* ]]
}

@test "fit: what cannot be computed is said, not printed as a number" {
  { echo iteration,worker,compute_s
    awk 'BEGIN { srand(1); for (i = 0; i < 200; i++) print i ",0," 1 - log(1 - rand()) / 2 }'
  } > one.csv
  run "$STRAGGLE" fit one.csv --replicates 0
  [ "$status" -eq 0 ]
  [[ "$output" == *"Workers apart from memory: not computable."* ]]
  [[ "$output" != *nan* && "$output" != *1e-12* ]]
  "$STRAGGLE" fit one.csv --replicates 0 --json > fit.json
  [ -z "$(sqlite3 :memory: "SELECT readfile('fit.json') ->> '$.persistent_p'")" ]
  [ -z "$(sqlite3 :memory: "SELECT readfile('fit.json') ->> '$.halves_correlation'")" ]
}

@test "fit: faults of a trace with their lines, a missing file, usage" {
  printf 'iteration,worker,compute_s\n0,0,1\n0,1,-2\n1,0,x\n1,1\n' > bad.csv
  run "$STRAGGLE" fit bad.csv
  [ "$status" -eq 65 ]
  [[ "$output" == *"bad.csv:3"* && "$output" == *"bad.csv:4"* && "$output" == *"bad.csv:5"* ]]
  run "$STRAGGLE" fit nowhere.csv
  [ "$status" -eq 66 ]
  run "$STRAGGLE" fit
  [ "$status" -eq 64 ]
  run "$STRAGGLE" fit scenarios/traces/memory.csv --seed -1
  [ "$status" -eq 64 ]
}

@test "a trace in other units needs unit_s, and fit says trace units" {
  sed 's/^# unit: s/# unit: ticks/' scenarios/traces/memory.csv > ticks.csv
  cat > ticks.json <<'END'
{ "format": 1, "cluster": { "workers": 12 }, "delay": { "model": "trace", "path": "ticks.csv" },
  "learning": { "problem": "none" }, "schemes": [ { "code": "uncoded" } ] }
END
  run "$STRAGGLE" check ticks.json
  [ "$status" -eq 65 ]
  [[ "$output" == *"/delay/unit_s"* && "$output" == *'"ticks"'* ]]
  run "$STRAGGLE" check ticks.json --set /delay/unit_s=0.001
  [ "$status" -eq 0 ]
  [[ "$output" == *"in blocks of "*"from the autocorrelation"* ]]
  run "$STRAGGLE" check ticks.json --set /delay/unit_s=0.001 --set /delay/mode=iid-bootstrap
  [[ "$output" == *"warning: iid-bootstrap"* ]]
  run "$STRAGGLE" fit ticks.csv --replicates 0
  [[ "$output" == *"trace units, not seconds"* ]]
}

@test "the block length is printed by run and kept with the results" {
  cat > blocks.json <<'END'
{ "format": 1, "cluster": { "workers": 12 },
  "delay": { "model": "trace", "path": "scenarios/traces/memory.csv" },
  "learning": { "problem": "none" }, "schemes": [ { "code": "uncoded" } ] }
END
  run "$STRAGGLE" run blocks.json
  [ "$status" -eq 0 ]
  [[ "$output" == *"in blocks of "* ]]
  run sqlite3 blocks.db "SELECT json_extract(config_json, '\$.note') FROM point"
  [[ "$output" == *"in blocks of "*"from the autocorrelation"* ]]
}

@test "the shipped scenarios of traces run, and resampling one by one misleads" {
  for s in trace-replay trace-bootstrap; do
    "$STRAGGLE" run scenarios/$s.json --quiet -o $s.db
  done
  run sqlite3 trace-replay.db "SELECT iterations FROM run LIMIT 1"
  [ "$output" -eq 240 ]
  best() {
    sqlite3 trace-bootstrap.db "SELECT p.scheme_label FROM v_point p JOIN point_axis a USING (point_id)
      WHERE a.value LIKE '%$1%' ORDER BY p.iter_mean_s LIMIT 1"
  }
  [ "$(best block)" = "fractional-repetition s=2" ]
  [ "$(best iid)" = "fractional-repetition s=3" ]
}

@test "converters of timelines, on samples" {
  command -v python3 >/dev/null || skip "no python3"
  python3 "$root/tests/traces/make_samples.py" .
  convert="$root/scenarios/traces/convert"
  python3 "$convert/pytorch_profiler.py" rank2.json rank0.json rank1.json > pytorch.csv
  python3 "$convert/horovod_timeline.py" horovod.json > horovod.csv
  sqlite3 perfetto.db < "$convert/perfetto.sql" > perfetto.csv
  for t in pytorch horovod perfetto; do
    # Worker w takes 10 + w + i/10 ms in step i.
    grep -v '^#' $t.csv | awk -F, 'NR > 1 { i = int((NR - 2) / 3); w = (NR - 2) % 3
      if ($2 != w || ($3 - (10 + w + i / 10) / 1000) ^ 2 > 1e-16) exit 1 }
      END { if (NR != 13) exit 1 }'
    run "$STRAGGLE" fit $t.csv --replicates 0
    [ "$status" -eq 0 ]
  done
}

@test "the example traces are those of their generator" {
  generator="$(dirname "$STRAGGLE")/tests/make_traces"
  [ -x "$generator" ] || skip "not built"
  mkdir made
  "$generator" made
  for t in made/*.csv; do cmp "$t" "$root/scenarios/traces/$(basename "$t")"; done
}
