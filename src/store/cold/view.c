#include "store/cold/view.h"

#include <stdlib.h>

#include "base/mem.h"
#include "store/cold/part_value.h"

struct view {
  struct part_files *files;
  const struct schema *schema;
  int64_t version; /* of the manifest; -1: not read yet */
  struct part_list parts;
  struct cursor *cursors[VIEW_CURSORS];
  uint64_t uses;
  struct buf why;
};

struct view *view_new(struct part_files *files, const struct schema *schema) {
  struct view *view = xcalloc(1, sizeof *view);
  *view = (struct view){.files = files, .schema = schema, .version = -1};
  return view;
}

void view_close(struct view *view, struct cursor *c) {
  if (c == NULL)
    return;
  parquet_reader_free(c->reader);
  part_files_put(view->files, c->held);
  buf_clear(&c->masks);
  free(c);
}

static void forget_cursors(struct view *view) {
  for (size_t i = 0; i < VIEW_CURSORS; i++) {
    view_close(view, view->cursors[i]);
    view->cursors[i] = NULL;
  }
}

void view_free(struct view *view) {
  if (view == NULL)
    return;
  forget_cursors(view);
  part_list_clear(&view->parts);
  buf_clear(&view->why);
  free(view);
}

const struct schema *view_schema(const struct view *view) {
  return view->schema;
}

const char *view_why(const struct view *view) {
  return view->why.len > 0 ? view->why.data : "";
}

struct buf *view_begin_why(struct view *view) {
  view->why.len = 0;
  return &view->why;
}

int view_fail(struct view *view) {
  buf_putc(&view->why, '\0');
  return SQLITE_CORRUPT;
}

static const struct part *find_part(const struct view *view, int64_t number) {
  for (size_t i = 0; i < view->parts.len; i++)
    if (view->parts.items[i].number == number)
      return &view->parts.items[i];
  return NULL;
}

/* Parts do not change; what of them counts does. */
static int refresh_cursors(struct view *view, sqlite3 *db) {
  int rc = SQLITE_OK;
  for (size_t i = 0; i < VIEW_CURSORS && rc == SQLITE_OK; i++) {
    struct cursor *c = view->cursors[i];
    const struct part *part = c != NULL ? find_part(view, c->part.number) : NULL;
    if (part == NULL) {
      view_close(view, c);
      view->cursors[i] = NULL;
      continue;
    }
    c->part = *part;
    c->masks.len = 0;
    rc = manifest_masks(db, part->number, &c->masks);
  }
  return rc;
}

int view_refresh(struct view *view, sqlite3 *db) {
  int64_t version;
  int rc = manifest_version(db, &version);
  if (rc != SQLITE_OK || version == view->version)
    return rc;
  view->version = -1;
  view->parts.len = 0;
  if (version > 0) /* else there was never one, nor perhaps the table */
    rc = manifest_read(db, PART_LIVE, &view->parts);
  if (rc == SQLITE_OK)
    rc = refresh_cursors(view, db);
  if (rc == SQLITE_OK)
    view->version = version;
  return rc;
}

void view_forget(struct view *view) {
  forget_cursors(view);
  view->version = -1;
}

size_t view_parts(const struct view *view) {
  return view->parts.len;
}

const struct part *view_part(const struct view *view, size_t i) {
  return &view->parts.items[i];
}

static const enum part_kind kinds[] = {
    [COLUMN_STRING] = KIND_TEXT,     [COLUMN_INTEGER] = KIND_INTEGER,
    [COLUMN_FLOAT] = KIND_DOUBLE,    [COLUMN_BOOLEAN] = KIND_INTEGER,
    [COLUMN_TIME] = KIND_INTEGER,
};

static bool fits(const struct parquet_column *column, enum column_type type) {
  return !column->optional && part_kind_of(column->type) == kinds[type];
}

static void find_columns(struct cursor *c, const struct schema *schema) {
  c->rowid = parquet_find(c->file, "rowid");
  c->extra = parquet_find(c->file, "extra");
  c->told = parquet_find(c->file, "told");
  c->stamps = parquet_find(c->file, "told_stamps");
  for (size_t i = 0; i < schema->nstored; i++) {
    int column = parquet_find(c->file, schema->columns[i].name);
    bool missing = column < 0 || !fits(parquet_column(c->file, (size_t) column),
                                       schema->columns[i].type);
    c->columns[i] = missing ? -1 : column;
    c->kept[i] = missing ? column : -1;
    c->missing |= (uint64_t) missing << i;
  }
}

bool cursor_is_beyond(const struct cursor *c, const struct schema *schema, size_t column) {
  const int ours[] = {c->rowid, c->extra, c->told, c->stamps};
  const char *name = parquet_column(c->file, column)->name;
  int known = schema_column(schema, name, strlen(name));
  for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
    if (ours[i] == (int) column)
      return false;
  return known < 0 || (size_t) known >= schema->nstored;
}

struct cursor *view_open(struct view *view, sqlite3 *db, size_t i) {
  const struct part *part = &view->parts.items[i];
  view_begin_why(view);
  struct part_file *held = part_files_get(view->files, part, &view->why);
  if (held == NULL) {
    view_fail(view);
    return NULL;
  }
  struct cursor *c = xcalloc(1, sizeof *c);
  *c = (struct cursor){.part = *part, .held = held, .file = held->file,
                       .reader = parquet_reader_new(held->file)};
  find_columns(c, view->schema);
  if (c->rowid < 0 || c->columns[view->schema->time] < 0) {
    buf_printf(&view->why, "%s: this part has no rowid or no time: restore it from a backup",
               part->file);
    view_fail(view);
  } else if (manifest_masks(db, part->number, &c->masks) == SQLITE_OK) {
    return c;
  } else {
    buf_puts(&view->why, sqlite3_errmsg(db));
    view_fail(view);
  }
  view_close(view, c);
  return NULL;
}

/* The slot of the cursor that was used longest ago. */
static struct cursor **oldest_slot(struct view *view) {
  struct cursor **oldest = &view->cursors[0];
  for (size_t i = 0; i < VIEW_CURSORS; i++) {
    if (view->cursors[i] == NULL)
      return &view->cursors[i];
    if (view->cursors[i]->last_used < (*oldest)->last_used)
      oldest = &view->cursors[i];
  }
  return oldest;
}

struct cursor *view_cursor(struct view *view, sqlite3 *db, size_t i) {
  const struct part *part = &view->parts.items[i];
  struct cursor **slot = NULL;
  for (size_t j = 0; j < VIEW_CURSORS; j++)
    if (view->cursors[j] != NULL && view->cursors[j]->part.number == part->number)
      slot = &view->cursors[j];
  if (slot == NULL) {
    struct cursor *c = view_open(view, db, i);
    if (c == NULL)
      return NULL;
    slot = oldest_slot(view);
    view_close(view, *slot);
    *slot = c;
  }
  (*slot)->last_used = ++view->uses;
  return *slot;
}

struct cursor *cursor_copy(const struct cursor *c, struct cursor *copy) {
  struct parquet_reader *reader = copy != NULL ? copy->reader : NULL;
  if (copy == NULL) {
    copy = xcalloc(1, sizeof *copy);
    reader = parquet_reader_new(c->file);
  } else {
    parquet_reader_open(reader, c->file);
  }
  *copy = *c;
  copy->reader = reader;
  copy->placed = false;
  return copy;
}

void cursor_copy_free(struct cursor *copy) {
  if (copy == NULL)
    return;
  parquet_reader_free(copy->reader);
  free(copy);
}

struct cursor *view_cursor_of(struct view *view, sqlite3 *db, int64_t number) {
  for (size_t i = 0; i < view->parts.len; i++)
    if (view->parts.items[i].number == number)
      return view_cursor(view, db, i);
  return NULL;
}

void cursor_seek(struct cursor *c, size_t group, size_t page) {
  if (c->placed && c->group == group && c->page == page)
    return;
  parquet_seek(c->reader, group, page);
  c->placed = true;
  c->group = group;
  c->page = page;
}

const struct parquet_vector *cursor_get(struct view *view, struct cursor *c, int column) {
  view->why.len = 0;
  const struct parquet_vector *v = parquet_get(c->reader, (size_t) column, &view->why);
  if (v == NULL)
    view_fail(view);
  return v;
}

static bool is_void(const struct cursor *c, int64_t row) {
  const int64_t *masks = (const int64_t *) c->masks.data;
  size_t first = 0, end = c->masks.len / sizeof row;
  while (first < end) {
    size_t middle = first + (end - first) / 2;
    if (masks[middle] < row)
      first = middle + 1;
    else
      end = middle;
  }
  return first < c->masks.len / sizeof row && masks[first] == row;
}

bool cursor_counts(const struct cursor *c, int64_t time, int64_t row) {
  const struct part *part = &c->part;
  bool taken = time < part->taken_time || (time == part->taken_time && row <= part->taken_row);
  return taken && (c->masks.len == 0 || !is_void(c, row));
}

static bool read_value(struct view *view, struct cursor *c, size_t place, struct batch *b,
                       enum column_type type, int column, union value *value) {
  const struct parquet_vector *v = cursor_get(view, c, column);
  if (v == NULL)
    return false;
  if (type == COLUMN_STRING) {
    struct parquet_text text = parquet_text_at(v, place);
    *value = batch_put_text(b, text.data, text.len);
  } else if (type == COLUMN_FLOAT) {
    value->f = v->doubles[place];
  } else {
    value->i = v->integers[place];
  }
  return true;
}

/* What a table has of a column that was added to it: what it held before it was lost, or its
 * default, unless extra had it. */
static bool fill_missing(struct view *view, struct cursor *c, size_t place, struct batch *b,
                         struct record *r, uint64_t missing) {
  for (uint64_t left = missing; left != 0; left &= left - 1) {
    int column = __builtin_ctzll(left);
    const struct column *is = &b->schema->columns[column];
    struct part_value kept = {0};
    if (c->kept[column] >= 0 && !part_value_read(view, c, c->kept[column], place, &kept))
      return false;
    if (kept.kind != KIND_NULL)
      r->v[column] = part_value_as(&kept, is->type, b);
    else if (is->type == COLUMN_STRING && is->text != NULL)
      r->v[column] = batch_put_text(b, is->text, strlen(is->text));
  }
  record_take_members(b, r, missing);
  r->present |= missing;
  return true;
}

struct record *cursor_read(struct view *view, struct cursor *c, size_t place, struct batch *b,
                           uint64_t wanted, bool with_extra) {
  const struct schema *schema = b->schema;
  struct record *r = batch_add(b);
  union value value;
  uint64_t missing = wanted & c->missing;
  if (!read_value(view, c, place, b, COLUMN_INTEGER, c->rowid, &value))
    return NULL;
  r->row = value.i;
  for (size_t i = 0; i < schema->nstored; i++) {
    if (!(wanted >> i & 1) || c->columns[i] < 0)
      continue;
    if (!read_value(view, c, place, b, schema->columns[i].type, c->columns[i], &r->v[i]))
      return NULL;
    r->present |= UINT64_C(1) << i;
  }
  if (c->extra < 0 || !(with_extra || missing != 0))
    return r;
  if (!read_value(view, c, place, b, COLUMN_STRING, c->extra, &value))
    return NULL;
  r->extra.offset = value.s.offset;
  r->extra.len = value.s.len;
  if (missing != 0 && !fill_missing(view, c, place, b, r, missing))
    return NULL;
  record_read_extra(b, r);
  return r;
}

bool cursor_told(struct view *view, struct cursor *c, size_t place, struct stored_told *told) {
  *told = (struct stored_told){0};
  const struct parquet_vector *numbers = c->told >= 0 ? cursor_get(view, c, c->told) : NULL;
  if (numbers == NULL)
    return c->told < 0;
  if (numbers->present == NULL || numbers->present[place]) {
    *told = (struct stored_told){.is_integer = true, .integer = numbers->integers[place]};
    return true;
  }
  const struct parquet_vector *blobs = c->stamps >= 0 ? cursor_get(view, c, c->stamps) : NULL;
  if (blobs == NULL)
    return c->stamps < 0;
  struct parquet_text blob = parquet_text_at(blobs, place);
  *told = (struct stored_told){.blob = blob.data, .len = blob.len};
  return true;
}

static bool may_hold(const struct parquet_range *range, int64_t row) {
  return !range->known || (range->min.i <= row && row <= range->max.i);
}

/* SQLITE_DONE: it is not on this page, or does not count. */
static int find_on_page(struct view *view, struct cursor *c, int64_t row, size_t *place) {
  const struct parquet_vector *rows = cursor_get(view, c, c->rowid);
  for (size_t i = 0; rows != NULL && i < rows->rows; i++) {
    if (rows->integers[i] != row)
      continue;
    const struct parquet_vector *times = cursor_get(view, c, c->columns[view->schema->time]);
    if (times == NULL)
      return SQLITE_CORRUPT;
    *place = i;
    return cursor_counts(c, times->integers[i], row) ? SQLITE_ROW : SQLITE_DONE;
  }
  return rows != NULL ? SQLITE_DONE : SQLITE_CORRUPT;
}

static int find_in_group(struct view *view, struct cursor *c, int64_t row, size_t group,
                         size_t *place) {
  int rc = SQLITE_DONE;
  for (size_t page = 0; page < parquet_pages(c->file, group) && rc == SQLITE_DONE; page++) {
    struct parquet_range range;
    if (!c->placed || c->group != group)
      cursor_seek(c, group, page);
    view->why.len = 0;
    if (!parquet_page_range(c->reader, page, (size_t) c->rowid, &range, &view->why))
      return view_fail(view);
    if (!may_hold(&range, row))
      continue;
    cursor_seek(c, group, page);
    rc = find_on_page(view, c, row, place);
  }
  return rc;
}

static int find_in_part(struct view *view, struct cursor *c, int64_t row, size_t *place) {
  int rc = SQLITE_DONE;
  for (size_t group = 0; group < parquet_groups(c->file) && rc == SQLITE_DONE; group++) {
    struct parquet_range range;
    parquet_group_range(c->file, group, (size_t) c->rowid, &range);
    if (may_hold(&range, row))
      rc = find_in_group(view, c, row, group, place);
  }
  return rc;
}

int view_find(struct view *view, sqlite3 *db, int64_t row, struct cursor **cursor, size_t *place) {
  int rc = SQLITE_DONE;
  for (size_t i = view->parts.len; i-- > 0 && rc == SQLITE_DONE;) {
    const struct part *part = &view->parts.items[i];
    if (row < part->min_row || row > part->max_row)
      continue;
    *cursor = view_cursor(view, db, i);
    rc = *cursor != NULL ? find_in_part(view, *cursor, row, place) : SQLITE_CORRUPT;
  }
  return rc == SQLITE_ROW ? SQLITE_OK : rc;
}
