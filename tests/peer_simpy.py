#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What straggle's timing-only simulation is compared with: the same model in SimPy, written with care.

In every iteration each of n workers computes for 1.6 s + Exp(1.25 s), several times that while it is slow
(a Gilbert-Elliott chain over the iterations, stationary from the start) and longer when it is stalled (a stall
occurs with probability p / share and then hits each worker with probability share). It sends for
6 s + Exp(10 s) on its own uplink, and its message then shares the master's link fairly with all others that are there
(processor sharing, by virtual time, O(log n) a message); alone it would take --service seconds. The
master takes the first `need` messages; the others are dropped, their workers interrupted.

  peer_simpy.py n need iterations --service S [--memory P_SLOW P_RECOVER SLOWDOWN]
                [--stalls P SHARE MEAN_S] [--seed N]

Random numbers are drawn by numpy in large blocks. Prints iterations per second and processor second, and the mean iteration
time with its standard error (batch means)."""
import argparse, heapq, time
import numpy as np
import simpy

parser = argparse.ArgumentParser()
parser.add_argument("n", type=int)
parser.add_argument("need", type=int)
parser.add_argument("iterations", type=int)
parser.add_argument("--service", type=float, required=True, help="seconds of a message alone on the link")
parser.add_argument("--memory", type=float, nargs=3)
parser.add_argument("--stalls", type=float, nargs=3)
parser.add_argument("--seed", type=int, default=1)
args = parser.parse_args()
n, need = args.n, args.need
rng = np.random.default_rng(args.seed)
BLOCK = max(1, 200000 // n)


def times():
    """Compute and uplink times of all workers, iteration by iteration."""
    slow = None
    while True:
        compute = 1.6 + rng.exponential(1.25, (BLOCK, n))
        if args.memory:
            p, r, slowdown = args.memory
            changes = rng.random((BLOCK, n))
            if slow is None:
                slow = rng.random(n) < p / (p + r)
            for k in range(BLOCK):
                compute[k][slow] *= slowdown
                slow = np.where(slow, changes[k] >= r, changes[k] < p)
        if args.stalls:
            p, share, mean = args.stalls
            for k in np.nonzero(rng.random(BLOCK) < p / share)[0]:
                hit = rng.random(n) < share
                compute[k][hit] += rng.exponential(mean, hit.sum())
        compute = compute.tolist()
        uplink = (6 + rng.exponential(10, (BLOCK, n))).tolist()
        yield from zip(compute, uplink)


class FairShare:
    """A link that all messages at hand share equally. Virtual time is the service that one of them has got."""

    def __init__(self, env):
        self.env, self.queue, self.virtual, self.since, self.version = env, [], 0.0, 0.0, 0

    def send(self, service):
        self._run()
        through = self.env.event()
        # Finishes differ with probability one; the number decides all the same.
        heapq.heappush(self.queue, (self.virtual + service, self.version, through))
        self._arm()
        return through

    def clear(self):
        self.queue.clear()
        self.virtual = 0.0
        self.version += 1

    def _run(self):
        now = self.env.now
        if self.queue:
            self.virtual += (now - self.since) / len(self.queue)
        self.since = now

    def _arm(self):
        """The next message is through after a time that the next to come may change."""
        self.version += 1
        if self.queue:
            version = self.version
            left = max(0.0, self.queue[0][0] - self.virtual) * len(self.queue)
            self.env.timeout(left).callbacks.append(lambda _: self._through(version))

    def _through(self, version):
        if version != self.version:
            return
        finish, _, through = heapq.heappop(self.queue)
        self.virtual, self.since = finish, self.env.now
        through.succeed()
        self._arm()


def worker(env, link, compute, uplink, arrived):
    try:
        yield env.timeout(compute)
        yield env.timeout(uplink)
        yield link.send(args.service)
        arrived()
    except simpy.Interrupt:
        pass


def master(env, link, durations):
    of_iteration = times()
    for _ in range(args.iterations):
        begin, done, missing = env.now, env.event(), [need]

        def arrived():
            missing[0] -= 1
            if missing[0] == 0:
                done.succeed()

        compute, uplink = next(of_iteration)
        workers = [env.process(worker(env, link, compute[i], uplink[i], arrived)) for i in range(n)]
        yield done
        link.clear()
        for w in workers:
            if w.is_alive:
                w.interrupt()
        durations.append(env.now - begin)


start, begun = time.perf_counter(), time.process_time()
env, durations = simpy.Environment(), []
env.process(master(env, FairShare(env), durations))
env.run()
wall, cpu = time.perf_counter() - start, time.process_time() - begun
# Stretches that are long beside the memory of the workers.
batches = [float(np.mean(b)) for b in np.array_split(durations, max(2, min(30, len(durations) // 50)))]
print("simpy n=%d need=%d: %d it in %.3f s = %.0f it/s (%.0f it/cpu-s); mean iteration %.5f s, standard error %.5f s" % (
    n, need, args.iterations, wall, args.iterations / wall, args.iterations / cpu, np.mean(durations),
    np.std(batches, ddof=1) / len(batches) ** 0.5))
