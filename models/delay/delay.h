/* SPDX-License-Identifier: MIT */
/* Compute times: (replication, worker, iteration, amount of work) → seconds. */
#ifndef SG_MODELS_DELAY_H
#define SG_MODELS_DELAY_H

#include "models/times/law.h"
#include "sim/core/text.h"

/* The scenario's "delay" object: family by "model" (a law or a trace) with the common members unit
 * (subset | dataset | flops), scaling (proportional | additive | startup), per_subset_s, fixed_s,
 * memory, common and stalls; and "cluster": workers, classes [{share, speed}], assign (random |
 * in-order), speeds, known_speeds, random_speed, crashes, erasure. */
extern const sg_param sg_delay_params[];
extern const sg_family sg_delay_family;
extern const sg_param sg_cluster_params[];

typedef struct sg_delay sg_delay;         /* immutable, shared by runs and threads */
typedef struct sg_delay_run sg_delay_run; /* what one run remembers between iterations */

/* workers = cluster.workers. subsets: the number k of subsets, for unit dataset. subset_flops: of
 * the gradient of one, for unit flops; 0: not known. */
sg_status sg_delay_new(const sg_values *cluster, const sg_values *delay, int subsets,
                       double subset_flops, uint64_t seed, sg_delay **out, sg_error *e);
void sg_delay_free(sg_delay *delay);

/* Speed of each worker (1 = nominal); divides compute times. */
const double *sg_delay_speeds(const sg_delay *delay);
/* What schemes know of it: cluster.known_speeds, which divide nothing, or the same. */
const double *sg_delay_known_speeds(const sg_delay *delay);
int sg_delay_workers(const sg_delay *delay);
/* Most iterations that there are times for; 0: no limit. */
long sg_delay_iterations(const sg_delay *delay);
/* Appends what a person should know of the model, a line each: moments that do not exist, how a
 * trace is used. */
void sg_delay_note(const sg_delay *delay, sg_buffer *out);

/* The same delays drawn from streams that are not those of any run (purpose SG_FOR_FORECAST), for
 * what is known of them before there is a run. A copy as the delay is now, which borrows what the
 * original owns; free() frees it. NULL: no memory. */
sg_delay *sg_delay_apart(const sg_delay *delay);
/* The probability that a worker's messages never come in an iteration drawn uniformly from the
 * first `iterations`; NAN where that depends on the code. */
double sg_delay_loses(const sg_delay *delay, int worker, long iterations);
/* Whether a worker's time for `work` subsets in an iteration is `work` times that for one. */
bool sg_delay_scales(const sg_delay *delay);
/* How fast the law of a worker's time T for so much work falls at its ends, where that decides
 * about moments: P(T > t) like t^−far, P(T < t) like t^near; INFINITY where it has a mean, or is
 * bounded away from 0. 0: what all workers have in common has no such mean. So of n workers the
 * k-th time has no mean if (n − k + 1) · far ≤ 1, and 1/T_(k) none if k · near ≤ 1. */
typedef struct sg_delay_tails {
  double far, near;
} sg_delay_tails;
sg_delay_tails sg_delay_tails_of(const sg_delay *delay, double work);

sg_delay_run *sg_delay_run_new(const sg_delay *delay, uint32_t replication);
void sg_delay_run_free(sg_delay_run *run);

/* Whether messages may never come: only then the next five do anything. */
bool sg_delay_fails(const sg_delay *delay);
/* Whether a worker that lost an iteration to a crash has others afterwards. */
bool sg_delay_comes_back(const sg_delay *delay);
/* Whether a worker whose messages of an iteration are erased may have others that are not. */
bool sg_delay_gets_through(const sg_delay *delay);
/* How many workers are to be erased that are worst for the code; the code's user finds them and
 * says so before any run. */
int sg_delay_worst_wanted(const sg_delay *delay);
void sg_delay_set_worst(sg_delay *delay, const bool *erased); /* workers values */
/* At a worker's first task of an iteration: 0, it is up; INFINITY, it is dead and does nothing in
 * this iteration; else the seconds from now until it is up and begins. */
double sg_delay_down(sg_delay_run *run, int worker, uint32_t iteration);
/* Whether a worker's messages of an iteration never come. */
bool sg_delay_erased(sg_delay_run *run, int worker, uint32_t iteration);

/* Most workers, or all, will be asked for in this iteration: draws their times side by side. It
 * only saves time. false: no memory. */
bool sg_delay_draw_ahead(sg_delay_run *run, uint32_t iteration);

/* Seconds that `worker` needs for `work` subsets in `iteration`. done: draws that this worker has
 * used in this iteration so far. draws: of how many draws this work is made.
 *   proportional  one draw per worker and iteration, times the work
 *   additive      a draw per subset: `draws` draws numbered done, done + 1, …, each for work/draws
 *   startup       one draw per worker and iteration, paid by its first task (done = 0), plus
 *                 per_subset_s times the work
 * all of it times the factors of memory, common and stalls, divided by the speed and the random
 * speed; then the length of a stall (first task only) and fixed_s. */
double sg_delay_seconds(sg_delay_run *run, int worker, uint32_t iteration, int done, double work,
                        int draws);
/* Those of all workers' first tasks, of one work: seconds[w] is what sg_delay_seconds(run, w,
 * iteration, 0, work, draws) is, to the bit. */
void sg_delay_seconds_of_all(sg_delay_run *run, uint32_t iteration, double work, int draws,
                             double *seconds);

/* The time of all of a worker's tasks of an iteration, which take `work` subsets and `draws` equal
 * draws together, as certain + factor · (X_1 + … + X_draws) with independent draws of one law, for
 * exact expectations (sim/expect). Returns NULL, or why there is no such form: the times of workers
 * or of iterations depend on one another. Whatever changes sg_delay_seconds changes this. */
typedef struct sg_delay_form {
  double certain; /* seconds */
  double factor;
  int draws;
  const sg_law *law; /* owned by the delay */
} sg_delay_form;
const char *sg_delay_form_of(const sg_delay *delay, int worker, int tasks, double work, int draws,
                             sg_delay_form *form);

/* --- Taking causes of lost time away, on the same random numbers: what-if ----------------------
 */

enum { SG_MOST_CAUSE_WORKERS = 20 };

typedef struct sg_delay_causes {
  bool stalls, memory, common, crashes, erasures;
  bool randomness; /* base times are their means */
  bool speeds;     /* every worker lasts as long as the median worker of the run */
  bool slowest;    /* the slowest worker of the run does */
  int n_workers;   /* these do */
  int worker[SG_MOST_CAUSE_WORKERS];
} sg_delay_causes;

/* Which of them the model has at all. slowest: as speeds; no single workers. */
sg_delay_causes sg_delay_causes_of(const sg_delay *delay);
/* Before any run. What the model does not have is taken away for nothing. Fault (at `place`) if
 * base times without a mean are to be replaced by it, or there is no such worker. */
sg_status sg_delay_remove_causes(sg_delay *delay, const sg_delay_causes *what, const char *place,
                                 sg_error *e);

#endif
