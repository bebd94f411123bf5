#ifndef MOONLEDGER_IMPORT_CONVERTER_H
#define MOONLEDGER_IMPORT_CONVERTER_H

#include <stdint.h>

#include "base/buf.h"
#include "config.h"

/* lua/ingest/import.lua in a state of its own: pieces of files in, lines of records out. */
struct converter;

/* NULL: error says why, for example that the format is unknown. */
struct converter *converter_new(const struct config *config, const char *format, struct buf *error);

/* Each appends lines to out; 0, or UV_EINVAL with error. */
int converter_open(struct converter *c, const char *name, struct buf *error);
int converter_feed(struct converter *c, const char *piece, size_t len, struct buf *out, struct buf *error);
int converter_close(struct converter *c, struct buf *out, struct buf *error);

/* The end of all files: takes the next lines that had to wait for it, as long as there are any. */
int converter_finish(struct converter *c, struct buf *out, struct buf *error);

/* How many records were rejected so far, and the first few complaints, a line each. */
uint64_t converter_rejected(struct converter *c, struct buf *complaints);

void converter_free(struct converter *c);

#endif
