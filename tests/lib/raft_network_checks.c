/* What must hold in the test network after every single step, whatever the weather (Fig. 3 of the paper, and
 * the ordering contract of raft.h): it is kept apart from the network so that it can be read as a list of
 * promises. */
#include "lib/raft_network.h"

#include <inttypes.h>

#include "hive/memory.h"

#define UNKNOWN_TERM UINT64_MAX /* the entry before is in a snapshot */

/* An entry is known for good by its index and term. */
struct birth {
    raft_term term, previous_term;
    uint64_t hash; /* of type and data */
};

struct slot { /* of one index */
    struct birth *births;
    size_t birth_count;
    raft_term committed_term; /* of the entry that is committed; 0: none yet */
    raft_term committed_in;   /* the term of the leader that did it */
};

struct asked_read {
    uint64_t context;
    raft_index committed; /* when it was asked */
};

struct raft_network_checks {
    struct slot *slots; /* by index */
    size_t slot_count;
    raft_index committed;
    raft_index *configurations; /* of the committed configurations, rising */
    size_t configuration_count;
    raft_id *leaders; /* by term */
    size_t leader_count;
    struct asked_read *reads;
    size_t read_count;
};

struct raft_network_checks *raft_network_checks_create(void)
{
    return hive_calloc(1, sizeof(struct raft_network_checks));
}

void raft_network_checks_destroy(struct raft_network_checks *checks)
{
    for (size_t i = 0; i < checks->slot_count; i++)
        free(checks->slots[i].births);
    free(checks->slots);
    free(checks->configurations);
    free(checks->leaders);
    free(checks->reads);
    free(checks);
}

raft_index raft_network_committed(const struct raft_network *network)
{
    return network->checks->committed;
}

static struct slot *slot_at(struct raft_network_checks *checks, raft_index index)
{
    if (index >= checks->slot_count) {
        size_t count = (size_t)index * 2 + 64;
        checks->slots = hive_realloc(checks->slots, count, sizeof *checks->slots);
        memset(checks->slots + checks->slot_count, 0, (count - checks->slot_count) * sizeof *checks->slots);
        checks->slot_count = count;
    }
    return &checks->slots[index];
}

static uint64_t hash_of(const struct raft_entry *entry)
{
    uint64_t hash = 14695981039346656037U ^ entry->type; /* FNV-1a */
    for (size_t i = 0; i < entry->bytes; i++)
        hash = (hash ^ ((const unsigned char *)entry->data)[i]) * 1099511628211U;
    return hash;
}

/* Log Matching: an index and a term mean one entry, with one entry before it, in all logs at all times. */
void raft_network_check_birth(struct raft_network *network, const struct raft_entry *entry,
                              raft_term previous_term)
{
    struct slot *slot = slot_at(network->checks, entry->index);
    struct birth birth = {entry->term, previous_term, hash_of(entry)};
    for (size_t i = 0; i < slot->birth_count; i++) {
        const struct birth *known = &slot->births[i];
        if (known->term != entry->term)
            continue;
        bool other_past = previous_term != UNKNOWN_TERM && known->previous_term != UNKNOWN_TERM &&
                          known->previous_term != previous_term;
        if (other_past || known->hash != birth.hash)
            raft_network_fail(network, "log matching: two different entries %" PRIu64 " of term %" PRIu64,
                              entry->index, entry->term);
        return;
    }
    slot->births = hive_realloc(slot->births, slot->birth_count + 1, sizeof *slot->births);
    slot->births[slot->birth_count++] = birth;
}

/* Election Safety: at most one leader in a term. */
static void check_leader(struct raft_network *network, raft_id id, raft_term term)
{
    struct raft_network_checks *checks = network->checks;
    if (term >= checks->leader_count) {
        size_t count = (size_t)term * 2 + 64;
        checks->leaders = hive_realloc(checks->leaders, count, sizeof *checks->leaders);
        memset(checks->leaders + checks->leader_count, 0,
               (count - checks->leader_count) * sizeof *checks->leaders);
        checks->leader_count = count;
    }
    if (checks->leaders[term] && checks->leaders[term] != id)
        raft_network_fail(network, "two leaders in term %" PRIu64 ": %" PRIu64 " and %" PRIu64, term,
                          checks->leaders[term], id);
    checks->leaders[term] = id;
}

/* Leader Completeness: what was committed in an earlier term is in a new leader's log. (The leader of a later
 * term may have been there first; of what it committed an earlier one need not know.) */
static void check_completeness(struct raft_network *network, raft_id id)
{
    const struct raft *raft = network->nodes[id].raft;
    /* What it has compacted was committed, and checked then. */
    for (raft_index i = raft_first_index(raft); i <= network->checks->committed; i++) {
        const struct raft_entry *entry = raft_entry_at(raft, i);
        const struct slot *slot = slot_at(network->checks, i);
        if (slot->committed_term && slot->committed_in < raft_current_term(raft) &&
            (!entry || entry->term != slot->committed_term))
            raft_network_fail(network, "leader %" PRIu64 " lacks the committed entry %" PRIu64, id, i);
    }
}

static bool is_on_quorum(const struct raft_network *network, const struct raft_configuration *configuration,
                         raft_index index, raft_term term)
{
    size_t copies = 0, voters = 0;
    for (size_t i = 0; i < configuration->count; i++) {
        if (configuration->members[i].kind != RAFT_MEMBER_VOTER)
            continue;
        const struct raft_node *node = &network->nodes[configuration->members[i].id];
        if (node->is_ghost)
            return true; /* what is on its disk is the test's word */
        voters++;
        copies += raft_disk_has(&node->disk, index, term);
    }
    return copies > voters / 2;
}

/* Committed is durable on a quorum of the leader's voters; its own disk counts like the others, where it
 * votes. Where the step has changed the members, too, it may have counted before or after that. */
static void check_is_on_quorum(struct raft_network *network, raft_id id, raft_index index, raft_term term,
                               bool has_changed)
{
    const struct raft *raft = network->nodes[id].raft;
    raft_id leader = raft_leader(raft);
    struct raft_snapshot before;
    if (leader && network->nodes[leader].is_ghost)
        return;
    if (!is_on_quorum(network, raft_configuration(raft), index, term) &&
        !(has_changed && raft_snapshot_at(raft, index, &before) &&
          is_on_quorum(network, &before.configuration, index, term)))
        raft_network_fail(network, "entry %" PRIu64 " is committed, and not durable on a majority", index);
}

/* State Machine Safety: an index is committed with one term only, for ever. */
static void check_committed_term(struct raft_network *network, raft_id id, raft_index index, raft_term term)
{
    struct raft_network_checks *checks = network->checks;
    struct slot *slot = slot_at(checks, index);
    if (slot->committed_term && slot->committed_term != term)
        raft_network_fail(network,
                          "the committed entry %" PRIu64 " of term %" PRIu64 " became one of term %" PRIu64,
                          index, slot->committed_term, term);
    if (!slot->committed_term)
        slot->committed_in = raft_current_term(network->nodes[id].raft);
    slot->committed_term = term;
    if (index > checks->committed)
        checks->committed = index;
}

static void note_configuration(struct raft_network_checks *checks, raft_index index)
{
    if (checks->configuration_count && checks->configurations[checks->configuration_count - 1] >= index)
        return;
    checks->configurations =
        hive_realloc(checks->configurations, checks->configuration_count + 1, sizeof *checks->configurations);
    checks->configurations[checks->configuration_count++] = index;
}

/* A snapshot stands for what was committed: the term at its index, and the members that were in force
 * there. */
static void check_install(struct raft_network *network, raft_id id, const struct raft_snapshot *snapshot)
{
    const struct raft_network_checks *checks = network->checks;
    raft_index index = 0;
    for (size_t i = 0; i < checks->configuration_count && checks->configurations[i] <= snapshot->index; i++)
        index = checks->configurations[i];
    check_committed_term(network, id, snapshot->index, snapshot->term);
    if (!network->nodes[raft_leader(network->nodes[id].raft)].is_ghost &&
        snapshot->configuration.index != index)
        raft_network_fail(network, "the configuration of snapshot %" PRIu64 " is %" PRIu64 ", not %" PRIu64,
                          snapshot->index, snapshot->configuration.index, index);
}

static void check_commit(struct raft_network *network, raft_id id, const struct raft_update *update)
{
    struct raft_node *node = &network->nodes[id];
    raft_index commit = raft_commit_index(node->raft), known = network->checks->committed;

    if (commit < node->commit)
        raft_network_fail(network, "the commit index of node %" PRIu64 " fell", id);
    if (update->install)
        check_install(network, id, update->install);
    for (raft_index i = update->install ? update->install->index + 1 : node->commit + 1; i <= commit; i++) {
        const struct raft_entry *entry = raft_entry_at(node->raft, i);
        if (!entry)
            raft_network_fail(network, "node %" PRIu64 " committed %" PRIu64 ", which it lacks", id, i);
        check_committed_term(network, id, i, entry->term);
        if (entry->type == RAFT_ENTRY_CONFIGURATION)
            note_configuration(network->checks, i);
    }
    /* Older entries are committed with the last one: the last one is what was counted. */
    if (commit > node->commit && commit > known && !update->install)
        check_is_on_quorum(network, id, commit, raft_entry_at(node->raft, commit)->term,
                           update->configuration);
    node->commit = commit;
}

/* A read sees everything that was committed when it was asked. */
static void check_reads(struct raft_network *network, const struct raft_event *event,
                        const struct raft_update *update)
{
    struct raft_network_checks *checks = network->checks;
    if (event->type == RAFT_EVENT_READ) {
        checks->reads = hive_realloc(checks->reads, checks->read_count + 1, sizeof *checks->reads);
        checks->reads[checks->read_count++] = (struct asked_read){event->read_context, checks->committed};
    }
    for (size_t i = 0; i < update->read_count; i++) {
        size_t at = checks->read_count;
        while (at > 0 && checks->reads[at - 1].context != update->reads[i].context)
            at--;
        if (at == 0)
            raft_network_fail(network, "a read was answered that nobody asked, or twice");
        if (update->reads[i].status == RAFT_OK && update->reads[i].index < checks->reads[at - 1].committed)
            raft_network_fail(network, "a stale read: index %" PRIu64 ", committed was %" PRIu64,
                              update->reads[i].index, checks->reads[at - 1].committed);
        checks->reads[at - 1] = checks->reads[--checks->read_count];
    }
}

/* What goes to the disk is what is in memory. */
static void check_write(struct raft_network *network, raft_id id, const struct raft_update *update)
{
    struct raft_node *node = &network->nodes[id];
    if (update->truncate_from && raft_role(node->raft) == RAFT_LEADER)
        raft_network_fail(network, "leader %" PRIu64 " truncates its log", id);
    if (update->truncate_from && update->truncate_from <= node->commit)
        raft_network_fail(network, "node %" PRIu64 " truncates committed entries", id);
    for (size_t i = 0; i < update->entry_count; i++) {
        const struct raft_entry *entry = &update->entries[i];
        const struct raft_entry *previous = raft_entry_at(node->raft, entry->index - 1);
        raft_network_check_birth(network, entry,
                                 previous           ? previous->term
                                 : entry->index > 1 ? UNKNOWN_TERM
                                                    : 0);
    }
    if (update->entry_count && update->entries[update->entry_count - 1].index != raft_last_index(node->raft))
        raft_network_fail(network, "node %" PRIu64 " does not write its last entry", id);
}

void raft_network_check_step(struct raft_network *network, raft_id id, const struct raft_event *event,
                             const struct raft_update *update)
{
    struct raft_node *node = &network->nodes[id];
    raft_term term = raft_current_term(node->raft);

    if (term < node->term)
        raft_network_fail(network, "the term of node %" PRIu64 " fell", id);
    node->term = term;
    check_write(network, id, update);
    for (size_t i = 0; i < update->transition_count; i++)
        if (update->transitions[i].role == RAFT_LEADER) {
            if (raft_standing(node->raft) != RAFT_STANDING_VOTER)
                raft_network_fail(network, "node %" PRIu64 " leads, and does not vote", id);
            check_leader(network, id, update->transitions[i].term);
            check_completeness(network, id);
        }
    check_commit(network, id, update);
    check_reads(network, event, update);
}

/* The term that a restart would find: that of the hard state, or of an entry that got there before it. */
static raft_term term_on(const struct raft_disk *disk)
{
    raft_term last = disk->entry_count ? disk->entries[disk->entry_count - 1].term : disk->snapshot.term;
    return last > disk->term ? last : disk->term;
}

/* The ordering contract: nothing is said that a crash right now could make untrue. */
void raft_network_check_leaving(struct raft_network *network, const struct raft_message *message)
{
    const struct raft_disk *disk = &network->nodes[message->from].disk;
    bool is_pre_vote = (message->type == RAFT_REQUEST_VOTE && message->request_vote.pre_vote) ||
                       (message->type == RAFT_REQUEST_VOTE_REPLY && message->request_vote_reply.pre_vote);
    raft_index match = 0;
    if (message->type == RAFT_APPEND_ENTRIES_REPLY && message->append_entries_reply.success)
        match = message->append_entries_reply.match_index;
    if (message->type == RAFT_INSTALL_SNAPSHOT_REPLY)
        match = message->install_snapshot_reply.match_index;

    if (!is_pre_vote && term_on(disk) < message->term)
        raft_network_fail(network, "node %" PRIu64 " speaks of term %" PRIu64 ", which is not on its disk",
                          message->from, message->term);
    if (message->type == RAFT_REQUEST_VOTE && !is_pre_vote && disk->term == message->term &&
        disk->voted_for != message->from)
        raft_network_fail(network, "node %" PRIu64 " asks for votes without its own on disk", message->from);
    if (message->type == RAFT_REQUEST_VOTE_REPLY && !is_pre_vote &&
        message->request_vote_reply.vote_granted && disk->term == message->term &&
        disk->voted_for != message->to)
        raft_network_fail(network, "node %" PRIu64 " grants a vote that is not on its disk", message->from);
    if (disk->term == message->term && match > raft_disk_last(disk))
        raft_network_fail(network,
                          "node %" PRIu64 " acknowledges entry %" PRIu64 ", which is not on its disk",
                          message->from, match);
}

/* A restart forgets nothing that anybody was told. */
void raft_network_check_start(struct raft_network *network, raft_id id)
{
    struct raft_node *node = &network->nodes[id];
    if (raft_current_term(node->raft) < node->disk.term ||
        raft_last_index(node->raft) != raft_disk_last(&node->disk) ||
        raft_commit_index(node->raft) != node->disk.snapshot.index)
        raft_network_fail(network, "node %" PRIu64 " did not recover what is on its disk", id);
    node->term = raft_current_term(node->raft);
    node->commit = raft_commit_index(node->raft);
}

static uint64_t mix(uint64_t digest, uint64_t value)
{
    digest = (digest ^ value) * 0x9E3779B97F4A7C15U;
    return digest ^ digest >> 29;
}

static uint64_t mix_entries(uint64_t digest, const struct raft_entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++)
        digest = mix(mix(mix(digest, entries[i].index), entries[i].term), hash_of(&entries[i]));
    return digest;
}

static uint64_t mix_message(uint64_t digest, const struct raft_message *message)
{
    const struct raft_append_entries *append = &message->append_entries;
    const struct raft_append_entries_reply *reply = &message->append_entries_reply;

    digest = mix(mix(mix(digest, message->type), message->to), message->term);
    digest = mix(mix(digest, message->context), message->after_write);
    switch (message->type) {
    case RAFT_REQUEST_VOTE:
        digest = mix(mix(digest, message->request_vote.last_log_index), message->request_vote.last_log_term);
        digest = mix(mix(digest, message->request_vote.pre_vote), message->request_vote.transfer);
        return mix(digest, message->request_vote.configuration_index);
    case RAFT_REQUEST_VOTE_REPLY:
        digest = mix(digest, message->request_vote_reply.vote_granted);
        return mix(mix(digest, message->request_vote_reply.pre_vote), message->request_vote_reply.removed);
    case RAFT_APPEND_ENTRIES:
        digest = mix(mix(mix(digest, append->prev_log_index), append->prev_log_term), append->leader_commit);
        return mix_entries(mix(digest, append->round), append->entries, append->entry_count);
    case RAFT_INSTALL_SNAPSHOT:
        return mix(digest, message->install_snapshot.snapshot->index);
    case RAFT_INSTALL_SNAPSHOT_REPLY:
        return mix(digest, message->install_snapshot_reply.match_index);
    case RAFT_TIMEOUT_NOW:
    case RAFT_TIMEOUT_NOW_REPLY:
        return digest;
    case RAFT_APPEND_ENTRIES_REPLY:
        digest = mix(mix(mix(digest, reply->success), reply->match_index), reply->conflict_index);
        return mix(mix(digest, reply->conflict_term), reply->round);
    }
    return digest;
}

uint64_t raft_network_digest(uint64_t digest, const struct raft_update *update)
{
    digest = mix(mix(mix(digest, update->write), update->truncate_from), update->hard_state_changed);
    digest = mix(mix(digest, update->install ? update->install->index : 0), update->log_first);
    digest = mix_entries(digest, update->entries, update->entry_count);
    digest = mix(mix(mix(digest, update->term), update->voted_for), update->commit_index);
    for (size_t i = 0; i < update->message_count; i++)
        digest = mix_message(digest, &update->messages[i]);
    for (size_t i = 0; i < update->read_count; i++)
        digest = mix(mix(digest, update->reads[i].context), update->reads[i].index);
    return mix(digest, (uint64_t)update->deadline_ms);
}
