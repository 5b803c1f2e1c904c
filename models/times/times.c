/* SPDX-License-Identifier: MIT */
/* Random times from a law or a trace: which time of a trace a worker has in an iteration of a run.
 */
#include "models/times/times.h"
#include "sim/core/elementary.h"

#include <math.h>
#include <stdlib.h>

enum { REPLAY, BLOCK, ITERATION, IID };
enum { WRAP, END };

static const char *const modes[] = {"replay", "block-bootstrap", "iteration-bootstrap",
                                    "iid-bootstrap", NULL};
static const char *const ends[] = {"wrap", "end", NULL};
static const char *const automatic[] = {"auto", NULL};

static const sg_param params[] = {
    SG_ROW("path", SG_TEXT,
           "The trace, a CSV file with the columns iteration, worker, compute_s and perhaps send_s "
           "and load; relative to the scenario file.",
           .flags = SG_REQUIRED | SG_IS_PATH),
    SG_ROW_CHOICE("mode", modes, BLOCK,
                  "replay (the trace as it is), block-bootstrap (blocks of consecutive iterations "
                  "from random places: keeps speeds, memory and common slowness), "
                  "iteration-bootstrap (whole iterations at random: no memory), iid-bootstrap "
                  "(each time at random from all: the independent model, with its faults)."),
    SG_ROW_INT("block_iterations", 1, 1e9,
               "Iterations of a block of block-bootstrap; auto: from the autocorrelation of the "
               "trace (Politis and White 2004).",
               .choices = automatic, .text = "auto"),
    SG_ROW_CHOICE("past_end", ends, WRAP,
                  "With replay, when a run has more iterations than the trace: begin the trace "
                  "again, or end the run."),
    SG_ROW("workers", SG_TEXT,
           "Only these workers of the trace, by their numbers in the file, such as 0-7,12.",
           .flags = SG_OPTIONAL),
    SG_ROW_REAL("unit_s", 0, SG_UNBOUNDED,
                "Seconds of the trace's unit; must be given when that is not the second.",
                .flags = SG_OPTIONAL | SG_MIN_OPEN),
    {0}};

const sg_variant sg_replay_variant = {
    .name = "trace",
    .summary = "Measured times, replayed or resampled from a CSV file.",
    .reference = "block bootstrap: Politis and Romano 1992, Politis and White 2004 (recalled)",
    .params = params};

const sg_variant *sg_law_or_replay_at(int i) {
  const sg_variant *law = sg_law_variant_at(i);
  return law || !sg_law_variant_at(i - 1) ? law : &sg_replay_variant;
}

struct sg_replay {
  int mode, past_end;
  int workers, trace_workers, copies;
  long iterations, block;
  bool chosen;     /* the block length was found, not given */
  double *seconds; /* iterations × trace_workers, row-major */
  double *mean;    /* trace_workers values: of a column, or of all with iid-bootstrap */
};

/* The block length comes from the logarithms of the compute times, whichever column is asked for,
 * so that both go in step. */
static sg_status choose_block(sg_replay *r, const sg_values *values, const sg_trace *t,
                              sg_error *e) {
  r->block = 1;
  if (r->mode != BLOCK) return SG_OK;
  if (!sg_text(values, "block_iterations")) {
    r->block = sg_int(values, "block_iterations");
    return SG_OK;
  }
  size_t cells = (size_t)t->iterations * (size_t)t->workers;
  double *x = malloc(cells * sizeof *x);
  if (!x) return sg_fail_memory(e);
  for (size_t i = 0; i < cells; i++)
    x[i] = sg_log(t->load ? t->compute[i] / t->load[i] : t->compute[i]);
  r->block = sg_block_length(t->iterations, t->workers, x);
  r->chosen = true;
  free(x);
  return r->block > 0 ? SG_OK : sg_fail_memory(e);
}

static sg_status take_times(sg_replay *r, const sg_values *values, const sg_trace *t,
                            sg_replay_column column, double per_subset, sg_error *e) {
  double unit = sg_given(values, "unit_s") ? sg_real(values, "unit_s") : 1;
  size_t cells = (size_t)t->iterations * (size_t)t->workers;
  r->seconds = malloc(cells * sizeof *r->seconds);
  if (!r->seconds) return sg_fail_memory(e);
  for (size_t i = 0; i < cells; i++) {
    double x = column == SG_REPLAY_SEND ? t->send[i] : t->compute[i];
    double load = t->load ? t->load[i] : 1;
    if (column == SG_REPLAY_COMPUTE) x /= load;
    r->seconds[i] = x * unit;
    if (column != SG_REPLAY_START) continue;
    r->seconds[i] -= per_subset * load;
    if (r->seconds[i] < 0)
      return sg_fail_at(e, values, "per_subset_s",
                        "the trace has a time of %g s for a load of %g: expected at most %g s per "
                        "subset, found %g",
                        x * unit, load, x * unit / load, per_subset);
  }
  return SG_OK;
}

static sg_status take_means(sg_replay *r, sg_error *e) {
  r->mean = calloc((size_t)r->trace_workers, sizeof *r->mean);
  if (!r->mean) return sg_fail_memory(e);
  double all = 0;
  for (int w = 0; w < r->trace_workers; w++) {
    for (long i = 0; i < r->iterations; i++)
      r->mean[w] += r->seconds[i * r->trace_workers + w] / (double)r->iterations;
    all += r->mean[w] / r->trace_workers;
  }
  for (int w = 0; r->mode == IID && w < r->trace_workers; w++) r->mean[w] = all;
  return SG_OK;
}

/* Faults of the file are found at the member that names it, those of a list (SG_USAGE) there. */
static sg_status move_faults(const sg_values *values, const char *member, sg_error *own,
                             sg_error *e) {
  bool list = sg_error_status(own) == SG_USAGE;
  sg_status status = list ? SG_INVALID : sg_error_status(own);
  char *place = sg_pointer_join(values->pointer, member);
  for (int i = 0; i < own->count; i++) {
    const char *file = list ? "" : own->fault[i].place;
    sg_fail(e, status, place, "%s%s%s", file, *file ? ": " : "",
            own->fault[i].message ? own->fault[i].message : "?");
  }
  free(place);
  sg_error_clear(own);
  return status;
}

static sg_status read_trace(const sg_values *values, sg_trace **out, sg_error *e) {
  sg_error own = {0};
  if (sg_trace_read(sg_text(values, "path"), out, &own))
    return move_faults(values, "path", &own, e);
  if (!sg_given(values, "workers") || !sg_trace_select(*out, sg_text(values, "workers"), &own))
    return SG_OK;
  sg_trace_free(*out);
  return move_faults(values, "workers", &own, e);
}

sg_status sg_replay_new(const sg_values *values, int workers, sg_replay_column column,
                        double per_subset_s, sg_replay **out, sg_error *e) {
  *out = NULL;
  sg_trace *t = NULL;
  sg_status status = read_trace(values, &t, e);
  if (status) return status;
  sg_replay *r = calloc(1, sizeof *r);
  if (!r) {
    sg_trace_free(t);
    return sg_fail_memory(e);
  }
  *r = (sg_replay){.mode = sg_choice(values, "mode"),
                   .past_end = sg_choice(values, "past_end"),
                   .workers = workers,
                   .trace_workers = t->workers,
                   .copies = (workers + t->workers - 1) / t->workers,
                   .iterations = t->iterations};
  if (!t->seconds && !sg_given(values, "unit_s"))
    status = sg_fail_at(e, values, "unit_s",
                        "the unit of the trace is \"%s\", not the second: expected \"unit_s\", the "
                        "seconds of one such unit",
                        t->unit);
  if (column == SG_REPLAY_SEND && !t->send)
    status = sg_fail_at(e, values, "path", "%s has no column \"send_s\"", sg_text(values, "path"));
  if (!status) status = choose_block(r, values, t, e);
  if (!status) status = take_times(r, values, t, column, per_subset_s, e);
  if (!status) status = take_means(r, e);
  sg_trace_free(t);
  if (status)
    sg_replay_free(r);
  else
    *out = r;
  return status;
}

void sg_replay_free(sg_replay *replay) {
  if (!replay) return;
  free(replay->seconds);
  free(replay->mean);
  free(replay);
}

static long below(sg_stream *stream, long n) {
  return (long)(sg_uniform(stream) * (double)n);
}

double sg_replay_seconds(const sg_replay *r, uint64_t seed, uint32_t replication, int worker,
                         uint32_t iteration, uint32_t draw) {
  int who = worker % r->trace_workers, copy = worker / r->trace_workers;
  long row = 0;
  sg_stream s;
  switch (r->mode) {
  case REPLAY: row = (iteration + r->iterations * copy / r->copies) % r->iterations; break;
  case IID:
    sg_stream_at(&s, seed, replication, SG_FOR_BOOTSTRAP, (uint32_t)worker, iteration, draw);
    row = below(&s, r->iterations);
    who = (int)below(&s, r->trace_workers);
    break;
  default:
    sg_stream_at(&s, seed, replication, SG_FOR_BOOTSTRAP, (uint32_t)copy,
                 (uint32_t)(iteration / r->block), 0);
    row = (below(&s, r->iterations) + iteration % r->block) % r->iterations;
    break;
  }
  return r->seconds[row * r->trace_workers + who];
}

double sg_replay_mean(const sg_replay *r, int worker) {
  return r->mean[worker % r->trace_workers];
}

long sg_replay_iterations(const sg_replay *r) {
  return r->mode == REPLAY && r->past_end == END ? r->iterations : 0;
}

void sg_replay_note(const sg_replay *r, sg_buffer *out) {
  sg_putf(out, "trace of %d workers × %ld iterations, %s", r->trace_workers, r->iterations,
          modes[r->mode]);
  if (r->mode == BLOCK)
    sg_putf(out, " in blocks of %ld iteration%s%s", r->block, r->block == 1 ? "" : "s",
            r->chosen ? " (from the autocorrelation)" : "");
  sg_put(out, "\n");
  if (r->workers > r->trace_workers && r->mode != IID)
    sg_putf(out, "%d workers are made of the trace's %d: %d copies that do not go in step\n",
            r->workers, r->trace_workers, r->copies);
  if (r->workers < r->trace_workers && r->mode != IID)
    sg_putf(out, "only the first %d of the trace's %d workers are used\n", r->workers,
            r->trace_workers);
  if (r->mode == IID)
    sg_put(out, "warning: iid-bootstrap forgets which worker is slow, for how long, and together "
                "with whom; advice from it can be upside down\n");
}

/* --- A law or a trace ------------------------------------------------------------------------- */

sg_status sg_times_init(sg_times *t, const sg_values *values, sg_purpose purpose, int workers,
                        uint64_t seed, sg_replay_column column, double per_subset_s, sg_error *e) {
  *t = (sg_times){.purpose = purpose, .workers = workers, .seed = seed};
  if (values->variant == &sg_replay_variant)
    return sg_replay_new(values, workers, column, per_subset_s, &t->replay, e);
  return sg_law_init(&t->law, values, e);
}

void sg_times_clear(sg_times *t) {
  sg_law_clear(&t->law);
  sg_replay_free(t->replay);
  *t = (sg_times){0};
}

double sg_times_level(const sg_times *t, int worker) {
  return t->replay ? sg_replay_mean(t->replay, worker) : 1;
}

bool sg_times_are_random(const sg_times *t) {
  return t->replay || t->law.type->variance(t->law.state) > 0;
}

bool sg_times_take_mean(sg_times *t) {
  t->certain = t->replay || isfinite(t->law.type->mean(t->law.state));
  return t->certain;
}

bool sg_times_draw_ahead(const sg_times *t, uint32_t replication, uint32_t iteration, int nodes,
                         sg_ahead *a) {
  const sg_law_type *type = t->law.type;
  if (t->certain || t->replay || (type->draw && !type->fill && !type->fill_pairs)) return true;
  if (!a->seconds && !(a->seconds = malloc((size_t)nodes * sizeof *a->seconds))) return false;
  if (type->fill_pairs && !a->second && !(a->second = malloc((size_t)nodes * sizeof *a->second)))
    return false;
  a->nodes = nodes;
  a->iteration = iteration;
  if (!type->draw || type->fill_pairs)
    sg_uniform_pairs_at_with(sg_widest_lanes(), a->seconds, a->second, nodes, t->seed, replication,
                             t->purpose, iteration, 0);
  if (type->fill_pairs)
    type->fill_pairs(t->law.state, sg_widest_lanes(), a->seconds, a->second, nodes);
  else if (type->fill)
    type->fill(t->law.state, sg_widest_lanes(), a->seconds, nodes);
  else
    for (int i = 0; i < nodes; i++) a->seconds[i] = sg_law_at(&t->law, a->seconds[i]);
  return true;
}

void sg_ahead_clear(sg_ahead *ahead) {
  free(ahead->seconds);
  free(ahead->second);
  *ahead = (sg_ahead){0};
}

double sg_times_seconds(const sg_times *t, const sg_ahead *ahead, uint32_t replication, int node,
                        uint32_t iteration, uint32_t draw) {
  if (ahead && ahead->seconds && draw == 0 && iteration == ahead->iteration && node < ahead->nodes)
    return ahead->seconds[node];
  if (t->certain)
    return t->replay ? sg_replay_mean(t->replay, node) : t->law.type->mean(t->law.state);
  if (t->replay)
    return sg_replay_seconds(t->replay, t->seed, replication, node % t->workers, iteration, draw);
  sg_stream stream;
  sg_stream_at(&stream, t->seed, replication, t->purpose, (uint32_t)node, iteration, draw);
  return sg_law_draw(&t->law, &stream);
}
