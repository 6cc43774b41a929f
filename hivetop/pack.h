/* Bytes that differ little from others, made small: what an hour's answers need to fit into memory. Only what was packed by
 * the same process is ever unpacked. Pure. */
#ifndef HIVETOP_PACK_H
#define HIVETOP_PACK_H

#include <stddef.h>
#include <stdint.h>

#include "hive/api.h"
#include "hive/buffer.h"

struct model;

/* Where unpacking stands. */
struct unpack {
    const unsigned char *at, *end; /* not owned */
};

void pack_number(struct hive_buffer *out, uint64_t number);
void pack_signed(struct hive_buffer *out, int64_t number);
void pack_text(struct hive_buffer *out, const char *text);
uint64_t unpack_number(struct unpack *in);
int64_t unpack_signed(struct unpack *in);
const char *unpack_text(struct unpack *in); /* lies within the packed bytes */

/* `bytes` at `now`, as what differs from the `before_bytes` at `before`, behind which zeros are thought. Unpacking turns the
 * one, at `target`, into the other. */
void pack_bytes(struct hive_buffer *out, const void *before, size_t before_bytes, const void *now,
                size_t bytes);
void unpack_bytes(struct unpack *in, void *target, size_t bytes);

/* An answer, as what differs from the node's answer before, which unpacking gets in `health` and replaces. */
void pack_health(struct hive_buffer *out, const struct hive_health *before, const struct hive_health *now);
void unpack_health(struct unpack *in, struct hive_health *health);

/* A whole model. Unpacking fills a new one (nobody listens to it); release with model_finish. */
void pack_model(struct hive_buffer *out, const struct model *model);
void unpack_model(struct unpack *in, struct model *model);

#endif
