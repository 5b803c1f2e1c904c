/* SPDX-License-Identifier: MIT */
/* Dynamic clusters: who is where after rounds in which some did not answer, or came last, against
 * all assignments that there are. A worker's first part is that of its place. */
#include "codes/frame/protocol.h"
#include "tests/support/code_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 12 };

typedef struct shape {
  int n, clusters, stored, s;
  const char *stragglers;
} shape;

static int size_of(const shape *h, int cluster) {
  return h->n / h->clusters + (cluster < h->n % h->clusters);
}

static int cluster_at(const shape *h, int place) {
  int cluster = 0;
  for (; place >= size_of(h, cluster); cluster++) place -= size_of(h, cluster);
  return cluster;
}

static bool may_be(const shape *h, int worker, int cluster) {
  return (cluster - cluster_at(h, worker) + h->clusters) % h->clusters < h->stored;
}

/* The least Σ late² of all assignments from worker i on. */
static int least(const shape *h, const bool *fine, int i, int *room, int *late) {
  int best = INT32_MAX, sum = 0;
  if (i == h->n) {
    for (int c = 0; c < h->clusters; c++) sum += late[c] * late[c];
    return sum;
  }
  for (int c = 0; c < h->clusters; c++) {
    if (room[c] == 0 || !may_be(h, i, c)) continue;
    room[c]--;
    late[c] += !fine[i];
    int found = least(h, fine, i + 1, room, late);
    if (found < best) best = found;
    room[c]++;
    late[c] -= !fine[i];
  }
  return best;
}

static void read_places(const bench *b, const void *state, int *place) {
  sg_row row = {0};
  for (int i = 0; i < b->code->nodes; i++) {
    const sg_message message = {.from = i, .to = SG_MASTER};
    assert_true(sg_encode(b->code, state, &message, &row));
    assert_true(row.n_terms > 0);
    place[i] = row.term[0].part;
  }
  sg_row_free(&row);
}

/* Σ late², and whether counts differ by one at most. */
static int cost_of(const shape *h, const bool *fine, const int *place, bool *balanced) {
  int late[MOST] = {0}, cost = 0, fewest = MOST, most = 0;
  for (int i = 0; i < h->n; i++) late[cluster_at(h, place[i])] += !fine[i];
  for (int c = 0; c < h->clusters; c++) {
    cost += late[c] * late[c];
    if (late[c] < fewest) fewest = late[c];
    if (late[c] > most) most = late[c];
  }
  *balanced = most - fewest <= 1;
  return cost;
}

static void check_assignment(const shape *h, const bool *fine, const int *before,
                             const int *place) {
  int room[MOST], late[MOST] = {0}, taken[MOST] = {0};
  bool balanced, was_balanced;
  for (int c = 0; c < h->clusters; c++) room[c] = size_of(h, c);
  for (int i = 0; i < h->n; i++) {
    assert_int_equal(taken[place[i]]++, 0); /* everybody has a place of their own */
    assert_true(may_be(h, i, cluster_at(h, place[i])));
  }
  int cost = cost_of(h, fine, place, &balanced);
  assert_int_equal(cost, least(h, fine, 0, room, late));
  cost_of(h, fine, before, &was_balanced);
  /* Nobody moves for nothing; with all data everywhere it is always balanced. */
  if (was_balanced) assert_memory_equal(before, place, (size_t)h->n * sizeof *place);
  if (h->stored == h->clusters) assert_true(balanced);
}

/* Those that moved, and no others, are told where to. */
static void check_told(const bench *b, const shape *h, const void *state, const int *before,
                       const int *place) {
  sg_orders o = {0};
  int told[MOST];
  for (int i = 0; i < h->n; i++) told[i] = -1;
  b->code->type->plan(b->code, state, 1, 1, &o);
  for (int i = 0; i < o.count; i++)
    if (o.order[i].kind == SG_ORDER_TELL) told[o.order[i].node] = o.order[i].arg;
  for (int i = 0; i < h->n; i++)
    assert_int_equal(told[i], place[i] == before[i] ? -1 : cluster_at(h, place[i]));
  sg_orders_free(&o);
}

/* A round in which some workers answer, in an order of chance; who is no straggler then. */
static void play_round(const bench *b, const shape *h, sg_stream *random, bool *fine) {
  int order[MOST], answers = (int)(sg_uniform(random) * (h->n + 1)), first_late = h->n;
  sg_orders o = {0};
  if (strcmp(h->stragglers, "slowest") == 0) first_late -= h->clusters * h->s;
  for (int i = 0; i < h->n; i++) {
    int at = (int)(sg_uniform(random) * (i + 1));
    order[i] = order[at];
    order[at] = i;
    fine[i] = false;
  }
  for (int k = 0; k < answers; k++) {
    const sg_message message = {.from = order[k], .to = SG_MASTER};
    b->code->type->arrive(b->code, b->state, &message, &o);
    fine[order[k]] = k < first_late;
  }
  sg_orders_free(&o);
}

static void check_shape(const shape *h, sg_stream *random) {
  char clusters[8], stored[8], s[8];
  bench b;
  snprintf(clusters, sizeof clusters, "%d", h->clusters);
  snprintf(stored, sizeof stored, "%d", h->stored);
  snprintf(s, sizeof s, "%d", h->s);
  bench_open_named(&b,
                   bench_values("dynamic-clusters", "clusters", clusters, "s", s, "stored", stored,
                                "stragglers", h->stragglers, NULL),
                   h->n, 1);
  int before[MOST], place[MOST];
  read_places(&b, b.state, place);
  for (int i = 0; i < h->n; i++) assert_int_equal(place[i], i); /* static at first */
  for (int round = 1; round < 12; round++) {
    bool fine[MOST];
    memcpy(before, place, sizeof before);
    play_round(&b, h, random, fine);
    memset(b.state, 0, b.code->round_size);
    b.code->type->begin_round(b.code, b.state, round);
    read_places(&b, b.state, place);
    check_assignment(h, fine, before, place);
    check_told(&b, h, b.state, before, place);
  }
  bench_close_named(&b);
}

static void assignments_are_the_best_there_are(void **state) {
  (void)state;
  int count = 0;
  sg_stream random;
  sg_stream_at(&random, 1, 0, SG_FOR_CHECK, 0, 0, 0);
  for (int n = 2; n <= 9; n++)
    for (int clusters = 2; clusters <= n && clusters <= 5; clusters++)
      for (int stored = 2; stored <= clusters; stored++)
        for (int s = 0; s < n / clusters; s++, count++)
          for (int again = 0; again < 4; again++)
            check_shape(&(shape){.n = n,
                                 .clusters = clusters,
                                 .stored = stored,
                                 .s = s,
                                 .stragglers = again % 2 ? "slowest" : "unanswered"},
                        &random);
  assert_true(count > 80);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(assignments_are_the_best_there_are)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
