/* SPDX-License-Identifier: MIT */
/* The command `codes check`: how safe a code is, or a grid of all; rows of a database. */
#include "sim/cli/check_codes.h"
#include "sim/check/grid.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

/* Numbers of the random gradients: 128 MB, and three times that for their messages. */
static const double MOST_NUMBERS = 1 << 24;

typedef struct session {
  const sg_check_request *q;
  sg_shape shape;
  sg_checked *item;
  int count, capacity;
  /* Progress. */
  int codes, codes_done;
  bool bar, shown;
  double began_s, shown_s;
} session;

/* --- The command line ------------------------------------------------------------------------- */

static bool read_whole(const char *text, long least, long most, long *out) {
  char *end;
  errno = 0;
  long n = strtol(text, &end, 10);
  if (errno || *end || end == text || n < least || n > most) return false;
  *out = n;
  return true;
}

static bool read_seed(const char *text, uint64_t *out) {
  if (!*text || strspn(text, "0123456789") != strlen(text)) return false;
  errno = 0;
  *out = strtoull(text, NULL, 10);
  return errno == 0;
}

/* "4,1,1", repeated to n workers. NULL with a message where it is wrong; to be freed. */
static double *read_speeds(const char *text, int n) {
  double *speed = calloc((size_t)n, sizeof *speed);
  int count = 0;
  bool ok = speed;
  for (const char *at = text; ok;) {
    char *end;
    double x = strtod(at, &end);
    ok = end > at && isfinite(x) && x > 0 && count < n && (*end == ',' || !*end);
    if (ok) speed[count++] = x;
    if (!*end) break;
    at = end + 1;
  }
  if (!ok) {
    sg_usage_fault("codes", "expected at most %d speeds > 0 such as 4,1,1, found \"%s\"", n, text);
    free(speed);
    return NULL;
  }
  for (int i = count; i < n; i++) speed[i] = speed[i - count];
  return speed;
}

static const struct whole {
  int letter;
  const char *what;
  long least, most;
  size_t place;
} wholes[] = {
    {'n', "a number of workers", 1, 1000, offsetof(sg_check_request, workers)},
    {'k', "a number of subsets", 1, 100000, offsetof(sg_check_request, subsets)},
    {'l', "a gradient length", 1, 100000000, offsetof(sg_check_request, length)},
    {'p', "a number of patterns", 1, 1000000, offsetof(sg_check_request, patterns)},
    {'j', "a number of threads", 1, 1024, offsetof(sg_check_request, threads)},
};

/* One option; false with a message where its value is wrong. */
static bool take_option(sg_check_request *q, int letter, const char *value) {
  static const char *const formats[] = {"text", "csv", "json", "markdown", NULL};
  for (size_t i = 0; i < sizeof wholes / sizeof *wholes; i++) {
    const struct whole *w = &wholes[i];
    if (w->letter != letter) continue;
    long n;
    if (!read_whole(value, w->least, w->most, &n)) {
      sg_usage_fault("codes", "expected %s from %ld to %ld, found \"%s\"", w->what, w->least,
                     w->most, value);
      return false;
    }
    memcpy((char *)q + w->place, &n, sizeof n);
    return true;
  }
  switch (letter) {
  case 'S':
    if (read_seed(value, &q->seed)) return true;
    sg_usage_fault("codes", "expected a seed, a whole number up to 2^64 - 1, found \"%s\"", value);
    return false;
  case 'd': q->database = value; return true;
  case 's': q->speeds = value; return true;
  case 'a': q->all = true; return true;
  case 'q': q->quiet = true; return true;
  case 'J': q->format = SG_FORMAT_JSON; return true;
  default: break;
  }
  for (int i = 0; formats[i]; i++)
    if (strcmp(value, formats[i]) == 0) {
      q->format = (sg_format)i;
      return true;
    }
  sg_usage_fault("codes", "expected the format text, csv, json or markdown, found \"%s\"", value);
  return false;
}

static bool read_request(int argc, char **argv, sg_check_request *q) {
  static const struct option longs[] = {{"workers", required_argument, NULL, 'n'},
                                        {"subsets", required_argument, NULL, 'k'},
                                        {"length", required_argument, NULL, 'l'},
                                        {"patterns", required_argument, NULL, 'p'},
                                        {"threads", required_argument, NULL, 'j'},
                                        {"seed", required_argument, NULL, 'S'},
                                        {"database", required_argument, NULL, 'd'},
                                        {"speeds", required_argument, NULL, 's'},
                                        {"format", required_argument, NULL, 'f'},
                                        {"json", no_argument, NULL, 'J'},
                                        {"all", no_argument, NULL, 'a'},
                                        {"quiet", no_argument, NULL, 'q'},
                                        {"help", no_argument, NULL, 'h'},
                                        {NULL, 0, NULL, 0}};
  *q = (sg_check_request){.workers = 12,
                          .length = 960,
                          .patterns = 5000,
                          .threads = sg_processors(),
                          .seed = 1,
                          .code = EX_USAGE};
  opterr = 0;
  optind = 0; /* forget where an earlier command line was left */
  for (int c; (c = getopt_long(argc, argv, ":n:k:l:p:j:f:qh", longs, NULL)) != -1;) {
    if (c == 'h') {
      char *help[] = {"help", "codes"};
      q->code = sg_cmd_help(2, help);
      return false;
    }
    if (c == '?' || c == ':') {
      sg_usage_fault("codes", c == ':' ? "the option %s needs a value" : "there is no option %s",
                     argv[optind - 1]);
      return false;
    }
    if (!take_option(q, c, optarg)) return false;
  }
  q->n_words = argc - optind;
  q->word = argv + optind;
  if (q->subsets == 0) q->subsets = q->workers;
  double parts = (double)(q->subsets > q->workers ? q->subsets : q->workers);
  if (q->all == (q->n_words > 0)) {
    sg_usage_fault("codes",
                   q->all ? "with --all: expected no code, found \"%s\""
                          : "check: expected a code, or --all%s",
                   q->all ? q->word[0] : "");
    return false;
  }
  if (parts * (double)q->length > MOST_NUMBERS) {
    sg_usage_fault("codes",
                   "expected at most %.0f numbers in all gradients (a length of %.0f), "
                   "found a length of %ld",
                   MOST_NUMBERS, floor(MOST_NUMBERS / parts), q->length);
    return false;
  }
  return true;
}

/* --- Progress --------------------------------------------------------------------------------- */

static double seconds_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* A line with the time left, when the whole takes longer than a second. */
static void show_progress(void *user, double share) {
  session *s = user;
  double now = seconds_now(), elapsed = now - s->began_s;
  if (!s->bar || elapsed < 1 || now - s->shown_s < 0.1) return;
  double done = (s->codes_done + share) / s->codes;
  char left[32];
  fprintf(stderr, "\rcodes check: %3.0f %%", 100 * done);
  if (s->codes > 1) fprintf(stderr, "  %d/%d codes", s->codes_done, s->codes);
  fprintf(stderr, "  left %s\033[K",
          done > 0 ? sg_format_seconds(elapsed / done - elapsed, left) : "?");
  fflush(stderr);
  s->shown = true;
  s->shown_s = now;
}

static void end_progress(session *s) {
  if (s->shown) fprintf(stderr, "\r\033[K");
  s->shown = false;
}

/* --- Checking --------------------------------------------------------------------------------- */

static sg_status check_one(session *s, const sg_values *values, const sg_code *code, sg_error *e) {
  if (s->count == s->capacity) {
    int capacity = s->capacity ? 2 * s->capacity : 16;
    sg_checked *grown = realloc(s->item, (size_t)capacity * sizeof *grown);
    if (!grown) return sg_fail_memory(e);
    s->item = grown;
    s->capacity = capacity;
  }
  const sg_check_options options = {.patterns = s->q->patterns,
                                    .seed = s->q->seed,
                                    .threads = (int)s->q->threads,
                                    .progress = show_progress,
                                    .user = s};
  sg_checked *i = &s->item[s->count];
  *i = (sg_checked){.code = code->type->about.name};
  sg_code_label(values, i->label, sizeof i->label);
  sg_status status = sg_code_check(code, &options, &i->check, e);
  if (status) return status;
  sg_buffer config = {0};
  sg_values_to_json(values, &config);
  i->config = config.data;
  if (code->note) i->note = strdup(code->note);
  s->count++;
  s->codes_done++;
  return config.failed || (code->note && !i->note) ? sg_fail_memory(e) : SG_OK;
}

static sg_status count_visit(void *user, const sg_values *values, const sg_code *code,
                             sg_error *e) {
  session *s = user;
  (void)values, (void)code, (void)e;
  s->codes++;
  return SG_OK;
}

static bool same_spread(const sg_check_spread *a, const sg_check_spread *b) {
  const double x[] = {a->median, a->p90, a->p99, a->worst},
               y[] = {b->median, b->p90, b->p99, b->worst};
  for (int i = 0; i < 4; i++)
    if (!(x[i] == y[i] || (isnan(x[i]) && isnan(y[i])))) return false;
  return true;
}

/* To the last bit in all that is measured: a parameter that makes no difference here. */
static bool same_check(const sg_check *a, const sg_check *b) {
  bool same = a->d_found == b->d_found && a->m_found == b->m_found && a->s_found == b->s_found &&
              a->encode_flops == b->encode_flops && a->find_flops == b->find_flops &&
              a->apply_flops == b->apply_flops && a->received == b->received &&
              same_spread(&a->cond2, &b->cond2) &&
              same_spread(&a->amplification, &b->amplification) &&
              same_spread(&a->residual, &b->residual);
  for (int p = 0; p < SG_PRECISIONS; p++) same = same && same_spread(&a->error[p], &b->error[p]);
  return same;
}

static void drop_repeat(session *s) {
  sg_checked *last = &s->item[s->count - 1];
  for (int i = 0; i < s->count - 1; i++) {
    if (s->item[i].code != last->code || !same_check(s->item[i].check, last->check)) continue;
    sg_check_free(last->check);
    free(last->config);
    free(last->note);
    s->count--;
    return;
  }
}

static sg_status check_visit(void *user, const sg_values *values, const sg_code *code,
                             sg_error *e) {
  sg_status status = check_one(user, values, code, e);
  if (!status) drop_repeat(user);
  return status;
}

static sg_status check_all(session *s, sg_error *e) {
  sg_status status = SG_OK;
  for (int i = 0; !status && sg_code_type_at(i); i++)
    status = sg_grid_walk(sg_code_type_at(i), &s->shape, count_visit, s, e);
  for (int i = 0; !status && sg_code_type_at(i); i++)
    status = sg_grid_walk(sg_code_type_at(i), &s->shape, check_visit, s, e);
  return status;
}

/* "name=value" words; all faults are collected. */
static sg_status read_parameters(const sg_check_request *q, sg_values *values, sg_error *e) {
  for (int i = 1; i < q->n_words; i++) {
    char *equals = strchr(q->word[i], '=');
    if (!equals || equals == q->word[i]) {
      sg_fail(e, SG_USAGE, NULL, "expected parameter=value, found \"%s\"", q->word[i]);
      continue;
    }
    size_t length = (size_t)(equals - q->word[i]) + 1;
    bool again = false;
    for (int k = 1; k < i; k++) again = again || strncmp(q->word[k], q->word[i], length) == 0;
    if (again) {
      sg_fail(e, SG_USAGE, NULL, "expected %.*s once, found it again in \"%s\"", (int)length - 1,
              q->word[i], q->word[i]);
      continue;
    }
    char *name = strndup(q->word[i], length - 1);
    if (!name) return sg_fail_memory(e);
    sg_values_parse(values, name, equals + 1, e);
    free(name);
  }
  if (e->count == 0) sg_values_check_required(values, e);
  return sg_error_status(e);
}

static sg_status check_named(session *s, const sg_code_type *type, sg_error *e) {
  sg_values *values = sg_values_new(sg_scheme_params, &type->about, "");
  sg_code *code = NULL;
  sg_status status = values ? read_parameters(s->q, values, e) : sg_fail_memory(e);
  if (!status) status = sg_code_new(type, &s->shape, values, &code, e);
  s->codes = 1;
  if (!status) status = check_one(s, values, code, e);
  sg_code_free(code);
  sg_values_free(values);
  return status;
}

/* --- The database ----------------------------------------------------------------------------- */

/* What a record points to. */
typedef struct texts {
  sg_sets_record *sets;
  sg_buffer of[7];
  int count;
} texts;

static const char *missing_text(texts *t, bool known, int n, const int *missing) {
  sg_buffer *b = &t->of[t->count++];
  if (!known) return NULL;
  sg_put_missing(n, missing, b);
  return b->data;
}

static sg_spread_record spread_record(texts *t, const sg_check_spread *s) {
  return (sg_spread_record){.median = s->median,
                            .p90 = s->p90,
                            .p99 = s->p99,
                            .worst = s->worst,
                            .missing = missing_text(t, !isnan(s->worst), s->n_missing, s->missing)};
}

static sg_status fill_record(const session *s, const sg_checked *i, texts *t,
                             sg_code_check_record *r, sg_error *e) {
  const sg_check *c = i->check;
  t->sets = calloc((size_t)c->n_sets + 1, sizeof *t->sets);
  if (!t->sets) return sg_fail_memory(e);
  for (int k = 0; k < c->n_sets; k++)
    t->sets[k] = (sg_sets_record){.responders = c->sets[k].responders,
                                  .sets = c->sets[k].sets,
                                  .tried = c->sets[k].tried,
                                  .decodable = c->sets[k].decodable};
  *r = (sg_code_check_record){
      .scheme_label = i->label,
      .code = i->code,
      .config_json = i->config,
      .n_workers = c->workers,
      .n_subsets = s->shape.subsets,
      .length = c->length,
      .speeds = s->q->speeds ? s->q->speeds : "1",
      .max_patterns = s->q->patterns,
      .seed = s->q->seed,
      .exact = c->exact,
      .exhaustive = c->exhaustive,
      .patterns = c->patterns,
      .patterns_tried = c->tried,
      .patterns_searched = c->searched,
      .load_d = c->d_promised,
      .stragglers_s = c->s_promised,
      .comm_m = (int)c->m_promised,
      .load_found = c->d_found,
      .stored_data_factor = c->copies,
      .comm_found = c->m_found,
      .slack = c->slack,
      .stragglers_found = c->s_found,
      .stragglers_proved = c->s_proved,
      .broken_promises = c->broken,
      .patterns_inaccurate = c->inaccurate,
      .broken_missing = missing_text(t, c->broken > 0, c->n_broken_missing, c->broken_missing),
      .cond2 = spread_record(t, &c->cond2),
      .amp = spread_record(t, &c->amplification),
      .residual = spread_record(t, &c->residual),
      .err_float64 = spread_record(t, &c->error[SG_FLOAT64]),
      .err_float32 = spread_record(t, &c->error[SG_FLOAT32]),
      .err_bfloat16 = spread_record(t, &c->error[SG_BFLOAT16]),
      .encode_flops = c->encode_flops,
      .find_flops = c->find_flops,
      .apply_flops = c->apply_flops,
      .least_messages = c->least_messages,
      .received_gradients = c->received,
      .received_bytes = 8 * c->received * (double)c->length,
      .n_sets = c->n_sets,
      .sets = t->sets};
  for (int k = 0; k < t->count; k++)
    if (t->of[k].failed) return sg_fail_memory(e);
  return SG_OK;
}

static sg_status write_session(const session *s, sg_db *db, int argc, char **argv, sg_error *e) {
  size_t count = (size_t)s->count;
  sg_code_check_record *record = calloc(count + 1, sizeof *record);
  texts *text = calloc(count + 1, sizeof *text);
  sg_status status = record && text ? SG_OK : sg_fail_memory(e);
  for (size_t i = 0; i < count && !status; i++)
    status = fill_record(s, &s->item[i], &text[i], &record[i], e);
  if (!status) {
    sg_buffer command_line = {0};
    char cpu[128], host[128];
    sg_invocation invocation;
    sg_provenance(argc, argv, (int)s->q->threads, &command_line, cpu, host, &invocation);
    status = sg_db_add_code_checks(db, &invocation, s->count, record, e);
    sg_buffer_free(&command_line);
  }
  for (size_t i = 0; text && i < count; i++) {
    for (int k = 0; k < text[i].count; k++) sg_buffer_free(&text[i].of[k]);
    free(text[i].sets);
  }
  free(text);
  free(record);
  return status;
}

/* --- The command ------------------------------------------------------------------------------ */

static int unknown_code(const char *name) {
  const char *names[256] = {NULL};
  for (int i = 0; i < 255 && sg_code_type_at(i); i++) names[i] = sg_code_type_at(i)->about.name;
  const char *near = sg_nearest(name, names);
  return sg_usage_fault("codes", "there is no code \"%s\"%s%s%s", name,
                        near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static int print_faults(const sg_check_request *q, sg_error *e) {
  const char *what = q->all ? "codes check" : q->word[0];
  if (q->format == SG_FORMAT_JSON) return sg_print_faults(NULL, what, q->format, e);
  int code = sg_exit_code(sg_error_status(e));
  for (int i = 0; i < e->count; i++) {
    const char *place = e->fault[i].place ? e->fault[i].place : "";
    if (place[0] == '/' && !strchr(place + 1, '/')) place++; /* a parameter, no pointer or path */
    fprintf(stderr, "straggle codes check: %s: %s%s%s\n", what, place, *place ? ": " : "",
            e->fault[i].message ? e->fault[i].message : "out of memory");
  }
  sg_error_clear(e);
  return code;
}

int sg_codes_check(int argc, char **argv) {
  sg_check_request q;
  if (!read_request(argc, argv, &q)) return q.code;
  const sg_code_type *type = q.all ? NULL : sg_code_type_find(q.word[0]);
  if (!q.all && !type) return unknown_code(q.word[0]);
  double *speed = q.speeds ? read_speeds(q.speeds, (int)q.workers) : NULL;
  if (q.speeds && !speed) return EX_USAGE;
  session s = {.q = &q,
               .shape = {.workers = (int)q.workers,
                         .subsets = (int)q.subsets,
                         .length = q.length,
                         .speed = speed,
                         .seed = q.seed,
                         .updates = 1},
               .bar = !q.quiet && isatty(STDERR_FILENO),
               .began_s = seconds_now()};
  sg_error e = {0};
  sg_db *db = NULL;
  /* A database that cannot be written is said before the work, not after it. */
  sg_status status = q.database ? sg_db_open(q.database, SG_OPEN_WRITE, &db, &e) : SG_OK;
  if (!status) status = q.all ? check_all(&s, &e) : check_named(&s, type, &e);
  end_progress(&s);
  if (!status && db) status = write_session(&s, db, argc, argv, &e);
  sg_status closing = sg_db_close(db, &e);
  if (!status) status = closing;
  int code = status ? print_faults(&q, &e) : sg_print_checks(&q, s.shape.subsets, s.count, s.item);
  for (int i = 0; i < s.count; i++) {
    /* The code's fault, not the user's; but that the result was not written weighs more. */
    if (code == EX_OK && s.item[i].check->broken) code = EX_SOFTWARE;
    sg_check_free(s.item[i].check);
    free(s.item[i].config);
    free(s.item[i].note);
  }
  free(s.item);
  free(speed);
  sg_error_clear(&e);
  return code;
}
