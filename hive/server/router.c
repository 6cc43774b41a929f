/* Matches paths against the route table. Paths are compared as they were sent: an encoded slash belongs to
 * its segment, a plain one ends it. */
#include "server/router.h"

#include <assert.h>
#include <stdbool.h>

static void capture(struct router_match *match, const char *text, size_t bytes)
{
    assert(match->count < HIVE_ROUTE_SEGMENTS); /* the route table is too deep */
    match->segments[match->count].text = text;
    match->segments[match->count++].bytes = bytes;
}

static size_t segment_bytes(const char *text, const char *end)
{
    const char *slash = memchr(text, '/', (size_t)(end - text));
    return (size_t)((slash ? slash : end) - text);
}

/* Walks pattern and path side by side; both start with a slash. */
static bool matches(const char *pattern, const char *path, size_t path_bytes, struct router_match *match)
{
    const char *end = path + path_bytes, *pattern_end = pattern + strlen(pattern);
    match->count = 0;
    while (pattern < pattern_end && path < end) {
        pattern++;
        path++;
        size_t wanted = segment_bytes(pattern, pattern_end), given = segment_bytes(path, end);
        if (wanted == 3 && !memcmp(pattern, "...", 3)) {
            capture(match, path, (size_t)(end - path));
            return path < end;
        }
        bool is_wildcard = wanted && pattern[0] >= 'A' && pattern[0] <= 'Z';
        if (is_wildcard && given)
            capture(match, path, given);
        else if (is_wildcard || wanted != given || memcmp(pattern, path, wanted) != 0)
            return false;
        pattern += wanted;
        path += given;
    }
    return pattern == pattern_end && path == end;
}

const struct hive_route *router_find(const struct hive_route *routes, const char *method, const char *path,
                                     size_t path_bytes, struct router_match *match)
{
    const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
    for (const struct hive_route *route = routes; route->method; route++)
        if (!strcmp(route->method, wanted) && matches(route->path, path, path_bytes, match))
            return route;
    return NULL;
}

void router_list_methods(const struct hive_route *routes, const char *path, size_t path_bytes,
                         struct hive_buffer *methods)
{
    struct router_match match;
    for (const struct hive_route *route = routes; route->method; route++)
        if (matches(route->path, path, path_bytes, &match))
            hive_buffer_format(methods, "%s%s%s", methods->size ? ", " : "", route->method,
                               strcmp(route->method, "GET") == 0 ? ", HEAD" : "");
}
