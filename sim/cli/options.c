/* SPDX-License-Identifier: MIT */
/* Reading a command line against an option table. It is ours and not getopt's because all faults
 * are to be listed, with the nearest name, and because a table says more than getopt wants. */
#include "sim/cli/options.h"
#include "sim/core/array.h"
#include "sim/core/nearest.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const sg_format_words[] = {"text", "csv", "json", "markdown", "latex", NULL};
const char *const sg_report_words[] = {"text", "json", NULL};

static const sg_option help_row = {.name = "help", .letter = 'h', .kind = SG_OPTION_FLAG};

/* --- Values ----------------------------------------------------------------------------------- */

void sg_option_expectation(const sg_option *o, sg_buffer *out) {
  switch (o->kind) {
  case SG_OPTION_FLAG: sg_put(out, "no value"); break;
  case SG_OPTION_TEXT:
  case SG_OPTION_LIST: sg_putf(out, "a text (%s)", o->value); break;
  case SG_OPTION_FILE: sg_put(out, "the name of a file"); break;
  case SG_OPTION_INTEGER: sg_putf(out, "a whole number from %.0f to %.0f", o->min, o->max); break;
  case SG_OPTION_REAL:
  case SG_OPTION_REALS:
    sg_putf(out, "%s > %g", o->kind == SG_OPTION_REAL ? "a number" : "numbers", o->min);
    if (o->max > 0) sg_putf(out, " and ≤ %g", o->max);
    if (o->kind == SG_OPTION_REALS) sg_put(out, " with commas, such as 4,1,1");
    break;
  case SG_OPTION_SEED: sg_put(out, "a whole number from 0 to 2^64 - 1"); break;
  case SG_OPTION_CHOICE:
    for (int i = 0; o->choices[i]; i++)
      sg_putf(out, "%s%s", !i ? "" : o->choices[i + 1] ? ", " : " or ", o->choices[i]);
    break;
  case SG_OPTION_SETTING: sg_put(out, o->value); break;
  }
}

/* found NULL: nothing stands where the value should. */
static void fail_value(const sg_option *o, const char *found, sg_error *e) {
  sg_buffer expected = {0};
  sg_option_expectation(o, &expected);
  sg_suggestion near = {0};
  if (o->kind == SG_OPTION_CHOICE && found) near = sg_suggest(found, o->choices);
  if (expected.failed)
    sg_fail_memory(e);
  else
    sg_fail(e, SG_USAGE, NULL, "--%s: expected %s, found %s%.100s%s%s", o->name, expected.data,
            found ? "\"" : "", found ? found : "nothing", found ? "\"" : "", near.text);
  sg_buffer_free(&expected);
}

static bool read_integer(const sg_option *o, const char *text, double *x) {
  char *end;
  errno = 0;
  long n = strtol(text, &end, 10);
  *x = (double)n;
  return !errno && !*end && end != text && *x >= o->min && *x <= o->max;
}

/* Up to a comma or the end; NULL: none. */
static const char *read_real(const sg_option *o, const char *text, double *x) {
  char *end;
  *x = strtod(text, &end);
  bool ok = end > text && isfinite(*x) && *x > o->min && (o->max <= 0 || *x <= o->max);
  return ok && (!*end || *end == ',') ? end : NULL;
}

static bool read_reals(const sg_option *o, const char *text, sg_arg *arg) {
  arg->count = 0;
  for (const char *at = text;; at++) {
    double x;
    at = read_real(o, at, &x);
    if (!at || !SG_ROOM(arg->real, arg->real_room, arg->count + 1)) return false;
    arg->real[arg->count++] = x;
    if (!*at) return true;
  }
}

static bool read_seed(const char *text, uint64_t *seed) {
  if (!*text || strspn(text, "0123456789") != strlen(text)) return false;
  errno = 0;
  *seed = strtoull(text, NULL, 10);
  return !errno;
}

static bool add_item(const char *text, sg_arg *arg) {
  if (!SG_ROOM(arg->item, arg->item_room, arg->count + 1)) return false;
  arg->item[arg->count++] = text;
  return true;
}

/* Takes a value; false where it is wrong. */
static bool take(const sg_option *o, const char *text, sg_arg *arg) {
  arg->text = text;
  switch (o->kind) {
  case SG_OPTION_FLAG:
  case SG_OPTION_TEXT: return true;
  case SG_OPTION_FILE: return *text; /* a variable that is not set */
  case SG_OPTION_INTEGER: return read_integer(o, text, &arg->number);
  case SG_OPTION_REAL: {
    const char *end = read_real(o, text, &arg->number);
    return end && !*end;
  }
  case SG_OPTION_REALS: return read_reals(o, text, arg);
  case SG_OPTION_SEED: return read_seed(text, &arg->seed);
  case SG_OPTION_CHOICE:
    for (arg->choice = 0; o->choices[arg->choice]; arg->choice++)
      if (strcmp(o->choices[arg->choice], text) == 0) return true;
    return false;
  case SG_OPTION_LIST: return add_item(text, arg);
  case SG_OPTION_SETTING: return text[0] == '/' && strchr(text, '=') && add_item(text, arg);
  }
  return false;
}

/* --- The line --------------------------------------------------------------------------------- */

static const sg_option *row_at(const sg_args *a, int i) {
  return i < a->n_options ? &a->option[i] : &help_row;
}

static void fail_unknown(const sg_args *a, const char *name, size_t n, sg_error *e) {
  const char **names = calloc((size_t)a->n_options + 2, sizeof *names);
  char *word = strndup(name, n);
  if (!names || !word) {
    sg_fail_memory(e);
  } else {
    for (int i = 0; i <= a->n_options; i++) names[i] = row_at(a, i)->name;
    const char *near = sg_nearest(word, names);
    sg_fail(e, SG_USAGE, NULL, "there is no option --%s%s%s%s", word,
            near ? "; did you mean --" : "", near ? near : "", near ? "?" : "");
  }
  free(word);
  free(names);
}

/* The row of the n letters at `name`, which may be the beginning of one name alone. */
static const sg_option *find_long(const sg_args *a, const char *name, size_t n, sg_error *e) {
  const sg_option *found = NULL, *other = NULL;
  for (int i = 0; i <= a->n_options; i++) {
    const sg_option *o = row_at(a, i);
    if (strncmp(o->name, name, n) != 0) continue;
    if (strlen(o->name) == n) return o;
    if (found) other = o;
    if (!found) found = o;
  }
  if (!found || n == 0) {
    fail_unknown(a, name, n, e);
    return NULL;
  }
  if (!other) return found;
  sg_fail(e, SG_USAGE, NULL, "--%.*s can be --%s or --%s", (int)n, name, found->name, other->name);
  return NULL;
}

static const sg_option *find_letter(const sg_args *a, char letter, sg_error *e) {
  for (int i = 0; i <= a->n_options; i++)
    if (row_at(a, i)->letter == letter) return row_at(a, i);
  sg_fail(e, SG_USAGE, NULL, "there is no option -%c", letter);
  return NULL;
}

/* text NULL: a flag. */
static void store(sg_args *a, const sg_option *o, const char *text, sg_error *e) {
  if (o == &help_row) {
    a->help = true;
    return;
  }
  if (o->short_for) {
    for (int i = 0; i < a->n_options; i++)
      if (strcmp(a->option[i].name, o->short_for) == 0) store(a, &a->option[i], o->fallback, e);
    return;
  }
  sg_arg *arg = &a->arg[o - a->option];
  arg->given = true;
  if (!take(o, text, arg)) fail_value(o, text, e);
}

/* value NULL: it is the next word, if there is one. */
static void store_value(sg_args *a, const sg_option *o, const char *value, int argc, char **argv,
                        int *i, sg_error *e) {
  if (!value && *i + 1 < argc) value = argv[++*i];
  if (value)
    store(a, o, value, e);
  else
    fail_value(o, NULL, e);
}

/* One word that begins with "-", of a name or of letters; *i moves on where it takes the next as
 * its value. */
static void read_option(sg_args *a, int argc, char **argv, int *i, sg_error *e) {
  const char *word = argv[*i];
  bool named = word[1] == '-';
  for (const char *c = word + 1; *c; c++) {
    size_t n = named ? strcspn(word + 2, "=") : 1;
    const sg_option *o = named ? find_long(a, word + 2, n, e) : find_letter(a, *c, e);
    const char *rest = named ? word + 2 + n : c + 1; /* "=3" of --seed=3, "3" of -j3 */
    const char *value = *rest ? rest + named : NULL;
    if (!o)
      a->unknown = true; /* what follows may be its value */
    else if (o->kind != SG_OPTION_FLAG)
      store_value(a, o, value, argc, argv, i, e);
    else if (named && value)
      fail_value(o, value, e);
    else
      store(a, o, NULL, e);
    if (named || !o || o->kind != SG_OPTION_FLAG) return;
  }
}

sg_status sg_args_read(const sg_option *table, int argc, char **argv, sg_args *a, sg_error *e) {
  *a = (sg_args){.option = table};
  while (a->option[a->n_options].name) a->n_options++;
  a->arg = calloc((size_t)a->n_options + 1, sizeof *a->arg);
  a->word = calloc((size_t)argc + 1, sizeof *a->word);
  if (!a->arg || !a->word) return sg_fail_memory(e);
  for (int i = 0; i < a->n_options; i++)
    if (a->option[i].fallback && !a->option[i].short_for)
      take(&a->option[i], a->option[i].fallback, &a->arg[i]);
  bool words_only = false;
  for (int i = 0; i < argc; i++) {
    if (words_only || argv[i][0] != '-' || !argv[i][1])
      a->word[a->n_words++] = argv[i];
    else if (strcmp(argv[i], "--") == 0)
      words_only = true;
    else
      read_option(a, argc, argv, &i, e);
  }
  return sg_error_status(e);
}

void sg_args_free(sg_args *a) {
  for (int i = 0; a->arg && i < a->n_options; i++) {
    free(a->arg[i].real);
    free(a->arg[i].item);
  }
  free(a->arg);
  free(a->word);
  *a = (sg_args){0};
}

/* --- What was read ---------------------------------------------------------------------------- */

const sg_arg *sg_args_find(const sg_args *a, const char *name) {
  for (int i = 0; i < a->n_options; i++)
    if (strcmp(a->option[i].name, name) == 0) return &a->arg[i];
  fprintf(stderr, "straggle: a command asks for --%s, which its table does not have\n", name);
  abort();
}

bool sg_args_given(const sg_args *a, const char *name) {
  return sg_args_find(a, name)->given;
}

const char *sg_args_text(const sg_args *a, const char *name) {
  return sg_args_find(a, name)->text;
}

long sg_args_integer(const sg_args *a, const char *name) {
  return (long)sg_args_find(a, name)->number;
}

sg_format sg_args_format(const sg_args *a) {
  const char *word = sg_args_text(a, "format");
  int i = 0;
  while (sg_format_words[i + 1] && strcmp(sg_format_words[i], word) != 0) i++;
  return (sg_format)i;
}
