#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Designed codes: codes design, its file, and the code sparse that reads it.

bats_require_minimum_version 1.5.0

setup() {
  cd "$BATS_TEST_TMPDIR"
  cat > s.json <<'JSON'
{ "format": 1, "cluster": { "workers": 24,
    "erasure": { "model": "bernoulli", "probability": 0.2 } },
  "delay": { "model": "exponential", "mean_s": 1, "unit": "subset" },
  "learning": { "problem": "none", "length": 100 },
  "schemes": [ { "code": "sparse", "file": "design.csv" } ],
  "random": { "seed": 3 }, "stop": { "iterations": 20000 } }
JSON
}

# The figures of a row of the report: value "column placement" report.csv.
value() {
  python3 - "$@" <<'PY'
import csv, sys
column, placement, path = sys.argv[1:]
print(next(r[column] for r in csv.DictReader(open(path)) if r["placement"] == placement))
PY
}

# Whether the mean of a column of all rows is within 4 standard errors, both counted, of a figure of
# the report.
agrees() { # database, column, figure, its standard error
  python3 - "$@" <<'PY'
import math, sqlite3, sys
path, column, figure, error = sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])
x = [r[0] for r in sqlite3.connect(path).execute(f"SELECT {column} FROM iteration")]
mean = sum(x) / len(x)
own = sum((y - mean) ** 2 for y in x) / len(x) / len(x)
z = (mean - figure) / math.sqrt(own + error ** 2)
print(f"{len(x)} rows: {mean:.6g} against {figure:.6g}, z = {z:.2f}")
sys.exit(not (len(x) >= 20000 and abs(z) <= 4))
PY
}

holds() { python3 -c "import sys; sys.exit(not ($1))"; }

@test "alike workers: the target, the bound and fractional repetition beside it" {
  run -0 --separate-stderr "$STRAGGLE" codes design -n 24 -p 0.2 -k 16 --entries 48 \
    --patterns 1500 --moves 4000 --seed 3 -o design.csv --format csv
  echo "$output" | tee report.csv
  designed=$(value error designed report.csv)
  holds "$designed <= 0.0086 and $designed < $(value error random report.csv)"
  holds "abs($(value bound designed report.csv) - 0.008) < 1e-12"
  # Fractional repetition attains p^3; measured on the same patterns.
  holds "abs($(value error fractional-repetition report.csv) - 0.008) <= 4 * $(value error_se fractional-repetition report.csv)"
  grep -q '^#   fractional-repetition .*bound 0.008; adversary' design.csv
  grep -q '^24,16,48$' design.csv
  # The rows of a run with such erasures have the error that the report says.
  run -0 "$STRAGGLE" run s.json -o s.db
  agrees s.db err_norm "$designed" "$(value error_se designed report.csv)"
}

@test "reliable and unreliable workers: five times below the random start, and its rows" {
  run -0 --separate-stderr "$STRAGGLE" codes design -n 24 -p 0.05,0.4 -k 16 --entries 48 \
    --patterns 800 --moves 2500 -o design.csv --format csv
  echo "$output" | tee report.csv
  holds "5 * $(value error designed report.csv) <= $(value error random report.csv)"
  holds "$(value entries designed report.csv) == $(value entries random report.csv) == 48"
  p=$(python3 -c 'print([[0.05, 0.4][j % 2] for j in range(24)])')
  run -0 "$STRAGGLE" run s.json -o s.db \
    --set "/cluster/erasure={\"model\": \"bernoulli\", \"probabilities\": $p}"
  agrees s.db err_norm "$(value error designed report.csv)" "$(value error_se designed report.csv)"
}

@test "a scenario's own probabilities, by class, are those of the design" {
  erasure='{"model": "bernoulli", "classes": [{"share": 0.5, "probability": 0.05},
    {"share": 0.5, "probability": 0.4}], "assign": "in-order"}'
  run -0 --separate-stderr "$STRAGGLE" codes design s.json --set "/cluster/erasure=$erasure" \
    --blocks 16 --entries 48 --patterns 500 --moves 1500 -o design.csv --format csv
  echo "$output" | tee report.csv
  grep -q '^# cluster: that of scenario "s", a block being 1.5 of 24 subsets$' design.csv
  grep -q '^# answers are lost independently, of each worker with probability 0.05 .* 0.4$' design.csv
  grep -q '^# search: seed 3,' design.csv
  run -0 "$STRAGGLE" run s.json -o s.db --set "/cluster/erasure=$erasure"
  agrees s.db err_norm "$(value error designed report.csv)" "$(value error_se designed report.csv)"
}

@test "peeling: from nothing to a few per cent, which rows of the peeling decoder have" {
  run -0 --separate-stderr "$STRAGGLE" codes design -n 24 -p 0.2 -k 16 --entries 48 \
    --most 8 --objective peel --patterns 400 --moves 6000 -o design.csv --format csv
  echo "$output" | tee report.csv
  holds "$(value peel_loss random-regular report.csv) == 1"
  holds "0.03 <= $(value peel_loss designed report.csv) <= 0.05"
  holds "$(value error designed report.csv) < $(value peel_loss designed report.csv)"
  run -0 "$STRAGGLE" run s.json -o s.db
  agrees s.db err_norm "$(value error designed report.csv)" "$(value error_se designed report.csv)"
  run -0 "$STRAGGLE" run s.json -o peel.db --set /schemes/0/peel=true
  agrees peel.db err_norm "$(value peel_loss designed report.csv)" \
    "$(value peel_loss_se designed report.csv)"
}

@test "survival at a deadline depends on how many blocks a worker has" {
  run -0 --separate-stderr "$STRAGGLE" codes design s.json --blocks 16 --load 2 --deadline 4 \
    --set '/cluster/erasure={"model": "none"}' --set '/cluster/speeds=[4,4,4,4,4,4,4,4,4,4,4,4,1,1,1,1,1,1,1,1,1,1,1,1]' \
    --patterns 500 --moves 1500 -o design.csv --format csv
  echo "$output" | tee report.csv
  holds "2 * $(value error designed report.csv) < $(value error random-regular report.csv)"
  # Fast workers have more to do.
  holds "$(awk -F, '!/^#/ && n++ { if ($1 < 12) fast++; else slow++ } END { print fast " > " slow }' design.csv)"
  run -0 "$STRAGGLE" run s.json -o s.db --set '/cluster/erasure={"model": "none"}' \
    --set '/cluster/speeds=[4,4,4,4,4,4,4,4,4,4,4,4,1,1,1,1,1,1,1,1,1,1,1,1]' \
    --set '/schemes/0/stop={"rule": "deadline", "deadline_s": 4}'
  agrees s.db err_norm "$(value error designed report.csv)" "$(value error_se designed report.csv)"
}

@test "the first of them: a count" {
  run -0 --separate-stderr "$STRAGGLE" codes design s.json --blocks 16 --load 2 --first 18 \
    --set '/cluster/erasure={"model": "none"}' --patterns 500 --moves 1500 -o design.csv --format csv
  echo "$output" | tee report.csv
  holds "$(value error designed report.csv) < $(value error random report.csv)"
  run -0 "$STRAGGLE" run s.json -o s.db --set '/cluster/erasure={"model": "none"}' \
    --set /schemes/0/s=6
  agrees s.db err_norm "$(value error designed report.csv)" "$(value error_se designed report.csv)"
}

@test "time until the error is small enough" {
  run -0 --separate-stderr "$STRAGGLE" codes design s.json --blocks 16 --load 2 --objective time \
    --below 0.05 --patterns 300 --moves 1000 -o design.csv --format csv
  echo "$output" | tee report.csv
  holds "0 < $(value time_s designed report.csv) < $(value time_s random report.csv)"
}

@test "one seed makes one file, byte for byte; another seed another" {
  for k in 1 2; do
    run -0 "$STRAGGLE" codes design -n 24 -p 0.05,0.4 -k 16 -d 2 --patterns 300 --moves 2500 \
      -o $k.csv --seed 7
  done
  cmp 1.csv 2.csv
  run -0 "$STRAGGLE" codes design -n 24 -p 0.05,0.4 -k 16 -d 2 --patterns 300 --moves 2500 \
    -o 3.csv --seed 8
  run ! cmp -s 1.csv 3.csv
  for k in 1 2; do
    run -0 "$STRAGGLE" codes design s.json -d 2 --deadline 3 --patterns 100 --moves 300 -o $k.csv
  done
  cmp 1.csv 2.csv
}

@test "an interrupt keeps the best so far, and says so" {
  "$STRAGGLE" codes design -n 24 -p 0.2 -k 16 --entries 48 --patterns 2000 --moves 10000000 \
    -o design.csv > out 2> err 3>&- &
  pid=$!
  sleep 2
  kill -INT $pid
  code=0
  wait $pid || code=$?
  [ "$code" -eq 130 ]
  grep -q '^interrupted after [0-9]* of 10000000 moves; the best so far is in design.csv$' err
  grep -q '^# INTERRUPTED after [0-9]* of 10000000 moves' design.csv
  run -0 "$STRAGGLE" check s.json
}

@test "the code under all settings of late work, late messages, links and stops" {
  run -0 "$STRAGGLE" codes design -n 12 -p 0.1,0.3 -k 10 -d 3 --patterns 100 --moves 200 -o design.csv
  cat > sparse.json <<END
{ "workers": 12, "exact": [], "settings": 4,
  "inexact": [
    { "code": "sparse", "file": "$PWD/design.csv", "s": 3 },
    { "code": "sparse", "file": "$PWD/design.csv", "s": 2, "peel": true },
    { "code": "sparse", "file": "$PWD/design.csv", "stop": { "rule": "coverage", "share": 0.8 } },
    { "code": "sparse", "file": "$PWD/design.csv", "debias": "measured", "p": 0.2,
      "stop": { "rule": "deadline", "deadline_s": 2.5 } } ] }
END
  python3 "$BATS_TEST_DIRNAME/protocols.py" sparse.json
}

@test "signs: coefficients of both, and a code that runs" {
  run -0 "$STRAGGLE" codes design -n 12 -p 0.2 -k 12 -d 2 --patterns 200 --moves 300 --signs \
    -o design.csv
  grep -q ',-1$' design.csv
  grep -q ',1$' design.csv
  run -0 "$STRAGGLE" check s.json --set /cluster/workers=12
}

@test "a point's key is the content of its code file" {
  printf '2,2,3\n0,0,1\n0,1,1\n1,1,1\n' > design.csv
  cp design.csv same.csv
  printf '2,2,3\n0,0,1\n0,1,1\n1,1,2\n' > other.csv
  run -0 "$STRAGGLE" run s.json -o s.db --set /cluster/workers=2 --set /stop/iterations=10
  [[ "$output" == *"1 runs computed"* ]]
  run -0 "$STRAGGLE" run s.json -o s.db --set /cluster/workers=2 --set /stop/iterations=10 \
    --set /schemes/0/file=same.csv
  [[ "$output" == *"0 runs computed"* ]]
  run -0 "$STRAGGLE" run s.json -o s.db --set /cluster/workers=2 --set /stop/iterations=10 \
    --set /schemes/0/file=other.csv
  [[ "$output" == *"1 runs computed"* ]]
}

@test "every fault of a code file is told with its line" {
  printf '# head\n3,2,7\n0,0,1\n0,0,1\n1,5,1\n2,1,0\n9,1.5,x\n' > design.csv
  run -65 "$STRAGGLE" check s.json --set /cluster/workers=3
  [[ "$output" == *'design.csv:7:7: error: expected a number, found "x"'* ]]
  printf '# head\n3,2,7\n0,0,1\n0,0,1\n1,5,1\n2,1,0\n9,1.5,1\n1,1,1e9\n' > design.csv
  run -65 "$STRAGGLE" check s.json --set /cluster/workers=3
  echo "$output"
  [[ "$output" == *'design.csv:2: expected as many entries as there are lines behind this one, 6, found 7'* ]]
  [[ "$output" == *'design.csv:5: expected a block, a whole number from 0 to 1, found 5'* ]]
  [[ "$output" == *'design.csv:6: expected a coefficient other than 0, found 0'* ]]
  [[ "$output" == *'design.csv:7: expected a worker, a whole number from 0 to 2, found 9'* ]]
  [[ "$output" == *'design.csv:7: expected a block, a whole number from 0 to 1, found 1.5'* ]]
  [[ "$output" == *'design.csv:8: expected a coefficient of a size between 1e-6 and 1e6, found 1e+09'* ]]
  printf '3,3,4\n0,0,1\n0,0,1\n1,1,1\n2,1,1\n' > design.csv
  run -65 "$STRAGGLE" check s.json --set /cluster/workers=3
  [[ "$output" == *'design.csv:3: expected each entry once, found that of worker 0 and block 0 in line 2'* ]]
  [[ "$output" == *'design.csv:1: expected every block with a worker, found nobody with block 2'* ]]
  run -65 "$STRAGGLE" check s.json --set /cluster/workers=4
  [[ "$output" == *'design.csv:1: expected a file for n = 4 workers, found one for 3'* ]]
  printf '1,0,1\n' > design.csv
  run -65 "$STRAGGLE" check s.json --set /cluster/workers=1
  [[ "$output" == *'expected the number of blocks, a whole number from 1 to 1000000, found 0'* ]]
  printf '1,0\n0,1\n' > design.csv
  run -65 "$STRAGGLE" check s.json --set /cluster/workers=2
  [[ "$output" == *'design.csv:1: expected lines of 3 numbers'* ]]
  run -66 "$STRAGGLE" check s.json --set /schemes/0/file=none.csv
  [[ "$output" == *'cannot open "none.csv"'* ]]
  printf '2,1,2\n0,0,1\n1,0,1\n' > design.csv
  run -65 "$STRAGGLE" check s.json --set /cluster/workers=2 --set /schemes/0/peel=true \
    --set /schemes/0/decoding=fixed
  [[ "$output" == *'expected peel with decoding "optimal", in whose place it is, found "fixed"'* ]]
}

@test "a file that is cut off or damaged is refused with its line, or is a code" {
  run -0 "$STRAGGLE" codes design -n 6 -p 0.2 -k 4 -d 2 --patterns 50 --moves 50 -o whole.csv
  sed '/^#/d' whole.csv > plain.csv
  python3 - "$STRAGGLE" <<'PY'
import random, subprocess, sys
whole = open("plain.csv", "rb").read()
random.seed(1)
tries = [whole[:k] for k in range(0, len(whole) - 2, 7)]
for k in range(60):
    b = bytearray(whole)
    for _ in range(random.randint(1, 3)):
        at = random.randrange(len(b))
        if random.random() < 0.5:
            b[at] = random.choice(b"0123456789,-.#\n\r\"\0xe\xff")
        elif random.random() < 0.5:
            del b[at]
        else:
            b.insert(at, random.choice(b"0123456789,-.#\n\""))
    tries.append(bytes(b))
refused = 0
for k, text in enumerate(tries):
    open("design.csv", "wb").write(text)
    done = subprocess.run([sys.argv[1], "check", "s.json", "--set", "/cluster/workers=6"],
                          capture_output=True)
    out = done.stdout + done.stderr
    assert done.returncode in (0, 65), (k, done.returncode, text, out)
    if done.returncode == 65:
        refused += 1
        assert b"design.csv:" in out, (k, text, out)
    elif k * 7 < len(whole) - 2:
        assert text in (whole[:-1], whole), (k, text)  # none that is cut off is taken for whole
print(refused, "of", len(tries), "refused")
assert refused > len(tries) // 2
PY
}

@test "what codes design refuses" {
  refuses() { # message, arguments
    local message=$1
    shift
    run "$STRAGGLE" codes design "$@"
    echo "$output"
    [ "$status" -ge 64 ] && [ "$status" -le 66 ] && [[ "$output" == *"$message"* ]]
  }
  refuses 'expected a scenario, or --workers and --straggling' -n 24 -d 2
  refuses 'expected one of --entries and --load' -n 24 -p 0.2
  refuses 'expected one of --entries and --load' -n 24 -p 0.2 -d 2 --entries 3
  refuses 'expected --workers only without a scenario' s.json -n 24 -d 2
  refuses '--deadline: expected a scenario, which has times' -n 24 -p 0.2 -d 2 --deadline 3
  refuses '--objective time: expected --below' s.json -d 2 --objective time
  refuses 'expected --below only with --objective time' s.json -d 2 --below 0.1
  refuses 'expected one of --deadline, --first and --objective time' s.json -d 2 --first 3 --deadline 3
  refuses 'expected at least an entry for each of 24 blocks, found 12' -n 24 -p 0.2 -d 0.5
  refuses 'expected at most 8 entries for 4 workers of at most 2 blocks each, found 12' \
    -n 4 -k 4 -p 0.2 -d 3 --most 2
  refuses '--first: expected at most 24 workers, found 25' s.json -d 2 --first 25
  refuses '--straggling: expected at most 2 probabilities, found 3' -n 2 -p 0.1,0.2,0.3 -d 1
  refuses 'no message is ever lost here: expected --deadline' s.json -d 2 \
    --set '/cluster/erasure={"model": "none"}'
  refuses 'expected erasures whose probabilities do not depend on the code, found "worst"' s.json -d 2 \
    --set '/cluster/erasure={"model": "worst", "count": 2}'
  refuses 'at most 1 GB' s.json -d 100 --blocks 2000 --deadline 3 --patterns 100000
  refuses '/cluster/workers: expected a whole number' s.json -d 2 --set /cluster/workers=0
}
