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

@test "codes with sparse tables for a hundred thousand workers" {
  limit 600000
  for scheme in '{"code":"cyclic-repetition","s":3}' '{"code":"cyclic-mds","s":3}' \
    '{"code":"fractional-repetition","s":3}' '{"code":"partial-cyclic","s":3,"p":6}'; do
    run "$STRAGGLE" check timing.json --set /cluster/workers=100000 --set /schemes="[$scheme]"
    [ "$status" -eq 0 ]
  done
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
