/* Faults between nodes, without root: rules about what this node sends to other ones, for lessons and tests. A rule may let all messages
 * vanish (a cut), and make them late: by a time (delay), or by chance, as TCP does where packets are lost (loss). A message is a request to the other node or an answer to one of
 * its requests; what clients ask and are told is never touched. Rules are kept in memory only.
 *
 * Threads: all may be called by any, but for the creation and the end. As long as there are no rules, a message costs one atomic load. */
#ifndef FAULTS_FAULTS_H
#define FAULTS_FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hive/buffer.h"
#include "hive/error.h"
#include "hive/http_client.h"

/* The request header in which a node says which one it is: without it the other end could not tell peers from clients. */
#define FAULTS_NODE_HEADER "Hive-Node"

struct faults;

/* `address` is the node's own, as others call it. Not enabled: there will be no rules. Never NULL; all calls below take a NULL, too, as
 * one that is not enabled. */
struct faults *faults_create(const char *address, bool is_enabled);
void faults_destroy(struct faults *faults);

bool faults_is_enabled(const struct faults *faults);

/* Replaces the rules by those of {"rules":[…]}. 0, or -EINVAL with a sentence; then the old ones stay in force. */
int faults_set(struct faults *faults, const char *json, size_t bytes, struct hive_error *error);

/* Appends the rules as a JSON array. */
void faults_append(struct faults *faults, struct hive_buffer *json);

/* What becomes of one message to the node at `to`: how many milliseconds it is late, mostly 0; FAULTS_LOST: it vanishes. Throws the dice
 * anew each time. */
#define FAULTS_LOST INT64_MAX
int64_t faults_judge(struct faults *faults, const char *to);

/* hive_http_client_start for a request to another node: says who asks, and does to it what the rules say. */
void faults_send(struct faults *faults, struct hive_http_client *client,
                 const struct hive_http_request *request, const char *to, hive_http_done *done,
                 void *context);

#endif
