#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How far straggle is from the limit of this machine, and from what one would write instead.

Every case is run in turn with its floor (bench_floor: what cannot be avoided, by loops that do nothing
else) and its yardstick in Python, one thread each, in the same rounds; best of all rounds against best.
Times are processor seconds without set-up (what a run of one iteration takes is taken off, or, where data
are large, looked up when the simulation begins), and those by the clock stand beside them. Without the yardsticks only straggle and its floor are timed. A case that is faster than its
floor shows a fault of the floor, and is marked so.

The cases of which peer_simpy.py or peer_sweep.py (beside this file) are the yardsticks simulate the same
model on both sides: that the mean iteration times agree is checked, too (|z| ≤ 4).

  bench.py --program build/straggle --peers DIR [--rounds N] [--only NAME] [--quick]
           [--json FILE] [--markdown FILE]     the tables, into the file's places <!-- bench: NAME -->
  bench.py --program build/straggle --only estimates            what `plan` says, and what runs take
  bench.py --program build/straggle --against OTHER/straggle    two builds, in turn, on all cases
"""
import argparse, json, os, re, shutil, sqlite3, statistics, subprocess, sys, tempfile, time

parser = argparse.ArgumentParser()
parser.add_argument("--program", required=True)
parser.add_argument("--peers", default="", help="where the yardsticks are; none: without those beside this file, too")
parser.add_argument("--against", default="")
parser.add_argument("--rounds", type=int, default=0, help="of each case; left out: 5, and 3 of those with 480 MB")
parser.add_argument("--only", default="", help="cases and sections whose names contain this, or one of several: a,b")
parser.add_argument("--quick", action="store_true", help="everything very small: does it run, not how fast")
parser.add_argument("--json", default="")
parser.add_argument("--markdown", default="")
args = parser.parse_args()
ROUNDS_LARGE, args.rounds = args.rounds or 3, args.rounds or 5
folder = tempfile.mkdtemp(prefix="straggle-bench-")
environment = dict(os.environ, OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")
beside = os.path.dirname(os.path.abspath(__file__))
tests = os.path.join(os.path.dirname(args.program), "tests")
peers = args.peers if os.path.exists(os.path.join(args.peers, "numpy_sim.py")) else ""
python = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
QUICK, BARE = args.quick, args.peers == "none"


def size(full, quick):
    return quick if QUICK else full


# --- Scenarios ------------------------------------------------------------------------------------

DELAY = {"model": "shifted-exponential", "shift_s": 1.6, "mean_excess_s": 1.25}
UPLINK = {"uplink": {"model": "shifted-exponential", "shift_s": 6, "mean_excess_s": 10}}


def cyclic(s):
    return {"code": "cyclic-repetition", "s": s}


def group(d, m):
    return {"code": "group", "d": d, "m": m, "linear_code": "gaussian", "stop": "decodable"}


def ignore(s):
    return {"code": "ignore-stragglers", "s": s}


def dense(rows, features, width=1):
    """width 0: as the program chooses."""
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


NONE = {"problem": "none"}


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
    config = scenario(n, {"problem": "none", "length": 1000}, ignore(s), iterations)
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


# --- Running --------------------------------------------------------------------------------------

def cleared(name):
    path = os.path.join(folder, name)
    for suffix in ("", "-wal", "-shm", "-journal"):
        if os.path.exists(path + suffix):
            os.remove(path + suffix)
    return path


def called(command, timeout=None):
    """Of a program that must succeed: what it prints, processor seconds, seconds by the clock, peak MiB (never
    less than Python has, of which the process begins as a copy). None if it takes longer than the timeout."""
    # In front of a file: what is printed never waits for us.
    with tempfile.TemporaryFile(dir=folder) as out:
        begin = time.perf_counter()
        process = subprocess.Popen(command, env=environment, stdout=out)
        while timeout:
            done, status, usage = os.wait4(process.pid, os.WNOHANG)
            if done:
                break
            if time.perf_counter() - begin > timeout:
                process.kill()
                os.wait4(process.pid, 0)
                return None
            time.sleep(0.002)
        else:
            _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begin
        process.returncode = status
        if status != 0:
            sys.exit("bench: %s failed" % " ".join(command))
        out.seek(0)
        return out.read().decode(), usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024


def write(config, name="bench.json"):
    path = os.path.join(folder, name)
    with open(path, "w") as f:
        json.dump(config, f)
    return path


def straggle(config, program=args.program):
    """Iterations of all runs, processor seconds, seconds by the clock, peak MiB."""
    path, database = write(config), cleared("bench.db")
    _, cpu, wall, mib = called([program, "run", path, "-o", database, "-j", "1", "--quiet"])
    db = sqlite3.connect(database)
    iterations, = db.execute("SELECT sum(iterations) FROM run").fetchone()
    db.close()
    return iterations, cpu, wall, mib


def straggle_with_data(config, program=args.program):
    """The same, of the simulation alone, where making the data takes about as long, and too long to be taken off
    as a difference. The simulation is the end of the process: its seconds by the clock are in the database, and the
    processor seconds until it began are looked up every few milliseconds. Runs stand side by side or are one."""
    path, database = write(config), cleared("bench.db")
    process = subprocess.Popen([program, "run", path, "-o", database, "-j", "1", "--quiet"], env=environment)
    tick, seen = os.sysconf("SC_CLK_TCK"), []
    while True:
        done, status, usage = os.wait4(process.pid, os.WNOHANG)
        now = time.perf_counter()
        if done:
            break
        with open("/proc/%d/stat" % process.pid) as f:
            fields = f.read().rsplit(")", 1)[1].split()
        seen.append((now, (int(fields[11]) + int(fields[12])) / tick))
        time.sleep(0.004)
    process.returncode = status
    if status != 0:
        sys.exit("bench: a run failed")
    db = sqlite3.connect(database)
    iterations, wall = db.execute("SELECT sum(iterations), max(wall_s) FROM run").fetchone()
    db.close()
    begun = [cpu for when, cpu in seen if when <= now - wall]
    return iterations, usage.ru_utime + usage.ru_stime - (begun[-1] if begun else 0), wall, usage.ru_maxrss / 1024


def alone(config):
    """The same scenario with one iteration of one run: its set-up."""
    config = json.loads(json.dumps(config))
    config["stop"], config["replications"] = {"iterations": 1}, 1
    return config


def has_data(config):
    """Whether making the data takes long beside the runs."""
    learning = config["learning"]
    return learning["problem"] == "synthetic-gradient" or learning.get("data", {}).get("rows", 0) > 2000


def once(config, program=args.program):
    """One measurement, and what is to be taken off: least of all rounds."""
    if has_data(config):
        return straggle_with_data(config, program), (0, 0, 0, 0)
    # The database is to be that of the whole scenario: its run is the last.
    off = (0, 0, 0, 0) if QUICK else straggle(alone(config), program)
    return straggle(config, program), off


def mean_and_error(database):
    """Of the iteration time; by the means of 30 stretches."""
    db = sqlite3.connect(os.path.join(folder, database))
    durations = [d for d, in db.execute("SELECT duration_s FROM iteration ORDER BY run_id, iteration")]
    db.close()
    length = max(1, len(durations) // 30)
    means = [statistics.fmean(durations[i * length:(i + 1) * length]) for i in range(30)]
    return statistics.fmean(means), statistics.stdev(means) / 30 ** 0.5


def yardstick(script, words):
    """Iterations per processor second and per second by the clock; the mean iteration time and its
    standard error where it is printed. None: not here."""
    where = beside if script == OWN else peers
    command = [python, os.path.join(where, script)] + words.split()
    if script == NUMPY:
        command += ["--db", os.path.join(folder, "peer.db"), "--clock", "wall", "--threads", "1"]
    out = subprocess.run(command, env=environment, capture_output=True, text=True)
    if out.returncode != 0:
        return None
    same = re.search(r"mean iteration ([\d.]+) s, standard error ([\d.]+) s", out.stdout)
    return (float(re.search(r"([\d.]+) it/cpu-s", out.stdout).group(1)),
            float(re.search(r"= ([\d.]+) it/s", out.stdout).group(1)),
            same and [float(x) for x in same.groups()])


def floor_of(terms, database=None):
    """What bench_floor says of the terms: seconds, what bounds, each unit."""
    command = [os.path.join(tests, "bench_floor"), "--folder", folder] + ["--ms", "0.1"] * QUICK
    if database:
        command += ["--database", os.path.join(folder, database)]
    return json.loads(called(command + terms)[0])


# --- Cases ----------------------------------------------------------------------------------------
# A case is a row here. `floor` is what an iteration cannot do without, in the words of bench_floor's
# head, and why, below:
#
# small: the data are in the cache and are gone through once for margins and gradient; an exponential
#   and a logarithm of each row of the data (loss); messages of the used workers and the decoded sum as
#   products of matrices; two random times of each worker with their logarithms, in order; a row.
# small x32: the same with both products of 32 models at once.
# wide: what the gradients are made of is read once (float32), and the model read and written; or the
#   multiplications of messages, decoding and the true sum, if they take longer.
# medium: the data are read once; with 32 models once for all, or the two products, if longer.
# events: two random times of each worker with their logarithms, the order of arrivals, a row. With a
#   shared link the order in which messages are through, too; realistic: a number of each worker for its
#   state, and one for the stalls.
# Rows of workers: as many as there are workers.

def floor_events(n, more_draws=0, orders=1):
    return ["draws:%d" % (2 * n + more_draws), "log:%d" % (2 * n), "sort:%d*%d" % (n, orders), "rows:1@iteration"]


def floor_small(n, rows, features, encode, passes):
    return [passes, "exp:%d" % rows, "log:%d" % rows] + encode + floor_events(n)


def case(name, config, script="", words="", wanted=None, floor=(), apart=1.0):
    """apart: how far from the floor it may be at most, as a ratio of times; None: nothing is wanted."""
    return {"name": name, "config": config, "script": script, "words": words, "wanted": wanted,
            "floor": list(floor), "apart": apart}


OWN, NUMPY, EVENTS = "peer_simpy.py", "numpy_sim.py", "event_sim.py"
# Rows, columns of data; workers. Groups of d workers, messages of 1/m.
SN, SL = size(1200, 120), size(100, 10)
MN, ML = size(6000, 600), size(10000, 400)
WL = size(1000000, 20000)
SMALL = dense(SN, SL)
SMALL_IT, MEDIUM_IT, WIDE_IT, EVENTS_IT = size(20000, 100), size(60, 4), size(40, 4), size(100000, 1000)
X32_IT = size(16, 2)
MANY = size(32, 2)
PEER_SMALL, PEER_MEDIUM, PEER_WIDE = size(3000, 20), size(20, 2), size(10, 2)
MEDIUM_BYTES = 8 * MN * ML


def small_words(code):
    return "--code %s --n 12 --l %d --N %d --iters %d" % (code, SL, SN, PEER_SMALL)


def medium_words(code):
    return "--code %s --n 60 --l %d --N %d --iters %d" % (code, ML, MN, PEER_MEDIUM)


def wide_words(code):
    return "--data synthetic --code %s --n 30 --l %d --iters %d" % (code, WL, PEER_WIDE)


SMALL_CYCLIC, SMALL_GROUP = small_words("tandon") + " --s 2 --solver lstsq", small_words("group") + " --d 3 --m 2"
MEDIUM_CYCLIC, MEDIUM_GROUP = medium_words("tandon") + " --s 5 --solver lstsq", medium_words("group") + " --d 6 --m 4"
CYCLIC_12 = ["gemm:10x%dx3" % SL, "gemm:1x%dx10" % SL]   # 10 messages of 3 parts; the sum of 10
GROUP_12 = ["flops:%d" % (12 * SL), "gemm:8x%dx2" % (SL // 2), "gemm:2x%dx8" % (SL // 2)]
ONE_PASS = "pass:%dx%d" % (SN, SL)
TWO_PRODUCTS = "gemm:%dx%dx%d*%.9g" % (SN, MANY, SL, 2 / MANY)
READ = "read:%d" % MEDIUM_BYTES
# Two products of a tenth of the data, ten times, for all models.
READ_ONCE = "read:%d*%.9g|gemm:%dx%dx%d*%.9g" % (MEDIUM_BYTES, 1 / MANY, MN // 10, MANY, ML, 20 / MANY)
WIDE_MEMORY = "read:%d+copy:%d" % (30 * 4 * WL, 8 * WL)
# Of the groups' sums 4 messages each of 4 blocks, decoded; the true sum.
WIDE_GROUP = WIDE_MEMORY + "|flops:%d+gemm:4x%dx4*5+gemm:4x%dx20" % (30 * WL, WL // 4, WL // 4)
# 25 messages of 6 parts each, decoded; the true sum.
WIDE_CYCLIC = WIDE_MEMORY + "|flops:%d+gemm:25x%dx6*100+gemm:1x%dx25" % (30 * WL, WL // 100, WL)


def events(n, s, iterations, words, wanted):
    return case("events n=%d" % n, scenario(n, NONE, ignore(s), iterations), EVENTS, words, wanted, floor_events(n), 4)


def events_shared(n, s, iterations, peer_iterations, realistic):
    return case("events-%s n=%d" % ("realistic" if realistic else "shared", n), shared(n, s, iterations, realistic),
                OWN, peer(n, s, peer_iterations, realistic), 36,
                floor_events(n, n + 1 if realistic else 0, 2), None)


def medium(name, code, words, wanted, width=1, detail="iteration"):
    rows = ["rows:1@iteration"] + ["rows:60@worker_iteration"] * (detail == "worker")
    return case(name, scenario(60, dense(MN, ML, width), code, X32_IT if width > 1 else MEDIUM_IT, width, detail), NUMPY,
                words, wanted, [READ_ONCE if width > 1 else READ, "draws:120", "log:120", "sort:60"] + rows, None)


def medium_sparse(name, code, words, wanted, width=1):
    """Non-zeros, 12 bytes each, are read once; or multiplied and added twice."""
    entries = MN * ML // 100
    read = "read:%d*%.9g|flops:%d" % (12 * entries, 1 / width, 4 * entries)
    return case(name, scenario(60, sparse(MN, ML, 0.01, width), code, X32_IT * 2 if width > 1 else MEDIUM_IT * 6, width),
                NUMPY, "--data sparse " + words, wanted, [read, "draws:120", "log:120", "sort:60", "rows:1@iteration"],
                None)


CASES = [
    case("small-cyclic", scenario(12, SMALL, cyclic(2), SMALL_IT), NUMPY, SMALL_CYCLIC, 5,
         floor_small(12, SN, SL, CYCLIC_12, ONE_PASS), None),
    case("small-group", scenario(12, SMALL, group(3, 2), SMALL_IT), NUMPY, SMALL_GROUP, 5,
         floor_small(12, SN, SL, GROUP_12, ONE_PASS), None),
    case("small-cyclic x32", scenario(12, dense(SN, SL, 0), cyclic(2), SMALL_IT // 10, MANY), NUMPY, SMALL_CYCLIC, 6,
         floor_small(12, SN, SL, CYCLIC_12, TWO_PRODUCTS), None),
    case("small-group x32", scenario(12, dense(SN, SL, 0), group(3, 2), SMALL_IT // 10, MANY), NUMPY, SMALL_GROUP, 6,
         floor_small(12, SN, SL, GROUP_12, TWO_PRODUCTS), None),
    case("wide-cyclic", scenario(30, synthetic(WL), cyclic(5), WIDE_IT), NUMPY,
         "--block 8192 " + wide_words("tandon") + " --s 5 --solver lstsq", 4, [WIDE_CYCLIC, "rows:1@iteration"], None),
    case("wide-group", scenario(30, synthetic(WL), group(6, 4), WIDE_IT), NUMPY,
         wide_words("group") + " --d 6 --m 4", 3.4, [WIDE_GROUP, "rows:1@iteration"], None),
    medium("medium-cyclic", cyclic(5), MEDIUM_CYCLIC, 1.4),
    medium("medium-cyclic x32", cyclic(5), MEDIUM_CYCLIC, 6, MANY),
    medium("medium-cyclic x32, rows", cyclic(5), MEDIUM_CYCLIC, None, MANY, "worker"),
    medium("medium-group", group(6, 4), MEDIUM_GROUP, 1.4),
    medium("medium-group x32", group(6, 4), MEDIUM_GROUP, 6, MANY),
    medium_sparse("sparse-cyclic", cyclic(5), MEDIUM_CYCLIC, 3),
    medium_sparse("sparse-cyclic x32", cyclic(5), MEDIUM_CYCLIC, 8, MANY),
    medium_sparse("sparse-group", group(6, 4), MEDIUM_GROUP, 3),
    medium_sparse("sparse-group x32", group(6, 4), MEDIUM_GROUP, 8, MANY),
    events(60, 5, EVENTS_IT, "simpy 60 55 %d" % size(1500, 20), 55),
    events(256, 16, EVENTS_IT // 4, "simpy 256 240 %d" % size(300, 20), 60),
    events_shared(60, 5, EVENTS_IT, size(3000, 200), False),
    events_shared(256, 16, EVENTS_IT // 4, size(600, 200), False),
    events_shared(60, 5, EVENTS_IT, size(3000, 200), True),
    events_shared(256, 16, EVENTS_IT // 4, size(600, 200), True),
]
# How far from the floor "events" may be: less where vectors are short.
EVENTS_APART = 6 if "avx512f" in open("/proc/cpuinfo").read() else 4


def asked(name):
    return any(part in name for part in args.only.split(","))


# --- Tables ---------------------------------------------------------------------------------------

def number(x):
    """Three digits or so, never as a power of ten."""
    if x is None:
        return "–"
    if isinstance(x, (str, int)):
        return str(x)
    if x and abs(x) < 1:
        return "%.3g" % x if abs(x) >= 1e-4 else "%.1e" % x
    return "%.2f" % x if x < 10 else "%.1f" % x if x < 1000 else "{:,.0f}".format(x)


report = {"tables": {}, "checks": [], "faults": []}
pages = {}


class Table:
    """Printed row by row, as wide as it is told to be, and kept for Markdown and JSON."""

    def __init__(self, name, heads):
        """heads: (title, unit, width)."""
        self.name, self.heads, self.rows = name, heads, []
        report["tables"][name] = {"columns": ["%s, %s" % h[:2] if h[1] else h[0] for h in heads], "rows": self.rows}
        print("\n%s" % name)
        self.line([h[0] for h in heads])
        self.line([h[1] for h in heads])

    def line(self, cells):
        print(" ".join(str(c).ljust(h[2]) if i == 0 else str(c).rjust(h[2])
                       for i, (c, h) in enumerate(zip(cells, self.heads))).rstrip(), flush=True)

    def row(self, *cells):
        self.rows.append(list(cells))
        self.line([number(c) for c in cells])

    def markdown(self):
        heads = report["tables"][self.name]["columns"]
        rows = [[number(c) for c in row] for row in self.rows]
        return "\n".join("| %s |" % " | ".join(r) for r in [heads, ["---"] + ["---:"] * (len(heads) - 1)] + rows)

    def done(self):
        pages[self.name] = self.markdown()


def agreement(name, ours, theirs):
    """That both sides simulate the same model."""
    z = (ours[0] - theirs[0]) / (ours[1] ** 2 + theirs[1] ** 2) ** 0.5
    report["checks"].append({"case": name, "mean_s": ours[0], "error_s": ours[1], "yardstick_mean_s": theirs[0],
                             "yardstick_error_s": theirs[1], "z": z, "agrees": abs(z) <= 4})


# --- Rates ----------------------------------------------------------------------------------------

def families():
    """Cases with the same yardstick, which are run in turn with it."""
    found = {}
    for c in CASES:
        if asked(c["name"]):
            found.setdefault((c["script"], c["words"]), []).append(c)
    return found


def net_of(runs, bases):
    """Processor seconds and seconds by the clock of an iteration, for each run: what is left when the least that
    the set-up took is taken off. Quick runs are shorter than what that varies by: there it is left out."""
    off = [min(b[i] for b in bases) for i in (1, 2)]
    return [tuple(max(r[i] - o, 1e-9) / (r[0] - (o > 0)) for i, o in zip((1, 2), off)) for r in runs]


def rates():
    missed = []
    table = Table("rates", [("case", "", 24), ("now", "it/cpu-s", 8), ("by clock", "it/s", 8),
                            ("floor", "it/cpu-s", 9), ("now/floor", "times", 9), ("bound", "by", 5),
                            ("yardstick", "it/cpu-s", 9), ("ratio", "times", 6), ("wanted", "times", 6),
                            ("peak", "MiB", 5)])
    for (script, words), members in families().items():
        ours, base, floors, theirs, same = {c["name"]: [] for c in members}, {}, {c["name"]: [] for c in members}, [], None
        for _ in range(ROUNDS_LARGE if any(c["name"].startswith("medium") for c in members) else args.rounds):
            for c in members:
                run, made = once(c["config"])
                ours[c["name"]].append(run)
                base.setdefault(c["name"], []).append(made)
                floors[c["name"]].append(floor_of(c["floor"], "bench.db"))
                last = mean_and_error("bench.db") if script == OWN and not BARE else None
            told = yardstick(script, words) if peers or script == OWN and not BARE else None
            if told:
                theirs.append(told)
                same = told[2] or same
        for c in members:
            name, runs = c["name"], ours[c["name"]]
            seconds, clock = (min(each) for each in zip(*net_of(runs, base[name])))
            least = min(floors[name], key=lambda f: f["seconds"])
            # The least of each unit would be lower still; a floor is one that was reached as a whole.
            ratio = max(t[0] for t in theirs) * seconds if theirs else None
            ratio = ratio and 1 / ratio
            apart = seconds / least["seconds"]
            fault = apart < 1 and not QUICK
            if fault:
                report["faults"].append(name)
            if ratio and c["wanted"] and ratio < c["wanted"]:
                missed.append("%s is %.2f times the yardstick, wanted %g" % (name, ratio, c["wanted"]))
            if c["apart"] and apart > EVENTS_APART:
                missed.append("%s is %.2f times its floor, wanted at most %g" % (name, apart, EVENTS_APART))
            table.row(name, 1 / seconds, 1 / clock, 1 / least["seconds"], "%.2f!" % apart if fault else apart,
                      least["bound"],
                      max(t[0] for t in theirs) if theirs else None, ratio, c["wanted"], max(r[3] for r in runs))
            report["tables"]["rates"].setdefault("floors", {})[name] = least
            report["tables"]["rates"].setdefault("rounds", {})[name] = {
                "seconds": [each[0] for each in net_of(runs, base[name])], "floor": [f["seconds"] for f in floors[name]],
                "yardstick": [1 / t[0] for t in theirs]}
            if same:
                agreement(name, last, same)
    table.done()
    print("now/floor: times as slow as the limit (!: a fault of the floor); bound: what takes most of the floor;\n"
          "ratio: to the yardstick, and what is wanted of it. What is done before the first round is not in it.")
    return missed


# --- Recording, graphs ----------------------------------------------------------------------------

def recording():
    """What recording costs: the same runs with and without rows."""
    pair = {}
    for detail in ("summary", "iteration"):
        iterations = SMALL_IT
        pair[detail] = min(straggle(scenario(12, SMALL, cyclic(2), iterations, 1, detail))[1] for _ in range(args.rounds))
    share = 100 * (1 - pair["summary"] / pair["iteration"])
    print("\nRecording at detail iteration takes %.1f %% of a small run's processor time (wanted: at most 10 %%)." % share)
    report["recording_percent"] = share


def graph_round():
    """A timing-only round of a graph code with 6,552 workers against one of ignore-stragglers."""
    lps = {"code": "graph", "graph": "lps", "lps_p": 5, "lps_q": 13, "s": 1966}
    rounds = {}
    for name, code in (("ignore-stragglers", ignore(1966)), ("tree", dict(lps, weights="tree")),
                       ("minimum-norm", dict(lps, weights="minimum-norm"))):
        runs = [straggle(scenario(6552, NONE, code, size(400, 4))) for _ in range(args.rounds)]
        made = [(0, 0, 0, 0)] if QUICK else [straggle(alone(scenario(6552, NONE, code, 1)))]
        rounds[name] = min(net_of(runs, made))[0]
    report["graph_round"] = {name: rounds[name] / rounds["ignore-stragglers"] for name in ("tree", "minimum-norm")}
    print("\nA round with 6,552 workers takes, of one of ignore-stragglers: X^(5,13) with weights %s (wanted: at most "
          "1.5)." % ", ".join("%s %.2f" % i for i in report["graph_round"].items()))


# --- Set-up ---------------------------------------------------------------------------------------

def code(name, **values):
    return dict(code=name, **values)


def one_step(name, **values):
    """Weights by the number of answers: of optimal ones a decode is most of the round, not the set-up."""
    return dict(code=name, **values, s=9, decoding="one-step")


# Codes whose tables are sparse: some with few workers, all with 10,000, and those for which more make sense.
SETUP_FEW = [code("uncoded"), code("fractional-repetition", s=9), cyclic(5), code("ye-abbe", d=5, m=2), ignore(9),
             code("group", d=10, m=5, stop="decodable"), code("bernoulli", d=5, s=9), code("graph", d=4, s=9)]
SETUP_CODES = SETUP_FEW + [
    code("load-balanced"), code("reed-solomon", s=5), code("cyclic-mds", s=5), code("heterogeneous", s=5),
    code("arbitrary-placement", s=2, replication=4), code("arbitrary-placement", s=2, m=1, placement="random"),
    code("arbitrary-placement", s=2, m=1, placement="by-speed"), one_step("bernoulli", d=5), one_step("bernoulli", d=5, cover=True),
    one_step("stochastic-block", c=10, Q=0.00001), code("approximate-repetition", d=10, s=9), one_step("expander", d=4),
    one_step("expander", d=4, graph="circulant", coefficients="optimal"), code("sgc", d=4, s=9),
    one_step("soft-block-design", d=5), one_step("sparse-gaussian", d=5, omega=0.003), code("d-frc", d=10, s=9),
    code("brc", eps=0.1, s=9), code("ldgm", s=9), code("is-gc", c=4, s=9), code("partial-cyclic", s=3, p=6),
    code("partial-repetition", s=3, p=6), code("streamed-group", d=10, chunks=5), code("nested", s_max=3), code("uc-mmc", r=5),
    code("gc-mmc", r=5), code("gc-mmc", r=5, clusters=500), code("partial-stragglers"), code("clustered", clusters=500, s=3),
    code("dynamic-clusters", clusters=500, s=3), code("hierarchical", edges=500, s_e=1, s_w=2),
    code("coupon-collector", r=5, uncovered="reassign"), code("tiered", s=3, start=5000, after=2500),
    code("speculative-copies", left=10), code("sequential-gc", s=3), code("sr-sgc", B=1, W=2, **{"lambda": 4}),
    code("m-sgc", B=1, W=2, **{"lambda": 4}), code("mindflayer", time_limit=5), code("k-sync", k=9000),
    code("block-coordinate", blocks=[1, 1, 1]), code("projective-derivative", blocks=100)]
SETUP_MANY = [c for c in SETUP_CODES if c not in (code("bernoulli", d=5, s=9), code("projective-derivative", blocks=100))]
SETUP_LIMIT_S = 60


def set_up():
    """One timing-only round: what there is of it is the set-up. Wanted at n = 10,000: 1 s, 200 MiB."""
    table = Table("set-up", [("code", "", 62), ("workers", "", 8), ("check", "cpu-s", 8), ("run", "cpu-s", 8),
                             ("peak", "MiB", 8)])
    missed = []
    for n, codes in zip(size([1000, 10000, 100000], [20, 40]), (SETUP_FEW, SETUP_CODES, SETUP_MANY)):
        for scheme in SETUP_FEW if QUICK else codes:
            path = write(scenario(n, {"problem": "none", "length": 1000}, scheme, 1))
            name = " ".join([scheme["code"]] + ["%s=%s" % (k, str(v).lower().replace(" ", "")) for k, v in scheme.items() if k != "code"])
            checks, runs = [], []
            # Where it takes long, once is enough.
            for _ in range(min(args.rounds, 3)):
                checks.append(called([args.program, "check", path], SETUP_LIMIT_S))
                runs.append(called([args.program, "run", path, "-o", cleared("setup.db"), "-j", "1", "--quiet"],
                                   SETUP_LIMIT_S))
                if not runs[-1] or runs[-1][1] > 5:
                    break
            over = "over %d" % SETUP_LIMIT_S
            runs, checks = [r for r in runs if r], [c for c in checks if c]
            table.row(name, n, min(c[1] for c in checks) if checks else over, min(r[1] for r in runs) if runs else over,
                      max(r[3] for r in runs) if runs else None)
            if n == 10000 and not (checks and min(c[1] for c in checks) < 1 and runs and max(r[3] for r in runs) < 200):
                missed.append("set-up of %s at n = %d, wanted under 1 s and 200 MiB" % (name, n))
    table.done()
    return missed


# --- Sweeps and questions -------------------------------------------------------------------------

def sweep():
    """Ten thousand points: each command by itself. Wanted of compare: under 2 s."""
    with open(os.path.join(beside, "scenarios", "sweep18.json")) as f:
        config = json.load(f)
    computes, nets = size((50, 25), (2, 2))
    config["sweep"] = [
        {"name": "compute", "path": "/delay/mean_excess_s", "values": [round(0.1 * i, 1) for i in range(1, computes + 1)]},
        {"name": "net", "path": "/network/uplink/mean_s", "values": [round(0.1 * i, 1) for i in range(1, nets + 1)]}]
    path, database = write(config, "sweep.json"), cleared("sweep.db")
    run = ["run", path, "-o", database, "--quiet", "-j", "1"]
    table = Table("sweep", [("command", "", 28), ("time", "cpu-s", 8), ("by clock", "s", 8), ("peak", "MiB", 8)])
    for name, words in (("check", ["check", path]), ("plan", ["plan", path, "-o", database]), ("run -j 1", run),
                        ("run again: nothing to do", run), ("compare", ["compare", database]),
                        ("compare --format csv", ["compare", database, "--format", "csv"])):
        out, cpu, wall, mib = called([args.program] + words)
        table.row(name, cpu, wall, mib)
    db = sqlite3.connect(database)
    points, runs = db.execute("SELECT (SELECT count(*) FROM point), (SELECT count(*) FROM run)").fetchone()
    db.close()
    table.done()
    report["sweep"] = {"points": points, "runs": runs, "MiB": os.path.getsize(database) / 2 ** 20}
    print("%s points, %s runs, a database of %.0f MiB" % (number(float(points)), number(float(runs)), report["sweep"]["MiB"]))
    os.remove(database)


def query():
    """Ten million rows of workers, made by the program itself, and questions that read them all."""
    iterations, n = size((166667, 60), (100, 10))
    table = Table("query", [("what", "", 34), ("time", "cpu-s", 8), ("by clock", "s", 8), ("a row", "ns", 8),
                            ("peak", "MiB", 8)])
    path, database = write(scenario(n, NONE, ignore(n // 10), iterations, 1, "worker")), cleared("query.db")
    rows = n * iterations
    run = called([args.program, "run", path, "-o", database, "-j", "1", "--quiet"])
    table.row("run, detail worker", *run[1:3], 1e9 * run[1] / rows, run[3])
    for name, sql in (("count, mean of all", "SELECT count(*), avg(compute_s) FROM worker_iteration"),
                      ("means of each worker", "SELECT worker, count(*), avg(compute_s), avg(used) FROM worker_iteration "
                                               "GROUP BY worker"),
                      ("one iteration", "SELECT * FROM worker_iteration WHERE run_id = (SELECT min(run_id) FROM run) AND "
                                        "iteration = %d" % (iterations // 2))):
        best = min((called([args.program, "query", database, sql, "--format", "csv"]) for _ in range(min(args.rounds, 2))),
                   key=lambda r: r[1])
        table.row(name, best[1], best[2], None if name == "one iteration" else 1e9 * best[1] / rows, best[3])
    file_bytes = os.path.getsize(database)
    least = floor_of(["read:%d" % file_bytes])
    table.row("floor: reading the file's bytes", least["seconds"], None, 1e9 * least["seconds"] / rows, None)
    table.done()
    os.remove(database)
    # Bytes of a row: what a file with rows has more than one without, a row.
    both = {}
    for detail, per_iteration in (("iteration", 1), ("worker", n)):
        sizes = []
        for count in size((1000, 11000), (50, 250)):
            called([args.program, "run", write(scenario(n, NONE, ignore(n // 10), count, 1, detail)), "-o",
                    cleared("bytes.db"), "-j", "1", "--quiet"])
            sizes.append((os.path.getsize(os.path.join(folder, "bytes.db")), count))
        both[detail] = (sizes[1][0] - sizes[0][0]) / (sizes[1][1] - sizes[0][1])
    both["worker"] = (both["worker"] - both["iteration"]) / n
    report["bytes_per_row"] = both
    report["query_rows"] = rows
    print("%s rows in %.0f MiB; a stored row of an iteration has %.0f bytes, of a worker %.0f." % (
        number(float(rows)), file_bytes / 2 ** 20, both["iteration"], both["worker"]))


# --- A whole sweep against a script ---------------------------------------------------------------

def against_script():
    """The same sweep by peer_sweep.py: all of it, and until the first result can be read."""
    n, iterations, replications = 12, size(300, 30), size(8, 2)
    tolerances, computes, uplinks = [0, 1, 2, 3], size([0.5, 1.25, 4.0], [1.25]), size([2.0, 10.0], [10.0])
    config = scenario(n, SMALL, cyclic({"each": tolerances[1:]}), iterations, replications)
    config["schemes"].insert(0, {"code": "uncoded"})
    config["sweep"] = [{"name": "compute", "path": "/delay/mean_excess_s", "values": computes},
                       {"name": "net", "path": "/network/uplink/mean_excess_s", "values": uplinks}]
    path = write(config, "whole.json")
    words = ["--workers", n, "--rows", SN, "--features", SL, "--iterations", iterations, "--replications", replications,
             "--tolerances", *tolerances, "--computes", *computes, "--uplinks", *uplinks]
    table = Table("whole sweep", [("program", "", 26), ("threads", "", 8), ("by clock", "s", 8), ("time", "cpu-s", 8),
                                  ("first result", "s", 13)])
    best, theirs = {}, {}
    for _ in range(min(args.rounds, 2)):
        for threads in (1, 2):
            database = cleared("whole.db")
            begin, first = time.perf_counter(), None
            process = subprocess.Popen([args.program, "run", path, "-o", database, "-j", str(threads), "--quiet"],
                                       env=environment)
            while True:
                done, status, usage = os.wait4(process.pid, os.WNOHANG)
                if done:
                    break
                if first is None and os.path.exists(database):
                    try:
                        db = sqlite3.connect("file:%s?mode=ro" % database, uri=True, timeout=0.01)
                        if db.execute("SELECT EXISTS (SELECT 1 FROM run WHERE status = 'finished')").fetchone()[0]:
                            first = time.perf_counter() - begin
                        db.close()
                    except sqlite3.Error:
                        pass
                time.sleep(0.01)
            wall = time.perf_counter() - begin
            process.returncode = status
            if status != 0:
                sys.exit("bench: the sweep failed")
            told = (wall, usage.ru_utime + usage.ru_stime, wall if first is None else first)
            best[threads] = min(best.get(threads, told), told)
            if BARE:
                continue
            out = subprocess.run([python, os.path.join(beside, "peer_sweep.py"), "--database", cleared("peer.db"), "--jobs",
                                  str(threads), "--begun", "%.6f" % time.time()] + [str(w) for w in words],
                                 env=environment, capture_output=True, text=True)
            if out.returncode == 0:
                found = json.loads(out.stdout)
                told = (found["wall_s"], found["cpu_s"], found["first_s"], found)
                theirs[threads] = min(theirs.get(threads, told), told, key=lambda t: t[0])
    for threads in best:
        table.row("straggle", threads, *best[threads])
        if threads in theirs:
            table.row("peer_sweep.py", threads, *theirs[threads][:3])
    table.done()
    report["efficiency"] = best[1][0] / (2 * best[2][0])
    print("Efficiency of two threads by the clock, t1 / (2 t2): %.2f; processor time of two over one: %.2f."
          % (report["efficiency"], best[2][1] / best[1][1]))
    if not theirs:
        print("Without its yardstick: only straggle was timed.")
        return
    report["whole_sweep_ratio"] = {j: theirs[j][0] / best[j][0] for j in theirs}
    print("Against the script: %s." % ", ".join("%.1f times as fast with -j %d" % (r, j)
                                               for j, r in report["whole_sweep_ratio"].items()))
    db = sqlite3.connect(os.path.join(folder, "whole.db"))
    ours = db.execute("""SELECT p.stragglers_s, compute, net, avg(duration_s),
                         sqrt((avg(duration_s * duration_s) - avg(duration_s) * avg(duration_s)) / count(*))
                         FROM iteration JOIN run USING (run_id) JOIN point p USING (point_id) JOIN v_axes USING (point_id)
                         GROUP BY 1, 2, 3 ORDER BY 1, 2, 3""").fetchall()
    db.close()
    for s, compute, net, mean, error in ours:
        match = [p for p in theirs[2][3]["points"] if (p["s"], p["compute_s"], p["uplink_s"]) == (s, compute, net)]
        agreement("whole sweep s=%d, compute %g, uplink %g" % (s, compute, net), (mean, error),
                  (match[0]["mean_s"], match[0]["error_s"]))


# --- What `plan` says ------------------------------------------------------------------------------

def estimated():
    """Six scenarios of different kinds: name, scenario, detail."""
    short = {"delay": {"model": "shifted-exponential", "shift_s": 0.1, "mean_excess_s": 0.05, "unit": "subset"},
             "network": {"uplink": {"model": "shifted-exponential", "shift_s": 0.1, "mean_excess_s": 0.1},
                         "late_messages": "cancel"}, "late_work": "cancel"}
    csv = {"source": "csv", "path": os.path.join(beside, "..", "scenarios", "data", "breast-cancer.csv"),
           "label": "diagnosis", "test_share": 0.2, "standardize": True}
    ways = [{"code": "uncoded"}, cyclic(2), {"code": "group", "d": 4, "m": 2, "stop": "decodable"}]

    def learning(data):
        return {"problem": "logistic-regression", "data": data, "l2": 1e-4, "evaluate_every": 1,
                "optimizer": {"method": "nesterov", "step": 0.5}}

    def generated(rows, features):
        return learning({"source": "gaussian-mixture", "rows": rows, "features": features})

    def of(n, problem, schemes, replications, **more):
        return {"format": 1, "cluster": {"workers": n}, **short, "learning": problem, "schemes": schemes,
                "replications": replications, "random": {"seed": 1}, **more}

    wide_sweep = of(20, learning(csv), [
        {"code": "uncoded"}, {"code": "fractional-repetition", "s": {"each": [1, 2, 3, 9, 19]}},
        {"code": "ye-abbe", "d": {"each": [2, 3, 4, 5, 6]}, "m": {"each": [1, 2, 3]}},
        {"code": "group", "d": {"each": [2, 4, 5, 8, 10]}, "m": {"each": [1, 2, 3]}, "stop": "decodable"}],
        size(10, 1), baseline="uncoded", stop={"iterations": size(200, 2), "target_loss": 0.055, "undecodable": "wait"},
        sweep=[{"name": "n", "path": "/cluster/workers", "values": size([10, 20, 40], [20])},
               {"name": "compute", "path": "/delay/mean_excess_s", "values": size([0.05, 0.5, 2], [0.5])},
               {"name": "net", "path": "/network/uplink/mean_excess_s", "values": [0.1, 1]}])
    timing = of(20, {"problem": "none", "length": 1000}, [{"code": "uncoded"}, cyclic({"each": [1, 2, 3]})], 5,
                stop={"iterations": size(1000, 10)},
                sweep=[{"name": "n", "path": "/cluster/workers", "values": size([8, 20, 50, 100, 200], [8, 20])}])
    return [("sweep", wide_sweep, "iteration"), ("sweep, worker", wide_sweep, "worker"), ("timing", timing, "iteration"),
            ("long", of(12, learning(csv), ways, 1, stop={"iterations": size(60000, 50)}), "iteration"),
            ("wide", of(12, generated(60, size(100000, 100)), ways, 4, stop={"iterations": size(60, 2)}), "iteration"),
            ("large", of(12, generated(size(20000, 200), size(1000, 20)), ways, 4, stop={"iterations": size(60, 2)}),
             "iteration")]


def estimates():
    """What `plan` says a run will take, and what it takes, by the clock, on the machine as busy as it is; the
    processor seconds tell how busy that was. Only where it is asked for."""
    table = Table("estimates", [("case", "", 14), ("threads", "", 7), ("plan says", "s", 9), ("plan took", "s", 9),
                                ("run took", "s", 8), ("said/took", "", 9), ("run", "cpu-s", 7)])
    for _ in range(args.rounds):
        for name, config, detail in estimated():
            path = write(dict(config, output={"detail": detail}))
            for threads in (1, 2):
                words = [path, "-o", cleared("plan.db"), "-j", str(threads)]
                out, _, took, _ = called([args.program, "plan"] + words)
                said = re.search(r": (?:at most )?about (.*) with .*thread", out).group(1)
                # "1 min 20 s", "0.4 s", "30 ms".
                parts = re.findall(r"([\d.]+) (h|min|s|ms)\b", said)
                seconds = sum(float(x) * {"h": 3600, "min": 60, "s": 1, "ms": 1e-3}[unit] for x, unit in parts)
                _, cpu, wall, _ = called([args.program, "run", "--quiet"] + words)
                table.row(name, threads, seconds, took, wall, seconds / wall, cpu)
    table.done()


# --- Other programs -------------------------------------------------------------------------------

def programs():
    """Decode weights against LAPACKE's least squares; events of protocols against those of a plain round;
    compressors against copies; weights of graph codes against scipy's lsqr on the same patterns."""
    for name in ("bench_decode", "bench_engine", "bench_compress", "bench_embed"):
        own = os.path.join(tests, name)
        if os.path.exists(own):
            print("\n" + subprocess.run([own], env=environment, capture_output=True, text=True).stdout)
    own = os.path.join(tests, "bench_graph")
    if os.path.exists(own):
        patterns, told = os.path.join(folder, "patterns.txt"), os.path.join(folder, "peer.txt")
        subprocess.run([own, "--write", patterns], check=True)
        with open(told, "w") as f:
            subprocess.run([python, os.path.join(beside, "peer_lsqr.py"), patterns], env=environment, stdout=f)
        print("\n" + subprocess.run([own, "--peer", told], env=environment, capture_output=True, text=True).stdout)


def against():
    """Two builds. The machine's speed drifts: ratios of neighbours, whose median is told."""
    print("| case | this build best, it/cpu-s | other build best, it/cpu-s | ratio of the bests | median of the pairs |\n"
          "|---|---|---|---|---|")
    for c in CASES:
        if not asked(c["name"]):
            continue
        builds = (args.program, args.against)
        both = [[once(c["config"], p) for p in builds] for _ in range(args.rounds)]
        pairs = [(1 / a[0], 1 / b[0]) for a, b in zip(*(net_of(*zip(*of_build)) for of_build in zip(*both)))]
        ours, theirs = max(a for a, _ in pairs), max(b for _, b in pairs)
        print("| %s | %.4g | %.4g | %.3f | %.3f |" % (c["name"], ours, theirs, ours / theirs,
                                                    statistics.median(a / b for a, b in pairs)), flush=True)


def into_page(path):
    with open(path) as f:
        text = f.read()
    for name, table in pages.items():
        mark = "<!-- bench: %s -->" % name
        text, count = re.subn(re.escape(mark) + r".*?<!-- end -->", lambda _: "%s\n\n%s\n\n<!-- end -->" % (mark, table),
                              text, flags=re.S)
        if not count:
            print("%s has no place %s" % (path, mark))
    with open(path, "w") as f:
        f.write(text)


def main():
    head = floor_of(["flops:1000"])
    report["core"] = head["core"]
    with open("/proc/cpuinfo") as f:
        cpu = re.search(r"model name\s*: (.*)", f.read())
    report["processor"] = cpu.group(1) if cpu else "unknown"
    report["load"] = os.getloadavg()[0]
    print("%s, OpenBLAS kernels: %s; load %.1f at the start; processor seconds (cpu-s) of one thread, best of %d rounds (medium: %d)"
          % (report["processor"], report["core"], report["load"], args.rounds, ROUNDS_LARGE))
    missed = []
    if families():
        missed += rates()
    for name, section in (("recording", recording), ("graph-round", graph_round), ("set-up", set_up), ("sweep", sweep),
                          ("query", query), ("whole sweep", against_script)):
        if asked(name):
            missed += section() or []
    if "estimates" in args.only:
        estimates()
    if asked("programs") and not QUICK:
        programs()
    if not peers and any(c["script"] != OWN for f in families().values() for c in f):
        print("\nThe yardsticks are not here: only straggle and its floors were timed.")
    if report["checks"]:
        print("\nThe same model on both sides (± one standard error):")
        for c in report["checks"]:
            print("  %s: mean iteration %.3f ± %.3f s, yardstick %.3f ± %.3f s, z = %+.2f%s" % (
                c["case"], c["mean_s"], c["error_s"], c["yardstick_mean_s"], c["yardstick_error_s"], c["z"],
                "" if c["agrees"] else " DIFFERS"))
    if QUICK:
        missed = []
    report["missed"] = missed
    if missed:
        print("\nNot what is wanted:\n  " + "\n  ".join(missed))
    if report["faults"]:
        print("\nFaster than its floor, which is a fault of the floor: %s" % ", ".join(report["faults"]))
    if args.json:
        with open(args.json, "w") as f:
            json.dump(report, f, indent=1)
    if args.markdown:
        into_page(args.markdown)
    return 0 if all(c["agrees"] for c in report["checks"]) else 1


try:
    if args.against:
        against()
        status = 0
    else:
        status = main()
finally:
    shutil.rmtree(folder)
sys.exit(status)
