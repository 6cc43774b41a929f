/* Which route of the table a request is for. */
#ifndef SERVER_ROUTER_H
#define SERVER_ROUTER_H

#include <stddef.h>

#include "hive/buffer.h"
#include "hive/limits.h"
#include "hive/server.h"

/* What the wildcards of a route matched: pieces of the path, not yet decoded. */
struct router_match {
    unsigned count;
    struct {
        const char *text;
        size_t bytes;
    } segments[HIVE_ROUTE_SEGMENTS];
};

/* The route of `method` and `path`, or NULL. HEAD finds the routes of GET. */
const struct hive_route *router_find(const struct hive_route *routes, const char *method, const char *path,
                                     size_t path_bytes, struct router_match *match);

/* Appends the methods that `path` has ("GET, HEAD, PUT"); nothing where no route has this path. */
void router_list_methods(const struct hive_route *routes, const char *path, size_t path_bytes,
                         struct hive_buffer *methods);

#endif
