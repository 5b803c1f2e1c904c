#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Samples used and work in `compare`; points at equal batch, time and work, also with other numbers of
# workers; each code at its best parameters; and that what is not exact is never faster without a
# target loss. Against the raw rows, by Python (tests/support/samples.py).

setup() {
  cd "$BATS_TEST_TMPDIR"
  scenarios="$BATS_TEST_DIRNAME/../scenarios"
  agree() { python3 "$BATS_TEST_DIRNAME/support/samples.py" "$@"; }
}

# Mini-batches, a code that leaves stragglers out, one that is exact, erasures that skip rounds.
mixed() { # members in place of the target
  cat <<END
{ "format": 1, "cluster": { "workers": 12, "erasure": { "model": "bernoulli", "probability": 0.05 } },
  "delay": { "model": "shifted-exponential", "shift_s": 0.2, "mean_excess_s": 1, "scaling": "additive", "unit": "subset" },
  "learning": { "problem": "logistic-regression", "batch_rows": 8, "l2": 1e-4,
    "data": { "source": "csv", "path": "$scenarios/data/breast-cancer.csv", "label": "diagnosis", "test_share": 0.2, "standardize": true },
    "optimizer": { "method": "gradient-descent", "step": 0.3 } },
  "network": { "header_bytes": 16, "broadcast": { "model": "sequential", "bandwidth_Bps": 1e5 } },
  "schemes": [ { "code": "uncoded" }, { "code": "fractional-repetition", "s": 1 },
    { "code": "ignore-stragglers", "s": { "each": [ 1, 3 ] } }, { "code": "k-async", "k": 2 },
    { "code": "k-sync", "k": { "each": [ 4, 8 ] }, "gradients": "global-batch" } ],
  "baseline": "fractional-repetition s=1",
  "replications": 14, $1, "output": { "detail": "iteration" } }
END
}

@test "samples, work and what the target costs are those of the raw rows" {
  mixed '"stop": { "iterations": 34, "target_loss": 0.1, "undecodable": "skip" }' > mixed.json
  "$STRAGGLE" run --quiet mixed.json
  "$STRAGGLE" compare mixed.db --json > mixed.out
  run agree columns mixed.db mixed.out
  echo "$output"
  [ "$output" = "7 rows agree" ]
  # Some reached the target, some did not, and rounds were skipped.
  [ "$(sqlite3 mixed.db "SELECT count(DISTINCT time_to_target_s IS NULL), sum(undecodable_iters) > 50 FROM run_summary")" = "2|1" ]
  COLUMNS=120 "$STRAGGLE" compare mixed.db > mixed.txt
  grep -q 'samples/iter' mixed.txt
  tr '\n' ' ' < mixed.txt | grep -q 'Iteration times compare different amounts of learning: an update of fractional-repetition s=1 uses '
  tr '\n' ' ' < mixed.txt | grep -Eq 'of ignore-stragglers s=3 [0-9.]+ \([0-9.]+ s\), .*, and 2 more use other amounts. '
  tr '\n' ' ' < mixed.txt | grep -q 'Times to the target loss count that.'
  # Where all use the same, nothing is said of it.
  "$STRAGGLE" run --quiet mixed.json -o same.db --set '/cluster/erasure={"model":"none"}' --set '/schemes=[{"code":"uncoded"},{"code":"fractional-repetition","s":1}]' --set /replications=2
  COLUMNS=200 "$STRAGGLE" compare same.db > same.txt
  [ "$(grep -c 'samples' same.txt)" -eq 0 ]
  # Times only: subsets.
  "$STRAGGLE" run --quiet mixed.json -o times.db --set '/learning={"problem":"none","length":20}' --set '/stop={"iterations":50,"undecodable":"skip"}' \
    --set '/schemes=[{"code":"uncoded"},{"code":"fractional-repetition","s":1},{"code":"ignore-stragglers","s":3},{"code":"k-sync","k":4},{"code":"k-sync","k":5,"gradients":"global-batch"}]'
  "$STRAGGLE" compare times.db --json > times.out
  # What mini-batches are worth in subsets is not known.
  [ "$(sqlite3 :memory: "SELECT group_concat(coalesce(round(value ->> 'samples', 6), 'none'), ' ') FROM json_each(readfile('times.out')) WHERE value ->> 'code' = 'k-sync'")" = "4.0 none" ]
  sqlite3 times.db "PRAGMA foreign_keys = on; DELETE FROM point WHERE scheme_label LIKE 'k-sync k=5%'"
  "$STRAGGLE" compare times.db --json > times.out
  run agree columns times.db times.out
  echo "$output"
  [ "$output" = "4 rows agree" ]
  [ "$("$STRAGGLE" compare times.db --columns scheme,samples,samples_unit --format csv | grep -c ',4,subsets')" -eq 1 ]
}

@test "equal batch, time and work across n are those of the raw rows" {
  cat > across.json <<END
{ "format": 1, "cluster": { "workers": 10 },
  "delay": { "model": "shifted-exponential", "shift_s": 1, "mean_excess_s": 0.5, "scaling": "additive", "unit": "subset" },
  "learning": { "problem": "logistic-regression", "batch_rows": 4, "l2": 1e-4,
    "data": { "source": "csv", "path": "$scenarios/data/breast-cancer.csv", "label": "diagnosis", "test_share": 0.2, "standardize": true },
    "optimizer": { "method": "gradient-descent", "step": 0.1 } },
  "schemes": [ { "code": "k-sync", "k": { "each": [ 7, 8, 10 ] }, "gradients": "global-batch", "work": 1 } ],
  "sweep": [ { "name": "n", "path": "/cluster/workers", "values": [ 10, 12, 16 ] },
             { "name": "excess", "path": "/delay/mean_excess_s", "values": [ 0.5, 2 ] } ],
  "replications": 8, "stop": { "iterations": 60 }, "output": { "detail": "iteration" } }
END
  "$STRAGGLE" run --quiet across.json
  for equal in batch time work; do
    "$STRAGGLE" compare across.db --equal $equal --across n --json > $equal.out
    run agree equal across.db $equal.out $equal
    echo "$equal: $output"
    [ "$output" = "18 rows agree" ]
    [ "$(sqlite3 :memory: "SELECT group_concat(DISTINCT value ->> 'name') FROM json_each(readfile('$equal.out'))")" = "across, excess = 0.5,across, excess = 2" ]
  done
  # Equal batch: a table for each size of batch, that has each n.
  [ "$(sqlite3 :memory: "SELECT count(*), min(c), max(c) FROM (SELECT count(DISTINCT value ->> 'n') c FROM json_each(readfile('batch.out')) GROUP BY value ->> 'group', value ->> 'batch')")" = "6|3|3" ]
  COLUMNS=100 "$STRAGGLE" compare across.db --equal batch --across n > batch.txt
  [ "$(grep -c '^3 environments, which differ in cluster/workers 10, 12, 16.$' batch.txt)" -eq 2 ]
  [ "$(grep -c '^scheme ' batch.txt)" -eq 6 ]
  [ "$(grep -c 'workers' <(grep '^scheme ' batch.txt) || true)" -eq 0 ]
  grep -q 'There is no verdict' batch.txt
  grep -q 'what such samples are worth' <(tr '\n' ' ' < batch.txt)
  [ "$(LC_ALL=C.UTF-8 wc -L < batch.txt)" -le 100 ]
  # Across both axes all is one group; without --across each environment is one.
  [ "$("$STRAGGLE" compare across.db --equal work --across n,excess --columns group --format csv | sort -u | wc -l)" -eq 2 ]
  [ "$("$STRAGGLE" compare across.db --equal work --across n --across excess --columns group --format csv | sort -u | wc -l)" -eq 2 ]
  [ "$("$STRAGGLE" compare across.db --equal work --columns group --format csv | sort -u | wc -l)" -eq 7 ]
  for format in markdown latex; do
    "$STRAGGLE" compare across.db --equal time --across n --format $format > out
    [ "$(grep -c 'k-sync k=8' out)" -eq 6 ]
  done
  # With a target loss the way to it is compared.
  "$STRAGGLE" run --quiet across.json -o target.db --set '/stop={"iterations":39,"target_loss":0.14}' --set '/sweep=[{"name":"n","path":"/cluster/workers","values":[10,16]}]'
  for equal in batch time work; do
    "$STRAGGLE" compare target.db --equal $equal --across n --json > $equal.out
    run agree equal target.db $equal.out $equal
    echo "$equal: $output"
    [ "$output" = "6 rows agree" ]
  done
  [ "$(sqlite3 target.db "SELECT count(DISTINCT time_to_target_s IS NULL) FROM run_summary")" -eq 2 ]
  "$STRAGGLE" compare target.db --equal work --across n > work.txt
  grep -q 'worker-s to loss' work.txt
}

@test "options that do not go together, axes that are not there" {
  "$STRAGGLE" run --quiet "$BATS_TEST_DIRNAME/scenarios/small.json" -o small.db --set /replications=1
  run "$STRAGGLE" compare small.db --best --per-code
  [ "$status" -eq 64 ]
  [[ "$output" == *"--best and --per-code are different tables: expected one of them" ]]
  run "$STRAGGLE" compare small.db --across n
  [ "$status" -eq 64 ]
  [[ "$output" == *"--across is for --equal and --per-code: expected one of them" ]]
  run "$STRAGGLE" compare small.db --per-code
  [ "$status" -ne 0 ]
  [[ "$output" == *"expected replications with even and with odd numbers"* ]]
  "$STRAGGLE" run --quiet "$BATS_TEST_DIRNAME/scenarios/sweep18.json" -o sweep.db --set /replications=2
  run "$STRAGGLE" compare sweep.db --equal work --across nett,n
  [ "$status" -eq 64 ]
  [[ "$output" == *'; found "nett"; did you mean "net"?'* ]]
  run "$STRAGGLE" compare sweep.db --equal wrok
  [ "$status" -eq 64 ]
  "$STRAGGLE" run --quiet "$BATS_TEST_DIRNAME/scenarios/small.json" -o none.db --set '/sweep=[]' --set /replications=1
  run "$STRAGGLE" compare none.db --equal work --across n
  [ "$status" -eq 64 ]
  [[ "$output" == *'of which there is none here; found "n"' ]]
  # A database without runs has the columns.
  sqlite3 none.db "DELETE FROM run; DELETE FROM point"
  [ "$("$STRAGGLE" compare none.db --equal work --json)" = "[]" ]
  [ "$("$STRAGGLE" compare none.db --per-code --json)" = "[]" ]
}

# Chen, Pan, Monga, Bengio, Jozefowicz (2016): N workers of N + b = 100, t0 = 1, mean excess 0.5.
@test "backup workers: the time of a gradient used is least at b = 22 of 100" {
  "$STRAGGLE" run --quiet "$scenarios/backup-workers.json" -o backup.db
  "$STRAGGLE" compare backup.db --equal time --json > backup.out
  run python3 - <<'END'
import json, math
rows = json.load(open("backup.out"))
harmonic = lambda n: sum(1 / i for i in range(1, n + 1))
exact = lambda k: 1 + 0.5 * (harmonic(100) - harmonic(100 - k))
assert round(exact(100), 6) == 3.593689 and round(exact(96), 6) == 2.552022
assert min(range(1, 101), key=lambda k: exact(k) / k) == 78
for row in rows:
    k = round(row["samples_per_iter"])
    assert row["scheme_label"] == f"k-sync k={k}" and row["unit"] == "subsets"
    error = (row["iter_s_high"] - row["iter_s_low"]) / 2 / 2.093  # t of 19 degrees
    assert abs(row["iter_s"] - exact(k)) < 4 * error, (k, row["iter_s"], exact(k))
    assert abs(row["sample_s"] / (row["iter_s"] / k) - 1) < 1e-9
assert round(rows[0]["samples_per_iter"], 6) == 78, rows[0]
print("best", rows[0]["samples_per_iter"])
END
  echo "$output"
  [ "$status" -eq 0 ]
}

@test "each code at its best, chosen on other replications than it is measured on" {
  mixed '"stop": { "iterations": 400, "target_loss": 0.1, "undecodable": "skip" }, "sweep": [ { "name": "step", "path": "/learning/optimizer/step", "values": [ 0.1, 0.3, 0.9 ] } ]' > codes.json
  "$STRAGGLE" run --quiet codes.json --set '/cluster/erasure={"model":"none"}'
  "$STRAGGLE" compare codes.db --per-code --across step --json > codes.out
  run agree codes codes.db codes.out
  echo "$output"
  [ "$output" = "5 rows agree" ]
  COLUMNS=120 "$STRAGGLE" compare codes.db --per-code --across step > codes.txt
  grep -q '^3 environments, which differ in learning/optimizer/step 0.1, 0.3, 0.9.$' codes.txt
  grep -q 'which did not choose' <(tr '\n' ' ' < codes.txt)
  grep -q 'At the edge of the values tried: ' <(tr '\n' ' ' < codes.txt)
  # Without a target only what is exact is ranked.
  "$STRAGGLE" run --quiet codes.json -o iter.db --set '/cluster/erasure={"model":"none"}' --set '/stop={"iterations":40}'
  "$STRAGGLE" compare iter.db --per-code --across step --json > iter.out
  run agree codes iter.db iter.out
  echo "$output"
  [ "$output" = "2 rows agree" ]
  "$STRAGGLE" compare iter.db --per-code --across step > iter.txt
  grep -q '3 codes that do not give the exact gradient are left out' <(tr '\n' ' ' < iter.txt)
}

# All schemes of tests/protocols that are not exact, beside an exact one that is slower.
@test "what is not exact is never faster without a target loss" {
  python3 - "$BATS_TEST_DIRNAME/protocols" <<'END'
import glob, json, sys
n = 0
for path in sorted(glob.glob(sys.argv[1] + "/*.json")):
    file = json.load(open(path))
    if not file.get("inexact"): continue
    # A slow baseline: it waits for all, of which one is always late.
    learning = file.get("learning", {"problem": "least-squares", "evaluate_every": 1, "batch_rows": 5,
        "data": {"source": "gaussian-mixture", "rows": 120, "features": 6},
        "optimizer": {"method": "gradient-descent", "step": 0.01}})
    s = {"format": 1, "cluster": dict(file.get("cluster", {}), workers=file["workers"]), "learning": learning,
         "delay": file.get("delay", {"model": "shifted-exponential", "shift_s": 0.5, "mean_excess_s": 20}),
         "invalid_combinations": "error", "schemes": [{"code": "uncoded"}] + file["inexact"], "baseline": "uncoded",
         "replications": 6, "stop": dict({"undecodable": "skip"}, **{**file.get("stop", {}), "iterations": 12}),
         "output": {"detail": "iteration"}}
    for pointer, value in file.get("fixed", {}).items():
        at = s
        *way, last = pointer.strip("/").split("/")
        for name in way: at = at.setdefault(name, {})
        at[last] = value
    s["stop"].pop("target_loss", None)
    json.dump(s, open("never-%02d.json" % n, "w"))
    n += 1
assert n >= 8, n
END
  # And beside them what skips rounds, and what is compressed.
  mixed '"stop": { "iterations": 20, "undecodable": "skip" }' > never-skip.json
  sed -i 's/"probability": 0.05/"probability": 0.002/; s/"fractional-repetition s=1"/"uncoded"/; s/"mean_excess_s": 1,/"mean_excess_s": 30,/' never-skip.json
  cat > never-compressed.json <<'END'
{ "format": 1, "cluster": { "workers": 6 }, "delay": { "model": "shifted-exponential", "shift_s": 0.1, "mean_excess_s": 0.1 },
  "learning": { "problem": "least-squares", "data": { "source": "gaussian-mixture", "rows": 120, "features": 60 },
    "optimizer": { "method": "gradient-descent", "step": 0.01 } },
  "network": { "uplink": { "model": "linear", "bandwidth_Bps": 100 } },
  "schemes": [ { "code": "uncoded" }, { "code": "fractional-repetition", "s": 1, "compression": { "compressor": "top-k", "share": 0.05 } } ],
  "baseline": "uncoded", "replications": 6, "stop": { "iterations": 12 }, "output": { "detail": "iteration" } }
END
  # Without gradients no error tells of it.
  sed 's/"learning": .*/"learning": { "problem": "none", "length": 60 },/; /"optimizer"/d; s/"top-k", "share": 0.05/"scaled-sign"/' never-compressed.json > never-times.json
  fast=0
  for s in never-*.json; do
    db=${s%.json}.db
    "$STRAGGLE" run --quiet $s || { cat $s; false; }
    inexact="SELECT scheme_label FROM point JOIN (SELECT point_id, max(grad_scaled_err_max) err, sum(undecodable_iters) skipped FROM run_summary JOIN run USING (run_id) GROUP BY point_id) USING (point_id) WHERE NOT exact OR NOT barrier OR compressed OR err > 1e-6 OR skipped > 0"
    fast=$((fast + $(sqlite3 $db "SELECT count(*) FROM v_compare WHERE speedup_ci95_low > 1 AND scheme_label IN ($inexact)")))
    # The view, CSV with the ranks, the fastest, points, codes, pictures, the page.
    [ "$(sqlite3 $db "SELECT count(*) FROM v_compare WHERE iter_time_verdict IN ('faster', 'slower') AND scheme_label IN ($inexact)")" -eq 0 ]
    "$STRAGGLE" compare $db --json > out.json
    [ "$(sqlite3 $db "SELECT count(*) FROM json_each(readfile('out.json')) WHERE (value ->> 'verdict' IN ('faster', 'slower') OR value ->> 'rank' IS NOT NULL) AND value ->> 'scheme_label' IN ($inexact)")" -eq 0 ]
    "$STRAGGLE" compare $db --best --json > out.json
    [ "$(sqlite3 $db "SELECT count(*) FROM json_each(readfile('out.json')) WHERE value ->> 'best_label' IN ($inexact) OR value ->> 'next_label' IN ($inexact) OR value ->> 'fastest_of_all_label' IN ($inexact)")" -eq 0 ]
    "$STRAGGLE" compare $db --per-code --json > out.json
    [ "$(sqlite3 $db "SELECT count(*) FROM json_each(readfile('out.json')) WHERE value ->> 'scheme_label' IN ($inexact)")" -eq 0 ]
    "$STRAGGLE" plot $db speedup -o out.svg > said
    [ "$(sqlite3 -cmd '.import --csv out.csv t' $db "SELECT count(*) FROM t WHERE series IN ('faster', 'slower') AND scheme_label IN ($inexact)")" -eq 0 ]
    "$STRAGGLE" report $db -o out.html
    COLUMNS=250 "$STRAGGLE" compare $db > out.txt
    while IFS= read -r label; do
      [ "$(grep -F "fastest: $label" said out.txt | grep -cvF "fastest: $label " || true)" -eq 0 ]
      [ "$(grep -c -F "Fastest: $label," out.html || true)" -eq 0 ]
      grep -F "$label " out.txt | grep -q '~'
    done < <(sqlite3 $db "$inexact")
  done
  # Most of them took less time for an iteration, so that it could be said.
  echo "$fast"
  [ "$fast" -ge 45 ]
}

@test "an inexact baseline gives no verdict on iteration times" {
  mixed '"stop": { "iterations": 20 }' > base.json
  "$STRAGGLE" run --quiet base.json --set '/cluster/erasure={"model":"none"}' --set '/baseline="ignore-stragglers s=3"'
  [ "$("$STRAGGLE" compare base.db --format csv --columns scheme,verdict | grep -cE ',(faster|slower|undecided)$' || true)" -eq 0 ]
  [ "$("$STRAGGLE" compare base.db --format csv --columns scheme,verdict | grep -c ',inexact baseline$')" -eq 2 ]
  [ "$(sqlite3 base.db "SELECT count(*) FROM v_compare WHERE iter_time_verdict = 'inexact baseline'")" -eq 2 ]
}

@test "what is said of inexact schemes is what they are, and of a lead that nobody knows that it is censored" {
  cat > said.json <<END
{ "format": 1, "cluster": { "workers": 4 }, "delay": { "model": "exponential", "mean_s": 1 },
  "learning": { "problem": "quadratic", "length": 5, "subsets": 8, "heterogeneity": 0.5, "optimizer": { "method": "gradient-descent", "step": 0.1 } },
  "baseline": "uncoded", "schemes": [ { "code": "uncoded" }, { "code": "rennala", "b": 4 }, { "code": "local-sgd", "period": 4 }, { "code": "ringmaster", "r": 4 } ],
  "replications": 12, "stop": { "iterations": 400, "target_grad_norm2": 1e-3 } }
END
  "$STRAGGLE" run --quiet said.json
  "$STRAGGLE" compare said.db | tr -s '\n ' ' ' > said
  cat said
  grep -q 'Fastest of all, inexact: ringmaster r=4, by a censored lead over the next, rennala b=4\.' said
  # Not the rounding of a sum that is no gradient.
  grep -qE 'rennala b=4 \(decoding error [0-9.]+\), local-sgd period=4 \(by its rule not the exact gradient\)' said
}
