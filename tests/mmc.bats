#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Multi-message communication, uncoded and coded: when rounds end, by a computation of its own; exact
# sums and partial recovery with a learning problem; what is refused.

setup() {
  cd "$BATS_TEST_TMPDIR"
}

@test "rounds end when the messages that workers have sent span the sum, row by row" {
  local delay
  for delay in \
    '"model": "shifted-exponential", "shift_s": 0.05, "mean_excess_s": 1' \
    '"model": "shifted-exponential", "shift_s": 0.05, "mean_excess_s": 1, "scaling": "additive"' \
    '"model": "exponential", "mean_s": 1, "scaling": "startup", "per_subset_s": 0.1'; do
    cat > s.json <<END
{ "format": 1, "cluster": { "workers": 12 }, "delay": { $delay }, "learning": { "problem": "none" },
  "schemes": [ { "code": "uncoded" },
    { "code": "cyclic-repetition", "s": { "each": [1, 2, 3] }, "stop": { "rule": "count", "messages": 12 } },
    { "code": "uc-mmc", "r": { "each": [1, 3, 4] } },
    { "code": "uc-mmc", "r": 4, "epsilon": { "each": [0.1, 0.25, 0.75] } },
    { "code": "gc-mmc", "r": { "each": [3, 4] } },
    { "code": "gc-mmc", "r": 4, "prefixes": [2, 4] }, { "code": "gc-mmc", "r": 4, "prefixes": [1, 4] },
    { "code": "gc-mmc", "r": 4, "prefixes": [2, 3] }, { "code": "gc-mmc", "r": 4, "prefixes": [3] },
    { "code": "gc-mmc", "r": 4, "prefixes": [1, 3], "clusters": { "each": [2, 3] } },
    { "code": "gc-mmc", "r": 4, "prefixes": [2, 4], "clusters": { "each": [2, 3] } },
    { "code": "gc-mmc", "r": 4, "prefixes": [4], "clusters": { "each": [2, 3] } } ],
  "stop": { "iterations": 200 }, "output": { "detail": "worker" } }
END
    "$STRAGGLE" run s.json -q -o law.db
  done
  run python3 "$BATS_TEST_DIRNAME/mmc_law.py" law.db
  echo "$output"
  [ "$status" = 0 ]
  [ "$output" = "$((3 * 18 * 200)) rows, 0 off" ]
}

# Least squares on generated data; schemes, further members.
learn() {
  cat > s.json <<END
{ "format": 1, "cluster": { "workers": $1 },
  "delay": { "model": "exponential", "mean_s": 1 }, $3
  "learning": { "problem": "least-squares", "evaluate_every": 20,
                "data": { "source": "gaussian-mixture", "rows": 240, "features": 10 },
                "optimizer": { "method": "gradient-descent", "step": 0.05 } },
  "schemes": [ $2 ], "stop": { "iterations": 200 } }
END
  "$STRAGGLE" run s.json -q -o s.db
}

@test "sums are exact to 1e-8, also of many levels together" {
  learn 60 '{ "code": "uc-mmc", "r": 5 }, { "code": "gc-mmc", "r": { "each": [2, 5, 9] } },
    { "code": "gc-mmc", "r": 9, "prefixes": [3, 6, 9] }, { "code": "gc-mmc", "r": 9, "prefixes": [2, 9] },
    { "code": "gc-mmc", "r": 20, "prefixes": [5, 10, 15, 20] },
    { "code": "gc-mmc", "r": 5, "prefixes": [1, 3, 5], "clusters": 6 }' \
    '"network": { "uplink": { "model": "exponential", "mean_s": 0.5 } },'
  sqlite3 s.db "SELECT scheme_label, max(grad_scaled_err), max(cond1_est) FROM point JOIN run USING (point_id)
    JOIN iteration USING (run_id) GROUP BY point_id"
  [ "$(sqlite3 s.db "SELECT count(*), sum(decoded AND grad_scaled_err <= 1e-8) FROM iteration")" = "1600|1600" ]
}

@test "partial recovery: which share came, its error, and coded alike" {
  learn 12 '{ "code": "uc-mmc", "r": 3, "epsilon": 0.25 }, { "code": "uc-mmc", "r": 3, "epsilon": 0.08 },
    { "code": "gc-mmc-partial", "r": 3, "epsilon": 0.25 },
    { "code": "gc-mmc-partial", "r": 3, "prefixes": [2, 3], "epsilon": 0.25 }'
  # Of 12 shares 3 may be missing: 9 are used, each 12/9 times, and Σ(α − 1)² = 12 · 3 / 9.
  run sqlite3 s.db "SELECT epsilon, exact, min(n_used), max(n_used), round(min(decoding_err), 9),
      round(max(decoding_err), 9), min(abs(alpha_sum - 12) < 1e-9), round(max(decode_amp), 9)
    FROM (SELECT *, json_extract(config_json, '\$.scheme.epsilon') AS epsilon FROM point)
    JOIN run USING (point_id) JOIN iteration USING (run_id) GROUP BY point_id"
  echo "$output"
  [ "${lines[0]}" = "0.25|0|9|9|4.0|4.0|1|1.154700538" ]
  [ "${lines[1]}" = "0.08|1|12|12|||1|1.0" ] # less than a share may be missing: exact
  # With every prefix coded messages say just what the uncoded ones do, so that the models agree.
  run sqlite3 s.db "SELECT max(abs(a.loss / b.loss - 1)) < 1e-12, max(abs(a.decoding_err - b.decoding_err)) < 1e-9,
      max(abs(a.alpha_sum - 12)) < 1e-9, count(*), count(a.loss)
    FROM (SELECT * FROM point JOIN run USING (point_id) JOIN iteration USING (run_id)
      WHERE scheme_label = 'gc-mmc-partial r=3 epsilon=0.25') AS a
    JOIN (SELECT * FROM point JOIN run USING (point_id) JOIN iteration USING (run_id)
      WHERE scheme_label = 'uc-mmc r=3 epsilon=0.25') AS b USING (iteration)"
  echo "$output"
  [ "$output" = "1|1|1|200|10" ]
  # Otherwise Σ(α − 1)² of the projection, n − Σα, is at most 3; scaled up by n/Σα it is n (n − Σα)/Σα.
  run sqlite3 s.db "SELECT count(*), max(decoding_err) <= 4 + 1e-9, min(decoding_err) < 2, max(abs(alpha_sum - 12)) < 1e-9
    FROM point JOIN run USING (point_id) JOIN iteration USING (run_id) WHERE scheme_label LIKE '%prefixes=2,3%'"
  echo "$output"
  [ "$output" = "200|1|1|1" ]
}

@test "partial recovery takes what there is at a deadline, the exact schemes wait" {
  learn 12 '{ "code": "uc-mmc", "r": 3, "epsilon": 0.25, "stop": { "rule": "deadline", "deadline_s": 0.3 } },
    { "code": "uc-mmc", "r": 3, "stop": { "rule": "deadline", "deadline_s": 0.3 } },
    { "code": "gc-mmc", "r": 3, "stop": { "rule": "deadline", "deadline_s": 0.3 } }'
  run sqlite3 s.db "SELECT min(duration_s) >= 0.3, max(duration_s) > 0.31, count(DISTINCT n_used) > 3, min(decoded)
    FROM point JOIN run USING (point_id) JOIN iteration USING (run_id) GROUP BY point_id"
  echo "$output"
  sqlite3 s.db "SELECT scheme_label, min(duration_s), max(duration_s), count(DISTINCT n_used), min(decoded) FROM point JOIN run USING (point_id) JOIN iteration USING (run_id) GROUP BY point_id"
  [ "${lines[0]}" = "1|0|1|0" ]
}

@test "prefixes outside 1 to r, or that do not rise, are refused with the rule" {
  refused() {
    echo "{ \"format\": 1, \"cluster\": { \"workers\": 12 }, \"delay\": { \"model\": \"exponential\", \"mean_s\": 1 },
      \"learning\": { \"problem\": \"none\" }, \"schemes\": [ { \"code\": \"gc-mmc\", $1 } ],
      \"stop\": { \"iterations\": 2 } }" > s.json
    run "$STRAGGLE" check s.json
    echo "$output"
    [ "$status" -ne 0 ]
    [[ "$output" == *"$2"* ]]
  }
  refused '"r": 3, "prefixes": [1, 4]' '/schemes/0/prefixes: expected rising prefixes from 1 to r = 3, found 4'
  refused '"r": 3, "prefixes": [0, 2]' '/schemes/0/prefixes/0: expected a whole number ≥ 1, found 0'
  refused '"r": 3, "prefixes": [2, 1]' 'found 1, which does not rise'
  refused '"r": 3, "prefixes": [2, 2]' 'found 2, which does not rise'
  refused '"r": 4, "clusters": 4' '/schemes/0/r: expected r ≤ n / clusters = 3'
  refused '"r": 2, "clusters": 5' 'expected a divisor of the number of workers n = 12 (1, 2, 3, 4, 6, 12), found 5'
}

@test "the shipped scenario: free messages are for many of them, dear ones for few" {
  "$STRAGGLE" run "$BATS_TEST_DIRNAME/../scenarios/many-messages.json" -q -o s.db --set /replications=2 \
    --set '/sweep/0/values=[0, 55000, 78000, 200000]'
  ranking() {
    sqlite3 s.db "SELECT group_concat(scheme, ' < ') FROM (SELECT replace(replace(scheme_label, ' r=5', ''), ' prefixes=', ' ')
        AS scheme FROM v_point WHERE cost_bytes = $1
        AND code <> 'cyclic-repetition' ORDER BY iter_mean_s)"
  }
  many='uc-mmc' some='gc-mmc 1,3,5' few='gc-mmc 1,5' one='fractional-repetition s=4 decodable'
  ranking 0; ranking 55000; ranking 78000; ranking 200000
  [ "$(ranking 0)" = "$many < $some < $few < $one < uncoded" ]
  [[ "$(ranking 55000)" == "$some <"* ]]
  [[ "$(ranking 78000)" == "$few <"* ]]
  [ "$(ranking 200000)" = "$one < uncoded < $few < $some < $many" ]
}
