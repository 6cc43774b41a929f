/* JSON from strangers: cJSON parses, this file is what makes its answers safe to use. cJSON keeps texts as C
 * strings and checks no encoding, so documents that hold NUL characters or are not UTF-8 are refused before
 * it sees them: a text is never cut in silence. */
#include "hive/json.h"

#include <errno.h>
#include <math.h>

#include "base/utf8.h"
#include "hive/encoding.h"

/* True where the escape \u0000 stands in the document. */
static bool has_escaped_nul(const char *data, size_t bytes)
{
    const char *end = data + bytes, *at = data;
    while ((at = memchr(at, '\\', (size_t)(end - at)))) {
        if (end - at >= 6 && memcmp(at, "\\u0000", 6) == 0)
            return true;
        if (end - at < 2)
            return false;
        at += 2; /* over the escaped character: it may be a backslash itself */
    }
    return false;
}

cJSON *hive_json_parse_object(const char *data, size_t bytes, struct hive_error *error)
{
    if (bytes == 0) {
        hive_error_set(error, -EINVAL, "empty, where a JSON object was expected");
        return NULL;
    }
    if (!hive_is_utf8(data, bytes)) {
        hive_error_set(error, -EINVAL, "not JSON: the text is not UTF-8");
        return NULL;
    }
    if (memchr(data, '\0', bytes) || has_escaped_nul(data, bytes)) {
        hive_error_set(error, -EINVAL, "NUL characters are not taken in JSON");
        return NULL;
    }
    const char *end = NULL;
    cJSON *object = cJSON_ParseWithLengthOpts(data, bytes, &end, false);
    if (!object) {
        hive_error_set(error, -EINVAL, "not JSON: byte %zu is unexpected",
                       end ? (size_t)(end - data) + 1 : 1);
        return NULL;
    }
    while (end < data + bytes && strchr(" \t\r\n", *end))
        end++;
    if (end < data + bytes) {
        hive_error_set(error, -EINVAL, "not JSON: byte %zu stands behind the end", (size_t)(end - data) + 1);
    } else if (!cJSON_IsObject(object)) {
        hive_error_set(error, -EINVAL, "a JSON object {…} was expected");
    } else {
        return object;
    }
    cJSON_Delete(object);
    return NULL;
}

static const char *type_name(const cJSON *item)
{
    return cJSON_IsBool(item)     ? "a boolean"
           : cJSON_IsNumber(item) ? "a number"
           : cJSON_IsString(item) ? "a string"
           : cJSON_IsArray(item)  ? "an array"
                                  : "an object";
}

/* Finds a field that is of the type which `is_type` checks. */
static int find(const cJSON *object, const char *name, cJSON_bool (*is_type)(const cJSON *), const char *type,
                const cJSON **item, struct hive_error *error)
{
    *item = cJSON_GetObjectItemCaseSensitive(object, name);
    if (!*item || cJSON_IsNull(*item))
        return hive_error_set(error, -ENOENT, "\"%s\" is missing: it must be %s", name, type);
    if (!is_type(*item))
        return hive_error_set(error, -EINVAL, "\"%s\" must be %s, not %s", name, type, type_name(*item));
    return 0;
}

int hive_json_string(const cJSON *object, const char *name, const char **value, struct hive_error *error)
{
    const cJSON *item;
    int result = find(object, name, cJSON_IsString, "a string", &item, error);
    if (result == 0)
        *value = item->valuestring;
    return result;
}

int hive_json_int(const cJSON *object, const char *name, int64_t min, int64_t max, int64_t *value,
                  struct hive_error *error)
{
    static const int64_t exact = INT64_C(1) << 53; /* beyond, doubles skip whole numbers */
    const cJSON *item;
    int result = find(object, name, cJSON_IsNumber, "a whole number", &item, error);
    if (result < 0)
        return result;
    double number = item->valuedouble;
    if (number != floor(number) || number < (double)-exact || number > (double)exact ||
        (int64_t)number < min || (int64_t)number > max)
        return hive_error_set(error, -EINVAL, "\"%s\" must be a whole number from %lld to %lld, not %.17g",
                              name, (long long)(min > -exact ? min : -exact),
                              (long long)(max < exact ? max : exact), number);
    *value = (int64_t)number;
    return 0;
}

int hive_json_bool(const cJSON *object, const char *name, bool *value, struct hive_error *error)
{
    const cJSON *item;
    int result = find(object, name, cJSON_IsBool, "true or false", &item, error);
    if (result == 0)
        *value = cJSON_IsTrue(item);
    return result;
}

int hive_json_object(const cJSON *object, const char *name, const cJSON **value, struct hive_error *error)
{
    const cJSON *item;
    int result = find(object, name, cJSON_IsObject, "an object", &item, error);
    if (result == 0)
        *value = item;
    return result;
}

int hive_json_array(const cJSON *object, const char *name, const cJSON **value, struct hive_error *error)
{
    const cJSON *item;
    int result = find(object, name, cJSON_IsArray, "an array", &item, error);
    if (result == 0)
        *value = item;
    return result;
}

static void append_escape(struct hive_buffer *buffer, unsigned char character)
{
    static const char short_forms[] = {
        ['"'] = '"', ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
    if (character < sizeof short_forms && short_forms[character])
        hive_buffer_format(buffer, "\\%c", short_forms[character]);
    else
        hive_buffer_format(buffer, "\\u%04x", character);
}

void hive_json_append_string(struct hive_buffer *buffer, const char *text, size_t bytes)
{
    hive_buffer_append(buffer, "\"", 1);
    size_t plain = 0; /* bytes at `text` that can be copied as they are */
    while (plain < bytes) {
        unsigned char next = (unsigned char)text[plain];
        size_t length = next < 0x80 ? 1 : hive_utf8_character(text + plain, bytes - plain);
        if (length && next >= 0x20 && next != '"' && next != '\\') {
            plain += length;
            continue;
        }
        hive_buffer_append(buffer, text, plain);
        if (length)
            append_escape(buffer, next);
        else
            hive_buffer_append_text(buffer, "\xef\xbf\xbd");
        text += plain + 1;
        bytes -= plain + 1;
        plain = 0;
    }
    hive_buffer_append(buffer, text, plain);
    hive_buffer_append(buffer, "\"", 1);
}

char *hive_json_print_and_delete(cJSON *json)
{
    char *text = cJSON_PrintUnformatted(json);
    cJSON_Delete(json);
    if (!text) {
        fprintf(stderr, "hive: out of memory (printing JSON): aborting\n");
        abort();
    }
    return text;
}
