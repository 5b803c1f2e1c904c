#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# How often the two stages of "until" keep what they say, on simulated runs: for each law of delays
# REPLICATIONS pairs of runs are simulated, and cut one after another into experiments: the first
# LEAST pairs of each say how many it has. Printed is how many experiments have their mean within the
# half-width of the mean of all pairs, and how often the interval that `compare` prints of such an
# experiment (Student's of its N pairs) covers that.
#
#   tests/until_coverage.sh PROGRAM [REPLICATIONS [FOLDER]]
set -euo pipefail
program=$(realpath "$1") replications=${2:-40000} folder=${3:-$(mktemp -d)}
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
printf '| delays | half-width | least | experiments | pairs, mean | within it, %% | covered by the interval of compare, %% |\n|---|---|---|---|---|---|---|\n'
while IFS='|' read -r name half delay; do
  rm -f case.db
  "$program" run case.json -q --set /delay="$delay" --set /replications="$replications"
  sqlite3 case.db "SELECT ln(b.iter_mean_s / s.iter_mean_s) FROM run r JOIN run_summary s USING (run_id)
    JOIN run q ON q.replication = r.replication AND q.point_id = 1 JOIN run_summary b ON b.run_id = q.run_id
    WHERE r.point_id = 2 ORDER BY r.replication" > pairs.txt
  sqlite3 -separator ' ' case.db "SELECT df, t975 FROM t_quantile" > quantiles.txt
  for least in 10 20; do
    awk -v name="$name" -v half="$half" -v least="$least" '
      FILENAME == "quantiles.txt" { t[$1] = $2; next }
      { x[++n] = $1; truth += $1 }
      function mean_sd(from, count,    i, sum) { # of x[from + 1 … from + count]
        mean = sd = 0
        for (i = from + 1; i <= from + count; i++) mean += x[i] / count
        for (i = from + 1; i <= from + count; i++) sd += (x[i] - mean) ^ 2 / (count - 1)
        sd = sqrt(sd)
      }
      END {
        truth /= n
        h = log(1 + half)
        for (at = 0; at + least <= n; at += wanted) {
          mean_sd(at, least)
          wanted = (t[least - 1] * sd / h) ^ 2
          wanted = wanted > least ? int(wanted) + (wanted > int(wanted)) : least
          if (at + wanted > n) break
          mean_sd(at, wanted)
          error = mean > truth ? mean - truth : truth - mean
          student = (wanted - 1 in t ? t[wanted - 1] : 1.959963984540054) * sd / sqrt(wanted)
          experiments++
          pairs += wanted
          within += error <= h
          covered += error <= student
        }
        share = within / experiments
        printf "| %s | %s %% | %d | %d | %.0f | %.1f ± %.1f | %.1f |\n", name, 100 * half, least, experiments,
          pairs / experiments, 100 * share, 196 * sqrt(share * (1 - share) / experiments),
          100 * covered / experiments
      }' quantiles.txt pairs.txt
  done
done <<'END'
exponential|0.03|{"model":"exponential","mean_s":1,"unit":"subset"}
Pareto 1.5|0.15|{"model":"pareto","minimum_s":1,"shape":1.5,"unit":"subset"}
memory|0.1|{"model":"exponential","mean_s":1,"unit":"subset","memory":{"p_slow":0.01,"p_recover":0.1,"slowdown":8}}
END
