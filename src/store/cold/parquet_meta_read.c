#include <stdlib.h>

#include "base/mem.h"
#include "store/cold/parquet_meta.h"
#include "store/cold/thrift.h"

/* Numbers of fields and of enums are parquet.thrift's.  Each struct is read by a function that
 * loops over its fields and skips those that mean nothing to us. */

static struct thrift_in input(const char *data, size_t len) {
  return (struct thrift_in){(const uint8_t *) data, (const uint8_t *) data + len, false};
}

static char *text_of(struct thrift_in *in, enum thrift_type type) {
  size_t len;
  const char *data = thrift_binary(in, type, &len);
  char *text = xmalloc(len + 1);
  memcpy(text, data, len);
  text[len] = '\0';
  return text;
}

static void read_bound(struct thrift_in *in, enum thrift_type type, struct parquet_bound *bound,
                       bool *ok) {
  size_t len;
  const char *data = thrift_binary(in, type, &len);
  *ok = *ok && type == THRIFT_BINARY && len <= PARQUET_MAX_BOUND;
  if (*ok) {
    bound->len = (uint8_t) len;
    memcpy(bound->bytes, data, len);
  }
}

/* The type of a LogicalType: STRING, TIMESTAMP; 0 of others. */
static int logical_type(struct thrift_in *in, enum thrift_type type) {
  int found = 0;
  if (type != THRIFT_STRUCT) {
    thrift_skip(in, type);
    return 0;
  }
  for (struct thrift_field f = {0}; thrift_next(in, &f);) {
    found = f.number;
    thrift_skip(in, f.type);
  }
  return found;
}

static bool column_type(int64_t physical, int logical, enum parquet_type *type) {
  switch (physical) {
  case 0:
    *type = PARQUET_BOOLEAN;
    return true;
  case 2:
    *type = logical == 8 ? PARQUET_TIME : PARQUET_INTEGER;
    return true;
  case 5:
    *type = PARQUET_DOUBLE;
    return true;
  case 6:
    *type = logical == 1 ? PARQUET_TEXT : PARQUET_BYTES;
    return true;
  default:
    return false;
  }
}

static bool read_column(struct thrift_in *in, struct parquet_column *column, int64_t *children) {
  int64_t physical = -1, repetition = 0;
  int logical = 0;
  for (struct thrift_field f = {0}; thrift_next(in, &f);) {
    if (f.number == 1)
      physical = thrift_integer(in, f.type);
    else if (f.number == 3)
      repetition = thrift_integer(in, f.type);
    else if (f.number == 4 && column->name == NULL)
      column->name = text_of(in, f.type);
    else if (f.number == 5)
      *children = thrift_integer(in, f.type);
    else if (f.number == 10)
      logical = logical_type(in, f.type);
    else
      thrift_skip(in, f.type);
  }
  column->optional = repetition == 1;
  return !in->failed && column->name != NULL && repetition >= 0 && repetition <= 1 &&
         (*children > 0 || column_type(physical, logical, &column->type));
}

/* The root, then a column each. */
static bool read_schema(struct thrift_in *in, enum thrift_type type, struct parquet_meta *meta) {
  struct parquet_column root = {0};
  int64_t children = 0;
  size_t count = thrift_list(in, type, THRIFT_STRUCT);
  if (meta->columns != NULL || count < 2 || count > PARQUET_MAX_COLUMNS + 1)
    return false;
  bool ok = read_column(in, &root, &children) && children == (int64_t) count - 1;
  free((char *) root.name);
  if (!ok)
    return false;
  meta->columns = xcalloc(count - 1, sizeof *meta->columns);
  meta->ncolumns = count - 1;
  for (size_t i = 0; i < meta->ncolumns && ok; i++) {
    children = 0;
    ok = read_column(in, &meta->columns[i], &children) && children == 0;
  }
  return ok;
}

static void read_stats(struct thrift_in *in, enum thrift_type type, struct parquet_stats *stats) {
  bool min = false, max = false, ok = true;
  if (type != THRIFT_STRUCT) {
    thrift_skip(in, type);
    return;
  }
  for (struct thrift_field f = {0}; thrift_next(in, &f);) {
    if (f.number == 3) {
      stats->nulls = (uint64_t) thrift_integer(in, f.type);
    } else if (f.number == 5) {
      read_bound(in, f.type, &stats->max, &ok);
      max = true;
    } else if (f.number == 6) {
      read_bound(in, f.type, &stats->min, &ok);
      min = true;
    } else {
      thrift_skip(in, f.type);
    }
  }
  stats->known = min && max && ok;
}

/* The encoding of the pages of data: not that of levels, or of the dictionary. */
static void read_encodings(struct thrift_in *in, enum thrift_type type,
                           struct parquet_chunk *chunk) {
  bool plain = false, other = false;
  for (size_t left = thrift_list(in, type, THRIFT_I32); left > 0; left--) {
    int64_t encoding = thrift_integer(in, THRIFT_I32);
    plain = plain || encoding == ENCODING_PLAIN;
    if (encoding == ENCODING_PLAIN || encoding == ENCODING_RLE)
      continue;
    chunk->encoding = encoding > 0 && encoding < 10 ? (enum parquet_encoding) encoding
                                                    : ENCODING_RLE;
    other = true;
  }
  if (plain && !other)
    chunk->encoding = ENCODING_PLAIN;
}

static void read_chunk_meta(struct thrift_in *in, struct parquet_chunk *chunk) {
  for (struct thrift_field f = {0}; thrift_next(in, &f);) {
    if (f.number == 2)
      read_encodings(in, f.type, chunk);
    else if (f.number == 4)
      chunk->codec = thrift_integer(in, f.type) == CODEC_NONE ? CODEC_NONE : CODEC_ZSTD;
    else if (f.number == 5)
      chunk->stats.values = (uint64_t) thrift_integer(in, f.type);
    else if (f.number == 6)
      chunk->raw_size = thrift_integer(in, f.type);
    else if (f.number == 7)
      chunk->size = thrift_integer(in, f.type);
    else if (f.number == 9)
      chunk->data_offset = thrift_integer(in, f.type);
    else if (f.number == 11)
      chunk->dictionary_offset = thrift_integer(in, f.type);
    else if (f.number == 12)
      read_stats(in, f.type, &chunk->stats);
    else
      thrift_skip(in, f.type);
  }
}

static void read_chunk(struct thrift_in *in, struct parquet_chunk *chunk) {
  chunk->encoding = ENCODING_RLE; /* which is none of data */
  for (struct thrift_field f = {0}; thrift_next(in, &f);) {
    if (f.number == 3 && f.type == THRIFT_STRUCT)
      read_chunk_meta(in, chunk);
    else if (f.number == 4)
      chunk->offset_index.offset = thrift_integer(in, f.type);
    else if (f.number == 5)
      chunk->offset_index.length = (int32_t) thrift_integer(in, f.type);
    else if (f.number == 6)
      chunk->column_index.offset = thrift_integer(in, f.type);
    else if (f.number == 7)
      chunk->column_index.length = (int32_t) thrift_integer(in, f.type);
    else
      thrift_skip(in, f.type);
  }
}

static bool read_group(struct thrift_in *in, const struct parquet_meta *meta,
                       struct parquet_group *group) {
  bool ok = true;
  for (struct thrift_field f = {0}; thrift_next(in, &f) && ok;) {
    if (f.number == 1 && group->chunks == NULL) {
      size_t count = thrift_list(in, f.type, THRIFT_STRUCT);
      ok = count == meta->ncolumns && count > 0;
      group->chunks = ok ? calloc(count, sizeof *group->chunks) : NULL;
      ok = group->chunks != NULL;
      for (size_t i = 0; i < count && ok; i++)
        read_chunk(in, &group->chunks[i]);
    } else if (f.number == 3) {
      group->rows = thrift_integer(in, f.type);
    } else {
      thrift_skip(in, f.type);
    }
  }
  for (size_t i = 0; i < meta->ncolumns && ok && group->chunks != NULL; i++)
    ok = group->chunks[i].stats.values == (uint64_t) group->rows;
  return ok && !in->failed && group->chunks != NULL && group->rows > 0 &&
         group->rows <= PARQUET_GROUP_ROWS;
}

static bool read_groups(struct thrift_in *in, enum thrift_type type, struct parquet_meta *meta) {
  size_t count = thrift_list(in, type, THRIFT_STRUCT);
  bool ok = meta->groups == NULL;
  if (ok && count > 0)
    meta->groups = calloc(count, sizeof *meta->groups);
  ok = ok && (count == 0 || meta->groups != NULL);
  meta->ngroups = ok ? count : meta->ngroups;
  for (size_t i = 0; i < count && ok; i++)
    ok = read_group(in, meta, &meta->groups[i]);
  return ok;
}

static bool read_notes(struct thrift_in *in, enum thrift_type type, struct parquet_meta *meta) {
  size_t count = thrift_list(in, type, THRIFT_STRUCT);
  if (meta->notes != NULL)
    return false;
  meta->notes = calloc(count + 1, 2 * sizeof *meta->notes);
  if (meta->notes == NULL)
    return false;
  meta->nnotes = count;
  for (char **note = meta->notes; note < meta->notes + 2 * count; note += 2)
    for (struct thrift_field f = {0}; thrift_next(in, &f);) {
      if ((f.number == 1 || f.number == 2) && note[f.number - 1] == NULL)
        note[f.number - 1] = text_of(in, f.type);
      else
        thrift_skip(in, f.type);
    }
  return true;
}

bool parquet_read_footer(const char *data, size_t len, struct parquet_meta *meta) {
  struct thrift_in in = input(data, len);
  bool ok = true;
  int64_t rows = 0;
  *meta = (struct parquet_meta){0};
  for (struct thrift_field f = {0}; ok && thrift_next(&in, &f);) {
    if (f.number == 2)
      ok = read_schema(&in, f.type, meta);
    else if (f.number == 3)
      meta->rows = thrift_integer(&in, f.type);
    else if (f.number == 4)
      ok = read_groups(&in, f.type, meta);
    else if (f.number == 5)
      ok = read_notes(&in, f.type, meta);
    else
      thrift_skip(&in, f.type);
  }
  for (size_t i = 0; ok && i < meta->ngroups; i++)
    rows += meta->groups[i].rows;
  if (ok && !in.failed && meta->ncolumns > 0 && rows == meta->rows)
    return true;
  parquet_meta_clear(meta);
  return false;
}

/* What a page header has of a page of data, or of a dictionary. */
static void read_page_kind(struct thrift_in *in, int64_t *values, int64_t *encoding) {
  for (struct thrift_field f = {0}; thrift_next(in, &f);) {
    if (f.number == 1)
      *values = thrift_integer(in, f.type);
    else if (f.number == 2)
      *encoding = thrift_integer(in, f.type);
    else
      thrift_skip(in, f.type);
  }
}

bool parquet_read_page_header(const char *data, size_t len, struct parquet_page_header *header,
                              size_t *used) {
  struct thrift_in in = input(data, len);
  int64_t type = -1, size = -1, raw_size = -1, values = -1, encoding = -1;
  *header = (struct parquet_page_header){0};
  for (struct thrift_field f = {0}; thrift_next(&in, &f);) {
    if (f.number == 1) {
      type = thrift_integer(&in, f.type);
    } else if (f.number == 2) {
      raw_size = thrift_integer(&in, f.type);
    } else if (f.number == 3) {
      size = thrift_integer(&in, f.type);
    } else if (f.number == 4) {
      header->has_checksum = true;
      header->checksum = (uint32_t) thrift_integer(&in, f.type);
    } else if ((f.number == 5 || f.number == 7) && f.type == THRIFT_STRUCT) {
      read_page_kind(&in, &values, &encoding);
    } else {
      thrift_skip(&in, f.type);
    }
  }
  bool ok = !in.failed && (type == PAGE_DATA || type == PAGE_DICTIONARY) && size >= 0 &&
            size <= INT32_MAX && raw_size >= 0 && raw_size <= INT32_MAX && values >= 0 &&
            values <= PARQUET_GROUP_ROWS && encoding >= 0 && encoding < 10;
  header->type = (enum parquet_page_type) type;
  header->size = (int32_t) size;
  header->raw_size = (int32_t) raw_size;
  header->values = (int32_t) values;
  header->encoding = (enum parquet_encoding) encoding;
  *used = len - (size_t) (in.end - in.p);
  return ok;
}

static void read_page_place(struct thrift_in *in, struct parquet_page *page) {
  for (struct thrift_field f = {0}; thrift_next(in, &f);) {
    if (f.number == 1)
      page->offset = thrift_integer(in, f.type);
    else if (f.number == 2)
      page->size = (int32_t) thrift_integer(in, f.type);
    else if (f.number == 3)
      page->first_row = thrift_integer(in, f.type);
    else
      thrift_skip(in, f.type);
  }
}

size_t parquet_read_offset_index(const char *data, size_t len, struct parquet_page *pages) {
  struct thrift_in in = input(data, len);
  size_t found = 0;
  for (struct thrift_field f = {0}; thrift_next(&in, &f);) {
    size_t count = f.number == 1 ? thrift_list(&in, f.type, THRIFT_STRUCT) : 0;
    if (f.number != 1)
      thrift_skip(&in, f.type);
    if (found + count > PARQUET_MAX_PAGES)
      return 0;
    for (size_t i = 0; i < count; i++)
      read_page_place(&in, &pages[found++]);
  }
  return in.failed ? 0 : found;
}

/* One list of a column index, an item for each page. */
static bool read_page_items(struct thrift_in *in, const struct thrift_field *field,
                            struct parquet_stats *pages, size_t count) {
  static const enum thrift_type items[] = {0, THRIFT_TRUE, THRIFT_BINARY, THRIFT_BINARY, 0,
                                           THRIFT_I64};
  bool ok = thrift_list(in, field->type, items[field->number]) == count;
  for (size_t i = 0; i < count && ok; i++) {
    if (field->number == 1)
      pages[i].known = !thrift_item_is_true(in);
    else if (field->number == 2)
      read_bound(in, THRIFT_BINARY, &pages[i].min, &ok);
    else if (field->number == 3)
      read_bound(in, THRIFT_BINARY, &pages[i].max, &ok);
    else
      pages[i].nulls = (uint64_t) thrift_integer(in, THRIFT_I64);
  }
  return ok;
}

bool parquet_read_column_index(const char *data, size_t len, struct parquet_stats *pages,
                               size_t count) {
  struct thrift_in in = input(data, len);
  unsigned seen = 0;
  bool ok = true;
  for (struct thrift_field f = {0}; ok && thrift_next(&in, &f);) {
    if (f.number >= 1 && f.number <= 5 && f.number != 4) {
      ok = read_page_items(&in, &f, pages, count);
      seen |= 1u << f.number;
    } else {
      thrift_skip(&in, f.type);
    }
  }
  return ok && !in.failed && seen == (1u << 1 | 1u << 2 | 1u << 3 | 1u << 5);
}
