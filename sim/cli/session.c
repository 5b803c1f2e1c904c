/* SPDX-License-Identifier: MIT */
/* Sessions: the frame of run, plan, check and expect; asking: that of compare and query. */
#include "sim/cli/session.h"
#include "sim/cli/output.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* "/pointer=value" in two; the command line stays as it is, for the database keeps it. */
static sg_status split(const char *text, sg_override *o, sg_error *e) {
  char *pointer = strdup(text);
  if (!pointer) return sg_fail_memory(e);
  char *equals = strchr(pointer, '=');
  *equals = '\0';
  *o = (sg_override){.pointer = pointer, .value = equals + 1};
  return SG_OK;
}

sg_status sg_session_open(const sg_call *call, const char *path, sg_session *s) {
  const sg_arg *set = sg_args_find(call->args, "set");
  *s = (sg_session){.path = path, .format = sg_args_format(call->args)};
  s->override = calloc((size_t)set->count + 1, sizeof *s->override);
  sg_status status = s->override ? SG_OK : sg_fail_memory(&s->error);
  for (int i = 0; i < set->count && !status; i++)
    status = split(set->item[i], &s->override[s->n_overrides++], &s->error);
  if (!status)
    status = sg_scenario_read(path, s->n_overrides, s->override, &s->scenario, &s->error);
  return status ? status : sg_plan_new(s->scenario, &s->plan, &s->error);
}

sg_status sg_session_shard(const sg_call *call, sg_session *s) {
  const char *shard = sg_args_text(call->args, "shard"), *known = sg_args_text(call->args, "known");
  s->database = sg_args_text(call->args, "output");
  if (!shard) return known ? sg_db_open(known, SG_OPEN_READ, &s->known, &s->error) : SG_OK;
  const char *whole = s->database ? s->database : sg_scenario_database(s->scenario);
  sg_status status = sg_shard_read(shard, &s->shard, &s->error);
  if (status) return status;
  snprintf(s->number, sizeof s->number, "%d/%d", s->shard.index + 1, s->shard.count);
  sg_shard_put_database(&s->shard, whole, &s->place);
  if (s->place.failed) return sg_fail_memory(&s->error);
  s->database = s->place.data;
  if (!known && access(whole, F_OK) == 0) known = whole;
  return known ? sg_db_open(known, SG_OPEN_READ, &s->known, &s->error) : SG_OK;
}

sg_status sg_session_deal(sg_session *s) {
  return s->shard.count ? sg_deal_new(s->plan, s->shard, &s->deal, &s->error) : SG_OK;
}

sg_status sg_session_database(sg_session *s, const char *path, sg_open_mode mode) {
  s->database = path ? path : sg_scenario_database(s->scenario);
  return sg_db_open(s->database, mode, &s->db, &s->error);
}

sg_status sg_session_finish(sg_session *s, sg_status status) {
  if (s->known) sg_db_close(s->known, &s->error);
  s->known = NULL;
  sg_status closing = s->db ? sg_db_close(s->db, &s->error) : SG_OK;
  s->db = NULL;
  return status ? status : closing;
}

int sg_session_close(sg_session *s, sg_status status, int code) {
  status = sg_session_finish(s, status);
  if (s->error.count > 0)
    code = sg_print_faults(s->scenario, s->path, s->format, &s->error);
  else if (status)
    code = sg_exit_code(status);
  sg_deal_free(s->deal);
  sg_buffer_free(&s->place);
  sg_plan_free(s->plan);
  sg_scenario_free(s->scenario);
  for (int i = 0; i < s->n_overrides; i++) free((char *)(uintptr_t)s->override[i].pointer);
  free(s->override);
  *s = (sg_session){0};
  return code;
}

void sg_put_skipped(const sg_plan *plan, const char *indent, bool axes, sg_buffer *out) {
  for (const sg_planned *p = plan->point; p < plan->point + plan->count; p++)
    for (int f = 0; f < p->why.count; f++) {
      sg_putf(out, "%sskipped: %s", indent, p->label);
      for (int a = 0; axes && a < p->point->n_axes; a++)
        sg_putf(out, ", %s = %s", p->point->axis_name[a], p->point->axis_value[a]);
      sg_putf(out, ": %s\n", p->why.fault[f].message);
    }
}

int sg_ask(const sg_call *call) {
  sg_error e = {0};
  sg_db *db = NULL;
  sg_buffer out = {0};
  sg_status status = sg_db_open(call->args->word[0], SG_OPEN_READ, &db, &e);
  if (!status) status = call->command->ask(db, call->args, &out, &e);
  if (db) sg_db_close(db, &e);
  for (int i = 0; status && i < e.count; i++)
    fprintf(stderr, "straggle %s: %s\n", call->command->name,
            e.fault[i].message ? e.fault[i].message : "out of memory");
  sg_error_clear(&e);
  if (!status) return sg_print(&out);
  sg_buffer_free(&out);
  return sg_exit_code(status);
}

bool sg_wants_progress(const sg_args *args) {
  return !sg_args_given(args, "quiet") && isatty(STDERR_FILENO);
}

int sg_threads(const sg_args *args) {
  cpu_set_t set;
  if (sg_args_given(args, "threads")) return (int)sg_args_integer(args, "threads");
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  int n = CPU_COUNT(&set);
  return n > 0 ? n : 1;
}
