/* SPDX-License-Identifier: MIT */
/* All gradient codes by kind, in the order of the documentation. A new code adds its line: X of its
 * descriptor.
 *
 * A program with codes of its own defines SG_MORE_CODES(X) likewise, includes this file and links
 * the object before the library (tests/toys/registry.c). */
#include "codes/frame/code.h"

#ifdef SG_MORE_CODES
#define OTHERS(KIND, X) KIND("others") SG_MORE_CODES(X)
#else
#define OTHERS(KIND, X)
#endif

/* clang-format off */
#define CODES(KIND, X) \
  KIND("one message of each worker, exact") \
  X(sg_uncoded) \
  X(sg_load_balanced) \
  X(sg_evict) \
  X(sg_fractional_repetition) \
  X(sg_cyclic_repetition) \
  X(sg_ye_abbe) \
  X(sg_group) \
  X(sg_reed_solomon) \
  X(sg_cyclic_mds) \
  X(sg_heterogeneous) \
  X(sg_arbitrary_placement) \
  X(sg_gradient_matrix) \
  KIND("stragglers left out, approximate") \
  X(sg_ignore_stragglers) \
  X(sg_bacc) \
  KIND("approximate, by a sparse placement") \
  X(sg_bernoulli) \
  X(sg_graph_code) \
  X(sg_stochastic_block) \
  X(sg_approximate_repetition) \
  X(sg_expander_code) \
  X(sg_stochastic_gradient_coding) \
  X(sg_block_design) \
  X(sg_soft_block_design) \
  X(sg_sparse_gaussian) \
  X(sg_d_frc) \
  X(sg_brc) \
  X(sg_ldgm) \
  X(sg_product) \
  X(sg_is_gc) \
  X(sg_osgc) \
  X(sg_sparse_file) \
  KIND("several messages, or work in parts") \
  X(sg_partial_cyclic) \
  X(sg_partial_repetition) \
  X(sg_streamed_group) \
  X(sg_nested) \
  X(sg_uc_mmc) \
  X(sg_gc_mmc) \
  X(sg_gc_mmc_partial) \
  X(sg_partial_stragglers) \
  X(sg_block_coordinate) \
  X(sg_hierarchical_layers) \
  KIND("coded data, for least squares") \
  X(sg_lcc_mmc) \
  X(sg_polynomial_regression) \
  KIND("clusters, trees, and who starts") \
  X(sg_clustered) \
  X(sg_dynamic_clusters) \
  X(sg_coded_reduce) \
  X(sg_hierarchical) \
  X(sg_coupon_collector) \
  X(sg_tiered) \
  X(sg_speculative_copies) \
  KIND("sequential: several jobs in flight") \
  X(sg_sequential_gc) \
  X(sg_sr_sgc) \
  X(sg_m_sgc) \
  KIND("the fastest K, with and without a barrier") \
  X(sg_k_sync) \
  X(sg_backup_workers) \
  X(sg_drop_compute) \
  X(sg_k_batch_sync) \
  X(sg_k_async) \
  X(sg_k_batch_async) \
  X(sg_adaptive_k) \
  KIND("gradients collected at one model, approximate") \
  X(sg_rennala) \
  X(sg_malenia) \
  X(sg_mindflayer) \
  KIND("no barrier: bounds on how old a gradient may be, and weights") \
  X(sg_ssp) \
  X(sg_fedbuff) \
  X(sg_delay_adaptive) \
  X(sg_ringmaster) \
  KIND("local steps between averages") \
  X(sg_local_sgd) \
  X(sg_diloco) \
  KIND("combinations of partial derivatives, approximate") \
  X(sg_projective_derivative) \
  X(sg_projective_derivative_async) \
  OTHERS(KIND, X)
/* clang-format on */

#define DECLARE(type) extern const sg_code_type type;
#define DECLARE_NONE(kind)
CODES(DECLARE_NONE, DECLARE)

/* A kind stands before its codes. */
#define TITLE(title) {.kind = title},
#define ENTRY(code)  {.type = &code},
static const struct {
  const char *kind;
  const sg_code_type *type;
} entries[] = {CODES(TITLE, ENTRY){0}};

const sg_code_type *sg_code_type_at(int i) {
  for (int k = 0; entries[k].kind || entries[k].type; k++)
    if (entries[k].type && i-- == 0) return entries[k].type;
  return NULL;
}

const char *sg_code_kind(const sg_code_type *type) {
  const char *kind = "";
  for (int k = 0; entries[k].type != type && (entries[k].kind || entries[k].type); k++)
    if (entries[k].kind) kind = entries[k].kind;
  return kind;
}

static const sg_variant *variant_at(int i) {
  const sg_code_type *type = sg_code_type_at(i);
  return type ? &type->about : NULL;
}

const sg_family sg_code_family = {.selector = "code", .what = "gradient code", .at = variant_at};

const sg_code_type *sg_code_type_find(const char *name) {
  return (const sg_code_type *)sg_family_find(&sg_code_family, name);
}
