#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Every scheme of tests/protocols/*.json under all settings that touch a protocol, row by row
# (tests/protocols.py). PROTOCOLS=name runs one file only, SETTINGS=16 the first 16 settings, as
# `make test` does; `make validate` runs all.

setup() {
  protocols="$BATS_TEST_DIRNAME/protocols"
  cd "$BATS_TEST_TMPDIR"
}

@test "rows of all schemes hold what the protocol promises, under all settings" {
  python3 "$BATS_TEST_DIRNAME/protocols.py" "$protocols"/${PROTOCOLS:-*}.json
}

# A check that finds nothing must be able to: one number of one row changed at a time.
@test "every check finds what is wrong" {
  cat > one.json <<'END'
{ "workers": 4, "exact": [ { "code": "cyclic-repetition", "s": 1 } ], "inexact": [ { "code": "ignore-stragglers", "s": 1 } ],
  "crashes": [], "late_work": [ "cancel" ], "settings": 2 }
END
  while IFS='|' read -r finding sql; do
    rm -f one*.db
    run python3 "$BATS_TEST_DIRNAME/protocols.py" --tamper "$sql" one.json
    echo "$sql: $output"
    [ "$status" -eq 1 ]
    [[ "$output" == *"$finding"* ]]
  done <<'END'
grad_scaled_err|UPDATE iteration SET grad_scaled_err = 2e-8 WHERE iteration = 3 AND run_id = (SELECT min(run_id) FROM run)
grad_scaled_err None|UPDATE iteration SET grad_scaled_err = NULL WHERE iteration = 3 AND run_id = (SELECT min(run_id) FROM run)
the one before ends at|UPDATE iteration SET duration_s = duration_s * 1.0001 WHERE iteration = 0
rows end at|UPDATE run SET sim_time_s = sim_time_s + 0.001
rows of 13 iterations|UPDATE run SET iterations = iterations + 1
busy_s|UPDATE iteration SET busy_s = busy_s + 0.001 WHERE iteration = 2
wasted|UPDATE iteration SET wasted_s = 1e6 WHERE iteration = 2
bytes received|UPDATE iteration SET bytes_received = bytes_sent + 1 WHERE iteration = 0
messages received than sent|UPDATE iteration SET messages_sent = 0 WHERE iteration = 0
signals_down = -1|UPDATE iteration SET signals_down = -1 WHERE iteration = 5
of workers|UPDATE worker_iteration SET messages = 0 WHERE iteration = 4
bits of|UPDATE iteration SET bits = 0 WHERE iteration = 4
n_received = -1|UPDATE iteration SET n_received = -1 WHERE iteration = 0
status stalled|UPDATE run SET status = 'stalled' WHERE replication = 1
staleness|UPDATE iteration SET staleness_max = 1 WHERE iteration = 0
skipped rounds|UPDATE run_summary SET undecodable_iters = 1
are listed as exact, 2 are|UPDATE point SET exact = 1
runs, found|DELETE FROM run WHERE replication = 0
END
}

@test "a refusal in other words is none" {
  echo '{ "workers": 4, "exact": [ { "code": "cyclic-repetition", "s": 4 } ] }' > bad.json
  run python3 "$BATS_TEST_DIRNAME/protocols.py" bad.json
  [ "$status" -eq 1 ]
  [[ "$output" == *"run failed"*"expected"* ]]
}

@test "codes check of all codes: promises kept, the load at least s + m, traffic within its closed forms" {
  [ "${SETTINGS:-1000}" -gt 4 ] || skip "a sanitizer takes ten times as long; tests/codes_check.bats is for it"
  "$STRAGGLE" codes check --all -n 6 --patterns 200 --format json > all.json
  python3 - <<'END'
import json
checks = json.load(open("all.json"))
assert len({c["code"] for c in checks}) > 15
for c in checks:
    label = c["label"]
    assert c["broken_promises"] == 0 and c["patterns_inaccurate"] == 0, label
    if c["slack"] is not None:  # the bound is one of lost workers and of sums of gradients
        assert c["s_found"] >= c["s_promised"], label
        assert c["d_found"] >= c["s_found"] + c["m_found"] - 1e-9, label
        assert c["messages_least"] >= 1 and c["gradients_least"] >= 1 - 1e-9, label
    for what in ("messages", "gradients", "signals_up", "signals_down"):
        assert 0 <= c[what + "_least"] <= c[what + "_most"], (label, what)
    got = [c[w + e] for w in ("messages", "signals_up") for e in ("_least", "_most")]
    s = c["s_promised"]
    if c["code"] == "cyclic-repetition":  # the fastest n - s, whoever is slower may send yet
        assert got == [6 - s, 6, 0, 0] and c["signals_down_most"] == s, label
    if c["code"] == "nested" and c["config"]["signalling"] == "stop" and c["config"]["family"] == "cyclic":
        # n - s vectors of the level decided, at most a report for each of s_max + 1 tasks
        assert got[0] == 6 - s and got[1] == 6 and 6 <= got[2] <= got[3] <= 6 * (s + 1), (label, got)
    if c["code"] == "uc-mmc":  # one of every share, at most all that all have
        assert got == [6, 6 * c["config"]["r"], 0, 0], (label, got)
END
}

# Rows that change from round to round have no size that could be kept: what a pattern is worth would
# depend on what was tried before.
@test "codes check of a code that remembers is the same for every number of threads" {
  for j in 1 2 3 4; do
    "$STRAGGLE" codes check dynamic-clusters clusters=3 s=2 -n 12 -j $j --format json > $j.json
    cmp 1.json $j.json
  done
}
