/* SPDX-License-Identifier: MIT */
/* All topics: X(name) is the array `name_targets`, ended by {0}. No include guard: define X. */
X(classical)
X(mmc)
X(trees)
X(async)
