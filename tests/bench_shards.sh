#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# How much faster two shards are than one process, each with one thread, on two processors, and what
# the merge costs: best and all of ROUNDS rounds by turns. The machine should do nothing else.
#
#   tests/bench_shards.sh PROGRAM [ROUNDS [REPLICATIONS]]
set -euo pipefail
program=$(realpath "$1") rounds=${2:-5} replications=${3:-300}
cd "$(dirname "$0")/.."
scenario=$(realpath scenarios/quickstart.json) folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
export OPENBLAS_NUM_THREADS=1
cd "$folder"
job() { "$program" run "$scenario" --set /replications="$replications" -o my.db -j 1 -q "$@"; }
now() { date +%s.%N; }
for ((round = 0; round < rounds; round++)); do
  rm -f my.*
  a=$(now)
  job
  b=$(now)
  rm -f my.*
  c=$(now)
  job --shard 1/2 & job --shard 2/2
  wait
  d=$(now)
  "$program" merge my.db my.shard-*.db -q
  echo "$a $b $c $d $(now)"
done | awk '{ one = $2 - $1; two = $4 - $3; m = $5 - $4; printf "%.2f s, %.2f s, ratio %.2f, merge %.2f s\n", one, two, one / two, m
              if (!best1 || one < best1) best1 = one; if (!best2 || two < best2) best2 = two }
            END { printf "best %.2f s and %.2f s: %.2f times\n", best1, best2, best1 / best2 }'
