#include "store/cold/part_files.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"

struct part_files {
  char *folder;
  pthread_mutex_t lock;
  struct part_file **items;
  size_t len, cap;
  uint64_t uses;
  struct part missed; /* number 0: none */
};

struct part_files *part_files_new(const char *database_path) {
  struct part_files *files = xcalloc(1, sizeof *files);
  files->folder = cold_folder(database_path);
  pthread_mutex_init(&files->lock, NULL);
  return files;
}

static void close_at(struct part_files *files, size_t i) {
  parquet_close(files->items[i]->file);
  free(files->items[i]);
  files->items[i] = files->items[--files->len];
}

void part_files_free(struct part_files *files) {
  if (files == NULL)
    return;
  while (files->len > 0)
    close_at(files, 0);
  free(files->items);
  pthread_mutex_destroy(&files->lock);
  free(files->folder);
  free(files);
}

const char *part_files_folder(const struct part_files *files) {
  return files->folder;
}

static struct part_file *find(const struct part_files *files, int64_t number) {
  for (size_t i = 0; i < files->len; i++)
    if (files->items[i]->number == number)
      return files->items[i];
  return NULL;
}

/* What is gone, and of the others that nobody reads the one that was used longest ago, when they
 * are too many. */
static void close_idle(struct part_files *files) {
  size_t idle = 0, oldest = 0;
  for (size_t i = files->len; i-- > 0;)
    if (files->items[i]->refs == 0 && files->items[i]->gone)
      close_at(files, i);
  for (size_t i = 0; i < files->len; i++) {
    if (files->items[i]->refs > 0)
      continue;
    if (idle++ == 0 || files->items[i]->last_used < files->items[oldest]->last_used)
      oldest = i;
  }
  if (idle > PART_FILES_IDLE)
    close_at(files, oldest);
}

static struct part_file *add(struct part_files *files, const struct part *part,
                             struct parquet_file *file) {
  if (files->len == files->cap) {
    files->cap = files->cap > 0 ? files->cap * 2 : 16;
    files->items = xrealloc(files->items, files->cap * sizeof(struct part_file *));
  }
  struct part_file *item = xcalloc(1, sizeof *item);
  item->file = file;
  item->number = part->number;
  files->items[files->len++] = item;
  return item;
}

static bool is_there(const struct part_files *files, const struct part *part) {
  struct buf path = {0};
  cold_path(&path, files->folder, part->file);
  bool there = access(path.data, R_OK) == 0;
  buf_clear(&path);
  return there;
}

/* Under the lock. */
static bool miss(struct part_files *files, const struct part *part) {
  if (is_there(files, part))
    return false;
  if (files->missed.number == 0)
    files->missed = *part;
  return true;
}

bool part_files_miss(struct part_files *files, const struct part *part) {
  pthread_mutex_lock(&files->lock);
  bool missed = miss(files, part);
  pthread_mutex_unlock(&files->lock);
  return missed;
}

void part_files_missing(struct part_files *files, char *file, size_t size) {
  pthread_mutex_lock(&files->lock);
  if (files->missed.number != 0 && is_there(files, &files->missed))
    files->missed = (struct part){0};
  snprintf(file, size, "%s%s%s", files->missed.number != 0 ? files->folder : "",
           files->missed.number != 0 ? "/" : "", files->missed.file);
  pthread_mutex_unlock(&files->lock);
}

struct part_file *part_files_get(struct part_files *files, const struct part *part,
                                 struct buf *why) {
  pthread_mutex_lock(&files->lock);
  struct part_file *item = find(files, part->number);
  if (item == NULL) {
    struct buf path = {0};
    cold_path(&path, files->folder, part->file);
    struct parquet_file *file = parquet_open(path.data, false, why);
    buf_clear(&path);
    if (file != NULL)
      item = add(files, part, file);
    else
      miss(files, part);
  }
  if (item != NULL) {
    item->refs++;
    item->last_used = ++files->uses;
  }
  pthread_mutex_unlock(&files->lock);
  return item;
}

void part_files_put(struct part_files *files, struct part_file *item) {
  pthread_mutex_lock(&files->lock);
  item->refs--;
  close_idle(files);
  pthread_mutex_unlock(&files->lock);
}

void part_files_forget(struct part_files *files, int64_t number) {
  pthread_mutex_lock(&files->lock);
  struct part_file *item = find(files, number);
  if (item != NULL)
    item->gone = true;
  if (files->missed.number == number)
    files->missed = (struct part){0};
  close_idle(files);
  pthread_mutex_unlock(&files->lock);
}
