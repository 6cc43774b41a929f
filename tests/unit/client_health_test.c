/* /healthz, read: every field of the API arrives in its member, old and new nodes are understood, and what is
 * not Hive's is refused with the name of the field. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "hive/api.h"

static const char queen_document[] =
    "{\"status\":\"READY\",\"version\":\"0.1.0\",\"mode\":\"QUEEN\",\"id\":\"123456789\",\"address\":\"127.0."
    "0.1:8080\","
    "\"pid\":4711,\"started_at\":77,\"uptime_ms\":1234,\"raft_state\":\"LEADER\",\"term\":3,\"durable_term\":"
    "2,\"leader\":\"127.0.0.1:8080\","
    "\"voted_for\":\"127.0.0.1:8081\",\"last_heartbeat\":1790000000000,"
    "\"log\":{\"first\":1,\"last\":12,\"commit\":11,\"applied\":10,\"snapshot\":9,\"group\":"
    "\"00000000000000aa\","
    "\"digests\":[{\"index\":10,\"term\":3,\"hash\":\"0123456789abcdef\"},{\"index\":2,\"term\":1,\"hash\":"
    "\"00\"}]},"
    "\"peers\":[{\"address\":\"127.0.0.1:8081\",\"match\":10,\"next\":11,\"state\":\"replicate\","
    "\"last_ack_ms\":1790000000001},{\"address\":\"127.0.0.1:8082\"}],"
    "\"drones\":{\"127.0.0.1:5001\":{\"name\":\"drone-x\",\"state\":\"suspect\",\"last_seen_ms\":"
    "1790000000002,"
    "\"running\":2},\"127.0.0.1:5002\":{\"state\":\"healthy\"}},"
    "\"tasks\":{\"pending\":0,\"running\":1},\"later\":{\"addition\":true},"
    "\"transitions\":[{\"time_ms\":1789999999998,\"term\":2,\"state\":\"FOLLOWER\"},"
    "{\"time_ms\":1789999999999,\"term\":3,\"state\":\"CANDIDATE\"}]}";

static const char drone_document[] =
    "{\"status\":\"NOT_READY\",\"version\":\"0.1.0\",\"mode\":\"DRONE\",\"id\":\"drone-x\",\"address\":\"127."
    "0.0.1:5001\","
    "\"pid\":4712,\"uptime_ms\":99,\"queen\":\"127.0.0.1:8080\",\"capacity\":4,\"running\":2,\"done\":12,"
    "\"failed\":1,"
    "\"tasks\":[{\"id\":\"task-12\",\"state\":\"running\"},{\"id\":\"task-13\",\"state\":\"running\"}]}";

static void parse(const char *json, struct hive_health *health)
{
    struct hive_error error;
    if (hive_health_parse(json, strlen(json), health, &error))
        fail_msg("%s", error.message);
}

static void everything_a_queen_says_is_understood(void **state)
{
    (void)state;
    struct hive_health health;
    parse(queen_document, &health);
    assert_true(health.ready);
    assert_string_equal(health.version, "0.1.0");
    assert_int_equal(health.mode, HIVE_MODE_QUEEN);
    assert_string_equal(health.id, "123456789");
    assert_string_equal(health.address, "127.0.0.1:8080");
    assert_int_equal(health.pid, 4711);
    assert_int_equal(health.uptime_ms, 1234);
    assert_int_equal(health.raft_state, HIVE_RAFT_LEADER);
    assert_int_equal(health.term, 3);
    assert_string_equal(health.leader, "127.0.0.1:8080");
    assert_string_equal(health.voted_for, "127.0.0.1:8081");
    assert_int_equal(health.last_heartbeat_ms, 1790000000000);
    assert_int_equal(health.log_first, 1);
    assert_int_equal(health.log_last, 12);
    assert_int_equal(health.log_commit, 11);
    assert_int_equal(health.log_applied, 10);
    assert_int_equal(health.log_snapshot, 9);
    assert_int_equal(health.started_at, 77);
    assert_int_equal(health.durable_term, 2);
    assert_string_equal(health.log_group, "00000000000000aa");
    assert_int_equal(health.digest_count, 2);
    assert_int_equal(health.digests[0].index, 10);
    assert_int_equal(health.digests[0].term, 3);
    assert_string_equal(health.digests[0].hash, "0123456789abcdef");

    assert_int_equal(health.peer_count, 2);
    assert_string_equal(health.peers[0].address, "127.0.0.1:8081");
    assert_true(health.peers[0].has_progress);
    assert_int_equal(health.peers[0].match, 10);
    assert_int_equal(health.peers[0].next, 11);
    assert_string_equal(health.peers[0].state, "replicate");
    assert_int_equal(health.peers[0].last_ack_ms, 1790000000001);
    assert_string_equal(health.peers[1].address, "127.0.0.1:8082");
    assert_false(health.peers[1].has_progress);

    assert_int_equal(health.drone_count, 2);
    assert_string_equal(health.drones[0].address, "127.0.0.1:5001");
    assert_string_equal(health.drones[0].name, "drone-x");
    assert_int_equal(health.drones[0].state, HIVE_DRONE_SUSPECT);
    assert_int_equal(health.drones[0].last_seen_ms, 1790000000002);
    assert_int_equal(health.drones[0].running, 2);
    assert_string_equal(health.drones[1].address, "127.0.0.1:5002");
    assert_int_equal(health.drones[1].state, HIVE_DRONE_HEALTHY);

    assert_int_equal(health.transition_count, 2);
    assert_int_equal(health.transitions[0].time_ms, 1789999999998);
    assert_int_equal(health.transitions[0].term, 2);
    assert_int_equal(health.transitions[0].state, HIVE_RAFT_FOLLOWER);
    assert_int_equal(health.transitions[1].state, HIVE_RAFT_CANDIDATE);
    hive_health_finish(&health);
    assert_null(health.transitions);
}

static void everything_a_drone_says_is_understood(void **state)
{
    (void)state;
    struct hive_health health;
    parse(drone_document, &health);
    assert_false(health.ready);
    assert_int_equal(health.mode, HIVE_MODE_DRONE);
    assert_string_equal(health.id, "drone-x");
    assert_string_equal(health.queen, "127.0.0.1:8080");
    assert_int_equal(health.capacity, 4);
    assert_int_equal(health.running, 2);
    assert_int_equal(health.done, 12);
    assert_int_equal(health.failed, 1);
    assert_int_equal(health.running_task_count, 2);
    assert_string_equal(health.running_tasks[0], "task-12");
    assert_string_equal(health.running_tasks[1], "task-13");
    hive_health_finish(&health);
}

static void missing_optional_fields_and_nulls_are_zero(void **state)
{
    (void)state;
    struct hive_health health;
    parse("{\"status\":\"READY\",\"mode\":\"QUEEN\",\"raft_state\":\"FOLLOWER\",\"term\":0,\"leader\":null,"
          "\"voted_for\":null,\"log\":null,\"peers\":null}",
          &health);
    assert_int_equal(health.raft_state, HIVE_RAFT_FOLLOWER);
    assert_string_equal(health.leader, "");
    assert_string_equal(health.voted_for, "");
    assert_string_equal(health.address, "");
    assert_int_equal(health.log_last, 0);
    assert_int_equal(health.peer_count + health.drone_count + health.transition_count, 0);
    hive_health_finish(&health);

    parse("{\"status\":\"READY\",\"mode\":\"DRONE\",\"queen\":null}", &health);
    assert_string_equal(health.queen, "");
    assert_int_equal(health.running_task_count, 0);
    hive_health_finish(&health);
}

static void wrong_documents_are_refused_with_the_name_of_the_field(void **state)
{
    (void)state;
#define QUEEN "{\"status\":\"READY\",\"mode\":\"QUEEN\",\"raft_state\":\"LEADER\",\"term\":1,"
#define DRONE "{\"status\":\"READY\",\"mode\":\"DRONE\","
    static const struct {
        const char *json, *field;
    } cases[] = {
        {"", "JSON"},
        {"<html>", "JSON"},
        {"{}", "status"},
        {"{\"status\":\"READY\"}", "mode"},
        {"{\"status\":1,\"mode\":\"QUEEN\"}", "status"},
        {"{\"status\":\"READY\",\"mode\":\"KING\"}", "mode"},
        {"{\"status\":\"READY\",\"mode\":\"QUEEN\"}", "raft_state"},
        {"{\"status\":\"READY\",\"mode\":\"QUEEN\",\"raft_state\":\"LEADER\"}", "term"},
        {"{\"status\":\"READY\",\"mode\":\"QUEEN\",\"raft_state\":\"LEADER\",\"term\":-1}", "term"},
        {"{\"status\":\"READY\",\"mode\":\"QUEEN\",\"raft_state\":\"LEADER\",\"term\":1.5}", "term"},
        {"{\"status\":\"READY\",\"mode\":\"QUEEN\",\"raft_state\":\"LEADER\",\"term\":\"1\"}", "term"},
        {QUEEN "\"pid\":\"4711\"}", "pid"},
        {QUEEN "\"leader\":{}}", "leader"},
        {QUEEN "\"log\":[]}", "log"},
        {QUEEN "\"log\":{\"commit\":\"many\"}}", "commit"},
        {QUEEN "\"peers\":{}}", "peers"},
        {QUEEN "\"peers\":[{\"match\":1}]}", "address"},
        {QUEEN "\"peers\":[{\"address\":\"a:1\",\"match\":true}]}", "match"},
        {QUEEN "\"peers\":[\"a:1\"]}", "peers"},
        {QUEEN "\"drones\":[]}", "drones"},
        {QUEEN "\"drones\":{\"a:1\":{\"state\":\"dancing\"}}}", "state"},
        {QUEEN "\"drones\":{\"a:1\":7}}", "drones"},
        {QUEEN "\"transitions\":[{\"time_ms\":1,\"term\":1}]}", "transitions"},
        {QUEEN "\"transitions\":7}", "transitions"},
        {DRONE "\"capacity\":3000000000}", "capacity"},
        {DRONE "\"queen\":5}", "queen"},
        {DRONE "\"tasks\":{}}", "tasks"},
        {DRONE "\"tasks\":[{\"state\":\"running\"}]}", "tasks"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hive_health health;
        struct hive_error error = {{0}};
        if (hive_health_parse(cases[i].json, strlen(cases[i].json), &health, &error) != -EINVAL ||
            !strstr(error.message, cases[i].field))
            fail_msg("%s: \"%s\"", cases[i].json, error.message);
        assert_null(health.transitions);
        assert_null(health.peers);
        assert_null(health.drones);
    }
}

static void texts_longer_than_their_member_are_refused(void **state)
{
    (void)state;
    char json[1024], error_text[64];
    struct hive_health health;
    struct hive_error error;
    snprintf(json, sizeof json, QUEEN "\"leader\":\"%0300d\"}", 1);
    assert_int_equal(hive_health_parse(json, strlen(json), &health, &error), -EINVAL);
    snprintf(error_text, sizeof error_text, "%d bytes", HIVE_ADDRESS_BYTES);
    assert_non_null(strstr(error.message, error_text));
    snprintf(json, sizeof json, QUEEN "\"drones\":{\"%0300d\":{\"state\":\"healthy\"}}}", 1);
    assert_int_equal(hive_health_parse(json, strlen(json), &health, &error), -EINVAL);
}

static void any_cut_document_is_refused(void **state)
{
    (void)state;
    for (size_t bytes = 0; bytes < sizeof queen_document - 1; bytes++) {
        struct hive_health health;
        assert_int_equal(hive_health_parse(queen_document, bytes, &health, NULL), -EINVAL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_a_queen_says_is_understood),
        cmocka_unit_test(everything_a_drone_says_is_understood),
        cmocka_unit_test(missing_optional_fields_and_nulls_are_zero),
        cmocka_unit_test(wrong_documents_are_refused_with_the_name_of_the_field),
        cmocka_unit_test(texts_longer_than_their_member_are_refused),
        cmocka_unit_test(any_cut_document_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
