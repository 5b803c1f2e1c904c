/* SPDX-License-Identifier: MIT */
/* The member "paper": its table, and what only the whole scenario can tell of it. */
#include "codes/frame/code.h"
#include "results/columns.h"
#include "results/results.h"
#include "sim/core/nearest.h"
#include "sim/scenario/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- The table -------------------------------------------------------------------------------- */

static const char *const labels[] = {"published", "recalled", "derived", NULL};
static const char *const by[] = {"simulation", "closed-form", NULL};
static const char *const best[] = {"least", "greatest", NULL};

const char *const sg_closed_form_words[] = {
    "iter_mean_s", "iter_p50_s", "iter_p90_s", "iter_p99_s", "err_norm_mean", "n_received", NULL};

static const sg_param ranked[] = {
    SG_ROW("scheme", SG_TEXT, "A code's name or a scheme's label.", .flags = SG_IS_NAME),
    {0},
};

static const sg_param statement[] = {
    SG_ROW("what", SG_TEXT, "What the paper says, in words.", .flags = SG_REQUIRED | SG_IS_NAME),
    SG_ROW("where", SG_TEXT, "Where: a table, a figure, an equation.",
           .flags = SG_OPTIONAL | SG_IS_NAME),
    SG_ROW_CHOICE("label", labels, 0, "As that of the paper, which counts where it is absent.",
                  .flags = SG_OPTIONAL),
    SG_ROW("scheme", SG_TEXT, "Of which scheme: a code's name, or a scheme's label.",
           .flags = SG_OPTIONAL | SG_IS_NAME),
    SG_ROW("at", SG_ANY,
           "Values of axes, of the sweep or of each, that say which point: {\"n\": 12}. A scheme "
           "that has not the axis of an each is not held to it.",
           .flags = SG_OPTIONAL),
    SG_ROW(
        "quantity", SG_TEXT,
        "What is looked at: a column of run_summary, run, iteration (its mean over the rows of a "
        "run) or point (docs/database.md). By closed-form: iter_mean_s, iter_p50_s, iter_p90_s, "
        "iter_p99_s, err_norm_mean or n_received.",
        .text = "iter_mean_s", .flags = SG_IS_NAME),
    SG_ROW_REAL("at_most", -SG_UNBOUNDED, SG_UNBOUNDED,
                "Looked at is the share of a run's iterations in which the quantity, a column of "
                "iteration, is at most this.",
                .flags = SG_OPTIONAL),
    SG_ROW_REAL("square_from", -SG_UNBOUNDED, SG_UNBOUNDED,
                "Looked at is the mean square of what lies between the quantity, a column of "
                "iteration, and this.",
                .flags = SG_OPTIONAL),
    SG_ROW_REAL(
        "if_missing", -SG_UNBOUNDED, SG_UNBOUNDED,
        "What the quantity, a column of iteration, counts as where it is not known, as in a "
        "round that is skipped; absent: such rows do not count.",
        .flags = SG_OPTIONAL),
    SG_ROW_CHOICE("by", by, 0,
                  "Where our value comes from: simulated runs, or the exact law of the iteration "
                  "time (straggle expect)."),
    SG_ROW("over", SG_TEXT,
           "The value is a ratio: the scheme's quantity over that of this scheme, the runs of both "
           "paired.",
           .flags = SG_OPTIONAL | SG_IS_NAME),
    SG_ROW_REAL("scale", 0, SG_UNBOUNDED,
                "Our value is multiplied by this, where the paper has units of its own.",
                .fallback = 1, .flags = SG_MIN_OPEN),
    SG_ROW_REAL("value", -SG_UNBOUNDED, SG_UNBOUNDED, "The paper's value.", .flags = SG_OPTIONAL),
    SG_ROW_REAL("error", 0, SG_UNBOUNDED, "The standard error of the paper's value, with \"z\".",
                .flags = SG_OPTIONAL),
    SG_ROW_INT(
        "digits", 1, 15,
        "The verdict is equal where our value is exact, or the same in all runs, and at most "
        "half a unit from the paper's in the last of so many significant digits.",
        .flags = SG_OPTIONAL),
    SG_ROW_REAL("z", 0, 10,
                "The verdict is within where our mean over runs is at most so many standard errors "
                "from the paper's value: its own and that of our mean over replications.",
                .flags = SG_OPTIONAL | SG_MIN_OPEN),
    SG_ROW_REAL(
        "percent", 0, 100,
        "The verdict is within where our value is at most so many percent from the paper's.",
        .flags = SG_OPTIONAL | SG_MIN_OPEN),
    SG_ROW_LIST(
        "order", ranked, 2, 0,
        "The paper's ranking, from best to worst; the verdict is order where each is better "
        "than the next: by the 95 % interval of the difference, paired by run.",
        .flags = SG_OPTIONAL),
    SG_ROW_CHOICE("best", best, 0, "Which end of an order is the better."),
    SG_ROW("why_not", SG_TEXT,
           "The verdict is not reproducible, and this is why: what of the set-up is unknown.",
           .flags = SG_OPTIONAL | SG_IS_NAME),
    {0},
};

static const sg_param targets[] = {
    SG_ROW_OBJECT("target", statement,
                  "Something that a paper says, and how near to it we have to come: exactly one of "
                  "\"digits\", \"z\", \"percent\", \"order\" and \"why_not\"."),
    {0},
};

const sg_param sg_paper_params[] = {
    SG_ROW("title", SG_TEXT, "Its title.", .flags = SG_REQUIRED | SG_IS_NAME),
    SG_ROW("authors", SG_TEXT, "Who wrote it.", .flags = SG_OPTIONAL | SG_IS_NAME),
    SG_ROW("arxiv", SG_TEXT, "Its arXiv number, such as 1612.03301.",
           .flags = SG_OPTIONAL | SG_IS_NAME),
    SG_ROW_INT("year", 1900, 2100, "When it came out.", .flags = SG_REQUIRED),
    SG_ROW_CHOICE("label", labels, 0,
                  "How the targets are known: published, read in the paper, its abstract or its "
                  "official code; recalled, from memory or second hand; derived, computed for its "
                  "model by other code than ours.",
                  .flags = SG_REQUIRED),
    SG_ROW("about", SG_TEXT, "What is assumed, and what of the paper's set-up is unknown.",
           .flags = SG_REQUIRED),
    SG_ROW_LIST("targets", targets, 1, 1000, "What it says.", .flags = SG_REQUIRED),
    {0},
};

/* --- Names of schemes ------------------------------------------------------------------------- */

/* Whether a scheme has the code of that name, of n bytes. */
static bool names_code(const sg_scenario *s, const char *name, size_t n) {
  const cJSON *scheme;
  cJSON_ArrayForEach(scheme, cJSON_GetObjectItemCaseSensitive(s->tree, "schemes")) {
    const char *code = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(scheme, "code"));
    if (code && strlen(code) == n && strncmp(code, name, n) == 0) return true;
  }
  return false;
}

static bool make_names(scheme_names *known, sg_error *e) {
  const sg_scenario *s = known->of;
  variations all = {0};
  sg_status status = s->complete ? sg_vary_schemes(s, &all, e) : SG_OK;
  const cJSON *list = cJSON_GetObjectItemCaseSensitive(s->tree, "schemes"), *scheme;
  size_t n = (size_t)all.count, k = 2 * n;
  known->made = true;
  known->label = calloc(n + 1, sizeof *known->label);
  known->name = calloc(k + (size_t)cJSON_GetArraySize(list) + 1, sizeof *known->name);
  if (!status && (!known->label || !known->name)) status = sg_fail_memory(e);
  for (size_t i = 0; !status && i < n; i++) {
    const sg_values *values = all.list[i].values;
    sg_code_label(values, known->label[i], sizeof *known->label);
    known->name[2 * i] = known->label[i];
    known->name[2 * i + 1] = values->variant->name;
  }
  cJSON_ArrayForEach(scheme, list) { /* where labels cannot be made */
    const char *code = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(scheme, "code"));
    if (code && !status && n == 0) known->name[k++] = code;
  }
  sg_variations_free(&all);
  return !status;
}

bool sg_names_scheme(scheme_names *known, const char *name, sg_error *e) {
  const sg_scenario *s = known->of;
  if (names_code(s, name, strlen(name))) return true;
  /* Labels begin with the code, and can be made where nothing is wrong. */
  if (!s->complete && names_code(s, name, strcspn(name, " "))) return true;
  if (!known->made && !make_names(known, e)) return true; /* what is wrong has been said */
  for (const char *const *n = known->name; n && *n; n++)
    if (strcmp(*n, name) == 0) return true;
  return !known->name;
}

void sg_scheme_names_clear(scheme_names *known) {
  free(known->name);
  free(known->label);
}

/* --- What only the whole can tell ------------------------------------------------------------- */

static void check_scheme(scheme_names *known, const char *name, const char *place, sg_error *e) {
  if (!name || sg_names_scheme(known, name, e)) return;
  sg_fail(e, SG_INVALID, place,
          "expected the code or the label of a scheme in the list, found \"%.60s\"%s", name,
          sg_suggest(name, known->name).text);
}

static void check_schemes(scheme_names *known, const sg_values *t, sg_error *e) {
  for (const char *const *m = (const char *const[]){"scheme", "over", NULL}; *m; m++) {
    char *place = sg_pointer_join(t->pointer, *m);
    if (place && sg_given(t, *m)) check_scheme(known, sg_text(t, *m), place, e);
    if (!place) sg_fail_memory(e);
    free(place);
  }
  for (int i = 0; i < sg_count(t, "order"); i++) {
    const char *name = sg_item(t, "order", i)->text, *other = NULL;
    sg_buffer place = {0};
    sg_putf(&place, "%s/order/%d", t->pointer, i);
    const char *at = place.failed ? "" : place.data;
    check_scheme(known, name, at, e);
    for (int k = 0; name && k < i; k++)
      if ((other = sg_item(t, "order", k)->text) && strcmp(other, name) == 0)
        sg_fail(e, SG_INVALID, at, "this scheme is in the list already");
    sg_buffer_free(&place);
  }
}

/* How it is judged: which members go together. */
static void check_judgement(const sg_values *t, sg_error *e) {
  static const char *const ways[] = {"digits", "z", "percent", "order", "why_not", NULL};
  const char *way = NULL;
  int n = 0;
  for (const char *const *w = ways; *w; w++)
    if (sg_given(t, *w)) n++, way = *w;
  if (n != 1) {
    sg_buffer b = {0};
    sg_put(&b, "expected one of ");
    sg_put_words(ways, &b);
    sg_putf(&b, ", found %s", n ? "several" : "none");
    sg_fail_buffer(e, SG_INVALID, t->pointer, &b);
    return;
  }
  bool order = strcmp(way, "order") == 0, open = strcmp(way, "why_not") == 0;
  const char *const *m =
      order ? (const char *const[]){"value", "scheme", NULL} : (const char *const[]){NULL};
  for (; *m; m++)
    if (sg_given(t, *m)) sg_fail_at(e, t, *m, "a target with \"order\" has no \"%s\"", *m);
  m = order || open ? (const char *const[]){NULL} : (const char *const[]){"value", "scheme", NULL};
  for (; *m; m++)
    if (!sg_given(t, *m)) sg_fail_missing(e, t->pointer, sg_values_param(t, *m));
  if (sg_given(t, "error") && strcmp(way, "z") != 0 && !open)
    sg_fail_at(e, t, "error", "a standard error counts with \"z\" only, found \"%s\"", way);
  if (sg_given(t, "over") && (order || !sg_given(t, "scheme")))
    sg_fail_at(e, t, "over", "expected a \"scheme\" that this is to be compared with");
  if (sg_given(t, "best") && !order)
    sg_fail_at(e, t, "best", "this is for an \"order\", found \"%s\"", way);
  bool simulated = sg_choice(t, "by") == SG_BY_SIMULATION;
  if (!simulated && strcmp(way, "z") == 0 && !sg_given(t, "error"))
    sg_fail_at(e, t, "z",
               "a closed form has no standard error: expected \"digits\", \"percent\" or "
               "the paper's \"error\"");
}

/* The table that a quantity is a column of; NULL: none. */
static const char *find_table(const char *name, sg_nearness *near) {
  static const char *const tables[] = {"run_summary", "run", "point", "iteration", NULL};
  for (const char *const *table = tables; *table; table++)
    for (const sg_column *c = sg_members_of(*table); c; c = sg_column_after(c)) {
      if (c->kind == SG_COLUMN_TEXT || c->kind == SG_COLUMN_SEED) continue;
      if (strcmp(c->name, name) == 0) return *table;
      if (near) sg_consider(near, c->name);
    }
  return NULL;
}

const char *sg_paper_table(const sg_values *t) {
  return sg_choice(t, "by") == SG_BY_SIMULATION ? find_table(sg_text(t, "quantity"), NULL) : NULL;
}

static bool has_closed_form(const char *name, sg_nearness *near) {
  bool found = false;
  for (const char *const *w = sg_closed_form_words; *w && !found; w++) {
    found = strcmp(*w, name) == 0;
    sg_consider(near, *w);
  }
  return found;
}

static void check_quantity(const sg_scenario *s, const sg_values *t, sg_error *e) {
  const char *name = sg_text(t, "quantity");
  sg_nearness near = {.word = name};
  bool simulated = sg_choice(t, "by") == SG_BY_SIMULATION;
  const char *table = simulated ? find_table(name, &near) : "";
  if (simulated ? !table : !has_closed_form(name, &near)) {
    sg_fail_at(e, t, "quantity", "expected %s, found \"%.60s\"%s%s%s",
               simulated ? "a column of numbers of run_summary, run, point or iteration"
                         : "a quantity with a closed form",
               name, near.best ? "; did you mean \"" : "", near.best ? near.best : "",
               near.best ? "\"?" : "");
    return;
  }
  bool rows = strcmp(table, "iteration") == 0;
  const char *const *m = (const char *const[]){"at_most", "square_from", "if_missing", NULL};
  for (; *m; m++)
    if (sg_given(t, *m) && !rows)
      sg_fail_at(e, t, *m, "\"%.60s\" is no column of iteration, whose rows this is about", name);
  if (sg_given(t, "at_most") && sg_given(t, "square_from"))
    sg_fail_at(e, t, "square_from", "expected \"at_most\" or \"square_from\", found both");
  if (rows && sg_scenario_detail(s) == SG_DETAIL_SUMMARY)
    sg_fail_at(e, t, "quantity", "rows of iterations are wanted, and output.detail is summary");
}

/* "at": names and values of axes. */
static void check_at(const sg_scenario *s, const sg_values *t, sg_error *e) {
  if (!sg_given(t, "at")) return;
  char *place = sg_pointer_join(t->pointer, "at");
  const cJSON *member;
  cJSON *at = cJSON_Parse(sg_text(t, "at"));
  if (!place || !at)
    sg_fail_memory(e);
  else if (!cJSON_IsObject(at))
    sg_fail(e, SG_INVALID, place, "expected an object {\"axis\": value}");
  else
    cJSON_ArrayForEach(member, at) {
      sg_nearness near = {.word = member->string};
      bool known = false, taken = false;
      sg_buffer value = {0};
      sg_json_put(member, &value);
      for (int i = 0; i < s->axes.count; i++) {
        const scenario_axis *a = &s->axes.axis[i];
        sg_consider(&near, a->name);
        if (strcmp(a->name, member->string) != 0) continue;
        known = true;
        for (int k = 0; k < a->count && !taken && !value.failed; k++) {
          sg_buffer other = {0};
          sg_json_put(a->value[k], &other);
          taken = !other.failed && strcmp(other.data, value.data) == 0;
          sg_buffer_free(&other);
        }
      }
      char *where = sg_pointer_join(place, member->string);
      if (!where || value.failed)
        sg_fail_memory(e);
      else if (!known)
        sg_fail(e, SG_INVALID, where, "the scenario has no axis \"%.60s\"%s%s%s", member->string,
                near.best ? "; did you mean \"" : "", near.best ? near.best : "",
                near.best ? "\"?" : "");
      else if (!taken)
        sg_fail(e, SG_INVALID, where, "expected one of the axis' values, found %.60s", value.data);
      free(where);
      sg_buffer_free(&value);
    }
  cJSON_Delete(at);
  free(place);
}

/* "1612.03301", or an old one such as "cs/0412108". */
static void check_arxiv(const sg_values *paper, sg_error *e) {
  const char *id = sg_given(paper, "arxiv") ? sg_text(paper, "arxiv") : NULL;
  if (!id || strchr(id, '/')) return;
  size_t year = strspn(id, "0123456789"), rest = id[year] ? strspn(id + year + 1, "0123456789") : 0;
  if (year != 4 || id[4] != '.' || rest < 4 || rest > 5 || id[5 + rest])
    sg_fail_at(e, paper, "arxiv", "expected a number such as 1612.03301, found \"%.60s\"", id);
}

/* A paper is about the scenario as it is written; of its random numbers it may be another draw. */
static bool is_changed(const sg_scenario *s) {
  bool changed = false;
  for (int i = 0; i < s->n_overrides; i++)
    changed |= strncmp(s->override[i], "/paper", 6) && strncmp(s->override[i], "/random", 7);
  return changed;
}

void sg_check_paper(const sg_scenario *s, sg_error *e) {
  const sg_values *paper = sg_scenario_paper(s);
  if (!paper || is_changed(s)) return;
  scheme_names known = {.of = s};
  check_arxiv(paper, e);
  for (int i = 0; i < sg_count(paper, "targets"); i++) {
    const sg_values *t = sg_item(paper, "targets", i)->object;
    if (!t) continue; /* no object, which the reader has told */
    check_judgement(t, e);
    check_schemes(&known, t, e);
    check_quantity(s, t, e);
    check_at(s, t, e);
  }
  sg_scheme_names_clear(&known);
}
