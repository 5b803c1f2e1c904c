/* SPDX-License-Identifier: MIT */
/* Expander codes: λ of their rows, the bound that it gives, and coefficients of least λ (theory:
 * expander). Optima are known ones, or such that no step makes them better. */
#include "codes/tools/graphs.h"
#include "codes/tools/mixing.h"
#include "sim/core/linalg.h"
#include "tests/support/placed.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The second singular value of the code's rows, and of B − J/n: what is left of them. */
static double second_singular_value(const made *m) {
  int n = m->workers;
  double *a = malloc((size_t)n * (size_t)n * sizeof *a), *sigma = malloc((size_t)n * sizeof *sigma);
  assert_true(a && sigma);
  for (int i = 0; i < n * n; i++) a[i] = -1.0 / n;
  for (int j = 0; j < n; j++)
    for (size_t k = m->t->a.begin[j]; k < m->t->a.begin[j + 1]; k++)
      a[j + m->t->a.column[k] * n] += m->t->a.value[k];
  assert_int_equal(sg_singular_values(n, n, a, n, sigma), SG_OK);
  double largest = sigma[0];
  free(a);
  free(sigma);
  return largest;
}

/* What the note says of λ is what the rows have; rows and columns add up to 1. */
static double noted_lambda(const made *m) {
  double lambda = 0, row[64] = {0}, column[64] = {0};
  assert_int_equal(sscanf(m->code->note, "second eigenvalue modulus %lf", &lambda), 1);
  for (int j = 0; j < m->workers; j++)
    for (size_t k = m->t->a.begin[j]; k < m->t->a.begin[j + 1]; k++) {
      row[j] += m->t->a.value[k];
      column[m->t->a.column[k]] += m->t->a.value[k];
      assert_true(m->t->a.value[k] > 0);
    }
  for (int j = 0; j < m->workers; j++) {
    CLOSE(row[j], 1, 1e-9);
    CLOSE(column[j], 1, 1e-9);
  }
  CLOSE(second_singular_value(m), lambda, 1e-5);
  return lambda;
}

/* The official settings, n = 50, d = 3, s = 3 … 7, 10 graphs and 100 draws of each (49 workers
 * and d = 8 for Margulis' graph, of which there is one): the error within its bound. */
static void expander_errors_are_within_their_bound(void **state) {
  (void)state;
  static const char *const words[] = {"d=3", "d=3 graph=bipartite", "graph=margulis",
                                      "d=3 graph=circulant"};
  sg_stream s = stream_of(5);
  bool present[50];
  for (int kind = 0; kind < 4; kind++)
    for (uint64_t seed = 0; seed < (kind == 2 ? 1 : 10); seed++) {
      char one_step[80];
      int n = kind == 2 ? 49 : 50;
      snprintf(one_step, sizeof one_step, "%s decoding=one-step", words[kind]);
      made m = make("expander", words[kind], n, seed), linear = make("expander", one_step, n, seed);
      double lambda = noted_lambda(&m);
      for (int missing = 3; missing <= 7; missing++)
        for (int i = 0; i < 100; i++) {
          double bound = lambda * sqrt((double)n * missing / (n - missing));
          sample(&s, n, n - missing, present);
          double error = sqrt(decode(&linear, present));
          assert_true(error <= bound * (1 + 1e-5));
          if (i < 20) assert_true(sqrt(decode(&m, present)) <= error + 1e-10);
        }
      /* s/d blocks isolated: none of their workers answers. */
      for (int missing = 3; missing <= 6 && kind < 2; missing += 3) {
        memset(present, 1, sizeof present);
        int left = missing;
        for (int i = 0; i < n && left > 0; i++) { /* a block whose workers are all there */
          int of_block[3], there = 0;
          for (int j = 0; j < n; j++)
            for (size_t k = m.t->a.begin[j]; k < m.t->a.begin[j + 1]; k++)
              if (m.t->a.column[k] == i && present[j]) of_block[there++] = j;
          for (int k = 0; there == 3 && k < 3; k++) present[of_block[k]] = false;
          if (there == 3) left -= 3;
        }
        assert_int_equal(left, 0);
        assert_true(sqrt(decode(&m, present)) >= sqrt(missing / 3.0) - 1e-10);
      }
      drop(&m);
      drop(&linear);
    }
}

/* Improved coefficients have a smaller λ, which the bound holds with. */
static void optimal_coefficients_improve_the_bound(void **state) {
  (void)state;
  static const char *const words[] = {"d=3", "d=3 graph=bipartite", "d=4 graph=circulant",
                                      "d=3 identity=true", "graph=margulis"};
  sg_stream s = stream_of(6);
  bool present[26];
  for (int kind = 0; kind < 5; kind++)
    for (uint64_t seed = 0; seed < 3; seed++) {
      char more[80];
      int n = kind == 4 ? 25 : 26;
      snprintf(more, sizeof more, "%s decoding=one-step coefficients=optimal", words[kind]);
      made m = make("expander", more, n, seed), equal = make("expander", words[kind], n, seed);
      double lambda = noted_lambda(&m), before = noted_lambda(&equal);
      /* A circulant support may fall apart: λ = 1. */
      assert_true(lambda < before - 1e-4 || (kind == 2 && before > 1 - 1e-9));
      for (int i = 0; i < 200; i++) {
        sample(&s, n, n - 4, present);
        assert_true(sqrt(decode(&m, present)) <= lambda * sqrt(n * 4.0 / (n - 4)) * (1 + 1e-5));
      }
      drop(&m);
      drop(&equal);
    }
}

/* Known optima: paths and even cycles with loops (Boyd, Diaconis, Sun, Xiao 2006; recalled, the
 * second derived), complete graphs. */
static void optimal_coefficients_are_known_ones(void **state) {
  (void)state;
  int end[200];
  double w[100], lambda;
  for (int n = 3; n <= 9; n++) { /* a path: cos(π/n) */
    int edges = 0;
    for (int i = 0; i + 1 < n; i++, edges++) {
      end[2 * edges] = i;
      end[2 * edges + 1] = i + 1;
      w[edges] = 0.3;
    }
    for (int i = 0; i < n; i++, edges++) {
      end[2 * edges] = end[2 * edges + 1] = i;
      w[edges] = i == 0 || i == n - 1 ? 0.7 : 0.4;
    }
    assert_int_equal(sg_mixing_symmetric(n, edges, end, false, w), SG_OK);
    assert_int_equal(sg_mixing_symmetric_lambda(n, edges, end, false, w, &lambda), SG_OK);
    CLOSE(lambda, cos(M_PI / n), 1e-8);
  }
  for (int n = 4; n <= 10; n += 2) { /* a cycle: (1 + c)/(3 − c), c = cos(2π/n) */
    for (int i = 0; i < n; i++) {
      end[2 * i] = i;
      end[2 * i + 1] = (i + 1) % n;
      w[i] = 0.4;
      end[2 * (n + i)] = end[2 * (n + i) + 1] = i;
      w[n + i] = 0.2;
    }
    double c = cos(2 * M_PI / n), v[3] = {0.4, 0.4, 0.2};
    assert_int_equal(sg_mixing_symmetric(n, 2 * n, end, false, w), SG_OK);
    assert_int_equal(sg_mixing_symmetric_lambda(n, 2 * n, end, false, w, &lambda), SG_OK);
    CLOSE(lambda, (1 + c) / (3 - c), 1e-8);
    /* The same as circulants, from coefficients that are no symmetric ones. */
    v[1] = 0.3;
    v[2] = 0.3;
    assert_int_equal(sg_mixing_circulant(n, 3, (const int[]){1, n - 1, 0}, v), SG_OK);
    CLOSE(sg_mixing_circulant_lambda(n, 3, (const int[]){1, n - 1, 0}, v), (1 + c) / (3 - c), 1e-6);
  }
  for (int n = 2; n <= 4; n++) { /* complete bipartite: J/n, λ = 0 */
    for (int i = 0; i < n * n; i++) {
      end[2 * i] = i / n;
      end[2 * i + 1] = n + i % n;
      w[i] = (i / n == i % n ? 0.5 : 0.5 / (n - 1)); /* rows and columns 1 */
    }
    assert_int_equal(sg_mixing_symmetric(2 * n, n * n, end, true, w), SG_OK);
    assert_int_equal(sg_mixing_symmetric_lambda(2 * n, n * n, end, true, w, &lambda), SG_OK);
    assert_true(lambda < 1e-8);
  }
  /* Circulant supports, by scipy's SLSQP on the epigraph (outside of this tree). */
  static const struct {
    int n, k, offset[6];
    double lambda;
  } supports[] = {{50, 5, {1, 7, 12, 22, 31}, .809016994375},
                  {16, 4, {0, 1, 5, 6}, .759286836022},
                  {31, 6, {0, 1, 3, 8, 12, 18}, .372677996250},
                  {20, 3, {3, 4, 11}, .835363926756}};
  for (int i = 0; i < 4; i++) {
    for (int j = 0; j < supports[i].k; j++)
      w[j] = (j + 1.0) * 2 / (supports[i].k * (supports[i].k + 1));
    assert_int_equal(sg_mixing_circulant(supports[i].n, supports[i].k, supports[i].offset, w),
                     SG_OK);
    lambda = sg_mixing_circulant_lambda(supports[i].n, supports[i].k, supports[i].offset, w);
    CLOSE(lambda, supports[i].lambda, 1e-8);
  }
  /* Differences of the Fano plane: |λ_l|² = (3 − 1)/9 at equal coefficients, which are optimal. */
  double fano[] = {0.2, 0.3, 0.5};
  assert_int_equal(sg_mixing_circulant(7, 3, (const int[]){0, 1, 3}, fano), SG_OK);
  for (int j = 0; j < 3; j++) CLOSE(fano[j], 1. / 3, 1e-4);
  CLOSE(sg_mixing_circulant_lambda(7, 3, (const int[]){0, 1, 3}, fano), sqrt(2) / 3, 1e-8);
}

/* Convexity: no small step that keeps the sums makes λ smaller. Graphs without loops, where sums
 * leave few directions; they are the right null vectors of the table of sums. */
static void no_step_improves_optimal_coefficients(void **state) {
  (void)state;
  enum { N = 16, D = 4, M = N * D / 2 };
  static double a[N * M], u[N * N], vt[M * M], sigma[N], w[M], moved[M];
  sg_graph g;
  sg_stream s = stream_of(7);
  assert_true(sg_graph_random_regular(&g, N, D, 5));
  for (int e = 0; e < M; e++) {
    w[e] = 1.0 / D;
    a[g.end[2 * e] + e * N] = a[g.end[2 * e + 1] + e * N] = 1;
  }
  assert_int_equal(sg_svd(N, M, a, N, sigma, u, vt), SG_OK);
  double first, best, lambda;
  assert_int_equal(sg_mixing_symmetric_lambda(N, M, g.end, false, w, &first), SG_OK);
  assert_int_equal(sg_mixing_symmetric(N, M, g.end, false, w), SG_OK);
  assert_int_equal(sg_mixing_symmetric_lambda(N, M, g.end, false, w, &best), SG_OK);
  assert_true(best < first - 0.01);
  int tried = 0;
  for (int i = 0; i < 2000; i++) {
    double size = pow(10, -2 - i % 4);
    memcpy(moved, w, sizeof w);
    for (int k = N; k < M; k++) {
      double by = size * (2 * sg_uniform(&s) - 1);
      for (int e = 0; e < M; e++) moved[e] += by * vt[k + e * M];
    }
    bool inside = true;
    for (int e = 0; e < M; e++) inside &= moved[e] >= 0;
    if (!inside) continue;
    tried++;
    assert_int_equal(sg_mixing_symmetric_lambda(N, M, g.end, false, moved, &lambda), SG_OK);
    assert_true(lambda >= best - 2e-9);
  }
  assert_true(tried > 100);
  sg_graph_free(&g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(expander_errors_are_within_their_bound),
      cmocka_unit_test(optimal_coefficients_improve_the_bound),
      cmocka_unit_test(optimal_coefficients_are_known_ones),
      cmocka_unit_test(no_step_improves_optimal_coefficients),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
