/* SPDX-License-Identifier: MIT */
/* Errors of optimal decoding and of peeling. See residual.h. */
#include "sim/design/residual.h"
#include "sim/core/simd.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Coefficients below these are rounding errors of numbers about 1. */
static const double NOTHING = 1e-9;

typedef uint64_t word;

/* x_i = Σ_k of[i · blocks + k] y_k. Only entries whose bit is set in both masks are there. */
struct sg_residual {
  int blocks, words;
  double *of;
  word *in_row;    /* blocks × words: variables of an expression */
  word *in_column; /* blocks × words: expressions with a variable; none: it was taken away */
  double *c;       /* blocks: an equation in the variables */
  word *in_c, *todo, *group, *seen; /* words each */
  double *gram;                     /* blocks²; made when it is first needed */
  double *sum;                      /* blocks */
  int *member;                      /* blocks */
};

sg_residual *sg_residual_new(int blocks) {
  size_t n = (size_t)blocks, words = (n + 63) / 64;
  sg_residual *r = calloc(1, sizeof *r);
  if (!r) return NULL;
  r->blocks = blocks;
  r->words = (int)words;
  r->of = malloc((2 * n * n + 2 * n) * sizeof *r->of);
  r->in_row = malloc((2 * n + 4) * words * sizeof *r->in_row);
  r->member = malloc(n * sizeof *r->member);
  if (!r->of || !r->in_row || !r->member) {
    sg_residual_free(r);
    return NULL;
  }
  r->gram = r->of + n * n;
  r->c = r->gram + n * n;
  r->sum = r->c + n;
  r->in_column = r->in_row + n * words;
  r->in_c = r->in_column + n * words;
  r->todo = r->in_c + words;
  r->group = r->todo + words;
  r->seen = r->group + words;
  return r;
}

void sg_residual_free(sg_residual *r) {
  if (!r) return;
  free(r->of);
  free(r->in_row);
  free(r->member);
  free(r);
}

/* Functions below are compiled for one word, which most designs have, and for any number. */
#define EACH_BIT(mask, words, bit)                                                                 \
  for (int w_ = 0; w_ < (words); w_++)                                                             \
    for (word left_ = (mask)[w_]; left_; left_ &= left_ - 1)                                       \
      for (int bit = 64 * w_ + __builtin_ctzll(left_), once_ = 1; once_; once_ = 0)

SG_INLINE bool has_bit(const word *mask, int i) {
  return mask[i / 64] >> (i % 64) & 1;
}
SG_INLINE void set_bit(word *mask, int i) {
  mask[i / 64] |= (word)1 << (i % 64);
}
SG_INLINE void clear_bit(word *mask, int i) {
  mask[i / 64] &= ~((word)1 << (i % 64));
}
/* Whether no more than one is set. */
SG_INLINE bool one_bit(const word *mask, int words) {
  if (words == 1) return (mask[0] & (mask[0] - 1)) == 0;
  int count = 0;
  for (int w = 0; w < words; w++)
    count += mask[w] == 0 ? 0 : (mask[w] & (mask[w] - 1)) == 0 ? 1 : 2;
  return count <= 1;
}
SG_INLINE int count_bits(const word *mask, int words) {
  int count = 0;
  for (int w = 0; w < words; w++) count += __builtin_popcountll(mask[w]);
  return count;
}

SG_INLINE void begin(sg_residual *r, int words) {
  size_t n = (size_t)r->blocks;
  memset(r->in_row, 0, 2 * n * (size_t)words * sizeof *r->in_row);
  for (size_t i = 0; i < n; i++) {
    r->of[i * n + i] = 1;
    set_bit(r->in_row + i * (size_t)words, (int)i);
    set_bit(r->in_column + i * (size_t)words, (int)i);
  }
}

/* Takes variable k away: y_k = −Σ_l c_l/c_k y_l. */
SG_INLINE void eliminate(sg_residual *r, int k, int words) {
  size_t n = (size_t)r->blocks, W = (size_t)words;
  clear_bit(r->in_c, k);
  EACH_BIT(r->in_column + (size_t)k * W, words, i) {
    double *of = r->of + (size_t)i * n, factor = of[k] / r->c[k];
    word *row = r->in_row + (size_t)i * W;
    clear_bit(row, k);
    for (int v = 0; v < words; v++)
      for (word left = r->in_c[v]; left; left &= left - 1) {
        int l = 64 * v + __builtin_ctzll(left);
        bool there = has_bit(row, l);
        double x = (there ? of[l] : 0) - factor * r->c[l];
        of[l] = x;
        if (fabs(x) > NOTHING) {
          set_bit(row, l);
          set_bit(r->in_column + (size_t)l * W, i);
        } else if (there) {
          clear_bit(row, l);
          clear_bit(r->in_column + (size_t)l * W, i);
        }
      }
  }
  memset(r->in_column + (size_t)k * W, 0, W * sizeof *r->in_column);
}

SG_INLINE void add(sg_residual *r, const sg_tanner *a, int worker, int words) {
  size_t n = (size_t)r->blocks, W = (size_t)words, first = (size_t)worker * (size_t)a->most;
  memset(r->in_c, 0, W * sizeof *r->in_c);
  for (size_t s = first; s < first + (size_t)a->degree[worker]; s++) {
    const double *of = r->of + (size_t)a->block[s] * n;
    EACH_BIT(r->in_row + (size_t)a->block[s] * W, words, k) {
      r->c[k] = (has_bit(r->in_c, k) ? r->c[k] : 0) + a->coef[s] * of[k];
      set_bit(r->in_c, k);
    }
  }
  double largest = 0;
  EACH_BIT(r->in_c, words, k) {
    double x = fabs(r->c[k]);
    if (x > largest) largest = x;
  }
  if (largest <= NOTHING) return;
  /* Of variables with a large coefficient the one in fewest expressions. */
  int pivot = -1, fewest = 0;
  for (int v = 0; v < words; v++)
    for (word left = r->in_c[v]; left; left &= left - 1) {
      int k = 64 * v + __builtin_ctzll(left);
      if (fabs(r->c[k]) <= NOTHING) clear_bit(r->in_c, k);
      if (2 * fabs(r->c[k]) < largest) continue;
      int count = count_bits(r->in_column + (size_t)k * W, words);
      if (pivot >= 0 && count >= fewest) continue;
      pivot = k;
      fewest = count;
    }
  eliminate(r, pivot, words);
}

/* hᵀ G⁻¹ h of the variables of a group, G being the Gram matrix of their columns and h the columns'
 * sums. Each variable is an expression of its own, so G ≥ 1. */
static double group_error(sg_residual *r, int count) {
  size_t n = (size_t)r->blocks, W = (size_t)r->words;
  double *g = r->gram, error = 0;
  for (int p = 0; p < count; p++) {
    const word *x = r->in_column + (size_t)r->member[p] * W;
    r->sum[p] = 0;
    EACH_BIT(x, r->words, i) r->sum[p] += r->of[(size_t)i * n + (size_t)r->member[p]];
    for (int q = 0; q <= p; q++) {
      const word *y = r->in_column + (size_t)r->member[q] * W;
      double dot = 0;
      for (int w = 0; w < r->words; w++)
        for (word left = x[w] & y[w]; left; left &= left - 1) {
          const double *of = r->of + (size_t)(64 * w + __builtin_ctzll(left)) * n;
          dot += of[r->member[p]] * of[r->member[q]];
        }
      g[(size_t)p * n + (size_t)q] = dot;
    }
  }
  /* Cholesky, row by row, and L z = h on the way. */
  for (int p = 0; p < count; p++) {
    double *row = g + (size_t)p * n, z = r->sum[p], left;
    for (int q = 0; q < p; q++) {
      const double *other = g + (size_t)q * n;
      for (int k = 0; k < q; k++) row[q] -= row[k] * other[k];
      row[q] /= other[q];
      z -= row[q] * r->sum[q];
    }
    left = row[p];
    for (int k = 0; k < p; k++) left -= row[k] * row[k];
    row[p] = sqrt(left);
    r->sum[p] = z / row[p];
    error += r->sum[p] * r->sum[p];
  }
  return error;
}

/* Adds the variables that share an expression with variable l to the group. */
static void widen(sg_residual *r, int l) {
  size_t W = (size_t)r->words;
  EACH_BIT(r->in_column + (size_t)l * W, r->words, i)
  for (size_t w = 0; w < W; w++) r->group[w] |= r->in_row[(size_t)i * W + w];
}

/* Of the variables that hang together with variable k, which are marked as seen. */
static double error_with(sg_residual *r, int k) {
  size_t W = (size_t)r->words;
  int count = 0;
  memset(r->group, 0, W * sizeof *r->group);
  set_bit(r->group, k);
  for (int done = 0; done < (count = count_bits(r->group, r->words));) {
    done = count;
    memcpy(r->todo, r->group, W * sizeof *r->todo);
    EACH_BIT(r->todo, r->words, l) widen(r, l);
  }
  count = 0;
  EACH_BIT(r->group, r->words, l) r->member[count++] = l;
  for (size_t w = 0; w < W; w++) r->seen[w] |= r->group[w];
  return group_error(r, count);
}

/* The share of a variable that is alone in one expression alone is that of a block that no equation
 * was about: `untold`. */
SG_INLINE double now(sg_residual *r, double untold, int words) {
  size_t n = (size_t)r->blocks, W = (size_t)words;
  double error = 0;
  memset(r->seen, 0, W * sizeof *r->seen);
  for (int k = 0; k < r->blocks; k++) {
    double sum = 0, square = 0;
    bool alone = true;
    int count = 0;
    if (!has_bit(r->in_column + (size_t)k * W, k) || has_bit(r->seen, k)) continue;
    EACH_BIT(r->in_column + (size_t)k * W, words, i) {
      double x = r->of[(size_t)i * n + (size_t)k];
      sum += x;
      square += x * x;
      count++;
      alone = alone && one_bit(r->in_row + (size_t)i * W, words);
    }
    error += !alone ? error_with(r, k) : count == 1 ? untold : sum * sum / square;
  }
  return error;
}

SG_INLINE double error_of(sg_residual *r, const sg_tanner *a, const uint64_t *came, double untold,
                          int words) {
  begin(r, words);
  for (int at = 0; at < a->workers; at += 64)
    for (word left = came[at / 64]; left; left &= left - 1)
      add(r, a, at + __builtin_ctzll(left), words);
  return now(r, untold, words);
}

double sg_residual_error(sg_residual *r, const sg_tanner *a, const uint64_t *came) {
  return r->words == 1 ? error_of(r, a, came, 1, 1) : error_of(r, a, came, 1, r->words);
}

double sg_residual_beyond(sg_residual *r, const sg_tanner *a, const uint64_t *came) {
  return r->words == 1 ? error_of(r, a, came, 0, 1) : error_of(r, a, came, 0, r->words);
}

void sg_residual_begin(sg_residual *r) {
  begin(r, r->words);
}

void sg_residual_add(sg_residual *r, const sg_tanner *a, int worker) {
  if (r->words == 1)
    add(r, a, worker, 1);
  else
    add(r, a, worker, r->words);
}

double sg_residual_now(sg_residual *r) {
  return r->words == 1 ? now(r, 1, 1) : now(r, 1, r->words);
}

/* The blocks in `unknown` that peeling recovers are taken out of it; how many are left. */
static int peel(const sg_tanner *a, const uint64_t *came, word *unknown, int left) {
  for (bool more = true; more;) {
    more = false;
    for (int at = 0; at < a->workers; at += 64)
      for (word set = came[at / 64]; set; set &= set - 1) {
        int j = at + __builtin_ctzll(set), found = -1, count = 0;
        const int *has = a->block + (size_t)j * (size_t)a->most;
        for (int s = 0; s < a->degree[j] && count < 2; s++)
          if (has_bit(unknown, has[s])) {
            found = has[s];
            count++;
          }
        if (count != 1) continue;
        clear_bit(unknown, found);
        left--;
        more = true;
      }
  }
  return left;
}

int sg_residual_unpeeled(sg_residual *r, const sg_tanner *a, const uint64_t *came) {
  memset(r->seen, 0, (size_t)r->words * sizeof *r->seen);
  for (int i = 0; i < a->blocks; i++) set_bit(r->seen, i);
  return peel(a, came, r->seen, a->blocks);
}

int sg_residual_unpeeled_beyond(sg_residual *r, const sg_tanner *a, const uint64_t *came) {
  memset(r->seen, 0, (size_t)r->words * sizeof *r->seen);
  for (int at = 0; at < a->workers; at += 64)
    for (word set = came[at / 64]; set; set &= set - 1) {
      int j = at + __builtin_ctzll(set);
      const int *has = a->block + (size_t)j * (size_t)a->most;
      for (int s = 0; s < a->degree[j]; s++) set_bit(r->seen, has[s]);
    }
  return peel(a, came, r->seen, count_bits(r->seen, r->words));
}
