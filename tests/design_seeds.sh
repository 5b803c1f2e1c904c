#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Designed codes at the budget that `codes design` has by itself, seed by seed:
#   tests/design_seeds.sh STRAGGLE [SEEDS]
# 24 workers, 16 blocks, 48 entries. p = 0.2: an error of at most 0.0086 (bound 0.0080); p = 0.05 and
# 0.4 in turn: a fifth of that of a random placement, at most.
set -euo pipefail
straggle=$(realpath "$1")
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT
status=0
for seed in $(seq "${2:-10}"); do
  for p in 0.2 0.05,0.4; do
    "$straggle" codes design -n 24 -p $p -k 16 --entries 48 --seed "$seed" -q -o code.csv --format csv > report.csv
    error() { awk -F, -v name="$1" '$1 == name { print $2 }' report.csv; }
    echo "seed $seed, p = $p: random $(error random), regular $(error random-regular), designed $(error designed)," \
      "fractional repetition $(error fractional-repetition)"
    awk -v p=$p -v d="$(error designed)" -v r="$(error random)" \
      'BEGIN { exit !(d > 0 && (p == "0.2" ? d <= 0.0086 : 5 * d <= r)) }' || { echo "FAILED"; status=1; }
  done
done
exit $status
