/* SPDX-License-Identifier: MIT */
/* All gradient codes, in the order of the documentation. A new code adds its line: X of its
 * descriptor.
 *
 * A program with codes of its own defines SG_MORE_CODES(X) likewise, includes this file and links
 * the object before the library (tests/toys/registry.c). */
#include "codes/frame/code.h"

#ifndef SG_MORE_CODES
#define SG_MORE_CODES(X)
#endif

#define CODES(X)                                                                                   \
  X(sg_uncoded)                                                                                    \
  X(sg_ignore_stragglers)                                                                          \
  X(sg_fractional_repetition)                                                                      \
  X(sg_cyclic_repetition)                                                                          \
  X(sg_ye_abbe)                                                                                    \
  X(sg_group)                                                                                      \
  X(sg_reed_solomon)                                                                               \
  X(sg_cyclic_mds)                                                                                 \
  X(sg_heterogeneous)                                                                              \
  X(sg_arbitrary_placement)                                                                        \
  X(sg_partial_cyclic)                                                                             \
  X(sg_partial_repetition)                                                                         \
  X(sg_streamed_group)                                                                             \
  X(sg_nested)                                                                                     \
  X(sg_uc_mmc)                                                                                     \
  X(sg_gc_mmc)                                                                                     \
  X(sg_gc_mmc_partial)                                                                             \
  X(sg_block_coordinate)                                                                           \
  X(sg_hierarchical_layers)                                                                        \
  X(sg_clustered)                                                                                  \
  X(sg_dynamic_clusters)                                                                           \
  X(sg_coded_reduce)                                                                               \
  X(sg_lcc_mmc)                                                                                    \
  X(sg_polynomial_regression)                                                                      \
  X(sg_bacc)                                                                                       \
  X(sg_hierarchical)                                                                               \
  X(sg_gradient_matrix)                                                                            \
  X(sg_partial_stragglers)                                                                         \
  X(sg_coupon_collector)                                                                           \
  X(sg_tiered)                                                                                     \
  X(sg_sequential_gc)                                                                              \
  X(sg_sr_sgc)                                                                                     \
  X(sg_m_sgc)                                                                                      \
  X(sg_adaptive_k)                                                                                 \
  X(sg_k_sync)                                                                                     \
  X(sg_k_batch_sync)                                                                               \
  X(sg_k_async)                                                                                    \
  X(sg_k_batch_async)                                                                              \
  SG_MORE_CODES(X)

#define DECLARE(type) extern const sg_code_type type;
#define ADDRESS(type) &type,
CODES(DECLARE)

const sg_code_type *const sg_code_types[] = {CODES(ADDRESS) NULL};

const sg_code_type *sg_code_type_at(int i) {
  for (int k = 0; sg_code_types[k]; k++)
    if (k == i) return sg_code_types[k];
  return NULL;
}

static const sg_variant *variant_at(int i) {
  const sg_code_type *type = sg_code_type_at(i);
  return type ? &type->about : NULL;
}

const sg_family sg_code_family = {.selector = "code", .what = "gradient code", .at = variant_at};

const sg_code_type *sg_code_type_find(const char *name) {
  return (const sg_code_type *)sg_family_find(&sg_code_family, name);
}
