/* SPDX-License-Identifier: MIT */
/* The command codes check: how safe a code is, or a grid of all; rows of a database. */
#include "sim/check/grid.h"
#include "sim/cli/codes_check.h"
#include "sim/cli/output.h"
#include "sim/cli/session.h"
#include "sim/core/array.h"
#include "sim/core/clock.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* Numbers of the random gradients: 128 MB, and three times that for their messages. */
static const double MOST_NUMBERS = 1 << 24;
enum { MOST_WORKERS = 1000 };

/* --- The command line ------------------------------------------------------------------------- */

/* The numbers of workers, ascending or as typed. */
static int extreme_size(const sg_codes_check *s, bool most) {
  int out = s->size[0];
  for (int i = 1; i < s->n_sizes; i++)
    if (most ? s->size[i] > out : s->size[i] < out) out = s->size[i];
  return out;
}

/* What is wrong with options and words together; EX_OK: nothing. */
static int check_request(const sg_call *call, const sg_codes_check *s) {
  const sg_args *a = call->args;
  if (s->all && a->n_words > 0)
    return sg_usage_fault(call, "with --all: expected no code, found \"%s\"", a->word[0]);
  if (!s->all && a->n_words == 0) return sg_usage_fault(call, "expected a code, or --all");
  int speeds = sg_args_find(a, "speeds")->count, fewest = extreme_size(s, false);
  if (speeds > fewest)
    return sg_usage_fault(call, "--speeds: expected at most %d speeds, found %d", fewest, speeds);
  double parts = fmax((double)sg_args_integer(a, "subsets"), extreme_size(s, true));
  if (parts * (double)s->shape.length > MOST_NUMBERS)
    return sg_usage_fault(call,
                          "expected at most %.0f numbers in all gradients (a length of %.0f), "
                          "found a length of %ld",
                          MOST_NUMBERS, floor(MOST_NUMBERS / parts), s->shape.length);
  return EX_OK;
}

/* The shape of checks with so many workers. */
static void set_size(sg_codes_check *s, int workers) {
  int subsets = (int)sg_args_integer(s->call->args, "subsets");
  s->shape.workers = workers;
  s->shape.subsets = subsets ? subsets : workers;
}

/* --- Progress --------------------------------------------------------------------------------- */

/* A line with the time left, when the whole takes longer than a second. */
static void show_progress(void *user, double share) {
  sg_codes_check *s = user;
  double now = sg_seconds_now(), elapsed = now - s->began_s;
  if (elapsed < 1 || now - s->shown_s < 0.1) return;
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

/* --- Checking --------------------------------------------------------------------------------- */

static sg_status check_one(sg_codes_check *s, const sg_values *values, const sg_code *code,
                           sg_error *e) {
  if (!SG_ROOM(s->item, s->capacity, s->count + 1)) return sg_fail_memory(e);
  sg_checked *i = &s->item[s->count];
  *i = (sg_checked){.code = code->type->about.name, .subsets = s->shape.subsets};
  sg_code_label(values, i->label, sizeof i->label);
  sg_status status = sg_code_check(code, &s->options, &i->check, e);
  if (status) return status;
  sg_buffer config = {0};
  sg_values_to_json(values, &config);
  i->config = config.data;
  sg_buffer note = {0};
  bool told = sg_code_describe(code, &note);
  if (note.length > 0) note.data[--note.length] = 0; /* the end of its last line */
  i->note = note.data;
  s->count++;
  s->codes_done++;
  return config.failed || !told ? sg_fail_memory(e) : SG_OK;
}

static sg_status count_visit(void *user, const sg_values *values, const sg_code *code,
                             sg_error *e) {
  sg_codes_check *s = user;
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

static void clear(sg_checked *i) {
  sg_check_free(i->check);
  free(i->config);
  free(i->note);
  free(i->sets);
  for (int k = 0; k < SG_MISSING_TEXTS; k++) sg_buffer_free(&i->missing[k]);
}

static void drop_repeat(sg_codes_check *s) {
  sg_checked *last = &s->item[s->count - 1];
  for (int i = 0; i < s->count - 1; i++) {
    if (s->item[i].code != last->code || s->item[i].check->workers != last->check->workers ||
        !same_check(s->item[i].check, last->check))
      continue;
    clear(last);
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

static sg_status walk_all(sg_codes_check *s, sg_grid_visit visit, sg_error *e) {
  sg_status status = SG_OK;
  for (int n = 0; n < s->n_sizes && !status; n++) {
    set_size(s, s->size[n]);
    for (int i = 0; !status && sg_code_type_at(i); i++)
      status = sg_grid_walk(sg_code_type_at(i), &s->shape, visit, s, e);
  }
  return status;
}

static sg_status check_all(sg_codes_check *s, sg_error *e) {
  sg_status status = walk_all(s, count_visit, e);
  return status ? status : walk_all(s, check_visit, e);
}

/* A combination that the code cannot have is said and passed over, where there are others. */
static void say_skipped(sg_codes_check *s, const sg_values *values, const sg_error *why) {
  char label[128];
  sg_code_label(values, label, sizeof label);
  if (s->shown) fprintf(stderr, "\r\033[K");
  for (int i = 0; i < why->count; i++)
    sg_say("skipped: %s, n = %d: %s\n", label, s->shape.workers, why->fault[i].message);
}

/* One combination of parameters with one number of workers. */
static sg_status check_combination(sg_codes_check *s, const sg_code_type *type,
                                   const sg_choices *choices, int combination, sg_error *e) {
  sg_values *values = sg_values_new(sg_scheme_params, &type->about, "");
  sg_code *code = NULL;
  sg_error why = {0};
  sg_status status = values ? sg_choose(choices, combination, values, e) : sg_fail_memory(e);
  if (!status) {
    status = sg_code_new(type, &s->shape, values, &code, &why);
    bool skip = status == SG_INVALID && s->many;
    if (skip) say_skipped(s, values, &why);
    if (skip) s->codes_done++;
    if (status && !skip) sg_error_move(e, &why);
    if (skip) status = SG_OK;
  }
  if (code && !status) status = check_one(s, values, code, e);
  sg_error_clear(&why);
  sg_code_free(code);
  sg_values_free(values);
  return status;
}

static sg_status check_named(sg_codes_check *s, const sg_code_type *type, sg_error *e) {
  sg_values *values = sg_values_new(sg_scheme_params, &type->about, "");
  sg_choices choices = {0};
  sg_status status =
      values ? sg_choices_read(s->call->args, values, &choices, e) : sg_fail_memory(e);
  s->codes = choices.combinations * s->n_sizes;
  s->many = s->codes > 1;
  for (int k = 0; k < choices.combinations && !status; k++)
    for (int n = 0; n < s->n_sizes && !status; n++) {
      set_size(s, s->size[n]);
      status = check_combination(s, type, &choices, k, e);
    }
  if (!status && s->count == 0)
    status = sg_fail(e, SG_INVALID, NULL,
                     "there is none of the %d combinations that the code can "
                     "have",
                     s->codes);
  sg_choices_free(&choices);
  sg_values_free(values);
  return status;
}

/* --- The database ----------------------------------------------------------------------------- */

static sg_spread_record spread_record(const sg_check_spread *s, sg_buffer *missing) {
  if (!isnan(s->worst)) sg_put_missing(s->n_missing, s->missing, missing);
  return (sg_spread_record){.median = s->median,
                            .p90 = s->p90,
                            .p99 = s->p99,
                            .worst = s->worst,
                            .missing = missing->data};
}

static sg_status fill_record(const sg_codes_check *s, sg_checked *i, sg_code_check_record *r,
                             sg_error *e) {
  const sg_check *c = i->check;
  const sg_check_straggling *b = &c->straggling;
  bool approximate = !c->exact;
  i->sets = calloc((size_t)c->n_sets + 1, sizeof *i->sets);
  if (!i->sets) return sg_fail_memory(e);
  if (c->broken) sg_put_missing(c->n_broken_missing, c->broken_missing, &i->missing[0]);
  for (int k = 0; k < c->n_sets; k++)
    i->sets[k] = (sg_sets_record){.responders = c->sets[k].responders,
                                  .sets = c->sets[k].sets,
                                  .tried = c->sets[k].tried,
                                  .decodable = c->sets[k].decodable,
                                  .mean_err = approximate ? c->sets[k].mean_deviation : NAN,
                                  .worst_err = approximate ? c->sets[k].worst_deviation : NAN,
                                  .greedy_err = c->sets[k].greedy,
                                  .mean_err_bound = c->sets[k].least_mean,
                                  .worst_err_bound = c->sets[k].least_worst};
  *r = (sg_code_check_record){.scheme_label = i->label,
                              .code = i->code,
                              .config_json = i->config,
                              .n_workers = c->workers,
                              .n_subsets = i->subsets,
                              .length = c->length,
                              .speeds = s->speeds,
                              .max_patterns = s->options.patterns,
                              .seed = s->options.seed,
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
                              .broken_missing = i->missing[0].data,
                              .cond2 = spread_record(&c->cond2, &i->missing[1]),
                              .amp = spread_record(&c->amplification, &i->missing[2]),
                              .residual = spread_record(&c->residual, &i->missing[3]),
                              .err_float64 = spread_record(&c->error[SG_FLOAT64], &i->missing[4]),
                              .err_float32 = spread_record(&c->error[SG_FLOAT32], &i->missing[5]),
                              .err_bfloat16 = spread_record(&c->error[SG_BFLOAT16], &i->missing[6]),
                              .norms_ratio = c->norms_ratio,
                              .encode_flops = c->encode_flops,
                              .find_flops = c->find_flops,
                              .apply_flops = c->apply_flops,
                              .least_messages = c->least_messages,
                              .received_gradients = c->received,
                              .received_bytes = 8 * c->received * (double)c->length,
                              .messages_least = c->traffic.least.messages,
                              .messages_most = c->traffic.most.messages,
                              .gradients_least = c->traffic.least.gradients,
                              .gradients_most = c->traffic.most.gradients,
                              .straggling = b->known ? s->straggling : NULL,
                              .straggling_tried = b->tried,
                              .straggling_enumerated = b->enumerated,
                              .bernoulli_err = b->known ? b->error : NAN,
                              .bernoulli_err_se = b->known ? b->error_se : NAN,
                              .bernoulli_kappa = b->known ? b->share : NAN,
                              .bernoulli_debiased = b->known ? b->debiased : NAN,
                              .bernoulli_recovered = b->known ? b->recovered : NAN,
                              .bernoulli_refused = b->known ? b->refused : NAN,
                              .bernoulli_bound = b->known ? b->bound : NAN,
                              .bernoulli_unbiased_bound = b->known ? b->unbiased_bound : NAN,
                              .up_least = c->traffic.least.up,
                              .up_most = c->traffic.most.up,
                              .down_least = c->traffic.least.down,
                              .down_most = c->traffic.most.down,
                              .n_sets = c->n_sets,
                              .sets = i->sets};
  for (int k = 0; k < SG_MISSING_TEXTS; k++)
    if (i->missing[k].failed) return sg_fail_memory(e);
  return SG_OK;
}

static sg_status write_session(const sg_codes_check *s, sg_db *db, sg_error *e) {
  sg_code_check_record *record = calloc((size_t)s->count + 1, sizeof *record);
  sg_status status = record ? SG_OK : sg_fail_memory(e);
  for (int i = 0; i < s->count && !status; i++) status = fill_record(s, &s->item[i], &record[i], e);
  if (!status) {
    sg_provenance made;
    status = sg_db_add_code_checks(db, sg_provenance_read(s->call, s->options.threads, &made),
                                   s->count, record, e);
  }
  free(record);
  return status;
}

/* --- The command ------------------------------------------------------------------------------ */

static int print_faults(const sg_codes_check *s, sg_status status, sg_error *e) {
  const char *what = s->all ? "codes check" : s->call->args->word[0];
  if (s->format == SG_FORMAT_JSON) return sg_print_faults(NULL, what, s->format, e);
  int code = sg_exit_code(status);
  for (int i = 0; i < e->count; i++) {
    const char *place = e->fault[i].place;
    if (place[0] == '/' && !strchr(place + 1, '/')) place++; /* a parameter, no pointer or path */
    fprintf(stderr, "straggle codes check: %s: %s%s%s\n", what, place, *place ? ": " : "",
            e->fault[i].message);
  }
  if (e->lost || e->count == 0) sg_out_of_memory();
  sg_error_clear(e);
  return code;
}

static int run(const sg_call *call) {
  const sg_args *a = call->args;
  const sg_arg *speeds = sg_args_find(a, "speeds"), *straggling = sg_args_find(a, "straggling");
  const char *database = sg_args_text(a, "database");
  sg_error e = {0};
  sg_codes_check s = {.call = call,
                      .all = sg_args_given(a, "all"),
                      .many = sg_args_given(a, "all"),
                      .format = sg_args_format(a),
                      .speeds = speeds->given ? speeds->text : "1",
                      .straggling = straggling->text,
                      .shape = {.length = sg_args_integer(a, "length"),
                                .seed = sg_args_find(a, "seed")->seed,
                                .updates = 1000},
                      .options = {.patterns = sg_args_integer(a, "patterns"),
                                  .seed = sg_args_find(a, "seed")->seed,
                                  .threads = sg_threads(a),
                                  .n_straggling = straggling->given ? straggling->count : 0,
                                  .straggling = straggling->real,
                                  .progress = sg_wants_progress(a) ? show_progress : NULL,
                                  .user = &s},
                      .began_s = sg_seconds_now()};
  sg_status status = sg_read_counts("--workers", sg_args_text(a, "workers"), 1, MOST_WORKERS,
                                    &s.size, &s.n_sizes, &e);
  int code = status ? sg_say_faults(call->command->name, status, &e) : check_request(call, &s);
  if (code != EX_OK) {
    free(s.size);
    return code;
  }
  double *speed = calloc(MOST_WORKERS, sizeof *speed);
  for (int i = 0; speed && speeds->given && i < MOST_WORKERS; i++)
    speed[i] = speeds->real[i % speeds->count];
  if (speeds->given) s.shape.speed = speed;
  sg_db *db = NULL;
  if (!speed) status = sg_fail_memory(&e);
  /* A database that cannot be written is said before the work, not after it. */
  if (!status && database) status = sg_db_open(database, SG_OPEN_WRITE, &db, &e);
  if (!status)
    status = s.all ? check_all(&s, &e) : check_named(&s, sg_code_type_find(a->word[0]), &e);
  if (s.shown) fprintf(stderr, "\r\033[K");
  if (!status && db) status = write_session(&s, db, &e);
  sg_status closing = db ? sg_db_close(db, &e) : SG_OK;
  if (!status) status = closing;
  code = status ? print_faults(&s, status, &e) : sg_print_checks(&s);
  for (int i = 0; i < s.count; i++) {
    /* The code's fault, not the user's; but that the result was not written weighs more. */
    if (code == EX_OK && s.item[i].check->broken) code = EX_SOFTWARE;
    clear(&s.item[i]);
  }
  free(s.item);
  free(s.size);
  free(speed);
  sg_error_clear(&e);
  return code;
}

const sg_command sg_cmd_codes_check = {
    .name = "codes check",
    .summary = "Test a code: recovery, conditioning, rounding errors.",
    .operands =
        {{.name = "NAME", .what = "the name of a code", .most = 1, .family = &sg_code_family},
         {.name = "PARAMETER=VALUE", .what = "parameters", .most = SG_ANY_NUMBER}},
    .options = {SG_OPTION_ROW_FLAG("all", 0, "every code, over a grid of its parameters"),
                SG_OPTION_ROW("workers", 'n', TEXT, "N",
                              "workers, 1 to 1000; 6,8,…,30 checks with each of these numbers",
                              .fallback = "12"),
                SG_OPTION_ROW("subsets", 'k', INTEGER, "K",
                              "subsets of the data; as many as workers if not given", .min = 1,
                              .max = 100000),
                SG_OPTION_ROW(
                    "speeds", 0, REALS, "LIST",
                    "nominal speeds of the workers such as 4,1,1, repeated; 1 if not given"),
                SG_OPTION_ROW("straggling", 0, REALS, "P",
                              "the error when each worker straggles with that probability, "
                              "independently; several are given to the workers in turn",
                              .max = 0.999999),
                SG_OPTION_ROW("length", 'l', INTEGER, "L", "coordinates of the random gradients",
                              .min = 1, .max = 100000000, .fallback = "960"),
                SG_OPTION_ROW("patterns", 'p', INTEGER, "P",
                              "most patterns that are tried one by one; of more, P are sampled and "
                              "up to 2 P searched",
                              .min = 1, .max = 1000000, .fallback = "5000"),
                SG_OPTION_ROW("seed", 0, SEED, "S", "of the code, the gradients and the samples",
                              .fallback = "1"),
                SG_OPTION_ROW_THREADS(
                    "the result is the same for any number; all processors if not given"),
                SG_OPTION_ROW("database", 0, FILE, "FILE", "writes rows of code_check, too"),
                SG_OPTION_ROWS_FORMAT(sg_format_words, "how the result is printed"),
                SG_OPTION_ROW_FLAG("quiet", 'q', "no progress")},
    .text =
        {"Tries patterns of workers that answer nothing on the code's own messages and weights: "
         "all of up to s missing where there are few, else a sample and a search for the worst. "
         "Values with commas (s=1,2, -n 6,8,…,30; ... stands for …) make all combinations; those "
         "that the code cannot have are named and skipped.",
         "Condition numbers are 2-norm, by SVD, of the decode system: the rows of the messages "
         "that have a weight, over (part, piece). Errors are those of the decoded sum of random "
         "gradients, over the sum of their norms, with messages as float64, float32 and "
         "bfloat16.",
         "Of codes that are not exact the report has the error of what is decoded, "
         "Σ (α − 1)² / parts, by number of responders: the mean, the worst tried or found by an "
         "adversary that takes workers away greedily, and what no decoder could go below with "
         "parts held as they are. With --straggling there are its mean over all patterns (or a "
         "sample), the bias and what is left when it is divided out.",
         "The exit code is 70 when a code refuses a pattern that it promises to survive, in exact "
         "or in rounded arithmetic; the report says so after BROKEN. Decodes that are merely "
         "inaccurate (UNSAFE) leave it 0."},
    .examples = {{"codes check cyclic-repetition s=3 -n 20",
                  "All 1,351 patterns of at most 3 missing"},
                 {"codes check cyclic-repetition s=1,2 -n 6,8,…,30 --database checks.db",
                  "All combinations, as rows in a database for `plot checks.db`"},
                 {"codes check --all --format csv", "A grid of all codes"}},
    .run = run};
