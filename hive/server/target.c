/* Why not leave the decoding to libmicrohttpd: it decodes before anybody can tell "/kv/a%2Fb" from "/kv/a/b",
 * and lets broken escapes through as they are. */
#include "server/target.h"

#include <errno.h>

#include "hive/memory.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool target_decode(struct hive_buffer *buffer, const char *text, size_t bytes)
{
    char *out = hive_buffer_reserve(buffer, bytes);
    size_t used = 0;
    *out = '\0';
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] != '%') {
            out[used++] = text[i];
            continue;
        }
        int high = i + 2 < bytes ? hex_digit(text[i + 1]) : -1;
        int low = i + 2 < bytes ? hex_digit(text[i + 2]) : -1;
        if (high < 0 || low < 0)
            return false;
        out[used++] = (char)(high << 4 | low);
        i += 2;
    }
    out[used] = '\0';
    buffer->size += used;
    return true;
}

/* One "name=value" of the query, where '+' is a space as in forms. A NUL would cut the value short unseen. */
static int add_parameter(struct target *target, const char *text, size_t bytes, struct hive_error *error)
{
    char *plain = hive_memdup(text, bytes);
    size_t start = target->query.size;
    for (size_t i = 0; i < bytes; i++)
        if (plain[i] == '+')
            plain[i] = ' ';
    char *equals = memchr(plain, '=', bytes);
    size_t name_bytes = equals ? (size_t)(equals - plain) : bytes;
    bool is_valid = target_decode(&target->query, plain, name_bytes);
    hive_buffer_append(&target->query, "", 1);
    if (equals)
        is_valid = is_valid && target_decode(&target->query, equals + 1, bytes - name_bytes - 1);
    hive_buffer_append(&target->query, "", 1);
    free(plain);
    if (!is_valid)
        return hive_error_set(error, -EINVAL, "a %% in the query is not followed by two hexadecimal digits");
    const char *value = target->query.data + start;
    value += strlen(value) + 1;
    if (value + strlen(value) + 1 != target->query.data + target->query.size)
        return hive_error_set(error, -EINVAL, "a query parameter holds a NUL byte (%%00)");
    return 0;
}

static int parse_query(struct target *target, const char *text, struct hive_error *error)
{
    while (*text) {
        size_t bytes = strcspn(text, "&");
        int result = bytes ? add_parameter(target, text, bytes, error) : 0;
        if (result)
            return result;
        text += bytes + (text[bytes] == '&');
    }
    return 0;
}

int target_init(struct target *target, const char *text, struct hive_error *error)
{
    /* Proxies send the whole URL; what stands before the path says nothing new. */
    const char *scheme_end = strstr(text, "://");
    if (text[0] != '/' && scheme_end)
        text = strchr(scheme_end + 3, '/') ? strchr(scheme_end + 3, '/') : "/";
    *target = (struct target){.sent = hive_strdup(text), .path_bytes = strcspn(text, "?")};
    if (text[0] != '/')
        return hive_error_set(error, -EINVAL, "the request target must start with a slash");
    struct hive_buffer path = {0};
    bool is_valid = target_decode(&path, text, target->path_bytes);
    target->path = hive_buffer_take(&path);
    if (!is_valid)
        return hive_error_set(error, -EINVAL, "a %% in the path is not followed by two hexadecimal digits");
    return text[target->path_bytes] ? parse_query(target, text + target->path_bytes + 1, error) : 0;
}

void target_finish(struct target *target)
{
    free(target->sent);
    free(target->path);
    hive_buffer_finish(&target->query);
}

const char *target_query(const struct target *target, const char *name)
{
    for (size_t at = 0; at < target->query.size;) {
        const char *key = target->query.data + at;
        const char *value = key + strlen(key) + 1;
        if (!strcmp(key, name))
            return value;
        at = (size_t)(value - target->query.data) + strlen(value) + 1;
    }
    return NULL;
}
