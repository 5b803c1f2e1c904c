/* SPDX-License-Identifier: MIT */
/* A damaged database under a command that reads one: whatever the bytes are, it answers with an
 * exit code of its own, not 70, and leaves the file as it is. The input says how a small database,
 * made at the start, is damaged: bytes put over, bits turned, pages exchanged, an end cut off; and
 * by its last byte which command it is.
 *
 * With -DSG_LIBFUZZER and -fsanitize=fuzzer it is a libFuzzer target. Without, it draws inputs by
 * number:  fuzz_database ITERATIONS [FIRST] */
#include "sim/cli/command.h"
#include "sim/core/random.h"
#include "sim/core/text.h"
#include "tests/support/play.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static char *whole, *damaged, *after;
static size_t length;

static const char scenario[] =
    "{\"format\":1,\"cluster\":{\"workers\":2},\"delay\":{\"model\":\"exponential\",\"mean_s\":1},"
    "\"learning\":{\"problem\":\"none\"},\"schemes\":[{\"code\":\"uncoded\"},{\"code\":"
    "\"cyclic-repetition\",\"s\":{\"each\":[0,1]}}],\"replications\":2,\"stop\":{\"iterations\":3},"
    "\"baseline\":\"uncoded\",\"output\":{\"detail\":\"worker\"}}";

static int call(const char *a, const char *b, const char *c, const char *d) {
  char program[] = "straggle",
       *argv[] = {program, (char *)a, (char *)b, (char *)c, (char *)d, NULL};
  int argc = 1;
  while (argv[argc]) argc++;
  return sg_straggle(argc, argv);
}

static void begin(void) {
  static char json[80], base[80];
  /* Room for pages that is not cleared, poisoned and given back for every database. */
  static char pages[200 * (4096 + 512)];
  sqlite3_config(SQLITE_CONFIG_PAGECACHE, pages, 4096 + 512, 200);
  sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  sg_error e = {0};
  if (!freopen("/dev/null", "w", stdout)) abort();
  snprintf(json, sizeof json, "/tmp/fuzz_database.%ld.json", (long)getpid());
  snprintf(base, sizeof base, "/tmp/fuzz_database.%ld.db", (long)getpid());
  FILE *f = fopen(json, "w");
  if (!f || fputs(scenario, f) < 0 || fclose(f)) abort();
  char program[] = "straggle", run[] = "run", quiet[] = "-q", to[] = "-o";
  char *argv[] = {program, run, json, quiet, to, base, NULL};
  if (sg_straggle(6, argv) || sg_read_file(base, NULL, &whole, &length, &e)) abort();
  damaged = malloc(length);
  unlink(json);
  unlink(base);
  if (!damaged) abort();
  /* What the commands have to say of each is of no use; sanitizers write to the descriptor. */
  FILE *silent = fopen("/dev/null", "w");
  if (silent) stderr = silent;
}

/* Four bytes a change: what, where (two of them, of 65536 places over the file), which value. */
static size_t damage(const uint8_t *data, size_t size) {
  enum { PAGE = 4096 };
  size_t end = length;
  memcpy(damaged, whole, length);
  for (; size >= 4; data += 4, size -= 4) {
    size_t place = ((size_t)data[1] << 8 | data[2]), pages = length / PAGE;
    size_t near = place % length, far = place * length >> 16; /* headers more often */
    size_t at = data[0] & 1 ? far : near;
    switch (data[0] >> 1 & 7) {
    case 0: damaged[at] ^= (char)(1 << (data[3] & 7)); break;
    case 1: memset(damaged + at, data[3], length - at < 16 ? length - at : 16); break;
    case 2: { /* exchange two pages */
      char page[PAGE], *a = damaged + place % pages * PAGE, *b = damaged + data[3] % pages * PAGE;
      memcpy(page, a, PAGE);
      memmove(a, b, PAGE);
      memcpy(b, page, PAGE);
      break;
    }
    case 3: end = data[3] & 1 ? at : at / PAGE * PAGE; break;
    case 4: /* into a page's header or its cell pointers */
      damaged[place % pages * PAGE + data[3] % 32] = (char)(place >> 8);
      break;
    default: damaged[at] = (char)data[3];
    }
  }
  return end;
}

static long answered[2]; /* with an answer, with a refusal */

static void check(int code, const char *what) {
  answered[code != EX_OK]++;
  if (code == EX_OK || code == EX_DATAERR || code == EX_NOINPUT || code == EX_IOERR ||
      code == EX_CANTCREAT || code == EX_TEMPFAIL || code == EX_USAGE)
    return;
  dprintf(STDERR_FILENO, "exit code %d of %s\n", code, what);
  abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const question[] = {
      "@runs",      "@errors",  "@progress", "@ecdf",   "@costs",
      "@scenarios", "@columns", "@network",  "@tables", "SELECT * FROM v_point"};
  enum { QUESTIONS = sizeof question / sizeof *question };
  unsigned which = size ? data[size - 1] % (2 * QUESTIONS) : QUESTIONS; /* half of them compare */
  if (!whole) begin();
  size_t now, end = damage(data, size);
  const char *file = fuzz_file(damaged, end);
  sg_error e = {0};
  if (which < QUESTIONS)
    check(call("query", file, question[which], NULL), question[which]);
  else
    check(call("compare", file, NULL, NULL), "compare");
  if (sg_read_file(file, NULL, &after, &now, &e) || now != end || memcmp(after, damaged, end)) {
    dprintf(STDERR_FILENO, "the file was changed\n");
    abort();
  }
  free(after);
  after = NULL;
  return 0;
}

#ifndef SG_LIBFUZZER

int main(int argc, char **argv) {
  long n = argc > 1 ? strtol(argv[1], NULL, 10) : 0,
       first = argc > 2 ? strtol(argv[2], NULL, 10) : 0;
  uint8_t bytes[24];
  if (n < 1) {
    fprintf(stderr, "usage: fuzz_database ITERATIONS [FIRST]\n");
    return EX_USAGE;
  }
  LLVMFuzzerInitialize(&argc, &argv);
  for (long i = first; i < first + n; i++) {
    sg_stream s;
    sg_stream_at(&s, (uint64_t)i, 0, SG_FOR_CHECK, 1, 0, 0);
    for (size_t k = 0; k < sizeof bytes; k++) bytes[k] = (uint8_t)(sg_uniform(&s) * 256);
    LLVMFuzzerTestOneInput(bytes, i % 4 == 0 ? sizeof bytes : 4 * (size_t)(i % 4));
  }
  dprintf(STDERR_FILENO, "%ld databases: %ld answers, %ld refusals\n", n, answered[0], answered[1]);
  free(whole);
  free(damaged);
  return EX_OK;
}

#endif
