/* SPDX-License-Identifier: MIT */
/* Decode weights: what is common to all codes. */
#include "codes/frame/protocol.h"
#include "codes/frame/stop.h"
#include "sim/core/array.h"
#include "sim/core/linalg.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Columns of a default decoder count as dependent below RANK_TOLERANCE; an exact code's sum as
 * recovered when no coefficient is off by more than RESIDUAL_TOLERANCE. A sum that is out of reach
 * leaves a residual near 1 / √(parts · pieces), far above it. */
static const double RANK_TOLERANCE = 1e-12, RESIDUAL_TOLERANCE = 1e-6;
/* The rank test's weights are taken below this: where elimination loses more digits, least squares
 * may keep them. */
static const double ELIMINATION_TOLERANCE = 1e-10;

/* --- The cache of weights: a hash table whose entries stand in the order of their last use ------
 *
 * Keys are arrival patterns. It is bounded: the pattern that was not asked for longest makes room.
 * All memory is taken at once, in one block. */

enum { MOST_ENTRIES = 1024, FEWEST_ENTRIES = 8, BUCKETS = 2048, NONE = -1 };
static const size_t MOST_BYTES = (size_t)4 << 20;

typedef struct entry {
  uint64_t hash;
  size_t words;
  int chain;        /* the next entry of the same bucket */
  int older, newer; /* in the order of last use */
  sg_decode_info info;
} entry;

typedef struct cache {
  size_t key_words, values;
  int capacity, count, oldest, newest;
  int bucket[BUCKETS];
  uint64_t *key; /* capacity × key_words */
  double *value; /* capacity × values */
  entry entry[]; /* capacity; keys and values stand behind them */
} cache;

/* How many entries of such a key and so many numbers fit. */
static size_t entries_that_fit(size_t key_words, size_t values) {
  return MOST_BYTES / (8 * (key_words + values) + sizeof(entry));
}

/* For keys of up to key_words words and entries of up to `values` numbers. NULL: no memory. */
static cache *cache_new(size_t key_words, size_t values) {
  size_t fit = entries_that_fit(key_words, values);
  size_t capacity = fit < MOST_ENTRIES ? fit : MOST_ENTRIES;
  cache *c = calloc(1, sizeof *c + capacity * (sizeof *c->entry + key_words * sizeof *c->key +
                                               values * sizeof *c->value));
  if (!c) return NULL;
  c->key_words = key_words;
  c->values = values;
  c->capacity = (int)capacity;
  c->oldest = c->newest = NONE;
  for (int i = 0; i < BUCKETS; i++) c->bucket[i] = NONE;
  c->key = (uint64_t *)(void *)(c->entry + capacity);
  c->value = (double *)(void *)(c->key + capacity * key_words);
  return c;
}

static uint64_t mix(uint64_t h, uint64_t word) {
  h = (h ^ word) * 0x9e3779b97f4a7c15u;
  return h ^ h >> 29;
}

/* Two independent chains, as each step waits for the product before it. */
static uint64_t hash_of(const uint64_t *key, size_t words) {
  uint64_t even = words, odd = ~even;
  size_t i = 0;
  for (; i + 1 < words; i += 2) {
    even = mix(even, key[i]);
    odd = mix(odd, key[i + 1]);
  }
  return mix(mix(odd, i < words ? key[i] : 0), even);
}

static void unlink_use(cache *c, int i) {
  entry *x = &c->entry[i];
  *(x->older == NONE ? &c->oldest : &c->entry[x->older].newer) = x->newer;
  *(x->newer == NONE ? &c->newest : &c->entry[x->newer].older) = x->older;
}

static void link_newest(cache *c, int i) {
  entry *x = &c->entry[i];
  x->newer = NONE;
  x->older = c->newest;
  *(c->newest == NONE ? &c->oldest : &c->entry[c->newest].newer) = i;
  c->newest = i;
}

/* The numbers kept under a key, or NULL. */
static const double *cache_find(cache *c, const uint64_t *key, size_t words, sg_decode_info *info) {
  uint64_t hash = hash_of(key, words);
  for (int i = c->bucket[hash % BUCKETS]; i != NONE; i = c->entry[i].chain) {
    const entry *x = &c->entry[i];
    if (x->hash != hash || x->words != words) continue;
    if (memcmp(c->key + (size_t)i * c->key_words, key, words * sizeof *key) != 0) continue;
    unlink_use(c, i);
    link_newest(c, i);
    *info = x->info;
    return c->value + (size_t)i * c->values;
  }
  return NULL;
}

/* The entry that is given up: a fresh one, or the one that was not asked for longest. */
static int vacate(cache *c) {
  if (c->count < c->capacity) return c->count++;
  int i = c->oldest;
  unlink_use(c, i);
  int *at = &c->bucket[c->entry[i].hash % BUCKETS];
  while (*at != i) at = &c->entry[*at].chain;
  *at = c->entry[i].chain;
  return i;
}

/* Room for the numbers of a key that is not there yet and fits. */
static double *cache_add(cache *c, const uint64_t *key, size_t words, const sg_decode_info *info) {
  int i = vacate(c);
  entry *x = &c->entry[i];
  x->hash = hash_of(key, words);
  x->words = words;
  x->info = *info;
  memcpy(c->key + (size_t)i * c->key_words, key, words * sizeof *key);
  int *bucket = &c->bucket[x->hash % BUCKETS];
  x->chain = *bucket;
  *bucket = i;
  link_newest(c, i);
  return c->value + (size_t)i * c->values;
}

/* --- Making ----------------------------------------------------------------------------------- */

struct sg_decoder {
  const sg_code *code;
  int words; /* of mask */
  /* The last call. */
  const void *state;
  const sg_protocol *protocol; /* whose rank test may know weights; NULL */
  int segment, count;
  sg_scratch lists;                     /* where these are: */
  const sg_message **message, **sorted; /* by arrival; by (from, tag) */
  double *w, *sorted_w, *bias;
  uint64_t *key;
  int *order;             /* place in `message` of sorted[i] */
  int *from;              /* senders of sorted[i]; of fresh weights */
  unsigned char *encoded; /* rows that are, by arrival */
  bool simple;            /* at most one message of each node, all with tag 0 */
  bool in_order;          /* sorted and sorted_w are of the last call */
  uint64_t *mask;         /* then: bit set of the senders */
  int *place;             /* and for each of them the place in `message`; nodes + 1 */
  sg_row *row;            /* by arrival; encoded on first use */
  int rows;
  int terms;         /* the longest row so far: all rows get as much room, once and for all */
  const sg_row *bad; /* the row that could not be written; NULL: there was no memory */
  sg_scratch scratch;
  sg_expander expander;
  double *alpha; /* pieces × (parts · pieces) */
  size_t alpha_capacity;
  bool has_alpha; /* of the last call */
  double *share;  /* of parts and coded parts, see make_shares; NULL: not made yet */
  double *size;   /* segments × nodes: row_size of messages, 0: not known; NULL: of none */
  double *dense;  /* a row written out */
  int dense_capacity;
  bool cache_tried;
  cache *cache;
  long asked, found;
};

sg_decoder *sg_decoder_new(const sg_code *code) {
  sg_decoder *d = calloc(1, sizeof *d);
  if (!d) return NULL;
  d->code = code;
  d->words = (code->nodes + 63) / 64;
  d->mask = calloc((size_t)d->words, sizeof *d->mask);
  d->place = calloc((size_t)code->nodes + 1, sizeof *d->place);
  if (d->mask && d->place) return d;
  sg_decoder_free(d);
  return NULL;
}

void sg_decoder_free(sg_decoder *d) {
  if (!d) return;
  for (int i = 0; i < d->rows; i++) sg_row_free(&d->row[i]);
  free(d->row);
  free(d->lists.data);
  free(d->mask);
  free(d->place);
  free(d->scratch.data);
  free(d->alpha);
  free(d->share);
  free(d->size);
  free(d->dense);
  sg_expander_free(&d->expander);
  free(d->cache);
  free(d);
}

/* Room for `count` messages; at the first call at once for one of every node. */
static bool reserve(sg_decoder *d, int count, int pieces) {
  int rows = d->rows;
  if (!SG_ROOM(d->row, d->rows, count > d->code->nodes ? count : d->code->nodes)) return false;
  memset(d->row + rows, 0, (size_t)(d->rows - rows) * sizeof *d->row);
  size_t n = (size_t)d->rows, m = (size_t)pieces, numbers = 2 * n * m + m, words = n + 1;
  void *at = sg_scratch_get(&d->lists, 2 * n * sizeof *d->sorted + numbers * sizeof *d->w +
                                           words * sizeof *d->key + 2 * n * sizeof *d->order + n);
  if (!at) return false;
  d->w = at;
  d->sorted_w = d->w + n * m;
  d->bias = d->sorted_w + n * m;
  d->key = (uint64_t *)(void *)(d->bias + m);
  d->message = (const sg_message **)(void *)(d->key + words);
  d->sorted = d->message + n;
  d->order = (int *)(void *)(d->sorted + n);
  d->from = d->order + n;
  d->encoded = (unsigned char *)(d->from + n);
  return true;
}

/* --- Rows and workspace ----------------------------------------------------------------------- */

const sg_row *sg_decoder_row(sg_decoder *d, int i) {
  sg_row *row = &d->row[i];
  if (d->encoded[i]) return row;
  if (!SG_ROOM(row->term, row->terms_capacity, d->terms)) return NULL;
  if (!sg_encode(d->code, d->state, d->message[i], row)) {
    d->bad = row;
    return NULL;
  }
  if (row->terms_capacity > d->terms) d->terms = row->terms_capacity;
  d->encoded[i] = 1;
  return row;
}

sg_status sg_decoder_fail(const sg_decoder *d, sg_error *e) {
  return d->bad ? sg_row_fail(d->code, d->bad, e) : sg_fail_memory(e);
}

const sg_row *sg_used_row(const sg_used *used, int i) {
  return sg_decoder_row(used->decoder, used->decoder->order[i]);
}

void *sg_used_scratch(const sg_used *used, size_t bytes) {
  return sg_scratch_get(used->scratch, bytes);
}

/* --- The canonical order ---------------------------------------------------------------------- */

static bool goes_before(const sg_message *a, const sg_message *b) {
  return a->from != b->from ? a->from < b->from : a->tag < b->tag;
}

/* Takes the messages in; the bit set of senders is all that a cached pattern needs. */
static void take_messages(sg_decoder *d, const sg_message *const *message) {
  d->simple = true;
  memset(d->mask, 0, (size_t)d->words * sizeof *d->mask);
  for (int i = 0; i < d->count; i++) {
    const sg_message *m = d->message[i] = message[i];
    uint64_t *word = &d->mask[m->from >> 6], bit = (uint64_t)1 << (m->from & 63);
    d->simple &= m->tag == 0 && !(*word & bit);
    *word |= bit;
    d->place[m->from] = i;
  }
}

static void sort_simple(sg_decoder *d) {
  int at = 0;
  for (int k = 0; k < d->words; k++)
    for (uint64_t left = d->mask[k]; left; left &= left - 1) {
      int i = d->place[64 * k + __builtin_ctzll(left)];
      d->order[at] = i;
      d->sorted[at++] = d->message[i];
    }
}

/* By counting over senders, then by insertion among the few messages of one sender; stable. */
static void sort_messages(sg_decoder *d) {
  if (d->simple) {
    sort_simple(d);
    return;
  }
  enum { FEW = 8 }; /* Without a barrier one of a thousand workers may be all there is. */
  int *first = d->place, nodes = d->code->nodes;
  for (int i = 0; d->count <= FEW && i < d->count; i++) d->order[i] = i;
  if (d->count > FEW) {
    memset(first, 0, ((size_t)nodes + 1) * sizeof *first);
    for (int i = 0; i < d->count; i++) first[d->message[i]->from + 1]++;
    for (int v = 0; v < nodes; v++) first[v + 1] += first[v];
    for (int i = 0; i < d->count; i++) d->order[first[d->message[i]->from]++] = i;
  }
  for (int i = 0; i < d->count; i++) {
    int at = i, moved = d->order[i];
    const sg_message *m = d->message[moved];
    for (; at > 0 && goes_before(m, d->sorted[at - 1]); at--) {
      d->sorted[at] = d->sorted[at - 1];
      d->order[at] = d->order[at - 1];
    }
    d->sorted[at] = m;
    d->order[at] = moved;
  }
}

/* --- Minimum-norm least squares --------------------------------------------------------------- */

/* Adds scale × the row of sorted[i] to dense[part · pieces + piece]. */
static bool expand(sg_decoder *d, int i, double scale, double *dense) {
  if (sg_expand(&d->expander, d->code, d->state, d->sorted[i], scale, dense)) return true;
  d->bad = &d->expander.row;
  return false;
}

static double largest_residual(int rows, int count, int pieces, const double *a, const double *x,
                               int ldx, double *residual) {
  memset(residual, 0, (size_t)rows * (size_t)pieces * sizeof *residual);
  for (int r = 0; r < rows; r++) residual[r + (r % pieces) * rows] = -1;
  cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, rows, pieces, count, 1, a, rows, x, ldx, 1,
              residual, rows);
  double most = 0;
  for (int r = 0; r < rows * pieces; r++) most = fmax(most, fabs(residual[r]));
  return most;
}

/* A: a column per message over (part, piece). X gets the targets: all ones in one piece each. */
static sg_status least_squares(sg_decoder *d, const sg_used *used) {
  sg_decode_info *info = used->info;
  int pieces = d->code->segment[d->segment].pieces, rows = d->code->parts * pieces;
  int count = d->count, ldx = rows > count ? rows : count;
  size_t a_size = (size_t)rows * (size_t)count, x_size = (size_t)ldx * (size_t)pieces;
  double *a = sg_used_scratch(used, (2 * a_size + 2 * x_size) * sizeof *a +
                                        (size_t)count * sizeof(lapack_int));
  if (!a) return SG_NO_MEMORY;
  double *factors = a + a_size, *x = factors + a_size, *residual = x + x_size;
  lapack_int *pivots = (lapack_int *)(void *)(residual + x_size);
  memset(a, 0, a_size * sizeof *a);
  memset(x, 0, x_size * sizeof *x);
  for (int i = 0; i < count; i++)
    if (!expand(d, i, 1, a + (size_t)i * (size_t)rows)) return SG_NO_MEMORY;
  for (int r = 0; r < rows; r++) x[r + r % pieces * ldx] = 1;
  memcpy(factors, a, a_size * sizeof *a);
  sg_status status = sg_least_squares(rows, count, pieces, factors, rows, x, ldx, RANK_TOLERANCE,
                                      pivots, NULL, &info->cond1);
  if (status) return status;
  double n = rows < count ? rows : count, m = rows + count - n;
  info->flops = 2 * n * n * (m - n / 3) + 4.0 * rows * count * pieces;
  if (d->code->exact &&
      !(largest_residual(rows, count, pieces, a, x, ldx, residual) <= RESIDUAL_TOLERANCE))
    return SG_UNDECODABLE;
  for (int i = 0; i < count; i++)
    for (int v = 0; v < pieces; v++) used->W[i * pieces + v] = x[i + v * ldx];
  return SG_OK;
}

/* --- Judging the weights ---------------------------------------------------------------------- */

/* What the gradients of parts and coded parts are expected to be in the square, over that of the
 * whole: rows of the data are taken to be independent, so a part has its share of them, and a
 * combination of c_j times parts the share of one times (Σ c²)², as it has the data twice. */
static bool make_shares(sg_decoder *d) {
  const sg_code *code = d->code;
  if (d->share) return true;
  d->share = malloc(((size_t)code->parts + (size_t)code->coded_parts) * sizeof *d->share);
  if (!d->share) return false;
  for (int p = 0; p < code->parts; p++)
    d->share[p] = sg_code_edge(code, p + 1) - sg_code_edge(code, p);
  for (int c = 0; c < code->coded_parts; c++) {
    double sum = 0;
    for (int k = 0; k < code->coded[c].count; k++)
      sum += code->coded[c].coef[k] * code->coded[c].coef[k];
    d->share[code->parts + c] = sum * sum * d->share[code->coded[c].part[0]];
  }
  return true;
}

/* Σ coefficient² · share of sorted[i], which is kept where it is the same in all rounds: without
 * relays, a protocol of its own and memory of earlier rounds. NAN: its row could not be written. */
static double row_size(sg_decoder *d, int i) {
  const sg_code *code = d->code;
  const sg_message *m = d->sorted[i];
  bool keeps =
      m->tag == 0 && !code->parent && !code->type->on_event && !(code->flags & SG_REMEMBERS);
  if (keeps && !d->size)
    d->size = calloc((size_t)code->segments * (size_t)code->nodes, sizeof *d->size);
  double *kept = keeps && d->size ? &d->size[d->segment * code->nodes + m->from] : NULL, sum = 0;
  if (kept && *kept > 0) return *kept;
  int pieces = code->segment[d->segment].pieces, size = (code->parts + code->coded_parts) * pieces;
  if (m->n_in == 0) {
    const sg_row *row = sg_decoder_row(d, d->order[i]);
    if (!row) return NAN;
    for (int k = 0; k < row->n_terms; k++)
      sum += row->batches * row->term[k].coef * row->term[k].coef * d->share[row->term[k].part];
  } else {
    if (!SG_ROOM(d->dense, d->dense_capacity, size)) return NAN;
    memset(d->dense, 0, (size_t)size * sizeof *d->dense);
    if (!expand(d, i, 1, d->dense)) return NAN;
    for (int j = 0; j < size; j++) sum += d->dense[j] * d->dense[j] * d->share[j / pieces];
  }
  if (kept) *kept = sum;
  return sum;
}

/* sg_decode_info.amplification; NAN if it is not finite. */
static sg_status amplify(sg_decoder *d, int pieces, double *amplification) {
  double sum = 0;
  if (!make_shares(d)) return SG_NO_MEMORY;
  for (int i = 0; i < d->count; i++) {
    double square = 0;
    for (int v = 0; v < pieces; v++)
      square += d->sorted_w[i * pieces + v] * d->sorted_w[i * pieces + v];
    if (square == 0) continue;
    double size = row_size(d, i);
    if (isnan(size)) return SG_NO_MEMORY;
    sum += square * size;
  }
  *amplification = sqrt(sum / pieces);
  return isfinite(sum) ? SG_OK : SG_UNDECODABLE;
}

/* α from the weights in canonical order. */
static bool make_alpha(sg_decoder *d) {
  size_t pieces = (size_t)d->code->segment[d->segment].pieces,
         size = (size_t)d->code->parts * pieces;
  if (d->has_alpha) return true;
  if (!SG_ROOM(d->alpha, d->alpha_capacity, size * pieces)) return false;
  memset(d->alpha, 0, size * pieces * sizeof *d->alpha);
  for (size_t v = 0; v < pieces; v++)
    for (int i = 0; i < d->count; i++) {
      double weight = d->sorted_w[(size_t)i * pieces + v];
      if (weight != 0 && !expand(d, i, weight, d->alpha + v * size)) return false;
    }
  d->has_alpha = true;
  return true;
}

/* Σ (α − target)² over part, piece of the part's gradient and piece of the decoded vector, and the
 * sum of α; not known with coded parts, which no part's gradient is a part of. */
static sg_status judge_alpha(sg_decoder *d, sg_decode_info *info) {
  const sg_code *code = d->code;
  int pieces = code->segment[d->segment].pieces, size = code->parts * pieces;
  if (code->coded_parts || (!isnan(info->alpha_error) && !isnan(info->alpha_sum))) return SG_OK;
  if (!make_alpha(d)) return SG_NO_MEMORY;
  double error = 0, sum = 0;
  for (int v = 0; v < pieces; v++)
    for (int j = 0; j < size; j++) {
      double alpha = d->alpha[v * size + j], off = alpha - (j % pieces == v);
      error += off * off;
      if (j % pieces == v) sum += alpha;
    }
  if (isnan(info->alpha_error)) info->alpha_error = error;
  if (isnan(info->alpha_sum)) info->alpha_sum = sum / pieces;
  return SG_OK;
}

/* What the default round's rank test has solved already. SG_UNDECODABLE: nothing of use. */
static sg_status from_rank_test(sg_decoder *d, const sg_used *used) {
  const sg_code *code = d->code;
  if (!d->protocol || code->type->weights || code->flags & SG_WEIGHTS_PURE) return SG_UNDECODABLE;
  sg_status status = sg_protocol_weights(d->protocol, d->segment, d->count, d->sorted, used->W,
                                         &used->info->cond1, &used->info->flops);
  if (status) return status;
  if (!make_alpha(d)) return SG_NO_MEMORY;
  int pieces = code->segment[d->segment].pieces, size = code->parts * pieces;
  bool small = true;
  for (int v = 0; v < pieces; v++)
    for (int j = 0; j < size; j++)
      small &= fabs(d->alpha[v * size + j] - (j % pieces == v)) <= ELIMINATION_TOLERANCE;
  d->has_alpha = small; /* otherwise there will be other weights */
  return small ? SG_OK : SG_UNDECODABLE;
}

static sg_status fresh_weights(sg_decoder *d, int pieces, sg_decode_info *info) {
  const sg_code *code = d->code;
  sg_used used = {.state = d->state,
                  .segment = d->segment,
                  .count = d->count,
                  .message = d->sorted,
                  .from = d->from,
                  .decoder = d,
                  .scratch = &d->scratch,
                  .W = d->sorted_w,
                  .bias = d->bias,
                  .info = info};
  memset(d->sorted_w, 0, (size_t)d->count * (size_t)pieces * sizeof *d->sorted_w);
  for (int v = 0; v < pieces; v++) d->bias[v] = 1;
  for (int i = 0; i < d->count; i++) d->from[i] = d->sorted[i]->from;
  sg_status status = SG_OK;
  if (code->type->weights)
    status = code->type->weights(code, &used);
  else if ((status = from_rank_test(d, &used)) == SG_UNDECODABLE)
    status = least_squares(d, &used);
  if (!status) status = amplify(d, pieces, &info->amplification);
  if (status) return status;
  if (code->exact) {
    info->alpha_error = 0;
    info->alpha_sum = code->parts;
  }
  return judge_alpha(d, info);
}

/* --- Kept weights ----------------------------------------------------------------------------- */

/* With few entries a cache is of no use. Without memory for one a run fails: how often weights were
 * found in it is in its results. */
static sg_status may_cache(sg_decoder *d, size_t words, size_t values, bool *may) {
  const sg_code *code = d->code;
  *may = false;
  if (!(code->flags & SG_WEIGHTS_PURE)) return SG_OK;
  if (!d->cache_tried) {
    int pieces = 1;
    for (int s = 0; s < code->segments; s++)
      if (code->segment[s].pieces > pieces) pieces = code->segment[s].pieces;
    size_t most = (size_t)(d->count > code->nodes ? d->count : code->nodes) + 1;
    bool of_use = entries_that_fit(most, most * (size_t)pieces) >= FEWEST_ENTRIES;
    if (of_use && !(d->cache = cache_new(most, most * (size_t)pieces))) return SG_NO_MEMORY;
    d->cache_tried = true;
  }
  *may = d->cache && words <= d->cache->key_words && values <= d->cache->values;
  return SG_OK;
}

/* The bit set of the senders, or the list of all (from, tag). */
static void make_key(sg_decoder *d) {
  d->key[0] = (uint64_t)d->segment << 1 | d->simple;
  if (d->simple)
    memcpy(d->key + 1, d->mask, (size_t)d->words * sizeof *d->mask);
  else
    for (int i = 0; i < d->count; i++)
      d->key[i + 1] = (uint64_t)(uint32_t)d->sorted[i]->from << 32 | (uint32_t)d->sorted[i]->tag;
}

/* Kept weights stand in canonical order, those of a simple pattern at their nodes: then a hit needs
 * no sorting. Behind them is the bias. */
static void recall(sg_decoder *d, int pieces, size_t values, const double *kept) {
  for (int i = 0; i < d->count; i++) {
    double *own = d->w + (d->simple ? i : d->order[i]) * pieces;
    const double *from = kept + (d->simple ? d->message[i]->from : i) * pieces;
    for (int v = 0; v < pieces; v++) own[v] = from[v];
  }
  memcpy(d->bias, kept + values - pieces, (size_t)pieces * sizeof *kept);
}

static void keep(const sg_decoder *d, int pieces, size_t values, double *kept) {
  for (int i = 0; i < d->count; i++) {
    double *to = kept + (d->simple ? d->sorted[i]->from : i) * pieces;
    for (int v = 0; v < pieces; v++) to[v] = d->sorted_w[i * pieces + v];
  }
  memcpy(kept + values - pieces, d->bias, (size_t)pieces * sizeof *kept);
}

/* Weights by arrival and the bias, from the cache or made anew. */
static sg_status find_weights(sg_decoder *d, int pieces, sg_decode_info *info) {
  size_t words = (size_t)(d->simple ? d->words : d->count) + 1;
  size_t values = ((size_t)(d->simple ? d->code->nodes : d->count) + 1) * (size_t)pieces;
  bool cached;
  if (may_cache(d, words, values, &cached)) return SG_NO_MEMORY;
  d->in_order = false; /* weights from the cache do not stand in sorted_w */
  if (!cached || !d->simple) sort_messages(d);
  if (cached) {
    make_key(d);
    d->asked++;
    const double *kept = cache_find(d->cache, d->key, words, info);
    if (kept) {
      d->found++;
      recall(d, pieces, values, kept);
      return SG_OK;
    }
    if (d->simple) sort_messages(d);
  }
  sg_status status = fresh_weights(d, pieces, info);
  if (status) return status;
  for (int i = 0; i < d->count; i++)
    for (int v = 0; v < pieces; v++) d->w[d->order[i] * pieces + v] = d->sorted_w[i * pieces + v];
  d->in_order = true;
  if (cached) keep(d, pieces, values, cache_add(d->cache, d->key, words, info));
  return SG_OK;
}

sg_status sg_decoder_weights(sg_decoder *d, const void *state, int segment, int count,
                             const sg_message *const *message, sg_weights *weights, sg_error *e) {
  assert(segment >= 0 && segment < d->code->segments && count >= 0);
  assert(count == 0 || (message[0]->segment == segment && message[count - 1]->segment == segment));
  int pieces = d->code->segment[segment].pieces;
  if (!reserve(d, count, pieces)) return sg_fail_memory(e);
  d->state = state;
  d->segment = segment;
  d->count = count;
  d->bad = NULL;
  d->has_alpha = false;
  /* With a collective the quorum is one of the inner code's messages. */
  int least = d->code->inner ? 1 : sg_stop_least(d->code->policy);
  if (count == 0 || count < least) return SG_UNDECODABLE;
  take_messages(d, message);
  memset(d->encoded, 0, (size_t)count);
  sg_decode_info info = {
      .cond1 = 1, .amplification = NAN, .flops = 0, .alpha_error = NAN, .alpha_sum = NAN};
  sg_status status = find_weights(d, pieces, &info);
  if (status == SG_NO_MEMORY) return sg_decoder_fail(d, e);
  if (status) return status;
  *weights =
      (sg_weights){.count = count, .pieces = pieces, .w = d->w, .bias = d->bias, .info = info};
  return SG_OK;
}

const double *sg_decoder_alpha(sg_decoder *d) {
  int pieces = d->code->segment[d->segment].pieces;
  assert(!d->code->coded_parts);
  if (!d->in_order) {
    sort_messages(d);
    for (int i = 0; i < d->count; i++)
      for (int v = 0; v < pieces; v++) d->sorted_w[i * pieces + v] = d->w[d->order[i] * pieces + v];
    d->in_order = true;
  }
  return make_alpha(d) ? d->alpha : NULL;
}

sg_status sg_decoder_weights_in(sg_decoder *d, const sg_protocol *p, int segment, int count,
                                const sg_message *const *message, sg_weights *weights,
                                sg_error *e) {
  d->protocol = p;
  sg_status status =
      sg_decoder_weights(d, sg_protocol_state(p), segment, count, message, weights, e);
  d->protocol = NULL;
  return status;
}

void sg_decoder_cache_counts(const sg_decoder *d, long *asked, long *found) {
  *asked = d->asked;
  *found = d->found;
}
