#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The sweeps of docs/comparison.md are valid and go the whole way to its tables and picture, here in
# short; and the page has every scheme on every cluster.

setup() {
  root="$(cd "$BATS_TEST_DIRNAME/.." && pwd)"
  cd "$BATS_TEST_TMPDIR"
}

@test "the sweeps are valid, leave no combination out, and hold all ten schemes" {
  for s in "$root"/scenarios/comparison/*.json; do
    run "$STRAGGLE" check "$s"
    [ "$status" -eq 0 ]
    [[ "$output" != *"cannot have"* ]]
    [ "$(grep -oE '"code": "[a-z-]+"' "$s" | sort -u | wc -l)" -eq 9 ] # group twice
    grep -q '"below": "minimum-norm"' "$s"
    grep -q '"baseline": "uncoded ring"' "$s"
  done
  [ "$(ls "$root"/scenarios/comparison/*.json | wc -l)" -eq 4 ]
}

@test "the sweeps go the whole way to the page, in short" {
  for s in "$root"/scenarios/comparison/*.json; do
    n=$(basename "$s" .json)
    "$STRAGGLE" run --quiet "$s" -o $n.db --set /replications=2 --set '/sweep/0/values=[4]'
    "$STRAGGLE" compare $n.db --per-code --across step --json > $n.json
    [ "$(sqlite3 :memory: "SELECT count(*), sum(value ->> 'is_baseline' AND value ->> 'code' = 'uncoded') FROM json_each(readfile('$n.json'))")" = "10|1" ]
  done
  cp "$root/docs/comparison.md" page.md
  python3 "$root/scenarios/comparison/page.py" . page.md picture.svg
  xmllint --noout picture.svg
  # In each table a row for each scheme; the prose is kept.
  for name in "ring all-reduce" "backup workers" DropCompute "local SGD" SSP Rennala Ringmaster \
    "fractional repetition" group "approximate group"; do
    [ "$(grep -c "^| $name |" page.md)" -eq 5 ]
    [ "$(grep -c "^| $name |" "$root/docs/comparison.md")" -eq 5 ]
    [ "$(grep -c ">$name</text>" picture.svg)" -eq 4 ]
    [ "$(grep -c ">$name</text>" "$root/docs/pictures/comparison.svg")" -eq 4 ]
  done
  diff <(grep -v '^|' page.md) <(grep -v '^|' "$root/docs/comparison.md")
  # A cell against the database: GB of the preset, from bytes of the small gradient.
  bytes="$(sqlite3 :memory: "SELECT value ->> 'bytes_to_target' FROM json_each(readfile('tcp-1gbit.json')) WHERE value ->> 'code' = 'uncoded'")"
  grep -E '^\| ring all-reduce' page.md | tail -1 | cut -d'|' -f8 | python3 -c "
import sys; cell = sys.stdin.read().split()[0]; x = $bytes / 248 * 30846720 * 4 / 1e9
assert abs(float(cell) / x - 1) < 5e-3, (cell, x)"
  # A mark that is missing is told.
  sed -i '/<!-- serverless -->/d' page.md
  run python3 "$root/scenarios/comparison/page.py" . page.md picture.svg
  [ "$status" -eq 1 ]
  [[ "$output" == *"expected one part <!-- serverless -->"* ]]
}
