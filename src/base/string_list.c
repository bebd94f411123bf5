#include "base/string_list.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void string_list_add(struct string_list *list, const char *text) {
  list->items = xrealloc(list->items, (list->count + 1) * sizeof *list->items);
  list->items[list->count++] = xstrdup(text);
}

void string_list_clear(struct string_list *list) {
  for (size_t i = 0; i < list->count; i++)
    free(list->items[i]);
  free(list->items);
  *list = (struct string_list){0};
}

bool strings_have(const char *const *list, const char *text) {
  while (*list != NULL && strcmp(*list, text) != 0)
    list++;
  return *list != NULL;
}
