#ifndef MOONLEDGER_BASE_STRING_LIST_H
#define MOONLEDGER_BASE_STRING_LIST_H

#include <stdbool.h>
#include <stddef.h>

/* Texts of its own.  All zero is an empty list. */
struct string_list {
  char **items;
  size_t count;
};

void string_list_add(struct string_list *list, const char *text);
void string_list_clear(struct string_list *list);

/* Whether list, which ends with a NULL, has text. */
bool strings_have(const char *const *list, const char *text);

#endif
