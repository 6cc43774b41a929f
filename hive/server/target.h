/* The target of a request, "/kv/a%2Fb?consistency=stale", taken apart and decoded. */
#ifndef SERVER_TARGET_H
#define SERVER_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#include "hive/buffer.h"
#include "hive/error.h"

struct target {
    char *sent;               /* owned: path and query as they came */
    size_t path_bytes;        /* how much of `sent` is the path */
    char *path;               /* owned: the path, decoded */
    struct hive_buffer query; /* name NUL value NUL name NUL …, decoded */
};

/* Takes `text` apart. 0, or -EINVAL and what is wrong with it; release with target_finish in both cases. */
int target_init(struct target *target, const char *text, struct hive_error *error);
void target_finish(struct target *target);

/* The value of a query parameter (of the first, where a name comes twice), or NULL. */
const char *target_query(const struct target *target, const char *name);

/* Appends `text` with its %XX decoded. False where a '%' is not followed by two hexadecimal digits. */
bool target_decode(struct hive_buffer *buffer, const char *text, size_t bytes);

#endif
