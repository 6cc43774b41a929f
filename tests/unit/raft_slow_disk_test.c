/* Disks that are slow, and disks that forgot: what the core does about them. One server and its messages,
 * by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "raft/raft.h"

enum { MIN_MS = 150, MAX_MS = 300, HEARTBEAT_MS = 50 };

static struct raft *server_1_of_3(void)
{
    struct raft_config config = {
        .id = 1,
        .election_timeout_min_ms = MIN_MS,
        .election_timeout_max_ms = MAX_MS,
        .heartbeat_ms = HEARTBEAT_MS,
        .batch_entries = 100,
        .batch_bytes = 1000000,
        .inflight_appends = 1,
        .disk_stall_ms = 1500,
        .pre_vote = true,
        .check_quorum = true,
    };
    struct raft_configuration founding = {
        .count = 3,
        .members = {{1, RAFT_MEMBER_VOTER, ""}, {2, RAFT_MEMBER_VOTER, ""}, {3, RAFT_MEMBER_VOTER, ""}}};
    return raft_create(&config, &(struct raft_recovered){.founding = &founding}, 0, 0);
}

static struct raft_update tick(struct raft *raft, int64_t now_ms)
{
    struct raft_update update;
    raft_step(raft, &(struct raft_event){.type = RAFT_EVENT_TICK, .now_ms = now_ms}, &update);
    return update;
}

static struct raft_update durable(struct raft *raft, int64_t now_ms, uint64_t write)
{
    struct raft_update update;
    struct raft_event event = {.type = RAFT_EVENT_DURABLE, .now_ms = now_ms, .write = write};
    raft_step(raft, &event, &update);
    return update;
}

static struct raft_update say(struct raft *raft, int64_t now_ms, struct raft_message message)
{
    struct raft_update update;
    message.to = 1;
    struct raft_event event = {.type = RAFT_EVENT_MESSAGE, .now_ms = now_ms, .message = &message};
    raft_step(raft, &event, &update);
    return update;
}

static struct raft_update grant(struct raft *raft, int64_t now_ms, bool pre_vote)
{
    struct raft_message message = {.type = RAFT_REQUEST_VOTE_REPLY, .from = 2, .term = 1};
    message.request_vote_reply = (struct raft_request_vote_reply){.vote_granted = true, .pre_vote = pre_vote};
    return say(raft, now_ms, message);
}

static void test_a_candidate_waits_for_its_disk_instead_of_starting_over(void **state)
{
    (void)state;
    struct raft *raft = server_1_of_3();
    tick(raft, MAX_MS);
    uint64_t write = grant(raft, MAX_MS, true).write; /* its own vote is on its way to the disk … */
    assert_int_not_equal(write, 0);
    for (int64_t now_ms = MAX_MS; now_ms < MAX_MS + 1000;
         now_ms += 10) { /* … for longer than an election timeout */
        struct raft_update update = tick(raft, now_ms);
        assert_int_equal(update.write, 0);
        assert_int_equal(update.message_count, 0);
    }
    durable(raft, MAX_MS + 1000, write);
    assert_int_equal(tick(raft, MAX_MS + 1000 + MIN_MS - 1).message_count,
                     0); /* the answers get their time, too */
    grant(raft, MAX_MS + 1000 + MIN_MS - 1, false);
    assert_int_equal(raft_role(raft), RAFT_LEADER);
    assert_int_equal(raft_current_term(raft), 1);
    raft_destroy(raft);
}

static void test_a_peer_that_lost_what_it_acknowledged_gets_heartbeats_only(void **state)
{
    (void)state;
    struct raft *raft = server_1_of_3();
    tick(raft, MAX_MS);
    int64_t now_ms = MAX_MS;
    durable(raft, now_ms, grant(raft, now_ms, true).write);
    struct raft_update update = grant(raft, now_ms, false);
    assert_int_equal(raft_role(raft), RAFT_LEADER);
    durable(raft, now_ms, update.write);
    struct raft_message matched = {.type = RAFT_APPEND_ENTRIES_REPLY, .from = 2, .term = 1, .context = 1};
    matched.append_entries_reply = (struct raft_append_entries_reply){.success = true, .match_index = 1};
    say(raft, now_ms, matched);
    assert_int_equal(raft_commit_index(raft), 1);

    struct raft_message refused = {.type = RAFT_APPEND_ENTRIES_REPLY, .from = 2, .term = 1};
    refused.append_entries_reply = (struct raft_append_entries_reply){.conflict_index = 1};
    struct raft_command command = {.data = "x", .bytes = 1};
    struct raft_event event = {.type = RAFT_EVENT_PROPOSE, .now_ms = now_ms};
    event.propose.commands = &command;
    event.propose.count = 1;
    raft_step(raft, &event, &update);
    for (int i = 0; i < 100; i++) { /* each refusal would else bring the next append, at once */
        update = say(raft, now_ms, refused);
        for (size_t m = 0; m < update.message_count; m++)
            assert_int_equal(update.messages[m].to == 2 ? update.messages[m].append_entries.entry_count : 0,
                             0);
    }
    raft_destroy(raft);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_candidate_waits_for_its_disk_instead_of_starting_over),
        cmocka_unit_test(test_a_peer_that_lost_what_it_acknowledged_gets_heartbeats_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
