#include "store/read/result.h"

void result_clear(struct result *r) {
  buf_clear(&r->names);
  buf_clear(&r->values);
  buf_clear(&r->text);
  *r = (struct result){0};
}

void result_name(struct result *r, const char *name) {
  buf_append(&r->names, name, strlen(name) + 1);
  r->ncolumns++;
}

void result_put(struct result *r, struct result_value value) {
  buf_append(&r->values, &value, sizeof value);
}

void result_put_text(struct result *r, const char *s, size_t len) {
  struct result_value value = {RESULT_TEXT, {.s = {(uint32_t) r->text.len, (uint32_t) len}}};
  buf_append(&r->text, s, len);
  result_put(r, value);
}
