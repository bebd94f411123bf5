#include "import/import.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "import/converter.h"
#include "import/files.h"
#include "import/progress.h"
#include "import/target.h"

static const char usage[] =
    "usage: moonledger [--config FILE] [--database PATH] import [OPTIONS] FILE|DIR|-...\n"
    "\n"
    "Reads records, logs and transcripts, also gzipped: into the running server, or straight into the\n"
    "database when none runs.  What is there already stays as it is: running it again adds nothing.\n"
    "\n"
    "  --format NAME   auto, access_log, ccproxy, claude, litellm or ndjson (auto)\n"
    "  --url URL       of the server: http://HOST:PORT (that of the config)\n"
    "  --token TOKEN   with scope ingest ($MOONLEDGER_INGEST_TOKEN)\n";

enum { SEND_BYTES = 1024 * 1024 };

struct run {
  struct converter *converter;
  struct target *target;
  struct files files;
  struct progress progress;
  struct target_counts counts;
  struct buf lines, error;
  uint64_t bytes_before; /* of files that are done */
};

struct import_options {
  const char *format, *url, *token;
};

/* 0: go on; else the exit code, plus one. */
static int parse(struct import_options *o, int argc, char **argv) {
  static const struct option names[] = {{"format", required_argument, NULL, 'f'},
                                        {"url", required_argument, NULL, 'u'},
                                        {"token", required_argument, NULL, 't'},
                                        {"help", no_argument, NULL, 'h'},
                                        {NULL, 0, NULL, 0}};
  *o = (struct import_options){.format = "auto", .token = getenv("MOONLEDGER_INGEST_TOKEN")};
  optind = 1;
  for (int c; (c = getopt_long(argc, argv, "", names, NULL)) != -1;) {
    if (c == 'f')
      o->format = optarg;
    else if (c == 'u')
      o->url = optarg;
    else if (c == 't')
      o->token = optarg;
    else
      return fputs(usage, c == 'h' ? stdout : stderr), c == 'h' ? 1 : 3;
  }
  if (optind == argc)
    return fputs(usage, stderr), 3;
  return 0;
}

/* The lines that wait, in pieces that a server takes at once. */
static int send_lines(struct run *run, bool all) {
  int rc = 0;
  while (rc == 0 && run->lines.len > 0 && (all || run->lines.len >= SEND_BYTES)) {
    size_t len = run->lines.len;
    if (len > SEND_BYTES) {
      const char *end = memchr(run->lines.data + SEND_BYTES, '\n', len - SEND_BYTES);
      len = end != NULL ? (size_t) (end + 1 - run->lines.data) : len;
    }
    rc = target_send(run->target, run->lines.data, len, &run->counts, &run->error);
    buf_consume(&run->lines, len);
  }
  return rc;
}

static void show(struct run *run, uint64_t offset) {
  progress_update(&run->progress, run->bytes_before + offset, run->counts.accepted + run->counts.merged);
}

static int import_pieces(struct run *run, struct file_reader *reader) {
  const char *piece;
  size_t len;
  int rc;
  while ((rc = file_read(reader, &piece, &len)) > 0) {
    rc = converter_feed(run->converter, piece, len, &run->lines, &run->error);
    if (rc == 0)
      rc = send_lines(run, false);
    if (rc < 0)
      return rc;
    show(run, file_offset(reader));
  }
  return rc;
}

static int import_file(struct run *run, const struct import_file *file) {
  struct file_reader *reader = file_open(file, &run->error);
  if (reader == NULL)
    return UV_EIO;
  int rc = converter_open(run->converter, file->path, &run->error);
  if (rc == 0)
    rc = import_pieces(run, reader);
  if (rc == 0)
    rc = converter_close(run->converter, &run->lines, &run->error);
  if (rc < 0 && run->error.len == 0)
    buf_printf(&run->error, "%s: %s", file->path, uv_strerror(rc));
  file_close(reader);
  run->bytes_before += file->bytes;
  return rc;
}

static int import_all(struct run *run) {
  int rc = 0;
  progress_start(&run->progress, run->files.bytes);
  for (size_t i = 0; i < run->files.count && rc == 0; i++)
    rc = import_file(run, &run->files.items[i]);
  if (rc == 0)
    rc = converter_finish(run->converter, &run->lines, &run->error);
  return rc == 0 ? send_lines(run, true) : rc;
}

static void summarise(struct run *run) {
  struct buf complaints = {0};
  uint64_t rejected = run->counts.rejected + converter_rejected(run->converter, &complaints);
  double seconds = progress_end(&run->progress);
  uint64_t taken = run->counts.accepted + run->counts.merged;
  buf_complain(&complaints);
  printf("%s: %llu records from %zu files in %.1f s: %llu new, %llu known already, %llu rejected\n",
         target_name(run->target), (unsigned long long) taken, run->files.count, seconds,
         (unsigned long long) run->counts.accepted, (unsigned long long) run->counts.merged,
         (unsigned long long) rejected);
}

static int complain(const struct buf *error) {
  fprintf(stderr, "moonledger: %.*s\n", (int) error->len, error->data);
  return 1;
}

static int run_import(struct run *run, const struct config *config, const struct import_options *o,
                      char **names, int count) {
  if (files_find(&run->files, names, count, &run->error) < 0)
    return complain(&run->error);
  if ((run->converter = converter_new(config, o->format, &run->error)) == NULL)
    return complain(&run->error);
  if ((run->target = target_open(config, o->url, o->token, &run->error)) == NULL)
    return complain(&run->error);
  int rc = import_all(run);
  summarise(run);
  return rc < 0 ? complain(&run->error) : 0;
}

int import_main(const struct options *options, int argc, char **argv) {
  struct import_options o;
  argc -= options->first - 1;
  argv += options->first - 1;
  int code = parse(&o, argc, argv);
  if (code != 0)
    return code - 1;
  struct run run = {0};
  struct config *config = config_load(options->config, &options->overrides, &run.error);
  code = config == NULL ? complain(&run.error) : run_import(&run, config, &o, argv + optind, argc - optind);
  target_close(run.target);
  converter_free(run.converter);
  files_clear(&run.files);
  config_free(config);
  buf_clear(&run.lines);
  buf_clear(&run.error);
  return code;
}
