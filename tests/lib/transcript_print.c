/* What a step of the core did, in words: the lines of a transcript. */
#include "lib/transcript.h"

#include <inttypes.h>

static const char *const role_names[] = {"FOLLOWER", "CANDIDATE", "LEADER"};

const char *transcript_message_name(enum raft_message_type type)
{
    static const char *const names[] = {
        [RAFT_REQUEST_VOTE] = "request_vote",
        [RAFT_REQUEST_VOTE_REPLY] = "request_vote_reply",
        [RAFT_APPEND_ENTRIES] = "append_entries",
        [RAFT_APPEND_ENTRIES_REPLY] = "append_entries_reply",
        [RAFT_INSTALL_SNAPSHOT] = "install_snapshot",
        [RAFT_INSTALL_SNAPSHOT_REPLY] = "install_snapshot_reply",
        [RAFT_TIMEOUT_NOW] = "timeout_now",
        [RAFT_TIMEOUT_NOW_REPLY] = "timeout_now_reply",
    };
    return names[type];
}

static void print_entry(struct hive_buffer *out, const struct raft_entry *entry)
{
    hive_buffer_format(out, " %" PRIu64 "/%" PRIu64, entry->index, entry->term);
    if (entry->type == RAFT_ENTRY_NOOP)
        hive_buffer_append_text(out, "(no-op)");
    else if (entry->type == RAFT_ENTRY_CONFIGURATION)
        hive_buffer_append_text(out, "(members)");
    else
        hive_buffer_format(out, "(%.*s)", (int)entry->bytes, (const char *)entry->data);
}

static void print_entries(struct hive_buffer *out, const struct raft_entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++)
        print_entry(out, &entries[i]);
}

static void print_body(struct hive_buffer *out, const struct raft_message *message)
{
    switch (message->type) {
    case RAFT_REQUEST_VOTE:
        hive_buffer_format(out, " last %" PRIu64 "/%" PRIu64 "%s%s", message->request_vote.last_log_index,
                           message->request_vote.last_log_term,
                           message->request_vote.pre_vote ? ", pre-vote" : "",
                           message->request_vote.transfer ? ", transfer" : "");
        break;
    case RAFT_REQUEST_VOTE_REPLY:
        hive_buffer_format(out, " %s%s%s", message->request_vote_reply.vote_granted ? "granted" : "refused",
                           message->request_vote_reply.pre_vote ? ", pre-vote" : "",
                           message->request_vote_reply.removed ? ", removed" : "");
        break;
    case RAFT_APPEND_ENTRIES:
        hive_buffer_format(out, " after %" PRIu64 "/%" PRIu64 " commit %" PRIu64,
                           message->append_entries.prev_log_index, message->append_entries.prev_log_term,
                           message->append_entries.leader_commit);
        if (message->append_entries.entry_count > 0)
            hive_buffer_append_text(out, ":");
        print_entries(out, message->append_entries.entries, message->append_entries.entry_count);
        break;
    case RAFT_APPEND_ENTRIES_REPLY:
        if (message->append_entries_reply.success)
            hive_buffer_format(out, " match %" PRIu64, message->append_entries_reply.match_index);
        else
            hive_buffer_format(out, " conflict at %" PRIu64 "/%" PRIu64,
                               message->append_entries_reply.conflict_index,
                               message->append_entries_reply.conflict_term);
        break;
    case RAFT_INSTALL_SNAPSHOT:
        hive_buffer_format(out, " up to %" PRIu64 "/%" PRIu64, message->install_snapshot.snapshot->index,
                           message->install_snapshot.snapshot->term);
        break;
    case RAFT_INSTALL_SNAPSHOT_REPLY:
        hive_buffer_format(out, " match %" PRIu64, message->install_snapshot_reply.match_index);
        break;
    case RAFT_TIMEOUT_NOW:
    case RAFT_TIMEOUT_NOW_REPLY:
        break;
    }
}

void transcript_print_message(struct hive_buffer *out, const struct raft_message *message)
{
    hive_buffer_format(out, "%" PRIu64 ">%" PRIu64 " %s t%" PRIu64, message->from, message->to,
                       transcript_message_name(message->type), message->term);
    print_body(out, message);
}

static void print_write(struct hive_buffer *out, raft_id id, const struct raft_update *update)
{
    if (update->write == 0)
        return;
    hive_buffer_format(out, "  %" PRIu64 " writes #%" PRIu64 ":", id, update->write);
    if (update->install)
        hive_buffer_format(out, " install %" PRIu64 "/%" PRIu64 "%s", update->install->index,
                           update->install->term, update->install_keeps_log ? " keeping the log" : "");
    if (update->truncate_from > 0)
        hive_buffer_format(out, " cut from %" PRIu64, update->truncate_from);
    print_entries(out, update->entries, update->entry_count);
    if (update->hard_state_changed)
        hive_buffer_format(out, " term %" PRIu64 " vote %" PRIu64, update->term, update->voted_for);
    hive_buffer_append_text(out, "\n");
}

static void print_members(struct hive_buffer *out, raft_id id, const struct raft_configuration *configuration)
{
    if (!configuration)
        return;
    hive_buffer_format(out, "  %" PRIu64 " has members:", id);
    for (size_t i = 0; i < configuration->count; i++) {
        const struct raft_member *member = &configuration->members[i];
        hive_buffer_format(out, " %" PRIu64, member->id);
        if (member->kind != RAFT_MEMBER_VOTER)
            hive_buffer_format(out, "(%s)", raft_member_kind_names[member->kind]);
    }
    hive_buffer_format(out, " by %" PRIu64 "\n", configuration->index);
}

static const char *status_name(enum raft_status status)
{
    static const char *const names[] = {
        [RAFT_OK] = "ok",
        [RAFT_NOT_LEADER] = "not leader",
        [RAFT_TRANSFERRING] = "transferring",
        [RAFT_CHANGE_PENDING] = "change pending",
        [RAFT_TOO_EARLY] = "too early",
        [RAFT_UNKNOWN_MEMBER] = "unknown member",
        [RAFT_ALREADY_MEMBER] = "already member",
        [RAFT_NOT_CAUGHT_UP] = "not caught up",
        [RAFT_LAST_VOTER] = "last voter",
        [RAFT_GROUP_FULL] = "group full",
        [RAFT_NOT_VOTER] = "not voter",
    };
    return names[status];
}

void transcript_print_step(struct hive_buffer *out, raft_id id, const struct raft_event *event,
                           const struct raft_update *update, raft_index commit_before)
{
    (void)event;
    for (size_t i = 0; i < update->transition_count; i++)
        hive_buffer_format(out, "  %" PRIu64 " %s t%" PRIu64 ": %s\n", id,
                           role_names[update->transitions[i].role], update->transitions[i].term,
                           update->transitions[i].reason);
    if (update->status != RAFT_OK)
        hive_buffer_format(out, "  %" PRIu64 " refuses: %s\n", id, status_name(update->status));
    print_members(out, id, update->configuration);
    print_write(out, id, update);
    for (size_t i = 0; i < update->message_count; i++) {
        hive_buffer_append_text(out, "  ");
        transcript_print_message(out, &update->messages[i]);
        if (update->messages[i].after_write > 0)
            hive_buffer_format(out, " [after write #%" PRIu64 "]", update->messages[i].after_write);
        hive_buffer_append_text(out, "\n");
    }
    if (update->commit_index > commit_before)
        hive_buffer_format(out, "  %" PRIu64 " commits up to %" PRIu64 "\n", id, update->commit_index);
    for (size_t i = 0; i < update->read_count; i++)
        hive_buffer_format(out, "  %" PRIu64 " read %" PRIu64 ": %s, from %" PRIu64 " on\n", id,
                           update->reads[i].context, status_name(update->reads[i].status),
                           update->reads[i].index);
    if (update->transfer_ended)
        hive_buffer_format(out, "  %" PRIu64 " transfer ended: %s\n", id,
                           status_name(update->transfer_status));
}
