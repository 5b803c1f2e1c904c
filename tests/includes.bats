#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The order of the house (tests/includes.sh), and that each kind of offence is seen.

bats_require_minimum_version 1.5.0

setup() {
  check="$BATS_TEST_DIRNAME/includes.sh"
  cd "$BATS_TEST_TMPDIR"
  mkdir -p sim/core sim/experiment sim/fit codes/frame models/a models/b results
  header sim/core/base.h ""
  header codes/frame/code.h '#include "sim/core/base.h"'
  header sim/experiment/plan.h '#include "codes/frame/code.h"'
  run -0 "$check" .
  [ -z "$output" ]
}

# header FILE TEXT [LINES]
header() {
  local guard=${1//[\/.]/_}
  { printf '#ifndef %s\n#define %s\n%s\n#endif\n' "$guard" "$guard" "$2"; yes '' | head -n "${3:-0}"; } > "$1"
}

@test "the tree is in order" {
  run -0 "$check"
  [ -z "$output" ]
}

@test "an include from above or beside is an offence" {
  header sim/core/up.h '#include "codes/frame/code.h"'
  header codes/beside.h '#include "results/table.h"'
  header results/table.h ""
  header sim/experiment/fits.h '  #  include "sim/fit/fit.h"'
  header sim/fit/fit.h '#include "tests/support.h"'
  header sim/experiment/ok.h '#include "made.inc"'
  run -1 "$check" .
  [[ "$output" == *"sim/core/up.h: includes codes/frame/code.h"* ]]
  [[ "$output" == *"codes/beside.h: includes results/table.h"* ]]
  [[ "$output" == *"sim/experiment/fits.h: includes sim/fit/fit.h"* ]]
  [[ "$output" == *"sim/fit/fit.h: includes tests/support.h, which is no product code"* ]]
  [[ "$output" != *"made.inc"* ]]
}

@test "a circle of files is an offence" {
  header codes/one.h '#include "codes/two.h"'
  header codes/two.h '#include "codes/three.h"'
  header codes/three.h '#include "codes/one.h"'
  run -1 "$check" .
  [ "${#lines[@]}" -eq 1 ]
  [[ "$output" == "circle of files: "* ]]
  for f in one two three; do [[ "$output" == *"codes/$f.h"* ]]; done
}

@test "a circle of folders is an offence" {
  header models/a/one.h '#include "models/b/one.h"'
  header models/b/one.h ""
  header models/b/two.h '#include "models/a/two.h"'
  header models/a/two.h ""
  run -1 "$check" .
  [ "${#lines[@]}" -eq 1 ]
  [[ "$output" == "circle of folders: "*models/a* ]]
}

@test "a guard that stands twice is an offence, and so is none" {
  header codes/again.h ""
  sed -i 's/codes_again_h/codes_frame_code_h/' codes/again.h
  echo "int x;" > codes/bare.h
  run -1 "$check" .
  [ "${#lines[@]}" -eq 2 ]
  [[ "$output" == *"has the include guard codes_frame_code_h of codes/"* ]]
  [[ "$output" == *"codes/bare.h: has no include guard"* ]]
}

@test "a long file needs its reason" {
  header codes/long.c "" 700
  header codes/short.c "" 696
  run -1 "$check" .
  [ "$output" = 'codes/long.c: has 704 lines and no "This file is long because …" in its head' ]
  sed -i '3s|.*|/* This file is long\n * because so it is. */|' codes/long.c
  run -0 "$check" .
}
