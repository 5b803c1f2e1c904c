#!/usr/bin/env bats
# Who makes the others wait: against SQL that shares no code, on traces and on runs.

setup() {
  cd "$BATS_TEST_TMPDIR"
  scenarios="$BATS_TEST_DIRNAME/../scenarios"
}

# check FILE: the figures of `blame --csv` in blame.csv against those of the table `arrival`
# (iteration, worker, time) in arrivals.db.
check() {
  sqlite3 arrivals.db <<'SQL'
.import --csv blame.csv blame
CREATE TABLE ranked AS SELECT *, row_number() OVER (PARTITION BY iteration ORDER BY time, worker) AS rank,
  count(*) OVER (PARTITION BY iteration) AS n, max(time) OVER (PARTITION BY iteration) AS last FROM arrival;
CREATE TABLE late AS SELECT r.*, median, max(time - median, 0) AS late FROM ranked r JOIN
  (SELECT iteration, avg(time) AS median FROM ranked WHERE rank IN ((n + 1) / 2, n / 2 + 1) GROUP BY iteration) USING (iteration);
CREATE TABLE parts AS SELECT *, (late - lag(late, 1, 0) OVER w) / (n - rank + 1) AS part,
  time - lag(time) OVER w AS gap FROM late WINDOW w AS (PARTITION BY iteration ORDER BY rank);
CREATE TABLE share AS SELECT *, sum(part) OVER (PARTITION BY iteration ORDER BY rank) AS share FROM parts;
CREATE TABLE expected AS SELECT worker, sum(time = last) AS times, sum(CASE WHEN rank = n THEN gap ELSE 0 END) AS wait,
  1 + sum(late) / sum(median) AS slowdown FROM share GROUP BY worker;
SELECT count(*),
  max(abs(b.times_arrived_last - e.times)) = 0,
  max(abs(b.wait_caused_s - e.wait)) < 1e-9 * max(e.wait),
  max(abs(b.slowdown - e.slowdown)) < 1e-12,
  max(abs(b.pct_blame - (SELECT 100 * sum(share) FROM share s WHERE s.worker = e.worker)
    / (SELECT sum(last - median) FROM late WHERE rank = n))) < 1e-9,
  max(abs(b.pct_recovered - (SELECT 100 * sum(min(gap, last - median)) FROM share s WHERE s.worker = e.worker AND rank = n)
    / (SELECT sum(last - median) FROM late WHERE rank = n))) < 1e-9,
  max(abs(b.time_over_without - (SELECT sum(last) FROM late WHERE rank = n)
    / ((SELECT sum(last) FROM late WHERE rank = n) - e.wait))) < 1e-12,
  abs(sum(b.pct_blame) - 100) < 1e-9
FROM blame b JOIN expected e ON e.worker = b.worker;
SQL
}

@test "of a trace" {
  for trace in persistent memory; do
    grep -v '^#' "$scenarios/traces/$trace.csv" > trace.csv
    rm -f arrivals.db
    sqlite3 arrivals.db ".import --csv trace.csv t" \
      "CREATE TABLE arrival AS SELECT CAST(iteration AS INTEGER) AS iteration, CAST(worker AS INTEGER) AS worker, CAST(compute_s AS REAL) AS time FROM t"
    "$STRAGGLE" blame "$scenarios/traces/$trace.csv" --format csv > blame.csv
    [ "$(check)" = "12|1|1|1|1|1|1|1" ]
  done
  # The two that make_traces has made half as fast, and the one with the lowest speed beside them.
  run "$STRAGGLE" blame "$scenarios/traces/persistent.csv"
  [[ "$output" == *"worker 8 is to blame for 63.5 %"*"Evict 8:"* ]]
  # Send times count: the sum is when a result is there.
  "$STRAGGLE" blame "$scenarios/traces/independent.csv" --json > with.json
  [ "$(sqlite3 :memory: ".import --csv --skip 3 $scenarios/traces/independent.csv t" "SELECT abs(sum(last) - (SELECT value ->> 'last_arrival_sum' FROM json_each('[' || readfile('with.json') || ']'))) < 1e-9 FROM (SELECT max(compute_s + send_s) AS last FROM t GROUP BY iteration)")" = 1 ]
  diff <("$STRAGGLE" blame - --json < "$scenarios/traces/independent.csv") with.json
}

@test "of a run: its own waits, iteration by iteration" {
  "$STRAGGLE" run --quiet "$scenarios/quickstart.json" --set /output/detail=worker --set /replications=3 -o run.db
  "$STRAGGLE" blame run.db --format csv > blame.csv
  sqlite3 arrivals.db "ATTACH 'run.db' AS r" "CREATE TABLE arrival AS SELECT run_id * 1000 + iteration AS iteration, worker, arrival_s AS time FROM r.worker_iteration JOIN r.run USING (run_id) WHERE point_id = 1"
  [ "$(check)" = "12|1|1|1|1|1|1|1" ]
  "$STRAGGLE" blame run.db --json > run.json
  [ "$(sqlite3 run.db "SELECT abs(sum(wait_s) - (SELECT value ->> 'last_arrival_sum' FROM json_each('[' || readfile('run.json') || ']'))) < 1e-9 FROM iteration JOIN run USING (run_id) WHERE point_id = 1")" = 1 ]
  # The slowest 3 % of 12 are one.
  [ "$(sqlite3 run.db "SELECT abs((SELECT value ->> 'pct_recovered' FROM json_each(readfile('run.json'), '$.workers') WHERE value ->> 'worker' = (SELECT value FROM json_each(readfile('run.json'), '$.slowest_workers'))) - (SELECT value FROM json_each(readfile('run.json')) WHERE key = 'pct_recovered_slowest')) < 1e-9")" = 1 ]
}

@test "schemes that do not wait for all: who ended the round" {
  "$STRAGGLE" run --quiet "$scenarios/quickstart.json" --set /output/detail=worker --set /replications=2 -o run.db
  "$STRAGGLE" blame run.db --scheme 'cyclic-repetition s=2' --format csv > blame.csv
  sqlite3 run.db ".import --csv blame.csv blame"
  [ "$(sqlite3 run.db "SELECT count(*), sum(b.times_arrived_last = n), max(abs(b.wait_caused_s - wait)) < 1e-9, count(nullif(slowdown, '')), count(nullif(verdict, '')) FROM blame b JOIN
    (SELECT last_worker AS worker, count(*) AS n, sum(last - (SELECT max(arrival_s) FROM worker_iteration o WHERE o.run_id = x.run_id AND o.iteration = x.iteration AND o.used AND o.worker <> last_worker)) AS wait
     FROM (SELECT i.run_id, iteration, last_worker, arrival_s AS last FROM iteration i JOIN worker_iteration w USING (run_id, iteration) JOIN run USING (run_id) WHERE point_id = 5 AND worker = last_worker) x GROUP BY worker) USING (worker)")" = "12|12|1|0|0" ]
  run "$STRAGGLE" blame run.db --scheme 'cyclic-repetition s=2'
  [[ "$output" == *"does not wait for all"* && "$output" != *"Evict"* ]]
}

@test "what is not there is said, with the way to it" {
  "$STRAGGLE" run --quiet "$scenarios/quickstart.json" --set /replications=1 -o iterations.db
  run "$STRAGGLE" blame iterations.db
  [ "$status" -eq 65 ]
  [[ "$output" == *"--set /output/detail=worker"* ]]
  run "$STRAGGLE" blame iterations.db --scheme uncode
  [ "$status" -eq 64 ]
  [[ "$output" == *'did you mean "uncoded"?'* ]]
  run "$STRAGGLE" blame iterations.db --workers 1
  [ "$status" -eq 64 ]
  run "$STRAGGLE" blame "$scenarios/traces/memory.csv" --scheme uncoded
  [ "$status" -eq 64 ]
  run "$STRAGGLE" blame missing.csv
  [ "$status" -eq 66 ]
  run "$STRAGGLE" blame "$scenarios/traces/memory.csv" --workers 3
  [ "$status" -eq 65 ]
  [[ "$output" == *"at least two"* ]]
  : > empty.csv
  run "$STRAGGLE" blame empty.csv
  [ "$status" -eq 65 ]
}

@test "replayed runs are one; names of schemes do no harm; the picture is XML" {
  "$STRAGGLE" run --quiet "$scenarios/trace-replay.json" --set /output/detail=worker --set /replications=4 -o replay.db
  run "$STRAGGLE" blame replay.db --svg late.svg
  [[ "$output" == *"of one run (replayed times: all are the same)"* ]]
  [ "$(head -c 5 late.svg)" = "<?xml" ]
  if command -v xmllint; then xmllint --noout late.svg; fi
  cp late.svg again.svg
  "$STRAGGLE" blame replay.db --svg late.svg > /dev/null
  cmp late.svg again.svg
  sqlite3 replay.db "UPDATE point SET scheme_label = '<b>' || char(27) || '[31m&\"é' WHERE is_baseline"
  run "$STRAGGLE" blame replay.db
  [ "$status" -eq 0 ]
  [[ "$output" == *'<b>?[31m&"é'* ]]
}

@test "on a terminal the worst workers stand first, and the rest is counted" {
  awk 'BEGIN { print "iteration,worker,compute_s"; for (t = 0; t < 30; t++) for (w = 0; w < 50; w++) print t "," w "," 1 + (w * 7 + t * 3) % 11 / 10 + (w == 31) * 5 }' > many.csv
  run script -qec "stty cols 80; '$STRAGGLE' blame many.csv" /dev/null
  [[ "$output" == *"… 30 more"* ]]
  [ "$(printf '%s\n' "$output" | tr -d '\r' | LC_ALL=C.UTF-8 wc -L)" -le 80 ]
  [ "$("$STRAGGLE" blame many.csv | grep -c ' keep \| evict ')" = 50 ]
  [ "$("$STRAGGLE" blame many.csv --format csv | sed -n 2p | cut -d, -f1)" = 31 ]
  [ "$("$STRAGGLE" blame many.csv --format csv --simultaneous | wc -l)" = 51 ]
}
