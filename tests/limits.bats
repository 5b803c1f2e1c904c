#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What is too large is refused with its size, or needs no memory in proportion; what the build must
# not be given. STRAGGLE names the program.

setup() {
  root=$(realpath "$BATS_TEST_DIRNAME/..")
  cd "$BATS_TEST_TMPDIR"
  cat > timing.json <<'END'
{ "format": 1, "cluster": { "workers": 4 }, "delay": { "model": "exponential", "mean_s": 1 },
  "learning": { "problem": "none" }, "schemes": [ { "code": "uncoded" } ],
  "replications": 1, "stop": { "iterations": 3000 }, "output": { "detail": "iteration" } }
END
  cat > large.json <<'END'
{ "format": 1, "cluster": { "workers": 4 }, "delay": { "model": "exponential", "mean_s": 1 },
  "learning": { "problem": "least-squares",
    "data": { "source": "gaussian-mixture", "rows": 1000000, "features": 1000 } },
  "schemes": [ { "code": "uncoded" } ], "replications": 1, "stop": { "iterations": 2 } }
END
}

# Limits the address space; a sanitizer's program cannot live in one.
limit() {
  (ulimit -v 4000000 && "$STRAGGLE" --version > /dev/null 2>&1) || skip "not with a sanitizer"
  ulimit -v "$1"
}

@test "a million workers are a valid scenario, in memory in proportion to them" {
  limit 2000000
  run "$STRAGGLE" check timing.json --set /cluster/workers=1000000
  [ "$status" -eq 0 ]
}

@test "a small file that names a large column is checked in little memory" {
  printf '0 3:1 493999991:-1\n1 1:0 4:1\n2 2:1\n1 3:2\n' > large.svm
  cat > sparse.json <<'END'
{ "format": 1, "cluster": { "workers": 3 }, "delay": { "model": "exponential", "mean_s": 1 },
  "learning": { "problem": "softmax", "data": { "source": "libsvm", "path": "large.svm", "test_share": 0 } },
  "schemes": [ { "code": "uncoded" } ], "replications": 1, "stop": { "iterations": 2 } }
END
  limit 500000
  run "$STRAGGLE" check sparse.json
  [ "$status" -eq 0 ]
  run "$STRAGGLE" run sparse.json
  [ "$status" -eq 71 ]
  [[ "$output" == *"the missing runs need at least"* ]]
}

@test "codes with sparse tables for a hundred thousand workers" {
  limit 600000
  for scheme in '{"code":"cyclic-repetition","s":3}' '{"code":"cyclic-mds","s":3}' \
    '{"code":"fractional-repetition","s":3}' '{"code":"partial-cyclic","s":3,"p":6}' \
    '{"code":"ye-abbe","d":5,"m":2}' '{"code":"arbitrary-placement","s":2,"placement":"random"}' \
    '{"code":"bernoulli","d":5,"s":9}' '{"code":"soft-block-design","d":5,"s":9}' '{"code":"ldgm","s":9}' \
    '{"code":"sparse-gaussian","d":5,"omega":0.001,"s":9}' '{"code":"expander","d":4,"s":9}' \
    '{"code":"gc-mmc","r":3,"clusters":5000}'; do
    run "$STRAGGLE" check timing.json --set /cluster/workers=100000 --set /learning/length=100 \
      --set /schemes="[$scheme]"
    [ "$status" -eq 0 ]
  done
}

# The least address space, in kB and in steps of 10 MB, in which a round of 10,000 workers runs.
least_of() {
  for size in $(seq 100000 10000 1000000); do
    rm -f least.db
    if (ulimit -v $size; "$STRAGGLE" run timing.json -q -j 1 -o least.db --set /stop/iterations=1 --set /learning/length=100 \
        --set /cluster/workers=10000 --set /schemes="[$1]" > /dev/null 2>&1); then
      echo $size
      return
    fi
  done
}

# Rounds of 10,000 workers from the scenario to their rows, in so much beside what the first scheme needs:
# a byte for each pair of workers would take 98 MB.
rounds_within() {
  local least room=$1
  least=$(least_of "$2")
  [ "$least" -gt 0 ]
  for scheme in "${@:2}"; do
    rm -f round.db
    run bash -c 'ulimit -v '$((least + room))'; exec "$STRAGGLE" run timing.json -q -j 1 -o round.db \
      --set /stop/iterations=1 --set /learning/length=100 --set /cluster/workers=10000 --set "/schemes=[$0]"' "$scheme"
    [ "$status" -eq 0 ] || { echo "$scheme: $output"; return 1; }
    [ "$(sqlite3 round.db "SELECT count(*) FROM iteration WHERE duration_s > 0")" -eq 1 ] || { echo "$scheme"; return 1; }
  done
}

@test "codes with sparse tables have no table of n × n, from the set-up to the rows" {
  limit 4000000
  export STRAGGLE
  rounds_within 60000 '{"code":"uncoded"}' '{"code":"load-balanced"}' '{"code":"evict","workers":5}' \
    '{"code":"fractional-repetition","s":9}' '{"code":"reed-solomon","s":5}' '{"code":"ignore-stragglers","s":9}' \
    '{"code":"bacc","parts":100,"s":9}' '{"code":"bernoulli","d":5,"s":9,"decoding":"peel"}' \
    '{"code":"bernoulli","d":5,"s":9,"cover":true,"decoding":"one-step"}' '{"code":"graph","d":4,"s":9}' \
    '{"code":"stochastic-block","c":10,"Q":0.0001,"s":9,"decoding":"peel"}' '{"code":"approximate-repetition","d":10}' \
    '{"code":"expander","d":4,"s":9,"decoding":"one-step"}' \
    '{"code":"sgc","d":4,"s":9}' '{"code":"soft-block-design","d":5,"s":9}' \
    '{"code":"sparse-gaussian","d":5,"omega":0.01,"s":9}' '{"code":"d-frc","d":10,"s":9}' '{"code":"brc","eps":0.1,"s":9}' \
    '{"code":"ldgm","s":9}' '{"code":"is-gc","c":4,"s":9}' '{"code":"partial-repetition","s":3,"p":6}' \
    '{"code":"uc-mmc","r":5}' '{"code":"coupon-collector","r":5,"uncovered":"reassign"}' \
    '{"code":"speculative-copies","left":10}' '{"code":"k-sync","k":9000}' '{"code":"rennala","b":10000}' \
    '{"code":"product","workers1":100,"first":"circulant","d1":2,"second":"circulant","d2":2,"decoding":"one-step"}'
}

@test "nor have those that solve small systems" {
  limit 4000000
  export STRAGGLE
  rounds_within 80000 '{"code":"cyclic-repetition","s":5}' '{"code":"ye-abbe","d":5,"m":2}' \
    '{"code":"ye-abbe","d":6,"m":2,"s":3}' '{"code":"cyclic-mds","s":5}' '{"code":"heterogeneous","s":5}' \
    '{"code":"group","d":10,"m":5,"stop":"decodable"}' '{"code":"arbitrary-placement","s":2}' \
    '{"code":"arbitrary-placement","s":2,"placement":"random","replication":4,"m":1}' \
    '{"code":"arbitrary-placement","s":2,"placement":"by-speed"}' '{"code":"partial-cyclic","s":3,"p":6}' \
    '{"code":"streamed-group","d":10,"chunks":5}' '{"code":"nested","s_max":3}' '{"code":"gc-mmc","r":4}' \
    '{"code":"partial-stragglers"}' '{"code":"clustered","clusters":500,"s":3}' \
    '{"code":"dynamic-clusters","clusters":500,"s":3}' '{"code":"hierarchical","edges":500,"s_e":1,"s_w":2}' \
    '{"code":"tiered","s":3,"start":5000,"after":2500}' '{"code":"sequential-gc","s":3}' \
    '{"code":"expander","d":4,"s":9,"graph":"circulant","coefficients":"optimal","decoding":"one-step"}' \
    '{"code":"sr-sgc","B":1,"W":2,"lambda":4}' '{"code":"m-sgc","B":1,"W":2,"lambda":4}'
}

@test "a coupon collector that no draw covers is refused, and not for want of memory" {
  limit 300000
  run "$STRAGGLE" check timing.json --set /cluster/workers=100000 --set '/schemes=[{"code":"coupon-collector","r":5}]'
  [ "$status" -eq 65 ]
  [[ "$output" = *"found 20000, which they do with a probability of 1.8e-60"* ]]
}

@test "check and plan generate no data" {
  limit 1000000 # the data have 8 GB
  run "$STRAGGLE" check large.json
  [ "$status" -eq 0 ]
  run "$STRAGGLE" plan large.json
  [ "$status" -eq 0 ]
  [[ "$output" = *"1 runs are missing"*"(a guess from sizes: the data are not generated for it)"* ]]
}

@test "runs that do not fit into the memory are refused with how much they need" {
  limit 4000000
  run "$STRAGGLE" run large.json
  [ "$status" -eq 71 ]
  [[ "$output" = *"need at least 6.4 GB of memory, and "*" are available"* ]]
  [ ! -e large.db ]
  run "$STRAGGLE" run large.json --force
  [ "$status" -eq 71 ]
  [[ "$output" = *"out of memory: the data: 8.0 GB are needed"* ]]
}

@test "runs that would fill the disk are refused, unless they may end earlier" {
  long=(timing.json --set /replications=100000 --set /stop/iterations=1000000000)
  run "$STRAGGLE" run "${long[@]}"
  [ "$status" -eq 71 ]
  [[ "$output" = *"take at least 7.0 PB on the disk, and "*" are free"* ]]
  [ ! -e timing.db ]
  run "$STRAGGLE" run timing.json --set /replications=4 --set /stop/iterations=1000000000 \
    --set /stop/sim_time_s=5
  [ "$status" -eq 0 ]
  run "$STRAGGLE" run timing.json --set /replications=4 --set /stop/iterations=1000000000 \
    --set '/cluster/crashes={"model":"permanent","mean_iterations":5}' -o crashes.db
  [ "$status" -eq 0 ]
}

@test "more runs than an int counts" {
  seeds=$(seq -s, 1 200)
  run "$STRAGGLE" plan timing.json --set /replications=16777215 \
    --set "/sweep=[{\"name\":\"s\",\"path\":\"/random/seed\",\"values\":[$seeds]}]"
  [ "$status" -eq 0 ]
  [[ "$output" = *"200 points, 0 skipped; 3355443000 runs are missing"* ]]
}

@test "the answer to a query may be larger than the memory" {
  "$STRAGGLE" run -q timing.json
  limit 250000
  endless="WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
  for format in csv json; do
    # 50 MB of it, then nobody reads on.
    timeout 60 "$STRAGGLE" query timing.db "$endless" --format $format | head -c 50000000 > out
    [ "$(stat -c %s out)" -eq 50000000 ]
  done
  [[ "$(head -n 3 out | tail -n 1)" = *'{"i": 2},' ]]
}

@test "a small address space: OpenBLAS starts no threads, and its want of buffers has an end" {
  limit 8000000
  unset OPENBLAS_NUM_THREADS
  for limit in 80000 120000 160000 400000; do
    (ulimit -v $limit && timeout -s KILL 20 "$STRAGGLE" --version)
    (ulimit -v $limit && timeout -s KILL 20 "$STRAGGLE" run -q timing.json -o $limit.db)
  done
  run bash -c "ulimit -v 120000; timeout -s KILL 20 '$STRAGGLE' codes check cyclic-repetition s=3"
  [ "$status" -eq 71 ]
  [[ "$output" = *"linear algebra needs 134 MB of address space"* ]]
}

@test "options that break floating-point arithmetic are refused by the compiler" {
  echo '#include "sim/core/error.h"' > one.c
  gcc -O2 -I"$root" -fsyntax-only one.c
  for option in -Ofast -ffast-math -ffinite-math-only -funsafe-math-optimizations; do
    run gcc $option -I"$root" -fsyntax-only one.c
    [ "$status" -ne 0 ]
    [[ "$output" = *"cannot be built with -Ofast or -ffast-math"* ]]
  done
}

# For make, as if it was typed.
plain_make() {
  env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -s -C "$root" \
    BUILD="$(realpath --relative-to="$root" "$(dirname "$STRAGGLE")")" "$@"
}

@test "make install into a folder with blanks in its name" {
  plain_make install PREFIX="/usr/my own" DESTDIR="$PWD/my stage"
  "my stage/usr/my own/bin/straggle" --version
  [ -e "my stage/usr/my own/share/straggle/scenarios/quickstart.json" ]
  [ -e "my stage/usr/my own/share/man/man1/straggle.1" ]
}

@test "the revision is that of the project's own repository" {
  mkdir -p other/source
  cp "$root/Makefile" other/source
  git -C other init -q
  git -C other -c user.name=a -c user.email=a@b commit -q --allow-empty -m x
  run env -u MAKEFLAGS -u MAKELEVEL make -pnq -C other/source clean
  [[ "$output" = *"REVISION := unknown"* ]]
}
