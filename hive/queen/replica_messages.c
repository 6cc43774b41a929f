/* Messages on their way out: what must not leave before a write is durable is held here until then. An answer that
 * waits for a disk too long is dropped: its peer has given up, and its connection must not be kept for ever. */
#include <assert.h>

#include "hive/memory.h"
#include "queen/message.h"
#include "queen/replica_internal.h"

static bool is_reply(const struct raft_message *message)
{
    return message->type == RAFT_REQUEST_VOTE_REPLY || message->type == RAFT_APPEND_ENTRIES_REPLY ||
           message->type == RAFT_INSTALL_SNAPSHOT_REPLY || message->type == RAFT_TIMEOUT_NOW_REPLY;
}

static void let_go(struct replica *replica, const struct raft_message *message, void *rpc)
{
    if (is_reply(message))
        replica->host->reply(replica->context, QUEEN_DONE, message, rpc);
    else
        replica->host->send(replica->context, message);
}

static void hold(struct replica *replica, const struct raft_message *message, void *rpc)
{
    if (replica->held_count == replica->held_capacity) {
        replica->held_capacity = replica->held_capacity ? replica->held_capacity * 2 : 16;
        replica->held = hive_realloc(replica->held, replica->held_capacity, sizeof *replica->held);
    }
    replica->held[replica->held_count++] = (struct replica_held){
        .after_write = message->after_write,
        .expires_ms = replica->now_ms + replica->config.rpc_timeout_ms,
        .message = queen_message_copy(message),
        .is_reply = is_reply(message),
        .rpc = rpc,
    };
}

void replica_messages_send(struct replica *replica, const struct raft_update *update,
                           struct replica_request *request)
{
    for (size_t i = 0; i < update->message_count; i++) {
        const struct raft_message *message = &update->messages[i];
        if (is_reply(message)) {
            assert(request && !request->is_answered);
            request->is_answered = true;
        }
        void *rpc = request ? request->rpc : NULL;
        if (message->after_write <= replica->durable_write)
            let_go(replica, message, rpc);
        else
            hold(replica, message, rpc);
    }
}

void replica_messages_release(struct replica *replica)
{
    size_t kept = 0;
    for (size_t i = 0; i < replica->held_count; i++) {
        struct replica_held *held = &replica->held[i];
        if (held->after_write > replica->durable_write) {
            replica->held[kept++] = *held;
            continue;
        }
        let_go(replica, held->message, held->rpc);
        queen_message_free(held->message);
    }
    replica->held_count = kept;
}

void replica_messages_expire(struct replica *replica)
{
    size_t kept = 0;
    for (size_t i = 0; i < replica->held_count; i++) {
        struct replica_held *held = &replica->held[i];
        if (!held->is_reply || replica->now_ms < held->expires_ms) {
            replica->held[kept++] = *held;
            continue;
        }
        replica->host->reply(replica->context, QUEEN_UNKNOWN, NULL, held->rpc);
        queen_message_free(held->message);
    }
    replica->held_count = kept;
}

int64_t replica_messages_deadline_ms(const struct replica *replica)
{
    for (size_t i = 0; i < replica->held_count; i++)
        if (replica->held[i].is_reply)
            return replica->held[i].expires_ms; /* they are in the order of their coming */
    return INT64_MAX;
}

void replica_messages_stop(struct replica *replica)
{
    for (size_t i = 0; i < replica->held_count; i++) {
        if (replica->held[i].is_reply)
            replica->host->reply(replica->context, QUEEN_STOPPING, NULL, replica->held[i].rpc);
        queen_message_free(replica->held[i].message);
    }
    replica->held_count = 0;
}
