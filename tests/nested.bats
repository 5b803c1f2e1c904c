#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Nested codes from scenario files into databases: schedules by hand, rows against those of the codes
# of their levels on the same random numbers, and means by the exact law, which tests/nested_law.py
# computes. What master and workers say to each other is in tests/test_nested.c.

setup() {
  cd "$BATS_TEST_TMPDIR"
}

# $1: members of the scenario, $2: schemes; into run.db
run_schemes() {
  printf '{"format":1,%s,"schemes":[%s],"random":{"seed":1}}' "$1" "$2" > run.json
  "$STRAGGLE" run run.json --quiet -o run.db
}

durations() {
  sqlite3 run.db "SELECT group_concat(duration_s || '/' || n_used, ' ') FROM
    (SELECT point_id, duration_s, n_used FROM iteration JOIN run USING (run_id)
     ORDER BY point_id, iteration) GROUP BY point_id ORDER BY point_id"
}

@test "schedules by hand, with signals that take time" {
  # A subset takes 1, 2 and 5 s, a message 1 s, a signal 0.25 s.
  #   s_max 0: the last report leaves at 5, all are told by 5.5, all messages come at 6.5.
  #   s_max 1: worker 1 reports its second task at 4; 0 and 1 send at 4.5.
  #   s_max 2: worker 0 reports its third task at 3 and sends at 3.5; so it does with levels 0 and 2,
  #     where a task is of two subsets.
  #   no signals: worker 0 sends at 1, 2 and 3; with s_max 1 worker 1 sends its second at 4.
  run_schemes '"cluster":{"workers":3,"speeds":[1,0.5,0.2]},
    "delay":{"model":"deterministic","value_s":1},
    "network":{"uplink":{"model":"deterministic","value_s":1},"signal_latency_s":0.25},
    "learning":{"problem":"least-squares","data":{"source":"gaussian-mixture","rows":60,"features":7}},
    "stop":{"iterations":2}' \
    '{"code":"nested","s_max":0},{"code":"nested","s_max":1},{"code":"nested","s_max":2},
     {"code":"nested","levels":[0,2]},{"code":"nested","s_max":1,"signalling":"no-signals"},
     {"code":"nested","s_max":2,"signalling":"no-signals"}'
  run durations
  echo "$output"
  [ "${lines[0]}" = "6.5/3 6.5/3" ]
  [ "${lines[1]}" = "5.5/2 5.5/2" ]
  [ "${lines[2]}" = "4.5/1 4.5/1" ]
  [ "${lines[3]}" = "4.5/1 4.5/1" ]
  [ "${lines[4]}" = "5.0/2 5.0/2" ]
  [ "${lines[5]}" = "4.0/1 4.0/1" ]
  [ "$(sqlite3 run.db "SELECT count(*) FROM iteration WHERE grad_scaled_err > 1e-14")" = 0 ]
  # Messages of 8 numbers that have come: after signals one of each who has got to the level, without
  # all until then.
  [ "$(sqlite3 run.db "SELECT group_concat(b, ' ') FROM (SELECT bytes_sent_mean / 64 AS b
    FROM v_point ORDER BY point_id)")" = "3.0 2.0 1.0 1.0 4.0 4.0" ]
  # Signals of the third scheme in an iteration: worker 0 reports three tasks and worker 1 one until
  # all are told.
  "$STRAGGLE" timeline run.db --scheme 'nested s_max=2' -o line.json > /dev/null
  [ "$(grep -o '"signal to the master"' line.json | wc -l)" = $((2 * 4)) ]
  [ "$(grep -o '"command from the master"' line.json | wc -l)" = $((2 * 3)) ]
}

@test "of levels at the same instant the smallest" {
  # Worker 1 is half as fast: its first task ends when the other's second does.
  run_schemes '"cluster":{"workers":2,"speeds":[1,0.5]},"delay":{"model":"deterministic","value_s":1},
    "learning":{"problem":"none","length":8},"stop":{"iterations":1}' \
    '{"code":"nested","s_max":1}'
  [ "$(durations)" = "2.0/2" ]
}

@test "row by row the first of its levels" {
  for delay in '"model":"shifted-exponential","shift_s":50,"mean_excess_s":1000' \
               '"model":"shifted-exponential","shift_s":50,"mean_excess_s":1000,"scaling":"additive"' \
               '"model":"exponential","mean_s":1,"scaling":"startup","per_subset_s":0.1'; do
    rm -f run.db
    run_schemes '"cluster":{"workers":12},"delay":{'"$delay"'},
      "learning":{"problem":"none","length":960},"stop":{"iterations":10000}' \
      '{"code":"uncoded"},{"code":"cyclic-repetition","s":{"each":[1,2,3]}},
       {"code":"nested","s_max":{"each":[0,1,2,3]}},
       {"code":"nested","s_max":3,"signalling":"no-signals"},
       {"code":"nested","levels":[1,3]},
       {"code":"fractional-repetition","s":{"each":[1,3]}},
       {"code":"nested","levels":[0,1,3],"family":"repetition"},
       {"code":"nested","levels":[0,1,3],"family":"repetition","signalling":"no-signals"},
       {"code":"uc-mmc","r":4},{"code":"gc-mmc","r":4}'
    # Columns: uncoded u; cyclic c1 … c3; nested n0 … n3, without signals w, levels 1 and 3 l;
    # repetition f1, f3, r and without signals q; with every share sent, m, and every prefix, p.
    sqlite3 run.db "CREATE TEMP TABLE t AS SELECT iteration AS i, point_id - 1 AS k, duration_s AS d
        FROM iteration JOIN run USING (run_id);
      CREATE INDEX t_k ON t (i, k);
      CREATE TEMP TABLE r AS SELECT i, max(d) FILTER (WHERE k = 0) AS u,
        max(d) FILTER (WHERE k = 1) AS c1, max(d) FILTER (WHERE k = 2) AS c2,
        max(d) FILTER (WHERE k = 3) AS c3, max(d) FILTER (WHERE k = 4) AS n0,
        max(d) FILTER (WHERE k = 5) AS n1, max(d) FILTER (WHERE k = 6) AS n2,
        max(d) FILTER (WHERE k = 7) AS n3, max(d) FILTER (WHERE k = 8) AS w,
        max(d) FILTER (WHERE k = 9) AS l, max(d) FILTER (WHERE k = 10) AS f1,
        max(d) FILTER (WHERE k = 11) AS f3, max(d) FILTER (WHERE k = 12) AS r,
        max(d) FILTER (WHERE k = 13) AS q, max(d) FILTER (WHERE k = 14) AS m,
        max(d) FILTER (WHERE k = 15) AS p FROM t GROUP BY i;
      SELECT count(*), sum(n0 = u), sum(abs(n1 - min(u, c1)) < 1e-9 * u),
        sum(abs(n2 - min(u, c1, c2)) < 1e-9 * u), sum(abs(n3 - min(u, c1, c2, c3)) < 1e-9 * u),
        sum(w = n3), sum(abs(l - min(c1, c3)) < 1e-9 * u),
        sum(abs(r - min(u, f1, f3)) < 1e-9 * u), sum(q = r),
        sum(n3 <= n2 AND n2 <= n1 AND n1 <= n0), sum(m <= n3 AND m = p) FROM r;
      SELECT sum(n3 < n2 * 0.999) > 0, sum(n2 < n1 * 0.999) > 0, sum(n1 < n0 * 0.999) > 0,
        sum(m < n3 * 0.999) > 0 FROM r" > out
    cat out
    [ "$(sed -n 1p out)" = "10000|10000|10000|10000|10000|10000|10000|10000|10000|10000|10000" ]
  done
  # Exponential times with a start-up: more levels are strictly better now and then.
  [ "$(sed -n 2p out)" = "1|1|1|1" ]
}

@test "who computes and never answers does not hold the others up" {
  # Reports come, the message does not: others go on to the level, then all to the next, up to the last.
  for messages in cancel occupy-link; do
    rm -f run.db
    run_schemes '"cluster":{"workers":6,"erasure":{"model":"bernoulli","probability":0.3}},
      "delay":{"model":"exponential","mean_s":1},
      "network":{"signal_latency_s":0.1,"late_messages":"'$messages'"},
      "learning":{"problem":"least-squares",
                  "data":{"source":"gaussian-mixture","rows":60,"features":7}},
      "stop":{"iterations":300,"undecodable":"skip"}' \
      '{"code":"nested","s_max":5},{"code":"nested","s_max":5,"signalling":"no-signals"},
       {"code":"nested","levels":[0,2,5],"family":"repetition"},{"code":"cyclic-repetition","s":5}'
    # All are lost in as many iterations of each.
    sqlite3 run.db "SELECT undecodable_iters, grad_scaled_err_max < 1e-10, replications, unfinished_runs
      FROM v_point" | sort -u > out
    cat out
    [ "$(wc -l < out)" = 1 ]
  done
}

@test "the exact law" {
  [ "$(python3 "$BATS_TEST_DIRNAME/nested_law.py" 20 D1 0)" = 3647.74 ]      # 50 + 1000 H_20
  [ "$(python3 "$BATS_TEST_DIRNAME/nested_law.py" 20 D3 4)" = 2.014406 ]     # 0.5 + H_20 − H_4
  python3 "$BATS_TEST_DIRNAME/nested_law.py" 20 D1 0 1 2 3 4 > law
  grep -q "3536.966)" "$BATS_TEST_DIRNAME/targets/nested.c"
  [ "$(cat law)" = 3536.966 ]
  [ "$(python3 "$BATS_TEST_DIRNAME/nested_law.py" 20 D3 0 1 2 3 4)" = 1.98945 ]
}

@test "refused with the rule and the nearest levels" {
  refuse() {
    run run_schemes '"cluster":{"workers":12},"delay":{"model":"exponential","mean_s":1},
      "learning":{"problem":"none","length":8},"stop":{"iterations":1}' "$1"
    echo "$output"
    [ "$status" -ne 0 ]
    [[ "$output" == *"$2"* ]]
  }
  refuse '{"code":"nested","levels":[0,1,2,5],"family":"repetition"}' '(of these: 0, 2, 5)'
  refuse '{"code":"nested","s_max":12}' 'expected s_max < n = 12 (0 to 11), found 12'
  refuse '{"code":"nested"}' 'expected s_max or levels, found neither'
  refuse '{"code":"nested","s_max":1,"stop":"decodable"}' 'or signalling "no-signals"'
}
