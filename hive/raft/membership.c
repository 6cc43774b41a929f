/* Changes of the members. One at a time, so that any majority of before overlaps any majority of after,
 * and no phase of two configurations is needed (§4.1); effective as soon as it is appended, and undone
 * where the entry is truncated (group.c). */
#include "raft/membership.h"

#include <stdlib.h>

#include "raft/configuration.h"
#include "raft/group.h"
#include "raft/replication.h"
#include "raft/transfer.h"

static void append_configuration(struct raft *raft, const struct raft_configuration *configuration)
{
    struct hive_buffer bytes = {0};
    raft_configuration_encode(&bytes, configuration);
    raft_append(raft, raft->term, RAFT_ENTRY_CONFIGURATION, bytes.data, bytes.size);
    hive_buffer_finish(&bytes);
    raft_replication_commit(raft); /* the majority may be smaller now */
}

void raft_membership_record(struct raft *raft)
{
    struct raft_configuration same = *raft_configuration(raft);
    append_configuration(raft, &same);
}

void raft_membership_bootstrap(struct raft *raft, const struct raft_configuration *members)
{
    struct raft_configuration founding = *members;
    founding.index = 0;
    /* A log is no reason against it, as long as it names no members: the founding comes before its first
     * entry. */
    if (raft_configuration(raft)->count > 0 || raft_configuration_voters(&founding) == 0 ||
        !raft_configuration_is_valid(&founding))
        return;
    raft_group_installed(raft, &(struct raft_snapshot){.configuration = founding});
}

void raft_membership_told_removed(struct raft *raft)
{
    if (raft_standing(raft) != RAFT_STANDING_VOTER)
        raft->told_removed = true;
}

/* ---- what is asked for ---- */

/* Two changes under way might have majorities that do not meet. And a leader that has committed nothing in
 * its term may be ignorant of a change that its predecessor committed (the bug of single-server changes
 * that Ongaro reported in 2015). */
static enum raft_status may_change(const struct raft *raft)
{
    if (raft->role != RAFT_LEADER)
        return RAFT_NOT_LEADER;
    if (raft->transfer.to)
        return RAFT_TRANSFERRING;
    if (!raft_knows_commit(raft))
        return RAFT_TOO_EARLY;
    return raft_group_is_changing(raft) ? RAFT_CHANGE_PENDING : RAFT_OK;
}

static enum raft_status add(const struct raft *raft, struct raft_configuration *configuration,
                            struct raft_member member)
{
    member.address[sizeof member.address - 1] = '\0';
    if (member.kind != RAFT_MEMBER_LEARNER)
        member.kind = RAFT_MEMBER_JOINING;
    if (member.id == 0)
        return RAFT_UNKNOWN_MEMBER;
    const struct raft_member *replaced = raft_configuration_find_address(configuration, member.address);
    if (raft_configuration_find(configuration, member.id) || (replaced && replaced->id == raft->config.id))
        return RAFT_ALREADY_MEMBER;
    if (replaced)
        raft_configuration_take_out(configuration, replaced->id);
    return raft_configuration_put(configuration, &member) ? RAFT_OK : RAFT_GROUP_FULL;
}

static bool has_caught_up(const struct raft *raft, const struct raft_peer *peer)
{
    return peer->progress.state == RAFT_PROGRESS_REPLICATE && peer->catch_up.was_quick &&
           raft->now_ms - peer->catch_up.since_ms < raft->config.election_timeout_max_ms;
}

static enum raft_status promote(const struct raft *raft, struct raft_configuration *configuration, raft_id id)
{
    const struct raft_member *member = raft_configuration_find(configuration, id);
    if (!member)
        return RAFT_UNKNOWN_MEMBER;
    if (member->kind == RAFT_MEMBER_VOTER)
        return RAFT_ALREADY_MEMBER;
    if (!has_caught_up(raft, raft_group_peer(raft, id)))
        return RAFT_NOT_CAUGHT_UP;
    struct raft_member voter = *member;
    voter.kind = RAFT_MEMBER_VOTER;
    raft_configuration_put(configuration, &voter);
    return RAFT_OK;
}

static enum raft_status change_of(const struct raft *raft, const struct raft_change *change,
                                  struct raft_configuration *configuration)
{
    enum raft_status status = RAFT_UNKNOWN_MEMBER;
    switch (change->type) {
    case RAFT_CHANGE_ADD:
        status = add(raft, configuration, change->member);
        break;
    case RAFT_CHANGE_PROMOTE:
        status = promote(raft, configuration, change->member.id);
        break;
    case RAFT_CHANGE_REMOVE:
        if (raft_configuration_take_out(configuration, change->member.id))
            status = RAFT_OK;
        break;
    }
    return status == RAFT_OK && raft_configuration_voters(configuration) == 0 ? RAFT_LAST_VOTER : status;
}

void raft_membership_change(struct raft *raft, const struct raft_change *change)
{
    struct raft_configuration configuration = *raft_configuration(raft);
    enum raft_status status = may_change(raft);
    if (status == RAFT_OK)
        status = change_of(raft, change, &configuration);
    raft->update->status = status;
    if (status != RAFT_OK)
        return;
    raft->update->proposed_first = raft_log_last(&raft->log) + 1;
    append_configuration(raft, &configuration);
}

/* ---- catching up (§4.2.1) ---- */

void raft_membership_restart_round(const struct raft *raft, struct raft_peer *peer)
{
    peer->catch_up = (struct raft_catch_up){.target = raft_log_last(&raft->log), .since_ms = raft->now_ms};
}

void raft_membership_on_match(const struct raft *raft, struct raft_peer *peer)
{
    if (peer->progress.match < peer->catch_up.target)
        return;
    bool was_quick = raft->now_ms - peer->catch_up.since_ms < raft->config.election_timeout_max_ms;
    raft_membership_restart_round(raft, peer);
    peer->catch_up.was_quick = was_quick;
}

/* A member that joins becomes a voter once a round of catching up took less than an election timeout: what
 * it then still lacks holds up nobody. */
static void promote_joining(struct raft *raft)
{
    if (may_change(raft) != RAFT_OK)
        return;
    for (size_t i = 0; i < raft->peer_count; i++) {
        if (raft->peers[i].kind != RAFT_MEMBER_JOINING)
            continue;
        struct raft_configuration configuration = *raft_configuration(raft); /* large: not for every step */
        if (promote(raft, &configuration, raft->peers[i].id) == RAFT_OK) {
            append_configuration(raft, &configuration);
            return;
        }
    }
}

/* ---- what is committed ---- */

static void note_membership(struct raft *raft)
{
    const struct raft_configuration *at = raft_group_committed(raft);
    for (; !raft->was_member && at >= raft->history.items; at--)
        raft->was_member = raft_configuration_find(at, raft->config.id);
}

/* Whom the change has removed is told of its end, once; should it not hear it, the voters will tell it. */
static bool take_leave(struct raft *raft)
{
    bool somebody_left = false;
    for (size_t i = 0; i < raft->peer_count; i++)
        if (!raft->peers[i].kind) {
            raft_replication_take_leave(raft, &raft->peers[i]);
            somebody_left = true;
        }
    if (somebody_left)
        raft_group_update_peers(raft);
    return somebody_left;
}

void raft_membership_settle(struct raft *raft, raft_index commit_before)
{
    if (raft->commit > commit_before || raft->configuration_changed)
        note_membership(raft);
    if (raft->role != RAFT_LEADER || raft_group_is_changing(raft))
        return;
    bool somebody_left = take_leave(raft);
    if (raft_group_has_own_vote(raft)) {
        /* Not in the same step: what leaves points into the log, which another entry may move. */
        if (!somebody_left)
            promote_joining(raft);
        return;
    }
    /* §4.2.2: a leader that has removed itself leads until that is committed; then another had best lead
     * without waiting for a timeout, and all know that it is committed, so that they can tell this one
     * should it ever ask. */
    if (!raft->transfer.to)
        raft_replication_heartbeat(raft);
    if (!raft_transfer_hand_over(raft))
        raft_become_follower(raft, raft->term, 0, "removed from the group");
}
