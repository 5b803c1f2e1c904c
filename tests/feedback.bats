#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Error feedback, compression of a scheme, and how compressed schemes are judged, through the
# program. STRAGGLE names it.

setup() {
  cd "$BATS_TEST_TMPDIR"
  cat > p.json <<'JSON'
{
  "format": 1,
  "cluster": { "workers": 6 },
  "delay": { "model": "exponential", "mean_s": 1 },
  "network": { "uplink": { "model": "linear", "bandwidth_Bps": 1000 } },
  "learning": { "problem": "synthetic-gradient", "length": 600 },
  "schemes": [ { "code": "uncoded" } ],
  "stop": { "iterations": 30 },
  "replications": 6
}
JSON
}

refused() { # $1: scheme; $2: place; then words
  run "$STRAGGLE" check p.json --set "/schemes=[$1]"
  [ "$status" -eq 65 ]
  [[ "$output" == *"$2: expected "* ]]
  local place="$2" word
  shift 2
  for word; do [[ "$output" == *"$word"* ]] || { echo "$place: no $word in: $output"; return 1; }; done
}

taken() { # $1: scheme
  run "$STRAGGLE" check p.json --set "/schemes=[$1]"
  [ "$status" -eq 0 ]
}

@test "a scheme's own compression: label, bytes, time, one environment" {
  "$STRAGGLE" run p.json -q -o own.db --set /network/header_bytes=96 --set '/schemes=[{"code":"uncoded"},
    {"code":"uncoded","compression":{"each":["float32","float64"]}},
    {"code":"uncoded","compression":{"compressor":"qsgd","levels":7}}]' \
    --set '/delay={"model":"deterministic","value_s":1,"unit":"dataset","scaling":"startup","per_subset_s":0}'
  # 600 numbers and a header, 1000 bytes a second; 32 + 600 · 4 bits are 304 bytes.
  run sqlite3 own.db "SELECT scheme_label, compression, compressed, printf('%.6f', iter_mean_s), bits_mean
    FROM point JOIN run USING (point_id) JOIN run_summary USING (run_id) WHERE replication = 0
    ORDER BY point_id"
  [ "$output" = "uncoded|float64|0|5.896000|230400.0
uncoded float32|float32|1|3.496000|115200.0
uncoded float64|float64|0|5.896000|230400.0
uncoded qsgd(levels=7)|qsgd levels=7|1|1.400000|14592.0" ]
  [ "$(sqlite3 own.db 'SELECT count(DISTINCT env_sha256), count(DISTINCT point_sha256) FROM point')" = '1|4' ]
}

@test "half the bits take half the time on a link that is the bottleneck" {
  # Levels of 31 and 15 bits and a sign: 32 and 16 bits a coordinate, and 32 of the norm.
  "$STRAGGLE" run p.json -q -o half.db --set '/network/uplink/bandwidth_Bps=10' \
    --set '/schemes=[{"code":"uncoded","compression":{"each":["float64","float32","bfloat16"]}}]'
  run sqlite3 half.db "SELECT printf('%.2f', max(s) OVER () / s) FROM (SELECT point_id,
    avg(iter_mean_s) AS s FROM run JOIN run_summary USING (run_id) GROUP BY point_id) ORDER BY point_id"
  [ "$output" = $'1.00\n1.99\n3.94' ]
}

@test "the same rows for any number of threads, with every memory and under stragglers" {
  for c in '"qsgd","levels":40,"feedback":"classic"' '"top-k","share":0.1' \
           '"top-k","share":0.1,"feedback":"ef21"' '"bfloat16","feedback":"ef21"'; do
    for j in 1 2; do
      rm -f $j.db
      "$STRAGGLE" run p.json -q -j $j -o $j.db --set '/cluster/erasure={"model":"bernoulli","probability":0.1}' \
        --set '/stop/undecodable="skip"' --set '/network/late_messages="occupy-link"' --set '/late_work="finish-first"' \
        --set '/network/ingress={"model":"fifo","bandwidth_Bps":2000}' \
        --set "/schemes=[{\"code\":\"fractional-repetition\",\"s\":1,\"compression\":{\"compressor\":$c}}]"
      sqlite3 $j.db 'SELECT * FROM iteration ORDER BY run_id, iteration' > $j.rows
    done
    [ "$(wc -l < 1.rows)" -ge 150 ]
    cmp 1.rows 2.rows
  done
}

@test "feedback is refused where weights change or there is no barrier, a bias where they are chosen" {
  local top='"compression":"top-k"' plain='"compression":{"compressor":"top-k","feedback":"none"}'
  refused "{\"code\":\"cyclic-repetition\",\"s\":1,$top}" /schemes/0/compression/feedback \
    '"none" and an unbiased compressor such as "qsgd"' 'weights stay the same (uncoded, fractional-repetition' \
    'found "classic" with "top-k"'
  refused "{\"code\":\"bernoulli\",\"d\":2,\"s\":1,\"compression\":{\"compressor\":\"qsgd\",\"feedback\":\"ef21\"}}" \
    /schemes/0/compression/feedback 'depend on who answers' 'decoding "fixed"' 'found "ef21" with "qsgd"'
  refused "{\"code\":\"bernoulli\",\"d\":2,\"s\":1,$plain}" /schemes/0/compression/compressor \
    'unbiased compressor such as "qsgd"' 'magnify a bias; found "top-k"'
  refused "{\"code\":\"k-async\",\"k\":1,$top}" /schemes/0/compression/feedback 'a code with a barrier such as k-sync' \
    'found "classic" with "top-k"'
  refused "{\"code\":\"ignore-stragglers\",\"s\":1,\"stop\":{\"rule\":\"deadline\",\"deadline_s\":1},$top}" \
    /schemes/0/compression/feedback 'the stop policy "count"' 'how many answer, which the stop policy leaves open'
  for code in '"code":"uc-mmc","r":2' '"code":"k-batch-sync","k":3' '"code":"partial-repetition","s":1,"p":3'; do
    refused "{$code,\"compression\":{\"compressor\":\"top-k\",\"feedback\":\"ef21\"}}" /schemes/0/compression/feedback \
      '"classic" or "none"' 'several messages of a segment in a round' 'found "ef21" with "top-k"'
    [[ "$code" == *batch* ]] || taken "{$code,$top}"
  done
  for scheme in "{\"code\":\"uncoded\",$top}" "{\"code\":\"fractional-repetition\",\"s\":1,$top}" \
    "{\"code\":\"ignore-stragglers\",\"s\":1,$top}" "{\"code\":\"k-sync\",\"k\":4,$top}" \
    "{\"code\":\"bernoulli\",\"d\":2,\"s\":1,\"decoding\":\"fixed\",$top}" \
    "{\"code\":\"bernoulli\",\"d\":2,\"s\":1,\"compression\":\"qsgd\"}" \
    "{\"code\":\"ignore-stragglers\",\"s\":1,\"stop\":{\"rule\":\"deadline\",\"deadline_s\":1},$plain}" \
    '{"code":"cyclic-repetition","s":1,"compression":{"compressor":"top-k","insist":true}}'; do
    taken "$scheme"
  done
  # The network's compression is that of all schemes.
  run "$STRAGGLE" check p.json --set '/network/compression="top-k"' --set '/schemes=[{"code":"cyclic-repetition","s":1}]'
  [[ "$output" == *'/network/compression/feedback: expected "none"'* ]]
}

@test "one-step weights with losses depend on how many answer" {
  run "$STRAGGLE" check p.json --set '/cluster/erasure={"model":"bernoulli","probability":0.1}' \
    --set '/schemes=[{"code":"bernoulli","d":2,"s":1,"decoding":"one-step","compression":"top-k"}]'
  [ "$status" -eq 65 ]
  [[ "$output" == *'the stop policy "count" without losses'*'which crashes and erasures change'* ]]
  taken '{"code":"bernoulli","d":2,"s":1,"decoding":"one-step","compression":"top-k"}'
}

@test "the name of old says what to write" {
  run "$STRAGGLE" check p.json --set '/network/compression={"compressor":"top-k","error_feedback":false}'
  [ "$status" -eq 65 ]
  [[ "$output" == *'unknown member "error_feedback" of "top-k", which is now "feedback"'* ]]
}

@test "compressed schemes are not faster by the second per iteration, times only or not" {
  local schemes='[{"code":"uncoded"},{"code":"uncoded","compression":{"each":["qsgd","bfloat16","float32"]}}]'
  for learning in '{"problem":"none","length":600}' '{"problem":"synthetic-gradient","length":600}'; do
    rm -f fair.db
    "$STRAGGLE" run p.json -q -o fair.db --set "/learning=$learning" --set "/schemes=$schemes"
    run "$STRAGGLE" compare fair.db --format csv --columns scheme_label,verdict,rank
    [ "$output" = 'scheme_label,verdict,rank
uncoded,baseline,1
uncoded qsgd,compressed,
uncoded bfloat16,compressed,
uncoded float32,compressed,' ]
    run "$STRAGGLE" compare fair.db
    [[ "$output" == *"Mbit/iter"* ]]
    [[ "$output" == *"fastest: uncoded, the baseline; no other can be ranked."* ]]
    [[ "$output" == *"~ inexact: uncoded qsgd ("* ]]
  done
  # All in float32: iterations are alike.
  "$STRAGGLE" run p.json -q -o alike.db --set '/network/compression="float32"' --set '/learning={"problem":"none","length":600}' \
    --set '/schemes=[{"code":"uncoded"},{"code":"ye-abbe","d":2,"m":2}]'
  run "$STRAGGLE" compare alike.db
  [[ "$output" != *"inexact"* && "$output" != *"Mbit"* ]]
}

@test "with a target a compressed scheme may be the fastest of all, bits beside it" {
  "$STRAGGLE" run p.json -q -o target.db --set '/schemes=[{"code":"uncoded"},{"code":"uncoded","compression":{"compressor":"qsgd","levels":15}}]' \
    --set '/learning={"problem":"logistic-regression","data":{"source":"gaussian-mixture","rows":600,"features":99,"test_share":0}}' \
    --set '/stop={"iterations":3000,"target_loss":0.62}' --set /network/uplink/bandwidth_Bps=200
  run "$STRAGGLE" compare target.db
  [[ "$output" == *"Mbit"* ]]
  [[ "$output" == *"Fastest of all, inexact: uncoded qsgd(levels=15)"* ]]
  [ "$(sqlite3 target.db "SELECT min(abs(bits_to_target - (SELECT sum(bits) FROM iteration i WHERE i.run_id = s.run_id)) < 1) FROM run_summary s")" = 1 ]
}

# Least squares of 40 rows and 6 columns, in data.csv.
data() {
  python3 -c '
import random
random.seed(5)
print("a,b,c,d,e,f,y")
truth = [2, -1, .5, 3, -2, .25]
for _ in range(40):
    x = [random.gauss(0, 1) * s for s in (2, 1, .5, 1, .3, 1)]
    print(",".join("%.6f" % v for v in x + [sum(a * b for a, b in zip(x, truth)) + random.gauss(0, .5)]))
' > data.csv
  learning='{"problem":"least-squares","data":{"source":"csv","path":"data.csv","label":"y","standardize":false,"intercept":false,"shuffle":false,"test_share":0},"optimizer":{"method":"gradient-descent","step":0.05}}'
}

@test "memories and a compressed broadcast by their rules alone, with stragglers and erasures" {
  data
  local each='{"each":["none","classic","ef21"]}'
  for broadcast in '' /network/broadcast_compression='"scaled-sign"'; do
    for lossy in '{"model":"none"}' '{"model":"bernoulli","probability":0.1}'; do
      rm -f rules.db
      "$STRAGGLE" run p.json -q -o rules.db --set "/learning=$learning" --set /cluster/workers=5 ${broadcast:+--set "$broadcast"} \
        --set "/cluster/erasure=$lossy" --set /stop/undecodable='"skip"' --set /output/detail='"worker"' --set /replications=2 \
        --set "/schemes=[{\"code\":\"ignore-stragglers\",\"s\":2,\"compression\":{\"compressor\":\"scaled-sign\",\"feedback\":$each}}]" \
        --set /late_work='"finish-first"' --set /network/late_messages='"occupy-link"' --set /network/uplink/bandwidth_Bps=20
      run python3 "$BATS_TEST_DIRNAME/feedback_rules.py" rules.db data.csv 0.05
      echo "$output"
      [ "$(grep -c ' equal$' <<< "$output")" = 3 ]
      # It matters that a memory waits until its message is used.
      run python3 "$BATS_TEST_DIRNAME/feedback_rules.py" rules.db data.csv 0.05 wrong
      [ "$(grep -c ' different$' <<< "$output")" = 2 ]
    done
  done
}

@test "with feedback scaled sign reaches the loss without compression, without it does not" {
  "$STRAGGLE" run p.json -q -o sign.db --set /cluster/workers=8 --set /replications=1 --set /stop/iterations=1500 --set \
    '/learning={"problem":"logistic-regression","data":{"source":"gaussian-mixture","rows":800,"features":49,"test_share":0},"l2":0.01,"optimizer":{"method":"gradient-descent","step":0.1}}' \
    --set '/schemes=[{"code":"uncoded"},{"code":"uncoded","compression":{"compressor":"scaled-sign","feedback":{"each":["none","classic","ef21"]}}},
      {"code":"uc-mmc","r":2,"compression":{"compressor":"scaled-sign","feedback":"classic"}},
      {"code":"fractional-repetition","s":1,"compression":{"compressor":"scaled-sign","feedback":{"each":["classic","ef21"]}}}]'
  # Above the loss without compression, relative to how far descent comes from log 2.
  run sqlite3 sign.db "SELECT printf('%.1e', (final_loss - min(final_loss) OVER ()) / (log(2) / log(exp(1)) - min(final_loss) OVER ()))
    FROM run JOIN run_summary USING (run_id) ORDER BY point_id"
  echo "$output"
  local gap=($output)
  python3 -c '
import sys
plain, without, classic, ef21, several, groups, groups21 = map(float, sys.argv[1:])
assert plain < 1e-9 and ef21 < 1e-9 and classic < 2e-4 and without > 5e-2, sys.argv
assert several < 2e-4 and groups < 2e-4 and groups21 < 1e-9, sys.argv' "${gap[@]}"
}

@test "a compressed broadcast: bytes, times, and the loss that descent has without" {
  for b in none '"float64"' '"float32"' '"scaled-sign"' '{"compressor":"top-k","k":5}'; do
    rm -f b.db
    "$STRAGGLE" run p.json -q -o b.db --set /cluster/workers=8 --set /replications=1 --set /stop/iterations=1500 --set \
      '/learning={"problem":"logistic-regression","data":{"source":"gaussian-mixture","rows":800,"features":49,"test_share":0},"l2":0.01,"optimizer":{"method":"gradient-descent","step":0.1}}' \
      --set '/network/broadcast={"model":"linear","bandwidth_Bps":100}' --set '/network/uplink={"model":"none"}' \
      --set '/delay={"model":"deterministic","value_s":1,"unit":"dataset","scaling":"startup","per_subset_s":0}' \
      $([ "$b" = none ] || echo --set "/network/broadcast_compression=$b")
    sqlite3 b.db "SELECT printf('%.4f', iter_mean_s), bytes_broadcast, compressed, printf('%.7f', final_loss) FROM iteration
      JOIN run_summary USING (run_id) JOIN run USING (run_id) JOIN point USING (point_id) WHERE iteration = 700"
  done > all
  cat all
  # 50 numbers a model: 400 bytes, 200, 32 + 50 bits in whole bytes, 5 floats with their places.
  [ "$(cut -d'|' -f1-3 all | head -n 4)" = '5.0000|3200.0|0
5.0000|3200.0|0
3.0000|1600.0|0
1.1100|88.0|1' ]
  [ "$(tail -n 1 all | cut -d'|' -f1)" \< 1.26 ]
  [ "$(cut -d'|' -f4 all | sort -u | wc -l)" = 1 ]
}

@test "a compressed broadcast: refused, expected, and the same for any number of threads" {
  run "$STRAGGLE" check p.json --set /network/broadcast_compression='"top-k"' --set '/learning={"problem":"none","length":600}'
  [ "$status" -eq 65 ]
  [[ "$output" == *'/network/broadcast_compression/compressor: the bits of "top-k" depend on the models'* ]]
  run "$STRAGGLE" check p.json --set '/network/broadcast_compression={"compressor":"top-k","k":601}'
  [[ "$output" == *'expected at most l = 600, the length of a model, found 601'* ]]
  run "$STRAGGLE" check p.json --set '/network/broadcast_compression={"compressor":"top-k","feedback":"ef21"}'
  [ "$status" -eq 65 ]
  run "$STRAGGLE" expect p.json --set /network/broadcast_compression='"top-k"'
  [[ "$output" == *"the bits of models depend on the data"* ]]
  for j in 1 2; do
    "$STRAGGLE" run p.json -q -j $j -o $j.db --set '/network/broadcast={"model":"tree","fan_out":2,"bandwidth_Bps":900}' \
      --set '/network/broadcast_compression={"compressor":"top-k","share":0.2}' --set '/network/duplex="half"' \
      --set '/cluster/crashes={"model":"iterations","mean_iterations":10,"mean_recovery_iterations":2}' --set '/stop/undecodable="skip"' \
      --set '/schemes=[{"code":"fractional-repetition","s":1,"compression":"percentile"},{"code":"k-async","k":2}]'
    sqlite3 $j.db 'SELECT * FROM iteration ORDER BY run_id, iteration' > $j.rows
  done
  [ "$(wc -l < 1.rows)" = 360 ]
  cmp 1.rows 2.rows
  # Without a barrier a worker has missed the models of others: it is sent those, too. After all it
  # has been sent as many differences of 32 + 600 bits as there were models when it was last told.
  "$STRAGGLE" run p.json -q -o missed.db --set /network/broadcast_compression='"scaled-sign"' --set /replications=1 \
    --set '/schemes=[{"code":"k-async","k":1}]' --set /delay='{"model":"deterministic","value_s":1}' --set /network/uplink='{"model":"none"}'
  # All six come at once, in the order of workers: each is told of six updates, five of them by others.
  [ "$(sqlite3 missed.db 'SELECT group_concat(bytes_broadcast / 79, " ") FROM (SELECT * FROM iteration ORDER BY iteration LIMIT 13)')" = \
    '6.0 1.0 2.0 3.0 4.0 5.0 6.0 6.0 6.0 6.0 6.0 6.0 6.0' ]
}

@test "a shipped scenario: compression, low replication and exact coding each win as bandwidth is swept" {
  "$STRAGGLE" run "$BATS_TEST_DIRNAME/../scenarios/bandwidth.json" -q -o bandwidth.db --set /replications=5 --set '/sweep/0/values=[30,1,0.05]'
  run "$STRAGGLE" compare bandwidth.db --best --format csv --columns uplinks,judged_by,fastest_of_all_label
  [ "$output" = 'uplinks,judged_by,fastest_of_all_label
30,time_to_target,ignore-stragglers s=2
1,time_to_target,fractional-repetition s=2
0.05,time_to_target,uncoded scaled-sign(ef21)' ]
  # Bits to the target, beside the time: those of scaled sign are the fewest.
  run "$STRAGGLE" compare bandwidth.db --format csv --columns scheme_label,bits_to_target --sort bits_to_target
  [[ "$(sed -n 2p <<< "$output")" == *scaled-sign* ]]
  # By the second per iteration nobody who loses something is called faster.
  "$STRAGGLE" run "$BATS_TEST_DIRNAME/../scenarios/bandwidth.json" -q -o seconds.db --set /replications=5 --set '/sweep/0/values=[0.05]' \
    --set '/stop={"iterations":20}'
  run "$STRAGGLE" compare seconds.db --format csv --columns scheme_label,verdict
  [[ "$output" == *"ignore-stragglers s=2,approximate"*"uncoded scaled-sign(ef21),compressed"* ]]
  [ "$(grep scaled-sign <<< "$output" | grep -c ',compressed$')" = 2 ]
}

@test "a compressed broadcast: a wide block gives a run the numbers that it has alone" {
  for b in '{"compressor":"top-k","k":7}' '{"compressor":"qsgd","levels":200}' '"scaled-sign"'; do
    for w in 1 8; do
      rm -f wide.db
      "$STRAGGLE" run p.json -q -o wide.db --set /network/broadcast_compression="$b" --set /replications=8 \
        --set '/schemes=[{"code":"fractional-repetition","s":1},{"code":"uncoded","compression":"terngrad"}]' --set '/learning={"problem":"least-squares",
          "data":{"source":"gaussian-mixture","rows":300,"features":20,"test_share":0},"optimizer":{"method":"nesterov","step":0.037},"block_width":'$w'}'
      sqlite3 wide.db "SELECT printf('%.9e', loss), bytes_broadcast, duration_s FROM iteration ORDER BY run_id, iteration" > $w.rows
    done
    [ "$(wc -l < 1.rows)" = 480 ]
    cmp 1.rows 8.rows
  done
}

@test "timelines play runs with memories and compressed models once more" {
  "$STRAGGLE" run p.json -q -o t.db --set /network/broadcast='{"model":"sequential","bandwidth_Bps":5000}' --set /replications=2 \
    --set '/schemes=[{"code":"cyclic-repetition","s":1,"compression":{"compressor":"top-k","insist":true}},
      {"code":"fractional-repetition","s":1,"compression":{"compressor":"scaled-sign","feedback":"ef21"}},{"code":"uncoded","compression":"qsgd"}]' \
    --set /network/broadcast_compression='"percentile"'
  for scheme in "cyclic-repetition s=1 top-k(insist)" "fractional-repetition s=1 scaled-sign(ef21)" "uncoded qsgd"; do
    run "$STRAGGLE" timeline t.db --scheme "$scheme" --replication 1 -o t.json
    [ "$status" -eq 0 ]
    rm t.json
  done
}
