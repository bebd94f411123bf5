#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assets.h"
#include "base/hash.h"
#include "script/reload/own.h"

struct init {
  const char *folder;
  struct buf before, record; /* OWN_RECORD as it is, and as it will be */
  size_t written, equal, kept;
  int error;
};

static struct buf path_of(const char *folder, const char *name) {
  struct buf path = {0};
  buf_printf(&path, "%s/%s", folder, name);
  buf_putc(&path, '\0');
  return path;
}

/* The folders that lead to path: 0 or an errno. */
static int make_folders(char *path) {
  int error = 0;
  for (char *p = path + 1; error == 0 && (p = strchr(p, '/')) != NULL; p++) {
    *p = '\0';
    error = mkdir(path, 0755) < 0 && errno != EEXIST ? errno : 0;
    *p = '/';
  }
  return error;
}

/* 0 or an errno; EEXIST: something stands there, and stays. */
static int create(char *path, const char *data, size_t len) {
  int error = make_folders(path);
  if (error != 0)
    return error;
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0)
    return errno;
  ssize_t n = 0;
  for (size_t done = 0; done < len && n >= 0; done += (size_t) n)
    n = write(fd, data + done, len - done);
  error = n < 0 ? errno : 0;
  if (close(fd) < 0 && error == 0)
    error = errno;
  if (error != 0)
    unlink(path);
  return error;
}

static void record(struct init *in, const struct asset *asset) {
  buf_printf(&in->record, "%016llx %s\n",
             (unsigned long long) hash_for_files(asset->data, asset->len), asset->name);
}

/* What the record says of a file that stays. */
static void record_as_before(struct init *in, const struct asset *asset) {
  struct buf line = {0};
  buf_printf(&line, " %s\n", asset->name);
  const char *found = in->before.len > 0
                          ? memmem(in->before.data, in->before.len, line.data, line.len)
                          : NULL;
  if (found != NULL && found - in->before.data >= 16)
    buf_append(&in->record, found - 16, 16 + line.len);
  buf_clear(&line);
}

static void keep_record(struct init *in, const struct asset *asset) {
  struct buf text = {0};
  int rc = assets_read(in->folder, asset->name, &text);
  if (rc == 0 && text.len == asset->len && memcmp(text.data, asset->data, text.len) == 0) {
    in->equal++;
    record(in, asset);
  } else {
    in->kept++;
    printf("left %s as it is\n", asset->name);
    record_as_before(in, asset);
  }
  buf_clear(&text);
}

static void write_asset(struct init *in, const struct asset *asset) {
  struct buf path = path_of(in->folder, asset->name);
  int error = create(path.data, asset->data, asset->len);
  if (error == 0) {
    in->written++;
    printf("wrote %s\n", asset->name);
    record(in, asset);
  } else if (error == EEXIST) {
    keep_record(in, asset);
  } else {
    fprintf(stderr, "moonledger: %s: %s\n", path.data, strerror(error));
    in->error = error;
  }
  buf_clear(&path);
}

static void write_record(struct init *in) {
  struct buf path = path_of(in->folder, OWN_RECORD), fresh = path_of(in->folder, OWN_RECORD ".new");
  unlink(fresh.data);
  int error = create(fresh.data, in->record.data, in->record.len);
  if (error == 0 && rename(fresh.data, path.data) < 0)
    error = errno;
  if (error != 0) {
    fprintf(stderr, "moonledger: %s: %s\n", path.data, strerror(error));
    in->error = error;
  }
  buf_clear(&path);
  buf_clear(&fresh);
}

int init_main(const char *folder) {
  struct init in = {.folder = folder};
  size_t count;
  const struct asset *all = assets_all(&count);
  assets_read(folder, OWN_RECORD, &in.before);
  for (size_t i = 0; i < count && in.error == 0; i++)
    if (asset_is_for_people(&all[i]))
      write_asset(&in, &all[i]);
  write_record(&in);
  if (in.error == 0)
    printf("%s: %zu files written, %zu there already as shipped, %zu that differ left "
           "alone\n",
           folder, in.written, in.equal, in.kept);
  buf_clear(&in.before);
  buf_clear(&in.record);
  return in.error == 0 ? 0 : 1;
}
