#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Number formats of messages, seen through the program. STRAGGLE names it.

setup() {
  cd "$BATS_TEST_TMPDIR"
  cat > p.json <<'JSON'
{
  "format": 1,
  "cluster": { "workers": 6 },
  "delay": { "model": "exponential", "mean_s": 1 },
  "network": { "uplink": { "model": "linear", "bandwidth_Bps": 1000 } },
  "learning": { "problem": "synthetic-gradient", "length": 600 },
  "schemes": [ { "code": "cyclic-repetition", "s": 1 },
               { "code": "group", "d": 3, "m": 2, "stop": "count" } ],
  "stop": { "iterations": 40 }
}
JSON
}

column() { # of the database $1: expression $2 over run_summary, one line per scheme
  sqlite3 "$1" "SELECT $2 FROM run_summary JOIN run USING (run_id) JOIN point USING (point_id) ORDER BY code"
}

@test "messages in float32 and bfloat16: errors grow, bytes and seconds shrink" {
  for p in float64 float32 bfloat16; do
    run "$STRAGGLE" run p.json -q -o $p.db --set "/network/compression/compressor=\"$p\""
    [ "$status" -eq 0 ]
  done
  # Unit roundoffs are 1.1e-16, 6e-8 and 3.9e-3; the weights of these codes magnify them little.
  [ "$(column float64.db 'grad_scaled_err_max BETWEEN 1e-18 AND 1e-13')" = $'1\n1' ]
  [ "$(column float32.db 'grad_scaled_err_max BETWEEN 1e-9 AND 1e-5')" = $'1\n1' ]
  [ "$(column bfloat16.db 'grad_scaled_err_max BETWEEN 1e-4 AND 1e-0')" = $'1\n1' ]
  # 600 numbers a message, 300 with m = 2; one a second of 1000 bytes.
  full="$(column float64.db 'printf("%.3f", bytes_received_mean)')"
  [ "$(column float32.db 'printf("%.3f", 2 * bytes_received_mean)')" = "$full" ]
  [ "$(column bfloat16.db 'printf("%.3f", 4 * bytes_received_mean)')" = "$full" ]
  [ "$(head -n 1 <<< "$full")" = 24000.000 ]
  # 4.8 s on the uplink become 2.4 and 1.2: the delays drawn are the same.
  [ "$(column float64.db 'printf("%.6f", iter_mean_s - 4.8)' | head -n 1)" = \
    "$(column float32.db 'printf("%.6f", iter_mean_s - 2.4)' | head -n 1)" ]
  [ "$(column float64.db 'printf("%.6f", iter_mean_s - 4.8)' | head -n 1)" = \
    "$(column bfloat16.db 'printf("%.6f", iter_mean_s - 1.2)' | head -n 1)" ]
}

@test "compare says which format messages have" {
  for p in float64 bfloat16; do
    "$STRAGGLE" run p.json -q -o both.db --set "/network/compression/compressor=\"$p\""
  done
  run "$STRAGGLE" compare both.db
  [ "$status" -eq 0 ]
  [ "$(grep -c "late messages cancel$" <<< "$output")" = 1 ]
  [ "$(grep -c "late messages cancel, messages as bfloat16$" <<< "$output")" = 1 ]
}

@test "without a learning problem bytes are counted all the same" {
  for p in float64 bfloat16; do
    "$STRAGGLE" run p.json -q -o $p.db --set "/network/compression/compressor=\"$p\"" \
      --set '/learning={"problem":"none","length":600}'
  done
  [ "$(column float64.db 'printf("%.3f", bytes_received_mean)')" = \
    "$(column bfloat16.db 'printf("%.3f", 4 * bytes_received_mean)')" ]
  [ "$(column bfloat16.db 'grad_scaled_err_max IS NULL')" = $'1\n1' ]
}

@test "the model travels as float64 whatever messages are" {
  for p in float64 bfloat16; do
    "$STRAGGLE" run p.json -q -o $p.db --set "/network/compression/compressor=\"$p\"" \
      --set '/network/broadcast={"model":"linear","bandwidth_Bps":1000}'
  done
  [ "$(sqlite3 float64.db 'SELECT DISTINCT bytes_broadcast FROM iteration')" = \
    "$(sqlite3 bfloat16.db 'SELECT DISTINCT bytes_broadcast FROM iteration')" ]
}

@test "a message beyond the range of its format ends the run as diverged" {
  cat > data.csv <<'CSV'
a,y
1e19,1e25
2e19,-1e25
-1e19,3e25
3e19,1e25
-2e19,1e25
1e19,2e25
CSV
  for p in float64 float32; do
    "$STRAGGLE" run p.json -q -o $p.db --set "/network/compression/compressor=\"$p\"" --set '/stop/iterations=1' \
      --set '/learning={"problem":"least-squares","data":{"source":"csv","path":"data.csv","label":"y","standardize":false,"test_share":0},"optimizer":{"method":"gradient-descent","step":1e-60}}'
  done
  [ "$(sqlite3 float64.db 'SELECT DISTINCT status FROM run')" = finished ]
  [ "$(sqlite3 float32.db 'SELECT DISTINCT status FROM run')" = diverged ]
  [ "$(sqlite3 float32.db 'SELECT count(*) FROM iteration WHERE grad_scaled_err IS NOT NULL')" = 0 ]
}

@test "an unknown format names the ones there are" {
  run "$STRAGGLE" check p.json --set '/network/compression/compressor="float16"'
  [ "$status" -eq 65 ]
  [[ "$output" == *'"bfloat16"'* ]]
}
