#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Groups below their threshold, OSGC and its bits, through the whole program: means within four
# standard errors of closed forms, identities in every row.

setup() {
  cd "$BATS_TEST_TMPDIR"
}
ask() { sqlite3 "$1" "$2"; }
rows="iteration JOIN run USING (run_id) JOIN v_point USING (point_id)"

# z of a mean of an expression over rows; rounds without a message count as $4.
z_of() { # database label expression value-when-skipped wanted
  sqlite3 -separator ' ' "$1" "SELECT coalesce($3, $4) FROM $rows WHERE scheme_label = '$2'" | python3 -c "
import math, sys
x = [float(line) for line in sys.stdin]
m = sum(x) / len(x)
sd = math.sqrt(sum((v - m) ** 2 for v in x) / (len(x) - 1))
z = (m - ($5)) / (sd / math.sqrt(len(x)))
print('$2:', len(x), 'rows, mean', m, 'wanted', $5, 'z', z)
sys.exit(not abs(z) <= 4)"
}

scenario() { # erasure schemes
  cat <<END
{ "format": 1, "name": "groups", "cluster": { "workers": 24$1 },
  "delay": { "model": "shifted-exponential", "shift_s": 1, "mean_excess_s": 1 },
  "network": { "uplink": { "model": "shifted-exponential", "shift_s": 0.5, "mean_excess_s": 0.3 } },
  "learning": { "problem": "none", "length": 40 }, "schemes": [ $2 ],
  "replications": 2, "stop": { "iterations": 4000 } }
END
}

@test "Bernoulli erasures: .0016 and .0144, by codes check and by simulation; identities in every row" {
  for m in 1 2; do
    "$STRAGGLE" codes check group d=4 m=$m below=minimum-norm -n 8 --straggling 0.2 > check
    [ "$m" = 1 ] && wanted=0.0016 || wanted=0.0144
    grep -q "mean error $wanted (by the code's formula $wanted; " check
  done
  scenario ', "erasure": { "model": "bernoulli", "probability": 0.2 }' '
    { "code": "group", "d": 4, "m": 1, "below": "minimum-norm" },
    { "code": "group", "d": 4, "m": 2, "below": "minimum-norm" },
    { "code": "group", "d": 4, "m": 2, "below": "minimum-norm", "debias": "known" },
    { "code": "group", "d": 8, "m": 4, "linear_code": "extended-hamming", "below": "minimum-norm" },
    { "code": "group", "d": 8, "m": 4, "linear_code": "extended-hamming", "below": "minimum-norm", "debias": "measured" },
    { "code": "streamed-group", "d": 4, "chunks": 6, "chunks_per_worker": 2, "below": "minimum-norm" }' > a.json
  "$STRAGGLE" run a.json -q -o a.db
  z_of a.db "group d=4 m=1 minimum-norm" err_norm 1 .0016
  z_of a.db "group d=4 m=2 minimum-norm" err_norm 1 .0144
  z_of a.db "group d=4 m=2 minimum-norm known" err_norm 1 ".0144/(1-.0144)"
  z_of a.db "group d=4 m=2 minimum-norm known" alpha_sum 0 6
  z_of a.db "group d=8 m=4 extended-hamming minimum-norm measured" alpha_sum 0 3
  # Six chunks are those of three workers: (4, 3) in workers.
  z_of a.db "streamed-group d=4 chunks=6 chunks_per_worker=2 minimum-norm" err_norm 1 ".2**4 + 4*.8*.2**3*2/3 + 6*.64*.04/3"
  # 1ᵀα = ‖α‖², so that the error is what Σ α lacks of all.
  [ "$(ask a.db "SELECT count(*) > 20000 AND max(abs(err_norm - 1 + alpha_sum / n_parts)) < 1e-9
    FROM (SELECT *, CASE WHEN scheme_label LIKE '%d=8%' THEN 3 ELSE 6 END AS n_parts FROM $rows
      WHERE decoded AND scheme_label NOT LIKE '%known' AND scheme_label NOT LIKE '%measured')")" = 1 ]
}

@test "deadlines and counts: the mean error that expect says, and what a longer deadline buys" {
  scenario '' '
    { "code": "group", "d": 4, "m": 2, "below": "minimum-norm", "stop": { "rule": "deadline", "deadline_s": 5.3 } },
    { "code": "group", "d": 4, "m": 2, "below": "minimum-norm", "stop": { "rule": "deadline", "deadline_s": 6 } },
    { "code": "group", "d": 4, "m": 2, "below": "minimum-norm", "stop": { "rule": "deadline", "deadline_s": 7 } },
    { "code": "group", "d": 4, "m": 2, "below": "minimum-norm", "stop": { "rule": "deadline", "deadline_s": 9 } },
    { "code": "group", "d": 4, "m": 2, "below": "minimum-norm", "stop": { "rule": "count", "messages": 6 } },
    { "code": "group", "d": 4, "m": 2, "below": "minimum-norm", "stop": { "rule": "count", "messages": 12 } },
    { "code": "group", "d": 4, "m": 2, "below": "minimum-norm" }' > b.json
  "$STRAGGLE" run b.json -q -o b.db
  "$STRAGGLE" expect b.json --database b.db --json > b.out
  python3 - <<'END' > wanted
import json
points = json.load(open("b.out"))["points"]
assert len(points) == 7
for p in points:
    assert "deadline" in p["scheme"] or abs(p["z"]) <= 4, p
    if p["err_norm"] is not None: print(p["scheme"], p["err_norm"], sep="|")
END
  [ "$(wc -l < wanted)" = 6 ]
  while IFS='|' read -r label error; do z_of b.db "$label" err_norm 1 "$error"; done < wanted
  # Exact as soon as all groups have two.
  [ "$(ask b.db "SELECT max(err_norm) < 1e-20 FROM $rows WHERE scheme_label = 'group d=4 m=2 minimum-norm'")" = 1 ]
  # A longer deadline, a smaller error, and never none.
  [ "$(ask b.db "SELECT count(*), sum(error > 0), sum(error >= before) FROM (
    SELECT avg(err_norm) AS error, lag(avg(err_norm)) OVER (ORDER BY scheme_label) AS before
    FROM $rows WHERE scheme_label LIKE '%deadline%' GROUP BY scheme_label)")" = "4|4|0" ]
}

@test "schemes without it are what they were: same configuration, refused below the threshold" {
  scenario ', "erasure": { "model": "bernoulli", "probability": 0.2 }' '
    { "code": "group", "d": 4, "m": 2 }, { "code": "streamed-group", "d": 4, "chunks": 4, "chunks_per_worker": 1 },
    { "code": "group", "d": 4, "m": 2, "below": "refuse" }' > c.json
  "$STRAGGLE" run c.json -q -o c.db --set /stop/iterations=50 --set /stop/undecodable=skip
  [ "$(ask c.db "SELECT count(*) FROM point WHERE config_json LIKE '%below%'")" = 1 ]
  [ "$(ask c.db "SELECT sum(exact), sum(undecodable_iters > 0) FROM run_summary JOIN run USING (run_id) JOIN point USING (point_id)")" = "6|6" ]
  run "$STRAGGLE" check c.json --set /schemes/0/debias=known
  [ "$status" -ne 0 ]
  [[ "$output" == *'expected "debias" only with below "minimum-norm"'* ]]
  run "$STRAGGLE" check c.json --set /schemes/0/below=minimum-norm --set /schemes/0/debias=known --set /schemes/0/linear_code=gaussian
  [ "$status" -ne 0 ]
  [[ "$output" == *"expected measured, as the mean of the projectors is not a multiple of the unit matrix"* ]]
}

# exp(−ψ (t − 1)), ψ from 0.1 to 2, t = 1.5. All rows of the data are alike, and so are all gradients.
osgc_scenario() { # any argument: with bits
  python3 - "$@" <<'END'
import json, math, sys
p = [math.exp(-(.1 + 1.9 * i / 9) / 2) for i in range(10)]
with open("alike.csv", "w") as f:
    print("a,b,c,y", *["1,2,-1,3"] * 40, sep="\n", file=f)
s = {"format": 1, "name": "osgc",
     "cluster": {"workers": 10, "erasure": {"model": "bernoulli", "probabilities": p}},
     "delay": {"model": "exponential", "mean_s": 1},
     "learning": {"problem": "least-squares", "data": {"source": "csv", "path": "alike.csv", "label": "y", "test_share": 0},
                  "optimizer": {"method": "gradient-descent", "step": 1e-9}},
     "schemes": [{"code": "osgc", "placement": q} for q in ("chain", "shared", "none")],
     "stop": {"iterations": 5000}, "replications": 2}
if len(sys.argv) > 1:
    s["network"] = {"compression": {"compressor": "worker-bits", "bits": 2, "straggling": p}}
    s["schemes"] = [{"code": "osgc", "bits": 2, "straggling": p}]
json.dump(s, open("osgc.json", "w"))
END
}

@test "OSGC: 13.000232 against 37.116629 for unbiased uncoded, with gradients that are alike" {
  osgc_scenario
  "$STRAGGLE" run osgc.json -q -o osgc.db
  z_of osgc.db "osgc chain" "(alpha_sum - 10) * (alpha_sum - 10)" 100 13.000232
  z_of osgc.db "osgc shared" "(alpha_sum - 10) * (alpha_sum - 10)" 100 13.000232
  z_of osgc.db "osgc none" "(alpha_sum - 10) * (alpha_sum - 10)" 100 37.116629
  z_of osgc.db "osgc chain" alpha_sum 0 10
  # The gradients say the same: ĝ = (Σ α / 10) g.
  [ "$(ask osgc.db "SELECT count(*) > 20000 AND max(abs(abs(alpha_sum - 10) - 10 * grad_rel_err)) < 1e-6 FROM $rows WHERE decoded")" = 1 ]
}

@test "bits of each worker: what is sent, and nothing of use by those without" {
  osgc_scenario bits
  "$STRAGGLE" run osgc.json -q -o bits.db --set /stop/iterations=50 --set /output/detail=worker
  "$STRAGGLE" run osgc.json -q -o all.db --set /stop/iterations=50 --set /cluster/erasure='{"model":"none"}'
  # Eight workers send a head of 64 bits and 4 coordinates of 2 or 3 bits each.
  [ "$(ask all.db "SELECT min(bits), max(bits) FROM iteration WHERE iteration > 0")" = "$(python3 -c "
b = 8 * 64 + (4 * 2 + 4 * 3) * 4.0
print(b, b, sep='|')")" ]
  "$STRAGGLE" codes check osgc bits=2 straggling="$(python3 -c "
import json
print(*json.load(open('osgc.json'))['cluster']['erasure']['probabilities'], sep=',')")" -n 10 > check
  grep -q "bits worth 6.904467 (all equal: 6.227705): 0 0 2 2 2 2 3 3 3 3" check
}

@test "beside a clock: of every scheme with a deadline the best one is neither the shortest nor the longest" {
  shipped="$BATS_TEST_DIRNAME/../scenarios"
  sed "s|data/breast|$shipped/data/breast|" "$shipped/approximate-group.json" > clock.json
  "$STRAGGLE" run clock.json -q -o clock.db --set /replications=2
  ask clock.db "SELECT scheme_label, avg(coalesce(run_summary.time_to_target_s, 1e6)) AS t
    FROM run_summary JOIN run USING (run_id) JOIN v_point USING (point_id) WHERE scheme_label LIKE '%deadline%' GROUP BY 1" |
    python3 -c "
import re, sys
of = {}
for line in sys.stdin:
    label, t = line.rsplit('|', 1)
    name, deadline = re.match(r'(.*) deadline\(deadline_s=(.*)\)', label).groups()
    of.setdefault(name, {})[float(deadline)] = float(t)
assert len(of) == 5, of
for name, times in of.items():
    best = min(times, key=times.get)
    print(name, best, times[best])
    assert len(times) == 8 and min(times) < best < max(times), (name, times)
best = {name: min(times.values()) for name, times in of.items()}
# Where links are thin, shorter messages and more of them win.
assert min(best, key=best.get) == 'group d=8 m=4 minimum-norm', best
"
}

@test "OSGC on real gradients beside codes of equal load: no bias, its own bound, and optimal decoding below it" {
  shipped="$BATS_TEST_DIRNAME/../scenarios"
  sed "s|\"data/|\"$shipped/data/|" "$shipped/unequal-straggling.json" > unequal.json
  "$STRAGGLE" run unequal.json -q -o unequal.db --set /replications=5
  # n²/Σ δ⁻¹ with 12 times 19 and 12 times 1.5, and Σ δ.
  z_of unequal.db "osgc chain" "(alpha_sum - 24) * (alpha_sum - 24)" 576 "576 / (12 * 19 + 12 * 1.5)"
  z_of unequal.db "osgc none" "(alpha_sum - 24) * (alpha_sum - 24)" 576 "12 / 19 + 12 / 1.5"
  for label in "osgc chain" "osgc shared" "osgc none" "sgc d=2" "graph cycle measured"; do
    z_of unequal.db "$label" alpha_sum 0 24
  done
  [ "$(ask unequal.db "SELECT count(*) = 7 AND max(load_d) <= 5 FROM point")" = 1 ]
  # The design's error and that of the gradient are the least.
  [[ "$(ask unequal.db "SELECT scheme_label FROM $rows GROUP BY 1 ORDER BY avg(err_norm) LIMIT 1")" == sparse* ]]
  [[ "$(ask unequal.db "SELECT scheme_label FROM $rows GROUP BY 1 ORDER BY avg(grad_rel_err * grad_rel_err) LIMIT 1")" == sparse* ]]
}
