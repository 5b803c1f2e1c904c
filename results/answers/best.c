/* SPDX-License-Identifier: MIT */
/* A sweep in one table: a line per environment with its axes, the fastest scheme, how much faster
 * it is than the baseline, and its lead over the next. */
#include "results/answers/compare.h"

#include "sim/core/array.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- Labels without the words that all schemes of a code have in common ------------------------
 */

typedef struct labels {
  int n, capacity;
  const sg_judged **scheme; /* one for each label */
} labels;

static bool collect_labels(const sg_comparison *c, labels *l) {
  for (int i = 0; i < c->n; i++) {
    bool known = false;
    for (int k = 0; k < l->n && !known; k++)
      known = !strcmp(l->scheme[k]->point.scheme_label, c->scheme[i].point.scheme_label);
    if (known) continue;
    if (!SG_ROOM(l->scheme, l->capacity, l->n + 1)) return false;
    l->scheme[l->n++] = &c->scheme[i];
  }
  return true;
}

/* Whether one of the words of a text is this one. */
static bool has_word(const char *text, const char *word, size_t length) {
  for (const char *at = text; *at; at += strspn(at, " ")) {
    size_t n = strcspn(at, " ");
    if (n == length && !memcmp(at, word, n)) return true;
    at += n;
  }
  return false;
}

static bool is_common(const labels *l, const sg_judged *s, const char *word, size_t length) {
  if (length > 2 && word[1] == '=' && strchr("dsm", word[0])) return false;
  for (int k = 0; k < l->n; k++)
    if (!strcmp(l->scheme[k]->point.code, s->point.code) &&
        !has_word(l->scheme[k]->point.scheme_label, word, length))
      return false;
  return true;
}

/* "group d=4 m=2" of "group d=4 m=2 harmonic decodable", and where that is too long, at most
 * `letters` of the code's name: "fract… s=2". */
static void put_label(const labels *l, const sg_judged *s, int letters, sg_buffer *out) {
  const char *label = s->point.scheme_label, *at = label;
  size_t code = strlen(s->point.code);
  if (strncmp(label, s->point.code, code) != 0 || (label[code] && label[code] != ' ')) {
    sg_put(out, label);
    return;
  }
  bool cut = code > (size_t)letters;
  sg_put_bytes(out, label, cut ? (size_t)letters - 1 : code);
  if (cut) sg_put(out, "…");
  for (at += code; *at; at += strcspn(at, " ")) {
    at += strspn(at, " ");
    size_t n = strcspn(at, " ");
    if (!n || is_common(l, s, at, n)) continue;
    sg_put(out, " ");
    sg_put_bytes(out, at, n);
  }
}

/* --- The table -------------------------------------------------------------------------------- */

/* What there is room for. */
typedef struct layout {
  bool full;    /* labels as they are, all intervals */
  bool of_lead; /* the interval of the lead */
  int letters;  /* of a code */
} layout;

static void put_scheme(const sg_comparison *c, const labels *l, int i, const layout *f,
                       sg_table *t) {
  sg_buffer text = {0};
  sg_put(&text, "");
  if (i >= 0 && !f->full)
    put_label(l, &c->scheme[i], f->letters, &text);
  else
    sg_put(&text, i >= 0 ? c->scheme[i].point.scheme_label : "—");
  sg_table_buffer(t, &text);
}

static void put_row(sg_comparing *c, const labels *l, int number, const layout *form, sg_table *t) {
  const sg_comparison *f = &c->found;
  const sg_judged_environment *v = &f->environment[number];
  const sg_lead *lead = &v->fastest;
  const sg_judged *best = lead->best >= 0 ? &f->scheme[lead->best] : NULL;
  sg_buffer cell = {0};
  if (!c->names.told_apart) {
    sg_put_name(&c->names, number, &cell);
    sg_table_buffer(sg_table_at(t, "environment"), &cell);
  }
  for (int i = 0; i < c->names.n_varying && c->names.told_apart; i++) {
    const char *value = sg_names_setting(&c->names, number, c->names.varying[i]);
    char *end;
    double x = value ? strtod(value, &end) : NAN;
    cell = (sg_buffer){0};
    sg_table_at(t, c->names.varying[i]);
    if (value && *end == '\0') {
      sg_put_axis(t, x);
      continue;
    }
    sg_put(&cell, "");
    sg_put_setting(value ? value : "—", &cell);
    sg_table_buffer(t, &cell);
  }
  put_scheme(f, l, lead->best, form, sg_table_at(t, "fastest"));
  sg_table_at(t, "time (s)");
  cell = (sg_buffer){0};
  double time = !best ? NAN : v->to_target ? sg_median_time(best) : best->summary.iter_mean_s;
  if (best && isnan(time)) {
    sg_put_time(v, best, &cell);
    sg_table_buffer(t, &cell);
  } else {
    sg_table_number(t, time, 4);
  }
  sg_table_at(t, "speed-up");
  cell = (sg_buffer){0};
  if (best && form->full && lead->best != v->baseline) {
    sg_put_ratio(&best->ratio, &cell);
    sg_table_buffer(t, &cell);
  } else {
    sg_table_number(t, !best ? NAN : lead->best == v->baseline ? 1 : best->ratio.ratio, 3);
  }
  cell = (sg_buffer){0};
  sg_ratio shown = lead->ratio;
  if (lead->next >= 0 && (form->of_lead || isnan(shown.low)))
    sg_put_ratio(&shown, &cell);
  else if (lead->next >= 0)
    sg_putf(&cell, "%#.3g×", shown.ratio);
  sg_putf(&cell, "%s", lead->next < 0 ? "—" : lead->holds ? " *" : "");
  sg_table_buffer(sg_table_at(t, form->of_lead ? "lead [95 %]" : "lead"), &cell);
  put_scheme(f, l, lead->next, form, sg_table_at(t, "next"));
}

static void put_legend(sg_comparing *c, const layout *form, sg_buffer *out) {
  const sg_comparison *f = &c->found;
  int n_target = 0, n_inexact = 0, n_none = 0, width = c->options->width;
  bool same_baseline = true, by_gradient = false;
  for (int k = 0; k < f->n_environments; k++) {
    const sg_judged_environment *v = &f->environment[k];
    n_target += v->to_target;
    by_gradient |= !isnan(f->scheme[v->begin].point.target_grad_norm2);
    n_inexact += v->to_target && v->of_all.best != v->fastest.best;
    n_none += v->fastest.best < 0;
    same_baseline &= !strcmp(f->scheme[v->baseline].point.scheme_label,
                             f->scheme[f->environment[0].baseline].point.scheme_label);
  }
  sg_buffer text = {0};
  sg_putf(&text,
          "time: %s%s%s; speed-up: over %s; lead: of the fastest over the next%s; *: it is ahead "
          "of every other scheme beyond chance, at 95 %% for the environment. Only schemes "
          "that give the exact gradient.",
          n_target ? "median to the target" : "mean of an iteration",
          n_target && !by_gradient ? " loss" : "",
          n_target && n_target < f->n_environments ? ", or mean of an iteration" : "",
          same_baseline ? f->scheme[f->environment[0].baseline].point.scheme_label
                        : "the environment's baseline",
          form->of_lead ? ", with its interval" : " (a wider terminal has its interval)");
  if (n_none)
    sg_putf(&text, " —: %s.", n_target ? "none of them reached the target" : "none can be ranked");
  if (n_inexact)
    sg_putf(&text,
            " In %d environment%s a scheme that does not give it is faster (fastest_of_all_label "
            "of --format csv).",
            n_inexact, n_inexact == 1 ? "" : "s");
  sg_put(&text, "");
  sg_buffer clean = {0};
  if (!text.failed) sg_put_clean(&clean, text.data, text.length, "", '?');
  out->failed |= text.failed || clean.failed;
  sg_put(out, "\n");
  if (clean.data && !clean.failed) sg_put_paragraph(clean.data, width, out);
  sg_buffer_free(&clean);
  sg_buffer_free(&text);
  sg_put_multiplicity(f, width, out);
}

/* A table that fits: without intervals, and with codes cut, only where it must be. */
static sg_table *fitting_table(sg_comparing *c, const labels *l, layout *chosen) {
  static const layout forms[] = {{false, true, 99},
                                 {false, true, 8},
                                 {false, false, 99},
                                 {false, false, 8},
                                 {false, false, 5}};
  enum { LAST = sizeof forms / sizeof *forms - 1 };
  const sg_compare_options *o = c->options;
  sg_table *t = NULL;
  for (int k = 0; k <= LAST; k++) {
    *chosen = o->format == SG_FORMAT_TEXT ? forms[k] : (layout){true, true, 99};
    t = sg_table_new(0, NULL);
    for (int i = 0; t && i < c->found.n_environments; i++) put_row(c, l, i, chosen, t);
    if (!t || !o->width || o->format != SG_FORMAT_TEXT || k == LAST ||
        sg_table_width(t) <= o->width)
      break;
    sg_table_free(t);
  }
  return t;
}

sg_status sg_make_best(sg_comparing *c, sg_table **t, sg_buffer *legend, sg_error *e) {
  labels l = {0};
  layout form;
  *t = collect_labels(&c->found, &l) ? fitting_table(c, &l, &form) : NULL;
  if (*t) put_legend(c, &form, legend);
  free(l.scheme);
  return *t ? SG_OK : sg_fail_memory(e);
}

sg_status sg_print_best(sg_comparing *c, sg_buffer *out, sg_error *e) {
  sg_table *t = NULL;
  sg_buffer legend = {0};
  sg_status status = sg_make_best(c, &t, &legend, e);
  if (!status) sg_table_print(t, c->options->format, c->options->width, out);
  if (!status && c->options->format == SG_FORMAT_TEXT && legend.data) sg_put(out, legend.data);
  out->failed |= legend.failed;
  sg_buffer_free(&legend);
  sg_table_free(t);
  return status;
}
