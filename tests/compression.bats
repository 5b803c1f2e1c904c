#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Compressors of messages and headers, seen through the program. STRAGGLE names it.

setup() {
  cd "$BATS_TEST_TMPDIR"
  cat > p.json <<'JSON'
{
  "format": 1,
  "cluster": { "workers": 6 },
  "delay": { "model": "exponential", "mean_s": 1 },
  "network": { "uplink": { "model": "linear", "bandwidth_Bps": 1000 } },
  "learning": { "problem": "synthetic-gradient", "length": 600 },
  "schemes": [ { "code": "cyclic-repetition", "s": 1 },
               { "code": "group", "d": 3, "m": 2, "stop": "count" } ],
  "stop": { "iterations": 40 }
}
JSON
}

column() { # of the database $1: expression $2 over run_summary, one line per scheme
  sqlite3 "$1" "SELECT $2 FROM run_summary JOIN run USING (run_id) JOIN point USING (point_id) ORDER BY code"
}

@test "messages in float32 and bfloat16: errors grow, bytes and seconds shrink" {
  for p in float64 float32 bfloat16; do
    run "$STRAGGLE" run p.json -q -o $p.db --set "/network/compression/compressor=\"$p\""
    [ "$status" -eq 0 ]
  done
  # Unit roundoffs are 1.1e-16, 6e-8 and 3.9e-3; the weights of these codes magnify them little.
  [ "$(column float64.db 'grad_scaled_err_max BETWEEN 1e-18 AND 1e-13')" = $'1\n1' ]
  [ "$(column float32.db 'grad_scaled_err_max BETWEEN 1e-9 AND 1e-5')" = $'1\n1' ]
  [ "$(column bfloat16.db 'grad_scaled_err_max BETWEEN 1e-4 AND 1e-0')" = $'1\n1' ]
  # 600 numbers a message, 300 with m = 2; one a second of 1000 bytes.
  full="$(column float64.db 'printf("%.3f", bytes_received_mean)')"
  [ "$(column float32.db 'printf("%.3f", 2 * bytes_received_mean)')" = "$full" ]
  [ "$(column bfloat16.db 'printf("%.3f", 4 * bytes_received_mean)')" = "$full" ]
  [ "$(head -n 1 <<< "$full")" = 24000.000 ]
  # 4.8 s on the uplink become 2.4 and 1.2: the delays drawn are the same.
  [ "$(column float64.db 'printf("%.6f", iter_mean_s - 4.8)' | head -n 1)" = \
    "$(column float32.db 'printf("%.6f", iter_mean_s - 2.4)' | head -n 1)" ]
  [ "$(column float64.db 'printf("%.6f", iter_mean_s - 4.8)' | head -n 1)" = \
    "$(column bfloat16.db 'printf("%.6f", iter_mean_s - 1.2)' | head -n 1)" ]
}

@test "compare says which format messages have" {
  for p in float64 bfloat16; do
    "$STRAGGLE" run p.json -q -o both.db --set "/network/compression/compressor=\"$p\""
  done
  run "$STRAGGLE" compare both.db
  [ "$status" -eq 0 ]
  [ "$(grep -c "late messages cancel$" <<< "$output")" = 1 ]
  [ "$(grep -c "late messages cancel, messages as bfloat16$" <<< "$output")" = 1 ]
}

@test "without a learning problem bytes are counted all the same" {
  for p in float64 bfloat16; do
    "$STRAGGLE" run p.json -q -o $p.db --set "/network/compression/compressor=\"$p\"" \
      --set '/learning={"problem":"none","length":600}'
  done
  [ "$(column float64.db 'printf("%.3f", bytes_received_mean)')" = \
    "$(column bfloat16.db 'printf("%.3f", 4 * bytes_received_mean)')" ]
  [ "$(column bfloat16.db 'grad_scaled_err_max IS NULL')" = $'1\n1' ]
}

@test "the model travels as float64 whatever messages are" {
  for p in float64 bfloat16; do
    "$STRAGGLE" run p.json -q -o $p.db --set "/network/compression/compressor=\"$p\"" \
      --set '/network/broadcast={"model":"linear","bandwidth_Bps":1000}'
  done
  [ "$(sqlite3 float64.db 'SELECT DISTINCT bytes_broadcast FROM iteration')" = \
    "$(sqlite3 bfloat16.db 'SELECT DISTINCT bytes_broadcast FROM iteration')" ]
}

@test "a message beyond the range of its format ends the run as diverged" {
  cat > data.csv <<'CSV'
a,y
1e19,1e25
2e19,-1e25
-1e19,3e25
3e19,1e25
-2e19,1e25
1e19,2e25
CSV
  for p in float64 float32; do
    "$STRAGGLE" run p.json -q -o $p.db --set "/network/compression/compressor=\"$p\"" --set '/stop/iterations=1' \
      --set '/learning={"problem":"least-squares","data":{"source":"csv","path":"data.csv","label":"y","standardize":false,"test_share":0},"optimizer":{"method":"gradient-descent","step":1e-60}}'
  done
  [ "$(sqlite3 float64.db 'SELECT DISTINCT status FROM run')" = finished ]
  [ "$(sqlite3 float32.db 'SELECT DISTINCT status FROM run')" = diverged ]
  [ "$(sqlite3 float32.db 'SELECT count(*) FROM iteration WHERE grad_scaled_err IS NOT NULL')" = 0 ]
}

@test "an unknown format names the ones there are" {
  run "$STRAGGLE" check p.json --set '/network/compression/compressor="float16"'
  [ "$status" -eq 65 ]
  [[ "$output" == *'"bfloat16"'* ]]
}

@test "the name of old says what to write" {
  run "$STRAGGLE" check p.json --set '/network/precision="float32"'
  [ "$status" -eq 64 ]
  [[ "$output" == *'which is now "compression": {"compressor": …}'* ]]
  sed 's/"uplink"/"precision": "float32", "uplink"/' p.json > old.json
  run "$STRAGGLE" check old.json
  [ "$status" -eq 65 ]
  [[ "$output" == *'unknown member "precision", which is now "compression": {"compressor": …}'* ]]
}

@test "every compressor: the same rows for any number of threads" {
  for c in '{"compressor":"qsgd","levels":7}' '{"compressor":"qsgd","levels":7,"code":"elias"}' \
           '{"compressor":"top-k","share":0.1}' '{"compressor":"top-k","k":9,"feedback":"none"}' \
           '{"compressor":"bfloat16"}' '{"compressor":"terngrad"}' '{"compressor":"scaled-sign"}' \
           '{"compressor":"stochastic-sign"}' '{"compressor":"percentile"}' '{"compressor":"rand-k","share":0.1}' \
           '{"compressor":"percentile","percentile":80,"scale":"clipped","packing":"arithmetic"}' \
           '{"compressor":"sparsification"}'; do
    for j in 1 2; do
      rm -f $j.db
      "$STRAGGLE" run p.json -q -j $j -o $j.db --set "/network/compression=$c" --set /replications=5 \
        --set /stop/iterations=12 --set /network/compression/insist=true
      sqlite3 $j.db 'SELECT * FROM iteration ORDER BY run_id, iteration' > $j.rows
    done
    [ "$(wc -l < 1.rows)" = 120 ]
    cmp 1.rows 2.rows
    # Where rounding is random, replications differ from each other: two schemes, five of each.
    case "$c" in
    *qsgd* | *terngrad* | *stochastic* | *rand-k* | *clipped* | *sparsification*)
      [ "$(sqlite3 1.db 'SELECT count(DISTINCT grad_rel_err) FROM iteration WHERE iteration = 3')" = 10 ] ;;
    esac
  done
}

@test "a wide block gives a message compressed as a whole the bits that it has alone" {
  for c in '"qsgd","levels":7' '"terngrad"' '"stochastic-sign"' '"rand-k","share":0.1' \
           '"percentile","percentile":80,"scale":"clipped"'; do
    for width in 1 8; do
      rm -f $width.db
      "$STRAGGLE" run p.json -q -o $width.db --set "/network/compression={\"compressor\":$c,\"insist\":true}" \
        --set /replications=8 --set '/schemes=[{"code":"group","d":3,"m":2,"stop":"count"}]' --set \
        '/learning={"problem":"synthetic-gradient","length":601,"block_width":'$width'}'
      sqlite3 $width.db 'SELECT duration_s, printf("%.9e", grad_rel_err), n_used FROM iteration ORDER BY run_id, iteration' > $width.rows
    done
    [ "$(wc -l < 1.rows)" = 320 ]
    cmp 1.rows 8.rows
  done
}

@test "bytes and link times: bits of the compressor, whole bytes a message, a header a transmission" {
  # 1 s to compute, then 32 + 600 · (1 + 3) bits = 304 bytes and a header of 96: 0.4 s.
  "$STRAGGLE" run p.json -q -o fixed.db --set '/network/compression={"compressor":"qsgd","levels":7}' \
    --set /network/header_bytes=96 --set '/delay={"model":"deterministic","value_s":1,"unit":"dataset","scaling":"startup","per_subset_s":0}' \
    --set '/schemes=[{"code":"uncoded"}]'
  [ "$(sqlite3 fixed.db 'SELECT DISTINCT printf("%.9f %.3f %.3f", duration_s, bytes_received, bits) FROM iteration')" = \
    '1.400000000 2400.000 14592.000' ]
  # As computed beforehand; a law's time goes by bytes, too: 400 of 4800.
  run "$STRAGGLE" expect p.json --format csv --set '/network/compression={"compressor":"qsgd","levels":7}' \
    --set /network/header_bytes=96 --set '/delay={"model":"deterministic","value_s":1,"unit":"dataset","scaling":"startup","per_subset_s":0}' \
    --set '/schemes=[{"code":"uncoded"}]'
  [[ "$output" == *,1.4,* ]]
  "$STRAGGLE" run p.json -q -o law.db --set '/network/compression={"compressor":"qsgd","levels":7}' \
    --set /network/header_bytes=96 --set '/delay={"model":"deterministic","value_s":1,"unit":"dataset","scaling":"startup","per_subset_s":0}' \
    --set '/schemes=[{"code":"uncoded"}]' --set '/network/uplink={"model":"deterministic","value_s":12}'
  [ "$(sqlite3 law.db 'SELECT DISTINCT printf("%.9f", duration_s) FROM iteration')" = 2.000000000 ]
}

@test "bits that depend on the data" {
  # 60 of 600: 32 bits and 3 + 1 for the place of each, at least, and at most twice 600/8 more.
  "$STRAGGLE" run p.json -q -o top.db --set '/network/compression={"compressor":"top-k","share":0.1,"insist":true}' \
    --set '/schemes=[{"code":"uncoded"}]'
  [ "$(sqlite3 top.db 'SELECT count(DISTINCT bytes_received) > 1, min(bytes_received) >= 6 * 270,
    max(bytes_received) <= 6 * (270 + 10) FROM iteration')" = '1|1|1' ]
  run "$STRAGGLE" expect p.json --set '/network/compression={"compressor":"top-k","insist":true}' --set '/schemes=[{"code":"uncoded"}]'
  [[ "$output" == *"the bits of messages depend on the data"* ]]
  run "$STRAGGLE" check p.json --set '/network/compression={"compressor":"top-k","insist":true}' --set '/learning={"problem":"none","length":600}'
  [ "$status" -eq 65 ]
  [[ "$output" == *'the bits of "top-k" depend on the gradients, and the problem "none" has none'* ]]
}

@test "what workers remember is counted" {
  run "$STRAGGLE" check p.json --set '/network/compression={"compressor":"top-k","insist":true}'
  [ "$status" -eq 0 ]
  [[ "$output" == *"compression: a run keeps 29 kB of what its workers remember"* ]]
  [[ "$output" == *"compression: a run keeps 14 kB of what its workers remember"* ]]
  run "$STRAGGLE" check p.json --set '/network/compression={"compressor":"qsgd"}'
  [[ "$output" != *"a run keeps"* ]]
}

@test "half the bits are half the time on a link that takes it all" {
  # No time to compute, 1000 bytes a second: seconds are bytes of the slowest message.
  for c in '"float64"' '"float32"' '"bfloat16"' '"qsgd","levels":127' '"qsgd","levels":7' '"scaled-sign"' \
           '"stochastic-sign"' '"terngrad"' '"rand-k","share":0.25' '"rand-k","k":75' '"percentile"' \
           '"percentile","packing":"arithmetic"' '"top-k","k":60' '"sparsification","share":0.1'; do
    "$STRAGGLE" run p.json -q -o half.db --set "/network/compression={\"compressor\":$c}" \
      --set '/schemes=[{"code":"uncoded"}]' --set /stop/iterations=3 --set \
      '/delay={"model":"deterministic","value_s":0.000000001,"unit":"dataset","scaling":"startup","per_subset_s":0}'
  done
  # Bits of a message are known, and 8000 of them are a second.
  [ "$(sqlite3 half.db "SELECT group_concat(printf('%.3f', d), ' ') FROM (SELECT max(duration_s) d
    FROM iteration JOIN run USING (run_id) GROUP BY point_id ORDER BY point_id LIMIT 11)")" = \
    '4.800 2.400 1.200 0.604 0.304 0.079 0.079 0.124 0.608 0.308 0.124' ]
  # Where they depend on the data, a row's time is that of the longest of its messages.
  [ "$(sqlite3 half.db "SELECT count(*), sum(duration_s * 8000 >= bits / 6 AND duration_s * 8000 < bits / 6 + 400)
    FROM iteration JOIN run USING (run_id) WHERE point_id IN (SELECT point_id FROM point ORDER BY point_id
    LIMIT 3 OFFSET 11)")" = '9|9' ]
}

@test "compressors refuse what is out of range" {
  refused() { # compression $1: expected words $2
    run "$STRAGGLE" check p.json --set "/network/compression={$1}"
    [ "$status" -eq 65 ]
    [[ "$output" == *"$2"* ]] || { echo "$output"; false; }
  }
  refused '"compressor":"percentile","percentile":100.5' 'expected a number ≥ 0 and ≤ 100'
  refused '"compressor":"percentile","percentile":-1' 'found -1'
  refused '"compressor":"percentile","percentile":"best"' '"adaptive"'
  refused '"compressor":"percentile","scale":"mean"' '"least-squares", "unshrunk", "clipped"'
  refused '"compressor":"top-k","share":1.01' 'found 1.01'
  refused '"compressor":"rand-k","share":0' 'found 0'
  refused '"compressor":"rand-k","share":0.1,"k":3' 'expected share or k, found both'
  refused '"compressor":"sparsification","share":2' 'found 2'
  refused '"compressor":"qsgd","levels":0' 'found 0'
  refused '"compressor":"qsgd","levels":65536' 'found 65536'
  refused '"compressor":"qsgd","code":"huffman"' '"dense", "elias"'
  # 600 numbers a message, and 300 where a group sends two pieces.
  refused '"compressor":"rand-k","k":601' 'at most n = 600, the length of the shortest message'
  refused '"compressor":"top-k","k":301,"insist":true' 'at most n = 300, the length of the shortest message of scheme "group'
  run "$STRAGGLE" check p.json --set '/network/compression={"compressor":"top-k","k":300,"insist":true}'
  [ "$status" -eq 0 ]
}

@test "closed forms know bits that are known before" {
  for c in '"terngrad"' '"rand-k","k":75' '"scaled-sign"' '"percentile"'; do
    run "$STRAGGLE" expect p.json --format csv --set "/network/compression={\"compressor\":$c}" \
      --set '/schemes=[{"code":"uncoded"}]'
    [ "$status" -eq 0 ]
    [[ "$output" != *"depend on the data"* ]]
  done
  for c in '"qsgd","code":"elias"' '"sparsification"' '"percentile","packing":"arithmetic"'; do
    run "$STRAGGLE" expect p.json --set "/network/compression={\"compressor\":$c}" \
      --set '/schemes=[{"code":"uncoded"}]'
    [[ "$output" == *"the bits of messages depend on the data"* ]]
  done
}

@test "late work and messages, ingress, crashes, erasures and deadlines, with every compressor" {
  for c in '"qsgd","code":"elias"' '"terngrad"' '"scaled-sign"' '"stochastic-sign"' '"percentile"' '"rand-k","share":0.2' \
           '"sparsification"' '"top-k","share":0.2'; do
    "$STRAGGLE" run p.json -q -o all.db --set "/network/compression={\"compressor\":$c,\"insist\":true}" --set /stop/iterations=15 \
      --set /late_work='"finish-first"' --set /network/late_messages='"occupy-link"' \
      --set '/network/ingress={"model":"fair-share","bandwidth_Bps":5000}' \
      --set '/cluster/erasure={"model":"bernoulli","probability":0.1}' \
      --set '/schemes=[{"code":"ignore-stragglers","s":2,"stop":{"rule":"deadline","deadline_s":2}},{"code":"bernoulli","d":2.4}]'
  done
  [ "$(sqlite3 all.db "SELECT count(*) FROM run WHERE status = 'finished'")" = 16 ]
  [ "$(sqlite3 all.db 'SELECT count(*) FROM iteration WHERE bits > 0 AND grad_rel_err IS NULL')" = 0 ]
}
