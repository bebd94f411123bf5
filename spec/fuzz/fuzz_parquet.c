#include <endian.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "store/cold/parquet_meta.h"
#include "store/cold/parquet_read.h"

/* The first byte says what the others are: a whole file, or the bodies of its pages. */

static uint64_t sum; /* of all that can be read, so that all of it is */

static void add(const void *data, size_t len) {
  for (size_t i = 0; i < len; i++)
    sum += ((const uint8_t *) data)[i];
}

static void use_vector(const struct parquet_vector *v) {
  add(v->present, v->present != NULL ? v->rows : 0);
  add(v->integers, v->integers != NULL ? v->rows * 8 : 0);
  add(v->doubles, v->doubles != NULL ? v->rows * 8 : 0);
  for (size_t i = 0; i < v->rows && (v->texts != NULL || v->codes != NULL); i++) {
    struct parquet_text text = parquet_text_at(v, i);
    add(text.data, text.len);
  }
}

static void use_range(const struct parquet_range *range, enum parquet_type type) {
  if (!range->known || !parquet_is_text(type))
    return;
  add(range->min.s.data, range->min.s.len);
  add(range->max.s.data, range->max.s.len);
}

static void use_page(const struct parquet_file *f, struct parquet_reader *r, size_t group,
                     size_t page, struct buf *why) {
  parquet_seek(r, group, page);
  for (size_t c = 0; c < parquet_columns(f); c++) {
    const struct parquet_vector *v = parquet_get(r, c, why);
    struct parquet_range range;
    if (v != NULL) {
      FUZZ_CHECK(v->rows == parquet_page_row(f, group, page + 1) -
                                parquet_page_row(f, group, page));
      use_vector(v);
    }
    if (parquet_page_range(r, page, c, &range, why))
      use_range(&range, parquet_column(f, c)->type);
    parquet_group_range(f, group, c, &range);
    use_range(&range, parquet_column(f, c)->type);
    const struct parquet_text *entries;
    size_t size;
    if (parquet_dictionary(r, c, &entries, &size, why))
      for (size_t i = 0; i < size; i++)
        add(entries[i].data, entries[i].len);
  }
}

static void use_file(const char *path) {
  struct buf why = {0};
  struct parquet_file *f = parquet_open(path, true, &why);
  FUZZ_CHECK((f == NULL) == (why.len > 0));
  if (f != NULL) {
    struct parquet_reader *r = parquet_reader_new(f);
    for (size_t g = 0; g < parquet_groups(f); g++)
      for (size_t p = 0; p < parquet_pages(f, g); p++)
        use_page(f, r, g, p, &why);
    parquet_reader_free(r);
    parquet_close(f);
  }
  buf_clear(&why);
}

static size_t put_page(struct buf *file, struct fuzz_input body, enum parquet_page_type type,
                       int32_t values, enum parquet_encoding encoding) {
  size_t at = file->len;
  struct parquet_page_header header = {.type = type, .size = (int32_t) body.len,
                                       .raw_size = (int32_t) body.len, .values = values,
                                       .encoding = encoding};
  parquet_write_page_header(file, &header);
  buf_append(file, body.data, body.len);
  return at;
}

/* A file of one column and one page: its type, whether it may be null, its encoding, its rows, a
 * line that is its dictionary, and the rest is its page. */
static void put_pages(struct buf *file, struct fuzz_input in) {
  enum parquet_type type = fuzz_byte(&in) % 6;
  bool optional = fuzz_byte(&in) & 1;
  enum parquet_encoding encoding = fuzz_byte(&in) % 10;
  int64_t rows = 1 + fuzz_byte(&in) % 32 * (1 + fuzz_byte(&in));
  int32_t entries = (int32_t) fuzz_byte(&in);
  struct fuzz_input dictionary = fuzz_line(&in);
  struct parquet_column column = {"c", type, optional};
  struct parquet_chunk chunk = {.encoding = encoding, .codec = CODEC_NONE,
                                .stats = {.values = (uint64_t) rows}};
  struct parquet_group group = {rows, &chunk};
  struct parquet_meta meta = {&column, 1, &group, 1, rows, NULL, 0};
  buf_puts(file, PARQUET_MAGIC);
  if (encoding == ENCODING_RLE_DICTIONARY)
    chunk.dictionary_offset =
        (int64_t) put_page(file, dictionary, PAGE_DICTIONARY, entries, ENCODING_PLAIN);
  chunk.data_offset = (int64_t) put_page(file, in, PAGE_DATA, (int32_t) rows, encoding);
  struct parquet_page page = {.offset = chunk.data_offset,
                              .size = (int32_t) ((int64_t) file->len - chunk.data_offset)};
  chunk.offset_index.offset = (int64_t) file->len;
  parquet_write_offset_index(file, &page, 1);
  chunk.offset_index.length = (int32_t) ((int64_t) file->len - chunk.offset_index.offset);
  size_t footer = file->len;
  parquet_write_footer(file, &meta);
  uint32_t len = htole32((uint32_t) (file->len - footer));
  buf_append(file, &len, 4);
  buf_puts(file, PARQUET_MAGIC);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  struct fuzz_input in = fuzz_input(bytes, size);
  struct buf file = {0};
  char path[32];
  if (fuzz_byte(&in) % 2 == 0)
    buf_append(&file, in.data, in.len);
  else
    put_pages(&file, in);
  int fd = memfd_create("parquet", MFD_CLOEXEC);
  FUZZ_CHECK(write(fd, file.data, file.len) == (ssize_t) file.len);
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  use_file(path);
  close(fd);
  buf_clear(&file);
  return 0;
}
