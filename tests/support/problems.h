/* SPDX-License-Identifier: MIT */
/* Learning problems for tests, from text instead of a scenario file. */
#ifndef SG_TESTS_PROBLEMS_H
#define SG_TESTS_PROBLEMS_H

#include "models/learning/problem.h"

/* A learning object: settings are "name=value" separated by spaces; "data.name=value" and
 * "optimizer.name=value" go to the nested objects, and "data=gaussian-mixture",
 * "optimizer=nesterov" choose them first. Faults make the test fail. Free with sg_values_free. */
sg_values *learning_values(const char *problem, const char *settings);

/* sg_problem_new on it; NULL with a fault in e. */
sg_problem *learning_problem(const char *problem, const char *settings, int workers, uint64_t seed,
                             sg_error *e);

#endif
