#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The presets of clusters: what each is said to meet is measured here, in runs of the file that ships.

setup() {
  clusters="$BATS_TEST_DIRNAME/../scenarios/clusters"
  cd "$BATS_TEST_TMPDIR"
}

@test "large-training: as many jobs slowed, as persistently, as published" {
  "$STRAGGLE" run "$clusters/large-training.json" --quiet -o jobs.db --set '/schemes=[{"code":"uncoded"}]' \
    --set /replications=2000 --set /stop/iterations=12
  run python3 - <<'PYTHON'
import math, sqlite3
jobs = {}
for run, seconds in sqlite3.connect("jobs.db").execute("SELECT run_id, duration_s FROM iteration"):
    jobs.setdefault(run, []).append(seconds)
n = len(jobs)
# A job's slowdown: its time over that of a step in which every worker takes the mean time; a fault is above 2.
ideal = math.exp(0.01 ** 2 / 2) * (1 + 0.075 * 0.09)
slowdown = [sum(v) / len(v) / ideal for v in jobs.values()]
slowed, faults = sum(s >= 1.1 for s in slowdown) / n, [s for s in slowdown if s > 2]
z = [(slowed - 0.425) / math.sqrt(0.425 * 0.575 / n), (len(faults) / n - 0.017) / math.sqrt(0.017 * 0.983 / n)]
steps = sorted(x * len(v) / sum(v) for v in jobs.values() for x in v)
median, p90 = steps[len(steps) // 2], steps[len(steps) * 9 // 10]
unequal = [s for s in slowdown if 1.1 <= s <= 2]
print(f"{n} jobs, {slowed:.4f} slowed (z {z[0]:.2f}), {len(faults) / n:.4f} faults (z {z[1]:.2f}) by {sum(faults) / len(faults):.3f},"
      f" others by {sum(unequal) / len(unequal):.3f}, steps {median:.4f} and {p90:.4f}")
assert n == 2000 and all(abs(v) <= 4 for v in z)
assert abs(sum(faults) / len(faults) - 3.04) < 0.03 * 3.04 and abs(sum(unequal) / len(unequal) - 1.34) < 0.03 * 1.34
assert abs(median - 1) < 0.015 and abs(p90 - 1.06) < 0.01
PYTHON
  echo "$output"
  [ "$status" -eq 0 ]
}

@test "serverless: stragglers as often, and in bursts as long, as counted in the published profiles" {
  "$STRAGGLE" run "$clusters/serverless.json" --quiet -o s.db --set '/schemes=[{"code":"uncoded"}]' --set /replications=8 \
    --set /stop/iterations=100 --set /output/detail=worker --set /delay/per_subset_s=0
  run python3 - <<'PYTHON'
import math, sqlite3
times = {}
for run, i, worker, s in sqlite3.connect("s.db").execute("SELECT run_id, iteration, worker, compute_s FROM worker_iteration"):
    times.setdefault((run, i), {})[worker] = s
slow = {k: {w for w, s in v.items() if s > 2 * min(v.values())} for k, v in times.items()}
bursts, n = {}, 256
for run in {r for r, _ in slow}:
    for w in range(n):
        length = 0
        for i in range(101):
            if i < 100 and w in slow[run, i]:
                length += 1
            elif length:
                bursts[length] = bursts.get(length, 0) + 1
                length = 0
count, total = sum(bursts.values()), sum(k * v for k, v in bursts.items())
share, mean = total / (8 * 100 * n), total / count
print(f"{share:.4f} of the times, bursts of {mean:.4f} rounds, {bursts}")
# Counts of the profiles against ours, as of two samples; windows of 100 rounds in both.
z = (total / 8 - 1203) / math.sqrt(1203 * (1 + 1 / 8) * 1.37)  # bursts make the variance of a count larger
assert abs(z) <= 4 and abs(share - 0.047) < 0.002, z
assert abs(mean - 1203 / 1016) < 4 * 0.46 / math.sqrt(1016)
one = bursts[1] / count
assert abs(one - 865 / 1016) < 4 * math.sqrt(0.851 * 0.149 * (1 / 1016 + 1 / count))
PYTHON
  echo "$output"
  [ "$status" -eq 0 ]
}

@test "four-gpus: each worker's time in the all-reduce, to 0.5 %" {
  "$STRAGGLE" run "$clusters/four-gpus.json" --quiet -o four.db --set /output/detail=worker
  run python3 - <<'PYTHON'
import sqlite3
computing, collective = (4508.55, 4514.46, 4536.09, 4526.50), (144.86, 139.21, 117.64, 127.14)
rows = sqlite3.connect("four.db").execute("SELECT worker, avg(w.compute_s), avg(duration_s - w.compute_s) FROM worker_iteration w"
    " JOIN iteration USING (run_id, iteration) JOIN run USING (run_id) JOIN point USING (point_id)"
    " WHERE scheme_label LIKE '%ring%' GROUP BY worker ORDER BY worker").fetchall()
print(rows)
assert len(rows) == 4
assert all(abs(1000 * c / computing[w] - 1) < 1e-9 and abs(1000 * a / collective[w] - 1) < 0.005 for w, c, a in rows)
PYTHON
  echo "$output"
  [ "$status" -eq 0 ]
}

@test "tcp-1gbit: how much of the time is computing, to 3 %" {
  "$STRAGGLE" run "$clusters/tcp-1gbit.json" --quiet -o tcp.db
  run sqlite3 tcp.db "SELECT scheme_label, printf('%.4f', worker_busy_share), abs(worker_busy_share / of - 1) < 0.03
    FROM v_point JOIN (SELECT 'uncoded ring' AS label, 0.0174 AS of UNION SELECT 'diloco period=1 ring', 0.0174
      UNION SELECT 'diloco period=32 ring', 0.3601) ON label = scheme_label ORDER BY 2, 1"
  echo "$output"
  [ "$output" = $'diloco period=1 ring|0.0177|1\nuncoded ring|0.0177|1\ndiloco period=32 ring|0.3659|1' ]
}

@test "a preset is a beginning: init writes each, and what it writes runs and is compared" {
  for f in "$clusters"/*.json; do
    name="$(basename "$f" .json)"
    "$STRAGGLE" init --list | grep -q "^$name "
    "$STRAGGLE" init "my-$name" --from "$name" > said
    diff <(sed 's|"$schema": "../scenario.schema.json", ||' "$f") "my-$name.json"
    "$STRAGGLE" check "my-$name.json"
    "$STRAGGLE" run "my-$name.json" --quiet --set /replications=2
    "$STRAGGLE" compare "my-$name.db" > out
    grep -q "^baseline: \|baseline: " out
    # Every preset says its source, and what is published, fitted and assumed.
    for word in Published Assumed docs/clusters.md; do grep -q "$word" "$f"; done
    grep -q "$name" "$BATS_TEST_DIRNAME/../docs/clusters.md"
  done
}
