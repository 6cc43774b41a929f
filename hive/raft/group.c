/* Who counts. Everything that asks a majority goes through here, so that a change of the members changes
 * all of it at once. */
#include "raft/group.h"

#include <assert.h>
#include <stdlib.h>

#include "hive/memory.h"
#include "raft/membership.h"
#include "raft/progress.h"
#include "raft/quorum.h"

/* ---- the configuration in force ---- */

const struct raft_configuration *raft_configuration(const struct raft *raft)
{
    return raft_history_newest(&raft->history);
}

const struct raft_configuration *raft_group_committed(const struct raft *raft)
{
    return raft_history_at(&raft->history, raft->commit);
}

bool raft_group_is_changing(const struct raft *raft)
{
    return raft_configuration(raft)->index > raft->commit;
}

void raft_group_init(struct raft *raft, const struct raft_configuration *base)
{
    raft_history_init(&raft->history, base);
    raft_group_update_peers(raft);
}

void raft_group_finish(struct raft *raft)
{
    raft_history_finish(&raft->history);
    free(raft->peers);
}

static void changed(struct raft *raft)
{
    raft->configuration_changed = true;
    raft->told_removed = false; /* it spoke of an older one */
    raft_group_update_peers(raft);
}

void raft_group_appended(struct raft *raft, const struct raft_configuration *configuration)
{
    raft_history_push(&raft->history, configuration);
    changed(raft);
}

void raft_group_truncated(struct raft *raft, raft_index from)
{
    if (raft_history_truncate(&raft->history, from))
        changed(raft);
}

void raft_group_installed(struct raft *raft, const struct raft_snapshot *snapshot)
{
    if (!raft->install_keeps_log)
        raft_history_truncate(&raft->history, snapshot->index + 1);
    raft_history_rebase(&raft->history, &snapshot->configuration, snapshot->index);
    changed(raft);
}

/* ---- peers ---- */

struct raft_peer *raft_group_peer(const struct raft *raft, raft_id id)
{
    for (size_t i = 0; i < raft->peer_count; i++)
        if (raft->peers[i].id == id)
            return &raft->peers[i];
    return NULL;
}

/* The peer as it was, or as it begins: with the last entry, which tells where its log joins ours. */
static struct raft_peer peer_for(const struct raft *raft, raft_id id, enum raft_member_kind kind)
{
    const struct raft_peer *known = raft_group_peer(raft, id);
    struct raft_peer peer = {.id = id};
    if (known)
        peer = *known;
    else
        raft_progress_reset(&peer.progress, raft_log_last(&raft->log), raft->now_ms);
    if (!known || known->kind != kind)
        raft_membership_restart_round(raft, &peer);
    peer.kind = kind;
    return peer;
}

void raft_group_update_peers(struct raft *raft)
{
    const struct raft_configuration *now = raft_configuration(raft);
    const struct raft_configuration *before = raft->history.count > 1 ? now - 1 : NULL;
    struct raft_peer *peers = hive_calloc(2 * HIVE_QUEENS, sizeof *peers);
    size_t count = 0;

    for (size_t i = 0; i < now->count; i++)
        if (now->members[i].id != raft->config.id)
            peers[count++] = peer_for(raft, now->members[i].id, now->members[i].kind);
    /* §4.2.3: a server that is removed had better hear of it. */
    for (size_t i = 0; before && raft_group_is_changing(raft) && i < before->count; i++)
        if (before->members[i].id != raft->config.id && !raft_configuration_find(now, before->members[i].id))
            peers[count++] = peer_for(raft, before->members[i].id, (enum raft_member_kind)0);
    free(raft->peers);
    raft->peers = peers;
    raft->peer_count = count;
}

/* ---- majorities ---- */

bool raft_group_has_own_vote(const struct raft *raft)
{
    const struct raft_member *self = raft_configuration_find(raft_configuration(raft), raft->config.id);
    return self && self->kind == RAFT_MEMBER_VOTER;
}

uint64_t raft_group_quorum_value(const struct raft *raft, uint64_t own,
                                 uint64_t (*value)(const struct raft_peer *peer))
{
    uint64_t values[HIVE_QUEENS];
    size_t count = 0;
    if (raft_group_has_own_vote(raft))
        values[count++] = own;
    for (size_t i = 0; i < raft->peer_count; i++)
        if (raft->peers[i].kind == RAFT_MEMBER_VOTER)
            values[count++] = value(&raft->peers[i]);
    return raft_quorum_value(values, count);
}

/* ---- what this server is to its group ---- */

/* A member by the newest configuration, from the committed one on, that has it: one that removes it may
 * yet be rolled back, and until it is committed the server that it removes may be needed to get it
 * committed (Figure 4.6). */
enum raft_standing raft_standing(const struct raft *raft)
{
    const struct raft_configuration *newest = raft_configuration(raft), *oldest = raft_group_committed(raft);
    if (raft->told_removed)
        return RAFT_STANDING_REMOVED;
    for (const struct raft_configuration *at = newest; at >= oldest; at--) {
        const struct raft_member *self = raft_configuration_find(at, raft->config.id);
        if (self)
            return self->kind == RAFT_MEMBER_VOTER ? RAFT_STANDING_VOTER : RAFT_STANDING_LEARNER;
    }
    return raft->was_member ? RAFT_STANDING_REMOVED : RAFT_STANDING_NONE;
}
