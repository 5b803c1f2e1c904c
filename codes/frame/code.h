/* SPDX-License-Identifier: MIT */
/* Gradient codes.
 *
 * A code is mathematics only: which parts of the data a worker holds, which linear combinations it
 * sends, when the master may stop waiting, and with which weights the sum is recovered. It knows no
 * clock, no JSON, no SQL and never loops over gradient coordinates: it gives coefficients, one
 * kernel does the arithmetic for all codes.
 *
 * Words
 *   part      an interval of the training data; the code chooses its parts, uneven if it likes.
 *   segment   a range of gradient coordinates, cut into `pieces` (= m, the communication reduction)
 *             contiguous pieces of length L = ceil((end − begin) / pieces); the last is padded
 *             with zeros.
 *   snapshot  a model as it was at a moment, at which gradients are taken; named by the code: the
 *             iteration in a synchronous scheme, the job in sequential coding, the version where
 *             there is no barrier.
 *   message   one vector of length L, in one segment, taken at one snapshot; `tag` is the code's
 *             own.
 *   row       the recipe of a message: Σ coefficient · (piece of part's gradient).
 *   work      1 = one of the scenario's subsets through the full gradient.
 *
 * A new code is a `create` and an `encode`; everything else is optional and has a default here:
 * the schedule (one task with all its parts, then one message per segment), the stop rule (the
 * `need`-th message, or an incremental rank test), the decode weights (those that the rank test has
 * found, or minimum-norm least squares, with a checked residual). docs/adding-a-code.md walks
 * through one. */
#ifndef SG_CODES_CODE_H
#define SG_CODES_CODE_H

#include "codes/frame/forecast.h"
#include "sim/core/local_optimizer.h"
#include "sim/core/param.h"

#include <stddef.h>
#include <stdint.h>

#define SG_MASTER (-1) /* the node number of the master; workers are 0 … nodes − 1 */
#define SG_ALL    (-2) /* every worker */

typedef struct sg_message {
  int id;       /* slot in the run's message pool */
  int from, to; /* node numbers */
  int snapshot, segment, tag, round;
  int n_in; /* relays: the messages it is made from, held by the sender when it was sent */
  const struct sg_message *const *in;
} sg_message;

typedef struct sg_segment {
  long begin, end; /* gradient coordinates [begin, end) */
  int pieces;      /* m */
  int need;        /* the count rule of the default stop: ready at the need-th message */
} sg_segment;

/* What a code is made for. */
typedef struct sg_shape {
  int workers;         /* n */
  int subsets;         /* k, the unit of work */
  long length;         /* l, coordinates of a gradient */
  const double *speed; /* workers values; 1 = the nominal speed */
  uint64_t seed;       /* for random coefficients: purpose SG_FOR_CODE */
  long updates;        /* how many iterations the run will have at most */
  /* Gradients that appear layer by layer, the last layer first; 0: all at once. Where each ends,
   * and its share of the work. Used before sg_code_new returns, and by whoever plans. */
  int n_layers;
  const long *layer_end;
  const double *layer_work;
  /* Of the workers' times, in `create` only. NULL: nothing is known, and a code that needs it takes
   * defaults or gives a fault. */
  const sg_forecast *forecast;
} sg_shape;

/* A combination of the data of parts (coded data, as in Lagrange coding): rows Σ coef · part. All
 * parts of a combination have equally many rows. */
typedef struct sg_combination {
  int count;
  const int *part;
  const double *coef;
} sg_combination;

/* Memory that is freed all at once: blocks on a list that begins at NULL. Zeroed; NULL when there
 * is none left. */
typedef struct sg_arena sg_arena;
void *sg_arena_alloc(sg_arena **arena, size_t count, size_t size);
void sg_arena_free(sg_arena *arena);

enum {                        /* sg_code.flags */
       SG_ASYNC = 1,          /* no barrier: draws are indexed by the worker's own task count */
       SG_SEE_CUTS = 2,       /* arrivals come in one CUT event per timer instead of one by one */
       SG_STOP_DECODABLE = 4, /* the default stop policy is "decodable", not the count `need`; of
                                 codes with `arrive` always */
       SG_ROUNDS = 256,       /* on_event calls sg_round_event: stop policies are understood */
       SG_WANTS_VALUES = 8,   /* UPDATED events carry norms and inner products */
       SG_WEIGHTS_PURE = 16, /* weights depend on the set of (from, tag) only: they may be cached */
       SG_BATCHES = 64,      /* rows name mini-batches (sg_row_batch); one model at a time */
       SG_LOCAL = 128,       /* rows are of local steps (sg_row_local); one model at a time */
       SG_OFFSET = 512,      /* rows are taken beside the snapshot (sg_row_offset) */
       SG_REMEMBERS = 1024,  /* what is sent depends on earlier rounds */
       SG_ANY_COUNT = 2048,  /* any messages give an estimate: where no more can come, what there is
                                is taken, and nothing at all skips the round */
       /* Whenever a message (from, segment, tag) is used it has the same weights, whoever else has
        * answered and whatever the stop policy: error feedback may be used (theory:
        * error-feedback). Or: its weights depend on the number of messages only. */
       SG_WEIGHTS_CONSTANT = 4096,
       SG_WEIGHTS_BY_COUNT = 8192
};

typedef struct sg_code sg_code;
typedef struct sg_row sg_row;
typedef struct sg_used sg_used;
typedef struct sg_orders sg_orders; /* protocol.h */
typedef struct sg_event sg_event;   /* protocol.h */
struct sg_buffer;                   /* sim/core/text.h */

/* What a decode cost and how safe it was. NAN: not known. */
typedef struct sg_decode_info {
  double cond1;         /* 1-norm condition estimate of the matrix solved with; 1 for pure sums */
  double amplification; /* of the rounding errors of messages, against an uncoded sum: √(Σ over
                           messages |weights|² |row|² / pieces), the square of a coefficient taken
                           times its part's share of the data; filled in by the framework */
  double flops;         /* to find the weights, without applying them */
  double alpha_error; /* Σ (α − 1)² over (part, piece): 0 for an exact decode; for codes that are
                         not exact by the framework, from the rows, unless the code fills it in */
  double alpha_sum;   /* Σ α over parts, mean over pieces: `parts` for an exact decode; for codes
                         that are not exact as alpha_error */
} sg_decode_info;

typedef enum sg_verdict { SG_WAIT, SG_SKIP, SG_READY } sg_verdict;

typedef struct sg_code_type {
  sg_variant about; /* name, summary, reference, parameter table */

  /* Fills `code` from checked parameters. Faults (rules that join parameters, e.g. d ≥ s + m) go to
   * `e` with sg_fail_at and name the rule and the nearest valid values. Memory comes from
   * sg_code_alloc and is freed by the framework, on failure too. */
  sg_status (*create)(sg_code *code, const sg_shape *shape, const sg_values *values, sg_error *e);

  /* Writes the row of a message with sg_row_part (and sg_row_message for relays); row->state is the
   * code's state in the run. Called at decode time, for used messages only; where messages must be
   * formed when they are sent (sg_compressor_forms), then, too, with the state of that time. */
  void (*encode)(const sg_code *code, const sg_message *message, sg_row *row);

  /* --- optional --- */

  /* Decode weights for the messages of `used`, into used->W, used->bias and used->info. Returns
   * SG_UNDECODABLE if the sum cannot be recovered from them. NULL: minimum-norm least squares over
   * all rows; its residual is checked if the code is exact. */
  sg_status (*weights)(const sg_code *code, const sg_used *used);

  /* An inner node decodes what it holds before it sends: the weight of each message that `message`
   * is made of, used->message (sorted by (from, tag)), into used->W, one number each. encode then
   * gives the node's own terms only. used->info as for weights: flops are simulated as time of the
   * node, by the master's decode model. SG_UNDECODABLE: it cannot, and nor can a decode that uses
   * the message. NULL: encode writes inputs with sg_row_message itself, and they cost no time. */
  sg_status (*combine)(const sg_code *code, const sg_message *message, const sg_used *used);

  /* Whether the code promises recovery when exactly the workers with present[i] answer.
   * NULL: at most code->promised are missing. */
  bool (*promises)(const sg_code *code, const bool *present);

  /* Of a code that is not exact, where there is a formula: E Σ (α − 1)² over the number of
   * coefficients (err_norm) when worker j's messages are missing with probability p[j],
   * independently, and the others all come; p NULL: when `count` workers answer, all sets of so
   * many being equally likely; to *error, NAN: none. SG_NO_MEMORY. */
  sg_status (*mean_error)(const sg_code *code, const double *p, int count, double *error);

  /* Whether a message comes when exactly the workers with present[i] are waited for: stragglers
   * that are slow, not lost, may have sent some of theirs. NULL: if its sender is present. */
  bool (*comes)(const sg_code *code, const sg_message *message, const bool *present);

  /* --- optional, asked by the default protocol (one round per iteration) --- */
  void (*begin_round)(const sg_code *code, void *state, int round);
  void (*plan)(const sg_code *code, const void *state, int round, int snapshot, sg_orders *orders);
  /* A message of the current round has come to node message->to. SG_READY: with what has come the
   * segment can be decoded; SG_SKIP: the message adds nothing. How far the code is, that is all:
   * when the master stops waiting is the stop policy's business (stop.h). At an inner node,
   * SG_READY sends what it holds to its parent. Further orders may be given. NULL: the rank test,
   * where the stop policy asks for it. */
  sg_verdict (*arrive)(const sg_code *code, void *state, const sg_message *message,
                       sg_orders *orders);
  void (*updated)(const sg_code *code, void *state, const sg_event *event);

  /* --- optional, for people --- */
  /* What else there is to know of a code that takes time to find out: lines that end. Shown by
   * `codes check` and `codes show` behind the note. false: no memory. */
  bool (*describe)(const sg_code *code, struct sg_buffer *out);

  /* --- optional, for who looks for parameters (plan --suggest) --- */
  /* Values of the parameter of that name that are worth trying together with those of the others,
   * at most `most`; 0: it stays as it is. Combinations that `create` refuses are passed over. */
  int (*candidates)(const sg_shape *shape, const char *name, long *value, int most);

  /* --- optional: a protocol of its own in place of those four --- */
  void (*on_event)(const sg_code *code, void *state, const sg_event *event, sg_orders *orders);
} sg_code_type;

/* Filled by create, then immutable; shared by all runs and threads of a point. */
struct sg_code {
  const sg_code_type *type;
  void *self;         /* the code's own tables, from sg_code_alloc */
  sg_shape shape;     /* as given to create; speed is copied */
  int nodes;          /* workers (and relays); set to shape->workers before create */
  int parts;          /* default: shape->subsets, equal */
  int segments;       /* default 1: all coordinates, 1 piece, need = nodes */
  int models;         /* > 1: interleaved training; default 1 */
  const double *edge; /* parts + 1 rising numbers from 0 to 1: where parts begin in the data.
                         NULL: equal parts */
  const sg_segment *segment;
  const int *parent; /* tree: parent of each node (SG_MASTER for the root's children); NULL: star */
  int coded_parts;   /* combinations of parts' data, numbered parts, parts + 1, … */
  const sg_combination *coded;
  size_t
      state_size; /* per run: flat memory, zeroed; no pointers but to messages held by the master */
  size_t round_size; /* as much of its beginning is zeroed when a round begins */
  unsigned flags;
  int promised;  /* s: recovers with any so many workers missing; with `comes`: late */
  double load;   /* d: most work of a worker per iteration, in subsets; by the framework if 0 */
  int reduction; /* m: a message is l/m long; by the framework (segment 0) if 0 */
  bool exact;    /* decodes the exact sum; default true. false: approximate, ignores stragglers */
  const sg_local_optimizer *local; /* SG_LOCAL: the workers' optimiser; rows of one part, then.
                            NULL: gradient descent */
  const char *note; /* what else there is to know, e.g. how s is known; for people, shown by `check`
                       and `codes check`. NULL: nothing */
  const char *stop; /* the stop policy's name, for compare; by the framework if NULL */
  /* When the master stops waiting: by the framework, from the scheme's member `stop` or from flags.
   */
  const struct sg_policy *policy;
  /* Filled in by the framework after create from the rows of the default plan, or from the first
   * round's plan of a code with its own, unless that has set load because its rounds differ. A code
   * with a protocol of its own must set load, and stored unless its workers all hold as much. */
  const double *work; /* nodes values: work of each worker in that plan; else NULL */
  bool
      by_layer; /* segments are the layers of shape, one message each, from the last to the first */
  double stored; /* data stored in the cluster / data */
  /* Whose sum the workers form among themselves (collective.h); owned. NULL: this is no such code.
   */
  struct sg_code *inner;
  sg_arena *arena;
};

/* The i-th registered type in the order of the documentation, one line per code in
 * codes/registry.c, NULL past the last; of what kind it is, in words; the one of that name or NULL.
 */
const sg_code_type *sg_code_type_at(int i);
const char *sg_code_kind(const sg_code_type *type);
const sg_code_type *sg_code_type_find(const char *name);
extern const sg_family sg_code_family;       /* for parameter tables: selector "code" */
extern const sg_family sg_stop_family;       /* of stop policies: selector "rule" */
extern const sg_family sg_collective_family; /* of collectives: selector "algorithm" */
extern const char *const sg_layer_words[];
extern const sg_param sg_scheme_params[]; /* what every code may have besides */
#define SG_ROWS_SCHEME                                                                             \
  SG_ROW_FAMILY("stop", &sg_stop_family,                                                           \
                "When the master stops waiting for messages; the code's own rule when absent. A "  \
                "policy without parameters may be given by its name alone.",                       \
                .flags = SG_OPTIONAL),                                                             \
      SG_ROW_CHOICE("layers", sg_layer_words, 0,                                                   \
                    "Of a learning problem with layers: together (a message for the whole "        \
                    "gradient) or one-by-one (encoded, compressed, sent and decoded by itself as " \
                    "soon as it is there, the last layer first)."),                                \
      SG_ROW_FAMILY("collective", &sg_collective_family,                                           \
                    "How workers form the sum among themselves, without a master; absent: they "   \
                    "send to the master. A collective without parameters may be given by its "     \
                    "name alone.",                                                                 \
                    .flags = SG_OPTIONAL)

/* Makes a code. values->variant must be &type->about of a registered (or a test's own) type;
 * values->common is sg_scheme_params, a table with its rows, or NULL. */
sg_status sg_code_new(const sg_code_type *type, const sg_shape *shape, const sg_values *values,
                      sg_code **code, sg_error *e);
void sg_code_free(sg_code *code);

/* The note, and what `describe` says: lines that end; nothing if there is neither. false: no
 * memory.
 */
bool sg_code_describe(const sg_code *code, struct sg_buffer *out);

/* sg_arena_alloc of memory that lives as long as the code (NULL: return sg_fail_memory(e)). */
void *sg_code_alloc(sg_code *code, size_t count, size_t size);

/* "group d=4 m=2 harmonic": the type's name and the parameters that were given. A choice stands
 * without its name unless another choice of the code has the same word. */
void sg_code_label(const sg_values *values, char *label, size_t size);

/* The only segment of most codes: all coordinates in `pieces` pieces, ready at the need-th message.
 * Returns a fault if there are more pieces than coordinates; `member` is the parameter to blame. */
sg_status sg_code_one_segment(sg_code *code, const sg_values *values, const char *member,
                              int pieces, int need, sg_error *e);

/* Where part p begins as a share of the data, p = 0 … parts. */
double sg_code_edge(const sg_code *code, int part);

/* L: length of a message in this segment. */
static inline long sg_segment_length(const sg_segment *s) {
  return (s->end - s->begin + s->pieces - 1) / s->pieces;
}

/* --- Rows ------------------------------------------------------------------------------------- */

typedef struct sg_term {
  int part, piece;
  double coef;
} sg_term;

typedef struct sg_link { /* a relay's use of an input message */
  const sg_message *message;
  double coef;
} sg_link;

/* Workspace that grows to what was asked for most and is kept. Zero-initialise; free(data). */
typedef struct sg_scratch {
  void *data;
  size_t size;
} sg_scratch;

/* At least `bytes` bytes, aligned for any type, not cleared. NULL: no memory. */
void *sg_scratch_get(sg_scratch *scratch, size_t bytes);

struct sg_row {
  sg_decode_info combined;  /* what `combine` said; flops with those of applying its weights */
  bool undecodable;         /* it refused */
  sg_scratch scratch, used; /* of `combine` */
  const void *state;        /* the code's state in the run: state_size bytes */
  int parts, pieces;        /* a term's part and piece are below these */
  int n_terms, terms_capacity;
  sg_term *term;
  int n_links, links_capacity;
  sg_link *link;
  double offset; /* of sg_row_offset; 0: none */
  int batch;     /* 0: the whole parts; otherwise a named mini-batch: same name, same rows */
  int batches;   /* of how many, by names from `batch` on, it is the sum; at least 1 */
  int steps;     /* 0: gradients; otherwise of so many local steps, at `rate` */
  double rate;
  unsigned flags;      /* of the code */
  bool failed;         /* out of memory, or see `mistake` */
  const char *mistake; /* what the code's author did wrong; NULL: nothing */
};

/* Clears a row (it keeps its memory) and has the code write that of `message`. false: out of
 * memory, or a mistake of the code's author: see sg_row_fail. */
bool sg_encode(const sg_code *code, const void *state, const sg_message *message, sg_row *row);
/* The fault of a row whose sg_encode returned false: SG_NO_MEMORY, or SG_BUG naming the code. */
sg_status sg_row_fail(const sg_code *code, const sg_row *row, sg_error *e);

void sg_row_part(sg_row *row, int part, int piece, double coef); /* zero coefficients are dropped */
void sg_row_message(sg_row *row, const sg_message *input, double coef);
/* All terms are of the mini-batch of that name of their part (learning.batch_rows rows; with local
 * steps of the batches name, name + 1, …); 0: of whole parts. Needs SG_BATCHES. */
void sg_row_batch(sg_row *row, int name);
/* The same of the sum over `count` ≥ 1 mini-batches name, name + 1, …, all at the snapshot (not
 * with local steps). */
void sg_row_batches(sg_row *row, int name, int count);
/* All terms are pseudo-gradients: what a worker sends after `steps` ≥ 1 steps of the code's `local`
 * at `rate` on its part from the message's snapshot, (x − x after) / rate, or x − x after, times
 * the part's share of the data; with mini-batches each step takes the next name. rate 0: the step
 * of the master's optimiser. The same in all rows of a decode. Needs SG_LOCAL; not for coded parts.
 */
void sg_row_local(sg_row *row, int steps, double rate);
/* The row's gradients are taken at the snapshot + factor · e, with e what the sender remembers when
 * the message is sent: the error that it has not sent yet, as in gradient descent with
 * differentially encoded feedback (theory: error-feedback). What is decoded is still compared with
 * the gradients at the snapshot. Needs SG_OFFSET, segments of one piece, and messages with feedback
 * "classic". */
void sg_row_offset(sg_row *row, double factor);
void sg_row_free(sg_row *row);

/* Writes rows out densely, relays followed down to the parts: for the rank test, the default
 * decoder and the decoding error of approximate codes. Zero-initialise. */
typedef struct sg_expander {
  sg_row row;
  int count, capacity; /* messages still to be written out, with the factor they come with */
  sg_link *todo;
} sg_expander;

/* Adds scale × the row of `message` to dense[part · pieces + piece]; parts and coded parts both. A
 * sum of mini-batches counts as often as there are.
 * false: as sg_encode, of expander->row. */
bool sg_expand(sg_expander *expander, const sg_code *code, const void *state,
               const sg_message *message, double scale, double *dense);
void sg_expander_free(sg_expander *expander);

/* --- Decoding --------------------------------------------------------------------------------- */

/* The messages of one segment that a decode may use, and the weights that are asked for. */
struct sg_used {
  /* in */
  const void *state; /* the code's state in the run */
  int segment, count;
  /* Sorted by (from, tag), so that weights do not depend on the order of arrival, not even in their
   * last bit. */
  const sg_message *const *message;
  const int *from;            /* their senders; NULL in combine */
  struct sg_decoder *decoder; /* for sg_used_row; NULL in combine */
  sg_scratch *scratch;
  /* out */
  double *W; /* count × pieces, row by row; zero on entry. A zero row means that the message is not
                needed and is never encoded. */
  double *bias; /* pieces; 1 on entry: the share of the problem's constant vector, for coded data */
  /* cond1 = 1, flops = 0, alpha_error and alpha_sum = NAN on entry. flops is what a fresh pattern
   * costs, tables and caches apart: simulated decode times must not depend on what another run has
   * put into a cache. */
  sg_decode_info *info;
};

/* The row of message i, encoded on first use. NULL: no memory, or a mistake in the row; return
 * SG_NO_MEMORY in either case, the framework tells them apart. */
const sg_row *sg_used_row(const sg_used *used, int i);

/* Workspace for `weights`, aligned for any type, not cleared; valid until it returns or asks again.
 * It is kept by the decoder, so that a decode allocates nothing. NULL: no memory. */
void *sg_used_scratch(const sg_used *used, size_t bytes);

/* Finds weights for one code: default least squares, checks, a bounded cache of patterns, rows. One
 * per thread and code; not shared. Its memory grows to a maximum in the first rounds. */
typedef struct sg_decoder sg_decoder;
sg_decoder *sg_decoder_new(const sg_code *code);
void sg_decoder_free(sg_decoder *decoder);

typedef struct sg_weights {
  int count, pieces;
  const double *w;    /* count × pieces, row-major */
  const double *bias; /* pieces */
  sg_decode_info info;
} sg_weights;

/* Weights of `count` messages of a segment. *weights stays valid until the next call. Non-finite
 * weights are refused (SG_UNDECODABLE). state: the code's state in the run (sg_protocol_state). */
sg_status sg_decoder_weights(sg_decoder *decoder, const void *state, int segment, int count,
                             const sg_message *const *message, sg_weights *weights, sg_error *e);

/* The row of message i of the last sg_decoder_weights call; encoded now if it was not before. NULL:
 * see sg_decoder_fail. Valid until the next sg_decoder_weights. */
const sg_row *sg_decoder_row(sg_decoder *decoder, int i);

/* α of the last sg_decoder_weights call, pieces × (parts · pieces): of each piece of what is
 * decoded the coefficients of all pieces of the parts' gradients. Not with coded parts. O(terms of
 * the rows). NULL: see sg_decoder_fail. Valid until the next sg_decoder_weights. */
const double *sg_decoder_alpha(sg_decoder *decoder);

/* The fault of a decoder that had no row: SG_NO_MEMORY, or SG_BUG naming the code. */
sg_status sg_decoder_fail(const sg_decoder *decoder, sg_error *e);

/* How often the pattern cache answered, since the decoder was made. */
void sg_decoder_cache_counts(const sg_decoder *decoder, long *asked, long *found);

#endif
