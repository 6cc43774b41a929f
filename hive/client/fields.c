/* JSON to structs and back by table: the checks of presence, type, range and length are made in one place for
 * all that Hive's programs read from each other. */
#include "client/fields.h"

#include <errno.h>
#include <limits.h>

#include "hive/json.h"
#include "hive/memory.h"

#define LARGEST_NUMBER ((int64_t)1 << 53) /* beyond, a JSON number is not exact */

static int read_text(const cJSON *object, const struct field *field, char *member, struct hive_error *error)
{
    const char *text;
    int result = hive_json_string(object, field->name, &text, error);
    if (result)
        return result;
    if (field->type == FIELD_STRING) {
        free(*(char **)member);
        *(char **)member = hive_strdup(text);
        return 0;
    }
    if (strlen(text) >= field->bytes)
        return hive_error_set(error, -EINVAL, "\"%s\" must be shorter than %zu bytes", field->name,
                              field->bytes);
    memcpy(member, text, strlen(text) + 1);
    return 0;
}

static int read_choice(const cJSON *object, const struct field *field, int *member, struct hive_error *error)
{
    const char *text;
    int result = hive_json_string(object, field->name, &text, error);
    if (result)
        return result;
    for (int i = 0; field->names[i]; i++)
        if (strcmp(field->names[i], text) == 0) {
            *member = i;
            return 0;
        }
    return hive_error_set(error, -EINVAL, "\"%s\" is '%.40s', which this version of Hive does not know",
                          field->name, text);
}

static int read_field(const cJSON *object, const struct field *field, char *member, struct hive_error *error)
{
    int64_t number = 0;
    int result = 0;
    switch (field->type) {
    case FIELD_TEXT:
    case FIELD_STRING:
        return read_text(object, field, member, error);
    case FIELD_FLAG:
        return hive_json_bool(object, field->name, (bool *)member, error);
    case FIELD_INT:
        result = hive_json_int(object, field->name, 0, INT_MAX, &number, error);
        if (!result)
            *(int *)member = (int)number;
        return result;
    case FIELD_NUMBER:
        result = hive_json_int(object, field->name, 0, LARGEST_NUMBER, &number, error);
        if (!result)
            *(int64_t *)member = number;
        return result;
    case FIELD_CHOICE:
        return read_choice(object, field, (int *)member, error);
    }
    return result;
}

int hive_fields_read(const cJSON *object, const struct field *fields, void *target, struct hive_error *error)
{
    for (const struct field *field = fields; field->name; field++) {
        int result = read_field(object, field, (char *)target + field->offset, error);
        if (result == -ENOENT && field->presence == FIELD_OPTIONAL)
            continue;
        if (result)
            return result == -ENOENT ? -EINVAL : result;
    }
    return 0;
}

void hive_fields_write(cJSON *object, const struct field *fields, const void *source)
{
    for (const struct field *field = fields; field->name; field++) {
        const char *member = (const char *)source + field->offset;
        switch (field->type) {
        case FIELD_TEXT:
            cJSON_AddStringToObject(object, field->name, member);
            break;
        case FIELD_STRING:
            if (*(char *const *)member)
                cJSON_AddStringToObject(object, field->name, *(char *const *)member);
            break;
        case FIELD_FLAG:
            cJSON_AddBoolToObject(object, field->name, *(const bool *)member);
            break;
        case FIELD_INT:
            cJSON_AddNumberToObject(object, field->name, *(const int *)member);
            break;
        case FIELD_NUMBER:
            cJSON_AddNumberToObject(object, field->name, (double)*(const int64_t *)member);
            break;
        case FIELD_CHOICE:
            cJSON_AddStringToObject(object, field->name, field->names[*(const int *)member]);
            break;
        }
    }
}
