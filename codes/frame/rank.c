/* SPDX-License-Identifier: MIT */
/* Incremental elimination of the rows of messages, B = L U by rows: is the sum within reach yet,
 * and with which weights?
 *
 * Row k of U is what the rows before it leave of row k of B, divided by its largest coefficient,
 * the pivot. So the entries of U are at most 1, as with partial pivoting of the transposed matrix,
 * whose stability this has (Higham, Accuracy and Stability of Numerical Algorithms, chapter 9).
 * Row k of L are the factors with which rows were taken off it, and then the pivot. */
#include "codes/frame/rank.h"
#include "sim/core/array.h"
#include "sim/core/linalg.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A row counts as dependent when elimination leaves less than TOLERANCE of its largest coefficient,
 * the target as reached when no more is left of its ones. Rows that are nearly dependent lose
 * digits, so that something may be left of a target within reach: up to MOST counts as nothing
 * where a running estimate of the rounding errors says that it may be. */
static const double TOLERANCE = 1e-9, MOST = 1e-6;

/* Of more columns only those that are set are gone through, in the same order: the same numbers. */
enum { FEW = 256 };

/* Numbers at places that rise: a row of U that is sparse (places are columns) or of L (rows). Of a
 * dense row of U all numbers are there and no places. */
typedef struct entries {
  size_t value, place; /* where they begin */
  int count;
} entries;

typedef struct kept {
  entries lower, upper;
  bool dense; /* upper */
  int pivot;  /* a column */
  double scale;
  double norm1; /* of the message's row */
  double error; /* of a number of its row of U, from rounding */
  sg_message message;
} kept;

struct sg_rank {
  const sg_code *code;
  sg_arena *arena;              /* of what does not grow */
  int segment, pieces, columns; /* columns = parts × pieces */
  int rank, reached;            /* rows kept; targets (pieces) that are spanned */
  kept *row;
  int row_capacity;
  double *value; /* of all rows, and where they stand */
  size_t values, value_capacity;
  int *place;
  size_t places, place_capacity;
  double *work; /* columns: the row that is being eliminated; zero between */
  /* Where columns are many: those of `work` that may be set, and which of the rows before have
   * their pivots there and are still to be taken off: a heap, the first one at the top. */
  int *touched, *waiting;
  int touched_count, waiting_count;
  bool *is_touched; /* NULL: columns are few, and all of them are gone through */
  int *row_of;      /* columns: whose pivot a column is; −1 */
  double *target;   /* pieces × columns: what is left of the all-ones rows */
  double *error;    /* pieces: of a number of these, from rounding */
  int *witness;     /* pieces: a column where something may be left */
  double *reduced;  /* rows kept × pieces: what was taken off the targets */
  size_t reduced_capacity;
  unsigned char *done;
  sg_scratch solve; /* of sg_rank_weights */
  double flops;
  sg_expander expander;
};

sg_rank *sg_rank_new(const sg_code *code, int segment) {
  sg_rank *r = calloc(1, sizeof *r);
  if (!r) return NULL;
  r->code = code;
  r->segment = segment;
  r->pieces = code->segment[segment].pieces;
  r->columns = code->parts * r->pieces;
  size_t n = (size_t)r->columns;
  r->work = sg_arena_alloc(&r->arena, n, sizeof *r->work);
  r->row_of = sg_arena_alloc(&r->arena, n, sizeof *r->row_of);
  r->target = sg_arena_alloc(&r->arena, (size_t)r->pieces * n, sizeof *r->target);
  r->error = sg_arena_alloc(&r->arena, (size_t)r->pieces, sizeof *r->error);
  r->done = sg_arena_alloc(&r->arena, (size_t)r->pieces, 1);
  r->witness = sg_arena_alloc(&r->arena, (size_t)r->pieces, sizeof *r->witness);
  bool ok = r->work && r->row_of && r->target && r->error && r->done && r->witness;
  if (ok && r->columns > FEW) {
    r->touched = sg_arena_alloc(&r->arena, n, sizeof *r->touched);
    r->waiting = sg_arena_alloc(&r->arena, n, sizeof *r->waiting);
    r->is_touched = sg_arena_alloc(&r->arena, n, sizeof *r->is_touched);
    ok = r->touched && r->waiting && r->is_touched;
  }
  if (!ok) {
    sg_rank_free(r);
    return NULL;
  }
  for (int j = 0; j < r->columns; j++) r->row_of[j] = -1;
  sg_rank_clear(r);
  return r;
}

void sg_rank_free(sg_rank *r) {
  if (!r) return;
  sg_arena_free(r->arena);
  free(r->row);
  free(r->value);
  free(r->place);
  free(r->reduced);
  free(r->solve.data);
  sg_expander_free(&r->expander);
  free(r);
}

void sg_rank_clear(sg_rank *r) {
  for (int k = 0; k < r->rank; k++) r->row_of[r->row[k].pivot] = -1;
  r->rank = r->reached = 0;
  r->values = r->places = 0;
  r->flops = 0;
  memset(r->done, 0, (size_t)r->pieces);
  memset(r->error, 0, (size_t)r->pieces * sizeof *r->error);
  memset(r->witness, 0, (size_t)r->pieces * sizeof *r->witness);
  for (int v = 0; v < r->pieces; v++)
    for (int j = 0; j < r->columns; j++) r->target[v * r->columns + j] = j % r->pieces == v ? 1 : 0;
}

/* --- Elimination ------------------------------------------------------------------------------ */

/* Of the row that is being eliminated; the first of equals. */
static int largest(const sg_rank *r) {
  const double *row = r->work;
  int at = 0;
  for (int j = 1; !r->is_touched && j < r->columns; j++)
    if (fabs(row[j]) > fabs(row[at])) at = j;
  for (int i = 0; i < r->touched_count; i++) {
    int j = r->touched[i];
    double own = fabs(row[j]), most = fabs(row[at]);
    if (own > most || (own == most && j < at)) at = j;
  }
  return at;
}

static void wait(sg_rank *r, int row) {
  int at = r->waiting_count++;
  for (; at > 0 && row < r->waiting[(at - 1) / 2]; at = (at - 1) / 2)
    r->waiting[at] = r->waiting[(at - 1) / 2];
  r->waiting[at] = row;
}

static int next_waiting(sg_rank *r) {
  int *heap = r->waiting, first = heap[0], moved = heap[--r->waiting_count], at = 0;
  for (int below; (below = 2 * at + 1) < r->waiting_count; at = below) {
    if (below + 1 < r->waiting_count && heap[below + 1] < heap[below]) below++;
    if (heap[below] >= moved) break;
    heap[at] = heap[below];
  }
  heap[at] = moved;
  return first;
}

static void touch(sg_rank *r, int column) {
  if (r->is_touched[column]) return;
  r->is_touched[column] = true;
  r->touched[r->touched_count++] = column;
  if (r->row_of[column] >= 0) wait(r, r->row_of[column]);
}

/* The columns of row k of U, none of which is the pivot of a row before it. */
static void touch_row(sg_rank *r, int k) {
  const entries *u = &r->row[k].upper;
  for (int j = 0; j < u->count; j++)
    if (!r->row[k].dense)
      touch(r, r->place[u->place + (size_t)j]);
    else if (r->value[u->value + (size_t)j] != 0)
      touch(r, j);
}

static int by_column(const void *a, const void *b) {
  return *(const int *)a - *(const int *)b;
}

/* Puts the columns that are touched in order; of very many by going through all. */
static void order_touched(sg_rank *r) {
  if (r->touched_count < r->columns / 16) {
    qsort(r->touched, (size_t)r->touched_count, sizeof *r->touched, by_column);
    return;
  }
  r->touched_count = 0;
  for (int j = 0; j < r->columns; j++)
    if (r->is_touched[j]) r->touched[r->touched_count++] = j;
}

/* What a message's row has set in `work`. */
static void touch_message(sg_rank *r, const sg_message *message) {
  const sg_row *row = &r->expander.row;
  if (message->n_in == 0)
    for (int i = 0; i < row->n_terms; i++)
      touch(r, row->term[i].part * r->pieces + row->term[i].piece);
  else
    for (int j = 0; j < r->columns; j++)
      if (r->work[j] != 0) touch(r, j);
  order_touched(r);
}

static void clear_work(sg_rank *r) {
  if (!r->is_touched) memset(r->work, 0, (size_t)r->columns * sizeof *r->work);
  for (int i = 0; i < r->touched_count; i++) {
    r->work[r->touched[i]] = 0;
    r->is_touched[r->touched[i]] = false;
  }
  r->touched_count = r->waiting_count = 0;
}

/* x −= factor · row k of U. */
static void take_off(const sg_rank *r, int k, double factor, double *x) {
  const entries *u = &r->row[k].upper;
  const double *value = r->value + u->value;
  const int *place = r->place + u->place;
  if (r->row[k].dense)
    for (int j = 0; j < u->count; j++) x[j] -= factor * value[j];
  else
    for (int j = 0; j < u->count; j++) x[place[j]] -= factor * value[j];
}

/* Takes row k of U, whose pivot is 1, off a row, to whose error it adds; returns the factor. */
static double eliminate(sg_rank *r, int k, double *row, double *error) {
  double factor = row[r->row[k].pivot];
  if (factor == 0) return 0;
  take_off(r, k, factor, row);
  row[r->row[k].pivot] = 0;
  *error += fabs(factor) * (r->row[k].error + DBL_EPSILON);
  r->flops += 2.0 * r->row[k].upper.count;
  return factor;
}

/* Whether more than `most` is left of a target anywhere; mostly where it was the last time. */
static bool is_left(const double *target, int n, double most, int *witness) {
  for (int i = 0; i < n; i++) {
    if (fabs(target[*witness]) > most) return true;
    *witness = *witness + 1 < n ? *witness + 1 : 0;
  }
  return false;
}

static void reduce_targets(sg_rank *r, int k) {
  int n = r->columns;
  for (int v = 0; v < r->pieces; v++) {
    double *target = r->target + (size_t)v * (size_t)n, *factor = &r->reduced[k * r->pieces + v];
    *factor = 0;
    if (r->done[v]) continue;
    *factor = eliminate(r, k, target, &r->error[v]);
    if (is_left(target, n, fmax(TOLERANCE, fmin(MOST, r->error[v])), &r->witness[v])) continue;
    r->done[v] = 1;
    r->reached++;
  }
}

/* Room for one row more. A row of U is sparse while less than half of it is set. */
static bool reserve(sg_rank *r) {
  size_t most = (size_t)r->columns + (size_t)r->rank;
  return SG_ROOM(r->row, r->row_capacity, r->rank + 1) &&
         SG_ROOM(r->reduced, r->reduced_capacity, (size_t)(r->rank + 1) * (size_t)r->pieces) &&
         SG_ROOM(r->value, r->value_capacity, r->values + most) &&
         SG_ROOM(r->place, r->place_capacity, r->places + most);
}

/* What is left of the row becomes a row of U. */
static void keep(sg_rank *r, kept *row) {
  int n = r->columns, count = 0, set = r->is_touched ? r->touched_count : n;
  if (r->is_touched) order_touched(r);
  for (int i = 0; i < set; i++) count += r->work[r->is_touched ? r->touched[i] : i] != 0;
  row->dense = count > n / 2;
  row->upper = (entries){r->values, r->places, row->dense ? n : count};
  for (int i = 0, all = row->dense ? n : set; i < all; i++) {
    int j = row->dense || !r->is_touched ? i : r->touched[i];
    double left = r->work[j];
    if (left == 0 && !row->dense) continue;
    r->value[r->values++] = left / row->scale;
    if (!row->dense) r->place[r->places++] = j;
  }
  r->flops += count;
  r->row_of[row->pivot] = r->rank;
}

static void take_off_row(sg_rank *r, int k, kept *row) {
  double factor = eliminate(r, k, r->work, &row->error);
  if (factor == 0) return;
  if (r->is_touched) touch_row(r, k);
  r->value[row->lower.value + (size_t)row->lower.count] = factor;
  r->place[row->lower.place + (size_t)row->lower.count++] = k;
}

sg_verdict sg_rank_add(sg_rank *r, const void *state, const sg_message *message, bool *failed) {
  int n = r->columns;
  double *work = r->work;
  if (!reserve(r) || !sg_expand(&r->expander, r->code, state, message, 1, work)) {
    memset(work, 0, (size_t)n * sizeof *work);
    *failed = true;
    return SG_WAIT;
  }
  if (r->is_touched) touch_message(r, message);
  kept *row = &r->row[r->rank];
  *row = (kept){.lower = {r->values, r->places, 0}, .message = *message};
  double before = fabs(work[largest(r)]);
  for (int j = 0; !r->is_touched && j < n; j++) row->norm1 += fabs(work[j]);
  for (int i = 0; i < r->touched_count; i++) row->norm1 += fabs(work[r->touched[i]]);
  for (int k = 0; !r->is_touched && k < r->rank; k++) take_off_row(r, k, row);
  while (r->waiting_count > 0) take_off_row(r, next_waiting(r), row);
  row->pivot = largest(r);
  row->scale = work[row->pivot];
  row->error /= fabs(row->scale);
  /* After a refused decode everything is welcome that may mend the arithmetic. */
  bool adds = fabs(row->scale) > TOLERANCE * before;
  if (adds) {
    r->values += (size_t)row->lower.count;
    r->places += (size_t)row->lower.count;
    keep(r, row);
  }
  clear_work(r);
  if (adds) reduce_targets(r, r->rank++);
  return r->reached == r->pieces ? SG_READY : adds ? SG_WAIT : SG_SKIP;
}

/* --- Weights ---------------------------------------------------------------------------------- */

/* x Lᵀ = y in place: y are factors of rows of U, x of rows of B. */
static void weights_of(const sg_rank *r, double *y, int stride) {
  for (int k = r->rank - 1; k >= 0; k--) {
    const kept *row = &r->row[k];
    const double *value = r->value + row->lower.value;
    const int *place = r->place + row->lower.place;
    double x = y[k * stride] /= row->scale;
    for (int i = 0; x != 0 && i < row->lower.count; i++) y[place[i] * stride] -= value[i] * x;
  }
}

/* x ← A_P⁻¹ x: the weights of rows that give x in the pivots. */
static void solve(sg_rank *r, double *x) {
  for (int k = 0; k < r->rank; k++) r->work[r->row[k].pivot] = x[k];
  for (int k = 0; k < r->rank; k++) {
    x[k] = r->work[r->row[k].pivot];
    if (x[k] != 0) take_off(r, k, x[k], r->work);
  }
  memset(r->work, 0, (size_t)r->columns * sizeof *r->work);
  weights_of(r, x, 1);
}

/* x ← A_P⁻ᵀ x = U⁻¹ L⁻¹ x. */
static void solve_transposed(const sg_rank *r, double *x) {
  for (int k = 0; k < r->rank; k++) {
    const kept *row = &r->row[k];
    for (int i = 0; i < row->lower.count; i++)
      x[k] -= r->value[row->lower.value + (size_t)i] * x[r->place[row->lower.place + (size_t)i]];
    x[k] /= row->scale;
  }
  for (int k = r->rank - 1; k >= 0; k--) {
    const kept *row = &r->row[k];
    for (int j = 0; j < row->upper.count; j++) {
      int column = row->dense ? j : r->place[row->upper.place + (size_t)j], at = r->row_of[column];
      if (at > k) x[k] -= r->value[row->upper.value + (size_t)j] * x[at];
    }
  }
}

/* x: 2 · rows kept numbers of workspace. */
static double condition(sg_rank *r, double *x, int *sign) {
  double norm = 0, inverse = 0, *v = x + r->rank;
  lapack_int kase = 0, save[3];
  memset(x, 0, 2 * (size_t)r->rank * sizeof *x); /* LAPACKE looks for NaNs where nothing is yet */
  for (int k = 0; k < r->rank; k++) norm = fmax(norm, r->row[k].norm1);
  do {
    if (LAPACKE_dlacn2(r->rank, v, x, sign, &inverse, &kase, save)) return INFINITY; /* NaNs */
    if (kase == 1) solve(r, x);
    if (kase == 2) solve_transposed(r, x);
  } while (kase);
  return norm * inverse;
}

/* The row of a message: first[v] is the first row of node v, −1 for none, next[k] the next one of
 * the same node. */
static int find(const sg_rank *r, const int *first, const int *next, const sg_message *m) {
  for (int k = first[m->from]; k >= 0; k = next[k]) {
    const sg_message *own = &r->row[k].message;
    if (own->id == m->id && own->tag == m->tag && own->snapshot == m->snapshot) return k;
  }
  return -1;
}

static void index_rows(const sg_rank *r, int *first, int *next) {
  for (int v = 0; v < r->code->nodes; v++) first[v] = -1;
  for (int k = r->rank - 1; k >= 0; k--) {
    int from = r->row[k].message.from;
    next[k] = first[from];
    first[from] = k;
  }
}

sg_status sg_rank_weights(sg_rank *r, int count, const sg_message *const *message, double *W,
                          double *cond1, double *flops) {
  int n = r->rank, pieces = r->pieces;
  if (r->reached < pieces || count != n || n == 0) return SG_UNDECODABLE;
  size_t numbers = (size_t)n * (size_t)(pieces + 1);
  size_t nodes = (size_t)r->code->nodes;
  double *x = sg_scratch_get(&r->solve, numbers * sizeof *x + ((size_t)n + nodes) * sizeof(int));
  if (!x) return SG_NO_MEMORY;
  int *next = (int *)(void *)(x + numbers), *first = next + n;
  *cond1 = condition(r, x, next);
  index_rows(r, first, next);
  memcpy(x, r->reduced, (size_t)n * (size_t)pieces * sizeof *x);
  for (int v = 0; v < pieces; v++) weights_of(r, x + v, pieces);
  for (int i = 0; i < n; i++) {
    int k = find(r, first, next, message[i]);
    if (k < 0) return SG_UNDECODABLE;
    memcpy(W + i * pieces, x + k * pieces, (size_t)pieces * sizeof *W);
  }
  *flops = r->flops;
  for (int k = 0; k < n; k++) *flops += pieces * (2.0 * r->row[k].lower.count + 1);
  return SG_OK;
}
