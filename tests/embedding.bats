#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Democratic embeddings, gradient descent with differentially encoded feedback (DGD-DEF), projected
# subgradients with dithered messages (DQ-PSGD), seen through the program. STRAGGLE names it.

setup() {
  cd "$BATS_TEST_TMPDIR"
  cat > data.py <<'PY'
# rows, columns, power, seed: A = randn^power and y = randn, as CSV.
import random, sys
rows, columns, power, seed = map(int, sys.argv[1:])
r = random.Random(seed)
print(','.join('x%d' % i for i in range(columns)) + ',y')
for i in range(rows):
    print(','.join('%.17g' % r.gauss(0, 1) ** power for _ in range(columns)) + ',%.17g' % r.gauss(0, 1))
PY
  cat > p.json <<'JSON'
{ "format": 1, "cluster": { "workers": 1 },
  "delay": { "model": "deterministic", "value_s": 1 },
  "network": { "uplink": { "model": "linear", "bandwidth_Bps": 1000 },
    "compression": { "compressor": "near-democratic", "bits": 3, "feedback": "classic" } },
  "learning": { "problem": "least-squares",
    "data": { "source": "csv", "path": "a.csv", "label": "y", "standardize": false,
              "intercept": false, "test_share": 0 },
    "optimizer": { "method": "dgd-def", "step": "two-over-l-plus-mu" } },
  "schemes": [ { "code": "uncoded" } ],
  "output": { "detail": "iteration" },
  "stop": { "iterations": 40 } }
JSON
}

plain() { # the same descent without compression
  "$STRAGGLE" run p.json -q -o plain.db --set '/network/compression={"compressor":"float64"}' \
    --set '/learning/optimizer/method="gradient-descent"' "$@"
}

@test "the shifted iterate is that of descent without compression, for every quantiser" {
  python3 data.py 60 23 3 1 > a.csv
  for l2 in 0 2.5; do
    rm -f *.db
    plain --set /learning/l2=$l2
    sqlite3 plain.db 'SELECT iteration + 1, printf("%.11e", loss) FROM iteration WHERE iteration < 39' > plain.rows
    [ "$(wc -l < plain.rows)" = 39 ]
    for c in '"near-democratic","bits":0.6' '"near-democratic","bits":2.3' \
      '"near-democratic","bits":1.2,"rounding":"dithered"' '"near-democratic","bits":0.5,"rounding":"sampled"' \
      '"near-democratic","bits":2,"frame":"orthonormal","redundancy":1.1' '"democratic","bits":2.5' \
      '"democratic","bits":2,"frame":"orthonormal"' '"scalar-quantiser","bits":1.7' \
      '"scalar-quantiser","bits":3,"rounding":"dithered"' '"qsgd","levels":7' '"top-k","share":0.2' \
      '"scaled-sign"' '"bfloat16"'; do
      rm -f t.db
      "$STRAGGLE" run p.json -q -o t.db --set /learning/l2=$l2 \
        --set "/network/compression={\"compressor\":$c,\"feedback\":\"classic\"}"
      sqlite3 t.db 'SELECT iteration, printf("%.11e", beside_loss) FROM iteration WHERE iteration > 0' > t.rows
      # Where what is kept back grows without bound, up to the end of the run.
      n="$(wc -l < t.rows)"
      [ "$n" -ge 15 ]
      diff <(head -n "$n" plain.rows) t.rows
      # The model itself is elsewhere.
      [ "$(sqlite3 t.db "ATTACH 'plain.db' AS p; SELECT count(*) FROM iteration JOIN p.iteration q USING (iteration) WHERE abs(iteration.loss / q.loss - 1) > 1e-9")" -gt 0 ]
    done
  done
  # Without the optimiser there is no such point.
  [ "$(sqlite3 plain.db 'SELECT count(beside_loss) FROM iteration')" = 0 ]
}

@test "the step 2/(L + mu) is that of the spectrum" {
  # A has orthogonal columns with squares 3·4, 3·1, 3·0.25 over 6 rows: eigenvalues 2, 0.5, 0.125.
  printf 'a,b,c,y\n2,0,0,1\n0,1,0,2\n0,0,0.5,3\n2,1,0.5,1\n-2,1,-0.5,2\n0,0,0,1\n' > a.csv
  python3 - <<'PY' > step
# Columns: a·a = 12, b·b = 3, c·c = .75, a·b = 0, a·c = 2, b·c = 0: the pair (a, c) by hand.
from math import sqrt
p, q, r, l2 = 12 / 6, 0.75 / 6, 2 / 6, 0.1
half = sqrt((p - q) ** 2 / 4 + r * r)
e = [(p + q) / 2 + half + l2, (p + q) / 2 - half + l2, 3 / 6 + l2]
print('%.12f' % (2 / (max(e) + min(e))))
PY
  plain --set /learning/l2=0.1
  [ "$(sqlite3 plain.db 'SELECT printf("%.12f", auto_step) FROM run_summary')" = "$(cat step)" ]
}

# (gap at the end / gap at the beginning)^(1/2T): the rate of the distance in the norm of the Hessian.
rate() { # of t.db
  sqlite3 t.db "SELECT printf('%.4f', pow((max(iteration.loss * (iteration = $1 - 1)) - $2) / ($3 - $2), 0.5 / $1)) FROM iteration"
}

@test "knees lie where the bounds say (theory: dgd-def)" {
  python3 data.py 500 116 5 1 > a.csv
  # L2 makes sigma moderate: then rates show within 20 iterations.
  l2='--set /learning/l2=1500'
  plain $l2 --set /stop/iterations=200
  best="$(sqlite3 plain.db 'SELECT printf("%.17g", min(loss)) FROM iteration')"
  first="$(python3 -c "
import csv
print(repr(sum(float(r[-1]) ** 2 for r in list(csv.reader(open('a.csv')))[1:]) / 1000))")"
  step="$(sqlite3 plain.db 'SELECT printf("%.17g", auto_step) FROM run_summary')"
  cp plain.db t.db
  sigma="$(rate 20 "$best" "$first")"
  for c in scalar-quantiser near-democratic; do
    for bits in 1 2 3 3.5 4.5 6; do
      rm -f t.db
      "$STRAGGLE" run p.json -q -o t.db $l2 --set /stop/iterations=20 --set \
        "/network/compression={\"compressor\":\"$c\",\"bits\":$bits,\"feedback\":\"classic\"}"
      echo "$c $bits $(rate 20 "$best" "$first")" >> rates
    done
  done
  cat rates
  python3 - "$sigma" <<'PY'
import math, sys
sigma = float(sys.argv[1])
rate = {(c, float(b)): float(r) for c, b, r in map(str.split, open('rates'))}
D, M = 116, 128
knees = {'scalar-quantiser': math.log2(math.sqrt(D) / sigma),
         'near-democratic': M / D * math.log2(2 * math.sqrt(math.log(2 * M)) / sigma)}
print(sigma, knees)
assert 0.4 < sigma < 0.7 and 4 < knees['scalar-quantiser'] < 4.5 and 3 < knees['near-democratic'] < 3.5
for (c, b), r in rate.items():
    if b >= knees[c]: assert r < 1.005 * sigma, (c, b, r)    # lossless
    if b <= 2: assert r > 1.03 * sigma, (c, b, r)            # far below: not
for b in 3, 3.5: # between: the embedding is no worse, and nearer to sigma
    assert rate['near-democratic', b] <= rate['scalar-quantiser', b]
PY
}

@test "what is wrong with feedback beside the model is refused with the reason" {
  python3 data.py 60 5 1 1 > a.csv
  run "$STRAGGLE" check p.json --set '/network/compression={"compressor":"near-democratic"}'
  [ "$status" -eq 65 ]
  [[ "$output" == *'expected a compression with "feedback": "classic", found "none" with "near-democratic"'* ]]
  run "$STRAGGLE" check p.json --set '/network/compression={"compressor":"near-democratic","feedback":"ef21"}'
  [[ "$output" == *'found "ef21"'* ]]
  run "$STRAGGLE" check p.json --set /cluster/workers=3
  [ "$status" -eq 65 ]
  [[ "$output" == *'expected 1 worker, found 3: workers keep back different errors'* ]]
  run "$STRAGGLE" check p.json --set '/schemes=[{"code":"fractional-repetition","s":0}]'
  [ "$status" -eq 65 ]
  [[ "$output" == *'expected the code "uncoded", found "fractional-repetition"'* ]]
  run "$STRAGGLE" check p.json --set '/learning/optimizer/radius=2'
  [[ "$output" == *'does without a ball'* ]]
  run "$STRAGGLE" check p.json --set '/learning={"problem":"synthetic-gradient","length":5,"optimizer":{"step":"two-over-l-plus-mu"}}'
  [[ "$output" == *'whose curvature is not the same everywhere'* ]]
}

@test "budgets of bits that a quantiser cannot have are refused" {
  python3 data.py 60 5 1 1 > a.csv
  for c in scalar-quantiser near-democratic democratic; do
    run "$STRAGGLE" check p.json --set "/network/compression={\"compressor\":\"$c\",\"bits\":0.9,\"rounding\":\"dithered\"}"
    [ "$status" -eq 65 ]
    [[ "$output" == *'/network/compression/bits'*'expected bits ≥ 1, or "rounding": "sampled"'*'found 0.9'* ]]
    run "$STRAGGLE" check p.json --set "/network/compression={\"compressor\":\"$c\",\"bits\":2,\"rounding\":\"sampled\"}"
    [ "$status" -eq 65 ]
    [[ "$output" == *'expected bits < 1, or "rounding": "dithered", found 2'* ]]
    run "$STRAGGLE" check p.json --set "/network/compression={\"compressor\":\"$c\",\"bits\":0}"
    [ "$status" -eq 65 ]
  done
}

@test "with weights that follow who answers only quantisers without bias are taken" {
  python3 data.py 60 5 1 1 > a.csv
  set -- --set /cluster/workers=6 --set '/learning/optimizer={"step":0.01}' \
    --set '/schemes=[{"code":"bernoulli","d":2,"s":1}]'
  for c in scalar-quantiser near-democratic democratic; do
    run "$STRAGGLE" check p.json "$@" --set "/network/compression={\"compressor\":\"$c\",\"bits\":2}"
    [ "$status" -eq 65 ]
    [[ "$output" == *"expected an unbiased compressor"*"found \"$c\""* ]]
    for how in '"bits":2,"rounding":"dithered"' '"bits":0.5,"rounding":"sampled"'; do
      run "$STRAGGLE" check p.json "$@" --set "/network/compression={\"compressor\":\"$c\",$how}"
      [ "$status" -eq 0 ]
    done
  done
}

@test "half the bits take half the time on the link, and no result depends on threads" {
  python3 data.py 60 64 1 1 > a.csv
  for bits in 8 4; do
    rm -f t.db
    "$STRAGGLE" run p.json -q -o t.db --set "/network/compression={\"compressor\":\"near-democratic\",\"bits\":$bits}" \
      --set '/learning/optimizer/method="gradient-descent"' --set '/delay/value_s=0.001'
    # 32 bits and 64 · bits: 68 and 36 bytes at 1000 a second.
    [ "$(sqlite3 t.db 'SELECT DISTINCT printf("%.3f %d", duration_s - 0.001, bits) FROM iteration')" = \
      "$(python3 -c "print('%.3f %d' % ((32 + 64 * $bits) / 8000, 32 + 64 * $bits))")" ]
  done
  for c in '"near-democratic","bits":0.5,"rounding":"sampled"' '"democratic","bits":1.1,"rounding":"dithered"' \
    '"scalar-quantiser","bits":1.5'; do
    for j in 1 3; do
      rm -f $j.db
      "$STRAGGLE" run p.json -q -j $j -o $j.db --set "/network/compression={\"compressor\":$c}" --set /replications=5 \
        --set '/learning/optimizer={"step":0.001}' --set /cluster/workers=4 \
        --set '/delay={"model":"exponential","mean_s":1}'
      sqlite3 $j.db 'SELECT * FROM iteration ORDER BY run_id, iteration' > $j.rows
    done
    [ "$(wc -l < 1.rows)" = 200 ]
    cmp 1.rows 3.rows
  done
}

@test "projected subgradients of a support vector machine at half a bit a coordinate (DQ-PSGD)" {
  cat > svm.py <<'PY'
# 100 points of 30 coordinates around two centres with |cos| > 0.7, noise 0.6.
import random, math
r, D = random.Random(1), 30
def unit():
    v = [r.gauss(0, 1) for _ in range(D)]
    n = math.sqrt(sum(x * x for x in v))
    return [x / n for x in v]
a, cos = unit(), 0
while abs(cos) <= 0.7:
    b, t = unit(), r.uniform(-1, 1)
    b = [t * x + math.sqrt(1 - t * t) * y for x, y in zip(a, b)]
    n = math.sqrt(sum(x * x for x in b))
    b = [x / n for x in b]
    cos = sum(x * y for x, y in zip(a, b))
print(','.join('x%d' % i for i in range(D)) + ',y')
for i in range(100):
    print(','.join('%.17g' % (x + 0.6 * r.gauss(0, 1)) for x in (a if i % 2 else b)) + ',%d' % (i % 2))
PY
  python3 svm.py > a.csv
  for c in float64 near top; do
    compression='{"compressor":"float64"}'
    [ $c = near ] && compression='{"compressor":"near-democratic","bits":0.5,"rounding":"sampled"}'
    [ $c = top ] && compression='{"compressor":"top-k","share":0.1,"feedback":"none"}'
    "$STRAGGLE" run p.json -q -o $c.db --set "/network/compression=$compression" --set /replications=10 \
      --set '/schemes=[{"code":"k-sync","k":1,"gradients":"batch"}]' --set /stop/iterations=2000 \
      --set '/learning={"problem":"hinge","l2":0.01,"batch_rows":70,"evaluate_every":500,"data":{"source":"csv","path":"a.csv","label":"y","standardize":false,"intercept":false,"test_share":0},"optimizer":{"step":1,"radius":3,"average":true}}'
    sqlite3 $c.db 'SELECT avg(loss), avg(bits) FROM iteration WHERE iteration = 1999' > $c.row
  done
  cat *.row
  # 15 coefficients of 2 bits and a float; top-k: 3 floats with their places.
  [ "$(cut -d '|' -f 2 float64.row)" = 1920.0 ]
  [ "$(cut -d '|' -f 2 near.row)" = 62.0 ]
  python3 - <<'PY'
best, near, top = (float(open(f + '.row').read().split('|')[0]) for f in ('float64', 'near', 'top'))
assert best < near < 1.25 * best and near < top, (best, near, top)
PY
}

@test "the ball and the mean of the iterates, step by step" {
  python3 data.py 20 3 1 5 > a.csv
  "$STRAGGLE" run p.json -q -o t.db --set '/network/compression={"compressor":"float64"}' --set /stop/iterations=30 \
    --set '/learning/optimizer={"step":0.7,"radius":0.1,"average":true}'
  sqlite3 t.db 'SELECT printf("%.12e", loss) FROM iteration ORDER BY iteration' > t.rows
  python3 - <<'PY' > mine
import csv, math
rows = [list(map(float, r)) for r in list(csv.reader(open('a.csv')))[1:]]
x, mean = [0.0] * 3, [0.0] * 3
for t in range(30):
    g = [0.0] * 3
    for r in rows:
        z = sum(a * b for a, b in zip(r, x)) - r[3]
        g = [a + z * b / len(rows) for a, b in zip(g, r)]
    x = [a - 0.7 * b for a, b in zip(x, g)]
    n = math.sqrt(sum(a * a for a in x))
    if n > 0.1: x = [0.1 * a / n for a in x]
    mean = [(t * m + a) / (t + 1) for m, a in zip(mean, x)]
    print('%.12e' % (sum((sum(a * b for a, b in zip(r, mean)) - r[3]) ** 2 for r in rows) / 2 / len(rows)))
PY
  paste t.rows mine | awk '{ if (($1 - $2) ^ 2 > 1e-22 * $2 ^ 2) exit 1 }'
  [ "$(wc -l < t.rows)" = 30 ]
}
