/* What a queen's answers look like over HTTP. */
#ifndef HTTP_ANSWER_H
#define HTTP_ANSWER_H

#include "hive/buffer.h"
#include "hive/server.h"
#include "http/node.h"
#include "queen/queen.h"

/* Answers for every outcome but QUEEN_DONE: the redirect to the leader, or the problem and what to do about
 * it. True where it did; false: it is DONE, and the caller's to answer (with Hive-Data-Age-Ms set already where a
 * stale read was asked for). */
bool answer_unless_done(struct hive_request *request, const struct queen_answer *answer);

/* The same for writes that may carry an Idempotency-Key. Also answers where the key was used for another write;
 * where it has been applied before, `Idempotency-Replayed: true` is set for the caller's answer. */
bool answer_unless_applied(struct hive_request *request, const struct queen_answer *answer);

/* The header Idempotency-Key; where there is none, `key` stays as it is. False, and an answer, where it is no key. */
bool answer_idempotency_key(struct hive_request *request, struct machine_bytes *key);

/* 429: a cap is reached: there are `cap` of `what`, which says what to do, too; NULL: this kind of write has no cap of
 * its own. A write with an Idempotency-Key may have met the cap of those instead, so that is told as well. */
void answer_full(struct hive_request *request, int cap, const char *what);

/* Answers 400 on a drone, which has no consensus to offer; true where it did. */
bool answer_if_drone(struct hive_request *request, const struct node *node);

/* ?consistency=stale on a read. False, and an answer, where the parameter has another value than "stale" or
 * "linearizable". */
bool answer_reads_stale(struct hive_request *request, bool *stale);

/* ?limit=N, 1 to HIVE_LIST_ENTRIES. False, and an answer, where it is something else. */
bool answer_limit(struct hive_request *request, int64_t *limit);

/* "NAME":"TEXT", or "NAME_base64":"…" where the bytes are not UTF-8. */
void answer_append_bytes(struct hive_buffer *json, const char *name, struct machine_bytes bytes);

#endif
