#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Benchmarks in ratios: straggle against the Python yardsticks in the same run, one thread each,
alternating, best of five against best of five. Without the yardsticks only straggle is timed.

The cases of which peer_simpy.py (beside this file) is the yardstick simulate the same model on both sides: that the
mean iteration times agree is checked, too (|z| ≤ 4).

  bench.py --program build/straggle --peers DIR [--rounds 5] [--only NAME]
  bench.py --program build/straggle --against OTHER/straggle    two builds, in turn, on all cases
"""
import argparse, json, os, re, sqlite3, statistics, subprocess, sys, tempfile

parser = argparse.ArgumentParser()
parser.add_argument("--program", required=True)
parser.add_argument("--peers", default="")
parser.add_argument("--against", default="")
parser.add_argument("--rounds", type=int, default=5)
parser.add_argument("--only", default="")
args = parser.parse_args()
folder = tempfile.mkdtemp(prefix="straggle-bench-")
environment = dict(os.environ, OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")
peers = args.peers if os.path.exists(os.path.join(args.peers, "numpy_sim.py")) else ""
python = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable

DELAY = {"model": "shifted-exponential", "shift_s": 1.6, "mean_excess_s": 1.25}
UPLINK = {"uplink": {"model": "shifted-exponential", "shift_s": 6, "mean_excess_s": 10}}


def cyclic(s):
    return {"code": "cyclic-repetition", "s": s}


def group(d, m):
    return {"code": "group", "d": d, "m": m, "linear_code": "gaussian", "stop": "decodable"}


def dense(rows, features, width=1):
    return {"problem": "logistic-regression", "block_width": width, "evaluate_every": 1,
            "data": {"source": "gaussian-mixture", "rows": rows, "features": features, "intercept": False,
                     "test_share": 0, "standardize": False},
            "optimizer": {"method": "gradient-descent", "step": 0.5}}


def sparse(rows, features, density, width=1):
    """All columns alike, as in the yardstick."""
    learning = dense(rows, features, width)
    learning["data"] = {"source": "sparse-text", "rows": rows, "features": features, "density": density, "zipf": 0,
                        "intercept": False, "test_share": 0, "standardize": False}
    return learning


def synthetic(length):
    return {"problem": "synthetic-gradient", "length": length, "evaluate_every": 0,
            "optimizer": {"method": "gradient-descent", "step": 0.001}}


def scenario(n, learning, code, iterations, replications=1, detail="iteration"):
    return {"format": 1, "cluster": {"workers": n}, "delay": DELAY, "network": UPLINK, "learning": learning,
            "schemes": [code], "replications": replications, "stop": {"iterations": iterations},
            "output": {"detail": detail}}


# Seconds that the messages of all workers would take on the master's link.
SHARED_S = 24


MEMORY = {"p_slow": 0.02, "p_recover": 0.1, "slowdown": 3}
STALLS = {"probability": 0.01, "share": 0.2, "length": {"model": "exponential", "mean_s": 20}}


def shared(n, s, iterations, realistic=False):
    """A link that the messages of all workers share fairly; realistic: with memory and stalls."""
    config = scenario(n, {"problem": "none", "length": 1000}, {"code": "ignore-stragglers", "s": s}, iterations)
    config["network"] = dict(UPLINK, ingress={"model": "fair-share", "bandwidth_Bps": 8000 * n / SHARED_S})
    if realistic:
        config["delay"] = dict(DELAY, memory=MEMORY, stalls=STALLS)
    return config


def peer(n, s, iterations, realistic=False):
    words = "%d %d %d --service %.17g" % (n, n - s, iterations, SHARED_S / n)
    if realistic:
        words += " --memory %g %g %g --stalls %g %g %g" % (
            *MEMORY.values(), STALLS["probability"], STALLS["share"], STALLS["length"]["mean_s"])
    return words


def straggle(config, program=args.program):
    """Run-iterations per second of simulation, the data made before the clock starts; peak memory."""
    path, database = os.path.join(folder, "bench.json"), os.path.join(folder, "bench.db")
    with open(path, "w") as f:
        json.dump(config, f)
    for suffix in ("", "-wal", "-shm"):
        if os.path.exists(database + suffix):
            os.remove(database + suffix)
    command = [program, "run", path, "-o", database, "-j", "1", "--quiet"]
    process = subprocess.Popen(command, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit("bench: %s failed" % " ".join(command))
    db = sqlite3.connect(database)
    iterations, = db.execute("SELECT sum(iterations) FROM run").fetchone()
    # Runs side by side share their wall time.
    wall, = db.execute("SELECT max(wall_s) FROM run").fetchone()
    return iterations / wall, usage.ru_maxrss / 1024


def mean_and_error():
    """Of the iteration time in the run that was made last; by the means of 30 stretches."""
    db = sqlite3.connect(os.path.join(folder, "bench.db"))
    durations = [d for d, in db.execute("SELECT duration_s FROM iteration ORDER BY run_id, iteration")]
    size = len(durations) // 30
    means = [statistics.fmean(durations[i * size:(i + 1) * size]) for i in range(30)]
    return statistics.fmean(means), statistics.stdev(means) / 30 ** 0.5


def yardstick(script, words):
    """Iterations per second; the mean iteration time and its standard error where it is printed. None: not here."""
    where = os.path.dirname(os.path.abspath(__file__)) if script == OWN else peers
    command = [python, os.path.join(where, script)] + words.split()
    if script == "numpy_sim.py":
        command += ["--db", os.path.join(folder, "peer.db"), "--clock", "wall", "--threads", "1"]
    out = subprocess.run(command, env=environment, capture_output=True, text=True)
    if out.returncode != 0:
        return None
    same = re.search(r"mean iteration ([\d.]+) s, standard error ([\d.]+) s", out.stdout)
    return float(re.search(r"= ([\d.]+) it/s", out.stdout).group(1)), same and [float(x) for x in same.groups()]


OWN = "peer_simpy.py"
SMALL = dense(1200, 100)
NUMPY = "numpy_sim.py"
CASES = [  # name, scenario, yardstick, its arguments, the ratio wanted
    ("small-cyclic", scenario(12, SMALL, cyclic(2), 20000), NUMPY,
     "--code tandon --n 12 --l 100 --N 1200 --s 2 --iters 3000 --solver lstsq", 3.5),
    ("small-group", scenario(12, SMALL, group(3, 2), 20000), NUMPY,
     "--code group --n 12 --l 100 --N 1200 --d 3 --m 2 --iters 3000", 3),
    ("wide-group", scenario(30, synthetic(1000000), group(6, 4), 40), NUMPY,
     "--data synthetic --code group --n 30 --l 1000000 --d 6 --m 4 --iters 10", 1.8),
    ("medium-dense-cyclic", scenario(60, dense(6000, 10000), cyclic(5), 60), NUMPY,
     "--code tandon --n 60 --l 10000 --N 6000 --s 5 --iters 20 --solver lstsq", 1.4),
    ("medium-dense-group", scenario(60, dense(6000, 10000), group(6, 4), 60), NUMPY,
     "--code group --n 60 --l 10000 --N 6000 --d 6 --m 4 --iters 20", 1.4),
    ("medium-dense-cyclic x32", scenario(60, dense(6000, 10000, 32), cyclic(5), 16, 32), NUMPY,
     "--code tandon --n 60 --l 10000 --N 6000 --s 5 --iters 20 --solver lstsq", 4),
    ("medium-dense-group x32", scenario(60, dense(6000, 10000, 32), group(6, 4), 16, 32), NUMPY,
     "--code group --n 60 --l 10000 --N 6000 --d 6 --m 4 --iters 20", 4),
    ("medium-dense-cyclic x32, worker rows",
     scenario(60, dense(6000, 10000, 32), cyclic(5), 16, 32, "worker"), NUMPY,
     "--code tandon --n 60 --l 10000 --N 6000 --s 5 --iters 20 --solver lstsq", None),
    ("medium-sparse-cyclic", scenario(60, sparse(6000, 10000, 0.01), cyclic(5), 400), NUMPY,
     "--data sparse --code tandon --n 60 --l 10000 --N 6000 --s 5 --iters 100 --solver lstsq", 3),
    ("medium-sparse-group", scenario(60, sparse(6000, 10000, 0.01), group(6, 4), 400), NUMPY,
     "--data sparse --code group --n 60 --l 10000 --N 6000 --d 6 --m 4 --iters 100", 3),
    ("medium-sparse-cyclic x32", scenario(60, sparse(6000, 10000, 0.01, 32), cyclic(5), 40, 32), NUMPY,
     "--data sparse --code tandon --n 60 --l 10000 --N 6000 --s 5 --iters 100 --solver lstsq", 8),
    ("medium-sparse-group x32", scenario(60, sparse(6000, 10000, 0.01, 32), group(6, 4), 40, 32), NUMPY,
     "--data sparse --code group --n 60 --l 10000 --N 6000 --d 6 --m 4 --iters 100", 8),
    ("events n=60", scenario(60, {"problem": "none"}, {"code": "ignore-stragglers", "s": 5}, 200000),
     "event_sim.py", "simpy 60 55 1500", 40),
    ("events n=256", scenario(256, {"problem": "none"}, {"code": "ignore-stragglers", "s": 16}, 50000),
     "event_sim.py", "simpy 256 240 300", None),
    ("events-shared n=60", shared(60, 5, 200000), OWN, peer(60, 5, 3000), 25),
    ("events-shared n=256", shared(256, 16, 50000), OWN, peer(256, 16, 600), 25),
    ("events-realistic n=60", shared(60, 5, 200000, True), OWN, peer(60, 5, 3000, True), 25),
    ("events-realistic n=256", shared(256, 16, 50000, True), OWN, peer(256, 16, 600, True), 25),
]

if args.against:
    # The machine's speed drifts: ratios of neighbours, whose median is told.
    print("| case | this build best, it/s | other build best, it/s | ratio of the bests | median of the pairs |\n"
          "|---|---|---|---|---|")
    for name, config, *_ in CASES:
        if args.only and args.only not in name:
            continue
        pairs = [(straggle(config)[0], straggle(config, args.against)[0]) for _ in range(args.rounds)]
        ours, theirs = max(a for a, _ in pairs), max(b for _, b in pairs)
        print("| %s | %.4g | %.4g | %.3f | %.3f |" % (name, ours, theirs, ours / theirs,
                                                    statistics.median(a / b for a, b in pairs)), flush=True)
    subprocess.run(["rm", "-r", folder])
    sys.exit(0)

print("| case | straggle best (median), it/s | yardstick best (median), it/s | ratio of the bests | wanted | "
      "peak memory, MiB |\n|---|---|---|---|---|---|")
missed = differ = 0
models = []
for name, config, script, words, wanted in CASES:
    if args.only and args.only not in name:
        continue
    ours, theirs, memory, same = [], [], 0, None
    for _ in range(args.rounds):
        rate, mib = straggle(config)
        ours.append(rate)
        memory = max(memory, mib)
        told = yardstick(script, words) if peers or script == OWN else None
        if told:
            theirs.append(told[0])
            same = told[1] or same
    def show(x):
        return "%.4g (%.4g)" % (max(x), sorted(x)[len(x) // 2]) if x else "not here"
    ratio = max(ours) / max(theirs) if theirs else None
    if ratio and wanted and ratio < wanted:
        missed += 1
    print("| %s | %s | %s | %s | %s | %.0f |" % (
        name, show(ours), show(theirs), "%.2f" % ratio if ratio else "–", wanted or "–", memory), flush=True)
    if same:
        mean, error = mean_and_error()
        z = (mean - same[0]) / (error ** 2 + same[1] ** 2) ** 0.5
        models.append("%s: mean iteration %.3f ± %.3f s, yardstick %.3f ± %.3f s, z = %+.2f" % (
            name, mean, error, same[0], same[1], z))
        differ += not abs(z) <= 4

if models:
    print("\nThe same model on both sides (± one standard error):\n  " + "\n  ".join(models))
if not args.only:
    # What recording costs: the same runs with and without rows.
    pair = {}
    for detail in ("summary", "iteration"):
        pair[detail] = max(straggle(scenario(12, SMALL, cyclic(2), 20000, 1, detail))[0]
                           for _ in range(args.rounds))
    print("\nRecording at detail iteration takes %.1f %% of a small run's time (wanted: at most 10 %%)."
          % (100 * (1 - pair["iteration"] / pair["summary"])))
if not args.only:
    # A timing-only round of a graph code with 6,552 workers against one of ignore-stragglers.
    lps = {"code": "graph", "graph": "lps", "lps_p": 5, "lps_q": 13, "s": 1966}
    rounds = {name: max(straggle(scenario(6552, {"problem": "none"}, code, 400))[0] for _ in range(args.rounds))
              for name, code in (("ignore-stragglers", {"code": "ignore-stragglers", "s": 1966}),
                                 ("tree", dict(lps, weights="tree")),
                                 ("minimum-norm", dict(lps, weights="minimum-norm")))}
    print("\nA round with 6,552 workers takes, of one of ignore-stragglers: X^(5,13) with weights %s (wanted: at most 1.5)."
          % ", ".join("%s %.2f" % (name, rounds["ignore-stragglers"] / rounds[name]) for name in ("tree", "minimum-norm")))
# Decode weights against LAPACKE's least squares; events of protocols against those of a plain round;
# compressors against copies.
for name in ("bench_decode", "bench_engine", "bench_compress", "bench_embed"):
    own = os.path.join(os.path.dirname(args.program), "tests", name)
    if not args.only and os.path.exists(own):
        print("\n" + subprocess.run([own], env=environment, capture_output=True, text=True).stdout)
# Weights of graph codes against scipy's lsqr on the same patterns.
own = os.path.join(os.path.dirname(args.program), "tests", "bench_graph")
if not args.only and os.path.exists(own):
    patterns, told = os.path.join(folder, "patterns.txt"), os.path.join(folder, "peer.txt")
    subprocess.run([own, "--write", patterns], check=True)
    with open(told, "w") as f:
        subprocess.run([python, os.path.join(os.path.dirname(os.path.abspath(__file__)), "peer_lsqr.py"), patterns],
                       env=environment, stdout=f)
    print("\n" + subprocess.run([own, "--peer", told], env=environment, capture_output=True, text=True).stdout)
if not peers and any(args.only in c[0] and c[2] != OWN for c in CASES):
    print("\nThe yardsticks are not here: only straggle was timed.")
if missed:
    print("\n%d ratios are below what is wanted." % missed)
if differ:
    print("\n%d yardsticks do not simulate the same model." % differ)
subprocess.run(["rm", "-r", folder])
sys.exit(1 if differ else 0)
