#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# `straggle plot` through the whole path, from scenario files to pictures: every number of the CSV is
# computed again from the raw rows by SQLite. STRAGGLE names the program.

setup() {
  cd "$BATS_TEST_TMPDIR"
  scenarios="$BATS_TEST_DIRNAME/../scenarios"
}

# A sweep over two axes, times only: 3 × 2 environments, schemes with parameters of their own.
sweep() {
  cat > sweep.json <<'JSON'
{"format": 1, "name": "sweep", "cluster": {"workers": 6},
 "delay": {"model": "shifted-exponential", "unit": "dataset", "shift_s": 1, "mean_excess_s": 0.5},
 "network": {"uplink": {"model": "deterministic", "value_s": 0.1}},
 "learning": {"problem": "none", "length": 120}, "stop": {"iterations": 30},
 "schemes": [{"code": "uncoded"}, {"code": "cyclic-repetition", "s": {"each": [1, 2]}},
             {"code": "fractional-repetition", "s": {"each": [1, 2]}},
             {"code": "ignore-stragglers", "s": 1}],
 "sweep": [{"name": "n", "path": "/cluster/workers", "values": [6, 12, 24]},
           {"name": "net", "path": "/network/uplink/value_s", "values": [0.02, 0.4]}],
 "baseline": "uncoded", "replications": 6}
JSON
  "$STRAGGLE" run --quiet sweep.json --set /output/detail=${1:-iteration} -o sweep.db
}

# Training to a target, nine runs of four schemes.
train() {
  "$STRAGGLE" run --quiet "$scenarios/quickstart.json" --set /replications=${1:-9} -o train.db
}

lacks() { # files in which nothing is like this; bats does not look at "!"
  local pattern="$1"
  shift
  if grep -E -- "$pattern" "$@"; then return 1; fi
}

valid() { # SVG files are XML, and say what they are
  local f
  for f; do
    xmllint --noout "$f"
    grep -q '<svg xmlns="http://www.w3.org/2000/svg" class="sg" viewBox=' "$f"
    lacks '[" ](nan|inf|NaN)["/ ]' "$f"
  done
}

ask() { # SQL on a database with the CSV file $2 as table csv; numbers are compared by near()
  sqlite3 "$1" -cmd ".mode csv" -cmd "CREATE TEMP TABLE IF NOT EXISTS dummy (x)" \
    -cmd ".import --schema temp $2 csv" -cmd ".mode list" "$3"
}
same() { printf "abs(CAST(%s AS REAL) - (%s)) <= 1e-9 * abs(%s)" "$1" "$2" "$2"; }

@test "all plots of all shipped scenarios: valid, the same bytes again, or a reason" {
  local s plot rc made=0
  # Of the papers one of a kind: cells, blocks, a tree in a sweep, errors, no barrier, several jobs.
  for s in "$scenarios"/*.json "$scenarios"/papers/{ye-abbe-n8,wang-2022-blocks-n20,reisizadeh-2019-codedreduce,glasgow-2020-petersen,dutta-2018-k-async,krishnan-2023-sequential-n256}.json; do
    [[ "$s" == *schema.json ]] && continue
    "$STRAGGLE" run --quiet "$s" --set /replications=2 --set /stop/iterations=12 -o one.db
    "$STRAGGLE" plot one.db @ > all
    [[ "$(cat all)" == *"columns "*yes* ]]
    for plot in $(sed '1,2d; /^$/,$d' all | cut -d' ' -f1); do
      rc=0
      "$STRAGGLE" plot one.db $plot -o a.svg --gnuplot a.gp > said 2> why || rc=$?
      echo "$s $plot: $rc $(cat why)"
      if [ $rc = 65 ]; then
        grep -q "^straggle plot: .\{20\}" why # it says why
        continue
      fi
      [ $rc = 0 ]
      valid a.svg
      [ "$(wc -l < a.csv)" -gt 1 ]
      grep -q "^a.svg: " said
      "$STRAGGLE" plot one.db $plot -o b.svg > /dev/null
      cmp a.svg b.svg
      cmp a.csv b.csv
      made=$((made + 1))
    done
    rm one.db
  done
  [ "$made" -ge 45 ]
}

@test "time: families at their best parameters, with intervals, as SQL says" {
  sweep
  run "$STRAGGLE" plot sweep.db
  [ "$status" -eq 0 ]
  [[ "$output" == *"sweep-time.svg: Iteration time by n, each family at its best parameters"* ]]
  [[ "$output" == *"sweep-time.csv: its 24 points as numbers"* ]]
  valid sweep-time.svg
  # 4 families, 3 values of n, 2 panels: mean over runs of the mean over iterations, least per family;
  # t(0.975, 5) = 2.570582.
  ask sweep.db sweep-time.csv "
    WITH r AS (SELECT run_id, point_id, avg(duration_s) AS x FROM iteration JOIN run USING (run_id) GROUP BY run_id),
    p AS (SELECT point_id, avg(x) AS mean, 2.5705818366147395 * sqrt(sum((x - m) * (x - m)) / 5 / 6) AS half
      FROM (SELECT *, avg(x) OVER (PARTITION BY point_id) AS m FROM r) GROUP BY point_id),
    best AS (SELECT code, n, net, min(mean) AS mean FROM p JOIN point USING (point_id) JOIN v_axes USING (point_id) GROUP BY code, n, net)
    SELECT count(*), sum($(same c.iter_mean_s best.mean)), sum($(same c.low 'p.mean - p.half')),
      sum($(same c.high 'p.mean + p.half')), sum(label = scheme_label)
    FROM best JOIN csv c ON panel = 'net = ' || best.net AND c.n = best.n
      AND series = best.code || CASE WHEN best.code = 'ignore-stragglers' THEN ' (inexact)' ELSE '' END
    JOIN p ON p.point_id = CAST(c.point_id AS INTEGER) JOIN point USING (point_id)" > found
  cat found
  [ "$(cat found)" = "24|24|24|24|24" ]
  # Another axis, another number, only some of it.
  "$STRAGGLE" plot sweep.db time -x net --y iter_p99_s --filter 'n = 12' --scheme cyclic-repetition -o part.svg
  [ "$(ask sweep.db part.csv "SELECT count(*), sum($(same c.iter_p99_s v.iter_p99_s)) FROM csv c JOIN v_point v
    ON v.point_id = CAST(c.point_id AS INTEGER) AND v.n = 12 AND v.code = c.series AND v.net = CAST(c.net AS REAL)")" = "2|2" ]
}

@test "speedup: the geometric mean of paired ratios and its interval, as SQL says" {
  train
  run "$STRAGGLE" plot train.db
  [[ "$output" == *"train-speedup.svg: Speed-up over uncoded"*"fastest: group d=4 m=2 harmonic decodable, "*"× uncoded ["* ]]
  valid train-speedup.svg
  # t(0.975, 8) = 2.306004
  ask train.db train-speedup.csv "
    WITH t AS (SELECT point_id, replication, min(start_s + duration_s) AS x FROM iteration JOIN run USING (run_id)
      WHERE loss <= 0.055 GROUP BY run_id),
    r AS (SELECT t.point_id, ln(b.x / t.x) AS y FROM t JOIN t b USING (replication) JOIN point p ON p.point_id = b.point_id
      WHERE p.is_baseline),
    m AS (SELECT point_id, avg(y) AS mean, sqrt(sum((y - k) * (y - k)) / 8 / 9) * 2.306004135204166 AS half
      FROM (SELECT *, avg(y) OVER (PARTITION BY point_id) AS k FROM r) GROUP BY point_id)
    SELECT count(*), sum($(same c.speedup 'exp(mean)')), sum(half = 0 OR $(same c.low 'exp(mean - half)')),
      sum(half = 0 OR $(same c.high 'exp(mean + half)')), sum(c.scheme_label = p.scheme_label)
    FROM m JOIN point p USING (point_id) JOIN csv c ON CAST(c.point_id AS INTEGER) = p.point_id" > found
  cat found
  [ "$(cat found)" = "9|9|9|9|9" ]
}

@test "ecdf and tail: shares of all iterations, as SQL says; groups where there is no more" {
  train 3
  "$STRAGGLE" plot train.db ecdf
  "$STRAGGLE" plot train.db tail
  local all
  all=$(sqlite3 train.db "SELECT count(*) FROM (SELECT DISTINCT point_id, duration_s FROM iteration JOIN run USING (run_id))")
  [ "$(ask train.db train-ecdf.csv "SELECT count(*), sum($(same c.share v.share)) FROM csv c
    JOIN (SELECT DISTINCT scheme_label, duration_s, share FROM v_ecdf) v
    ON v.scheme_label = c.series AND v.duration_s = CAST(c.duration_s AS REAL)")" = "$all|$all" ]
  [ "$(ask train.db train-tail.csv "SELECT count(*), sum(abs(CAST(c.share_longer AS REAL) - (SELECT avg(i.duration_s > CAST(c.duration_s AS REAL))
    FROM iteration i JOIN run USING (run_id) JOIN point p USING (point_id) WHERE p.scheme_label = c.series)) < 1e-12) FROM csv c")" = "$all|$all" ]
  valid train-ecdf.svg train-tail.svg
  sweep summary
  "$STRAGGLE" plot sweep.db ecdf
  grep -q "detail summary: times near each other are drawn as one" sweep-ecdf.svg
  [ "$(ask sweep.db sweep-ecdf.csv "SELECT count(*) = (SELECT count(*) FROM (SELECT DISTINCT point_id, mean_s FROM iter_time_group JOIN run USING (run_id))),
    max(CAST(share AS REAL)), min(CAST(share AS REAL)) > 0 FROM csv")" = "1|1.0|1" ]
}

@test "loss: median and band over the runs at each moment, as SQL says" {
  train 3
  "$STRAGGLE" plot train.db loss
  valid train-loss.svg
  # Of three runs the median is the middle one, the 10 % quantile a fifth of the way up from the least.
  # Moments are printed as they are: a loss at a moment may be that of the update before it.
  ask train.db train-loss.csv "
    WITH u AS (SELECT point_id, run_id, start_s + duration_s AS at, loss FROM iteration JOIN run USING (run_id) WHERE loss IS NOT NULL),
    l AS (SELECT c.rowid AS k, CAST(c.loss AS REAL) AS median, CAST(c.low AS REAL) AS low, CAST(c.high AS REAL) AS high, u.run_id,
        max(u.at), u.loss AS x FROM csv c JOIN u ON u.point_id = CAST(c.point_id AS INTEGER) AND u.at <= CAST(c.time_s AS REAL)
      GROUP BY c.rowid, u.run_id),
    s AS (SELECT k, median, low, high, count(*) AS n, min(x) AS a, max(x) AS c, sum(x) - min(x) - max(x) AS b FROM l GROUP BY k)
    SELECT count(*), sum(n = 3), sum(abs(median - b) < 1e-12), sum(abs(low - (a + 0.2 * (b - a))) < 1e-12),
      sum(abs(high - (b + 0.8 * (c - b))) < 1e-12) FROM s" > found
  cat found
  [ "$(cat found)" = "1800|1800|1800|1800|1800" ]
  "$STRAGGLE" plot train.db loss --y test_accuracy -o accuracy.svg
  valid accuracy.svg
  run "$STRAGGLE" plot train.db loss --y los
  [ "$status" -eq 64 ]
  # Over bits: the last loss stands at all that was received; --log x and bands as over time.
  "$STRAGGLE" plot train.db loss --x bits -o bits.svg
  valid bits.svg
  [ "$(ask train.db bits.csv "SELECT count(*), sum(abs(most - last) < 1e-6 * most) FROM (SELECT point_id,
      (SELECT max(CAST(c.bits AS REAL)) FROM csv c WHERE CAST(c.point_id AS INTEGER) = r.point_id) AS last, max(total) AS most
    FROM (SELECT point_id, run_id, sum(bits) AS total FROM iteration JOIN run USING (run_id) GROUP BY run_id) r GROUP BY point_id)")" = \
    "$(sqlite3 train.db "SELECT count(*) || '|' || count(*) FROM point")" ]
  run "$STRAGGLE" plot train.db loss --x n_workers
  [ "$status" -eq 64 ]
  [[ "$output" == *"with --x bits"* ]]
}

@test "heat, pareto and columns: the best, the front and the rows, as SQL says" {
  sweep
  "$STRAGGLE" plot sweep.db heat
  [ "$(ask sweep.db sweep-heat.csv "
    WITH best AS (SELECT n, net, min(iter_mean_s) AS x FROM v_point WHERE exact GROUP BY n, net)
    SELECT count(*), sum($(same c.iter_mean_s best.x)), sum(c.label = v.scheme_label), sum(CAST(marked AS INTEGER))
    FROM csv c JOIN best ON c.n = best.n AND c.net = best.net JOIN v_point v ON v.point_id = CAST(c.point_id AS INTEGER)")" = "6|6|6|1" ]
  "$STRAGGLE" plot sweep.db heat --scheme cyclic-repetition -x s --y n --filter 'net=0.4' -o one.svg
  [ "$(ask sweep.db one.csv "SELECT count(*), sum(v.s = c.s AND v.n = c.n AND v.net = 0.4) FROM csv c JOIN v_point v
    ON v.point_id = CAST(c.point_id AS INTEGER)")" = "6|6" ]
  "$STRAGGLE" plot sweep.db pareto --x bytes -o pareto.svg
  [ "$(ask sweep.db pareto.csv "
    WITH p AS (SELECT * FROM v_point WHERE exact)
    SELECT count(*), sum(CAST(c.marked AS INTEGER) = NOT EXISTS (SELECT 1 FROM p o WHERE o.env_sha256 = p.env_sha256
      AND o.bytes_received_mean <= p.bytes_received_mean AND o.iter_mean_s <= p.iter_mean_s
      AND (o.bytes_received_mean < p.bytes_received_mean OR o.iter_mean_s < p.iter_mean_s)))
    FROM csv c JOIN p ON p.point_id = CAST(c.point_id AS INTEGER)")" = "30|30" ]
  "$STRAGGLE" plot sweep.db pareto -o work.svg
  "$STRAGGLE" compare sweep.db --format csv > compare.csv
  sqlite3 :memory: -cmd ".mode csv" -cmd ".import work.csv w" -cmd ".import compare.csv c" \
    "SELECT count(*) || '|' || sum(w.work + 0 = c.work + 0) FROM w JOIN c USING (point_id)" > found
  cat found
  [ "$(cat found)" = "30|30" ]
  "$STRAGGLE" plot sweep.db --x load_d --y bytes_received_mean --group code -o columns.svg
  [ "$(ask sweep.db columns.csv "SELECT count(*), sum($(same c.load_d v.load_d)), sum($(same c.bytes_received_mean v.bytes_received_mean)),
    sum(c.series = v.code) FROM csv c JOIN v_point v ON v.point_id = CAST(c.point_id AS INTEGER)")" = "36|36|36|36" ]
  valid sweep-heat.svg one.svg pareto.svg columns.svg
}

@test "error against n: one command, one picture, as the rows say" {
  "$STRAGGLE" codes check cyclic-repetition s=1,2 -n 6,8,…,14 -p 200 --database checks.db > /dev/null
  "$STRAGGLE" codes check ye-abbe d=3 m=2 construction=polynomial,random -n 6,8,...,14 -p 200 --database checks.db > /dev/null
  run "$STRAGGLE" plot checks.db
  [ "$status" -eq 0 ]
  [[ "$output" == *"checks-error.svg: Numerical error of decoded gradients"*"20 points"* ]]
  [ "$(ask checks.db checks-error.csv "SELECT count(*), sum(CAST(c.n_workers AS INTEGER) = k.n_workers), sum(c.series = k.scheme_label),
    sum(CAST(c.err_float64_worst AS REAL) = k.err_float64_worst), sum(CAST(c.low AS REAL) = k.err_float64_median)
    FROM csv c JOIN code_check k ON k.check_id = CAST(c.check_id AS INTEGER)")" = "20|20|20|20|20" ]
  "$STRAGGLE" plot checks.db error --y cond2_worst --scheme ye-abbe --filter 'n_workers>=10' -o cond.svg
  [ "$(tail -n +2 cond.csv | wc -l)" = 6 ]
  valid checks-error.svg cond.svg
  run "$STRAGGLE" plot checks.db speedup
  [ "$status" -eq 65 ]
  [[ "$output" == *"no finished runs; \`straggle run SCENARIO -o DB\` makes some"* ]]
}

@test "what is not there is said, with the command that would give it" {
  sweep summary
  run "$STRAGGLE" plot sweep.db loss
  [ "$status" -eq 65 ]
  [[ "$output" == *"simulate times only"* ]]
  run "$STRAGGLE" plot sweep.db error
  [[ "$output" == *"straggle codes check CODE"* ]]
  "$STRAGGLE" run --quiet "$scenarios/quickstart.json" --set /replications=2 --set /output/detail=summary -o train.db
  run "$STRAGGLE" plot train.db loss
  [ "$status" -eq 65 ]
  [[ "$output" == *"detail summary; "*"--set /output/detail=iteration"* ]]
  run "$STRAGGLE" plot train.db time --filter 'code = uncoded'
  [ "$status" -eq 65 ]
  [[ "$output" == *"no axis with two values"*"--x"* ]]
  run "$STRAGGLE" plot train.db @
  [ "$status" -eq 0 ]
  [[ "$output" == *"speedup "*yes*"loss "*no*"loss: the runs have detail summary"* ]]
  run "$STRAGGLE" plot train.db speed
  [ "$status" -eq 64 ]
  [[ "$output" == *'did you mean "speedup"?'* ]]
  run "$STRAGGLE" plot train.db --x load
  [[ "$output" == *'v_point has no column "load"; did you mean "load_d"?'* ]]
  run "$STRAGGLE" plot train.db --filter 'n ~ 3'
  [ "$status" -eq 64 ]
  run "$STRAGGLE" plot train.db --scheme grop
  [[ "$output" == *'did you mean "group"?'* ]]
  run "$STRAGGLE" plot train.db --filter 'load_d > 100'
  [ "$status" -eq 65 ]
  run "$STRAGGLE" plot train.db --y scheme_label
  [ "$status" -eq 64 ]
  run "$STRAGGLE" plot nowhere.db
  [ "$status" -eq 66 ]
}

@test "small and strange databases: one scheme, no baseline, one run, diverged, workers, no runs" {
  local base='"format":1,"cluster":{"workers":4},"delay":{"model":"exponential","mean_s":1}' plot
  echo '{'"$base"',"learning":{"problem":"none"},"schemes":[{"code":"uncoded"}],"stop":{"iterations":3}}' > one.json
  "$STRAGGLE" run --quiet one.json --set /output/detail=worker -o one.db
  for plot in '' pareto ecdf tail columns; do
    "$STRAGGLE" plot one.db $plot -o one.svg
    valid one.svg
  done
  run "$STRAGGLE" plot one.db speedup
  [ "$status" -eq 65 ]
  [[ "$output" == *"one scheme, and nothing to compare it with"* ]]
  # A step that is much too large: losses grow without bound.
  echo '{'"$base"',"learning":{"problem":"least-squares","data":{"source":"gaussian-mixture","rows":40,"features":5},
    "optimizer":{"method":"gradient-descent","step":1e9}},"schemes":[{"code":"uncoded"},{"code":"cyclic-repetition","s":1}],
    "replications":3,"stop":{"iterations":60,"target_loss":1e-9},"output":{"detail":"iteration"}}' > wild.json
  "$STRAGGLE" run --quiet wild.json -o wild.db
  [ "$(sqlite3 wild.db "SELECT count(*) FROM run WHERE status = 'diverged'")" = 6 ]
  for plot in ecdf loss columns; do
    "$STRAGGLE" plot wild.db $plot --y $([ $plot = loss ] && echo loss || echo iter_mean_s) -o wild.svg
    valid wild.svg
  done
  run "$STRAGGLE" plot wild.db speedup
  [ "$status" -eq 65 ]
  # Nobody reached the target: iteration times are left, and it is said.
  "$STRAGGLE" plot wild.db pareto -o wild.svg
  grep -q "no scheme reached it in all its runs" wild.svg
  run "$STRAGGLE" plot wild.db pareto --y time_to_target_s
  [ "$status" -eq 65 ]
  # Two scenarios in one database: panels that say which.
  "$STRAGGLE" run --quiet one.json --set /delay/mean_s=3 --set /output/detail=worker -o one.db
  "$STRAGGLE" plot one.db ecdf -o two.svg
  grep -q "environment 2" two.svg
  [ "$(cut -d, -f1 two.csv | tail -n +2 | sort -u | wc -l)" = 2 ]
  # A database without runs, and one of another format.
  sqlite3 one.db "DELETE FROM run"
  run "$STRAGGLE" plot one.db
  [ "$status" -eq 65 ]
  [[ "$output" == *"no finished runs"* ]]
  sqlite3 one.db "PRAGMA user_version = 3"
  run "$STRAGGLE" plot one.db
  [ "$status" -eq 65 ]
}

@test "names of any kind are escaped in all three files" {
  sweep
  sqlite3 sweep.db "UPDATE point SET scheme_label = '<script>alert(1)</script> & \"é\" ''x''' || char(27) || ', ' || scheme_label"
  "$STRAGGLE" plot sweep.db heat -o a.svg > said
  grep -q '<script>' said
  lacks $'\e' said
  "$STRAGGLE" plot sweep.db speedup -o a.svg --gnuplot a.gp > said
  valid a.svg
  lacks '<script>' a.svg
  grep -q '&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;é' a.svg
  lacks $'\e' a.svg a.csv a.gp said
  [ "$(ask sweep.db a.csv "SELECT count(*), sum(c.scheme_label = replace(p.scheme_label, char(27), '?')) FROM csv c
    JOIN point p ON p.point_id = CAST(c.point_id AS INTEGER)")" = "36|36" ]
}

@test "files: beside the picture, named, never in place of results" {
  sweep
  "$STRAGGLE" plot sweep.db time -o out.svg --csv numbers.txt > said
  [ -s out.svg ] && [ -s numbers.txt ] && [ ! -e out.csv ]
  before=$(sha256sum < sweep.db)
  run "$STRAGGLE" plot sweep.db time -o sweep.db
  [ "$status" -eq 73 ]
  [[ "$output" == *"sweep.db is a database, which is not overwritten"* ]]
  [ "$(sha256sum < sweep.db)" = "$before" ]
  run "$STRAGGLE" plot sweep.db -o same.svg --csv same.svg
  [ "$status" -eq 64 ]
  run "$STRAGGLE" plot sweep.db -o nowhere/x.svg
  [ "$status" -eq 73 ]
  [ -e /dev/full ] || return 0
  run "$STRAGGLE" plot sweep.db -o /dev/full
  [ "$status" -eq 74 ]
}

@test "gnuplot draws the CSV, if it is here" {
  command -v gnuplot > /dev/null || skip "no gnuplot"
  sweep
  train 2
  local plot
  for plot in time speedup pareto ecdf tail heat columns; do
    "$STRAGGLE" plot sweep.db $plot -o $plot.svg --gnuplot $plot.gp > said
    gnuplot $plot.gp 2> faults
    cat faults
    [ ! -s faults ]
    xmllint --noout $plot.gnuplot.svg
  done
  "$STRAGGLE" plot train.db loss -o loss.svg --gnuplot loss.gp > said
  gnuplot loss.gp 2> faults
  [ ! -s faults ]
  [ -s loss.gnuplot.svg ]
}

@test "pictures of the pages are valid" { # and what their commands draw: guide.bats
  local f
  for f in "$BATS_TEST_DIRNAME"/../docs/*.svg "$BATS_TEST_DIRNAME"/../docs/pictures/*.svg; do
    valid "$f"
    cat "$BATS_TEST_DIRNAME"/../docs/*.md | grep -qF "$(basename "$f"))"
  done
}
