/* The text for the clipboard. */
#include "copy.h"

#include "hive/buffer.h"

static void append_queen(struct hive_buffer *text, const struct hive_health *health)
{
    hive_buffer_format(text, "id: %s\nrole: %s\nterm: %llu\nleader: %s\nvoted for: %s\n", health->id,
                       hive_raft_state_names[health->raft_state], (unsigned long long)health->term,
                       health->leader[0] ? health->leader : "-",
                       health->voted_for[0] ? health->voted_for : "-");
    hive_buffer_format(text, "log: first %llu, last %llu, commit %llu, applied %llu\n",
                       (unsigned long long)health->log_first, (unsigned long long)health->log_last,
                       (unsigned long long)health->log_commit, (unsigned long long)health->log_applied);
}

static void append_drone(struct hive_buffer *text, const struct hive_health *health)
{
    hive_buffer_format(text, "queen: %s\ntasks: %d of %d, done %lld, failed %lld\n",
                       health->queen[0] ? health->queen : "-", health->running, health->capacity,
                       (long long)health->done, (long long)health->failed);
    for (size_t i = 0; i < health->running_task_count; i++)
        hive_buffer_format(text, "running: %s\n", health->running_tasks[i]);
}

static void append_details(struct hive_buffer *text, const struct node *node)
{
    char note[128];
    condition_note(node, note, sizeof note);
    hive_buffer_format(text, "name: %s\naddress: %s\nstate: %s%s%s\n", node->name, node->address,
                       condition_names[node->condition], note[0] ? ", " : "", note);
    if (node->process.pid > 0)
        hive_buffer_format(text, "pid: %ld\n", (long)node->process.pid);
    if (!node->has_health)
        return;
    if (node->role == HIVE_ROLE_QUEEN)
        append_queen(text, &node->health);
    else
        append_drone(text, &node->health);
}

void copy_node(const struct ui *ui, const struct node *node, char *text, size_t bytes)
{
    struct hive_buffer details = {0};
    if (ui->has_details)
        append_details(&details, node);
    else
        hive_buffer_append_text(&details, node->address);
    snprintf(text, bytes, "%s", details.data);
    hive_buffer_finish(&details);
}
