#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Codes on coded data from scenario files into databases: schedules by hand, the same descent as
# uncoded, and how errors depend on n. Weights are in tests/test_coded_data.c.

setup() {
  cd "$BATS_TEST_TMPDIR"
}

# $1: members of the scenario, $2: schemes; into run.db
run_schemes() {
  printf '{"format":1,%s,"schemes":[%s],"random":{"seed":1}}' "$1" "$2" > run.json
  rm -f run.db
  "$STRAGGLE" run run.json --quiet -o run.db
}

query() {
  sqlite3 run.db "$1"
}

least_squares='"learning":{"problem":"least-squares",
  "data":{"source":"gaussian-mixture","rows":960,"features":7,"test_share":0}}'

@test "schedules by hand" {
  # A subset takes 1, 2, 4 and 8 s, a message 0.5 s.
  #   lcc-mmc, r 2: the seventh of eight values is worker 2's second, at 8, beside worker 3's first.
  #   r 3: values at 1 2 3 2 4 6 4 8 8: the seventh at 6.
  #   polynomial-regression, r 2: three of four workers, the third of which needs 8 s; r 4: one.
  #   bacc, 2 parts: a worker computes two subsets; three of four at 8.
  run_schemes '"cluster":{"workers":4,"speeds":[1,0.5,0.25,0.125]},
    "delay":{"model":"deterministic","value_s":1},
    "network":{"uplink":{"model":"deterministic","value_s":0.5}},
    '"$least_squares"',"stop":{"iterations":3}' \
    '{"code":"lcc-mmc","r":2},{"code":"lcc-mmc","r":3},{"code":"polynomial-regression","r":2},
     {"code":"polynomial-regression","r":4},{"code":"bacc","parts":2,"s":1}'
  [ "$(query "SELECT group_concat(d, ' ') FROM (SELECT iter_mean_s AS d FROM v_point
    ORDER BY point_id)")" = "8.5 6.5 8.5 4.5 8.5" ]
  # Messages decoded.
  [ "$(query "SELECT group_concat(n, ' ') FROM (SELECT n_used_mean AS n FROM v_point
    ORDER BY point_id)")" = "7.0 7.0 3.0 1.0 3.0" ]
}

@test "the same descent as uncoded" {
  run_schemes '"cluster":{"workers":6},"delay":{"model":"exponential","mean_s":1},
    '"$least_squares"',"stop":{"iterations":40}' \
    '{"code":"uncoded"},{"code":"lcc-mmc","r":{"each":[2,3]}},
     {"code":"polynomial-regression","r":{"each":[2,4,6]}}'
  # Whatever came first: losses agree, though no message of these codes is a gradient of the data.
  query "SELECT count(*), sum(abs(i.loss - u.loss) <= 1e-9 * u.loss) FROM iteration i
    JOIN run USING (run_id) JOIN point USING (point_id)
    JOIN (SELECT iteration, loss FROM iteration JOIN run USING (run_id) JOIN point USING (point_id)
          WHERE code = 'uncoded') u ON u.iteration = i.iteration WHERE i.loss IS NOT NULL" > out
  cat out
  [ "$(cut -d'|' -f1 out)" -ge 60 ]
  [ "$(cut -d'|' -f1 out)" = "$(cut -d'|' -f2 out)" ]
  [ "$(query "SELECT max(grad_scaled_err) < 1e-9 FROM iteration")" = 1 ]
}

@test "rows show how Lagrange's errors grow with n, and that Berrut's fall" {
  rm -f errors
  for n in 6 12 24; do
    run_schemes '"cluster":{"workers":'$n'},"delay":{"model":"exponential","mean_s":1},
      '"$least_squares"',"stop":{"iterations":300}' \
      '{"code":"lcc-mmc","r":4},{"code":"polynomial-regression","r":4},
       {"code":"bacc","parts":3,"s":1},{"code":"bacc","parts":3,"s":1,"ends":"half"}'
    query "SELECT $n, code, row_number() OVER (ORDER BY point_id), (SELECT avg(grad_scaled_err)
      FROM iteration JOIN run USING (run_id) WHERE run.point_id = v_point.point_id) FROM v_point" >> errors
  done
  cat errors
  error() { awk -F'|' -v n="$1" -v k="$2" '$1 == n && $3 == k { print $4 }' errors; }
  more() { python3 -c "import sys; sys.exit(not $1)"; }
  more "$(error 6 1) < 1e-11 and $(error 12 1) > 10 * $(error 6 1) and $(error 24 1) > 100 * $(error 12 1)"
  more "$(error 6 2) < 1e-12 and $(error 12 2) > 5 * $(error 6 2) and $(error 24 2) > 5 * $(error 12 2)"
  more "$(error 24 3) < 0.6 * $(error 6 3)"
  more "$(error 24 4) < 0.2 * $(error 6 4)"
}

@test "Berrut's error falls like 1/n, and faster with half ends" {
  rm -f errors
  for n in 16 32 64 128; do
    run_schemes '"cluster":{"workers":'$n'},"delay":{"model":"exponential","mean_s":1},
      '"$least_squares"',"stop":{"iterations":100}' \
      '{"code":"bacc","parts":3,"s":2},{"code":"bacc","parts":3,"s":2,"ends":"half"}'
    query "SELECT ln($n), row_number() OVER (ORDER BY point_id), (SELECT ln(avg(grad_scaled_err))
      FROM iteration JOIN run USING (run_id) WHERE run.point_id = v_point.point_id) FROM v_point" >> errors
  done
  awk -F'|' '{ n[$2]++; x[$2] += $1; y[$2] += $3; xx[$2] += $1 * $1; xy[$2] += $1 * $3 }
    END { for (k in n) print k, (n[k] * xy[k] - x[k] * y[k]) / (n[k] * xx[k] - x[k] * x[k]) }' \
    errors | sort > slopes
  cat errors slopes
  awk '$1 == 1 && ($2 > -0.8 || $2 < -1.4) || $1 == 2 && $2 > -1.6 { exit 1 }' slopes
}

@test "refused: too few coded parts, and losses whose gradient is not linear" {
  refuse() {
    run run_schemes '"cluster":{"workers":12},"delay":{"model":"exponential","mean_s":1},
      "learning":{"problem":"'"$1"'","data":{"source":"gaussian-mixture","rows":960,"features":7}},
      "stop":{"iterations":1}' "$2"
    echo "$output"
    [ "$status" -ne 0 ]
    [[ "$output" == *"$3"* ]]
  }
  refuse least-squares '{"code":"lcc-mmc","r":1}' 'expected r from 2'
  refuse least-squares '{"code":"lcc-mmc","r":13}' 'to n = 12, found 13'
  refuse least-squares '{"code":"polynomial-regression","r":1}' 'expected r from 2'
  for scheme in '"code":"lcc-mmc","r":2' '"code":"polynomial-regression","r":2' '"code":"bacc","parts":3'; do
    refuse logistic-regression "{$scheme}" 'expected problem "least-squares"'
  done
}
