#include "store/cold/parquet_encode.h"

#include <endian.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/mem.h"

/* A dictionary is read whole before the first page, though a single row be asked for: one of
 * numbers that has less than so many rows an entry saves little for that. */
enum { MAX_DICTIONARY = 1 << 20, ROWS_PER_NUMBER = 4 };

void parquet_encoder_init(struct parquet_encoder *e, int level) {
  *e = (struct parquet_encoder){0};
  if (level != 0) {
    e->zstd = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(e->zstd, ZSTD_c_compressionLevel, level);
  }
  parquet_distinct_init(&e->distinct);
  e->numbers = xmalloc(PARQUET_PAGE_ROWS * sizeof *e->numbers);
  e->codes = xmalloc(PARQUET_PAGE_ROWS * sizeof *e->codes);
  e->marks = xcalloc(PARQUET_GROUP_ROWS, sizeof *e->marks);
}

void parquet_encoder_clear(struct parquet_encoder *e) {
  ZSTD_freeCCtx(e->zstd);
  buf_clear(&e->raw);
  buf_clear(&e->packed);
  buf_clear(&e->dictionary);
  parquet_distinct_clear(&e->distinct);
  free(e->numbers);
  free(e->codes);
  free(e->marks);
}

/* raw becomes packed, a frame of zstd that has a block's end at each cut. */
static bool compress_page(struct parquet_encoder *e) {
  size_t bound = ZSTD_compressBound(e->raw.len) + ENCODER_CUTS * 32;
  e->packed.len = 0;
  ZSTD_outBuffer out = {buf_try_reserve(&e->packed, bound), bound, 0};
  if (out.dst == NULL)
    return false;
  if (e->zstd == NULL) {
    buf_append(&e->packed, e->raw.data, e->raw.len);
    return true;
  }
  ZSTD_CCtx_reset(e->zstd, ZSTD_reset_session_only);
  ZSTD_CCtx_setPledgedSrcSize(e->zstd, e->raw.len);
  ZSTD_inBuffer in = {e->raw.data, 0, 0};
  e->cuts[e->ncuts++] = e->raw.len;
  for (size_t i = 0; i < e->ncuts; i++) {
    in.size = e->cuts[i];
    size_t left = ZSTD_compressStream2(e->zstd, &out, &in,
                                       i + 1 < e->ncuts ? ZSTD_e_flush : ZSTD_e_end);
    if (left != 0)
      return false;
  }
  e->packed.len = out.pos;
  return true;
}

static void begin(struct parquet_encoder *e) {
  e->raw.len = 0;
  e->ncuts = 0;
}

static void cut(struct parquet_encoder *e) {
  e->cuts[e->ncuts++] = e->raw.len;
}

/* Puts the header in front of the body in packed. */
static bool finish(struct parquet_encoder *e, struct parquet_page_header *header) {
  if (!compress_page(e))
    return false;
  header->raw_size = (int32_t) e->raw.len;
  header->size = (int32_t) e->packed.len;
  header->has_checksum = true;
  header->checksum = (uint32_t) crc32_z(0, (Bytef *) e->packed.data, e->packed.len);
  return true;
}

static void put_length(struct buf *b, uint32_t len) {
  uint32_t little = htole32(len);
  buf_append(b, &little, 4);
}

/* Levels of definition: a bit a row, before the values of those that are not null. */
static void put_levels(struct parquet_encoder *e, const struct parquet_slice *slice) {
  const uint8_t *present = slice->fill->present;
  if (present == NULL)
    return;
  for (size_t i = 0; i < slice->count; i++)
    e->codes[i] = present[slice->first + i];
  put_length(&e->raw, 0);
  pack_hybrid(&e->raw, e->codes, slice->count, 1);
  uint32_t little = htole32((uint32_t) e->raw.len - 4);
  memcpy(e->raw.data, &little, 4);
}

/* The codes of a slice that are not null, into e->codes. */
static size_t take_codes(struct parquet_encoder *e, const struct parquet_slice *slice) {
  const struct parquet_fill *fill = slice->fill;
  const uint32_t *codes = fill->codes != NULL ? fill->codes : e->distinct.codes;
  size_t count = 0;
  for (size_t i = slice->first; i < slice->first + slice->count; i++) {
    e->codes[count] = codes[i];
    count += fill->present == NULL || fill->present[i];
  }
  return count;
}

static size_t take_numbers(struct parquet_encoder *e, const struct parquet_slice *slice) {
  const struct parquet_fill *fill = slice->fill;
  size_t count = 0;
  for (size_t i = slice->first; i < slice->first + slice->count; i++) {
    e->numbers[count] = fill->numbers[i];
    count += fill->present == NULL || fill->present[i];
  }
  return count;
}

static void put_codes(struct parquet_encoder *e, const struct parquet_slice *slice) {
  bool text = slice->fill->codes != NULL;
  size_t size = text ? slice->fill->entries : e->distinct.count;
  unsigned width = bits_of(size > 0 ? size - 1 : 0);
  size_t count = take_codes(e, slice);
  buf_putc(&e->raw, (char) width);
  pack_hybrid(&e->raw, e->codes, count, width);
}

static void put_texts(struct parquet_encoder *e, const struct parquet_slice *slice) {
  size_t count = take_codes(e, slice);
  for (size_t i = 0; i < count; i++)
    e->numbers[i] = parquet_fill_entry(slice->fill, e->codes[i]).len;
  pack_delta(&e->raw, e->numbers, count);
  cut(e);
  for (size_t i = 0; i < count; i++) {
    struct parquet_text entry = parquet_fill_entry(slice->fill, e->codes[i]);
    buf_append(&e->raw, entry.data, entry.len);
  }
}

static void put_numbers(struct parquet_encoder *e, const struct parquet_slice *slice,
                        enum parquet_encoding encoding) {
  size_t count = take_numbers(e, slice), start = e->raw.len;
  if (encoding == ENCODING_DELTA_BINARY_PACKED) {
    pack_delta(&e->raw, e->numbers, count);
  } else if (encoding == ENCODING_BYTE_STREAM_SPLIT) {
    pack_split(&e->raw, e->numbers, count);
    for (size_t k = 1; k < 8; k++)
      e->cuts[e->ncuts++] = start + k * count;
  } else if (slice->fill->type == PARQUET_BOOLEAN) {
    pack_booleans(&e->raw, e->numbers, count);
  } else {
    pack_plain(&e->raw, e->numbers, count);
  }
}

bool parquet_encode_page(struct parquet_encoder *e, const struct parquet_slice *slice,
                         enum parquet_encoding encoding, struct parquet_page_header *header) {
  begin(e);
  put_levels(e, slice);
  if (encoding == ENCODING_RLE_DICTIONARY)
    put_codes(e, slice);
  else if (encoding == ENCODING_DELTA_LENGTH_BYTE_ARRAY)
    put_texts(e, slice);
  else
    put_numbers(e, slice, encoding);
  *header = (struct parquet_page_header){
      .type = PAGE_DATA, .values = (int32_t) slice->count, .encoding = encoding};
  return finish(e, header);
}

/* Leaves it in e->dictionary; 0: no memory. */
static size_t encode_dictionary(struct parquet_encoder *e, const struct parquet_fill *fill) {
  bool text = parquet_is_text(fill->type);
  size_t count = text ? fill->entries : e->distinct.count;
  begin(e);
  for (size_t i = 0; i < count && text; i++) {
    struct parquet_text entry = parquet_fill_entry(fill, i);
    put_length(&e->raw, entry.len);
    buf_append(&e->raw, entry.data, entry.len);
  }
  if (!text)
    pack_plain(&e->raw, e->distinct.values, count);
  e->dictionary_header = (struct parquet_page_header){
      .type = PAGE_DICTIONARY, .values = (int32_t) count, .encoding = ENCODING_PLAIN};
  if (!finish(e, &e->dictionary_header))
    return 0;
  struct buf unused = e->dictionary;
  e->dictionary = e->packed;
  e->packed = unused;
  return e->dictionary.len;
}

/* What a column takes if all its pages are like that one. */
static size_t trial(struct parquet_encoder *e, const struct parquet_slice *page,
                    enum parquet_encoding encoding) {
  size_t pages = (page->fill->rows + page->count - 1) / page->count, dictionary = 0;
  struct parquet_page_header header;
  if (!parquet_encode_page(e, page, encoding, &header))
    return SIZE_MAX;
  if (encoding == ENCODING_RLE_DICTIONARY)
    dictionary = encode_dictionary(e, page->fill);
  if (encoding == ENCODING_RLE_DICTIONARY && dictionary == 0)
    return SIZE_MAX;
  return (size_t) header.size * pages + dictionary;
}

static bool may_have_dictionary(struct parquet_encoder *e, const struct parquet_fill *fill) {
  if (fill->type == PARQUET_BOOLEAN)
    return false;
  if (parquet_is_text(fill->type))
    return fill->is_dictionary && fill->text.len + 4 * fill->entries <= MAX_DICTIONARY;
  size_t most = fill->rows < 16 ? fill->rows : fill->rows / ROWS_PER_NUMBER;
  if (most > MAX_DICTIONARY / 8)
    most = MAX_DICTIONARY / 8;
  return parquet_distinct_find(&e->distinct, fill->numbers, fill->rows, most);
}

static size_t candidates_of(enum parquet_type type, enum parquet_encoding *candidates) {
  if (parquet_is_text(type)) {
    candidates[0] = ENCODING_DELTA_LENGTH_BYTE_ARRAY;
  } else if (type == PARQUET_DOUBLE) {
    candidates[0] = ENCODING_BYTE_STREAM_SPLIT;
    candidates[1] = ENCODING_PLAIN; /* of decimals, whose fractions repeat in binary */
    return 2;
  } else {
    candidates[0] = type == PARQUET_BOOLEAN ? ENCODING_PLAIN : ENCODING_DELTA_BINARY_PACKED;
  }
  return 1;
}

void parquet_choose(struct parquet_encoder *e, const struct parquet_fill *fill) {
  struct parquet_choice *choice = &e->choice;
  *choice = (struct parquet_choice){.least = SIZE_MAX};
  choice->count = candidates_of(fill->type, choice->candidates);
  choice->best = choice->candidates[0];
  if (may_have_dictionary(e, fill))
    choice->candidates[choice->count++] = ENCODING_RLE_DICTIONARY;
}

bool parquet_try_next(struct parquet_encoder *e, const struct parquet_slice *first_page) {
  struct parquet_choice *choice = &e->choice;
  if (choice->count == 1 || choice->tried == choice->count)
    return false;
  enum parquet_encoding encoding = choice->candidates[choice->tried++];
  size_t size = trial(e, first_page, encoding);
  if (size < choice->least || (size == choice->least && encoding == ENCODING_RLE_DICTIONARY)) {
    choice->least = size;
    choice->best = encoding;
  }
  return true;
}
