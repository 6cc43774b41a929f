/* The transport thread against a peer that the test plays, with the rules of faults: what is cut off never gets there and looks like a
 * peer that is silent, not like one that is dead. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "faults/faults.h"
#include "hive/clock.h"
#include "hive/log.h"
#include "lib/wire.h"
#include "queen/transport.h"

#define OWN        1
#define PEER       2
#define SILENCE_MS 100 /* that a heartbeat waits for its answer */
#define DELAY_MS   150

static int listening;
static char rule_text[HIVE_ADDRESS_BYTES + 128];
static struct raft_configuration members;
static struct faults *faults;
static struct inbox *inbox;
static struct transport *transport;

static int set_up(void **state)
{
    uint16_t port;
    (void)state;
    hive_log_configure(HIVE_LOG_ERROR, HIVE_LOG_TEXT);
    listening = wire_listen(&port, 8);
    members = (struct raft_configuration){
        .count = 2,
        .members = {{.id = OWN, .kind = RAFT_MEMBER_VOTER}, {.id = PEER, .kind = RAFT_MEMBER_VOTER}}};
    snprintf(members.members[1].address, HIVE_ADDRESS_BYTES, "127.0.0.1:%d", port);
    faults = faults_create("127.0.0.1:8080", true);
    inbox = inbox_create();
    transport = transport_start(&(struct transport_config){.id = OWN,
                                                           .address = "127.0.0.1:8080",
                                                           .heartbeat_timeout_ms = SILENCE_MS,
                                                           .timeout_ms = 10000,
                                                           .faults = faults,
                                                           .inbox = inbox});
    transport_set_members(transport, &members);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    transport_stop(transport);
    inbox_close(inbox);
    inbox_destroy(inbox);
    faults_destroy(faults);
    close(listening);
    return 0;
}

static void set_rule(const char *rule)
{
    struct hive_error error;
    snprintf(rule_text, sizeof rule_text, "{\"rules\":[{\"to\":\"%s\",%s}]}", members.members[1].address,
             rule);
    assert_int_equal(faults_set(faults, rule_text, strlen(rule_text), &error), 0);
}

static void send_heartbeat(void)
{
    struct raft_message message = {.type = RAFT_APPEND_ENTRIES, .from = OWN, .to = PEER, .term = 3};
    transport_send(transport, queen_message_copy(&message));
}

/* The type of the next event; its message is freed. */
static enum inbox_event_type take_event(void)
{
    struct inbox_event *events;
    size_t count = 0;
    uint64_t durable;
    int64_t end_ms = hive_clock_monotonic_ms() + WIRE_PATIENCE_MS;
    while (count == 0 && hive_clock_monotonic_ms() < end_ms)
        assert_true(inbox_take(inbox, end_ms, &events, &count, &durable));
    assert_int_equal(count, 1);
    enum inbox_event_type type = events[0].type;
    inbox_event_finish(&events[0]);
    return type;
}

static bool has_come(void)
{
    struct pollfd wait = {.fd = listening, .events = POLLIN};
    return poll(&wait, 1, 0) == 1;
}

/* Takes what comes on a new connection, and answers it as a follower does. */
static void answer_heartbeat(void)
{
    static const char reply[] = "{\"term\":3,\"success\":true,\"match_index\":0,\"conflict_index\":0,"
                                "\"conflict_term\":0,\"round\":0,\"clock_ms\":1}";
    struct wire wire;
    struct wire_message request;
    wire_accept(&wire, listening);
    assert_true(wire_receive(&wire, &request));
    assert_non_null(strstr(request.head, "POST /append_entries "));
    assert_true(wire_has_header(&request, "Hive-Node", "127.0.0.1:8080"));
    wire_message_finish(&request);
    wire_send_text(&wire, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", sizeof reply - 1, reply);
    assert_int_equal(take_event(), INBOX_REPLY);
    wire_close(&wire);
}

static void what_is_cut_off_is_silent_until_the_timeout(void **state)
{
    (void)state;
    set_rule("\"cut\":true");
    int64_t start_ms = hive_clock_monotonic_ms();
    send_heartbeat();
    assert_int_equal(take_event(), INBOX_UNREACHABLE);
    assert_true(hive_clock_monotonic_ms() - start_ms >= SILENCE_MS);
    assert_false(has_come());
    set_rule("\"cut\":false");
    send_heartbeat();
    answer_heartbeat();
}

static void what_is_late_comes_late(void **state)
{
    (void)state;
    set_rule("\"delay_ms\":150");
    struct raft_message vote = {.type = RAFT_REQUEST_VOTE, .from = OWN, .to = PEER, .term = 4};
    int64_t start_ms = hive_clock_monotonic_ms();
    transport_send(transport, queen_message_copy(&vote));
    struct wire wire;
    struct wire_message request;
    wire_accept(&wire, listening);
    assert_true(hive_clock_monotonic_ms() - start_ms >= DELAY_MS);
    assert_true(wire_receive(&wire, &request));
    assert_non_null(strstr(request.head, "POST /request_vote "));
    wire_message_finish(&request);
    wire_send_text(&wire, "HTTP/1.1 200 OK\r\nContent-Length: 52\r\n\r\n"
                          "{\"term\":4,\"vote_granted\":true,\"pre_vote\":false     }");
    assert_int_equal(take_event(), INBOX_REPLY);
    wire_close(&wire);
}

/* A heartbeat that takes longer than its sender waits: the sender hears nothing, and it arrives all the same. */
static void what_is_too_late_comes_nevertheless(void **state)
{
    (void)state;
    set_rule("\"delay_ms\":300");
    send_heartbeat();
    assert_int_equal(take_event(), INBOX_UNREACHABLE);
    assert_false(has_come());
    struct wire wire;
    struct wire_message request;
    wire_accept(&wire, listening);
    assert_true(wire_receive(&wire, &request));
    assert_non_null(strstr(request.head, "POST /append_entries "));
    wire_message_finish(&request);
    wire_close(&wire);
}

static void it_ends_with_requests_held_back(void **state)
{
    (void)state;
    set_rule("\"cut\":true");
    send_heartbeat();
    set_rule("\"delay_ms\":60000");
    send_heartbeat();
}

#define CARRIED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CARRIED(what_is_cut_off_is_silent_until_the_timeout),
        CARRIED(what_is_late_comes_late),
        CARRIED(what_is_too_late_comes_nevertheless),
        CARRIED(it_ends_with_requests_held_back),
    };
    return cmocka_run_group_tests_name("queen_transport", tests, NULL, NULL);
}
