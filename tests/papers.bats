#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Papers as scenarios: verdicts against what SQL and plain Python say of the same runs, faults of the
# member "paper", and all that ship. STRAGGLE names the program.

bats_require_minimum_version 1.5.0

setup_file() {
  export OPENBLAS_NUM_THREADS=1
  cd "$BATS_FILE_TMPDIR"
  # All that ship, once: the runs are kept for the tests that follow.
  "$STRAGGLE" papers -q --json -o all.db > all.json || echo $? > code
}

setup() {
  root="$(cd "$BATS_TEST_DIRNAME/.." && pwd)"
  cd "$BATS_TEST_TMPDIR"
}

# A scenario with the targets of standard input, one object a line.
paper() { # file, more members
  python3 - "$1" "$2" 3<&0 <<'PY'
import json, os, sys
targets = [json.loads(line) for line in os.fdopen(3) if line.strip()]
s = {"format": 1, "cluster": {"workers": 6, "erasure": {"model": "bernoulli", "probability": 0.3}},
     "delay": {"model": "shifted-exponential", "shift_s": 0.5, "mean_excess_s": 1},
     "learning": {"problem": "none", "length": 12},
     "schemes": [{"code": "sgc", "d": {"each": [2, 3]}}, {"code": "fractional-repetition", "s": 2},
                 {"code": "ignore-stragglers", "s": 5}],
     "sweep": [{"name": "mean", "path": "/delay/mean_excess_s", "values": [1, 2]}],
     "replications": 12, "stop": {"iterations": 40, "undecodable": "skip"},
     "paper": {"title": "T", "year": 2020, "label": "derived", "about": "x", "targets": targets}}
s.update(json.loads(sys.argv[2] or "{}"))
json.dump(s, open(sys.argv[1], "w"), indent=1)
PY
}

field() { # a field of the rows of a JSON answer: file, field
  python3 -c "
import json, sys
for row in json.load(open(sys.argv[1])): print(row[sys.argv[2]])" "$1" "$2"
}

@test "means, shares, squares and ratios are those of the stored rows, with the error of the spread over runs" {
  paper a.json <<'END'
{"what": "mean", "scheme": "sgc d=2", "at": {"mean": 1}, "value": 1, "z": 4}
{"what": "share", "scheme": "sgc d=2", "at": {"mean": 2}, "quantity": "duration_s", "at_most": 5.5, "value": 0.1, "z": 4}
{"what": "square", "scheme": "sgc", "at": {"mean": 1, "d": 3}, "quantity": "alpha_sum", "square_from": 6, "if_missing": 0, "value": 2.8, "z": 4}
{"what": "column", "scheme": "sgc", "at": {"mean": 1, "d": 3}, "quantity": "err_norm", "value": 1, "z": 4}
{"what": "ratio", "scheme": "sgc d=3", "over": "ignore-stragglers", "at": {"mean": 1}, "scale": 10, "value": 1, "z": 4}
{"what": "run", "scheme": "sgc d=3", "at": {"mean": 1}, "quantity": "sim_time_s", "value": 1, "error": 2, "z": 4}
END
  run "$STRAGGLE" papers a.json -q --json -o a.db
  [ "$status" -eq 70 ]
  echo "$output" > a.out
  python3 - <<'PY'
import json, math, sqlite3
db = sqlite3.connect("a.db")
rows = json.load(open("a.out"))
def per_run(label, mean, sql, table="iteration"):
    return [x for (x,) in db.execute(f"""SELECT (SELECT {sql} FROM iteration i WHERE i.run_id = r.run_id)
        FROM run r JOIN point p USING (point_id) JOIN point_axis a ON a.point_id = p.point_id AND a.name = 'mean'
        WHERE p.scheme_label = ? AND a.value = ? ORDER BY r.replication""", (label, str(mean)))]
def mean(x): return sum(x) / len(x)
def error(x):
    m = mean(x)
    return math.sqrt(sum((v - m) ** 2 for v in x) / (len(x) - 1) / len(x))
wanted = [per_run("sgc d=2", 1, "avg(duration_s)"), per_run("sgc d=2", 2, "avg(duration_s <= 5.5)"),
          per_run("sgc d=3", 1, "avg((coalesce(alpha_sum, 0) - 6) * (coalesce(alpha_sum, 0) - 6))"),
          per_run("sgc d=3", 1, "avg(err_norm)"), None, per_run("sgc d=3", 1, "sum(duration_s)")]
assert [row["what"] for row in rows] == ["mean", "share", "square", "column", "ratio", "run"]
for row, x in zip(rows, wanted):
    if x is None:
        a, b = per_run("sgc d=3", 1, "avg(duration_s)"), per_run("ignore-stragglers s=5", 1, "avg(duration_s)")
        r = mean(a) / mean(b)
        own = 10 * error([u - r * v for u, v in zip(a, b)]) / mean(b)
        ours = 10 * r
    else:
        assert len(x) == 12
        ours, own = mean(x), error(x)
    print(row["what"], row["ours"], ours, row["std_error"], own)
    assert abs(row["ours"] - ours) < 1e-12 * abs(ours) and abs(row["std_error"] - own) < 1e-9 * own, row
    z = (ours - row["target"]) / math.hypot(own, row["target_error"] or 0)
    assert abs(row["off"] - z) < 1e-6 * abs(z), (row, z)
    assert row["verdict"] == ("within" if abs(z) <= 4 else "differs"), row
assert {row["verdict"] for row in rows} == {"within", "differs"}
PY
  # Points that no target names have no runs.
  [ "$(sqlite3 a.db "SELECT count(DISTINCT point_id) FROM run")" -eq 4 ]
}

@test "each verdict on either side of its bound" {
  paper a.json '{"delay": {"model": "deterministic", "value_s": 2.5}, "cluster": {"workers": 6}, "sweep": [],
    "schemes": [{"code": "uncoded"}, {"code": "cyclic-repetition", "s": {"each": [1, 2]}}, {"code": "cyclic-mds", "s": 1}]}' <<'END'
{"what": "equal", "scheme": "uncoded", "value": 2.50, "digits": 3}
{"what": "half a unit", "scheme": "uncoded", "value": 2.505, "digits": 3}
{"what": "more", "scheme": "uncoded", "value": 2.506, "digits": 3}
{"what": "small", "scheme": "uncoded", "scale": 1e-5, "value": 2.5e-5, "digits": 12}
{"what": "small and wrong", "scheme": "uncoded", "scale": 1e-5, "value": 2.50000001e-5, "digits": 12}
{"what": "percent", "scheme": "uncoded", "value": 2.55, "percent": 2}
{"what": "more percent", "scheme": "uncoded", "value": 2.56, "percent": 2}
{"what": "z exact", "scheme": "uncoded", "value": 2.5, "z": 4}
{"what": "z off", "scheme": "uncoded", "value": 2.5001, "z": 4}
{"what": "z by its own error", "scheme": "uncoded", "value": 2.5001, "error": 0.00003, "z": 4}
{"what": "z still off", "scheme": "uncoded", "value": 2.5001, "error": 0.00002, "z": 4}
{"what": "order", "order": ["uncoded", "cyclic-repetition s=1", "cyclic-repetition s=2"]}
{"what": "wrong order", "order": ["uncoded", "cyclic-repetition s=2", "cyclic-repetition s=1"]}
{"what": "the other end", "order": ["cyclic-repetition s=2", "uncoded"], "best": "greatest"}
{"what": "a tie", "order": ["cyclic-repetition s=1", "cyclic-mds s=1"]}
{"what": "exact order", "order": ["uncoded", "cyclic-mds s=1"], "by": "closed-form"}
{"what": "ratio", "scheme": "cyclic-repetition s=2", "over": "uncoded", "value": 3, "digits": 5, "by": "closed-form"}
{"what": "open", "scheme": "uncoded", "value": 77, "why_not": "nobody knows"}
{"what": "open without a scheme", "why_not": "nobody knows"}
{"what": "point", "scheme": "cyclic-repetition s=2", "quantity": "stragglers_s", "value": 2, "digits": 1}
{"what": "no value", "scheme": "uncoded", "quantity": "final_loss", "value": 2, "percent": 100}
{"what": "no closed form", "scheme": "uncoded", "by": "closed-form", "quantity": "err_norm_mean", "value": 2, "percent": 100}
END
  run "$STRAGGLE" papers a.json -q --json
  [ "$status" -eq 70 ]
  echo "$output" > a.out
  field a.out verdict > found
  cat > wanted <<'END'
equal
equal
differs
equal
differs
within
differs
within
differs
within
differs
order
differs
order
differs
order
equal
not reproducible
not reproducible
equal
differs
differs
END
  diff wanted found
  field a.out why | grep -v None > why
  grep -q "^cyclic-repetition s=2 is not better than cyclic-repetition s=1$" why
  grep -q "^cyclic-repetition s=1 is not better than cyclic-mds s=1, as far as can be told$" why
  [ "$(grep -c "^there is no such value$" why)" -eq 2 ]
  [ "$(grep -c "^nobody knows$" why)" -eq 2 ]
  # In words; the exit code is that of those that differ, and none differs without them.
  run "$STRAGGLE" papers a.json -q
  [[ "$output" == *"1 paper, 22 targets: 5 equal, 3 within, 3 order, 2 not reproducible, 9 differ."* ]]
  python3 -c "
import json
s, found = json.load(open('a.json')), json.load(open('a.out'))
s['paper']['targets'] = [t for t, f in zip(s['paper']['targets'], found) if f['verdict'] != 'differs']
json.dump(s, open('b.json', 'w'))"
  "$STRAGGLE" papers b.json -q > said
  grep -q "^1 paper, 13 targets: 5 equal, 3 within, 3 order, 2 not reproducible, 0 differ.$" said
}

@test "digits are for what is exact: runs that differ are told, and a run that ends badly" {
  paper a.json <<'END'
{"what": "digits of a mean", "scheme": "sgc d=2", "at": {"mean": 1}, "value": 2, "digits": 1}
END
  run "$STRAGGLE" papers a.json -q
  [ "$status" -eq 70 ]
  [[ "$output" == *"runs differ: digits are for what is exact, z for means"* ]]
  paper a.json '{"stop": {"iterations": 40, "undecodable": "error"}, "cluster": {"workers": 6, "erasure": {"model": "bernoulli", "probability": 0.6}}}' <<'END'
{"what": "undecodable", "scheme": "fractional-repetition", "at": {"mean": 1}, "value": 2, "percent": 100}
END
  run "$STRAGGLE" papers a.json -q
  [ "$status" -eq 70 ]
  [[ "$output" == *"runs did not end well"* ]]
}

@test "a closed form is that of expect, and nothing is simulated for it" {
  paper a.json '{"cluster": {"workers": 6}}' <<'END'
{"what": "iter_mean_s", "scheme": "fractional-repetition s=2", "at": {"mean": 2}, "by": "closed-form", "value": 1, "percent": 1}
{"what": "iter_p99_s", "scheme": "fractional-repetition s=2", "at": {"mean": 2}, "by": "closed-form", "quantity": "iter_p99_s", "value": 1, "percent": 1}
{"what": "responses_mean", "scheme": "fractional-repetition s=2", "at": {"mean": 2}, "by": "closed-form", "quantity": "n_received", "value": 1, "percent": 1}
END
  "$STRAGGLE" papers a.json -q --json > a.out || true
  "$STRAGGLE" expect a.json -q --json > e.out
  python3 - <<'PY'
import json
point = json.load(open("e.out"))["points"]
point = [p for p in point if p["scheme"] == "fractional-repetition s=2" and "mean=2" in p["axes"]]
assert len(point) == 1
point[0]["iter_mean_s"], point[0]["iter_p99_s"] = point[0]["mean_s"], point[0]["p99_s"]
for row in json.load(open("a.out")):
    assert abs(row["ours"] - point[0][row["what"]]) < 1e-12 * row["ours"], (row, point)
    assert row["std_error"] == 0
PY
  "$STRAGGLE" papers a.json -q -o none.db > said || true
  [ ! -e none.db ]
}

@test "every fault of a paper, with its place: by papers and by check" {
  cat > targets <<'END'
{"what": "no such scheme", "scheme": "fractional-repetition s=3", "at": {"mean": 1}, "value": 1, "z": 4}
{"what": "no such column", "scheme": "sgc d=2", "at": {"mean": 1}, "quantity": "iter_mean", "value": 1, "z": 4}
{"what": "no value", "scheme": "sgc d=2", "at": {"mean": 1}, "z": 4}
{"what": "two ways", "scheme": "sgc d=2", "value": 1, "z": 4, "percent": 2}
{"what": "no way", "scheme": "sgc d=2", "value": 1}
{"what": "no axis", "scheme": "sgc d=2", "at": {"maen": 1}, "value": 1, "z": 4}
{"what": "no value of it", "scheme": "sgc d=2", "at": {"mean": 3}, "value": 1, "z": 4}
{"what": "no object", "scheme": "sgc d=2", "at": [1], "value": 1, "z": 4}
{"what": "twice", "order": ["sgc d=2", "ignore-stragglers", "sgc d=2"], "at": {"mean": 1}}
{"what": "an order of what", "order": ["sgc d=2", "nothing"], "value": 1}
{"what": "error", "scheme": "sgc d=2", "value": 1, "digits": 2, "error": 1}
{"what": "closed form", "scheme": "sgc d=2", "by": "closed-form", "quantity": "bits_mean", "value": 1, "digits": 2}
{"what": "z of a closed form", "scheme": "sgc d=2", "by": "closed-form", "value": 1, "z": 2}
{"what": "share", "scheme": "sgc d=2", "at_most": 3, "value": 1, "z": 2}
{"what": "best", "scheme": "sgc d=2", "value": 1, "z": 2, "best": "least"}
{"what": "over", "over": "sgc d=2", "why_not": "because"}
END
  paper a.json < targets
  sed -i 's/"year": 2020/"year": 2020, "arxiv": "1234"/' a.json
  run -65 "$STRAGGLE" papers a.json
  said="$output"
  expect_fault() {
    grep -qF -- "$1" <<< "$said" || { echo "missing: $1"; echo "$said"; false; }
  }
  expect_fault '/paper/arxiv: expected a number such as 1612.03301, found "1234"'
  expect_fault '/paper/targets/0/scheme: expected the code or the label of a scheme in the list, found "fractional-repetition s=3"; did you mean "fractional-repetition s=2"?'
  expect_fault '/paper/targets/1/quantity: expected a column of numbers of run_summary, run, point or iteration, found "iter_mean"; did you mean "iter_mean_s"?'
  expect_fault '/paper/targets/2/value: "value" is missing'
  expect_fault '/paper/targets/3: expected one of "digits", "z", "percent", "order", "why_not", found several'
  expect_fault '/paper/targets/4: expected one of "digits", "z", "percent", "order", "why_not", found none'
  expect_fault '/paper/targets/5/at/maen: the scenario has no axis "maen"; did you mean "mean"?'
  expect_fault "/paper/targets/6/at/mean: expected one of the axis' values, found 3"
  expect_fault '/paper/targets/7/at: expected an object {"axis": value}'
  expect_fault '/paper/targets/8/order/2: this scheme is in the list already'
  expect_fault '/paper/targets/9/order/1: expected the code or the label of a scheme in the list, found "nothing"'
  expect_fault '/paper/targets/9/value: a target with "order" has no "value"'
  expect_fault '/paper/targets/10/error: a standard error counts with "z" only, found "digits"'
  expect_fault '/paper/targets/11/quantity: expected a quantity with a closed form, found "bits_mean"'
  expect_fault '/paper/targets/12/z: a closed form has no standard error'
  expect_fault '/paper/targets/13/at_most: "iter_mean_s" is no column of iteration'
  expect_fault '/paper/targets/14/best: this is for an "order", found "z"'
  expect_fault '/paper/targets/15/over: expected a "scheme" that this is to be compared with'
  run -65 "$STRAGGLE" check a.json
  [ "$(grep -c error: <<< "$output")" -eq "$(grep -c error: <<< "$said")" ]
  [[ "$output" == *"a.json:"*":"*": error: /paper/targets/0/scheme"* ]]
  # Where a member is unknown labels cannot be made, and none is refused.
  paper a.json <<'END'
{"what": "valeu", "scheme": "sgc d=2", "valeu": 1, "z": 2}
{"what": "none", "scheme": "nothing", "value": 1, "z": 2}
END
  run -65 "$STRAGGLE" papers a.json
  [[ "$output" == *'/paper/targets/0/valeu: unknown member "valeu"; did you mean "value"?'* ]]
  [[ "$output" == *'/paper/targets/1/scheme: expected the code or the label of a scheme in the list, found "nothing"'* ]]
  # Of points: what only the plan can tell.
  paper a.json <<'END'
{"what": "which", "scheme": "sgc", "at": {"mean": 1}, "value": 1, "z": 4}
{"what": "where", "scheme": "sgc d=2", "value": 1, "z": 4}
END
  run -65 "$STRAGGLE" papers a.json
  [[ "$output" == *'/paper/targets/0: the scheme "sgc" has 2 points: a label, and values of axes in "at", say which is meant'* ]]
  [[ "$output" == *'/paper/targets/1: the scheme "sgc d=2" has 2 points'* ]]
  paper a.json '{"replications": 4}' <<'END'
{"what": "few", "scheme": "sgc d=2", "at": {"mean": 1}, "value": 1, "z": 4}
END
  run -65 "$STRAGGLE" papers a.json
  [[ "$output" == *"/paper/targets/0/z: expected at least 5 replications of the scenario"* ]]
  paper a.json '{"schemes": [{"code": "fractional-repetition", "s": {"each": [2, 3]}}]}' <<'END'
{"what": "skipped", "scheme": "fractional-repetition s=3", "at": {"mean": 1}, "value": 1, "z": 4}
END
  run -65 "$STRAGGLE" papers a.json
  [[ "$output" == *'/paper/targets/0: the scheme "fractional-repetition s=3" cannot be run there: expected '* ]]
  paper a.json '{"output": {"detail": "summary"}}' <<'END'
{"what": "rows", "scheme": "sgc d=2", "at": {"mean": 1}, "quantity": "n_received", "value": 1, "z": 4}
END
  run -65 "$STRAGGLE" papers a.json
  [[ "$output" == *"/paper/targets/0/quantity: rows of iterations are wanted, and output.detail is summary"* ]]
}

@test "the member is about the scenario as it is written, and changes no result" {
  paper a.json <<'END'
{"what": "mean", "scheme": "sgc d=2", "at": {"mean": 1}, "value": 1, "z": 4}
END
  python3 -c "
import json
s = json.load(open('a.json'))
del s['paper']
json.dump(s, open('b.json', 'w'))"
  "$STRAGGLE" run -q a.json
  "$STRAGGLE" run -q b.json
  rows="SELECT point_sha256, env_sha256, r.replication, iteration, duration_s, alpha_sum FROM point JOIN run r USING (point_id) JOIN iteration USING (run_id) ORDER BY 1, 3, 4"
  [ "$(sqlite3 a.db "$rows" | sha256sum)" = "$(sqlite3 b.db "$rows" | sha256sum)" ]
  [ "$(sqlite3 a.db "$rows" | wc -l)" -gt 3000 ]
  # With other schemes or sweeps the targets are of nothing that is there.
  "$STRAGGLE" run -q a.json -o c.db --set '/schemes=[{"code":"uncoded"}]' --set '/cluster/erasure={"model":"none"}' --set /replications=2
  "$STRAGGLE" check a.json --set '/sweep=[]' > said
  # The same runs count: none is computed again.
  run "$STRAGGLE" papers a.json -q -o a.db
  [ "$(sqlite3 a.db "$rows" | sha256sum)" = "$(sqlite3 b.db "$rows" | sha256sum)" ]
}

@test "the same for any number of threads; another seed is another draw" {
  paper a.json <<'END'
{"what": "mean", "scheme": "sgc d=2", "at": {"mean": 1}, "value": 6.6, "percent": 20}
{"what": "order", "order": ["ignore-stragglers", "sgc d=3"], "at": {"mean": 1}}
END
  "$STRAGGLE" papers a.json -q --json -j 1 > one
  "$STRAGGLE" papers a.json -q --json -j 3 > three
  cmp one three
  "$STRAGGLE" papers a.json -q --json --seed 2 > other
  [ "$(field one ours | head -1)" != "$(field other ours | head -1)" ]
  [ "$(field other verdict)" = $'within\norder' ]
}

@test "names, files and folders; nothing is left in the folder for temporary files" {
  mkdir tmp mine
  export TMPDIR="$PWD/tmp"
  echo '{"what": "mean", "scheme": "sgc d=2", "at": {"mean": 1}, "value": 6.6, "percent": 20}' | paper mine/b.json
  echo '{"what": "mean", "scheme": "sgc d=3", "at": {"mean": 1}, "value": 9.2, "percent": 20}' | paper mine/a.json
  python3 -c "
import json
s = json.load(open('mine/a.json'))
del s['paper']
json.dump(s, open('mine/none.json', 'w'))"
  "$STRAGGLE" papers mine -q --brief --format csv > said
  [ "$(cut -d, -f1 said | tr '\n' ' ')" = "paper a b " ]
  [ -z "$(ls tmp)" ]
  run -65 "$STRAGGLE" papers mine/none.json
  [[ "$output" == *'expected a member "paper" (docs/papers.md), found none'* ]]
  run -64 "$STRAGGLE" papers ye-abe-n8
  [[ "$output" == *'did you mean "ye-abbe-n8"?'* ]]
  run -66 "$STRAGGLE" papers nothing.json
  mkdir empty
  run -66 "$STRAGGLE" papers empty
  # One that cannot be read does not keep the others from being judged.
  run -66 "$STRAGGLE" papers -q nothing.json mine/a.json
  [[ "$output" == *"1 paper, 1 target: 0 equal, 1 within"* ]]
  # A copy of a shipped one, elsewhere, without a folder of ours.
  "$STRAGGLE" init copy --from ye-abbe-n8 > /dev/null
  "$STRAGGLE" papers copy.json -q > said
  grep -q "23 equal, 0 within, 0 order, 2 not reproducible, 0 differ" said
}

@test "an interrupt ends it with 130 and takes the temporary database along" {
  mkdir tmp
  export TMPDIR="$PWD/tmp"
  echo '{"what": "mean", "scheme": "sgc d=2", "at": {"mean": 1}, "value": 6.6, "percent": 20}' |
    paper long.json '{"stop": {"iterations": 100000000, "undecodable": "skip"}, "output": {"detail": "summary"}}'
  env -u BASH_ENV "$STRAGGLE" papers long.json -q -j 1 > said 2>&1 &
  pid=$!
  for i in $(seq 200); do [ -e tmp/*/papers.db ] && break; sleep 0.05; done
  [ -e tmp/*/papers.db ]
  kill -TERM $pid
  code=0
  wait $pid || code=$?
  [ "$code" -eq 130 ]
  [ -z "$(ls tmp)" ]
}

@test "all that ship: no one differs, and each has what a paper needs" {
  [ ! -e "$BATS_FILE_TMPDIR/code" ] || { cat "$BATS_FILE_TMPDIR/code"; false; }
  python3 - "$BATS_FILE_TMPDIR/all.json" "$root" <<'PY'
import glob, json, os, sys
rows = json.load(open(sys.argv[1]))
files = {os.path.basename(f)[:-5]: json.load(open(f)) for f in glob.glob(sys.argv[2] + "/scenarios/papers/*.json")}
assert len(files) >= 30
assert sorted({row["paper"] for row in rows}) == sorted(files)
for row in rows:
    assert row["verdict"] in ("equal", "within", "order", "not reproducible"), row
    assert (row["why"] is not None) == (row["verdict"] == "not reproducible"), row
    assert row["label"] in ("published", "recalled", "derived")
for name, s in files.items():
    own = [row for row in rows if row["paper"] == name]
    assert [row["what"] for row in own] == [t["what"] for t in s["paper"]["targets"]]
    assert any(row["verdict"] != "not reproducible" for row in own), name
    # No file that a program without this folder would lack.
    assert '"path": "data' not in json.dumps(s) and ".csv" not in json.dumps(s), name
count = {v: sum(row["verdict"] == v for row in rows) for v in ("equal", "within", "order", "not reproducible")}
print(count)
assert count["equal"] >= 90 and count["within"] >= 80 and count["order"] >= 20
PY
}

@test "a value that is tampered with differs, in each of them" {
  mkdir papers
  python3 - "$root" <<'PY'
import glob, json, os, sys
for f in glob.glob(sys.argv[1] + "/scenarios/papers/*.json"):
    s = json.load(open(f))
    for t in s["paper"]["targets"]:
        if "value" in t: t["value"] *= 2
        if "order" in t: t["order"].reverse()
    json.dump(s, open("papers/" + os.path.basename(f), "w"))
PY
  cp "$BATS_FILE_TMPDIR/all.db" all.db
  run "$STRAGGLE" papers papers -q --json -o all.db
  [ "$status" -eq 70 ]
  echo "$output" > tampered.json
  # No run was needed that was not there.
  [ "$(sqlite3 all.db 'SELECT count(*) FROM run')" = "$(sqlite3 "$BATS_FILE_TMPDIR/all.db" 'SELECT count(*) FROM run')" ]
  python3 - "$BATS_FILE_TMPDIR/all.json" tampered.json <<'PY'
import json, sys
before, after = (json.load(open(f)) for f in sys.argv[1:])
assert len(before) == len(after)
for a, b in zip(before, after):
    wanted = "not reproducible" if a["verdict"] == "not reproducible" else "differs"
    assert b["verdict"] == wanted, b
PY
}

@test "the table of the README, and of its page, is what is found" {
  mkdir here && cd here
  "$STRAGGLE" papers -q --brief --format markdown -o "$BATS_FILE_TMPDIR/all.db" > brief
  grep '^|' brief > table
  [ "$(wc -l < table)" -ge 32 ]
  for page in README.md docs/papers.md; do
    grep '^| ' "$root/$page" > rows
    sed -n '3,$p' table | while IFS= read -r row; do
      # The verdicts of each paper, by its name.
      grep -qxF -- "$row" rows || { echo "$page lacks: $row"; false; }
    done
  done
}

@test "a value that is off by everything says so in percent" {
  sed 's/"targets": \[/"targets": [ { "what": "nothing", "scheme": "uncoded", "at": { "n": 4 }, "quantity": "stragglers_s", "value": 1, "percent": 50 },/' \
    "$BATS_TEST_DIRNAME/scenarios/paper.json" > off.json
  run "$STRAGGLE" papers off.json
  echo "$output"
  [ "$status" -eq 70 ]
  [[ "$output" == *" -100 % "* ]]
}
