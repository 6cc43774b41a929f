/* Raft's messages survive their way over the wire, and nothing else gets through it. */
#include "queen/rpc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "hive/memory.h"
#include "queen/message.h"

static struct raft_message *over_the_wire(const struct raft_message *message)
{
    struct hive_buffer json = {0};
    struct raft_message *back = NULL;
    struct hive_error error = {{0}};
    if (message->type == RAFT_REQUEST_VOTE || message->type == RAFT_APPEND_ENTRIES ||
        message->type == RAFT_TIMEOUT_NOW)
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
    message.request_vote = (struct raft_request_vote){.last_log_index = 12,
                                                      .last_log_term = 11,
                                                      .pre_vote = true,
                                                      .transfer = true,
                                                      .configuration_index = 10};
    struct raft_message *back = over_the_wire(&message);
    assert_int_equal(back->from, message.from);
    assert_int_equal(back->to, 7);
    assert_int_equal(back->term, message.term);
    assert_int_equal(back->request_vote.last_log_index, 12);
    assert_int_equal(back->request_vote.last_log_term, 11);
    assert_true(back->request_vote.pre_vote);
    assert_true(back->request_vote.transfer);
    assert_int_equal(back->request_vote.configuration_index, 10);
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
        {.index = 8, .term = 3, .type = RAFT_ENTRY_CONFIGURATION, .data = bytes, .bytes = 3},
    };
    struct raft_message message = {.type = RAFT_APPEND_ENTRIES, .from = 1, .to = 2, .term = 3};
    message.append_entries = (struct raft_append_entries){
        .prev_log_index = 5,
        .prev_log_term = 2,
        .leader_commit = 4,
        .round = 9,
        .entries = entries,
        .entry_count = 3,
    };
    struct raft_message *copy = queen_message_copy(&message);
    struct raft_message *back = over_the_wire(copy);
    queen_message_free(copy);
    assert_int_equal(back->append_entries.prev_log_index, 5);
    assert_int_equal(back->append_entries.prev_log_term, 2);
    assert_int_equal(back->append_entries.leader_commit, 4);
    assert_int_equal(back->append_entries.round, 9);
    assert_int_equal(back->append_entries.entry_count, 3);
    const struct raft_entry *second = &back->append_entries.entries[1];
    assert_int_equal(back->append_entries.entries[0].type, RAFT_ENTRY_NOOP);
    assert_int_equal(second->index, 7);
    assert_int_equal(second->term, 3);
    assert_int_equal(second->bytes, sizeof bytes);
    assert_memory_equal(second->data, bytes, sizeof bytes);
    assert_int_equal(back->append_entries.entries[2].type, RAFT_ENTRY_CONFIGURATION);
    assert_int_equal(back->append_entries.entries[2].bytes, 3);
    queen_message_free(back);
}

static void test_replies_come_back_as_they_went(void **state)
{
    (void)state;
    struct raft_message vote = {.type = RAFT_REQUEST_VOTE_REPLY, .term = 4};
    vote.request_vote_reply =
        (struct raft_request_vote_reply){.vote_granted = true, .pre_vote = true, .removed = true};
    struct raft_message *back = over_the_wire(&vote);
    assert_int_equal(back->term, 4);
    assert_true(back->request_vote_reply.vote_granted && back->request_vote_reply.pre_vote);
    assert_true(back->request_vote_reply.removed);
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

static void test_timeout_now_and_its_answer_come_back_as_they_went(void **state)
{
    (void)state;
    struct raft_message now = {.type = RAFT_TIMEOUT_NOW, .from = 3, .to = 4, .term = 9};
    struct raft_message *back = over_the_wire(&now);
    assert_int_equal(back->from, 3);
    assert_int_equal(back->to, 4);
    assert_int_equal(back->term, 9);
    queen_message_free(back);
    now.type = RAFT_TIMEOUT_NOW_REPLY;
    back = over_the_wire(&now);
    assert_int_equal(back->term, 9);
    queen_message_free(back);
    assert_string_equal(rpc_path(RAFT_TIMEOUT_NOW), "/timeout_now");
    assert_string_equal(rpc_path(RAFT_INSTALL_SNAPSHOT), "/install_snapshot");
}

static void test_a_piece_of_a_snapshot_comes_back_with_every_byte(void **state)
{
    (void)state;
    char bytes[256];
    for (int i = 0; i < 256; i++)
        bytes[i] = (char)i;
    struct queen_snapshot_piece piece = {
        .from = (1ULL << 48) - 1,
        .to = 7,
        .term = 5,
        .last_included_index = 1ULL << 40,
        .last_included_term = 4,
        .file_bytes = 1ULL << 41,
        .offset = 1ULL << 33,
        .data = bytes,
        .bytes = sizeof bytes,
    };
    struct queen_snapshot_piece back;
    struct hive_buffer json = {0}, data = {0};
    rpc_encode_piece(&piece, "127.0.0.1:8080", &json);
    assert_int_equal(rpc_decode_piece(json.data, json.size, &back, &data, NULL), 0);
    assert_int_equal(back.from, piece.from);
    assert_int_equal(back.to, piece.to);
    assert_int_equal(back.term, piece.term);
    assert_int_equal(back.last_included_index, piece.last_included_index);
    assert_int_equal(back.last_included_term, piece.last_included_term);
    assert_int_equal(back.file_bytes, piece.file_bytes);
    assert_int_equal(back.offset, piece.offset);
    assert_int_equal(back.bytes, sizeof bytes);
    assert_memory_equal(back.data, bytes, sizeof bytes);
    hive_buffer_finish(&json);
    hive_buffer_finish(&data);
}

static void test_the_answer_to_a_piece_comes_back_as_it_went(void **state)
{
    (void)state;
    struct rpc_piece_reply reply = {.term = 5, .next_offset = 1ULL << 33, .match_index = 8}, back;
    struct hive_buffer json = {0};
    rpc_encode_piece_reply(&reply, &json);
    assert_int_equal(rpc_decode_piece_reply(json.data, json.size, &back, NULL), 0);
    assert_int_equal(back.term, reply.term);
    assert_int_equal(back.next_offset, reply.next_offset);
    assert_int_equal(back.match_index, reply.match_index);
    hive_buffer_finish(&json);
}

#define PIECE                                                                                                \
    "{\"term\":1,\"receiver_id\":1,\"leader_id\":2,\"last_included_index\":3,\"last_included_term\":1"

static void test_a_piece_that_makes_no_sense_is_refused_and_the_field_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *json, *named;
    } bad[] = {
        {"", ""},
        {"[1]", ""},
        {PIECE "}", "file_bytes"},
        {PIECE ",\"file_bytes\":9,\"offset\":-1,\"data\":\"\"}", "offset"},
        {PIECE ",\"file_bytes\":9,\"offset\":1e99,\"data\":\"\"}", "offset"},
        {PIECE ",\"file_bytes\":9,\"offset\":10,\"data\":\"\"}", "offset"},
        {PIECE ",\"file_bytes\":9,\"offset\":7,\"data\":\"QUJD\"}", "offset"},
        {PIECE ",\"file_bytes\":9,\"offset\":0}", "data"},
        {PIECE ",\"file_bytes\":9,\"offset\":0,\"data\":7}", "data"},
        {PIECE ",\"file_bytes\":9,\"offset\":0,\"data\":\"QUJ\"}", "data"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct queen_snapshot_piece piece;
        struct hive_buffer data = {0};
        struct hive_error error = {{0}};
        assert_true(rpc_decode_piece(bad[i].json, strlen(bad[i].json), &piece, &data, &error) < 0);
        assert_non_null(strstr(error.message, bad[i].named));
        hive_buffer_finish(&data);
    }
    struct rpc_piece_reply reply;
    static const char *const answers[] = {"", "{}", "{\"term\":1,\"next_offset\":-1,\"match_index\":0}",
                                          "{\"term\":1,\"next_offset\":0,\"match_index\":\"0\"}"};
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++)
        assert_true(rpc_decode_piece_reply(answers[i], strlen(answers[i]), &reply, NULL) < 0);
}

static void test_a_snapshot_cannot_come_as_one_message(void **state)
{
    (void)state;
    struct raft_message *message = NULL;
    struct hive_error error = {{0}};
    const char *json = "{\"term\":1,\"receiver_id\":1,\"leader_id\":2}";
    assert_true(rpc_decode(RAFT_INSTALL_SNAPSHOT, json, strlen(json), &message, &error) < 0);
    assert_null(message);
}

static void test_a_copy_has_bytes_of_its_own(void **state)
{
    (void)state;
    struct raft_snapshot snapshot = {.index = 4, .term = 2};
    struct raft_message message = {.type = RAFT_INSTALL_SNAPSHOT, .to = 2};
    message.install_snapshot.snapshot = &snapshot;
    struct raft_message *copy = queen_message_copy(&message);
    snapshot.index = 5;
    assert_int_equal(copy->install_snapshot.snapshot->index, 4);
    queen_message_free(copy);
    queen_message_free(NULL);
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
        {RAFT_REQUEST_VOTE,
         "{\"term\":1,\"receiver_id\":1,\"candidate_id\":2,\"last_log_index\":0,\"last_log_term\":0,"
         "\"pre_vote\":false,\"transfer\":1}",
         "transfer"},
        {RAFT_REQUEST_VOTE,
         "{\"term\":1,\"receiver_id\":1,\"candidate_id\":2,\"last_log_index\":0,\"last_log_term\":0,"
         "\"pre_vote\":false,\"configuration_index\":-1}",
         "configuration_index"},
        {RAFT_REQUEST_VOTE_REPLY, "{\"term\":1,\"vote_granted\":true,\"pre_vote\":true,\"removed\":\"\"}",
         "removed"},
        {RAFT_TIMEOUT_NOW, "{\"term\":1,\"leader_id\":2}", "receiver_id"},
        {RAFT_TIMEOUT_NOW, "{\"term\":1,\"receiver_id\":2}", "leader_id"},
        {RAFT_TIMEOUT_NOW_REPLY, "{}", "term"},
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
        cmocka_unit_test(test_timeout_now_and_its_answer_come_back_as_they_went),
        cmocka_unit_test(test_a_piece_of_a_snapshot_comes_back_with_every_byte),
        cmocka_unit_test(test_the_answer_to_a_piece_comes_back_as_it_went),
        cmocka_unit_test(test_a_piece_that_makes_no_sense_is_refused_and_the_field_is_named),
        cmocka_unit_test(test_a_snapshot_cannot_come_as_one_message),
        cmocka_unit_test(test_a_copy_has_bytes_of_its_own),
        cmocka_unit_test(test_what_is_not_a_message_is_refused_and_the_field_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
