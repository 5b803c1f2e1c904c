/* SPDX-License-Identifier: MIT */
/* The names of causes, and what they take away from the models. */
#include "sim/experiment/causes.h"
#include "sim/core/nearest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const sg_cause_names[] = {"stalls",  "memory",  "common",     "crashes", "erasures",
                                      "speeds",  "slowest", "randomness", "worker",  "uplink",
                                      "ingress", "links",   NULL};

static sg_status unknown(const char *word, const char *place, sg_error *e) {
  return sg_fail(e, SG_INVALID, place,
                 "expected stalls, memory, common, crashes, erasures, speeds, slowest, randomness, "
                 "worker=K, uplink=F, ingress=F or links=F, found \"%.40s\"%s",
                 word, sg_suggest(word, sg_cause_names).text);
}

/* The number after "name=" or, if it may be left out, 2. */
static bool number(const char *word, size_t n, double *x) {
  char *end;
  if (!word[n]) {
    *x = 2;
    return true;
  }
  *x = strtod(word + n + 1, &end);
  return end != word + n + 1 && !*end && isfinite(*x);
}

sg_status sg_causes_add(sg_causes *r, const char *word, const char *place, sg_error *e) {
  sg_delay_causes *w = &r->delay;
  bool *const flag[] = {&w->stalls,   &w->memory, &w->common,  &w->crashes,
                        &w->erasures, &w->speeds, &w->slowest, &w->randomness};
  size_t n = strcspn(word, "=");
  double x = 0;
  int i = 0;
  while (sg_cause_names[i] &&
         (strlen(sg_cause_names[i]) != n || strncmp(sg_cause_names[i], word, n) != 0))
    i++;
  bool flagged = i < 8;
  if (!sg_cause_names[i] || (flagged ? word[n] : !number(word, n, &x)))
    return unknown(word, place, e);
  if (flagged) {
    *flag[i] = true;
    return SG_OK;
  }
  if (strncmp(word, "worker", n) == 0) {
    if (!word[n] || x < 0 || x != floor(x) || x > 1e6)
      return sg_fail(e, SG_INVALID, place,
                     "expected worker=K with the number of a worker, found \"%.40s\"", word);
    if (w->n_workers == SG_MOST_CAUSE_WORKERS)
      return sg_fail(e, SG_INVALID, place, "expected at most %d workers", SG_MOST_CAUSE_WORKERS);
    w->worker[w->n_workers++] = (int)x;
    return SG_OK;
  }
  if (!(x > 0))
    return sg_fail(e, SG_INVALID, place, "expected a factor > 0, found \"%.40s\"", word);
  if (strncmp(word, "ingress", n) != 0) r->uplink *= x;
  if (strncmp(word, "uplink", n) != 0) r->ingress *= x;
  return SG_OK;
}

sg_status sg_causes_remove(const sg_values *root, sg_delay *delay, sg_network *network,
                           sg_error *e) {
  int count = sg_count(root, "without");
  sg_causes r = {.uplink = 1, .ingress = 1};
  sg_status status = SG_OK;
  for (int i = 0; i < count; i++) {
    sg_status added = sg_causes_add(&r, sg_item(root, "without", i)->text, "/without", e);
    if (added) status = added;
  }
  if (status || count == 0) return status;
  status = sg_delay_remove_causes(delay, &r.delay, "/without", e);
  if (!status) status = sg_network_speed_up(network, r.uplink, r.ingress, e);
  return status;
}

void sg_causes_of(const sg_delay *delay, const sg_network *network, sg_buffer *out) {
  sg_delay_causes has = sg_delay_causes_of(delay);
  const bool flag[] = {has.stalls,   has.memory, has.common, has.crashes,
                       has.erasures, has.speeds, false,      has.randomness};
  for (int i = 0; i < 8; i++)
    if (flag[i]) sg_putf(out, "%s\n", sg_cause_names[i]);
  if (sg_network_takes_time(network)) sg_put(out, "links=2\n");
}
