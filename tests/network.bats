#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Networks as a person uses them. STRAGGLE names the program.

setup() {
  cd "$BATS_TEST_TMPDIR"
  cat > contended.json <<'END'
{
  "format": 1,
  "name": "contended",
  "cluster": { "workers": 12 },
  "delay": { "model": "exponential", "mean_s": 1 },
  "network": {
    "uplink": { "model": "linear", "bandwidth_Bps": 4e6, "jitter": { "model": "exponential", "mean_s": 0.1 } },
    "ingress": { "model": "fair-share", "bandwidth_Bps": 1e7 },
    "broadcast": { "model": "tree", "fan_out": 3, "latency_s": 0.01, "bandwidth_Bps": 4e6 },
    "classes": [ { "share": 0.75 }, { "share": 0.25, "uplink_speed": 0.5, "downlink_speed": 0.5 } ],
    "duplex": "half",
    "late_messages": "occupy-link"
  },
  "master": { "decode": { "model": "flops", "flops_per_s": 1e9 } },
  "learning": { "problem": "none", "length": 100000 },
  "schemes": [
    { "code": "uncoded" },
    { "code": "group", "d": 4, "m": { "each": [1, 2] }, "linear_code": "harmonic", "stop": "decodable" }
  ],
  "baseline": "uncoded",
  "replications": 6,
  "stop": { "iterations": 100 },
  "output": { "database": "contended.db" }
}
END
}

@test "rows do not depend on the number of threads" {
  for j in 1 2 3; do
    "$STRAGGLE" run contended.json -o "$j.db" -j "$j" --quiet
    sqlite3 "$j.db" "SELECT i.*, s.ingress_busy_share, s.queued_per_message_s
                     FROM iteration i JOIN run_summary s USING (run_id)
                     ORDER BY run_id, iteration" > "$j.txt"
  done
  [ "$(wc -l < 1.txt)" -eq 1800 ]
  cmp 1.txt 2.txt
  cmp 1.txt 3.txt
}

@test "the use of the master's link is recorded and shown" {
  "$STRAGGLE" run contended.json --quiet
  run sqlite3 contended.db "SELECT count(*) FROM v_ingress
      WHERE ingress_busy_share > 0 AND ingress_busy_share < 1.000001
        AND ingress_messages > 0 AND queued_per_message_s > 0"
  [ "$output" = 1800 ]
  # The summary is what the rows add up to.
  run sqlite3 contended.db "SELECT count(*) FROM run_summary s WHERE
      abs(ingress_busy_share - (SELECT sum(ingress_busy_s) / max(start_s + duration_s) FROM iteration i
                                WHERE i.run_id = s.run_id)) < 1e-9
      AND abs(queued_per_message_s - (SELECT sum(queued_s) / sum(ingress_messages) FROM iteration i
                                      WHERE i.run_id = s.run_id)) < 1e-9"
  [ "$output" = 18 ]
  COLUMNS=200 run "$STRAGGLE" compare contended.db
  [[ "$output" == *"link busy"* ]]
  [[ "$output" == *"queued (s)"* ]]
  # Where time goes, from the rows of the baseline's iterations.
  sqlite3 -separator ' ' contended.db "SELECT avg(duration_s), avg(busy_s) / 12, avg(queued_s) / 12, avg(decode_s)
      FROM iteration JOIN run USING (run_id) JOIN point USING (point_id) WHERE is_baseline" > parts.txt
  awk '{ rest = $1 - $2 - $3 - $4
         printf "uncoded %.2f s: sending and waiting for others %.2f (%.0f %%), computing %.2f (%.0f %%), queueing at the master %#.3g (%.0f %%), decoding %.5f",
           $1, rest, 100 * rest / $1, $2, 100 * $2 / $1, $3, 100 * $3 / $1, $4 }' parts.txt > expected.txt
  COLUMNS=100 "$STRAGGLE" compare contended.db | tr '\n' ' ' > printed.txt
  grep -qF "$(cat expected.txt)" printed.txt || { cat expected.txt; grep -o "Time of an iteration.*" printed.txt; false; }
  run "$STRAGGLE" query contended.db @network
  [ "$status" -eq 0 ]
  [[ "$output" == *ingress_busy_share* ]]
}

@test "without a shared link compare does not speak of one" {
  "$STRAGGLE" run contended.json --set '/network/ingress={"model":"unlimited"}' -o free.db --quiet
  COLUMNS=200 run "$STRAGGLE" compare free.db
  [ "$status" -eq 0 ]
  [[ "$output" != *"link busy"* ]]
  run sqlite3 free.db "SELECT max(ingress_messages), max(ingress_busy_share), count(queued_per_message_s)
                       FROM iteration JOIN run_summary USING (run_id)"
  [ "$output" = "0|0.0|0" ]
}

@test "decoding takes its flops at the master" {
  "$STRAGGLE" run contended.json --quiet
  "$STRAGGLE" run contended.json --set '/master/decode/flops_per_s=1e6' -o slow.db --quiet
  # Uncoded: 12 messages of 100,000 numbers are added, 2 flops each: 2.4 ms or 2.4 s.
  run sqlite3 contended.db "SELECT count(*) FROM iteration JOIN run USING (run_id) JOIN point USING (point_id)
      WHERE code = 'uncoded' AND abs(decode_s - 0.0024) < 1e-12 AND abs(duration_s - wait_s - decode_s) < 1e-9"
  [ "$output" = 600 ]
  run sqlite3 slow.db "SELECT count(*) FROM iteration JOIN run USING (run_id) JOIN point USING (point_id)
      WHERE code = 'uncoded' AND abs(decode_s - 2.4) < 1e-12 AND abs(duration_s - wait_s - decode_s) < 1e-9"
  [ "$output" = 600 ]
}

@test "faults of a network are all listed with their places" {
  run "$STRAGGLE" check contended.json --set /network/classes/0/share=0.5 \
    --set /network/broadcast/fan_out=0 --set /network/duplex=simplex
  [ "$status" -eq 65 ]
  [[ "$output" == *"/network/broadcast/fan_out"* ]]
  [[ "$output" == *"/network/duplex"* ]]
  run "$STRAGGLE" check contended.json --set /network/classes/0/share=0.5
  [ "$status" -eq 65 ]
  [[ "$output" == *"/network/classes: expected shares that sum to 1, found a sum of 0.75"* ]]
}

@test "shorter messages pay where the master's port is full, and only there" {
  "$STRAGGLE" run "$BATS_TEST_DIRNAME/../scenarios/congested-ingress.json" -o port.db --quiet \
    --set /replications=2 --set /stop/iterations=50
  best() {
    sqlite3 port.db "SELECT comm_m FROM v_point WHERE code = 'group' AND axes = 'ingress_Bps = $1'
                     ORDER BY iter_mean_s LIMIT 1"
  }
  [ "$(best 12500000000)" -eq 1 ]
  [ "$(best 312500000)" -eq 2 ]
  [ "$(best 125000000)" -eq 3 ]
  # 192 MB an iteration do not go through 1 Gbit/s in less than 1.536 s.
  run sqlite3 port.db "SELECT count(*) FROM v_point WHERE code = 'uncoded'
      AND axes = 'ingress_Bps = 125000000' AND iter_mean_s BETWEEN 1.536 AND 1.6"
  [ "$output" -eq 1 ]
  run "$STRAGGLE" compare port.db
  [[ "$output" == *"ingress_Bps = 1.25e+08"* ]]
  COLUMNS=80 "$STRAGGLE" compare port.db > table.txt
  [ "$(LC_ALL=C.UTF-8 wc -L < table.txt)" -le 80 ]
}
