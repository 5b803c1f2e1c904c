/* SPDX-License-Identifier: MIT */
/* All topics: X(name) is the array `name_targets`, ended by {0}. No include guard: define X. */
X(classical)
X(nested)
X(mmc)
X(trees)
X(async)
X(coded_data)
X(block)
X(partial_stragglers)
X(coupon_collector)
X(sparse)
X(graph)
X(no_barrier)
