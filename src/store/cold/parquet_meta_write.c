#include <stdlib.h>

#include "store/cold/parquet_meta.h"
#include "store/cold/thrift.h"

/* Numbers of fields and of enums are parquet.thrift's. */
enum { OPTIONAL = 1 };
enum { UTF8 = 0, TIMESTAMP_MICROS = 10 };     /* what older readers look at .. */
enum { TYPE_IS_STRING = 1, TYPE_IS_TIMESTAMP = 8 }; /* .. and newer ones */

static int32_t physical_type(enum parquet_type type) {
  enum { BOOLEAN = 0, INT64 = 2, DOUBLE = 5, BYTE_ARRAY = 6 };
  return type == PARQUET_BOOLEAN  ? BOOLEAN
         : type == PARQUET_DOUBLE ? DOUBLE
         : parquet_is_text(type)  ? BYTE_ARRAY
                                  : INT64;
}

static void put_logical_type(struct thrift_out *out, enum parquet_type type) {
  thrift_put_i32(out, 6, type == PARQUET_TEXT ? UTF8 : TIMESTAMP_MICROS);
  thrift_put_struct(out, 10);
  thrift_put_struct(out, type == PARQUET_TEXT ? TYPE_IS_STRING : TYPE_IS_TIMESTAMP);
  if (type == PARQUET_TIME) {
    thrift_put_bool(out, 1, true); /* adjusted to UTC */
    thrift_put_struct(out, 2);     /* unit: microseconds */
    thrift_put_struct(out, 2);
    thrift_put_end(out);
    thrift_put_end(out);
  }
  thrift_put_end(out);
  thrift_put_end(out);
}

static void put_column(struct thrift_out *out, const struct parquet_column *c) {
  thrift_item(out);
  thrift_put_i32(out, 1, physical_type(c->type));
  thrift_put_i32(out, 3, c->optional ? OPTIONAL : 0);
  thrift_put_text(out, 4, c->name);
  if (c->type == PARQUET_TEXT || c->type == PARQUET_TIME)
    put_logical_type(out, c->type);
  thrift_put_end(out);
}

static void put_schema(struct thrift_out *out, const struct parquet_meta *meta) {
  thrift_put_list(out, 2, THRIFT_STRUCT, meta->ncolumns + 1);
  thrift_item(out);
  thrift_put_text(out, 4, "rows");
  thrift_put_i32(out, 5, (int32_t) meta->ncolumns);
  thrift_put_end(out);
  for (size_t i = 0; i < meta->ncolumns; i++)
    put_column(out, &meta->columns[i]);
}

static void put_stats(struct thrift_out *out, const struct parquet_stats *stats) {
  thrift_put_struct(out, 12);
  thrift_put_i64(out, 3, (int64_t) stats->nulls);
  if (stats->known) {
    thrift_put_binary(out, 5, stats->max.bytes, stats->max.len);
    thrift_put_binary(out, 6, stats->min.bytes, stats->min.len);
  }
  thrift_put_end(out);
}

static void put_chunk_meta(struct thrift_out *out, const struct parquet_column *column,
                           const struct parquet_chunk *chunk, int64_t rows) {
  bool has_dictionary = chunk->dictionary_offset > 0;
  thrift_put_struct(out, 3);
  thrift_put_i32(out, 1, physical_type(column->type));
  thrift_put_list(out, 2, THRIFT_I32, 2 + has_dictionary);
  if (has_dictionary)
    thrift_item_i32(out, ENCODING_PLAIN);
  thrift_item_i32(out, ENCODING_RLE);
  thrift_item_i32(out, chunk->encoding);
  thrift_put_list(out, 3, THRIFT_BINARY, 1);
  thrift_item_binary(out, column->name, strlen(column->name));
  thrift_put_i32(out, 4, chunk->codec);
  thrift_put_i64(out, 5, rows);
  thrift_put_i64(out, 6, chunk->raw_size);
  thrift_put_i64(out, 7, chunk->size);
  thrift_put_i64(out, 9, chunk->data_offset);
  if (has_dictionary)
    thrift_put_i64(out, 11, chunk->dictionary_offset);
  put_stats(out, &chunk->stats);
  thrift_put_end(out);
}

static void put_chunk(struct thrift_out *out, const struct parquet_column *column,
                      const struct parquet_chunk *chunk, int64_t rows) {
  thrift_item(out);
  thrift_put_i64(out, 2, 0); /* it has no metadata of its own elsewhere */
  put_chunk_meta(out, column, chunk, rows);
  thrift_put_i64(out, 4, chunk->offset_index.offset);
  thrift_put_i32(out, 5, chunk->offset_index.length);
  if (chunk->column_index.length > 0) {
    thrift_put_i64(out, 6, chunk->column_index.offset);
    thrift_put_i32(out, 7, chunk->column_index.length);
  }
  thrift_put_end(out);
}

static void put_group(struct thrift_out *out, const struct parquet_meta *meta, size_t number) {
  const struct parquet_group *group = &meta->groups[number];
  const struct parquet_chunk *first = &group->chunks[0];
  int64_t size = 0, raw_size = 0;
  thrift_item(out);
  thrift_put_list(out, 1, THRIFT_STRUCT, meta->ncolumns);
  for (size_t i = 0; i < meta->ncolumns; i++) {
    put_chunk(out, &meta->columns[i], &group->chunks[i], group->rows);
    size += group->chunks[i].size;
    raw_size += group->chunks[i].raw_size;
  }
  thrift_put_i64(out, 2, raw_size);
  thrift_put_i64(out, 3, group->rows);
  thrift_put_i64(out, 5, first->dictionary_offset > 0 ? first->dictionary_offset
                                                      : first->data_offset);
  thrift_put_i64(out, 6, size);
  if (number <= INT16_MAX)
    thrift_put_i16(out, 7, (int16_t) number);
  thrift_put_end(out);
}

static void put_notes(struct thrift_out *out, const struct parquet_meta *meta) {
  thrift_put_list(out, 5, THRIFT_STRUCT, meta->nnotes);
  for (size_t i = 0; i < meta->nnotes; i++) {
    thrift_item(out);
    thrift_put_text(out, 1, meta->notes[2 * i]);
    thrift_put_text(out, 2, meta->notes[2 * i + 1]);
    thrift_put_end(out);
  }
}

/* min and max mean what they seem to; readers do not believe them without this. */
static void put_orders(struct thrift_out *out, const struct parquet_meta *meta) {
  thrift_put_list(out, 7, THRIFT_STRUCT, meta->ncolumns);
  for (size_t i = 0; i < meta->ncolumns; i++) {
    thrift_item(out);
    thrift_put_struct(out, 1);
    thrift_put_end(out);
    thrift_put_end(out);
  }
}

void parquet_write_footer(struct buf *b, const struct parquet_meta *meta) {
  struct thrift_out out = {.b = b};
  thrift_put_i32(&out, 1, 2); /* version of the format */
  put_schema(&out, meta);
  thrift_put_i64(&out, 3, meta->rows);
  thrift_put_list(&out, 4, THRIFT_STRUCT, meta->ngroups);
  for (size_t i = 0; i < meta->ngroups; i++)
    put_group(&out, meta, i);
  put_notes(&out, meta);
  thrift_put_text(&out, 6, "moonledger version " MOONLEDGER_VERSION);
  put_orders(&out, meta);
  thrift_put_end(&out);
}

void parquet_write_page_header(struct buf *b, const struct parquet_page_header *header) {
  struct thrift_out out = {.b = b};
  thrift_put_i32(&out, 1, header->type);
  thrift_put_i32(&out, 2, header->raw_size);
  thrift_put_i32(&out, 3, header->size);
  if (header->has_checksum)
    thrift_put_i32(&out, 4, (int32_t) header->checksum);
  thrift_put_struct(&out, header->type == PAGE_DATA ? 5 : 7);
  thrift_put_i32(&out, 1, header->values);
  thrift_put_i32(&out, 2, header->encoding);
  if (header->type == PAGE_DATA) {
    thrift_put_i32(&out, 3, ENCODING_RLE); /* levels of definition, of repetition */
    thrift_put_i32(&out, 4, ENCODING_RLE);
  }
  thrift_put_end(&out);
  thrift_put_end(&out);
}

void parquet_write_offset_index(struct buf *b, const struct parquet_page *pages, size_t count) {
  struct thrift_out out = {.b = b};
  thrift_put_list(&out, 1, THRIFT_STRUCT, count);
  for (size_t i = 0; i < count; i++) {
    thrift_item(&out);
    thrift_put_i64(&out, 1, pages[i].offset);
    thrift_put_i32(&out, 2, pages[i].size);
    thrift_put_i64(&out, 3, pages[i].first_row);
    thrift_put_end(&out);
  }
  thrift_put_end(&out);
}

void parquet_write_column_index(struct buf *b, const struct parquet_stats *pages, size_t count) {
  struct thrift_out out = {.b = b};
  thrift_put_list(&out, 1, THRIFT_TRUE, count); /* has only nulls */
  for (size_t i = 0; i < count; i++)
    thrift_item_bool(&out, !pages[i].known);
  thrift_put_list(&out, 2, THRIFT_BINARY, count);
  for (size_t i = 0; i < count; i++)
    thrift_item_binary(&out, pages[i].min.bytes, pages[i].min.len);
  thrift_put_list(&out, 3, THRIFT_BINARY, count);
  for (size_t i = 0; i < count; i++)
    thrift_item_binary(&out, pages[i].max.bytes, pages[i].max.len);
  thrift_put_i32(&out, 4, 0); /* in no order */
  thrift_put_list(&out, 5, THRIFT_I64, count);
  for (size_t i = 0; i < count; i++)
    thrift_item_i64(&out, (int64_t) pages[i].nulls);
  thrift_put_end(&out);
}
