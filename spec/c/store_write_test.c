#include "store_fixture.h"

static void test_stores_and_answers(void) {
  struct store *s = store_new();
  store_open(s);
  struct write w = put(s, "{\"request_id\":\"a\",\"timestamp\":1750000000,\"model\":\"m\",\"x\":[1,2]}\n"
                          "{\"request_id\":\"b\",\"timestamp\":1750000001,\"type\":\"request_start\"}\n"
                          "{\"request_id\":\"c\",\"timestamp\":1750000002,\"duration_ms\":2.5}\n");
  CHECK(w.status == 0 && w.accepted == 3 && w.merged == 0);
  CHECK(count_rows(s) == 2);
  char *json = row_json(s, "a");
  CHECK(strstr(json, "\"model\":\"m\"") != NULL && strstr(json, "\"x\":[1,2]") != NULL);
  free(json);
  json = row_json(s, "b");
  CHECK(*json == '\0');
  free(json);
  store_remove(s);
}

int main(void) {
  test_stores_and_answers();
  return TEST_END;
}
