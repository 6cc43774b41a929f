/* Tables that tie the fields of a JSON object to the members of a struct, so that the ledger and the answers
 * of the API are described once and read (and written) by one loop. Thread-safe. */
#ifndef CLIENT_FIELDS_H
#define CLIENT_FIELDS_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "hive/error.h"

enum field_type {
    FIELD_TEXT,   /* char[]: a string that must fit */
    FIELD_STRING, /* char *, owned by the struct */
    FIELD_FLAG,   /* bool */
    FIELD_INT,    /* int (or pid_t), 0 to INT_MAX */
    FIELD_NUMBER, /* int64_t or uint64_t, 0 to 2^53 */
    FIELD_CHOICE, /* enum: one of `names` */
};

enum field_presence {
    FIELD_OPTIONAL, /* missing or null leaves the member as it was */
    FIELD_REQUIRED,
};

struct field {
    const char *name;
    enum field_type type;
    enum field_presence presence;
    size_t offset, bytes;     /* of the member: FIELD_OF() */
    const char *const *names; /* NULL-terminated, in the order of the enum */
};

#define FIELD_OF(type, member) offsetof(type, member), sizeof(((type *)0)->member)

/* Reads the fields (a table that ends with a zeroed element) of `object` into the struct at `target`; others
 * are passed over. 0, or -EINVAL with a message that names the field. */
int hive_fields_read(const cJSON *object, const struct field *fields, void *target, struct hive_error *error);

/* Adds all fields of the table to `object`. */
void hive_fields_write(cJSON *object, const struct field *fields, const void *source);

#endif
