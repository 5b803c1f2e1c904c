#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Designs, rateless codes, d-FRC and IS-GC through the whole path: codes check, and scenarios with
# erasures, deadlines, crashes and late work, row by row against formulas.

setup() {
  cd "$BATS_TEST_TMPDIR"
}

# scenario SCHEMES CLUSTER [ITERATIONS [MORE]]: runs it into s.db.
scenario() {
  cat > s.json <<END
{ "format": 1, "cluster": { $2 }, "delay": { "model": "exponential", "mean_s": 1 },
  "learning": { "problem": "least-squares", "data": { "source": "gaussian-mixture", "rows": 120, "features": 4 },
                "optimizer": { "method": "gradient-descent", "step": 0.01 } },
  "stop": { "iterations": ${3:-300}, "undecodable": "skip" }, "schemes": [ $1 ]${4:-} }
END
  rm -f s.db
  "$STRAGGLE" run -q s.json -o s.db
}

@test "block designs: the kept errors, mean = worst, by codes check" {
  for design in "7 3" "21 5" "13 4" "11 5" "31 6"; do
    set -- $design
    "$STRAGGLE" codes check block-design d=$2 -n $1 --patterns 2000 --straggling 0.2 --json > $1.json
  done
  python3 - <<'END'
import json
from math import comb
kept = {7: [.25, .571429, 1, 1.6, 2.5, 4], 21: [.166667, .347826, .545455, .761905, 1]}
for n, l, omega in ((7, 3, 1), (21, 5, 1), (13, 4, 1), (11, 5, 2), (31, 6, 1)):
    check = json.load(open(f"{n}.json"))
    seen = 0
    for sets in check["sets"]:
        r = sets["responders"]
        if r == 0:
            continue
        error = n - r * l * l / (l + omega * (r - 1))
        for what in ("mean_deviation", "worst_deviation"):
            assert abs(sets[what] * n - error) < 1e-9, (n, r, what, sets[what] * n, error)
            if n in kept and 1 <= n - r <= len(kept[n]):
                assert abs(sets[what] * n - kept[n][n - r - 1]) <= .5000001e-6
        seen += 1
    assert seen == n
END
}

@test "block designs: the kept errors in every row, under a fixed count and under independent erasures" {
  for s in 1 2 3 4 5 6; do
    scenario '{ "code": "block-design", "d": 3 }' '"workers": 7, "erasure": { "model": "uniform", "count": '$s' }' 40
    sqlite3 s.db "SELECT DISTINCT $s, round(decoding_err, 6), round(err_norm * 7, 6), n_used FROM iteration"
  done > found
  diff - found <<'END'
1|0.25|0.25|6
2|0.571429|0.571429|5
3|1.0|1.0|4
4|1.6|1.6|3
5|2.5|2.5|2
6|4.0|4.0|1
END
  for s in 1 2 3 4 5; do
    scenario '{ "code": "block-design", "d": 5, "s": '$s' }' '"workers": 21' 20
    sqlite3 s.db "SELECT DISTINCT round(decoding_err, 6) FROM iteration"
  done > found
  diff - found <<< $'0.166667\n0.347826\n0.545455\n0.761905\n1.0'
  scenario '{ "code": "block-design", "d": 3, "p": 0.2, "debias": "known" }' \
           '"workers": 7, "erasure": { "model": "bernoulli", "probability": 0.2 }' 4000
  python3 - <<'END'
import sqlite3
from math import comb
kappa = sum(comb(7, r) * .8 ** r * .2 ** (7 - r) * r * 9 / (2 + r) for r in range(1, 8)) / 7
rows = sqlite3.connect("s.db").execute("SELECT n_used, alpha_sum FROM iteration WHERE decoded").fetchall()
for r, total in rows:
    assert abs(total - r * 9 / (2 + r) / kappa) < 1e-9, (r, total)
share = [t / 7 for _, t in rows] + [0] * (4000 - len(rows))
mean = sum(share) / 4000
error = (sum((x - mean) ** 2 for x in share) / 3999 / 4000) ** .5
assert abs(mean - 1) <= 4 * error, (mean, error)
END
}

@test "identities of optimal decoding hold in every row, with deadlines, crashes and late work" {
  for cluster in '"workers": 14, "erasure": { "model": "bernoulli", "probability": 0.2 }' \
                 '"workers": 14, "crashes": { "model": "iterations", "mean_iterations": 8, "mean_recovery_iterations": 3 }'; do
    for late in cancel finish-first; do
      scenario '{ "code": "product", "workers1": 7, "d1": 3, "d2": 2, "stop": { "rule": "deadline", "deadline_s": 6 } },
                { "code": "d-frc", "d": 3, "s": 4 },
                { "code": "soft-block-design", "d": 3, "decoding": "optimal", "s": 3 },
                { "code": "brc", "eps": 0.1, "s": 4, "decoding": "optimal", "stop": { "rule": "deadline", "deadline_s": 5 } },
                { "code": "sparse-gaussian", "d": 3, "omega": 1, "decoding": "optimal", "s": 2 }' \
               "$cluster" 120 ", \"late_work\": \"$late\""
      # 1ᵀα = ‖α‖²: err = blocks − 1ᵀα, and the effective number of subsets is Σα.
      sqlite3 s.db "SELECT scheme_label, count(*), max(abs(decoding_err - (CASE code WHEN 'brc' THEN 7 ELSE 14 END - alpha_sum))) < 1e-9,
                           max(abs(subsets_effective - alpha_sum * 14.0 / (CASE code WHEN 'brc' THEN 7 ELSE 14 END))) < 1e-8, min(err_norm) >= -1e-12, max(err_norm) <= 1
                    FROM iteration JOIN run USING (run_id) JOIN point USING (point_id) WHERE decoded GROUP BY 1" > found
      cat found
      [ "$(wc -l < found)" = 5 ]
      ! grep -v '|1|1|1|1$' found
    done
  done
}

@test "d-frc: rows are exact as often as the closed form says" {
  scenario '{ "code": "d-frc", "d": 3 }, { "code": "d-frc", "s": 12, "probability": 0.85 }' \
           '"workers": 60, "erasure": { "model": "uniform", "count": 12 }' 3000
  python3 - <<'END'
import sqlite3
from math import comb
n, d, s = 60, 3, 12
exact = sum((-1) ** j * comb(n // d, j) * comb(n - j * d, s - j * d) for j in range(s // d + 1)) / comb(n, s)
lost = comb(n - d, s - d) / comb(n, s)
db = sqlite3.connect("s.db")
labels = [x for x, in db.execute("SELECT scheme_label FROM point")]
assert len(labels) == 2
for label in labels:  # both have d = 3: (1 - .2³)²⁰ = .852 with the scenario's probabilities
    errs = [e for e, in db.execute("SELECT err_norm FROM iteration JOIN run USING (run_id) JOIN point USING (point_id)"
                                   " WHERE scheme_label = ?", (label,))]
    for found, expected in (([e < 1e-12 for e in errs], exact), (errs, lost)):
        mean = sum(found) / 3000
        error = (sum((x - mean) ** 2 for x in found) / 2999 / 3000) ** .5
        assert len(errs) == 3000 and abs(mean - expected) <= 4 * error, (label, mean, error, expected)
END
}

@test "is-gc: the recovered groups of every row, against their closed form" {
  for w in 2 4 6; do
    scenario '{ "code": "is-gc", "c": 3, "rescale": false }, { "code": "is-gc", "c": 3 },
              { "code": "is-gc", "c": 3, "placement": "cyclic" }' \
             '"workers": 12, "erasure": { "model": "uniform", "count": '$((12 - w))' }' 2000
    W=$w python3 - <<'END'
import os, sqlite3
from math import comb
w = int(os.environ["W"])
expected = 4 * (1 - comb(9, w) / comb(12, w))
db = sqlite3.connect("s.db")
def rows(label):
    return db.execute("SELECT alpha_sum, subsets_effective, err_norm, n_used, n_received FROM iteration JOIN run USING (run_id)"
                      " JOIN point USING (point_id) WHERE scheme_label = ? ORDER BY iteration", (label,)).fetchall()
plain, scaled, cyclic = rows("is-gc c=3 rescale=false"), rows("is-gc c=3"), rows("is-gc c=3 cyclic")
assert len(plain) == len(scaled) == len(cyclic) == 2000
groups = []
for p, q in zip(plain, scaled):
    groups.append(p[0] / 3)
    u = 3 * p[3]  # plain sums of as many groups as messages are used
    assert p[4] == w and abs(p[0] - u) < 1e-12 and abs(p[1] - u) < 1e-9, p
    assert abs(q[0] - 12) < 1e-9 and abs(q[1] - u) < 1e-9 and abs(q[2] - (12 - u) / u) < 1e-9, (p, q)
mean = sum(groups) / 2000
error = (sum((x - mean) ** 2 for x in groups) / 1999 / 2000) ** .5
assert abs(mean - expected) <= 4 * error, (w, mean, error, expected)
# On a circle fewer parts are disjoint, never more than there are places for.
assert all(abs(c[1] - 3 * c[3]) < 1e-9 and 1 <= c[3] <= min(w, 4) for c in cyclic)
END
  done
}

@test "brc and ldgm: rows lose whole batches, a zero step where nothing peels, never more than all" {
  scenario '{ "code": "brc", "eps": 0.1, "s": 10, "fallback": "zero" }, { "code": "ldgm", "s": 10 },
            { "code": "brc", "eps": 0.1, "s": 10, "stop": { "rule": "deadline", "deadline_s": 3 } }' \
           '"workers": 40, "erasure": { "model": "bernoulli", "probability": 0.4 }' 300
  # p = .4, so batches of 3 and 13 of them.
  sqlite3 s.db "SELECT code, count(*), max(abs(decoding_err - round(decoding_err))) < 1e-9,
                       max(abs(alpha_sum - (13 - decoding_err))) < 1e-9, sum(alpha_sum = 0) = sum(n_used = 0)
                FROM iteration JOIN run USING (run_id) JOIN point USING (point_id)
                WHERE scheme_label = 'brc eps=0.1 zero s=10' GROUP BY 1" > found
  [ "$(cat found)" = "brc|300|1|1|1" ]
  # ldgm: u blocks of 20 times 20/u, or nothing.
  [ "$(sqlite3 s.db "SELECT count(*) > 250, max(abs(alpha_sum - 20)) < 1e-9, max(abs(subsets_effective / 40.0 * 20 * (1 + err_norm) - 20)) < 1e-6
                     FROM iteration JOIN run USING (run_id) JOIN point USING (point_id) WHERE code = 'ldgm' AND n_used > 0")" = "1|1|1" ]
  # With a deadline nobody waits longer, and more comes out than nothing.
  [ "$(sqlite3 s.db "SELECT max(duration_s) <= 3 + 1e-9, avg(err_norm) < 0.9 FROM iteration JOIN run USING (run_id) JOIN point USING (point_id)
                     WHERE scheme_label LIKE '%deadline%'")" = "1|1" ]
}

@test "what does not exist is refused, with what is near" {
  refused() {
    run "$STRAGGLE" codes check "${@:2}"
    echo "$output"
    [ "$status" -ne 0 ]
    [[ "${output//$'\n'/ }" == *"$1"* ]]
  }
  refused "such as (n, d, omega) = (8, 1, 0), (8, 7, 6), (8, 8, 8); (7, 3, 1) and (11, 5, 2)" block-design d=3 -n 8
  refused "Bruck, Ryser and Chowla" block-design d=7 -n 43
  refused "expected a number > 0 and < 0.25, found 0.3" brc eps=0.3 -n 10
  refused "expected a density from 0.4 to 1" sparse-gaussian d=2.5 omega=1 density=0.3 -n 7
  refused "expected omega from 0.666667 to 2.5" soft-block-design d=2.5 omega=3 -n 7
  refused "expected c dividing n = 8 (1, 2, 4, 8)" is-gc c=3 -n 8
  refused "which d = n = 5 has" d-frc p=0.3 probability=0.999 -n 5
  refused "expected workers1 dividing n = 8 (1, 2, 4, 8)" product workers1=3 d1=1 d2=1 -n 8
  # The formula of constant weights' bias wants workers that are alike, or rows that are.
  for scheme in '"bernoulli", "d": 2|1' '"block-design", "d": 5|0'; do
    echo '{ "format": 1, "cluster": { "workers": 6, "erasure": { "model": "bernoulli", "probabilities": [0.1, 0.2, 0.1, 0.1, 0.1, 0.1] } },
            "delay": { "model": "exponential", "mean_s": 1 }, "learning": { "problem": "none" },
            "schemes": [ { "code": '"${scheme%|*}"', "decoding": "constant", "debias": "known" } ] }' > alike.json
    run "$STRAGGLE" check alike.json
    [ "$((status != 0))" = "${scheme#*|}" ]
    [ "$status" = 0 ] || [[ "$output" == *"expected measured, as the formula is of workers that straggle alike"* ]]
  done
  # In a scenario, at its place.
  echo '{ "format": 1, "cluster": { "workers": 8 }, "delay": { "model": "exponential", "mean_s": 1 }, "learning": { "problem": "none" },
          "schemes": [ { "code": "block-design", "d": 3 } ] }' > bad.json
  run "$STRAGGLE" check bad.json
  [ "$status" -ne 0 ]
  [[ "$output" == *"/schemes/0/d"* ]]
}
