/* Reading JSON from strangers (over cJSON): each getter checks presence, type and range, and its error names
 * the field and what it must be. Not thread-safe on one document. */
#ifndef HIVE_JSON_H
#define HIVE_JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "hive/buffer.h"
#include "hive/error.h"

/* The document in `data` (not NUL-terminated), which must be one JSON object and nothing behind it; nesting
 * is capped by cJSON. NULL and an error otherwise. The caller releases it with cJSON_Delete(). */
cJSON *hive_json_parse_object(const char *data, size_t bytes, struct hive_error *error);

/* Field NAME of `object`. 0; -ENOENT where it is missing (or null); -EINVAL where it is of another type or
 * out of range. `*value` is left alone on error, so that it can hold a default: if (hive_json_int(o, "limit",
 * 1, 1000, &limit, &error) == -EINVAL) … Strings stay owned by the document. Integers must be whole and
 * within ±2^53. */
int hive_json_string(const cJSON *object, const char *name, const char **value, struct hive_error *error);
int hive_json_int(const cJSON *object, const char *name, int64_t min, int64_t max, int64_t *value,
                  struct hive_error *error);
int hive_json_bool(const cJSON *object, const char *name, bool *value, struct hive_error *error);
int hive_json_object(const cJSON *object, const char *name, const cJSON **value, struct hive_error *error);
int hive_json_array(const cJSON *object, const char *name, const cJSON **value, struct hive_error *error);

/* Writing: appends to a buffer, for answers that are built on a hot path or streamed. Text is escaped, and
 * bytes that are not UTF-8 become U+FFFD. */
void hive_json_append_string(struct hive_buffer *buffer, const char *text, size_t bytes);

/* `json` printed without white space and deleted; the caller owns the string. */
char *hive_json_print_and_delete(cJSON *json);

#endif
