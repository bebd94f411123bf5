#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "base/mem.h"
#include "store/cold/parquet_file.h"

/* A column as a reader has it: what it knows of the group, and the page that is decoded. */
struct column_view {
  bool ranged; /* stats are known, if has_stats */
  bool has_stats;
  struct parquet_stats *stats; /* PARQUET_MAX_PAGES */

  bool has_dictionary;
  size_t entries;
  struct buf dictionary;      /* its page, into which texts point */
  struct parquet_text *words; /* texts, or .. */
  int64_t *values;            /* .. numbers */

  bool filled; /* all pages of the group have the same values, .. */
  struct parquet_text word; /* .. texts this one */
  bool decoded; /* the page that the reader stands on */
  struct buf body;
  uint8_t *present;
  int64_t *numbers;
  uint32_t *codes;
  struct parquet_text *texts;
  struct parquet_vector vector;
};

struct parquet_reader {
  const struct parquet_file *file;
  size_t ncolumns;
  size_t group, page;
  struct column_view *columns;
  ZSTD_DCtx *zstd;
  struct buf packed; /* a page as it is in the file, or an index */
};

static void forget_group(struct column_view *c) {
  c->decoded = c->ranged = c->has_dictionary = c->filled = false;
}

void parquet_reader_open(struct parquet_reader *r, const struct parquet_file *f) {
  size_t before = r->ncolumns;
  r->file = f;
  r->group = r->page = 0;
  if (f->meta.ncolumns > before) {
    r->ncolumns = f->meta.ncolumns;
    r->columns = xrealloc(r->columns, r->ncolumns * sizeof *r->columns);
    memset(r->columns + before, 0, (r->ncolumns - before) * sizeof *r->columns);
  }
  for (size_t i = 0; i < before; i++)
    forget_group(&r->columns[i]);
}

struct parquet_reader *parquet_reader_new(const struct parquet_file *f) {
  struct parquet_reader *r = xcalloc(1, sizeof *r);
  r->zstd = ZSTD_createDCtx();
  parquet_reader_open(r, f);
  return r;
}

void parquet_reader_free(struct parquet_reader *r) {
  if (r == NULL)
    return;
  for (size_t i = 0; i < r->ncolumns; i++) {
    struct column_view *c = &r->columns[i];
    buf_clear(&c->dictionary);
    buf_clear(&c->body);
    free(c->stats);
    free(c->words);
    free(c->values);
    free(c->present);
    free(c->numbers);
    free(c->codes);
    free(c->texts);
  }
  free(r->columns);
  ZSTD_freeDCtx(r->zstd);
  buf_clear(&r->packed);
  free(r);
}

void parquet_seek(struct parquet_reader *r, size_t group, size_t page) {
  assert(group < r->file->meta.ngroups && page < r->file->groups[group].count);
  for (size_t i = 0; i < r->file->meta.ncolumns; i++) {
    struct column_view *c = &r->columns[i];
    c->decoded = false;
    if (group != r->group)
      forget_group(c);
  }
  r->group = group;
  r->page = page;
}

static bool fail(const struct parquet_reader *r, size_t column, struct buf *why,
                 const char *what) {
  buf_printf(why, "%s: group %zu, page %zu, column %s: %s", r->file->path, r->group, r->page,
             r->file->meta.columns[column].name, what);
  return false;
}

static const struct parquet_chunk *chunk_of(const struct parquet_reader *r, size_t column) {
  return &r->file->meta.groups[r->group].chunks[column];
}

bool parquet_page_range(struct parquet_reader *r, size_t page, size_t column,
                        struct parquet_range *range, struct buf *why) {
  struct column_view *c = &r->columns[column];
  const struct parquet_chunk *chunk = chunk_of(r, column);
  size_t count = r->file->groups[r->group].count;
  if (!c->ranged && chunk->column_index.length > 0) {
    if (!parquet_pread(r->file, chunk->column_index.offset, chunk->column_index.length,
                       &r->packed, why))
      return false;
    if (c->stats == NULL)
      c->stats = xcalloc(PARQUET_MAX_PAGES, sizeof *c->stats);
    if (!parquet_read_column_index(r->packed.data, r->packed.len, c->stats, count))
      return fail(r, column, why, "its index is wrong");
  }
  c->has_stats = chunk->column_index.length > 0;
  c->ranged = true;
  if (c->has_stats)
    parquet_range_of(&c->stats[page], r->file->meta.columns[column].type, range);
  else
    *range = (struct parquet_range){.nulls = chunk->stats.nulls};
  return true;
}

/* Decompresses what follows the header into body, with a slack behind it. */
static const char *unpack_body(struct parquet_reader *r, const struct parquet_chunk *chunk,
                               const struct parquet_page_header *header, size_t used,
                               struct buf *body) {
  const char *packed = r->packed.data + used;
  size_t size = (size_t) header->size, raw_size = (size_t) header->raw_size;
  if (size != r->packed.len - used || raw_size > PARQUET_MAX_BODY)
    return "its size is wrong";
  if (header->has_checksum && !r->file->skip_checks &&
      crc32_z(0, (const Bytef *) packed, size) != header->checksum)
    return "its checksum is wrong";
  body->len = 0;
  char *raw = buf_try_reserve(body, raw_size + PACK_SLACK);
  if (raw == NULL)
    return "no memory for it";
  if (chunk->codec == CODEC_NONE && size == raw_size)
    memcpy(raw, packed, size);
  else if (chunk->codec == CODEC_NONE ||
           ZSTD_decompressDCtx(r->zstd, raw, raw_size, packed, size) != raw_size)
    return "it cannot be decompressed";
  memset(raw + raw_size, 0, PACK_SLACK);
  body->len = raw_size;
  return NULL;
}

/* Reads a page into body; its header must be of that type. */
static bool read_page(struct parquet_reader *r, size_t column, const struct parquet_page *page,
                      enum parquet_page_type type, struct parquet_page_header *header,
                      struct buf *body, struct buf *why) {
  size_t used;
  if (!parquet_pread(r->file, page->offset, page->size, &r->packed, why))
    return false;
  if (!parquet_read_page_header(r->packed.data, r->packed.len, header, &used) ||
      header->type != type)
    return fail(r, column, why, "its header is wrong");
  const char *what = unpack_body(r, chunk_of(r, column), header, used, body);
  return what == NULL || fail(r, column, why, what);
}

static bool split_words(struct column_view *c, size_t count) {
  const char *p = c->dictionary.data, *end = p + c->dictionary.len;
  for (size_t i = 0; i < count; i++) {
    uint32_t len;
    if (end - p < 4)
      return false;
    memcpy(&len, p, 4);
    len = le32toh(len);
    p += 4;
    if (len > (size_t) (end - p))
      return false;
    c->words[i] = (struct parquet_text){p, len};
    p += len;
  }
  return true;
}

static bool decode_dictionary(struct parquet_reader *r, size_t column, size_t count) {
  struct column_view *c = &r->columns[column];
  const uint8_t *p = (uint8_t *) c->dictionary.data;
  if (parquet_is_text(r->file->meta.columns[column].type)) {
    c->words = xrealloc(c->words, (count + 1) * sizeof *c->words);
    return split_words(c, count);
  }
  c->values = xrealloc(c->values, (count + 1) * sizeof *c->values);
  return unpack_plain(&p, p + c->dictionary.len, c->values, count);
}

static bool load_dictionary(struct parquet_reader *r, size_t column, struct buf *why) {
  struct column_view *c = &r->columns[column];
  const struct parquet_chunk *chunk = chunk_of(r, column);
  int64_t size = chunk->data_offset - chunk->dictionary_offset;
  struct parquet_page page = {.offset = chunk->dictionary_offset};
  struct parquet_page_header header;
  if (c->has_dictionary)
    return true;
  if (chunk->dictionary_offset <= 0 || size <= 0 || size > PARQUET_MAX_BODY)
    return fail(r, column, why, "it has no dictionary");
  page.size = (int32_t) size;
  if (!read_page(r, column, &page, PAGE_DICTIONARY, &header, &c->dictionary, why))
    return false;
  if (header.encoding != ENCODING_PLAIN ||
      !decode_dictionary(r, column, (size_t) header.values))
    return fail(r, column, why, "its dictionary is wrong");
  c->entries = (size_t) header.values;
  c->has_dictionary = true;
  return true;
}

static void make_room(struct column_view *c, bool text, bool coded, bool optional) {
  enum { ROWS = PARQUET_PAGE_ROWS };
  if (c->codes == NULL && (coded || optional))
    c->codes = xmalloc(ROWS * sizeof *c->codes);
  if (c->present == NULL && optional)
    c->present = xmalloc(ROWS);
  if (c->numbers == NULL && !(text && coded)) /* of texts their lengths */
    c->numbers = xmalloc(ROWS * sizeof *c->numbers);
  if (c->texts == NULL && text && !coded)
    c->texts = xmalloc(ROWS * sizeof *c->texts);
}

/* By the statistics: all are null, or least and greatest are the same, in which case there is no
 * zero among doubles (parquet_stats.c).  None of it needs to be read. */
static bool is_constant(const struct parquet_chunk *chunk) {
  const struct parquet_stats *s = &chunk->stats;
  if (s->nulls > 0)
    return s->nulls == s->values;
  return s->known && s->min.len == s->max.len &&
         memcmp(s->min.bytes, s->max.bytes, s->min.len) == 0;
}

static void fill(struct parquet_reader *r, size_t column) {
  struct column_view *c = &r->columns[column];
  const struct parquet_stats *stats = &chunk_of(r, column)->stats;
  enum parquet_type type = r->file->meta.columns[column].type;
  bool text = parquet_is_text(type), nulls = stats->nulls > 0;
  union parquet_value value = {0};
  if (c->filled)
    return;
  if (!nulls)
    value = parquet_bound_value(&stats->min, type);
  make_room(c, text, text, nulls);
  for (size_t i = 0; i < PARQUET_PAGE_ROWS && text; i++)
    c->codes[i] = 0;
  for (size_t i = 0; i < PARQUET_PAGE_ROWS && !text; i++)
    c->numbers[i] = value.i; /* or the bits of value.f */
  if (nulls)
    memset(c->present, 0, PARQUET_PAGE_ROWS);
  c->word = text && !nulls ? value.s : (struct parquet_text){"", 0};
  c->filled = true;
}

bool parquet_dictionary(struct parquet_reader *r, size_t column,
                        const struct parquet_text **entries, size_t *size, struct buf *why) {
  struct column_view *c = &r->columns[column];
  *size = 0;
  if (is_constant(chunk_of(r, column)) && parquet_is_text(r->file->meta.columns[column].type)) {
    fill(r, column);
    *entries = &c->word;
    *size = 1;
    return true;
  }
  if (chunk_of(r, column)->encoding != ENCODING_RLE_DICTIONARY ||
      !parquet_is_text(r->file->meta.columns[column].type))
    return true;
  if (!load_dictionary(r, column, why))
    return false;
  *entries = c->words;
  *size = c->entries;
  return true;
}

/* Which rows are not null: *count of them; *nulls: not all. */
static bool decode_levels(struct column_view *c, const uint8_t **p, const uint8_t *end,
                          size_t rows, size_t *count) {
  uint32_t len;
  if (end - *p < 4)
    return false;
  memcpy(&len, *p, 4);
  len = le32toh(len);
  *p += 4;
  const uint8_t *levels = *p;
  if (len > (size_t) (end - levels) || !unpack_hybrid(&levels, levels + len, 1, c->codes, rows))
    return false;
  *p += len;
  *count = 0;
  for (size_t i = 0; i < rows; i++) {
    c->present[i] = c->codes[i] & 1;
    *count += c->present[i];
  }
  return true;
}

static bool decode_codes(struct column_view *c, const uint8_t **p, const uint8_t *end,
                         size_t count) {
  if (*p == end)
    return false;
  unsigned width = *(*p)++;
  uint32_t most = 0;
  if (!unpack_hybrid(p, end, width, c->codes, count))
    return false;
  for (size_t i = 0; i < count; i++)
    most = c->codes[i] > most ? c->codes[i] : most;
  return count == 0 || most < c->entries;
}

static bool decode_texts(struct column_view *c, const uint8_t **p, const uint8_t *end,
                         size_t count) {
  if (!unpack_delta(p, end, c->numbers, count))
    return false;
  for (size_t i = 0; i < count; i++) {
    if (c->numbers[i] < 0 || c->numbers[i] > end - *p)
      return false;
    c->texts[i] = (struct parquet_text){(const char *) *p, (uint32_t) c->numbers[i]};
    *p += c->numbers[i];
  }
  return true;
}

static bool decode_numbers(struct column_view *c, enum parquet_type type,
                           enum parquet_encoding encoding, const uint8_t **p,
                           const uint8_t *end, size_t count) {
  if (type == PARQUET_BOOLEAN)
    return encoding == ENCODING_PLAIN && unpack_booleans(p, end, c->numbers, count);
  switch (encoding) {
  case ENCODING_RLE_DICTIONARY:
    for (size_t i = 0; i < count; i++)
      c->numbers[i] = c->values[c->codes[i]];
    return true;
  case ENCODING_PLAIN:
    return unpack_plain(p, end, c->numbers, count);
  case ENCODING_BYTE_STREAM_SPLIT:
    return type == PARQUET_DOUBLE && unpack_split(p, end, c->numbers, count);
  case ENCODING_DELTA_BINARY_PACKED:
    return type != PARQUET_DOUBLE && unpack_delta(p, end, c->numbers, count);
  default:
    return false;
  }
}

/* Moves values to the rows that they are of; the others are nulls. */
static void spread(struct column_view *c, size_t rows, size_t count, bool text, bool coded) {
  for (size_t i = rows; i-- > 0;) {
    bool present = c->present[i];
    count -= present;
    if (!text)
      c->numbers[i] = present ? c->numbers[count] : 0;
    else if (coded)
      c->codes[i] = present ? c->codes[count] : 0;
    else
      c->texts[i] = present ? c->texts[count] : (struct parquet_text){"", 0};
  }
}

static void set_vector(struct column_view *c, enum parquet_type type, size_t rows, bool coded,
                       bool nulls) {
  bool text = parquet_is_text(type);
  c->vector = (struct parquet_vector){.rows = rows};
  c->vector.present = nulls ? c->present : NULL;
  if (type == PARQUET_DOUBLE)
    /* cppcheck-suppress invalidPointerCast ; the type may alias */
    c->vector.doubles = (const parquet_double *) c->numbers;
  else if (!text)
    c->vector.integers = c->numbers;
  else if (!coded)
    c->vector.texts = c->texts;
  if (text && coded) {
    c->vector.codes = c->codes;
    c->vector.dictionary = c->filled ? &c->word : c->words;
    c->vector.dictionary_size = c->filled ? 1 : c->entries;
  }
}

static bool decode(struct column_view *c, const struct parquet_column *column,
                   enum parquet_encoding encoding, size_t rows) {
  const uint8_t *p = (uint8_t *) c->body.data, *end = p + c->body.len;
  bool text = parquet_is_text(column->type), coded = encoding == ENCODING_RLE_DICTIONARY;
  size_t count = rows;
  make_room(c, text, coded, column->optional);
  if (column->optional && !decode_levels(c, &p, end, rows, &count))
    return false;
  if (coded && !decode_codes(c, &p, end, count))
    return false;
  if (text && !coded &&
      (encoding != ENCODING_DELTA_LENGTH_BYTE_ARRAY || !decode_texts(c, &p, end, count)))
    return false;
  if (!text && !decode_numbers(c, column->type, encoding, &p, end, count))
    return false;
  if (count < rows)
    spread(c, rows, count, text, coded);
  set_vector(c, column->type, rows, coded, count < rows);
  return true;
}

static bool read_values(struct parquet_reader *r, size_t column, size_t rows, struct buf *why) {
  struct column_view *c = &r->columns[column];
  const struct parquet_column *type = &r->file->meta.columns[column];
  const struct group_pages *group = &r->file->groups[r->group];
  struct parquet_page_header header;
  if (!read_page(r, column, &group->pages[column * group->count + r->page], PAGE_DATA, &header,
                 &c->body, why))
    return false;
  if (header.encoding == ENCODING_RLE_DICTIONARY && !load_dictionary(r, column, why))
    return false;
  if ((size_t) header.values != rows || !decode(c, type, header.encoding, rows))
    return fail(r, column, why, "its values are wrong");
  return true;
}

const struct parquet_vector *parquet_get(struct parquet_reader *r, size_t column,
                                         struct buf *why) {
  struct column_view *c = &r->columns[column];
  if (c->decoded)
    return &c->vector;
  const struct parquet_chunk *chunk = chunk_of(r, column);
  const uint32_t *first = r->file->groups[r->group].first;
  size_t rows = first[r->page + 1] - first[r->page];
  if (is_constant(chunk)) {
    fill(r, column);
    set_vector(c, r->file->meta.columns[column].type, rows, true, chunk->stats.nulls > 0);
  } else if (!read_values(r, column, rows, why)) {
    return NULL;
  }
  c->decoded = true;
  return &c->vector;
}
