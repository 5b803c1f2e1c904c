/* SPDX-License-Identifier: MIT */
/* The event queue against a sorted list. */
#include "sim/core/random.h"
#include "sim/engine/queue.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

enum { KINDS = 5, SUBJECTS = 40, MOST = 3000 };

static int pops(sg_queue *q, double *time, int *kind, int *value) {
  sg_queue_event e;
  if (!sg_queue_pop_before(q, INFINITY, 0, &e)) return 0;
  *time = e.time;
  *kind = sg_queue_kind(&e);
  *value = e.value;
  return 1;
}

static void order_of_simultaneous_events(void **state) {
  (void)state;
  sg_queue q;
  assert_true(sg_queue_init(&q, 3, 2));
  /* (time, kind) in any order; value: the place in which it must come out. */
  static const struct {
    double time;
    int kind, value;
  } in[] = {{2, 0, 5}, {1, 2, 3}, {1, 0, 0}, {1, 2, 4}, {1, 1, 2}, {1, 0, 1}};
  for (size_t i = 0; i < 6; i++)
    assert_true(sg_queue_push(&q, in[i].time, in[i].kind, 0, in[i].value));
  double time;
  int kind, value;
  for (int i = 0; i < 6; i++) {
    assert_int_equal(pops(&q, &time, &kind, &value), 1);
    assert_int_equal(value, i);
  }
  assert_int_equal(pops(&q, &time, &kind, &value), 0);
  sg_queue_free(&q);
}

static void cancellation(void **state) {
  (void)state;
  sg_queue q;
  double time;
  int kind, value;
  assert_true(sg_queue_init(&q, 2, 3));
  sg_queue_push(&q, 1, 0, 1, 10);
  sg_queue_push(&q, 2, 0, 1, 11);
  sg_queue_push(&q, 3, 1, 1, 12);
  sg_queue_push(&q, 4, 0, 2, 13);
  sg_queue_cancel(&q, 0, 1);
  sg_queue_push(&q, 5, 0, 1, 14); /* a new one of the same kind and subject lives */
  assert_true(pops(&q, &time, &kind, &value) && value == 12);
  assert_true(pops(&q, &time, &kind, &value) && value == 13);
  assert_true(pops(&q, &time, &kind, &value) && value == 14);
  assert_false(pops(&q, &time, &kind, &value));
  sg_queue_push(&q, 1, 0, 0, 1);
  sg_queue_push(&q, 1, 0, 2, 2);
  sg_queue_push(&q, 7, 1, 0, 3);
  sg_queue_cancel_kind(&q, 0);
  assert_true(pops(&q, &time, &kind, &value) && value == 3);
  assert_false(pops(&q, &time, &kind, &value));
  sg_queue_free(&q);
}

typedef struct entry {
  double time;
  int kind, subject, value; /* value: the number of the push */
  bool there;
} entry;

static int first_of(const entry *list, int count) {
  int first = -1;
  for (int i = 0; i < count; i++) {
    if (!list[i].there) continue;
    if (first < 0 || list[i].time < list[first].time ||
        (list[i].time == list[first].time && list[i].kind < list[first].kind))
      first = i; /* of equals the earlier push stays */
  }
  return first;
}

/* Random pushes, bulks, cancellations, shifts and pops; times on a coarse grid, so that many are
 * equal. */
static void against_a_list(void **state) {
  (void)state;
  static entry list[MOST];
  sg_stream s;
  sg_queue q;
  int count = 0;
  double now = 0;
  sg_stream_at(&s, 1, 0, SG_FOR_CHECK, 0, 0, 0);
  assert_true(sg_queue_init(&q, KINDS, SUBJECTS));
  while (count < MOST - 100) {
    double what = sg_uniform(&s);
    bool bulk = what < 0.05;
    if (bulk) sg_queue_begin_bulk(&q);
    for (int i = bulk ? 60 : 1; i-- > 0 && what < 0.5;) {
      entry *e = &list[count];
      *e = (entry){.time = now + (int)(8 * sg_uniform(&s)),
                   .kind = (int)(KINDS * sg_uniform(&s)),
                   .subject = (int)(SUBJECTS * sg_uniform(&s)),
                   .value = count,
                   .there = true};
      count++;
      assert_true(sg_queue_push(&q, e->time, e->kind, e->subject, e->value));
    }
    if (bulk) sg_queue_end_bulk(&q);
    if (what >= 0.5 && what < 0.6) {
      int kind = (int)(KINDS * sg_uniform(&s)), subject = (int)(SUBJECTS * sg_uniform(&s));
      sg_queue_cancel(&q, kind, subject);
      for (int i = 0; i < count; i++)
        if (list[i].kind == kind && list[i].subject == subject) list[i].there = false;
    }
    if (what >= 0.6 && what < 0.62) {
      sg_queue_shift(&q, now);
      for (int i = 0; i < count; i++) list[i].time -= now;
      now = 0;
    }
    for (int i = what < 0.9 ? 1 : 30; i-- > 0 && what >= 0.62;) {
      sg_queue_event e;
      int first = first_of(list, count);
      assert_int_equal(sg_queue_pop_before(&q, INFINITY, 0, &e), first >= 0);
      if (first < 0) continue;
      assert_int_equal(e.value, list[first].value);
      assert_int_equal(e.subject, list[first].subject);
      assert_int_equal(sg_queue_kind(&e), list[first].kind);
      assert_true(e.time == list[first].time);
      list[first].there = false;
      now = e.time;
    }
  }
  sg_queue_free(&q);
}

/* --- A row of its own ------------------------------------------------------------------------- */

static int by_order(const void *a, const void *b) {
  const entry *x = a, *y = b;
  if (x->time != y->time) return x->time < y->time ? -1 : 1;
  if (x->kind != y->kind) return x->kind - y->kind;
  return x->value - y->value;
}

/* Times that are hard on whoever sorts by their size. */
static double time_of(int shape, int i, int n, sg_stream *s) {
  double u = sg_uniform(s);
  switch (shape) {
  case 0: return u;
  case 1: return 3;                                            /* all equal */
  case 2: return i == n / 2 ? 1e12 : 1 + u;                    /* one far off */
  case 3: return i % 7 == 3 ? INFINITY : u;                    /* some never */
  case 4: return (double)i;                                    /* sorted */
  case 5: return (double)(n - i);                              /* the other way */
  case 6: return floor(4 * u);                                 /* few times */
  case 7: return 1 + 1e-15 * floor(40 * u);                    /* the next doubles */
  case 8: return ldexp(u, -1060);                              /* subnormal */
  case 9: return ldexp(u, (int)(2000 * sg_uniform(s)) - 1000); /* of all sizes */
  case 10: return INFINITY;
  case 11: return 1e306 * u;
  case 12: return i % 2 ? 0.5 : u;         /* half of them equal */
  default: return 1.6 - 1.25 * log(1 - u); /* those of a round */
  }
}

static void rows_of_all_shapes(void **state) {
  (void)state;
  enum { SHAPES = 14 };
  static entry list[2 * 5000];
  static const int sizes[] = {1, 2, 3, 5, 11, 12, 13, 16, 60, 100, 257, 1000, 5000};
  sg_stream s;
  sg_stream_at(&s, 2, 0, SG_FOR_CHECK, 0, 0, 0);
  for (int shape = 0; shape < SHAPES; shape++)
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
      sg_queue q;
      assert_true(sg_queue_init(&q, KINDS, SUBJECTS));
      int n = sizes[k], count = 0, popped = 0;
      /* A second row comes to what is left of the first. */
      for (int row = 0; row < 2; row++) {
        sg_queue_begin_bulk(&q);
        for (int i = 0; i < n; i++, count++) {
          list[count] = (entry){.time = time_of(shape, i, n, &s),
                                .kind = (int)(KINDS * sg_uniform(&s)),
                                .value = count};
          assert_true(sg_queue_push(&q, list[count].time, list[count].kind, 0, count));
        }
        sg_queue_end_bulk(&q);
        qsort(list + popped, (size_t)(count - popped), sizeof *list, by_order);
        for (int left = row == 0 ? n / 3 : 0; popped < count - left; popped++) {
          sg_queue_event e;
          assert_true(sg_queue_pop_before(&q, INFINITY, KINDS, &e));
          assert_int_equal(e.value, list[popped].value);
          assert_true(e.time == list[popped].time && sg_queue_kind(&e) == list[popped].kind);
        }
      }
      sg_queue_event none;
      assert_false(sg_queue_pop_before(&q, INFINITY, KINDS, &none));
      sg_queue_free(&q);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(order_of_simultaneous_events),
      cmocka_unit_test(cancellation),
      cmocka_unit_test(against_a_list),
      cmocka_unit_test(rows_of_all_shapes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
