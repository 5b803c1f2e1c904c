/* SPDX-License-Identifier: MIT */
/* Rules on the number of stragglers, weights of copies, and the divisors of n for messages. */
#include "codes/tools/rules.h"

#include <stdio.h>
#include <string.h>

sg_status sg_read_stragglers(const sg_values *values, int n, int *s, sg_error *e) {
  long given = sg_int(values, "s");
  if (given >= n)
    return sg_fail_at(e, values, "s", "expected s < n = %d (0 to %d), found %ld", n, n - 1, given);
  *s = (int)given;
  return SG_OK;
}

sg_status sg_read_repetition(const sg_values *values, int n, int *s, sg_error *e) {
  long given = sg_int(values, "s");
  char list[200];
  if (given >= n || n % (given + 1) != 0)
    return sg_fail_at(e, values, "s", "expected s + 1 dividing n = %d (s one of %s), found s = %ld",
                      n, sg_divisors(n, 1, list, sizeof list), given);
  *s = (int)given;
  return SG_OK;
}

sg_status sg_made_at_random(sg_status status, const sg_values *values, sg_error *e) {
  if (status == SG_NO_MEMORY) return sg_fail_memory(e);
  if (status == SG_UNDECODABLE)
    return sg_fail_at(e, values, NULL,
                      "the random code of this seed is singular: try another seed");
  return status;
}

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

sg_status sg_first_of_each(const sg_code *code, const sg_used *used) {
  bool *seen = sg_used_scratch(used, (size_t)code->parts);
  if (!seen) return SG_NO_MEMORY;
  memset(seen, 0, (size_t)code->parts);
  int count = 0;
  for (int i = 0; i < used->count; i++) {
    int part = used->message[i]->tag;
    if (seen[part]) continue;
    seen[part] = true;
    used->W[i] = 1;
    count++;
  }
  return count == code->parts ? SG_OK : SG_UNDECODABLE;
}
