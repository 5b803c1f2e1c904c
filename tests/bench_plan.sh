#!/bin/bash
# SPDX-License-Identifier: MIT
# What `plan` says a run will take, and what it takes: tests/bench_plan.sh build/straggle [rounds].
# The table of docs/performance.md. Both are by the clock, one after the other, on the machine as
# busy as it is; the processor seconds tell how busy that was.
set -euo pipefail
straggle=$(realpath "$1")
rounds=${2:-1}
data=$(realpath "$(dirname "$0")/../scenarios/data/breast-cancer.csv")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

delays='"delay": { "model": "shifted-exponential", "shift_s": 0.1, "mean_excess_s": 0.05, "unit": "subset" },
  "network": { "uplink": { "model": "shifted-exponential", "shift_s": 0.1, "mean_excess_s": 0.1 },
    "late_messages": "cancel" }, "late_work": "cancel"'
optimizer='"l2": 1e-4, "optimizer": { "method": "nesterov", "step": 0.5 }, "evaluate_every": 1'
csv='"data": { "source": "csv", "path": "'$data'", "label": "diagnosis", "test_share": 0.2,
    "standardize": true }'
three='{ "code": "uncoded" }, { "code": "cyclic-repetition", "s": 2 },
    { "code": "group", "d": 4, "m": 2, "stop": "decodable" }'

cat >sweep.json <<END
{ "format": 1, "cluster": { "workers": 20 }, $delays,
  "learning": { "problem": "logistic-regression", $csv, $optimizer },
  "schemes": [
    { "code": "uncoded" },
    { "code": "fractional-repetition", "s": { "each": [1, 2, 3, 9, 19] } },
    { "code": "ye-abbe", "d": { "each": [2, 3, 4, 5, 6] }, "m": { "each": [1, 2, 3] } },
    { "code": "group", "d": { "each": [2, 4, 5, 8, 10] }, "m": { "each": [1, 2, 3] },
      "stop": "decodable" } ],
  "sweep": [
    { "name": "n", "path": "/cluster/workers", "values": [10, 20, 40] },
    { "name": "compute", "path": "/delay/mean_excess_s", "values": [0.05, 0.5, 2] },
    { "name": "net", "path": "/network/uplink/mean_excess_s", "values": [0.1, 1] } ],
  "baseline": "uncoded", "replications": 10, "random": { "seed": 1 },
  "stop": { "iterations": 200, "target_loss": 0.055, "undecodable": "wait" } }
END
cat >timing.json <<END
{ "format": 1, "cluster": { "workers": 20 }, $delays,
  "learning": { "problem": "none", "length": 1000 },
  "schemes": [ { "code": "uncoded" }, { "code": "cyclic-repetition", "s": { "each": [1, 2, 3] } } ],
  "sweep": [ { "name": "n", "path": "/cluster/workers", "values": [8, 20, 50, 100, 200] } ],
  "replications": 5, "random": { "seed": 1 }, "stop": { "iterations": 1000 } }
END
cat >long.json <<END
{ "format": 1, "cluster": { "workers": 12 }, $delays,
  "learning": { "problem": "logistic-regression", $csv, $optimizer }, "schemes": [ $three ],
  "replications": 1, "random": { "seed": 1 }, "stop": { "iterations": 60000 } }
END
synthetic() { # rows features
  cat <<END
{ "format": 1, "cluster": { "workers": 12 }, $delays,
  "learning": { "problem": "logistic-regression",
    "data": { "source": "gaussian-mixture", "rows": $1, "features": $2 }, $optimizer },
  "schemes": [ $three ],
  "replications": 4, "random": { "seed": 1 }, "stop": { "iterations": 60 } }
END
}
synthetic 60 100000 >wide.json
synthetic 20000 1000 >large.json

TIMEFORMAT='%R %U %S'
echo "| case | threads | plan says, s | plan took, s | run took, s | said / took | processor, s |"
echo "|---|---:|---:|---:|---:|---:|---:|"
for ((round = 0; round < rounds; round++)); do
  for case in ${CASES:-sweep sweep,worker timing long wide large}; do
    for threads in 1 2; do
      name=${case%,*}
      options=(-o run.db -j "$threads")
      [ "$case" = "$name" ] || options+=(--set /output/detail=\"${case#*,}\")
      rm -f run.db
      took=$( { time "$straggle" plan "$name.json" "${options[@]}" >plan.txt; } 2>&1)
      said=$(sed -n 's/.*: \(at most \)*about \(.*\) with .*thread.*/\2/p' plan.txt)
      real=$( { time "$straggle" run --quiet "$name.json" "${options[@]}"; } 2>&1)
      awk -v called="$case" -v j="$threads" -v said="$said" -v took="${took%% *}" -v real="$real" '
        BEGIN {
          split(said, s, " "); split(real, r, " ")
          x = s[2] == "min" ? 60 * s[1] + s[3] : s[2] == "ms" ? s[1] / 1000 : s[1]
          printf "| %s | %s | %.3g | %s | %s | %.2f | %.1f |\n", called, j, x, took, r[1], x / r[1],
            r[2] + r[3]
        }'
    done
  done
done
