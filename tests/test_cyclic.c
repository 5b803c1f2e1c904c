/* SPDX-License-Identifier: MIT */
/* The matrix of cyclic repetition against its definition with many workers, and the decoder that
 * solves with its band against LAPACK. */
#include "codes/frame/code.h"
#include "codes/tools/gaussian.h"
#include "sim/core/linalg.h"
#include "sim/core/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct made {
  int n, s;
  uint64_t seed;
  sg_code *code;
  double *coef; /* n × (s + 1): what is at part i + k of row i */
} made;

static made make(int n, int s, uint64_t seed) {
  const sg_code_type *type = sg_code_type_find("cyclic-repetition");
  made m = {.n = n, .s = s, .seed = seed};
  sg_values *values = sg_values_new(sg_scheme_params, &type->about, "");
  sg_shape shape = {.workers = n, .subsets = n, .length = 7, .seed = seed, .updates = 1};
  sg_row row = {0};
  m.coef = calloc((size_t)n * (size_t)(s + 1), sizeof *m.coef);
  assert_non_null(m.coef);
  assert_int_equal(sg_values_set_number(values, "s", s, NULL), SG_OK);
  assert_int_equal(sg_code_new(type, &shape, values, &m.code, NULL), SG_OK);
  sg_values_free(values);
  for (int i = 0; i < n; i++) {
    assert_true(sg_encode(m.code, NULL, &(sg_message){.from = i, .to = SG_MASTER}, &row));
    assert_int_equal(row.n_terms, s + 1);
    for (int t = 0; t < row.n_terms; t++) {
      int k = (row.term[t].part - i + n) % n;
      assert_in_range(k, 0, s); /* the support */
      m.coef[i * (s + 1) + k] = row.term[t].coef;
    }
  }
  sg_row_free(&row);
  return m;
}

static void unmake(made *m) {
  sg_code_free(m->code);
  free(m->coef);
}

/* P, s × n, as cyclic.h says. */
static double *p_of(const made *m) {
  double *p = calloc((size_t)m->n * (size_t)m->s + 1, sizeof *p);
  assert_non_null(p);
  sg_fill_gaussian(p, m->s, m->n - 1, m->s, m->seed);
  for (int r = 0; r < m->s; r++)
    for (int j = 0; j < m->n - 1; j++) p[r + (m->n - 1) * m->s] -= p[r + j * m->s];
  return p;
}

static void rows_are_orthogonal_to_p(void **state) {
  (void)state;
  for (int s = 1; s <= 9; s += 4) {
    made m = make(3000, s, 5);
    double *p = p_of(&m);
    for (int i = 0; i < m.n; i++) {
      assert_true(m.coef[i * (s + 1)] == 1);
      for (int r = 0; r < s; r++) {
        double sum = 0, size = 0;
        for (int k = 0; k <= s; k++) {
          double x = m.coef[i * (s + 1) + k] * p[r + (i + k) % m.n * s];
          sum += x;
          size += fabs(x);
        }
        assert_true(fabs(sum) <= 1e-13 * size);
      }
    }
    free(p);
    unmake(&m);
  }
}

/* Row by row LU decompositions of P's columns by LAPACK, whichever kernels it has here. */
static void coefficients_are_to_the_bit_what_lapack_says(void **state) {
  (void)state;
  static const int sizes[][2] = {{12, 3}, {24, 18}, {60, 5}, {512, 4}, {513, 4}, {1000, 7}};
  for (int c = 0; c < 6; c++) {
    made m = make(sizes[c][0], sizes[c][1], 1 + (uint64_t)c);
    int n = m.n, s = m.s;
    double *p = p_of(&m), *a = calloc((size_t)s * (size_t)(s + 1), sizeof *a), *b = a + s * s;
    lapack_int pivots[32];
    for (int i = 0; i < n; i++) {
      for (int k = 0; k < s; k++) memcpy(a + k * s, p + (i + 1 + k) % n * s, (size_t)s * sizeof *a);
      for (int r = 0; r < s; r++) b[r] = -p[r + i * s];
      assert_int_equal(LAPACKE_dgetrf(LAPACK_COL_MAJOR, s, s, a, s, pivots), 0);
      assert_int_equal(LAPACKE_dgetrs(LAPACK_COL_MAJOR, 'N', s, 1, a, s, pivots, b, s), 0);
      assert_memory_equal(b, m.coef + i * (s + 1) + 1, (size_t)s * sizeof *b);
    }
    free(a);
    free(p);
    unmake(&m);
  }
}

/* --- Weights ---------------------------------------------------------------------------------- */

/* Weights when `missing` workers do not answer: in a burst from `burst` on, or, −1, random ones of
 * the seed. dense: n numbers. Returns max |a B − 1| in extended precision, relative to the largest
 * Σ |a_i| |B_ij|, by which it is a matter of rounding alone. */
static double weigh(const made *m, int missing, int burst, uint32_t draw, double *dense) {
  int n = m->n, count = 0;
  bool *lost = calloc((size_t)n, 1);
  sg_message *message = calloc((size_t)n, sizeof *message);
  const sg_message **order = calloc((size_t)n, sizeof(const sg_message *));
  long double *sum = calloc((size_t)n, sizeof *sum);
  double *size = calloc((size_t)n, sizeof *size), most = 0, largest = 0;
  sg_stream stream;
  sg_stream_at(&stream, 9, 0, SG_FOR_CHECK, draw, 0, 0);
  for (int k = 0; k < missing; k++) {
    int i = (burst + k) % n;
    while (burst < 0 && lost[i = (int)(sg_uniform(&stream) * n)]) {
    }
    lost[i] = true;
  }
  for (int i = 0; i < n; i++) {
    message[i] = (sg_message){.from = i, .to = SG_MASTER};
    dense[i] = 0;
    if (!lost[i]) order[count++] = &message[i];
  }
  sg_weights w;
  sg_decoder *decoder = sg_decoder_new(m->code);
  assert_int_equal(sg_decoder_weights(decoder, NULL, 0, count, order, &w, NULL), SG_OK);
  for (int k = 0; k < count; k++) dense[order[k]->from] = w.w[k];
  for (int i = 0; i < n; i++)
    for (int k = 0; k <= m->s; k++) {
      long double term = (long double)dense[i] * m->coef[i * (m->s + 1) + k];
      sum[(i + k) % n] += term;
      size[(i + k) % n] += fabs((double)term);
    }
  for (int j = 0; j < n; j++) {
    most = fmax(most, fabs((double)(sum[j] - 1)));
    largest = fmax(largest, size[j]);
  }
  sg_decoder_free(decoder);
  free(lost);
  free(message);
  free(order);
  free(sum);
  free(size);
  return most / largest;
}

/* Many workers, where the table of n × n numbers is not made. */
static void band_decodes(void **state) {
  (void)state;
  for (int s = 0; s <= 12; s += 4) {
    made m = make(3000, s, 2);
    double *a = calloc((size_t)m.n, sizeof *a);
    for (uint32_t draw = 0; draw < 12; draw++) {
      double random = weigh(&m, draw % 3 == 0 ? s / 2 : s, -1, draw, a),
             burst = weigh(&m, s, (int)draw * 271 + 2, draw, a);
      assert_true(random < 1e-14);
      assert_true(burst < 1e-14);
    }
    free(a);
    unmake(&m);
  }
}

/* Weights of minimum norm by LAPACK's complete orthogonal factorisation of B_Fᵀ a = 1. */
static void band_gives_minimum_norm(void **state) {
  (void)state;
  made m = make(560, 6, 3);
  int n = m.n;
  double *a = calloc((size_t)n, sizeof *a), *x = calloc((size_t)n, sizeof *x),
         *v = calloc((size_t)n * (size_t)n, sizeof *v);
  lapack_int *pivots = calloc((size_t)n, sizeof *pivots), rank;
  for (int missing = 0; missing <= 6; missing += 3) {
    double r = weigh(&m, missing, -1, 40 + (uint32_t)missing, a), far = 0, norm = 0;
    memset(v, 0, (size_t)n * (size_t)n * sizeof *v);
    memset(pivots, 0, (size_t)n * sizeof *pivots);
    for (int i = 0; i < n; i++) {
      x[i] = 1;
      for (int k = 0; k <= m.s && a[i] != 0; k++) v[(i + k) % n + i * n] = m.coef[i * 7 + k];
    }
    assert_int_equal(LAPACKE_dgelsy(LAPACK_COL_MAJOR, n, n, 1, v, n, x, n, pivots, 1e-13, &rank),
                     0);
    assert_int_equal(rank, n - m.s);
    for (int i = 0; i < n; i++) {
      far = fmax(far, fabs(a[i] - x[i]));
      norm = fmax(norm, fabs(x[i]));
    }
    assert_true(r < 1e-14);
    assert_true(far < 1e-11 * norm);
  }
  free(a);
  free(x);
  free(v);
  free(pivots);
  unmake(&m);
}

int main(void) {
  sg_blas_single_thread();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rows_are_orthogonal_to_p),
      cmocka_unit_test(coefficients_are_to_the_bit_what_lapack_says),
      cmocka_unit_test(band_decodes),
      cmocka_unit_test(band_gives_minimum_norm),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
