/* SPDX-License-Identifier: MIT */
/* Links in whole runs, and the master's queue alone, against closed forms and exact values.
 *
 * validate_network [--short] prints a Markdown table of z values and fails when any |z| > 4. Always
 * seed 1. Standard errors come from independent replications, of which each simulation has its own;
 * the first tenth of each is not counted where a queue starts empty. */
#include "models/network/model.h"
#include "tests/support/environment.h"
#include "tests/support/toy_codes.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_integration.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { REPLICATIONS = 50 };

static bool quick;
static int count, outside;
static uint32_t replication; /* the next that no simulation has had */

static void report(const char *what, const char *quantity, double target, const double *value) {
  const int n = REPLICATIONS;
  double sum = 0, squares = 0;
  for (int i = 0; i < n; i++) sum += value[i] - target;
  for (int i = 0; i < n; i++) squares += pow(value[i] - target - sum / n, 2);
  double error = sqrt(squares / (n - 1) / n), z = sum / n / error;
  printf("| %s | %s | %.5g | %.5g | %.2g | %+.2f |\n", what, quantity, target, target + sum / n,
         error, z);
  fflush(stdout);
  count++;
  outside += !(fabs(z) <= 4);
}

/* --- Whole runs ------------------------------------------------------------------------------- */

typedef struct outcome { /* by replication */
  double duration[REPLICATIONS], wait[REPLICATIONS], busy[REPLICATIONS];
} outcome;

static void simulate(const test_setup *setup, const sg_code_type *type, int s, long rows, long warm,
                     outcome *out) {
  test_environment t;
  test_environment_make(&t, setup);
  sg_shape shape = {
      .workers = setup->workers, .subsets = setup->workers, .length = 1, .updates = rows};
  sg_code *code = test_code(type, &shape, s > 0 ? "s" : NULL, s);
  sg_run_limits limits = {.iterations = rows, .sim_time_s = INFINITY};
  for (int r = 0; r < REPLICATIONS; r++) {
    sg_run *run = sg_run_new(&t.env, code, replication++, &limits, NULL, NULL);
    assert_non_null(run);
    double seconds = 0, busy = 0, queued = 0, messages = 0;
    for (long i = 0; i < rows; i++) {
      assert_int_equal(sg_run_advance(run), SG_RUN_DECODE);
      sg_run_supply(run, &(sg_run_result){.decoded = true, .n_used = 1});
      if (i < warm) continue;
      const sg_iteration_record *row = sg_run_record(run);
      seconds += row->duration_s;
      busy += row->ingress_busy_s;
      queued += row->queued_s;
      messages += (double)row->ingress_messages;
    }
    sg_run_free(run);
    out->duration[r] = seconds / (double)(rows - warm);
    out->busy[r] = busy / seconds;
    out->wait[r] = queued / messages;
  }
  sg_code_free(code);
  test_environment_free(&t);
}

/* --- Expectations ----------------------------------------------------------------------------- */

typedef struct times { /* of n workers that compute shift + Exp(mean) */
  int n;
  double shift, mean;
  double extra[64]; /* besides, before or after */
  double slower[64];
  double service; /* of the master's link */
  int need;
} times;

static double computed(const times *x, double t) {
  return t <= x->shift ? 0 : -expm1(-(t - x->shift) / x->mean);
}

/* All of n independent times are over; those that are no multiple are shifted. */
static double all_over(double t, const times *x) {
  double p = 1;
  for (int w = 0; w < x->n; w++) p *= computed(x, (t - x->extra[w]) / x->slower[w]);
  return p;
}

/* `need` messages of equal length have gone through a fifo link: the r-th in the order of coming is
 * through at max over k ≤ r of A(k) + (r − k + 1) · service, so that k of the n computing times
 * must lie below t − (r − k + 1) · service, for all k. By the number of times below each of these
 * bounds in turn, which is binomial: positive terms only. */
static double through_link(double t, const times *x) {
  int n = x->n;
  double at[65] = {1}, below = 0;
  for (int k = 1; k <= x->need; k++) {
    double bound = computed(x, t - (x->need - k + 1) * x->service), next[65] = {0};
    if (bound <= 0) return 0;
    double p = below < 1 ? (bound - below) / (1 - below) : 1;
    for (int j = k - 1; j <= n; j++) {
      if (at[j] == 0) continue;
      /* From the side that has no tiny numbers. */
      int left = n - j;
      double some = p < 0.5 ? pow(1 - p, left) : pow(p, left);
      for (int i = 0; i <= left; i++) {
        int more = p < 0.5 ? i : left - i;
        if (j + more >= k) next[j + more] += at[j] * some;
        some *= (p < 0.5 ? p / (1 - p) : (1 - p) / p) * (left - i) / (i + 1);
      }
    }
    memcpy(at, next, sizeof at);
    below = bound;
  }
  double sum = 0;
  for (int j = x->need; j <= n; j++) sum += at[j];
  return sum;
}

typedef struct integrand {
  double (*cdf)(double t, const times *x);
  const times *x;
} integrand;

static double tail(double t, void *user) {
  const integrand *f = user;
  return 1 - f->cdf(t, f->x);
}

static double expectation(double (*cdf)(double t, const times *x), const times *x) {
  enum { PIECES = 1000 };
  gsl_integration_workspace *space = gsl_integration_workspace_alloc(PIECES);
  integrand f = {cdf, x};
  gsl_function of = {.function = tail, .params = &f};
  double end = 1, sum = NAN, error = NAN;
  while (tail(end, &f) > 1e-12) end *= 2;
  gsl_integration_qag(&of, 0, end, 0, 1e-8, PIECES, GSL_INTEG_GAUSS21, space, &sum, &error);
  gsl_integration_workspace_free(space);
  assert_true(error < 1e-6 * sum);
  return sum;
}

/* --- Independent links ------------------------------------------------------------------------ */

static void independent(const char *what, test_setup setup, const times *x, long rows) {
  outcome o;
  setup.seed = 1;
  simulate(&setup, sg_code_type_find("uncoded"), 0, rows, 0, &o);
  report(what, "E[T] / s", expectation(all_over, x), o.duration);
}

static void independent_links(void) {
  long rows = quick ? 400 : 4000;
  test_setup setup = {.workers = 30,
                      .delay = "shifted-exponential",
                      .delay_by = {1, 2},
                      .broadcast_by = {0.25, 16, 2}}; /* 0.75 s a hop */
  times x = {.n = 30, .shift = 1, .mean = 2};
  for (int w = 0; w < 30; w++) x.slower[w] = 1;
  for (int w = 0; w < 30; w++) x.extra[w] = 0.75 * floor(log2(w + 2));
  setup.broadcast = "tree";
  independent("tree broadcast, fan-out 2, n = 30", setup, &x, rows);
  setup.broadcast = "sequential";
  for (int w = 0; w < 30; w++) x.extra[w] = 0.25 + 0.5 * (w + 1);
  independent("sequential broadcast, n = 30", setup, &x, rows);

  /* Uplinks of Exp(2 s), a third of the workers with half the speed. */
  static double speed[30];
  for (int w = 0; w < 30; w++) speed[w] = w < 10 ? 0.5 : 1;
  setup = (test_setup){.workers = 30,
                       .delay = "deterministic",
                       .delay_by = {3},
                       .uplink = "exponential",
                       .uplink_by = {2},
                       .uplink_speed = speed};
  x = (times){.n = 30, .mean = 2};
  for (int w = 0; w < 30; w++) {
    x.extra[w] = 3;
    x.slower[w] = 1 / speed[w];
  }
  independent("uplinks Exp(2 s), a third at half the speed, n = 30", setup, &x, rows);

  setup = (test_setup){.workers = 30,
                       .delay = "deterministic",
                       .delay_by = {3},
                       .uplink = "linear",
                       .uplink_by = {0.5, 16},
                       .jitter = "exponential",
                       .jitter_by = {2}};
  for (int w = 0; w < 30; w++) {
    x.extra[w] = 4;
    x.slower[w] = 1;
  }
  independent("linear uplink, jitter Exp(2 s), n = 30", setup, &x, rows);
}

/* --- Rounds on a shared link ------------------------------------------------------------------ */

/* Link and messages are such that one message takes 1 s. */
static void rounds(const char *ingress, int n, int s, double mean, long rows) {
  char what[96];
  outcome o;
  test_setup setup = {.workers = n,
                      .delay = "shifted-exponential",
                      .delay_by = {1, mean},
                      .ingress = ingress,
                      .ingress_Bps = 8,
                      .seed = 1};
  times x = {.n = n, .shift = 1, .mean = mean, .service = 1, .need = n - s};
  simulate(&setup, sg_code_type_find("ignore-stragglers"), s, rows, 0, &o);
  snprintf(what, sizeof what, "round: %s, n = %d, wait for %d, compute 1 s + Exp(%g s)", ingress, n,
           n - s, mean);
  report(what, "E[T] / s", expectation(through_link, &x), o.duration);
  if (s > 0) return;
  if (strcmp(ingress, "fifo") != 0) return;
  double deliveries = 0;
  for (x.need = 1; x.need <= n; x.need++) deliveries += expectation(through_link, &x);
  report(what, "E[wait in queue] / s", deliveries / n - (1 + mean) - 1, o.wait);
}

static void rounds_on_a_shared_link(void) {
  long rows = quick ? 400 : 10000;
  rounds("fifo", 12, 0, 10, rows);
  rounds("fair-share", 12, 0, 10, rows); /* the last is through when a fifo link would be */
  rounds("fifo", 12, 3, 10, rows);
  if (quick) return;
  rounds("fifo", 40, 0, 100, rows / 4);
  rounds("fifo", 40, 4, 30, rows / 4);
  rounds("fair-share", 40, 0, 40, rows / 4);
}

/* --- Without a barrier: n workers as customers --------------------------------------------------
 */

/* Each worker computes for Exp(think), sends, and begins anew when its message is through: n
 * customers and one server of 1 s. Fifo: M/D/1//n. A busy period has Σ C(n − 1, r) Π (1/φ(iλ) − 1)
 * services, φ(s) = e^(−s) (Takács 1962, recalled; n = 1 and 2 are checked by hand: 1 and e^λ). */
static double fifo_busy_share(int n, double think) {
  double services = 1, term = 1;
  for (int r = 1; r < n; r++) {
    term *= expm1(r / think) * (n - r) / r;
    services += term;
  }
  return services / (services + think / n);
}

/* Fair-share: product form, whatever the laws: like M/M/1//n. P(empty) = 1 / Σ n!/(n − k)! think^−k
 */
static double fair_busy_share(int n, double think) {
  double sum = 1, term = 1;
  for (int k = 1; k <= n; k++) {
    term *= (n - k + 1) / think;
    sum += term;
  }
  return 1 - 1 / sum;
}

static void without_barrier(const char *ingress, int n, double shift, double excess, long rows) {
  bool fair = strcmp(ingress, "fair-share") == 0;
  double think = shift + excess,
         busy = fair ? fair_busy_share(n, think) : fifo_busy_share(n, think);
  char what[96];
  outcome o;
  test_setup setup = {.workers = n,
                      .delay = "shifted-exponential",
                      .delay_by = {shift, excess},
                      .ingress = ingress,
                      .ingress_Bps = 8,
                      .seed = 1};
  simulate(&setup, &toy_async, 0, rows, rows / 10, &o);
  snprintf(what, sizeof what, "no barrier: %s, n = %d, compute %s%.4g s%s", ingress, n,
           shift > 0 ? "2 s + Exp(" : "Exp(", excess, ")");
  report(what, "share busy", busy, o.busy);
  report(what, "E[wait in queue] / s", n / busy - think - 1, o.wait);
}

static void without_a_barrier(void) {
  long rows = quick ? 3000 : 40000;
  assert_true(fabs(fifo_busy_share(1, 5) - 1 / 6.0) < 1e-15);
  assert_true(fabs(fifo_busy_share(2, 5) - exp(0.2) / (exp(0.2) + 2.5)) < 1e-15);
  without_barrier("fifo", 10, 0, 12, rows);
  without_barrier("fair-share", 10, 2, 10, rows);
  if (quick) return;
  without_barrier("fifo", 60, 0, 100, rows);
  without_barrier("fair-share", 60, 0, 100, rows);
  without_barrier("fifo", 10, 0, 4, rows);
  without_barrier("fair-share", 10, 0, 4, rows);
}

/* --- The queue alone, messages that come at random for ever ------------------------------------
 */

typedef struct lengths { /* seconds of service, mean 1 */
  const char *name;
  double second_moment;
} lengths;

static double length_of(const lengths *law, sg_stream *s) {
  if (law->second_moment == 1) return 1;
  if (law->second_moment == 2) return sg_exponential(s, 1);
  return sg_exponential(s, sg_uniform(s) < 0.1 ? 5.5 : 0.5); /* 0.1 · 5.5 + 0.9 · 0.5 = 1 */
}

static sg_ingress *make_ingress(sg_ingress_kind kind, double bandwidth) {
  return sg_ingress_new(&(sg_network){.ingress = kind, .ingress_bandwidth = bandwidth});
}

/* Mean time in the queue: fifo by Pollaczek and Khinchine, fair-share 1/(1 − ρ) in the system. */
static void open_queue(sg_ingress_kind kind, const lengths *law, double rho, long messages) {
  long warm = messages / 10;
  double wait[REPLICATIONS], busy[REPLICATIONS];
  double *came = malloc((size_t)messages * sizeof *came);
  double *length = malloc((size_t)messages * sizeof *length);
  assert_true(came && length);
  for (int r = 0; r < REPLICATIONS; r++, replication++) {
    /* A stream has 2^17 numbers. */
    sg_stream arrivals, services;
    sg_ingress *q = make_ingress(kind, 1);
    double now = 0, waited = 0, counted_from = 0;
    for (long i = 0; i < messages; i++) {
      if (i % 30000 == 0) {
        sg_stream_at(&arrivals, 1, replication, SG_FOR_CHECK, 0, (uint32_t)(i / 30000), 0);
        sg_stream_at(&services, 1, replication, SG_FOR_CHECK, 1, (uint32_t)(i / 30000), 0);
      }
      now += sg_exponential(&arrivals, 1 / rho);
      came[i] = now;
      length[i] = length_of(law, &services);
    }
    for (long pushed = 0, popped = 0; popped < messages;) {
      double next = sg_ingress_next(q);
      if (pushed < messages && came[pushed] < next) {
        now = came[pushed];
        sg_ingress_push(q, now, (int)pushed, length[pushed]);
        if (pushed++ == warm) {
          sg_ingress_usage(q, now);
          counted_from = now;
        }
        if (pushed == messages) /* the rest runs dry */
          busy[r] = sg_ingress_usage(q, now).busy_s / (now - counted_from);
      } else {
        long m = sg_ingress_pop(q);
        popped++;
        if (m >= warm) waited += next - came[m] - length[m];
      }
    }
    wait[r] = waited / (double)(messages - warm);
    sg_ingress_free(q);
  }
  free(came);
  free(length);
  char what[64];
  bool fair = kind == SG_INGRESS_FAIR_SHARE;
  snprintf(what, sizeof what, "M/%s/1 %s, ρ = %g", law->name, fair ? "fair-share" : "fifo", rho);
  report(what, "E[wait] / s", fair ? rho / (1 - rho) : rho * law->second_moment / (2 * (1 - rho)),
         wait);
  report(what, "share busy", rho, busy);
}

static void open_queues(void) {
  /* 0.1 · 2 · 5.5² + 0.9 · 2 · 0.5² = 6.5 */
  static const lengths laws[] = {{"D", 1}, {"M", 2}, {"H₂", 6.5}};
  static const double loads[] = {0.6, 0.3, 0.85};
  long messages = quick ? 3000 : 60000;
  for (int l = 0; l < (quick ? 1 : 3); l++)
    for (int k = 0; k < 3; k++) {
      open_queue(SG_INGRESS_FIFO, &laws[k], loads[l], messages);
      open_queue(SG_INGRESS_FAIR_SHARE, &laws[k], loads[l], messages);
    }
}

int main(int argc, char **argv) {
  quick = argc > 1 && strcmp(argv[1], "--short") == 0;
  gsl_set_error_handler_off(); /* expectation judges the result */
  printf("| setting | quantity | exact | simulated | standard error | z "
         "|\n|---|---|---|---|---|---|\n");
  independent_links();
  rounds_on_a_shared_link();
  without_a_barrier();
  open_queues();
  printf("\n%d targets, %d replications each, seed 1: %d with |z| > 4.\n%d passed, %d failed\n",
         count, REPLICATIONS, outside, count - outside, outside);
  return outside ? EXIT_FAILURE : EXIT_SUCCESS;
}
