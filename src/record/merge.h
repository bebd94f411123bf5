#ifndef MOONLEDGER_RECORD_MERGE_H
#define MOONLEDGER_RECORD_MERGE_H

#include "record/record.h"

/* The same request again: what becomes of a row when a later record has its id.  The result does
 * not depend on the order in which records with different times arrive:
 *
 * - a column is taken from the record that told it and ranks highest: one of a closing event
 *   before others, then the later by its own time, which says when what it tells of had ended, then
 *   the one that arrived later;
 * - cost, and the columns made with it (schema.lua, cost), go by how good the cost is before all
 *   that, then by how much a computed one is based on;
 * - time is the earliest that was told;
 * - extra goes member by member, each like a column;
 * - what nobody told has no more than its default, which follows from the others. */

enum { STAMP_MOST_BASIS = 127 };

/* One record that a row was made of, as far as the row still has something from it. */
struct stamp {
  int64_t end_us;   /* its time */
  uint64_t columns; /* that the row has from it, bit per column */
  uint32_t members; /* of extra that the row has from it, those that are columns not included */
  uint64_t lost;    /* columns that the schema has lost; their bits are the file's (file/told.h) */
  uint8_t event;
  uint8_t quality; /* of its cost: 0 none, else the better the higher */
  uint8_t basis;   /* how much of what a computed cost depends on it told; a column of the split
                      weighs more than all members of extra */
  bool apart;      /* it told the row's cost, which the row has without that of parts */
};

/* Those of one row, the highest last; it is always there.  Members of the row's extra stand in the
 * same order.  All zeros is an empty list. */
struct told {
  struct stamp *stamps;
  size_t count, cap;
};

struct stamp *told_insert(struct told *told, size_t at, const struct stamp *stamp);
void told_clear(struct told *told);
uint64_t told_columns(const struct told *told); /* by any of them */

/* What r, which is complete, says.  An empty text says nothing.  Its basis is left 0: it matters
 * only where something is merged. */
struct stamp record_stamp(const struct schema *schema, const struct record *r,
                          const struct buf *text);

/* The basis of the stamp of r, or of a row that one record made; 0 for one of the best quality,
 * and for one that says nothing of where its cost is from. */
uint8_t record_basis(const struct schema *schema, const struct record *r, const struct buf *text,
                     const struct stamp *stamp);

enum merge_result {
  MERGE_NOTHING, /* neither row nor told has changed */
  MERGE_TOLD,    /* the row is as it was, and known better */
  MERGE_ROW,
};

/* Makes of a stored row, the last record of its batch, what it is after later.  What it has
 * (present) is then what was told, and its event that of its highest stamp. */
enum merge_result merge_record(struct batch *row, struct told *told, const struct record *later,
                               const struct buf *later_text);

#endif
