/* Readiness of what was just started. Each node is asked again as soon as a short pause after its answer is
 * over; the pause grows with the time that it takes, so a quick start is seen quickly and a stuck one costs
 * nothing. */
#include "watch.h"

#include "hive/api.h"
#include "hive/clock.h"
#include "hive/memory.h"

#define PAUSE_MIN_MS     10
#define PAUSE_MAX_MS     500
#define PAUSE_DIVISOR    8 /* of the time since the start */
#define ASK_TIMEOUT_MS   1000
#define ASK_ANSWER_BYTES (4L * 1024 * 1024) /* a /healthz with all drones that there can be */

/* One request under way. It knows its node by being that node's question: places change while it travels. */
struct question {
    struct watch *watch;
    struct question *next; /* of those whose node is gone */
};

struct watched {
    enum watch_level level;
    struct question *question; /* owned; NULL: none */
    int64_t started_ms;        /* monotonic */
    int64_t reached_ms;        /* when it got to its level */
    int64_t ask_at_ms;
    char reason[HIVE_REASON_BYTES];
};

struct watch {
    const struct hive_ledger *ledger;
    struct hive_http_client *client;
    struct watched *nodes;
    size_t count;
    struct question *orphans; /* their nodes were taken out */
    char leader[HIVE_ADDRESS_BYTES];
    uint64_t term;
};

struct watch *watch_create(const struct hive_ledger *ledger, struct hive_http_client *client)
{
    struct watch *watch = hive_calloc(1, sizeof *watch);
    watch->ledger = ledger;
    watch->client = client;
    watch->count = ledger->node_count;
    watch->nodes = hive_calloc(watch->count, sizeof *watch->nodes);
    return watch;
}

void watch_destroy(struct watch *watch)
{
    if (!watch)
        return;
    while (watch->count > 0)
        watch_remove_node(watch, watch->count - 1);
    for (struct question *question = watch->orphans, *next; question; question = next) {
        next = question->next;
        free(question);
    }
    free(watch->nodes);
    free(watch);
}

void watch_insert_node(struct watch *watch, size_t node)
{
    watch->nodes = hive_realloc(watch->nodes, watch->count + 1, sizeof *watch->nodes);
    memmove(&watch->nodes[node + 1], &watch->nodes[node], (watch->count - node) * sizeof *watch->nodes);
    watch->nodes[node] = (struct watched){0};
    watch->count++;
}

void watch_remove_node(struct watch *watch, size_t node)
{
    struct question *question = watch->nodes[node].question;
    if (question) {
        question->next = watch->orphans;
        watch->orphans = question;
    }
    watch->count--;
    memmove(&watch->nodes[node], &watch->nodes[node + 1], (watch->count - node) * sizeof *watch->nodes);
}

void watch_start_node(struct watch *watch, size_t node)
{
    struct watched *watched = &watch->nodes[node];
    watched->level = WATCH_SILENT;
    watched->reason[0] = '\0';
    watched->started_ms = watched->reached_ms = watched->ask_at_ms = hive_clock_monotonic_ms();
}

void watch_stop_node(struct watch *watch, size_t node)
{
    watch->nodes[node].level = WATCH_OFF;
}

enum watch_level watch_level(const struct watch *watch, size_t node)
{
    return watch->nodes[node].level;
}

const char *watch_reason(const struct watch *watch, size_t node)
{
    return watch->nodes[node].reason;
}

int64_t watch_took_ms(const struct watch *watch, size_t node)
{
    return watch->nodes[node].reached_ms - watch->nodes[node].started_ms;
}

const char *watch_leader(const struct watch *watch, uint64_t *term)
{
    *term = watch->term;
    return watch->leader;
}

static enum watch_level level_of(const struct hive_health *health)
{
    /* One of an older version does not tell: it has no members that come and go. */
    bool has_vote =
        health->mode != HIVE_MODE_QUEEN || !*health->standing || !strcmp(health->standing, "voter");
    if (!health->ready)
        return WATCH_ANSWERED;
    return has_vote ? WATCH_ARRIVED : WATCH_READY;
}

/* A node's answer: who leads, where it is the newest word on that, and how far the node itself is. */
static void learn(struct watch *watch, struct watched *watched, const struct hive_health *health,
                  int64_t now_ms)
{
    if (health->mode == HIVE_MODE_QUEEN && health->leader[0] && health->term >= watch->term) {
        watch->term = health->term;
        memcpy(watch->leader, health->leader, sizeof watch->leader);
    }
    enum watch_level level = level_of(health);
    memcpy(watched->reason, health->reason, sizeof watched->reason);
    if (level > watched->level) {
        watched->level = level;
        watched->reached_ms = now_ms;
    }
}

/* Forgets a question whose node is gone; false where it is not one of those. */
static bool drop_orphan(struct watch *watch, const struct question *question)
{
    struct question **at = &watch->orphans;
    while (*at && *at != question)
        at = &(*at)->next;
    if (!*at)
        return false;
    *at = question->next;
    return true;
}

static void take_answer(struct watch *watch, size_t node, const struct hive_http_response *response)
{
    struct watched *watched = &watch->nodes[node];
    struct hive_health health;
    int64_t now_ms = hive_clock_monotonic_ms();
    if (watched->level == WATCH_OFF)
        return;
    if (response->status == 200 &&
        hive_health_parse(response->body.data, response->body.size, &health, NULL) == 0) {
        /* Somebody else may have the port, and the node be about to die of that. */
        if (health.pid == watch->ledger->nodes[node].process.pid)
            learn(watch, watched, &health, now_ms);
        hive_health_finish(&health);
    }
    int64_t pause_ms = (now_ms - watched->started_ms) / PAUSE_DIVISOR;
    if (pause_ms < PAUSE_MIN_MS)
        pause_ms = PAUSE_MIN_MS;
    watched->ask_at_ms = now_ms + (pause_ms < PAUSE_MAX_MS ? pause_ms : PAUSE_MAX_MS);
}

static void answered(struct hive_http_response *response, void *context)
{
    struct question *question = context;
    struct watch *watch = question->watch;
    size_t node = 0;
    if (!drop_orphan(watch, question)) {
        while (watch->nodes[node].question != question)
            node++;
        watch->nodes[node].question = NULL;
        take_answer(watch, node, response);
    }
    free(question);
}

static void ask(struct watch *watch, size_t node)
{
    char url[HIVE_ADDRESS_BYTES + 32];
    snprintf(url, sizeof url, "http://%s/healthz?drones=0", watch->ledger->nodes[node].address);
    struct question *question = hive_calloc(1, sizeof *question);
    question->watch = watch;
    watch->nodes[node].question = question;
    hive_http_client_start(watch->client,
                           &(struct hive_http_request){
                               .method = "GET",
                               .url = url,
                               .timeout_ms = ASK_TIMEOUT_MS,
                               .response_bytes = ASK_ANSWER_BYTES,
                           },
                           answered, question);
}

int64_t watch_poll(struct watch *watch, int64_t now_ms)
{
    int64_t due_ms = INT64_MAX;
    for (size_t i = 0; i < watch->count; i++) {
        const struct watched *watched = &watch->nodes[i];
        if (watched->level == WATCH_OFF || watched->level == WATCH_ARRIVED || watched->question)
            continue;
        if (watched->ask_at_ms <= now_ms)
            ask(watch, i);
        else if (watched->ask_at_ms < due_ms)
            due_ms = watched->ask_at_ms;
    }
    return due_ms;
}
