/* SPDX-License-Identifier: MIT */
/* Small schemes written against the public headers alone. Each shows that the protocol between
 * codes and engine carries a kind of scheme; each really encodes and decodes. */
#ifndef SG_TESTS_TOY_CODES_H
#define SG_TESTS_TOY_CODES_H

#include "codes/frame/code.h"

/* Any number of workers, a part each. Segment 0 is the first third of the coordinates, sent after a
 * task of 1 subset; segment 1 the rest, after another of 2. */
extern const sg_code_type toy_two_messages;

/* 3 workers, 3 subsets. Tasks of 1 subset, reported when done. When all have done one, the master
 * wants uncoded parts (level 0); when two have done two, coded ones of which two suffice (level 1).
 * It tells all; they stop, and those that have got so far send. The level is read from the state.
 */
extern const sg_code_type toy_nested;

/* Any number of workers, 2 parts each, 2 models. Job r has its first half computed in round r, its
 * second in round r + 1, which sends both jobs' vectors in one transmission and decodes job r. */
extern const sg_code_type toy_pipeline;

/* Up to 64 workers, a part each, no barrier: every message that comes while the master is free
 * updates the model, together with those that came while it was not. Stale gradients are used. */
extern const sg_code_type toy_async;

/* As toy-async, but a message is of a mini-batch named by its worker and its version. */
extern const sg_code_type toy_batches;

/* 4 to 64 workers, for least squares. Two parts X(−1/2), X(1/2) and, of worker i, the coded part
 * X(α_i) on the line through both: the gradient X(α)ᵀ X(α) x is of degree 2 in α, so that any three
 * workers will do (the Lagrange code of Li et al., arXiv:1805.09934). */
extern const sg_code_type toy_coded;

/* 4 workers. 0, 1 and 2 send coded messages to 3, which decodes the sum of their parts from any two
 * and sends it on with its own part. */
extern const sg_code_type toy_tree;

/* 2 or more workers, a part each. Waits for two of them, and uses what has come late of earlier
 * iterations as well (late_work: keep-partial). */
extern const sg_code_type toy_late;

/* Any number of workers, a part each, multiplied by the real number `scale` and by `factors`, a
 * list, in turn. */
extern const sg_code_type toy_scaled;

/* Any number of workers, a part each. Waits for one in round 0 and for `later` in the others. */
extern const sg_code_type toy_waits;

/* One of each kind of protocol, with workers for it: several messages, signals and commands, two
 * jobs in flight, no barrier, an inner node that decodes and sends on. */
enum { TOY_KINDS = 5 };
extern const struct toy_kind {
  const char *code;
  int workers;
} toy_kinds[TOY_KINDS];

#endif
