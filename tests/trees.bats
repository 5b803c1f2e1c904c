#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Clusters and trees: schedules against a direct simulation of their recursion (tests/trees.py), and
# what dynamic clusters gain from the memory of stragglers.

setup() {
  cd "$BATS_TEST_TMPDIR"
}

@test "trees, edge nodes and clusters take the time of their recursion, in every iteration" {
  run python3 "$BATS_TEST_DIRNAME/trees.py" 1 60
  echo "$output"
  [ "$status" -eq 0 ]
  # The comparison can fail: with a link that is a thousandth slower, with inner workers that compute nothing.
  sed 's/max(through, time) + service/max(through, time) + 1.001 * service/' "$BATS_TEST_DIRNAME/trees.py" > slow.py
  run python3 slow.py 1 12
  [ "$status" -eq 1 ]
  sed 's/return max(own, time)/return time/' "$BATS_TEST_DIRNAME/trees.py" > idle.py
  run python3 idle.py 1 12
  [ "$status" -eq 1 ]
}

# Mean time of dynamic clusters over that of static ones, and its standard error over replications.
means() { # mean_slow_iterations, stored, s, stragglers
  cat > memory.json <<END
{ "format": 1, "cluster": { "workers": 20 },
  "delay": { "model": "shifted-exponential", "shift_s": 0.2, "mean_excess_s": 0.1,
             "memory": { "slow_share": 0.2, "mean_slow_iterations": $1, "slowdown": 5 } },
  "learning": { "problem": "none", "length": 960 },
  "schemes": [ { "code": "clustered", "clusters": 5, "s": $3 },
               { "code": "dynamic-clusters", "clusters": 5, "s": $3, "stored": $2, "stragglers": "$4" } ],
  "replications": 20, "stop": { "iterations": 500 }, "output": { "database": "memory.db" } }
END
  rm -f memory.db
  "$STRAGGLE" run -q memory.json
  sqlite3 -separator ' ' memory.db "
    WITH m AS (SELECT replication, max(CASE WHEN code = 'clustered' THEN iter_mean_s END) a,
                      max(CASE WHEN code != 'clustered' THEN iter_mean_s END) b
               FROM point JOIN run USING (point_id) JOIN run_summary USING (run_id) GROUP BY replication)
    SELECT avg(b / a), sqrt((avg(b * b / a / a) - avg(b / a) * avg(b / a)) / 19) FROM m"
}

@test "dynamic clusters gain where stragglers last, and neither gain nor lose where they do not" {
  read -r ratio error <<< "$(means 20 3 2 unanswered)"
  echo "$ratio ± $error"
  # At least a tenth, by five standard errors.
  [ "$(awk "BEGIN { print $ratio + 5 * $error < 0.9 }")" = 1 ]
  read -r ratio error <<< "$(means 1.25 3 2 unanswered)"
  echo "$ratio ± $error"
  [ "$(awk "BEGIN { x = ($ratio - 1) / $error; print (x < 4 && x > -4 && $error < 0.02) }")" = 1 ]
  # With the data of two clusters each can only hand on to the next one.
  read -r two error <<< "$(means 20 2 2 unanswered)"
  [ "$(awk "BEGIN { print $two + 5 * $error < 0.95 }")" = 1 ]
  # At most one unanswered in each cluster leaves nothing to balance, those that came last do.
  [ "$(means 20 3 1 unanswered)" = "1.0 0.0" ]
  read -r last error <<< "$(means 20 3 1 slowest)"
  echo "$last ± $error"
  [ "$(awk "BEGIN { print $last + 5 * $error < 0.85 }")" = 1 ]
}

@test "with the data of one cluster dynamic clusters are the static ones; who moves is told so" {
  cat > told.json <<END
{ "format": 1, "cluster": { "workers": 20 },
  "delay": { "model": "shifted-exponential", "shift_s": 0.2, "mean_excess_s": 0.1,
             "memory": { "slow_share": 0.2, "mean_slow_iterations": 20, "slowdown": 5 } },
  "network": { "signal_latency_s": 0.01 }, "learning": { "problem": "none", "length": 960 }, "late_work": "finish-first",
  "schemes": [ { "code": "clustered", "clusters": 5, "s": 2 },
               { "code": "dynamic-clusters", "clusters": 5, "s": 2, "stored": { "each": [ 1, 3 ] } } ],
  "replications": 2, "stop": { "iterations": 100 }, "output": { "database": "told.db" } }
END
  "$STRAGGLE" run -q told.json
  one="SELECT iteration, duration_s, busy_s, n_used, bytes_sent, signals_down FROM iteration JOIN run USING (run_id)
       JOIN point USING (point_id) WHERE scheme_label"
  [ "$(sqlite3 told.db "SELECT count(*) FROM ($one LIKE 'clustered%')")" = 200 ]
  [ "$(sqlite3 told.db "$one LIKE 'clustered%'")" = "$(sqlite3 told.db "$one LIKE '%stored=1%'")" ]
  # Whoever has not been heard of is told that the iteration is over; the rest of the signals say who moves:
  # nobody in the first iteration, and never one worker alone.
  told="SELECT iteration, signals_down + n_received - 20 AS told FROM iteration JOIN run USING (run_id)
        JOIN point USING (point_id) WHERE scheme_label"
  [ "$(sqlite3 told.db "SELECT sum(told != 0) FROM ($told LIKE 'clustered%')")" = 0 ]
  run sqlite3 told.db "SELECT sum(told * (iteration = 0)), min(told), sum(told = 1), sum(told) > 100 FROM ($told LIKE '%stored=3%')"
  echo "$output"
  [ "$output" = "0|0|0|1" ]
}

# How many of 20 iterations decode when these workers never answer, and the largest error.
decoded() { # n, missing workers, scheme
  cat > lost.json <<END
{ "format": 1, "cluster": { "workers": $1, "erasure": { "model": "pattern", "workers": [ $2 ] } },
  "delay": { "model": "exponential", "mean_s": 1 },
  "learning": { "problem": "least-squares", "data": { "source": "gaussian-mixture", "rows": 240, "features": 6 },
                "optimizer": { "method": "gradient-descent", "step": 0.05 } },
  "schemes": [ { $3 } ], "stop": { "iterations": 20, "undecodable": "skip" }, "output": { "database": "lost.db" } }
END
  rm -f lost.db
  "$STRAGGLE" run -q lost.json
  sqlite3 -separator ' ' lost.db "SELECT sum(decoded), max(grad_scaled_err) < 1e-13 FROM iteration"
}

@test "the workers that may be lost may be" {
  # In a tree of twelve an inner worker, and a leaf of each other one; not two inner workers, or two leaves of two.
  tree='"code": "coded-reduce", "fan_out": 3, "depth": 2, "s": 1'
  [ "$(decoded 12 "0, 7, 10" "$tree")" = "20 1" ]
  [ "$(decoded 12 "0, 1" "$tree")" = "0 " ]
  [ "$(decoded 12 "3, 4, 6, 8" "$tree")" = "0 " ]
  # Edge nodes of 4, 2, 2, 4: all workers of one that may be lost, and one of each other.
  edges='"code": "hierarchical", "edges": 4, "sizes": [ 4, 2, 2, 4 ], "s_e": 1, "s_w": 1'
  [ "$(decoded 12 "0, 4, 5, 7, 11" "$edges")" = "20 1" ]
  [ "$(decoded 12 "0, 1, 4, 5" "$edges")" = "0 " ]
  # Two of a cluster that can lose one: for ever, or until they are apart.
  [ "$(decoded 20 "0, 1" '"code": "clustered", "clusters": 5, "s": 1')" = "0 " ]
  [ "$(decoded 20 "0, 1" '"code": "dynamic-clusters", "clusters": 5, "s": 1, "stored": 2')" = "19 1" ]
}

@test "the slower the link of a parent, the deeper the fastest tree" {
  "$STRAGGLE" run -q "$BATS_TEST_DIRNAME/../scenarios/tree-depth.json" -o depth.db --set /replications=3 \
    --set /stop/iterations=200 --set '/sweep/0/values=[1.6e7, 2.5e5, 31250]'
  run sqlite3 -separator ' ' depth.db "
    SELECT scheme_label FROM point JOIN point_axis a USING (point_id) JOIN run USING (point_id) JOIN run_summary USING (run_id)
    WHERE replication = 0 GROUP BY a.value HAVING iter_mean_s = min(iter_mean_s) ORDER BY CAST(a.value AS REAL)"
  echo "$output"
  [ "$output" = "coded-reduce fan_out=2 depth=4 s=1
coded-reduce fan_out=5 depth=2 s=1
cyclic-repetition s=1" ]
}

refused() { # n, message, scheme…
  local n=$1 message=$2
  shift 2
  run "$STRAGGLE" codes check "$@" -n "$n"
  echo "$output"
  [ "$status" -eq 65 ]
  [[ "$output" == *"$message"* ]]
}

@test "what does not fit is refused with the rule and what is near" {
  refused 25 "expected w + … + w^L = n (n = 25 workers: fan_out 25 (depth 1); fan_out 4: n = 20), found a tree of 20" \
    coded-reduce fan_out=4 depth=2 s=1
  refused 14 "n = 14 workers: fan_out 14 (depth 1), 2 (depth 3); fan_out 3: n = 12), found a tree of 12" \
    coded-reduce fan_out=3 depth=2 s=1
  refused 12 "expected s < fan_out = 3 (0 to 2), found 3" coded-reduce fan_out=3 depth=2 s=3
  refused 12 'expected s + 1 dividing fan_out = 3 (s one of 0, 2), or "inside": "cyclic", found s = 1' \
    coded-reduce fan_out=3 depth=2 s=1 inside=repetition
  refused 12 "expected edges = 3 numbers, found 1" hierarchical edges=3 s_e=1 s_w=1 sizes=5
  refused 11 "expected (s_e + 1) m_max ≤ n = 11 (s_e from 0 to 1: edge node 0 of 4 workers" hierarchical edges=3 s_e=2 s_w=1
  refused 11 "expected fewer than edge node 2 has workers (0 to 2), found 3" hierarchical edges=3 s_e=1 s_w=3
  refused 11 "expected s below the size of the smallest cluster (0 to 2" clustered clusters=3 s=3
  refused 11 "expected at most as many clusters as there are (1 to 3), found 4" dynamic-clusters clusters=3 s=1 stored=4
}
