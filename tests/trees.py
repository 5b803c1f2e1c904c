#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Trees simulated again by their recursion, iteration by iteration: nothing of the engine is in this.

  trees.py SEED COUNT

Draws COUNT trees, codes inside, links and queues at random, runs $STRAGGLE on each in the current folder with
compute and send times from a trace, and compares the seconds of every iteration, and the error of every
decoded gradient with 0. Prints what differs; exit 1 if anything does.

A worker of a tree is ready when it has computed and the message that lets it decode has come through its
queue; then it sends. A worker's number i has the children w (i + 1), …, w (i + 1) + w − 1, the master's are
0, …, w − 1. Behind edge nodes workers follow one another."""
import json, math, os, random, sqlite3, subprocess, sys

LENGTH, ITERATIONS = 30, 40
BYTES = 8 * LENGTH


def fifo(arrivals, service):
    """Times at which messages are through, in the order of arrival."""
    through = 0.0
    for time, who in sorted(arrivals):
        through = max(through, time) + service
        yield through, who


def fair_share(arrivals, service):
    """Processor sharing, step by step from event to event."""
    waiting, left, now = sorted(arrivals), {}, 0.0
    while waiting or left:
        finish = min(left.values()) * len(left) if left else math.inf
        until = min(now + finish, waiting[0][0] if waiting else math.inf)
        for who in left:
            left[who] -= (until - now) / len(left)
        now = until
        for who in [w for w, x in left.items() if x <= 1e-12 * service]:
            del left[who]
            yield now, who
        while waiting and waiting[0][0] <= now:
            left[waiting.pop(0)[1]] = service


def unlimited(arrivals, _):
    yield from sorted(arrivals)


class Tree:
    """children[v], −1: the master; enough(v, set of places): whether these children suffice."""

    def __init__(self, children, enough, load, queue, service):
        self.children, self.enough, self.load = children, enough, load
        self.queue, self.service = queue, service

    def ready(self, v, compute, send):
        own = self.load(v) * compute[v] if 0 <= v < len(compute) else 0.0
        children = self.children(v)
        if not children:
            return own
        arrivals = [(self.ready(c, compute, send) + send, place) for place, c in enumerate(children)]
        come = set()
        for time, place in self.queue(arrivals, self.service):
            come.add(place)
            if self.enough(v, come):
                return max(own, time)
        raise RuntimeError("never")


def coded_reduce(r):
    w, depth = r.choice([(2, 2), (3, 2), (4, 2), (5, 2), (2, 3), (3, 3), (2, 4), (6, 1), (4, 2), (3, 2)])
    s = r.randrange(w)
    n = sum(w ** k for k in range(1, depth + 1))
    repeats = w % (s + 1) == 0 and r.random() < 0.4
    load = 1 / sum((w / (s + 1)) ** k for k in range(1, depth + 1))

    def children(v):
        first = w * (v + 1)
        return range(first, first + w) if first < n else ()

    def enough(_, come):
        if repeats:
            return len({place // (s + 1) for place in come}) == w // (s + 1)
        return len(come) >= w - s
    return n, {"code": "coded-reduce", "fan_out": w, "depth": depth, "s": s,
               "inside": "repetition" if repeats else "cyclic"}, children, enough, lambda _: load


def hierarchical(r):
    sizes = [r.randint(1, 5) for _ in range(r.randint(1, 4))]
    n, edges = sum(sizes), len(sizes)
    s_e, s_w = r.randrange(n // max(sizes)), r.randrange(min(sizes))
    load = (s_e + 1) * (s_w + 1) / n

    def children(v):
        if v == -1:
            return range(n, n + edges)
        return range(sum(sizes[:v - n]), sum(sizes[:v - n + 1])) if v >= n else ()

    def enough(v, come):
        return len(come) >= (edges - s_e if v == -1 else sizes[v - n] - s_w)
    return n, {"code": "hierarchical", "edges": edges, "s_e": s_e, "s_w": s_w, "sizes": sizes}, \
        children, enough, lambda _: load


def clustered(r):
    clusters = r.randint(1, 4)
    n = r.randint(clusters, 5 * clusters)
    sizes = [n // clusters + (c < n % clusters) for c in range(clusters)]
    s = r.randrange(min(sizes))

    def enough(_, come):
        return all(sum(place in come for place in range(sum(sizes[:c]), sum(sizes[:c + 1]))) >= sizes[c] - s
                   for c in range(clusters))
    return n, {"code": "clustered", "clusters": clusters, "s": s}, lambda v: range(n) if v == -1 else (), \
        enough, lambda v: (s + 1) / n


def check(number, seed):
    r = random.Random(1000003 * seed + number)
    n, scheme, children, enough, load = r.choice([coded_reduce, coded_reduce, hierarchical, clustered])(r)
    queue, rule = r.choice([("unlimited", unlimited), ("fifo", fifo), ("fair-share", fair_share)])
    service = r.choice([0.01, 0.1, 0.5])
    learns = r.random() < 0.5
    compute = [[1 + r.expovariate(1) for _ in range(n)] for _ in range(ITERATIONS)]
    name = f"tree{number}"
    with open(f"{name}.csv", "w") as file:
        print("iteration,worker,compute_s", file=file)
        for i, row in enumerate(compute):
            for w, x in enumerate(row):
                print(i, w, repr(x), sep=",", file=file)
    uplink = r.choice([0.0, 0.25])
    ingress = {"model": queue}
    if queue != "unlimited":
        ingress["bandwidth_Bps"] = BYTES / service
    learning = {"problem": "none", "length": LENGTH}
    if learns:
        learning = {"problem": "least-squares", "subsets": n, "optimizer": {"method": "gradient-descent", "step": 0.05},
                    "data": {"source": "gaussian-mixture", "rows": 40 * n, "features": LENGTH - 1}}
    scenario = {"format": 1, "cluster": {"workers": n},
                "delay": {"model": "trace", "path": f"{name}.csv", "mode": "replay", "unit": "dataset"},
                "network": {"uplink": {"model": "deterministic", "value_s": uplink}, "ingress": ingress},
                "learning": learning, "schemes": [scheme], "stop": {"iterations": ITERATIONS}}
    with open(f"{name}.json", "w") as file:
        json.dump(scenario, file)
    subprocess.run([os.environ["STRAGGLE"], "run", "-q", f"{name}.json", "-o", f"{name}.db"], check=True)
    db = sqlite3.connect(f"{name}.db")
    rows = db.execute("SELECT duration_s, grad_scaled_err FROM iteration ORDER BY iteration").fetchall()
    tree = Tree(children, enough, load, rule, service)
    found = [] if len(rows) == ITERATIONS else [f"{len(rows)} rows"]
    for i, (seconds, error) in enumerate(rows):
        expected = tree.ready(-1, compute[i], uplink)
        if not abs(seconds - expected) <= 1e-9 * expected:
            found.append(f"iteration {i}: expected {expected!r} s, found {seconds!r}")
        if learns and not error <= 1e-8:
            found.append(f"iteration {i}: error {error}")
    for text in found[:3]:
        print(json.dumps(scheme), queue, service, uplink, text)
    return bool(found)


if __name__ == "__main__":
    bad = sum(check(number, int(sys.argv[1])) for number in range(int(sys.argv[2])))
    print(f"{sys.argv[2]} trees, {bad} differ")
    sys.exit(bad > 0)
