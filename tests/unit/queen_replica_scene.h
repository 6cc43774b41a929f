/* A replica on a stage: its host writes down what it is asked for, its disk is done when the test says so, and its peers are what
 * the test makes of them. Time is a number. */
#ifndef QUEEN_REPLICA_SCENE_H
#define QUEEN_REPLICA_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hive/memory.h"
#include "queen/message.h"
#include "queen/replica.h"

enum { SCENE_SELF = 1, SCENE_MESSAGES = 512, SCENE_ANSWERS = 64, TIMEOUT_MIN_MS = 150, TIMEOUT_MAX_MS = 300 };

struct scene_answer {
    enum queen_outcome outcome;
    char leader[HIVE_ADDRESS_BYTES];
    uint64_t index;
    int64_t age_ms;
    enum raft_status refusal;
    enum machine_status status;
    bool has_machine;
    int tag;
};

struct scene {
    struct replica *replica;
    int64_t now_ms;
    uint64_t write; /* the last one that the disk was asked for */
    size_t writes;
    bool is_disk_slow, are_peers_silent;
    struct raft_message *sent[SCENE_MESSAGES];
    size_t sent_count;
    size_t replies;
    enum queen_outcome reply_outcome;
    struct raft_message reply;
    struct scene_answer answers[SCENE_ANSWERS];
    size_t answer_count;
    size_t applied;
    raft_index installed, begun, dropped_before;
    struct machine *old;
    struct raft_configuration members;
    bool is_snapshot_refused;
    size_t begins, ends, abandoned;
    struct hive_buffer dump;
};

/* ---- the host ---- */

static inline void scene_persist(void *context, const struct raft_update *update)
{
    struct scene *scene = context;
    assert_int_equal(update->write, scene->write + 1);
    scene->write = update->write;
    scene->writes++;
}

static inline void scene_send(void *context, const struct raft_message *message)
{
    struct scene *scene = context;
    assert_true(scene->sent_count < SCENE_MESSAGES);
    scene->sent[scene->sent_count++] = queen_message_copy(message);
}

static inline void scene_reply(void *context, enum queen_outcome outcome, const struct raft_message *reply,
                               void *rpc)
{
    struct scene *scene = context;
    assert_ptr_equal(rpc, scene);
    assert_int_equal(outcome == QUEEN_DONE, reply != NULL);
    scene->replies++;
    scene->reply_outcome = outcome;
    if (reply)
        scene->reply = *reply;
}

static inline void scene_applied(void *context, const struct raft_entry *entry,
                                 const struct machine_result *result)
{
    struct scene *scene = context;
    assert_int_equal(entry->type, RAFT_ENTRY_COMMAND);
    assert_true(result->type != 0);
    scene->applied++;
}

static inline void scene_installed(void *context, const struct raft_snapshot *snapshot, struct machine *old)
{
    struct scene *scene = context;
    scene->installed = snapshot->index;
    scene->old = old;
}

static inline void scene_transition(void *context, const struct raft_transition *transition)
{
    (void)context;
    assert_non_null(transition->reason);
}

static inline void scene_configuration(void *context, const struct raft_configuration *configuration)
{
    ((struct scene *)context)->members = *configuration;
}

static inline bool scene_snapshot_begin(void *context, const struct raft_snapshot *snapshot)
{
    struct scene *scene = context;
    scene->begins++;
    hive_buffer_clear(&scene->dump);
    if (!scene->is_snapshot_refused)
        scene->begun = snapshot->index;
    return !scene->is_snapshot_refused;
}

static inline void scene_snapshot_piece(void *context, const void *data, size_t bytes)
{
    struct scene *scene = context;
    assert_true(bytes > 0);
    hive_buffer_append(&scene->dump, data, bytes);
}

static inline void scene_snapshot_end(void *context, bool is_complete)
{
    struct scene *scene = context;
    if (is_complete)
        scene->ends++;
    else
        scene->abandoned++;
}

static inline void scene_drop_before(void *context, raft_index first)
{
    struct scene *scene = context;
    assert_true(first > scene->dropped_before);
    scene->dropped_before = first;
}

static const struct replica_host scene_host = {
    .persist = scene_persist,
    .send = scene_send,
    .reply = scene_reply,
    .applied = scene_applied,
    .installed = scene_installed,
    .transition = scene_transition,
    .configuration = scene_configuration,
    .snapshot_begin = scene_snapshot_begin,
    .snapshot_piece = scene_snapshot_piece,
    .snapshot_end = scene_snapshot_end,
    .drop_before = scene_drop_before,
};

/* ---- the stage ---- */

static inline struct raft_configuration scene_group(size_t voters)
{
    struct raft_configuration group = {.count = voters};
    for (size_t i = 0; i < voters; i++) {
        group.members[i] = (struct raft_member){.id = i + 1, .kind = RAFT_MEMBER_VOTER};
        snprintf(group.members[i].address, HIVE_ADDRESS_BYTES, "127.0.0.1:%zu", 9001 + i);
    }
    return group;
}

static inline struct replica_config scene_config(struct scene *scene)
{
    return (struct replica_config){
        .raft =
            {
                .id = SCENE_SELF,
                .election_timeout_min_ms = TIMEOUT_MIN_MS,
                .election_timeout_max_ms = TIMEOUT_MAX_MS,
                .heartbeat_ms = 50,
                .batch_entries = 100,
                .batch_bytes = 1 << 20,
                .inflight_appends = 1,
                .pre_vote = true,
                .check_quorum = true,
            },
        .host = &scene_host,
        .context = scene,
        .request_timeout_ms = 1000,
        .rpc_timeout_ms = 500,
        .seed = 42,
    };
}

static inline void scene_create(struct scene *scene, const struct replica_config *config,
                                const struct raft_recovered *recovered, struct machine *machine)
{
    scene->replica = replica_create(config, recovered, machine ? machine : machine_create(), scene->now_ms);
}

/* As scene_config() says, with nothing on its disk. */
static inline void scene_start(struct scene *scene)
{
    struct replica_config config = scene_config(scene);
    scene_create(scene, &config, NULL, NULL);
}

static inline void scene_destroy(struct scene *scene)
{
    replica_stop(scene->replica);
    replica_destroy(scene->replica);
    machine_destroy(scene->old);
    hive_buffer_finish(&scene->dump);
    for (size_t i = 0; i < scene->sent_count; i++)
        queen_message_free(scene->sent[i]);
}

/* What a peer that agrees with everything answers. */
static inline bool scene_agree(const struct raft_message *request, struct raft_message *reply)
{
    *reply = (struct raft_message){
        .from = request->to, .to = request->from, .term = request->term, .context = request->context};
    if (request->type == RAFT_REQUEST_VOTE) {
        reply->type = RAFT_REQUEST_VOTE_REPLY;
        reply->request_vote_reply = (struct raft_request_vote_reply){
            .vote_granted = true, .pre_vote = request->request_vote.pre_vote};
        return true;
    }
    if (request->type != RAFT_APPEND_ENTRIES)
        return false;
    const struct raft_append_entries *append = &request->append_entries;
    reply->type = RAFT_APPEND_ENTRIES_REPLY;
    reply->append_entries_reply = (struct raft_append_entries_reply){
        .success = true, .match_index = append->prev_log_index + append->entry_count, .round = append->round};
    return true;
}

static inline void scene_answer_next(struct scene *scene)
{
    struct raft_message *request = scene->sent[0], reply;
    memmove(scene->sent, scene->sent + 1, --scene->sent_count * sizeof scene->sent[0]);
    if (scene_agree(request, &reply))
        replica_message(scene->replica, scene->now_ms, &reply, NULL);
    queen_message_free(request);
}

/* Disk and peers do their work until there is none. */
static inline void scene_settle(struct scene *scene)
{
    uint64_t durable = 0;
    while ((!scene->is_disk_slow && durable < scene->write) ||
           (!scene->are_peers_silent && scene->sent_count > 0)) {
        if (!scene->is_disk_slow && durable < scene->write)
            replica_durable(scene->replica, scene->now_ms, durable = scene->write);
        if (!scene->are_peers_silent && scene->sent_count > 0)
            scene_answer_next(scene);
    }
}

static inline void scene_advance(struct scene *scene, int64_t ms)
{
    for (int64_t end_ms = scene->now_ms + ms; scene->now_ms < end_ms;) {
        int64_t due_ms = replica_deadline_ms(scene->replica);
        scene->now_ms = due_ms <= scene->now_ms ? scene->now_ms + 1 : due_ms < end_ms ? due_ms : end_ms;
        replica_tick(scene->replica, scene->now_ms);
        scene_settle(scene);
    }
}

static inline void scene_bootstrap(struct scene *scene, size_t voters)
{
    struct raft_configuration group = scene_group(voters);
    replica_bootstrap(scene->replica, scene->now_ms, &group);
}

/* A leader of a group of so many, in its first term, with an entry committed. */
static inline void scene_lead(struct scene *scene, size_t voters)
{
    scene_bootstrap(scene, voters);
    for (int i = 0; i < 20 && raft_role(replica_raft(scene->replica)) != RAFT_LEADER; i++)
        scene_advance(scene, 100);
    assert_int_equal(raft_role(replica_raft(scene->replica)), RAFT_LEADER);
    scene_advance(scene, 60);
    assert_true(raft_commit_index(replica_raft(scene->replica)) > 0);
}

static inline void scene_start_leader(struct scene *scene, size_t voters)
{
    scene_start(scene);
    scene_lead(scene, voters);
}

/* The newest message of that type, which stays. */
static inline const struct raft_message *scene_find(const struct scene *scene, enum raft_message_type type)
{
    for (size_t i = scene->sent_count; i > 0; i--)
        if (scene->sent[i - 1]->type == type)
            return scene->sent[i - 1];
    return NULL;
}

static inline void scene_forget_sent(struct scene *scene)
{
    while (scene->sent_count > 0)
        queen_message_free(scene->sent[--scene->sent_count]);
}

/* A message from the leader `from` (whose heartbeat it is, where there are no entries). */
static inline struct raft_message scene_append(raft_id from, raft_term term, raft_index prev_index,
                                               raft_term prev_term, raft_index commit,
                                               const struct raft_entry *entries, size_t count)
{
    struct raft_message message = {.type = RAFT_APPEND_ENTRIES, .from = from, .to = SCENE_SELF, .term = term};
    message.append_entries = (struct raft_append_entries){
        .prev_log_index = prev_index,
        .prev_log_term = prev_term,
        .leader_commit = commit,
        .entries = entries,
        .entry_count = count,
    };
    return message;
}

static inline void scene_receive(struct scene *scene, const struct raft_message *message)
{
    replica_message(scene->replica, scene->now_ms, message, scene);
}

/* ---- clients ---- */

/* Who asks: the scene, and which of its questions. */
struct scene_client {
    struct scene *scene;
    int tag;
};

static inline void scene_done(const struct queen_answer *answer, void *context)
{
    struct scene_client *client = context;
    struct scene *scene = client->scene;
    assert_true(scene->answer_count < SCENE_ANSWERS);
    struct scene_answer *noted = &scene->answers[scene->answer_count++];
    *noted = (struct scene_answer){
        .outcome = answer->outcome,
        .index = answer->index,
        .age_ms = answer->age_ms,
        .refusal = answer->refusal,
        .has_machine = answer->machine != NULL,
        .tag = client->tag,
    };
    if (answer->result)
        noted->status = answer->result->status;
    snprintf(noted->leader, sizeof noted->leader, "%s", answer->leader ? answer->leader : "");
    free(client);
}

static inline struct scene_client *scene_client(struct scene *scene, int tag)
{
    struct scene_client *client = hive_malloc(sizeof *client);
    *client = (struct scene_client){.scene = scene, .tag = tag};
    return client;
}

static inline void scene_encode_put(struct hive_buffer *command, const char *key, size_t value_bytes)
{
    char *value = hive_calloc(value_bytes + 1, 1);
    struct machine_command put = {
        .type = MACHINE_KV_PUT,
        .time_ms = 1000,
        .key = {.data = key, .size = strlen(key)},
        .value = {.data = value, .size = value_bytes},
    };
    machine_command_encode(&put, command);
    free(value);
}

/* Proposes to set keys key0, key1, …; the answers' tags count from `tag`. */
static inline void scene_put(struct scene *scene, int tag, size_t count, size_t value_bytes)
{
    struct hive_buffer commands[8] = {{0}};
    struct replica_proposal proposals[8];
    assert_true(count <= 8);
    for (size_t i = 0; i < count; i++) {
        char key[32];
        snprintf(key, sizeof key, "key%d", tag + (int)i);
        scene_encode_put(&commands[i], key, value_bytes);
        proposals[i] = (struct replica_proposal){
            .command = commands[i].data,
            .bytes = commands[i].size,
            .done = scene_done,
            .context = scene_client(scene, tag + (int)i),
        };
    }
    replica_propose(scene->replica, scene->now_ms, proposals, count);
    for (size_t i = 0; i < count; i++)
        hive_buffer_finish(&commands[i]);
}

static inline void scene_read(struct scene *scene, int tag, bool stale)
{
    replica_read(scene->replica, scene->now_ms, stale, scene_done, scene_client(scene, tag));
}

static inline const struct scene_answer *scene_answer(const struct scene *scene, int tag)
{
    const struct scene_answer *found = NULL;
    for (size_t i = 0; i < scene->answer_count; i++)
        if (scene->answers[i].tag == tag) {
            assert_null(found); /* once */
            found = &scene->answers[i];
        }
    return found;
}

#endif
