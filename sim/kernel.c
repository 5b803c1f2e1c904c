/* SPDX-License-Identifier: MIT */
/* Encode, decode and compare, tile by tile.
 *
 * A tile of every piece of every partial gradient is at hand at once; it is encoded and decoded
 * strip by strip, and compared as a whole. Messages that share terms, as neighbours in a cyclic
 * placement do, are formed up to four at a time; a block of coordinates stays in registers while
 * the loop runs over the terms. Every coordinate is computed by itself, in the order of the terms;
 * squares are added up tile by tile, and the length of a tile follows from the code and the width
 * alone. So the bits of a set do not depend on its company. */
#include "sim/kernel.h"
#include "models/learning/combine.h"
#include "models/learning/simd.h"
#include "sim/core/array.h"
#include "sim/core/linalg.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
  TILE_DOUBLES = 32768, /* partial gradients at hand: 256 KB */
  TILE_LEAST = 128,
  STRIP_DOUBLES = 8192, /* of a strip: 64 KB */
  STRIP_LEAST = 64      /* eight of the widest vectors */
};

enum { OUTS = 4 };

/* A step of a plan: combinations of windows of the same `terms` inputs. */
typedef struct step {
  sg_windows windows;
  int terms;
  int out[OUTS]; /* messages (encode) or pieces (decode) */
  size_t input;  /* first of its inputs in kernel->input */
  size_t coef; /* first of its coefficients in kernel->coef: of one combination, or terms × OUTS */
} step;

/* What is done with one set in each tile: its messages, then its pieces. */
typedef struct plan {
  size_t encode, decode, end; /* in kernel->step */
} plan;

struct sg_kernel {
  plan *plan;
  size_t plan_room;
  step *step;
  size_t steps, step_room;
  long *input; /* piece · items + item, or −1 − message */
  size_t inputs, input_room;
  double *coef;
  size_t coefs, coef_room;
  char *needed; /* of the messages of a set; no longer when a step forms it */
  size_t needed_room;
  int *after, *begins; /* of each piece · items + item a list of the needed messages whose first
                        * term it is: begins[key], after[message]; −1: the end */
  size_t after_room, begins_room;
  /* A tile. */
  const double **tile; /* pieces × items */
  size_t tile_room;
  const double **x; /* inputs of a step */
  size_t x_room;
  double *room, *y; /* y, aligned: messages, then the decoded pieces where some are short */
  size_t room_room;
  double *padded; /* tiles of short pieces, with the zeros that stand past their end */
  size_t padded_room;
  double *square; /* four sums of squares per summed item */
  size_t square_room;
};

sg_kernel *sg_kernel_new(void) {
  return calloc(1, sizeof(sg_kernel));
}

void sg_kernel_free(sg_kernel *k) {
  if (!k) return;
  free(k->plan);
  free(k->step);
  free(k->input);
  free(k->coef);
  free(k->needed);
  free(k->after);
  free(k->begins);
  free(k->tile);
  free(k->x);
  free(k->room);
  free(k->padded);
  free(k->square);
  free(k);
}

/* --- Plans ------------------------------------------------------------------------------------ */

static int n_links(const sg_kernel_set *s, int i) {
  return s->link_start ? s->link_start[i + 1] - s->link_start[i] : 0;
}

static bool has_weight(const sg_kernel_set *s, int i) {
  for (int q = 0; q < s->pieces; q++)
    if (s->weight[(long)i * s->pieces + q] != 0) return true;
  return false;
}

static bool is_formed(const sg_kernel_set *s, int i) {
  return s->payload && s->payload[i];
}

/* Only messages that are used, or that a used relay is made of, are formed. */
static void find_needed(const sg_kernel_set *s, char *needed) {
  for (int i = 0; i < s->n_messages; i++) needed[i] = has_weight(s, i) && !is_formed(s, i);
  for (int i = s->n_messages - 1; i >= 0; i--)
    for (int t = 0; needed[i] && t < n_links(s, i); t++) {
      int input = s->link[s->link_start[i] + t].message;
      assert(input >= 0 && input < i);
      needed[input] = !is_formed(s, input);
    }
}

/* A new step with room for its terms, and one (there is an array without terms, too); NULL: no
 * memory. */
static step *add_step(sg_kernel *k, int outs, int terms) {
  size_t coefs = (size_t)terms * (outs == 1 ? 1 : OUTS);
  if (!SG_ROOM(k->step, k->step_room, k->steps + 1) ||
      !SG_ROOM(k->input, k->input_room, k->inputs + (size_t)terms + 1) ||
      !SG_ROOM(k->coef, k->coef_room, k->coefs + coefs + 1) || !SG_ROOM(k->x, k->x_room, terms))
    return NULL;
  step *p = &k->step[k->steps++];
  *p = (step){.windows.outs = outs, .terms = terms, .input = k->inputs, .coef = k->coefs};
  k->inputs += (size_t)terms;
  k->coefs += coefs;
  return p;
}

static int n_terms(const sg_kernel_set *s, int message) {
  return s->term_start[message + 1] - s->term_start[message];
}

static long key_of(const sg_kernel_term *t, int n_items) {
  return (long)t->piece * n_items + t->item;
}

/* Messages that come together, whose terms are windows of those of all of them. */
typedef struct company {
  int count, message[OUTS], first[OUTS];
} company;

/* The first needed message that begins with term `at` of the last of the company and has the same
 * terms from there to the end of one of them, or −1. It leaves its list. */
static int take_next(sg_kernel *k, const sg_kernel_set *s, int n_items, const company *c, int at) {
  int last = c->message[c->count - 1], rest = n_terms(s, last) - at;
  const sg_kernel_term *with = s->term + s->term_start[last] + at;
  for (int *link = &k->begins[key_of(with, n_items)]; *link >= 0; link = &k->after[*link]) {
    int j = *link, n = n_terms(s, j), t = 1;
    const sg_kernel_term *term = s->term + s->term_start[j];
    while (t < rest && t < n && term[t].item == with[t].item && term[t].piece == with[t].piece) t++;
    if (t < rest) continue;
    *link = k->after[j];
    return j;
  }
  return -1;
}

/* Messages with no relay among them are found by their first terms. */
static void find_company(sg_kernel *k, const sg_kernel_set *s, int n_items, company *c) {
  for (int shift = 0; c->count < OUTS && shift < n_terms(s, c->message[c->count - 1]);) {
    int j = take_next(k, s, n_items, c, shift);
    if (j < 0) {
      shift++;
      continue;
    }
    c->first[c->count] = c->first[c->count - 1] + shift;
    c->message[c->count++] = j;
    shift = 0;
  }
}

/* The messages of a company, or one alone with its links. */
static bool plan_messages(sg_kernel *k, const sg_kernel_set *s, int n_items, const company *c) {
  int last = c->count - 1, terms = c->first[last] + n_terms(s, c->message[last]);
  int links = n_links(s, c->message[0]), wide = c->count == 1 ? 1 : OUTS;
  step *p = add_step(k, c->count, terms + links);
  if (!p) return false;
  long *input = k->input + p->input;
  double *coef = k->coef + p->coef;
  for (int j = 0; j < c->count; j++) {
    const sg_kernel_term *term = s->term + s->term_start[c->message[j]];
    int n = n_terms(s, c->message[j]);
    p->out[j] = c->message[j];
    p->windows.first[j] = c->first[j];
    p->windows.end[j] = c->first[j] + n + links;
    k->needed[c->message[j]] = 0;
    for (int t = 0; t < n; t++) {
      assert((unsigned)term[t].item < (unsigned)n_items &&
             (unsigned)term[t].piece < (unsigned)s->pieces);
      input[c->first[j] + t] = key_of(&term[t], n_items);
      coef[(c->first[j] + t) * wide + j] = term[t].coef;
    }
  }
  sg_windows_cut(&p->windows);
  for (int t = 0; t < links; t++) { /* relays come one at a time */
    const sg_kernel_link *link = &s->link[s->link_start[c->message[0]] + t];
    input[terms + t] = -1 - (long)link->message;
    coef[terms + t] = link->coef;
  }
  return true;
}

/* Lists the needed messages that are no relays by their first terms. */
static bool list_messages(sg_kernel *k, const sg_kernel_set *s, int n_items) {
  long keys = (long)n_items * s->pieces;
  if (!SG_ROOM(k->after, k->after_room, s->n_messages) ||
      !SG_ROOM(k->begins, k->begins_room, keys + 1))
    return false;
  for (long i = 0; i < keys; i++) k->begins[i] = -1;
  for (int i = s->n_messages - 1; i >= 0; i--) {
    if (!k->needed[i] || n_links(s, i) > 0 || n_terms(s, i) == 0) continue;
    int *list = &k->begins[key_of(s->term + s->term_start[i], n_items)];
    k->after[i] = *list;
    *list = i;
  }
  return true;
}

/* out_of: the messages to form, NULL: those that the set needs. */
static bool plan_encode(sg_kernel *k, const sg_kernel_set *s, int n_items, double *const *out_of) {
  int n = s->n_messages;
  if (!SG_ROOM(k->needed, k->needed_room, n + 1)) return false;
  if (!out_of) find_needed(s, k->needed);
  for (int i = 0; out_of && i < n; i++) k->needed[i] = out_of[i] != NULL;
  if (!list_messages(k, s, n_items)) return false;
  /* Relays come after all others, in their own order: their inputs stand before them. */
  for (int relays = 0; relays < 2; relays++)
    for (int i = 0; i < n; i++) {
      if (!k->needed[i] || (n_links(s, i) > 0) != relays) continue;
      company c = {.count = 1, .message = {i}};
      if (!relays && n_terms(s, i) > 0) {
        /* It is the first of its list: those before it have been formed. */
        k->begins[key_of(s->term + s->term_start[i], n_items)] = k->after[i];
        find_company(k, s, n_items, &c);
      }
      if (!plan_messages(k, s, n_items, &c)) return false;
    }
  return true;
}

/* Pieces first … first + outs − 1 from the messages with a weight there. */
static bool plan_pieces(sg_kernel *k, const sg_kernel_set *s, int first, int outs) {
  int terms = 0, wide = outs == 1 ? 1 : OUTS;
  step *p = add_step(k, outs, s->n_messages);
  if (!p) return false;
  for (int j = 0; j < outs; j++) p->out[j] = first + j;
  for (int i = 0; i < s->n_messages; i++) {
    const double *w = s->weight + (long)i * s->pieces + first;
    bool used = false;
    for (int j = 0; j < outs; j++) used = used || w[j] != 0;
    if (!used) continue;
    k->input[p->input + (size_t)terms] = -1 - (long)i;
    for (int j = 0; j < outs; j++) k->coef[p->coef + (size_t)(terms * wide + j)] = w[j];
    terms++;
  }
  p->terms = terms;
  for (int j = 0; j < outs; j++) p->windows.end[j] = terms;
  sg_windows_cut(&p->windows);
  return true;
}

static bool make_plan(sg_kernel *k, const sg_kernel_set *s, int n_items, plan *p) {
  p->encode = k->steps;
  if (!plan_encode(k, s, n_items, NULL)) return false;
  p->decode = k->steps;
  for (int q = 0; q < s->pieces;) {
    int outs = s->pieces - q < OUTS ? s->pieces - q : OUTS;
    if (!plan_pieces(k, s, q, outs)) return false;
    q += outs;
  }
  p->end = k->steps;
  return true;
}

/* --- The sum to compare with ------------------------------------------------------------------ */

typedef struct totals {
  sg_v4 error2, sum2, norm2, dot;
} totals;

/* Adds the squares of n coordinates of each vector to its four sums; returns a bound of their
 * coordinates, times coef (NULL: 1): the greatest norm. */
static SG_CLONES_OF(double, add_squares,
                    (int items, const double *const *x, const double *coef, long n, double *square),
                    (items, x, coef, n, square)) {
  double bound = 0;
  for (int t = 0; t < items; t++, square += 4) {
    const double *v = x[t];
    sg_v4 a = AT(square, 0), b = SG_V4(0.0), c = b, d = b, last = b;
    long i = 0;
    for (; i + 16 <= n; i += 16) {
      sg_v4 p = AT(v, i), q = AT(v, i + 4), r = AT(v, i + 8), s = AT(v, i + 12);
      a += p * p, b += q * q, c += r * r, d += s * s;
    }
    for (; i + 4 <= n; i += 4) {
      sg_v4 p = AT(v, i);
      a += p * p;
    }
    if (i < n) memcpy(&last, v + i, (size_t)(n - i) * sizeof *v);
    a += last * last;
    sg_v4 sum = (a + b) + (c + d);
    TO(square, 0) = sum;
    double norm = sg_v4_sum(&sum);
    if (coef) norm = sqrt(norm) * fabs(coef[t]);
    bound = norm > bound || isnan(norm) ? norm : bound;
  }
  return coef ? bound : sqrt(bound); /* one root for all takes the time of one */
}

/* A power of two so far above the sum of `items` numbers, each at most `bound` in size, that the
 * sum of it and them stays within a factor of two of it. */
static double anchor_of(int items, double bound) {
  double need = 4.0 * (items + 1) * bound;
  if (!isfinite(need)) return NAN;
  int exponent;
  frexp(need, &exponent);
  /* Numbers that are tiny beside the anchor are kept exactly, so a floor does no harm. */
  return ldexp(1, exponent < -500 ? -500 : exponent);
}

/* s + e is anchor + the sum so far. |s| ≥ |x| always, so Dekker's fast two-sum keeps all that
 * rounding drops from s. */
#define ADD(s, e, x)                                                                               \
  do {                                                                                             \
    __typeof__(s) t_ = s + (x);                                                                    \
    e += (x) - (t_ - s);                                                                           \
    s = t_;                                                                                        \
  } while (0)

/* s: the anchor taken out, exactly. */
SG_INLINE void compare_four(const sg_v4 *g, const sg_v4 *s, const sg_v4 *e, const sg_v4 *previous,
                            totals *t) {
  sg_v4 difference = (*g - *s) - *e, sum = *s + *e;
  t->error2 += difference * difference;
  t->sum2 += sum * sum;
  t->norm2 += *g * *g;
  t->dot += *g * *previous;
}

/* n coordinates of a decoded piece g against Σ coef · x in compensated arithmetic (the products
 * with coef, which is NULL for the plain sum, are rounded). previous may be NULL. */
static SG_CLONES(compare,
                 (int items, const double *const *x, const double *coef, double anchor,
                  const double *g, const double *previous, long n, totals *total),
                 (items, x, coef, anchor, g, previous, n, total)) {
  const sg_v4 zero = SG_V4(0.0), base = SG_V4(anchor);
  totals sums = *total;
  long i = 0;
  for (; wide && i + 32 <= n; i += 32) {
    const sg_v8 base8 = {anchor, anchor, anchor, anchor, anchor, anchor, anchor, anchor};
    sg_v8 s0 = base8, s1 = base8, s2 = base8, s3 = base8, e0 = {0}, e1 = {0}, e2 = {0}, e3 = {0};
    for (int t = 0; t < items; t++) {
      sg_v8 u = AT8(x[t], i), v = AT8(x[t], i + 8), w = AT8(x[t], i + 16), z = AT8(x[t], i + 24);
      if (coef) u *= coef[t], v *= coef[t], w *= coef[t], z *= coef[t];
      ADD(s0, e0, u);
      ADD(s1, e1, v);
      ADD(s2, e2, w);
      ADD(s3, e3, z);
    }
    const sg_v8 s[4] = {s0 - base8, s1 - base8, s2 - base8, s3 - base8}, e[4] = {e0, e1, e2, e3};
    /* Squares are added by fours, on every processor. */
    for (int k = 0; k < 8; k++) {
      sg_v4 p = zero, u = AT(g, i + 4 * k), sum = AT((const double *)s, 4 * k),
            rest = AT((const double *)e, 4 * k);
      if (previous) p = AT(previous, i + 4 * k);
      compare_four(&u, &sum, &rest, &p, &sums);
    }
  }
  for (; i + 16 <= n; i += 16) {
    sg_v4 s[4] = {base, base, base, base}, e[4] = {zero, zero, zero, zero};
    for (int t = 0; t < items; t++) {
      sg_v4 u = AT(x[t], i), v = AT(x[t], i + 4), w = AT(x[t], i + 8), z = AT(x[t], i + 12);
      if (coef) u *= coef[t], v *= coef[t], w *= coef[t], z *= coef[t];
      ADD(s[0], e[0], u);
      ADD(s[1], e[1], v);
      ADD(s[2], e[2], w);
      ADD(s[3], e[3], z);
    }
    for (int k = 0; k < 4; k++) {
      sg_v4 p = zero, u = AT(g, i + 4 * k);
      if (previous) p = AT(previous, i + 4 * k);
      s[k] -= base;
      compare_four(&u, &s[k], &e[k], &p, &sums);
    }
  }
  for (; i < n; i += 4) { /* what is left, with zeros past the end */
    size_t size = (size_t)(n - i < 4 ? n - i : 4) * sizeof(double);
    sg_v4 s = base, e = zero, p = zero, u = zero, v = zero;
    for (int t = 0; t < items; t++) {
      memcpy(&u, x[t] + i, size);
      if (coef) u *= coef[t];
      ADD(s, e, u);
    }
    if (previous) memcpy(&p, previous + i, size);
    memcpy(&v, g + i, size);
    s -= base;
    compare_four(&v, &s, &e, &p, &sums);
  }
  *total = sums;
}

/* --- Tiles ------------------------------------------------------------------------------------ */

/* The sets that share tiles, and the tile they are at. */
typedef struct tiling {
  sg_kernel *k;
  const sg_problem *problem;
  sg_workspace *ws;
  int n_items, pieces;
  long begin, end, length; /* of the segment; of a piece */
  long tile;
  long at, n; /* coordinates at … at + n − 1 of each piece */
  long strip; /* the most coordinates of a strip */
} tiling;

/* How many of the tile's coordinates piece q has; the rest is padding. */
static long available(const tiling *t, int q) {
  long rest = t->end - (t->begin + q * t->length + t->at);
  return rest < 0 ? 0 : rest < t->n ? rest : t->n;
}

/* Copies a short piece's tile to where zeros can follow it. */
static void pad(const tiling *t, int q, long rest) {
  sg_kernel *k = t->k;
  const double **tile = k->tile + (long)q * t->n_items;
  double *to = k->padded + (long)q * t->n_items * t->n;
  for (int i = 0; i < t->n_items; i++, to += t->n) {
    if (rest > 0) memcpy(to, tile[i], (size_t)rest * sizeof *to);
    memset(to + rest, 0, (size_t)(t->n - rest) * sizeof *to);
    tile[i] = to;
  }
}

static sg_status fetch_tile(const tiling *t) {
  sg_kernel *k = t->k;
  bool full = available(t, t->pieces - 1) == t->n;
  if (!full && !SG_ROOM(k->padded, k->padded_room, (long)t->pieces * t->n_items * t->n))
    return SG_NO_MEMORY;
  for (int q = 0; q < t->pieces; q++) {
    long n = available(t, q), from = t->begin + q * t->length + t->at;
    if (n > 0) {
      sg_status status =
          sg_problem_tile(t->problem, t->ws, q, from, from + n, k->tile + (long)q * t->n_items);
      if (status) return status;
    }
    if (n < t->n) pad(t, q, n);
  }
  return SG_OK;
}

/* Coordinates at … at + n − 1 of the strip that begins at `from` in the tile; outputs to
 * y + out · stride, where the strip's begin. */
static void run_step(const tiling *t, const step *p, const double *const *payload, long from,
                     long at, long n, double *y, long stride) {
  sg_kernel *k = t->k;
  const long *input = k->input + p->input;
  for (int i = 0; i < p->terms; i++)
    k->x[i] = input[i] < 0 ? k->y + (-1 - input[i]) * t->strip + at : k->tile[input[i]] + from + at;
  for (int i = 0; payload && i < p->terms; i++)
    if (input[i] < 0 && payload[-1 - input[i]])
      k->x[i] = payload[-1 - input[i]] + t->at + from + at;
  if (p->windows.outs == 1) {
    sg_combine(p->terms, k->x, k->coef + p->coef, y + p->out[0] * stride + at, n, 0);
    return;
  }
  double *out[OUTS];
  for (int j = 0; j < p->windows.outs; j++) out[j] = y + p->out[j] * stride + at;
  sg_combine_windows(&p->windows, k->x, k->coef + p->coef, out, n);
}

/* Adds the piece's squares to k->square, too. */
static void compare_piece(const tiling *t, const sg_kernel_set *s, int q, totals *total) {
  sg_kernel *k = t->k;
  long from = s->begin + q * t->length + t->at, n = available(t, q);
  for (int i = 0; i < s->n_sum; i++) {
    assert((unsigned)s->sum_item[i] < (unsigned)t->n_items);
    k->x[i] = k->tile[(long)q * t->n_items + s->sum_item[i]];
  }
  double bound = add_squares(s->n_sum, k->x, s->sum_coef, n, k->square);
  compare(s->n_sum, k->x, s->sum_coef, anchor_of(s->n_sum, bound), s->decoded + from,
          s->previous ? s->previous + from : NULL, n, total);
}

/* Adds the piece's share of the constant vector. */
static void add_constant(const tiling *t, const sg_kernel_set *s, int q, long n) {
  long from = s->begin + q * t->length + t->at;
  const double *constant = s->constant + from;
  if (s->bias[q] != 0) sg_combine(1, &constant, &s->bias[q], s->decoded + from, n, 1);
}

/* After each of the steps of a strip: a share of what the same strip of the next tile will read. */
static void ask_ahead(const tiling *t, long from, long n, int share, int shares) {
  if (!t->problem->type->ahead) return;
  for (int q = 0; q < t->pieces; q++) {
    long next = t->at + t->n + from;
    if (next + n <= t->length)
      sg_problem_ahead(t->problem, t->begin + q * t->length + next, n, share, shares);
  }
}

/* A stretch of a strip, after which there is time to ask for what is next: the more messages a step
 * has, the shorter. */
static long stretch_of(const step *form, long n) {
  long least = (n - 1) / form->windows.outs / STRIP_LEAST * STRIP_LEAST + STRIP_LEAST;
  return least < n ? least : n;
}

/* Encodes and decodes coordinates from … from + n − 1 of a tile, at most a strip: each message is
 * made of several rows, and each row is in several messages, all of which meet here in the
 * first-level cache. Decoded pieces go to y + piece · stride. */
static void decode_strip(const tiling *t, const plan *p, const sg_kernel_set *s, long from, long n,
                         double *y, long stride) {
  sg_kernel *k = t->k;
  const sg_compressor *c = s->compressor;
  int share = 0, shares = 0;
  for (size_t i = p->encode; i < p->decode; i++) {
    long stretch = stretch_of(&k->step[i], n);
    shares += (int)((n + stretch - 1) / stretch);
  }
  for (size_t i = p->encode; i < p->decode; i++) {
    const step *form = &k->step[i];
    long stretch = stretch_of(form, n);
    for (long at = 0; at < n; at += stretch) {
      long m = n - at < stretch ? n - at : stretch;
      run_step(t, form, s->payload, from, at, m, k->y, t->strip);
      ask_ahead(t, from, n, share++, shares);
    }
    if (c && c->type->round)
      for (int j = 0; j < form->windows.outs; j++)
        c->type->round(c->state, n, k->y + form->out[j] * t->strip);
  }
  for (size_t i = p->decode; i < p->end; i++)
    run_step(t, &k->step[i], s->payload, from, 0, n, y, stride);
}

static void decode_tile(const tiling *t, const plan *p, sg_kernel_set *s) {
  sg_kernel *k = t->k;
  assert(!sg_compressor_whole(s->compressor) || p->encode == p->decode);
  /* Where a piece is short, what is past its end must not be written. */
  bool full = available(t, t->pieces - 1) == t->n;
  double *spare = k->y + s->n_messages * t->strip;
  for (long from = 0; from < t->n; from += t->strip) {
    long n = t->n - from < t->strip ? t->n - from : t->strip;
    if (full)
      decode_strip(t, p, s, from, n, s->decoded + s->begin + t->at + from, t->length);
    else
      decode_strip(t, p, s, from, n, spare + from, t->tile);
  }
  totals total = {SG_V4(0.0), SG_V4(0.0), SG_V4(0.0), SG_V4(0.0)};
  memset(k->square, 0, 4 * (size_t)s->n_sum * sizeof *k->square);
  for (int q = 0; q < s->pieces; q++) {
    long n = available(t, q);
    if (n == 0) continue;
    if (!full)
      memcpy(s->decoded + s->begin + q * t->length + t->at, spare + q * t->tile,
             (size_t)n * sizeof(double));
    if (s->constant) add_constant(t, s, q, n);
    compare_piece(t, s, q, &total);
  }
  s->error2 += sg_v4_sum(&total.error2);
  s->sum2 += sg_v4_sum(&total.sum2);
  s->norm2 += sg_v4_sum(&total.norm2);
  s->dot_previous += sg_v4_sum(&total.dot);
  for (int i = 0; s->item_norm2 && i < s->n_sum; i++) {
    sg_v4 sum = AT(k->square, 4L * i);
    s->item_norm2[i] += sg_v4_sum(&sum);
  }
}

/* From the code and the width alone, never from the company of a set. */
static long tile_length(const sg_gradient_request *request, int pieces, long length) {
  double at_hand = (double)sg_partition_parts(request->partition) * request->width * pieces;
  long tile = (long)(TILE_DOUBLES / at_hand) / 16 * 16;
  tile = tile < TILE_LEAST ? TILE_LEAST : tile > SG_TILE ? SG_TILE : tile;
  return tile < length ? tile : length;
}

/* As long as the first-level cache allows, to which a strip's rows go back again and again (32 KB
 * or more; its messages, about half of a strip, are read once more): shorter strips are more calls.
 * The bits do not depend on where a tile is cut. */
static long strip_length(const sg_gradient_request *request, int pieces, int messages, long tile) {
  long rows = (long)sg_partition_parts(request->partition) * pieces + messages;
  long strip = STRIP_DOUBLES / rows / STRIP_LEAST * STRIP_LEAST;
  strip = strip < STRIP_LEAST ? STRIP_LEAST : strip;
  return strip < tile ? strip : tile;
}

static bool shares_tiles(const sg_kernel_set *a, const sg_kernel_set *b) {
  return a->begin == b->begin && a->end == b->end && a->pieces == b->pieces;
}

static tiling tiles_of(sg_kernel *k, const sg_problem *problem, sg_workspace *ws,
                       const sg_gradient_request *request, const sg_kernel_set *set) {
  long length = (set->end - set->begin + set->pieces - 1) / set->pieces;
  return (tiling){.k = k,
                  .problem = problem,
                  .ws = ws,
                  .n_items = request->n_items,
                  .pieces = set->pieces,
                  .begin = set->begin,
                  .end = set->end,
                  .length = length,
                  .tile = tile_length(request, set->pieces, length)};
}

/* From a line of the cache on, so that no vector lies across two. */
static bool room_for_y(sg_kernel *k, long count) {
  enum { LINE = 64 };
  if (!SG_ROOM(k->room, k->room_room, count + LINE / (long)sizeof *k->y)) return false;
  k->y = (double *)(void *)(((uintptr_t)k->room + LINE - 1) / LINE * LINE);
  return true;
}

/* All sets from `first` on that share its tiles. */
static sg_status decode_group(sg_kernel *k, const sg_problem *problem, sg_workspace *ws,
                              const sg_gradient_request *request, int first, int n_sets,
                              sg_kernel_set *set) {
  const sg_kernel_set *model = &set[first];
  assert(model->begin >= 0 && model->begin < model->end && model->end <= problem->length &&
         model->pieces >= 1);
  int pieces = model->pieces, items = request->n_items, messages = 0, sums = 0;
  tiling t = tiles_of(k, problem, ws, request, model);
  k->steps = k->inputs = k->coefs = 0;
  for (int i = first; i < n_sets; i++) {
    sg_kernel_set *s = &set[i];
    if (!shares_tiles(s, model)) continue;
    assert(s->decoded && (s->bias || !s->constant));
    if (!make_plan(k, s, items, &k->plan[i])) return SG_NO_MEMORY;
    s->error2 = s->sum2 = s->norm2 = s->dot_previous = 0;
    messages = s->n_messages > messages ? s->n_messages : messages;
    sums = s->n_sum > sums ? s->n_sum : sums;
  }
  t.strip = strip_length(request, pieces, messages, t.tile);
  if (!room_for_y(k, messages * t.strip + pieces * t.tile) ||
      !SG_ROOM(k->tile, k->tile_room, (long)pieces * items + 1) ||
      !SG_ROOM(k->x, k->x_room, sums) || !SG_ROOM(k->square, k->square_room, 4L * sums + 4))
    return SG_NO_MEMORY;
  for (t.at = 0; t.at < t.length; t.at += t.tile) {
    t.n = t.length - t.at < t.tile ? t.length - t.at : t.tile;
    sg_status status = fetch_tile(&t);
    if (status) return status;
    for (int i = first; i < n_sets; i++)
      if (shares_tiles(&set[i], model)) decode_tile(&t, &k->plan[i], &set[i]);
  }
  return SG_OK;
}

sg_status sg_kernel_decode(sg_kernel *kernel, const sg_problem *problem, sg_workspace *ws,
                           const sg_gradient_request *request, int n_sets, sg_kernel_set *set) {
  if (!SG_ROOM(kernel->plan, kernel->plan_room, n_sets)) return SG_NO_MEMORY;
  for (int i = 0; i < n_sets; i++) {
    int first = 0;
    while (!shares_tiles(&set[first], &set[i])) first++;
    if (first < i) continue; /* done with the first of its group */
    sg_status status = decode_group(kernel, problem, ws, request, i, n_sets, set);
    if (status) return status;
  }
  return SG_OK;
}

sg_status sg_kernel_form(sg_kernel *k, const sg_problem *problem, sg_workspace *ws,
                         const sg_gradient_request *request, const sg_kernel_set *set,
                         double *const *out) {
  tiling t = tiles_of(k, problem, ws, request, set);
  k->steps = k->inputs = k->coefs = 0;
  t.strip = strip_length(request, t.pieces, set->n_messages, t.tile);
  if (!plan_encode(k, set, t.n_items, out) || !room_for_y(k, set->n_messages * t.strip) ||
      !SG_ROOM(k->tile, k->tile_room, (long)t.pieces * t.n_items + 1))
    return SG_NO_MEMORY;
  for (t.at = 0; t.at < t.length; t.at += t.tile) {
    t.n = t.length - t.at < t.tile ? t.length - t.at : t.tile;
    sg_status status = t.n_items > 0 ? fetch_tile(&t) : SG_OK;
    if (status) return status;
    for (long from = 0; from < t.n; from += t.strip)
      for (size_t i = 0; i < k->steps; i++) {
        const step *p = &k->step[i];
        long n = t.n - from < t.strip ? t.n - from : t.strip;
        run_step(&t, p, set->payload, from, 0, n, k->y, t.strip);
        for (int j = 0; j < p->windows.outs; j++)
          memcpy(out[p->out[j]] + t.at + from, k->y + p->out[j] * t.strip,
                 (size_t)n * sizeof(double));
      }
  }
  return SG_OK;
}

/* --- Cost ------------------------------------------------------------------------------------- */

double sg_kernel_decode_flops(const sg_kernel_set *s) {
  long n = (long)s->n_messages * s->pieces;
  double weights = 0, noise = sg_weights_noise(n, s->weight);
  for (long i = 0; i < n; i++) weights += fabs(s->weight[i]) > noise;
  for (int q = 0; s->bias && q < s->pieces; q++) weights += s->bias[q] != 0;
  return 2 * weights * (double)((s->end - s->begin + s->pieces - 1) / s->pieces);
}
