#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The published rules of sequential gradient coding (Krishnan, Ebrahimi, Khisti 2023), computed directly
on a recorded trace: which rounds are waited out, how long each is, and in which a job is decoded.

  sequential_rules.py trace WORKERS ROUNDS SEED > trace.csv   # Gilbert-Elliott: slow states
  sequential_rules.py check SCENARIO DATABASE                 # compares all rows; exit 1 if any differs

Nothing of the program is in it: sets, lists and the definitions. The scenario replays the trace with
scaling startup; communication is free. Prints the schemes, jobs and rounds waited out."""
import csv, json, os, random, sqlite3, sys


def make_trace(workers, rounds, seed):
    """Slow states by p(N->S) = 0.0416, p(S->N) = 0.8446, as in 100 rounds of 256 serverless workers."""
    draw = random.Random(seed)
    slow = [draw.random() < 0.0416 / (0.0416 + 0.8446) for _ in range(workers)]
    print("# source: generated, seed %d\n# licence: none needed\n# unit: s\niteration,worker,compute_s" % seed)
    for r in range(rounds):
        for w in range(workers):
            base = 1 + draw.expovariate(10)
            print("%d,%d,%.9g" % (r, w, base * (2 + draw.expovariate(0.5) if slow[w] else 1)))
            slow[w] = draw.random() >= 0.8446 if slow[w] else draw.random() < 0.0416


class Scheme:
    """What a scheme asks of a worker in a round, and what it makes of the results. `history`: the
    stragglers of each round that count."""

    def __init__(self, o, n, jobs):
        self.o, self.n, self.jobs, self.history = o, n, jobs, []

    def over(self, r, came, stragglers):
        self.history.append(stragglers)


class Uncoded(Scheme):  # and GC(s)
    delay = 0

    def ask(self, r):
        return {i: [r] for i in range(self.n)} if r < self.jobs else {}

    def subsets(self, tasks):
        return self.o["s"] + 1

    def conforms(self, stragglers):
        return len(stragglers) < self.o["s"] if self.o.get("strict") else len(stragglers) <= self.o["s"]

    def decodable(self, job, came):
        return sum(i not in self.history[job] for i in range(self.n)) >= self.n - self.o["s"]


class Bursty(Scheme):
    """In any W rounds at most lambda workers straggle; none that did B to W - 1 rounds ago."""

    def conforms(self, stragglers):
        B, W, r = self.o["B"], self.o["W"], len(self.history)
        window = [set(self.history[q]) for q in range(max(0, r - W + 1), r)] + [set(stragglers)]
        early = [self.history[q] for q in range(max(0, r - W + 1), max(0, r - B + 1))]
        return len(set().union(*window)) <= self.o["lambda"] and not any(i in e for e in early for i in stragglers)


class Selective(Bursty):
    def __init__(self, *args):
        super().__init__(*args)
        self.delay = B = self.o["B"]
        self.s = -(-B * self.o["lambda"] // (self.o["W"] - 1 + B))
        self.returned = [set() for _ in range(self.jobs)]

    def ask(self, r):
        old, repeats = r - self.delay, set()
        if old >= 0:
            lacking = [i for i in range(self.n) if i not in self.returned[old]]
            repeats = set(lacking[:max(0, len(lacking) - self.s)])
        return {i: [old if i in repeats else r] for i in range(self.n) if i in repeats or r < self.jobs}

    def subsets(self, tasks):
        return self.s + 1

    def over(self, r, came, stragglers):
        for i, tasks in came.items():
            self.returned[tasks[0]].add(i)
        fresh = all(tasks[0] == r for tasks in came.values())
        self.history.append(set() if fresh and len(stragglers) <= self.s else stragglers)

    def decodable(self, job, came):
        return len(self.returned[job]) >= self.n - self.s


class Multiplexed(Bursty):
    """A task is (job, kind, number): chunk 0 ... W - 2 of the worker, or a group's combination."""

    def __init__(self, *args):
        super().__init__(*args)
        W, B, n, l = self.o["W"], self.o["B"], self.n, self.o["lambda"]
        self.delay = W - 2 + B
        self.coded = l < n
        parts = n * (B + (W - 1) * (l + 1))
        self.minitask = (l + 1) / parts * n if self.coded else 1 / (W - 1)  # in subsets, of which there are n
        self.has = [[set() for _ in range(n)] for _ in range(self.jobs)]

    def tasks(self, r, i):
        for j in range(self.delay + 1):
            t = r - j
            if not 0 <= t < self.jobs:
                continue
            owed = [c for c in range(self.o["W"] - 1) if ("chunk", c) not in self.has[t][i]]
            if j < self.o["W"] - 1:
                yield t, "chunk", j
            elif owed:
                yield t, "chunk", owed[0]
            elif self.coded:
                yield t, "group", j - (self.o["W"] - 1)

    def ask(self, r):
        asked = {i: list(self.tasks(r, i)) for i in range(self.n)}
        return {i: tasks for i, tasks in asked.items() if tasks}

    def subsets(self, tasks):
        return len(tasks) * self.minitask

    def over(self, r, came, stragglers):
        for i, tasks in came.items():
            for t, kind, number in tasks:
                self.has[t][i].add((kind, number))
        self.history.append(stragglers)

    def decodable(self, job, came):
        has, l = self.has[job], self.o["lambda"]
        chunks = all(("chunk", c) in h for h in has for c in range(self.o["W"] - 1))
        groups = all(sum(("group", g) in h for h in has) >= self.n - l for g in range(self.o["B"])) if self.coded else True
        return chunks and groups


SCHEMES = {"sequential-gc": Uncoded, "sr-sgc": Selective, "m-sgc": Multiplexed}


def play(o, base, per_subset, jobs):
    """Rows (round, model, start, duration, messages received) and the rounds waited out."""
    n = len(base[0])
    s = SCHEMES[o["code"]](o, n, jobs)
    factor = 1 + o.get("mu", 1)
    models = o.get("models", s.delay + 1)
    now, begun, received, rows, waited = 0.0, 0.0, 0, [], 0
    for r in range(jobs + s.delay):
        asked = s.ask(r)
        times = {i: base[r % len(base)][i] - per_subset + per_subset * s.subsets(t) for i, t in asked.items()}
        length, stragglers = 0.0, set()
        if asked:
            limit, last = factor * min(times.values()), max(times.values())
            stragglers = {i for i in asked if times[i] > limit}
            length = min(limit, last)
            if not s.conforms(stragglers):
                waited += 1
                if o.get("wait_out", "all") == "all":
                    stragglers, length = set(), last
                else:
                    for i in sorted(stragglers, key=lambda i: times[i]):
                        stragglers, length = stragglers - {i}, times[i]
                        if s.conforms(stragglers):
                            break
        came = {i: t for i, t in asked.items() if i not in stragglers}
        received += sum(len(t) for t in came.values())
        s.over(r, came, stragglers)
        now += length
        job = r - s.delay
        if job < 0:
            continue
        assert s.decodable(job, came), (o, job)
        rows.append((r, job % models, begun, now - begun, received))
        begun, received = now, 0
    return rows, waited


def check(scenario, database):
    with open(scenario) as file:
        o = json.load(file)
    n, delay = o["cluster"]["workers"], o["delay"]
    with open(os.path.join(os.path.dirname(scenario), delay["path"])) as file:
        lines = [row for row in csv.DictReader(line for line in file if not line.startswith("#"))]
    base = [[0.0] * n for _ in range(1 + max(int(row["iteration"]) for row in lines))]
    for row in lines:
        if int(row["worker"]) < n:
            base[int(row["iteration"])][int(row["worker"])] = float(row["compute_s"])
    db, bad = sqlite3.connect(database), 0
    runs = db.execute("SELECT run_id, json_extract(config_json, '$.scheme'), scheme_label FROM run JOIN point USING (point_id)")
    for run, scheme, label in runs.fetchall():
        expected, waited = play(json.loads(scheme), base, delay["per_subset_s"], o["stop"]["iterations"])
        found = db.execute("SELECT round, model, start_s, duration_s, n_received FROM iteration WHERE run_id = ?"
                           " ORDER BY iteration", (run,)).fetchall()
        same = len(found) == len(expected)
        for f, x in zip(found, expected):
            same &= f[:2] == x[:2] and f[4] == x[4]
            same &= abs(f[2] - x[2]) <= 1e-11 * (1 + x[2]) and abs(f[3] - x[3]) <= 1e-11 * (1 + x[2])
        total = db.execute("SELECT sim_time_s, rounds FROM run WHERE run_id = ?", (run,)).fetchone()
        same &= abs(total[0] - sum(f[3] for f in found)) <= 1e-11 * total[0] and total[1] == expected[-1][0] + 1
        print("%s: %d jobs, %d rounds waited out, %.6g s%s" %
              (label, len(expected), waited, total[0], "" if same else ": DIFFERS"))
        if not same:
            bad += 1
            print([pair for pair in zip(found, expected) if pair[0] != pair[1]][:3])
    return bad


if sys.argv[1] == "trace":
    make_trace(*map(int, sys.argv[2:5]))
else:
    sys.exit(1 if check(sys.argv[2], sys.argv[3]) else 0)
