/* SPDX-License-Identifier: MIT */
/* Adaptive fastest-k: the master waits for the k fastest workers, cancels the rest, and raises k
 * over time. Few gradients are quick while the model is far from the optimum; near it their noise
 * is in the way, and more are worth their time. (theory: adaptive-k)
 *
 * k goes from k_min to k_max in steps of k_step:
 *   times        at given moments;
 *   bound        when the bound of the error against the clock starts to fall faster with the next
 *                k (Kas Hanna et al. 2020). After t seconds with k it is
 *                    A_k + (E − A_k) (1 − η c)^(t / μ_k),   A_k = η L σ² / (2 c k),
 *                with μ_k = E X_(k:n) from the scenario's delays. The next k', whose bound begins
 *                at the same error, falls faster once the error is down to
 *                    E* = (A_k μ_k' − A_k' μ_k) / (μ_k' − μ_k);
 *   sign-counts  when successive gradients point away from each other: a counter goes up when their
 *                inner product is negative, else down; above a threshold, and after a burn-in, k is
 *                raised and both begin again (after Pflug; Kas Hanna et al. 2020). */
#include "codes/tools/learners.h"

#include <math.h>
#include <stdio.h>

static const char *const policies[] = {"sign-counts", "bound", "times", NULL};
enum { SIGN_COUNTS, BOUND, TIMES };

static const sg_param moment = {
    .kind = SG_REAL, .summary = "seconds of simulated time", .min = 0, .max = SG_UNBOUNDED};
static const sg_param params[] = {
    SG_ROW_CHOICE("policy", policies, 0,
                  "when k is raised: by the signs of successive gradients' inner products, by the "
                  "bound of the error against the clock, or at given times"),
    SG_ROW_INT("k_min", 1, SG_UNBOUNDED, "gradients that are waited for at first", .fallback = 1),
    SG_ROW_INT("k_max", 1, SG_UNBOUNDED,
               "and at last, at most the number of workers, which it is when left out",
               .flags = SG_OPTIONAL),
    SG_ROW_INT("k_step", 1, SG_UNBOUNDED, "by how many k is raised", .fallback = 1),
    SG_ROWS_LEARNERS(sg_gradients_of_learners),
    SG_ROW_INT("threshold", 0, SG_UNBOUNDED, "k is raised when the counter is above this",
               .fallback = 10, .with = "policy=sign-counts"),
    SG_ROW_INT("burn_in", 0, SG_UNBOUNDED,
               "and when k has been the same for more updates than this", .fallback = 100,
               .with = "policy=sign-counts"),
    SG_ROW_LIST("times", &moment, 0, 0, "seconds at which k is raised, rising",
                .with = "policy=times"),
    SG_ROW_REAL("step", 0, SG_UNBOUNDED, "step of the optimiser η",
                .flags = SG_OPTIONAL | SG_MIN_OPEN, .with = "policy=bound"),
    SG_ROW_REAL("convexity", 0, SG_UNBOUNDED, "constant of strong convexity c, less than 1/η",
                .flags = SG_OPTIONAL | SG_MIN_OPEN, .with = "policy=bound"),
    SG_ROW_REAL("smoothness", 0, SG_UNBOUNDED, "Lipschitz constant of the gradient L",
                .flags = SG_OPTIONAL | SG_MIN_OPEN, .with = "policy=bound"),
    SG_ROW_REAL("variance", 0, SG_UNBOUNDED, "variance of a worker's gradient σ²",
                .flags = SG_OPTIONAL | SG_MIN_OPEN, .with = "policy=bound"),
    SG_ROW_REAL("gap", 0, SG_UNBOUNDED, "error at the beginning, F(x₀) − F*",
                .flags = SG_OPTIONAL | SG_MIN_OPEN, .with = "policy=bound"),
    {0}};

typedef struct tables {
  sg_learners learners; /* k: the most */
  int first, step, levels;
  bool counts; /* signs; else by `time`, levels moments */
  long threshold, burn_in;
  double *time;
} tables;

typedef struct progress {
  int come; /* in this round */
  int level;
  long counter, updates; /* since k was raised */
  bool begun;            /* there was an update before */
} progress;

static int k_of(const tables *t, const progress *p) {
  int k = t->first + p->level * t->step;
  return k < t->learners.k ? k : t->learners.k;
}

/* E X_(k:n). */
static double mean_of(const sg_code *code, const tables *t, int k) {
  const sg_forecast *f = code->shape.forecast;
  if (f) return f->mean(f->of, t->learners.work, k);
  double mean = 0; /* nothing is known: exponential with mean 1 per subset */
  for (int i = 0; i < k; i++) mean += t->learners.work / (code->nodes - i);
  return mean;
}

static sg_status bound_times(sg_code *code, const sg_values *v, tables *t, sg_error *e) {
  static const char *const constants[] = {"step", "convexity", "smoothness", "variance", "gap"};
  for (size_t i = 0; i < sizeof constants / sizeof *constants; i++)
    if (!sg_given(v, constants[i]))
      return sg_fail_at(e, v, constants[i],
                        "expected a number > 0 with policy \"bound\", found "
                        "nothing");
  double eta = sg_real(v, "step"), c = sg_real(v, "convexity");
  if (!(eta * c < 1))
    return sg_fail_at(e, v, "convexity", "expected less than 1/step = %g, found %g", 1 / eta, c);
  double floor1 = eta * sg_real(v, "smoothness") * sg_real(v, "variance") / (2 * c),
         error = sg_real(v, "gap"), now = 0, rate = -log1p(-eta * c);
  for (int i = 0; i < t->levels; i++) {
    int k = k_of(t, &(progress){.level = i}), next = k_of(t, &(progress){.level = i + 1});
    double mu = mean_of(code, t, k), mu_next = mean_of(code, t, next);
    if (isnan(mu) || isnan(mu_next)) return sg_fail_memory(e);
    double above = mu * (floor1 / k - floor1 / next) / (mu_next - mu); /* E* − A_k */
    double left = (error - floor1 / k) / above;
    if (left > 1) {
      now += mu / rate * log(left);
      error = floor1 / k + above;
    }
    t->time[i] = now;
  }
  return SG_OK;
}

static sg_status given_times(const sg_values *v, tables *t, sg_error *e) {
  int count = sg_count(v, "times");
  if (count > t->levels)
    return sg_fail_at(e, v, "times", "expected at most %d, after which k is k_max = %d, found %d",
                      t->levels, t->learners.k, count);
  for (int i = 0; i < t->levels; i++) {
    t->time[i] = i < count ? sg_item(v, "times", i)->number : INFINITY;
    if (i > 0 && t->time[i] < t->time[i - 1])
      return sg_fail_at(e, v, "times", "expected rising times, found %g after %g", t->time[i],
                        t->time[i - 1]);
  }
  return SG_OK;
}

/* The first switching times, for people. */
static sg_status note(sg_code *code, const tables *t, sg_error *e) {
  enum { SIZE = 160, ROOM = 40 };
  char *text = sg_code_alloc(code, SIZE, 1);
  if (!text) return sg_fail_memory(e);
  int at = snprintf(text, SIZE, "k = %d", t->first);
  for (int i = 0; i < t->levels && at < SIZE - ROOM; i++)
    at += snprintf(text + at, ROOM, ", %d from %.6g s", k_of(t, &(progress){.level = i + 1}),
                   t->time[i]);
  code->note = text;
  return SG_OK;
}

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *v, sg_error *e) {
  tables *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  if (!t) return sg_fail_memory(e);
  sg_status status = sg_learners_read(code, v, "k_min", &t->learners, e);
  if (status) return status;
  int n = shape->workers, policy = sg_choice(v, "policy");
  long most = sg_given(v, "k_max") ? sg_int(v, "k_max") : n, step = sg_int(v, "k_step");
  t->first = t->learners.k;
  if (most < t->first || most > n)
    return sg_fail_at(e, v, "k_max", "expected k_min = %d ≤ k_max ≤ n = %d, found %ld", t->first, n,
                      most);
  t->learners.k = (int)most;
  t->step = step < n ? (int)step : n;
  t->levels = (t->learners.k - t->first + t->step - 1) / t->step;
  t->counts = policy == SIGN_COUNTS;
  if (t->counts) {
    t->threshold = sg_int(v, "threshold");
    t->burn_in = sg_int(v, "burn_in");
    code->flags |= SG_WANTS_VALUES;
  } else {
    t->time = sg_code_alloc(code, (size_t)t->levels + 1, sizeof *t->time);
    if (!t->time) return sg_fail_memory(e);
    status = policy == BOUND ? bound_times(code, v, t, e) : given_times(v, t, e);
    if (!status) status = note(code, t, e);
  }
  code->promised = n - t->learners.k;
  if (t->first < n) code->exact = false;
  code->state_size = sizeof(progress);
  code->round_size = sizeof(int); /* come */
  return status ? status : sg_code_one_segment(code, v, "k_min", 1, t->first, e);
}

static void plan(const sg_code *code, const void *state, int round, int snapshot, sg_orders *o) {
  const tables *t = code->self;
  sg_learners_give(&t->learners, SG_ALL, snapshot, 0, o);
}

static sg_verdict arrive(const sg_code *code, void *state, const sg_message *message,
                         sg_orders *o) {
  progress *p = state;
  return ++p->come >= k_of(code->self, p) ? SG_READY : SG_WAIT;
}

static void raise_k(const tables *t, progress *p) {
  if (p->level < t->levels) p->level++;
  p->counter = p->updates = 0;
}

static void updated(const sg_code *code, void *state, const sg_event *event) {
  const tables *t = code->self;
  progress *p = state;
  if (!t->counts) {
    while (p->level < t->levels && event->now_s >= t->time[p->level]) raise_k(t, p);
    return;
  }
  if (!event->decoded) return;
  if (p->begun) p->counter += event->dot_previous < 0 ? 1 : -1;
  p->begun = true;
  p->updates++;
  if (p->counter > t->threshold && p->updates > t->burn_in) raise_k(t, p);
}

static void encode(const sg_code *code, const sg_message *message, sg_row *row) {
  const tables *t = code->self;
  sg_learners_row(code, &t->learners, message->from, (unsigned)message->snapshot, row);
}

static sg_status weights(const sg_code *code, const sg_used *used) {
  return sg_learners_weights(code, used, k_of(code->self, used->state));
}

const sg_code_type sg_adaptive_k = {
    .about = {.name = "adaptive-k",
              .brief = "the fastest k gradients, k grows",
              .summary = "The model is updated with the mean of the first k workers' gradients; k "
                         "is raised by the signs of inner products of gradients, by a bound of the "
                         "error against the clock, or at given times. Approximate for k < n.",
              .reference = "Kas Hanna, Bitar, Parag, Dasari, El Rouayheb (ICASSP 2020), "
                           "arXiv:2002.11005; Kas Hanna et al. 2022, arXiv:2208.03134 (published: "
                           "the idea; policies recalled, switching times derived).",
              .params = params},
    .create = create,
    .encode = encode,
    .weights = weights,
    .plan = plan,
    .arrive = arrive,
    .updated = updated,
};
