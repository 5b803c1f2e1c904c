/* SPDX-License-Identifier: MIT */
/* The one growing array: a pointer, a count and a capacity that its owner keeps side by side.
 *
 *   if (!SG_ROOM(a->item, a->capacity, a->count + 1)) return SG_NO_MEMORY;
 *   a->item[a->count++] = …;
 *
 * The capacity is an int or a size_t and at least doubles, so that n elements cost O(n) copies.
 * Contents are kept; new room is not cleared. Without memory nothing changes. */
#ifndef SG_CORE_ARRAY_H
#define SG_CORE_ARRAY_H

#include <stdbool.h>
#include <stddef.h>

/* Whether `array` (an lvalue of pointer type) has, or now has, room for `wanted` elements. */
#define SG_ROOM(array, capacity, wanted)                                                           \
  ((size_t)(wanted) <= (size_t)(capacity) ||                                                       \
   _Generic((capacity), int                                                                        \
            : sg_array_grow_int, size_t                                                            \
            : sg_array_grow)(&(array), &(capacity), (size_t)(wanted), sizeof *(array)))

/* For SG_ROOM. array: the address of a pointer to objects of `size` bytes. */
bool sg_array_grow(void *array, size_t *capacity, size_t wanted, size_t size);
bool sg_array_grow_int(void *array, int *capacity, size_t wanted, size_t size);

/* Sorts n numbers, none of them NAN, in ascending order. */
void sg_sort_doubles(double *x, size_t n);

#endif
