#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What all approximate codes share, through the program: where straggling probabilities come from.

setup() {
  cd "$BATS_TEST_TMPDIR"
}

# $1: schemes, $2: more of the cluster
scenario() {
  cat > s.json <<END
{ "format": 1, "cluster": { "workers": 12 $2 }, "delay": { "model": "exponential", "mean_s": 1, "unit": "subset" },
  "learning": { "problem": "none" }, "stop": { "iterations": 2000, "undecodable": "skip" }, "schemes": [ $1 ] }
END
}

@test "fixed weights and debiasing want to know how many answer" {
  deadline='"stop": { "rule": "deadline", "deadline_s": 3 }'
  for scheme in '"code": "sgc", "d": 3' '"code": "bernoulli", "d": 3, "decoding": "fixed"' \
                '"code": "bernoulli", "d": 3, "debias": "measured"' '"code": "approximate-repetition", "d": 3, "debias": "known"'; do
    scenario "{ $scheme, $deadline }"
    run "$STRAGGLE" check s.json
    [ "$status" -eq 65 ]
    [[ "$output" == *"/schemes/0/p: expected p, or s, or a scenario with erasures or crashes"* ]]
    for more in ', "p": 0.1' ', "s": 2'; do
      scenario "{ $scheme, $deadline $more }"
      "$STRAGGLE" check s.json
    done
    scenario "{ $scheme, $deadline }" ', "erasure": { "model": "bernoulli", "probability": 0.1 }'
    "$STRAGGLE" check s.json
    scenario "{ $scheme }"
    "$STRAGGLE" check s.json
  done
  scenario '{ "code": "bernoulli", "d": 3 }' ', "erasure": { "model": "pattern", "workers": [0,1,2,3,4,5,6,7,8,9,10,11] }'
  run "$STRAGGLE" check s.json
  [[ "$output" == *"expected a worker that may answer"* ]]
}

@test "a stop that counts says how many are missing" {
  # Groups of three, six of twelve answer: a group is lost with C(9, 6)/C(12, 6) = 1/11, all sets being alike.
  scenario '{ "code": "approximate-repetition", "d": 3, "stop": { "rule": "count", "messages": 6 }, "debias": "known" },
            { "code": "approximate-repetition", "d": 3, "s": 6, "debias": "known" },
            { "code": "approximate-repetition", "d": 3, "s": 6, "stop": { "rule": "count", "messages": 6 }, "debias": "measured" }'
  "$STRAGGLE" run -q s.json -o s.db
  python3 - <<'END'
import sqlite3
db = sqlite3.connect("s.db")
for (point,) in db.execute("SELECT point_id FROM point").fetchall():
    sums = [x for (x,) in db.execute("SELECT alpha_sum FROM iteration JOIN run USING (run_id) WHERE point_id = ?", (point,))]
    whole = max(sums)
    if point < 3:   # all there: 12 over 10/11
        assert abs(whole - 12 * 11 / 10) < 1e-9, whole
    n = len(sums)
    mean = sum(sums) / n
    error = (sum((x - mean) ** 2 for x in sums) / n / n) ** 0.5
    assert n == 2000 and abs(mean - 12) < 4 * error + (0 if point < 3 else 0.05), (point, mean, error)
END
}

@test "workers that never answer are none of those that weights are for" {
  scenario '{ "code": "bernoulli", "d": 3, "decoding": "fixed" }, { "code": "bernoulli", "d": 4, "debias": "measured" }' \
    ', "erasure": { "model": "pattern", "workers": [ 0, 7 ] }'
  "$STRAGGLE" run -q s.json -o s.db --set /stop/iterations=20
  # The same ten answer in every round, so that the mean share of the sum is the sum itself.
  [ "$(sqlite3 s.db "SELECT count(*), sum(abs(alpha_sum - 12) < 1e-9) FROM iteration")" = "40|40" ]
}
