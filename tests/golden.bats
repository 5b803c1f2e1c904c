#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Simulated times to the last bit: the same with every compiler, optimisation level, number of
# threads, libm and BLAS, whatever was there before, and from commit to commit. A change that means to
# change them raises SG_RESULTS_VERSION and writes the new hash here.
#
# The hash is of decimal digits that name one double each (straggle query), not of SQLite's.

golden=4de8bc9c72940c7a578c731cb8119899effa23f858a776f860faa416db386167

setup() {
  scenarios="$BATS_TEST_DIRNAME/scenarios"
  cd "$BATS_TEST_TMPDIR"
  cat > laws <<'END'
{"model": "deterministic", "value_s": 1}
{"model": "shifted-exponential", "shift_s": 0.5, "mean_excess_s": 1}
{"model": "weibull", "scale_s": 1, "shape": 0.7}
{"model": "gamma", "mean_s": 1, "shape": 0.4}
{"model": "gamma", "mean_s": 1, "shape": 30}
{"model": "lognormal", "median_s": 1, "sigma": 0.8}
{"model": "pareto", "minimum_s": 1, "shape": 1.5}
{"model": "bimodal", "fast_s": 1, "slow_s": 5, "slow_probability": 0.1}
{"model": "mixture", "components": [{"model": "weibull", "scale_s": 1, "shape": 2, "weight": 0.75}, {"model": "pareto", "minimum_s": 2, "shape": 2.5, "weight": 0.25}]}
{"model": "empirical", "values_s": [1, 1.25, 2, 7]}
{"model": "exponential", "mean_s": 1, "scaling": "startup", "per_subset_s": 0.4, "unit": "subset", "common": {"model": "gamma", "mean": 1, "shape": 5}}
{"model": "trace", "path": "../../scenarios/traces/memory.csv"}
END
}

# All that is simulated, into golden.db: law by law, then codes that learn.
simulate() { # options …
  local law
  "$STRAGGLE" run "$scenarios/golden.json" -q -o golden.db "$@"
  while read -r law; do
    "$STRAGGLE" run "$scenarios/golden.json" -q -o golden.db --set /delay="$law" "$@"
  done < laws
  for s in grid grid-crashes delays; do
    "$STRAGGLE" run "$scenarios/$s.json" -q -o golden.db --set /output/detail=worker "$@"
  done
}

digest() {
  {
    "$STRAGGLE" query golden.db --format csv "SELECT point_id, replication, iteration, start_s, duration_s,
      wait_s, decode_s, update_s, busy_s, wasted_s, queued_s FROM iteration JOIN run USING (run_id)
      ORDER BY 1, 2, 3"
    "$STRAGGLE" query golden.db --format csv "SELECT run_id, iteration, worker, compute_s, arrival_s
      FROM worker_iteration ORDER BY 1, 2, 3"
    "$STRAGGLE" query golden.db --format csv "SELECT run_id, status, iterations FROM run ORDER BY 1"
  } | sha256sum | cut -c 1-64
}

@test "simulated times are those of every other machine" {
  simulate -j 2
  [ "$("$STRAGGLE" query golden.db --format csv "SELECT count(*) FROM iteration" | tail -1)" -gt 5000 ]
  run digest && echo "found: $output"
  echo "$output"
  [ "$output" = "$golden" ]
}

@test "one thread, then more replications with three threads, give the same" {
  simulate -j 1 --set /replications=1
  simulate -j 3
  run digest && echo "found: $output"
  [ "$output" = "$golden" ]
}

# glibc takes other code without FMA and AVX2; other C libraries and processors do without being
# asked.
@test "a libm without FMA gives the same" {
  GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX2,-AVX2_Usable,-FMA,-FMA_Usable,-FMA4,-FMA4_Usable simulate -j 2
  run digest && echo "found: $output"
  [ "$output" = "$golden" ]
}

@test "another BLAS kernel gives the same simulated times" {
  OPENBLAS_CORETYPE=Prescott simulate -j 2
  run digest && echo "found: $output"
  [ "$output" = "$golden" ]
}

@test "runs of several BLAS kernels under one key are told" {
  export OPENBLAS_CORETYPE=Haswell
  "$STRAGGLE" run "$scenarios/grid.json" -q -o mixed.db --set /replications=1 2> first
  OPENBLAS_CORETYPE=Prescott "$STRAGGLE" run "$scenarios/grid.json" -q -o mixed.db 2> second
  [ ! -s first ]
  cat second
  [[ "$(cat second)" == "warning: 16 points have runs of several BLAS kernels ("*"Prescott"*"): "* ]]
  # Of simulated times alone there is nothing to tell.
  "$STRAGGLE" run "$scenarios/delays.json" -q -o times.db --set /replications=1
  OPENBLAS_CORETYPE=Prescott "$STRAGGLE" run "$scenarios/delays.json" -q -o times.db --set /replications=2 2> third
  [ ! -s third ]
}
