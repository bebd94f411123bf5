#ifndef MOONLEDGER_STORE_COLD_PART_FILES_H
#define MOONLEDGER_STORE_COLD_PART_FILES_H

#include "store/cold/manifest.h"
#include "store/cold/parquet_read.h"

/* The parts' files that are open, for all threads: what one has opened others need not. */
struct part_files;

enum { PART_FILES_IDLE = 64 }; /* that stay open though nobody reads them */

struct part_file {
  struct parquet_file *file;
  int64_t number;
  unsigned refs;      /* under the lock of part_files, as what follows */
  bool gone;          /* its file is removed: it closes when the last gives it back */
  uint64_t last_used;
};

/* Of the database of that path, which is there. */
struct part_files *part_files_new(const char *database_path);
void part_files_free(struct part_files *files); /* nobody holds any; NULL is allowed */
const char *part_files_folder(const struct part_files *files);

/* Opened for the caller, who gives it back.  NULL: why tells. */
struct part_file *part_files_get(struct part_files *files, const struct part *part,
                                 struct buf *why);
void part_files_put(struct part_files *files, struct part_file *file);

/* Its file is removed: nobody asks for it any more. */
void part_files_forget(struct part_files *files, int64_t number);

/* Notes it where its file is not there, which it should be.  false: it is there. */
bool part_files_miss(struct part_files *files, const struct part *part);

/* The first that was missed and is not back: its file, at most size bytes with the NUL, to file;
 * "": none. */
void part_files_missing(struct part_files *files, char *file, size_t size);

#endif
