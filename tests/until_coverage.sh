#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# How often "until" keeps what it says, on simulated runs: for each law of delays, SEEDS scenarios are
# run until the ratio of two schemes' times is known to the wanted half-width, and compared with the
# ratio of 20,000 pairs of another seed. Also: how often the interval that `compare` prints then
# covers it, which is Student's of the N pairs, and how many pairs there were.
#
#   tests/until_coverage.sh PROGRAM [SEEDS [LEAST [FOLDER]]]
set -euo pipefail
program=$(realpath "$1") seeds=${2:-1000} least=${3:-20} folder=${4:-$(mktemp -d)}
export OPENBLAS_NUM_THREADS=1
mkdir -p "$folder"
cd "$folder"
cat > case.json <<'END'
{
  "format": 1,
  "cluster": { "workers": 12 },
  "delay": { "model": "exponential", "mean_s": 1, "unit": "subset" },
  "learning": { "problem": "none", "length": 12 },
  "schemes": [ { "code": "uncoded" }, { "code": "cyclic-repetition", "s": 2 } ],
  "baseline": "uncoded",
  "stop": { "iterations": 20 },
  "output": { "detail": "summary" }
}
END
# Number, mean and standard deviation of the logarithms of the ratios.
pairs="WITH x AS (SELECT ln(b.iter_mean_s / s.iter_mean_s) AS x FROM run r JOIN run_summary s USING (run_id)
         JOIN point p ON p.point_id = r.point_id AND NOT p.is_baseline
         JOIN run q ON q.replication = r.replication JOIN point o ON o.point_id = q.point_id AND o.is_baseline
         JOIN run_summary b ON b.run_id = q.run_id),
       m AS (SELECT count(*) AS n, avg(x) AS mean FROM x),
       s AS (SELECT n, mean, sqrt(sum((x - mean) * (x - mean)) / (n - 1)) AS sd FROM x, m)"
printf '| delays | half-width | least | pairs, mean | within it, %% | covered by the interval of compare, %% |\n|---|---|---|---|---|---|\n'
while IFS='|' read -r name half delay; do
  rm -f truth.db
  "$program" run case.json -q --set /delay="$delay" --set /replications=20000 --set /random/seed=999999 -o truth.db
  truth=$(sqlite3 truth.db "$pairs SELECT format('%.17g', mean) FROM s")
  until="{\"half_width\":$half,\"least\":$least,\"most\":20000}"
  for seed in $(seq "$seeds"); do
    rm -f one.db
    "$program" run case.json -q --set /delay="$delay" --set /until="$until" --set /random/seed="$seed" -o one.db
    sqlite3 -separator ' ' one.db "$pairs SELECT n, abs(mean - $truth) <= ln(1 + $half), abs(mean - $truth)
      <= coalesce((SELECT t975 FROM t_quantile WHERE df = n - 1), 1.959963984540054) * sd / sqrt(n) FROM s"
  done | awk -v name="$name" -v half="$half" -v least="$least" '{ n += $1; within += $2; covered += $3 }
    END { printf "| %s | %s %% | %d | %.0f | %.1f ± %.1f | %.1f |\n", name, 100 * half, least, n / NR,
      100 * within / NR, 196 * sqrt(within / NR * (1 - within / NR) / NR), 100 * covered / NR }'
done <<'END'
exponential|0.03|{"model":"exponential","mean_s":1,"unit":"subset"}
Pareto 1.5|0.1|{"model":"pareto","minimum_s":1,"shape":1.5,"unit":"subset"}
memory|0.05|{"model":"exponential","mean_s":1,"unit":"subset","memory":{"p_slow":0.01,"p_recover":0.1,"slowdown":8}}
END
