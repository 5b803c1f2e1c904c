#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Graph codes through the whole program: rows against a computation from who was used, means against
# the printed numbers of theory: graph-codes, what is said of a graph, files with faults.

setup() {
  cd "$BATS_TEST_TMPDIR"
}

# run ERASURE WORKERS ITERATIONS SCHEMES
simulate() {
  cat > s.json <<END
{ "format": 1, "cluster": { "workers": $2, "erasure": $1 }, "delay": { "model": "exponential", "mean_s": 1, "unit": "subset" },
  "learning": { "problem": "none" }, "stop": { "iterations": $3, "undecodable": "skip" },
  "schemes": [ $4 ], "output": { "detail": "worker" } }
END
  rm -f s.db
  "$STRAGGLE" run -q s.json -o s.db
}

@test "errors follow from the components that were used, and their means are those of the enumeration" {
  for erasure in '{ "model": "bernoulli", "probability": 0.2 }' '{ "model": "uniform", "count": 5 }'; do
    simulate "$erasure" 15 6000 '{ "code": "graph", "graph": "petersen", "weights": "tree" }, { "code": "graph", "graph": "petersen", "weights": "minimum-norm" }'
    python3 - "$erasure" <<'END'
import json, sqlite3, sys
db = sqlite3.connect("s.db")
edges = sorted({tuple(sorted(e)) for i in range(5) for e in ((i, (i + 1) % 5), (i, i + 5), (i + 5, (i + 2) % 5 + 5))})
uniform = json.loads(sys.argv[1])["model"] == "uniform"

def error(used):
    left, total = set(range(10)), 0.0
    around = [[] for _ in range(10)]
    for w in used:
        u, v = edges[w]
        around[u].append(v), around[v].append(u)
    while left:
        root = min(left)
        colour, todo, odd = {root: 1}, [root], False
        while todo:
            u = todo.pop()
            for v in around[u]:
                odd |= colour.get(v) == colour[u]
                if v not in colour:
                    colour[v] = -colour[u]
                    todo.append(v)
        left -= set(colour)
        total += 0 if odd else sum(colour.values()) ** 2 / len(colour)
    return total

known, errors = {}, {}
for run_id, in db.execute("SELECT run_id FROM run"):
    came = {}
    for it, w in db.execute("SELECT iteration, worker FROM worker_iteration WHERE run_id = ? AND messages", (run_id,)):
        came.setdefault(it, []).append(w)
    mine = []
    for it, err, norm, root, share in db.execute("SELECT iteration, decoding_err, err_norm, err_root, alpha_sum FROM iteration"
                                               " WHERE run_id = ? AND decoded", (run_id,)):
        pattern = tuple(sorted(came[it]))
        if pattern not in known:
            known[pattern] = error(pattern)
        assert abs(err - known[pattern]) < 1e-9, (pattern, err, known[pattern])
        assert abs(err - (10 - share)) < 1e-9 and abs(norm - err / 10) < 1e-12 and abs(root - err ** 0.5) < 1e-12
        mine.append(norm)
        if uniform:
            assert len(pattern) == 10 and err <= 2 + 1e-9
    assert len(mine) > 5990
    errors[run_id] = mine
tree, norm = errors.values()
assert all(abs(a - b) < 1e-9 for a, b in zip(tree, norm))  # the same arrivals
n = len(tree)
mean = sum(tree) / n
se = (sum((x - mean) ** 2 for x in tree) / n / n) ** 0.5
z = (mean - (0.0272172272 if uniform else 9.92994634e-3)) / se
assert abs(z) <= 4, (mean, se, z)
END
  done
}

@test "codes check has the enumerations to their printed digits, bias and bound beside them" {
  for graph in "complete 6 1.81e-3,0.01312,0.04023 0.953344" "petersen 15 1.21778161e-3,9.92994634e-3,0.0335226033 0.886153"; do
    set -- $graph
    for p in 0.1 0.2 0.3; do
      "$STRAGGLE" codes check graph "graph=$1" -n "$2" --straggling $p --json -q > c.json
      python3 - $p "$3" "$4" <<'END'
import json, sys
p, printed = float(sys.argv[1]), sys.argv[2].split(",")[round(float(sys.argv[1]) * 10) - 1]
c = json.load(open("c.json"))
s = (c[0] if isinstance(c, list) else c)["straggling"]
digits = len(printed.split("e")[0].split(".")[1])
shown = "%.*e" % (digits, s["error"]) if "e" in printed else "%.*f" % (digits, s["error"])
assert float(shown) == float(printed), (shown, printed)
assert s["enumerated"] and s["error"] >= s["bound"] and abs(s["bound"] - p ** 3) < 1e-12
assert abs(s["kappa"] - (1 - s["error"])) < 1e-12 and abs(s["debiased"] - s["error"] / (1 - s["error"])) < 1e-9
assert p != 0.2 or "%.6f" % s["recovered"] == sys.argv[3]
END
    done
  done
}

@test "a Ramanujan graph of 6,552 workers: what is said of it, and its error" {
  run "$STRAGGLE" codes show graph graph=lps -n 6552
  [ "$status" -eq 0 ]
  [[ "$output" == *"2184 blocks on 6552 workers"* ]]
  [[ "$output" == *"6-regular, connected, bipartite, girth 8"* ]]
  [[ "$output" == *"gap 1.75028"*"within 2 sqrt(d - 1) = 4.47214 (Ramanujan)"* ]]
  [[ "$output" == *"0.0007291 at p = 0.3"* ]] # p^6 + 15 · 0.49 p^14/3
  [[ "$output" == *"0.09487 at s = 655"* ]]   # (12 − 1.75028)/12 · 655/5897
  run "$STRAGGLE" codes check graph graph=petersen -n 15 -q
  [[ "$output" == *"gap 2; "*"adversary: e <= (2d - gap)/(2d)"*"0.04762 at s = 1"*"recalled, its covariance bound doubtful"* ]]
  simulate '{ "model": "bernoulli", "probability": 0.3 }' 6552 60 '{ "code": "graph", "graph": "lps" }'
  python3 - <<'END'
import sqlite3
e = [x for x, in sqlite3.connect("s.db").execute("SELECT err_norm FROM iteration WHERE decoded AND abs(decoding_err - (2184 - alpha_sum)) < 1e-8")]
assert len(e) == 60
mean = sum(e) / 60
se = (sum((x - mean) ** 2 for x in e) / 60 / 60) ** 0.5
assert abs((mean - 7.13e-4) / (se ** 2 + 1e-10) ** 0.5) <= 4, (mean, se)
END
}

@test "a file of edges in a scenario: its faults line by line, or its rows" {
  printf '0,1\n1,2\n2,2\n3,1.5\n' > edges.csv
  cat > s.json <<'END'
{ "format": 1, "cluster": { "workers": 4 }, "delay": { "model": "exponential", "mean_s": 1, "unit": "subset" },
  "learning": { "problem": "least-squares", "data": { "source": "gaussian-mixture", "rows": 40, "features": 3 },
                "optimizer": { "method": "gradient-descent", "step": 0.01 } },
  "stop": { "iterations": 20 }, "schemes": [ { "code": "graph", "graph": "file", "edges": "edges.csv", "s": 1 } ] }
END
  run "$STRAGGLE" check s.json
  [ "$status" -eq 65 ]
  echo "$output"
  [[ "$output" == *"found 3 faults in"* ]]
  [[ "$output" == *"edges.csv:3"*"a loop at 2"* ]]
  [[ "$output" == *"edges.csv:4"*"found 1.5"* ]]
  printf '0,1\n1,2\n2,0\n3,1\n' > edges.csv # a triangle and what hangs on it
  "$STRAGGLE" run -q s.json -o s.db
  # Without an edge of the triangle a star or a path is left, sides 2 and 2 or 1 and 3; without the
  # fourth worker the triangle is whole.
  [ "$(sqlite3 s.db "SELECT count(*), sum(abs(decoding_err - (4 - alpha_sum)) < 1e-12), sum(abs(decoding_err * (decoding_err - 1)) < 1e-12) FROM iteration WHERE decoded")" = "20|20|20" ]
}
