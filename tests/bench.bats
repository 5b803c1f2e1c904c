#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The bench from end to end, with everything very small and without yardsticks: what comes out has its
# shape, and the floor's loops compute what they should. No time is judged. STRAGGLE names the program.

setup_file() {
  cd "$BATS_FILE_TMPDIR"
  export FLOOR="$(dirname "$STRAGGLE")/tests/bench_floor"
  cat > page.md <<'END'
before
<!-- bench: rates -->
old
<!-- end -->
between
<!-- bench: sweep --><!-- end -->
after
END
  python3 "$BATS_TEST_DIRNAME/bench.py" --program "$STRAGGLE" --rounds 1 --quick --peers none \
    --json report.json --markdown page.md > out.txt
}

setup() {
  cd "$BATS_FILE_TMPDIR"
}

@test "every case has a rate, a floor above nothing, and what bounds it" {
  python3 - <<'PYTHON'
import json
rates = json.load(open("report.json"))["tables"]["rates"]
names = [row[0] for row in rates["rows"]]
assert len(names) == len(set(names)) >= 17, names
for part in ("small-", "wide-", "medium-", "events n=", "events-shared", "events-realistic", "x32"):
    assert any(part in name for name in names), part
column = {name.split(",")[0]: i for i, name in enumerate(rates["columns"])}
for row in rates["rows"]:
    floor = rates["floors"][row[0]]
    assert row[column["now"]] > 0 and row[column["by clock"]] > 0, row
    # The floor of the table is that of bench_floor, of which each unit has taken time.
    assert floor["seconds"] > 0 and abs(row[column["floor"]] * floor["seconds"] - 1) < 1e-9, row
    assert all(u["seconds"] > 0 and u["times"] > 0 for u in floor["units"]), floor
    assert floor["bound"] == row[column["bound"]] in {u["unit"].split(":")[0] for u in floor["units"]}, row
    assert 0 < floor["share"] <= 1
    assert abs(row[column["now/floor"]] * row[column["now"]] / row[column["floor"]] - 1) < 1e-9, row
    # Without yardsticks there is no ratio.
    assert row[column["yardstick"]] is None and row[column["ratio"]] is None, row
PYTHON
}

@test "sections: set-up, a sweep, a query, a whole sweep, with units" {
  python3 - <<'PYTHON'
import json
report = json.load(open("report.json"))
tables = report["tables"]
assert set(tables) == {"rates", "set-up", "sweep", "query", "whole sweep"}, set(tables)
assert report["core"] and report["processor"]
assert {row[1] for row in tables["set-up"]["rows"]} == {20, 40}
assert len(tables["set-up"]["rows"]) == 16
for row in tables["set-up"]["rows"]:
    assert all(x > 0 for x in row[2:]), row
assert [row[0] for row in tables["sweep"]["rows"]] == [
    "check", "plan", "run -j 1", "run again: nothing to do", "compare", "compare --format csv"]
# 2 x 2 environments of 8 schemes, 8 runs each.
assert (report["sweep"]["points"], report["sweep"]["runs"]) == (32, 256)
assert report["query_rows"] == 1000
assert [row[:2] for row in tables["whole sweep"]["rows"]] == [["straggle", 1], ["straggle", 2]]
assert all(0 < row[4] <= row[2] for row in tables["whole sweep"]["rows"])
assert 40 < report["bytes_per_row"]["iteration"] < 400 and 10 < report["bytes_per_row"]["worker"] < 100
for table in tables.values():
    assert any("s" in c for c in table["columns"]) and all(len(r) == len(table["columns"]) for r in table["rows"])
PYTHON
}

@test "tables go into their places of a page, and the rest of it is kept" {
  [ "$(grep -v '^|' page.md | grep -v '^$')" = "before
<!-- bench: rates -->
<!-- end -->
between
<!-- bench: sweep -->
<!-- end -->
after" ]
  [ "$(grep -c '^| small-cyclic |' page.md)" = 1 ]
  [ "$(grep -c '^| compare |' page.md)" = 1 ]
  ! grep -q old page.md
}

@test "what is printed fits a terminal of 110 columns and says the core of OpenBLAS" {
  # Tables and what is said below them; single sentences are wrapped by the terminal.
  python3 - <<'PYTHON'
lines = open("out.txt", encoding="utf-8").read().split("\n\n")
tables = [t for t in lines if t.split("\n")[0] in ("rates", "set-up", "sweep", "query", "whole sweep")]
assert len(tables) == 5, tables
assert not [l for t in tables for l in t.split("\n") if len(l) > 110]
PYTHON
  head -n 1 out.txt | grep -q "OpenBLAS kernels: $(python3 -c 'import json; print(json.load(open("report.json"))["core"])')"
  grep -q 'The yardsticks are not here' out.txt
}

@test "--only takes the cases and sections whose names contain it" {
  python3 "$BATS_TEST_DIRNAME/bench.py" --program "$STRAGGLE" --rounds 1 --quick --peers none \
    --only events-shared --json one.json > /dev/null
  [ "$(python3 -c 'import json; t = json.load(open("one.json"))["tables"]; print(*t, *[r[0] for r in t["rates"]["rows"]])')" \
    = "rates events-shared n=60 events-shared n=256" ]
}

@test "what plan says stands beside what runs took" {
  python3 "$BATS_TEST_DIRNAME/bench.py" --program "$STRAGGLE" --rounds 1 --quick --peers none \
    --only estimates --json plan.json > /dev/null
  python3 - <<'PYTHON'
import json
rows = json.load(open("plan.json"))["tables"]["estimates"]["rows"]
assert [r[:2] for r in rows] == [[c, j] for c in ("sweep", "sweep, worker", "timing", "long", "wide", "large") for j in (1, 2)]
for r in rows:
    assert all(x > 0 for x in r[2:]) and abs(r[5] * r[4] / r[2] - 1) < 1e-9, r
PYTHON
}

@test "the loops of the floor compute what they should" {
  "$FLOOR" verify
}

@test "a floor is the sum of its terms, of alternatives the longest" {
  python3 - "$FLOOR" <<'PYTHON'
import json, subprocess, sys
def floor(*terms):
    return json.loads(subprocess.run([sys.argv[1], "--ms", "0.1", *terms], check=True, capture_output=True).stdout)
def close(a, b):
    return abs(a / b - 1) < 1e-6
f = floor("sort:60*3", "read:8000+log:8|exp:80000*2", "draws:120")
u = [x["seconds"] * x["times"] for x in f["units"]]
assert [x["unit"] for x in f["units"]] == ["sort:60", "read:8000", "log:8", "exp:80000", "draws:120"]
assert [x["times"] for x in f["units"]] == [3, 1, 1, 2, 1]
assert close(f["seconds"], u[0] + max(u[1] + u[2], u[3]) + u[4])
assert f["bound"] == "exp" and abs(f["share"] - u[3] / f["seconds"]) < 1e-2
PYTHON
}

@test "rows are taken from tables of several runs, shorter and longer than a transaction" {
  cat > rows.json <<'JSON'
{ "format": 1, "cluster": { "workers": 60 }, "learning": { "problem": "none" }, "replications": 2,
  "delay": { "model": "exponential", "mean_s": 1 }, "schemes": [ { "code": "uncoded" } ],
  "stop": { "iterations": 16 }, "output": { "detail": "worker" } }
JSON
  "$STRAGGLE" run --quiet rows.json -o rows.db
  [ "$(sqlite3 rows.db 'SELECT count(*), max(iteration) FROM worker_iteration')" = "1920|15" ]
  run "$FLOOR" --ms 0.1 --database rows.db --folder . rows:60@worker_iteration rows:1@iteration
  [ "$status" = 0 ]
  [ "$(python3 -c 'import json, sys; print(*[u["seconds"] > 0 for u in json.loads(sys.argv[1])["units"]])' "$output")" = "True True" ]
  # Nothing is left behind.
  ! ls floor-*
}

@test "terms that cannot be are refused" {
  local term
  for term in nothing:3 read:0 sort rows:1@iteration "rows:1@no"; do
    run "$FLOOR" "$term"
    [ "$status" = 64 ]
    [[ "$output" == *"bench_floor: "* ]]
  done
  run "$FLOOR"
  [ "$status" = 64 ]
}
