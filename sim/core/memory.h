/* SPDX-License-Identifier: MIT */
/* How much memory there is, and the fault that there is too little. */
#ifndef SG_CORE_MEMORY_H
#define SG_CORE_MEMORY_H

#include "sim/core/error.h"

#include <stddef.h>

/* Bytes that this process can still have: the least of what the machine has available, what its
 * control group leaves and what the limit of its address space leaves. INFINITY: nobody says.
 * Allocates nothing. */
double sg_memory_available(void);

/* An array that begins with a cache line; in huge pages where it is large enough, so that who walks
 * through it in any order need not look up a page for each step. Not cleared, and not touched;
 * free() frees it. NULL: no memory. */
void *sg_pages(size_t count, size_t size);

/* SG_NO_MEMORY: "WHAT needs …, … are available". */
sg_status sg_fail_room(sg_error *e, const char *what, double bytes);

#endif
