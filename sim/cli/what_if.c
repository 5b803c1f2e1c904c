/* SPDX-License-Identifier: MIT */
/* run --what-if: a scenario without each cause of lost time, on the same random numbers. */
#include "results/answers/statistics.h"
#include "sim/cli/output.h"
#include "sim/cli/session.h"
#include "sim/core/clock.h"
#include "sim/experiment/causes.h"
#include "sim/experiment/execute.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum { MOST_CAUSES = 20 };

/* The scenario as it is (its plan is the session's), or without some causes. */
typedef struct variant {
  sg_scenario *scenario;
  sg_plan *plan;
  double *update_s; /* points × replications; NAN: the run did not finish */
} variant;

typedef struct what_if {
  sg_session session;
  const sg_call *call;
  sg_execute_options options;
  const sg_invocation *invocation;
  sg_execute_report total;
  int n_causes;
  char *cause[MOST_CAUSES];
  int replications;
  variant base, alone[MOST_CAUSES], turn[MOST_CAUSES]; /* turn[i]: without the causes 0 … i */
} what_if;

/* --- Causes ----------------------------------------------------------------------------------- */

static sg_status add_cause(what_if *w, const char *word, size_t n, sg_error *e) {
  for (int i = 0; i < w->n_causes; i++)
    if (strncmp(w->cause[i], word, n) == 0 && w->cause[i][n] == '\0') return SG_OK;
  if (w->n_causes == MOST_CAUSES)
    return sg_fail(e, SG_USAGE, "", "expected at most %d causes", MOST_CAUSES);
  char *copy = strndup(word, n);
  if (!copy) return sg_fail_memory(e);
  w->cause[w->n_causes++] = copy;
  sg_causes ignored = {.uplink = 1, .ingress = 1};
  return sg_causes_add(&ignored, copy, "--what-if", e);
}

/* What the scenario lists, or else what its models have, environment by environment. */
static sg_status add_automatic(what_if *w, sg_error *e) {
  enum { LOOKED_AT = 64 };
  const sg_plan *plan = w->base.plan;
  const sg_values *root = plan->raw[0].values;
  sg_status status = SG_OK;
  if (sg_given(root, "what_if")) {
    for (int i = 0; i < sg_count(root, "what_if") && !status; i++) {
      const char *word = sg_item(root, "what_if", i)->text;
      status = add_cause(w, word, strlen(word), e);
    }
    return status;
  }
  for (int i = 0; i < plan->count && i < LOOKED_AT && !status; i++) {
    sg_world *world = NULL;
    sg_buffer found = {0};
    if (!plan->point[i].valid) continue;
    status = sg_world_new(plan->point[i].point, plan->cache, NULL, &world, e);
    if (!status) sg_causes_of(world->delay, world->network, &found);
    for (const char *at = found.data; !status && at && *at;) {
      size_t n = strcspn(at, "\n");
      status = add_cause(w, at, n, e);
      at += n + 1;
    }
    sg_buffer_free(&found);
    sg_world_free(world, plan->cache);
  }
  return status;
}

static sg_status take_causes(what_if *w, sg_error *e) {
  sg_status status = SG_OK;
  const sg_arg *asked = sg_args_find(w->call->args, "what-if");
  for (int i = 0; i < asked->count; i++)
    for (const char *at = asked->item[i]; *at && !status;) {
      size_t n = strcspn(at, ",");
      if (n == 4 && strncmp(at, "auto", 4) == 0)
        status = add_automatic(w, e);
      else
        status = add_cause(w, at, n, e);
      at += n + (at[n] == ',');
    }
  if (!status && w->n_causes == 0)
    status = sg_fail(e, SG_INVALID, "", "nothing in this scenario makes workers differ or wait");
  return status;
}

/* --- Runs ------------------------------------------------------------------------------------- */

static void variant_free(variant *v) {
  sg_plan_free(v->plan);
  sg_scenario_free(v->scenario);
  free(v->update_s);
}

/* The scenario without `count` causes, from the first-th on, and what it is without already. */
static sg_status make_variant(what_if *w, int first, int count, variant *v, sg_error *e) {
  const sg_values *root = w->base.plan->raw[0].values;
  sg_buffer list = {0};
  sg_put(&list, "[");
  for (int i = 0; i < sg_count(root, "without"); i++) {
    sg_put(&list, i ? ", " : "");
    sg_put_json_string(&list, sg_item(root, "without", i)->text);
  }
  for (int i = first; i < first + count; i++) {
    sg_put(&list, list.length > 1 ? ", " : "");
    sg_put_json_string(&list, w->cause[i]);
  }
  sg_put(&list, "]");
  const sg_session *s = &w->session;
  const char *text = sg_scenario_text(s->scenario);
  s->override[s->n_overrides] = (sg_override){.pointer = "/without", .value = list.data};
  sg_status status = list.failed
                         ? sg_fail_memory(e)
                         : sg_scenario_parse(s->path, text, strlen(text), s->n_overrides + 1,
                                             s->override, &v->scenario, e);
  if (!status) status = sg_plan_beside(w->base.plan, v->scenario, &v->plan, e);
  if (!status && v->plan->count != w->base.plan->count)
    status = sg_fail(e, SG_INVALID, "/without", "a sweep over /without leaves nothing to ask");
  sg_buffer_free(&list);
  return status;
}

/* Computes what is missing and reads the seconds per update of all runs. */
static sg_status run_variant(what_if *w, variant *v, sg_error *e) {
  sg_execute_report report = {0};
  sg_status status = sg_execute(v->plan, w->session.db, w->invocation, &w->options, &report, e);
  w->total.computed += report.computed;
  w->total.found += report.found;
  if (status) return status;
  size_t cells = (size_t)v->plan->count * (size_t)w->replications;
  v->update_s = malloc((cells + 1) * sizeof *v->update_s);
  if (!v->update_s) return sg_fail_memory(e);
  for (int p = 0; p < v->plan->count; p++)
    for (int r = 0; r < w->replications; r++) {
      double *x = &v->update_s[p * w->replications + r];
      *x = NAN;
      if (!status && v->plan->point[p].valid)
        status = sg_db_update_seconds(w->session.db, v->plan->point[p].key, r, x, e);
    }
  return status;
}

static sg_status plan_all(what_if *w, sg_error *e) {
  sg_status status = SG_OK;
  for (int i = 0; i < w->n_causes && !status; i++) {
    status = make_variant(w, i, 1, &w->alone[i], e);
    if (!status) status = make_variant(w, 0, i + 1, &w->turn[i], e);
  }
  return status;
}

static sg_status run_all(what_if *w, sg_error *e) {
  bool bar = sg_wants_progress(w->call->args);
  sg_status status = run_variant(w, &w->base, e);
  double begun_s = sg_seconds_now();
  for (int i = 0; i < w->n_causes && !status; i++) {
    variant *pair[] = {&w->alone[i], &w->turn[i]};
    for (int k = 0; k < 2 && !status; k++) {
      int number = 2 * i + k, count = 2 * w->n_causes;
      char done[32];
      snprintf(done, sizeof done, "%d of %d", number + 1, count);
      double share = number / (double)count, elapsed_s = sg_seconds_now() - begun_s;
      double left_s = number ? elapsed_s * (1 - share) / share : NAN;
      if (bar) sg_show_progress("what if", share, done, elapsed_s, left_s);
      status = run_variant(w, pair[k], e);
    }
  }
  if (bar) sg_end_progress();
  return status;
}

/* --- The table -------------------------------------------------------------------------------- */

typedef struct difference {
  double mean, half; /* half of the 95 % interval; NAN under SG_FEWEST_PAIRS pairs */
} difference;

/* Whether all variants have finished a replication of a point. */
static bool complete(const what_if *w, int point, int r) {
  int cell = point * w->replications + r;
  bool ok = !isnan(w->base.update_s[cell]);
  for (int i = 0; i < w->n_causes; i++)
    ok = ok && !isnan(w->alone[i].update_s[cell]) && !isnan(w->turn[i].update_s[cell]);
  return ok;
}

/* a − b (b NULL: a) over the complete replications. */
static difference compare(const what_if *w, int point, const variant *a, const variant *b) {
  sg_moments m = {0};
  for (int r = 0; r < w->replications; r++) {
    int cell = point * w->replications + r;
    if (complete(w, point, r)) sg_moments_add(&m, a->update_s[cell] - (b ? b->update_s[cell] : 0));
  }
  difference d = {.mean = sg_moments_mean(&m), .half = NAN};
  if (m.n >= SG_FEWEST_PAIRS)
    d.half = sg_t_quantile(0.975, (double)m.n - 1) * sg_moments_sd(&m) / sqrt((double)m.n);
  return d;
}

/* text: without scheme, axes and runs, which stand above each table. */
static void put_row(sg_table *t, bool text, const sg_planned *p, const char *axes, const char *what,
                    double left, difference alone, double in_turn, double share, int runs) {
  if (!text) {
    sg_table_text(t, p->label);
    sg_table_text(t, axes);
  }
  sg_table_text(t, what);
  sg_table_number(t, left, 4);
  sg_table_number(t, alone.mean, 4);
  sg_table_number(t, alone.half, 2);
  sg_table_number(t, in_turn, 4);
  sg_table_number(t, share, 3);
  if (!text) sg_table_integer(t, runs);
}

static void put_point(const what_if *w, int point, const char *axes, int runs, bool text,
                      sg_table *t) {
  static const difference none = {NAN, NAN};
  const sg_planned *p = &w->base.plan->point[point];
  double base = compare(w, point, &w->base, NULL).mean, sum = 0;
  difference all = compare(w, point, &w->base, &w->turn[w->n_causes - 1]);
  put_row(t, text, p, axes, "as it is", base, none, NAN, NAN, runs);
  for (int i = 0; i < w->n_causes; i++) {
    difference alone = compare(w, point, &w->base, &w->alone[i]);
    const variant *before = i ? &w->turn[i - 1] : &w->base;
    double turn = compare(w, point, before, &w->turn[i]).mean;
    sg_buffer what = {0};
    sg_putf(&what, "without %s", w->cause[i]);
    put_row(t, text, p, axes, what.data, base - alone.mean, alone, turn,
            all.mean > 0 ? 100 * turn / all.mean : NAN, runs);
    sg_buffer_free(&what);
    sum += alone.mean;
  }
  put_row(t, text, p, axes, "without all", base - all.mean, all, all.mean, all.mean > 0 ? 100 : NAN,
          runs);
  put_row(t, text, p, axes, "together", NAN, (difference){all.mean - sum, NAN}, NAN, NAN, runs);
}

static int print_table(const what_if *w) {
  static const char *const columns[] = {"scheme",          "axes",          "what_if",
                                        "s_per_update",    "saved_alone_s", "ci95_half_s",
                                        "saved_in_turn_s", "share_percent", "runs"};
  static const char *const in_text[] = {"what if", "s/update",    "saved alone (s)",
                                        "± 95 %",  "in turn (s)", "share (%)"};
  sg_format format = w->session.format;
  bool text = format == SG_FORMAT_TEXT;
  int left_out = 0;
  sg_buffer out = {0};
  sg_table *t = text ? NULL : sg_table_new(9, columns);
  for (int i = 0; i < w->base.plan->count; i++) {
    const sg_planned *p = &w->base.plan->point[i];
    sg_buffer axes = {0};
    int runs = 0;
    if (!p->valid || p->duplicate) continue;
    int n = text ? p->point->n_shared_axes : p->point->n_axes;
    sg_point_put_axes(p->point, n, &axes);
    for (int r = 0; r < w->replications; r++) runs += complete(w, i, r);
    left_out += w->replications - runs;
    if (text) {
      sg_putf(&out, "%s%s%s, %d run%s\n", p->label, axes.data ? ", " : "",
              axes.data ? axes.data : "", runs, runs == 1 ? "" : "s");
      t = runs ? sg_table_new(6, in_text) : NULL;
    }
    if (text && !t) sg_put(&out, "no replication was finished by all variants\n\n");
    if (t) put_point(w, i, axes.data, runs, text, t);
    if (t && text) {
      sg_put_table(t, format, &out);
      sg_put(&out, "\n");
    }
    sg_buffer_free(&axes);
  }
  if (!text) {
    sg_put_table(t, format, &out);
  } else {
    sg_put(&out,
           "saved alone: seconds per update that are saved when this cause alone is taken\n"
           "away, and half of the 95 % interval (paired: all variants see the same random\n"
           "numbers). in turn: when it is taken away after those above it; these add up to\n"
           "\"without all\". together: the total saving less the sum of those alone; below 0\n"
           "causes overlap, above 0 they hide each other.\n");
    if (left_out)
      sg_putf(&out,
              "%d replications are left out: a run of some variant stalled or never decoded "
              "(see stop.undecodable).\n",
              left_out);
  }
  return sg_print(&out);
}

/* --- The command ------------------------------------------------------------------------------ */

int sg_what_if(const sg_call *call, const char *path) {
  what_if w = {.call = call, .options = {.threads = sg_threads(call->args)}};
  sg_session *s = &w.session;
  sg_provenance made;
  w.invocation = sg_provenance_read(call, w.options.threads, &made);
  int code = EX_OK;
  sg_status status = sg_session_open(call, path, s);
  if (!status) {
    w.base.plan = s->plan;
    w.replications = sg_scenario_replications(s->scenario);
    status = take_causes(&w, &s->error);
  }
  /* Nothing is to be put in order yet if a signal ends this, however long it takes. */
  if (!status) status = plan_all(&w, &s->error);
  if (!status) status = sg_session_place(s, sg_args_text(call->args, "output"));
  if (!status) status = sg_session_output(s, call->args);
  w.options.stop = sg_catch_signals(true);
  if (!status) status = run_all(&w, &s->error);
  if (!status) code = print_table(&w);
  if (!status && !sg_args_given(call->args, "quiet")) {
    if (sg_scenario_until(s->scenario))
      fprintf(stderr, "the first %d runs of each point are asked: until is not followed here\n",
              w.replications);
    fprintf(stderr, "%d runs computed, %d were there already\n", w.total.computed, w.total.found);
  }
  if (status == SG_INTERRUPTED) return sg_session_close(s, status, code); /* nothing is freed */
  free(w.base.update_s);
  for (int i = 0; i < w.n_causes; i++) {
    variant_free(&w.alone[i]);
    variant_free(&w.turn[i]);
    free(w.cause[i]);
  }
  return sg_session_close(s, status, code);
}
