#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Timelines: traces and pictures of stored runs, read by tests/read_pftrace.py, which shares no code
# with the program, and compared with the rows of the database.

bats_require_minimum_version 1.5.0

setup() {
  : "${TOYS:=$(dirname "$STRAGGLE")/tests/straggle-toys}"
  scenarios="$BATS_TEST_DIRNAME/../scenarios"
  read="$BATS_TEST_DIRNAME/read_pftrace.py"
  cd "$BATS_TEST_TMPDIR"
}

# Both traces of a run are sound, and of the same slices and flows; its seconds are those of the
# rows. What is marked as not used is the rows' wasted_s, unless told otherwise.
sound() {
  program="${4:-$STRAGGLE}"
  "$program" timeline "$1" --run "$2" -o trace.pftrace > report
  "$program" timeline "$1" --run "$2" -o trace.json > report
  python3 "$read" trace.pftrace --busy "$1" "$2" > native || { cat native; return 1; }
  python3 "$read" trace.json --busy "$1" "$2" > chrome || { cat chrome; return 1; }
  diff native chrome
  [ "${3:-}" = any ] || awk '/^busy/ { exit !(($4 - $6) ^ 2 < 1e-12 * $4 ^ 2 + 1e-18) }' native || { cat native; return 1; }
}

# "receive: 12": how many slices of a name the trace has.
slices() {
  sed -n "s/^$1: //p" native
}

@test "compute slices are the seconds of the rows, and what is not used the wasted ones: quickstart" {
  mkdir here there
  cp -r "$scenarios/quickstart.json" "$scenarios/data" here
  "$STRAGGLE" run --quiet here/quickstart.json --set /output/detail=worker -o q.db
  # Times do not depend on data: they may be gone.
  rm -r here
  for run in $(sqlite3 q.db "SELECT run_id FROM run WHERE replication = 1"); do
    sound q.db "$run"
    [ "$(slices receive)" = "$(sqlite3 q.db "SELECT sum(n_used) FROM iteration WHERE run_id = $run")" ]
    [ "$(slices decode)" = "$(sqlite3 q.db "SELECT count(*) FROM iteration WHERE run_id = $run")" ]
    [ "$(grep -o 'flows.*' native)" = "flows $(slices receive)" ]
  done
  # By label, by code where one scheme has it, by replication.
  "$STRAGGLE" timeline q.db --scheme 'cyclic-repetition s=2' --replication 3 -o a.pftrace
  "$STRAGGLE" timeline q.db --run "$(sqlite3 q.db "SELECT run_id FROM run JOIN point USING (point_id) WHERE replication = 3 AND scheme_label = 'cyclic-repetition s=2'")" -o b.pftrace
  cmp a.pftrace b.pftrace
  # Some iterations are those of the whole.
  "$STRAGGLE" timeline q.db --scheme uncoded --iterations 5..7 --json -o some.trace
  python3 "$read" some.trace > native
  [ "$(slices iteration)" = 3 ]
  [ "$(slices decode)" = 3 ]
  [ "$(slices send)" = 36 ]
}

@test "late work and messages, ingress, a slow master, crashes, half duplex" {
  i=0
  for ingress in '{"model":"unlimited"}' '{"model":"fifo","bandwidth_Bps":4000}' '{"model":"fair-share","bandwidth_Bps":4000}'; do
    for crashes in '{"model":"none"}' '{"model":"iterations","mean_iterations":4,"mean_recovery_iterations":2}' '{"model":"seconds","mean_iterations":4,"downtime":{"model":"exponential","mean_s":2}}'; do
      work=(cancel finish-first) late=(cancel occupy-link) duplex=(full half)
      master=('{}' '{"update_s":0.3,"decode":{"model":"flops","flops_per_s":1000}}')
      cat > c.json << END
{"format":1,"cluster":{"workers":8,"crashes":$crashes},"delay":{"model":"shifted-exponential","shift_s":1,"mean_excess_s":1},
"network":{"uplink":{"model":"linear","latency_s":0.2,"bandwidth_Bps":3000},"ingress":$ingress,
"broadcast":{"model":"linear","latency_s":0.1,"bandwidth_Bps":20000},"late_messages":"${late[i / 2 % 2]}",
"signal_latency_s":0.25,"duplex":"${duplex[i % 2]}"},"master":${master[i % 2]},"late_work":"${work[(i + i / 2) % 2]}",
"learning":{"problem":"none","length":200},"schemes":[{"code":"ignore-stragglers","s":2},{"code":"group","d":2,"m":1},
{"code":"streamed-group","d":4,"chunks":2}],"stop":{"iterations":15,"undecodable":"skip"},"output":{"detail":"worker"}}
END
      i=$((i + 1))
      rm -f c.db
      "$STRAGGLE" run --quiet c.json -o c.db
      for run in $(sqlite3 c.db "SELECT run_id FROM run"); do sound c.db "$run" any; done
      [[ $crashes == *none* ]] || [ "$(slices down)" -gt 0 ]
    done
  done
}

@test "signals, inner nodes, two jobs, late messages, no barrier" {
  for code in tree:4 nested:3 two-messages:3 pipeline:3 async:4 late:4; do
    echo '{"format":1,"cluster":{"workers":'${code#*:}'},"delay":{"model":"shifted-exponential","shift_s":1,"mean_excess_s":1},
    "network":{"uplink":{"model":"shifted-exponential","shift_s":0.5,"mean_excess_s":1},"signal_latency_s":0.25},
    "master":{"update_s":0.1,"decode":{"model":"flops","flops_per_s":200}},"learning":{"problem":"none","length":20},
    "schemes":[{"code":"toy-'${code%:*}'"}],"stop":{"iterations":20},"output":{"detail":"worker"}}' > toy.json
    rm -f toy.db
    "$TOYS" run --quiet toy.json -o toy.db
    # Without a barrier what is under way at the end is neither used nor wasted; late: a cancelled
    # task is one slice, used or not.
    case $code in async* | late*) how=any ;; *) how= ;; esac
    sound toy.db 16777216 "$how" "$TOYS"
    case $code in
    # Two of three leaves through the parent, and its own message.
    tree*) grep -q "flows 60" native ;;
    nested*)
      [ "$(slices 'command from the master')" = 60 ]
      [ "$(slices 'signal to the master')" -ge 60 ]
      ;;
    esac
    "$TOYS" timeline toy.db --run 16777216 --iterations 3..5 -o toy.svg
    xmllint --noout toy.svg
  done
}

@test "a picture by hand: places are times, and all that it has is said" {
  # Subsets take 1 and 2 s, a message 1 s: decoded after 3 s. The picture is 714 wide, from 112.
  echo '{"format":1,"name":"<b>&\"é","cluster":{"workers":2,"speeds":[1,0.5]},"delay":{"model":"deterministic","value_s":1},
  "network":{"uplink":{"model":"deterministic","value_s":1}},"learning":{"problem":"none"},"schemes":[{"code":"uncoded"}],
  "stop":{"iterations":3}}' > hand.json
  "$STRAGGLE" run --quiet hand.json -o hand.db
  "$STRAGGLE" timeline hand.db --run 16777216 --iterations 1 -o hand.svg
  "$STRAGGLE" timeline hand.db --run 16777216 --iterations 1 -o again.svg
  cmp hand.svg again.svg
  xmllint --noout hand.svg
  grep -q '<title>worker 0 computes, 0 to 1 s</title><rect x="112" y="94.6" width="238"' hand.svg
  grep -q '<title>worker 1 computes, 0 to 2 s</title><rect x="112" y="120.6" width="476"' hand.svg
  grep -q '<title>worker 1 sends, used, 2 to 3 s</title><rect x="588"' hand.svg
  grep -q 'Decoded after 3 s with 2 messages; the last one is of worker 1' hand.svg
  grep -q '&lt;b&gt;&amp;&quot;é' hand.svg
  [ "$(grep -c '<circle' hand.svg)" = 3 ] # two messages, and the legend
  grep -q 'prefers-color-scheme:dark' hand.svg
  # Names are what they are, whoever wrote the database.
  sqlite3 hand.db "UPDATE point SET scheme_label = '<script>alert(1)</script>' || char(27)"
  "$STRAGGLE" timeline hand.db --run 16777216 -o odd.svg | cat -v > said
  xmllint --noout odd.svg
  run ! grep -q '<script>' odd.svg
  run ! grep -q '\^\[' said
  "$STRAGGLE" timeline hand.db --run 16777216 -o odd.json > said
  python3 "$read" odd.json
  # Cancelled and unused work is hatched.
  "$STRAGGLE" run --quiet "$scenarios/quickstart.json" --set /replications=1 -o q.db
  "$STRAGGLE" timeline q.db --scheme 'group d=4 m=2 harmonic decodable' -o group.svg
  grep -q 'url(#t-unused)' group.svg
  grep -q 'url(#t-cancelled)' group.svg
  run ! grep -q 'url(#' hand.svg
}

@test "a run that comes out otherwise, or is of another version, is not drawn" {
  "$STRAGGLE" run --quiet "$scenarios/quickstart.json" --set /replications=1 --set /stop/iterations=5 --set /output/detail=worker -o q.db
  refused() { # what, SQL
    cp q.db r.db
    sqlite3 r.db "$2"
    rm -f r.svg
    run "$STRAGGLE" timeline r.db --run 16777216 -o r.svg
    echo "$output"
    [ "$status" = 65 ] && [[ "$output" == *"$1"* ]] && [ ! -e r.svg ] && [ ! -e r.svg.part ]
  }
  refused "duration_s of iteration 3 is now" "UPDATE iteration SET duration_s = duration_s * 1.0001 WHERE run_id = 16777216 AND iteration = 3"
  refused "start_s of iteration 4 is now" "UPDATE iteration SET start_s = start_s + 1e-6 WHERE run_id = 16777216 AND iteration = 4"
  refused "compute_s of iteration 2 is now" "UPDATE worker_iteration SET compute_s = compute_s + 1e-6 WHERE run_id = 16777216 AND iteration = 2 AND worker = 7"
  refused "the number of rows is now" "DELETE FROM iteration WHERE run_id = 16777216 AND iteration = 4"
  refused "sim_time_s is now" "UPDATE run SET sim_time_s = 3"
  refused "the number of events is now" "UPDATE run SET events = events + 1"
  refused "simulates by version" "UPDATE point SET results_version = results_version - 1"
  refused "was not finished" "UPDATE run SET status = 'running'"
  refused "configuration" "UPDATE point SET config_json = '{\"environment\":3}'"
  refused "configuration" "UPDATE point SET config_json = '{{'"
  refused "/network" "UPDATE point SET config_json = replace(config_json, '\"duplex\"', '\"duplicity\"')"
  "$STRAGGLE" run --quiet "$scenarios/quickstart.json" --set /replications=1 --set /stop/iterations=5 --set /output/detail=summary -o s.db
  "$STRAGGLE" timeline s.db --run 16777216 -o s.svg
  "$STRAGGLE" timeline q.db --run 16777216 -o q.svg
  cmp q.svg s.svg
}

@test "which run: names, numbers, and what there is instead" {
  "$STRAGGLE" run --quiet "$scenarios/quickstart.json" --set /replications=2 --set /stop/iterations=5 \
    --set '/sweep=[{"name":"shift","path":"/delay/shift_s","values":[1,2]}]' -o q.db
  says() { # exit code, text, arguments
    code=$1 text=$2
    shift 2
    run "$STRAGGLE" timeline "$@" -o x.svg
    echo "$output"
    [ "$status" = "$code" ] && [[ "$output" == *"$text"* ]] && [ ! -e x.svg ]
  }
  says 64 "there is no run 5; there are 36 from 16777216 to" q.db --run 5
  says 64 'no scheme here is called "uncodet"; did you mean "uncoded"?' q.db --scheme uncodet
  says 64 'did you mean "cyclic-repetition s=1"?' q.db --scheme 'cyclic-repetition s=3'
  says 64 'there are "uncoded", "ignore-stragglers s=2"' q.db --scheme zzz
  says 64 '2 runs fit: --run 16777216 (environment 1, uncoded, shift = 1), --run' q.db --scheme uncoded
  says 64 'there is no replication 7 of "uncoded"; the last is 1' q.db --scheme uncoded --replication 7
  says 64 'environment 9' q.db --scheme uncoded --environment 9
  says 64 'has iterations 0 to 4, and there is no 5' q.db --run 16777216 --iterations 3..5
  says 64 'expected a..b' q.db --run 16777216 --iterations 3..2
  says 64 'expected a..b' q.db --run 16777216 --iterations ..
  says 64 'expected --run ID or --scheme' q.db
  says 64 'expected --run ID or --scheme' q.db --run 16777216 --scheme uncoded
  says 64 'expected neither' q.db --run 16777216 --replication 1
  says 66 'nothing.db' nothing.db --run 16777216
  run "$STRAGGLE" timeline q.db --run 16777216 -o x.png
  [ "$status" = 64 ]
  run "$STRAGGLE" timeline q.db --run 16777216 -o no/x.svg
  [ "$status" = 73 ]
  "$STRAGGLE" timeline q.db --scheme uncoded --environment 2 --replication 1 -o x.svg
  echo '{"format":1,"cluster":{"workers":2},"delay":{"model":"exponential","mean_s":1},"learning":{"problem":"none"},"schemes":[{"code":"uncoded"}],"stop":{"iterations":30}}' > long.json
  "$STRAGGLE" run --quiet long.json -o long.db
  run "$STRAGGLE" timeline long.db --run 16777216 --iterations 0..20 -o long.svg
  [ "$status" = 64 ]
  [[ "$output" == *"room for 20 iterations, found 21"* ]]
  "$STRAGGLE" timeline long.db --run 16777216 --iterations 10.. -o long.json
}

@test "configurations with files, axes, data and measured times" {
  printf 'worker,iteration,compute_s\n0,0,1\n0,1,2\n1,0,3\n1,1,1\n' > t1.csv
  printf 'worker,iteration,compute_s\n0,0,2\n0,1,2\n1,0,5\n1,1,1\n' > t2.csv
  echo '{"format":1,"cluster":{"workers":2},"delay":{"model":"trace","path":"t1.csv"},"learning":{"problem":"none"},"schemes":[{"code":"uncoded"}],
  "sweep":[{"name":"file","path":"/delay/path","values":["t1.csv","t2.csv"]},{"name":"signals","path":"/network/signal_latency_s","values":[0,1]}],
  "stop":{"iterations":4},"output":{"detail":"worker"}}' > trace.json
  "$STRAGGLE" run --quiet trace.json -o t.db
  for run in $(sqlite3 t.db "SELECT run_id FROM run"); do sound t.db "$run"; done
  # One that is elsewhere now; the wrong one is found out.
  mv t1.csv moved.csv
  run "$STRAGGLE" timeline t.db --run 16777216 -o t.svg
  [ "$status" = 66 ]
  [[ "$output" == *"t1.csv"* ]]
  "$STRAGGLE" timeline t.db --run 16777216 --set /delay/path=moved.csv -o t.svg
  run "$STRAGGLE" timeline t.db --run 16777216 --set /delay/path=t2.csv -o t.svg
  [ "$status" = 65 ]
  [[ "$output" == *"comes out otherwise"* ]]
  printf '1,0,0\n0,1,0\n0,0,1\n1,1,0\n0,1,1\n1,0,1\n' > B.csv
  common='"format":1,"cluster":{"workers":6},"delay":{"model":"exponential","mean_s":1},"stop":{"iterations":6},"output":{"detail":"worker"}'
  data='"learning":{"problem":"least-squares","data":{"source":"gaussian-mixture","rows":300,"features":10}}'
  link='"network":{"uplink":{"model":"linear","bandwidth_Bps":1000},"compression":{"compressor":'
  i=0
  for rest in '"learning":{"problem":"none","subsets":3},"schemes":[{"code":"uncoded"},{"code":"matrix","encode":"B.csv"}]' \
    '"master":{"decode":{"model":"measured"}},'"$data"',"schemes":[{"code":"cyclic-repetition","s":2}]' \
    "$link"'"qsgd"}},'"$data"',"schemes":[{"code":"uncoded"}]' \
    '"replicate":"delays+code+data","replications":2,'"$data"',"schemes":[{"code":"cyclic-repetition","s":2},{"code":"group","d":2,"m":1}]'; do
    echo "{$common,$rest}" > c.json
    rm -f c.db
    "$STRAGGLE" run --quiet c.json -o c.db
    for run in $(sqlite3 c.db "SELECT run_id FROM run"); do sound c.db "$run"; done
  done
  # A run that grows without bound ended by its loss, a stalled one by itself.
  echo "{$common,\"learning\":{\"problem\":\"least-squares\",\"optimizer\":{\"method\":\"gradient-descent\",\"step\":1e6},\"data\":{\"source\":\"gaussian-mixture\",\"rows\":300,\"features\":10}},\"schemes\":[{\"code\":\"uncoded\"}]}" > c.json
  rm -f c.db
  "$STRAGGLE" run --quiet c.json --set /stop/iterations=500 -o c.db
  [ "$(sqlite3 c.db "SELECT status FROM run")" = diverged ]
  sound c.db 16777216
}
