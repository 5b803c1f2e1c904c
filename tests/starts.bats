#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Coupon collectors and tiers from scenario files into databases: schedules by hand, draws by the law.

setup() {
  cd "$BATS_TEST_TMPDIR"
}

# A column of the first iteration of each point.
first() {
  sqlite3 "$1" "SELECT group_concat(x, ' ') FROM (SELECT $2 AS x FROM iteration JOIN run USING (run_id)
    WHERE iteration = 0 ORDER BY point_id)"
}

@test "tiers by hand" {
  cat > tiers.json <<'END'
{ "format": 1, "cluster": { "workers": 5, "speeds": [ 1, 0.5, 0.25, 1, 1 ] },
  "delay": { "model": "deterministic", "value_s": 1, "unit": "subset" },
  "network": { "uplink": { "model": "deterministic", "value_s": 1 } },
  "learning": { "problem": "least-squares", "data": { "source": "gaussian-mixture", "rows": 60, "features": 7 } },
  "schemes": [ { "code": "tiered", "s": 2, "start": 3, "after": { "each": [ 1, 2, 3 ] } },
               { "code": "tiered", "s": 2, "start": 5, "after": 1 }, { "code": "cyclic-repetition", "s": 2 } ],
  "stop": { "iterations": 3 }, "output": { "detail": "worker" } }
END
  "$STRAGGLE" run tiers.json --quiet -o tiers.db
  # Three subsets take the first three workers 3, 6 and 12 s, the spare ones 3 s, a message 1 s; three are
  # enough. Spare workers start at 4, at 7, or never, as the third message is the one that ends it.
  [ "$(first tiers.db duration_s)" = "8.0 11.0 13.0 4.0 4.0" ]
  # What all compute: 3 + 6 + 8 + 2 · 3, 3 + 6 + 11 + 2 · 3, 3 + 6 + 12, and 3 + 4 + 4 + 2 · 3 with everybody.
  [ "$(first tiers.db busy_s)" = "23.0 26.0 21.0 17.0 17.0" ]
  # The model, 8 numbers of 8 bytes, goes to those that are started only.
  [ "$(first tiers.db bytes_broadcast)" = "320.0 320.0 192.0 320.0 320.0" ]
  # Spare workers alone.
  run sqlite3 tiers.db "SELECT group_concat(x, ' ') FROM (SELECT coalesce(sum(w.compute_s), 0.0) AS x FROM worker_iteration w
    JOIN run USING (run_id) WHERE iteration = 1 AND worker >= 3 GROUP BY point_id ORDER BY point_id)"
  [ "$output" = "6.0 6.0 0.0 6.0 6.0" ]
  [ "$(sqlite3 tiers.db "SELECT max(grad_scaled_err) < 1e-14 FROM iteration")" = 1 ]
}

@test "tiers of groups by hand" {
  cat > groups.json <<'END'
{ "format": 1, "cluster": { "workers": 6, "speeds": [ 1, 1, 0.1, 1, 1, 1 ] },
  "delay": { "model": "deterministic", "value_s": 1, "unit": "subset" },
  "network": { "uplink": { "model": "deterministic", "value_s": 1 } },
  "learning": { "problem": "least-squares", "data": { "source": "gaussian-mixture", "rows": 60, "features": 7 } },
  "schemes": [ { "code": "tiered", "s": 1, "start": 3, "after": { "each": [ 1, 2, 3 ] }, "base": "repetition" } ],
  "stop": { "iterations": 2 }, "output": { "detail": "iteration" } }
END
  "$STRAGGLE" run groups.json --quiet -o groups.db
  # Workers 0, 1, 2 have a group each; of the third the spare worker 5 answers 2 + 1 after it has started at
  # 3. Nobody is started by the third message, at 20 + 1, which is the last group's.
  [ "$(first groups.db duration_s)" = "6.0 6.0 21.0" ]
  [ "$(first groups.db n_used)" = "3 3 3" ]
  [ "$(sqlite3 groups.db "SELECT max(grad_scaled_err) < 1e-14 FROM iteration")" = 1 ]
}

# Three workers pick one of five batches each; then 2, 3 or 4 of them are missing, the last if all pick the
# same: one in 25.
@test "batches that nobody has picked are computed by those who have finished" {
  cat > coupons.json <<'END'
{ "format": 1, "cluster": { "workers": 3 }, "delay": { "model": "deterministic", "value_s": 1, "unit": "subset" },
  "learning": { "problem": "least-squares", "data": { "source": "gaussian-mixture", "rows": 60, "features": 7 } },
  "schemes": [ { "code": "coupon-collector", "r": 1, "parts": 5, "uncovered": "reassign" } ],
  "replicate": "delays+code", "replications": 500, "stop": { "iterations": 2 }, "output": { "detail": "iteration" } }
END
  "$STRAGGLE" run coupons.json --quiet -o coupons.db
  run sqlite3 coupons.db "SELECT count(*), max(abs(duration_s - 1.2) > 1e-12 AND abs(duration_s - 1.8) > 1e-12),
    sum(duration_s > 1.5) / 2 BETWEEN 3 AND 37, max(grad_scaled_err) < 1e-14, min(n_used), max(n_used) FROM iteration"
  echo "$output"
  [ "$output" = "1000|0|1|1|5|5" ]
}

# A crash takes what only one worker has picked; those who have finished compute it, if they may.
@test "batches of lost workers" {
  cat > lost.json <<'END'
{ "format": 1, "cluster": { "workers": 6, "crashes": { "model": "iterations", "mean_iterations": 5, "mean_recovery_iterations": 2 } },
  "delay": { "model": "shifted-exponential", "shift_s": 1, "mean_excess_s": 1 },
  "learning": { "problem": "least-squares", "data": { "source": "gaussian-mixture", "rows": 60, "features": 7 } },
  "schemes": [ { "code": "coupon-collector", "r": 2 }, { "code": "coupon-collector", "r": 2, "uncovered": "reassign" } ],
  "stop": { "iterations": 300, "undecodable": "skip" }, "output": { "detail": "iteration" } }
END
  "$STRAGGLE" run lost.json --quiet -o lost.db
  run sqlite3 lost.db "SELECT sum(NOT decoded) > 20, max(grad_scaled_err) < 1e-14 FROM iteration JOIN run USING (run_id)
    GROUP BY point_id ORDER BY point_id"
  echo "$output"
  [ "${lines[0]}" = "1|1" ]
  # With everybody lost nobody is left to help: (2/7)^6 of the iterations.
  run sqlite3 lost.db "SELECT sum(NOT decoded) < 5, max(grad_scaled_err) < 1e-14 FROM iteration JOIN run USING (run_id)
    WHERE point_id = 2"
  [ "$output" = "1|1" ]
}

@test "tiers on a recorded trace take what the schedule says, spare workers too" {
  cat > direct.py <<'END'
import random, sqlite3, sys
random.seed(3)
n, s, rounds = 9, 2, 80
times = [[0.2 + random.expovariate(1) for _ in range(n)] for _ in range(rounds)]
if len(sys.argv) == 1:
    print("iteration,worker,compute_s")
    for t in range(rounds):
        for w in range(n):
            print(f"{t},{w},{times[t][w]!r}")
    sys.exit()
db, checked = sqlite3.connect(sys.argv[1]), 0
for base in ("cyclic", "repetition"):
    groups = n // (s + 1)
    for start, after in ((4, 2), (5, 5), (8, 3), (9, 1)):
        rows = db.execute("""SELECT iteration, duration_s, (SELECT coalesce(sum(compute_s), 0) FROM worker_iteration w
            WHERE w.run_id = i.run_id AND w.iteration = i.iteration AND worker >= ?) FROM iteration i JOIN run USING (run_id)
            JOIN point USING (point_id) WHERE scheme_label = ? ORDER BY iteration""", (start,
            f"tiered s={s} start={start} after={after}" + (" repetition" if base == "repetition" else ""))).fetchall()
        assert len(rows) == rounds, (base, start, after, len(rows))
        for t, seconds, spare in rows:
            own = [(s + 1) * x for x in times[t]]
            def end(done):  # when enough have come of those that are done at these times, or never
                if base == "cyclic":
                    return sorted(done.values())[n - s - 1] if len(done) >= n - s else float("inf")
                return max(min((x for w, x in done.items() if w % groups == g), default=float("inf")) for g in range(groups))
            tier = {w: own[w] for w in range(start)}
            second = sorted(tier.values())[after - 1]
            expected = end(tier)
            others = {}
            if expected > second:
                others = {w: second + own[w] for w in range(start, n)}
                expected = end(tier | others)
            busy = sum(min(x, expected) - second for x in others.values())
            assert abs(seconds - expected) < 1e-9 and abs(spare - busy) < 1e-9, (base, start, after, t, seconds, expected, spare, busy)
            checked += busy > 0
print(checked)
END
  python3 direct.py > trace.csv
  cat > trace.json <<'END'
{ "format": 1, "cluster": { "workers": 9 },
  "delay": { "model": "trace", "path": "trace.csv", "mode": "replay", "past_end": "end", "unit": "subset" },
  "learning": { "problem": "none", "length": 60 },
  "schemes": [
END
  for base in '' ', "base": "repetition"'; do
    for tiers in '4, "after": 2' '5, "after": 5' '8, "after": 3' '9, "after": 1'; do
      echo "    { \"code\": \"tiered\", \"s\": 2, \"start\": $tiers$base },"
    done
  done | sed '$ s/,$/ ],/' >> trace.json
  echo '  "stop": { "iterations": 80 }, "output": { "detail": "worker" } }' >> trace.json
  "$STRAGGLE" run trace.json --quiet -o trace.db
  [ "$(python3 direct.py trace.db)" -gt 300 ]
}
