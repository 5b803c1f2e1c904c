/* SPDX-License-Identifier: MIT */
#include "sim/cli/cli.h"
#include "sim/core/linalg.h"
#include "sim/core/nearest.h"

#include <gsl/gsl_errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

const sg_command sg_commands[] = {
    {"run",
     "run SCENARIO... [-o DB] [-j N] [--set /pointer=value] [--what-if CAUSES] [--quiet] [--json]",
     "Simulate the runs that are missing from the scenario's database.",
     "-o, --output DB      result database instead of the scenario's own\n"
     "-j, --threads N      runs computed at the same time (default: all processors)\n"
     "--set /pointer=value override a member of the scenario; may be repeated\n"
     "--what-if CAUSES     also without each of these, on the same random numbers, and print what "
     "time\n"
     "                     each costs: stalls, memory, common, crashes, erasures, speeds, "
     "slowest,\n"
     "                     randomness, worker=K, uplink=F, ingress=F, links=F; with commas, or\n"
     "                     repeated; auto: the scenario's \"what_if\", or all that it has\n"
     "-f, --format F       of that table: text, csv, json or markdown\n"
     "-q, --quiet          no progress and no summary\n"
     "--json               the summary, or the table, as JSON\n",
     sg_cmd_run},
    {"check", "check SCENARIO... [--set /pointer=value] [--json]",
     "Validate scenarios: list everything that is wrong, and what would be skipped.",
     "--set /pointer=value override a member of the scenario; may be repeated\n"
     "--json               faults as JSON\n",
     sg_cmd_check},
    {"plan", "plan SCENARIO [-o DB] [-j N] [--set /pointer=value] [--format F] [--json]",
     "List points and runs, what is there already, and the time and size that the rest will take.",
     "-o, --output DB      result database instead of the scenario's own\n"
     "-j, --threads N      threads that the time is estimated for\n"
     "--set /pointer=value override a member of the scenario; may be repeated\n"
     "-f, --format F       text, csv, json or markdown\n",
     sg_cmd_plan},
    {"expect", "expect SCENARIO [--database DB] [--set /pointer=value] [--format F] [--json]",
     "Exact mean and quantiles of the iteration time, where there is a closed form, beside the "
     "simulated ones.",
     "-d, --database DB    results to compare with\n"
     "--set /pointer=value override a member of the scenario; may be repeated\n"
     "-f, --format F       text, csv, json or markdown\n",
     sg_cmd_expect},
    {"compare", "compare DB [--baseline NAME] [--format F] [--json]",
     "Compare the schemes of each environment with its baseline, run by run.",
     "-b, --baseline NAME  a code or scheme label instead of the scenario's baseline\n"
     "-f, --format F       text, csv, json or markdown\n",
     sg_cmd_compare},
    {"query", "query DB [SQL | @NAME] [--format F] [--json]",
     "Ask a result database: SQL, or one of the named queries (listed without a question).",
     "-f, --format F       text, csv, json or markdown\n", sg_cmd_query},
    {"codes", "codes [show NAME | check NAME [PARAMETER=VALUE...] | check --all] [OPTIONS]",
     "List the gradient codes; show one, its parameters, rules and source; or check one, or a grid "
     "of\n      all: recovery, conditioning, rounding errors.",
     "-f, --format F       text, csv, json or markdown; --json\n"
     "check NAME tries patterns of workers that answer nothing on the code's own messages and "
     "weights:\n"
     "all of up to s missing where there are few, else a sample and a search for the worst. "
     "Condition\nnumbers are 2-norm, by SVD, of the decode system: the rows of the messages that "
     "have a weight,\nover (part, piece). Errors are those of the decoded sum of random gradients, "
     "over the sum of\ntheir norms, with messages as float64, float32 and bfloat16.\n"
     "-n, --workers N      workers (default 12)\n"
     "-k, --subsets K      subsets of the data (default: as many as workers)\n"
     "--speeds LIST        nominal speeds of the workers such as 4,1,1, repeated (default 1)\n"
     "-l, --length L       coordinates of the random gradients (default 960)\n"
     "-p, --patterns P     most patterns that are tried one by one (default 5000); of more, P are\n"
     "                     sampled and up to 2 P searched\n"
     "--seed S             of the code, the gradients and the samples (default 1)\n"
     "-j, --threads N      the result is the same for any number\n"
     "--all                every code, over a grid of its parameters\n"
     "--database FILE      writes rows of code_check, too\n"
     "-q, --quiet          no progress\n"
     "The exit code is 70 when a code refuses a pattern that it promises to survive, in exact or\n"
     "in rounded arithmetic; the report says so after BROKEN. Decodes that are merely inaccurate\n"
     "(UNSAFE) leave it 0.\n",
     sg_cmd_codes},
    {"fit", "fit TRACE [--workers LIST] [--seed N] [--replicates N] [--json]",
     "Fit delay models to measured times: laws, what makes workers differ, and a verdict.",
     "--workers LIST       only these workers of the trace, such as 0-7,12\n"
     "--seed N             of permutations and bootstraps (default: 1)\n"
     "--replicates N       samples of the parametric bootstrap (default: 199; 0: no p-values)\n"
     "--json               everything as JSON\n",
     sg_cmd_fit},
    {"schema", "schema [--reference]",
     "Print the JSON Schema of scenario files, or their reference as Markdown.",
     "-r, --reference      the reference\n", sg_cmd_schema},
    {"help", "help [COMMAND]", "Explain straggle or one of its commands.", "", sg_cmd_help},
    {NULL, NULL, NULL, NULL, NULL}};

int main(int argc, char **argv) {
  sg_blas_single_thread();
  gsl_set_error_handler_off();
  signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is a write error, with its message */
  if (argc < 2) {
    sg_cmd_help(0, argv);
    return EX_USAGE;
  }
  if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "version") == 0) {
    printf("straggle %s (%s)\n", sg_version_text, sg_revision_text);
    return fflush(stdout) == 0 ? EX_OK : EX_IOERR;
  }
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) return sg_cmd_help(0, argv);
  const sg_command *c = sg_command_find(argv[1]);
  if (c) return c->run(argc - 1, argv + 1);
  const char *names[sizeof sg_commands / sizeof *sg_commands] = {NULL};
  for (int i = 0; sg_commands[i].name; i++) names[i] = sg_commands[i].name;
  fprintf(stderr, "straggle: there is no command \"%s\"%s\nTry: straggle help\n", argv[1],
          sg_suggest(argv[1], names).text);
  return EX_USAGE;
}
