#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Sequential gradient coding from scenario file to rows: against the published rules computed directly
# on a trace (sequential_rules.py), and exact decodes whatever becomes of what comes late.

setup() {
  cd "$BATS_TEST_TMPDIR"
  rules="$BATS_TEST_DIRNAME/sequential_rules.py"
}

# scenario WORKERS JOBS SCHEMES, on trace.csv
on_trace() {
  cat > s.json <<EOT
{ "format": 1, "cluster": { "workers": $1 },
  "delay": { "model": "trace", "path": "trace.csv", "mode": "replay", "scaling": "startup", "per_subset_s": 0.02 },
  "learning": { "problem": "none", "length": 1000 },
  "schemes": [ $3 ], "stop": { "iterations": $2 } }
EOT
}

@test "the published rules on a trace: run times, rounds waited out, rounds of decodes" {
  python3 "$rules" trace 12 70 1 > trace.csv
  on_trace 12 60 '
    { "code": "sequential-gc", "s": { "each": [0, 2, 3] }, "wait_out": { "each": ["all", "conforming"] } },
    { "code": "sequential-gc", "s": 2, "strict": true, "models": 4 },
    { "code": "sr-sgc", "B": 1, "W": 2, "lambda": { "each": [0, 2, 4, 12] }, "wait_out": { "each": ["all", "conforming"] } },
    { "code": "sr-sgc", "B": 2, "W": { "each": [3, 5] }, "lambda": 5, "mu": 0.5 },
    { "code": "m-sgc", "B": 1, "W": { "each": [2, 3, 5] }, "lambda": { "each": [0, 2, 4, 12] }, "wait_out": { "each": ["all", "conforming"] } },
    { "code": "m-sgc", "B": 3, "W": 4, "lambda": { "each": [3, 11] }, "models": 9, "mu": 0.5 }'
  "$STRAGGLE" run -q s.json
  run python3 "$rules" check s.json s.db
  echo "$output"
  [ "$status" -eq 0 ]
  [ "${#lines[@]}" -eq 43 ]
}

@test "256 workers with the bursts of measured ones, the schemes of the paper" {
  python3 "$rules" trace 256 60 1 > trace.csv
  on_trace 256 50 '
    { "code": "sequential-gc", "s": { "each": [0, 15] } },
    { "code": "sequential-gc", "s": 15, "strict": true },
    { "code": "sr-sgc", "B": 2, "W": 3, "lambda": 23 },
    { "code": "m-sgc", "B": 1, "W": 2, "lambda": { "each": [27, 256] }, "wait_out": { "each": ["all", "conforming"] } }'
  "$STRAGGLE" run -q s.json
  run python3 "$rules" check s.json s.db
  echo "$output"
  [ "$status" -eq 0 ]
  [ "${#lines[@]}" -eq 8 ]
}

@test "plan --suggest: the times are those of runs, and the fastest stand first" {
  python3 "$rules" trace 12 50 1 > trace.csv
  on_trace 12 40 '
    { "code": "m-sgc", "B": 1, "W": 2, "lambda": 3, "wait_out": "conforming" },
    { "code": "sr-sgc", "B": 1, "W": 2, "lambda": 3, "models": 2 }, { "code": "uncoded" }'
  "$STRAGGLE" plan s.json --suggest 1000 --json > all.json
  "$STRAGGLE" plan s.json --suggest 2 --json > two.json
  python3 - <<'EOT'
import json, subprocess, os, sqlite3
rows, two = json.load(open("all.json")), json.load(open("two.json"))
times = [r["s_per_iteration"] for r in rows]
assert two == rows[:2] and times == sorted(times), two
labels = [r["scheme"] for r in rows]
assert len(set(labels)) == len(labels) > 60, len(labels)
# What the scenario has is among them; B = W, W - 1 that B does not divide and what needs more models are not.
assert "m-sgc B=1 W=2 lambda=3 conforming" in labels and "sr-sgc B=1 W=2 lambda=3 models=2" in labels
assert not any("B=2 W=2" in l or l.startswith("sr-sgc B=2") for l in labels), labels
assert not any(l.startswith("uncoded") for l in labels)
for r in (rows[0], rows[len(rows) // 2], rows[-1]):
    words = dict(w.split("=") for w in r["scheme"].split() if "=" in w)
    scheme = {"code": r["scheme"].split()[0], **{k: int(v) for k, v in words.items()}}
    if "conforming" in r["scheme"]:
        scheme["wait_out"] = "conforming"
    subprocess.run([os.environ["STRAGGLE"], "run", "-q", "s.json", "-o", "one.db", "--set", "/schemes=" + json.dumps([scheme])], check=True)
    mean = sqlite3.connect("one.db").execute("SELECT sum(duration_s) / count(*) FROM iteration").fetchone()[0]
    assert abs(mean - r["s_per_iteration"]) <= 1e-5 * mean, (r, mean)
    os.remove("one.db")
EOT
  # A scenario without such schemes.
  run "$STRAGGLE" plan s.json --suggest 5 --set '/schemes=[{"code":"uncoded"}]'
  [ "$status" -eq 65 ]
  [[ "$output" == *"/schemes"*"no scheme of this scenario has parameters"* ]]
}

@test "a dead worker is a straggler as long as what is due can be decoded" {
  cat > s.json <<'EOT'
{ "format": 1, "cluster": { "workers": 6, "crashes": { "model": "permanent", "mean_iterations": 30 } },
  "delay": { "model": "shifted-exponential", "shift_s": 1, "mean_excess_s": 0.2 },
  "learning": { "problem": "none" },
  "schemes": [ { "code": "sequential-gc", "s": 0 }, { "code": "sequential-gc", "s": 2 },
               { "code": "sr-sgc", "B": 1, "W": 2, "lambda": 4 }, { "code": "m-sgc", "B": 1, "W": 3, "lambda": 3 } ],
  "stop": { "iterations": 20, "undecodable": "skip" }, "replications": 40 }
EOT
  "$STRAGGLE" run -q s.json
  decoded() { # database, scheme: rows that were decoded, of 800
    sqlite3 $1 "SELECT sum(decoded) FROM iteration JOIN run USING (run_id) JOIN point USING (point_id) WHERE scheme_label = '$2'"
  }
  [ "$(sqlite3 s.db "SELECT count(*), count(DISTINCT status), min(status) FROM run")" = "160|1|finished" ]
  # GC(2) decodes as long as four workers live, all of which are waited for: the dead do not come.
  [ "$(sqlite3 s.db "SELECT count(*), sum(n_received < 4), sum(decoded <> (n_received >= 4)) FROM iteration JOIN run USING (run_id)
                     JOIN point USING (point_id) WHERE scheme_label = 'sequential-gc s=2'")" = "800|$((800 - $(decoded s.db "sequential-gc s=2")))|0" ]
  # SR-SGC (s = 2) as well, but for a straggler beside two dead; without redundancy one is too many.
  [ "$(decoded s.db "sr-sgc B=1 W=2 lambda=4")" -ge $(($(decoded s.db "sequential-gc s=2") - 8)) ]
  [ "$(decoded s.db "sequential-gc s=0")" -lt 400 ]
  # Workers that are dead for a round now and then are M-SGC's stragglers: it redoes what they owe.
  "$STRAGGLE" run -q s.json -o short.db \
    --set '/cluster/crashes={"model":"iterations","mean_iterations":60,"mean_recovery_iterations":1}'
  [ "$(decoded short.db "m-sgc B=1 W=3 lambda=3")" -ge 792 ]
  [ "$(decoded short.db "sequential-gc s=0")" -lt 750 ]
}
