/* SPDX-License-Identifier: MIT */
#include "codes/tools/rules.h"

#include <stdio.h>

char *sg_divisors(int n, int shift, char *out, size_t size) {
  size_t length = 0;
  out[0] = '\0';
  for (int d = 1; d <= n; d++) {
    if (n % d != 0) continue;
    if (length + 24 > size) {
      snprintf(out + length, size - length, ", …");
      break;
    }
    int n_written = snprintf(out + length, size - length, "%s%d", length ? ", " : "", d - shift);
    length += (size_t)n_written;
  }
  return out;
}
