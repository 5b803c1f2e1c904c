#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The yardstick of graph codes' decoders: scipy.sparse.linalg.lsqr, atol = btol = 1e-6, on the
patterns that `bench_graph --write` writes, in one thread. Prints for each case the mean processor
seconds of a pattern, best of five, and the mean of ‖A w − α‖/‖α‖, α being the optimal sum.

  peer_lsqr.py PATTERNS
"""
import sys, time
import numpy, scipy, scipy.sparse
from scipy.sparse.linalg import lsqr

cases = {}
for line in open(sys.argv[1]):
    numbers = numpy.array(line.split(), dtype=int)
    ends = numbers[2:]
    count = len(ends) // 2
    a = scipy.sparse.csr_matrix((numpy.ones(2 * count), (ends, numpy.repeat(numpy.arange(count), 2))),
                                shape=(numbers[1], count))
    cases.setdefault(int(numbers[0]), []).append(a)
print("scipy %s, numpy %s" % (scipy.__version__, numpy.__version__))
for case, patterns in sorted(cases.items()):
    ones = numpy.ones(patterns[0].shape[0])
    best = float("inf")
    for _ in range(5):
        start = time.process_time()
        weights = [lsqr(a, ones, atol=1e-6, btol=1e-6)[0] for a in patterns]
        best = min(best, (time.process_time() - start) / len(patterns))
    off = []
    for a, w in zip(patterns, weights):
        alpha = a @ lsqr(a, ones, atol=1e-14, btol=1e-14, iter_lim=5000)[0]
        off.append(numpy.linalg.norm(a @ w - alpha) / numpy.linalg.norm(alpha))
    print(case, "%.6e" % best, "%.6e" % (sum(off) / len(off)), flush=True)
