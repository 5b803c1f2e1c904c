/* SPDX-License-Identifier: MIT */
/* The root table of the format, and the tables of members that belong to no model. */
#include "codes/frame/code.h"
#include "models/delay/delay.h"
#include "models/learning/problem.h"
#include "models/network/network.h"
#include "sim/scenario/scenario.h"

static const sg_param flops[] = {
    SG_ROW_REAL("flops_per_s", 0, SG_UNBOUNDED, "Floating-point operations per second.",
                .flags = SG_REQUIRED | SG_MIN_OPEN),
    {0},
};

static const sg_variant decode[] = {
    {.name = "none", .summary = "Decoding takes no time."},
    {.name = "flops",
     .summary = "Decoding takes its operations divided by a given rate.",
     .params = flops},
    {.name = "measured",
     .summary = "Decoding takes the time measured on this machine, once; the table is kept in the "
                "database."},
};

SG_VARIANTS(decode_at, decode)

static const sg_family decode_family = {
    .selector = "model", .what = "decode time model", .at = decode_at, .fallback = "none"};

static const sg_variant encode[] = {
    {.name = "as-decode", .summary = "As fast as the master decodes, by master.decode."},
    {.name = "none", .summary = "Encoding takes no time."},
    {.name = "flops",
     .summary = "Encoding takes its operations divided by a given rate.",
     .params = flops},
};

SG_VARIANTS(encode_at, encode)

static const sg_family encode_family = {
    .selector = "model", .what = "encode time model", .at = encode_at, .fallback = "as-decode"};

static const sg_param master[] = {
    SG_ROW_FAMILY("decode", &decode_family, "How long the master takes to decode."),
    SG_ROW_REAL("update_s", 0, SG_UNBOUNDED, "Seconds the master takes to update the model."),
    {0},
};

static const char *const late_work[] = {"cancel", "finish-first", "keep-partial", NULL};
static const char *const replicate[] = {"delays", "delays+code", "delays+code+data", NULL};
static const char *const undecodable[] = {"wait", "skip", "error", NULL};
static const char *const invalid_combinations[] = {"skip", "error", NULL};
static const char *const detail[] = {"summary", "iteration", "worker", NULL};

const sg_param sg_scenario_scheme_params[] = {
    SG_ROWS_SCHEME,
    SG_ROW_FAMILY("compression", &sg_compressor_family,
                  "What becomes of this scheme's messages, in place of network.compression. A "
                  "compressor without parameters may be given by its name alone.",
                  .fields = sg_compression_params, .flags = SG_OPTIONAL),
    {0},
};

static const sg_param scheme[] = {
    SG_ROW_FAMILY("scheme", &sg_code_family,
                  "A gradient code with its parameters; each scalar may be {\"each\": […]}.",
                  .fields = sg_scenario_scheme_params),
    {0},
};

static const sg_param cause[] = {
    SG_ROW(
        "cause", SG_TEXT,
        "stalls, memory, common, crashes, erasures, randomness (of compute times: their mean "
        "instead), speeds (all workers as the median one), slowest or worker=K (that worker as the "
        "median one), uplink=F, ingress=F or links=F (F times as fast; 2 without a number)."),
    {0},
};

static const sg_param sweep_value[] = {
    SG_ROW("value", SG_ANY, "A value that the member at the path may have."),
    {0},
};

static const sg_param sweep[] = {
    SG_ROW("name", SG_TEXT, "Name of the axis in the results.", .flags = SG_REQUIRED | SG_IS_NAME),
    SG_ROW("path", SG_TEXT, "JSON pointer of the member that is varied, such as /cluster/workers.",
           .flags = SG_REQUIRED),
    SG_ROW_LIST("values", sweep_value, 1, 0, "The values it takes.", .flags = SG_REQUIRED),
    {0},
};

static const sg_param sweep_axis[] = {
    SG_ROW_OBJECT("axis", sweep, "An axis of the grid of environments."),
    {0},
};

static const sg_param randomness[] = {
    SG_ROW("seed", SG_SEED,
           "Everything random follows from it: a whole number up to 2^53, or a string of digits up "
           "to 2^64 − 1.",
           .text = "1"),
    {0},
};

static const sg_param until[] = {
    SG_ROW_REAL(
        "half_width", 0, 1,
        "How far the ratio of a scheme's time to the baseline's may be from the truth, with "
        "95 % confidence: 0.01 is 1 % to either side.",
        .flags = SG_REQUIRED | SG_MIN_OPEN),
    SG_ROW_INT("least", 5, 10000,
               "Runs of every point before the number is settled; with few, more are wanted then.",
               .fallback = 20),
    SG_ROW_INT("most", 5, SG_MAX_REPLICATIONS - 1, "Most runs of a point.", .fallback = 1000),
    {0},
};

static const sg_param stop[] = {
    SG_ROW_INT("iterations", 1, 1e9, "Most iterations of a run.", .fallback = 100),
    SG_ROW_REAL("target_loss", -SG_UNBOUNDED, SG_UNBOUNDED,
                "A run ends when its training loss is at most this.", .flags = SG_OPTIONAL),
    SG_ROW_REAL("target_grad_norm2", 0, SG_UNBOUNDED,
                "A run ends when the squared norm of the gradient of the training loss at its "
                "model is at most this: of all the data, without noise, looked at every "
                "learning.evaluate_every updates (a pass over the data that takes no simulated "
                "time). With target_loss, when one model meets both.",
                .flags = SG_OPTIONAL),
    SG_ROW_REAL("sim_time_s", 0, SG_UNBOUNDED, "A run ends after so many simulated seconds.",
                .flags = SG_OPTIONAL | SG_MIN_OPEN),
    SG_ROW_CHOICE("undecodable", undecodable, 0,
                  "When the messages that a scheme waits for do not determine the sum: wait for "
                  "more, skip the iteration, or end the run as undecodable."),
    {0},
};

static const sg_param output[] = {
    SG_ROW("database", SG_TEXT,
           "The result database, in the scenario's folder or below it; the scenario's file name "
           "with .db when absent.",
           .flags = SG_OPTIONAL | SG_UNHASHED | SG_IS_PATH),
    SG_ROW_CHOICE("detail", detail, 1,
                  "What is kept of a run: its summary, a row per iteration, or a row per worker "
                  "and iteration as well.",
                  .flags = SG_UNHASHED),
    {0},
};

const sg_param sg_scenario_params[] = {
    SG_ROW("$schema", SG_TEXT, "The JSON Schema, for editors; not read.",
           .flags = SG_OPTIONAL | SG_UNHASHED),
    SG_ROW_INT("format", 1, 1, "Version of the scenario format.", .flags = SG_REQUIRED),
    SG_ROW("name", SG_TEXT, "Name of the scenario in results; the file's name when absent.",
           .flags = SG_OPTIONAL | SG_UNHASHED | SG_IS_NAME),
    SG_ROW("description", SG_TEXT, "What the scenario is about.",
           .flags = SG_OPTIONAL | SG_UNHASHED),
    SG_ROW_OBJECT("cluster", sg_cluster_params, "The workers and their speeds.",
                  .flags = SG_REQUIRED),
    SG_ROW_FAMILY("delay", &sg_delay_family, "How long a worker computes.",
                  .fields = sg_delay_params, .flags = SG_REQUIRED),
    SG_ROW_OBJECT("network", sg_network_params, "How long messages travel."),
    SG_ROW_OBJECT("master", master, "What the master's own work costs."),
    SG_ROW_FAMILY("encode", &encode_family,
                  "How long a worker takes to encode a message before it is on the link: 2 "
                  "operations for each coefficient of its row and each number of the message. One "
                  "message after another, beside the tasks that follow."),
    SG_ROW_CHOICE(
        "late_work", late_work, 0,
        "What a worker does when the iteration ends before it has finished: drop the work; finish "
        "it and begin the next iteration late; or keep finished tasks and drop the running one, "
        "for "
        "codes with a use for messages of an iteration that is over (others are refused)."),
    SG_ROW_FAMILY("learning", &sg_problem_family, "What is learned, from which data.",
                  .fields = sg_learning_params, .flags = SG_REQUIRED),
    SG_ROW_LIST("schemes", scheme, 1, 0, "The schemes to compare.", .flags = SG_REQUIRED),
    SG_ROW("baseline", SG_TEXT,
           "The scheme that others are compared with: a code's name, or a scheme's label.",
           .flags = SG_OPTIONAL | SG_UNHASHED | SG_IS_NAME),
    SG_ROW_LIST("sweep", sweep_axis, 0, 0, "Members that are varied; the axes multiply.",
                .flags = SG_UNHASHED),
    SG_ROW_LIST(
        "without", cause, 0, 20,
        "Causes of lost time that are taken away, all else and all random numbers being the same.",
        .flags = SG_OPTIONAL),
    SG_ROW_LIST("what_if", cause, 0, 20,
                "The causes that run --what-if auto takes away, in this order; absent: all that "
                "the scenario has.",
                .flags = SG_OPTIONAL | SG_UNHASHED),
    SG_ROW_INT("replications", 1, SG_MAX_REPLICATIONS - 1, "Independent runs of every point.",
               .fallback = 1, .flags = SG_UNHASHED),
    SG_ROW_CHOICE("replicate", replicate, 0,
                  "What replications draw anew: delays; the coefficients and placement of random "
                  "codes, too; or also the split and order of the data, generated data and "
                  "mini-batches. Schemes of a replication have the same data and delays. With code "
                  "or data runs are computed one at a time, whatever learning.block_width says."),
    SG_ROW_OBJECT("until", until,
                  "Instead of replications: as many runs of each scheme, and of its baseline, as "
                  "the wanted precision of their comparison takes (docs/many-machines.md).",
                  .flags = SG_OPTIONAL | SG_UNHASHED),
    SG_ROW_OBJECT("random", randomness, "Random numbers."),
    SG_ROW_OBJECT("stop", stop, "When a run ends."),
    SG_ROW_OBJECT("paper", sg_paper_params,
                  "What a paper says of this scenario, for straggle papers (docs/papers.md).",
                  .flags = SG_OPTIONAL | SG_UNHASHED),
    SG_ROW_CHOICE("invalid_combinations", invalid_combinations, 0,
                  "Combinations of sweep and each that a scheme cannot have: list and skip them, "
                  "or refuse the scenario.",
                  .flags = SG_UNHASHED),
    SG_ROW_OBJECT("output", output, "Where results go, and how much is kept.",
                  .flags = SG_UNHASHED),
    {0},
};
