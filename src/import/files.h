#ifndef MOONLEDGER_IMPORT_FILES_H
#define MOONLEDGER_IMPORT_FILES_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* The files that a command line names, in order; a folder stands for the files below it whose names end in
 * .jsonl, .ndjson, .json or .log, or in those and .gz, by name. */
struct files {
  struct import_file {
    char *path; /* "-": standard input */
    uint64_t bytes;
  } * items;
  size_t count;
  uint64_t bytes;
};

/* 0, or a negative UV_E.. with what is wrong in error. */
int files_find(struct files *files, char **names, int count, struct buf *error);
void files_clear(struct files *files);

/* Reads a file, also a gzipped one, in pieces that end with a line. */
struct file_reader;

struct file_reader *file_open(const struct import_file *file, struct buf *error); /* NULL: error says why */

/* Fills piece; its bytes are the reader's until the next call.  0 at the end, 1 for a piece, or a negative
 * UV_E.. */
int file_read(struct file_reader *r, const char **piece, size_t *len);

uint64_t file_offset(const struct file_reader *r); /* bytes of the file read so far, compressed where it is */
void file_close(struct file_reader *r);

#endif
