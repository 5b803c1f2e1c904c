/* SPDX-License-Identifier: MIT */
/* Sessions: the frame of run, plan, check and expect; asking: that of compare and query. */
#include "sim/cli/session.h"
#include "results/curate.h"
#include "sim/cli/output.h"

#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- Signals ---------------------------------------------------------------------------------- */

/* The only state that a signal handler can reach. */
static atomic_bool stop_wanted;

static void on_signal(int number) {
  atomic_store(&stop_wanted, true);
}

/* While a database is open a signal stops the runs; a second one ends the program at once, which
 * the database survives, too. Before, as after, there is nothing to be put in order: the first one
 * ends it, whatever is being made for the plan. */
const atomic_bool *sg_catch_signals(bool open) {
  static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
  struct sigaction action = {.sa_handler = open ? on_signal : SIG_DFL,
                             .sa_flags = (int)SA_RESETHAND};
  for (int i = 0; i < 3; i++) {
    struct sigaction old;
    bool nohup =
        signals[i] == SIGHUP && !sigaction(SIGHUP, NULL, &old) && old.sa_handler == SIG_IGN;
    if (!nohup) sigaction(signals[i], &action, NULL);
  }
  return &stop_wanted;
}

/* --- Sessions --------------------------------------------------------------------------------- */

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
  if (!status) return sg_plan_new(s->scenario, &s->plan, &s->error);
  /* Of a scenario that can be read the faults of its points, too, all at once. */
  if (status == SG_INVALID && s->scenario && sg_scenario_is_complete(s->scenario)) {
    sg_plan_new(s->scenario, &s->plan, &s->error);
    status = sg_error_status(&s->error);
  }
  return status;
}

/* Whether a file is in a folder or below it, with all links followed; one that is not there yet, or
 * is being made by somebody else just now, is where its folder is; a link to nothing is nowhere. */
static bool is_inside(const char *folder, const char *path) {
  struct stat info;
  char home[PATH_MAX], real[PATH_MAX], above[PATH_MAX] = "."; /* not to be refused for memory */
  bool found = realpath(path, real);
  if (!found && (lstat(path, &info) != 0 || !S_ISLNK(info.st_mode))) {
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash + 1 - path) : 0;
    if (n >= sizeof above) return false;
    if (slash) snprintf(above, sizeof above, "%.*s", (int)n, path);
    if (!realpath(above, real)) return true; /* the folder is missing, which opening will say */
    found = true;
  }
  if (!found || !realpath(*folder ? folder : ".", home)) return false;
  size_t n = strlen(home);
  return strncmp(real, home, n) == 0 && (n == 1 || real[n] == '/' || !real[n]);
}

/* own: the name is the scenario's, or made from it. */
static sg_status check_place(sg_session *s, bool own) {
  if (!own || is_inside(sg_scenario_folder(s->scenario), s->database)) return SG_OK;
  return sg_fail(&s->error, SG_CANNOT_CREATE, s->database,
                 "a link leads out of the scenario's folder; name the file with -o if it is meant");
}

sg_status sg_session_place(sg_session *s, const char *path) {
  s->database = path ? path : sg_scenario_database(s->scenario);
  return check_place(s, !path);
}

/* Two scenarios of one name in one database: their environments would be called the same. */
static sg_status warn_of_namesake(sg_session *s) {
  char sha256[65];
  sg_buffer path = {0};
  const char *text = sg_scenario_text(s->scenario), *name = sg_scenario_name(s->scenario);
  sg_sha256(text, strlen(text), sha256);
  sg_status status = sg_db_namesake(s->db, name, s->path, sha256, &path, &s->error);
  if (!status && path.data)
    sg_say("note: %s has results of another scenario that is called \"%s\": %s. A \"name\" of its "
           "own tells them apart, -o puts them elsewhere, and forget takes them out.\n",
           s->database, name, path.data);
  sg_buffer_free(&path);
  return status;
}

sg_status sg_session_database(sg_session *s, const char *path, sg_open_mode mode) {
  sg_status status = sg_session_place(s, path);
  const atomic_bool *stop = mode == SG_OPEN_WRITE ? sg_catch_signals(true) : NULL;
  if (!status) status = sg_db_open_until(s->database, mode, stop, &s->db, &s->error);
  return status || mode != SG_OPEN_WRITE ? status : warn_of_namesake(s);
}

/* A database that is not there yet is not made for runs that cannot fit. */
sg_status sg_session_output(sg_session *s, const sg_args *args) {
  bool sure = sg_args_given(args, "force"), there = access(s->database, F_OK) == 0;
  sg_status status = !sure && !there ? sg_session_room(s, sg_threads(args)) : SG_OK;
  if (!status) status = sg_session_database(s, s->database, SG_OPEN_WRITE);
  return !status && !sure && there ? sg_session_room(s, sg_threads(args)) : status;
}

sg_status sg_session_shard(const sg_call *call, sg_session *s) {
  const char *shard = sg_args_text(call->args, "shard"), *known = sg_args_text(call->args, "known");
  const char *output = sg_args_text(call->args, "output");
  sg_status status = sg_session_place(s, output);
  if (!status && shard) status = sg_shard_read(shard, &s->shard, &s->error);
  if (!status && shard) {
    const char *whole = s->database;
    if (!known && access(whole, F_OK) == 0) known = whole;
    snprintf(s->number, sizeof s->number, "%d/%d", s->shard.index + 1, s->shard.count);
    sg_shard_put_database(&s->shard, whole, &s->part);
    s->database = s->part.data;
    status = s->part.failed ? sg_fail_memory(&s->error) : check_place(s, !output);
  }
  return status || !known ? status : sg_db_open(known, SG_OPEN_READ, &s->known, &s->error);
}

sg_status sg_session_deal(sg_session *s) {
  return s->shard.count ? sg_deal_new(s->plan, s->shard, &s->deal, &s->error) : SG_OK;
}

sg_status sg_session_finish(sg_session *s, sg_status status) {
  if (s->known) sg_db_close(s->known, &s->error);
  s->known = NULL;
  bool plain = true;
  sg_status closing = s->db ? sg_db_settle(s->db, &plain, &s->error) : SG_OK;
  if (!plain && !closing)
    sg_say("%s: somebody reads it: results are also in %s-wal, which belongs to it until the next "
           "command has closed both; copy none without the other\n",
           s->database, s->database);
  sg_db_close(s->db, NULL);
  s->db = NULL;
  return status ? status : closing;
}

int sg_session_close(sg_session *s, sg_status status, int code) {
  status = sg_session_finish(s, status);
  if (sg_failed(&s->error))
    code = sg_print_faults(s->scenario, s->path, s->format, &s->error);
  else if (status)
    code = sg_say_faults(s->path, status, &s->error);
  if (status == SG_INTERRUPTED) return sg_exit_code(status);
  sg_deal_free(s->deal);
  sg_buffer_free(&s->part);
  sg_plan_free(s->plan);
  sg_scenario_free(s->scenario);
  for (int i = 0; i < s->n_overrides; i++) free((char *)(uintptr_t)s->override[i].pointer);
  free(s->override);
  *s = (sg_session){0};
  return code;
}

int sg_ask(const sg_call *call) {
  sg_error e = {0};
  sg_db *db = NULL;
  sg_buffer out = {0};
  sg_status status = sg_db_open(call->args->word[0], SG_OPEN_READ, &db, &e);
  if (!status) status = call->command->ask(db, call->args, &out, &e);
  if (db) sg_db_close(db, &e);
  if (!status) {
    sg_error_clear(&e);
    return sg_print(&out);
  }
  sg_buffer_free(&out);
  return sg_say_faults(call->command->name, status, &e);
}

bool sg_wants_progress(const sg_args *args) {
  return !sg_args_given(args, "quiet") && sg_cursor(STDERR_FILENO);
}

int sg_processors(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  int n = CPU_COUNT(&set);
  return n > 0 ? n : 1;
}

int sg_threads(const sg_args *args) {
  return sg_args_given(args, "threads") ? (int)sg_args_integer(args, "threads") : sg_processors();
}
