#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Tables as other programs write them, from the file to the numbers: data, traces, times, matrices.

bats_require_minimum_version 1.5.0

setup() {
  cd "$BATS_TEST_TMPDIR"
  for i in {0..39}; do
    a=$(( i * 7919 % 41 - 20 )) b=$(( i * 104729 % 37 - 18 ))
    printf '%d,%d,%s\n' $a $b "$([ $((a + b)) -gt 0 ] && echo yes || echo no)"
  done > rows
  { echo a,b,y; cat rows; } > plain.csv
  cat > d.json <<'JSON'
{ "format": 1, "cluster": { "workers": 4 }, "delay": { "model": "exponential", "mean_s": 1 },
  "learning": { "problem": "logistic-regression",
                "data": { "source": "csv", "path": "plain.csv", "label": "y" } },
  "schemes": [ { "code": "uncoded" } ], "stop": { "iterations": 5 } }
JSON
  cat > t.json <<'JSON'
{ "format": 1, "cluster": { "workers": 2 },
  "delay": { "model": "trace", "path": "t.csv", "mode": "replay", "past_end": "end" },
  "learning": { "problem": "none" }, "schemes": [ { "code": "uncoded" } ] }
JSON
  cat > e.json <<'JSON'
{ "format": 1, "cluster": { "workers": 2 }, "delay": { "model": "empirical", "path": "e.csv" },
  "learning": { "problem": "none" }, "schemes": [ { "code": "uncoded" } ],
  "stop": { "iterations": 200 } }
JSON
}

# What a run of a scenario learns, or how long its iterations last: measured SCENARIO COLUMNS …
measured() {
  rm -f x.db
  "$STRAGGLE" run "$1" -q -o x.db "${@:3}"
  "$STRAGGLE" query x.db "SELECT $2 FROM run JOIN run_summary USING (run_id)" --format csv | tail -1
}
learned() { measured d.json "status, final_loss, final_auc" --set "/learning/data/path=$1" "${@:2}"; }

@test "one table of data in every dialect gives one result" {
  plain=$(learned plain.csv)
  [[ "$plain" == finished,0.* ]]
  { printf '\xef\xbb\xbf'; sed 's/$/\r/' plain.csv; } > bom-crlf.csv
  sed 's/[^,]*/"&"/g' plain.csv > quoted.csv
  { echo '"a","b","y"'; cat rows; } > quoted-header.csv
  printf '%s' "$(cat plain.csv)" > no-newline.csv
  sed 's/$/\n  /' plain.csv > empty-lines.csv
  sed 's/,/ , /g; s/^/ /' plain.csv > blanks.csv
  sed 's/^\([^,]*\),\([^,]*\),/\1e200,\2e-200,/; 1s/.*/a,b,y/' plain.csv > sizes.csv
  for f in bom-crlf quoted quoted-header no-newline empty-lines blanks sizes; do
    echo "$f"
    [ "$(learned $f.csv)" = "$plain" ]
  done
  tr , ';' < plain.csv > semicolons.csv
  [ "$(learned semicolons.csv --set '/learning/data/separator=;')" = "$plain" ]
  tr , '\t' < plain.csv > tabs.csv
  [ "$(learned tabs.csv --set '/learning/data/separator="\t"')" = "$plain" ]
  # A column that is left out may be anything, an index without a name too.
  awk '{ print (NR == 1 ? ",\"note, or so\"," : NR - 2 ",\"x, \"\"y\"\"\",") $0 }' plain.csv > more.csv
  [ "$(learned more.csv --set '/learning/data/ignore=["", "note, or so"]')" = "$plain" ]
}

@test "data that cannot be meant are refused with line and column, never learned" {
  refused() { # FILE PLACE MESSAGE
    run "$STRAGGLE" check d.json --set "/learning/data/path=$1"
    echo "$output"
    [ "$status" -eq 65 ]
    [[ "$output" == *"$1:"$2": error: "*"$3"* ]]
  }
  awk '{ print (NR == 1 ? "" : NR - 2) "," $0 }' plain.csv > index.csv
  refused index.csv 1:1 'leave it out with "ignore": [""]'
  tr , ';' < plain.csv > semicolons.csv
  refused semicolons.csv 1:2 'expected "," between fields, found ";"; "separator" is for such files'
  tr , '\t' < plain.csv > tabs.csv
  refused tabs.csv 1:2 'found a tab'
  tr '\n' '\r' < plain.csv > mac.csv
  refused mac.csv 1:6 'expected lines that end with LF or CRLF, found CR alone'
  iconv -f UTF-8 -t UTF-16 plain.csv > utf16.csv
  refused utf16.csv 1:4 'NUL byte: the file is in UTF-16'
  sed '3s/^[^,]*/1.7976931348623157e+308/' plain.csv > sentinel.csv
  refused sentinel.csv 3:1 'seems to stand for a missing value'
  sed '4s/^[^,]*/NA/' plain.csv > na.csv
  refused na.csv 4:1 'found "NA"'
  sed '5s/,/,1,/' plain.csv > comma.csv
  refused comma.csv '5:?*' 'expected 3 fields, found 4'
}

@test "data in float32: the same rows where it rounds nothing, another key, what making them takes" {
  stored() {
    "$STRAGGLE" run d.json -q -o "$1.db" --set /learning/data/standardize=false "${@:2}"
    "$STRAGGLE" query "$1.db" --format csv "SELECT iteration, loss, grad_rel_err FROM iteration"
  }
  stored wide > wide
  stored single --set /learning/data/storage=float32 > single
  diff wide single
  [ "$(wc -l < wide)" -eq 6 ]
  key() { "$STRAGGLE" query "$1.db" --format csv "SELECT point_sha256 FROM point" | tail -1; }
  [ "$(key wide)" != "$(key single)" ]
  # What they take while they are made counts: 8 bytes for all rows.
  need() {
    "$STRAGGLE" run d.json -q -o no.db --set '/learning/data={"source":"gaussian-mixture",
      "rows":10000000,"features":20000,"intercept":false,"test_share":0'"$1"'}' 2>&1
  }
  run -71 need ', "storage": "float32"'
  [[ "$output" == *"need at least 1.6 TB of memory"* ]]
  { echo a,b,y; sed 's/^\([^,]*\),/\1e200,/' rows; } > big.csv
  run "$STRAGGLE" check d.json --set /learning/data/storage=float32 --set /learning/data/standardize=false \
    --set /learning/data/path=big.csv
  [ "$status" -ne 0 ]
  [[ "$output" == *'/learning/data/storage'*'expected "float64" (or none)'* ]]
}

@test "a feature that counts the rows is said" {
  { echo id,a,b,y; awk '{ print NR "," $0 }' rows; } > id.csv
  run -0 "$STRAGGLE" check d.json --set /learning/data/path=id.csv
  [[ "$output" == *"warning: column 1 of the data counts the rows"* ]]
  run -0 "$STRAGGLE" check d.json
  [[ "$output" != *warning* ]]
}

@test "80,000 columns are read at once" {
  awk 'BEGIN { for (i = 0; i < 80000; i++) printf "feature_%d,", i; print "y"
               for (r = 0; r < 6; r++) { for (i = 0; i < 80000; i++) printf "%d,", (i + r) % 2; print r % 2 } }' > wide.csv
  start=$(date +%s%N)
  run -0 "$STRAGGLE" check d.json --set /learning/data/path=wide.csv
  [ $(( ($(date +%s%N) - start) / 1000000 )) -lt 5000 ] # 0.1 s of processor; 6 s when it was quadratic
  sed -i '2,$s/[01]/x/g' wide.csv # as many faults are counted as fast
  start=$(date +%s%N)
  run -65 "$STRAGGLE" check d.json --set /learning/data/path=wide.csv
  [[ "$output" == *"wide.csv:2:1: error"*" more faults"* ]]
  [ $(( ($(date +%s%N) - start) / 1000000 )) -lt 5000 ]
}

@test "a trace in every dialect is replayed to the same times" {
  printf 'iteration,worker,compute_s\n0,0,1.25\n0,1,2.5\n1,0,4\n1,1,0.5\n' > t.csv
  [ "$(measured t.json 'iterations, iter_min_s, iter_max_s')" = 2,2.5,4 ]
  cp t.csv plain.csv
  sed '1s/[^,]*/"&"/g; s/$/\r/' plain.csv > t.csv
  [ "$(measured t.json 'iterations, iter_min_s, iter_max_s')" = 2,2.5,4 ]
  { printf '\xef\xbb\xbf# unit: s\n'; sed 's/[^,]*/"&"/g; s/$/\n/' plain.csv; } > t.csv
  [ "$(measured t.json 'iterations, iter_min_s, iter_max_s')" = 2,2.5,4 ]
  run -0 "$STRAGGLE" fit t.csv --replicates 0
  [[ "$output" == *"2 workers × 2 iterations"* ]]
  refused() { # PLACE MESSAGE
    run -65 "$STRAGGLE" fit t.csv
    [[ "$output" == *"t.csv:$1: error: "*"$2"* ]]
  }
  awk '{ print (NR == 1 ? "" : NR - 2) "," $0 }' plain.csv > t.csv
  refused 1:1 'index=False'
  tr , ';' < plain.csv > t.csv
  refused 1:10 'expected "," between fields, found ";"'
  sed 's/1.25/1.7e308/' plain.csv > t.csv
  refused 2:5 'seems to stand for a missing value'
  printf 'iteration,worker,compute_s\n0,0,1\0\n' > t.csv
  refused 2:6 'NUL byte'
}

@test "times of a column, first and last, and beside quoted commas" {
  ends() { measured e.json "iter_min_s, iter_max_s" "$@"; }
  printf '\xef\xbb\xbf1000\n1000' > e.csv
  [ "$(ends)" = 1000,1000 ]
  printf '"runtime"\r\n"1000"\r\n\r\n"1000"' > e.csv
  [ "$(ends)" = 1000,1000 ]
  printf 'params,runtime\n"GC, 5, ""a""",12\n"SGC, 7",12\n' > e.csv
  [ "$(ends --set /delay/column=runtime)" = 12,12 ]
  for bad in '1000 s\n1' 'NA\n1' '0\n1' 't\n1\n\n2\0' '1;2' 't\n-1' 'inf\n1' ',t\n0,1'; do
    printf "$bad" > e.csv
    run -65 "$STRAGGLE" check e.json
    [[ "$output" == *"e.csv:"[1-5]":"[1-5]": error: "* ]]
  done
}

@test "paths that are no files are refused at once, in every place that names one" {
  mkfifo pipe
  mkdir folder
  refused() { # PATH WORD COMMAND …
    run -66 timeout 10 "$STRAGGLE" "${@:3}"
    echo "$output"
    [[ "$output" == *"cannot read \"$1\": expected a file, found $2"* ]]
  }
  kinds() { # COMMAND … with % for the path
    refused pipe "a pipe" "${@/\%/pipe}"
    refused folder "a folder" "${@/\%/folder}"
    refused /dev/zero "a device" "${@/\%//dev/zero}"
  }
  kinds check d.json --set /learning/data/path=%
  kinds check t.json --set /delay/path=%
  kinds check e.json --set /delay/path=%
  kinds check d.json --set '/schemes/0={"code": "group", "d": 2, "linear_code": "matrix", "generator": "%"}'
  kinds fit %
  kinds check %
  kinds run %
  [ ! -e folder.db ]
  # The standard input may be what it is, but has an end.
  run -0 bash -c 'cat d.json | "$STRAGGLE" check -'
  run -66 bash -c '"$STRAGGLE" check - < /dev/zero'
  [[ "$output" == *"expected at most 256 MB"* ]]
  truncate -s 5G big.csv
  run -66 "$STRAGGLE" check d.json --set /learning/data/path=big.csv
  [[ "$output" == *"expected at most 4.0 GB"* ]]
}
