/* Queens of the tests' own: each a server that answers /members by what she knows, and, where it is started, a real founding that
 * makes up her mind. What founding.c asks of a queen (queen_members, queen_status, queen_found) is played here. */
#ifndef TESTS_QUEEN_FOUNDING_SCENE_H
#define TESTS_QUEEN_FOUNDING_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "hive/clock.h"
#include "hive/memory.h"
#include "hive/server.h"
#include "lib/serve.h"
#include "queen/founding.h"
#include "queen/group.h"

#define PATIENCE_MS 20000 /* for what must happen sooner or later, on a busy machine */
#define QUEENS      5
#define TOKEN       "0123456789abcdef"

enum behaviour { ANSWERS, HANGS, TALKS_NONSENSE, IS_A_DRONE };
enum hospitality {
    TAKES,
    REDIRECTS,
    HAS_NO_LEADER,
    HAS_CHANGE_PENDING,
    KNOWS_HER,
    DOES_NOT_KNOW,
    HANGS_ON_POST
};

struct queen {
    char address[HIVE_ADDRESS_BYTES];
    uint16_t port;
    struct hive_server *server;
    struct founding *founding;
    /* What she knows: */
    struct raft_configuration members, founded;
    struct queen_status status;
    /* How she is: */
    enum behaviour behaviour;
    enum hospitality hospitality;
    const struct queen *leader;
    int found_error; /* of queen_found */
    /* A script of one step: after so many GETs she does `then`. 0: none */
    int asks_left;
    void (*then)(struct queen *queen);
    /* What happened: */
    int asked, posts, foundings, removals;
    int looks;                  /* of her founding at what she knows: one a round */
    raft_index joined;          /* what her disk says, from one start to the next */
    char *body, *authorization; /* of the last POST */
    struct hive_request *held[8];
    int held_count;
};

/* Guards all queens; `changed` is signalled with every change. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct queen queens[QUEENS];
#define UNDER_LOCK(statement)                                                                                \
    do {                                                                                                     \
        pthread_mutex_lock(&lock);                                                                           \
        statement;                                                                                           \
        pthread_mutex_unlock(&lock);                                                                         \
    } while (0)

/* ---- what founding.c asks of its queen ---- */

void queen_members(struct queen *queen, struct raft_configuration *members,
                   struct raft_configuration *founding)
{
    pthread_mutex_lock(&lock);
    *members = queen->members;
    if (founding)
        *founding = queen->founded;
    queen->looks++;
    pthread_mutex_unlock(&lock);
}

void queen_status(struct queen *queen, struct queen_status *status)
{
    pthread_mutex_lock(&lock);
    *status = queen->status;
    pthread_mutex_unlock(&lock);
}

int queen_found(struct queen *queen, const struct raft_configuration *founding, struct hive_error *error)
{
    pthread_mutex_lock(&lock);
    int code = queen->found_error;
    queen->foundings++;
    if (!code) {
        queen->founded = queen->members = *founding;
        queen->status.standing = RAFT_STANDING_VOTER;
    }
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return code ? hive_error_set(error, code, "there is a log already") : 0;
}

int queen_joined(struct queen *queen, raft_index index, struct hive_error *error)
{
    pthread_mutex_lock(&lock);
    int code = queen->found_error;
    if (!code)
        queen->joined = index;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return code ? hive_error_set(error, code, "the disk is full") : 0;
}

void queen_removed(struct queen *queen)
{
    pthread_mutex_lock(&lock);
    queen->removals++;
    queen->status.standing = RAFT_STANDING_REMOVED;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

/* ---- the servers ---- */

static void hold(struct queen *queen, struct hive_request *request)
{
    assert_true(queen->held_count < 8);
    queen->held[queen->held_count++] = request;
}

static void handle_get(struct hive_request *request, void *context)
{
    struct queen *queen = context;
    struct hive_buffer json = {0};
    pthread_mutex_lock(&lock);
    enum behaviour behaviour = queen->behaviour;
    group_append(&json, queen->address, &queen->status, &queen->members, &queen->founded);
    queen->asked++;
    if (behaviour == HANGS)
        hold(queen, request);
    if (queen->asks_left > 0 && --queen->asks_left == 0)
        queen->then(queen);
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    if (behaviour == ANSWERS)
        hive_request_reply_json(request, 200, &json);
    else if (behaviour == TALKS_NONSENSE)
        hive_request_reply(request, 200, "text/html", "<html>", 6);
    else if (behaviour == IS_A_DRONE)
        hive_request_reply_problem(request, 400, "wrong-mode", "this node is a drone");
    hive_buffer_finish(&json);
}

static void reply_to_post(struct hive_request *request, enum hospitality hospitality, const char *leader)
{
    char location[HIVE_ADDRESS_BYTES + 32];
    struct hive_buffer json = {0};
    switch (hospitality) {
    case TAKES:
        hive_buffer_append_text(&json, "{\"result\":\"OK\",\"index\":7}");
        hive_request_reply_json(request, 200, &json);
        break;
    case REDIRECTS:
        snprintf(location, sizeof location, "http://%s/members", leader);
        hive_request_set_header(request, "Location", location);
        hive_request_reply_problem(request, 307, "not-leader", "ask the leader");
        break;
    case HAS_NO_LEADER:
        hive_request_reply_problem(request, 503, "no-leader", "there is no leader now");
        break;
    case HAS_CHANGE_PENDING:
        hive_request_reply_problem(request, 409, "change-pending", "one by one");
        break;
    case KNOWS_HER:
        hive_request_reply_problem(request, 409, "already-member", "that is so already");
        break;
    case DOES_NOT_KNOW:
        hive_request_reply_problem(request, 504, "unknown-outcome", "nobody knows");
        break;
    case HANGS_ON_POST:
        break;
    }
}

static void handle_post(struct hive_request *request, void *context)
{
    struct queen *queen = context;
    size_t bytes;
    const char *body = hive_request_body(request, &bytes);
    pthread_mutex_lock(&lock);
    free(queen->body);
    queen->body = hive_memdup(body, bytes);
    free(queen->authorization);
    queen->authorization = hive_strdup(hive_request_header(request, "Authorization"));
    enum hospitality hospitality = queen->hospitality;
    if (hospitality == HANGS_ON_POST)
        hold(queen, request);
    queen->posts++;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    reply_to_post(request, hospitality, queen->leader ? queen->leader->address : "");
}

static const struct hive_route routes[] = {
    {"GET", "/members", handle_get, HIVE_ACCESS_PUBLIC, 0, "members"},
    {"POST", "/members", handle_post, HIVE_ACCESS_TOKEN, 65536, "add"},
    {0},
};

static void open_queen(struct queen *queen)
{
    struct hive_error error = {{0}};
    struct sockaddr_in address = serve_address(queen->port);
    struct hive_server_config config = {.address = (struct sockaddr *)&address,
                                        .address_bytes = sizeof address,
                                        .listen_socket = -1,
                                        .routes = routes,
                                        .context = queen,
                                        .token = TOKEN,
                                        .threads = 1};
    if (hive_server_start(&config, &queen->server, &error))
        fail_msg("%s", error.message);
    queen->port = hive_server_port(queen->server);
    snprintf(queen->address, sizeof queen->address, "127.0.0.1:%d", queen->port);
}

static void close_queen(struct queen *queen)
{
    pthread_mutex_lock(&lock);
    queen->behaviour = ANSWERS;
    int count = queen->held_count;
    queen->held_count = 0;
    pthread_mutex_unlock(&lock);
    for (int i = 0; i < count; i++)
        hive_request_reply(queen->held[i], 503, "text/plain", NULL, 0);
    if (queen->server)
        hive_server_destroy(queen->server);
    queen->server = NULL;
}

/* ---- the scene ---- */

static void become(struct queen *queen, raft_id id)
{
    queen->status.id = id;
}

/* All queens listen, have ids 10, 11 … and know nothing. */
static int set_up(void **state)
{
    (void)state;
    memset(queens, 0, sizeof queens);
    for (size_t i = 0; i < QUEENS; i++) {
        open_queen(&queens[i]);
        become(&queens[i], 10 + i);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < QUEENS; i++)
        founding_destroy(queens[i].founding);
    for (size_t i = 0; i < QUEENS; i++) {
        close_queen(&queens[i]);
        free(queens[i].body);
        free(queens[i].authorization);
    }
    return 0;
}

static void start(struct queen *queen, const struct hive_strings *list, const struct hive_strings *join,
                  bool standby)
{
    struct founding_config config = {.queen = queen,
                                     .id = queen->status.id,
                                     .address = queen->address,
                                     .queens = list,
                                     .join = join,
                                     .standby = standby,
                                     .joined = queen->joined,
                                     .token = TOKEN};
    queen->founding = founding_create(&config);
    founding_start(queen->founding);
}

/* The addresses of queens `from` to `to` but `own`. */
static struct hive_strings list_of(size_t from, size_t to, const struct queen *own)
{
    static const char *items[2][QUEENS];
    static unsigned turn;
    struct hive_strings list = {.items = items[turn++ % 2]};
    for (size_t i = from; i <= to; i++)
        if (&queens[i] != own)
            list.items[list.count++] = queens[i].address;
    return list;
}

/* Queen `i` of the group 0 to `last` founds. */
static void start_founder(size_t i, size_t last)
{
    struct hive_strings list = list_of(0, last, &queens[i]);
    start(&queens[i], &list, NULL, false);
}

/* Waits until the condition holds; fails in the name of the line where it does not. */
#define AWAIT(condition)                                                                                     \
    do {                                                                                                     \
        int64_t end_ms = hive_clock_monotonic_ms() + PATIENCE_MS;                                            \
        pthread_mutex_lock(&lock);                                                                           \
        while (!(condition) && hive_clock_monotonic_ms() < end_ms) {                                         \
            pthread_mutex_unlock(&lock);                                                                     \
            usleep(1000);                                                                                    \
            pthread_mutex_lock(&lock);                                                                       \
        }                                                                                                    \
        bool holds = (condition);                                                                            \
        pthread_mutex_unlock(&lock);                                                                         \
        if (!holds)                                                                                          \
            fail_msg("line %d: waited in vain until %s", __LINE__, #condition);                              \
    } while (0)

static void await_reason(struct queen *queen, const char *part)
{
    char reason[HIVE_ERROR_BYTES];
    int64_t end_ms = hive_clock_monotonic_ms() + PATIENCE_MS;
    while (founding_reason(queen->founding, reason), part ? !strstr(reason, part) : *reason) {
        if (hive_clock_monotonic_ms() > end_ms)
            fail_msg("waited in vain for the reason '%s'; it is '%s'", part ? part : "", reason);
        usleep(1000);
    }
}

/* Lets some rounds of her founding pass, for what must not happen in any of them. */
static inline void await_rounds(const struct queen *queen)
{
    int looks;
    UNDER_LOCK(looks = queen->looks);
    AWAIT(queen->looks > looks + 4);
}

/* As if it had come with the log, and were committed. */
static void make_member(struct queen *queen, const struct queen *of)
{
    pthread_mutex_lock(&lock);
    queen->members = of->members;
    struct raft_member *member = &queen->members.members[queen->members.count++];
    *member = (struct raft_member){.id = queen->status.id, .kind = RAFT_MEMBER_JOINING};
    memcpy(member->address, queen->address, sizeof member->address);
    queen->status.standing = RAFT_STANDING_LEARNER;
    queen->members.index = queen->status.commit = 7;
    memcpy(queen->status.leader, of->address, sizeof queen->status.leader);
    pthread_mutex_unlock(&lock);
}

/* The queens from `from` to `to` are a group, which was founded long ago; queen `from` leads. */
static void make_group(size_t from, size_t to)
{
    struct raft_configuration group = {.index = 0};
    for (size_t i = from; i <= to; i++) {
        struct raft_member *member = &group.members[group.count++];
        *member = (struct raft_member){.id = queens[i].status.id, .kind = RAFT_MEMBER_VOTER};
        snprintf(member->address, sizeof member->address, "%s", queens[i].address);
    }
    for (size_t i = from; i <= to; i++) {
        queens[i].founded = queens[i].members = group;
        queens[i].members.index = 2;
        queens[i].status.standing = RAFT_STANDING_VOTER;
        queens[i].leader = &queens[from];
        queens[i].hospitality = i == from ? TAKES : REDIRECTS;
    }
}

#endif
