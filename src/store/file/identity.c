#include "store/file/identity.h"

#include <stddef.h>

static int64_t size_of(const char *path) {
  struct stat st;
  return stat(path, &st) == 0 ? (int64_t) st.st_size : 0;
}

void identity_take(struct identity *id, const char *path, const char *wal_path) {
  struct stat file, wal;
  if (stat(path, &file) < 0 || stat(wal_path, &wal) < 0)
    return; /* removed already: opening would have failed, or the first commit will */
  *id = (struct identity){.path = path,
                          .wal_path = wal_path,
                          .device = file.st_dev,
                          .file = file.st_ino,
                          .wal = wal.st_ino,
                          .bytes = (int64_t) file.st_size};
  pthread_mutex_init(&id->resizing, NULL);
}

static int is_at(const char *path, dev_t device, ino_t inode) {
  struct stat st;
  return stat(path, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

/* While the log is copied into the file nobody else can tell. */
static void look_at_size(struct identity *id) {
  if (pthread_mutex_trylock(&id->resizing) != 0)
    return;
  if (size_of(id->path) < id->bytes)
    atomic_store(&id->was_cut, 1);
  pthread_mutex_unlock(&id->resizing);
}

const char *identity_fault(struct identity *id) {
  if (id->path == NULL)
    return NULL;
  if (!is_at(id->path, id->device, id->file))
    return "the database file was removed or replaced under the server: put it back, or restart "
           "to begin another one";
  look_at_size(id); /* first: who opens an empty database removes its log */
  if (atomic_load(&id->was_cut))
    return "the database file was cut under the server: stop it and restore a backup";
  if (!is_at(id->wal_path, id->device, id->wal))
    return "the database's log (-wal) was removed or replaced under the server: restart";
  return NULL;
}

void identity_resize(struct identity *id) {
  if (id->path != NULL)
    pthread_mutex_lock(&id->resizing);
}

void identity_resized(struct identity *id) {
  if (id->path == NULL)
    return;
  id->bytes = size_of(id->path);
  pthread_mutex_unlock(&id->resizing);
}
