#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# `straggle codes check` as a person uses it. STRAGGLE names the program.

setup() {
  cd "$BATS_TEST_TMPDIR"
}

json() { # an expression of $1, a JSON file
  sqlite3 :memory: "SELECT $2 FROM (SELECT CAST(readfile('$1') AS TEXT) AS j)"
}

@test "a report says what is promised, found and how safe it is" {
  run "$STRAGGLE" codes check fractional-repetition s=1 -n 4
  [ "$status" -eq 0 ]
  [[ "$output" == *"4 workers, 4 subsets, gradient length 960, seed 1"* ]]
  [[ "$output" == *"at most 1 missing: 5, all tried"* ]]
  [[ "$output" == *"found     d = 2  s = 1  m = 1"* ]]
  [[ "$output" == *"2 copies of the data: s + m, the optimum"* ]]
  [[ "$output" == *"condition number"* ]]
  [[ "$output" == *"2 messages: 2 gradients, 15 kB as float64"* ]]
  grep -Eq "^ +2 +2 +6 +6 +4 +0.6667" <<< "$output" # 4 of 6 pairs decode
}

@test "n = 20, s = 3: all 1,351 patterns" {
  for code in "cyclic-repetition s=3" "ye-abbe d=5 m=2 construction=random" "group d=4 m=1 stop=count"; do
    run "$STRAGGLE" codes check $code -n 20
    [ "$status" -eq 0 ]
    [[ "$output" == *"at most 3 missing: 1351, all tried"* ]]
    [[ "$output" == *"s = 3 "* ]]
  done
}

@test "JSON, the same for every number of threads" {
  "$STRAGGLE" codes check cyclic-repetition s=3 -n 20 -p 300 -j 1 --json > a.json
  "$STRAGGLE" codes check cyclic-repetition s=3 -n 20 -p 300 -j 3 --json > b.json
  cmp a.json b.json
  [ "$(json a.json "json_valid(j)")" = 1 ]
  [ "$(json a.json "json_extract(j, '$.s_found')")" = 3 ]
  [ "$(json a.json "json_extract(j, '$.exhaustive')")" = 0 ]
  [ "$(json a.json "json_extract(j, '$.patterns')")" = 1351.0 ] || \
    [ "$(json a.json "json_extract(j, '$.patterns')")" = 1351 ]
  [ "$(json a.json "json_extract(j, '$.cond2.worst') > json_extract(j, '$.cond2.median')")" = 1 ]
  [ "$(json a.json "json_array_length(j, '$.cond2.worst_missing')")" = 3 ]
  "$STRAGGLE" codes check cyclic-repetition s=3 -n 20 -p 300 --seed 2 --json > c.json
  ! cmp -s a.json c.json
}

@test "rows in code_check, in place of older ones" {
  "$STRAGGLE" codes check group d=4 m=2 stop=decodable -n 8 --database c.db
  "$STRAGGLE" codes check group d=4 m=2 stop=decodable -n 8 --database c.db
  "$STRAGGLE" codes check cyclic-repetition s=1 -n 8 --database c.db --json
  [ "$(sqlite3 c.db "SELECT code, stragglers_found, comm_found, slack, exhaustive, broken_promises FROM code_check ORDER BY code")" = \
    $'cyclic-repetition|1|1.0|0.0|1|0\ngroup|2|2.0|0.0|1|0' ]
  # A_8, A_7, … of two groups of four: binomials less the sets that leave a group with one or none.
  [ "$(sqlite3 c.db "SELECT group_concat(sets_decodable, ' ') FROM (SELECT * FROM code_check_sets JOIN code_check USING (check_id) WHERE code = 'group' ORDER BY responders DESC)")" = \
    "1 8 28 48 36 0 0 0 0" ]
  [ "$(sqlite3 c.db "SELECT abs(cond2_worst * tan(pi() / 8) - 1) < 1e-10 FROM code_check WHERE code = 'group'")" = 1 ]
  [ "$(sqlite3 c.db "SELECT count(*) FROM code_check_sets WHERE check_id NOT IN (SELECT check_id FROM code_check)")" = 0 ]
  run "$STRAGGLE" query c.db @code-checks --format csv
  [ "$status" -eq 0 ]
  [ "${#lines[@]}" -eq 3 ]
}

@test "a grid of all codes in one table" {
  n="$([ -n "$SETTINGS" ] && echo 4 || echo 6)" # a sanitizer takes ten times as long
  "$STRAGGLE" codes check --all -n $n -l 60 --format csv > all.csv
  for code in $("$STRAGGLE" codes --format csv | tail -n +2 | cut -d, -f1 | grep -E '^[a-z]'); do
    # One that must be given a file, or one of several members, is in no grid.
    "$STRAGGLE" codes show "$code" | grep -q 'CSV file of numbers; required' && continue
    "$STRAGGLE" codes check "$code" -n $n 2>&1 | grep -q 'expected one of .* found 0 of them' && continue
    grep -q "^$code" all.csv
  done
  "$STRAGGLE" codes check --all -n $n -l 60 --json --database all.db > all.json
  [ "$(json all.json "json_valid(j)")" = 1 ]
  rows="$(json all.json "json_array_length(j)")"
  [ "$rows" -eq "$(($(wc -l < all.csv) - 1))" ]
  [ "$rows" -eq "$(sqlite3 all.db "SELECT count(*) FROM code_check")" ]
  # Nobody breaks a promise, nobody beats the optimal trade-off.
  [ "$(sqlite3 all.db "SELECT count(*) FROM code_check WHERE broken_promises > 0 OR slack < 0")" = 0 ]
  run "$STRAGGLE" codes check --all -n $n -l 60 --format markdown
  [[ "$output" == *"| cyclic-repetition s=1 |"* ]]
}

@test "bad input names the rule and what is near" {
  run "$STRAGGLE" codes check cyclic-repetitoin s=1
  [ "$status" -eq 64 ]
  [[ "$output" == *'did you mean "cyclic-repetition"'* ]]
  run "$STRAGGLE" codes check group d=5 m=2 stop=count
  [ "$status" -eq 65 ]
  [[ "$output" == *"1, 2, 3, 4, 6, 12"* ]]
  run "$STRAGGLE" codes check group dd=4 m=x stop=count
  [ "$status" -eq 65 ]
  [[ "$output" == *'did you mean "d"'* ]]
  [[ "$output" == *"m: expected a whole number"* ]] # both faults at once
  run "$STRAGGLE" codes check cyclic-repetition
  [ "$status" -eq 65 ]
  [[ "$output" == *'"s" is missing'* ]]
  run "$STRAGGLE" codes check cyclic-repetition s
  [ "$status" -eq 64 ]
  run "$STRAGGLE" codes check cyclic-repetition s=1 -n 0
  [ "$status" -eq 64 ]
  [[ "$output" == *"from 1 to 1000"* ]]
  run "$STRAGGLE" codes check
  [ "$status" -eq 64 ]
  run "$STRAGGLE" codes check --all uncoded
  [ "$status" -eq 64 ]
  run "$STRAGGLE" codes check uncoded --nonsense
  [ "$status" -eq 64 ]
  run "$STRAGGLE" codes check uncoded -n 1000 -l 100000000
  [ "$status" -eq 64 ]
  [[ "$output" == *"16777"* ]]
  run "$STRAGGLE" codes check uncoded --database /nowhere/c.db
  [ "$status" -eq 73 ]
  run "$STRAGGLE" codes check uncoded --speeds 1,,2
  [ "$status" -eq 64 ]
  run "$STRAGGLE" codes check streamed-group d=4 --json
  [ "$status" -eq 65 ]
  echo "$output" > f.json
  [ "$(json f.json "json_extract(j, '$.faults[0].place')")" = /chunks ]
}

@test "speeds are those of the workers" {
  "$STRAGGLE" codes check heterogeneous s=1 -n 6 --speeds 3,1,1 --json --database s.db > s.json
  [ "$(json s.json "json_extract(j, '$.copies') || ' ' || json_extract(j, '$.slack')")" = "2.0 0.0" ] || \
    [ "$(json s.json "json_extract(j, '$.copies') || ' ' || json_extract(j, '$.slack')")" = "2 0" ]
  [ "$(json s.json "json_extract(j, '$.d_found') > 3")" = 1 ] # the fast ones hold more
  "$STRAGGLE" codes check heterogeneous s=1 -n 6 --database s.db > /dev/null
  [ "$(sqlite3 s.db "SELECT group_concat(speeds, ' ') FROM (SELECT speeds FROM code_check ORDER BY speeds)")" = "1 3,1,1" ]
}

@test "a broken promise ends with 70, an inaccurate decode does not" {
  # Thirty neighbours of 61 are nothing for float64: the code is fine, its arithmetic is not.
  run "$STRAGGLE" codes check cyclic-mds s=30 -n 61 -p 20 -l 60
  [ "$status" -eq 70 ]
  [[ "$output" == *"BROKEN"*"promised patterns were refused"* ]]
  run "$STRAGGLE" codes check cyclic-mds s=30 -n 61 -p 20 -l 60 --json --database b.db
  [ "$status" -eq 70 ]
  [ "$(sqlite3 b.db "SELECT broken_promises > 0 FROM code_check")" = 1 ]
  run "$STRAGGLE" codes check ye-abbe d=12 m=6 construction=polynomial -n 24 -p 20 -l 60
  [ "$status" -eq 0 ]
  [[ "$output" == *"UNSAFE"* ]]
  run "$STRAGGLE" help codes
  [[ "$output" == *"exit code is 70"* ]]
}

@test "how the minimum distance is known is said" {
  run "$STRAGGLE" codes check group d=7 linear_code=hamming stop=decodable -n 7
  [[ "$output" == *"[7, 4] code of minimum distance 3: "* ]]
  "$STRAGGLE" codes check group d=60 m=30 linear_code=ldpc stop=decodable -n 60 -p 20 -l 60 --json > l.json
  [ "$(json l.json "json_extract(j, '$.note') LIKE '[60, 30] code of minimum distance %bound%'")" = 1 ]
  run "$STRAGGLE" codes check streamed-group d=4 chunks=4 -n 8
  [[ "$output" == *"[16, 4] chunk code: worst condition number 27.8 over all 35 arrival mixes"* ]]
  run "$STRAGGLE" codes check arbitrary-placement s=1 placement=matrix
  [ "$status" -eq 65 ]
  [[ "$output" == *"expected the name of a CSV file"*"found nothing"* ]]
}

@test "a parameter is given once" {
  run "$STRAGGLE" codes check cyclic-repetition s=1 s=2
  [ "$status" -eq 64 ]
  [[ "$output" == *"cyclic-repetition: expected s once, found it again in \"s=2\""* ]]
}

@test "two-stage codes: late workers have sent their first message" {
  run "$STRAGGLE" codes check partial-cyclic s=2 p=4 -n 12
  [ "$status" -eq 0 ]
  [[ "$output" == *"at most 2 late (only the first message comes): 79, all tried"* ]]
  [[ "$output" == *"found     d = 2  s = 2  m = 0.5 (a worker sends 2 messages)"* ]]
  [[ "$output" != *"optimum"* ]]
}

@test "help says what is measured" {
  run "$STRAGGLE" codes check --help
  [ "$status" -eq 0 ]
  [[ "$output" == *"2-norm, by SVD, of the decode system"* ]]
}

@test "the worst of the 184,756 survivor sets of harmonic [20, 10] is found from few samples" {
  run "$STRAGGLE" codes check group d=20 m=10 stop=count -n 20 -l 20 -p 500
  [[ "$output" == *"616666, 500 sampled"* ]]
  [[ "$output" =~ "condition number"[^$'\n']*" 9637 " ]]
}

@test "lists make all combinations; what a code cannot have is named and skipped" {
  run "$STRAGGLE" codes check fractional-repetition s=1,2 -n 6,8,…,12 -p 50 --format csv --database f.db
  [ "$status" -eq 0 ]
  [[ "$output" == *"skipped: fractional-repetition s=2, n = 8: expected s + 1 dividing n = 8"* ]]
  [ "$(sqlite3 f.db "SELECT group_concat(n_workers || ' ' || n_subsets || ' ' || stragglers_s) FROM (SELECT * FROM code_check ORDER BY check_id)")" = \
    "6 6 1,8 8 1,10 10 1,12 12 1,6 6 2,12 12 2" ]
  # The same rows one by one.
  for n in 6 12; do
    "$STRAGGLE" codes check fractional-repetition s=2 -n $n -p 50 --database one.db > /dev/null
  done
  rows="SELECT scheme_label, n_workers, cond2_worst, err_float64_worst, apply_flops FROM code_check WHERE stragglers_s = 2"
  [ "$(sqlite3 f.db "$rows")" = "$(sqlite3 one.db "$rows")" ]
  # Three dots, other steps, two parameters, words, one number of subsets for all.
  "$STRAGGLE" codes check ye-abbe d=3,4 m=2 construction=polynomial,random -n 5,6,...,7 -k 12 -p 20 --json > y.json
  [ "$(json y.json "json_array_length(j)")" = 12 ]
  # A value with brackets is one value.
  "$STRAGGLE" codes check uncoded 'stop=first-of(first=count,second=deadline(deadline_s=3))' -n 4 > /dev/null
  for bad in 6,8,… 6,8,…,31 6,…,8 …,6 0 x 6,,8 5,1001 6,6,…,9; do
    run "$STRAGGLE" codes check uncoded -n $bad
    [ "$status" -eq 64 ]
    [[ "$output" == *"--workers: expected"* ]]
  done
  run "$STRAGGLE" codes check cyclic-repetition s=1,x -n 4
  [ "$status" -eq 65 ]
  run "$STRAGGLE" codes check cyclic-repetition s=7,8 -n 4
  [ "$status" -eq 65 ]
  [[ "$output" == *"none of the 2 combinations"* ]]
  run "$STRAGGLE" codes check cyclic-repetition s=1,2 s=3 -n 4
  [ "$status" -ne 0 ]
  [[ "$output" == *"expected s once"* ]]
}
