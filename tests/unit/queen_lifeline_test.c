/* The lifeline against sockets of the test's own: it must tell of a process that is gone, and must not of anything else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "faults/faults.h"
#include "hive/clock.h"
#include "lib/serve.h"
#include "queen/lifeline.h"
#include "queen/queen.h"

#define PATIENCE_MS 20000
#define QUIET_MS    300 /* for what must not happen: many times as long as it would take */
#define OWN         1
#define LEADER      7

static struct lifeline *lifeline;
static struct faults *faults;
static int listener; /* the leader's, or -1 */
static uint16_t port;
static char address[HIVE_ADDRESS_BYTES];
static atomic_int told;
static _Atomic raft_id told_of;

void queen_leader_gone(struct queen *queen, raft_id leader)
{
    assert_ptr_equal(queen, &told);
    told_of = leader;
    told++;
}

/* A name server that is silent until the test lets it speak. Addresses that are none of its business are answered as ever. */
static sem_t was_asked, may_answer, has_answered;

int getaddrinfo(const char *restrict host, const char *restrict service,
                const struct addrinfo *restrict hints, struct addrinfo **restrict found)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    if (strcmp(host, "silent.test") != 0)
        return real(host, service, hints, found);
    sem_post(&was_asked);
    sem_wait(&may_answer);
    int result = real("127.0.0.1", service, hints, found);
    sem_post(&has_answered);
    return result;
}

static void listen_on(uint16_t wanted)
{
    struct sockaddr_in name = serve_address(wanted);
    socklen_t bytes = sizeof name;
    int on = 1;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(listener >= 0);
    assert_int_equal(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&name, sizeof name), 0);
    assert_int_equal(listen(listener, 8), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&name, &bytes), 0);
    port = ntohs(name.sin_port);
    snprintf(address, sizeof address, "127.0.0.1:%d", port);
}

static void stop_listening(void)
{
    close(listener);
    listener = -1;
}

/* The lifeline's next connection. */
static int take_connection(void)
{
    struct pollfd wait = {.fd = listener, .events = POLLIN};
    assert_int_equal(poll(&wait, 1, PATIENCE_MS), 1);
    int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(connection >= 0);
    return connection;
}

static void await_told(int count)
{
    int64_t end_ms = hive_clock_monotonic_ms() + PATIENCE_MS;
    while (told < count && hive_clock_monotonic_ms() < end_ms)
        usleep(500);
    assert_int_equal(told, count);
}

static void assert_quiet(int count)
{
    usleep(QUIET_MS * 1000);
    assert_int_equal(told, count);
}

static int set_up(void **state)
{
    (void)state;
    told = 0;
    told_of = 0;
    listen_on(0);
    faults = faults_create("127.0.0.1:1", true);
    lifeline = lifeline_start((struct queen *)&told, OWN, faults);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    lifeline_destroy(lifeline);
    faults_destroy(faults);
    if (listener >= 0)
        stop_listening();
    return 0;
}

/* What the kernel does for a process that dies: first the listener goes, then what was accepted. */
static void a_dead_leader_is_told_once_and_fast(void **state)
{
    (void)state;
    lifeline_set_leader(lifeline, address, LEADER);
    int connection = take_connection();
    assert_quiet(0);
    int64_t start_ms = hive_clock_monotonic_ms();
    stop_listening();
    close(connection);
    await_told(1);
    assert_true(hive_clock_monotonic_ms() - start_ms < 100); /* a millisecond, where the machine is idle */
    assert_int_equal(told_of, LEADER);
    assert_quiet(1);
    lifeline_set_leader(lifeline, address, LEADER); /* nothing new */
    assert_quiet(1);
}

static void a_reset_is_as_good_as_a_close(void **state)
{
    (void)state;
    lifeline_set_leader(lifeline, address, LEADER);
    int connection = take_connection();
    struct linger hard = {.l_onoff = 1};
    assert_int_equal(setsockopt(connection, SOL_SOCKET, SO_LINGER, &hard, sizeof hard), 0);
    stop_listening();
    close(connection);
    await_told(1);
}

static void an_idle_connection_that_is_closed_means_nothing(void **state)
{
    (void)state;
    lifeline_set_leader(lifeline, address, LEADER);
    for (int i = 0; i < 3; i++) {
        int connection = take_connection();
        assert_int_equal(told, 0);
        close(connection);
    }
    int connection = take_connection();
    assert_quiet(0);
    stop_listening();
    close(connection);
    await_told(1); /* and it still watches */
}

static void what_is_closed_at_once_is_not_stormed(void **state)
{
    (void)state;
    lifeline_set_leader(lifeline, address, LEADER);
    int64_t end_ms = hive_clock_monotonic_ms() + QUIET_MS;
    int connections = 0;
    while (hive_clock_monotonic_ms() < end_ms) {
        struct pollfd wait = {.fd = listener, .events = POLLIN};
        if (poll(&wait, 1, 10) == 1) {
            close(take_connection());
            connections++;
        }
    }
    assert_in_range(connections, 2, 10);
    assert_int_equal(told, 0);
}

/* Stopped, not dead: its connection stays, and new ones end in its backlog. */
static void a_paused_leader_is_not_gone(void **state)
{
    (void)state;
    lifeline_set_leader(lifeline, address, LEADER);
    assert_quiet(0); /* nobody accepts */
}

static void a_first_refusal_means_nothing(void **state)
{
    (void)state;
    stop_listening();
    lifeline_set_leader(lifeline, address, LEADER);
    assert_quiet(0);
    listen_on(port); /* it was not there yet */
    int connection = take_connection();
    assert_int_equal(told, 0);
    stop_listening();
    close(connection);
    await_told(1);
}

/* A backlog that is full: connecting takes for ever, which is no refusal. */
static void a_connection_that_takes_long_means_nothing(void **state)
{
    (void)state;
    lifeline_set_leader(lifeline, address, LEADER);
    int connection = take_connection(), fill[32];
    assert_int_equal(listen(listener, 0), 0);
    struct sockaddr_in name = serve_address(port);
    for (size_t i = 0; i < 32; i++) {
        fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        assert_true(connect(fill[i], (struct sockaddr *)&name, sizeof name) == 0 || errno == EINPROGRESS);
    }
    struct pollfd first = {.fd = fill[0], .events = POLLOUT};
    assert_int_equal(poll(&first, 1, PATIENCE_MS), 1); /* it has the only place */
    close(connection);
    usleep(1200 * 1000); /* longer than it waits */
    assert_int_equal(told, 0);
    /* Then the process dies: the next attempt is refused. */
    stop_listening();
    await_told(1);
    for (size_t i = 0; i < 32; i++)
        close(fill[i]);
}

static void set_cut(bool is_cut)
{
    char rules[HIVE_ADDRESS_BYTES + 64];
    struct hive_error error;
    snprintf(rules, sizeof rules, "{\"rules\":[{\"to\":\"%s\",\"cut\":%s}]}", address,
             is_cut ? "true" : "false");
    assert_int_equal(faults_set(faults, rules, strlen(rules), &error), 0);
}

static void nobody_notices_anything_through_a_cut(void **state)
{
    (void)state;
    lifeline_set_leader(lifeline, address, LEADER);
    int connection = take_connection();
    set_cut(true);
    stop_listening();
    close(connection);
    assert_quiet(0);
    set_cut(false);
    await_told(1);
}

static void a_new_leader_is_told_of_anew(void **state)
{
    (void)state;
    lifeline_set_leader(lifeline, address, LEADER);
    int connection = take_connection();
    stop_listening();
    close(connection);
    await_told(1);
    lifeline_set_leader(lifeline, NULL, 0);
    listen_on(port); /* the same address, but another disk leads there */
    lifeline_set_leader(lifeline, address, LEADER + 1);
    connection = take_connection();
    stop_listening();
    close(connection);
    await_told(2);
    assert_int_equal(told_of, LEADER + 1);
    /* And the first one comes back, and leads again. */
    listen_on(port);
    lifeline_set_leader(lifeline, NULL, 0);
    lifeline_set_leader(lifeline, address, LEADER);
    connection = take_connection();
    stop_listening();
    close(connection);
    await_told(3);
    assert_int_equal(told_of, LEADER);
}

static void who_leads_no_more_is_not_watched(void **state)
{
    (void)state;
    lifeline_set_leader(lifeline, address, LEADER);
    int connection = take_connection();
    lifeline_set_leader(lifeline, NULL, 0);
    char byte;
    assert_int_equal(read(connection, &byte, 1), 0); /* it has hung up */
    close(connection);
    stop_listening();
    assert_quiet(0);
}

static void the_queen_does_not_watch_herself(void **state)
{
    (void)state;
    lifeline_set_leader(lifeline, address, OWN);
    struct pollfd wait = {.fd = listener, .events = POLLIN};
    assert_int_equal(poll(&wait, 1, QUIET_MS), 0);
}

static void bytes_on_the_line_are_ignored(void **state)
{
    (void)state;
    lifeline_set_leader(lifeline, address, LEADER);
    int connection = take_connection();
    char noise[4096];
    memset(noise, 'x', sizeof noise);
    assert_int_equal(write(connection, noise, sizeof noise), sizeof noise);
    assert_quiet(0);
    struct pollfd wait = {.fd = listener, .events = POLLIN};
    assert_int_equal(poll(&wait, 1, 0), 0); /* it is still the same connection */
    stop_listening();
    close(connection);
    await_told(1);
}

static void addresses_that_lead_nowhere_do_no_harm(void **state)
{
    (void)state;
    lifeline_set_leader(lifeline, "no address", LEADER);
    lifeline_set_leader(lifeline, "", LEADER);
    lifeline_set_leader(NULL, address, LEADER);
    assert_quiet(0);
    lifeline_set_leader(lifeline, address, LEADER);
    close(take_connection());
}

static void it_ends_at_once_whatever_it_waits_for(void **state)
{
    (void)state;
    lifeline_set_leader(lifeline, address, LEADER);
    int connection = take_connection();
    int64_t start_ms = hive_clock_monotonic_ms();
    lifeline_stop(lifeline);
    lifeline_stop(lifeline);
    assert_true(hive_clock_monotonic_ms() - start_ms < 200);
    stop_listening();
    close(connection);
    assert_quiet(0);
    lifeline_stop(NULL);
    lifeline_destroy(NULL);
}

static void it_does_not_wait_for_a_silent_name_server(void **state)
{
    (void)state;
    char name[HIVE_ADDRESS_BYTES];
    snprintf(name, sizeof name, "silent.test:%d", port);
    lifeline_set_leader(lifeline, name, LEADER);
    sem_wait(&was_asked);
    int64_t start_ms = hive_clock_monotonic_ms();
    lifeline_stop(lifeline);
    lifeline_destroy(lifeline);
    assert_true(hive_clock_monotonic_ms() - start_ms < 200);
    /* The thread that comes back finds nobody, and connects to nobody. */
    sem_post(&may_answer);
    sem_wait(&has_answered);
    struct pollfd wait = {.fd = listener, .events = POLLIN};
    assert_int_equal(poll(&wait, 1, QUIET_MS), 0);
    assert_int_equal(told, 0);
    lifeline = NULL;
}

static void a_name_is_as_good_as_an_address(void **state)
{
    (void)state;
    char name[HIVE_ADDRESS_BYTES];
    snprintf(name, sizeof name, "silent.test:%d", port);
    lifeline_set_leader(lifeline, name, LEADER);
    sem_wait(&was_asked);
    sem_post(&may_answer);
    int connection = take_connection();
    sem_post(&may_answer); /* for the look whether it is gone */
    stop_listening();
    close(connection);
    await_told(1);
    lifeline_stop(lifeline);
}

int main(void)
{
    sem_init(&was_asked, 0, 0);
    sem_init(&may_answer, 0, 0);
    sem_init(&has_answered, 0, 0);
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_dead_leader_is_told_once_and_fast),
        TEST(a_reset_is_as_good_as_a_close),
        TEST(an_idle_connection_that_is_closed_means_nothing),
        TEST(what_is_closed_at_once_is_not_stormed),
        TEST(a_paused_leader_is_not_gone),
        TEST(a_first_refusal_means_nothing),
        TEST(a_connection_that_takes_long_means_nothing),
        TEST(nobody_notices_anything_through_a_cut),
        TEST(a_new_leader_is_told_of_anew),
        TEST(who_leads_no_more_is_not_watched),
        TEST(the_queen_does_not_watch_herself),
        TEST(bytes_on_the_line_are_ignored),
        TEST(addresses_that_lead_nowhere_do_no_harm),
        TEST(it_ends_at_once_whatever_it_waits_for),
        TEST(it_does_not_wait_for_a_silent_name_server),
        TEST(a_name_is_as_good_as_an_address),
    };
    return cmocka_run_group_tests_name("queen_lifeline", tests, NULL, NULL);
}
