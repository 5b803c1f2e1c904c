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
