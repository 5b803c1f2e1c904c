#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Partial stragglers, coupon collectors and tiers from scenario files into databases, against schedules
# by hand and programs that share nothing with the engine.

setup() {
  cd "$BATS_TEST_TMPDIR"
}

# A column of a database's rows, point by point, in one line each.
column() {
  sqlite3 "$1" "SELECT group_concat($2, ' ') FROM (SELECT point_id, $2 FROM iteration JOIN run USING (run_id)
    ORDER BY point_id, replication, iteration) GROUP BY point_id ORDER BY point_id"
}

@test "partial stragglers by hand" {
  cat > hand.json <<'END'
{ "format": 1, "cluster": { "workers": 3, "speeds": [ 1, 0.5, 0.2 ] },
  "delay": { "model": "deterministic", "value_s": 1, "unit": "subset" },
  "network": { "uplink": { "model": "deterministic", "value_s": 1 }, "signal_latency_s": 0.25 },
  "learning": { "problem": "least-squares", "data": { "source": "gaussian-mixture", "rows": 60, "features": 7 } },
  "schemes": [ { "code": "partial-stragglers", "replication": 2 },
               { "code": "partial-stragglers", "replication": 2, "pieces": 2 },
               { "code": "partial-stragglers", "replication": 2, "deadline_s": 3 },
               { "code": "partial-stragglers", "replication": 2, "deadline_s": 0.5 } ],
  "sweep": [ { "name": "work", "path": "/late_work", "values": [ "cancel", "keep-partial" ] } ],
  "stop": { "iterations": 2 }, "output": { "detail": "iteration" } }
END
  "$STRAGGLE" run hand.json --quiet -o hand.db
  # Worker j has chunks j and j + 1; workers end theirs at 1, 2 | 2, 4 | 5, 10. Reports and commands take
  # 0.25 s, a whole vector 1 s.
  #   q = 1: chunk 2 comes with worker 1's report at 4.25; two vectors at 4.5 + 1.
  #   q = 2: everybody does everything, 10 + 0.5, and sends half a vector.
  #   deadline 3: reports of 2, 1 and 0 chunks have come; commands at 3.25. Chunk 2 is missing.
  #   deadline 0.5: the first report, at 1.25.
  run column hand.db duration_s
  [ "$output" = "$(printf '5.5 5.5\n11.0 11.0\n4.25 4.25\n2.5 2.5\n5.5 5.5\n11.0 11.0\n4.25 4.25\n2.5 2.5')" ]
  [ "$(column hand.db n_used | head -4 | cut -d' ' -f1 | paste -sd' ')" = "2 3 2 1" ]
  # 8 numbers of 8 bytes; at 4.5 workers 0 and 1 have computed all their time, worker 2 was stopped.
  [ "$(column hand.db bytes_sent | head -4 | cut -d' ' -f1 | paste -sd' ')" = "128.0 96.0 128.0 64.0" ]
  [ "$(column hand.db busy_s | head -4 | cut -d' ' -f1 | paste -sd' ')" = "10.5 16.0 8.5 4.5" ]
  [ "$(sqlite3 hand.db "SELECT max(grad_scaled_err) < 1e-14 FROM iteration JOIN run USING (run_id) WHERE point_id % 4 IN (1, 2)")" = 1 ]
  # One chunk, two chunks of Σ (α − 1)².
  [ "$(column hand.db decoding_err | sed -n '3,4p' | cut -d' ' -f1 | paste -sd' ')" = "1.0 2.0" ]
}

# Σ over chunks' q-th workers, reports, commands, and vectors one after another at the master's link.
@test "partial stragglers on a recorded trace take what the schedule says" {
  cat > direct.py <<'END'
import random, sqlite3, sys
random.seed(5)
n, rounds, latency, rate, length = 9, 60, 0.05, 2000.0, 12
times = [[0.2 + random.expovariate(1) for _ in range(n)] for _ in range(rounds)]
if len(sys.argv) == 1:
    print("iteration,worker,compute_s")
    for t in range(rounds):
        for w in range(n):
            print(f"{t},{w},{times[t][w]!r}")
    sys.exit()
db, checked = sqlite3.connect(sys.argv[1]), 0
for r in (2, 3, 5):
    for q in range(1, r + 1):
        rows = db.execute("""SELECT iteration, duration_s, n_used, grad_scaled_err FROM iteration JOIN run USING (run_id)
            JOIN point USING (point_id) WHERE scheme_label = ? ORDER BY iteration""",
            (f"partial-stragglers pieces={q} replication={r}",)).fetchall()
        assert len(rows) == rounds, (r, q, len(rows))
        for t, seconds, used, error in rows:
            # Worker w does chunk (w + k) mod n as its k-th: it is done k + 1 times its time after the start.
            decided = max(sorted((k + 1) * times[t][(i - k) % n] for k in range(r))[q - 1] for i in range(n))
            senders = sum(times[t][w] <= decided for w in range(n))
            expected = decided + 2 * latency + senders * 8 * -(-length // q) / rate
            assert abs(seconds - expected) < 1e-9, (r, q, t, seconds, expected)
            assert used == senders and error < 1e-11, (r, q, t, used, senders, error)
            checked += 1
print(checked)
END
  python3 direct.py > trace.csv
  cat > trace.json <<'END'
{ "format": 1, "cluster": { "workers": 9 },
  "delay": { "model": "trace", "path": "trace.csv", "mode": "replay", "past_end": "end", "unit": "subset" },
  "network": { "signal_latency_s": 0.05, "ingress": { "model": "fifo", "bandwidth_Bps": 2000 } },
  "learning": { "problem": "least-squares", "data": { "source": "gaussian-mixture", "rows": 90, "features": 11 } },
  "schemes": [ { "code": "partial-stragglers", "replication": 2, "pieces": { "each": [ 1, 2 ] } },
               { "code": "partial-stragglers", "replication": 3, "pieces": { "each": [ 1, 2, 3 ] } },
               { "code": "partial-stragglers", "replication": 5, "pieces": { "each": [ 1, 2, 3, 4, 5 ] } } ],
  "stop": { "iterations": 60 }, "output": { "detail": "iteration" } }
END
  "$STRAGGLE" run trace.json --quiet -o trace.db
  [ "$(python3 direct.py trace.db)" = 600 ]
}

@test "more pieces are never faster, row by row, and one piece takes as long as partial gradients" {
  cat > path.json <<'END'
{ "format": 1, "cluster": { "workers": 10 }, "learning": { "problem": "none", "length": 120 },
  "delay": { "model": "shifted-exponential", "shift_s": 0.05, "mean_excess_s": 1 },
  "schemes": [ { "code": "partial-stragglers", "replication": 4, "pieces": { "each": [ 1, 2, 3, 4 ] } },
               { "code": "uc-mmc", "r": 4 } ],
  "stop": { "iterations": 10000 }, "output": { "detail": "iteration" } }
END
  for scaling in '"proportional"' '"additive"' '"startup","per_subset_s":0.1'; do
    rm -f path.db
    sed "s/\"mean_excess_s\": 1/&, \"scaling\": $scaling/" path.json > one.json
    "$STRAGGLE" run one.json --quiet -o path.db
    # Three pairs of neighbours; most rows are strictly slower.
    run sqlite3 path.db "CREATE TEMP TABLE t AS SELECT point_id AS q, iteration, duration_s FROM iteration JOIN run USING (run_id);
      CREATE INDEX i ON t (q, iteration);
      SELECT count(*), sum(b.duration_s < a.duration_s), sum(b.duration_s > a.duration_s) > 15000
      FROM t a JOIN t b ON b.q = a.q + 1 AND b.iteration = a.iteration WHERE a.q < 4;
      SELECT count(*), max(abs(a.duration_s - b.duration_s) > 1e-12 * a.duration_s) FROM t a JOIN t b
      ON b.iteration = a.iteration WHERE a.q = 1 AND b.q = 5"
    echo "$scaling: $output"
    [ "$output" = "$(printf '30000|0|1\n10000|0')" ]
  done
}

# Two pieces, each chunk at two workers: whoever is lost makes the sum impossible.
@test "lost workers: skipped, waited for in vain, or approximate at the deadline" {
  cat > lost.json <<'END'
{ "format": 1, "cluster": { "workers": 5, "crashes": { "model": "iterations", "mean_iterations": 15, "mean_recovery_iterations": 2 } },
  "delay": { "model": "shifted-exponential", "shift_s": 1, "mean_excess_s": 0.5 },
  "learning": { "problem": "least-squares", "data": { "source": "gaussian-mixture", "rows": 60, "features": 7 } },
  "schemes": [ { "code": "partial-stragglers", "replication": 2, "pieces": 2 },
               { "code": "partial-stragglers", "replication": 2, "pieces": 2, "deadline_s": 60 },
               { "code": "partial-stragglers", "replication": 3, "pieces": 2 } ],
  "stop": { "iterations": 200, "undecodable": "skip" }, "output": { "detail": "iteration" } }
END
  "$STRAGGLE" run lost.json --quiet -o lost.db
  # Iterations in which someone is lost are the same ones for all: what the exact code skips has a residual
  # at the deadline, and comes when it does; everything else is exact in both.
  run sqlite3 lost.db "CREATE TEMP TABLE t AS SELECT point_id AS p, * FROM iteration JOIN run USING (run_id);
    SELECT count(*) > 20, min(b.decoded), min(b.decoding_err) >= 1 AND min(b.duration_s) = 60 AND max(b.duration_s) = 60
      FROM t a JOIN t b USING (iteration) WHERE a.p = 1 AND b.p = 2 AND NOT a.decoded;
    SELECT count(*) > 100, max(abs(a.duration_s - b.duration_s)) < 1e-12, max(a.grad_scaled_err) < 1e-12,
      max(b.grad_scaled_err) < 1e-12, max(b.decoding_err) < 1e-20 FROM t a JOIN t b USING (iteration) WHERE a.p = 1 AND b.p = 2 AND a.decoded;
    SELECT sum(NOT decoded) BETWEEN 1 AND 15, max(grad_scaled_err) < 1e-11 FROM t WHERE p = 3"
  echo "$output"
  [ "$output" = "$(printf '1|1|1\n1|1|1|1|1\n1|1')" ]
  sed 's/"undecodable": "skip"/"undecodable": "wait"/' lost.json > wait.json
  "$STRAGGLE" run wait.json --quiet -o wait.db || true
  [ "$(sqlite3 wait.db "SELECT group_concat(status, ' ') FROM (SELECT status FROM run ORDER BY point_id)")" = "stalled finished stalled" ]
}
