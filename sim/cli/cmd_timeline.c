/* SPDX-License-Identifier: MIT */
/* The command timeline: what happened in a run, as a trace for viewers or as a picture. */
#include "sim/cli/output.h"
#include "sim/cli/session.h"
#include "sim/timeline/replay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { MOST_DRAWN = 20 }; /* iterations of a picture */

typedef enum kind { PERFETTO, CHROME, GANTT, UNKNOWN } kind;

static kind kind_of(const char *path) {
  const char *dot = strrchr(path, '.');
  if (!dot || strchr(dot, '/')) return UNKNOWN;
  if (strcmp(dot, ".svg") == 0) return GANTT;
  if (strcmp(dot, ".json") == 0) return CHROME;
  bool native = strcmp(dot, ".pftrace") == 0 || strcmp(dot, ".perfetto-trace") == 0;
  return native ? PERFETTO : UNKNOWN;
}

/* "a..b", "a" (that one), "a.." (to the end), "..b" */
static bool read_range(const char *text, long *first, long *last) {
  const char *dots = strstr(text, "..");
  char *end;
  errno = 0;
  *first = 0;
  *last = -1;
  if (dots != text) {
    if (*text < '0' || *text > '9') return false;
    *first = strtol(text, &end, 10);
    if (errno || *first < 0 || (dots ? end != dots : *end != '\0')) return false;
    if (!dots) *last = *first;
  }
  if (dots && dots[2]) {
    if (dots[2] < '0' || dots[2] > '9') return false;
    *last = strtol(dots + 2, &end, 10);
    if (errno || *end || *last < *first) return false;
  }
  return !dots || dots != text || dots[2];
}

/* "/pointer=value", in a copy. */
static sg_status read_overrides(const sg_arg *set, sg_replay_options *o, sg_error *e) {
  sg_override *list = calloc((size_t)set->count + 1, sizeof *list);
  if (!list) return sg_fail_memory(e);
  o->override = list;
  for (int i = 0; i < set->count; i++) {
    char *text = strdup(set->item[i]), *equals = text ? strchr(text, '=') : NULL;
    if (!text) return sg_fail_memory(e);
    if (equals) *equals = '\0';
    list[o->n_overrides++] = (sg_override){.pointer = text, .value = equals ? equals + 1 : ""};
  }
  return SG_OK;
}

/* Whole or not at all: under another name until it is there. */
static sg_status write_file(const char *path, const sg_buffer *text, sg_error *e) {
  sg_buffer part = {0};
  sg_putf(&part, "%s.part", path);
  if (part.failed) return sg_fail_memory(e);
  int fd = open(part.data, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666), error = errno;
  bool made = fd >= 0, ok = made;
  for (size_t at = 0; ok && at < text->length;) {
    ssize_t n = write(fd, text->data + at, text->length - at);
    if (n < 0 && errno == EINTR) continue;
    ok = n > 0;
    error = errno;
    at += ok ? (size_t)n : 0;
  }
  if (made && close(fd) != 0 && ok) ok = false, error = errno;
  if (ok && rename(part.data, path) != 0) ok = false, error = errno;
  if (made && !ok) unlink(part.data);
  sg_buffer_free(&part);
  return ok ? SG_OK
            : sg_fail(e, made ? SG_IO : SG_CANNOT_CREATE, NULL, "cannot write \"%.200s\": %s", path,
                      strerror(error));
}

static sg_status put_file(const sg_timeline *t, kind of, sg_buffer *out, sg_error *e) {
  bool fine = true;
  switch (of) {
  case PERFETTO: fine = sg_put_perfetto(t, out); break;
  case CHROME: fine = sg_put_chrome(t, out); break;
  default: sg_put_gantt(t, out); break;
  }
  if (fine && !out->failed) return SG_OK;
  if (!(t->end_s < SG_MOST_TRACE_S))
    return sg_fail(e, SG_INVALID, NULL,
                   "the iterations end at %g s, and traces count nanoseconds, to %g s: expected "
                   "earlier --iterations",
                   t->end_s, SG_MOST_TRACE_S);
  return sg_fail_memory(e);
}

static int print_report(const sg_timeline *t, const char *path, size_t bytes) {
  char seconds[32], size[32];
  sg_buffer text = {0}, out = {0};
  sg_putf(&text, "%s: run %lld, %s, replication %d, ", path, t->run_id, t->label, t->replication);
  if (t->first == t->last)
    sg_putf(&text, "iteration %ld", t->first);
  else
    sg_putf(&text, "iterations %ld to %ld", t->first, t->last);
  sg_putf(&text, " of %ld: %s, %d messages; %s\n", t->rows,
          sg_format_seconds(t->end_s - t->begin_s, seconds), t->n_sent,
          sg_format_bytes((double)bytes, size));
  out.failed = text.failed;
  if (!out.failed) sg_put_clean(&out, text.data, text.length, "\n", '?');
  sg_buffer_free(&text);
  return sg_print(&out);
}

static int run(const sg_call *call) {
  const sg_args *args = call->args;
  const char *path = sg_args_text(args, "output"), *range = sg_args_text(args, "iterations");
  bool by_id = sg_args_given(args, "run"), by_scheme = sg_args_given(args, "scheme");
  if (!path) return sg_usage_fault(call, "expected --output FILE");
  kind of = sg_args_given(args, "json") ? CHROME : kind_of(path);
  if (of == UNKNOWN)
    return sg_usage_fault(
        call, "expected a file that ends in .pftrace, .json or .svg, found \"%s\"", path);
  if (by_id == by_scheme) return sg_usage_fault(call, "expected --run ID or --scheme LABEL");
  if (by_id && (sg_args_given(args, "replication") || sg_args_given(args, "environment")))
    return sg_usage_fault(call, "--run says which run: expected neither --replication nor "
                                "--environment with it");
  sg_replay_options options = {.last = of == GANTT ? 0 : -1};
  if (range && !read_range(range, &options.first, &options.last))
    return sg_usage_fault(call, "--iterations: expected a..b, a.., ..b or one number, found \"%s\"",
                          range);
  const sg_run_name name = {.run_id = by_id ? (int64_t)sg_args_find(args, "run")->number : 0,
                            .scheme = sg_args_text(args, "scheme"),
                            .replication = (int)sg_args_integer(args, "replication"),
                            .environment = sg_args_given(args, "environment")
                                               ? (int)sg_args_integer(args, "environment")
                                               : 0};
  sg_error e = {0};
  sg_db *db = NULL;
  sg_timeline t = {0};
  sg_buffer out = {0};
  int64_t run_id = 0;
  sg_status status = read_overrides(sg_args_find(args, "set"), &options, &e);
  if (!status) status = sg_db_open(args->word[0], SG_OPEN_READ, &db, &e);
  if (!status) status = sg_find_run(db, &name, &run_id, &e);
  if (!status) status = sg_replay(db, run_id, &options, &t, &e);
  if (db) sg_db_close(db, &e);
  if (!status && of == GANTT && t.last - t.first >= MOST_DRAWN)
    status = sg_fail(&e, SG_USAGE, NULL,
                     "a picture has room for %d iterations, found %ld; traces have room for all",
                     MOST_DRAWN, t.last - t.first + 1);
  if (!status) status = put_file(&t, of, &out, &e);
  if (!status) status = write_file(path, &out, &e);
  int code =
      status ? sg_say_faults(call->command->name, status, &e) : print_report(&t, path, out.length);
  for (int i = 0; i < options.n_overrides; i++) free((char *)options.override[i].pointer);
  free((sg_override *)options.override);
  sg_buffer_free(&out);
  sg_timeline_free(&t);
  sg_error_clear(&e);
  return code;
}

const sg_command sg_cmd_timeline = {
    .name = "timeline",
    .summary = "Show what happened in a run: a trace or a picture.",
    .operands = {SG_OPERAND_FILE("DB", "one result database")},
    .options =
        {SG_OPTION_ROW("run", 0, INTEGER, "ID", "the run, by its run_id", .min = 1, .max = 9e15),
         SG_OPTION_ROW("scheme", 0, TEXT, "LABEL",
                       "or a run of this scheme, by its label or its code"),
         SG_OPTION_ROW("replication", 0, INTEGER, "R",
                       "with --scheme: the number of the replication", .min = 0,
                       .max = SG_MAX_REPLICATIONS - 1, .fallback = "0"),
         SG_OPTION_ROW("environment", 'e', INTEGER, "N",
                       "with --scheme: the number of the environment, as compare counts them",
                       .min = 1, .max = 1e6),
         SG_OPTION_ROW("iterations", 'i', TEXT, "A..B",
                       "these iterations, from 0; A.., ..B or one number; without it all, in a "
                       "picture the first"),
         SG_OPTION_ROW("output", 'o', FILE, "FILE",
                       "the file: .pftrace for Perfetto, .json for Chrome's viewer and others, "
                       ".svg a picture"),
         SG_OPTION_ROW_FLAG("json", 0, "Chrome's JSON, whatever the file is called"),
         SG_OPTION_ROW("set", 0, SETTING, "/pointer=value",
                       "override a member of the run's configuration, such as the path of a trace "
                       "that is elsewhere now; may be repeated")},
    .text = {"The run is simulated again from its stored configuration. Where its rows are not the "
             "stored ones, or are of another results version, that is said and nothing is drawn. "
             "Data are not read, unless times depend on them; traces of times are.",
             "A picture has a row per worker: computing, what it sends, when that comes and which "
             "decode uses it. docs/timeline.md says how traces are looked at."},
    .examples = {{"timeline my.db --scheme uncoded -o run.pftrace",
                  "A whole run, for ui.perfetto.dev"},
                 {"timeline my.db --run 16777216 --iterations 10..19 --json -o run.json",
                  "Ten iterations, for chrome://tracing"},
                 {"timeline my.db --scheme uncoded --iterations 7 -o seven.svg",
                  "A picture of one iteration"}},
    .run = run};
