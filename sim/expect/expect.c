/* SPDX-License-Identifier: MIT */
/* A point's iteration time, from its workers' times and its code's rule; or why it has none. */
#include "sim/expect/expect.h"
#include "codes/frame/collective.h"
#include "codes/frame/stop.h"
#include "sim/core/owned.h"
#include "sim/expect/hops.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- Workers' times --------------------------------------------------------------------------- */

/* What the time of one worker is made of. Workers with equal ones share a law. */
typedef struct recipe {
  double constant;
  int parts;
  sg_time_part part[3];
} recipe;

static bool same(const recipe *a, const recipe *b) {
  if (a->constant != b->constant || a->parts != b->parts) return false;
  for (int i = 0; i < a->parts; i++)
    if (a->part[i].law != b->part[i].law || a->part[i].scale != b->part[i].scale ||
        a->part[i].draws != b->part[i].draws)
      return false;
  return true;
}

static void add_part(recipe *r, const sg_law *law, double scale, int draws) {
  if (scale > 0) r->part[r->parts++] = (sg_time_part){.law = law, .scale = scale, .draws = draws};
}

/* ready: when the model has reached the worker. */
static const char *make_recipe(const sg_world *w, const sg_rule_worker *worker, int index,
                               double ready, recipe *r) {
  *r = (recipe){.constant = worker->tasks ? ready : 0};
  if (worker->tasks) {
    sg_delay_form form;
    const char *why =
        sg_delay_form_of(w->delay, index, worker->tasks, worker->work, worker->draws, &form);
    if (why) return why;
    r->constant += form.certain;
    add_part(r, form.law, form.factor, form.draws);
  }
  if (w->code->inner) return NULL; /* its hops come when all are ready */
  double bytes = worker->bytes + w->environment.header_bytes;
  double share = bytes / ((double)w->environment.length * sizeof(double));
  sg_uplink_form up;
  const char *why = sg_uplink_form_of(w->network, index, share, bytes, &up);
  if (why) return why;
  r->constant += up.certain;
  for (int i = 0; i < up.laws; i++) add_part(r, up.law[i], up.factor[i], 1);
  return NULL;
}

/* When the model has reached each worker, in a round that nothing of an earlier one disturbs. */
static bool broadcast(const sg_world *w, const sg_rule *rule, double *ready) {
  const sg_compressor *c = w->environment.broadcast;
  double bytes = c ? sg_bytes_of(sg_compressor_bits(c, w->environment.length))
                   : (double)w->environment.length * sizeof(double);
  sg_links *links = sg_links_new(w->network, rule->workers, bytes);
  if (!links) return false;
  for (int i = 0; i < rule->computing; i++)
    ready[rule->turn[i]] = w->code->inner ? 0 : sg_links_send_model(links, rule->turn[i], 1, 0);
  sg_links_free(links);
  return true;
}

/* law[i]: the number of worker i's law, −1 if it never answers. */
static sg_status make_laws(const sg_world *w, sg_expectation *x, int *law, sg_error *e) {
  int n = x->rule->workers, count = 0;
  recipe *recipes = calloc((size_t)n, sizeof *recipes);
  double *ready = calloc((size_t)n, sizeof *ready);
  const sg_time **times = calloc((size_t)n, sizeof(sg_time *));
  sg_status status = SG_OK;
  x->finish.law = (const sg_time *const *)times;
  if (!recipes || !ready || !times || !broadcast(w, x->rule, ready)) status = sg_fail_memory(e);
  for (int i = 0; i < n && !status; i++) {
    law[i] = -1;
    if (!x->rule->worker[i].answers) continue;
    recipe r;
    const char *why = make_recipe(w, &x->rule->worker[i], i, ready[i], &r);
    if (why) {
      status = sg_fail(e, SG_INVALID, NULL, "%s", why);
      break;
    }
    int known = 0;
    while (known < count && !same(&recipes[known], &r)) known++;
    law[i] = known;
    if (known < count) continue;
    recipes[count] = r;
    sg_time *time = NULL;
    status = sg_time_new(r.constant, r.parts, r.part, &time, e);
    times[count] = time;
    if (!status) x->finish.laws = ++count;
  }
  free(recipes);
  free(ready);
  return status;
}

/* --- Quorums ---------------------------------------------------------------------------------- */

static size_t entries_of(const sg_quorum *q) {
  size_t entries = 1;
  for (int k = 0; k < q->kinds; k++) entries *= (size_t)q->kind[k].count + 1;
  return entries;
}

/* Which entry of the table a set of members belongs to. */
static size_t entry_of(const sg_rule_group *g, const int *law, const sg_quorum *q, size_t set) {
  size_t entry = 0;
  for (int k = 0; k < q->kinds; k++) {
    int have = 0;
    for (int i = 0; i < g->count; i++)
      have += (set >> i & 1) && law[g->member[i]] == q->kind[k].law;
    entry = entry * ((size_t)q->kind[k].count + 1) + (size_t)have;
  }
  return entry;
}

static sg_status make_quorum(const sg_rule_group *g, const int *law, int laws, sg_quorum *q,
                             sg_error *e) {
  *q = (sg_quorum){.times = 1, .need = g->need};
  q->kind = calloc((size_t)g->count, sizeof *q->kind);
  if (!q->kind) return sg_fail_memory(e);
  for (int k = -1; k < laws; k++) {
    int members = 0;
    for (int i = 0; i < g->count; i++) members += law[g->member[i]] == k;
    if (members) q->kind[q->kinds++] = (sg_kind_count){.law = k, .count = members};
  }
  if (g->need) return SG_OK;
  q->lacking = calloc(entries_of(q), sizeof *q->lacking);
  if (!q->lacking) return sg_fail_memory(e);
  for (size_t set = 0; set < (size_t)1 << g->count; set++)
    if (!g->enough[set]) q->lacking[entry_of(g, law, q, set)]++;
  return SG_OK;
}

static bool same_quorum(const sg_quorum *a, const sg_quorum *b) {
  if (a->need != b->need || a->kinds != b->kinds ||
      memcmp(a->kind, b->kind, (size_t)a->kinds * sizeof *a->kind) != 0)
    return false;
  return a->need || memcmp(a->lacking, b->lacking, entries_of(a) * sizeof *a->lacking) == 0;
}

static sg_status make_quorums(sg_expectation *x, const int *law, sg_error *e) {
  sg_quorum *quorum = calloc((size_t)x->rule->groups, sizeof *quorum);
  if (!quorum) return sg_fail_memory(e);
  x->finish.quorum = quorum;
  for (int g = 0; g < x->rule->groups; g++) {
    sg_quorum *q = &quorum[x->finish.quorums++];
    sg_status status = make_quorum(&x->rule->group[g], law, x->finish.laws, q, e);
    if (status) return status;
    int known = 0;
    while (!same_quorum(&quorum[known], q)) known++;
    if (&quorum[known] == q) continue;
    quorum[known].times++;
    free(q->kind);
    free(q->lacking);
    *q = (sg_quorum){0};
    x->finish.quorums--;
  }
  return SG_OK;
}

/* --- A point ---------------------------------------------------------------------------------- */

static bool waits_for_all(const sg_rule *rule) {
  for (int g = 0; g < rule->groups; g++)
    if (rule->group[g].need != rule->group[g].count) return false;
  return true;
}

/* What else ties iterations or messages together. Where all are waited for, nothing is late. */
static const char *cannot(const sg_world *w, const sg_rule *rule) {
  if (sg_takes_time(&w->decode)) return "decode times depend on what has arrived";
  if (sg_takes_time(&w->encode)) return "encoding takes time";
  if (!sg_compressor_fixed(w->environment.broadcast))
    return "the bits of models depend on the data";
  sg_ingress *q = sg_ingress_new(w->network);
  if (!q) sg_starve();
  bool unlimited = q && sg_ingress_unlimited(q);
  sg_ingress_free(q);
  if (!unlimited) return "messages queue at the master";
  if (rule->deadline < INFINITY && w->environment.update_s > 0)
    return "an iteration that is skipped at its deadline has no update, others take update_s";
  if (waits_for_all(rule) && isinf(rule->deadline)) return NULL;
  if (w->environment.late_work == SG_LATE_FINISH_FIRST)
    return "late work is finished first: iterations depend on earlier ones";
  if (sg_cancel_seconds(w->network) > 0)
    return "workers hear of the end of an iteration later: iterations depend on earlier ones";
  if (w->environment.late_work == SG_LATE_KEEP_PARTIAL || sg_network_occupies_link(w->network))
    return "late messages occupy the links: iterations depend on earlier ones";
  return NULL;
}

/* Seconds from the last worker's being ready to the end of the collective. */
static sg_status add_hops(const sg_world *w, const sg_rule *rule, double *constant, sg_error *e) {
  int n = rule->workers;
  SG_OWNED double *ready = calloc((size_t)n, sizeof *ready);
  if (!ready) return sg_fail_memory(e);
  bool random = false, memory = true;
  double last = 0, seconds;
  for (int i = 0; i < n; i++) {
    recipe r;
    const char *why = make_recipe(w, &rule->worker[i], i, 0, &r);
    if (why) return sg_fail(e, SG_INVALID, NULL, "%s", why);
    ready[i] = r.constant;
    for (int k = 0; k < r.parts; k++) {
      const sg_law *one = r.part[k].law;
      random |= one->type->variance(one->state) != 0;
      ready[i] += r.part[k].scale * r.part[k].draws * one->type->mean(one->state);
    }
    last = fmax(last, ready[i]);
  }
  const char *why = sg_hops_seconds(w, random ? NULL : ready, &seconds, &memory);
  if (!memory) return sg_fail_memory(e);
  if (!why && random && !sg_hops_any_order(w))
    why = "the time of the collective depends on who is late";
  if (why) return sg_fail(e, SG_INVALID, NULL, "%s", why);
  *constant += random ? seconds : seconds - last;
  return SG_OK;
}

static sg_status count_responses(sg_expectation *x, const int *law, sg_error *e) {
  int n = x->rule->workers;
  x->alike = true;
  for (int i = 1; i < n; i++) x->alike = x->alike && law[i] == law[0];
  x->responses = NAN;
  if (!x->alike || x->rule->deadline < INFINITY) return SG_OK;
  x->within = calloc((size_t)n + 1, sizeof *x->within);
  if (!x->within) return sg_fail_memory(e);
  if (sg_rule_responses(x->rule, x->within)) {
    x->responses = 0;
    for (int f = 0; f < n; f++) x->responses += 1 - x->within[f];
  } else {
    free(x->within);
    x->within = NULL;
  }
  return SG_OK;
}

/* Where a deadline cuts off workers of whom each is late by itself, or the first so many of workers
 * that are all alike are waited for. */
static sg_status find_error(const sg_code *code, sg_expectation *x, const int *law, sg_error *e) {
  const sg_policy *stop = code->policy;
  x->err_norm = NAN;
  if (code->exact || !code->type->mean_error) return SG_OK;
  sg_status status = SG_OK;
  if (x->rule->deadline < INFINITY && stop->wants == SG_ENDS_WITH_ALL && !stop->part[0]) {
    SG_OWNED double *p = malloc((size_t)code->nodes * sizeof *p);
    if (!p) return sg_fail_memory(e);
    for (int j = 0; j < code->nodes; j++)
      p[j] = law[j] < 0 ? 1 : sg_time_late(x->finish.law[law[j]], x->rule->deadline);
    status = code->type->mean_error(code, p, 0, &x->err_norm);
  } else if (x->rule->groups == 1 && x->rule->group[0].need > 0 && x->alike) {
    status = code->type->mean_error(code, NULL, x->rule->group[0].need, &x->err_norm);
  }
  return status ? sg_fail_memory(e) : SG_OK;
}

sg_status sg_expect(const sg_world *world, sg_expectation **out, sg_error *e) {
  *out = NULL;
  sg_expectation *x = calloc(1, sizeof *x);
  int *law = calloc((size_t)world->code->nodes, sizeof *law);
  const sg_code *inner = world->code->inner, *code = inner ? inner : world->code;
  sg_status status = x && law ? SG_OK : sg_fail_memory(e);
  if (!status && inner && sg_collective_coordinated(world->code))
    status = sg_fail(e, SG_INVALID, NULL, "workers wait for a coordinator, then for each other");
  if (!status)
    status =
        sg_rule_find(code, world->environment.compressor, world->limits.undecodable, &x->rule, e);
  if (!status) {
    const char *why = cannot(world, x->rule);
    if (why) status = sg_fail(e, SG_INVALID, NULL, "%s", why);
  }
  if (!status) status = make_laws(world, x, law, e);
  if (!status) status = make_quorums(x, law, e);
  if (!status) status = count_responses(x, law, e);
  if (!status) status = find_error(world->code, x, law, e);
  if (!status) {
    x->finish.constant = world->environment.update_s;
    if (inner) status = add_hops(world, x->rule, &x->finish.constant, e);
  }
  if (!status) {
    x->finish.deadline = isinf(x->rule->deadline) ? 0 : x->rule->deadline;
    status = sg_finish_mean(&x->finish, &x->mean, &x->error, e);
  }
  free(law);
  if (status)
    sg_expectation_free(x);
  else
    *out = x;
  return status;
}

void sg_expectation_free(sg_expectation *x) {
  if (!x) return;
  for (int i = 0; i < x->finish.laws; i++) sg_time_free((sg_time *)(uintptr_t)x->finish.law[i]);
  free((void *)(uintptr_t)x->finish.law);
  for (int i = 0; i < x->finish.quorums; i++) {
    free(x->finish.quorum[i].kind);
    free(x->finish.quorum[i].lacking);
  }
  free((void *)(uintptr_t)x->finish.quorum);
  free(x->within);
  sg_rule_free(x->rule);
  free(x);
}
