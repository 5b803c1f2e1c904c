/* SPDX-License-Identifier: MIT */
/* Checks of a code: patterns tried by threads, searched for the worst, counted and judged. */
#include "sim/check/check.h"

#include "sim/check/patterns.h"
#include "sim/check/straggling.h"
#include "sim/core/array.h"
#include "sim/core/owned.h"
#include "sim/core/random.h"

#include <assert.h>
#include <math.h>

enum {
  STARTS = 4,       /* local searches from the worst samples, beside greedy and burst */
  SETS_SAMPLE = 500 /* sets of responders of one size, where there are too many */
};

/* From here on a decoded sum is not the gradient: the bound of `straggle compare`. */
static const double INACCURATE = 1e-6;

typedef struct checker {
  const sg_code *code;
  const sg_check_options *options;
  sg_check *check;
  sg_crowd crowd;
  int n;       /* flags of a pattern: whether worker i is present */
  size_t row;  /* bytes of a pattern */
  bool *worst; /* patterns: by each measure the worst so far */
  sg_error *error;
} checker;

static void put_sample(const checker *c, int s, double all, long number, bool *out) {
  sg_stream random;
  sg_stream_at(&random, c->options->seed, 0, SG_FOR_CHECK, 1, (uint32_t)number, 0);
  double x = sg_uniform(&random) * all;
  int q = 0;
  while (q < s && x >= sg_binomial(c->n, q)) x -= sg_binomial(c->n, q++);
  sg_put_random(c->n, q, &random, out);
}

static bool is_promised(const checker *c, const bool *pattern) {
  const sg_code_type *type = c->code->type;
  return type->promises ? type->promises(c->code, sg_crowd_nodes(&c->crowd, pattern))
                        : sg_missing_in(c->n, pattern) <= c->code->promised;
}

/* --- Judging ---------------------------------------------------------------------------------- */

enum { COND2, AMPLIFICATION, RESIDUAL, ERROR, MEASURES = ERROR + SG_PRECISIONS };

/* An error that is not a number came of a message that overflowed its format. */
static double measured(const sg_trial_result *r, int which) {
  if (which >= ERROR) return isnan(r->error[which - ERROR]) ? INFINITY : r->error[which - ERROR];
  return which == COND2 ? r->cond2 : which == AMPLIFICATION ? r->amplification : r->residual;
}

static sg_check_spread *spread_of(sg_check *check, int which) {
  if (which >= ERROR) return &check->error[which - ERROR];
  return which == COND2           ? &check->cond2
         : which == AMPLIFICATION ? &check->amplification
                                  : &check->residual;
}

static void note_received(sg_check *check, const sg_trial_result *r) {
  check->least_messages = fmin(check->least_messages, r->messages);
  check->received = fmin(check->received, r->received);
}

/* The numbers of missing workers. NULL: no memory. */
static int *list_missing(const checker *c, const bool *pattern, int *count) {
  int *missing = calloc((size_t)c->n + 1, sizeof *missing);
  for (int i = 0; missing && i < c->n; i++)
    if (!pattern[i]) missing[(*count)++] = i;
  return missing;
}

/* Notes what is worse than all before, and promises that were broken. */
static void note(checker *c, const bool *pattern, const sg_trial_result *r) {
  sg_check *check = c->check;
  if (!r->decoded) {
    if (is_promised(c, pattern) && check->broken++ == 0)
      check->broken_missing = list_missing(c, pattern, &check->n_broken_missing);
    return;
  }
  for (int i = 0; i < MEASURES; i++) {
    sg_check_spread *spread = spread_of(check, i);
    double x = measured(r, i);
    if (isnan(x) || x <= spread->worst) continue;
    spread->worst = x;
    memcpy(c->worst + i * c->n, pattern, c->row);
  }
  check->find_flops = fmax(check->find_flops, r->find_flops);
  check->apply_flops = fmax(check->apply_flops, r->apply_flops);
  note_received(check, r);
}

static double quantile(const double *sorted, long n, double p) {
  long rank = (long)ceil(p * (double)n);
  return sorted[rank < 1 ? 0 : rank - 1];
}

static sg_status fill_quantiles(checker *c, long count, const sg_trial_result *r) {
  SG_OWNED double *x = malloc((size_t)count * sizeof *x + 1);
  if (!x) return sg_fail_memory(c->error);
  for (int i = 0; i < MEASURES; i++) {
    sg_check_spread *spread = spread_of(c->check, i);
    long n = 0;
    for (long k = 0; k < count; k++) {
      double value = measured(&r[k], i);
      if (r[k].decoded && !isnan(value)) x[n++] = value;
    }
    spread->median = spread->p90 = spread->p99 = NAN;
    if (n == 0) continue;
    sg_sort_doubles(x, (size_t)n);
    spread->median = quantile(x, n, 0.5);
    spread->p90 = quantile(x, n, 0.9);
    spread->p99 = quantile(x, n, 0.99);
  }
  return SG_OK;
}

#define UNKNOWN .greedy = NAN, .least_mean = NAN, .least_worst = NAN

/* --- Patterns up to s ------------------------------------------------------------------------- */

/* Of patterns that decode, how far they are from the whole sum; sets->mean is their sum until all
 * of the size are in. */
static void count_set(sg_check_sets *sets, const sg_trial_result *r) {
  sets->tried++;
  if (!r->decoded) return;
  sets->decodable++;
  sets->mean_deviation += r->deviation;
  if (!(r->deviation <= sets->worst_deviation)) sets->worst_deviation = r->deviation;
}

static void finish_set(sg_check_sets *sets) {
  sets->mean_deviation = sets->decodable ? sets->mean_deviation / (double)sets->decodable : NAN;
  if (!sets->decodable) sets->worst_deviation = NAN;
}

static void count_sets(checker *c, long count, const bool *pattern, const sg_trial_result *r) {
  sg_check *check = c->check;
  check->n_sets = check->s_promised + 1;
  for (int q = 0; q <= check->s_promised; q++)
    check->sets[q] = (sg_check_sets){.responders = c->n - q, .sets = sg_binomial(c->n, q), UNKNOWN};
  for (long i = 0; i < count; i++)
    count_set(&check->sets[sg_missing_in(c->n, pattern + i * c->n)], &r[i]);
  for (int q = 0; q < check->n_sets; q++) finish_set(&check->sets[q]);
}

/* The search's neighbours of a pattern: one missing worker changes places with one that is not, or,
 * while fewer than s are missing, one more is missing. */
static void put_neighbours(const checker *c, const bool *pattern, bool grow, bool *out) {
  for (int i = 0; i < (grow ? 1 : c->n); i++) {
    if (!grow && pattern[i]) continue;
    for (int j = 0; j < c->n; j++) {
      if (!pattern[j]) continue;
      memcpy(out, pattern, c->row);
      if (!grow) out[i] = true;
      out[j] = false;
      out += c->n;
    }
  }
}

typedef struct search {
  checker *c;
  int which; /* what is made as large as can be */
  unsigned want;
  long budget;
  bool *neighbour;
  sg_trial_result *result;
} search;

static double badness(const sg_trial_result *r, int which) {
  return r->decoded ? measured(r, which) : INFINITY;
}

/* Moves to the worst neighbour if that is worse, or, growing, in any case. */
static sg_status step(search *s, bool *pattern, double *value, bool grow, bool *moved) {
  checker *c = s->c;
  long missing = sg_missing_in(c->n, pattern), best = -1;
  long count = (grow ? 1 : missing) * (c->n - missing);
  *moved = false;
  if (count > s->budget || count == 0) {
    s->budget = 0;
    return SG_OK;
  }
  put_neighbours(c, pattern, grow, s->neighbour);
  sg_status status = sg_crowd_run(&c->crowd, count, s->neighbour, s->want, s->result);
  if (status) return status;
  s->budget -= count;
  c->check->searched += count;
  double most = grow ? -1 : *value;
  for (long i = 0; i < count; i++) {
    double x = badness(&s->result[i], s->which);
    if (isnan(x) || x <= most) continue;
    most = x;
    best = i;
  }
  if (best < 0) return SG_OK;
  memcpy(pattern, s->neighbour + best * c->n, c->row);
  *value = most;
  *moved = true;
  return SG_OK;
}

/* Up to a local maximum, whose arithmetic is then looked at in full. */
static sg_status climb(search *s, bool *pattern, double value) {
  checker *c = s->c;
  bool moved = true;
  sg_status status = SG_OK;
  while (!status && moved && isfinite(value) && sg_missing_in(c->n, pattern) < c->check->s_promised)
    status = step(s, pattern, &value, true, &moved);
  while (!status && moved && isfinite(value)) status = step(s, pattern, &value, false, &moved);
  sg_trial_result r;
  if (!status) status = sg_crowd_run(&c->crowd, 1, pattern, SG_TRIAL_ALL, &r);
  if (!status) note(c, pattern, &r);
  return status;
}

/* From nothing (greedy), from a burst of neighbours, and from the worst samples. */
static sg_status search_worst(search *s, long count, const bool *sample, const sg_trial_result *r) {
  checker *c = s->c;
  SG_OWNED bool *start = malloc((2 + STARTS) * c->row);
  double value[2 + STARTS] = {-1, -1};
  if (!start) return sg_fail_memory(c->error);
  memset(start, true, 2 * c->row);
  memset(start + c->n, false, (size_t)c->check->s_promised);
  int starts = 2;
  double below = INFINITY;
  for (; starts < 2 + STARTS; starts++) { /* the next worst each time */
    long best = -1;
    double most = -1;
    for (long i = 0; i < count; i++) {
      double x = badness(&r[i], s->which);
      if (x < below && x > most) most = x, best = i;
    }
    if (best < 0) break;
    memcpy(start + starts * c->n, sample + best * c->n, c->row);
    value[starts] = below = most;
  }
  sg_trial_result burst;
  sg_status status = sg_crowd_run(&c->crowd, 1, start + c->n, s->want, &burst);
  value[1] = status ? -1 : badness(&burst, s->which);
  long budget = s->budget;
  for (int i = 0; !status && i < starts; i++) {
    s->budget = budget / starts;
    status = climb(s, start + i * c->n, value[i]);
  }
  return status;
}

static sg_status search_all(checker *c, long count, const bool *sample, const sg_trial_result *r) {
  size_t most = (size_t)(c->check->s_promised + 1) * (size_t)c->n;
  SG_OWNED bool *neighbour = malloc(most * c->row);
  SG_OWNED sg_trial_result *result = malloc(most * sizeof *result);
  sg_status status = neighbour && result ? SG_OK : sg_fail_memory(c->error);
  for (int which = COND2; !status && which <= AMPLIFICATION; which++) {
    double before = c->crowd.done;
    search s = {.c = c,
                .which = which,
                .want = which == COND2 ? SG_TRIAL_CONDITION : 0,
                .budget = c->options->patterns,
                .neighbour = neighbour,
                .result = result};
    status = search_worst(&s, count, sample, r);
    c->crowd.done = before + (double)c->options->patterns; /* an early end is progress, too */
  }
  return status;
}

/* No condition numbers are asked for here, so that more can be tried one by one. */
static long sets_to_try(const checker *c, int q) {
  double all = sg_binomial(c->n, q);
  if (all <= 4.0 * (double)c->options->patterns) return (long)all;
  return c->options->patterns < SETS_SAMPLE ? c->options->patterns : SETS_SAMPLE;
}

static sg_status check_size(checker *c, int q, sg_check_sets *sets) {
  long count = sets_to_try(c, q);
  bool all = (double)count == sg_binomial(c->n, q);
  SG_OWNED bool *pattern = malloc((size_t)count * c->row);
  SG_OWNED sg_trial_result *r = calloc((size_t)count, sizeof *r);
  sg_status status = pattern && r ? SG_OK : sg_fail_memory(c->error);
  *sets = (sg_check_sets){.responders = c->n - q, .sets = sg_binomial(c->n, q), UNKNOWN};
  if (!status && all) status = sg_put_all(&c->crowd, q, &(bool *){pattern});
  for (long i = 0; !status && !all && i < count; i++) {
    sg_stream random;
    sg_stream_at(&random, c->options->seed, 0, SG_FOR_CHECK, 2, (uint32_t)q, (uint32_t)i);
    sg_put_random(c->n, q, &random, pattern + i * c->n);
  }
  if (!status) status = sg_crowd_run(&c->crowd, count, pattern, 0, r);
  for (long i = 0; !status && i < count; i++) {
    count_set(sets, &r[i]);
    if (!r[i].decoded) note(c, pattern + i * c->n, &r[i]);
  }
  finish_set(sets);
  return status;
}

static sg_status check_promised(checker *c) {
  sg_check *check = c->check;
  int s = check->s_promised;
  long count = check->exhaustive ? (long)check->patterns : c->options->patterns;
  SG_OWNED bool *pattern = malloc((size_t)count * c->row);
  SG_OWNED sg_trial_result *r = calloc((size_t)count, sizeof *r);
  bool *next = pattern;
  sg_status status = pattern && r ? SG_OK : sg_fail_memory(c->error);
  for (int q = 0; !status && check->exhaustive && q <= s; q++)
    status = sg_put_all(&c->crowd, q, &next);
  for (long i = 0; !status && !check->exhaustive && i < count; i++)
    put_sample(c, s, check->patterns, i, pattern + i * c->n);
  if (!status) status = sg_crowd_run(&c->crowd, count, pattern, SG_TRIAL_ALL, r);
  if (status) return status;
  check->tried = count;
  for (long i = 0; i < count; i++) {
    note(c, pattern + i * c->n, &r[i]);
    bool accurate = r[i].error[SG_FLOAT64] < INACCURATE;
    check->inaccurate += check->exact && r[i].decoded && !accurate;
  }
  status = fill_quantiles(c, count, r);
  if (check->exhaustive) {
    count_sets(c, count, pattern, r);
    return status;
  }
  if (!status) status = search_all(c, count, pattern, r);
  for (int q = 0; !status && q <= s; q++) status = check_size(c, q, &check->sets[check->n_sets++]);
  return status;
}

/* --- Patterns beyond s ------------------------------------------------------------------------ */

/* How little the master can do with: workers are left out one after the other, from the last to the
 * first, as long as the rest decodes. */
static sg_status find_least(checker *c) {
  SG_OWNED bool *pattern = malloc(c->row);
  if (!pattern) return sg_fail_memory(c->error);
  memset(pattern, true, c->row);
  sg_status status = SG_OK;
  for (int i = c->n - 1; !status && i >= 0; i--) {
    sg_trial_result r;
    pattern[i] = false;
    status = sg_crowd_run(&c->crowd, 1, pattern, 0, &r);
    if (r.decoded)
      note_received(c->check, &r);
    else
      pattern[i] = true;
  }
  return status;
}

/* Fewer messages never help: below a size of which no set decodes none does. After two sizes of
 * which no sampled set did, the rest is left out. */
static sg_status check_beyond(checker *c) {
  sg_check *check = c->check;
  sg_status status = SG_OK;
  for (int q = check->s_promised + 1, barren = 0; !status && q <= c->n && barren < 2; q++) {
    sg_check_sets *sets = &check->sets[check->n_sets++];
    status = check_size(c, q, sets);
    if (sets->decodable > 0) continue;
    barren++;
    if ((double)sets->tried < sets->sets) continue;
    for (; ++q <= c->n;) {
      double all = sg_binomial(c->n, q);
      if (all > 1e15) break; /* cannot be counted */
      check->sets[check->n_sets++] = (sg_check_sets){.responders = c->n - q,
                                                     .sets = all,
                                                     .tried = (long)all,
                                                     .mean_deviation = NAN,
                                                     .worst_deviation = NAN,
                                                     UNKNOWN};
    }
  }
  return status;
}

/* --- Approximate codes, and random straggling ------------------------------------------------- */

static sg_status judge_sizes(checker *c) {
  sg_check *check = c->check;
  sg_status status = sg_try_adversary(&c->crowd, check->n_sets, check->sets);
  return status || c->code->coded_parts ? status
                                        : sg_bound_sets(&c->crowd, check->n_sets, check->sets);
}

static sg_status check_straggling(checker *c) {
  const sg_check_options *o = c->options;
  SG_OWNED double *p = malloc((size_t)c->n * sizeof *p);
  if (!p) return sg_fail_memory(c->error);
  for (int i = 0; i < c->n; i++) p[i] = o->straggling[i % o->n_straggling];
  return sg_try_straggling(&c->crowd, p, &c->check->straggling);
}

/* --- What is found in the messages ------------------------------------------------------------ */

/* From what all patterns have shown. */
static void measure_workers(checker *c, const sg_load *load) {
  const sg_code *code = c->code;
  sg_check *check = c->check;
  double most_sent = 0;
  for (int i = 0; i < c->n; i++) {
    double share = 0;
    for (int p = 0; p < load->parts; p++) {
      int like = p < code->parts ? p : code->coded[p - code->parts].part[0];
      if (load->held[(size_t)i * (size_t)load->parts + (size_t)p])
        share += sg_code_edge(code, like + 1) - sg_code_edge(code, like);
    }
    /* Sums of widths are not exact: to twelve places they are. */
    double d = nearbyint(share * c->n * 1e12) / 1e12;
    check->copies += share;
    check->d_found = fmax(check->d_found, d);
    check->encode_flops = fmax(check->encode_flops, load->flops[i]);
    most_sent = fmax(most_sent, load->sent[i]);
  }
  check->copies = nearbyint(check->copies * 1e12) / 1e12;
  check->m_found = most_sent > 0 ? (double)code->shape.length / most_sent : NAN;
  if (fabs(check->m_found - nearbyint(check->m_found)) < 1e-9)
    check->m_found = nearbyint(check->m_found);
}

static sg_status measure(checker *c) {
  sg_crowd_traffic(&c->crowd, &c->check->traffic);
  sg_load load;
  bool ok = sg_crowd_load(&c->crowd, &load);
  if (ok) measure_workers(c, &load);
  sg_load_free(&load);
  return ok ? SG_OK : sg_fail_memory(c->error);
}

/* The most workers any of which may be missing. Samples can take a promise back, not extend it. */
static void find_s(sg_check *check) {
  check->s_found = -1;
  check->s_proved = true;
  for (int i = 0; i < check->n_sets; i++) {
    const sg_check_sets *sets = &check->sets[i];
    bool all = (double)sets->tried == sets->sets;
    if (sets->decodable < sets->tried || sets->responders == 0) break;
    if (!all && i > check->s_promised) break;
    check->s_proved &= all;
    check->s_found = i;
  }
  /* Searched patterns are not among the sets. */
  if (check->broken > 0 && check->s_found >= check->n_broken_missing)
    check->s_found = check->n_broken_missing - 1;
}

/* Whoever decodes without any s workers has s + m copies of each part (Ye and Abbe 2018). Where
 * more was found, samples did not meet the sets that fail, or what the code took for the sum is not
 * (it is inaccurate then). The bound is one of lost workers and of sums of gradients. */
static void compare_with_bound(sg_check *check, bool is_bound) {
  check->slack = NAN;
  if (!is_bound) return;
  double most = floor(check->copies - check->m_found + 1e-9);
  if (check->s_found > most) check->s_found = most < -1 ? -1 : (int)most;
  if (check->s_found < 0) return;
  check->slack = nearbyint((check->copies - (check->s_found + check->m_found)) * 1e9) / 1e9;
  assert(!(check->slack < 0));
}

/* --- Making and freeing ----------------------------------------------------------------------- */

static sg_status begin(checker *c) {
  const sg_code *code = c->code;
  sg_check *check = c->check;
  *check = (sg_check){.workers = c->n,
                      .length = code->shape.length,
                      .exact = code->exact,
                      .partial = code->type->comes != NULL,
                      .s_promised = code->promised < 0 ? 0 : code->promised,
                      .m_promised = code->reduction,
                      .d_promised = code->load * c->n / code->shape.subsets,
                      .least_messages = INFINITY,
                      .received = INFINITY};
  for (int q = 0; q <= check->s_promised && q <= c->n; q++) check->patterns += sg_binomial(c->n, q);
  check->exhaustive = check->patterns <= (double)c->options->patterns;
  check->sets = calloc((size_t)c->n + 2, sizeof *check->sets);
  c->worst = malloc(MEASURES * c->row);
  sg_status status = check->sets && c->worst ? sg_crowd_init(&c->crowd, code, c->options, c->error)
                                             : sg_fail_memory(c->error);
  if (status) return status;
  check->norms_ratio = sg_trial_subject_norms_ratio(c->crowd.subject);
  for (int i = 0; i < MEASURES; i++) spread_of(check, i)->worst = -1;
  c->crowd.total = check->exhaustive ? check->patterns : 3.0 * (double)c->options->patterns;
  for (int q = check->exhaustive ? check->s_promised + 1 : 0; q <= c->n; q++)
    c->crowd.total += 0.2 * (double)sets_to_try(c, q);
  return SG_OK;
}

static sg_status finish(checker *c) {
  sg_check *check = c->check;
  find_s(check);
  compare_with_bound(check, check->exact && !check->partial && !c->code->coded_parts);
  if (isinf(check->received)) check->received = check->least_messages = NAN;
  for (int i = 0; i < MEASURES; i++) {
    sg_check_spread *spread = spread_of(check, i);
    if (spread->worst < 0) {
      spread->worst = NAN;
      continue;
    }
    spread->missing = list_missing(c, c->worst + i * c->n, &spread->n_missing);
    if (!spread->missing) return sg_fail_memory(c->error);
  }
  return SG_OK;
}

sg_status sg_code_check(const sg_code *code, const sg_check_options *options, sg_check **out,
                        sg_error *e) {
  *out = NULL;
  checker c = {.code = code,
               .options = options,
               .check = calloc(1, sizeof(sg_check)),
               .n = code->shape.workers,
               .row = (size_t)code->shape.workers * sizeof(bool),
               .error = e};
  if (!c.check) return sg_fail_memory(e);
  sg_status status = begin(&c);
  if (!status) status = check_promised(&c);
  if (!status) status = find_least(&c);
  if (!status) status = check_beyond(&c);
  if (!status && !code->exact) status = judge_sizes(&c);
  if (!status && options->n_straggling > 0) status = check_straggling(&c);
  if (!status) status = measure(&c);
  if (!status) status = finish(&c);
  sg_crowd_clear(&c.crowd);
  free(c.worst);
  if (status)
    sg_check_free(c.check);
  else
    *out = c.check;
  return status;
}

void sg_check_free(sg_check *check) {
  if (!check) return;
  for (int i = 0; i < MEASURES; i++) free(spread_of(check, i)->missing);
  free(check->broken_missing);
  free(check->sets);
  free(check);
}
