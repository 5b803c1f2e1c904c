#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What replications draw anew, through the whole path: scenario, run, rows, compare, expect. STRAGGLE
# names the program.

setup() {
  cd "$BATS_TEST_TMPDIR"
  cat > small.json <<'END'
{
  "format": 1, "cluster": { "workers": 6 },
  "delay": { "model": "exponential", "mean_s": 1, "scaling": "additive" },
  "learning": { "problem": "least-squares",
                "data": { "source": "gaussian-mixture", "rows": 60, "features": 4 } },
  "schemes": [ { "code": "uncoded" }, { "code": "cyclic-repetition", "s": 2 },
               { "code": "arbitrary-placement", "s": 1, "placement": "random", "parts": 9,
                 "replication": 2, "replication_max": 4 } ],
  "replications": 6, "stop": { "iterations": 10 }, "output": { "database": "small.db" }
}
END
}

run_with() { # what replications vary, database
  "$STRAGGLE" run -q small.json --set "/replicate=\"$1\"" -o "$2" "${@:3}"
}

rows() { # all that a run has but its real time, with the key of its point
  sqlite3 "$1" "SELECT scheme_label, replication, i.* FROM iteration i JOIN run USING (run_id)
    JOIN point USING (point_id) ORDER BY scheme_label, replication, iteration"
}

@test "compare says what its intervals are conditional on" {
  "$STRAGGLE" run -q small.json
  "$STRAGGLE" compare small.db | grep -x "  replications vary delays: intervals hold for this draw of the codes and this split of the data"
  run_with delays+code code.db
  "$STRAGGLE" compare code.db | grep -x "  replications vary delays+code: intervals hold for this split of the data"
  run_with delays+code+data data.db
  "$STRAGGLE" compare data.db | grep -x "  replications vary delays+code+data"
  [ "$("$STRAGGLE" query data.db "SELECT DISTINCT replicate FROM point" --format csv | tail -1)" = delays+code+data ]
  "$STRAGGLE" compare data.db --format json | grep -q '"replicate": *"delays+code+data"'
}

@test "without data only the draw of the codes is a condition" {
  "$STRAGGLE" run -q small.json --set '/learning={"problem": "none", "length": 12}' -o none.db
  "$STRAGGLE" compare none.db | grep -x "  replications vary delays: intervals hold for this draw of the codes"
}

@test "another mode is another environment, and the default is delays" {
  run_with delays a.db
  run "$STRAGGLE" run small.json -o a.db
  [[ "$output" == *" 0 runs computed"*"18 were there already"* ]]
  run_with delays+code a.db
  [ "$(sqlite3 a.db "SELECT count(DISTINCT env_sha256) FROM point")" = 2 ]
}

@test "runs are the same for any -j, and when they are added later" {
  run_with delays+code+data one.db -j 1
  run_with delays+code+data two.db -j 2 --set /replications=1
  run_with delays+code+data two.db -j 2 --set /replications=4
  run_with delays+code+data two.db -j 2
  [ "$(rows one.db | wc -l)" = 180 ]
  [ "$(rows one.db)" = "$(rows two.db)" ]
}

@test "expect refuses a time that hangs on the draw, and only that" {
  "$STRAGGLE" expect small.json --format csv > fixed.csv
  "$STRAGGLE" expect small.json --set '/replicate="delays+code"' --format csv > drawn.csv
  [ "$(grep -c "hangs on the draw" fixed.csv)" = 0 ]
  [ "$(grep "hangs on the draw" drawn.csv | cut -d' ' -f1)" = arbitrary-placement ]
  [ "$(grep uncoded fixed.csv)" = "$(grep uncoded drawn.csv)" ]
}

@test "a word that is none is refused with the nearest one" {
  run "$STRAGGLE" check small.json --set '/replicate="delays+codes"'
  [ "$status" -eq 65 ]
  [[ "$output" == *'did you mean "delays+code"?'* ]]
}
