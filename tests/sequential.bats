#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Sequential gradient coding from scenario file to rows: against the published rules computed directly
# on a trace (sequential_rules.py), and exact decodes whatever becomes of what comes late.

setup() {
  cd "$BATS_TEST_TMPDIR"
  rules="$BATS_TEST_DIRNAME/sequential_rules.py"
}

# scenario WORKERS JOBS SCHEMES, on trace.csv
on_trace() {
  cat > s.json <<EOT
{ "format": 1, "cluster": { "workers": $1 },
  "delay": { "model": "trace", "path": "trace.csv", "mode": "replay", "scaling": "startup", "per_subset_s": 0.02 },
  "learning": { "problem": "none", "length": 1000 },
  "schemes": [ $3 ], "stop": { "iterations": $2 } }
EOT
}

@test "the published rules on a trace: run times, rounds waited out, rounds of decodes" {
  python3 "$rules" trace 12 70 1 > trace.csv
  on_trace 12 60 '
    { "code": "sequential-gc", "s": { "each": [0, 2, 3] }, "wait_out": { "each": ["all", "conforming"] } },
    { "code": "sequential-gc", "s": 2, "strict": true, "models": 4 },
    { "code": "sr-sgc", "B": 1, "W": 2, "lambda": { "each": [0, 2, 4, 12] }, "wait_out": { "each": ["all", "conforming"] } },
    { "code": "sr-sgc", "B": 2, "W": { "each": [3, 5] }, "lambda": 5, "mu": 0.5 },
    { "code": "m-sgc", "B": 1, "W": { "each": [2, 3, 5] }, "lambda": { "each": [0, 2, 4, 12] }, "wait_out": { "each": ["all", "conforming"] } },
    { "code": "m-sgc", "B": 3, "W": 4, "lambda": { "each": [3, 11] }, "models": 9, "mu": 0.5 }'
  "$STRAGGLE" run -q s.json
  run python3 "$rules" check s.json s.db
  echo "$output"
  [ "$status" -eq 0 ]
  [ "${#lines[@]}" -eq 43 ]
}

@test "256 workers with the bursts of measured ones, the schemes of the paper" {
  python3 "$rules" trace 256 60 1 > trace.csv
  on_trace 256 50 '
    { "code": "sequential-gc", "s": { "each": [0, 15] } },
    { "code": "sequential-gc", "s": 15, "strict": true },
    { "code": "sr-sgc", "B": 2, "W": 3, "lambda": 23 },
    { "code": "m-sgc", "B": 1, "W": 2, "lambda": { "each": [27, 256] }, "wait_out": { "each": ["all", "conforming"] } }'
  "$STRAGGLE" run -q s.json
  run python3 "$rules" check s.json s.db
  echo "$output"
  [ "$status" -eq 0 ]
  [ "${#lines[@]}" -eq 8 ]
}
