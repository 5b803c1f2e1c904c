#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Every recipe of docs/cookbook.md is taken out of the page and run, and its numbers are those of the
# program. What is not installed is passed over, unless COOKBOOK=all (make cookbook). STRAGGLE names
# the program.

setup_file() {
  root="$BATS_TEST_DIRNAME/.."
  cd "$BATS_FILE_TMPDIR"
  export LC_ALL=C.UTF-8
  # A block whose first line is a comment with a file's name is that file.
  awk '/^```/ { inside = !inside; name = ""; next }
       inside && name == "" { name = ($2 ~ /^[a-z_]+\.[a-zA-Z]+$/) ? $2 : "-" }
       inside && name != "-" { print > name }' "$root/docs/cookbook.md"
  mkdir bin
  ln -s "$STRAGGLE" bin/straggle
  ln -s "$(realpath "$root/scenarios")" scenarios
  PATH="$PWD/bin:$PATH" bash -e sweep.sh
  PATH="$PWD/bin:$PATH" bash -e errors.sh
}

setup() {
  cd "$BATS_FILE_TMPDIR"
  export LC_ALL=C.UTF-8 PATH="$BATS_FILE_TMPDIR/bin:/usr/bin:$PATH"
}

need() { # command that shows that something is there
  "$@" >/dev/null 2>&1 && return
  [ "$COOKBOOK" != all ] || { echo "missing: $*"; return 1; }
  skip "needs $1, see make cookbook"
}

# Columns of a query as CSV without the names; numbers with six digits.
ask() {
  straggle query "$1" "$2" --format csv | tail -n +2
}

@test "every block with a name is run by a test, and what is not says so" {
  local name
  [ "$(ls *.py *.sh *.R *.gp | wc -l)" -ge 14 ]
  for name in *.py *.sh *.R *.gp; do grep -q "$name" "$BATS_TEST_FILENAME"; done
  # Blocks without a name.
  run awk '/^```[a-z]/ { getline; if ($0 !~ /^# [a-z_]+\.[a-zA-Z]+$/ && $0 !~ /untested/) print }' \
    "$BATS_TEST_DIRNAME/../docs/cookbook.md"
  [ -z "$output" ]
}

@test "lend.py: the views work with functions of Python's own" {
  run python3 lend.py
  [ "$output" -eq "$(ask sweep.db 'SELECT count(*) FROM point')" ]
}

@test "views need only the functions that the page names" {
  cat > functions.py <<'PY'
import sqlite3
db = sqlite3.connect("file:sweep.db?mode=ro", uri=True)
asked = set()
def look(action, a, b, *rest):
    if action == sqlite3.SQLITE_FUNCTION:
        asked.add(b.lower())
    return sqlite3.SQLITE_OK
db.set_authorizer(look)
for name, in db.execute("SELECT name FROM sqlite_schema WHERE type = 'view'").fetchall():
    db.execute(f"SELECT * FROM {name} LIMIT 1").fetchall()
core = {"count", "sum", "avg", "min", "max", "total", "group_concat", "coalesce", "nullif", "abs",
        "round", "lead", "lag", "row_number", "cume_dist", "ifnull", "like", "iif"}
print(" ".join(sorted(asked - core)))
PY
  run python3 functions.py
  echo "$output"
  [ "$output" = "exp json_extract json_valid ln sqrt" ]
}

@test "best.py: the best of each environment is that of compare --best" {
  run python3 best.py
  [ "${#lines[@]}" -eq 2 ]
  for n in 6 12; do
    best=$(straggle query sweep.db "SELECT scheme_label || ' ' || printf('%.6g', min(iter_mean_s)) FROM v_point WHERE n = $n AND exact" --format csv | tail -n 1)
    grep -F "n = $n: ${best% *} (" <<< "$output" | grep -qF ": ${best##* } s"
  done
}

@test "tail.py: medians and tails are those of the raw rows" {
  run python3 tail.py
  [ "${#lines[@]}" -eq "$(ask sweep.db 'SELECT count(*) FROM v_point WHERE n = 12')" ]
  times=$(ask sweep.db "SELECT duration_s FROM iteration JOIN run USING (run_id) JOIN v_point USING (point_id)
    WHERE n = 12 AND scheme_label = 'uncoded' ORDER BY duration_s")
  median=$(awk '{ x[NR] = $1 } END { printf "%.6g", x[int((NR + 1) / 2)] }' <<< "$times")
  tail=$(awk '{ x[NR] = $1 } END { m = x[int((NR + 1) / 2)]; for (i = 1; i <= NR; i++) n += x[i] > 2 * m
    printf "%.3g", n / NR }' <<< "$times")
  grep -q "^uncoded: median $median s, .* = $tail$" <<< "$output"
}

@test "against_n.py: means and intervals by hand" {
  run python3 against_n.py
  # The interval of a mean of 20 runs: 2.093 s / √20.
  expected=$(ask sweep.db "SELECT s.iter_mean_s FROM run JOIN run_summary s USING (run_id) JOIN v_point USING (point_id)
    WHERE n = 12 AND scheme_label = 'uncoded'" |
    awk '{ n++; s += $1; x[n] = $1 } END { m = s / n; for (i in x) v += (x[i] - m) ^ 2
      printf "uncoded,12,%.6g,%.3g", m, 2.093024 * sqrt(v / (n - 1) / n) }')
  grep -qxF "$expected" <<< "$output"
}

@test "loss.py: loss over time is @progress" {
  run python3 loss.py
  [ "${#lines[@]}" -gt "$(ask sweep.db 'SELECT count(*) FROM v_point WHERE n = 12')" ]
  expected=$(ask sweep.db "SELECT 'uncoded', iteration, printf('%.6g', avg(start_s + duration_s)), printf('%.6g', avg(loss))
    FROM iteration JOIN run USING (run_id) JOIN v_point USING (point_id)
    WHERE n = 12 AND scheme_label = 'uncoded' AND iteration = 5")
  grep -qxF "$expected" <<< "$output"
}

@test "heat.py: a worker's messages and arrivals" {
  run python3 heat.py
  [ "${#lines[@]}" -eq 6 ]
  expected=$(ask sweep.db "SELECT printf('worker 3: %d messages, mean %.6g s', count(arrival_s), avg(arrival_s))
    FROM worker_iteration JOIN run USING (run_id) JOIN v_point USING (point_id)
    WHERE n = 6 AND scheme_label = 'uncoded' AND replication = 0 AND worker = 3" | tr -d '"')
  grep -qxF "$expected" <<< "$output"
}

@test "errors.sh, errors.py: checks that were kept" {
  run python3 errors.py
  [ "${#lines[@]}" -eq 6 ]
  expected=$(straggle codes check ye-abbe d=4 m=2 -n 10 --json |
    python3 -c 'import json, sys; print("%.3g" % json.load(sys.stdin)["error_float64"]["worst"])')
  [ -n "$expected" ]
  grep -q "^ye-abbe,10,$expected," <<< "$output"
}

@test "paired.py: speed-ups and intervals are compare's" {
  run python3 paired.py
  [ "${#lines[@]}" -eq "$(ask sweep.db "SELECT count(*) FROM v_compare")" ]
  ask sweep.db "SELECT x.n, scheme_label, printf('%.6f', speedup), printf('%.6f', speedup_ci95_low),
    printf('%.6f', speedup_ci95_high) FROM v_compare JOIN v_axes x USING (point_id)" | tr -d '"' | sort > program
  sort <<< "$output" > by_hand
  diff program by_hand
}

@test "figure.py: pandas and matplotlib" {
  need python3 -c 'import pandas, matplotlib'
  run python3 figure.py
  [ "$status" -eq 0 ]
  [ "$(head -c 4 figure.pdf)" = %PDF ]
  best=$(ask sweep.db "SELECT printf('12,%.6g', min(iter_mean_s)) FROM v_point WHERE n = 12" | tr -d '"')
  grep -qxF "$best" <<< "$output"
}

@test "best.R: R with RSQLite" {
  need Rscript -e 'library(RSQLite)'
  run Rscript best.R
  [ "$status" -eq 0 ]
  best=$(ask sweep.db "SELECT printf('12,\"%s\",', scheme_label) FROM (SELECT scheme_label, min(iter_mean_s)
    FROM v_point WHERE n = 12)" | sed 's/^"//; s/"$//; s/""/"/g')
  grep -qF "$best" <<< "$output"
}

@test "against_n.sh, against_n.gp: gnuplot" {
  need gnuplot --version
  bash -e against_n.sh
  run gnuplot against_n.gp
  [ "$status" -eq 0 ]
  grep -q '<svg' against_n.svg
  [ "$output" = "$(ask sweep.db "SELECT printf('%.6g', max(iter_mean_s)) FROM v_point WHERE scheme_label = 'uncoded'" | tr -d '"')" ]
}
