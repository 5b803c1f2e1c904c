/* SPDX-License-Identifier: MIT */
/* Files that a scenario names and that are not there: where they were looked for, and what is there
 * instead. */
#include "sim/core/nearest.h"
#include "sim/core/owned.h"
#include "sim/scenario/internal.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LISTED = 5 };

static bool ends_alike(const char *a, const char *b) {
  const char *x = strrchr(a, '.'), *y = strrchr(b, '.');
  return x && y && strcmp(x, y) == 0;
}

/* "; did you mean "data/b.csv"?", of the names in `folder` the one that is nearest to `name`, with
 * what the scenario writes before and behind it; where none is near, those with the same ending. */
static void put_nearest(const char *folder, const char *written, size_t begin, size_t end,
                        sg_buffer *out) {
  SG_OWNED char *name = strndup(written + begin, end - begin);
  struct dirent **entry = NULL;
  int n = name ? scandir(folder, &entry, NULL, alphasort) : 0, alike = 0;
  sg_nearness near = {.word = name};
  for (int i = 0; i < n; i++)
    if (entry[i]->d_name[0] != '.') {
      sg_consider(&near, entry[i]->d_name);
      alike += !written[end] && ends_alike(entry[i]->d_name, name);
    }
  if (near.best)
    sg_putf(out, "; did you mean \"%.*s%s%s\"?", (int)begin, written, near.best, written + end);
  for (int i = 0, k = 0; i < n && !near.best && k < LISTED; i++) {
    if (entry[i]->d_name[0] == '.' || written[end] || !ends_alike(entry[i]->d_name, name)) continue;
    sg_putf(out, "%s\"%.*s%s\"",
            k           ? ", "
            : alike > 1 ? "; there are "
                        : "; there is ",
            (int)begin, written, entry[i]->d_name);
    if (++k == LISTED && alike > k) sg_put(out, ", …");
  }
  for (int i = 0; i < n; i++) free(entry[i]);
  free(entry);
}

/* Looks along the written path for the first name that is missing. */
static void put_suggestion(const char *base, const char *written, sg_buffer *out) {
  size_t begin = strspn(written, "/");
  for (;;) {
    size_t end = begin + strcspn(written + begin, "/");
    sg_buffer so_far = {0}, above = {0};
    sg_putf(&so_far, "%s%.*s", base, (int)end, written);
    sg_putf(&above, "%s%.*s", base, (int)begin, written);
    bool failed = so_far.failed || above.failed;
    bool last = failed || access(so_far.data, F_OK) != 0 || !written[end];
    if (last && !failed) put_nearest(above.length ? above.data : ".", written, begin, end, out);
    sg_buffer_free(&so_far);
    sg_buffer_free(&above);
    if (last) return;
    begin = end + strspn(written + end, "/");
  }
}

bool sg_check_file(const reader *r, const char *place, const char *written, const char *path) {
  bool absolute = written[0] == '/';
  if (!written[0]) {
    sg_fail(r->e, SG_INVALID, place, "expected the name of a file, found \"\"");
    return false;
  }
  if (access(path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR)) return true;
  sg_buffer b = {0};
  sg_putf(&b, "cannot open \"%.200s\": there is no such file", written);
  if (!absolute) sg_putf(&b, " in the scenario's folder, \"%s\"", *r->folder ? r->folder : "./");
  put_suggestion(absolute ? "" : r->folder, written, &b);
  if (!absolute && *r->folder && access(written, F_OK) == 0)
    sg_put(&b, " (the one in the folder you are in does not count: paths are relative to the "
               "scenario)");
  sg_fail_buffer(r->e, SG_NO_INPUT, place, &b);
  return false;
}
