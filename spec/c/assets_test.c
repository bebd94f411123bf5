/* The files in the program.  Runs in the project's folder, from which they come. */
#include "base/assets.h"

#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#include "test.h"

static void check_text(const char *folder, const char *name, int rc, const char *start) {
  struct buf text = {0};
  CHECK(assets_read(folder, name, &text) == rc);
  CHECK(rc != 0 || (text.len >= strlen(start) &&
                    memcmp(text.data, start, strlen(start)) == 0));
  buf_clear(&text);
}

static void test_all(void) {
  size_t count;
  const struct asset *all = assets_all(&count);
  CHECK(count > 100);
  for (size_t i = 0; i < count; i++) {
    struct buf text = {0};
    CHECK(i == 0 || strcmp(all[i - 1].name, all[i].name) < 0);
    CHECK(assets_find(all[i].name) == &all[i]);
    CHECK(assets_read(".", all[i].name, &text) == 0);
    CHECK(text.len == all[i].len && memcmp(text.data, all[i].data, text.len) == 0);
    CHECK(all[i].data[all[i].len] == '\0');
    buf_clear(&text);
  }
  CHECK(assets_find("lua/schema.lu") == NULL && assets_find("") == NULL);
  CHECK(assets_find("static/dashboard/package.json") == NULL);
}

static void test_own_file_wins(void) {
  char folder[] = "/tmp/assets-XXXXXX", path[64];
  CHECK(mkdtemp(folder) != NULL);
  snprintf(path, sizeof path, "%s/config.lua", folder);
  check_text(folder, "config.lua", 0, "-- Moonledger's settings.");
  FILE *file = fopen(path, "w");
  fputs("mine", file);
  fclose(file);
  check_text(folder, "config.lua", 0, "mine");
  check_text(folder, "lua/schema.lua", 0, "---");
  check_text(folder, "config.lua/x", UV_ENOENT, "");
  check_text(folder, "lua/none.lua", UV_ENOENT, "");
  unlink(path);
  rmdir(folder);
}

int main(void) {
  test_all();
  test_own_file_wins();
  return TEST_END;
}
