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
means() { # mean_slow_iterations, stored
  cat > memory.json <<END
{ "format": 1, "cluster": { "workers": 20 },
  "delay": { "model": "shifted-exponential", "shift_s": 0.2, "mean_excess_s": 0.1,
             "memory": { "slow_share": 0.2, "mean_slow_iterations": $1, "slowdown": 5 } },
  "learning": { "problem": "none", "length": 960 },
  "schemes": [ { "code": "clustered", "clusters": 5, "s": 2 },
               { "code": "dynamic-clusters", "clusters": 5, "s": 2, "stored": $2 } ],
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
  read -r ratio error <<< "$(means 20 3)"
  echo "$ratio ± $error"
  # At least a tenth, by five standard errors.
  [ "$(awk "BEGIN { print $ratio + 5 * $error < 0.9 }")" = 1 ]
  read -r ratio error <<< "$(means 1.25 3)"
  echo "$ratio ± $error"
  [ "$(awk "BEGIN { x = ($ratio - 1) / $error; print (x < 4 && x > -4 && $error < 0.02) }")" = 1 ]
  # With the data of two clusters each can only hand on to the next one.
  read -r two error <<< "$(means 20 2)"
  [ "$(awk "BEGIN { print $two + 5 * $error < 0.95 }")" = 1 ]
}
