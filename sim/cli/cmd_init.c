/* SPDX-License-Identifier: MIT */
/* The command init: a scenario that works, in any folder, from the templates that are compiled in.
 */
#include "sim/cli/output.h"
#include "sim/cli/session.h"
#include "sim/cli/templates.h"
#include "sim/core/owned.h"
#include "sim/fit/fit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

typedef struct making {
  const sg_template *from;
  const char *trace; /* NULL: none */
  sg_buffer path;    /* of the scenario */
  sg_buffer folder;  /* of the scenario, with a '/' at its end, or "" */
  bool force;
  bool unit, loads; /* the trace is not in seconds; it has loads */
  sg_error e;
} making;

/* --- Files ------------------------------------------------------------------------------------ */

/* What is there is never followed: a link in the place of a file is a file that is there. */
static bool is_there(const char *path) {
  struct stat info;
  return lstat(path, &info) == 0;
}

static sg_status fail_create(making *m, const char *path) {
  return sg_fail(&m->e, SG_CANNOT_CREATE, path, "cannot create \"%s\": %s", path, strerror(errno));
}

static bool write_all(int fd, const char *bytes, size_t n) {
  while (n > 0) {
    ssize_t written = write(fd, bytes, n);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes += written;
    n -= (size_t)written;
  }
  return true;
}

/* A file of its own, under another name until it is whole; it takes the place of a link, not of
 * what the link leads to. */
static sg_status write_file(making *m, const char *path, const char *bytes, size_t n) {
  sg_buffer part = {0};
  sg_putf(&part, "%s.part", path);
  if (part.failed) return sg_fail_memory(&m->e);
  sg_status status = SG_OK;
  if (m->force) unlink(part.data);
  int fd = open(part.data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0) status = fail_create(m, part.data);
  bool ok = fd >= 0 && write_all(fd, bytes, n);
  if (fd >= 0 && close(fd) != 0) ok = false;
  if (ok && !m->force && link(part.data, path) == 0)
    unlink(part.data);
  else if (ok && !m->force && errno != EPERM && errno != ENOTSUP)
    ok = false;
  else if (ok)
    ok = rename(part.data, path) == 0;
  if (!status && !ok) {
    status = fail_create(m, path);
    unlink(part.data);
  }
  sg_buffer_free(&part);
  return status;
}

static sg_status fail_there(making *m, const char *path, const char *what) {
  return sg_fail(&m->e, SG_CANNOT_CREATE, path, "\"%s\" is there already%s; --force writes over it",
                 path, what);
}

/* The folders on the way to a file. */
static sg_status make_folders(making *m, const char *path) {
  SG_OWNED char *above = strdup(path);
  if (!above) return sg_fail_memory(&m->e);
  for (char *slash = above + 1; *above && (slash = strchr(slash, '/')); slash++) {
    *slash = '\0';
    if (mkdir(above, 0777) != 0 && errno != EEXIST) return fail_create(m, above);
    *slash = '/';
  }
  return SG_OK;
}

/* A data file of the template beside the scenario; one that is the same may be there. `data` must
 * not be a link, which may lead out of the folder. */
static sg_status put_data(making *m, const char *name) {
  const char *slash = strrchr(m->from->file, '/');
  sg_buffer source = {0}, path = {0}, below = {0};
  sg_putf(&source, "%.*s%s", (int)(slash + 1 - m->from->file), m->from->file, name);
  sg_putf(&path, "%s%s", m->folder.data, name);
  sg_putf(&below, "%s%.*s", m->folder.data, (int)strcspn(name, "/"), name);
  size_t n = 0, there = 0;
  const char *bytes = source.failed ? NULL : sg_embedded(source.data, &n);
  SG_OWNED char *old = NULL;
  struct stat info;
  sg_status status = SG_OK;
  if (source.failed || path.failed || below.failed)
    status = sg_fail_memory(&m->e);
  else if (!bytes)
    status = sg_fail(&m->e, SG_BUG, NULL, "%s is not compiled in", source.data);
  else if (lstat(below.data, &info) == 0 && S_ISLNK(info.st_mode))
    status = sg_fail(&m->e, SG_CANNOT_CREATE, below.data,
                     "\"%s\" is a link: the data would not be beside the scenario", below.data);
  else if (!is_there(path.data))
    status = make_folders(m, path.data);
  else if (!sg_read_file(path.data, NULL, &old, &there, NULL) && there == n &&
           memcmp(old, bytes, n) == 0)
    bytes = NULL; /* nothing to do */
  else if (!m->force)
    status = fail_there(m, path.data, " and is another file");
  if (!status && bytes) status = write_file(m, path.data, bytes, n);
  sg_buffer_free(&source);
  sg_buffer_free(&path);
  sg_buffer_free(&below);
  return status;
}

/* --- Traces ----------------------------------------------------------------------------------- */

/* A path from one folder to a file, both absolute without links. */
static void put_relative(const char *folder, const char *file, sg_buffer *out) {
  size_t common = 0, i = 0;
  for (; folder[i] && folder[i] == file[i]; i++)
    if (file[i] == '/') common = i + 1;
  if (!folder[i] && file[i] == '/') common = i + 1;
  for (const char *rest = folder + (common < i ? common : i); *rest;
       rest = strchr(rest, '/') ? strchr(rest, '/') + 1 : "")
    if (*rest != '/') sg_put(out, "../");
  sg_put(out, file + common);
}

static sg_status put_trace_path(making *m, sg_buffer *out) {
  char folder[PATH_MAX], file[PATH_MAX];
  if (!realpath(*m->folder.data ? m->folder.data : ".", folder) || !realpath(m->trace, file))
    return sg_fail(&m->e, SG_NO_INPUT, m->trace, "cannot open \"%s\": %s", m->trace,
                   strerror(errno));
  put_relative(folder, file, out);
  return out->failed ? sg_fail_memory(&m->e) : SG_OK;
}

static void put_replay(const sg_trace *trace, const char *path, sg_buffer *out) {
  sg_putf(out, "\"cluster\": { \"workers\": %d },\n\"delay\": { \"model\": \"trace\", \"path\": ",
          trace->workers);
  sg_put_json_string(out, path);
  sg_put(out, ", \"mode\": \"block-bootstrap\"");
  if (!trace->seconds) sg_put(out, ", \"unit_s\": 1");
  sg_put(out, ", \"unit\": \"subset\", \"scaling\": \"proportional\" }");
}

/* What `fit` prints to be pasted. */
static sg_status put_fitted(making *m, const sg_trace *trace, const char *path, sg_buffer *out) {
  sg_fit *fit = NULL;
  const sg_fit_options options = {.seed = 1, .replicates = 199};
  sg_status status = sg_fit_new(trace, path, &options, &fit, &m->e);
  if (!status && fit->warned[SG_FIT_BARRIER])
    status = sg_fail(&m->e, SG_INVALID, m->trace, "%s", fit->verdict);
  if (!status) sg_put(out, fit->model[fit->recommended].scenario);
  sg_fit_free(fit);
  return status;
}

/* The members that the trace gives, in the scenario's indentation. */
static sg_status put_members(making *m, sg_buffer *out) {
  sg_trace *trace = NULL;
  sg_buffer path = {0}, members = {0};
  sg_status status = sg_trace_read(m->trace, &trace, &m->e);
  if (!status) status = put_trace_path(m, &path);
  if (!status && m->from->fit)
    status = put_fitted(m, trace, path.data, &members);
  else if (!status)
    put_replay(trace, path.data, &members);
  if (!status && members.failed) status = sg_fail_memory(&m->e);
  for (const char *c = members.data; !status && *c; c++) {
    if (c == members.data) sg_put(out, "  ");
    sg_put_bytes(out, c, 1);
    if (*c == '\n') sg_put(out, "  ");
  }
  m->unit = trace && !trace->seconds;
  m->loads = trace && trace->load;
  sg_trace_free(trace);
  sg_buffer_free(&path);
  sg_buffer_free(&members);
  return status;
}

/* --- The scenario ----------------------------------------------------------------------------- */

/* The template without "$schema", which is relative to where it came from, and with the members of
 * the trace. */
static sg_status put_scenario(making *m, sg_buffer *out) {
  static const char schema[] = "\"$schema\": ", place[] = "@MEMBERS@";
  size_t n;
  const char *text = sg_embedded(m->from->file, &n);
  if (!text) return sg_fail(&m->e, SG_BUG, NULL, "%s is not compiled in", m->from->file);
  const char *cut = strstr(text, schema), *after = cut ? strchr(cut, ',') : NULL;
  if (after) {
    sg_put_bytes(out, text, (size_t)(cut - text));
    text = after + 1 + strspn(after + 1, " \n");
  }
  const char *hole = strstr(text, place);
  sg_status status = SG_OK;
  if (hole) {
    sg_put_bytes(out, text, (size_t)(hole - text));
    status = put_members(m, out);
    text = hole + strlen(place);
  }
  sg_put(out, text);
  return !status && out->failed ? sg_fail_memory(&m->e) : status;
}

/* NAME, NAME.json or FOLDER/, which is called as what it comes from. */
static sg_status find_path(making *m, const char *name) {
  const char *slash = strrchr(name, '/'), *base = slash ? slash + 1 : name;
  if (strcmp(base, ".") == 0 || strcmp(base, "..") == 0 || strcmp(base, ".json") == 0 ||
      strcmp(name, "-") == 0 || sg_has_control(name))
    return sg_fail(&m->e, SG_USAGE, NULL, "expected a name for the scenario, found \"%s\"", name);
  size_t n = strlen(base);
  bool whole = n > 5 && strcmp(base + n - 5, ".json") == 0;
  sg_putf(&m->folder, "%.*s", (int)(base - name), name);
  sg_putf(&m->path, "%s%s%s", name, *base ? "" : m->from->name, whole ? "" : ".json");
  return m->folder.failed || m->path.failed ? sg_fail_memory(&m->e) : SG_OK;
}

static sg_status make(making *m) {
  sg_buffer text = {0};
  sg_status status = SG_OK;
  if (!m->force && is_there(m->path.data)) return fail_there(m, m->path.data, "");
  if (m->trace && access(m->trace, R_OK) != 0)
    return sg_fail(&m->e, SG_NO_INPUT, m->trace, "cannot open \"%s\": %s", m->trace,
                   strerror(errno));
  status = make_folders(m, m->path.data);
  if (!status) status = put_scenario(m, &text);
  for (const char *const *data = m->from->data; *data && !status; data++)
    status = put_data(m, *data);
  if (!status) status = write_file(m, m->path.data, text.data, text.length);
  sg_buffer_free(&text);
  return status;
}

/* --- What is said ----------------------------------------------------------------------------- */

/* A word as a shell takes it. */
static void put_word(const char *word, sg_buffer *out) {
  static const char plain[] =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./+=";
  if (*word != '-' && *word && strspn(word, plain) == strlen(word)) {
    sg_put(out, word);
    return;
  }
  sg_put(out, "'");
  for (; *word; word++) sg_putf(out, *word == '\'' ? "'\\''" : "%c", *word);
  sg_put(out, "'");
}

static void put_next(const char *command, const char *path, const char *what, sg_buffer *out) {
  sg_putf(out, "  straggle %s ", command);
  put_word(path, out);
  sg_putf(out, "%s\n", what);
}

static int print_made(making *m) {
  sg_buffer out = {0}, database = {0};
  sg_putf(&out, "%s: written", m->path.data);
  for (const char *const *data = m->from->data; *data; data++)
    sg_putf(&out, "%s%s%s", data == m->from->data ? ", and " : " with ", m->folder.data, *data);
  sg_put(&out, "\n");
  if (m->unit)
    sg_put(&out, "The trace's times are not in seconds: say by unit_s how long one is.\n");
  if (m->loads && !m->from->fit)
    sg_put(&out, "The trace has loads: --from fit finds how times grow with them.\n");
  sg_putf(&database, "%.*s.db", (int)(strlen(m->path.data) - 5), m->path.data);
  if (!database.failed && is_there(database.data))
    sg_putf(&out, "%s is there already, with results of its own; new ones come beside them.\n",
            database.data);
  sg_put(&out, "Change it as you like (straggle schema --reference explains every member), then\n");
  put_next("check", m->path.data, "    # every fault at once, and where results go", &out);
  put_next("run", m->path.data, "", &out);
  put_next("compare", database.failed ? "" : database.data, "", &out);
  out.failed |= database.failed;
  sg_buffer_free(&database);
  return sg_print(&out);
}

static int print_list(void) {
  static const char *const columns[] = {"template", "what it is"};
  sg_buffer out = {0};
  sg_table *t = sg_table_new(2, columns);
  for (const sg_template *k = sg_templates; t && k->name; k++) {
    sg_table_text(t, k->name);
    sg_table_text(t, k->summary);
  }
  sg_put_table(t, SG_FORMAT_TEXT, &out);
  return sg_print(&out);
}

static int run(const sg_call *call) {
  const sg_args *args = call->args;
  making m = {.from = &sg_templates[sg_args_find(args, "from")->choice],
              .force = sg_args_given(args, "force")};
  int words = args->n_words;
  const char *name = words > 0 ? args->word[0] : "", *last = words > 0 ? args->word[words - 1] : "";
  SG_OWNED char *made = NULL;
  if (sg_args_given(args, "list")) return print_list();
  if (m.from->trace && words == 0)
    return sg_usage_fault(call, "expected a trace with --from %s", m.from->name);
  if (!m.from->trace && words == 2)
    return sg_usage_fault(call, "expected a trace only with --from trace or fit, found \"%s\"",
                          last);
  if (m.from->trace) m.trace = last;
  if (m.from->trace && words == 1) { /* called as the trace is, here */
    const char *slash = strrchr(last, '/'), *base = slash ? slash + 1 : last;
    const char *dot = strrchr(base, '.');
    made = strndup(base, dot && dot != base ? (size_t)(dot - base) : strlen(base));
    if (!made) return sg_out_of_memory();
    name = made;
  }
  sg_status status = find_path(&m, name);
  if (!status) status = make(&m);
  int code = status ? sg_print_faults(NULL, m.path.data ? m.path.data : "straggle init",
                                      SG_FORMAT_TEXT, &m.e)
                    : print_made(&m);
  sg_error_clear(&m.e);
  sg_buffer_free(&m.path);
  sg_buffer_free(&m.folder);
  return code;
}

const sg_command sg_cmd_init = {
    .name = "init",
    .summary = "Write a scenario that works, to be changed.",
    .operands = {{.name = "NAME", .what = "a name for the scenario", .most = 1, .file = true},
                 {.name = "TRACE", .what = "a trace", .most = 1, .file = true}},
    .options = {SG_OPTION_ROW("from", 0, CHOICE, "TEMPLATE", "what it begins as",
                              .choices = sg_template_names, .fallback = "quickstart"),
                SG_OPTION_ROW_FLAG("list", 'l', "the templates, and what they are"),
                SG_OPTION_ROW_FLAG("force", 0, "write over files that are there")},
    .text = {"Writes NAME.json, and what data it needs beside it; NAME may have a folder before "
             "it. The scenario runs where it stands, and its results go beside it.",
             "With --from trace the workers' times are those of a trace, resampled in blocks, with "
             "--from fit they have the model that fit recommends for it. The trace stays where it "
             "is: the scenario names it."},
    .examples = {{"init my", "my.json and data/, from the quickstart"},
                 {"init study/net --from sweep", "A sweep, in a folder"},
                 {"init mine --from trace times.csv", "On measured times"}},
    .run = run};
