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

# What learns without OpenBLAS, libm or drawn data has the same losses and errors everywhere, too:
# sparse data, for one model at a time and for eight side by side, and dense ones, for one, whole and
# compressed. Hence whatever vectors a processor has; a build goes as far as it is told (LANES).
learned=225fa85a5f2a278423ca43bd4ea8993c81ff22ff268ab9b0ed2870eb54b2da7a

learn() { # options …
  local data="$BATS_TEST_DIRNAME/../scenarios/data"
  local csv='{"source": "csv", "path": "'$data'/breast-cancer.csv", "label": "diagnosis", "test_share": 0.2, "standardize": true}'
  local svm='{"source": "libsvm", "path": "'$data'/austen.svm", "test_share": 0.2}'
  local learning
  for learning in "1, \"data\": $svm" "8, \"data\": $svm" "1, \"data\": $csv"; do
    cat > learn.json <<END
{"format": 1, "cluster": {"workers": 12}, "delay": {"model": "shifted-exponential", "shift_s": 1, "mean_excess_s": 1},
 "learning": {"problem": "logistic-regression", "block_width": $learning, "l2": 1e-3, "optimizer": {"method": "nesterov", "step": 0.5}, "evaluate_every": 1},
 "schemes": [{"code": "uncoded"}, {"code": "fractional-repetition", "s": 2}, {"code": "ignore-stragglers", "s": 3},
             {"code": "uncoded", "compression": {"compressor": "qsgd", "levels": 7}},
             {"code": "ignore-stragglers", "s": 3, "compression": {"compressor": "scaled-sign"}}],
 "replications": 9, "random": {"seed": 3}, "stop": {"iterations": 12}}
END
    "$STRAGGLE" run learn.json -q -o learn.db "$@"
  done
}

@test "what is learned without OpenBLAS is that of every other machine" {
  learn -j 2
  run bash -c '"$STRAGGLE" query learn.db --format csv "SELECT point_id, replication, iteration, loss, test_loss,
    test_accuracy, test_auc, grad_norm, grad_rel_err, err_norm FROM iteration JOIN run USING (run_id)
    ORDER BY 1, 2, 3" | sha256sum | cut -c 1-64'
  echo "found: $output"
  [ "$output" = "$learned" ]
}
