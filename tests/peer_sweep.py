#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What straggle's sweeps are compared with: what a user would write instead, with care, in numpy with a
pool of processes.

Each combination of tolerance s, mean compute excess and mean uplink excess is a point with several runs.
In every iteration of a run each of n workers computes its s + 1 parts for (s + 1) (1.6 s + Exp(compute)) and
sends for 6 s + Exp(uplink); the master decodes the fastest n - s messages. The data are a Gaussian mixture of
two classes, the partial gradients of logistic regression are computed once each, the used messages really
encoded (cyclic repetition, random coefficients; s = 0: uncoded) and really decoded (least squares, every
iteration), compared with the true sum, and a step is made. A row per iteration goes into SQLite (WAL), written
by the parent as runs end.

Prints JSON: seconds by the clock from --begun (a time of day) to the end and to the first run that is stored,
processor seconds of all processes, and of each point the mean iteration time with its standard error."""
import argparse, json, multiprocessing, os, resource, sqlite3, time

parser = argparse.ArgumentParser()
parser.add_argument("--workers", type=int, default=12)
parser.add_argument("--rows", type=int, default=1200)
parser.add_argument("--features", type=int, default=100)
parser.add_argument("--iterations", type=int, default=300)
parser.add_argument("--replications", type=int, default=8)
parser.add_argument("--tolerances", type=int, nargs="+", default=[0, 1, 2, 3])
parser.add_argument("--computes", type=float, nargs="+", default=[1.25])
parser.add_argument("--uplinks", type=float, nargs="+", default=[10.0])
parser.add_argument("--jobs", type=int, default=2)
parser.add_argument("--database", required=True)
parser.add_argument("--begun", type=float, default=time.time())
parser.add_argument("--seed", type=int, default=1)
args = parser.parse_args()
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"
import numpy as np

n, l = args.workers, args.features
per = args.rows // n
data = {}


def code(s):
    """Coefficients of cyclic repetition by Tandon et al.: worker i holds the parts i ... i + s."""
    if s == 0:
        return np.eye(n)
    rng = np.random.default_rng([args.seed, 7, s])
    H = rng.standard_normal((s, n))
    H[:, -1] = -H[:, :-1].sum(1)
    B = np.zeros((n, n))
    for i in range(n):
        J = (i + np.arange(s + 1)) % n
        B[i, J[0]] = 1
        B[i, J[1:]] = -np.linalg.solve(H[:, J[1:]], H[:, J[0]])
    return B


def prepare():
    """In every process once: the data and the codes."""
    rng = np.random.default_rng([args.seed, 4])
    y = np.where(rng.random((n, per)) < 0.5, 1.0, -1.0)
    centre = rng.standard_normal(l) / np.sqrt(l)
    data["X"] = (rng.standard_normal((n, per, l)) + y[:, :, None] * centre) / np.sqrt(l)
    data["y"] = y
    data["B"] = {s: code(s) for s in args.tolerances}


def run(job):
    point, s, compute_s, uplink_s, replication = job
    X, y, B = data["X"], data["y"], data["B"][s]
    rng = np.random.default_rng([args.seed, 1, point, replication])
    flat, need = X.reshape(-1, l), n - s
    compute = (s + 1) * (1.6 + rng.exponential(compute_s, (args.iterations, n)))
    arrival = compute + 6 + rng.exponential(uplink_s, (args.iterations, n))
    order = np.argpartition(arrival, need - 1, axis=1)[:, :need]
    duration = np.take_along_axis(arrival, order, 1).max(1)
    order.sort(axis=1)
    w, now, rows = np.zeros(l), 0.0, []
    for it in range(args.iterations):
        margin = y * (flat @ w).reshape(n, per)
        weight = -y / (1 + np.exp(margin))
        loss = float(np.logaddexp(0, -margin).mean())
        G = np.matmul(weight[:, None, :], X)[:, 0]
        used = order[it]
        message = B[used] @ G
        a = np.ones(n) if s == 0 else np.linalg.lstsq(B[used].T, np.ones(n), rcond=None)[0]
        g, true = a @ message, G.sum(0)
        error = float(np.linalg.norm(g - true) / np.linalg.norm(true))
        w -= 0.5 / (n * per) * g
        now += duration[it]
        rows.append((point, replication, it, now, float(duration[it]), need, loss, error))
    return point, rows


def main():
    points = [(s, c, u) for s in args.tolerances for c in args.computes for u in args.uplinks]
    jobs = [(i, *p, r) for i, p in enumerate(points) for r in range(args.replications)]
    db = sqlite3.connect(args.database, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute("CREATE TABLE iteration (point INTEGER, replication INTEGER, iteration INTEGER, time_s REAL, "
               "duration_s REAL, used INTEGER, loss REAL, error REAL, PRIMARY KEY (point, replication, iteration)) "
               "WITHOUT ROWID")
    first = None
    with multiprocessing.Pool(args.jobs, prepare) as pool:
        for _, rows in pool.imap_unordered(run, jobs):
            db.execute("BEGIN")
            db.executemany("INSERT INTO iteration VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
            db.execute("COMMIT")
            first = first or time.time() - args.begun
        pool.close()
        pool.join()
    found = []
    for i, (s, compute_s, uplink_s) in enumerate(points):
        durations = np.array(db.execute("SELECT duration_s FROM iteration WHERE point = ?", (i,)).fetchall())
        found.append({"s": s, "compute_s": compute_s, "uplink_s": uplink_s, "mean_s": float(durations.mean()),
                      "error_s": float(durations.std(ddof=1) / len(durations) ** 0.5)})
    db.close()
    cpu = sum(u.ru_utime + u.ru_stime for u in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))
    print(json.dumps({"wall_s": time.time() - args.begun, "first_s": first, "cpu_s": cpu, "points": found}))


main()
