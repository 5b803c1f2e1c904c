#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The command line as a person uses it. STRAGGLE names the program.

setup() {
  cd "$BATS_TEST_TMPDIR"
  cat > small.json <<'END'
{
  "format": 1,
  "name": "small",
  "cluster": { "workers": 6 },
  "delay": { "model": "exponential", "mean_s": 1 },
  "learning": {
    "problem": "logistic-regression",
    "data": { "source": "gaussian-mixture", "rows": 120, "features": 5 }
  },
  "schemes": [
    { "code": "uncoded" },
    { "code": "cyclic-repetition", "s": { "each": [1, 2] } }
  ],
  "baseline": "uncoded",
  "replications": 6,
  "stop": { "iterations": 20 },
  "output": { "database": "small.db" }
}
END
}

@test "version and help" {
  run "$STRAGGLE" --version
  [ "$status" -eq 0 ]
  [[ "$output" == straggle\ * ]]
  run "$STRAGGLE" help
  [ "$status" -eq 0 ]
  [[ "$output" == *"  compare       Compare the schemes"* ]]
  run "$STRAGGLE" help run
  [ "$status" -eq 0 ]
  [[ "$output" == *"--threads"* ]]
}

@test "a misspelt command names the nearest one" {
  run "$STRAGGLE" comapre
  [ "$status" -eq 64 ]
  [[ "$output" == *'did you mean "compare"'* ]]
}

@test "usage faults exit with 64" {
  run "$STRAGGLE" run
  [ "$status" -eq 64 ]
  run "$STRAGGLE" run small.json -j 0
  [ "$status" -eq 64 ]
  run "$STRAGGLE" run small.json --nonsense
  [ "$status" -eq 64 ]
  run "$STRAGGLE" run small.json --set cluster=3
  [ "$status" -eq 64 ]
}

@test "run, compare and query" {
  run "$STRAGGLE" run small.json
  [ "$status" -eq 0 ]
  [[ "$output" == *"18 runs computed"* ]]
  [ -f small.db ]
  [ ! -e small.db-wal ]
  run "$STRAGGLE" compare small.db
  [ "$status" -eq 0 ]
  [[ "$output" == *"cyclic-repetition s=2"* ]]
  [[ "$output" == *slower* || "$output" == *faster* || "$output" == *undecided* ]]
  run "$STRAGGLE" query small.db "SELECT count(*) AS n FROM iteration" --format csv
  [ "$status" -eq 0 ]
  [ "${lines[1]}" = 360 ]
  run sqlite3 small.db "SELECT count(*) FROM v_point"
  [ "$output" = 3 ]
}

@test "compare fits in 100 columns" {
  "$STRAGGLE" run small.json --quiet
  "$STRAGGLE" compare small.db > table.txt
  widest=$(LC_ALL=C.UTF-8 wc -L < table.txt)
  [ "$widest" -gt 50 ]
  [ "$widest" -le 100 ]
}

@test "a second run computes nothing, more replications only the new ones" {
  "$STRAGGLE" run small.json --quiet
  run "$STRAGGLE" run small.json
  [[ "$output" == *"0 runs computed"*"18 were there already"* ]]
  run "$STRAGGLE" run small.json --set /replications=7
  [[ "$output" == *"3 runs computed"* ]]
}

@test "an interrupted run goes on" {
  "$STRAGGLE" run small.json --set /stop/iterations=20000 --set /replications=40 -o long.db -j 1 --quiet &
  pid=$!
  sleep 0.5
  kill -INT $pid
  status=0
  wait $pid || status=$?
  [ "$status" -eq 130 ] || [ "$status" -eq 0 ]
  [ ! -e long.db-wal ]
  run "$STRAGGLE" run small.json --set /stop/iterations=20000 --set /replications=40 -o long.db
  [ "$status" -eq 0 ]
  run sqlite3 long.db "SELECT count(*), sum(status = 'finished') FROM run"
  [ "$output" = "120|120" ]
}

@test "--json gives JSON" {
  run "$STRAGGLE" run small.json --json
  [ "$status" -eq 0 ]
  [[ "$output" == *'"computed"'*18* ]]
  for command in "compare small.db" "query small.db @points" "plan small.json" "codes" "codes show group" "check small.json"; do
    "$STRAGGLE" $command --json > out.json
    run sqlite3 :memory: "SELECT json_valid(readfile('out.json'))"
    [ "$output" = 1 ]
  done
}

@test "plan lists points, what is missing and an estimate" {
  run "$STRAGGLE" plan small.json
  [ "$status" -eq 0 ]
  [[ "$output" == *"18 runs are missing"* ]]
  "$STRAGGLE" run small.json --quiet
  run "$STRAGGLE" plan small.json
  [[ "$output" == *"0 runs are missing"* ]]
}

@test "no escapes and no progress where the terminal is dumb, and a line that fits where it is not" {
  command -v script >/dev/null || skip "script is not installed"
  see() { # TERM COLUMNS
    rm -f shown.db
    script -qec "stty cols $2; TERM=$1 '$STRAGGLE' run small.json -o shown.db --set /stop/iterations=4000" /dev/null
  }
  see dumb 80 > dumb.txt
  ! grep -q $'\033' dumb.txt
  grep -q "18 runs computed" dumb.txt
  for columns in 80 40 24; do
    see xterm $columns | tr '\r' '\n' | sed $'s/\033\\[K//g' | grep ' % ' > lines.txt || continue
    [ "$(LC_ALL=C.UTF-8 wc -L < lines.txt)" -lt $columns ]
  done
}

@test "queries without rows say why" {
  "$STRAGGLE" run small.json --quiet -o none.db --set '/output={"detail":"summary"}'
  run "$STRAGGLE" query none.db @slowest-workers
  [[ "$output" == *'No rows: workers are not kept: it needs "output": {"detail": "worker"}.'* ]]
  run "$STRAGGLE" query none.db @ecdf
  [[ "$output" == *'No rows: iterations are not kept'* ]]
  run "$STRAGGLE" query none.db @slowest-workers --format csv
  [[ "$output" == point_id,*scheme_label* && "$output" != *"No rows"* ]]
}

@test "every fault of a scenario is listed with its place" {
  cat > bad.json <<'END'
{
  "format": 1,
  "cluster": { "workers": "six" },
  "delay": { "model": "exponentail", "mean_s": 1 },
  "learning": { "problem": "none" },
  "schemes": [ { "code": "uncoded" } ],
  "replication": 3,
  "stop": { "iterations": 0 }
}
END
  run "$STRAGGLE" check bad.json
  [ "$status" -eq 65 ]
  [[ "$output" == *"bad.json:3:"*"/cluster/workers"* ]]
  [[ "$output" == *"bad.json:4:"*'"exponential"'* ]]
  [[ "$output" == *'"replications"'* ]]
  [[ "$output" == *"/stop/iterations"* ]]
}

@test "syntax errors and duplicate members have a line" {
  printf '{\n "format": 1,\n "format": 1,\n}' > bad.json
  run "$STRAGGLE" check bad.json
  [ "$status" -eq 65 ]
  [[ "$output" == *"bad.json:4:1"* || "$output" == *"bad.json:3:"* ]]
}

@test "rules that join parameters name the rule" {
  run "$STRAGGLE" check small.json --set '/schemes/0={"code":"ye-abbe","d":2,"s":3,"m":1,"construction":"random"}' --set /baseline=ye-abbe
  [ "$status" -eq 65 ]
  [[ "$output" == *"s + m"* ]]
  run "$STRAGGLE" check small.json --set '/schemes/0={"code":"fractional-repetition","s":3}' --set /baseline=fractional-repetition
  [ "$status" -eq 65 ]
  [[ "$output" == *"/schemes/0"* ]]
}

@test "combinations that a code cannot have are skipped, and listed once for all environments" {
  local each='/schemes/0={"code":"fractional-repetition","s":{"each":[1,3,6]}}' count
  local sweep='/sweep=[{"name":"n","path":"/cluster/workers","values":[6,8]},{"name":"t","path":"/delay/mean_s","values":[1,2,3]}]'
  local options=(--set "$each" --set "$sweep" --set /delay/unit=\"subset\" --set /baseline=fractional-repetition)
  # s + 1 = 4 does not divide 6, 7 neither: 3 environments of n = 6, and 3 of n = 8.
  run "$STRAGGLE" check small.json "${options[@]}"
  [ "$status" -eq 0 ]
  count=$(grep -c 'skipped: fractional-repetition s=3: .* (3 environments: n = 6)$' <<< "$output")
  [ "$count" -eq 1 ]
  [ "$(grep -c 'skipped: fractional-repetition s=6: .* (3 environments: n = [68])$' <<< "$output")" -eq 2 ]
  [ "$(grep -c 'skipped: fractional-repetition' <<< "$output")" -eq 3 ]
  run "$STRAGGLE" check small.json "${options[@]}" --verbose
  [ "$(grep -c 'skipped: fractional-repetition s=3: .* (n = 6, t = [123])$' <<< "$output")" -eq 3 ]
  [ "$(grep -c 'skipped: fractional-repetition' <<< "$output")" -eq 9 ]
  "$STRAGGLE" check small.json "${options[@]}" --json | python3 -c 'import json, sys
d = json.load(sys.stdin)
assert d["faults"] == [] and len([x for x in d["skipped"] if x["scheme"].startswith("fractional")]) == 9
assert {x["axes"]["n"] for x in d["skipped"]} == {6, 8}'
  run "$STRAGGLE" run small.json --set "$each" --set /baseline=fractional-repetition
  [ "$status" -eq 0 ]
  [[ "$output" == *"combinations are skipped, which a code cannot have: straggle check small.json"* ]]
  [ "$(grep -c 'skipped' <<< "$output")" -eq 1 ]
  run "$STRAGGLE" check small.json --set '/schemes/0={"code":"fractional-repetition","s":{"each":[1,3]}}' --set /baseline=fractional-repetition --set /invalid_combinations=error
  [ "$status" -eq 65 ]
}

@test "missing files exit with 66" {
  run "$STRAGGLE" run nowhere.json
  [ "$status" -eq 66 ]
  run "$STRAGGLE" compare nowhere.db
  [ "$status" -eq 66 ]
  run "$STRAGGLE" check small.json --set '/learning/data={"source":"csv","path":"nowhere.csv","label":"x"}'
  [ "$status" -eq 66 ]
}

@test "faults of a CSV are listed with their lines" {
  printf 'a,b,y\n1,2,u\n1,x,v\n3,4\n5,nan,u\n' > rows.csv
  run "$STRAGGLE" check small.json --set '/learning/data={"source":"csv","path":"rows.csv","label":"y"}'
  [ "$status" -eq 65 ]
  [[ "$output" == *"rows.csv:3"* ]]
  [[ "$output" == *"rows.csv:4"* ]]
  [[ "$output" == *"rows.csv:5"* ]]
  printf 'a,b,y\n1,2,u\n' > rows.csv
  run "$STRAGGLE" check small.json --set '/learning/data={"source":"csv","path":"rows.csv","label":"x"}'
  [ "$status" -eq 65 ]
  [[ "$output" == *'"y"'* || "$output" == *"label"* ]]
}

@test "what is not a database of ours is refused and left as it is" {
  echo "not a database at all, only some text that is long enough to be looked at" > text.db
  cp text.db before
  run "$STRAGGLE" run small.json -o text.db
  [ "$status" -eq 65 ]
  cmp text.db before
  sqlite3 other.db "CREATE TABLE t(x); INSERT INTO t VALUES (1);"
  run "$STRAGGLE" run small.json -o other.db
  [ "$status" -eq 65 ]
  [ "$(sqlite3 other.db 'SELECT x FROM t')" = 1 ]
  "$STRAGGLE" run small.json --quiet
  sqlite3 small.db "PRAGMA user_version = 99"
  run "$STRAGGLE" compare small.db
  [ "$status" -eq 65 ]
  [[ "$output" == *99* ]]
}

@test "a database in use exits with 75 and loses nothing" {
  "$STRAGGLE" run small.json --quiet
  # Another process writes and holds its lock until it reads the end of its input.
  mkfifo hold
  sqlite3 small.db < hold &
  exec 9> hold
  echo "BEGIN EXCLUSIVE;" >&9
  sleep 0.3
  run "$STRAGGLE" run small.json --set /replications=7
  exec 9>&-
  wait
  [ "$status" -eq 75 ]
  [ "$(sqlite3 small.db 'SELECT count(*) FROM run')" = 18 ]
}

@test "a folder that cannot be written exits with 73" {
  run "$STRAGGLE" run small.json -o nowhere/x.db
  [ "$status" -eq 73 ]
}

@test "SQL faults are explained and the database cannot be written by query" {
  "$STRAGGLE" run small.json --quiet
  run "$STRAGGLE" query small.db "SELECT * FROM iteratoin"
  [ "$status" -ne 0 ]
  [[ "$output" == *iteration* ]]
  run "$STRAGGLE" query small.db "DELETE FROM run"
  [ "$status" -ne 0 ]
  [ "$(sqlite3 small.db 'SELECT count(*) FROM run')" = 18 ]
}

@test "codes are listed and shown" {
  run "$STRAGGLE" codes
  [ "$status" -eq 0 ]
  for code in uncoded ignore-stragglers fractional-repetition cyclic-repetition ye-abbe group; do
    [[ "$output" == *$code* ]]
  done
  run "$STRAGGLE" codes show group
  [ "$status" -eq 0 ]
  [[ "$output" == *linear_code* ]]
  run "$STRAGGLE" codes show gruop
  [ "$status" -eq 64 ]
  [[ "$output" == *'"group"'* ]]
}

@test "a sweep over the number of workers" {
  run "$STRAGGLE" run small.json --set '/sweep=[{"name":"n","path":"/cluster/workers","values":[6,12]}]' --set /delay/unit=subset
  [ "$status" -eq 0 ]
  [[ "$output" == *"36 runs computed"* ]]
  run "$STRAGGLE" compare small.db
  [[ "$output" == *"n = 12"* || "$output" == *"n=12"* ]]
}

@test "timing only scenarios run and say so" {
  run "$STRAGGLE" run small.json --set '/learning={"problem":"none","length":100}' -o timing.db
  [ "$status" -eq 0 ]
  run "$STRAGGLE" compare timing.db
  [[ "$output" == *"timing only"* ]]
}
