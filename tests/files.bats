# SPDX-License-Identifier: MIT
# Where results go, who may write there, what a stop leaves, what reaches a terminal.

bats_require_minimum_version 1.5.0

setup() {
  cd "$BATS_TEST_TMPDIR"
  mkdir -p home/in
  cd home
  cat > s.json <<'END_OF_SCENARIO'
{ "format": 1, "cluster": { "workers": 4 }, "delay": { "model": "exponential", "mean_s": 1 },
  "learning": { "problem": "none", "length": 10 }, "schemes": [ { "code": "uncoded" } ],
  "stop": { "iterations": 5 } }
END_OF_SCENARIO
}

# Runs a command that a signal reaches: sh gives processes in the background none of SIGINT.
interrupted_after() {
  local seconds=$1 signal=$2
  shift 2
  env --default-signal="$signal" "$@" 2> err & local pid=$! # the tests may run under nohup
  sleep "$seconds"
  local begun=$(date +%s%N)
  kill -"$signal" $pid
  status=0
  wait $pid || status=$?
  took_ms=$((($(date +%s%N) - begun) / 1000000))
  # How soon is not asked of a sanitizer's program, which cannot live in a limited address space.
  (ulimit -v 4000000 && "$STRAGGLE" --version > /dev/null 2>&1) || took_ms=0
}

@test "files: a scenario's results stay in its folder" {
  for name in /tmp/x.db ../x.db in/../../x.db "" in/; do
    run "$STRAGGLE" check s.json --set "/output/database=\"$name\""
    [ "$status" -eq 65 ]
    [[ "$output" == *"/output/database: expected "* ]]
  done
  "$STRAGGLE" run s.json --quiet --set /output/database=in/x..db
  [ -f in/x..db ]
}

@test "files: a link out of the folder needs -o, one within it does not" {
  touch ../victim
  ln -s ../victim s.db
  ln -s ../nothing dangling.db
  ln -s .. up
  run "$STRAGGLE" check s.json
  [ "$status" -eq 73 ]
  for name in s.db dangling.db up/x.db; do
    run "$STRAGGLE" run s.json --set /output/database=$name
    [ "$status" -eq 73 ]
    [[ "$output" == *"a link leads out of the scenario's folder"*"-o"* ]]
  done
  [ ! -s ../victim ] && [ ! -e ../nothing ] && [ ! -e ../x.db ] && [ -L dangling.db ]
  "$STRAGGLE" run s.json --quiet -o s.db
  [ -s ../victim ]
  touch in/x.db
  ln -s in/x.db within.db
  "$STRAGGLE" run s.json --quiet --set /output/database=within.db
  [ -s in/x.db ]
}

@test "files: check says where results go" {
  run "$STRAGGLE" check s.json
  [[ "$output" == *"results go to s.db"* ]]
  cd in
  run "$STRAGGLE" check ../s.json
  [[ "$output" == *"results go to ../s.db"* ]]
}

@test "files: names that SQLite understands in its own way are names" {
  run "$STRAGGLE" run s.json -o ""
  [ "$status" -eq 64 ]
  for name in :memory: "file:x.db?mode=memory"; do
    "$STRAGGLE" run s.json --quiet -o "$name"
    [ "$(sqlite3 "./$name" 'SELECT count(*) FROM run')" = 1 ] || [ -s "$name" ]
  done
}

@test "files: a folder that cannot be written, and a dangling link, are said with -o and left" {
  ln -s nowhere/x.db link.db
  run "$STRAGGLE" run s.json -o link.db
  [ "$status" -eq 73 ]
  [ -L link.db ]
  [ "$(id -u)" = 0 ] || skip "only root can be somebody else"
  open=$(mktemp -d /tmp/straggle-files-XXXXXX)
  cp s.json "$open"
  chmod 755 "$open"
  chmod 644 "$open/s.json"
  run setpriv --reuid 65534 --regid 65534 --clear-groups "$STRAGGLE" run "$open/s.json"
  rm -r "$open"
  [ "$status" -eq 73 ]
  [[ "$output" == "$open/s.db: error: cannot write in the folder of the database"*"with -o" ]]
}

@test "files: control characters are refused in names and reach no terminal" {
  for c in '\n' '\u001b[31m' '\u009b2J' '\u202e' '\u2066'; do
    for member in /name /baseline; do
      run "$STRAGGLE" check s.json --set "$member=\"a${c}b\""
      [ "$status" -eq 65 ]
      [[ "$output" == *"without control characters"* ]]
    done
    run "$STRAGGLE" check s.json --set \
      "/sweep=[{\"name\":\"a${c}b\",\"path\":\"/cluster/workers\",\"values\":[3,4]}]"
    [ "$status" -eq 65 ]
  done
  "$STRAGGLE" run s.json --quiet
  for format in text csv markdown json; do
    "$STRAGGLE" query s.db "SELECT 'a' || char(27, 155, 8238, 8295, 7) || 'b' AS x" \
      --format $format > out
    run ! env LC_ALL=C grep -qP '[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]' out
  done
  name=$'e\e[31m\u202evil.json'
  cp s.json "$name"
  "$STRAGGLE" run "$name" 2> out
  "$STRAGGLE" check "$name" -j nonsense 2>> out || true
  run ! env LC_ALL=C grep -qP '\x1b|\xe2\x80\xae' out
}

# Fails if anything that ends a terminal's peace is in the files.
clean() {
  run ! env LC_ALL=C grep -qP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\x8e\x8f\xa8-\xae]' "$@"
}

# What every command makes of from.db: an answer or a refusal with a message, and clean output.
ask_all() {
  local command
  for command in "compare from.db" "compare from.db --baseline x" "compare from.db --format markdown" \
    "compare from.db --best" "compare from.db --latex" "compare from.db --columns all" \
    "query from.db @points" "query from.db @invocations" "plan s.json -o from.db" "merge new.db from.db" \
    "expect s.json --database from.db" "run s.json -o from.db --set /replications=7" \
    "plan s.json -o from.db --set /until={\"half_width\":0.1,\"least\":5}"; do
    status=0
    "$STRAGGLE" $command > out 2> err || status=$?
    echo "$command: $status, $(cat err)"
    [[ "$status" = @(0|64|65) ]]
    [ "$status" -eq 0 ] || [ -s err ]
    clean out err
    rm -f new.db
  done
}

@test "files: a database from elsewhere brings no control characters to a terminal" {
  sweep='/sweep=[{"name":"nnn","path":"/cluster/workers","values":[3,4]}]'
  sed -i 's/"mean_s": 1/"mean_s": 1, "unit": "subset"/; s/"problem": "none", "length": 10/"problem": "synthetic-gradient", "length": 10/' s.json
  "$STRAGGLE" run s.json --quiet -o from.db --set "$sweep"
  evil="char(27) || '[2J' || char(10) || char(8238, 155)"
  for column in scenario.name point.scheme_label point.code point.problem point.scaling point.replicate \
    invocation.host invocation.argv invocation.blas_core; do
    sqlite3 from.db "UPDATE ${column%.*} SET ${column#*.} = ${column#*.} || $evil"
  done
  # The axes are named in a view, too.
  sqlite3 from.db "PRAGMA writable_schema = 1;
    UPDATE sqlite_schema SET sql = replace(sql, 'nnn', 'n' || $evil) WHERE name = 'v_axes';
    UPDATE point_axis SET name = replace(name, 'nnn', 'n' || $evil), value = value || $evil;"
  ask_all
  "$STRAGGLE" run s.json -o from.db --set "$sweep" --set /replications=2 2> err
  grep -q "of several BLAS kernels" err
  clean err
}

@test "files: a database from elsewhere with what none of ours has is no crash" {
  "$STRAGGLE" run s.json --quiet -o whole.db --set /replications=6 \
    --set '/sweep=[{"name":"a","path":"/learning/length","values":[10]}]'
  for change in "point_axis SET position = -100000000" "run SET replication = replication - 100000000" \
    "run SET iterations = 9e15" "run SET detail = 'worker'"; do
    cp whole.db from.db
    sqlite3 from.db "UPDATE $change"
    ask_all
  done
  # NULL where our files have none, as when pages are exchanged.
  for column in point_axis.name point_axis.value point.scheme_label point.code point.env_sha256 \
    point.config_json point.stop_rule scenario.name run.status run.detail; do
    table=${column%.*}
    cp whole.db from.db
    sqlite3 from.db "PRAGMA writable_schema = 1;
      UPDATE sqlite_schema SET sql = replace(sql, 'NOT NULL', '') WHERE name = '$table'"
    sqlite3 from.db "PRAGMA foreign_keys = OFF; UPDATE $table SET ${column#*.} = NULL"
    sqlite3 from.db "PRAGMA writable_schema = 1; ATTACH 'whole.db' AS w;
      UPDATE sqlite_schema SET sql = (SELECT sql FROM w.sqlite_schema o WHERE o.name = '$table') WHERE name = '$table'"
    ask_all
  done
}

@test "files: every signal that asks to end is heard at once, and nothing is left" {
  for signal in INT TERM HUP; do
    rm -f long.db*
    interrupted_after 1 $signal "$STRAGGLE" run s.json -o long.db -j 2 --set /cluster/workers=1000 \
      --set /output/detail=worker --set /stop/iterations=100000 --set /replications=8
    [ "$status" -eq 130 ]
    [ "$took_ms" -lt 3000 ]
    grep -q "^long.db: 0 runs computed" err
    [ "$(ls long.db*)" = long.db ]
    [ "$(stat -c %s long.db)" -lt 1000000 ]
  done
}

@test "files: a signal is heard while a large code is built" {
  interrupted_after 1 INT "$STRAGGLE" run s.json --set /cluster/workers=10000 \
    --set '/schemes=[{"code":"ye-abbe","d":30,"m":2,"construction":"polynomial"}]'
  [ "$status" -eq 130 ]
  [ "$took_ms" -lt 3000 ]
}

@test "files: a signal is heard while runs are looked up" {
  interrupted_after 1 INT "$STRAGGLE" run s.json -o many.db --set /replications=16777215 \
    --set /stop/iterations=1 --set /output/detail=summary
  [ "$status" -eq 130 ]
  [ "$took_ms" -lt 3000 ]
  [ "$(ls many.db*)" = many.db ]
}

@test "files: nohup is respected" {
  (trap '' HUP; exec "$STRAGGLE" run s.json -q --set /stop/iterations=1000000000) & pid=$!
  sleep 0.5
  kill -HUP $pid
  sleep 0.5
  kill -INT $pid
  status=0
  wait $pid || status=$?
  [ "$status" -eq 130 ]
}

@test "files: runs that are said to be kept are kept" {
  for limit in 200 300 500 900; do
    rm -f full.db*
    run bash -c "ulimit -f $limit; exec '$STRAGGLE' run s.json -j 1 -o full.db --set /replications=40 \
      --set /stop/iterations=200 --set /output/detail=worker"
    [ "$status" -eq 74 ] || [ "$status" -eq 0 ]
    [ "$status" -eq 0 ] || [ -e full.db ] || continue
    kept=$(sed -n 's/^\([0-9]*\) runs that were finished before this are kept.*/\1/p' <<< "$output")
    [ "$status" -eq 0 ] || \
      [ "$(sqlite3 full.db "SELECT count(*) FROM run WHERE status = 'finished'")" = "${kept:-0}" ]
  done
}

@test "files: a reader at the end of a run is told of" {
  "$STRAGGLE" run s.json --quiet
  mkfifo hold
  sqlite3 s.db < hold > /dev/null & reader=$!
  exec 9> hold
  # In WAL mode, so that the reader does not keep the writer out.
  echo "PRAGMA journal_mode = WAL; BEGIN; SELECT count(*) FROM run;" >&9
  sleep 0.3
  run "$STRAGGLE" run s.json --set /replications=7
  exec 9>&-
  wait $reader
  [ "$status" -eq 0 ]
  [[ "$output" == *"somebody reads it: results are also in s.db-wal"* ]]
}

@test "files: a damaged database ends neither in 70 nor in silence, and is not changed" {
  "$STRAGGLE" run s.json --quiet --set /replications=30 --set /output/detail=worker
  size=$(stat -c %s s.db) damaged=0
  for ((at = 4096; at < size; at += size / 8 / 512 * 512)); do
    cp s.db bad.db
    head -c 512 /dev/zero | tr '\0' '\245' | dd of=bad.db bs=512 seek=$((at / 512)) conv=notrunc status=none
    cp bad.db before.db
    # Bytes that the file does not use may be anything.
    whole=$(sqlite3 -readonly before.db 'PRAGMA integrity_check' 2>&1 || true)
    [ "$whole" != ok ] || continue
    damaged=$((damaged + 1))
    for command in "run s.json -o bad.db --set /replications=31" "compare bad.db" "plan s.json -o bad.db" \
      "query bad.db @points"; do
      run "$STRAGGLE" $command
      [ "$status" -eq 0 ] || [ "$status" -eq 65 ]
      [ "$status" -eq 0 ] || [ -n "$output" ]
      [[ "$command" != run* ]] || [ "$status" -eq 65 ]
      cmp bad.db before.db
    done
  done
  [ "$damaged" -ge 5 ]
}

# SQLite takes the length of a damaged record for memory that it lacks.
@test "files: damage in any record is never said to be a lack of memory" {
  "$STRAGGLE" run s.json --quiet
  printf '\377%.0s' {1..16} >ff
  refused=0
  size=$(stat -c %s s.db)
  cp s.db bad.db
  for ((at = size - 9 * 4096; at < size; at += 64)); do
    dd if=ff of=bad.db bs=1 seek=$at conv=notrunc status=none
    code=0
    "$STRAGGLE" query bad.db @columns >/dev/null 2>said || code=$?
    [ "$code" -eq 0 ] || [ "$code" -eq 65 ]
    [ "$code" -eq 0 ] || [ -s said ]
    [ "$code" -eq 0 ] || refused=$((refused + 1))
    dd if=s.db of=bad.db bs=64 skip=$((at / 64)) seek=$((at / 64)) count=1 conv=notrunc status=none
  done
  [ "$refused" -ge 5 ]
}

@test "files: kill -9, with readers and a second writer" {
  "$BATS_TEST_DIRNAME/torture_kill.sh" "$STRAGGLE" 5
}
