/* SPDX-License-Identifier: MIT */
/* The command plot: a picture of a database as SVG, its numbers as CSV beside it, a script for
 * gnuplot. */
#include "results/pictures/figures.h"
#include "results/pictures/svg.h"
#include "sim/cli/command.h"
#include "sim/cli/output.h"

#include <stdlib.h>
#include <string.h>

static const char *const axis_words[] = {"x", "y", "x,y", NULL};

static sg_figure_request request_of(const sg_args *a) {
  const sg_arg *filter = sg_args_find(a, "filter");
  const char *log = sg_args_text(a, "log"), *linear = sg_args_text(a, "linear");
  return (sg_figure_request){.name = a->n_words > 1 ? a->word[1] : NULL,
                             .x = sg_args_text(a, "x"),
                             .y = sg_args_text(a, "y"),
                             .group = sg_args_text(a, "group"),
                             .value = sg_args_text(a, "value"),
                             .scheme = sg_args_text(a, "scheme"),
                             .baseline = sg_args_text(a, "baseline"),
                             .n_filters = filter->count,
                             .filter = filter->item,
                             .log_x = log && strchr(log, 'x'),
                             .log_y = log && strchr(log, 'y'),
                             .linear_x = linear && strchr(linear, 'x'),
                             .linear_y = linear && strchr(linear, 'y')};
}

/* The plots, and why one cannot be made of this database. */
static sg_status list(sg_db *db, const sg_figure_request *r, sg_buffer *out, sg_error *e) {
  int width = sg_terminal_width();
  if (width < 40 || width > 100) width = 100;
  sg_table *t = sg_table_new(0, NULL);
  sg_status status = SG_OK;
  sg_buffer reasons = {0};
  for (const sg_figure *f = sg_figures; f->name && !status; f++) {
    sg_figure_request q = *r;
    sg_chart c = {0};
    sg_error why = {0};
    q.name = f->name;
    status = sg_figure_make(db, &q, NULL, &c, &why);
    bool missing = status == SG_INVALID;
    sg_table_text(sg_table_at(t, "plot"), f->name);
    sg_table_text(sg_table_at(t, "shows"), f->summary);
    sg_table_text(sg_table_at(t, "here"), missing ? "no" : "yes");
    for (int i = 0; missing && i < why.count; i++) {
      sg_buffer first = {0};
      sg_putf(&first, "%s: ", f->name);
      sg_put_wrapped(&reasons, first.data ? first.data : "", "  ", why.fault[i].message, width);
      sg_buffer_free(&first);
    }
    if (missing) status = SG_OK;
    if (status) sg_error_move(e, &why);
    sg_error_clear(&why);
    sg_chart_clear(&c);
  }
  if (status)
    sg_table_free(t);
  else
    sg_put_table(t, SG_FORMAT_TEXT, out);
  if (!status && reasons.data) sg_putf(out, "\n%s", reasons.data);
  out->failed |= reasons.failed;
  sg_buffer_free(&reasons);
  return status;
}

/* --- Files ------------------------------------------------------------------------------------ */

/* The last part of a path, up to `ending` where it has that. */
static int stem_of(const char *path, const char *ending) {
  size_t n = strlen(path), k = strlen(ending);
  return (int)(n > k && !strcmp(path + n - k, ending) ? n - k : n);
}

typedef struct files {
  sg_buffer svg, csv;
  const char *gnuplot; /* NULL: none */
} files;

static sg_status name_files(const sg_args *a, const sg_figure *figure, files *f, sg_error *e) {
  const char *output = sg_args_text(a, "output"), *csv = sg_args_text(a, "csv"), *db = a->word[0];
  const char *slash = strrchr(db, '/'), *base = slash ? slash + 1 : db;
  if (output)
    sg_put(&f->svg, output);
  else
    sg_putf(&f->svg, "%.*s-%s.svg", stem_of(base, ".db"), base, figure->name);
  if (csv)
    sg_put(&f->csv, csv);
  else if (f->svg.data)
    sg_putf(&f->csv, "%.*s.csv", stem_of(f->svg.data, ".svg"), f->svg.data);
  f->gnuplot = sg_args_text(a, "gnuplot");
  if (f->svg.failed || f->csv.failed) return sg_fail_memory(e);
  if (!strcmp(f->svg.data, f->csv.data) ||
      (f->gnuplot && (!strcmp(f->gnuplot, f->svg.data) || !strcmp(f->gnuplot, f->csv.data))))
    return sg_fail(e, SG_USAGE, NULL,
                   "expected files of different names for picture, numbers and "
                   "script");
  return SG_OK;
}

static sg_status write_part(const char *path, sg_buffer *text, sg_error *e) {
  sg_status status = text->failed ? sg_fail_memory(e) : sg_write_file(path, text, e);
  sg_buffer_free(text);
  return status;
}

static sg_status write_files(const sg_chart *c, const files *f, sg_error *e) {
  sg_buffer text = {0};
  sg_put_chart_svg(c, NULL, &text);
  sg_status status = write_part(f->svg.data, &text, e);
  if (!status) {
    sg_put_chart_csv(c, &text);
    status = write_part(f->csv.data, &text, e);
  }
  if (!status && f->gnuplot) {
    sg_buffer picture = {0};
    sg_putf(&picture, "%.*s.gnuplot.svg", stem_of(f->svg.data, ".svg"), f->svg.data);
    sg_put_chart_gnuplot(c, f->csv.data, picture.data ? picture.data : "", &text);
    text.failed |= picture.failed;
    sg_buffer_free(&picture);
    status = write_part(f->gnuplot, &text, e);
  }
  return status;
}

/* What was written, and what it shows. Names come from the database. */
static void say(const sg_chart *c, const files *f, sg_buffer *out) {
  sg_buffer text = {0};
  sg_putf(&text, "%s: %s\n", f->svg.data, c->title);
  if (c->message) sg_putf(&text, "  %s\n", c->message);
  if (c->n_panels > SG_SVG_PANELS)
    sg_putf(&text, "  %d panels, of which %d are drawn: --filter chooses among them\n", c->n_panels,
            SG_SVG_PANELS);
  sg_putf(&text, "%s: its %ld point%s as numbers\n", f->csv.data, c->n_points,
          c->n_points == 1 ? "" : "s");
  if (f->gnuplot) sg_putf(&text, "%s: a script that draws them; run gnuplot on it\n", f->gnuplot);
  if (text.data) sg_put_clean(out, text.data, text.length, "\n", '?');
  out->failed |= text.failed;
  sg_buffer_free(&text);
}

/* --- The command ------------------------------------------------------------------------------ */

static sg_status plot(sg_db *db, const sg_args *a, sg_buffer *out, sg_error *e) {
  const sg_figure_request r = request_of(a);
  const sg_figure *figure = NULL;
  sg_chart c = {0};
  files f = {0};
  if (r.name && !strcmp(r.name, "@")) return list(db, &r, out, e);
  sg_status status = sg_figure_make(db, &r, &figure, &c, e);
  if (!status) status = name_files(a, figure, &f, e);
  if (!status) status = write_files(&c, &f, e);
  if (!status) say(&c, &f, out);
  sg_buffer_free(&f.svg);
  sg_buffer_free(&f.csv);
  sg_chart_clear(&c);
  return status;
}

const sg_command sg_cmd_plot = {
    .name = "plot",
    .summary = "Draw a result database: SVG, CSV, gnuplot.",
    .operands = {SG_OPERAND_FILE("DB", "a result database"),
                 {.name = "PLOT | @", .what = "one plot", .most = 1}},
    .options = {SG_OPTION_ROW("output", 'o', FILE, "FILE.svg",
                              "the picture; DB-PLOT.svg in the current folder if not given"),
                SG_OPTION_ROW("csv", 0, FILE, "FILE.csv",
                              "its numbers; named like the picture if not given"),
                SG_OPTION_ROW("gnuplot", 0, FILE, "FILE",
                              "writes a gnuplot script that draws the CSV, too"),
                SG_OPTION_ROW("x", 'x', TEXT, "COLUMN",
                              "drawn along x: an axis of the sweep or another column of v_point"),
                SG_OPTION_ROW("y", 'y', TEXT, "COLUMN", "drawn along y"),
                SG_OPTION_ROW("group", 'g', TEXT, "COLUMN", "one line for each of its values"),
                SG_OPTION_ROW("value", 0, TEXT, "COLUMN", "the colour of a heat map"),
                SG_OPTION_ROW("scheme", 0, TEXT, "NAME", "only schemes of this code or label"),
                SG_OPTION_ROW("filter", 0, LIST, "CONDITION",
                              "only points like this, such as \"n = 20\" or \"load_d<=4\"; may be "
                              "repeated"),
                SG_OPTION_ROW("baseline", 'b', TEXT, "NAME",
                              "of speed-ups: a code or scheme label instead of the scenario's"),
                SG_OPTION_ROW("log", 0, CHOICE, "AXES", "logarithmic axes", .choices = axis_words),
                SG_OPTION_ROW("linear", 0, CHOICE, "AXES", "axes that are not logarithmic",
                              .choices = axis_words)},
    .text =
        {"The numbers stand in the CSV file as exactly as they are known. `plot DB @` lists the "
         "plots and says which the database allows; without a name the one that suits it is "
         "drawn. Environments that differ in what is not an axis of the picture are panels; "
         "--filter chooses among them."},
    .examples = {{"plot sweep.db", "Time against the axis of the sweep"},
                 {"plot my.db speedup -o speedup.svg", "Speed-ups with their intervals"},
                 {"plot sweep.db time -x n --filter 'net = 0.1'", "Only some of the environments"},
                 {"plot my.db --x load_d --y bytes_received_mean --group code",
                  "Any column against any other"}},
    .ask = plot};
