#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The toy codes of tests/support/toy_codes.h, in a program whose registry has them, from scenario
# files into databases: signals and a stop in mid-iteration, two segments, two jobs in flight, a
# deadline, inner nodes, coded data, no barrier, mini-batches, a code whose encode reads its state.

setup() {
  : "${TOYS:=$(dirname "$STRAGGLE")/tests/straggle-toys}"
  scenarios="$BATS_TEST_DIRNAME/scenarios"
  cd "$BATS_TEST_TMPDIR"
}

@test "schedules by hand" {
  "$TOYS" run "$scenarios/toys-hand.json" --quiet -o hand.db
  # A subset takes 1, 2 and 5 s, a message of all 8 numbers 1 s, a signal 0.25 s:
  #   nested: second tasks end at 2, 4 and 10; the second signal comes at 4.25, two messages go at
  #     4.5 and come at 5.5.
  #   two messages, of 2 and 6 numbers: worker 2 sends at 5 and at 5 + 10.
  #   pipeline: round 0 without an update takes 5 + 1, then rounds of 10 + 2; the first row has both.
  #   cyclic, two subsets: messages at 3, 5 and 11. At 4.5 one is too few, so it waits for 5; at 7
  #     there are two; by 30 all have come, which ends it at 11.
  run sqlite3 hand.db "SELECT group_concat(duration_s, ' ') FROM (SELECT point_id, duration_s
    FROM iteration JOIN run USING (run_id) JOIN v_point USING (point_id) WHERE axes LIKE '%cancel%'
    ORDER BY point_id, iteration) GROUP BY point_id ORDER BY point_id"
  echo "$output"
  [ "${lines[0]}" = "5.5 5.5 5.5 5.5" ]
  [ "${lines[1]}" = "15.75 15.75 15.75 15.75" ]
  [ "${lines[2]}" = "18.0 12.0 12.0 12.0" ]
  [ "${lines[3]}" = "5.0 5.0 5.0 5.0" ]
  [ "${lines[4]}" = "7.0 7.0 7.0 7.0" ]
  [ "${lines[5]}" = "11.0 11.0 11.0 11.0" ]
  # Used messages: of level 1, of two segments, two halves of a job each, and what had come.
  [ "$(sqlite3 hand.db "SELECT group_concat(n, ' ') FROM (SELECT n_used_mean AS n FROM v_point
    WHERE axes LIKE '%cancel%' ORDER BY point_id)")" = "2.0 6.0 6.0 2.0 2.0 3.0" ]
  # Reports of first and second tasks until the end; the command to all, and word to stop.
  [ "$(sqlite3 hand.db "SELECT group_concat(messages_sent_mean || ' ' || signals_up_mean || ' ' || signals_down_mean, ', ')
    FROM (SELECT * FROM v_point WHERE axes LIKE '%cancel%' ORDER BY point_id)")" = \
    "2.0 4.0 3.0, 6.0 0.0 0.0, 6.75 0.0 0.0, 2.0 0.0 1.0, 2.0 0.0 1.0, 3.0 0.0 0.0" ]
  # Whoever sends what is left of the iteration before does it at the start of the next: all the same
  # messages are used, never one of a round that is over.
  [ "$(sqlite3 hand.db "SELECT count(*) FROM v_point WHERE grad_scaled_err_max < 1e-14")" = 8 ]
}

# Every row of every run, not only the worst that v_point tells.
exact() {
  [ "$(sqlite3 "$1" "SELECT count(*) FROM run_summary WHERE NOT coalesce(grad_scaled_err_max < $2, 0)")" = 0 ]
  [ "$(sqlite3 "$1" "SELECT count(*) FROM v_point WHERE unfinished_runs > 0 OR replications <> 3")" = 0 ]
}

@test "exact toys are exact whatever becomes of late work and messages, with crashes and a slow master" {
  "$TOYS" run "$scenarios/toys-three.json" --quiet -o three.db
  [ "$(sqlite3 three.db "SELECT count(*) FROM v_point")" = $(((5 * 2 + 2) * 2 * 2 * 2)) ]
  exact three.db 1e-14
  "$TOYS" run "$scenarios/toys-tree.json" --quiet -o tree.db
  [ "$(sqlite3 tree.db "SELECT count(*) FROM v_point")" = $((3 * 2 * 2 * 2 * 2)) ]
  exact tree.db 1e-12
  # What is decoded is the gradient, so that exact codes have the same model after each update; a
  # pipeline has two, and rounds that were skipped leave it as it was.
  [ "$(sqlite3 tree.db "SELECT count(DISTINCT round(final_loss, 10)) FROM v_point")" = 1 ]
  [ "$(sqlite3 three.db "SELECT count(DISTINCT round(final_loss, 10)) FROM v_point
    WHERE undecodable_iters = 0 AND code <> 'toy-pipeline'")" = 1 ]
  # The tree's parent adds up, three leaves are two too many; any three of the coded workers will do.
  [ "$(sqlite3 tree.db "SELECT DISTINCT n_used_mean FROM v_point WHERE code = 'toy-coded'")" = 3.0 ]
  [ "$(sqlite3 tree.db "SELECT DISTINCT n_used_mean FROM v_point WHERE code = 'toy-tree'")" = 1.0 ]
  run "$TOYS" compare tree.db
  [ "$status" -eq 0 ]
  [[ "$output" == *"toy-coded"*"1 (baseline)"* ]]
}

@test "toys without a barrier use what they say, and each what it has" {
  "$TOYS" run "$scenarios/toys-async.json" --quiet -o async.db
  exact async.db 1e-13
  # A master that takes no time uses every message alone, a slow one what has come meanwhile.
  [ "$(sqlite3 async.db "SELECT min(n_used_mean), max(n_used_mean) FROM v_point WHERE axes LIKE '%update = 0%'")" = "1.0|1.0" ]
  [ "$(sqlite3 async.db "SELECT min(n_used_mean) > 1.3 FROM v_point WHERE axes LIKE '%update = 2%'")" = 1 ]
  # Late work and late messages are words of rounds: without any they make no difference.
  [ "$(sqlite3 async.db "SELECT count(DISTINCT final_loss) FROM v_point")" = $((2 * 2 * 2)) ]
}

@test "a database of toys is compared and stored as any other" {
  "$TOYS" run "$scenarios/toys-hand.json" --quiet -o hand.db
  run "$TOYS" compare hand.db
  [ "$status" -eq 0 ]
  [[ "$output" == *"toy-nested"*"5.5"* ]]
  run "$TOYS" codes
  [[ "$output" == *"toy-pipeline"* ]]
  run "$STRAGGLE" codes
  [[ "$output" != *"toy-"* ]]
}

@test "an update on little data looks for the target when metrics are evaluated" {
  cat > target.json <<'END'
{ "format": 1, "cluster": { "workers": 4 }, "delay": { "model": "exponential", "mean_s": 1 },
  "learning": { "problem": "least-squares", "batch_rows": 3, "evaluate_every": 5,
                "data": { "source": "gaussian-mixture", "rows": 80, "features": 3 },
                "optimizer": { "method": "gradient-descent", "step": 0.1 } },
  "schemes": [ { "code": "toy-async" }, { "code": "toy-batches" }, { "code": "uncoded" } ],
  "replications": 5, "stop": { "iterations": 400, "target_loss": 0.25 },
  "output": { "database": "target.db" } }
END
  "$TOYS" run -q target.json
  sqlite3 target.db "SELECT code, iterations_to_target FROM run_summary JOIN run USING (run_id) JOIN point USING (point_id)"
  run sqlite3 target.db "SELECT sum(iterations_to_target % 5 = 0), count(iterations_to_target)
    FROM run_summary JOIN run USING (run_id) JOIN point USING (point_id) WHERE code <> 'uncoded'"
  [ "$output" = "10|10" ]
  run sqlite3 target.db "SELECT count(DISTINCT iterations_to_target), min(iterations_to_target % 5) > 0
    FROM run_summary JOIN run USING (run_id) JOIN point USING (point_id) WHERE code = 'uncoded'"
  [ "$output" = "1|1" ]
}
