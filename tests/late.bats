#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What happens beside the plain round: cancelling takes the time of a signal, encoding that of its
# operations, latency leaves the link free. All times by hand, from scenario file to rows.

setup() {
  cd "$BATS_TEST_TMPDIR"
}

# Times of three workers in two iterations, from a trace; the master waits for two.
three() { # members of network
  printf 'iteration,worker,compute_s\n0,0,1\n0,1,2\n0,2,10\n1,0,10\n1,1,2\n1,2,1\n' > times.csv
  cat > s.json <<EOF
{ "format": 1, "cluster": { "workers": 3 },
  "delay": { "model": "trace", "path": "times.csv", "mode": "replay" },
  "network": { $1 },
  "learning": { "problem": "none", "length": 1000 },
  "schemes": [ { "code": "ignore-stragglers", "s": 1 } ],
  "stop": { "iterations": 2 }, "output": { "detail": "worker" } }
EOF
}
rows() { # columns; further options of run
  local columns=$1
  shift
  "$STRAGGLE" run s.json -q -o s.db "$@"
  sqlite3 -separator ' ' s.db "SELECT $columns FROM iteration ORDER BY iteration"
  rm s.db
}
times="printf('%.6g', duration_s), printf('%.6g', busy_s), printf('%.6g', wasted_s)"

@test "cancel: a worker goes on until the signal has come, for nothing, and begins late" {
  # Both end with the second to come. Worker 2 is told at 2 and hears of it at 5: it wastes 2 s of
  # the first row and 3 s of the second, in which it comes at 5 + 1 (worker 1 at 2 + 2).
  three '"signal_latency_s": 3'
  [ "$(rows "$times")" = "2 5 2
4 10 7" ]
  # At once: worker 2 comes at 3, worker 1 at 4, of worker 0 two seconds are wasted.
  [ "$(rows "$times" --set /network/cancel=instant)" = "2 5 2
2 5 2" ]
  # A signal that comes while nobody waits any more for anything changes nothing.
  [ "$(rows "$times" --set /network/signal_latency_s=0)" = "$(rows "$times" --set /network/cancel=instant)" ]
}

@test "cancel: whoever is through before the signal has come goes on with the next iteration" {
  # Worker 2 would be through at 10, the signal comes at 12.
  three '"signal_latency_s": 10'
  [ "$(rows "$times")" = "2 5 2
9 20 17" ]
  # With finish-first it is the same whatever the signal.
  [ "$(rows "$times" --set /late_work=finish-first)" = "2 5 2
9 20 17" ]
}

@test "cancel: a message on the link stays there until the signal has come" {
  # Each message takes 4 s. First: at 5, 6; worker 2 begins to send at 3 and hears at 6.5.
  three '"signal_latency_s": 0.5, "uplink": { "model": "deterministic", "value_s": 4 }'
  printf 'iteration,worker,compute_s\n0,0,1\n0,1,2\n0,2,3\n1,0,10\n1,1,0.25\n1,2,0.25\n' > times.csv
  # Then worker 1 comes at 0.25 + 4, worker 2 at 0.5 + 4.
  [ "$(rows "printf('%.6g', duration_s)")" = "6
4.5" ]
  [ "$(rows "printf('%.6g', duration_s)" --set /network/cancel=instant)" = "6
4.25" ]
  # Half duplex: the link is as busy.
  [ "$(rows "printf('%.6g', duration_s)" --set /network/duplex=half)" = "6
4.5" ]
  # One that nothing stops comes at 7.
  [ "$(rows "printf('%.6g', duration_s)" --set /network/late_messages=occupy-link)" = "6
5" ]
}

@test "stars with settings at random, simulated again" {
  STRAGGLE="$STRAGGLE" python3 "$BATS_TEST_DIRNAME/late_star.py" 6 24
}

@test "encode: two operations for each coefficient and number, before the message is on the link" {
  cat > s.json <<EOF
{ "format": 1, "cluster": { "workers": 3 }, "delay": { "model": "deterministic", "value_s": 1 },
  "network": { "uplink": { "model": "deterministic", "value_s": 0.5 } },
  "learning": { "problem": "none", "length": 1000 },
  "schemes": [ { "code": "cyclic-repetition", "s": 1 } ],
  "stop": { "iterations": 1 } }
EOF
  columns="printf('%.6g', duration_s - decode_s), printf('%.6g', encode_s)"
  # Two subsets, rows of two: 4000 operations by each of three workers.
  [ "$(rows "$columns")" = "2.5 0" ]
  [ "$(rows "$columns" --set '/encode={"model":"flops","flops_per_s":2000}')" = "4.5 6" ]
  [ "$(rows "$columns" --set '/master/decode={"model":"flops","flops_per_s":4000}')" = "3.5 3" ]
  [ "$(rows "$columns" --set '/master/decode={"model":"flops","flops_per_s":4000}' --set '/encode={"model":"none"}')" = "2.5 0" ]
  run "$STRAGGLE" expect s.json --set '/encode={"model":"flops","flops_per_s":2000}'
  [[ "$output" == *"encod"* ]]
  # Two chunks of 500 numbers, rows of one and of two: the worker encodes one after the other. The
  # first is on the link at 2 + 0.5 for 0.25 s, the second at 2 + 0.5 + 1.
  sed -i 's/"workers": 3/"workers": 2/; s/"cyclic-repetition", "s": 1/"streamed-group", "d": 2, "chunks": 2/' s.json
  one='/cluster={"workers":2,"assign":"in-order","classes":[{"share":0.5,"speed":1},{"share":0.5,"speed":0.01}]}'
  [ "$(rows "$columns" --set "$one" --set '/encode={"model":"flops","flops_per_s":2000}')" = "3.75 1.5" ]
}

@test "during_latency: the next message follows at once, or waits until the first has come" {
  # Worker 0 computes for 2 s, its two chunks are 1 s on the link each, and 1 s on their way.
  cat > s.json <<EOF
{ "format": 1,
  "cluster": { "workers": 2, "assign": "in-order",
               "classes": [ { "share": 0.5, "speed": 1 }, { "share": 0.5, "speed": 0.01 } ] },
  "delay": { "model": "deterministic", "value_s": 1 },
  "network": { "uplink": { "model": "linear", "latency_s": 1, "bandwidth_Bps": 4000 } },
  "learning": { "problem": "none", "length": 1000 },
  "schemes": [ { "code": "streamed-group", "d": 2, "chunks": 2 } ],
  "stop": { "iterations": 2 } }
EOF
  [ "$(rows "printf('%.6g', duration_s)")" = "5
5" ]
  [ "$(rows "printf('%.6g', duration_s)" --set /network/uplink/during_latency=link-busy)" = "6
6" ]
}

@test "keep-partial: used by codes that can, refused for those that cannot" {
  : "${TOYS:=$(dirname "$STRAGGLE")/tests/straggle-toys}"
  # Messages take 4 s: at 5 and 6; worker 2's begins at 3, before the end at 6, and comes at 7. Then
  # both others come at 6 + 1 + 4: three messages are used, with the late one two subsets of work
  # more are of use.
  three '"uplink": { "model": "deterministic", "value_s": 4 }'
  printf 'iteration,worker,compute_s\n0,0,1\n0,1,2\n0,2,3\n1,0,1\n1,1,1\n1,2,20\n' > times.csv
  sed -i 's/"code": "ignore-stragglers", "s": 1/"code": "toy-late"/' s.json
  late() {
    "$TOYS" run s.json -q -o s.db --set /late_work="$1" "${@:2}"
    sqlite3 -separator ' ' s.db "SELECT printf('%.6g', duration_s), n_used, printf('%.6g', wasted_s),
      staleness_max FROM iteration ORDER BY iteration"
    rm s.db
  }
  [ "$(late cancel)" = "6 2 3 0.0
5 2 5 0.0" ]
  [ "$(late keep-partial)" = "6 2 0 0.0
5 3 5 1.0" ]
  # The master's update takes time: the message comes meanwhile, and is kept for the next decode.
  [ "$(late keep-partial --set /master/update_s=2)" = "8 2 0 0.0
7 3 5 1.0" ]
  sed -i 's/"code": "toy-late"/"code": "ignore-stragglers", "s": 1/' s.json
  run "$STRAGGLE" check s.json --set /late_work=keep-partial
  [ "$status" -eq 65 ]
  [[ "$output" == *"/late_work"*"ignore-stragglers"*"keep-partial"* ]]
}
