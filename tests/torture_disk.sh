#!/bin/bash
# SPDX-License-Identifier: MIT
# Lets the disk be full at writes to the database, one after the other: once, and from there on for
# ever. The run must end with exit code 74 (73: before anything was written) and a message, or do no
# harm at all; what is in the file must be whole, and the same command must complete it to the rows of
# a run that was never disturbed. Then limits of the file's size, which fail in SQLite's own way.
#
#   tests/torture_disk.sh PROGRAM LIBRARY [POINTS]
#
# LIBRARY is tests/fail_write.c. POINTS: how many writes fail, evenly spread; "all": every one.
# Prints a line per part and each offence; exit status 1 if there is one.
program=$(realpath "$1") library=$(realpath "$2") points=${3:-20}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2
export OPENBLAS_NUM_THREADS=1 LC_ALL=C
cat > small.json << 'END'
{"format": 1, "cluster": {"workers": 12}, "delay": {"model": "exponential", "mean_s": 1},
 "learning": {"problem": "none"}, "schemes": [{"code": "uncoded"}, {"code": "cyclic-repetition", "s": {"each": [1, 2, 3]}}],
 "replications": 8, "stop": {"iterations": 60}, "output": {"detail": "worker"}}
END

rows() {
  sqlite3 "$1" "SELECT run_id, status, stop_reason, iterations, sim_time_s FROM run ORDER BY run_id;
    SELECT * FROM iteration ORDER BY run_id, iteration, model;
    SELECT * FROM worker_iteration ORDER BY run_id, iteration, worker;
    SELECT * FROM run_summary ORDER BY run_id; SELECT * FROM worker_summary ORDER BY run_id, worker;
    SELECT point_id, point_sha256, scheme_label, config_json FROM point ORDER BY point_id" 2>&1 | sha256sum
}

offences=0 refused=0 unharmed=0
offence() {
  echo "  $1"
  offences=$((offences + 1))
}

# judge WHERE CODE: of new.db, after a run that may have failed.
judge() {
  local where=$1 code=$2 kept said
  case $code in
    0) unharmed=$((unharmed + 1)) ;;
    73 | 74) refused=$((refused + 1)); [ -s err ] || offence "$where: exit code $code without a word" ;;
    *) offence "$where: exit code $code: $(tail -n 1 err | head -c 200)" ;;
  esac
  if [ -s new.db ]; then
    [ "$(sqlite3 new.db 'PRAGMA integrity_check' 2>&1)" = ok ] || offence "$where: the database is damaged"
    # What the message says is kept must be there.
    said=$(grep -o '[0-9]* runs\? that w[a-z]* finished' err | grep -o '^[0-9]*')
    kept=$(sqlite3 new.db "SELECT count(*) FROM run WHERE status = 'finished'" 2>&1)
    [ -z "$said" ] || [ "$said" = "$kept" ] || offence "$where: $said runs are said to be kept, $kept are"
  fi
  "$program" run -q small.json -o new.db 2> err || offence "$where: does not go on: $(tail -n 1 err | head -c 200)"
  [ "$(rows new.db)" = "$expected" ] || offence "$where: other rows (exit code $code)"
  [ "$(ls new.db-* 2> /dev/null)" = "" ] || offence "$where: left $(ls new.db-*)"
}

FAIL_WRITE=0 FAIL_WRITE_COUNT=count LD_PRELOAD=$library "$program" run -q small.json -j 1 -o new.db || exit 2
all=$(cat count) expected=$(rows new.db)
[ "$all" -gt 20 ] || { echo "only $all writes were counted"; exit 2; }
[ "$points" = all ] && step=1 || step=$((all / points + 1))
for ((k = 1; k <= all; k += step)); do
  for where in $k $k+; do
    rm -f new.db*
    FAIL_WRITE=$where LD_PRELOAD=$library timeout -s KILL 60 "$program" run -q small.json -j 1 -o new.db > out 2> err
    judge "write $where of $all" $?
  done
done
echo "disk full at a write: $refused runs refused, $unharmed unharmed, $offences offences ($all writes)"

refused=0 unharmed=0 before=$offences
size=$(($(stat -c %s new.db) / 1024))
[ "$points" = all ] && step=4 || step=$((2 * size / points + 1))
for ((k = 4; k <= 2 * size; k += step)); do
  rm -f new.db*
  (ulimit -f $k && exec timeout -s KILL 60 "$program" run -q small.json -j 1 -o new.db) > /dev/null 2> errors
  code=$?
  cp errors err
  judge "files of at most $k kB" $code
done
echo "limits of a file's size: $refused runs refused, $unharmed unharmed, $((offences - before)) offences"
[ $offences = 0 ]
