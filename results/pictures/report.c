/* SPDX-License-Identifier: MIT */
/* What stands on the page, and in which order. Of a sweep the table of the fastest schemes and the
 * pictures over its axes come first; pictures of single schemes are then those of the first
 * environment, as their commands say. */
#include "results/pictures/report.h"

#include "results/answers/compare.h"
#include "results/pictures/figures.h"
#include "results/pictures/html.h"
#include "results/pictures/svg.h"
#include "sim/core/owned.h"

#include <stdio.h>
#include <string.h>

enum {
  MOST_FILTERS = 6,
  MOST_TOGETHER = 4,     /* environments that share a picture */
  MOST_DESCRIBED = 6,    /* environments with their own answer and table */
  MOST_ROWS = 300,       /* of a table of schemes or environments */
  MOST_NUMBERS = 90000,  /* bytes of a picture's table */
  MOST_PICTURE = 250000, /* bytes of a picture */
  MOST_TEXT = 60000,     /* of a scenario */
  MARGIN = 100000        /* what is kept for scenario and provenance, in bytes */
};

typedef struct page {
  sg_db *db;
  const sg_report_options *options;
  sg_comparing comparing;
  bool sweep;                 /* more environments than share a picture */
  char *filter[MOST_FILTERS]; /* for pictures of one environment */
  int n_filters, n_figures;
} page;

static const char *plural(int n) {
  return n == 1 ? "" : "s";
}

/* --- The answer ------------------------------------------------------------------------------- */

static void put_answer(const page *p, int number, sg_buffer *out) {
  static const char mark[] = "← fastest";
  const sg_comparison *c = &p->comparing.found;
  sg_buffer text = {0};
  sg_put_answer(c, &c->environment[number], -1, &text);
  const char *words = text.data ? text.data : "";
  sg_put(out, "<div class=\"answer\">\n");
  /* Under the table of a terminal the sentence is the legend of its arrow. */
  if (!strncmp(words, mark, strlen(mark))) {
    sg_buffer rest = {0};
    sg_put(&rest, "Fastest");
    sg_put(&rest, words + strlen(mark));
    sg_html_lines(out, "p", rest.data);
    out->failed |= rest.failed;
    sg_buffer_free(&rest);
  } else {
    sg_html_lines(out, "p", words);
  }
  sg_put(out, "</div>\n");
  out->failed |= text.failed;
  sg_buffer_free(&text);
}

static sg_status put_schemes(page *p, int number, sg_buffer *out, sg_error *e) {
  sg_table *t = sg_table_new(0, NULL);
  sg_buffer text = {0};
  int left = 0;
  sg_status status = t ? SG_OK : sg_fail_memory(e);
  if (!status) status = sg_put_people(&p->comparing, number, t, &left, e);
  if (!status) {
    left = sg_html_table(out, t, MOST_ROWS);
    if (left) sg_putf(out, "<p class=\"muted\">… %d more schemes.</p>\n", left);
    status = sg_put_notes(&p->comparing, number, &text, e);
  }
  if (!status && text.length) sg_html_text(out, "pre", text.data);
  sg_put(&text, "\n");
  if (!status) {
    text.length = 0;
    status = sg_put_heading(&p->comparing, number, &text, e);
  }
  if (!status) {
    sg_put(out, "<details><summary>What this environment is</summary><div class=\"muted\">\n");
    sg_html_lines(out, "p", text.data);
    sg_put(out, "</div></details>\n");
  }
  out->failed |= text.failed;
  sg_buffer_free(&text);
  sg_table_free(t);
  return status;
}

/* Schemes by the number of environments in which they are the fastest. */
static void put_winners(const page *p, sg_buffer *out) {
  enum { NAMED = 3 };
  const sg_comparison *c = &p->comparing.found;
  SG_OWNED int *wins = calloc((size_t)c->n_environments + 1, sizeof *wins);
  SG_OWNED int *sure = calloc((size_t)c->n_environments + 1, sizeof *sure);
  out->failed |= !wins || !sure;
  int none = 0, different = 0;
  sg_buffer text = {0};
  /* Counted at the first environment that a scheme wins. */
  for (int v = 0; wins && sure && v < c->n_environments; v++) {
    const sg_lead *l = &c->environment[v].fastest;
    if (l->best < 0) {
      none++;
      continue;
    }
    int first = 0;
    while (first < v && (c->environment[first].fastest.best < 0 ||
                         strcmp(c->scheme[c->environment[first].fastest.best].point.scheme_label,
                                c->scheme[l->best].point.scheme_label) != 0))
      first++;
    different += !wins[first];
    wins[first]++;
    sure[first] += l->holds;
  }
  sg_putf(&text, "%d environments. ", c->n_environments);
  for (int k = 0; wins && sure && k < NAMED && k < different; k++) {
    int most = 0;
    for (int v = 0; v < c->n_environments; v++)
      if (wins[v] > wins[most]) most = v;
    sg_putf(&text, "%s%s is the fastest in %d%s",
            k ? "; " : "Fastest: ", c->scheme[c->environment[most].fastest.best].point.scheme_label,
            wins[most], k ? "" : " of them");
    if (sure[most] == wins[most])
      sg_put(&text, ", beyond chance in each");
    else
      sg_putf(&text, ", beyond chance in %d", sure[most]);
    wins[most] = 0;
  }
  if (different > NAMED) sg_putf(&text, "; %d other schemes in the rest", different - NAMED);
  sg_put(&text, different ? "." : "In none of them a scheme is the fastest.");
  if (none && different) sg_putf(&text, " In %d no scheme can be ranked.", none);
  sg_put(out, "<div class=\"answer\">\n");
  sg_html_text(out, "p", text.data);
  sg_put(out, "</div>\n");
  out->failed |= text.failed;
  sg_buffer_free(&text);
}

static sg_status put_best(page *p, sg_buffer *out, sg_error *e) {
  sg_table *t = NULL;
  sg_buffer legend = {0};
  put_winners(p, out);
  sg_status status = sg_make_best(&p->comparing, &t, &legend, e);
  if (!status) {
    const char *const command[] = {"straggle", "compare", p->options->name, "--best"};
    int left = sg_html_table(out, t, MOST_ROWS);
    if (left) sg_putf(out, "<p class=\"muted\">… %d more environments.</p>\n", left);
    sg_put(out, "<div class=\"muted\">");
    sg_html_lines(out, "p", legend.data);
    sg_put(out, "<p>");
    sg_html_command(out, 4, command);
    sg_put(out, "</p></div>\n");
  }
  out->failed |= legend.failed;
  sg_buffer_free(&legend);
  sg_table_free(t);
  return status;
}

static sg_status put_answers(page *p, sg_buffer *out, sg_error *e) {
  const sg_comparison *c = &p->comparing.found;
  int described = c->n_environments > MOST_DESCRIBED ? 1 : c->n_environments;
  sg_status status = SG_OK;
  sg_put(out, "<section id=\"answer\">\n");
  if (c->n_environments > 1) status = put_best(p, out, e);
  for (int v = 0; v < described && !status; v++) {
    sg_buffer name = {0};
    if (c->n_environments > 1) {
      sg_putf(&name, "Environment %d of %d: ", v + 1, c->n_environments);
      sg_put_name(&p->comparing.names, v, &name);
      sg_html_text(out, "h3", name.data);
      out->failed |= name.failed;
      sg_buffer_free(&name);
    }
    put_answer(p, v, out);
    status = put_schemes(p, v, out, e);
  }
  if (!status && c->n_environments == 1) {
    sg_buffer text = {0};
    sg_put_multiplicity(c, -1, &text);
    sg_put(out, "<div class=\"muted\">");
    sg_html_lines(out, "p", text.data);
    sg_put(out, "</div>\n");
    out->failed |= text.failed;
    sg_buffer_free(&text);
  }
  const char *const command[] = {"straggle", "compare", p->options->name};
  sg_put(out, "<p class=\"muted\">");
  sg_html_command(out, 3, command);
  sg_put(out, " prints these tables, <code>--format csv</code> all columns of all "
              "environments.</p>\n</section>\n");
  return status;
}

/* --- Pictures --------------------------------------------------------------------------------- */

typedef struct pictured {
  const char *name, *title;
  bool of_axes; /* of the whole sweep */
} pictured;

static const pictured pictures[] = {{"time", "Time against an axis", true},
                                    {"heat", "The best scheme over two axes", true},
                                    {"speedup", "Speed-ups", false},
                                    {"pareto", "Time against work", false},
                                    {"ecdf", "How long iterations take", false},
                                    {"loss", "Loss over time", false},
                                    {"where", "Where the time goes", false},
                                    {"lateness", "Who is late", false},
                                    {"last", "Who arrives last", false}};
enum { N_PICTURES = sizeof pictures / sizeof *pictures };

static void put_figure_command(const page *p, const pictured *f, bool filtered, sg_buffer *out) {
  const char *word[6 + 2 * MOST_FILTERS] = {"straggle", "plot", p->options->name, f->name};
  int n = 4;
  for (int i = 0; i < p->n_filters && filtered; i++) {
    word[n++] = "--filter";
    word[n++] = p->filter[i];
  }
  if (p->options->baseline && !strcmp(f->name, "speedup")) {
    word[n++] = "--baseline";
    word[n++] = p->options->baseline;
  }
  sg_html_command(out, n, word);
}

/* Every so many points of a series, so that the table has this many bytes. */
static void put_numbers(const page *p, const pictured *f, const sg_chart *c, bool filtered,
                        size_t room, sg_buffer *out) {
  sg_buffer table = {0};
  long every = 1;
  for (; every < 1000000; every *= 2) {
    long rows = 0;
    for (int i = 0; i < c->n_series; i++) rows += c->series[i].n / every + 1;
    if ((size_t)rows * 20 > room) continue;
    sg_table *t = sg_chart_table(c, every);
    table.length = 0;
    if (t)
      sg_html_table(&table, t, INT32_MAX);
    else
      table.failed = true;
    sg_table_free(t);
    if (table.failed || table.length <= room) break;
  }
  sg_put(out, "<details><summary>Numbers</summary>\n");
  if (every > 1)
    sg_putf(out,
            "<p class=\"muted\">Of each series one point in %ld, and the last; the command writes "
            "all %ld as CSV.</p>\n",
            every, c->n_points);
  if (!table.failed && table.data) sg_put(out, table.data);
  sg_put(out, "<p class=\"muted\">");
  put_figure_command(p, f, filtered, out);
  sg_put(out, "</p></details>\n");
  out->failed |= table.failed;
  sg_buffer_free(&table);
}

static size_t room_left(const sg_buffer *out) {
  size_t most = SG_REPORT_BYTES - MARGIN;
  return out->length < most ? most - out->length : 0;
}

static void put_chart(page *p, const pictured *f, const sg_chart *c, bool filtered,
                      sg_buffer *out) {
  char prefix[16];
  sg_buffer svg = {0};
  snprintf(prefix, sizeof prefix, "f%d", p->n_figures++);
  sg_put_chart_svg(c, &(sg_svg_options){.prefix = prefix, .within = true}, &svg);
  size_t room = room_left(out);
  if (!svg.failed && svg.data && svg.length < MOST_PICTURE && svg.length < room) {
    sg_put(out, "<figure>\n");
    sg_put(out, svg.data);
    sg_put(out, "</figure>\n");
    if (c->message) sg_html_text(out, "p class=\"muted\"", c->message);
    room -= svg.length;
  } else {
    sg_html_text(out, "p", "The picture is too large for this page; the command draws it.");
  }
  out->failed |= svg.failed;
  sg_buffer_free(&svg);
  put_numbers(p, f, c, filtered, room < MOST_NUMBERS ? room : MOST_NUMBERS, out);
}

/* A picture, or why there is none. */
static sg_status put_figure(page *p, const pictured *f, sg_buffer *out, sg_error *e) {
  bool filtered = p->sweep && !f->of_axes;
  sg_figure_request r = {.name = f->name,
                         .baseline = p->options->baseline,
                         .n_filters = filtered ? p->n_filters : 0,
                         .filter = (const char *const *)p->filter};
  sg_chart c = {0};
  sg_error why = {0};
  sg_status status = sg_figure_make(p->db, &r, NULL, &c, &why);
  sg_putf(out, "<section id=\"%s\">\n", f->name);
  sg_html_text(out, "h2", f->title);
  if (!status) {
    put_chart(p, f, &c, filtered, out);
  } else if (status == SG_INVALID) {
    sg_put(out, "<p class=\"muted\">Not here: ");
    for (int i = 0; i < why.count; i++) sg_put_xml(out, why.fault[i].message);
    sg_put(out, ".</p>\n<p class=\"muted\">");
    put_figure_command(p, f, filtered, out);
    sg_put(out, " would draw it.</p>\n");
    status = SG_OK;
  } else {
    sg_error_move(e, &why);
  }
  sg_put(out, "</section>\n");
  sg_error_clear(&why);
  sg_chart_clear(&c);
  return status;
}

static bool add_filter(page *p, const char *column, const char *value) {
  char *filter;
  if (p->n_filters >= MOST_FILTERS || asprintf(&filter, "%s=%s", column, value) < 0) return false;
  p->filter[p->n_filters++] = filter;
  return true;
}

static void drop_filters(page *p) {
  while (p->n_filters > 0) free(p->filter[--p->n_filters]);
}

/* "n=6", where axes that are columns of their own names tell the environments apart: one that is
 * called as another column is has another name there. */
static sg_status filter_by_axes(page *p, bool *filtered, sg_error *e) {
  static const char word[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
  const sg_names *n = &p->comparing.names;
  sg_status status = SG_OK;
  bool good = n->told_apart && n->n_varying > 0;
  for (int i = 0; i < n->n_varying && good && !status; i++) {
    const char *axis = n->varying[i], *value = sg_names_setting(n, 0, axis);
    sqlite3_stmt *s = NULL;
    status = sg_db_ask(p->db,
                       "SELECT 1 FROM pragma_table_info('v_axes')"
                       " WHERE name = :text AND name <> 'point_id'",
                       axis, 0, &s, e);
    good = sg_db_row(p->db, s, &status, e) && value && axis[strspn(axis, word)] == '\0' &&
           strchr("-0123456789", *value) && add_filter(p, axis, value);
    sqlite3_finalize(s);
  }
  if (!good) drop_filters(p);
  *filtered = good;
  return status;
}

/* Else by their key; those of several results versions by that, too. */
static sg_status make_filters(page *p, sg_error *e) {
  const sg_comparison *c = &p->comparing.found;
  const sg_judged *first = &c->scheme[c->environment[0].begin];
  bool filtered;
  sg_status status = filter_by_axes(p, &filtered, e);
  if (status || filtered) return status;
  bool alone = true, good = add_filter(p, "env_sha256", first->point.env_sha256);
  for (int v = 1; v < c->n_environments; v++)
    alone &=
        strcmp(c->scheme[c->environment[v].begin].point.env_sha256, first->point.env_sha256) != 0;
  char version[32];
  snprintf(version, sizeof version, "%lld", (long long)first->results_version);
  if (!alone) good = good && add_filter(p, "results_version", version);
  return good ? SG_OK : sg_fail_memory(e);
}

static sg_status put_figures(page *p, sg_buffer *out, sg_error *e) {
  int n = p->comparing.found.n_environments;
  sg_status status = SG_OK;
  for (int pass = n > 1 ? 0 : 1; pass < 2 && !status; pass++) {
    if (pass && p->sweep) {
      sg_buffer name = {0};
      sg_put(&name, "Pictures of environment 1: ");
      sg_put_name(&p->comparing.names, 0, &name);
      sg_html_text(out, "h2", name.data);
      sg_putf(
          out,
          "<p class=\"muted\">There are %d environments; other values of --filter, such as axes "
          "of the sweep, show others.</p>\n",
          n);
      out->failed |= name.failed;
      sg_buffer_free(&name);
    }
    sg_put(out, "<div class=\"figures\">\n");
    for (int i = 0; i < N_PICTURES && !status; i++)
      if (pictures[i].of_axes == (pass == 0)) status = put_figure(p, &pictures[i], out, e);
    sg_put(out, "</div>\n");
  }
  return status;
}

/* --- Where it comes from ---------------------------------------------------------------------- */

static sg_status put_scenarios(page *p, sg_buffer *out, sg_error *e) {
  enum { SHOWN = 5 };
  sqlite3_stmt *s = NULL;
  int n = 0;
  sg_status status = sg_db_prepare(
      p->db, "SELECT name, path, sha256, text FROM scenario ORDER BY scenario_id", &s, e);
  while (sg_db_row(p->db, s, &status, e)) {
    if (n++ >= SHOWN) continue;
    const char *text = sg_db_text(s, 3);
    size_t length = strlen(text), room = room_left(out) + MARGIN / 2;
    room = room < MOST_TEXT ? room : MOST_TEXT;
    sg_put(out, "<details><summary>Scenario ");
    sg_put_xml(out, sg_db_text(s, 0));
    sg_put(out, ", ");
    sg_put_xml(out, sg_db_text(s, 1));
    sg_put(out, ", SHA-256 ");
    sg_put_xml(out, sg_db_text(s, 2));
    sg_put(out, "</summary>\n");
    if (length > room) {
      sg_putf(out,
              "<p class=\"muted\">Its %zu bytes are too many for this page; column text of table "
              "scenario has them.</p>\n",
              length);
    } else {
      /* Line ends and tabs belong to it. */
      sg_put(out, "<pre>");
      while (*text) {
        size_t line = strcspn(text, "\n\t\r");
        SG_OWNED char *part = strndup(text, line);
        if (part) sg_put_xml(out, part);
        out->failed |= !part;
        text += line;
        if (*text && *text != '\r') sg_put_bytes(out, text, 1);
        text += *text != '\0';
      }
      sg_put(out, "</pre>\n");
    }
    sg_put(out, "</details>\n");
  }
  sqlite3_finalize(s);
  if (n > SHOWN) sg_putf(out, "<p class=\"muted\">… %d more scenarios.</p>\n", n - SHOWN);
  return status;
}

static sg_status put_origin(page *p, sg_buffer *out, sg_error *e) {
  static const char runs[] =
      "SELECT p.seed, count(DISTINCT p.point_id) AS points, count(*) AS runs,"
      " sum(r.status <> 'finished') AS ended_early, sum(r.iterations) AS iterations,"
      " group_concat(DISTINCT r.detail) AS detail, p.results_version FROM point p JOIN run r USING"
      " (point_id) WHERE r.status <> 'running' GROUP BY p.seed, p.results_version ORDER BY"
      " min(p.point_id)";
  static const char invocations[] =
      "SELECT started_utc, argv, version, git_revision, compiler, blas_core, cpu, host, threads,"
      " shard FROM invocation ORDER BY invocation_id";
  sg_put(out, "<section id=\"origin\">\n<h2>Where this comes from</h2>\n");
  sg_status status = put_scenarios(p, out, e);
  if (!status) {
    sg_put(out, "<h3>Seeds and runs</h3>\n");
    status = sg_html_query(p->db, runs, 50, out, e);
  }
  if (!status) {
    sg_put(out, "<h3>Commands that wrote the database</h3>\n");
    status = sg_html_query(p->db, invocations, 50, out, e);
  }
  const char *const command[] = {"straggle", "report", p->options->name};
  sg_put(out, "</section>\n</main>\n<footer><p>Made by ");
  sg_html_command(out, 3, command);
  sg_putf(out,
          ". Every number is in the database: <code>straggle query</code>, or any program that "
          "reads SQLite. Tables can be sorted by their headings where JavaScript is on; nothing is "
          "loaded from anywhere.</p></footer>\n");
  return status;
}

/* --- The page --------------------------------------------------------------------------------- */

static void put_title(const page *p, sg_buffer *title) {
  const sg_names *n = &p->comparing.names;
  if (p->options->title) {
    sg_put(title, p->options->title);
    return;
  }
  for (int v = 0; v < n->n; v++) {
    bool known = false;
    for (int k = 0; k < v && !known; k++)
      known = !strcmp(n->environment[k].scenario, n->environment[v].scenario);
    if (known) continue;
    if (title->length > 200) {
      sg_put(title, ", …");
      return;
    }
    sg_putf(title, "%s%s", title->length ? ", " : "", n->environment[v].scenario);
  }
}

static void put_header(const page *p, const char *title, sg_buffer *out) {
  const sg_comparison *c = &p->comparing.found;
  int runs = 0;
  for (int i = 0; i < c->n; i++) runs += c->scheme[i].n_runs;
  sg_put(out, "<header>\n");
  sg_html_text(out, "h1", title);
  sg_putf(out,
          "<p class=\"muted\">%d environment%s, %d point%s, %d run%s of coded gradient descent "
          "with stragglers, simulated by straggle</p>\n<nav>",
          c->n_environments, plural(c->n_environments), c->n, plural(c->n), runs, plural(runs));
  sg_put(out, "<a href=\"#answer\">Answer</a>");
  for (int i = 0; i < N_PICTURES; i++)
    if (!pictures[i].of_axes || c->n_environments > 1)
      sg_putf(out, " <a href=\"#%s\">%s</a>", pictures[i].name, pictures[i].title);
  sg_put(out, " <a href=\"#origin\">Where this comes from</a></nav>\n</header>\n<main>\n");
}

static sg_status put_page(page *p, sg_buffer *out, sg_error *e) {
  sg_buffer title = {0};
  put_title(p, &title);
  sg_status status = title.failed ? sg_fail_memory(e) : make_filters(p, e);
  p->sweep = p->comparing.found.n_environments > MOST_TOGETHER;
  if (!status) {
    sg_html_begin(out, title.data);
    put_header(p, title.data, out);
    status = put_answers(p, out, e);
  }
  if (!status) status = put_figures(p, out, e);
  if (!status) status = put_origin(p, out, e);
  sg_html_end(out);
  sg_buffer_free(&title);
  drop_filters(p);
  return status;
}

sg_status sg_report(sg_db *db, const sg_report_options *options, sg_buffer *out, sg_error *e) {
  const sg_compare_options compare = {
      .baseline = options->baseline, .format = SG_FORMAT_MARKDOWN, .width = -1};
  page p = {.db = db, .options = options, .comparing = {.db = db, .options = &compare}};
  /* One transaction: a writer that is at work does not show us two states of the database. */
  sg_status status = sg_db_begin(db, e);
  if (status) return status;
  status = sg_judge(db, options->baseline, false, &p.comparing.found, e);
  if (!status && p.comparing.found.n == 0)
    status = sg_fail(e, SG_INVALID, NULL,
                     "the database has no finished runs; `straggle run SCENARIO -o DB` makes some");
  if (!status) status = sg_names_read(db, &p.comparing.found, &p.comparing.names, e);
  if (!status) status = put_page(&p, out, e);
  if (!status && out->failed) status = sg_fail_memory(e);
  sqlite3_finalize(p.comparing.axes);
  sqlite3_finalize(p.comparing.settings);
  sg_names_clear(&p.comparing.names);
  sg_comparison_clear(&p.comparing.found);
  return sg_db_end(db, status, e);
}
