#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# All-reduce without a master, from scenario files into databases and out again: tests/peer_collective.py computes
# every iteration's time once more.

setup() {
  here="$BATS_TEST_DIRNAME"
  cd "$BATS_TEST_TMPDIR"
}
ask() { sqlite3 -separator ' ' "$1" "$2"; }
of="run USING (run_id) JOIN point USING (point_id)"

# n workers with uplinks of 3 µs and 450 GiB/s, as in the published comparisons; what is given replaces members.
make_scenario() {
  python3 - "$@" <<'PYTHON'
import json, sys
s = {"format": 1, "cluster": {"workers": 8}, "delay": {"model": "deterministic", "value_s": 1},
     "network": {"uplink": {"model": "linear", "latency_s": 3e-6, "bandwidth_Bps": 450 * 2**30}},
     "learning": {"problem": "none", "length": 2**27}, "schemes": [], "stop": {"iterations": 2}, "replications": 1,
     "output": {"detail": "worker"}}
for name, text in (a.split("=", 1) for a in sys.argv[2:]):
    s[name] = json.loads(text)
json.dump(s, open(sys.argv[1], "w"))
PYTHON
}

@test "ring, halving-doubling and tree take the time of their hops, from 2 to 64 workers, whoever is late" {
  ring='{"code":"uncoded","collective":"ring"}' tree='{"code":"uncoded","collective":"tree"}'
  halving='{"code":"uncoded","collective":"halving-doubling"}'
  random='delay={"model":"shifted-exponential","shift_s":0.5,"mean_excess_s":1,"unit":"subset"}'
  # Chunks of 1000 coordinates are uneven for most n; transfers of about 1 s overlap with what workers do.
  slow='network={"uplink":{"model":"linear","latency_s":0.05,"bandwidth_Bps":9000},"header_bytes":24}'
  make_scenario ring.json "$random" "$slow" 'learning={"problem":"none","length":1000}' "schemes=[$ring,$tree]" \
    "sweep=[{\"name\":\"n\",\"path\":\"/cluster/workers\",\"values\":[$(seq -s, 2 64)]}]"
  make_scenario powers.json "$random" "$slow" 'learning={"problem":"none","length":1000}' "schemes=[$halving,$ring]" \
    'sweep=[{"name":"n","path":"/cluster/workers","values":[2,4,8,16,32,64]}]' 'replications=4'
  # Fixed speeds, all different, and classes of links; some links cannot keep up with what comes.
  make_scenario speeds.json 'cluster={"workers":8,"speeds":[1,0.9,0.81,0.7,0.66,1.5,0.3,0.93]}' "schemes=[$ring,$tree,$halving]" \
    'network={"uplink":{"model":"linear","latency_s":0.2,"bandwidth_Bps":4000},"assign":"in-order","classes":[{"share":0.25,"uplink_speed":0.25},{"share":0.75,"uplink_speed":1.7}]}' \
    'learning={"problem":"none","length":1003}'
  for name in ring powers speeds; do
    "$STRAGGLE" run $name.json -q -o $name.db
    run python3 "$here/peer_collective.py" $name.db
    echo "$output"
    [ "$status" -eq 0 ]
  done
  [ "$(ask ring.db "SELECT count(DISTINCT n_workers), count(*) FROM iteration JOIN $of")" = "63 252" ]
  # The closed form where chunks are equal: the last worker's computing, then 2(n − 1)(α + sβ/n).
  make_scenario equal.json "$random" "$slow" 'learning={"problem":"none","length":960}' "schemes=[$ring]" \
    'sweep=[{"name":"n","path":"/cluster/workers","values":[2,3,4,5,6,8,10,12,15,16,20,24,30,32,40,48,60,64]}]' 'replications=5'
  "$STRAGGLE" run equal.json -q -o equal.db
  [ "$(ask equal.db "SELECT count(*), max(abs(duration_s - last - 2 * (n - 1) * (0.05 + (8 * 960.0 / n + 24) / 9000)) / duration_s) < 1e-12
    FROM (SELECT duration_s, n_workers AS n, max(compute_s) AS last FROM iteration JOIN $of
      JOIN worker_iteration USING (run_id, iteration) GROUP BY run_id, iteration)")" = "180 1" ]
}

@test "the peer finds a time that is wrong" {
  make_scenario one.json 'schemes=[{"code":"uncoded","collective":"ring"}]'
  "$STRAGGLE" run one.json -q -o one.db
  python3 "$here/peer_collective.py" one.db
  ask one.db "UPDATE iteration SET duration_s = duration_s * (1 + 1e-9) WHERE iteration = 1"
  run python3 "$here/peer_collective.py" one.db
  [ "$status" -eq 1 ]
}

# theory: all-reduce; milliseconds after the late worker is ready.
@test "StragglAR takes n - 2 + log2 n rounds after the late worker, against the ring's 2(n - 1)" {
  for n in 2 4 6 8 10 16 22 32 64; do
    late=$((n / 3))
    speeds=$(python3 -c "print([0.5 if i == $late else 1 for i in range($n)])")
    make_scenario $n.json "cluster={\"workers\":$n,\"speeds\":$speeds}" \
      "schemes=[{\"code\":\"uncoded\",\"collective\":\"ring\"},{\"code\":\"uncoded\",\"collective\":{\"algorithm\":\"straggl-ar\",\"late_worker\":$late}}]"
  done
  "$STRAGGLE" run [0-9]*.json -q -o all.db
  run ask all.db "SELECT n_workers, max(CASE WHEN scheme_label LIKE '%ring' THEN printf('%.6f', 1000 * (duration_s - 2)) END),
    max(CASE WHEN scheme_label LIKE '%straggl%' THEN printf('%.6f', 1000 * (duration_s - 2)) END) FROM iteration JOIN $of
    WHERE iteration = 1 GROUP BY 1"
  echo "$output"
  [[ "$output" == *"8 3.930889 2.884143"* && "$output" == *"64 4.753000 2.602589"* ]]
  while read -r n ring late; do
    python3 - $n $ring $late <<'PYTHON'
import math, sys
n, ring, late = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
a, b = 3e-3, 1e3 / 450
assert abs(ring - 2 * (n - 1) * (a + b / n)) < 2e-6, (n, ring)
assert abs(late - (n - 2 + math.ceil(math.log2(n))) * (a + b / (n - 1))) < 2e-6, (n, late)  # 7 rounds for n = 6
PYTHON
  done <<< "$output"
  # All ready at once: still the sum, after the others' ring as well.
  make_scenario early.json 'schemes=[{"code":"uncoded","collective":"straggl-ar"}]'
  "$STRAGGLE" run early.json -q -o early.db
  [ "$(ask early.db "SELECT count(*) FROM iteration WHERE duration_s > 1.0028 AND duration_s < 1.0049")" = 2 ]
}

@test "buckets are summed while the next are computed, in the time of a plain program" {
  make_scenario buckets.json 'cluster={"workers":5,"speeds":[1,0.97,0.83,1.21,0.71]}' 'learning={"problem":"none","length":1003}' \
    'network={"uplink":{"model":"linear","latency_s":0.013,"bandwidth_Bps":31000},"header_bytes":24}' \
    'schemes=[{"code":"uncoded","collective":"ring"},{"code":"uncoded","collective":{"algorithm":"ring","buckets":{"each":[2,3,7]}}}]'
  "$STRAGGLE" run buckets.json -q -o buckets.db
  run python3 "$here/peer_collective.py" buckets.db
  echo "$output"
  [ "$status" -eq 0 ]
  [ "${#lines[@]}" -eq 4 ]
  # Here it pays: seven buckets hide most of the transfers.
  [ "$(ask buckets.db "SELECT max(CASE WHEN scheme_label = 'uncoded ring' THEN duration_s END)
    > max(CASE WHEN scheme_label LIKE '%buckets=3%' THEN duration_s END) FROM iteration JOIN $of")" = 1 ]
  # The layers of a problem that has some are its buckets.
  make_scenario layers.json 'cluster={"workers":4}' 'network={"uplink":{"model":"linear","latency_s":0.001,"bandwidth_Bps":4e6}}' \
    'learning={"problem":"layered-gradient","layers":[{"rows":40000},{"rows":20000},{"rows":60000}],"frames":10,"samples":100}' \
    'schemes=[{"code":"uncoded","collective":"ring"},{"code":"uncoded","collective":"ring","layers":"one-by-one"},{"code":"uncoded"}]'
  "$STRAGGLE" run layers.json -q -o layers.db
  [ "$(ask layers.db "SELECT count(*), max(grad_scaled_err) < 1e-15 FROM iteration WHERE grad_scaled_err >= 0")" = "6 1" ]
  [ "$(ask layers.db "SELECT max(CASE WHEN scheme_label = 'uncoded ring' THEN duration_s END)
    > max(CASE WHEN scheme_label LIKE '%one-by-one%' THEN duration_s END) FROM iteration JOIN $of")" = 1 ]
}

learning='learning={"problem":"least-squares","evaluate_every":1,"batch_rows":5,"data":{"source":"gaussian-mixture","rows":240,"features":40},"optimizer":{"method":"gradient-descent","step":0.05}}'
random='delay={"model":"shifted-exponential","shift_s":0.5,"mean_excess_s":1,"unit":"subset"}'

@test "the sum is uncoded's, hop by hop, in bytes and in numbers; its rounding is recorded" {
  make_scenario sum.json "$learning" "$random" 'stop={"iterations":20}' 'schemes=[{"code":"uncoded"},{"code":"uncoded","collective":{"each":["ring","halving-doubling","tree","straggl-ar"]}},
    {"code":"uncoded","collective":{"algorithm":"ring","buckets":4}}]'
  "$STRAGGLE" run sum.json -q -o sum.db
  [ "$(ask sum.db "SELECT count(*), max(grad_scaled_err) < 1e-15, max(loss) - min(loss) < 1e-14 FROM iteration JOIN $of WHERE iteration = 19")" = "6 1 1" ]
  [ "$(ask sum.db "SELECT count(*) FROM iteration i JOIN $of JOIN (SELECT iteration AS k, loss AS plain FROM iteration JOIN $of
    WHERE scheme_label = 'uncoded') ON k = iteration WHERE abs(loss - plain) > 1e-13 * plain")" = 0 ]
  # 2(n − 1)/n · 8 l bytes of each of n workers, to the byte: l = 41, n = 8. Tree: 2(n − 1) vectors.
  [ "$(ask sum.db "SELECT count(*) FROM iteration JOIN $of WHERE scheme_label <> 'uncoded' AND bytes_sent <> 2 * 7 * 8 * 41
    AND scheme_label NOT LIKE '%straggl%'")" = 0 ]
  # n(n − 2) chunks of 41/7 by the others, then n − 1 each way with the late one, then (n − 1)(n − 2).
  [ "$(ask sum.db "SELECT count(DISTINCT bytes_sent) FROM iteration JOIN $of WHERE scheme_label LIKE '%straggl%' AND bytes_sent = 8 * 41 * 14")" = 1 ]

  # Messages in shorter formats are rounded at every hop: the more hops, the more error.
  for format in float32 bfloat16; do
    make_scenario $format.json "$learning" "$random" 'stop={"iterations":20}' "network={\"compression\":\"$format\"}" \
      'schemes=[{"code":"uncoded"},{"code":"uncoded","collective":"ring"}]' \
      'sweep=[{"name":"n","path":"/cluster/workers","values":[2,8,32]}]'
    "$STRAGGLE" run $format.json -q -o $format.db
    run ask $format.db "SELECT avg(grad_scaled_err) FROM iteration JOIN $of WHERE scheme_label LIKE '%ring' GROUP BY n_workers ORDER BY n_workers"
    python3 - "$format" "${lines[@]}" <<'PYTHON'
import sys
unit, (a, b, c) = {"float32": 2.0**-24, "bfloat16": 2.0**-8}[sys.argv[1]], map(float, sys.argv[2:])
assert unit / 20 < a < b < c < unit, (a, b, c)
PYTHON
  done
}

@test "codes on a collective give the sum of those whom their stop policy took, and no other" {
  # Instant reports and links: who is taken is the same with a master and without.
  make_scenario codes.json "$learning" "$random" 'stop={"iterations":20,"undecodable":"skip"}' 'network={"compression":"float64"}' 'schemes=[
    {"code":"cyclic-repetition","s":2},{"code":"cyclic-repetition","s":2,"collective":"ring"},
    {"code":"fractional-repetition","s":3,"stop":"decodable"},{"code":"fractional-repetition","s":3,"stop":"decodable","collective":"halving-doubling"},
    {"code":"ignore-stragglers","s":2},{"code":"ignore-stragglers","s":2,"collective":"straggl-ar"},
    {"code":"local-sgd","period":3,"inner":"momentum"},{"code":"local-sgd","period":3,"inner":"momentum","collective":"ring"},
    {"code":"diloco","period":4},{"code":"diloco","period":4,"collective":"tree"},{"code":"evict"},{"code":"evict","collective":"ring"},
    {"code":"ignore-stragglers","s":2,"stop":{"rule":"first-factor","mu":0.5}},{"code":"ignore-stragglers","s":2,"stop":{"rule":"first-factor","mu":0.5},"collective":"tree"},
    {"code":"bernoulli","d":3,"stop":{"rule":"deadline","deadline_s":6}},{"code":"bernoulli","d":3,"stop":{"rule":"deadline","deadline_s":6},"collective":"ring"},
    {"code":"k-sync","k":5,"stop":{"rule":"deadline","deadline_s":1.1}},{"code":"k-sync","k":5,"stop":{"rule":"deadline","deadline_s":1.1},"collective":"ring"},
    {"code":"k-sync","k":5,"stop":{"rule":"deadline","deadline_s":0.52}},{"code":"k-sync","k":5,"stop":{"rule":"deadline","deadline_s":0.52},"collective":"ring"}]'
  "$STRAGGLE" run codes.json -q -o codes.db
  run ask codes.db "SELECT replace(replace(replace(replace(scheme_label, ' ring', ''), ' tree', ''), ' halving-doubling', ''), ' straggl-ar', '') AS plain,
      count(*), sum(decoded), max(duration_s) > 0 FROM iteration JOIN $of GROUP BY plain"
  echo "$output"
  [ "${#lines[@]}" -eq 10 ]
  # Losses and times agree pair by pair, skipped rounds too.
  ask codes.db "SELECT replace(replace(replace(replace(scheme_label, ' ring', ''), ' tree', ''), ' halving-doubling', ''), ' straggl-ar', ''),
      iteration, decoded, duration_s, loss, err_norm, wasted_s FROM iteration JOIN $of ORDER BY 1, 2" > rows.txt
  python3 - <<'PYTHON'
rows = [line.rstrip("\n").rsplit(" ", 6) for line in open("rows.txt")]
assert len(rows) == 2 * 10 * 20, len(rows)
skipped = 0
for a, b in zip(rows[::2], rows[1::2]):
    assert a[:3] == b[:3], (a, b)
    skipped += a[2] == "0"
    for x, y in zip(a[3:], b[3:]):
        assert x == y or abs(float(x) - float(y)) <= 1e-12 * max(1, abs(float(x))), (a, b)
assert 0 < skipped < 40, skipped
PYTHON
  # An exact code's sum, rounded where it is formed.
  [ "$(ask codes.db "SELECT max(grad_scaled_err) < 1e-13 FROM iteration JOIN $of WHERE exact AND scheme_label LIKE '%ring'")" = 1 ]
  # A report of each that is done, a command to each, with their latency before the first hop.
  make_scenario signals.json 'cluster={"workers":4,"speeds":[1,0.9,0.8,0.1]}' 'learning={"problem":"none","length":1000}' \
    'network={"uplink":{"model":"linear","latency_s":0.01,"bandwidth_Bps":1000000},"signal_latency_s":0.2}' \
    'schemes=[{"code":"cyclic-repetition","s":1,"collective":"ring"}]'
  "$STRAGGLE" run signals.json -q -o signals.db
  # 2/0.8 s of computing, a report, a command, 6 hops of 250 numbers.
  [ "$(ask signals.db "SELECT count(*), max(abs(duration_s - (2.5 + 0.4 + 6 * 0.012))) < 1e-12, min(signals_up), max(signals_up), max(signals_down) FROM iteration")" = "2 1 3 3 4" ]
  # The straggler forwards, and stops computing when it hears of it: after 2.9 s, for nothing.
  [ "$(ask signals.db "SELECT count(*), max(abs(compute_s - 2.9)) < 1e-12 FROM worker_iteration WHERE worker = 3")" = "2 1" ]
  [ "$(ask signals.db "SELECT max(abs(wasted_s - 2.9)) < 1e-12 FROM iteration")" = 1 ]
}

@test "a lost worker stops a ring: the round is skipped, and goes on when it is back" {
  make_scenario crash.json "$learning" "$random" 'stop={"iterations":60,"undecodable":"skip"}' \
    'cluster={"workers":4,"crashes":{"model":"iterations","mean_iterations":12,"mean_recovery_iterations":2}}' \
    'schemes=[{"code":"uncoded","collective":"ring"},{"code":"cyclic-repetition","s":2,"collective":"ring"},{"code":"uncoded"}]'
  "$STRAGGLE" run crash.json -q -o crash.db
  [ "$(ask crash.db "SELECT count(*) FROM run WHERE status <> 'finished' OR iterations <> 60")" = 0 ]
  # Whoever is dead takes everybody's round, whatever the code tolerates: the same rounds for all.
  [ "$(ask crash.db "SELECT count(*), count(DISTINCT n), min(n) > 10, max(n) < 60 FROM
    (SELECT sum(decoded) AS n FROM iteration JOIN $of GROUP BY run_id)")" = "3 1 1 1" ]
  # Without skipping, the run ends.
  make_scenario stall.json "$random" 'stop={"iterations":60}' 'cluster={"workers":4,"crashes":{"model":"iterations","mean_iterations":12,"mean_recovery_iterations":2}}' \
    'schemes=[{"code":"uncoded","collective":"ring"}]'
  run "$STRAGGLE" run stall.json -q -o stall.db
  [ "$(ask stall.db "SELECT status FROM run")" = stalled ]
}

@test "the expected times are those of the runs" {
  ring='{"code":"uncoded","collective":"ring"}'
  all="$ring,"'{"code":"uncoded","collective":"tree"},{"code":"uncoded","collective":"halving-doubling"},{"code":"uncoded","collective":{"algorithm":"straggl-ar","late_worker":6}}'
  slow='network={"uplink":{"model":"linear","latency_s":0.05,"bandwidth_Bps":9000},"header_bytes":24}'
  # Fixed times: any algorithm, links that differ, uneven chunks.
  make_scenario fixed.json 'cluster={"workers":8,"speeds":[1,0.9,0.81,0.7,0.66,1.5,0.3,0.93]}' "schemes=[$all]" 'learning={"problem":"none","length":1003}' \
    'network={"uplink":{"model":"linear","latency_s":0.2,"bandwidth_Bps":4000},"assign":"in-order","classes":[{"share":0.25,"uplink_speed":0.25},{"share":0.75,"uplink_speed":1.7}]}'
  "$STRAGGLE" run fixed.json -q -o fixed.db
  "$STRAGGLE" expect fixed.json --format csv > fixed.csv
  # Random ones: E[the slowest] + the hops, where it does not matter who that is.
  make_scenario random.json "$random" "$slow" 'learning={"problem":"none","length":1000}' "schemes=[$all]" 'stop={"iterations":4000}'
  "$STRAGGLE" run random.json -q -o random.db
  run "$STRAGGLE" expect random.json
  [[ "$output" == *"uncoded tree: the time of the collective depends on who is late"* ]]
  "$STRAGGLE" expect random.json --format csv > random.csv
  python3 - <<'PYTHON'
import csv, sqlite3
def read(name):
    of = {r["scheme"]: r["mean_s"] for r in csv.DictReader(open(name + ".csv"))}
    for label, mean, sd, n in sqlite3.connect(name + ".db").execute("SELECT scheme_label, avg(duration_s), avg(duration_s * duration_s), count(*)"
            " FROM iteration JOIN run USING (run_id) JOIN point USING (point_id) GROUP BY 1"):
        yield label, of[label], mean, ((sd - mean * mean) / n) ** 0.5
fixed = list(read("fixed"))
assert len(fixed) == 4
for label, want, mean, _ in fixed:
    assert abs(float(want) - mean) < 1e-9 * mean, (label, want, mean)
kept = [(label, (float(want) - mean) / error) for label, want, mean, error in read("random") if want]
assert [label for label, _ in kept] == ["uncoded halving-doubling", "uncoded ring"], kept
assert all(abs(z) < 4 for _, z in kept), kept
PYTHON
  for setting in 'network={"duplex":"half"}' 'schemes=[{"code":"cyclic-repetition","s":1,"collective":"ring"}]' \
    'schemes=[{"code":"uncoded","collective":{"algorithm":"ring","buckets":2}}]' \
    'network={"uplink":{"model":"exponential","mean_s":1}}' 'network={"ingress":{"model":"fifo","bandwidth_Bps":1000}}'; do
    make_scenario no.json "schemes=[$ring]" "$setting"
    run "$STRAGGLE" expect no.json
    [[ "$output" == *"no closed form"* ]]
  done
}

@test "what does not fit is refused where it stands" {
  make_scenario bad.json 'schemes=[{"code":"uncoded","collective":"rings"}]'
  run "$STRAGGLE" check bad.json
  [ "$status" -ne 0 ]
  [[ "$output" == *"/schemes/0/collective"*'unknown collective "rings"'*'"halving-doubling"'* ]]
  make_scenario bad.json 'cluster={"workers":6}' 'schemes=[{"code":"uncoded","collective":"halving-doubling"},
    {"code":"group","d":3,"m":2,"collective":"ring"},{"code":"k-async","k":2,"collective":"ring"},{"code":"uncoded","collective":{"algorithm":"straggl-ar","late_worker":6}},
    {"code":"cyclic-repetition","s":1,"collective":{"algorithm":"ring","buckets":2}},{"code":"coded-reduce","fan_out":2,"depth":2,"s":1,"collective":"ring"},
    {"code":"uncoded","collective":"ring","layers":"one-by-one"}]' 'invalid_combinations="error"'
  run "$STRAGGLE" check bad.json
  echo "$output"
  [ "$status" -ne 0 ]
  [[ "$output" == *"/schemes/0/collective"*"a power of two of workers (the nearest are 4 and 8), found 6"* ]]
  [[ "$output" == *"/schemes/1/collective"*"pieces (m > 1)"* ]]
  [[ "$output" == *"/schemes/2/collective"*"a protocol of its own"* ]]
  [[ "$output" == *"/schemes/3/collective/late_worker"*"0 to 5"* ]]
  [[ "$output" == *"/schemes/4/collective/buckets"*"one bucket"* ]]
  [[ "$output" == *"/schemes/5/collective"*"other workers"* ]]
  [[ "$output" == *"/schemes/6/layers"*"no layers"* ]]
  # Error feedback would come back in another hop's sum.
  make_scenario feedback.json "$learning" 'schemes=[{"code":"uncoded","collective":"ring"}]' 'network={"compression":{"compressor":"top-k","k":2,"feedback":"classic"}}'
  run "$STRAGGLE" check feedback.json
  echo "$output"
  [ "$status" -ne 0 ]
  [[ "$output" == *"/network/compression/feedback"*"every hop"* ]]
}

@test "commands understand schemes with a collective" {
  make_scenario all.json "$learning" "$random" 'stop={"iterations":5}' 'network={"uplink":{"model":"linear","latency_s":0.01,"bandwidth_Bps":10000}}' \
    'schemes=[{"code":"uncoded"},{"code":"uncoded","collective":{"each":["ring","halving-doubling","tree","straggl-ar"]}},
    {"code":"cyclic-repetition","s":2,"collective":"ring"},{"code":"uncoded","collective":{"algorithm":"ring","buckets":3}}]'
  "$STRAGGLE" check all.json | grep "uncoded ring: all-reduce without a master: 8 chunks, 14 rounds, 112 hops"
  "$STRAGGLE" plan all.json | grep "cyclic-repetition s=2 ring"
  "$STRAGGLE" run all.json -q -o all.db
  "$STRAGGLE" compare all.db | grep "uncoded straggl-ar"
  "$STRAGGLE" blame all.db --scheme "uncoded ring"
  "$STRAGGLE" blame all.db --scheme "cyclic-repetition s=2 ring"
  for id in $(ask all.db "SELECT run_id FROM run"); do
    "$STRAGGLE" timeline all.db --run $id -o $id.svg
    "$STRAGGLE" timeline all.db --run $id -o $id.json
  done
  "$STRAGGLE" codes check uncoded collective=ring -n 6 | grep "the master must receive 6 messages: 1 gradients"
  "$STRAGGLE" codes check cyclic-repetition s=2 collective=tree -n 6 | grep "a late one only forwards"
}

@test "blame finds who computes last, though everybody's last hop comes when all is over" {
  make_scenario slow.json 'cluster={"workers":6,"speeds":[1,1,1,0.5,1,1]}' 'delay={"model":"shifted-exponential","shift_s":1,"mean_excess_s":0.1}' \
    'network={"uplink":{"model":"linear","latency_s":0.01,"bandwidth_Bps":10000}}' 'learning={"problem":"none","length":960}' \
    'stop={"iterations":30}' 'schemes=[{"code":"uncoded","collective":"ring"},{"code":"uncoded","collective":"tree"},{"code":"cyclic-repetition","s":1,"collective":"ring"}]'
  "$STRAGGLE" run slow.json -q -o slow.db
  [ "$(sqlite3 slow.db "SELECT count(*), count(last_worker) FROM iteration")" = "90|0" ] # nobody is waited for by a master
  for scheme in "uncoded ring" "uncoded tree"; do
    run "$STRAGGLE" blame slow.db --scheme "$scheme" --format csv
    echo "$output"
    [[ "${lines[1]}" == 3,30,* ]]
  done
  # Of the code's the late one is not among those that are waited for.
  run "$STRAGGLE" blame slow.db --scheme "cyclic-repetition s=1 ring"
  echo "$output"
  [[ "$output" == *"does not wait for all"* ]]
  "$STRAGGLE" blame slow.db --scheme "cyclic-repetition s=1 ring" --format csv | grep "^3,0,"
}

@test "more buckets than a worker has transmissions for are refused" {
  cat > many.json <<'END'
{ "format": 1, "cluster": { "workers": 64 }, "delay": { "model": "deterministic", "value_s": 1 },
  "learning": { "problem": "none", "length": 100000 },
  "schemes": [ { "code": "uncoded", "collective": { "algorithm": "ring", "buckets": 521 } } ] }
END
  run "$STRAGGLE" check many.json
  [ "$status" -eq 65 ]
  [[ "$output" == *"/schemes/0/collective/buckets: expected at most 520 buckets"* ]]
  sed -i 's/521/520/' many.json
  "$STRAGGLE" check many.json
}
