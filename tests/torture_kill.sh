#!/bin/bash
# SPDX-License-Identifier: MIT
# Kills runs by SIGKILL at random moments, while readers and a second writer are at the same
# database, and goes on from what is left. After each kill the database must open for reading, be
# whole, and have every run that was finished before; at the end it must have the rows of a run that
# nobody disturbed, and no companions.
#
#   tests/torture_kill.sh PROGRAM [KILLS [SEED]]
#
# Prints a line of counts and each offence; exit status 1 if there is one.
program=$(realpath "$1") kills=${2:-20} RANDOM=${3:-1}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2
export OPENBLAS_NUM_THREADS=1 LC_ALL=C

cat > r.json << 'END_OF_SCENARIO'
{"format": 1, "cluster": {"workers": 8}, "delay": {"model": "exponential", "mean_s": 1},
 "learning": {"problem": "none", "length": 100},
 "schemes": [{"code": "uncoded"}, {"code": "cyclic-repetition", "s": {"each": [1, 2]}}],
 "baseline": "uncoded", "replications": 4, "stop": {"iterations": 300},
 "output": {"detail": "worker"}}
END_OF_SCENARIO

rows() {
  sqlite3 "$1" "SELECT point_sha256, is_baseline FROM point ORDER BY 1;
    SELECT run_id, replication, detail, status, iterations, sim_time_s FROM run ORDER BY 1;
    SELECT * FROM iteration ORDER BY run_id, iteration;
    SELECT * FROM worker_iteration ORDER BY run_id, iteration, worker;
    SELECT * FROM run_summary ORDER BY run_id; SELECT * FROM worker_summary ORDER BY run_id, worker;
    SELECT name, value FROM point_axis ORDER BY point_id, position" | sha256sum
}
finished() {
  sqlite3 -readonly "$1" "SELECT run_id, detail FROM run WHERE status <> 'running' AND run_id > 0" \
    2> /dev/null | sort
}
offences=0
offend() {
  echo "offence: $*"
  offences=$((offences + 1))
}

# A reader's exit code and words: before there are tables, there may be nothing to read.
reads=0
read_once() {
  words=$("$program" "$@" 2>&1 > /dev/null)
  code=$?
  reads=$((reads + 1))
  [ $code = 0 ] && return
  [ $code = 66 ] && [[ $words == *"No such file"* ]] && return
  [ $code = 65 ] && [[ $words == *"an empty file"* ]] && return
  offend "$* ended with $code: $words"
}

"$program" run -q r.json -o whole.db -j 2 || exit 2
want=$(rows whole.db)
killed=0 sequences=0 beside=0
while [ "$killed" -lt "$kills" ]; do
  rm -f r.db* link.db
  ln -s r.db link.db
  sequences=$((sequences + 1))
  # A third has runs of less detail already, which are replaced.
  [ $((RANDOM % 3)) = 0 ] && "$program" run -q r.json --set /output/detail=iteration
  for ((k = RANDOM % 4; k >= 0 && killed < kills; k--)); do
    before=$(finished r.db)
    "$program" run -q r.json -j 2 2> first & first=$!
    "$program" run -q r.json -j 1 -o link.db 2> second & second=$!
    sleep "0.$(printf %03d $((RANDOM % 250)))"
    read_once compare r.db
    kill -9 $first $second 2> /dev/null
    for process in $first $second; do
      wait $process 2> /dev/null
      code=$?
      case $code in 0 | 75) ;; 137) killed=$((killed + 1)) ;; *)
        offend "a writer ended with $code: $(cat first second)" ;;
      esac
    done
    [ -e r.db-wal ] || [ -e r.db-journal ] && beside=$((beside + 1))
    read_once compare r.db
    read_once query r.db "SELECT count(*) FROM v_point"
    [ -s r.db ] || continue
    if [ $((RANDOM % 2)) = 0 ]; then # the shell mends, too: else that is left to us
      whole=$(sqlite3 r.db "PRAGMA integrity_check")
      [ "$whole" = ok ] || offend "integrity_check: $whole"
    fi
    lost=$(comm -23 <(echo "$before" | sed 's/|.*//' | sort) <(finished r.db | sed 's/|.*//' | sort))
    [ -z "$lost" ] || offend "finished runs are gone: $lost"
  done
  "$program" run -q r.json -j 2 || offend "the last run ended with $?"
  [ "$(rows r.db)" = "$want" ] || offend "rows differ from those of an undisturbed run"
  whole=$(sqlite3 r.db "PRAGMA integrity_check")
  [ "$whole" = ok ] || offend "integrity_check: $whole"
  left=$(ls r.db-* 2> /dev/null)
  [ -z "$left" ] || offend "left: $left"
done
echo "$killed kills in $sequences sequences, $beside with a journal left; $reads reads;" \
  "$offences offences"
[ $offences = 0 ]
