#!/bin/bash
# SPDX-License-Identifier: MIT
# Lets allocations fail, one after the other, in every command: a failure must end with exit code 71
# and a message, or do no harm at all, and the database must be intact and go on from there.
#
#   tests/torture_memory.sh PROGRAM LIBRARY [POINTS [NAME…]]
#
# LIBRARY is tests/fail_malloc.c. POINTS: how many allocations of each command fail, once each and
# from there on for ever; evenly spread over all of them; "all": every one. NAME: only these of the
# commands below. Prints a line per command and each offence; exit status 1 if there is one.
program=$(realpath "$1") library=$(realpath "$2") points=${3:-20} names=" ${*:4} "
root=$(realpath "$(dirname "$0")/..")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2
export OPENBLAS_NUM_THREADS=1 LC_ALL=C
unset FAIL_MALLOC FAIL_MALLOC_COUNT

cat > small.json << 'END'
{"format": 1, "cluster": {"workers": 6},
 "delay": {"model": "shifted-exponential", "shift_s": 1, "mean_excess_s": 0.5},
 "network": {"uplink": {"model": "exponential", "mean_s": 0.3}},
 "learning": {"problem": "logistic-regression", "data": {"source": "gaussian-mixture", "rows": 60, "features": 5}},
 "schemes": [{"code": "uncoded"}, {"code": "cyclic-repetition", "s": {"each": [1, 2]}}, {"code": "group", "d": 3, "m": 2}],
 "sweep": [{"name": "mean", "path": "/delay/mean_excess_s", "values": [0.5, 2]}],
 "baseline": "uncoded", "replications": 3, "stop": {"iterations": 12},
 "output": {"detail": "worker"}}
END
cat > timing.json << 'END'
{"format": 1, "cluster": {"workers": 4}, "delay": {"model": "exponential", "mean_s": 1},
 "learning": {"problem": "none"}, "schemes": [{"code": "uncoded"}, {"code": "ignore-stragglers", "s": 1}],
 "replications": 2, "stop": {"iterations": 400}}
END
"$program" run -q timing.json
"$program" run -q small.json -o small.db
awk -F, '/^#/ || !($1 ~ /^[0-9]/) || $1 < 30' "$root/scenarios/traces/persistent.csv" > trace.csv

printf '1,0\n1,0\n0,1\n0,1\n' > pairs.csv
printf '1,0,1,0\n0,1,0,1\n' > weights.csv

# The rows of a database, in an order of their own.
rows() {
  sqlite3 "$1" "SELECT run_id, status, stop_reason, iterations, sim_time_s FROM run ORDER BY run_id;
    SELECT * FROM iteration ORDER BY run_id, iteration, model;
    SELECT * FROM worker_iteration ORDER BY run_id, iteration, worker;
    SELECT * FROM run_summary ORDER BY run_id; SELECT * FROM worker_summary ORDER BY run_id, worker;
    SELECT point_id, point_sha256, scheme_label, config_json FROM point ORDER BY point_id" 2>&1
}

offences=0
offence() {
  echo "  $1"
  offences=$((offences + 1))
}

# once NAME K COMMAND…: one failure, judged.
once() {
  local name=$1 k=$2 code
  shift 2
  rm -f new.db* out err
  timeout -s KILL 60 env LD_PRELOAD="$library" FAIL_MALLOC="$k" "$program" "$@" > out 2> err
  code=$?
  case $code in
    0) cmp -s out "$name.out" || offence "$name, $k: exit code 0, another answer" ;;
    71) [ -s err ] || offence "$name, $k: exit code 71 without a word" ;;
    *) offence "$name, $k: exit code $code: $(tail -n 1 err | head -c 150)" ;;
  esac
  [ -n "$writes" ] && [ -e new.db ] || return
  [ "$(sqlite3 new.db 'PRAGMA integrity_check' 2>&1)" = ok ] ||
    offence "$name, $k: the database is damaged"
  [ $code = 0 ] || "$program" "$@" > /dev/null 2> err ||
    offence "$name, $k: does not go on: $(tail -n 1 err | head -c 150)"
  [ "$(rows new.db)" = "$(cat "$name.rows")" ] || offence "$name, $k: other rows (exit code $code)"
}

# torture NAME COMMAND…: with $writes, the command writes new.db.
torture() {
  local name=$1 all before=$offences step k tried=0
  shift
  [[ $names =~ ^\ *$ || $names = *" $name "* ]] || return
  rm -f new.db*
  LD_PRELOAD=$library FAIL_MALLOC=0 FAIL_MALLOC_COUNT=count "$program" "$@" > "$name.out" 2> err ||
    offence "$name: fails by itself: $(tail -n 1 err)"
  [ -n "$writes" ] && rows new.db > "$name.rows"
  all=$(cat count)
  [ "$points" = all ] && step=1 || step=$((all / points + 1))
  for ((k = 1; k <= all; k += step)); do
    # Not always the same place of a loop.
    local at=$((k + (step > 1 ? k * 7919 % step : 0)))
    once "$name" $at "$@"
    once "$name" $at+ "$@"
    tried=$((tried + 2))
  done
  echo "$name: $all allocations, $tried runs, $((offences - before)) offences"
}

writes=yes
torture run run -q small.json -o new.db -j 2
torture run-timing run -q timing.json -o new.db -j 2
torture run-threads run -q timing.json -o new.db -j 1024 --set /replications=300 --set /stop/iterations=1
writes=
torture check check small.json
torture plan plan small.json -o small.db -j 1
torture compare compare small.db
torture compare-csv compare small.db --format csv
torture compare-best compare small.db --best
torture compare-columns compare small.db --columns scheme,speed-up,work --sort=-work --latex
for plot in time speedup pareto ecdf loss heat error columns; do
  torture plot-$plot plot small.db $plot -o small.svg --gnuplot small.gp
done
torture query query small.db @points
torture query-csv query small.db "SELECT * FROM iteration" --format csv
torture codes-check codes check group d=3 m=2 -n 6 -p 50 -j 2
torture codes-check-list codes check cyclic-repetition s=1,2 -n 4,6,…,8 -p 9 -j 1 --format csv
torture codes-check-all codes check --all -n 4 -p 5 --format csv -j 1
torture expect expect timing.json
torture expect-database expect timing.json --database timing.db --format csv
torture fit fit trace.csv --replicates 3
torture init init made --force
torture init-trace init made trace.csv --from trace --force
torture init-fit init made trace.csv --from fit --force
torture init-list init --list
torture forget forget small.db -e 1 -w 'mean < 1' --dry-run
torture codes-check-matrix codes check matrix encode=pairs.csv weights=weights.csv -n 4 -p 50 -j 1
torture schema schema
torture help help run
[ $offences = 0 ] || { echo "$offences offences"; exit 1; }
