/* SPDX-License-Identifier: MIT */
/* Mutated command lines for `codes check`: whatever comes, it must answer with an exit code of its
 * own, not crash, leak or hang:  fuzz_check ITERATIONS
 *
 * Words are changed letter by letter, doubled, dropped, exchanged, and put together from the tables
 * of all codes. Everything runs in a new folder, which is left empty. */
#include "codes/frame/code.h"
#include "sim/cli/command.h"
#include "sim/core/linalg.h"
#include "tests/support/mutate.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { WORDS = 24, LETTERS = 64, SECONDS = 30 };

typedef struct line {
  int count;
  char word[WORDS][LETTERS];
} line;

static void put(line *l, const char *text) {
  if (l->count < WORDS) snprintf(l->word[l->count++], LETTERS, "%s", text);
}

static const char *value(void) {
  static const char *const values[] = {"0",
                                       "1",
                                       "2",
                                       "3",
                                       "4",
                                       "6",
                                       "8",
                                       "12",
                                       "-1",
                                       "1e3",
                                       "0.5",
                                       "count",
                                       "decodable",
                                       "true",
                                       "",
                                       "x.csv",
                                       "nan",
                                       "1e999",
                                       "=",
                                       "9007199254740993",
                                       "99999999999999999999",
                                       "\xff",
                                       "random",
                                       "gaussian"};
  return values[mutate_below(sizeof values / sizeof *values)];
}

/* A line that is nearly right. */
static void make(line *l) {
  static const char *const options[] = {"-n",        "-k",     "-l",   "-p",       "-j",
                                        "--seed",    "--json", "-q",   "--format", "--all",
                                        "--help",    "--",     "-",    "--work",   "--database",
                                        "--subsets", "-nq",    "-l=3", "--seed=",  "show"};
  int codes = 0;
  l->count = 0;
  put(l, "codes");
  if (mutate_below(20)) put(l, "check");
  while (sg_code_type_at(codes)) codes++;
  const sg_code_type *type = sg_code_type_at((int)mutate_below((size_t)codes));
  if (mutate_below(30)) put(l, type->about.name);
  for (const sg_param *p = type->about.params; p && p->name; p++) {
    char text[LETTERS];
    if (!mutate_below(4)) continue;
    const char *x = value();
    if (p->kind == SG_CHOICE && mutate_below(4)) {
      int words = 0;
      while (p->choices[words]) words++;
      x = p->choices[mutate_below((size_t)words)];
    }
    snprintf(text, sizeof text, "%.30s=%.30s", p->name, x);
    put(l, text);
  }
  for (size_t k = mutate_below(4); k > 0; k--) {
    put(l, options[mutate_below(sizeof options / sizeof *options)]);
    if (mutate_below(2)) put(l, value());
  }
}

static void mutate(line *l) {
  if (l->count < 3) return;
  int at = 2 + (int)mutate_below((size_t)l->count - 2),
      other = 2 + (int)mutate_below((size_t)l->count - 2);
  char *word = l->word[at], kept[LETTERS];
  size_t length = strlen(word), place = mutate_below(length + 1);
  switch (mutate_below(5)) {
  case 0:
    if (place < length) word[place] = (char)(1 + mutate_below(255));
    break;
  case 1: /* cut */ word[place] = '\0'; break;
  case 2: /* a letter more */
    if (length + 2 > LETTERS) break;
    memmove(word + place + 1, word + place, length + 1 - place);
    word[place] = "0123456789=-,. e"[mutate_below(16)];
    break;
  case 3: /* exchange */
    memcpy(kept, word, LETTERS);
    memcpy(word, l->word[other], LETTERS);
    memcpy(l->word[other], kept, LETTERS);
    break;
  default: /* drop */
    memmove(l->word[at], l->word[at + 1], (size_t)(l->count - 1 - at) * LETTERS);
    l->count--;
  }
}

/* Numbers that are neither small nor out of every range would only cost time; names with a slash
 * lead out of the folder. */
static bool is_cheap(const line *l) {
  for (int i = 1; i < l->count; i++) {
    if (strchr(l->word[i], '/')) return false;
    for (const char *c = l->word[i]; *c;) {
      if (*c < '0' || *c > '9') {
        c++;
        continue;
      }
      char *end;
      double x = (double)strtoull(c, &end, 10);
      if (x > 24 && x < 1e12) return false;
      c = end;
    }
  }
  return true;
}

/* Small unless the line says otherwise: what comes later counts. */
static void run(const line *l) {
  static char program[] = "straggle";
  char *argv[WORDS + 13] = {program};
  char words[WORDS][LETTERS];
  static char *const small[] = {"-n", "6", "-p", "20", "-l", "24", "-j", "1"};
  int argc = 1;
  memcpy(words, l->word, sizeof words);
  for (int i = 0; i < 2 && i < l->count; i++) argv[argc++] = words[i];
  if (l->count > 1 && strcmp(words[1], "check") == 0)
    for (size_t i = 0; i < sizeof small / sizeof *small; i++) argv[argc++] = small[i];
  for (int i = 2; i < l->count; i++) argv[argc++] = words[i];
  argv[argc] = NULL;
  alarm(SECONDS);
  int code = sg_straggle(argc, argv);
  alarm(0);
  bool known = code == EX_OK || code == EX_USAGE || code == EX_DATAERR || code == EX_NOINPUT ||
               code == EX_CANTCREAT;
  if (known) return;
  dprintf(STDERR_FILENO, "exit code %d:", code);
  for (int i = 0; i < argc; i++) dprintf(STDERR_FILENO, " %s", argv[i]);
  abort();
}

static void empty_folder(void) {
  DIR *d = opendir(".");
  for (struct dirent *entry; d && (entry = readdir(d));)
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) unlink(entry->d_name);
  if (d) closedir(d);
}

int main(int argc, char **argv) {
  char folder[] = "/tmp/fuzz_check.XXXXXX";
  long iterations = argc == 2 ? strtol(argv[1], NULL, 10) : 0;
  if (iterations < 1) {
    fprintf(stderr, "usage: fuzz_check ITERATIONS\n");
    return EX_USAGE;
  }
  sg_blas_single_thread();
  if (!mkdtemp(folder) || chdir(folder) || !freopen("/dev/null", "w", stdout)) return EX_OSERR;
  FILE *silent = fopen("/dev/null", "w");
  if (!silent) return EX_OSERR;
  stderr = silent; /* sanitizers write to the descriptor */
  for (long i = 0; i < iterations; i++) {
    line l;
    make(&l);
    for (size_t k = mutate_below(4); k > 0; k--) mutate(&l);
    if (is_cheap(&l)) run(&l);
    if (i % 100 == 0) empty_folder();
  }
  empty_folder();
  if (chdir("/") || rmdir(folder)) return EX_OSERR;
  dprintf(STDERR_FILENO, "%ld command lines\n", iterations);
  fclose(silent);
  return EX_OK;
}
