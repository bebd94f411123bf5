#ifndef MOONLEDGER_RECORD_OTLP_FIELDS_H
#define MOONLEDGER_RECORD_OTLP_FIELDS_H

#include "record/names.h"
#include "record/otlp.h"

/* What a decoder reads of an item: fields by its own names, each from the first of several
 * attributes that is there and can be read as what it should be. */

enum { OTLP_MAX_FIELDS = 64, OTLP_MAX_SOURCES = 2048 };

/* What senders mean by the values they send: numbers as texts, booleans as words, null as
 * "None". */
enum otlp_reading {
  OTLP_READ_ANY,
  OTLP_READ_TEXT, /* with something in it; or a number, which is to be written */
  OTLP_READ_NAME, /* text that is none of the words for no name */
  OTLP_READ_COUNT,
  OTLP_READ_NUMBER,
  OTLP_READ_FLAG,
  OTLP_READ_PACKED,  /* an object of attributes, see otlp_unpack */
  OTLP_READ_NOTHING, /* it is of no use, and not kept either */
};

struct otlp_source {
  uint8_t field; /* from 1 */
  uint8_t read;  /* enum otlp_reading */
  bool stays;    /* in the rest too */
  uint16_t rank; /* among the field's sources, from 1 */
  int16_t next;  /* another field's source of the same name, or -1 */
};

/* All zeros has none.  Read by any thread once it is filled. */
struct otlp_fields {
  struct names names; /* of attributes: the place in sources */
  struct otlp_source *sources;
  int nsources, nfields;
};

/* false: there are too many. */
bool otlp_fields_add(struct otlp_fields *fields, const char *attribute, size_t len,
                     struct otlp_source source);
void otlp_fields_clear(struct otlp_fields *fields);

/* Gives the item's attributes their numbers among the sources, and unpacks those that are packed.
 * fields may be NULL. */
void otlp_number(struct otlp_reader *r, const struct otlp_fields *fields);

/* Whether the attribute, which has its number, is none that a field takes. */
bool otlp_stays(const struct otlp_fields *fields, const struct otlp_attribute *a);

struct otlp_choice {
  uint16_t rank; /* 0: nothing was found */
  uint8_t read;
  struct otlp_value value;
};

/* Fills choices[1] to choices[nfields]; the item's attributes have their numbers. */
void otlp_choose(const struct otlp_reader *r, const struct otlp_fields *fields,
                 struct otlp_choice choices[OTLP_MAX_FIELDS + 1]);

#endif
