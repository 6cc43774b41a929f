/* How each is kept cheap: an entry is hashed where it gets into a log, once a node; from there on its index and term stand for it, because
 * no two entries may have both (log matching). Logs are compared as they grow, never as a whole. */
#include "sim/checks.h"

#include "hive/memory.h"
#include "sim/chains.h"
#include "sim/members.h"
#include "sim/shadow.h"
#include "sim/trace.h"

#define DIGEST_EVERY 64 /* entries */

/* What was said of an index when it was first committed. */
struct committed {
    raft_term term, at_term; /* of the entry; of the server that committed it first */
    uint64_t result;         /* digest of what applying gave; 0: not applied yet */
    uint64_t machine;        /* digest of the machine then; 0: nobody looked */
};

/* An entry as it was when it first came into any log. Open addressing, by index and term. */
struct birth {
    raft_index index; /* 0: free */
    raft_term term, previous_term;
    uint64_t digest;
};

struct checks {
    struct committed *committed; /* [index] */
    size_t committed_count, committed_capacity;
    raft_index quorum_checked, configuration; /* the latter: of the last one that was committed */
    raft_id *leaders;                         /* [term]; 0: nobody */
    size_t leader_capacity;
    struct birth *births;
    size_t birth_count, birth_capacity;
    struct shadow **shadows; /* in the order of the world's identities */
    size_t shadow_count;
    uint64_t digest;
    struct chains chains;
};

struct checks *checks_create(void)
{
    struct checks *checks = hive_calloc(1, sizeof *checks);
    checks->committed_count = 1;
    checks->birth_capacity = 4096;
    checks->births = hive_calloc(checks->birth_capacity, sizeof *checks->births);
    return checks;
}

void checks_destroy(struct checks *checks)
{
    if (!checks)
        return;
    for (size_t i = 0; i < checks->shadow_count; i++)
        shadow_destroy(checks->shadows[i]);
    free(checks->shadows);
    free(checks->committed);
    free(checks->leaders);
    free(checks->births);
    chains_finish(&checks->chains);
    free(checks);
}

raft_index checks_committed(const struct world *world)
{
    return world->checks->committed_count - 1;
}

raft_index checks_configuration_index(const struct world *world)
{
    return world->checks->configuration;
}

uint64_t checks_digest(const struct world *world)
{
    return world->checks->digest;
}

static unsigned long long number(uint64_t value)
{
    return value;
}

static struct shadow *shadow_of(struct world *world, raft_id id)
{
    struct checks *checks = world->checks;
    for (size_t i = checks->shadow_count; i > 0; i--) {
        if (checks->shadows[i - 1]->id == id)
            return checks->shadows[i - 1];
    }
    checks->shadows = hive_realloc(checks->shadows, checks->shadow_count + 1, sizeof *checks->shadows);
    return checks->shadows[checks->shadow_count++] = shadow_create(id);
}

/* ---- log matching ---- */

static struct birth *find_birth(struct checks *checks, raft_index index, raft_term term)
{
    size_t at = sim_hash_number(index, term) & (checks->birth_capacity - 1);
    while (checks->births[at].index && (checks->births[at].index != index || checks->births[at].term != term))
        at = (at + 1) & (checks->birth_capacity - 1);
    return &checks->births[at];
}

static void grow_births(struct checks *checks)
{
    struct birth *old = checks->births;
    size_t count = checks->birth_capacity;
    checks->birth_capacity *= 2;
    checks->births = hive_calloc(checks->birth_capacity, sizeof *checks->births);
    for (size_t i = 0; i < count; i++) {
        if (old[i].index)
            *find_birth(checks, old[i].index, old[i].term) = old[i];
    }
    free(old);
}

/* Two logs with an entry of the same index and term have the same entry there, and the same before it (§3.5): so it is enough that
 * the entry before always has the same term. */
static void match(struct node *node, const struct raft_entry *entry, raft_term previous_term)
{
    struct checks *checks = node->world->checks;
    uint64_t digest = sim_hash(entry->type, entry->data, entry->bytes);
    struct birth *birth = find_birth(checks, entry->index, entry->term);
    if (!birth->index) {
        *birth = (struct birth){entry->index, entry->term, previous_term, digest};
        if (++checks->birth_count * 2 > checks->birth_capacity)
            grow_births(checks);
        return;
    }
    /* A log that begins behind a snapshot knows no term before it. */
    bool is_same_before = !previous_term || !birth->previous_term || birth->previous_term == previous_term;
    if (birth->digest != digest || !is_same_before)
        world_fail(node->world, "log matching: %s has another entry %llu of term %llu", node->address,
                   number(entry->index), number(entry->term));
}

void checks_persist(struct node *node, const struct raft_update *update)
{
    struct shadow *shadow = shadow_of(node->world, node->id);
    raft_index from = update->truncate_from;
    if (from > 0) {
        node->world->coverage.counts[COVER_TRUNCATIONS]++;
        if (node->role == RAFT_LEADER && update->term == node->term)
            world_fail(node->world, "leader append-only: %s leads term %llu and cuts its log at %llu",
                       node->address, number(update->term), number(from));
        if (from <= node->commit)
            world_fail(node->world, "%s cuts its log at %llu, committed is %llu", node->address, number(from),
                       number(node->commit));
    }
    if (update->install && update->install_keeps_log)
        node->world->coverage.counts[COVER_INSTALLS_KEEPING]++;
    shadow_persist(shadow, update);
    for (size_t i = 0; i < update->entry_count; i++) {
        const struct raft_entry *entry = &update->entries[i];
        match(node, entry, shadow_term(&shadow->issued.log, entry->index - 1));
    }
    raft_index last = update->entry_count > 0 ? update->entries[update->entry_count - 1].index : 0;
    if (last && shadow_last(&shadow->issued.log) != last)
        world_fail(node->world, "%s writes entry %llu where its log ends at %llu", node->address,
                   number(last), number(shadow_last(&shadow->issued.log)));
}

void checks_durable(struct node *node, uint64_t write)
{
    shadow_durable(shadow_of(node->world, node->id), write);
}

/* ---- what is promised is durable ---- */

void checks_message(struct node *node, const struct raft_message *message)
{
    const struct shadow *shadow = shadow_of(node->world, node->id);
    const struct shadow_state *disk = &shadow->durable;
    raft_id vote = 0;
    raft_index match_index = 0;
    raft_term term = message->term;
    switch (message->type) {
    case RAFT_REQUEST_VOTE:
        if (message->request_vote.pre_vote)
            return;
        vote = node->id;
        break;
    case RAFT_REQUEST_VOTE_REPLY:
        if (message->request_vote_reply.pre_vote)
            return;
        if (message->request_vote_reply.vote_granted)
            vote = message->to;
        break;
    case RAFT_APPEND_ENTRIES_REPLY:
        if (message->append_entries_reply.success)
            match_index = message->append_entries_reply.match_index;
        break;
    case RAFT_INSTALL_SNAPSHOT_REPLY:
        match_index = message->install_snapshot_reply.match_index;
        break;
    case RAFT_APPEND_ENTRIES:
    case RAFT_INSTALL_SNAPSHOT:
    case RAFT_TIMEOUT_NOW:
    case RAFT_TIMEOUT_NOW_REPLY:
        break;
    }
    if (disk->term < term || (vote && disk->term == term && disk->voted_for != vote))
        world_fail(node->world, "%s speaks in term %llu (vote %llu); on its disk are term %llu, vote %llu",
                   node->address, number(term), number(vote), number(disk->term), number(disk->voted_for));
    if (disk->term == term && match_index > shadow_last(&disk->log))
        world_fail(node->world, "acknowledged, not durable: %s acknowledges %llu, its disk ends at %llu",
                   node->address, number(match_index), number(shadow_last(&disk->log)));
}

/* ---- commits ---- */

static struct committed *committed_at(struct checks *checks, raft_index index)
{
    while (index >= checks->committed_capacity) {
        size_t capacity = checks->committed_capacity ? checks->committed_capacity * 2 : 1024;
        checks->committed = hive_realloc(checks->committed, capacity, sizeof *checks->committed);
        memset(checks->committed + checks->committed_capacity, 0,
               (capacity - checks->committed_capacity) * sizeof *checks->committed);
        checks->committed_capacity = capacity;
    }
    return &checks->committed[index];
}

/* State machine safety: what is committed at an index is committed there for ever, everywhere. */
static void commit(struct node *node, const struct raft_entry *entry)
{
    struct world *world = node->world;
    struct checks *checks = world->checks;
    struct committed *committed = committed_at(checks, entry->index);
    if (committed->term && committed->term != entry->term)
        world_fail(
            world,
            "state machine safety: %s commits entry %llu of term %llu, another one committed that of %llu",
            node->address, number(entry->index), number(entry->term), number(committed->term));
    if (committed->term)
        return;
    if (entry->index != checks->committed_count)
        world_fail(world, "%s commits entry %llu, and nobody that before it", node->address,
                   number(entry->index));
    checks->committed_count = (size_t)entry->index + 1;
    committed->term = entry->term;
    committed->at_term = raft_current_term(replica_raft(node->replica));
    checks->digest = sim_hash_number(checks->digest, find_birth(checks, entry->index, entry->term)->digest);
    world->coverage.counts[COVER_COMMITS]++;
    if (entry->type == RAFT_ENTRY_CONFIGURATION) {
        world->coverage.counts[COVER_CONFIGURATIONS]++;
        checks->configuration = entry->index;
    }
}

static bool is_on_quorum(struct world *world, const struct raft_configuration *configuration,
                         raft_index index, raft_term term)
{
    size_t voters = 0, have = 0;
    for (size_t i = 0; i < configuration->count; i++) {
        if (configuration->members[i].kind != RAFT_MEMBER_VOTER)
            continue;
        const struct shadow_log *log = &shadow_of(world, configuration->members[i].id)->durable.log;
        voters++;
        have += log->start >= index || shadow_term(log, index) == term;
    }
    return have * 2 > voters;
}

/* Acknowledged <= durable: a leader commits what a majority has on disk. In a step that also began a change, the majority was that of before
 * (voters_before). */
static void check_quorum(struct node *node, const struct raft *raft, raft_index index)
{
    const struct raft_entry *entry = raft_entry_at(raft, index);
    const struct raft_configuration *members = raft_configuration(raft);
    if (!entry || is_on_quorum(node->world, members, index, entry->term))
        return;
    if (node->members_before && is_on_quorum(node->world, node->members_before, index, entry->term))
        return;
    world_fail(node->world, "%s commits entry %llu, which is not on the disks of a majority", node->address,
               number(index));
}

/* Only an entry of its own term does a leader commit by counting (§3.6.2, Figure 8): on a majority or not, an older one may still be
 * overwritten, if only seldom enough that few runs would see it. */
static void check_own_term(struct node *node, const struct raft *raft, raft_index index)
{
    const struct raft_entry *entry = raft_entry_at(raft, index);
    raft_term term = raft_current_term(raft);
    if (entry && entry->term != term && node->role == RAFT_LEADER && node->term == term)
        world_fail(node->world, "figure 8: %s leads term %llu and commits entry %llu of term %llu",
                   node->address, number(term), number(index), number(entry->term));
}

static void check_commits(struct node *node, const struct raft *raft, raft_index index)
{
    struct checks *checks = node->world->checks;
    for (raft_index i = node->commit + 1; i <= index; i++) {
        const struct raft_entry *entry = raft_entry_at(raft, i);
        if (entry)
            commit(node, entry);
    }
    if (index >= checks->committed_count)
        world_fail(node->world, "%s has committed %llu, and nobody that before it", node->address,
                   number(index));
    if (raft_role(raft) == RAFT_LEADER)
        check_own_term(node, raft, index);
    if (index > checks->quorum_checked && raft_role(raft) == RAFT_LEADER)
        check_quorum(node, raft, index);
    checks->quorum_checked = index > checks->quorum_checked ? index : checks->quorum_checked;
}

/* ---- elections ---- */

/* A leader has all that was committed in earlier terms (§3.6.3). */
static void check_completeness(struct node *node, const struct raft *raft)
{
    const struct checks *checks = node->world->checks;
    raft_term term = raft_current_term(raft);
    raft_index index = checks->committed_count - 1;
    while (index > 0 && checks->committed[index].at_term >= term)
        index--;
    if (index > raft_last_index(raft))
        world_fail(node->world, "leader completeness: %s leads term %llu without the committed entry %llu",
                   node->address, number(term), number(index));
    for (; index >= raft_first_index(raft) && index > 0; index--) {
        if (raft_entry_at(raft, index)->term != checks->committed[index].term)
            world_fail(node->world, "leader completeness: %s leads term %llu with another entry %llu",
                       node->address, number(term), number(index));
    }
}

static void check_election(struct node *node, const struct raft *raft)
{
    struct checks *checks = node->world->checks;
    raft_term term = raft_current_term(raft);
    while (term >= checks->leader_capacity) {
        size_t capacity = checks->leader_capacity ? checks->leader_capacity * 2 : 64;
        checks->leaders = hive_realloc(checks->leaders, capacity, sizeof *checks->leaders);
        memset(checks->leaders + checks->leader_capacity, 0,
               (capacity - checks->leader_capacity) * sizeof *checks->leaders);
        checks->leader_capacity = capacity;
    }
    if (checks->leaders[term] && checks->leaders[term] != node->id)
        world_fail(node->world, "election safety: %s leads term %llu, and so did %s", node->address,
                   number(term), world_node_of(node->world, checks->leaders[term])->address);
    checks->leaders[term] = node->id;
    node->world->coverage.counts[COVER_ELECTIONS]++;
    check_completeness(node, raft);
}

/* ---- machines ---- */

static uint64_t digest_result(const struct machine_result *result)
{
    uint64_t digest = sim_hash_number((uint64_t)result->status, (uint64_t)result->type);
    digest = sim_hash_number(digest, result->index);
    digest = sim_hash_number(digest, result->task);
    digest = sim_hash_number(digest, result->attempt);
    return sim_hash_number(digest, (uint64_t)(result->created * 2 + result->replayed)) | 1;
}

static void compare_machine(struct node *node, raft_index index)
{
    struct committed *committed = committed_at(node->world->checks, index);
    uint64_t digest = machine_digest(replica_machine(node->replica)) | 1;
    if (committed->machine && committed->machine != digest)
        world_fail(node->world, "state machine safety: the machine of %s at %llu is not the others'",
                   node->address, number(index));
    committed->machine = digest;
}

void checks_machine(struct node *node)
{
    compare_machine(node, replica_applied(node->replica));
}

void checks_applied(struct node *node, const struct raft_entry *entry, const struct machine_result *result)
{
    struct checks *checks = node->world->checks;
    struct committed *committed;
    uint64_t digest = digest_result(result);
    while (checks->committed_count < entry->index) /* no-ops and configurations before it are not told */
        commit(node, raft_entry_at(replica_raft(node->replica), checks->committed_count));
    commit(node, entry);
    committed = committed_at(node->world->checks, entry->index);
    if (committed->result && committed->result != digest)
        world_fail(node->world, "state machine safety: applying entry %llu gave %s another result",
                   number(entry->index), node->address);
    committed->result = digest;
    if (entry->index % DIGEST_EVERY == 0)
        compare_machine(node, entry->index);
}

void checks_snapshot(struct node *node, const struct raft_snapshot *snapshot)
{
    const struct checks *checks = node->world->checks;
    if (snapshot->index >= checks->committed_count ||
        checks->committed[snapshot->index].term != snapshot->term)
        world_fail(node->world, "%s has a snapshot at %llu of term %llu, which was never committed",
                   node->address, number(snapshot->index), number(snapshot->term));
}

void checks_installed(struct node *node, const struct raft_snapshot *snapshot)
{
    checks_snapshot(node, snapshot);
    compare_machine(node, snapshot->index);
}

void checks_acknowledged(struct node *node, raft_index index)
{
    if (index >= node->world->checks->committed_count)
        world_fail(node->world, "%s tells a client that entry %llu is done, which is not committed",
                   node->address, number(index));
}

/* ---- steps ---- */

static void note_standing(struct node *node, enum raft_standing standing)
{
    struct coverage *coverage = &node->world->coverage;
    if (standing == RAFT_STANDING_VOTER && node->standing == RAFT_STANDING_LEARNER)
        coverage->counts[COVER_PROMOTIONS]++;
    if (standing == RAFT_STANDING_REMOVED && node->role == RAFT_LEADER)
        coverage->counts[COVER_LEADERS_REMOVED]++;
    if (standing == RAFT_STANDING_REMOVED)
        coverage->counts[COVER_REMOVALS]++;
    node->standing = standing;
}

void checks_step(struct node *node)
{
    const struct raft *raft = replica_raft(node->replica);
    raft_term term = raft_current_term(raft);
    raft_index index = raft_commit_index(raft);
    enum raft_role role = raft_role(raft);
    if (term < node->term || index < node->commit)
        world_fail(node->world, "%s goes back: from term %llu, commit %llu to term %llu, commit %llu",
                   node->address, number(node->term), number(node->commit), number(term), number(index));
    if (index > node->commit)
        check_commits(node, raft, index);
    if (role == RAFT_LEADER && (node->role != RAFT_LEADER || term != node->term))
        check_election(node, raft);
    if (role != RAFT_LEADER && node->role == RAFT_LEADER)
        node->world->coverage.counts[COVER_STEP_DOWNS]++;
    chains_check(&node->world->checks->chains, node);
    if (raft_standing(raft) != node->standing)
        note_standing(node, raft_standing(raft));
    node->role = role;
    node->term = term;
    node->commit = index;
    if (node->members_before) {
        free(node->members_before);
        node->members_before = NULL;
    }
}

void checks_configuration(struct node *node, const struct raft_configuration *configuration)
{
    members_note(node->world, configuration);
    if (configuration->index < node->members->index)
        node->world->coverage.counts[COVER_ROLLBACKS]++;
    trace_configuration(node, configuration);
    free(node->members_before);
    node->members_before = node->members;
    node->members = (struct raft_configuration *)hive_memdup(configuration, sizeof *configuration);
}

void checks_recovery(struct node *node, const struct store_recovery *recovery)
{
    struct shadow *shadow = shadow_of(node->world, node->id);
    raft_term durable_term = shadow->durable.term;
    raft_index durable_last = shadow_last(&shadow->durable.log);
    if (!shadow_recover(shadow, recovery))
        world_fail(
            node->world,
            "%s recovered term %llu, snapshot %llu, %llu entries: durable were term %llu and entries to %llu",
            node->address, number(recovery->term), number(recovery->snapshot ? recovery->snapshot->index : 0),
            number(recovery->entry_count), number(durable_term), number(durable_last));
    raft_term previous_term = 0;
    for (size_t i = 0; i < recovery->entry_count; i++) {
        match(node, &recovery->entries[i], previous_term);
        previous_term = recovery->entries[i].term;
    }
    if (recovery->snapshot)
        checks_snapshot(node, recovery->snapshot);
}

void checks_start(struct node *node)
{
    const struct raft *raft = replica_raft(node->replica);
    node->role = RAFT_FOLLOWER;
    node->term = raft_current_term(raft);
    node->commit = raft_commit_index(raft);
    node->standing = raft_standing(raft);
    free(node->members_before);
    free(node->members);
    node->members_before = NULL;
    node->members = (struct raft_configuration *)hive_memdup(raft_configuration(raft), sizeof *node->members);
    if (raft_configuration(raft)->count > 0)
        members_note(node->world, raft_configuration(raft));
    checks_machine(node);
    chains_check(&node->world->checks->chains, node);
}
