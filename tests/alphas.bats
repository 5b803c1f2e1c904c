#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What is recorded of the coefficients of a decoded sum, and of compression, against a computation
# from who was used, or from another column.

setup() {
  cd "$BATS_TEST_TMPDIR"
}

@test "effective subsets, bias and covariance of α follow from who was used" {
  cat > s.json <<'END'
{ "format": 1, "cluster": { "workers": 6, "speeds": [1, 1, 2, 2, 4, 0.5], "erasure": { "model": "bernoulli", "probability": 0.1 } },
  "delay": { "model": "exponential", "mean_s": 1, "unit": "subset" },
  "learning": { "problem": "synthetic-gradient", "length": 8 }, "stop": { "iterations": 400, "undecodable": "skip" },
  "schemes": [ { "code": "ignore-stragglers", "s": 2 }, { "code": "ignore-stragglers", "s": 5, "stop": { "rule": "deadline", "deadline_s": 2 } } ],
  "replications": 2, "output": { "detail": "worker" } }
END
  "$STRAGGLE" run -q s.json -o s.db
  python3 - <<'END'
import sqlite3
db = sqlite3.connect("s.db")
for run_id, bias, norm in db.execute("SELECT run_id, alpha_bias, alpha_cov_norm FROM run_summary"):
    rows = []
    for it, err, total, eff in db.execute("SELECT iteration, err_norm, alpha_sum, subsets_effective FROM iteration"
                                          " WHERE run_id = ? AND decoded", (run_id,)):
        used = [w for w, u in db.execute("SELECT worker, used FROM worker_iteration WHERE run_id = ? AND iteration = ?",
                                         (run_id, it)) if u]
        a = [6 / len(used) if w in used else 0 for w in range(6)]
        assert abs(err - sum((x - 1) ** 2 for x in a) / 6) < 1e-12, (it, err, a)
        assert abs(total - sum(a)) < 1e-12
        assert abs(eff - len(used)) < 1e-12, (eff, used)
        rows.append(a)
    assert len(rows) > 300
    n = len(rows)
    mean = [sum(r[i] for r in rows) / n for i in range(6)]
    assert abs(bias - (sum((m - 1) ** 2 for m in mean) / 6) ** 0.5) < 1e-12, (bias, mean)
    c = [[sum((r[i] - mean[i]) * (r[j] - mean[j]) for r in rows) / (n - 1) for j in range(6)] for i in range(6)]
    x = [1, -0.3, 0.7, 0.2, -0.9, 0.4]
    for _ in range(4000):
        y = [sum(c[i][j] * x[j] for j in range(6)) for i in range(6)]
        size = sum(v * v for v in y) ** 0.5
        x = [v / size for v in y]
    assert abs(norm - size) < 1e-6 * size, (norm, size)
END
}

@test "of a code that is exact there is neither" {
  cat > s.json <<'END'
{ "format": 1, "cluster": { "workers": 4 }, "delay": { "model": "exponential", "mean_s": 1, "unit": "subset" },
  "learning": { "problem": "least-squares", "data": { "source": "gaussian-mixture", "rows": 40, "features": 3 } },
  "stop": { "iterations": 20 }, "schemes": [ { "code": "uncoded" }, { "code": "ignore-stragglers", "s": 1 } ] }
END
  "$STRAGGLE" run -q s.json -o s.db
  [ "$(sqlite3 s.db "SELECT code, alpha_bias IS NULL, alpha_cov_norm IS NULL, subsets_effective_mean FROM run_summary JOIN run USING (run_id) JOIN point USING (point_id)")" = \
    $'uncoded|1|1|4.0\nignore-stragglers|0|0|3.0' ]
}

@test "the compression error of one worker is the gradient's" {
  for c in '"qsgd","levels":3' '"top-k","share":0.3' '"float32"'; do
    cat > s.json <<END
{ "format": 1, "cluster": { "workers": 1 }, "delay": { "model": "exponential", "mean_s": 1, "unit": "subset" },
  "network": { "compression": { "compressor": $c } },
  "learning": { "problem": "least-squares", "data": { "source": "gaussian-mixture", "rows": 60, "features": 9 },
                "optimizer": { "method": "gradient-descent", "step": 0.01 } },
  "stop": { "iterations": 30 }, "schemes": [ { "code": "uncoded" } ] }
END
    rm -f s.db
    "$STRAGGLE" run -q s.json -o s.db
    if [ "$c" = '"float32"' ]; then
      [ "$(sqlite3 s.db "SELECT count(compression_err) FROM iteration")" = 0 ]
    else
      [ "$(sqlite3 s.db "SELECT count(*), sum(abs(compression_err - grad_rel_err) < 1e-12), min(compression_err) > 0.01 FROM iteration")" = "30|30|1" ]
    fi
  done
}
