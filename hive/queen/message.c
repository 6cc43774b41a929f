/* Raft's messages on the heap: the core's live until its next step only, while a queue, a disk or a network
 * keeps them for longer. */
#include "queen/message.h"

#include "hive/memory.h"

static void copy_entries(struct raft_append_entries *append)
{
    struct raft_entry *entries = hive_calloc(append->entry_count, sizeof *entries);
    for (size_t i = 0; i < append->entry_count; i++) {
        entries[i] = append->entries[i];
        entries[i].data = hive_memdup(entries[i].data, entries[i].bytes);
    }
    append->entries = entries;
}

struct raft_message *queen_message_copy(const struct raft_message *message)
{
    struct raft_message *copy = hive_malloc(sizeof *copy);
    *copy = *message;
    if (message->type == RAFT_APPEND_ENTRIES)
        copy_entries(&copy->append_entries);
    if (message->type == RAFT_INSTALL_SNAPSHOT) {
        struct raft_snapshot *snapshot = hive_malloc(sizeof *snapshot);
        *snapshot = *message->install_snapshot.snapshot;
        copy->install_snapshot.snapshot = snapshot;
    }
    return copy;
}

void queen_message_free(struct raft_message *message)
{
    if (!message)
        return;
    if (message->type == RAFT_APPEND_ENTRIES) {
        struct raft_append_entries *append = &message->append_entries;
        for (size_t i = 0; i < append->entry_count; i++)
            free((void *)append->entries[i].data);
        free((void *)append->entries);
    }
    if (message->type == RAFT_INSTALL_SNAPSHOT)
        free((void *)message->install_snapshot.snapshot);
    free(message);
}
