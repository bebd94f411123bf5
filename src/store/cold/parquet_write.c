#include "store/cold/parquet_write.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "base/mem.h"
#include "store/cold/parquet_encode.h"

struct parquet_writer {
  char *path;
  int fd;
  struct parquet_meta meta;
  enum parquet_codec codec;
  struct parquet_encoder encoder;
  bool ended, done;

  /* The group that is being filled, then written. */
  struct parquet_fill *fills; /* a column each */
  size_t rows, text, page_text;
  size_t starts[PARQUET_MAX_PAGES + 1]; /* the first rows of its pages, and what comes then */
  size_t npages;
  bool full;

  /* The column that is being written, and its pages so far. */
  size_t column, page;
  enum { BEFORE, CHOOSING, IN_PAGES } stage;
  struct parquet_page pages[PARQUET_MAX_PAGES];
  struct parquet_stats stats[PARQUET_MAX_PAGES];

  struct buf column_indexes, offset_indexes; /* chunks tell places in them until they are written */
  int64_t bytes;
  uint32_t checksum;
  struct buf fault;
};

static bool fail(struct parquet_writer *w, const char *what) {
  if (w->fault.len == 0) {
    buf_printf(&w->fault, "%s: %s", w->path, what);
    buf_putc(&w->fault, '\0');
  }
  return false;
}

static bool put(struct parquet_writer *w, const void *data, size_t len) {
  const char *p = data;
  for (size_t left = len; left > 0;) {
    ssize_t n = write(w->fd, p, left);
    if (n < 0 && errno != EINTR)
      return fail(w, strerror(errno));
    p += n > 0 ? n : 0;
    left -= n > 0 ? (size_t) n : 0;
  }
  w->bytes += (int64_t) len;
  if (len > 0) /* zlib begins anew for no bytes at NULL */
    w->checksum = (uint32_t) crc32_z(w->checksum, data, len);
  return true;
}

struct parquet_writer *parquet_writer_new(const char *path, const struct parquet_column *columns,
                                          size_t ncolumns, int level, struct buf *why) {
  assert(ncolumns > 0 && ncolumns <= PARQUET_MAX_COLUMNS);
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) {
    buf_printf(why, "%s: %s", path, strerror(errno));
    return NULL;
  }
  struct parquet_writer *w = xcalloc(1, sizeof *w);
  w->path = xstrdup(path);
  w->fd = fd;
  w->codec = level != 0 ? CODEC_ZSTD : CODEC_NONE;
  w->meta.columns = xmemdup(columns, ncolumns * sizeof *columns);
  w->meta.ncolumns = ncolumns;
  w->fills = xcalloc(ncolumns, sizeof *w->fills);
  for (size_t i = 0; i < ncolumns; i++) {
    w->meta.columns[i].name = xstrdup(columns[i].name);
    parquet_fill_init(&w->fills[i], &columns[i]);
  }
  parquet_encoder_init(&w->encoder, level);
  put(w, PARQUET_MAGIC, 4);
  return w;
}

void parquet_writer_free(struct parquet_writer *w) {
  if (w == NULL)
    return;
  close(w->fd);
  for (size_t i = 0; i < w->meta.ncolumns; i++)
    parquet_fill_clear(&w->fills[i]);
  free(w->fills);
  parquet_encoder_clear(&w->encoder);
  parquet_meta_clear(&w->meta);
  buf_clear(&w->column_indexes);
  buf_clear(&w->offset_indexes);
  buf_clear(&w->fault);
  free(w->path);
  free(w);
}

void parquet_note(struct parquet_writer *w, const char *key, const char *value) {
  struct parquet_meta *meta = &w->meta;
  meta->notes = xrealloc(meta->notes, 2 * (meta->nnotes + 1) * sizeof *meta->notes);
  meta->notes[2 * meta->nnotes] = xstrdup(key);
  meta->notes[2 * meta->nnotes + 1] = xstrdup(value);
  meta->nnotes++;
}

void parquet_put_text(struct parquet_writer *w, size_t column, const char *data, size_t len) {
  assert(len <= PARQUET_MAX_TEXT);
  parquet_fill_text(&w->fills[column], len > 0 ? data : "", len);
  w->page_text += len;
}

void parquet_put_integer(struct parquet_writer *w, size_t column, int64_t value) {
  parquet_fill_number(&w->fills[column], value);
}

void parquet_put_double(struct parquet_writer *w, size_t column, double value) {
  int64_t bits;
  memcpy(&bits, &value, 8);
  parquet_fill_number(&w->fills[column], bits);
}

void parquet_put_boolean(struct parquet_writer *w, size_t column, bool value) {
  parquet_fill_number(&w->fills[column], value);
}

static void end_page(struct parquet_writer *w) {
  w->text += w->page_text;
  w->page_text = 0;
  w->starts[++w->npages] = w->rows;
}

void parquet_row(struct parquet_writer *w) {
  assert(!w->full && !w->ended);
  for (size_t i = 0; i < w->meta.ncolumns; i++)
    if (w->fills[i].rows == w->rows)
      parquet_fill_null(&w->fills[i]);
  w->rows++;
  w->meta.rows++;
  if (w->rows - w->starts[w->npages] == PARQUET_FULL_PAGE || w->page_text >= PARQUET_PAGE_TEXT)
    end_page(w);
  w->full = w->rows == PARQUET_GROUP_ROWS || w->text >= PARQUET_GROUP_TEXT;
}

void parquet_end_group(struct parquet_writer *w) {
  if (w->rows > w->starts[w->npages])
    end_page(w);
  w->full = w->rows > 0;
}

void parquet_end(struct parquet_writer *w) {
  parquet_end_group(w);
  w->ended = true;
}

bool parquet_is_full(const struct parquet_writer *w) {
  return w->full;
}

bool parquet_is_done(const struct parquet_writer *w) {
  return w->done;
}

static struct parquet_chunk *current_chunk(struct parquet_writer *w) {
  return &w->meta.groups[w->meta.ngroups - 1].chunks[w->column];
}

static void begin_group(struct parquet_writer *w) {
  struct parquet_meta *meta = &w->meta;
  meta->groups = xrealloc(meta->groups, (meta->ngroups + 1) * sizeof *meta->groups);
  meta->groups[meta->ngroups++] = (struct parquet_group){
      .rows = (int64_t) w->rows, .chunks = xcalloc(meta->ncolumns, sizeof(struct parquet_chunk))};
}

static void end_group(struct parquet_writer *w) {
  for (size_t i = 0; i < w->meta.ncolumns; i++)
    parquet_fill_reset(&w->fills[i]);
  w->rows = w->text = w->npages = w->column = 0;
  w->full = false;
}

static bool put_page(struct parquet_writer *w, const struct parquet_page_header *header,
                     const struct buf *body) {
  struct parquet_chunk *chunk = current_chunk(w);
  int64_t before = w->bytes;
  struct buf head = {0};
  parquet_write_page_header(&head, header);
  bool ok = put(w, head.data, head.len) && put(w, body->data, body->len);
  chunk->size += w->bytes - before;
  chunk->raw_size += (int64_t) head.len + header->raw_size;
  buf_clear(&head);
  return ok;
}

static struct parquet_slice page_slice(const struct parquet_writer *w, size_t page) {
  size_t first = w->starts[page];
  return (struct parquet_slice){&w->fills[w->column], first, w->starts[page + 1] - first};
}

/* One encoding more is tried; with the last one the column's dictionary is written, if it has
 * one. */
static bool choose(struct parquet_writer *w) {
  struct parquet_slice first_page = page_slice(w, 0);
  struct parquet_chunk *chunk = current_chunk(w);
  if (w->stage == BEFORE) {
    parquet_choose(&w->encoder, first_page.fill);
    w->stage = CHOOSING;
    return true;
  }
  if (parquet_try_next(&w->encoder, &first_page))
    return true;
  w->stage = IN_PAGES;
  chunk->codec = w->codec;
  chunk->encoding = w->encoder.choice.best;
  if (chunk->encoding != ENCODING_RLE_DICTIONARY)
    return true;
  chunk->dictionary_offset = w->bytes;
  return put_page(w, &w->encoder.dictionary_header, &w->encoder.dictionary);
}

static bool write_page(struct parquet_writer *w) {
  struct parquet_chunk *chunk = current_chunk(w);
  struct parquet_slice slice = page_slice(w, w->page);
  struct parquet_page_header header;
  struct parquet_page *page = &w->pages[w->page];
  if (!parquet_encode_page(&w->encoder, &slice, chunk->encoding, &header))
    return fail(w, "no memory to compress a page");
  *page = (struct parquet_page){.offset = w->bytes, .first_row = (int64_t) slice.first};
  if (w->page == 0)
    chunk->data_offset = w->bytes;
  if (!put_page(w, &header, &w->encoder.packed))
    return false;
  page->size = (int32_t) (w->bytes - page->offset);
  parquet_stats_of(&w->encoder, &slice, &w->stats[w->page]);
  parquet_stats_add(&chunk->stats, &w->stats[w->page], slice.fill->type);
  w->page++;
  return true;
}

/* Page by page, min and max are written only if all pages have them, or only nulls. */
static void end_chunk(struct parquet_writer *w) {
  struct parquet_chunk *chunk = current_chunk(w);
  struct buf *columns = &w->column_indexes, *offsets = &w->offset_indexes;
  bool known = true;
  for (size_t i = 0; i < w->npages; i++)
    known = known && (w->stats[i].known || w->stats[i].nulls == w->stats[i].values);
  chunk->offset_index.offset = (int64_t) offsets->len;
  parquet_write_offset_index(offsets, w->pages, w->npages);
  chunk->offset_index.length = (int32_t) (offsets->len - (size_t) chunk->offset_index.offset);
  chunk->column_index.offset = (int64_t) columns->len;
  if (known)
    parquet_write_column_index(columns, w->stats, w->npages);
  chunk->column_index.length = (int32_t) (columns->len - (size_t) chunk->column_index.offset);
  w->column++;
  w->page = 0;
  w->stage = BEFORE;
}

/* The indexes of pages, the metadata, and its length. */
static bool write_footer(struct parquet_writer *w) {
  for (size_t g = 0; g < w->meta.ngroups; g++)
    for (size_t i = 0; i < w->meta.ncolumns; i++) {
      struct parquet_chunk *chunk = &w->meta.groups[g].chunks[i];
      chunk->column_index.offset += w->bytes;
      chunk->offset_index.offset += w->bytes + (int64_t) w->column_indexes.len;
    }
  struct buf footer = {0};
  parquet_write_footer(&footer, &w->meta);
  uint32_t len = htole32((uint32_t) footer.len);
  buf_append(&footer, &len, 4);
  buf_puts(&footer, PARQUET_MAGIC);
  w->done = put(w, w->column_indexes.data, w->column_indexes.len) &&
            put(w, w->offset_indexes.data, w->offset_indexes.len) &&
            put(w, footer.data, footer.len);
  buf_clear(&footer);
  return w->done;
}

bool parquet_step(struct parquet_writer *w) {
  if (w->fault.len > 0)
    return false;
  if (!w->full)
    return !w->ended || w->done || write_footer(w);
  if (w->column == 0 && w->stage == BEFORE)
    begin_group(w);
  if (w->stage != IN_PAGES)
    return choose(w);
  if (!write_page(w))
    return false;
  if (w->page == w->npages)
    end_chunk(w);
  if (w->column == w->meta.ncolumns)
    end_group(w);
  return true;
}

const char *parquet_fault(const struct parquet_writer *w) {
  return w->fault.len > 0 ? w->fault.data : "";
}

bool parquet_sync(struct parquet_writer *w) {
  return fsync(w->fd) == 0 || fail(w, strerror(errno));
}

uint64_t parquet_bytes(const struct parquet_writer *w) {
  return (uint64_t) w->bytes;
}

uint32_t parquet_checksum(const struct parquet_writer *w) {
  return w->checksum;
}
