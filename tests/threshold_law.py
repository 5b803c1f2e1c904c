#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""E[T] where any m of the n r values that n workers compute one after another are enough, exactly,
sharing nothing with straggle. threshold_law.py n r m D1|D3

One time X per worker decides all its times, C(k) = k X (D1, X = 50 + Exp(mean 1000)) or X + 0.1 k
(D3, X ~ Exp(1)). At time t a worker has done k values with a probability p_k(t), independently, and
P(T <= t) is the chance that n of them have done m: the n-fold convolution of p, cut at m. E[T] is
the integral of P(T > t) by Simpson's rule between the places where the law has kinks.

With r = 1 it is the m-th order statistic of single values, which has a closed form."""
import math
import sys

CDF = {"D1": lambda x: -math.expm1(-max(x - 50, 0) / 1000), "D3": lambda x: -math.expm1(-max(x, 0))}
BELOW = {"D1": lambda t, k: t / k, "D3": lambda t, k: t - 0.1 * k}  # C(k) <= t if X <= this
LEAST = {"D1": lambda k: 50 * k, "D3": lambda k: 0.1 * k}
SCALE = {"D1": 1000, "D3": 1}


def survival(t, n, r, m, law):
    """P(T > t)."""
    reached = [1.0] + [CDF[law](BELOW[law](t, k)) for k in range(1, r + 1)] + [0.0]
    p = [reached[k] - reached[k + 1] for k in range(r + 1)]
    total = [1.0] + [0.0] * (m - 1)  # the probability of so many values, below m
    for _ in range(n):
        total = [sum(total[i - k] * p[k] for k in range(min(i, r) + 1)) for i in range(m)]
    return sum(total)


def mean(n, r, m, law):
    kinks = [LEAST[law](k) for k in range(1, r + 1)]
    tail = SCALE[law] * r * (math.log(n) + 40)
    edges = kinks + [kinks[-1] + tail * (i / 100) ** 3 for i in range(1, 101)]
    total = kinks[0]
    for a, b in zip(edges, edges[1:]):
        h = (b - a) / 8
        f = [survival(a + i * h, n, r, m, law) for i in range(9)]
        total += h / 3 * (f[0] + 4 * sum(f[1::2]) + 2 * sum(f[2:-1:2]) + f[-1])
        if f[-1] < 1e-14:
            break
    return total


if __name__ == "__main__":
    print(f"{mean(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]):.7g}")
