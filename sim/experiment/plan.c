/* SPDX-License-Identifier: MIT */
/* Makes each point's world once to learn what it is: valid or not, its facts and its keys. */
#include "sim/experiment/plan.h"
#include "sim/experiment/compression.h"
#include "sim/experiment/form.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Content hashes of the files that points name; a scenario names few, points are many. */
typedef struct hashes {
  int count;
  struct {
    char path[4096], sha256[65];
  } file[16];
} hashes;

static sg_status hash_file(hashes *known, const char *path, char hex[65], sg_error *e) {
  for (int i = 0; i < known->count; i++)
    if (strcmp(known->file[i].path, path) == 0) {
      memcpy(hex, known->file[i].sha256, 65);
      return SG_OK;
    }
  char *data = NULL;
  size_t length = 0;
  sg_status status = sg_read_file(path, NULL, &data, &length, e);
  if (status) return status;
  sg_sha256(data, length, hex);
  free(data);
  if (known->count < (int)(sizeof known->file / sizeof *known->file) &&
      strlen(path) < sizeof known->file->path) {
    strcpy(known->file[known->count].path, path);
    memcpy(known->file[known->count++].sha256, hex, 65);
  }
  return SG_OK;
}

/* The keys: everything that can change a row, with the contents of files in place of names. */
static sg_status make_keys(sg_planned *p, hashes *known, sg_error *e) {
  sg_buffer paths = {0}, text = {0};
  sg_status status = SG_OK;
  sg_values_paths(p->point->values, &paths);
  sg_putf(&text, "results %d\n%s\n", SG_RESULTS_VERSION, p->point->env_json);
  for (char *at = paths.data, *end; !status && at && *at; at = end + 1) {
    end = strchr(at, '\n');
    *end = '\0';
    char hex[65];
    status = hash_file(known, at, hex, e);
    if (!status) sg_putf(&text, "%s\n", hex);
  }
  if (!status && !text.failed && !paths.failed) {
    sg_sha256(text.data, text.length, p->env_key);
    sg_put(&text, p->point->scheme_json);
    if (!text.failed) sg_sha256(text.data, text.length, p->key);
  }
  if (text.failed || paths.failed) status = sg_fail_memory(e);
  sg_buffer_free(&paths);
  sg_buffer_free(&text);
  return status;
}

static sg_status take_facts(const sg_plan *plan, sg_planned *p, const sg_world *w, sg_error *e) {
  const sg_values *v = p->point->values;
  const sg_code *c = w->code;
  p->width = w->width;
  p->abreast = w->abreast;
  p->replications = sg_scenario_replications(plan->scenario);
  p->data_bytes = w->problem->data_bytes + sg_partition_bytes(w->partition);
  p->missing_bytes = p->data_bytes + w->problem->making_bytes;
  if (!w->problem->outline) p->missing_bytes -= w->problem->data_bytes + w->problem->making_bytes;
  p->facts = (sg_point_record){.point_sha256 = p->key,
                               .env_sha256 = p->env_key,
                               .scheme_label = p->label,
                               .code = c->type->about.name,
                               .stop_rule = p->stop,
                               .exact = c->exact,
                               .barrier = !(c->flags & SG_ASYNC),
                               .timing_only = w->problem->timing_only,
                               .models = c->models,
                               .n_workers = w->workers,
                               .n_subsets = w->problem->subsets,
                               .length = w->problem->length,
                               .load_d = c->load,
                               .stragglers_s = c->promised,
                               .comm_m = c->reduction,
                               .stored_data_factor = c->stored,
                               .scaling = sg_text(sg_object(v, "delay"), "scaling"),
                               .late_work = sg_text(v, "late_work"),
                               .late_messages = sg_text(sg_object(v, "network"), "late_messages"),
                               .replicate = sg_text(v, "replicate"),
                               .compression = p->compression,
                               .compressed = sg_compression_loses(p->point, w),
                               .problem = w->problem->type->about.name,
                               .target_loss = w->target_loss,
                               .target_grad_norm2 = w->target_grad_norm2,
                               .max_iterations = w->limits.iterations,
                               .seed = sg_seed(sg_object(v, "random"), "seed")};
  snprintf(p->stop, sizeof p->stop, "%s", c->stop);
  sg_code_label(sg_compression_of(p->point), p->compression, sizeof p->compression);
  sg_buffer note = {0};
  sg_put(&note, w->problem->note ? w->problem->note : "");
  sg_delay_note(w->delay, &note);
  sg_network_note(w->network, &note);
  char bytes[32];
  double memory = sg_former_memory(w);
  if (memory > 0)
    sg_putf(&note, "compression: a run keeps %s of what its workers remember\n",
            sg_format_bytes(memory, bytes));
  memory = sg_inner_states_memory(w);
  if (memory > 0)
    sg_putf(&note, "local steps: a run keeps %s of what its workers' optimisers remember\n",
            sg_format_bytes(memory, bytes));
  p->note = note.data;
  if (c->note) p->code_note = strdup(c->note);
  return note.failed || (c->note && !p->code_note) ? sg_fail_memory(e) : SG_OK;
}

/* SG_OK when the point is valid or may be skipped. */
static sg_status plan_point(sg_plan *plan, sg_planned *p, hashes *known, sg_error *e) {
  sg_world *w = NULL;
  sg_status status = sg_world_new(p->point, plan->cache, NULL, &w, &p->why);
  sg_code_label(p->point->scheme, p->label, sizeof p->label);
  p->facts.scheme_label = p->label;
  if (!status) {
    p->valid = true;
    plan->n_valid++;
    status = take_facts(plan, p, w, e);
    sg_world_free(w, plan->cache);
    return status ? status : make_keys(p, known, e);
  }
  if (status == SG_INVALID && !p->point->single && sg_scenario_skips_invalid(plan->scenario)) {
    plan->n_skipped++;
    return SG_OK;
  }
  sg_error_move(e, &p->why);
  return status;
}

/* By the text at an offset of sg_planned, equal ones in the order of the plan. */
static int by_text(const void *a, const void *b, void *offset) {
  const sg_planned *p = *(sg_planned *const *)a, *q = *(sg_planned *const *)b;
  size_t at = *(const size_t *)offset;
  int order = strcmp((const char *)p + at, (const char *)q + at);
  return order ? order : (p > q) - (p < q);
}

/* Marks repeated points, and in each environment the first that the baseline's name fits. */
static sg_status mark(sg_plan *plan, sg_error *e) {
  const char *baseline = sg_scenario_baseline(plan->scenario);
  sg_planned **valid = calloc((size_t)plan->n_valid + 1, sizeof(sg_planned *));
  if (!valid) return sg_fail_memory(e);
  size_t n = 0, key = offsetof(sg_planned, key), environment = offsetof(sg_planned, env_key);
  for (int i = 0; i < plan->count; i++)
    if (plan->point[i].valid) valid[n++] = &plan->point[i];
  qsort_r(valid, n, sizeof *valid, by_text, &key);
  for (size_t i = 1; i < n; i++)
    valid[i]->duplicate = strcmp(valid[i]->key, valid[i - 1]->key) == 0;
  qsort_r(valid, n, sizeof *valid, by_text, &environment);
  const sg_planned *marked = NULL;
  for (size_t i = 0; baseline && i < n; i++) {
    sg_planned *p = valid[i];
    if (p->duplicate || (marked && strcmp(marked->env_key, p->env_key) == 0)) continue;
    p->facts.is_baseline = strcmp(baseline, p->facts.code) == 0 || strcmp(baseline, p->label) == 0;
    if (p->facts.is_baseline) marked = p;
  }
  free(valid);
  return SG_OK;
}

/* The same fault at many points (one missing data file) is said once. */
static void drop_repeats(sg_error *e) {
  int kept = 0;
  for (int i = 0; i < e->count; i++) {
    bool repeat = false;
    for (int j = 0; j < kept && !repeat; j++)
      repeat = strcmp(e->fault[j].place, e->fault[i].place) == 0 && e->fault[j].message &&
               e->fault[i].message && strcmp(e->fault[j].message, e->fault[i].message) == 0;
    if (repeat) {
      free(e->fault[i].place);
      free(e->fault[i].message);
    } else {
      e->fault[kept++] = e->fault[i];
    }
  }
  e->count = kept;
}

sg_status sg_plan_new(const sg_scenario *scenario, sg_plan **out, sg_error *e) {
  return sg_plan_beside(NULL, scenario, out, e);
}

sg_status sg_plan_beside(const sg_plan *other, const sg_scenario *scenario, sg_plan **out,
                         sg_error *e) {
  *out = NULL;
  sg_plan *plan = calloc(1, sizeof *plan);
  hashes *known = calloc(1, sizeof *known);
  if (!plan || !known) {
    free(plan);
    free(known);
    return sg_fail_memory(e);
  }
  plan->scenario = scenario;
  plan->borrows = other;
  plan->cache = other ? other->cache : sg_problem_cache_new();
  sg_status status =
      plan->cache ? sg_scenario_points(scenario, &plan->n_raw, &plan->raw, e) : sg_fail_memory(e);
  if (!status) plan->point = calloc((size_t)plan->n_raw, sizeof *plan->point);
  if (!status && !plan->point) status = sg_fail_memory(e);
  if (plan->cache) sg_problem_cache_outline(plan->cache, true);
  for (int i = 0; !status && i < plan->n_raw; i++) {
    sg_planned *p = &plan->point[plan->count++];
    p->point = &plan->raw[i];
    sg_status s = plan_point(plan, p, known, e);
    if (s != SG_INVALID) status = s;
  }
  if (plan->cache) sg_problem_cache_outline(plan->cache, false);
  free(known);
  if (plan->count > 0) drop_repeats(e);
  if (!status) status = sg_error_status(e);
  if (!status && plan->n_valid == 0) {
    for (int i = 0; i < plan->count; i++) sg_error_move(e, &plan->point[i].why);
    drop_repeats(e);
    status = sg_fail(e, SG_INVALID, "/schemes", "no combination of the scenario is valid");
  }
  if (!status) status = mark(plan, e);
  if (status)
    sg_plan_free(plan);
  else
    *out = plan;
  return status;
}

void sg_plan_free(sg_plan *plan) {
  if (!plan) return;
  for (int i = 0; i < plan->count; i++) {
    sg_error_clear(&plan->point[i].why);
    free(plan->point[i].note);
    free(plan->point[i].code_note);
  }
  free(plan->point);
  sg_points_free(plan->n_raw, plan->raw);
  if (!plan->borrows) sg_problem_cache_free(plan->cache);
  free(plan);
}

/* Those lines that are not there yet. */
static void put_lines(const char *at, sg_buffer *out) {
  for (size_t n; at && *at; at += n) {
    size_t length = strcspn(at, "\n");
    n = length + (at[length] == '\n');
    if (!out->data || !memmem(out->data, out->length, at, n)) {
      sg_put(out, "  ");
      sg_put_bytes(out, at, length);
      sg_put(out, "\n");
    }
  }
}

void sg_plan_notes(const sg_plan *plan, bool with_codes, sg_buffer *out) {
  for (int i = 0; i < plan->count; i++) {
    const sg_planned *p = &plan->point[i];
    put_lines(p->note, out);
    if (!with_codes || !p->code_note) continue;
    sg_buffer line = {0};
    sg_putf(&line, "%s: %s\n", p->label, p->code_note);
    if (line.failed)
      out->failed = true;
    else
      put_lines(line.data, out);
    sg_buffer_free(&line);
  }
}
