#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Descends on a LIBSVM file in plain Python and compares every loss that is in a database.

  recompute_sparse.py FILE DATABASE PROBLEM TRAINING_ROWS STEP L2 [--no-intercept]

PROBLEM: logistic-regression, softmax, least-squares or hinge; the rows of the file in its order, those after the first
TRAINING_ROWS are the test set. Prints how many losses, test losses and accuracies were compared."""
import math, sqlite3, sys

path, database, problem, training, step, l2 = sys.argv[1:7]
training, step, l2 = int(training), float(step), float(l2)
intercept = "--no-intercept" not in sys.argv
rows, labels = [], []
for line in open(path):
    words = line.split()
    labels.append(words[0])
    rows.append([(int(i) - 1, float(v)) for i, v in (w.split(":") for w in words[1:])])
columns = 1 + max(j for row in rows for j, _ in row)
if intercept:
    for row in rows:
        row.append((columns, 1.0))
    columns += 1
classes = sorted(set(labels), key=float)
if problem == "least-squares":
    y = [float(v) for v in labels]
elif problem == "softmax":
    y = [classes.index(v) for v in labels]
else:
    y = [2 * classes.index(v) - 1 for v in labels]
outputs = len(classes) if problem == "softmax" else 1


def margins(x, row):
    return [sum(v * x[o][j] for j, v in row) for o in range(outputs)]


def loss_and_slope(z, target):
    if problem == "least-squares":
        return (z[0] - target) ** 2 / 2, [z[0] - target]
    if problem == "hinge":
        slack = 1 - target * z[0]
        return max(0, slack), [-target if slack > 0 else 0]
    if problem == "logistic-regression":
        return math.log1p(math.exp(-target * z[0])), [-target / (1 + math.exp(target * z[0]))]
    total = sum(math.exp(v) for v in z)
    return math.log(total) - z[target], [math.exp(v) / total - (o == target) for o, v in enumerate(z)]


def penalty(x):
    return l2 / 2 * sum(v * v for w in x for v in w[:columns - intercept])


def measure(x):
    """Loss, test loss, accuracy, gradient without the L2 term."""
    gradient = [[0.0] * columns for _ in range(outputs)]
    loss = test = right = 0
    for i, row in enumerate(rows):
        z = margins(x, row)
        value, slope = loss_and_slope(z, y[i])
        if i >= training:
            test += value
            right += (z.index(max(z)) if problem == "softmax" else 2 * (z[0] > 0) - 1) == y[i]
            continue
        loss += value
        for o in range(outputs):
            for j, v in row:
                gradient[o][j] += slope[o] * v / training
    tests = len(rows) - training
    return (loss / training + penalty(x), test / tests if tests else None, right / tests if tests else None), gradient


db = sqlite3.connect(database)
longest, = db.execute("SELECT max(iteration) FROM iteration").fetchone()
x = [[0.0] * columns for _ in range(outputs)]
known = {}
for k in range(longest + 2):
    known[k], gradient = measure(x)
    for o in range(outputs):
        for j in range(columns):
            regular = l2 * x[o][j] if j < columns - intercept else 0
            x[o][j] -= step * (gradient[o][j] + regular)
first, = db.execute("SELECT min(iteration) FROM iteration").fetchone()
compared = [0, 0, 0]
for run, k, *found in db.execute("SELECT run_id, iteration, loss, test_loss, test_accuracy FROM iteration"):
    wanted = known[k - first + 1]
    for i in range(3):
        if found[i] is None or (i == 2 and problem == "least-squares"):
            continue
        if not abs(found[i] - wanted[i]) <= 1e-8 * abs(wanted[i]):
            sys.exit("run %d, iteration %d: %r is stored, %r was expected" % (run, k, found[i], wanted[i]))
        compared[i] += 1
print(*compared)
