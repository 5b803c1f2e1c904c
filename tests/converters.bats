#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Timelines as profilers leave them, from the file to the numbers that fit and run read.

bats_require_minimum_version 1.5.0

setup() {
  command -v python3 >/dev/null || skip "no python3"
  root="$BATS_TEST_DIRNAME/.."
  cd "$BATS_TEST_TMPDIR"
  cp -r "$root/scenarios/traces/convert" .
}

# An event: NAME TS DUR [CAT [TID]]
x() { printf '{"ph":"X","name":"%s","ts":%s,"dur":%s,"cat":"%s","tid":%s}' "$1" "$2" "$3" "${4-cpu_op}" "${5-1}"; }
step() { x "ProfilerStep#$1" "$2" "$3" "${4-user_annotation}"; }
# A file of events: FILE RANK EVENT … (rank "": none)
timeline() {
  local file=$1 rank=$2 IFS=,
  shift 2
  printf '{"schemaVersion":1,%s"traceEvents":[%s]}' "${rank:+\"distributedInfo\":{\"rank\":$rank\},}" "$*" > "$file"
}
pytorch() { python3 convert/pytorch_profiler.py "$@"; }
horovod() { python3 convert/horovod_timeline.py "$@"; }
rows() { grep -v '^[#i]'; }
# A command that must fail with one line that begins with a text.
refused() {
  run -1 --separate-stderr "${@:2}"
  echo "$stderr"
  [ "${#stderr_lines[@]}" -eq 1 ]
  [[ "$stderr" == "$1"* ]]
  [ -z "$output" ]
}

@test "pytorch: the waits in earlier collectives are no computation; what runs beside them is" {
  # Rank 0 computes 300 µs and waits 310 for rank 1, which computes 600; then both compute 290.
  timeline r0.json 0 "$(step 1 0 1000)" "$(x nccl:all_reduce 300 310)" "$(x nccl:all_reduce 900 50)"
  timeline r1.json 1 "$(step 1 0 1000)" "$(x nccl:all_reduce 600 10)" "$(x nccl:all_reduce 900 50)"
  run -0 --separate-stderr pytorch r0.json r1.json
  [ "$(rows <<< "$output")" = $'1,0,0.00059\n1,1,0.00089' ]
  [[ "$stderr" == *"r0.json: up to 2 collectives in a step"* ]]
  # On the GPU kernels count, not their launch; a kernel beside the collective is computation.
  timeline gpu.json 0 "$(step 1 0 1000)" "$(x c10d::allreduce_ 10 5)" "$(x nccl:all_reduce 950 5)" \
    "$(x ncclDevKernel_AllReduce 300 300 kernel 20)" "$(x gemm 350 100 kernel 7)" \
    "$(x gemm 400 100 kernel 8)" "$(x ncclDevKernel_AllReduce 900 50 kernel 20)"
  run -0 --separate-stderr pytorch gpu.json
  [ "$(rows <<< "$output")" = 1,0,0.00075 ] # 900 − 300, and 150 of the 300 are work
  # Collectives within one another, as their callers are, are one.
  timeline nested.json 0 "$(step 1 0 1000)" "$(x c10d::allreduce_ 200 200)" \
    "$(x gloo:all_reduce 250 100 user_annotation)" "$(x aten::mm 300 20)" "$(x gloo:all_reduce 900 50)"
  run -0 --separate-stderr pytorch nested.json
  [ "$(rows <<< "$output")" = 1,0,0.00072 ]
}

@test "pytorch: the GPU's copies of a step are not the step, wherever they stand in the file" {
  copy1=$(step 1 400 900 gpu_user_annotation) copy2=$(step 1 450 10 gpu_user_annotation)
  call=$(x ncclDevKernel_AllReduce 700 50 kernel 20)
  timeline before.json 0 "$copy1" "$copy2" "$call" "$(step 1 0 1000)"
  timeline after.json 0 "$(step 1 0 1000)" "$copy2" "$call" "$copy1"
  for f in before after; do [ "$(pytorch $f.json | rows)" = 1,0,0.0007 ]; done
}

@test "pytorch: a step that the end of the recording cuts is left out, with a word" {
  whole="$(step 1 0 1000) $(x c10d::allreduce_ 700 10) $(step 2 1000 1000) $(x c10d::allreduce_ 1800 10)"
  two=$'1,0,0.0007\n2,0,0.0008'
  timeline whole.json 0 $whole
  [ "$(pytorch whole.json | rows)" = "$two" ]
  cut() { # EVENT …
    timeline cut.json 0 $whole "$@"
    run -0 --separate-stderr pytorch cut.json
    [ "$(rows <<< "$output")" = "$two" ]
    [[ "$stderr" == *"cut.json: step 3 is cut by the end of the recording and left out"* ]]
  }
  cut "$(step 3 2000 0)"
  cut "$(step 3 2000 49)"
  cut "$(step 3 2000 990)" # no collective, where others have one
  # Without collectives the length tells.
  timeline plain.json 0 "$(step 1 0 9288)" "$(step 2 9300 49)"
  [ "$(pytorch plain.json | rows)" = 1,0,0.009288 ]
  # What is left is a trace.
  timeline r1.json 1 $whole
  pytorch cut.json r1.json > t.csv
  run -0 "$STRAGGLE" fit t.csv --replicates 0
  [[ "$output" == *"2 workers × 2 iterations"* ]]
}

@test "pytorch: steps that some ranks lack, and ranks that some files do not name" {
  s() { echo "$(step $1 $(($1 * 1000)) 1000)" "$(x c10d::allreduce_ $(($1 * 1000 + $2)) 10)"; }
  timeline a.json 1 $(s 4 100) $(s 5 110)
  timeline b.json "" $(s 4 200) $(s 5 210)
  timeline c.json "" $(s 4 300) $(s 5 310) $(s 6 320)
  run -0 --separate-stderr pytorch a.json b.json c.json
  [ "$(rows <<< "$output")" = $'4,0,0.0002\n4,1,0.0001\n4,2,0.0003\n5,0,0.00021\n5,1,0.00011\n5,2,0.00031' ]
  [[ "$stderr" == *"b.json: names no rank: taken for rank 0"*"c.json: names no rank: taken for rank 2"* ]]
  [[ "$stderr" == *"not whole in every file and left out: 1"* ]]
  cp a.json d.json
  refused "d.json: rank 1 came already, in a.json" pytorch a.json d.json
  timeline e.json 2 $(s 9 100)
  refused "a.json, e.json: no whole ProfilerStep is in every file" pytorch a.json e.json
}

@test "pytorch: damaged JSON is mended where it is clear what is meant, else one line says where" {
  good="$(step 1 1000 900),$(x c10d::allreduce_ 1700 10)"
  converted() {
    run -0 --separate-stderr pytorch f.json
    [ "$(rows <<< "$output")" = 1,0,0.0007 ]
  }
  for first in '{"ph":"X","name":"torch\cuda\__init__.py","ts":1,"dur":1}' \
    $'{"ph":"X","name":"a\nb","ts":1,"dur":1}' $'{"ph":"X","name":"\x83\xff","ts":1,"dur":1}' \
    '{"ph":"X","ts":1,"dur":1}' '{"ph":"X","name":"k","ts":1,"dur":1,"args":{"x":N/A, "y": -nan}}' \
    'null' '7' '{"ph":"X","name":7,"ts":"x","dur":null}' '{"ph":"X","name":"n","ts":NaN,"dur":1}'; do
    echo "$first"
    printf '{"distributedInfo":null,"traceEvents":[%s,%s]}' "$first" "$good" > f.json
    converted
  done
  printf '\xef\xbb\xbf[%s]' "$good" > f.json # the list alone, a byte order mark
  converted
  printf '{"traceEvents":[%s]}' "$good" | gzip > f.json # whatever its name
  converted
  printf '{"traceEvents":[%s,{"ph":"X","name":"Prof' "$good" > f.json
  converted
  [[ "$stderr" == *"f.json: the end is missing; 2 events before it are taken"* ]]
  head -c -9 f.json > g.json
  head -c -5 <(printf '[%s,{"ph":"X"}]' "$good" | gzip) > f.json
  converted
  [[ "$stderr" == *"f.json: the end is missing"* ]]
  printf '{"traceEvents":[\n%s,\n{"ph" "X"},\n%s]}' "$good" "$good" > f.json
  refused 'f.json: 3:7: no JSON' pytorch f.json
  for bad in '' ' ' 'x' '7' '"traceEvents"' '{}' '{"traceEvents":7}' '{"traceEvents"' '[[[[' '[' '[]'; do
    printf '%s' "$bad" > f.json
    refused 'f.json: ' pytorch f.json
  done
  refused 'none.json: No such file or directory' pytorch none.json
  refused '--collective: ' pytorch f.json --collective '('
}

# A Horovod timeline of two tensors in STEPS steps of 3 ranks, with ticks in the first TICKS of them;
# rank r is ready 10 + r + step ms after the step before.
made() {
  awk -v steps="$1" -v ticks="$2" 'BEGIN {
    print "[\n{\"name\": \"process_name\", \"ph\": \"M\", \"pid\": 0, \"args\": {\"start\": 1}},"
    for (p = 1; p <= 2; p++) printf "{\"name\": \"process_name\", \"ph\": \"M\", \"pid\": %d, \"args\": {\"name\": \"grad/%d\"}},\n", p, p
    for (i = 0; i < steps; i++) {
      for (p = 1; p <= 2; p++) {
        printf "%s{\"ph\": \"B\", \"name\": \"NEGOTIATE_ALLREDUCE\", \"ts\": %d, \"pid\": %d}", (i + p > 1 ? ",\n" : ""), t + 1, p
        for (r = 0; r < 3; r++) {
          at = t + 1000 * (10 + r + i) / (3 - p)
          if (i < ticks) printf ",{\"ph\": \"X\", \"name\": \"%d\", \"ts\": %d, \"pid\": %d, \"dur\": 0}", r, at, p
        }
        printf ",\n{\"ph\": \"E\", \"ts\": %d, \"pid\": %d},{\"ph\": \"B\", \"name\": \"ALLREDUCE\", \"ts\": %d, \"pid\": %d},{\"ph\": \"E\", \"ts\": %d, \"pid\": %d}", at, p, at, p, at + 20, p
      }
      printf ",{\"ph\": \"i\", \"name\": \"CYCLE_START\", \"ts\": %d, \"s\": \"g\"}", at
      t = at
    }
    printf "]"
  }'
}
expected() { # STEPS
  for i in $(seq 1 "$1"); do for r in 0 1 2; do awk "BEGIN { print \"$i,$r,\" (10 + $r + $i) / 1000 }"; done; done
}

@test "horovod: whole, open and cut timelines give what is in them" {
  made 5 5 > h.json
  [ "$(horovod h.json | rows)" = "$(expected 4)" ]
  [ "$(horovod h.json --tensor grad/2 | rows)" = "$(expected 4)" ]
  head -c -1 h.json > open.json
  run -0 --separate-stderr horovod open.json
  [ "$(rows <<< "$output")" = "$(expected 4)" ]
  [[ "$stderr" == "open.json: the end is missing"* ]]
  head -c $(($(wc -c < h.json) * 9 / 10)) h.json > cut.json
  [ "$(horovod cut.json | rows)" = "$(expected 3)" ]
  horovod h.json > t.csv
  run -0 "$STRAGGLE" fit t.csv --replicates 0
  [[ "$output" == *"3 workers × 4 iterations"* ]]
  refused 'h.json: there is no tensor x; there are grad/1, grad/2' horovod h.json --tensor x
}

@test "horovod: without ticks, by the response cache or else, the variable is named" {
  made 5 1 > h.json
  refused "h.json: no step after the first has the ticks of all ranks: set HOROVOD_CACHE_CAPACITY=0" horovod h.json
  made 5 0 > h.json
  refused "h.json: no rank has a tick in any negotiation: set HOROVOD_CACHE_CAPACITY=0" horovod h.json
  made 5 3 > h.json # the cache was filled on the way
  run -0 --separate-stderr horovod h.json
  [ "$(rows <<< "$output")" = "$(expected 2)" ]
  [[ "$stderr" == "h.json: 2 of 4 steps lack the tick of a rank and are left out"*HOROVOD_CACHE_CAPACITY=0* ]]
  made 1 1 > h.json
  refused 'h.json: no allreduce of a tensor is negotiated more than once' horovod h.json
  for bad in '' '[' '[]' '{}' '7' '[{"ph":"M","name":"process_name","args":null}]'; do
    printf '%s' "$bad" > h.json
    refused 'h.json: ' horovod h.json
  done
}

@test "converters leave nothing beside them" {
  made 3 3 > h.json
  horovod h.json > /dev/null
  [ "$(ls convert)" = "$(ls "$root/scenarios/traces/convert")" ]
  [ ! -e convert/__pycache__ ]
}
