/* SPDX-License-Identifier: MIT */
/* The command papers: what papers say, beside what is simulated or computed exactly. */
#include "sim/cli/output.h"
#include "sim/cli/session.h"
#include "sim/cli/templates.h"
#include "sim/core/array.h"
#include "sim/core/nearest.h"
#include "sim/experiment/execute.h"
#include "sim/papers/papers.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

/* --- Which papers ----------------------------------------------------------------------------- */

static const char shipped[] = "scenarios/papers/";

typedef struct source {
  char *path;    /* of a file, or in the tree; owned */
  bool embedded; /* compiled in */
  bool whole;    /* of a folder: files that are of no paper are passed over */
} source;

typedef struct sources {
  int count, capacity;
  source *list;
} sources;

static void clear_sources(sources *all) {
  for (int i = 0; i < all->count; i++) free(all->list[i].path);
  free(all->list);
}

static sg_status add_source(sources *all, char *path, bool embedded, bool whole, sg_error *e) {
  if (!path || !SG_ROOM(all->list, all->capacity, all->count + 1)) {
    free(path);
    return sg_fail_memory(e);
  }
  all->list[all->count++] = (source){path, embedded, whole};
  return SG_OK;
}

static bool ends_in_json(const char *name) {
  size_t n = strlen(name);
  return n > 5 && strcmp(name + n - 5, ".json") == 0;
}

/* The name of a paper: its file's, without ".json". */
static const char *put_name(const char *path, sg_buffer *out) {
  const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
  int n = (int)strlen(base) - (ends_in_json(base) ? 5 : 0);
  out->length = 0;
  sg_putf(out, "%.*s", n, base);
  return out->failed ? "" : out->data;
}

/* Those that are compiled in: all, or the one of that name (none: the nearest is considered). */
static sg_status add_shipped(sources *all, const char *wanted, sg_nearness *near, sg_error *e) {
  sg_buffer name = {0};
  sg_status status = SG_OK;
  const char *file;
  for (int i = 0; (file = sg_embedded_name(i)) && !status; i++) {
    if (strncmp(file, shipped, strlen(shipped)) != 0) continue;
    const char *is = put_name(file, &name);
    if (name.failed) status = sg_fail_memory(e);
    if (!status && (!wanted || strcmp(is, wanted) == 0))
      status = add_source(all, strdup(file), true, false, e);
    else if (!status && near && sg_consider(near, is))
      near->best = file;
  }
  sg_buffer_free(&name);
  return status;
}

static int by_path(const void *a, const void *b) {
  return strcmp(((const source *)a)->path, ((const source *)b)->path);
}

static sg_status add_folder(sources *all, const char *path, sg_error *e) {
  DIR *d = opendir(path);
  if (!d)
    return sg_fail(e, SG_NO_INPUT, path, "cannot open the folder \"%s\": %s", path,
                   strerror(errno));
  int before = all->count;
  sg_status status = SG_OK;
  const char *slash = path[0] && path[strlen(path) - 1] == '/' ? "" : "/";
  for (struct dirent *f; !status && (f = readdir(d));) {
    char *file = NULL;
    if (f->d_name[0] == '.' || !ends_in_json(f->d_name)) continue;
    if (asprintf(&file, "%s%s%s", path, slash, f->d_name) < 0) file = NULL;
    status = add_source(all, file, false, true, e);
  }
  closedir(d);
  qsort(all->list + before, (size_t)(all->count - before), sizeof *all->list, by_path);
  if (!status && all->count == before)
    status = sg_fail(e, SG_NO_INPUT, path, "the folder \"%s\" has no scenario (*.json)", path);
  return status;
}

/* The name of one that ships, a file, or a folder of files. */
static sg_status add_word(sources *all, const char *word, sg_error *e) {
  struct stat info;
  int before = all->count;
  sg_nearness near = {.word = word};
  bool path = strchr(word, '/') || ends_in_json(word);
  sg_status status = path ? SG_OK : add_shipped(all, word, &near, e);
  if (status || all->count > before) return status;
  if (stat(word, &info) == 0 && S_ISDIR(info.st_mode)) return add_folder(all, word, e);
  if (path) return add_source(all, strdup(word), false, false, e);
  sg_buffer name = {0};
  if (near.best) put_name(near.best, &name);
  status = sg_fail(e, SG_USAGE, NULL,
                   "expected a paper that ships (straggle papers --list), a file *.json or a "
                   "folder, found \"%.60s\"%s%s%s",
                   word, near.best ? "; did you mean \"" : "", name.data ? name.data : "",
                   near.best ? "\"?" : "");
  sg_buffer_free(&name);
  return status;
}

static sg_status find_sources(const sg_args *args, sources *all, sg_error *e) {
  if (args->n_words == 0) return add_shipped(all, NULL, NULL, e);
  for (int i = 0; i < args->n_words; i++) add_word(all, args->word[i], e);
  return sg_error_status(e);
}

/* --- The database of the runs ----------------------------------------------------------------- */

typedef struct session {
  const sg_call *call;
  sg_format format;
  bool list, brief, bar, quiet;
  sg_db *db;
  const char *output;          /* NULL: a file of ours, which goes */
  char folder[512], path[540]; /* of ours */
  sg_provenance made;
  const atomic_bool *stop;
  sg_table *table; /* of all papers; NULL in text */
  sg_buffer out;
  int papers, targets, of[SG_VERDICTS];
} session;

static sg_status open_database(session *s, sg_error *e) {
  if (s->db) return SG_OK;
  const char *path = s->output, *temporary = getenv("TMPDIR");
  if (!path) {
    snprintf(s->folder, sizeof s->folder, "%s/straggle-papers-XXXXXX",
             temporary && *temporary ? temporary : "/tmp");
    if (!mkdtemp(s->folder)) {
      sg_status status = sg_fail(e, SG_CANNOT_CREATE, s->folder, "cannot create \"%s\": %s",
                                 s->folder, strerror(errno));
      s->folder[0] = '\0';
      return status;
    }
    snprintf(s->path, sizeof s->path, "%s/papers.db", s->folder);
    path = s->path;
  }
  s->stop = sg_catch_signals(true);
  return sg_db_open_until(path, SG_OPEN_WRITE, s->stop, &s->db, e);
}

static sg_status close_database(session *s, sg_error *e) {
  static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
  sg_status status = s->db ? sg_db_close(s->db, e) : SG_OK;
  s->db = NULL;
  for (int i = 0; *s->folder && i < 4; i++) {
    char path[600];
    snprintf(path, sizeof path, "%s%s", s->path, ends[i]);
    unlink(path);
  }
  if (*s->folder) rmdir(s->folder);
  return status;
}

static void show_progress(void *user, const sg_progress *p) {
  char done[48];
  snprintf(done, sizeof done, "%d/%d runs", p->runs_done, p->runs_total);
  sg_show_progress(user, p->share, done, p->elapsed_s, p->left_s);
}

static sg_status simulate(session *s, const sg_plan *plan, sg_error *e) {
  sg_execute_report report = {0};
  sg_status status = open_database(s, e);
  const sg_execute_options options = {.threads = sg_threads(s->call->args),
                                      .stop = s->stop,
                                      .progress = s->bar ? show_progress : NULL,
                                      .user = (void *)(uintptr_t)sg_scenario_name(plan->scenario)};
  if (!status) status = sg_execute(plan, s->db, &s->made.invocation, &options, &report, e);
  if (s->bar) sg_end_progress();
  return status;
}

/* --- What is printed -------------------------------------------------------------------------- */

static const char *text_of(const sg_values *v, const char *name) {
  return sg_given(v, name) ? sg_text(v, name) : NULL;
}

/* "Ye, Abbe 2018", "Tandon et al. 2017, arXiv:1612.03301" */
static void put_source(const sg_values *about, sg_buffer *out) {
  const char *authors = text_of(about, "authors"), *arxiv = text_of(about, "arxiv");
  const char *comma = authors ? strchr(authors, ',') : NULL;
  if (comma && strchr(comma + 1, ','))
    sg_putf(out, "%.*s et al. ", (int)(comma - authors), authors);
  else if (authors)
    sg_putf(out, "%s ", authors);
  sg_putf(out, "%ld", sg_int(about, "year"));
  if (arxiv) sg_putf(out, ", arXiv:%s", arxiv);
}

static const char *label_of(const sg_paper *p, const sg_judged *j) {
  return sg_given(j->target, "label") ? sg_text(j->target, "label") : sg_text(p->about, "label");
}

/* "7 digits", "z ≤ 4", "2 %", "order" */
static void put_rule(const sg_values *t, sg_buffer *out) {
  if (sg_given(t, "digits"))
    sg_putf(out, "%ld digit%s", sg_int(t, "digits"), sg_int(t, "digits") == 1 ? "" : "s");
  else if (sg_given(t, "z"))
    sg_putf(out, "|z| ≤ %.3g", sg_real(t, "z"));
  else if (sg_given(t, "percent"))
    sg_putf(out, "%.3g %%", sg_real(t, "percent"));
  else
    sg_put(out, sg_given(t, "order") ? "order" : "");
}

static void put_off(const sg_judged *j, sg_buffer *out) {
  if (isnan(j->off) || sg_given(j->target, "digits")) return;
  const char *percent = fabs(j->off) < 99.5 ? "%+.2g %%" : "%+.0f %%";
  sg_putf(out, sg_given(j->target, "z") ? "z %+.2f" : percent, j->off);
}

static void put_order(const sg_judged *j, sg_buffer *out) {
  for (int i = 0; i < sg_count(j->target, "order"); i++)
    sg_putf(out, "%s%s", i ? ", " : "", sg_item(j->target, "order", i)->text);
}

static double number_of(const sg_values *t, const char *name) {
  return sg_given(t, name) ? sg_real(t, name) : NAN;
}

/* As it is printed in the paper, as far as its digits are known. */
static void put_value(const sg_values *t, sg_buffer *out) {
  if (!sg_given(t, "value")) return;
  char text[48];
  double value = sg_real(t, "value");
  if (sg_given(t, "digits"))
    snprintf(text, sizeof text, "%#.*g", (int)sg_int(t, "digits"), value);
  else
    snprintf(text, sizeof text, "%.10g", value);
  size_t n = strlen(text);
  if (text[n - 1] == '.') text[n - 1] = '\0';
  sg_put(out, text);
  if (sg_given(t, "error")) sg_putf(out, " ± %.3g", sg_real(t, "error"));
}

/* A row of one target. `all`: for machines. */
static void put_target(sg_rows *r, const char *name, const sg_paper *p, const sg_judged *j,
                       bool all, bool alone) {
  const sg_values *t = j->target;
  sg_buffer value = {0}, rule = {0}, off = {0}, order = {0}, verdict = {0};
  put_value(t, &value);
  put_rule(t, &rule);
  put_order(j, &order);
  put_off(j, &off);
  sg_put(&verdict, sg_paper_verdict_words[j->verdict]);
  if (!all && !alone && j->why) sg_putf(&verdict, ": %s", j->why);
  if (!alone) sg_row_text(r, "paper", name);
  if (all) {
    sg_row_text(r, "title", sg_text(p->about, "title"));
    sg_row_text(r, "authors", text_of(p->about, "authors"));
    sg_row_text(r, "arxiv", text_of(p->about, "arxiv"));
    sg_row_integer(r, "year", sg_int(p->about, "year"));
  }
  sg_row_text(r, "label", label_of(p, j));
  sg_row_text(r, "what", sg_text(t, "what"));
  if (all) {
    sg_row_text(r, "where", text_of(t, "where"));
    sg_row_text(r, "scheme", j->n_points == 1 ? j->point[0]->label : NULL);
    sg_row_text(r, "over", j->over ? j->over->label : NULL);
    sg_row_text(r, "quantity", sg_text(t, "quantity"));
    sg_row_text(r, "by", sg_text(t, "by"));
  }
  if (all) sg_row_number(r, "target", number_of(t, "value"), 10);
  if (all) sg_row_number(r, "target_error", number_of(t, "error"), 3);
  if (!all) sg_row_buffer(r, "target", &value);
  sg_row_number(r, "ours", j->value, 8);
  sg_row_number(r, all ? "std_error" : "±", !all && j->error <= 0 ? NAN : j->error, 2);
  sg_row_buffer(r, all ? "judged_by" : "wanted", &rule);
  if (all) {
    sg_row_number(r, "off", j->off, 3);
    sg_row_buffer(r, "order", &order);
  } else {
    sg_row_buffer(r, "off", &off);
  }
  sg_row_buffer(r, "verdict", &verdict);
  if (all) sg_row_text(r, "why", j->why);
  sg_buffer_free(&value);
  sg_buffer_free(&off);
  sg_buffer_free(&order);
}

/* A line of --brief or --list: "3 equal, 1 differs". */
static void put_brief(sg_rows *r, const session *s, const char *name, const sg_paper *p,
                      const int *of) {
  bool all = s->format == SG_FORMAT_CSV || s->format == SG_FORMAT_JSON;
  sg_buffer origin = {0}, verdicts = {0};
  put_source(p->about, &origin);
  for (int v = 0; v < SG_VERDICTS && !s->list; v++)
    if (of[v])
      sg_putf(&verdicts, "%s%d %s", verdicts.length ? ", " : "", of[v],
              v == SG_DIFFERS && of[v] > 1 ? "differ" : sg_paper_verdict_words[v]);
  sg_row_text(r, "paper", name);
  if (all) {
    sg_row_text(r, "title", sg_text(p->about, "title"));
    sg_row_text(r, "authors", text_of(p->about, "authors"));
    sg_row_text(r, "arxiv", text_of(p->about, "arxiv"));
    sg_row_integer(r, "year", sg_int(p->about, "year"));
  } else {
    sg_row_buffer(r, "source", &origin);
  }
  sg_row_text(r, "label", sg_text(p->about, "label"));
  sg_row_integer(r, "targets", p->count);
  if (!s->list && !all) sg_row_buffer(r, "verdicts", &verdicts);
  for (int v = 0; v < SG_VERDICTS && !s->list && all; v++)
    sg_row_integer(r, v == SG_NOT_REPRODUCIBLE ? "not_reproducible" : sg_paper_verdict_words[v],
                   of[v]);
  sg_buffer_free(&origin);
  sg_buffer_free(&verdicts);
}

/* A table of one paper, with what it is above and the reasons below. */
static void put_alone(session *s, const char *name, const sg_paper *p) {
  sg_rows rows = {0};
  put_target(&rows, name, p, &p->of[0], false, true);
  rows.table = sg_table_new(rows.n, rows.name);
  for (int i = 0; i < p->count; i++) put_target(&rows, name, p, &p->of[i], false, true);
  if (s->out.length) sg_put(&s->out, "\n");
  sg_putf(&s->out, "%s: %s. ", name, sg_text(p->about, "title"));
  put_source(p->about, &s->out);
  sg_put(&s->out, "\n");
  sg_put_table(rows.table, SG_FORMAT_TEXT, &s->out);
  for (int i = 0; i < p->count; i++) {
    const sg_judged *j = &p->of[i];
    if (!j->why) continue;
    sg_buffer line = {0};
    sg_putf(&line, "%s, %s: %s", sg_paper_verdict_words[j->verdict], sg_text(j->target, "what"),
            j->why);
    sg_put_wrapped(&s->out, "  ", "    ", line.data ? line.data : "", sg_terminal_width());
    s->out.failed |= line.failed;
    sg_buffer_free(&line);
  }
}

static void put_paper(session *s, const char *name, const sg_paper *p) {
  int of[SG_VERDICTS] = {0};
  bool all = s->format == SG_FORMAT_CSV || s->format == SG_FORMAT_JSON;
  bool brief = s->brief || s->list;
  for (int i = 0; i < p->count && !s->list; i++) of[p->of[i].verdict]++;
  for (int v = 0; v < SG_VERDICTS; v++) s->of[v] += of[v];
  s->papers++;
  s->targets += p->count;
  if (!brief && s->format == SG_FORMAT_TEXT) {
    put_alone(s, name, p);
    return;
  }
  sg_rows rows = {0};
  if (brief)
    put_brief(&rows, s, name, p, of);
  else
    put_target(&rows, name, p, &p->of[0], all, false);
  if (!s->table) s->table = sg_table_new(rows.n, rows.name);
  rows.table = s->table;
  for (int i = 0; rows.table && i < (brief ? 1 : p->count); i++)
    if (brief)
      put_brief(&rows, s, name, p, of);
    else
      put_target(&rows, name, p, &p->of[i], all, false);
  if (!s->table) s->out.failed = true;
}

static int print_all(session *s) {
  if (s->table) {
    sg_put_table(s->table, s->format, &s->out);
    s->table = NULL;
  }
  bool text = s->format == SG_FORMAT_TEXT || s->format == SG_FORMAT_MARKDOWN;
  if (text && s->papers) {
    sg_putf(&s->out, "\n%d paper%s, %d target%s", s->papers, s->papers == 1 ? "" : "s", s->targets,
            s->targets == 1 ? "" : "s");
    for (int v = 0; v < SG_VERDICTS && !s->list; v++)
      sg_putf(&s->out, "%s %d %s", v ? "," : ":", s->of[v],
              v == SG_DIFFERS && s->of[v] != 1 ? "differ" : sg_paper_verdict_words[v]);
    sg_put(&s->out, ".\n");
  }
  return sg_print(&s->out);
}

/* --- The command ------------------------------------------------------------------------------ */

static sg_status read_source(const session *s, const source *from, sg_scenario **out, sg_error *e) {
  const sg_args *args = s->call->args;
  const sg_override seed = {"/random/seed", sg_args_text(args, "seed")};
  int n = sg_args_given(args, "seed");
  if (!from->embedded) return sg_scenario_read(from->path, n, &seed, out, e);
  size_t length;
  const char *text = sg_embedded(from->path, &length);
  return sg_scenario_parse(from->path, text, length, n, &seed, out, e);
}

/* One paper: read, simulated, judged, put. Only what does not concern it alone is left in *broken:
 * interrupts, and databases and memory that fail. */
static int run_paper(session *s, const source *from, sg_status *broken) {
  sg_scenario *scenario = NULL;
  sg_plan *plan = NULL;
  sg_paper *paper = NULL;
  sg_error e = {0};
  sg_buffer name = {0};
  int code = EX_OK;
  sg_status status = read_source(s, from, &scenario, &e);
  bool none = scenario && !status && !sg_scenario_paper(scenario);
  if (none && !from->whole)
    status =
        sg_fail(&e, SG_INVALID, "", "expected a member \"paper\" (docs/papers.md), found none");
  if (!status && !none) status = sg_plan_new(scenario, &plan, &e);
  if (!status && !none) status = sg_paper_new(plan, &paper, &e);
  if (!status && !none && !s->list) {
    sg_paper_trim(paper, plan);
    if (paper->simulated) status = simulate(s, plan, &e);
    if (!status) status = sg_paper_judge(paper, s->db, &e);
  }
  if (!status && !none) put_paper(s, put_name(from->path, &name), paper);
  sg_buffer_free(&name);
  if (status && status != SG_INVALID && status != SG_NO_INPUT) *broken = status;
  if (sg_failed(&e)) code = sg_print_faults(scenario, from->path, SG_FORMAT_TEXT, &e);
  if (status == SG_INTERRUPTED) return sg_exit_code(status); /* threads may still read the plan */
  if (status && code == EX_OK) code = sg_exit_code(status);
  sg_error_clear(&e);
  sg_paper_free(paper);
  sg_plan_free(plan);
  sg_scenario_free(scenario);
  return code;
}

static int run(const sg_call *call) {
  const sg_args *args = call->args;
  session s = {.call = call,
               .format = sg_args_format(args),
               .list = sg_args_given(args, "list"),
               .brief = sg_args_given(args, "brief"),
               .bar = sg_wants_progress(args),
               .output = sg_args_text(args, "output")};
  sources all = {0};
  sg_error e = {0};
  int code = EX_OK;
  sg_provenance_read(call, sg_threads(args), &s.made);
  sg_status status = find_sources(args, &all, &e), broken = SG_OK;
  for (int i = 0; i < all.count && !status && !broken; i++) {
    int one = run_paper(&s, &all.list[i], &broken);
    if (one != EX_OK) code = one;
  }
  if (!status) status = close_database(&s, &e);
  if (status) code = sg_say_faults("papers", status, &e);
  if (!status && !broken) {
    int printed = print_all(&s);
    if (code == EX_OK) code = printed;
    if (code == EX_OK && s.of[SG_DIFFERS]) code = EX_SOFTWARE;
  }
  sg_table_free(s.table);
  sg_buffer_free(&s.out);
  clear_sources(&all);
  sg_error_clear(&e);
  return code;
}

const sg_command sg_cmd_papers = {
    .name = "papers",
    .summary = "What papers say, beside what is found here.",
    .operands = {{.name = "NAME",
                  .what = "a paper that ships, a file or a folder",
                  .most = SG_ANY_NUMBER,
                  .file = true}},
    .options =
        {SG_OPTION_ROW_FLAG("list", 'l', "the papers, without running anything"),
         SG_OPTION_ROW_FLAG("brief", 'b', "a line for each paper"),
         SG_OPTION_ROW("seed", 0, SEED, "S",
                       "another seed than that of the files: a verdict should not hang on it"),
         SG_OPTION_ROW("output", 'o', FILE, "DB", "keep the runs in this database"),
         SG_OPTION_ROW_THREADS("runs computed at the same time; all processors if not given"),
         SG_OPTION_ROWS_FORMAT(sg_format_words, "how the result is printed"),
         SG_OPTION_ROW_FLAG("quiet", 'q', "no progress")},
    .text = {"Each paper is a scenario with a member \"paper\", which has the targets: what the "
             "paper says, how that is known (published, recalled, derived), and how near we have "
             "to come. All that ship are compiled in; a file or a folder of one's own is run as "
             "well. Only the points that targets name are simulated, and none where a closed form "
             "is asked for.",
             "Verdicts: equal, to the printed digits; within, by standard errors or percent; "
             "order, the ranking is the paper's; not reproducible, the set-up is unknown, so that "
             "ours is shown and not judged; differs. The exit code is 70 where one differs.",
             "No verdict is the reproduction of an experiment: what is compared is the model."},
    .examples = {{"papers --list", "All that ship, without running them"},
                 {"papers ye-abbe-n8", "One of them, target by target"}},
    .run = run};
