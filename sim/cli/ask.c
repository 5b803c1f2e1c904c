/* SPDX-License-Identifier: MIT */
/* Asking a database: the frame of compare and query. */
#include "sim/cli/ask.h"
#include "sim/cli/output.h"

#include <stdio.h>

int sg_ask(const sg_call *call,
           sg_status (*question)(sg_db *db, const sg_args *args, sg_buffer *out, sg_error *e)) {
  sg_error e = {0};
  sg_db *db = NULL;
  sg_buffer out = {0};
  sg_status status = sg_db_open(call->args->word[0], SG_OPEN_READ, &db, &e);
  if (!status) status = question(db, call->args, &out, &e);
  if (db) sg_db_close(db, &e);
  for (int i = 0; status && i < e.count; i++)
    fprintf(stderr, "straggle %s: %s\n", call->command->name,
            e.fault[i].message ? e.fault[i].message : "out of memory");
  sg_error_clear(&e);
  if (!status) return sg_print(&out);
  sg_buffer_free(&out);
  return sg_exit_code(status);
}
