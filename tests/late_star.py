#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Rounds of a star with late work and late messages, simulated again: on one absolute clock, event by
event, with lists where the engine has queues, and nothing fused, moved or counted ahead.

  late_star.py SEED SETTINGS [MEMBER=VALUE ...]

Draws settings at random (the code, what happens to late work and messages, the master's link, encoding,
decoding, crashes, ...), runs the program $STRAGGLE on each in the current folder and compares its rows
with those simulated here: of iterations, of workers. A MEMBER of the settings can be held fast. Times of
computing and sending come from a trace, seconds of decoding from the rows; who crashes and whose messages
are lost is seen in a run of its own that waits for all. Prints what differs; exit 1 if anything does."""
import heapq, itertools, json, math, os, random, sqlite3, subprocess, sys
from types import SimpleNamespace as Record

N, ITERATIONS, LENGTH = 6, 20, 1200
MODEL = 8 * LENGTH  # bytes
INGRESS, UPLINK, COME, TASK, BEGIN = range(5)  # at one time in this order


class Star:
    """`o`: settings; `plan`: a worker's jobs of a round, ("task", subsets) or ("send", tag, bytes, encode
    seconds); `ready`: whether these messages let the master decode."""

    def __init__(self, o, compute, uplink, plan, ready, decode, down, erased):
        self.__dict__.update(o=o, compute=compute, uplink=uplink, plan=plan, ready=ready, decode=decode,
                             down=down, erased=erased)
        self.now, self.round, self.begun, self.previous, self.ending = 0.0, -1, 0.0, 0.0, True
        self.events, self.number = [], itertools.count()
        self.queue, self.ingress_up_to, self.ingress_event = [], 0.0, None
        self.flying, self.rows, self.worker_rows = [], [], []
        self.cancel_s = o.signal if o.cancel == "signal" else 0.0
        self.worker = [Record(jobs=[], task=None, link=[], on_link=None, down_until=0.0, prepared=0.0,
                              free=0.0, worked=0.0, useful=0.0) for _ in range(N)]
        self.new_row()

    def new_row(self):
        self.row = dict.fromkeys(("busy_s", "wasted_s", "bytes_sent", "bytes_received", "n_received",
                                  "encode_s", "ingress_busy_s", "queued_s", "ingress_messages", "messages_sent",
                                  "signals_up", "signals_down"), 0.0)
        for w in self.worker:
            w.row = dict(compute_s=None, arrival_s=None, tasks=0, messages=0, used=0, cancelled=0)

    def at(self, time, kind, do):
        event = [time, kind, next(self.number), do]
        heapq.heappush(self.events, event)
        return event

    def run(self):
        self.at(0.0, BEGIN, self.begin)
        while len(self.rows) < ITERATIONS:
            if self.events:
                time, _, _, do = heapq.heappop(self.events)
                if do:
                    self.now = time
                    do()
            else:
                self.end(False)  # nothing more can come

    def begin(self):
        self.round += 1
        self.begun, self.ending, self.held = self.now, False, []
        for i, w in enumerate(self.worker):
            w.down = self.down[self.round][i]
            w.known = self.now + self.o.hop
            if self.o.late == "cancel":  # also the model of a round that is over, still on its way
                w.free = w.on_link[0] if w.on_link else self.now
            if self.o.duplex == "half" and self.o.hop:
                w.free = w.known = max(self.now, w.free) + self.o.hop
            w.jobs = list(self.plan(i))
        for i in range(N):
            self.go_on(i)

    # A worker: one job after another, its messages one after another on its link.

    def go_on(self, i):
        w = self.worker[i]
        while w.task is None and w.jobs:
            kind, *job = w.jobs.pop(0)
            if kind == "task":
                self.start_task(i, w, *job)
            else:
                self.send(i, w, *job)
        if w.on_link is None and w.link:
            self.start_link(i, w)

    def start_task(self, i, w, subsets):
        down, w.down = w.down, 0.0  # a worker crashes at the first task of a round, or not at all
        if math.isinf(down):
            w.jobs, w.row["cancelled"] = [], 1
            return
        if down:
            w.down_until = max(w.down_until, self.now + down)
        start = max(self.now, w.known, w.down_until)
        w.task = Record(counted=start, stale=False)
        end = start + subsets * self.compute[self.round][i]
        w.task.event = self.at(end, TASK, lambda: self.task_done(i, w))

    def count_busy(self, w):
        if w.task and w.task.counted <= self.now:
            seconds, w.task.counted = self.now - w.task.counted, self.now
            w.row["compute_s"] = (w.row["compute_s"] or 0.0) + seconds
            self.row["busy_s"] += seconds
            if w.task.stale:
                self.row["wasted_s"] += seconds
            else:
                w.worked += seconds

    def task_done(self, i, w):
        self.count_busy(w)
        w.row["tasks"] += not w.task.stale
        w.task = None
        self.go_on(i)

    def send(self, i, w, tag, size, encode_s):
        m = Record(worker=i, tag=tag, size=size, worked=w.worked, ready=0.0, start=math.inf, counted=False,
                   stale=False, cut=False)
        if encode_s:
            w.prepared = m.ready = max(w.prepared, self.now) + encode_s
            self.row["encode_s"] += encode_s
        m.seconds = self.uplink(self.round, i, size)
        if self.erased[self.round][i] > 0:
            w.row["cancelled"] = 1
        else:
            w.link.append(m)

    def start_link(self, i, w):
        m = w.link[0]
        m.start = max(self.now, m.ready)
        if self.o.duplex == "half":
            m.start = max(m.start, w.free)
        busy = m.seconds + (self.o.latency if self.o.during == "link-busy" else 0.0)
        w.free = m.start + busy
        self.count_sent(w)
        w.on_link = self.at(w.free, UPLINK, lambda: self.link_done(i, w))

    def count_sent(self, w, through=False):
        """A message that has begun to be sent costs all its bytes."""
        m = w.link[0] if w.link else None
        if m and not m.counted and (through or m.start <= self.now):
            m.counted = True
            self.row["bytes_sent"] += m.size
            self.row["messages_sent"] += 1

    def link_done(self, i, w):
        self.count_sent(w, not w.link[0].cut)  # through, whatever rounding says of its start
        m, w.on_link = w.link.pop(0), None
        if self.o.latency and self.o.during == "link-free" and not m.cut:
            self.flying.append(m)
            self.at(self.now + self.o.latency, COME, lambda: (self.flying.remove(m), self.come(m)))
        else:
            self.come(m)
        self.go_on(i)

    # The master's link: seconds that each message has left, were it alone.

    def come(self, m):
        if m.stale and self.o.late == "cancel":
            return
        if self.o.ingress == "unlimited":
            self.deliver(m)
            return
        self.advance()
        m.left = m.alone = m.size / self.o.bandwidth
        m.entered = self.now
        self.queue.append(m)
        self.next_delivery()

    def advance(self):
        seconds, self.ingress_up_to = self.now - self.ingress_up_to, self.now
        if self.queue:
            self.row["ingress_busy_s"] += seconds
        served = self.queue[:1] if self.o.ingress == "fifo" else self.queue
        for m in served:
            m.left -= seconds / len(served)

    def next_delivery(self):
        if self.ingress_event:
            self.ingress_event[3] = None
        self.ingress_event = None
        if self.queue:
            served = self.queue[:1] if self.o.ingress == "fifo" else self.queue
            m = min(served, key=lambda m: m.left)
            time = self.now + max(0.0, m.left) * len(served)
            self.ingress_event = self.at(time, INGRESS, lambda: self.through(m))

    def through(self, m):
        self.advance()
        self.queue.remove(m)
        self.row["ingress_messages"] += 1
        self.row["queued_s"] += self.now - m.entered - m.alone
        self.next_delivery()
        self.deliver(m)

    def deliver(self, m):
        if m.stale:
            return
        w = self.worker[m.worker]
        w.row["arrival_s"] = self.now - self.begun
        w.row["messages"] += 1
        self.row["n_received"] += 1
        self.row["bytes_received"] += m.size
        self.held.append(m)
        if self.ready(self.held):
            self.end(True)

    # The end of a round: what is late goes on until the signal has come, or for as long as it takes.

    def end(self, decoded):
        self.ending = True
        heard = self.now + self.cancel_s
        for m in self.held if decoded else []:
            w = self.worker[m.worker]
            w.row["used"], w.useful = 1, max(w.useful, m.worked)
        for w in self.worker:
            self.count_busy(w)
            self.count_sent(w)
            if w.task or w.jobs or w.link:
                w.row["cancelled"] = 1
                self.row["signals_down"] += 1
            w.jobs, w.prepared = [], 0.0
            self.end_task(w, math.inf if self.o.work == "finish-first" else heard)
            self.end_sending(w, heard)
            self.row["wasted_s"] += w.worked - w.useful
            w.worked = w.useful = 0.0
        for m in self.flying + self.queue:
            self.worker[m.worker].row["cancelled"] |= not m.stale
            m.stale = True
        self.advance()
        if self.o.late == "cancel":
            self.queue = []
            self.next_delivery()
        end = self.now + (self.decode[len(self.rows)] + self.o.update if decoded else 0.0)
        self.row.update(duration_s=end - self.previous, n_used=len(self.held) if decoded else 0)
        self.rows.append(self.row)
        self.worker_rows += [w.row for w in self.worker]
        self.new_row()
        self.previous = end
        self.at(end, BEGIN, self.begin)

    def end_task(self, w, until):
        t = w.task
        if not t or t.stale:
            return
        if until > self.now and t.counted <= self.now:
            t.stale = True
            if t.event[0] > until:
                t.event[3], do = None, t.event[3]
                t.event = self.at(until, TASK, do)
        else:
            t.event[3] = w.task = None

    def end_sending(self, w, heard):
        w.link = w.link[:1] if w.on_link else []
        if not w.link:
            return
        m = w.link[0]
        m.stale = True
        if self.o.late == "occupy-link":
            w.prepared = m.ready
        elif heard > self.now:
            if w.on_link[0] > heard:
                w.on_link[3], do = None, w.on_link[3]
                w.on_link, m.cut = self.at(heard, UPLINK, do), True
            w.prepared = min(m.ready, w.on_link[0])
        else:
            w.on_link[3] = w.on_link = None
            w.link = []


def scheme(o):
    """The scheme in the scenario, a worker's jobs in a round, when the master can decode."""
    def send(tag, pieces, terms):  # one of so many pieces of a gradient, a combination of so many
        flops = 2 * terms * (LENGTH // pieces)
        return "send", tag, MODEL // pieces + o.header, flops / o.encode if o.encode else 0.0

    def all_but_two(held):
        return len(held) >= N - 2

    def of_each_group(count):
        return lambda held: all(sum(m.worker // 3 == g for m in held) >= count for g in range(N // 3))

    if o.code == "ignore-stragglers":
        return dict(s=2), lambda i: [("task", 1), send(0, 1, 1)], all_but_two
    if o.code == "cyclic-repetition":
        return dict(s=2), lambda i: [("task", 3), send(0, 1, 3)], all_but_two
    if o.code == "group":
        return (dict(d=3, m=2, stop="decodable"),
                lambda i: [("task", 3), send(0, 2, 2 if i % 3 else 1)], of_each_group(2))
    if o.code == "streamed-group":
        return (dict(d=3, chunks=3),
                lambda i: [("task", 3)] + [send(k, 3, 3 if i % 3 or k else 2) for k in range(3)],
                of_each_group(3))
    # partial-cyclic: 18 parts; each worker sends the sum of two of its own, then one of two coded ones.
    return (dict(s=1, p=4), lambda i: [("task", N / 9), send(0, 1, 1), ("task", N / 9), send(1, 1, 2)],
            lambda held: sum(m.tag == 0 for m in held) == N and sum(m.tag for m in held) >= N - 1)


def draw(rng):
    def one(*values):
        return rng.choice(values)
    return Record(
        code=one("ignore-stragglers", "cyclic-repetition", "group", "streamed-group", "partial-cyclic"),
        cancel=one("signal", "signal", "instant"), signal=one(0.0, .05, .3, 1.0, 5.0),
        work=one("cancel", "finish-first"), late=one("cancel", "occupy-link"),
        ingress=one("unlimited", "fifo", "fair-share"), bandwidth=3.0 * MODEL,
        uplink=one("trace", "linear", "none"), during=one("link-free", "link-busy"), latency=.7,
        duplex=one("full", "half"), hop=one(0.0, .2), header=one(0, 64),
        encode=one(0, 2000, 20000), decode=one(0, 20000), update=one(0.0, 0.0, .4, 3.0),
        crashes=one("none", "none", "iterations", "seconds"), downtime=one(.1, 2.0, 9.0),
        erased=one(0.0, 0.0, .1), seed=rng.randrange(10**6))


def straggle(**scenario):
    """Rows of iterations and of workers."""
    with open("star.json", "w") as f:
        json.dump(scenario, f)
    if os.path.exists("star.db"):
        os.remove("star.db")
    subprocess.run([os.environ["STRAGGLE"], "run", "star.json", "-q", "-o", "star.db"], check=True)
    db = sqlite3.connect("star.db")
    db.row_factory = sqlite3.Row
    return (db.execute("SELECT * FROM iteration ORDER BY iteration").fetchall(),
            db.execute("SELECT * FROM worker_iteration ORDER BY iteration, worker").fetchall())


def differences(o):
    rng = random.Random(o.seed)
    compute, sending = ([[round(rng.expovariate(rate) + least, 6) for _ in range(N)]
                         for _ in range(ITERATIONS)] for rate, least in ((1, .2), (.8, .1)))
    with open("times.csv", "w") as f:
        print("iteration,worker,compute_s,send_s", file=f)
        for r, i in itertools.product(range(ITERATIONS), range(N)):
            print(r, i, compute[r][i], sending[r][i], sep=",", file=f)
    trace = dict(model="trace", path="times.csv", mode="replay")
    if o.uplink != "linear":
        o.latency = 0.0
    crashes = {"none": {}, "iterations": dict(mean_recovery_iterations=2),
               "seconds": dict(downtime=dict(model="deterministic", value_s=o.downtime))}[o.crashes]
    if o.crashes != "none":
        crashes["mean_iterations"] = 10
    cluster = dict(crashes=dict(crashes, model=o.crashes),
                   erasure=dict(model="bernoulli", probability=o.erased))
    common = dict(format=1, random=dict(seed=o.seed), learning=dict(problem="none", length=LENGTH),
                  stop=dict(iterations=ITERATIONS, undecodable="skip"), output=dict(detail="worker"))

    def alone(member):
        """By how much messages come late in a run with nothing else, of tasks of one second."""
        _, rows = straggle(**common, cluster={"workers": N, member: cluster[member]},
                           delay=dict(model="deterministic", value_s=1), schemes=[dict(code="uncoded")])
        late = [math.inf if row["arrival_s"] is None else row["arrival_s"] - 1 for row in rows]
        return [late[r * N:r * N + N] for r in range(ITERATIONS)]

    never = [[0.0] * N] * ITERATIONS
    down = alone("crashes") if o.crashes != "none" else never
    erased = alone("erasure") if o.erased else never

    network = dict(signal_latency_s=o.signal, cancel=o.cancel, late_messages=o.late, duplex=o.duplex,
                   header_bytes=o.header)
    if o.uplink == "trace":
        network["uplink"] = trace
    if o.uplink == "linear":
        network["uplink"] = dict(model="linear", per_message_s=.05, bandwidth_Bps=2 * MODEL,
                                 latency_s=o.latency, during_latency=o.during)
    if o.ingress != "unlimited":
        network["ingress"] = dict(model=o.ingress, bandwidth_Bps=o.bandwidth)
    if o.hop:
        network["broadcast"] = dict(model="linear", latency_s=o.hop / 2, bandwidth_Bps=2 * MODEL / o.hop)

    def flops(rate):
        return dict(model="flops", flops_per_s=rate) if rate else dict(model="none")

    code, plan, ready = scheme(o)
    rows, worker_rows = straggle(
        **common, cluster=dict(cluster, workers=N), delay=dict(trace, scaling="proportional"),
        network=network, late_work=o.work, encode=flops(o.encode),
        master=dict(update_s=o.update, decode=flops(o.decode)), schemes=[dict(code, code=o.code)])

    def uplink(r, i, size):
        return {"trace": sending[r][i] * size / MODEL, "linear": .05 + size / (2 * MODEL),
                "none": 0.0}[o.uplink]

    star = Star(o, compute, uplink, plan, ready, [row["decode_s"] for row in rows], down, erased)
    star.run()
    for found, expected in ((rows, star.rows), (worker_rows, star.worker_rows)):
        if len(found) != len(expected):
            yield "%d rows, expected %d" % (len(found), len(expected))
        for row, want in zip(found, expected):
            for column, value in want.items():
                if not same(row[column], value):
                    yield "%s %s: %s, expected %s" % (tuple(row[:4]), column, row[column], value)


def same(a, b):
    return a is b if a is None or b is None else math.isclose(a, b, rel_tol=1e-7, abs_tol=1e-7)


settings, bad = random.Random(int(sys.argv[1])), 0
for _ in range(int(sys.argv[2])):
    o = draw(settings)
    for member, value in (argument.split("=") for argument in sys.argv[3:]):
        setattr(o, member, type(getattr(o, member))(value))
    found = list(differences(o))
    if found:
        bad += 1
        print(vars(o), *found[:5], sep="\n  ")
sys.exit(bad > 0)
