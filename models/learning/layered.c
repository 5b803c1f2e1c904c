/* SPDX-License-Identifier: MIT */
/* Gradients of the shape of a real network, without data and without a vector per subset.
 *
 * A model is a list of layers, rows × columns coordinates each, in the order of the list. The
 * gradient of subset j in layer i has independent entries of mean 0 and the standard deviation
 * N_i / √(coordinates · subsets), so that the whole gradient has about the norm N_i there; norms
 * are given, or log-normal with median 1. As in the synthetic problem it shrinks by 1/(1 + |x_0|),
 * and a part that covers shares of subsets has the sum of those shares.
 *
 * Entries are made when they are asked for: a strip of 64 coordinates of a subset is a window of a
 * table of TABLE draws, from a random place and with a random sign, both a hash of (seed, subset,
 * strip). So memory does not grow with subsets or length, and any coordinate is the same whoever
 * asks. Two strips have the same window once in 2¹⁷ pairs.
 *
 * The profile is that of a speech model as layers and flops only (Botros et al. 2023,
 * arXiv:2304.00171: kinds of blocks published; sizes, flops and bytes recalled): no speech here. */
#include "models/learning/internal.h"
#include "sim/core/array.h"
#include "sim/core/memory.h"
#include "sim/core/random.h"

#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STRIP = 64, TABLE = 1 << 17 };

enum { GAUSSIAN, LAPLACE, CUBED };
static const char *const laws[] = {"gaussian", "laplace", "cubed-gaussian", NULL};

typedef struct layer {
  double rows, columns, flops; /* of a sample: forward and backward */
  double norm;                 /* 0: drawn */
} layer;

typedef struct layers {
  int count, capacity;
  layer *layer;
} layers;

typedef struct tables {
  long *end;     /* of layers */
  double *work;  /* their shares of the flops */
  double *scale; /* standard deviation of an entry */
  uint64_t *key; /* of subsets */
  float *table;  /* TABLE + STRIP draws */
  char note[160];
} tables;

/* --- Parameters ------------------------------------------------------------------------------- */

static const sg_param layer_params[] = {
    SG_ROW_INT("rows", 1, 1e9, "rows of the layer's matrix", .flags = SG_REQUIRED),
    SG_ROW_INT("columns", 1, 1e9, "columns of the layer's matrix", .fallback = 1),
    SG_ROW_REAL(
        "flops", 0, SG_UNBOUNDED,
        "flops of the layer for a sample, forward and backward; 6 · rows · columns · frames "
        "when left out",
        .flags = SG_OPTIONAL),
    SG_ROW_REAL("norm", 0, SG_UNBOUNDED,
                "norm of the whole gradient in this layer; drawn when left out",
                .flags = SG_OPTIONAL | SG_MIN_OPEN),
    SG_ROW_INT("repeat", 1, 100000, "so many such layers in a row", .fallback = 1),
    {0}};
static const sg_param layer_item[] = {SG_ROW_OBJECT("layer", layer_params, "A layer."), {0}};

static const sg_param conformer_params[] = {
    SG_ROW_INT("width", 1, 100000, "width h of a block", .fallback = 256),
    SG_ROW_INT("blocks", 1, 10000, "blocks", .fallback = 16),
    SG_ROW_INT("convolution_blocks", 0, 10000,
               "of these the lowest so many have no attention, only convolution"),
    SG_ROW_INT("kernel", 1, 10000, "width of the convolution", .fallback = 32),
    {0}};
static const sg_variant profiles[] = {
    {.name = "conformer",
     .summary =
         "blocks of two feed-forward modules (16 h²), attention (5 h²) and convolution (3 h² "
         "+ kernel · h): 25 million coordinates as it is",
     .params = conformer_params}};
SG_VARIANTS(profile_at, profiles)
static const sg_family profile_family = {
    .selector = "model", .what = "profile", .at = profile_at, .by_name = true};

static const sg_param params[] = {
    SG_ROW_LIST("layers", layer_item, 0, 100000, "the layers, from the input on"),
    SG_ROW_FAMILY("profile", &profile_family, "instead: the layers of a known network",
                  .flags = SG_OPTIONAL),
    SG_ROW_INT("frames", 1, 1e9, "positions of a sample that pass through the layers",
               .fallback = 1),
    SG_ROW_INT("samples", 1, 1e15, "training samples of all subsets, for their flops",
               .fallback = 1),
    SG_ROW_CHOICE("entries", laws, GAUSSIAN, "law of the gradients' entries"),
    SG_ROW_REAL("norm_sigma", 0, 20, "σ of the log-normal norms of layers that are not given"),
    {0}};

/* --- Layers ----------------------------------------------------------------------------------- */

static bool add(layers *l, double rows, double columns, double flops, double norm) {
  if (!SG_ROOM(l->layer, l->capacity, l->count + 1)) return false;
  l->layer[l->count++] = (layer){rows, columns, flops, norm};
  return true;
}

/* 2 flops for each coordinate and position forward, 4 backward. */
static bool add_matrix(layers *l, double rows, double columns, double frames) {
  return add(l, rows, columns, 6 * rows * columns * frames, 0);
}

static bool add_conformer(layers *l, const sg_values *v, double frames) {
  double h = (double)sg_int(v, "width"), kernel = (double)sg_int(v, "kernel");
  long blocks = sg_int(v, "blocks"), plain = sg_int(v, "convolution_blocks");
  bool ok = true;
  for (long b = 0; b < blocks && ok; b++) {
    ok = add_matrix(l, h, 4 * h, frames) && add_matrix(l, 4 * h, h, frames);
    for (int i = 0; i < 5 && b >= plain && ok; i++) /* queries, keys, values, out, positions */
      ok = add(l, h, h, 6 * h * h * frames + (i == 0 ? 12 * frames * frames * h : 0), 0);
    ok = ok && add_matrix(l, h, 2 * h, frames) && add_matrix(l, kernel, h, frames) &&
         add_matrix(l, h, h, frames) && add_matrix(l, h, 4 * h, frames) &&
         add_matrix(l, 4 * h, h, frames);
  }
  return ok;
}

static bool add_listed(layers *l, const sg_values *learning, double frames) {
  bool ok = true;
  for (int i = 0; i < sg_count(learning, "layers") && ok; i++) {
    const sg_values *v = sg_item(learning, "layers", i)->object;
    double rows = (double)sg_int(v, "rows"), columns = (double)sg_int(v, "columns");
    double flops = sg_given(v, "flops") ? sg_real(v, "flops") : 6 * rows * columns * frames;
    double norm = sg_given(v, "norm") ? sg_real(v, "norm") : 0;
    for (long k = 0; k < sg_int(v, "repeat") && ok; k++) ok = add(l, rows, columns, flops, norm);
  }
  return ok;
}

static sg_status read_layers(layers *l, const sg_values *learning, sg_error *e) {
  int listed = sg_count(learning, "layers");
  const sg_values *profile = sg_given(learning, "profile") ? sg_object(learning, "profile") : NULL;
  double frames = (double)sg_int(learning, "frames");
  if ((listed > 0) == (profile != NULL))
    return sg_fail_at(e, learning, "layers", "expected either layers or profile, found %s",
                      profile ? "both" : "neither");
  bool ok = profile ? add_conformer(l, profile, frames) : add_listed(l, learning, frames);
  if (!ok) return sg_fail_memory(e);
  double length = 0, flops = 0;
  for (int i = 0; i < l->count; i++) {
    length += l->layer[i].rows * l->layer[i].columns;
    flops += l->layer[i].flops;
  }
  if (length > 1e10)
    return sg_fail_at(e, learning, "layers", "expected at most 1e10 coordinates, found %.6g",
                      length);
  if (!(flops > 0))
    return sg_fail_at(e, learning, "layers", "expected layers with flops, found %g", flops);
  return SG_OK;
}

/* --- The problem ------------------------------------------------------------------------------ */

static double draw(const gsl_rng *rng, int law) {
  double z = law == LAPLACE ? gsl_ran_laplace(rng, 1) : gsl_ran_gaussian_ziggurat(rng, 1);
  return law == LAPLACE ? z / sqrt(2) : law == CUBED ? z * z * z / sqrt(15) : z;
}

static bool make_tables(tables *t, const sg_problem *problem, const layers *l, int law,
                        double norm_sigma, uint64_t seed) {
  size_t n = (size_t)l->count;
  sg_stream s;
  t->end = calloc(n, sizeof *t->end);
  t->work = calloc(n, sizeof *t->work);
  t->scale = calloc(n, sizeof *t->scale);
  t->key = calloc((size_t)problem->subsets, sizeof *t->key);
  t->table = sg_pages(TABLE + STRIP, sizeof *t->table);
  if (!t->end || !t->work || !t->scale || !t->key || !t->table) return false;
  double flops = 0;
  long end = 0;
  for (size_t i = 0; i < n; i++) flops += l->layer[i].flops;
  for (size_t i = 0; i < n; i++) {
    double length = l->layer[i].rows * l->layer[i].columns, norm = l->layer[i].norm;
    sg_stream_at(&s, seed, 0, SG_FOR_GRADIENT, (uint32_t)i, 1, 0);
    double drawn = exp(norm_sigma * gsl_ran_gaussian_ziggurat(&s.rng, 1));
    t->end[i] = end += (long)length;
    t->work[i] = l->layer[i].flops / flops;
    t->scale[i] = (norm > 0 ? norm : drawn) / sqrt(length * problem->subsets);
  }
  for (int j = 0; j < problem->subsets; j++) {
    sg_stream_at(&s, seed, 0, SG_FOR_GRADIENT, (uint32_t)j, 2, 0);
    t->key[j] = (uint64_t)(sg_uniform(&s) * 0x1p32) << 32 | (uint64_t)(sg_uniform(&s) * 0x1p32);
  }
  for (int i = 0; i < TABLE; i++) {
    if (i % (1 << 15) == 0) sg_stream_at(&s, seed, 0, SG_FOR_GRADIENT, (uint32_t)(i >> 15), 3, 0);
    t->table[i] = (float)draw(&s.rng, law);
  }
  memcpy(t->table + TABLE, t->table, STRIP * sizeof *t->table);
  return true;
}

static sg_status create(sg_problem *problem, const sg_values *learning, uint64_t seed,
                        sg_error *e) {
  layers l = {0};
  tables *t = problem->self = calloc(1, sizeof *t);
  sg_status status = t ? read_layers(&l, learning, e) : sg_fail_memory(e);
  if (!status && !make_tables(t, problem, &l, sg_choice(learning, "entries"),
                              sg_real(learning, "norm_sigma"), seed))
    status = sg_fail_memory(e);
  double flops = 0;
  for (int i = 0; i < l.count; i++) flops += l.layer[i].flops;
  free(l.layer);
  if (status) return status;
  problem->length = problem->stride = t->end[l.count - 1];
  problem->block_width = 1;
  problem->data_bytes = TABLE * sizeof *t->table;
  problem->n_layers = l.count;
  problem->layer_end = t->end;
  problem->layer_work = t->work;
  problem->subset_flops = flops * (double)sg_int(learning, "samples") / problem->subsets;
  snprintf(t->note, sizeof t->note, "%ld coordinates in %d layers, %.4g flops a sample",
           problem->length, l.count, flops);
  problem->note = t->note;
  return SG_OK;
}

static void destroy(sg_problem *problem) {
  tables *t = problem->self;
  if (!t) return;
  free(t->end);
  free(t->work);
  free(t->scale);
  free(t->key);
  free(t->table);
}

/* The finaliser of MurmurHash3 (Appleby, public domain). */
static uint64_t mix(uint64_t x) {
  x = (x ^ x >> 33) * 0xff51afd7ed558ccdu;
  x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53u;
  return x ^ x >> 33;
}

/* Coordinates [c, c + n) of one strip in one layer. */
static void sum_subsets(const sg_problem *problem, const sg_partition *p, int part, double factor,
                        long c, long n, double *out) {
  const tables *t = problem->self;
  for (int o = p->start[part]; o < p->start[part + 1]; o++) {
    const struct sg_overlap *x = &p->overlap[o];
    uint64_t h = mix(t->key[x->subset] + (uint64_t)(c / STRIP));
    double sign = h >> 63 ? -factor : factor;
    sg_synthetic_scaled(t->table + (h & (TABLE - 1)) + c % STRIP, sign * x->share, n, out,
                        o > p->start[part]);
  }
}

/* The layer of a coordinate. */
static int layer_of(const sg_problem *problem, long c) {
  int low = 0, high = problem->n_layers - 1;
  while (low < high) {
    int middle = (low + high) / 2;
    if (c < problem->layer_end[middle])
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

static sg_status tile(const sg_problem *problem, sg_workspace *ws, int slot, long from, long to,
                      const double **out) {
  const sg_gradient_request *q = ws->request;
  const tables *t = problem->self;
  long ld = (to - from + 7) / 8 * 8 + 8;
  double *x = sg_workspace_tile(ws, slot, (size_t)q->n_items * (size_t)ld);
  if (!x) return SG_NO_MEMORY;
  for (int i = 0; i < q->n_items; i++) out[i] = x + i * ld;
  int i_layer = from < to ? layer_of(problem, from) : 0;
  for (long c = from; c < to;) {
    while (c >= t->end[i_layer]) i_layer++;
    long end = c - c % STRIP + STRIP;
    if (end > to) end = to;
    if (end > t->end[i_layer]) end = t->end[i_layer];
    for (int i = 0; i < q->n_items; i++)
      sum_subsets(problem, q->partition, q->item[i].part,
                  ws->scratch.p[q->item[i].column] * t->scale[i_layer], c, end - c,
                  x + i * ld + (c - from));
    c = end;
  }
  return SG_OK;
}

const sg_problem_type sg_problem_layered = {
    .about = {.name = "layered-gradient",
              .summary =
                  "random gradients of the shape of a network, layer by layer, made when they "
                  "are asked for: for models of millions of coordinates and any number of "
                  "subsets",
              .reference = "Profile: Botros et al. 2023, arXiv:2304.00171 (blocks published; sizes "
                           "and flops recalled).",
              .params = params},
    .create = create,
    .destroy = destroy,
    .partition = sg_synthetic_partition,
    .begin = sg_synthetic_begin,
    .tile = tile};
