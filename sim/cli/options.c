/* SPDX-License-Identifier: MIT */
#include "sim/cli/cli.h"

#include <errno.h>
#include <getopt.h>
#include <gnu/libc-version.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sysexits.h>
#include <unistd.h>

#include "sim/core/linalg.h"

const sg_command *sg_command_find(const char *name) {
  for (const sg_command *c = sg_commands; c->name; c++)
    if (strcmp(c->name, name) == 0) return c;
  return NULL;
}

int sg_usage_fault(const char *command, const char *format, ...) {
  va_list args;
  va_start(args, format);
  fprintf(stderr, "straggle %s: ", command);
  vfprintf(stderr, format, args);
  fprintf(stderr, "\nUsage: straggle %s\n", sg_command_find(command)->usage);
  va_end(args);
  return EX_USAGE;
}

static bool read_format(const char *name, sg_format *format) {
  static const char *const names[] = {"text", "csv", "json", "markdown"};
  for (int i = 0; i < 4; i++)
    if (strcmp(name, names[i]) == 0) {
      *format = (sg_format)i;
      return true;
    }
  return false;
}

static bool read_threads(const char *text, int *threads) {
  char *end;
  errno = 0;
  long n = strtol(text, &end, 10);
  if (errno || *end || end == text || n < 1 || n > 1024) return false;
  *threads = (int)n;
  return true;
}

static bool read_count(const char *text, long most, int *count) {
  char *end;
  errno = 0;
  long n = strtol(text, &end, 10);
  if (errno || *end || end == text || n < 0 || n > most) return false;
  *count = (int)n;
  return true;
}

static bool read_seed(const char *text, uint64_t *seed) {
  if (!*text || strspn(text, "0123456789") != strlen(text)) return false;
  errno = 0;
  *seed = strtoull(text, NULL, 10);
  return errno == 0;
}

/* Splits "/pointer=value" in place. */
static bool read_override(char *text, sg_options *o) {
  char *equals = strchr(text, '=');
  if (text[0] != '/' || !equals) return false;
  sg_override *grown = realloc(o->override, (size_t)(o->n_overrides + 1) * sizeof *grown);
  if (!grown) return false;
  o->override = grown;
  *equals = '\0';
  o->override[o->n_overrides++] = (sg_override){.pointer = text, .value = equals + 1};
  return true;
}

static bool add_what_if(const char *text, sg_options *o) {
  const char **grown = realloc(o->what_if, (size_t)(o->n_what_ifs + 1) * sizeof *grown);
  if (!grown) return false;
  o->what_if = grown;
  o->what_if[o->n_what_ifs++] = text;
  return true;
}

bool sg_options_read(int argc, char **argv, const char *allowed, sg_options *o) {
  static const struct option longs[] = {{"output", required_argument, NULL, 'o'},
                                        {"database", required_argument, NULL, 'd'},
                                        {"threads", required_argument, NULL, 'j'},
                                        {"set", required_argument, NULL, 's'},
                                        {"baseline", required_argument, NULL, 'b'},
                                        {"format", required_argument, NULL, 'f'},
                                        {"quiet", no_argument, NULL, 'q'},
                                        {"reference", no_argument, NULL, 'r'},
                                        {"json", no_argument, NULL, 'J'},
                                        {"seed", required_argument, NULL, 'S'},
                                        {"workers", required_argument, NULL, 'w'},
                                        {"replicates", required_argument, NULL, 'R'},
                                        {"what-if", required_argument, NULL, 'W'},
                                        {"help", no_argument, NULL, 'h'},
                                        {NULL, 0, NULL, 0}};
  const char *command = argv[0];
  *o = (sg_options){.threads = sg_processors(),
                    .format = SG_FORMAT_TEXT,
                    .seed = 1,
                    .replicates = -1,
                    .code = EX_USAGE};
  opterr = 0;
  optind = 1;
  for (int c; (c = getopt_long(argc, argv, ":o:d:j:b:f:qrh", longs, NULL)) != -1;) {
    if (c == 'h') {
      char *help[] = {"help", argv[0]};
      o->code = sg_cmd_help(2, help);
      goto fault;
    }
    if (c == '?' || c == ':') {
      sg_usage_fault(command, c == ':' ? "the option %s needs a value" : "there is no option %s",
                     argv[optind - 1]);
      goto fault;
    }
    if (c != 'J' && !strchr(allowed, c)) {
      sg_usage_fault(command, "the option %s does not belong here", argv[optind - 1]);
      goto fault;
    }
    if (c == 'o' || c == 'd') o->database = optarg;
    if (c == 'b') o->baseline = optarg;
    if (c == 'w') o->workers = optarg;
    if (c == 'q') o->quiet = true;
    if (c == 'r') o->reference = true;
    if (c == 'J') o->format = SG_FORMAT_JSON;
    if (c == 'j' && !read_threads(optarg, &o->threads)) {
      sg_usage_fault(command, "expected a number of threads from 1 to 1024, found \"%s\"", optarg);
      goto fault;
    }
    if (c == 'f' && !read_format(optarg, &o->format)) {
      sg_usage_fault(command, "expected the format text, csv, json or markdown, found \"%s\"",
                     optarg);
      goto fault;
    }
    if (c == 'S' && !read_seed(optarg, &o->seed)) {
      sg_usage_fault(command, "expected a seed from 0 to 2^64 - 1, found \"%s\"", optarg);
      goto fault;
    }
    if (c == 'R' && !read_count(optarg, 100000, &o->replicates)) {
      sg_usage_fault(command, "expected a number of samples from 0 to 100000, found \"%s\"",
                     optarg);
      goto fault;
    }
    if (c == 'W' && !add_what_if(optarg, o)) {
      o->code = EX_OSERR;
      goto fault;
    }
    if (c == 's' && !read_override(optarg, o)) {
      sg_usage_fault(command, "expected --set /pointer=value, found \"%s\"", optarg);
      goto fault;
    }
  }
  o->n_words = argc - optind;
  o->word = argv + optind;
  return true;
fault:
  sg_options_free(o);
  return false;
}

void sg_options_free(sg_options *o) {
  free(o->override);
  free(o->what_if);
  o->override = NULL;
}

int sg_print_faults(const sg_scenario *s, const char *path, sg_format format, sg_error *e) {
  int code = sg_exit_code(sg_error_status(e));
  sg_buffer text = {0};
  if (format == SG_FORMAT_JSON) {
    sg_put(&text, "{");
    sg_put_json_name(&text, "file");
    sg_put_json_string(&text, path);
    sg_put_json_name(&text, "faults");
    sg_put(&text, "[");
    for (int i = 0; i < e->count; i++) {
      sg_put(&text, i ? ", {" : "{");
      sg_put_json_name(&text, "place");
      sg_put_json_string(&text, e->fault[i].place);
      sg_put_json_name(&text, "message");
      sg_put_json_string(&text, e->fault[i].message ? e->fault[i].message : "");
      sg_put(&text, "}");
    }
    sg_put(&text, "]}\n");
    sg_print(&text);
  } else {
    sg_scenario_report(s, path, e, sg_color(STDERR_FILENO), &text);
    if (!text.failed && text.data) fputs(text.data, stderr);
    sg_buffer_free(&text);
  }
  sg_error_clear(e);
  return code;
}

int sg_print(sg_buffer *text) {
  int code = EX_OK;
  if (text->failed) {
    fprintf(stderr, "straggle: out of memory\n");
    code = EX_OSERR;
  } else if (text->data && (fputs(text->data, stdout) == EOF || fflush(stdout) != 0)) {
    fprintf(stderr, "straggle: cannot write to standard output: %s\n", strerror(errno));
    code = EX_IOERR;
  }
  sg_buffer_free(text);
  return code;
}

int sg_terminal_width(void) {
  struct winsize size;
  if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    return size.ws_col;
  const char *columns = getenv("COLUMNS");
  int n = columns ? atoi(columns) : 0;
  return n > 20 ? n : 100;
}

bool sg_color(int fd) {
  const char *no = getenv("NO_COLOR");
  return isatty(fd) && (!no || !*no);
}

int sg_processors(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  int n = CPU_COUNT(&set);
  return n > 0 ? n : 1;
}

/* --- Provenance ------------------------------------------------------------------------------- */

const char sg_version_text[] = SG_VERSION;
const char sg_revision_text[] = SG_REVISION;

static void read_cpu(char cpu[128]) {
  strcpy(cpu, "unknown");
  FILE *f = fopen("/proc/cpuinfo", "r");
  char line[512];
  while (f && fgets(line, sizeof line, f)) {
    char *colon = strchr(line, ':');
    if (strncmp(line, "model name", 10) != 0 || !colon) continue;
    snprintf(cpu, 128, "%.127s", colon + 2);
    cpu[strcspn(cpu, "\n")] = '\0';
    break;
  }
  if (f) fclose(f);
}

void sg_provenance(int argc, char **argv, int threads, sg_buffer *command_line, char cpu[128],
                   char host[128], sg_invocation *out) {
  sg_put(command_line, "straggle");
  for (int i = 0; i < argc; i++) sg_putf(command_line, " %s", argv[i]);
  read_cpu(cpu);
  if (gethostname(host, 128) != 0) strcpy(host, "unknown");
  host[127] = '\0';
  *out = (sg_invocation){.argv = command_line->data,
                         .version = SG_VERSION,
                         .git_revision = SG_REVISION,
                         .compiler = "cc " __VERSION__,
                         .blas = sg_blas_version(),
                         .blas_core = sg_blas_core(),
                         .cpu = cpu,
                         .host = host,
                         .libc = gnu_get_libc_version(),
                         .threads = threads};
}
