#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Sparse random codes through the whole path: codes check, scenario, rows, expect, against closed
# forms that share nothing with the program (theory: bernoulli, approximate-repetition, expander,
# stochastic-gradient-coding). STRAGGLE names the program.

setup() {
  scenarios="$BATS_TEST_DIRNAME/../scenarios"
  cd "$BATS_TEST_TMPDIR"
}

# timing MEMBERS-OF-CLUSTER SCHEMES ITERATIONS REPLICATIONS [MORE]: rows of decodes, without data.
timing() {
  echo '{ "format": 1, "cluster": {'"$1"'}, "delay": { "model": "exponential", "mean_s": 0.5,
    "scaling": "startup", "per_subset_s": 0 }, "learning": { "problem": "none", "length": 100 },
    "schemes": ['"$2"'], "stop": { "iterations": '"$3"', "undecodable": "skip" },
    "replications": '"$4"' '"$5"' }' > s.json
  rm -f s.db
  "$STRAGGLE" run -q s.json -o s.db
}

# near COLUMN FORMULA... : the mean of the column over the rows of each scheme, in their order, is
# what the Python expression says, within 4 standard errors (of runs, if there are more than 50).
# Expressions may use C, H and what the file t.py defines.
near() {
  touch t.py
  python3 - "$@" <<'END'
import math, sqlite3, sys
from statistics import fmean, stdev
C, H = math.comb, lambda n: sum(1 / i for i in range(1, n + 1))
exec(open("t.py").read())
db = sqlite3.connect("s.db")
points = [p for p, in db.execute("SELECT point_id FROM point ORDER BY point_id")]
assert len(points) == len(sys.argv) - 2, points
bad = 0
for point, formula in zip(points, sys.argv[2:]):
    runs = {}
    for run, x in db.execute(f"SELECT run_id, {sys.argv[1]} FROM iteration JOIN run USING (run_id) "
                             "WHERE point_id = ?", (point,)):
        runs.setdefault(run, []).append(x)
    xs = [fmean(r) for r in runs.values()] if len(runs) > 50 else [x for r in runs.values() for x in r]
    value, mean, error = eval(formula), fmean(xs), stdev(xs) / len(xs) ** .5
    label, = db.execute("SELECT scheme_label FROM point WHERE point_id = ?", (point,)).fetchone()
    print(f"{label}: {mean:.6g} ± {error:.2g}, expected {value:.6g}")
    bad += not abs(mean - value) <= 4 * error + 1e-9 * abs(value)
sys.exit(bad > 0)
END
}

@test "codes check: mean and worst error by number of answers, all sets" {
  "$STRAGGLE" codes check approximate-repetition d=3 -n 12 --straggling 0.2 --json > frc.json
  "$STRAGGLE" codes check approximate-repetition d=3 decoding=one-step -n 12 --json > one.json
  "$STRAGGLE" codes check expander d=3 decoding=one-step -n 12 --json > graph.json
  for p in 0.1 0.2 0.3; do
    "$STRAGGLE" codes check expander d=3 graph=circulant decoding=fixed p=$p -n 12 --straggling $p --json > fixed$p.json
    "$STRAGGLE" codes check sgc d=3 p=$p -n 12 --straggling $p --json > sgc$p.json
  done
  python3 - <<'END'
import json, math
C = math.comb
def sets(name):
    return {s["responders"]: s for s in json.load(open(name))["sets"] if s["responders"] > 0}
def near(a, b):
    assert abs(a - b) <= 1e-9 * max(1, abs(b)), (a, b)
n, d = 12, 3
for r, s in sets("frc.json").items():
    near(s["mean_deviation"], C(n - d, r) / C(n, r))
    near(s["worst_deviation"], d * ((n - r) // d) / n)
for name in "one.json", "graph.json":
    for r, s in sets(name).items():
        near(s["mean_deviation"], (n - d) * (n - r) / (r * d * (n - 1)))
frc = json.load(open("frc.json"))["straggling"]
near(frc["error"], .2 ** 3)
near(frc["debiased"], .2 ** 3 / (1 - .2 ** 3))
near(frc["recovered"], (1 - .2 ** 3) ** 4)
for p, e in (.1, .037037), (.2, .083333), (.3, .142857):
    for name in "fixed", "sgc":
        found = json.load(open(f"{name}{p}.json"))["straggling"]
        assert abs(found["error"] - e) < 5e-7, (name, p, found)
END
}

@test "codes check: a hundred workers, sampled" {
  "$STRAGGLE" codes check approximate-repetition d=5 -n 100 -p 1000 --json > frc.json
  "$STRAGGLE" codes check expander d=5 graph=circulant decoding=one-step -n 100 -p 1000 --json > one.json
  python3 - <<'END'
import json, math
C, n, d = math.comb, 100, 5
sets = {s["responders"]: s for s in json.load(open("frc.json"))["sets"]}
for r, printed in (80, 2.06e-4), (70, .001893), (50, .028142):
    groups = n // d
    q, q2 = C(n - d, r) / C(n, r), C(n - 2 * d, r) / C(n, r)
    assert abs(q - printed) < 0.005 * printed
    mean = groups * q
    error = math.sqrt((groups * (groups - 1) * q2 + mean - mean ** 2) / sets[r]["tried"]) * d / n
    assert abs(sets[r]["mean_deviation"] - q) <= 4 * error, (r, sets[r], q, error)
sets = {s["responders"]: s for s in json.load(open("one.json"))["sets"]}
for r, printed in (90, .021324), (80, .047980), (70, .082251), (50, .19192):
    assert abs(sets[r]["mean_deviation"] / printed - 1) < 0.02, (r, sets[r])
END
}

@test "independent erasures: every decoder's error is its formula" {
  timing '"workers": 12, "erasure": { "model": "bernoulli", "probability": 0.2 }' '
    { "code": "approximate-repetition", "d": 3 },
    { "code": "approximate-repetition", "d": 3, "debias": "known" },
    { "code": "approximate-repetition", "d": 3, "decoding": "fixed" },
    { "code": "expander", "d": 3, "decoding": "fixed" },
    { "code": "sgc", "d": 3 }' 10000 1
  near decoding_err '12*.2**3' '12*.2**3/(1-.2**3)' '12*.2/(3*.8)' '12*.2/(3*.8)' '12*.2/(3*.8)'
  near alpha_sum '12*(1-.2**3)' 12 12 12 12
}

@test "a number of erasures: every decoder's error is its formula" {
  timing '"workers": 12, "erasure": { "model": "uniform", "count": 5 }' '
    { "code": "approximate-repetition", "d": 3 },
    { "code": "approximate-repetition", "d": 3, "decoding": "one-step" },
    { "code": "expander", "d": 3, "decoding": "one-step" },
    { "code": "approximate-repetition", "d": 3, "p": 0.4166666666666667, "decoding": "fixed" }' 10000 1
  near decoding_err '12*C(9,7)/C(12,7)' '12*9*5/(7*3*11)' '12*9*5/(7*3*11)' '12*9*5/(7*3*11)'
}

@test "a hundred workers, a placement of its own in every run" {
  for s in 20 50; do
    timing '"workers": 100, "erasure": { "model": "uniform", "count": '$s' }' '
      { "code": "bernoulli", "d": 5, "decoding": "one-step" },
      { "code": "stochastic-block", "c": 10, "P": 0.4, "Q": 0.02, "decoding": "one-step" },
      { "code": "expander", "d": 5, "graph": "circulant", "decoding": "one-step" },
      { "code": "approximate-repetition", "d": 5 }' 4 300 ', "replicate": "delays+code"'
    r=$((100 - s))
    sbc="1 + (100/($r*5.8))**2 * ($r/100*5.8 + $r*($r-1)/9900*(5.8**2 - 10*.4**2 - 90*.02**2)) - 2"
    near err_norm "95/(5*$r)" "$sbc" "95*$s/($r*5*99)" "C(95,$r)/C(100,$r)"
  done
}

@test "erasurehead: stops at a count or at coverage, and loses what theory says" {
  stop='"stop": { "rule": "first-of", "first": "count", "second": { "rule": "coverage", "share": 1 } }'
  timing '"workers": 30' '
    { "code": "approximate-repetition", "d": 2, "s": 15, '"$stop"' },
    { "code": "approximate-repetition", "d": 3, "s": 15, '"$stop"' },
    { "code": "approximate-repetition", "d": 3, "s": 15, '"$stop"', "debias": "known" },
    { "code": "approximate-repetition", "d": 6, "s": 20, '"$stop"' }' 8000 1
  near alpha_sum '30*(1-.24138)' '30*(1-.112069)' 30 '30*(1-C(24,10)/C(30,10))'
  # The mean of b (H(30) - H(30 - min(K, r))), K being the answer that covers all groups.
  cat > t.py <<'END'
def t(d, r, n=30, b=.5):
    more = lambda k: -sum((-1) ** j * C(n // d, j) * C(n - j * d, k) / C(n, k) for j in range(1, n // d + 1))
    return sum(b / (n - k) * more(k) for k in range(r))
def q(d, r):
    return C(30 - d, r) / C(30, r)
END
  near decoding_err '30*q(2,15)' '30*q(3,15)' '30*q(3,15)/(1-q(3,15))' '30*q(6,10)'
  near duration_s 't(2,15)' 't(3,15)' 't(3,15)' 't(6,10)'
  # The fourth: now and then all five groups are covered before the tenth answer.
  [ "$(sqlite3 s.db "SELECT avg(n_received < 10) > 0.3 FROM iteration JOIN run USING (run_id) JOIN point USING (point_id) WHERE scheme_label LIKE '%d=6%'")" = 1 ]
}

@test "waiting times, exactly and simulated" {
  timing '"workers": 30' '{ "code": "uncoded" }, { "code": "approximate-repetition", "d": 3,
    "stop": { "rule": "coverage", "share": 1 } }, { "code": "approximate-repetition", "d": 3, "s": 15 }' 4000 1
  near duration_s '.5*H(30)' '.5/3*H(10)' '.5*(H(30)-H(15))'
  "$STRAGGLE" expect s.json --format json > e.json
  python3 - <<'END'
import json
found = [x["mean_s"] for x in json.load(open("e.json"))["points"]]
for x, printed, digit in zip(found, (1.9975, 0.48816, 0.33838), (5e-5, 5e-6, 5e-6)):
    assert abs(x - printed) <= digit, found
END
}

# Seven blocks with gradients 1 … 7 at the model 0, which does not move: the error of the sum 28 is
# that of the balanced placement, 49.5. Where nobody answers, or only worker 0, who has nothing, the
# sum of nothing has come: 28² = 784. With r of 8 answers one-step weights have 20 (8 - r)/r.
@test "stochastic gradient coding: 49.5 on scalar gradients" {
  { echo a,y; for i in 1 2 3 4 5 6 7; do echo "1,-$i"; done; } > scalar.csv
  cat > s.json <<'END'
{ "format": 1, "cluster": { "workers": 8, "erasure": { "model": "bernoulli", "probability": 0.3 } },
  "delay": { "model": "exponential", "mean_s": 1 },
  "learning": { "problem": "least-squares", "subsets": 7, "data": { "source": "csv", "path": "scalar.csv", "label": "y",
    "test_share": 0, "standardize": false, "intercept": false }, "evaluate_every": 1, "optimizer": { "step": 1e-12 } },
  "schemes": [ { "code": "sgc", "placement": "hadamard" }, { "code": "sgc", "placement": "hadamard", "decoding": "one-step" } ],
  "stop": { "iterations": 20000, "undecodable": "skip" }, "replications": 1 }
END
  "$STRAGGLE" run -q s.json -o s.db
  near "784 * coalesce(grad_rel_err * grad_rel_err, 1)" 49.5 \
    "784*.3**8 + sum(C(8,r)*.7**r*.3**(8-r)*20*(8-r)/r for r in range(1,9))"
}

# Eight rows with gradients 1 … 8, put into blocks by a permutation in every run: groups of two have
# Σ |sum of a group|² = Σ g² + (|g|² - Σ g²)/7 = 204 + (1296 - 204)/7 = 360 in the mean.
@test "gradient errors: repetition debiased and fixed weights, as their formulas" {
  { echo a,y; for i in 1 2 3 4 5 6 7 8; do echo "1,-$i"; done; } > scalar.csv
  cat > s.json <<'END'
{ "format": 1, "cluster": { "workers": 8, "erasure": { "model": "bernoulli", "probability": 0.2 } },
  "delay": { "model": "exponential", "mean_s": 1 }, "replicate": "delays+code+data",
  "learning": { "problem": "least-squares", "data": { "source": "csv", "path": "scalar.csv", "label": "y",
    "test_share": 0, "standardize": false, "intercept": false }, "evaluate_every": 1, "optimizer": { "step": 1e-12 } },
  "schemes": [ { "code": "approximate-repetition", "d": 2, "debias": "known" },
               { "code": "approximate-repetition", "d": 2, "decoding": "fixed" }, { "code": "sgc", "d": 2 } ],
  "stop": { "iterations": 150, "undecodable": "skip" }, "replications": 120 }
END
  "$STRAGGLE" run -q s.json -o s.db
  near "1296 * coalesce(grad_rel_err * grad_rel_err, 1)" '.04/.96*360' '.2/.8/2*360' '.2/.8*((1/2-1/8)*204+1296/8)'
}

# n = 50, d = 3, s = 3 … 7, as the official tests have them; λ is what codes check prints of the same
# graph (tests/test_expander.c computes it from the rows).
@test "expanders: the error is within the bound, the worst case above √(s/d)" {
  for graph in regular bipartite circulant; do
    for seed in 1 2; do
      "$STRAGGLE" codes check expander d=3 graph=$graph decoding=one-step -n 50 -p 300 --seed $seed --json > one.json
      "$STRAGGLE" codes check expander d=3 graph=$graph -n 50 -p 300 --seed $seed --json > optimal.json
      rm -f s.db
      for s in 3 4 5 6 7; do
        echo '{ "format": 1, "cluster": { "workers": 50, "erasure": { "model": "uniform", "count": '$s' } },
          "delay": { "model": "exponential", "mean_s": 1 }, "learning": { "problem": "none", "length": 10 },
          "random": { "seed": '$seed' }, "stop": { "iterations": 100 }, "replications": 1,
          "schemes": [ { "code": "expander", "d": 3, "graph": "'$graph'", "decoding": { "each": [ "one-step", "optimal" ] } } ] }' > s$s.json
      done
      "$STRAGGLE" run -q s3.json s4.json s5.json s6.json s7.json -o s.db
      python3 - <<'END'
import json, math, sqlite3
found = {"one-step": json.load(open("one.json")), "optimal": json.load(open("optimal.json"))}
lam = float(found["optimal"]["note"].split()[3].rstrip(":"))
assert 0.5 < lam <= 1
db, seen = sqlite3.connect("s.db"), 0
for s in range(3, 8):
    bound = lam * math.sqrt(50 * s / (50 - s)) * (1 + 1e-5)
    for code, most, mean in db.execute("SELECT scheme_label, max(err_root), avg(err_root) FROM iteration JOIN run USING (run_id) JOIN point "
            "USING (point_id) WHERE json_extract(config_json, '$.environment.cluster.erasure.count') = ? GROUP BY point_id", (s,)):
        assert 0 < mean <= most <= bound, (s, code, most, bound)
        seen += 1
    for name, check in found.items():
        sets = {x["responders"]: x for x in check["sets"]}[50 - s]
        worst = math.sqrt(50 * max(sets["worst_deviation"], sets["greedy_deviation"]))
        assert worst <= bound, (name, s, worst, bound)
        if s % 3 == 0: # s/d blocks can be isolated
            assert worst >= math.sqrt(s / 3) - 1e-9, (name, s, worst)
assert seen == 10
END
    done
  done
}

@test "what cannot be is refused, with the rule and what is near" {
  refused() { # SCHEME WORDS
    echo '{ "format": 1, "cluster": { "workers": 10 }, "delay": { "model": "exponential", "mean_s": 1 },
      "learning": { "problem": "none", "length": 4 }, "schemes": ['"$1"'] }' > bad.json
    run "$STRAGGLE" run -q bad.json -o bad.db
    echo "$output"
    [ "$status" -ne 0 ]
    [[ "$output" == *"$2"* ]]
  }
  refused '{ "code": "bernoulli", "d": 11 }' "/schemes/0/d: expected d ≤ n = 10, found 11"
  refused '{ "code": "stochastic-block", "c": 4 }' "expected a community that divides n = 10 (1, 2, 5, 10), found 4"
  refused '{ "code": "stochastic-block", "c": 5, "P": 1.2 }' "/schemes/0/P: expected a number ≥ 0 and ≤ 1, found 1.2"
  refused '{ "code": "stochastic-block", "c": 5, "Q": -0.1 }' "/schemes/0/Q: expected a number ≥ 0 and ≤ 1, found -0.1"
  refused '{ "code": "sgc", "d": 3, "p": 1 }' "/schemes/0/p: expected a number ≥ 0 and < 1, found 1"
  refused '{ "code": "sgc", "placement": "hadamard" }' "(nearest 8 and 12), found n = 10"
  refused '{ "code": "expander", "d": 10 }' "expected d ≤ 9 with n = 10 workers, found 10"
  refused '{ "code": "expander", "graph": "margulis" }' "expected n = 9 or 16 workers with margulis, a square, found 10"
  refused '{ "code": "approximate-repetition", "d": 2, "decoding": "fixed", "debias": "known" }' "expected none with fixed weights"
}
