/* SPDX-License-Identifier: MIT */
#include "tests/support/point.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

void test_point_make(test_point *p, const char *delay, const char *cluster) {
  sg_buffer b = {0};
  sg_error e = {0};
  sg_putf(&b,
          "{'format': 1, 'cluster': %s, 'delay': %s, 'learning': {'problem': 'none', 'length': 8}, "
          "'schemes': [{'code': 'uncoded'}]}",
          cluster, delay);
  assert_false(b.failed);
  for (char *c = b.data; *c; c++)
    if (*c == '\'') *c = '"';
  *p = (test_point){0};
  sg_status status = sg_scenario_parse("test.json", b.data, b.length, 0, NULL, &p->scenario, &e);
  if (status == SG_OK) status = sg_scenario_points(p->scenario, &p->count, &p->point, &e);
  if (status != SG_OK)
    fail_msg("%s: %s", e.count ? e.fault[0].place : "", e.count ? e.fault[0].message : "?");
  sg_buffer_free(&b);
}

void test_point_free(test_point *p) {
  sg_points_free(p->count, p->point);
  sg_scenario_free(p->scenario);
}
