#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# A first scenario that works: init, what is said when something is missing, forget, a gradient code
# from a matrix, a step that is chosen, runs that diverge. STRAGGLE names the program.

bats_require_minimum_version 1.5.0

templates="quickstart sweep large-cluster matrix congested-ingress groups-by-speed persistent-stragglers sparse
  streamed-groups large-training serverless four-gpus tcp-1gbit tridiagonal ye-abbe-n8"

setup() {
  export LC_ALL=C.UTF-8
  root="$(cd "$BATS_TEST_DIRNAME/.." && pwd)"
  traces="$root/scenarios/traces"
  cd "$BATS_TEST_TMPDIR"
}

value() { # what a query of one number finds
  "$STRAGGLE" query "$1" --format csv "$2" | tail -n 1
}

member() { # of a scenario, by a JSON path
  sqlite3 :memory: "SELECT json_extract(readfile('$1'), '$2')"
}

# A trace of $1 workers: one time in three is longer; $2: more columns' head, $3: their values.
make_trace() {
  echo "iteration,worker,compute_s$2"
  for t in {0..39}; do
    for ((w = 0; w < $1; w++)); do echo "$t,$w,$((1 + (t * 7 + w * 5) % 3)).$(((t * 3 + w) % 10))5$3"; done
  done
}

# --- init -------------------------------------------------------------------------------------

@test "every template is valid and runs where it stands" {
  local t
  for t in $templates; do
    run "$STRAGGLE" init "in/$t" --from "$t"
    echo "$t: $output"
    [ "$status" -eq 0 ]
    [[ "$output" == "in/$t.json: written"* ]]
    "$STRAGGLE" check "in/$t.json"
    "$STRAGGLE" run -q "in/$t.json" --set /stop/iterations=3 --set /replications=1
    [ "$(value "in/$t.db" "SELECT count(*) FROM run WHERE status = 'finished'")" -gt 2 ]
    [ "$(member "in/$t.json" '$.name')" = "" ]
    [ "$(member "in/$t.json" '$.output.database')" = "" ]
    ! grep -q 'schema' "in/$t.json"
  done
  # The names in help are those of --list, and none was left out here.
  "$STRAGGLE" init --list > list
  [ "$(tail -n +3 list | cut -d ' ' -f 1 | sort | tr '\n' ' ')" = \
    "$(printf '%s\n' $templates trace fit | sort | tr '\n' ' ')" ]
}

@test "the quickstart is the shipped one, and gives its numbers" {
  "$STRAGGLE" init
  grep -v schema "$root/scenarios/quickstart.json" | cmp - quickstart.json
  cmp data/breast-cancer.csv "$root/scenarios/data/breast-cancer.csv"
  cmp data/LICENSE-breast-cancer.txt "$root/scenarios/data/LICENSE-breast-cancer.txt"
  "$STRAGGLE" run -q quickstart.json --set /replications=2
  "$STRAGGLE" run -q "$root/scenarios/quickstart.json" --set /replications=2 -o shipped.db
  query="SELECT point_sha256, iteration, duration_s, loss FROM iteration JOIN run USING (run_id) JOIN point USING (point_id) ORDER BY 1, replication, 2"
  "$STRAGGLE" query quickstart.db --format csv "$query" > a
  "$STRAGGLE" query shipped.db --format csv "$query" > b
  [ "$(wc -l < a)" -gt 500 ]
  cmp a b
}

@test "what init prints to be done next can be done" {
  cd "$BATS_TEST_TMPDIR"
  mkdir "a folder" bin
  ln -s "$STRAGGLE" bin/straggle
  "$STRAGGLE" init "a folder/it's" --from ye-abbe-n8 > said
  grep -c '^  straggle' said
  grep '^  straggle' said > next
  [ "$(wc -l < next)" -eq 3 ]
  PATH="$PWD/bin:$PATH" bash -e next > out
  grep -q '^Environment 1: it' out
}

@test "a scenario of shipped names only: neither name nor database, so that a copy is its own" {
  for f in "$root"/scenarios/*.json "$root"/scenarios/clusters/*.json "$root"/scenarios/papers/*.json; do
    [[ "$f" == *.schema.json ]] && continue
    echo "$f"
    [ "$(member "$f" '$.name')" = "" ]
    [ "$(member "$f" '$.output.database')" = "" ]
  done
}

@test "init writes over nothing without --force, and through no link" {
  "$STRAGGLE" init my --from sweep
  echo '{}' > my.json
  run "$STRAGGLE" init my --from sweep
  [ "$status" -eq 73 ]
  [[ "$output" == *'"my.json" is there already; --force writes over it'* ]]
  [ "$(cat my.json)" = "{}" ]
  touch my.db
  "$STRAGGLE" init my --from sweep --force > said
  [ "$(wc -c < my.json)" -gt 500 ]
  grep -q '^my.db is there already' said
  # A data file that is another one; the same one may be there.
  "$STRAGGLE" init one
  "$STRAGGLE" init two
  echo other > data/breast-cancer.csv
  run "$STRAGGLE" init three
  [ "$status" -eq 73 ]
  [[ "$output" == *"data/breast-cancer.csv"*"is another file"* ]]
  [ ! -e three.json ] && [ "$(cat data/breast-cancer.csv)" = other ]
  # Links, also to nothing: what they lead to is left alone.
  echo mine > target
  ln -s target linked.json
  ln -s nowhere dangling.json
  for name in linked dangling; do
    run "$STRAGGLE" init "$name" --from sweep
    [ "$status" -eq 73 ]
  done
  "$STRAGGLE" init linked --from sweep --force
  [ "$(cat target)" = mine ] && [ ! -L linked.json ] && [ ! -e nowhere ]
  mkdir apart elsewhere
  ln -s ../elsewhere apart/data
  run "$STRAGGLE" init apart/my
  [ "$status" -eq 73 ]
  [[ "$output" == *"is a link"* ]]
  [ -z "$(ls elsewhere)" ] && [ ! -e apart/my.json ]
  ! ls | grep '\.part'
}

@test "names of init: with folder and ending, and those that are none" {
  "$STRAGGLE" init a/b/c.json --from sweep
  "$STRAGGLE" init d/ --from sweep
  "$STRAGGLE" init e.v2 --from sweep
  [ -f a/b/c.json ] && [ -f d/sweep.json ] && [ -f e.v2.json ]
  for name in . .. a/.. - $'a\nb'; do
    run "$STRAGGLE" init --from sweep -- "$name"
    echo "$output"
    [ "$status" -eq 64 ]
  done
  run "$STRAGGLE" init x --from swep
  [ "$status" -eq 64 ]
  [[ "$output" == *'did you mean "sweep"?'* ]]
  run "$STRAGGLE" init x y
  [ "$status" -eq 64 ]
  run "$STRAGGLE" init --from trace
  [ "$status" -eq 64 ]
  [[ "$output" == *"expected a trace with --from trace"* ]]
  mkdir -m 555 closed
  [ "$(id -u)" = 0 ] || { run "$STRAGGLE" init closed/x --from sweep; [ "$status" -eq 73 ]; }
}

@test "a trace of any number of workers, from any folder" {
  local n
  mkdir times
  for n in 1 2 3 7 12; do
    make_trace $n > "times/t$n.csv"
    "$STRAGGLE" init "from/n$n" "times/t$n.csv" --from trace
    [ "$(member "from/n$n.json" '$.cluster.workers')" = $n ]
    [ "$(member "from/n$n.json" '$.delay.path')" = "../times/t$n.csv" ]
    "$STRAGGLE" run -q "from/n$n.json" --set /replications=2 --set /stop/iterations=20
    [ "$(value "from/n$n.db" "SELECT count(*) FROM run WHERE status <> 'finished'")" = 0 ]
  done
  cd times
  "$STRAGGLE" init --from trace t3.csv
  [ "$(member t3.json '$.delay.path')" = t3.csv ]
  "$STRAGGLE" check t3.json
  run "$STRAGGLE" init x --from trace none.csv
  [ "$status" -eq 66 ]
  [ ! -e x.json ]
}

@test "a trace in other units, and one with loads, are told" {
  { echo '# unit: ticks'; make_trace 4; } > ticks.csv
  "$STRAGGLE" init ticks ticks.csv --from trace > said
  grep -q 'not in seconds' said
  [ "$(member ticks.json '$.delay.unit_s')" = 1.0 ] || [ "$(member ticks.json '$.delay.unit_s')" = 1 ]
  "$STRAGGLE" check ticks.json
  make_trace 4 ,load ,2 > loads.csv
  "$STRAGGLE" init loads loads.csv --from trace > said
  grep -q 'has loads' said
}

@test "--from fit has the members that fit prints" {
  "$STRAGGLE" fit "$traces/stalls.csv" | sed -n '/^To paste/,$p' | tail -n +3 > pasted
  "$STRAGGLE" init fitted "$traces/stalls.csv" --from fit
  [ "$(wc -l < pasted)" -ge 2 ]
  while IFS= read -r line; do grep -qF -- "$line" fitted.json; done < pasted
  "$STRAGGLE" check fitted.json
  # Times behind a barrier are no model of stragglers.
  run "$STRAGGLE" init none "$traces/barrier.csv" --from fit
  [ "$status" -eq 65 ]
  [[ "$output" == *"barrier"* ]]
  [ ! -e none.json ]
}

@test "init works after make install, without the tree" {
  cp "$STRAGGLE" alone
  mkdir empty && cd empty
  env -i PATH=/usr/bin:/bin ../alone init my
  env -i PATH=/usr/bin:/bin ../alone run -q my.json --set /replications=1
  [ -s my.db ]
  ! grep -qaF "$root/" ../alone || skip "built with the tree's path in debugging data"
}

# --- Missing files and columns ----------------------------------------------------------------

@test "a file that is missing: where it is named, where it was looked for, what is there" {
  mkdir sub
  "$STRAGGLE" init sub/my > /dev/null
  mv sub/data sub/date
  run "$STRAGGLE" check sub/my.json
  [ "$status" -eq 66 ]
  [ "${lines[0]}" = 'sub/my.json:17:32: error: /learning/data/path: cannot open "data/breast-cancer.csv": there is no such file in the scenario'"'"'s folder, "sub/"; did you mean "date/breast-cancer.csv"?' ]
  [ "$(grep -c error: <<< "$output")" -eq 1 ]
  mv sub/date data
  run "$STRAGGLE" check sub/my.json
  [[ "$output" == *"(the one in the folder you are in does not count: paths are relative to the scenario)"* ]]
  touch sub/x1.csv sub/y1.csv
  run "$STRAGGLE" check sub/my.json --set /learning/data/path=measured.csv
  [[ "$output" == *'; there are "x1.csv", "y1.csv"'* ]]
  run "$STRAGGLE" check sub/my.json --set /learning/data/path=
  [[ "$output" == *'expected the name of a file, found ""'* ]]
}

@test "every member that names a file says it is missing, all at once" {
  cat > my.json <<'END'
{ "format": 1, "cluster": { "workers": 4 },
  "delay": { "model": "trace", "path": "a.csv" },
  "network": { "uplink": { "model": "mixture", "components": [
    { "model": "empirical", "path": "b.csv", "weight": 0.5 },
    { "model": "empirical", "path": "c.csv", "weight": 0.5 } ] } },
  "learning": { "problem": "least-squares", "data": { "source": "csv", "path": "d.csv", "label": "y" } },
  "schemes": [ { "code": "group", "d": 2, "linear_code": "matrix", "generator": "e.csv" },
    { "code": "arbitrary-placement", "s": 1, "placement": "matrix", "matrix": "f.csv" },
    { "code": "matrix", "encode": "g.csv", "weights": "h.csv" } ],
  "sweep": [ { "name": "t", "path": "/delay/path", "values": ["i.csv", "j.csv"] } ] }
END
  run "$STRAGGLE" check my.json
  echo "$output"
  [ "$status" -eq 66 ]
  for f in a b c d e f g h i j; do
    grep -q "^my.json:[0-9]*:[0-9]*: error: /.*cannot open \"$f.csv\": there is no such file" <<< "$output"
  done
}

@test "a column that is missing: the columns that there are" {
  printf 'alpha,beta,target\n1,2,3\n' > d.csv
  cat > my.json <<'END'
{ "format": 1, "cluster": { "workers": 1 }, "delay": { "model": "exponential", "mean_s": 1 },
  "learning": { "problem": "least-squares", "data": { "source": "csv", "path": "d.csv", "label": "targt" } },
  "schemes": [ { "code": "uncoded" } ] }
END
  run "$STRAGGLE" check my.json
  [[ "$output" == *'d.csv has no column "targt"; did you mean "target"? The header has "alpha", "beta", "target"'* ]]
  run "$STRAGGLE" check my.json --set '/delay={"model":"empirical","path":"d.csv","column":"x"}' --set /learning/data/label=target
  [[ "$output" == *'"x" that "column" names; the header has "alpha", "beta", "target"'* ]]
  run "$STRAGGLE" fit d.csv
  [[ "$output" == *'there is no column "compute_s"; the header has "alpha", "beta", "target"'* ]]
}

@test "a database that is missing is named, and one that cannot be made is not a place in the scenario" {
  for command in compare "query" "forget -e 1"; do
    run "$STRAGGLE" $command none.db
    [[ "$output" == *"none.db: cannot open the database"* ]]
  done
  "$STRAGGLE" init my --from sweep > /dev/null
  run "$STRAGGLE" run my.json -o /proc/x.db
  [ "$status" -eq 73 ]
  [[ "$output" == "/proc/x.db: error: "* ]]
  run "$STRAGGLE" run my.json -o /network/x.db
  [[ "$output" == "/network/x.db: error: "* ]]
}

# --- Other faults of a first hour -------------------------------------------------------------

@test "startup without the cost of a subset is a fault; 0 says that redundancy is free" {
  "$STRAGGLE" init my --from large-cluster > /dev/null
  run "$STRAGGLE" check my.json --set /delay/scaling=startup
  [ "$status" -eq 65 ]
  [[ "$output" == *"/delay/per_subset_s: expected per_subset_s with scaling startup, found none"* ]]
  "$STRAGGLE" check my.json --set /delay/scaling=startup --set /delay/per_subset_s=0
}

@test "a baseline left over by --set, beside the faults of the schemes" {
  "$STRAGGLE" init my > /dev/null
  run "$STRAGGLE" check my.json --set '/schemes=[{"code":"cyclic-repetition","s":20},{"code":"group","d":5,"m":1}]'
  echo "$output"
  [ "$status" -eq 65 ]
  [[ "$output" == *"/baseline: expected the code or the label"*"--set /baseline says which"* ]]
  [[ "$output" == *"/schemes/0/s: expected s < n = 12"* ]]
  [[ "$output" == *"/schemes/1/d: expected d dividing n = 12"* ]]
  run "$STRAGGLE" check my.json --set '/schemes=[{"code":"cyclc"}]' --set /delay/mean_excess_s=-1
  [[ "$output" == *"/baseline: "* && "$output" == *'"cyclc"'* && "$output" == *"/delay/mean_excess_s"* ]]
  "$STRAGGLE" check my.json --set '/schemes=[{"code":"cyclic-repetition","s":2}]' --set /baseline=cyclic-repetition
}

@test "words that are no commands" {
  run "$STRAGGLE" new
  [ "$status" -eq 64 ]
  [[ "$output" == *'there is no command "new"; did you mean "init"?'* ]]
  run "$STRAGGLE" codes list
  [[ "$output" == *"straggle codes lists them"* ]]
  run "$STRAGGLE" codes check group d=4,m=2
  [ "$status" -ne 0 ]
  [[ "$output" == *'expected a word for each parameter, found "d=4,m=2": write d=4 m=2'* ]]
}

# --- Two scenarios in one database, and forgetting --------------------------------------------

@test "a second scenario of the same name in a database is told" {
  "$STRAGGLE" init a --from ye-abbe-n8 > /dev/null
  few=(-q -o r.db --set /stop/iterations=5)
  sed 's/"format": 1,/"format": 1, "name": "same",/' a.json > b.json
  sed 's/1.25/2.5/' b.json > c.json
  "$STRAGGLE" run "${few[@]}" b.json 2> said
  [ ! -s said ]
  "$STRAGGLE" run "${few[@]}" c.json 2> said
  [[ "$(cat said)" == 'note: r.db has results of another scenario that is called "same": b.json.'* ]]
  # The same file from another folder, or changed, is no other one.
  sed -i 's/2.5/3.5/' c.json
  "$STRAGGLE" forget r.db --scenario b.json > /dev/null
  mkdir -p sub
  (cd sub && "$STRAGGLE" run -q -o ../r.db --set /stop/iterations=5 ../c.json 2> ../said)
  [ ! -s said ]
}

make_results() { # r.db: 2 environments of 3 schemes, 4 runs each, and a scenario of its own
  cat > many.json <<'END'
{ "format": 1, "cluster": { "workers": 4 }, "delay": { "model": "exponential", "mean_s": 1 },
  "learning": { "problem": "none" },
  "schemes": [ { "code": "uncoded" }, { "code": "cyclic-repetition", "s": { "each": [1, 2] } } ],
  "sweep": [ { "name": "mean", "path": "/delay/mean_s", "values": [1, 2] } ],
  "replications": 4, "stop": { "iterations": 200 }, "output": { "detail": "worker" } }
END
  "$STRAGGLE" run -q many.json -o r.db
  "$STRAGGLE" init other --from ye-abbe-n8 > /dev/null
  "$STRAGGLE" run -q other.json -o r.db --set /replications=1 --set /stop/iterations=10
}

@test "forget takes out an environment, and only that; the file becomes smaller" {
  make_results
  before=$(stat -c %s r.db)
  "$STRAGGLE" query r.db --format csv "SELECT point_sha256, run_id, iteration, duration_s FROM iteration JOIN run USING (run_id) JOIN point USING (point_id) WHERE json_extract(config_json, '$.environment.delay.mean_s') = 2 ORDER BY 1, 2, 3" > kept
  run "$STRAGGLE" forget r.db --environment 1 --dry-run
  [ "${lines[0]}" = "r.db: 12 runs of 3 points in 1 environment would be forgotten" ]
  [ "$(stat -c %s r.db)" = "$before" ]
  run "$STRAGGLE" forget r.db --environment 1
  echo "$output"
  [ "$status" -eq 0 ]
  [[ "${lines[0]}" == "r.db: 12 runs of 3 points in 1 environment forgotten; "* ]]
  [ "$(stat -c %s r.db)" -lt $((before * 7 / 10)) ]
  [ "$(value r.db "SELECT count(*) FROM run")" = $((12 + 25)) ]
  for t in iteration worker_iteration run_summary iter_time_group worker_summary; do
    [ "$(value r.db "SELECT count(*) FROM $t WHERE run_id NOT IN (SELECT run_id FROM run)")" = 0 ]
  done
  [ "$(value r.db "SELECT count(*) FROM point_axis WHERE point_id NOT IN (SELECT point_id FROM point)")" = 0 ]
  "$STRAGGLE" query r.db --format csv "SELECT point_sha256, run_id, iteration, duration_s FROM iteration JOIN run USING (run_id) JOIN point USING (point_id) WHERE json_extract(config_json, '$.environment.delay.mean_s') = 2 ORDER BY 1, 2, 3" | cmp - kept
  # Who computed and who forgot stays written.
  [ "$(value r.db "SELECT count(*) FROM invocation")" = 3 ]
  [[ "$(value r.db "SELECT argv FROM invocation ORDER BY invocation_id DESC LIMIT 1")" == *"straggle forget r.db --environment 1"* ]]
  # The same command computes again what was forgotten, to the same bits.
  "$STRAGGLE" run -q many.json -o r.db
  "$STRAGGLE" run -q many.json -o again.db
  query="SELECT point_sha256, replication, iteration, duration_s FROM iteration JOIN run USING (run_id) JOIN point USING (point_id) WHERE point_sha256 IN (SELECT point_sha256 FROM point WHERE n_workers = 4) ORDER BY 1, 2, 3"
  "$STRAGGLE" query r.db --format csv "$query" > a
  "$STRAGGLE" query again.db --format csv "$query" | cmp - a
}

@test "forget by scenario, scheme, filter and the beginning of a key; conditions join" {
  make_results
  "$STRAGGLE" forget r.db --scheme 'cyclic-repetition s=1' -w "mean = 2" > said
  [ "$(head -n 1 said | cut -d ';' -f 1)" = "r.db: 4 runs of 1 point in 1 environment forgotten" ]
  [ "$(sed -n 2p said)" = "  cyclic-repetition s=1, mean = 2, s = 1: 4 runs" ]
  "$STRAGGLE" forget r.db --scenario other --json > said
  [ "$(sqlite3 :memory: "SELECT json_extract(readfile('said'), '$.runs')")" = 25 ]
  [ "$(value r.db "SELECT count(*) FROM scenario")" = 1 ]
  key=$(value r.db "SELECT substr(env_sha256, 1, 12) FROM point ORDER BY point_id LIMIT 1")
  "$STRAGGLE" forget r.db -e "$key" > /dev/null
  [ "$(value r.db "SELECT count(*) FROM point WHERE env_sha256 LIKE '$key%'")" = 0 ]
  "$STRAGGLE" forget r.db -e 1,1 --scheme uncoded > /dev/null
  run value r.db "SELECT group_concat(scheme_label) FROM point"
  echo "$output"
  [ "$output" = "cyclic-repetition s=2" ]
  run "$STRAGGLE" forget r.db --where "n_workers > 1000"
  [ "$status" -eq 0 ]
  [[ "$output" == "r.db: 0 runs of 0 points"* ]]
}

@test "forget refuses what it does not understand, and writes nothing then" {
  make_results
  sha256sum r.db > sum
  fails() { # pattern, arguments …
    local pattern="$1"
    shift
    run "$STRAGGLE" forget r.db "$@"
    echo "$output"
    [ "$status" -eq 64 ]
    [[ "$output" == *"$pattern"* ]]
  }
  fails "expected what to forget"
  fails "expected the number of an environment" -e 99
  fails "expected the number of an environment" -e 1,x
  fails 'did you mean "uncoded"' --scheme uncodd
  fails 'did you mean "many"' --scenario mny
  fails "no such column" --where "nonsense = 1"
  fails "expected one SQL expression" --where "1); DELETE FROM run; --"
  fails "--where" --where "1 /*"
  sha256sum -c sum
  # As other writers: not while another one is at it.
  run "$STRAGGLE" forget none.db -e 1
  [ "$status" -eq 66 ]
  [ ! -e none.db ]
}

@test "forget waits for no other writer" {
  make_results
  "$STRAGGLE" run -q many.json -o r.db --set /replications=3000 --set /stop/iterations=3000 &
  pid=$!
  for i in {1..100}; do [ -e r.db-wal ] && break; sleep 0.05; done
  run "$STRAGGLE" forget r.db -e 1
  kill "$pid"
  wait "$pid" || true
  echo "$output"
  [ "$status" -eq 75 ]
}

# --- A gradient code from a matrix ------------------------------------------------------------

@test "a matrix is the code that it describes: repetition, cyclic, with a table of weights" {
  printf '# pairs\n1,0\n1,0\n0,1\n0,1\n' > pairs.csv
  printf '1,0,1,0\n1,0,0,1\n0,1,1,0\n0,1,0,1\n' > weights.csv
  cat > my.json <<'END'
{ "format": 1, "cluster": { "workers": 4 }, "delay": { "model": "exponential", "mean_s": 1 },
  "learning": { "problem": "logistic-regression", "data": { "source": "csv", "path": "data/breast-cancer.csv", "label": "diagnosis", "test_share": 0.2, "standardize": true }, "optimizer": { "step": "auto" } },
  "schemes": [ { "code": "fractional-repetition", "s": 1, "stop": "count" },
    { "code": "matrix", "encode": "pairs.csv" }, { "code": "matrix", "encode": "pairs.csv", "weights": "weights.csv" },
    { "code": "fractional-repetition", "s": 1 }, { "code": "matrix", "encode": "pairs.csv", "stop": "decodable" },
    { "code": "matrix", "encode": "pairs.csv", "s": 2, "approximate": true } ],
  "replications": 3, "stop": { "iterations": 30 } }
END
  "$STRAGGLE" init data-only > /dev/null
  "$STRAGGLE" run -q my.json
  of() { "$STRAGGLE" query my.db --format csv "SELECT replication, iteration, duration_s, round(loss, 9) FROM iteration JOIN run USING (run_id) JOIN point USING (point_id) WHERE scheme_label = '$1' ORDER BY 1, 2" | tail -n +2; }
  of 'fractional-repetition s=1 count' > a
  [ "$(wc -l < a)" -eq 90 ]
  of 'matrix encode=pairs.csv' | cmp - a
  of 'matrix encode=pairs.csv weights=weights.csv' | cmp - a
  of 'fractional-repetition s=1' > b
  of 'matrix encode=pairs.csv decodable' | cmp - b
  ! cmp -s a b
  [ "$(value my.db "SELECT group_concat(DISTINCT load_d || ' ' || stragglers_s) FROM point WHERE code = 'matrix' AND exact")" = '"2.0 1"' ] ||
    [ "$(value my.db "SELECT group_concat(DISTINCT load_d || ' ' || stragglers_s) FROM point WHERE code = 'matrix' AND exact")" = '2.0 1' ]
  [ "$(value my.db "SELECT max(grad_scaled_err) < 1e-14 FROM iteration JOIN run USING (run_id) JOIN point USING (point_id) WHERE exact")" = 1 ]
  [ "$(value my.db "SELECT max(decoding_err) > 0 FROM iteration JOIN run USING (run_id) JOIN point USING (point_id) WHERE NOT exact")" = 1 ]
}

@test "d and s of a matrix are found, and checked where they are given" {
  # Rows of two neighbours orthogonal to (1, 2, 3, −6): any three of four workers suffice.
  printf '1,-0.5,0,0\n0,1,-0.6666666666666666,0\n0,0,1,0.5\n6,0,0,1\n' > near.csv
  "$STRAGGLE" codes check matrix encode=near.csv -n 4 > said
  grep -q 'found     d = 2  s = 1  m = 1' said
  grep -q '4 × 4 matrix, s = 1: all patterns were tried' said
  fails() { # pattern, parameters …
    local pattern="$1"
    shift
    run "$STRAGGLE" codes check matrix "$@"
    echo "$output"
    [ "$status" -ne 0 ]
    [[ "$output" == *"$pattern"* ]]
  }
  fails "expected at most s = 1, which this matrix allows, found 2: without workers 0, 1 the sum" encode=near.csv s=2 -n 4
  fails "expected a row for each of n = 5 workers" encode=near.csv -n 5
  printf '1,0,0\n0,1,1\n' > wide.csv
  fails "is it transposed?" encode=wide.csv -n 3
  printf '# c\n\n1,0\n0,0\n' > zero.csv
  fails "zero.csv:4: expected a number other than 0 in every row" encode=zero.csv -n 2
  printf '1,0\n1,0\n' > nobody.csv
  fails "none in column 2: nobody has that part" encode=nobody.csv -n 2
  printf '1,2\n2,4\n' > flat.csv
  fails "expected rows of which some combination is 1 in every column" encode=flat.csv -n 2
  printf '1,0\n0,1\n' > one.csv
  printf '# A\n1,1\n1,1.5\n' > off.csv
  fails "off.csv:3: expected a row whose product with B is 1 in every column, found 1.5 in column 2" encode=one.csv weights=off.csv -n 2
  printf '1,x\n0,1\n' > word.csv
  fails "word.csv:1:3: expected a number" encode=word.csv -n 2
  fails "expected how many stragglers are not waited for" encode=one.csv approximate=true -n 2
  printf '1,1\n' > all.csv
  fails 'expected at most s = 0, which the rows of "weights" allow' encode=one.csv weights=all.csv s=1 -n 2
}

# --- The step, and divergence -----------------------------------------------------------------

least_squares() { # own.csv, and ls.json on it
  awk 'BEGIN { srand(7); print "a,b,y"; for (i = 0; i < 60; i++) { a = 20 * rand(); b = rand() - 0.5; print a "," b "," 3 * a - b + rand() } }' > own.csv
  cat > ls.json <<'END'
{ "format": 1, "cluster": { "workers": 3 }, "delay": { "model": "exponential", "mean_s": 1 },
  "learning": { "problem": "least-squares", "data": { "source": "csv", "path": "own.csv", "label": "y", "standardize": false, "test_share": 0 }, "optimizer": { "method": "gradient-descent", "step": 1 } },
  "schemes": [ { "code": "uncoded" } ], "replications": 2, "stop": { "iterations": 200 } }
END
}

# The largest eigenvalue of XᵀX/N of own.csv with a column of ones, by awk.
largest() {
  awk -F, 'NR > 1 { n++; x[1] = $1; x[2] = $2; x[3] = 1; for (i = 1; i <= 3; i++) for (j = 1; j <= 3; j++) g[i, j] += x[i] * x[j] }
    END { for (i = 1; i <= 3; i++) v[i] = 1
      for (k = 0; k < 500; k++) { s = 0
        for (i = 1; i <= 3; i++) { u[i] = 0; for (j = 1; j <= 3; j++) u[i] += g[i, j] / n * v[j]; s += u[i] * u[i] }
        s = sqrt(s); for (i = 1; i <= 3; i++) v[i] = u[i] / s }
      printf "%.12g", s }' own.csv
}

@test "step auto is 1/L of least squares, softmax and logistic regression, and is recorded" {
  least_squares
  "$STRAGGLE" run -q ls.json --set /learning/optimizer/step=auto --set /learning/l2=0.5 -o a.db
  step=$(value a.db "SELECT auto_step FROM run_summary")
  awk -v s="$step" -v l="$(largest)" 'BEGIN { d = s * (l + 0.5) - 1; print d; exit !(d < 1e-9 && d > -2e-4) }'
  # Every loss is below the one before, with one value in the summary of each run.
  [ "$(value a.db "SELECT count(*) FROM (SELECT loss - lag(loss) OVER (PARTITION BY run_id ORDER BY iteration) AS d FROM iteration) WHERE d > 1e-9")" = 0 ]
  [ "$(value a.db "SELECT count(DISTINCT auto_step) FROM run_summary")" = 1 ]
  "$STRAGGLE" compare a.db | grep -q 'auto step'
  # Labels instead of targets: a quarter and a half of that curvature.
  awk -F, 'NR == 1 { print } NR > 1 { print $1 "," $2 "," ($1 > 10) }' own.csv > labels.csv
  for p in logistic-regression:0.25 softmax:0.5; do
    "$STRAGGLE" run -q ls.json -o b.db --set "/learning/problem=${p%:*}" --set /learning/data/path=labels.csv --set /learning/optimizer/step=auto
    step=$(value b.db "SELECT auto_step FROM run_summary ORDER BY run_id DESC LIMIT 1")
    awk -v s="$step" -v l="$(largest)" -v c="${p#*:}" 'BEGIN { d = s * l * c - 1; print d; exit !(d < 1e-9 && d > -2e-4) }'
  done
  # Given steps have none; what has no curvature refuses it.
  "$STRAGGLE" run -q ls.json -o c.db --set /learning/optimizer/step=0.001
  [ "$(value c.db "SELECT count(auto_step) FROM run_summary")" = 0 ]
  run "$STRAGGLE" check ls.json --set '/learning={"problem":"synthetic-gradient","length":10,"optimizer":{"step":"auto"}}'
  [ "$status" -eq 65 ]
  [[ "$output" == *'/learning/optimizer/step: expected a number with problem "synthetic-gradient"'* ]]
}

@test "a loss that grows without bound ends the run as diverged; a large one that does not, does not" {
  least_squares
  "$STRAGGLE" run ls.json 2> said
  grep -q '2 diverged' said
  [ "$(value ls.db "SELECT count(*) FROM run WHERE status = 'diverged' AND stop_reason = 'diverged' AND iterations < 200")" = 2 ]
  # A step just beyond 2/L grows slowly, and is found all the same; just below it all is well.
  for f in 2.1:diverged 1.9:finished; do
    step=$(awk -v l="$(largest)" -v f="${f%:*}" 'BEGIN { printf "%.12g", f / l }')
    "$STRAGGLE" run -q ls.json -o slow.db --set /learning/optimizer/step="$step" --set /stop/iterations=2000
    [ "$(value slow.db "SELECT status FROM run ORDER BY run_id DESC LIMIT 1")" = "${f#*:}" ]
  done
  # The same of a long memory: λ step < 4/3 is stable for every momentum.
  for f in 1.6:diverged 1.3:finished; do
    step=$(awk -v l="$(largest)" -v f="${f%:*}" 'BEGIN { printf "%.12g", f / l }')
    "$STRAGGLE" run -q ls.json -o long.db --set /stop/iterations=3000 --set "/learning/optimizer={\"method\":\"nesterov\",\"momentum\":0.999,\"step\":$step}"
    [ "$(value long.db "SELECT status FROM run ORDER BY run_id DESC LIMIT 1")" = "${f#*:}" ]
  done
  # Logistic regression has bounded gradients: with a huge step the loss is huge, and comes back.
  awk -F, 'NR == 1 { print } NR > 1 { print $1 "," $2 "," ($1 > 10) }' own.csv > labels.csv
  "$STRAGGLE" run -q ls.json -o huge.db --set /learning/problem=logistic-regression --set /learning/data/path=labels.csv --set /learning/optimizer/step=1e12
  [ "$(value huge.db "SELECT max(loss) > 1e9 FROM iteration")" = 1 ]
  [ "$(value huge.db "SELECT group_concat(DISTINCT status) FROM run")" = finished ]
}
