/* Prints records for peers that load files.
 *
 *   print_records [--rows N] [--first I] [--format ndjson|csv|copy] [--batch 1000]
 *
 * copy is SQL for psql: a COPY FROM STDIN of every batch. */
#include "record/timestamp.h"
#include "scan.h"

static void put_cell(struct buf *out, const struct batch *b, const struct column *c,
                     union value v, char quote) {
  size_t len;
  switch (c->type) {
  case COLUMN_STRING: {
    const char *text = value_text(&b->text, v, &len);
    if (quote)
      buf_putc(out, quote);
    buf_append(out, text, len);
    if (quote)
      buf_putc(out, quote);
    break;
  }
  case COLUMN_FLOAT:
    buf_put_double(out, v.f);
    break;
  case COLUMN_BOOLEAN:
    buf_puts(out, v.i ? "true" : "false");
    break;
  case COLUMN_TIME:
    timestamp_write(out, v.i);
    break;
  default:
    buf_put_int(out, v.i);
  }
}

static void put_rows(struct buf *out, const struct batch *b, char separator, char quote) {
  for (size_t i = 0; i < b->count; i++)
    for (size_t k = 0; k < b->schema->nstored; k++) {
      put_cell(out, b, &b->schema->columns[k], batch_record(b, i)->v[k], quote);
      buf_putc(out, k + 1 < b->schema->nstored ? separator : '\n');
    }
}

int main(int argc, char **argv) {
  (void) argc;
  const char *format = option(argv, "--format", "ndjson");
  uint64_t rows = option_int(argv, "--rows", 1000), first = option_int(argv, "--first", 0);
  uint64_t batch = option_int(argv, "--batch", 1000);
  struct record_source source = record_source_of(argv);
  struct schema *schema = load_schema();
  struct buf out = {0}, body = {0};
  for (uint64_t i = first; i < first + rows; i += batch) {
    body.len = out.len = 0;
    scan_write(&body, &source, i, i + batch <= first + rows ? batch : first + rows - i);
    if (strcmp(format, "ndjson") == 0) {
      fwrite(body.data, 1, body.len, stdout);
      continue;
    }
    struct batch *b = scan_body(schema, &body);
    bool copy = strcmp(format, "copy") == 0;
    if (copy)
      buf_literal(&out, "COPY records FROM STDIN;\n");
    put_rows(&out, b, copy ? '\t' : ',', copy ? '\0' : '"');
    if (copy)
      buf_literal(&out, "\\.\n");
    fwrite(out.data, 1, out.len, stdout);
    batch_free(b);
  }
  return 0;
}
