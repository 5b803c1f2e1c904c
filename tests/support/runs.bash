# SPDX-License-Identifier: MIT
# What tests share that read runs out of databases: `load support/runs`.

# make_data [ROWS [SEED]]: data.csv, rows of three features and a noisy target.
make_data() {
  python3 - "${1:-72}" "${2:-5}" > data.csv <<'PYTHON'
import random, sys
rows, seed = map(int, sys.argv[1:])
random.seed(seed)
print("a,b,c,y")
for i in range(rows):
    x = [random.gauss(0, 1) for _ in range(3)]
    print(*[f"{v:.6f}" for v in x], f"{x[0] - 2 * x[1] + 0.5 * x[2] + random.gauss(0, 0.3):.6f}", sep=",")
PYTHON
}

ask() { sqlite3 "$1" "$2"; }
run_of="run USING (run_id) JOIN v_point USING (point_id)"

# refused WORDS LEARNING SCHEME: a scenario of six workers is, with these words. none, some: learning
# without and with data.
refused() {
  cat > refused.json <<JSON
{ "format": 1, "cluster": { "workers": 6 }, "delay": { "model": "shifted-exponential", "shift_s": 1, "mean_excess_s": 1 },
  "learning": { $2 }, "schemes": [ { $3 } ] }
JSON
  run "$STRAGGLE" run --quiet -o refused.db refused.json
  echo "$output"
  [ "$status" -ne 0 ]
  [[ "$output" == *"$1"* ]]
}
none='"problem": "none"'
some='"problem": "least-squares", "data": { "source": "gaussian-mixture", "rows": 60, "features": 3 }'
