#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What holds in every single iteration, not only in the mean (theory: path-wise): with free
# communication and the same random numbers schemes can be ordered row by row. 12 workers with up to
# 4 shares, 10,000 iterations for each of three kinds of delay: one draw for all shares of a worker
# (D1), one for each (D2), a random start before equal shares (D3).

setup() {
  cd "$BATS_TEST_TMPDIR"
}

# A database with the three kinds of delay; the schemes are the argument.
simulate() {
  local delay
  for delay in \
    '"model": "shifted-exponential", "shift_s": 0.05, "mean_excess_s": 1' \
    '"model": "shifted-exponential", "shift_s": 0.05, "mean_excess_s": 1, "scaling": "additive"' \
    '"model": "exponential", "mean_s": 1, "scaling": "startup", "per_subset_s": 0.1'; do
    echo "{ \"format\": 1, \"cluster\": { \"workers\": 12 }, \"delay\": { $delay },
      \"learning\": { \"problem\": \"none\", \"length\": 960 }, \"schemes\": [ $1 ],
      \"stop\": { \"iterations\": 10000 } }" > s.json
    "$STRAGGLE" run s.json -q -o paths.db
  done
}

# Claims about two schemes' labels, a line each: A|=|B, always as long; A|<=|B, never longer;
# A|<|B, never longer and in each kind of delay sometimes shorter. Times are sums of the same
# numbers in another order: equal is equal to 1e-12. Prints what does not hold, and what has not
# 10,000 rows for each delay.
refuted() {
  sed "s/^\(.*\)|\(.*\)|\(.*\)$/INSERT INTO claim VALUES ('\1', '\2', '\3');/" > claims.sql
  sqlite3 paths.db <<'SQL'
CREATE TEMP TABLE t AS SELECT env_sha256 AS env, scheme_label AS scheme, iteration AS i, duration_s AS s
  FROM point JOIN run USING (point_id) JOIN iteration USING (run_id);
CREATE INDEX temp.by_scheme ON t (scheme, env, i);
CREATE TEMP TABLE claim (low, kind, high);
.read claims.sql
SELECT low, kind, high, n, violations, less FROM (
  SELECT c.low, c.kind, c.high, e.env, count(b.s) AS n,
    sum(a.s > b.s * (1 + 1e-12) OR (c.kind = '=' AND a.s < b.s * (1 - 1e-12))) AS violations,
    sum(a.s < b.s * (1 - 1e-12)) AS less
  FROM claim AS c JOIN (SELECT DISTINCT env FROM t) AS e
    LEFT JOIN t AS a ON a.scheme = c.low AND a.env = e.env
    LEFT JOIN t AS b ON b.scheme = c.high AND b.env = e.env AND b.i = a.i
  GROUP BY c.low, c.kind, c.high, e.env)
WHERE n <> 10000 OR violations > 0 OR (kind = '<' AND less = 0);
SELECT 'kinds of delay: ' || count(*) FROM (SELECT DISTINCT env FROM t) HAVING count(*) <> 3;
SQL
}

@test "multi-message communication: uncoded = every prefix, before some prefixes, before one" {
  simulate '{ "code": "uncoded" }, { "code": "cyclic-repetition", "s": { "each": [1, 2, 3] } },
    { "code": "uc-mmc", "r": 4 }, { "code": "uc-mmc", "r": { "each": [1, 2, 3] } },
    { "code": "uc-mmc", "r": 4, "epsilon": { "each": [0.1, 0.3] } },
    { "code": "gc-mmc", "r": 4 }, { "code": "gc-mmc", "r": 4, "prefixes": [1, 2, 3, 4] },
    { "code": "gc-mmc", "r": 4, "prefixes": [2, 4] }, { "code": "gc-mmc", "r": 4, "prefixes": [1, 4] },
    { "code": "gc-mmc", "r": 4, "prefixes": [2, 3, 4] }, { "code": "gc-mmc", "r": 4, "prefixes": [4] },
    { "code": "gc-mmc", "r": 4, "clusters": { "each": [2, 3] } },
    { "code": "gc-mmc", "r": 4, "clusters": { "each": [2, 3] }, "prefixes": [2, 4] },
    { "code": "gc-mmc", "r": 3, "clusters": { "each": [2, 3] }, "prefixes": [3] },
    { "code": "clustered", "s": 2, "clusters": { "each": [2, 3] } },
    { "code": "gc-mmc-partial", "r": 4, "epsilon": { "each": [0.1, 0.3] } },
    { "code": "gc-mmc-partial", "r": 4, "prefixes": [2, 4], "epsilon": { "each": [0.1, 0.3] } }'
  run refuted <<'CLAIMS'
uc-mmc r=4|=|gc-mmc r=4
uc-mmc r=4|=|gc-mmc r=4 prefixes=1,2,3,4
uc-mmc r=1|=|uncoded
uc-mmc r=4|<|uc-mmc r=3
uc-mmc r=3|<|uc-mmc r=2
uc-mmc r=2|<|uc-mmc r=1
uc-mmc r=4 epsilon=0.1|<|uc-mmc r=4
uc-mmc r=4 epsilon=0.3|<|uc-mmc r=4 epsilon=0.1
uc-mmc r=4 epsilon=0.1|=|gc-mmc-partial r=4 epsilon=0.1
uc-mmc r=4 epsilon=0.3|=|gc-mmc-partial r=4 epsilon=0.3
uc-mmc r=4 epsilon=0.1|<|gc-mmc-partial r=4 prefixes=2,4 epsilon=0.1
gc-mmc-partial r=4 prefixes=2,4 epsilon=0.3|<|gc-mmc-partial r=4 prefixes=2,4 epsilon=0.1
gc-mmc-partial r=4 prefixes=2,4 epsilon=0.1|<|gc-mmc r=4 prefixes=2,4
uc-mmc r=4|<|gc-mmc r=4 prefixes=2,3,4
uc-mmc r=4|<|gc-mmc r=4 prefixes=2,4
uc-mmc r=4|<|gc-mmc r=4 prefixes=1,4
gc-mmc r=4 prefixes=1,4|<|uncoded
gc-mmc r=4 prefixes=1,4|<|cyclic-repetition s=3
gc-mmc r=4 prefixes=2,4|<|cyclic-repetition s=1
gc-mmc r=4 prefixes=2,4|<|cyclic-repetition s=3
gc-mmc r=4 prefixes=2,3,4|<|cyclic-repetition s=1
gc-mmc r=4 prefixes=2,3,4|<|cyclic-repetition s=2
gc-mmc r=4 prefixes=2,3,4|<|cyclic-repetition s=3
gc-mmc r=4 prefixes=2,3,4|<|gc-mmc r=4 prefixes=2,4
gc-mmc r=4 prefixes=4|=|cyclic-repetition s=3
gc-mmc r=4 clusters=2|<|gc-mmc r=4 prefixes=2,4 clusters=2
gc-mmc r=4 clusters=3|<|gc-mmc r=4 prefixes=2,4 clusters=3
gc-mmc r=3 prefixes=3 clusters=2|=|clustered clusters=2 s=2
gc-mmc r=3 prefixes=3 clusters=3|=|clustered clusters=3 s=2
gc-mmc r=4 clusters=2|<|gc-mmc r=3 prefixes=3 clusters=2
CLAIMS
  echo "$output"
  [ "$status" = 0 ] && [ "$output" = "" ]
  [ "$(echo 'uncoded|<=|uc-mmc r=4' | refuted | wc -l)" = 3 ]
  [ "$(echo 'uncoded|<=|unknown' | refuted | wc -l)" = 3 ]
  # The sparse set costs time and saves messages: at most two thirds as many are sent.
  run sqlite3 paths.db "SELECT count(*) FROM (SELECT env_sha256,
      sum(bytes_sent) FILTER (WHERE scheme_label = 'uc-mmc r=4') AS often,
      sum(bytes_sent) FILTER (WHERE scheme_label = 'gc-mmc r=4 prefixes=2,4') AS seldom
    FROM point JOIN run USING (point_id) JOIN iteration USING (run_id) GROUP BY env_sha256)
    WHERE seldom <= 2 * often / 3.0 AND seldom > 0"
  [ "$output" = 3 ]
}

@test "partial stragglers: one copy of each chunk as uncoded messages, more copies no sooner" {
  simulate '{ "code": "uc-mmc", "r": 4 },
    { "code": "partial-stragglers", "replication": 4, "pieces": { "each": [1, 2, 3, 4] } }'
  run refuted <<'CLAIMS'
partial-stragglers pieces=1 replication=4|=|uc-mmc r=4
partial-stragglers pieces=1 replication=4|<|partial-stragglers pieces=2 replication=4
partial-stragglers pieces=2 replication=4|<|partial-stragglers pieces=3 replication=4
partial-stragglers pieces=3 replication=4|<|partial-stragglers pieces=4 replication=4
CLAIMS
  echo "$output"
  [ "$output" = "" ]
}

@test "nested codes: between every prefix and each of their levels, sooner with more levels" {
  simulate '{ "code": "uncoded" }, { "code": "cyclic-repetition", "s": { "each": [1, 2, 3] } },
    { "code": "gc-mmc", "r": 4 }, { "code": "gc-mmc", "r": 4, "prefixes": [2, 4] },
    { "code": "nested", "s_max": { "each": [0, 1, 2, 3] } }, { "code": "nested", "levels": [1, 3] },
    { "code": "nested", "s_max": 3, "signalling": "no-signals" }'
  run refuted <<'CLAIMS'
nested s_max=0|=|uncoded
nested s_max=1|<|nested s_max=0
nested s_max=2|<|nested s_max=1
nested s_max=3|<|nested s_max=2
nested s_max=3 no-signals|=|nested s_max=3
gc-mmc r=4|<|nested s_max=3
gc-mmc r=4 prefixes=2,4|<|nested levels=1,3
nested s_max=3|<|nested levels=1,3
nested s_max=3|<|uncoded
nested s_max=3|<|cyclic-repetition s=1
nested s_max=3|<|cyclic-repetition s=2
nested s_max=3|<|cyclic-repetition s=3
nested levels=1,3|<|cyclic-repetition s=1
nested levels=1,3|<|cyclic-repetition s=3
CLAIMS
  echo "$output"
  [ "$output" = "" ]
}

@test "a single block of coordinates is cyclic repetition, to the bit" {
  simulate '{ "code": "uncoded" }, { "code": "cyclic-repetition", "s": { "each": [1, 3] } },
    { "code": "block-coordinate", "s": { "each": [0, 1, 3] }, "blocks": [1] }'
  # With a learning problem and messages that take time, too.
  cat > s.json <<END
{ "format": 1, "cluster": { "workers": 12 }, "delay": { "model": "exponential", "mean_s": 1 },
  "network": { "uplink": { "model": "linear", "latency_s": 0.1, "bandwidth_Bps": 200 },
               "ingress": { "model": "fifo", "bandwidth_Bps": 2000 } },
  "learning": { "problem": "least-squares", "data": { "source": "gaussian-mixture", "rows": 120, "features": 5 },
                "optimizer": { "method": "gradient-descent", "step": 0.05 } },
  "schemes": [ { "code": "cyclic-repetition", "s": { "each": [1, 3] } },
    { "code": "block-coordinate", "s": { "each": [1, 3] }, "blocks": [1] } ],
  "replications": 3, "stop": { "iterations": 100 } }
END
  "$STRAGGLE" run s.json -q -o paths.db
  # All that a row says, as text; uncoded has no s.
  columns=$(sqlite3 paths.db "SELECT group_concat('quote(' || name || ')', '||'',''||') FROM pragma_table_info('iteration')
    WHERE name <> 'run_id'")
  sqlite3 paths.db "SELECT env_sha256, coalesce(json_extract(config_json, '\$.scheme.s'), 0), replication, $columns
    FROM point JOIN run USING (point_id) JOIN iteration USING (run_id) WHERE code <> 'block-coordinate'
    ORDER BY 1, 2, 3, iteration" > code.txt
  sqlite3 paths.db "SELECT env_sha256, coalesce(json_extract(config_json, '\$.scheme.s'), 0), replication, $columns
    FROM point JOIN run USING (point_id) JOIN iteration USING (run_id) WHERE code = 'block-coordinate'
    ORDER BY 1, 2, 3, iteration" > block.txt
  [ "$(wc -l < code.txt)" = $((3 * 3 * 10000 + 2 * 3 * 100)) ]
  cmp code.txt block.txt
}
