#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Sparse rows from files of LIBSVM: what is said of wrong ones, and that right ones are learned as
# their dense twins are.

bats_require_minimum_version 1.5.0

setup() {
  cd "$BATS_TEST_TMPDIR"
  scenarios="$BATS_TEST_DIRNAME/../scenarios"
  python3 - <<'PY'
import random
draw = random.Random(7)
with open("rows.svm", "w") as sparse, open("rows.csv", "w") as dense:
    dense.write("".join("f%d," % j for j in range(30)) + "y\n")
    for i in range(240):
        x = [draw.choice([0, 0, 0, 0, 1, 2.5, -1]) for j in range(30)]
        y = "+1" if x[0] + x[1] - x[2] + draw.gauss(0, 1) > 0 else "-1"
        if i == 0: x[29] = 1
        sparse.write(y + "".join(" %d:%g" % (j + 1, v) for j, v in enumerate(x) if v) + "\n")
        # Words that sort as the numbers do.
        dense.write("".join("%g," % v for v in x) + ("b" if y == "+1" else "a") + "\n")
PY
  cat > s.json <<'JSON'
{ "format": 1, "cluster": { "workers": 4 }, "delay": { "model": "exponential", "mean_s": 1 },
  "learning": { "problem": "logistic-regression",
                "data": { "source": "libsvm", "path": "rows.svm", "standardize": false } },
  "schemes": [ { "code": "uncoded" }, { "code": "cyclic-repetition", "s": 1 } ],
  "stop": { "iterations": 15 } }
JSON
}

# The final losses, accuracies and areas of a run of s.json.
learned() {
  rm -f x.db
  "$STRAGGLE" run s.json -q -o x.db "$@"
  "$STRAGGLE" query x.db "SELECT s.final_loss, s.final_accuracy, s.final_auc FROM run
    JOIN run_summary s USING (run_id) ORDER BY run_id" --format csv | tail -n +2
}

@test "every fault of a file has its place, and ends with 65" {
  printf '1 1:2\n-1 0:3 2:x\n1 3:1 3:2 2:1\n 1:4\n1 qid:3 1:1e300\n' > bad.svm
  run "$STRAGGLE" check s.json --set '/learning/data/path="bad.svm"'
  [ "$status" -eq 65 ]
  [ "${lines[0]}" = 'bad.svm:2:4: error: expected an index ≥ 1, found 0; "first_index": 0 is for files that count from 0' ]
  [ "${lines[1]}" = 'bad.svm:2:10: error: expected a number as the value, found "x"' ]
  [ "${lines[2]}" = 'bad.svm:3:7: error: expected an index > 3, as they rise in a row, found 3' ]
  [ "${lines[3]}" = 'bad.svm:3:11: error: expected an index > 3, as they rise in a row, found 2' ]
  [ "${lines[4]}" = 'bad.svm:4:2: error: expected a label before index:value, found "1:4"' ]
  [[ "${lines[5]}" == 'bad.svm:5:3: error: expected index:value, found "qid:3"; queries of rankings'* ]]
  [[ "${lines[6]}" == 'bad.svm:5:11: error: expected a number as the value, found "1e300"'* ]]
  [ "${#lines[@]}" -eq 7 ]
  for _ in {1..30}; do echo '1 x'; done > bad.svm
  run "$STRAGGLE" run s.json -o x.db --set '/learning/data/path="bad.svm"'
  [ "$status" -eq 65 ]
  [ "${lines[20]}" = 'bad.svm: error: and 10 more faults' ]
  [ ! -e x.db ]
  run "$STRAGGLE" check s.json --set /learning/data/features=29
  [ "$status" -eq 65 ]
  [[ "${lines[0]}" == 'rows.svm:1:'*': error: expected an index ≤ 29, as "features" says, found 30' ]]
}

@test "what is no file of text is refused" {
  run "$STRAGGLE" check s.json --set '/learning/data/path="row.svm"'
  [ "$status" -eq 66 ]
  [[ "$output" == *'did you mean "rows.svm"?'* ]]
  mkfifo pipe
  for other in pipe /dev/null "$PWD"; do
    run timeout 10 "$STRAGGLE" check s.json --set "/learning/data/path=\"$other\""
    [ "$status" -eq 66 ]
  done
  gzip -k rows.svm
  run "$STRAGGLE" check s.json --set '/learning/data/path="rows.svm.gz"'
  [ "$status" -eq 65 ]
  [[ "$output" == *"found a NUL byte: the file is in UTF-16, compressed or damaged"* ]]
}

@test "a path is relative to the scenario's folder; a changed file is another point" {
  mkdir there
  cp s.json rows.svm there
  "$STRAGGLE" run there/s.json -q -o a.db
  cp there/rows.svm there/other.svm
  "$STRAGGLE" run there/s.json -q -o a.db --set '/learning/data/path="other.svm"'
  [ "$("$STRAGGLE" query a.db 'SELECT count(*) AS n FROM point' --format csv | tail -1)" = 2 ]
  sed -i '3s/:1/:1.5/' there/rows.svm
  ! cmp -s there/rows.svm there/other.svm
  "$STRAGGLE" run there/s.json -q -o a.db
  [ "$("$STRAGGLE" query a.db 'SELECT count(*) AS n FROM point' --format csv | tail -1)" = 4 ]
}

@test "a file and its dense twin are learned alike, comments and line ends aside" {
  learned > sparse
  [ "$(wc -l < sparse)" -eq 2 ]
  learned --set '/learning/data={"source":"csv","path":"rows.csv","label":"y","standardize":false}' > dense
  python3 - <<'PY'
a, b = ([[float(x) for x in line.split(",")] for line in open(name)] for name in ("sparse", "dense"))
assert all(abs(x - y) <= 1e-12 * abs(y) for p, q in zip(a, b) for x, y in zip(p, q)), (a, b)
assert a[0][0] < 0.69 and a[0][2] > 0.5, a
PY
  { printf '\xef\xbb\xbf# a comment\r\n'; sed 's/$/ # row\r/' rows.svm; } > same.svm
  learned --set '/learning/data/path="same.svm"' > again
  cmp sparse again
  learned -j 3 > again
  cmp sparse again
}

@test "standardised sparse columns are scaled and not centred, and people are told" {
  run "$STRAGGLE" check s.json --set /learning/data/standardize=true
  [ "$status" -eq 0 ]
  [[ "$output" == *"sparse data: columns are scaled to a mean square of 1, not centred"* ]]
  run "$STRAGGLE" check s.json
  [[ "$output" != *"centred"* ]]
  learned --set /learning/data/standardize=true --set /learning/data/test_share=0 \
    --set /learning/data/shuffle=false | cut -d, -f1 > sparse
  python3 - <<'PY'
import csv, math
rows = list(csv.reader(open("rows.csv")))
columns = [[float(x) for x in c] for c in list(zip(*rows[1:]))[:-1]]
scale = [math.sqrt(sum(x * x for x in c) / len(c)) for c in columns]
with open("scaled.csv", "w") as out:
    print(",".join(rows[0]), file=out)
    for r in rows[1:]:
        print(",".join("%.17g" % (float(x) / s) for x, s in zip(r, scale)), r[-1], sep=",", file=out)
PY
  learned --set '/learning/data={"source":"csv","path":"scaled.csv","label":"y","standardize":false,"test_share":0,"shuffle":false}' |
    cut -d, -f1 > dense
  python3 -c '
a, b = ([float(x) for x in open(name)] for name in ("sparse", "dense"))
assert len(a) == 2 and all(abs(x - y) <= 1e-11 * y for x, y in zip(a, b)), (a, b)'
}

@test "the shipped scenario learns which novel a passage is from" {
  "$STRAGGLE" run "$scenarios/sparse.json" -q -o novels.db --set /replications=2
  "$STRAGGLE" query novels.db "SELECT code, status, s.final_loss AS loss, s.final_accuracy AS accuracy
    FROM v_point JOIN run USING (point_id) JOIN run_summary s USING (run_id)" --format csv > said
  python3 - <<'PY'
import csv
rows = list(csv.DictReader(open("said")))
assert len(rows) == 10
for r in rows:
    assert r["status"] == "finished" and float(r["loss"]) <= 0.1, r
    assert float(r["accuracy"]) > 0.65, r # of two novels by one author, names left out
exact = {r["loss"] for r in rows if r["code"] == "uncoded"}
assert len(exact) == 1 # the delays change nothing of what is learned
PY
}
