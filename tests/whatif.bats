#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Counterfactuals on the same random numbers, against a case computed by hand.

setup() {
  cd "$BATS_TEST_TMPDIR"
  # The slowest of three workers computes 1 s / 0.5, times 3 in a stall that always is, and sends
  # 800 bytes in 1 s: 7 s. Without stalls 3, without differences of speed 4, with links twice as
  # fast 6.5; without stalls and speeds 2, without all three 1.5.
  cat > hand.json <<'END'
{
  "format": 1,
  "cluster": { "workers": 3, "speeds": [1, 0.5, 1] },
  "delay": { "model": "deterministic", "value_s": 1, "stalls": { "probability": 1, "slowdown": 3 } },
  "network": { "uplink": { "model": "linear", "bandwidth_Bps": 800 } },
  "learning": { "problem": "none", "length": 100 },
  "schemes": [{ "code": "uncoded" }],
  "replications": 5,
  "stop": { "iterations": 4 }
}
END
}

@test "what-if adds up as computed by hand" {
  run "$STRAGGLE" run -q --what-if stalls,speeds --what-if links --format csv hand.json
  [ "$status" -eq 0 ]
  [ "${lines[1]}" = "uncoded,,as it is,7,,,,,5" ]
  [ "${lines[2]}" = "uncoded,,without stalls,3,4,0,4,72.72727272727273,5" ]
  [ "${lines[3]}" = "uncoded,,without speeds,4,3,0,1,18.181818181818183,5" ]
  [ "${lines[4]}" = "uncoded,,without links,6.5,0.5,0,0.5,9.090909090909092,5" ]
  [ "${lines[5]}" = "uncoded,,without all,1.5,5.5,0,5.5,100,5" ]
  [ "${lines[6]}" = "uncoded,,together,,-2,,,,5" ]
}

@test "what-if finds the causes by itself, in the scenario, and is kept" {
  "$STRAGGLE" run -q --what-if auto hand.json > auto.txt
  grep -q "^without stalls" auto.txt
  grep -q "^without speeds" auto.txt
  grep -q "^without links=2" auto.txt
  ! grep -q "^without randomness" auto.txt
  run "$STRAGGLE" run --what-if auto --json hand.json
  [[ "$output" == *"0 runs computed"* ]]
  run "$STRAGGLE" query hand.db @what-if --format csv
  [[ "${lines[0]}" == "point_id,without,axes,scheme_label,"* ]]
  [[ "$output" == *'"stalls, speeds, links=2"'* ]]
  run "$STRAGGLE" compare hand.db
  [[ "$output" == *"Environment 1: hand"$'\n'* ]]
  [[ "$output" == *"without = \"stalls, speeds\""$'\n'* ]]
  run "$STRAGGLE" run -q --what-if stalls --set '/cluster/crashes={"model":"permanent","mean_iterations":1}' hand.json
  [[ "$output" == *"no replication was finished by all variants"* ]]
  run "$STRAGGLE" run -q --what-if auto --format csv --set '/what_if=["worker=1", "worker=0"]' hand.json
  [ "${lines[2]}" = "uncoded,,without worker=1,4,3,0,3,100,5" ]
  [ "${lines[3]}" = "uncoded,,without worker=0,7,0,0,0,0,5" ]
  run "$STRAGGLE" run -q --what-if slowest --format csv hand.json
  [ "${lines[2]}" = "uncoded,,without slowest,4,3,0,3,100,5" ]
}

@test "what-if names axes once: those of the scheme are in its label" {
  run "$STRAGGLE" run -q --what-if stalls --set '/schemes=[{"code":"cyclic-repetition","s":{"each":[1,2]}}]' \
    --set /delay/unit=subset --set '/sweep=[{"name":"n","path":"/cluster/workers","values":[3]}]' hand.json
  [ "$status" -eq 0 ]
  [ "${lines[0]}" = "cyclic-repetition s=1, n=3, 5 runs" ]
}

@test "what-if refuses what it does not know" {
  run "$STRAGGLE" run -q --what-if stals hand.json
  [ "$status" -eq 65 ]
  [[ "$output" == *'did you mean "stalls"'* ]]
  run "$STRAGGLE" run -q --what-if worker=3 hand.json
  [ "$status" -eq 65 ]
  [[ "$output" == *"worker=0 to worker=2"* ]]
  run "$STRAGGLE" run -q --what-if randomness --set '/delay={"model":"pareto","minimum_s":1,"shape":0.9}' hand.json
  [ "$status" -eq 65 ]
  [[ "$output" == *"the law has none"* ]]
}

@test "laws without moments are noted; unknown models are named" {
  run "$STRAGGLE" check --set '/delay={"model":"pareto","minimum_s":1,"shape":1.5}' hand.json
  [ "$status" -eq 0 ]
  [[ "$output" == *"warning: delay: this pareto law has no finite variance"* ]]
  run "$STRAGGLE" check --set /delay/per_subset_s=1 hand.json
  [[ "$output" == *"warning: delay: per_subset_s does nothing with scaling proportional"* ]]
  run "$STRAGGLE" check --set '/cluster/random_speed={"model":"bimodal","fast":3,"slow_probability":0.1}' hand.json
  [ "$status" -eq 65 ]
  [[ "$output" == *"/cluster/random_speed/slow: expected slow ≥ fast = 3, found 2"* ]]
  run "$STRAGGLE" check --set '/delay={"model":"weibul","scale_s":1,"shape":1.5}' hand.json
  [ "$status" -eq 65 ]
  [[ "$output" == *'"weibull"'* ]]
}

@test "what-if: whenever a signal comes, the database is plain or is not there" {
  # Codes are built for about a second, by turns for a plan and for its runs.
  for seconds in 0.3 0.8 1.3 1.8 2.3; do
    rm -f big.db*
    "$STRAGGLE" run -q -o big.db --what-if randomness --set /cluster='{"workers":1200}' --set /replications=1 \
      --set /delay='{"model":"exponential","mean_s":1}' \
      --set '/schemes=[{"code":"cyclic-repetition","s":1}]' --set /stop/iterations=5 hand.json & pid=$!
    while [ ! -e big.db ] && kill -0 $pid; do sleep 0.05; done
    sleep $seconds
    kill -INT $pid 2> /dev/null || true
    wait $pid || true
    [[ "$(echo big.db*)" = @("big.db*"|big.db) ]]
  done
}

@test "what-if: runs that cannot fit are refused, and until is said not to count" {
  run "$STRAGGLE" run -q --what-if stalls --set /stop/iterations=1000000000 --set '/cluster={"workers":100000}' \
    --set /output/detail=worker hand.json
  [ "$status" -eq 71 ]
  [[ "$output" == *"--force"* ]]
  [ ! -e hand.db ]
  sed -i 's/"replications": 5/"until": {"half_width": 0.01, "least": 6}/' hand.json
  run "$STRAGGLE" run --what-if stalls hand.json
  [[ "$output" == *"the first 6 runs of each point are asked: until is not followed here"*"12 runs computed, 6 were there already"* ]]
}

@test "the same results with any number of threads" {
  for j in 1 2; do
    "$STRAGGLE" run -q -j $j -o j$j.db --set '/cluster/random_speed={"model":"lognormal","sigma":0.3}' \
      --set '/delay={"model":"gamma","mean_s":1,"shape":2,"memory":{"p_slow":0.1,"p_recover":0.3,"slowdown":3},"common":{"model":"lognormal","sigma":0.2},"stalls":{"probability":0.05,"share":0.5,"length":{"model":"exponential","mean_s":5}}}' \
      --set '/cluster/crashes={"model":"seconds","mean_iterations":5,"downtime":{"model":"exponential","mean_s":3}}' \
      hand.json
    "$STRAGGLE" query j$j.db "SELECT replication, iteration, duration_s FROM iteration JOIN run USING (run_id) ORDER BY 1, 2" --format csv > j$j.csv
  done
  [ "$(wc -l < j1.csv)" -eq 21 ]
  cmp j1.csv j2.csv
}

@test "worst erasures are those of the code" {
  run "$STRAGGLE" run -q --set '/cluster={"workers":4,"erasure":{"model":"worst","count":2}}' \
    --set '/schemes=[{"code":"fractional-repetition","s":1},{"code":"cyclic-repetition","s":2}]' \
    --set /stop/undecodable=skip -o worst.db hand.json
  [ "$status" -eq 0 ]
  run "$STRAGGLE" query worst.db "SELECT undecodable_iters FROM run_summary JOIN run USING (run_id) JOIN point USING (point_id) WHERE replication = 0 ORDER BY code" --format csv
  [ "${lines[1]}" = "0" ]
  [ "${lines[2]}" = "4" ]
}
