#ifndef MOONLEDGER_STORE_COLD_PART_STREAM_H
#define MOONLEDGER_STORE_COLD_PART_STREAM_H

#include "store/cold/view.h"

/* The rows of one part that count, one after the other in its order: by time, then rowid. */
struct part_stream {
  struct cursor *cursor;   /* on the row's page */
  int64_t from, to;        /* times that are wanted, to excluded; pages beyond are not read */
  size_t group, page, place;
  int64_t time, row;       /* of the row that it stands on */
  bool ended;
};

/* Goes to the first row, or the next.  SQLITE_CORRUPT: view_why(). */
int part_stream_start(struct part_stream *s, struct view *view, struct cursor *cursor,
                      int64_t from, int64_t to);
int part_stream_next(struct part_stream *s, struct view *view);

#endif
