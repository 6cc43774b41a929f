/* Messages out, and the check of messages in. */
#include "raft/messages.h"

#include "hive/memory.h"
#include "raft/configuration.h"

void raft_message_wait(const struct raft *raft, struct raft_message *message, uint64_t write)
{
    if (write > raft->durable_write && write > message->after_write)
        message->after_write = write;
}

struct raft_message *raft_message_out(struct raft *raft, enum raft_message_type type, raft_id to)
{
    if (raft->message_count == raft->message_capacity) {
        raft->message_capacity = raft->message_capacity ? raft->message_capacity * 2 : 16;
        raft->messages = hive_realloc(raft->messages, raft->message_capacity, sizeof *raft->messages);
    }
    struct raft_message *message = &raft->messages[raft->message_count++];
    *message = (struct raft_message){.type = type, .from = raft->config.id, .to = to, .term = raft->term};
    /* Fig. 2: term and vote are on stable storage before anything that follows from them is said. For a
     * leader they have been since before it was elected, so its AppendEntries leave at once. */
    raft_message_wait(raft, message, raft->hard_state_write);
    return message;
}

struct raft_message *raft_reply_out(struct raft *raft, enum raft_message_type type,
                                    const struct raft_message *request)
{
    struct raft_message *reply = raft_message_out(raft, type, request->from);
    reply->context = request->context;
    return reply;
}

static bool data_are_valid(const struct raft_entry *entry)
{
    struct raft_configuration configuration;
    switch (entry->type) {
    case RAFT_ENTRY_NOOP:
    case RAFT_ENTRY_COMMAND:
        return true;
    case RAFT_ENTRY_CONFIGURATION:
        return raft_configuration_decode(entry->data, entry->bytes, entry->index, &configuration) &&
               raft_configuration_voters(&configuration) > 0;
    }
    return false;
}

static bool snapshot_is_valid(const struct raft_message *message)
{
    const struct raft_snapshot *snapshot = message->install_snapshot.snapshot;
    return snapshot && snapshot->index > 0 && snapshot->index <= UINT64_MAX / 2 && snapshot->term > 0 &&
           snapshot->term <= message->term && snapshot->configuration.index <= snapshot->index &&
           raft_configuration_is_valid(&snapshot->configuration) &&
           raft_configuration_voters(&snapshot->configuration) > 0;
}

static bool entries_are_valid(const struct raft_message *message)
{
    const struct raft_append_entries *append = &message->append_entries;
    raft_term term = append->prev_log_term;
    if (append->prev_log_index > UINT64_MAX / 2 || append->echo_ms < 0 || append->age_ms < 0)
        return false; /* no log gets there, and sums must not wrap */
    if (append->prev_log_term > message->term || (append->prev_log_index == 0 && append->prev_log_term != 0))
        return false;
    for (size_t i = 0; i < append->entry_count; i++) {
        const struct raft_entry *entry = &append->entries[i];
        if (entry->index != append->prev_log_index + 1 + i || entry->term < term ||
            entry->term > message->term || entry->term == 0 || !data_are_valid(entry))
            return false;
        term = entry->term;
    }
    return true;
}

bool raft_message_is_valid(const struct raft *raft, const struct raft_message *message)
{
    if (message->to != raft->config.id || message->from == raft->config.id || message->from == 0)
        return false;
    if (message->term > UINT64_MAX / 2)
        return false; /* no group gets there, and the next term must not wrap to 0 */
    /* A second leader in our own term cannot exist; whoever says so is not to be followed. */
    bool may_lead = message->term > 0 && !(message->term == raft->term && raft->role == RAFT_LEADER);
    switch (message->type) {
    case RAFT_REQUEST_VOTE:
        return message->term > 0;
    case RAFT_APPEND_ENTRIES:
        return may_lead && entries_are_valid(message);
    case RAFT_INSTALL_SNAPSHOT:
        return may_lead && snapshot_is_valid(message);
    case RAFT_TIMEOUT_NOW:
        return may_lead;
    case RAFT_REQUEST_VOTE_REPLY:
    case RAFT_APPEND_ENTRIES_REPLY:
    case RAFT_INSTALL_SNAPSHOT_REPLY:
    case RAFT_TIMEOUT_NOW_REPLY:
        return true;
    }
    return false;
}
