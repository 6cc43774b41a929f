/* Bytes, and numbers and texts in them: what commands and dumps are made of. Numbers are little-endian. Private to this
 * folder. */
#ifndef MACHINE_BYTES_H
#define MACHINE_BYTES_H

#include "machine/machine.h"

/* In byte order, shorter first among equal starts: <0, 0 or >0. */
int machine_bytes_compare(struct machine_bytes a, struct machine_bytes b);
struct machine_bytes machine_bytes_of(const char *text);

/* Frees the old bytes and puts an own copy of the new ones there, with a NUL behind them. */
void machine_bytes_replace(struct machine_bytes *bytes, struct machine_bytes from);
void machine_text_replace(const char **text, struct machine_bytes from);

/* A number in so many bytes. */
void bytes_put_number(struct hive_buffer *buffer, uint64_t number, size_t bytes);
/* 4 bytes: the length; then the bytes. */
void bytes_put_string(struct hive_buffer *buffer, struct machine_bytes bytes);

/* What is left to read. */
struct bytes_reader {
    const unsigned char *data;
    size_t left;
    bool is_short; /* more was asked for than there was */
};

/* NULL where it is short. */
const unsigned char *bytes_get(struct bytes_reader *reader, size_t bytes);
/* 0 where it is short. */
uint64_t bytes_get_number(struct bytes_reader *reader, size_t bytes);

/* Back from bytes_put_string; points into what is read. False: it is short, or the length is not `min` to `max`, or it is a
 * text and holds a NUL. */
bool bytes_get_string(struct bytes_reader *reader, size_t min, size_t max, struct machine_bytes *bytes);
bool bytes_get_text(struct bytes_reader *reader, size_t min, size_t max, struct machine_bytes *text);

/* Goes on from `hash` with these bytes, whose number counts too. The same on all machines and for ever, as dumps hold such
 * hashes. Not against an adversary. */
uint64_t bytes_hash(uint64_t hash, const void *data, size_t bytes);
static inline uint64_t bytes_hash_number(uint64_t hash, uint64_t number)
{
    /* Each step can be undone, so for one `hash` no two numbers collide. */
    hash ^= number;
    hash ^= hash >> 32;
    hash *= 0x9E3779B97F4A7C15; /* odd; 2^64 over the golden ratio */
    return hash ^ hash >> 29;
}

#endif
