/* SPDX-License-Identifier: MIT */
/* plan --suggest: parameters of codes, chosen by simulating candidates on the scenario's delays. */
#include "sim/cli/output.h"
#include "sim/cli/session.h"
#include "sim/experiment/block.h"
#include "sim/scenario/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

typedef struct tried {
  const sg_planned *point;
  const char *env; /* key of the environment, in the order of the plan */
  int place;       /* of the environment */
  double seconds;  /* of an iteration; NAN: the run did not finish */
} tried;

/* --- Candidates ------------------------------------------------------------------------------- */

static const sg_code_type *type_of(const sg_planned *p) {
  return (const sg_code_type *)p->point->scheme->variant;
}

/* Lists of candidates in place of the values of a scheme, as an `each` of the scenario. */
static bool put_lists(const sg_planned *p, cJSON *scheme) {
  enum { MOST = 64 };
  const sg_shape shape = {.workers = p->facts.n_workers, .subsets = p->facts.n_subsets};
  const sg_code_type *type = type_of(p);
  bool ok = true;
  for (const sg_param *param = type->about.params; ok && param->name; param++) {
    long value[MOST];
    int count = type->candidates(&shape, param->name, value, MOST);
    if (count == 0) continue;
    cJSON *each = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(each, "each");
    for (int i = 0; i < count; i++)
      cJSON_AddItemToArray(list, cJSON_CreateNumber((double)value[i]));
    cJSON_DeleteItemFromObjectCaseSensitive(scheme, param->name);
    ok = list && cJSON_AddItemToObject(scheme, param->name, each);
  }
  return ok;
}

/* The members that the scenario gives the scheme; lists: with candidates. */
static sg_status put_scheme(const sg_planned *p, bool lists, sg_buffer *out, sg_error *e) {
  const char *json = p->point->scheme_json;
  json_text text = sg_json_parse("", json, strlen(json), e);
  if (!text.tree) return sg_fail_memory(e);
  for (cJSON *member = text.tree->child, *next; member; member = next) {
    next = member->next;
    if (strcmp(member->string, "code") != 0 && !sg_given(p->point->scheme, member->string))
      cJSON_Delete(cJSON_DetachItemViaPointer(text.tree, member));
  }
  bool ok = !lists || put_lists(p, text.tree);
  if (ok) sg_json_put(text.tree, out);
  sg_json_free(&text);
  return ok && !out->failed ? SG_OK : sg_fail_memory(e);
}

/* The schemes that have candidates, as they are and with them; the number of schemes. */
static sg_status put_schemes(const sg_plan *plan, int *count, sg_buffer *out, sg_error *e) {
  sg_status status = SG_OK;
  sg_put(out, "[");
  for (int i = 0; i < plan->count && !status; i++) {
    const sg_planned *p = &plan->point[i];
    bool first = true;
    for (int k = 0; k < i && first; k++)
      first = strcmp(plan->point[k].point->scheme_json, p->point->scheme_json) != 0;
    if (!p->valid || !first || !type_of(p)->candidates) continue;
    sg_put(out, (*count)++ ? ", " : "");
    status = put_scheme(p, false, out, e);
    sg_put(out, ", ");
    if (!status) status = put_scheme(p, true, out, e);
  }
  sg_put(out, "]");
  return status;
}

/* The scenario with these schemes, for their times alone. */
static sg_status make_variant(const sg_session *s, sg_scenario **scenario, sg_plan **plan,
                              sg_error *e) {
  const sg_plan *base = s->plan;
  const sg_planned *p = base->point;
  sg_buffer schemes = {0}, learning = {0}, stop = {0};
  int count = 0, n = s->n_overrides;
  for (int i = 0; i < base->count && !p->valid; i++) p = &base->point[i];
  sg_putf(&learning, "{\"problem\": \"none\", \"length\": %lld, \"subsets\": %d}",
          (long long)p->facts.length, p->facts.n_subsets);
  sg_putf(&stop, "{\"iterations\": %lld}", (long long)p->facts.max_iterations);
  sg_status status = put_schemes(base, &count, &schemes, e);
  if (!status && count == 0)
    status = sg_fail(e, SG_INVALID, "/schemes",
                     "no scheme of this scenario has parameters that --suggest could choose");
  sg_override *override = calloc((size_t)n + 4, sizeof *override);
  if (!override || learning.failed || stop.failed || schemes.failed) status = sg_fail_memory(e);
  if (!status) {
    memcpy(override, s->override, (size_t)n * sizeof *override);
    override[n++] = (sg_override){"/schemes", schemes.data};
    override[n++] = (sg_override){"/learning", learning.data};
    override[n++] = (sg_override){"/stop", stop.data};
    override[n++] = (sg_override){"/invalid_combinations", "skip"};
    const char *text = sg_scenario_text(s->scenario);
    status = sg_scenario_parse(s->path, text, strlen(text), n, override, scenario, e);
  }
  if (!status) status = sg_plan_beside(base, *scenario, plan, e);
  free(override);
  sg_buffer_free(&schemes);
  sg_buffer_free(&learning);
  sg_buffer_free(&stop);
  return status;
}

/* --- Times ------------------------------------------------------------------------------------ */

static bool take_row(void *user, int replication, const sg_iteration_record *row, int n,
                     const sg_worker_record *worker) {
  return true;
}

static bool take_finish(void *user, int replication, const sg_run_row *run,
                        const sg_summary_record *summary, int n,
                        const sg_worker_summary_record *worker) {
  bool finished = strcmp(run->status, "finished") == 0 && run->iterations > 0;
  *(double *)user = finished ? run->sim_time_s / (double)run->iterations : NAN;
  return true;
}

static sg_status try_point(const sg_plan *plan, tried *t, sg_error *e) {
  static const int first = 0;
  sg_world *world = NULL;
  const sg_block_options options = {0};
  const sg_sink sink = {.user = &t->seconds, .row = take_row, .finish = take_finish};
  t->seconds = NAN;
  sg_status status = sg_world_new(t->point->point, plan->cache, NULL, &world, e);
  if (!status) status = sg_block_run(world, 1, &first, &options, &sink, e);
  sg_world_free(world, plan->cache);
  return status;
}

static int by_time(const void *a, const void *b) {
  const tried *x = a, *y = b;
  if (x->place != y->place) return x->place < y->place ? -1 : 1;
  double p = isnan(x->seconds) ? INFINITY : x->seconds,
         q = isnan(y->seconds) ? INFINITY : y->seconds;
  if (p != q) return p < q ? -1 : 1;
  return (x->point > y->point) - (x->point < y->point);
}

static sg_status try_all(const sg_plan *plan, tried *t, int *count, sg_error *e) {
  sg_status status = SG_OK;
  for (int i = 0; i < plan->count && !status; i++) {
    const sg_planned *p = &plan->point[i];
    if (!p->valid || p->duplicate) continue;
    tried *x = &t[*count];
    *x = (tried){.point = p, .env = p->env_key, .place = *count};
    for (int k = 0; k < *count && x->place == *count; k++)
      if (strcmp(t[k].env, x->env) == 0) x->place = t[k].place;
    status = try_point(plan, x, e);
    (*count)++;
  }
  qsort(t, (size_t)*count, sizeof *t, by_time);
  return status;
}

/* --- The answer ------------------------------------------------------------------------------- */

static void put_row(sg_rows *r, const tried *t) {
  sg_buffer axes = {0};
  if (t) sg_point_put_axes(t->point->point, t->point->point->n_shared_axes, &axes);
  sg_row_text(r, "scheme", t ? t->point->label : "");
  sg_row_buffer(r, "axes", &axes);
  sg_row_number(r, "load_d", t ? t->point->facts.load_d : NAN, 4);
  sg_row_number(r, "s_per_iteration", t ? t->seconds : NAN, 6);
}

static int print(const sg_session *s, const tried *t, int count, long best, sg_error *e) {
  sg_rows rows = {0};
  sg_buffer out = {0};
  put_row(&rows, NULL);
  rows.table = sg_table_new(rows.n, rows.name);
  if (!rows.table) return sg_out_of_memory();
  for (int i = 0, k = 0; i < count; i++) {
    k = i > 0 && t[i].place == t[i - 1].place ? k + 1 : 0;
    if (k < best) put_row(&rows, &t[i]);
  }
  sg_put_table(rows.table, s->format, &out);
  if (s->format == SG_FORMAT_TEXT)
    sg_putf(&out,
            "\nThe fastest of %d points, one run of %lld iterations each, timing only. A short "
            "trace\nflatters the winner: run the first few with others of the same kind.\n",
            count, (long long)t->point->facts.max_iterations);
  return sg_print(&out);
}

sg_status sg_suggest_parameters(sg_session *s, long best, int *code) {
  sg_scenario *scenario = NULL;
  sg_plan *plan = NULL;
  int count = 0;
  sg_status status = make_variant(s, &scenario, &plan, &s->error);
  tried *t = status ? NULL : calloc((size_t)plan->count + 1, sizeof *t);
  if (!status && !t) status = sg_fail_memory(&s->error);
  if (!status) status = try_all(plan, t, &count, &s->error);
  if (!status) *code = print(s, t, count, best, &s->error);
  free(t);
  sg_plan_free(plan);
  sg_scenario_free(scenario);
  return status;
}
