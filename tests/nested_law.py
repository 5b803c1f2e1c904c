#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""E[T] of nested codes, T = min over levels s of the (n - s)-th smallest time to compute s + 1
shares, exactly, sharing nothing with straggle. nested_law.py n D1|D3 s [s ...]

With one time X per worker that decides all its times, C(k) = k X (D1, X = 50 + Exp(mean 1000)) or
X + 0.1 k (D3, X ~ Exp(1)), level s is done by t if n - s of the X are below u_s(t), which falls
with s. So P(T > t) = P(#{X <= u_s} <= n - s - 1 for all s): a recursion over the levels, from the
smallest u up, on how many X lie below it, whose increments are binomial. E[T] is the integral of
it, by Simpson's rule between the places where the law has kinks."""
import math
import sys

LAWS = {  # the law of X, its least value, and u_s(t)
    "D1": (lambda x: -math.expm1(-max(x - 50, 0) / 1000), lambda t, s: t / (s + 1),
           lambda s: 50 * (s + 1), 1000),
    "D3": (lambda x: -math.expm1(-max(x, 0)), lambda t, s: t - 0.1 * (s + 1),
           lambda s: 0.1 * (s + 1), 1),
}


def survival(t, n, levels, cdf, u):
    """P(T > t)."""
    below = {0: 1.0}  # the probability of k of the X below the last u, and no level done
    before = 0.0
    for s in sorted(levels, reverse=True):
        now = cdf(u(t, s))
        p = (now - before) / (1 - before) if before < 1 else 0
        after = {}
        for k, chance in below.items():
            for more in range(n - s - k):
                x = chance * math.comb(n - k, more) * p**more * (1 - p) ** (n - k - more)
                after[k + more] = after.get(k + more, 0) + x
        below, before = after, now
    return sum(below.values())


def mean(n, levels, name):
    cdf, u, least, scale = LAWS[name]
    kinks = sorted({least(s) for s in levels})
    tail = scale * (levels[-1] + 1) * (math.log(n) + 40)
    edges = kinks + [kinks[-1] + tail * (i / 100) ** 3 for i in range(1, 101)]
    total = kinks[0]
    for a, b in zip(edges, edges[1:]):  # Simpson's rule, eight pieces each
        h = (b - a) / 8
        f = [survival(a + i * h, n, levels, cdf, u) for i in range(9)]
        total += h / 3 * (f[0] + 4 * sum(f[1::2]) + 2 * sum(f[2:-1:2]) + f[-1])
        if f[-1] < 1e-15:
            break
    return total


if __name__ == "__main__":
    print(f"{mean(int(sys.argv[1]), [int(s) for s in sys.argv[3:]], sys.argv[2]):.7g}")
