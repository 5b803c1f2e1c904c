/* SPDX-License-Identifier: MIT */
/* Lists on the command line of `codes check`: 6,8,…,30 for many numbers of workers, s=1,2 for many
 * values of a parameter. */
#include "sim/cli/codes_check.h"
#include "sim/core/array.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ITEMS = 10000 };

void sg_words_free(sg_words *w) {
  for (int i = 0; i < w->n; i++) free(w->word[i]);
  free(w->word);
  *w = (sg_words){0};
}

static sg_status add_word(sg_words *w, const char *text, size_t n, sg_error *e) {
  char *copy = strndup(text, n);
  if (!copy || !SG_ROOM(w->word, w->capacity, w->n + 1)) {
    free(copy);
    return sg_fail_memory(e);
  }
  w->word[w->n++] = copy;
  return SG_OK;
}

static bool is_dots(const char *text, size_t n) {
  return (n == 3 && (!memcmp(text, "...", 3) || !memcmp(text, "…", 3))) ||
         (n == 2 && !memcmp(text, "..", 2));
}

static bool read_whole(const char *text, double *x) {
  char *end;
  *x = strtod(text, &end);
  return end > text && !*end && isfinite(*x);
}

/* Goes on from the last two words, by their difference, up to `last`, which is one of the numbers.
 */
static sg_status go_on(sg_words *w, const char *what, const char *list, const char *last,
                       sg_error *e) {
  double a = NAN, b = NAN, to = NAN;
  bool read = w->n >= 2 && read_whole(w->word[w->n - 2], &a) && read_whole(w->word[w->n - 1], &b) &&
              read_whole(last, &to);
  double steps = read && b != a ? (to - b) / (b - a) : NAN;
  if (!(steps >= 1) || fabs(steps - round(steps)) > 1e-6)
    return sg_fail(e, SG_USAGE, NULL,
                   "%s: expected two numbers before the dots, and behind them one that their "
                   "steps come to, such as 6,8,…,30; found \"%s\"",
                   what, list);
  if (steps > MOST_ITEMS)
    return sg_fail(e, SG_USAGE, NULL, "%s: expected at most %d values, found \"%s\"", what,
                   MOST_ITEMS, list);
  sg_status status = SG_OK;
  for (int k = 1; k <= (int)round(steps) && !status; k++) {
    char number[40];
    int n = snprintf(number, sizeof number, "%.12g", b + k * (b - a));
    status = add_word(w, number, (size_t)n, e);
  }
  return status;
}

sg_status sg_words_read(const char *what, const char *list, sg_words *w, sg_error *e) {
  sg_status status = SG_OK;
  bool dots = false;
  for (const char *at = list; !status; at++) {
    size_t n = strcspn(at, ",");
    if (n == 0) {
      status =
          sg_fail(e, SG_USAGE, NULL, "%s: expected values with commas, found \"%s\"", what, list);
    } else if (is_dots(at, n)) {
      if (dots || !at[n]) status = go_on(w, what, list, "", e);
      dots = true;
    } else if (dots) {
      char *last = strndup(at, n);
      status = last ? go_on(w, what, list, last, e) : sg_fail_memory(e);
      free(last);
      dots = false;
    } else {
      status = add_word(w, at, n, e);
    }
    if (!status && w->n > MOST_ITEMS)
      status = sg_fail(e, SG_USAGE, NULL, "%s: expected at most %d values", what, MOST_ITEMS);
    at += n;
    if (!*at) break;
  }
  return status;
}

sg_status sg_read_counts(const char *what, const char *list, int least, int most, int **out, int *n,
                         sg_error *e) {
  sg_words w = {0};
  sg_status status = sg_words_read(what, list, &w, e);
  *n = 0;
  *out = status ? NULL : calloc((size_t)w.n + 1, sizeof **out);
  if (!status && !*out) status = sg_fail_memory(e);
  for (int i = 0; i < w.n && !status; i++) {
    double x;
    if (!read_whole(w.word[i], &x) || x != floor(x) || x < least || x > most)
      status = sg_fail(e, SG_USAGE, NULL,
                       "%s: expected a whole number from %d to %d, or such numbers with commas, "
                       "found \"%s\"",
                       what, least, most, w.word[i]);
    else
      (*out)[(*n)++] = (int)x;
  }
  sg_words_free(&w);
  return status;
}

/* --- Parameters ------------------------------------------------------------------------------- */

void sg_choices_free(sg_choices *c) {
  for (int i = 0; i < c->n; i++) {
    free(c->name[i]);
    sg_words_free(&c->values[i]);
  }
  free(c->name);
  free(c->values);
  *c = (sg_choices){0};
}

/* Whether a comma in a value of this parameter can only part values. */
static bool may_be_list(const sg_param *row, const char *text) {
  if (!row || strchr(text, '(')) return false;
  return row->kind == SG_INT || row->kind == SG_REAL || row->kind == SG_BOOL ||
         row->kind == SG_CHOICE || row->kind == SG_SEED || row->kind == SG_FAMILY;
}

/* The second parameter of a word such as "d=4,m=2"; NULL: there is none. */
static const char *joined_parameter(const char *word, const sg_values *values) {
  for (const char *at = strchr(word, ','); at && !strchr(word, '('); at = strchr(at + 1, ','))
    for (int i = 0; i < sg_values_size(values); i++) {
      const char *name = sg_values_row(values, i)->name;
      size_t n = strlen(name);
      if (strncmp(at + 1, name, n) == 0 && at[1 + n] == '=') return at + 1;
    }
  return NULL;
}

/* "name=value" or "name=value,value"; `values` says what the parameter is. */
static sg_status add_choice(const sg_values *values, const char *word, sg_choices *c, sg_error *e) {
  const char *equals = strchr(word, '=');
  if (!equals || equals == word)
    return sg_fail(e, SG_USAGE, NULL, "expected parameter=value, found \"%s\"", word);
  const char *second = joined_parameter(word, values);
  if (second)
    return sg_fail(e, SG_USAGE, NULL,
                   "expected a word for each parameter, found \"%s\": write %.*s %s", word,
                   (int)(second - 1 - word), word, second);
  char *name = strndup(word, (size_t)(equals - word));
  if (!name || !SG_ROOM(c->name, c->name_capacity, c->n + 1) ||
      !SG_ROOM(c->values, c->values_capacity, c->n + 1)) {
    free(name);
    return sg_fail_memory(e);
  }
  for (int k = 0; k < c->n; k++)
    if (!strcmp(c->name[k], name)) {
      free(name);
      return sg_fail(e, SG_USAGE, NULL, "expected %s once, found it again in \"%s\"", c->name[k],
                     word);
    }
  c->name[c->n] = name;
  c->values[c->n++] = (sg_words){0};
  sg_words *w = &c->values[c->n - 1];
  return may_be_list(sg_values_param(values, name), equals + 1)
             ? sg_words_read(name, equals + 1, w, e)
             : add_word(w, equals + 1, strlen(equals + 1), e);
}

sg_status sg_choices_read(const sg_args *a, const sg_values *values, sg_choices *c, sg_error *e) {
  double all = 1;
  for (int i = 1; i < a->n_words; i++) add_choice(values, a->word[i], c, e);
  for (int i = 0; i < c->n; i++) all *= c->values[i].n;
  if (all > MOST_ITEMS)
    sg_fail(e, SG_USAGE, NULL, "expected at most %d combinations of parameters, found %.0f",
            MOST_ITEMS, all);
  c->combinations = all > MOST_ITEMS ? 0 : (int)all;
  return sg_error_status(e);
}

sg_status sg_choose(const sg_choices *c, int combination, sg_values *values, sg_error *e) {
  /* The last parameter changes fastest. */
  for (int i = c->n - 1; i >= 0; i--) {
    sg_values_parse(values, c->name[i], c->values[i].word[combination % c->values[i].n], e);
    combination /= c->values[i].n;
  }
  if (!sg_failed(e)) sg_values_check_required(values, e);
  return sg_error_status(e);
}
