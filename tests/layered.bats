#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Gradients of the shape of a network: times from flops, messages layer by layer, memory.

setup() {
  cd "$BATS_TEST_TMPDIR"
}

# Three unequal layers; $1: scheme members, $2: more of the network, $3: more of the scenario.
scenario() {
  cat > s.json <<END
{ "format": 1, "cluster": { "workers": 4, "speeds": [1, 2, 0.5, 1] },
  "delay": { "model": "deterministic", "value_s": 1.5, "unit": "flops", "flops_per_s": 2e9 },
  "network": { "uplink": { "model": "linear", "bandwidth_Bps": 1e6 } $2 },
  "learning": { "problem": "layered-gradient", "frames": 3, "samples": 50000, "entries": "laplace",
                "layers": [ { "rows": 100, "columns": 7 }, { "rows": 40, "columns": 30, "flops": 60000, "repeat": 2 }, { "rows": 9 } ] },
  "stop": { "iterations": 3 }, "schemes": [ $1 ] $3 }
END
}

@test "flops, bytes and order of layers make the time, by hand" {
  scenario '{ "code": "uncoded" }, { "code": "uncoded", "layers": "one-by-one" }, { "code": "cyclic-repetition", "s": 1, "layers": "one-by-one" }'
  "$STRAGGLE" run -q s.json -o s.db
  python3 - <<'END'
import sqlite3
sizes, flops = [700, 1200, 1200, 9], [6 * 700 * 3, 60000, 60000, 6 * 9 * 3]
speeds = [1, 2, 0.5, 1]
subset = sum(flops) * 50000 / 4 / 2e9 * 1.5
def one(speed, load):
    ready = sent = 0
    for n, f in reversed(list(zip(sizes, flops))):
        ready += load * subset * f / sum(flops) / speed
        sent = max(sent, ready) + 8 * n / 1e6
    return sent
expected = {"uncoded": max(subset / s for s in speeds) + 8 * sum(sizes) / 1e6,
            "uncoded one-by-one": max(one(s, 1) for s in speeds),
            "cyclic-repetition s=1 one-by-one": sorted(one(s, 2) for s in speeds)[2]}
found = dict(sqlite3.connect("s.db").execute("SELECT scheme_label, iter_mean_s FROM run_summary JOIN run USING (run_id) JOIN point USING (point_id)"))
assert found.keys() == expected.keys(), found
for label in expected:
    assert abs(found[label] / expected[label] - 1) < 1e-9, (label, found[label], expected[label])
for (error,) in sqlite3.connect("s.db").execute("SELECT grad_scaled_err_max FROM run_summary"):
    assert error < 1e-12
END
}

@test "a message, its bits and its compression are those of a layer" {
  scenario '{ "code": "uncoded" }, { "code": "uncoded", "layers": "one-by-one" }' ', "compression": { "compressor": "qsgd", "levels": 15 }'
  "$STRAGGLE" run -q s.json -o s.db
  # 32 bits a message and 5 a coordinate: 3109 coordinates in one message or in four.
  [ "$(sqlite3 s.db "SELECT scheme_label, bits_mean, n_used_mean FROM run_summary JOIN run USING (run_id) JOIN point USING (point_id)")" = \
    $'uncoded|62308.0|4.0\nuncoded one-by-one|62692.0|16.0' ]
}

@test "the profile has 25 million coordinates in 192 layers" {
  scenario '{ "code": "uncoded" }'
  sed -i 's/"layers": \[ .* \] },/"profile": "conformer" },/' s.json
  run "$STRAGGLE" check s.json
  [ "$status" -eq 0 ]
  [[ "$output" == *"25296896 coordinates in 192 layers"* ]]
}

@test "memory does not grow with subsets" {
  cat > s.json <<'END'
{ "format": 1, "cluster": { "workers": 10 }, "delay": { "model": "exponential", "mean_s": 1, "unit": "subset" },
  "learning": { "problem": "layered-gradient", "subsets": 10, "layers": [ { "rows": 100000, "repeat": 4 } ] },
  "stop": { "iterations": 1 }, "schemes": [ { "code": "cyclic-repetition", "s": 2 } ] }
END
  python3 - "$STRAGGLE" <<'END'
import os, subprocess, sys
def peak(subsets):
    pid = os.fork()
    if pid == 0:
        os.execv(sys.argv[1], ["straggle", "run", "-q", "-j1", "s.json", "-o", f"{subsets}.db", "--set", f"/learning/subsets={subsets}"])
    _, status, usage = os.wait4(pid, 0)
    assert status == 0
    return usage.ru_maxrss * 1024
few, many = peak(10), peak(200)
assert many - few < 8e6, (few, many)   # a vector per subset would be 640 MB more
END
}

# docs/performance.md, very large gradients: 8 l (3 + the optimiser's vectors) bytes.
@test "memory is three vectors of the model's length, and the optimiser's, whatever the code" {
  (ulimit -v 4000000 && "$STRAGGLE" --version > /dev/null 2>&1) || skip "not with a sanitizer"
  cat > s.json <<'END'
{ "format": 1, "cluster": { "workers": 12 }, "delay": { "model": "exponential", "mean_s": 1 },
  "learning": { "problem": "layered-gradient", "layers": [ { "rows": 1 } ] },
  "stop": { "iterations": 3 }, "schemes": [ { "code": "uncoded" } ] }
END
  python3 - "$STRAGGLE" <<'END'
import os, sys
def peak(length, code, method):
    pid = os.fork()
    if pid == 0:
        os.execv(sys.argv[1], ["straggle", "run", "-q", "-j1", "s.json", "-o", "s.db",
                               "--set", f"/learning/layers/0/rows={length}", "--set", f"/schemes=[{code}]",
                               "--set", '/learning/optimizer={"method":"%s","step":0.1}' % method])
    _, status, usage = os.wait4(pid, 0)
    assert status == 0
    return usage.ru_maxrss * 1024
for code in ('{"code":"uncoded"}', '{"code":"cyclic-repetition","s":2}', '{"code":"group","d":6,"m":4}',
             '{"code":"uncoded","collective":{"algorithm":"ring"}}'):
    for method, vectors in (("gradient-descent", 3), ("nesterov", 4)):
        each = (peak(3000000, code, method) - peak(1000000, code, method)) / 2e6
        assert abs(each - 8 * vectors) < 1, (code, method, each)
END
}

@test "what cannot be is refused with its reason" {
  scenario '{ "code": "nested", "s_max": 1, "layers": "one-by-one" }'
  run "$STRAGGLE" check s.json
  [ "$status" -eq 65 ]
  [[ "$output" == *'/schemes/0/layers: expected "together" with "nested"'* ]]
  scenario '{ "code": "ye-abbe", "d": 3, "m": 2, "layers": "one-by-one" }'
  sed -i 's/{ "rows": 9 }/{ "rows": 1 }/' s.json
  run "$STRAGGLE" check s.json
  [[ "$output" == *"expected layers of at least m = 2 coordinates, found 1 in layer 3"* ]]
  scenario '{ "code": "uncoded" }'
  sed -i 's/, "flops_per_s": 2e9//' s.json
  run "$STRAGGLE" check s.json
  [[ "$output" == *"/delay/flops_per_s: expected flops_per_s"* ]]
  scenario '{ "code": "uncoded", "layers": "one-by-one" }'
  sed -i 's/"problem": .*/"problem": "none", "length": 12 },/;/"layers": \[ {/d' s.json
  run "$STRAGGLE" check s.json
  [[ "$output" == *'/delay/unit: expected a learning problem whose flops are known'* ]]
  sed -i 's/"unit": "flops", "flops_per_s": 2e9/"unit": "subset"/' s.json
  run "$STRAGGLE" check s.json
  [[ "$output" == *'/schemes/0/layers: expected "together" with a learning problem that has no layers'* ]]
  scenario '{ "code": "uncoded" }'
  sed -i 's/"layers": \[ /"profile": "conformer", "layers": [ /' s.json
  run "$STRAGGLE" check s.json
  [[ "$output" == *"expected either layers or profile, found both"* ]]
}
