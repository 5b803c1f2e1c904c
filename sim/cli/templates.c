/* SPDX-License-Identifier: MIT */
/* The table of templates, and the files that the Makefile has made into arrays (EMBEDDED). */
#include "sim/cli/templates.h"

#include <string.h>

#define TEMPLATE(called, of, ...)                                                                  \
  { .name = called, .file = of, .summary = __VA_ARGS__ }
#define BREAST_CANCER .data = {"data/breast-cancer.csv", "data/LICENSE-breast-cancer.txt"}

const sg_template sg_templates[] = {
    TEMPLATE("quickstart", "scenarios/quickstart.json",
             "real training on medical data: 12 workers, six kinds of codes", BREAST_CANCER),
    TEMPLATE("sweep", "sim/cli/templates/sweep.json",
             "times only: codes against the number of workers and the network"),
    TEMPLATE("large-cluster", "sim/cli/templates/large-cluster.json",
             "times only: a thousand workers, some slow, some crashed"),
    TEMPLATE("trace", "sim/cli/templates/trace.json",
             "measured times of your own, resampled in blocks (init NAME TRACE.csv)",
             .trace = true),
    TEMPLATE("fit", "sim/cli/templates/trace.json",
             "the model that `fit` finds in measured times (init NAME TRACE.csv)", .trace = true,
             .fit = true),
    TEMPLATE("matrix", "sim/cli/templates/matrix.json",
             "times only: a gradient code of your own, from a matrix in a CSV file",
             .data = {"matrix.csv"}),
    TEMPLATE("congested-ingress", "scenarios/congested-ingress.json",
             "times only: messages of 8 MB that share the master's port"),
    TEMPLATE("groups-by-speed", "scenarios/groups-by-speed.json",
             "times only: slow workers spread over groups"),
    TEMPLATE("persistent-stragglers", "scenarios/persistent-stragglers.json",
             "real training: workers that stay slow for long", BREAST_CANCER),
    TEMPLATE("sparse", "scenarios/sparse.json",
             "real training on sparse data: which novel a passage is from, by its words",
             .data = {"data/austen.svm", "data/LICENSE-austen.txt"}),
    TEMPLATE("streamed-groups", "scenarios/streamed-groups.json",
             "times only: coded chunks, one after another"),
    TEMPLATE("large-training", "scenarios/clusters/large-training.json",
             "times only: a job in a large training cluster, of workers that stay slow"),
    TEMPLATE("serverless", "scenarios/clusters/serverless.json",
             "times only: 256 serverless workers, slow for a round or two"),
    TEMPLATE("four-gpus", "scenarios/clusters/four-gpus.json",
             "times only: four GPUs, one of them half a percent late"),
    TEMPLATE("tcp-1gbit", "scenarios/clusters/tcp-1gbit.json",
             "times only: four GPUs that are joined by TCP at 1 Gbit/s"),
    TEMPLATE("tridiagonal", "scenarios/tridiagonal.json",
             "noisy gradients of a quadratic: with a barrier and without"),
    TEMPLATE("ye-abbe-n8", "scenarios/papers/ye-abbe-n8.json",
             "times only: a table of Ye and Abbe (2018), which `expect` computes exactly"),
    {0}};

const char *const sg_template_names[] = {"quickstart",
                                         "sweep",
                                         "large-cluster",
                                         "trace",
                                         "fit",
                                         "matrix",
                                         "congested-ingress",
                                         "groups-by-speed",
                                         "persistent-stragglers",
                                         "sparse",
                                         "streamed-groups",
                                         "large-training",
                                         "serverless",
                                         "four-gpus",
                                         "tcp-1gbit",
                                         "tridiagonal",
                                         "ye-abbe-n8",
                                         NULL};
_Static_assert(sizeof sg_template_names / sizeof *sg_template_names ==
                   sizeof sg_templates / sizeof *sg_templates,
               "every template has its name");

static const struct {
  const char *name;
  const unsigned char *bytes;
  size_t length;
} embedded[] = {
#include "embedded.inc"
};

const char *sg_embedded(const char *file, size_t *length) {
  for (size_t i = 0; i < sizeof embedded / sizeof *embedded; i++) {
    if (strcmp(embedded[i].name, file) != 0) continue;
    *length = embedded[i].length;
    return (const char *)embedded[i].bytes;
  }
  return NULL;
}

const char *sg_embedded_name(int i) {
  return i >= 0 && (size_t)i < sizeof embedded / sizeof *embedded ? embedded[i].name : NULL;
}
