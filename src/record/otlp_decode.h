#ifndef MOONLEDGER_RECORD_OTLP_DECODE_H
#define MOONLEDGER_RECORD_OTLP_DECODE_H

#include "record/otlp.h"

/* What otlp.c, otlp_json.c and otlp_protobuf.c share. */

/* Fields of a log record and of a span. */
enum otlp_field {
  FIELD_NONE,
  FIELD_TIME,
  FIELD_OBSERVED,
  FIELD_START,
  FIELD_TRACE,
  FIELD_SPAN,
  FIELD_PARENT,
  FIELD_NAME,
  FIELD_BODY,
  FIELD_ATTRIBUTES,
  FIELD_STATUS,
};

enum { TRACE_ID_BYTES = 16, SPAN_ID_BYTES = 8, STATUS_ERROR = 2 };

/* The list grows by a copy of the attribute, unless it is full. */
void otlp_add(struct otlp_attributes *a, const struct otlp_attribute *added);
void otlp_empty(struct otlp_attributes *a);

/* A clock before 1973 is no clock, and as a smaller number it would be read as seconds. */
int64_t otlp_clock(int64_t ns);

/* The id as lower-case hexadecimal; none but zeros is none. */
void otlp_put_id(char out[OTLP_MAX_ID + 1], const char *bytes, size_t len);

void otlp_free_blocks(struct otlp_reader *r);

bool otlp_open_json(struct otlp_reader *r, char why[OTLP_WHY]);
bool otlp_next_json(struct otlp_reader *r);
void otlp_enter_json(struct otlp_reader *r, const struct otlp_value *value,
                     struct otlp_inside *in);
bool otlp_next_inside_json(struct otlp_inside *in, struct otlp_attribute *member);

bool otlp_open_protobuf(struct otlp_reader *r, char why[OTLP_WHY]);
bool otlp_next_protobuf(struct otlp_reader *r);
void otlp_enter_protobuf(const struct otlp_value *value, struct otlp_inside *in);
bool otlp_next_inside_protobuf(struct otlp_inside *in, struct otlp_attribute *member);

#endif
