#include "store/read/rowset.h"

void rowset_clear(struct rowset *r) {
  buf_clear(&r->names);
  buf_clear(&r->cells);
  buf_clear(&r->text);
  *r = (struct rowset) {0};
}

void rowset_name(struct rowset *r, const char *name) {
  buf_append(&r->names, name, strlen(name) + 1);
  r->ncolumns++;
}

void rowset_put(struct rowset *r, struct cell cell) {
  buf_append(&r->cells, &cell, sizeof cell);
}

void rowset_put_text(struct rowset *r, const char *s, size_t len) {
  struct cell cell = {CELL_TEXT, {.s = {(uint32_t) r->text.len, (uint32_t) len}}};
  buf_append(&r->text, s, len);
  rowset_put(r, cell);
}
