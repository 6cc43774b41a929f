/* Raft's messages survive their way over the wire, and nothing else gets through it. */
#include "queen/rpc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "hive/memory.h"
#include "queen/queen.h"

static struct raft_message *over_the_wire(const struct raft_message *message)
{
    struct hive_buffer json = {0};
    struct raft_message *back = NULL;
    struct hive_error error = {{0}};
    if (message->type == RAFT_REQUEST_VOTE || message->type == RAFT_APPEND_ENTRIES)
        rpc_encode_request(message, "127.0.0.1:8080", &json);
    else
        rpc_encode_reply(message, &json);
    if (rpc_decode(message->type, json.data, json.size, &back, &error))
        fail_msg("%s: %s", error.message, json.data);
    hive_buffer_finish(&json);
    return back;
}

static void test_a_vote_request_comes_back_as_it_went(void **state)
{
    (void)state;
    struct raft_message message = {
        .type = RAFT_REQUEST_VOTE, .from = (1ULL << 48) - 1, .to = 7, .term = 1ULL << 52};
    message.request_vote =
        (struct raft_request_vote){.last_log_index = 12, .last_log_term = 11, .pre_vote = true};
    struct raft_message *back = over_the_wire(&message);
    assert_int_equal(back->from, message.from);
    assert_int_equal(back->to, 7);
    assert_int_equal(back->term, message.term);
    assert_int_equal(back->request_vote.last_log_index, 12);
    assert_int_equal(back->request_vote.last_log_term, 11);
    assert_true(back->request_vote.pre_vote);
    queen_message_free(back);
}

static void test_entries_come_back_with_every_byte_and_their_indexes(void **state)
{
    (void)state;
    char bytes[256];
    for (int i = 0; i < 256; i++)
        bytes[i] = (char)i;
    struct raft_entry entries[] = {
        {.index = 6, .term = 2, .type = RAFT_ENTRY_NOOP},
        {.index = 7, .term = 3, .type = RAFT_ENTRY_COMMAND, .data = bytes, .bytes = sizeof bytes},
    };
    struct raft_message message = {.type = RAFT_APPEND_ENTRIES, .from = 1, .to = 2, .term = 3};
    message.append_entries = (struct raft_append_entries){
        .prev_log_index = 5,
        .prev_log_term = 2,
        .leader_commit = 4,
        .round = 9,
        .entries = entries,
        .entry_count = 2,
    };
    struct raft_message *copy = queen_message_copy(&message);
    struct raft_message *back = over_the_wire(copy);
    queen_message_free(copy);
    assert_int_equal(back->append_entries.prev_log_index, 5);
    assert_int_equal(back->append_entries.prev_log_term, 2);
    assert_int_equal(back->append_entries.leader_commit, 4);
    assert_int_equal(back->append_entries.round, 9);
    assert_int_equal(back->append_entries.entry_count, 2);
    const struct raft_entry *second = &back->append_entries.entries[1];
    assert_int_equal(back->append_entries.entries[0].type, RAFT_ENTRY_NOOP);
    assert_int_equal(second->index, 7);
    assert_int_equal(second->term, 3);
    assert_int_equal(second->bytes, sizeof bytes);
    assert_memory_equal(second->data, bytes, sizeof bytes);
    queen_message_free(back);
}

static void test_replies_come_back_as_they_went(void **state)
{
    (void)state;
    struct raft_message vote = {.type = RAFT_REQUEST_VOTE_REPLY, .term = 4};
    vote.request_vote_reply = (struct raft_request_vote_reply){.vote_granted = true, .pre_vote = true};
    struct raft_message *back = over_the_wire(&vote);
    assert_int_equal(back->term, 4);
    assert_true(back->request_vote_reply.vote_granted && back->request_vote_reply.pre_vote);
    queen_message_free(back);

    struct raft_message append = {.type = RAFT_APPEND_ENTRIES_REPLY, .term = 5};
    append.append_entries_reply = (struct raft_append_entries_reply){
        .success = false, .match_index = 1, .conflict_index = 2, .conflict_term = 3, .round = 4};
    back = over_the_wire(&append);
    assert_false(back->append_entries_reply.success);
    assert_int_equal(back->append_entries_reply.match_index, 1);
    assert_int_equal(back->append_entries_reply.conflict_index, 2);
    assert_int_equal(back->append_entries_reply.conflict_term, 3);
    assert_int_equal(back->append_entries_reply.round, 4);
    queen_message_free(back);
}

static void test_what_is_not_a_message_is_refused_and_the_field_is_named(void **state)
{
    (void)state;
    static const struct {
        enum raft_message_type type;
        const char *json, *named;
    } bad[] = {
        {RAFT_REQUEST_VOTE, "", ""},
        {RAFT_REQUEST_VOTE, "[]", ""},
        {RAFT_REQUEST_VOTE, "{}", "term"},
        {RAFT_REQUEST_VOTE, "{\"candidate\":\"127.0.0.1:1\",\"term\":2}", "receiver_id"},
        {RAFT_REQUEST_VOTE, "{\"term\":-1}", "term"},
        {RAFT_REQUEST_VOTE, "{\"term\":1.5}", "term"},
        {RAFT_REQUEST_VOTE, "{\"term\":\"1\"}", "term"},
        {RAFT_REQUEST_VOTE, "{\"term\":1e300}", "term"},
        {RAFT_APPEND_ENTRIES,
         "{\"term\":1,\"receiver_id\":1,\"leader_id\":2,\"prev_log_index\":0,\"prev_log_term\":0,\"leader_"
         "commit\":0,"
         "\"round\":0}",
         "entries"},
        {RAFT_APPEND_ENTRIES,
         "{\"term\":1,\"receiver_id\":1,\"leader_id\":2,\"prev_log_index\":0,\"prev_log_term\":0,\"leader_"
         "commit\":0,"
         "\"round\":0,\"entries\":[{\"term\":1,\"type\":2,\"data\":\"QUJD\"},{\"term\":1,\"type\":2,\"data\":"
         "\"?\"}]}",
         "data"},
        {RAFT_APPEND_ENTRIES,
         "{\"term\":1,\"receiver_id\":1,\"leader_id\":2,\"prev_log_index\":0,\"prev_log_term\":0,\"leader_"
         "commit\":0,"
         "\"round\":0,\"entries\":[{\"term\":1,\"type\":9,\"data\":\"\"}]}",
         "type"},
        {RAFT_APPEND_ENTRIES,
         "{\"term\":1,\"receiver_id\":1,\"leader_id\":2,\"prev_log_index\":0,\"prev_log_term\":0,\"leader_"
         "commit\":0,"
         "\"round\":0,\"entries\":[7]}",
         "entries"},
        {RAFT_APPEND_ENTRIES_REPLY, "{\"term\":1,\"success\":\"yes\"}", "success"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct raft_message *message = NULL;
        struct hive_error error = {{0}};
        assert_true(rpc_decode(bad[i].type, bad[i].json, strlen(bad[i].json), &message, &error) < 0);
        assert_null(message);
        assert_non_null(strstr(error.message, bad[i].named));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_vote_request_comes_back_as_it_went),
        cmocka_unit_test(test_entries_come_back_with_every_byte_and_their_indexes),
        cmocka_unit_test(test_replies_come_back_as_they_went),
        cmocka_unit_test(test_what_is_not_a_message_is_refused_and_the_field_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
