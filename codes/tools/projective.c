/* SPDX-License-Identifier: MIT */
#include "codes/tools/projective.h"
#include "sim/core/linalg.h"
#include "sim/core/owned.h"
#include "sim/core/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_WEIGHT = SG_SPREAD_WEIGHT, CANDIDATES = 24, MOST_PASSES = 40, NONE = -1 };
static const double RANK_TOLERANCE = 1e-9;

typedef struct vector {
  int count, at[MOST_WEIGHT];
  double value[MOST_WEIGHT];
  int next[MOST_WEIGHT]; /* in the list of the coordinate: row · MOST_WEIGHT + place */
} vector;

typedef struct search {
  int rows, blocks, weight;
  vector *row;
  int *head;       /* by coordinate: the vectors that have it */
  double *product; /* by row: of the vector at hand; zeros between uses */
  int *touched;    /* up to MOST_WEIGHT times each: a product may come back to 0 */
} search;

static void enter(search *s, int j) {
  vector *v = &s->row[j];
  for (int k = 0; k < v->count; k++) {
    v->next[k] = s->head[v->at[k]];
    s->head[v->at[k]] = j * MOST_WEIGHT + k;
  }
}

static void leave(search *s, int j) {
  const vector *v = &s->row[j];
  for (int k = 0; k < v->count; k++) {
    int *link = &s->head[v->at[k]], own = j * MOST_WEIGHT + k;
    while (*link != own) link = &s->row[*link / MOST_WEIGHT].next[*link % MOST_WEIGHT];
    *link = v->next[k];
  }
}

/* Products with all vectors that are entered: Σ ⟨⟩⁴; Σ ⟨⟩² and the largest, where asked for. */
static double energy(search *s, const vector *v, double *squares, double *most) {
  int touched = 0;
  double sum = 0;
  for (int k = 0; k < v->count; k++)
    for (int at = s->head[v->at[k]]; at != NONE;) {
      int j = at / MOST_WEIGHT, place = at % MOST_WEIGHT;
      if (s->product[j] == 0) s->touched[touched++] = j;
      s->product[j] += v->value[k] * s->row[j].value[place];
      at = s->row[j].next[place];
    }
  for (int i = 0; i < touched; i++) {
    double p = s->product[s->touched[i]];
    s->product[s->touched[i]] = 0;
    sum += p * p * p * p;
    if (squares) *squares += p * p;
    if (most) *most = fmax(*most, fabs(p));
  }
  return sum;
}

/* Entries of equal size or any, at random places. */
static void draw(const search *s, sg_stream *random, vector *v) {
  int most = s->weight < s->blocks ? s->weight : s->blocks;
  bool even = sg_uniform(random) < 0.5;
  double norm = 0;
  v->count = 1 + (int)(sg_uniform(random) * most);
  for (int k = 0; k < v->count; k++) {
    bool again = true;
    while (again) {
      v->at[k] = (int)(sg_uniform(random) * s->blocks);
      again = false;
      for (int i = 0; i < k; i++) again |= v->at[i] == v->at[k];
    }
    double x = 2 * sg_uniform(random) - 1;
    v->value[k] = even ? (x < 0 ? -1 : 1) : x + (x < 0 ? -0.1 : 0.1);
    norm += v->value[k] * v->value[k];
  }
  for (int k = 0; k < v->count; k++) v->value[k] /= sqrt(norm);
}

/* The vector turned a little, its places kept. */
static void turn(sg_stream *random, double step, vector *v) {
  double norm = 0;
  for (int k = 0; k < v->count; k++) {
    v->value[k] += step * (2 * sg_uniform(random) - 1);
    norm += v->value[k] * v->value[k];
  }
  for (int k = 0; norm > 0 && k < v->count; k++) v->value[k] /= sqrt(norm);
}

/* Of more rows there are as many passes as take so many products in all, half a second or so; and
 * where singular values would take longer than that, the unit vectors stay, which give the rank. */
enum { MANY = 512 };
static const double MOST_PRODUCTS = 5e7, MOST_FLOPS = 1e9;

static int passes_for(const search *s) {
  double each = (double)s->weight * s->weight * s->rows / (4.0 * s->blocks) + 1;
  double all = MOST_PRODUCTS / (CANDIDATES * each * s->rows);
  return s->rows <= MANY || all > MOST_PASSES ? MOST_PASSES : (int)all;
}

/* frozen: so many of the first vectors stay unit vectors. */
static void spread(search *s, uint64_t seed, int frozen) {
  for (int i = 0; i < s->blocks; i++) s->head[i] = NONE;
  for (int j = 0; j < s->rows; j++) {
    sg_stream random;
    sg_stream_at(&random, seed, 0, SG_FOR_CODE, 2, (uint32_t)j, 0);
    if (j < s->blocks)
      s->row[j] = (vector){.count = 1, .at = {j}, .value = {1}};
    else
      draw(s, &random, &s->row[j]);
    enter(s, j);
  }
  bool better = s->rows > s->blocks;
  for (int pass = 1, most = passes_for(s); better && pass <= most; pass++) {
    better = false;
    for (int j = frozen; j < s->rows; j++) {
      sg_stream random;
      sg_stream_at(&random, seed, 0, SG_FOR_CODE, 2, (uint32_t)j, (uint32_t)pass);
      leave(s, j);
      vector best = s->row[j], v;
      double least = energy(s, &best, NULL, NULL);
      for (int c = 0; c < CANDIDATES && least > 0; c++) {
        v = best;
        if (c % 2)
          turn(&random, 1.0 / pass, &v);
        else
          draw(s, &random, &v);
        double found = energy(s, &v, NULL, NULL);
        if (!(found < least * (1 - 1e-12))) continue;
        least = found;
        best = v;
        better = true;
      }
      s->row[j] = best;
      enter(s, j);
    }
  }
}

static sg_status find_rank(const search *s, int *rank) {
  size_t rows = (size_t)s->rows, blocks = (size_t)s->blocks, least = rows < blocks ? rows : blocks;
  SG_OWNED double *a = calloc(rows * blocks, sizeof *a), *sigma = malloc(least * sizeof *sigma);
  if (!a || !sigma) return SG_NO_MEMORY;
  for (size_t j = 0; j < rows; j++)
    for (int k = 0; k < s->row[j].count; k++)
      a[j + (size_t)s->row[j].at[k] * rows] = s->row[j].value[k];
  sg_status status = sg_singular_values(s->rows, s->blocks, a, s->rows, sigma);
  *rank = 0;
  for (size_t i = 0; !status && i < least; i++) *rank += sigma[i] > RANK_TOLERANCE * sigma[0];
  return status;
}

static void judge(search *s, sg_spread *report) {
  double n = s->rows;
  report->coherence = report->potential = 0;
  for (int j = 0; j < s->rows; j++) {
    leave(s, j);
    energy(s, &s->row[j], &report->potential, &report->coherence);
    enter(s, j);
  }
  report->potential /= 2;
  report->welch = fmax(0, (n * n / s->blocks - n) / 2);
}

sg_status sg_spread_rows(sg_code *code, int rows, int blocks, int weight, sg_sparse *out,
                         sg_spread *report) {
  size_t n = (size_t)rows;
  search s = {.rows = rows, .blocks = blocks, .weight = weight};
  SG_OWNED vector *row = s.row = calloc(n, sizeof *row);
  SG_OWNED int *head = s.head = malloc(((size_t)blocks + n * MOST_WEIGHT) * sizeof *head);
  SG_OWNED double *product = s.product = calloc(n, sizeof *product);
  void *memory = sg_code_alloc(code, sg_sparse_bytes(rows, n * MOST_WEIGHT), 1);
  if (!row || !head || !product || !memory) return SG_NO_MEMORY;
  s.touched = head + blocks;
  int least = rows < blocks ? rows : blocks;
  sg_status status = SG_OK;
  bool large = rows > MANY && (double)rows * blocks * blocks > MOST_FLOPS;
  report->rank = least;
  for (int frozen = large ? blocks : 0;; frozen = blocks) {
    spread(&s, code->shape.seed, frozen);
    if (!large) status = find_rank(&s, &report->rank);
    if (status || report->rank == least || frozen) break;
  }
  if (status) return status;
  judge(&s, report);
  *out = sg_sparse_at(memory, rows, blocks, n * MOST_WEIGHT);
  for (int j = 0; j < rows; j++) sg_sparse_add_row(out, row[j].count, row[j].at, row[j].value);
  return SG_OK;
}
