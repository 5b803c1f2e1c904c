#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Schemes under all settings that touch a protocol, and every row of their databases checked.

  protocols.py [--tamper SQL] FILE.json...

A file: { "workers": n, "exact": [schemes], "inexact": [schemes] }, and optional members:

  learning, cluster, delay, stop   in place of those below (cluster without crashes, delay without its scaling)
  crashes      models of crashes besides none; [] where schemes cannot go on after one
  late_work    those of "cancel", "finish-first", "keep-partial" that are tried
  tolerance    of grad_scaled_err, 1e-8
  settings     how many settings, the first ones; all. SETTINGS in the environment: at most so many
  fixed        { "/pointer": value, ... }: members that hold in all settings

Every choice of late_work and late_messages occurs with every choice of any other factor, and every two
choices of others occur together; with STRENGTH=3 in the environment any three of all. Each setting is a
scenario that $STRAGGLE runs in the current folder; exit 1 and a line for each finding if anything is wrong. A scheme
may be refused under keep-partial, which is for codes with a use for it, in these very words, and then always.
--tamper changes the database before the checks, which then must find something.
"""
import csv, io, itertools, json, os, sqlite3, subprocess, sys

STRAGGLE = os.environ["STRAGGLE"]
ITERATIONS, REPLICATIONS = 12, 2
REFUSED = "no use for what is finished after the iteration, found \"keep-partial\""
SLACK = 1e-9  # of sums of times that the engine adds up in another order, relative

LEARNING = {"problem": "least-squares", "evaluate_every": 1, "batch_rows": 5,
            "data": {"source": "gaussian-mixture", "rows": 120, "features": 6},
            "optimizer": {"method": "gradient-descent", "step": 0.05}}
DELAY = {"model": "shifted-exponential", "shift_s": 0.5, "mean_excess_s": 1}
DOWNTIME = {"model": "exponential", "mean_s": 3}
CRASHES = [{"model": "iterations", "mean_iterations": 12, "mean_recovery_iterations": 2},
           {"model": "seconds", "mean_iterations": 12, "downtime": DOWNTIME}]


def factors(file):
    """Pointer → choices. Bandwidths are per vector of 7 numbers, so that a transfer takes about 0.1 s."""
    def of(*choices):
        return list(choices)
    f = {
        "/late_work": file.get("late_work", ["cancel", "finish-first", "keep-partial"]),
        "/network/late_messages": of("cancel", "occupy-link"),
        "/cluster/crashes": [{"model": "none"}] + file.get("crashes", CRASHES),
        "/delay/scaling": of("proportional", "additive", "startup"),
        "/network/ingress": of({"model": "unlimited"}, {"model": "fifo", "bandwidth_Bps": 500},
                               {"model": "fair-share", "bandwidth_Bps": 500}),
        "/network/broadcast": of({"model": "none"}, {"model": "sequential", "bandwidth_Bps": 1000, "latency_s": 0.05}),
        "/network/duplex": of("full", "half"),
        "/network/signal_latency_s": of(0, 0.2),
        "/network/cancel": of("signal", "instant"),
        "/network/uplink": of({"model": "none"}, {"model": "shifted-exponential", "shift_s": 0.1, "mean_excess_s": 0.3},
                              {"model": "linear", "bandwidth_Bps": 600, "latency_s": 0.1, "during_latency": "link-busy"}),
        "/master/update_s": of(0, 0.7),
        "/master/decode": of({"model": "none"}, {"model": "flops", "flops_per_s": 2000}),
    }
    for pointer, value in file.get("fixed", {}).items():
        f[pointer] = [value]
    return f


def covering(sizes):
    """Rows of choices that cover what is said above: greedy, the same always. A pair (a, b) of others than the
    first two factors is written as (a, b, b)."""
    strong = os.environ.get("STRENGTH") == "3"
    left = {(a, i, b, j, c, k) for a, b, c in itertools.combinations(range(len(sizes)), 3) if strong or (a, b) == (0, 1)
            for i in range(sizes[a]) for j in range(sizes[b]) for k in range(sizes[c])}
    if not strong:
        left |= {(a, i, b, j, b, j) for a, b in itertools.combinations(range(2, len(sizes)), 2)
                 for i in range(sizes[a]) for j in range(sizes[b])}

    def held(row):
        return {(x, row[x], y, row[y], z, row[z]) for x, y, z in itertools.combinations(sorted(row), 3)} | {
            (x, row[x], y, row[y], y, row[y]) for x, y in itertools.combinations(sorted(row), 2)}

    while left:
        a, i, b, j, c, k = min(left)
        row = {a: i, b: j, c: k}
        for f in (g for g in range(len(sizes)) if g not in row):
            def gain(choice):
                return len(held(row | {f: choice}) & left)
            row[f] = max(range(sizes[f]), key=gain)
        left -= held(row)
        yield [row[f] for f in range(len(sizes))]


def put(scenario, pointer, value):
    *path, last = pointer.strip("/").split("/")
    for name in path:
        scenario = scenario.setdefault(name, {})
    scenario[last] = value


def scenario_of(file, name, setting, schemes):
    s = {"format": 1, "name": name, "cluster": dict(file.get("cluster", {}), workers=file["workers"]),
         "delay": dict(file.get("delay", DELAY)), "learning": file.get("learning", LEARNING), "schemes": schemes,
         "invalid_combinations": "error", "replications": REPLICATIONS, "network": {"header_bytes": 8},
         "stop": dict({"iterations": ITERATIONS, "undecodable": "skip"}, **file.get("stop", {})),
         "output": {"detail": "worker"}}
    for pointer, value in setting.items():
        put(s, pointer, value)
    if s["delay"].get("scaling") == "startup":
        s["delay"]["per_subset_s"] = 0.5
    return s


class Checked:
    def __init__(self, path):
        with open(path) as f:
            self.file = json.load(f)
        self.name = os.path.splitext(os.path.basename(path))[0]
        self.database = self.name + ".db"
        self.findings = []

    def found(self, where, text):
        self.findings.append(f"{self.name}: {where}: {text}")

    def straggle(self, *arguments):
        wide = {**os.environ, "COLUMNS": "250"}  # labels in one line
        return subprocess.run([STRAGGLE, *arguments], capture_output=True, text=True, env=wide)

    def write(self, name, setting, schemes):
        with open(f"{name}.json", "w") as f:
            json.dump(scenario_of(self.file, name, setting, schemes), f)
        return f"{name}.json"

    def refused(self, scheme):
        """Whether keep-partial is refused, in the words of the default round; other words are a finding."""
        path = self.write("probe", {"/late_work": "keep-partial", "/stop/iterations": 1}, [scheme])
        done = self.straggle("run", path, "-q", "-o", "probe.db")
        if done.returncode and (REFUSED not in done.stderr or done.stderr.count("error:") != 1):
            self.found(json.dumps(scheme), f"run failed: {done.stderr.strip()}")
        return bool(done.returncode)

    def run(self):
        schemes = self.file.get("exact", []) + self.file.get("inexact", [])
        f = factors(self.file)
        keeps = [s for s in schemes if not self.refused(s)] if "keep-partial" in f["/late_work"] else []
        self.settings = {}
        if self.findings:
            return
        for i, row in enumerate(covering([len(c) for c in f.values()])):
            setting = {pointer: choices[c] for (pointer, choices), c in zip(f.items(), row)}
            able = keeps if setting["/late_work"] == "keep-partial" else schemes
            if able and i < min(self.file.get("settings", 1000), int(os.environ.get("SETTINGS", 1000))):
                self.settings[f"{self.name}-{i:03d}"] = (setting, able)
        paths = [self.write(name, *s) for name, s in self.settings.items()]
        done = self.straggle("run", *paths, "-q", "-o", self.database)
        if done.returncode:
            self.found("run", f"run failed: {done.stderr.strip()}")

    def check(self):
        db = sqlite3.connect(self.database)
        db.row_factory = sqlite3.Row
        self.rows = 0
        runs = db.execute("SELECT run.*, scenario.name AS scenario, scheme_label, exact, barrier, n_workers, config_json,"
                          " undecodable_iters, wasted_work_share, worker_busy_share FROM run JOIN point USING (point_id)"
                          " JOIN scenario USING (scenario_id) JOIN run_summary USING (run_id)").fetchall()
        expected = sum(len(s) for _, s in self.settings.values()) * REPLICATIONS
        if len(runs) != expected:
            self.found(self.database, f"expected {expected} runs, found {len(runs)}")
        for run in runs:
            self.check_run(db, run)
        self.runs = len(runs)
        self.compare()

    def check_run(self, db, run):
        setting = self.settings[run["scenario"]][0]
        where = f"{run['scenario']}.json, {run['scheme_label']}, replication {run['replication']}"

        def want(condition, text, row=None):
            if not condition:
                self.found(where + (f", iteration {row['iteration']}" if row else ""), text)

        exact = bool(run["exact"]) and run["barrier"]
        want(run["status"] == "finished", f"status {run['status']}")
        rows = db.execute("SELECT * FROM iteration WHERE run_id = ? ORDER BY iteration", (run["run_id"],)).fetchall()
        workers = db.execute("SELECT iteration, sum(compute_s) AS compute_s, min(compute_s) AS least, max(used) AS used,"
                             " min(messages) AS few, min(tasks) AS tasks, sum(messages) AS messages FROM"
                             " worker_iteration WHERE run_id = ? GROUP BY iteration", (run["run_id"],)).fetchall()
        want(len(rows) == run["iterations"] or "sim_time_s" in self.file.get("stop", {}),
             f"{len(rows)} rows of {run['iterations']} iterations")
        want(len(workers) == len(rows), f"{len(workers)} iterations of workers, {len(rows)} rows")
        self.rows += len(rows)
        end, total = 0.0, {c: 0.0 for c in ("busy_s", "wasted_s", "bytes_sent", "bytes_received", "n_received",
                                            "messages_sent")}
        for i, (row, of_workers) in enumerate(zip(rows, workers)):
            for c in total:
                total[c] += row[c]
            for c in row.keys():
                if isinstance(row[c], (int, float)) and c not in ("loss", "test_loss", "alpha_sum", "run_id"):
                    want(row[c] >= 0, f"{c} = {row[c]}", row)
            want(row["iteration"] == i, f"row {i} is of iteration {row['iteration']}", row)
            want(abs(row["start_s"] - end) <= SLACK * end,
                 f"begins at {row['start_s']}, the one before ends at {end}", row)
            end = row["start_s"] + row["duration_s"]
            want(row["decode_s"] + row["update_s"] <= row["duration_s"] + SLACK * end or not row["decoded"],
                 "decodes and updates for longer than it lasts", row)
            want(abs(row["busy_s"] - (of_workers["compute_s"] or 0)) <= SLACK * end,
                 f"busy_s {row['busy_s']}, the workers' {of_workers['compute_s']}", row)
            want(of_workers["few"] >= 0 and of_workers["tasks"] >= 0, "counts of workers below 0", row)
            want(total["bytes_received"] <= total["bytes_sent"], "more bytes received than sent", row)
            want(total["wasted_s"] <= total["busy_s"] * (1 + SLACK), "more computing wasted than done", row)
            zero_step = row["alpha_sum"] == 0 and row["err_norm"] == 1  # of a code that finds nothing to add up
            want(row["n_used"] > 0 or not row["decoded"] or zero_step, "decoded from no message", row)
            want(bool((row["bits"] or 0) > 0) == bool(row["n_used"] > 0), f"{row['bits']} bits of {row['n_used']} messages", row)
            want(total["n_received"] <= total["messages_sent"], "more messages received than sent", row)
            want(of_workers["messages"] >= row["n_received"],
                 f"{row['n_received']} messages received, {of_workers['messages']} of workers", row)
            if not row["decoded"]:
                continue
            if exact and self.learns():
                error = row["grad_scaled_err"]
                want(error is not None and error <= self.file.get("tolerance", 1e-8), f"grad_scaled_err {error}", row)
                want(row["decoding_err"] is None, f"decoding_err {row['decoding_err']} of an exact code", row)
            if run["barrier"] and run["exact"]:
                want(row["staleness_max"] in (0, None), f"staleness {row['staleness_max']}", row)
        if rows:
            want(abs(end - run["sim_time_s"]) <= SLACK * end, f"rows end at {end}, the run at {run['sim_time_s']}")
            capacity = run["n_workers"] * end
            want(total["busy_s"] <= capacity * (1 + SLACK), f"{total['busy_s']} s of computing in {capacity} worker-seconds")
            want(all(r["decoded"] == 1 for r in rows) or run["undecodable_iters"] > 0, "rows without a decode, no skipped rounds")
        by_the_clock = any(rule in run["scheme_label"] for rule in ("deadline", "first-factor"))
        if exact and setting["/cluster/crashes"]["model"] == "none" and not by_the_clock:
            want(run["undecodable_iters"] == 0, f"{run['undecodable_iters']} skipped rounds without crashes")

    def learns(self):
        return self.file.get("learning", LEARNING)["problem"] != "none"

    def compare(self):
        """A line of each scheme in each environment, and a verdict on seconds only of those that may have one."""
        done = self.straggle("compare", self.database, "--format", "csv")
        if done.returncode:
            self.found("compare", f"exit {done.returncode}: {done.stderr.strip()}")
            return
        lines = list(csv.DictReader(io.StringIO(done.stdout)))
        expected = sum(len(s) for _, s in self.settings.values())
        if len(lines) != expected:
            self.found("compare", f"expected {expected} lines, found {len(lines)}")
        db = sqlite3.connect(self.database)
        for label, exact, barrier in db.execute("SELECT DISTINCT scheme_label, exact, barrier FROM point"):
            verdicts = [line["verdict"] for line in lines if line["scheme_label"] == label]
            points = db.execute("SELECT count(*) FROM point WHERE scheme_label = ?", (label,)).fetchone()[0]
            if len(verdicts) != points:
                self.found("compare", f"{len(verdicts)} lines of {label}, which has {points} points")
            if not (exact and barrier) and not set(verdicts) <= {"approximate", "no barrier", "did not finish", "baseline", ""}:
                self.found("compare", f"verdict of {label}, which is not exact: {verdicts}")

    def declared(self):
        """Schemes are listed where their code says that they belong."""
        db = sqlite3.connect(self.database)
        lists = {True: len(self.file.get("exact", [])), False: len(self.file.get("inexact", []))}
        for exact, n in lists.items():
            found = db.execute("SELECT count(DISTINCT scheme_label) FROM point WHERE (exact AND barrier) = ?", (exact,)).fetchone()[0]
            if found != n:
                self.found(self.database, f"{n} schemes are listed as {'exact' if exact else 'inexact'}, {found} are")


def main(paths):
    wrong, tamper = 0, None
    if paths[:1] == ["--tamper"]:
        tamper, paths = paths[1], paths[2:]
    for path in paths:
        c = Checked(path)
        c.run()
        if os.path.exists(c.database):
            if tamper:
                with sqlite3.connect(c.database) as db:
                    db.executescript(tamper)
            c.declared()
            c.check()
            print(f"{c.name}: {len(c.settings)} settings, {c.runs} runs, {c.rows} rows, {len(c.findings)} findings")
        for finding in c.findings[:12]:
            print(finding)
        wrong += len(c.findings)
    return 1 if wrong or not paths else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
