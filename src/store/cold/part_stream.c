#include "store/cold/part_stream.h"

static bool has_page(const struct part_stream *s) {
  return s->group < parquet_groups(s->cursor->file);
}

static void next_page(struct part_stream *s) {
  s->place = 0;
  if (s->page + 1 < parquet_pages(s->cursor->file, s->group)) {
    s->page++;
  } else {
    s->group++;
    s->page = 0;
  }
}

static bool is_outside(const struct part_stream *s, int time_column) {
  struct parquet_range range;
  struct buf why = {0};
  if (!s->cursor->placed || s->cursor->group != s->group)
    cursor_seek(s->cursor, s->group, s->page);
  bool known = parquet_page_range(s->cursor->reader, s->page, (size_t) time_column, &range, &why);
  buf_clear(&why); /* the page itself will tell what is wrong */
  return known && range.known && (range.max.i < s->from || range.min.i >= s->to);
}

/* The next row that counts, from s->place on. */
static int settle(struct part_stream *s, struct view *view) {
  int time_column = s->cursor->columns[view_schema(view)->time];
  for (; has_page(s); next_page(s)) {
    if (s->place == 0 && is_outside(s, time_column))
      continue;
    cursor_seek(s->cursor, s->group, s->page);
    const struct parquet_vector *times = cursor_get(view, s->cursor, time_column);
    const struct parquet_vector *rows =
        times != NULL ? cursor_get(view, s->cursor, s->cursor->rowid) : NULL;
    if (rows == NULL)
      return SQLITE_CORRUPT;
    for (; s->place < rows->rows; s->place++) {
      s->time = times->integers[s->place];
      s->row = rows->integers[s->place];
      if (cursor_counts(s->cursor, s->time, s->row))
        return SQLITE_OK;
    }
  }
  s->ended = true;
  return SQLITE_OK;
}

int part_stream_start(struct part_stream *s, struct view *view, struct cursor *cursor,
                      int64_t from, int64_t to) {
  *s = (struct part_stream){.cursor = cursor, .from = from, .to = to};
  return settle(s, view);
}

int part_stream_next(struct part_stream *s, struct view *view) {
  s->place++;
  return settle(s, view);
}
