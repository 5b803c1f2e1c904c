#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# A generator from a file: read, told apart by content, and faults with their place.

bats_require_minimum_version 1.5.0

setup() {
  cd "$BATS_TEST_TMPDIR"
  printf '1,0,1,1\n0,1,1,-1\n' > a.csv
  printf '1,0,1,1\n0,1,1,2\n' > b.csv
  cat > s.json <<'JSON'
{ "format": 1, "cluster": { "workers": 8 },
  "delay": { "model": "exponential", "mean_s": 1, "unit": "subset" },
  "learning": { "problem": "none", "length": 100 },
  "schemes": [ { "code": "group", "d": 4, "linear_code": "matrix", "stop": "decodable",
                 "generator": { "each": ["a.csv", "b.csv"] } } ],
  "stop": { "iterations": 20 } }
JSON
}

@test "each file is a point of its own, found again by its content" {
  run -0 "$STRAGGLE" run s.json -o s.db
  [[ "$output" == *"2 runs computed"* ]]
  cp a.csv c.csv
  run -0 "$STRAGGLE" run s.json -o s.db --set '/schemes/0/generator=c.csv'
  [[ "$output" == *"0 runs computed"* ]]
  printf '1,0,1,1\n0,1,1,-2\n' > c.csv
  run -0 "$STRAGGLE" run s.json -o s.db --set '/schemes/0/generator=c.csv'
  [[ "$output" == *"1 runs computed"* ]]
}

@test "faults of a matrix file have file, line and column" {
  printf '1,0\nx,nan,3\n' > bad.csv
  run -65 "$STRAGGLE" check s.json --set '/schemes/0/generator=bad.csv'
  [[ "$output" == *'bad.csv:2:1: error: expected a number, found "x"'* ]]
  [[ "$output" == *'bad.csv:2:3: error: expected a finite number, found "nan"'* ]]
  [[ "$output" == *'bad.csv:2:7: error: expected 2 numbers as in the first row, found 3'* ]]
  printf '0,1,2,3\n1,0,1,1\n0,1,1,-1\n' > bad.csv # pandas, without names
  run -65 "$STRAGGLE" check s.json --set '/schemes/0/generator=bad.csv'
  [[ "$output" == *'bad.csv:1:1: error: '*'a header that counts the columns'* ]]
  sed -i '1s/0/0.0/; 3d' bad.csv
  run -0 "$STRAGGLE" check s.json --set '/schemes/0/generator=bad.csv'
  printf ',0,1,2,3\n0,1,0,1,1\n1,0,1,1,-1\n' > bad.csv # and with its index
  run -65 "$STRAGGLE" check s.json --set '/schemes/0/generator=bad.csv'
  [[ "$output" == *'bad.csv:1:1: error: expected a number, found nothing'* ]]
  run -66 "$STRAGGLE" check s.json --set '/schemes/0/generator=none.csv'
  [[ "$output" == *'cannot open "none.csv"'* ]]
  printf '1,2,1,1\n2,4,2,2\n' > flat.csv
  run -65 "$STRAGGLE" check s.json --set '/schemes/0/generator=flat.csv'
  [[ "$output" == *"row 2 depends on those before it"* ]]
}
