#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Times of iterations of collectives, computed once more: peer_collective.py DATABASE.

Shares no code with straggle: each algorithm's recursion is written down here, from the recorded seconds that workers
computed and the scenario's uplinks (linear, latency_s, bandwidth_Bps, speeds of classes by position). Prints a line
per scheme: runs, iterations, the largest relative difference; exit 1 if that is above 1e-11.
"""
import heapq, json, sqlite3, sys


def split(length, chunks):
    return [length // chunks + (c < length % chunks) for c in range(chunks)]


class Links:
    """One uplink per worker: what is sent later leaves later; latency does not occupy it."""
    def __init__(self, n, uplink, speeds, header):
        self.free, self.latency, self.header = [0.0] * n, uplink.get("latency_s", 0), header
        self.byte_s = [1 / (uplink["bandwidth_Bps"] * s) for s in speeds]

    def send(self, who, now, coordinates):
        self.free[who] = max(self.free[who], now) + (8 * coordinates + self.header) * self.byte_s[who]
        return self.free[who] + self.latency


def ring(n, length, ready, links):
    size, at, end = split(length, n), list(ready), max(ready)
    for k in range(2 * n - 2):  # in step k worker i sends chunk i − k and gets chunk i − 1 − k
        came = [links.send(i, at[i], size[(i - k) % n]) for i in range(n)]
        at = [max(at[i], came[i - 1]) for i in range(n)]
        end = max(end, max(came))
    return end


def halving(n, length, ready, links):
    size, at, end = split(length, n), list(ready), max(ready)
    held = [list(range(n)) for _ in range(n)]
    steps = [n >> (j + 1) for j in range(n.bit_length() - 1)]
    for d in steps:
        gives = [[c for c in held[i] if (c & d) != (i & d)] for i in range(n)]
        came = [links.send(i, at[i], sum(size[c] for c in gives[i])) for i in range(n)]
        held = [[c for c in held[i] if (c & d) == (i & d)] for i in range(n)]
        at = [max(at[i], came[i ^ d]) for i in range(n)]
    for d in reversed(steps):
        came = [links.send(i, at[i], sum(size[c] for c in held[i])) for i in range(n)]
        held = [held[i] + held[i ^ d] for i in range(n)]
        at = [max(at[i], came[i ^ d]) for i in range(n)]
        end = max(end, max(came))
    return max(end, max(at))


def tree(n, length, ready, links):
    at, end = list(ready), max(ready)
    for i in range(n - 1, 0, -1):
        at[(i - 1) // 2] = max(at[(i - 1) // 2], links.send(i, at[i], length))
    for i in range(n):
        for child in (2 * i + 1, 2 * i + 2):
            if child < n:
                at[child] = links.send(i, at[i], length)  # it has sent its own before
                end = max(end, at[child])
    return max(end, at[0])


def ring_of_buckets(n, length, ready, links, buckets):
    """ready: per worker, by bucket. Whatever can be sent goes on the link in the order in which it can."""
    edge = [length * b // buckets for b in range(buckets + 1)]
    size = [split(edge[b + 1] - edge[b], n) for b in range(buckets)]
    events = [(ready[i][b], b, i, -1) for i in range(n) for b in range(buckets)]
    heapq.heapify(events)
    come, sent, is_ready, end = set(), set(), set(), 0.0
    while events:
        now, b, i, k = heapq.heappop(events)
        end = max(end, now)
        is_ready.add((b, i)) if k < 0 else come.add((b, i, k))
        for step in range(2 * n - 2):
            if (b, i) in is_ready and (b, i, step) not in sent and (step == 0 or (b, i, step - 1) in come):
                sent.add((b, i, step))
                heapq.heappush(events, (links.send(i, now, size[b][(i - step) % n]), b, (i + 1) % n, step))
    return end


def main(path):
    db, worst = sqlite3.connect(path), {}
    for run, label, config, n in db.execute(
            "SELECT run_id, scheme_label, config_json, n_workers FROM run JOIN point USING (point_id)").fetchall():
        config = json.loads(config)
        c, config = config["scheme"]["collective"], config["environment"]
        c = {"algorithm": c} if isinstance(c, str) else c
        classes = config["network"].get("classes", [])
        speeds = [s for k in classes for s in [k.get("uplink_speed", 1)] * round(k["share"] * n)] or [1] * n
        for (iteration, duration) in db.execute(
                "SELECT iteration, duration_s FROM iteration WHERE run_id = ?", (run,)).fetchall():
            ready = [s for (s,) in db.execute("SELECT compute_s FROM worker_iteration WHERE run_id = ? AND iteration = ?"
                                              " ORDER BY worker", (run, iteration))]
            links = Links(n, config["network"]["uplink"], speeds, config["network"].get("header_bytes", 0))
            length, b = config["learning"]["length"], c.get("buckets", 1)
            if c["algorithm"] == "ring" and b > 1:  # times are fixed: each bucket has its share of them
                want = ring_of_buckets(n, length, [[r * (b - k) / b for k in range(b)] for r in ready], links, b)
            else:
                want = {"ring": ring, "halving-doubling": halving, "tree": tree}[c["algorithm"]](n, length, ready, links)
            entry = worst.setdefault(label, [set(), 0, 0.0])
            entry[0].add(run)
            entry[1] += 1
            entry[2] = max(entry[2], abs(duration - want) / want)
    for label, (runs, rows, most) in sorted(worst.items()):
        print(f"{label}: {len(runs)} runs, {rows} iterations, {'equal' if most < 1e-11 else f'off by {most:.3g}'}")
    return 1 if not worst or any(most >= 1e-11 for *_, most in worst.values()) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
