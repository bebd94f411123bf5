#include "script/notes.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <uv.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"

enum { PLACE_BITS = 16, PLACES = 1 << PLACE_BITS };

struct note {
  int64_t until_us;
  uint32_t key_len, len;
  char text[]; /* the key, then the text */
};

struct notes {
  char *path; /* or NULL */
  pthread_mutex_t lock;
  bool changed; /* since they were read */
  struct note *places[PLACES];
};

static const char heading[] = "moonledger notes 1\n";

/* Mapped, so that of its places only those that have been used take memory. */
struct notes *notes_new(const char *path) {
  struct notes *notes = xmap(sizeof *notes);
  notes->path = path != NULL ? xstrdup(path) : NULL;
  pthread_mutex_init(&notes->lock, NULL);
  return notes;
}

static void empty_places(struct notes *notes) {
  for (size_t i = 0; i < PLACES; i++) {
    if (notes->places[i] == NULL)
      continue; /* not written to: it may be in no memory */
    free(notes->places[i]);
    notes->places[i] = NULL;
  }
}

void notes_free(struct notes *notes) {
  empty_places(notes);
  pthread_mutex_destroy(&notes->lock);
  free(notes->path);
  munmap(notes, sizeof *notes);
}

static struct note **place_of(struct notes *notes, const char *key, size_t len) {
  return &notes->places[hash_quickly(key, len) >> (64 - PLACE_BITS)];
}

/* Takes the other's place, and its memory where that has the same size. */
static struct note *make_note(struct note **place, size_t size) {
  struct note *old = *place;
  if (old == NULL || old->key_len + (size_t) old->len != size) {
    *place = xmalloc(sizeof *old + size);
    free(old);
  }
  return *place;
}

int notes_put(struct notes *notes, const char *key, size_t key_len, const char *text, size_t len,
              int64_t until_us) {
  if (key_len == 0 || key_len > MAX_NOTE || len > MAX_NOTE - key_len)
    return UV_E2BIG;
  pthread_mutex_lock(&notes->lock);
  struct note *note = make_note(place_of(notes, key, key_len), key_len + len);
  *note = (struct note){until_us, (uint32_t) key_len, (uint32_t) len};
  memcpy(note->text, key, key_len);
  memcpy(note->text + key_len, text, len);
  notes->changed = true;
  pthread_mutex_unlock(&notes->lock);
  return 0;
}

int notes_get(struct notes *notes, const char *key, size_t key_len, char out[MAX_NOTE]) {
  int len = -1;
  pthread_mutex_lock(&notes->lock);
  const struct note *note = *place_of(notes, key, key_len);
  if (note != NULL && note->key_len == key_len && memcmp(note->text, key, key_len) == 0 &&
      note->until_us > clock_now_us()) {
    len = (int) note->len;
    memcpy(out, note->text + key_len, note->len);
  }
  pthread_mutex_unlock(&notes->lock);
  return len;
}

void notes_clear(struct notes *notes) {
  pthread_mutex_lock(&notes->lock);
  empty_places(notes);
  if (notes->path != NULL)
    remove(notes->path);
  pthread_mutex_unlock(&notes->lock);
}

/* In a file: each note as it stands in memory, in the order of its places */

static bool write_all(struct notes *notes, FILE *file) {
  int64_t now_us = clock_now_us();
  bool fine = fputs(heading, file) >= 0;
  pthread_mutex_lock(&notes->lock);
  for (size_t i = 0; i < PLACES && fine; i++) {
    const struct note *note = notes->places[i];
    if (note != NULL && note->until_us > now_us)
      fine = fwrite(note, sizeof *note + note->key_len + note->len, 1, file) == 1;
  }
  pthread_mutex_unlock(&notes->lock);
  return fine;
}

int notes_save(struct notes *notes) {
  struct buf new_path = {0};
  if (!notes->changed || notes->path == NULL)
    return 0;
  buf_printf(&new_path, "%s.new", notes->path);
  buf_putc(&new_path, '\0');
  FILE *file = fopen(new_path.data, "we");
  bool fine = file != NULL && write_all(notes, file);
  if (file != NULL)
    fine = fclose(file) == 0 && fine;
  fine = fine && rename(new_path.data, notes->path) == 0;
  int rc = fine ? 0 : -errno;
  if (!fine && file != NULL)
    remove(new_path.data);
  buf_clear(&new_path);
  return rc;
}

static bool read_note(struct notes *notes, FILE *file) {
  struct note note;
  char text[MAX_NOTE];
  if (fread(&note, sizeof note, 1, file) != 1)
    return false;
  size_t size = (size_t) note.key_len + note.len;
  return note.key_len <= MAX_NOTE && size <= sizeof text && fread(text, 1, size, file) == size &&
         notes_put(notes, text, note.key_len, text + note.key_len, note.len, note.until_us) == 0;
}

int notes_load(struct notes *notes) {
  char read[sizeof heading - 1];
  FILE *file = notes->path != NULL ? fopen(notes->path, "re") : NULL;
  if (file == NULL)
    return notes->path != NULL ? -errno : UV_ENOENT;
  if (fread(read, sizeof read, 1, file) == 1 && memcmp(read, heading, sizeof read) == 0)
    while (read_note(notes, file))
      ;
  fclose(file);
  notes->changed = false;
  return 0;
}
