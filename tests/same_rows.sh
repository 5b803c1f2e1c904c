#!/usr/bin/env bash
# Do two builds give the same result rows, to the last bit? Runs all shipped scenarios and a grid of
# settings with both and compares every column that both databases have, but for keys, wall-clock
# times and revisions.
#
#   tests/same_rows.sh OLD-PROGRAM NEW-PROGRAM [folder for the databases]
set -euo pipefail
old=$(realpath "$1") new=$(realpath "$2") folder=${3:-$(mktemp -d)}
mkdir -p "$folder"
cd "$(dirname "$0")/.."
different=0 compared=0

# The columns of a table that both databases have, in the order of the first, as a SELECT list.
columns() { # database, database, table
  sqlite3 "$1" "ATTACH '$2' AS other;
    SELECT group_concat('quote(t.\"' || a.name || '\")', ',') FROM pragma_table_info('$3') a
    WHERE a.name IN (SELECT name FROM pragma_table_info('$3', 'other'))
      AND a.name NOT IN ('run_id','point_id','key','env_sha256','config','wall_s','cpu_s','results_version',
                         'decode_cache_hit_rate','created','host','revision')"
}
rows() { # database, table, columns
  local by=''
  case $2 in
    iteration) by=', t.iteration' ;;
    worker_iteration) by=', t.iteration, t.worker' ;;
    worker_summary) by=', t.worker' ;;
  esac
  sqlite3 "$1" "SELECT r.point_id, r.replication, $3 FROM $2 t JOIN run r USING (run_id)
    ORDER BY r.point_id, r.replication$by"
}
compare() { # name, scenario, options …
  local name=$1 scenario=$2 table list a b
  shift 2
  rm -f "$folder/$name".{old,new}.db
  "$old" run "$scenario" "$@" -q -j 2 -o "$folder/$name.old.db" >/dev/null 2>&1 || { echo "$name: the old build fails"; return; }
  "$new" run "$scenario" "$@" -q -j 2 -o "$folder/$name.new.db" >/dev/null 2>&1 || { echo "$name: THE NEW BUILD FAILS"; different=1; return; }
  for table in iteration worker_iteration run run_summary worker_summary; do
    list=$(columns "$folder/$name.old.db" "$folder/$name.new.db" $table 2>/dev/null) || continue
    [ -n "$list" ] || continue
    a=$(rows "$folder/$name.old.db" $table "$list" | sha256sum) b=$(rows "$folder/$name.new.db" $table "$list" | sha256sum)
    compared=$((compared + 1))
    [ "$a" = "$b" ] || { echo "$name: table $table differs"; different=1; }
  done
}
for s in scenarios/*.json scenarios/papers/*.json; do
  case $s in *schema.json) continue ;; esac
  compare "$(basename "$s" .json)" "$s" --set /replications=2 --set /output/detail='"worker"'
done
for work in cancel finish-first; do
  for late in cancel occupy-link; do
    for s in tests/scenarios/grid*.json; do
      compare "$(basename "$s" .json)-$work-$late" "$s" --set /late_work="\"$work\"" \
        --set /master='{"decode":{"model":"flops","flops_per_s":1e5},"update_s":0.4}' \
        --set /network/late_messages="\"$late\""
    done
  done
done
for format in float32 bfloat16; do
  compare "grid-$format" tests/scenarios/grid.json --set "/network/compression={\"compressor\":\"$format\"}"
done
echo "$compared tables compared in $folder"
exit $different
