/* SPDX-License-Identifier: MIT */
/* A point of a small timing-only scenario, from JSON with ' in place of ". */
#ifndef SG_TESTS_POINT_H
#define SG_TESTS_POINT_H

#include "sim/scenario/scenario.h"

typedef struct test_point {
  sg_scenario *scenario;
  sg_point *point; /* the first */
  int count;
} test_point;

/* With the members "delay" and "cluster" as given. Fails the running test on any fault. */
void test_point_make(test_point *p, const char *delay, const char *cluster);
void test_point_free(test_point *p);

#endif
