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

struct watched {
    struct watch *watch;
    enum watch_level level;
    bool is_asked;      /* a question is under way */
    int64_t started_ms; /* monotonic */
    int64_t reached_ms; /* when it got to its level */
    int64_t ask_at_ms;
};

struct watch {
    const struct hive_ledger *ledger;
    struct hive_http_client *client;
    struct watched *nodes;
    char leader[HIVE_ADDRESS_BYTES];
    uint64_t term;
};

struct watch *watch_create(const struct hive_ledger *ledger, struct hive_http_client *client)
{
    struct watch *watch = hive_calloc(1, sizeof *watch);
    watch->ledger = ledger;
    watch->client = client;
    watch->nodes = hive_calloc(ledger->node_count, sizeof *watch->nodes);
    for (size_t i = 0; i < ledger->node_count; i++)
        watch->nodes[i].watch = watch;
    return watch;
}

void watch_destroy(struct watch *watch)
{
    if (watch)
        free(watch->nodes);
    free(watch);
}

void watch_start_node(struct watch *watch, size_t node)
{
    struct watched *watched = &watch->nodes[node];
    watched->level = WATCH_SILENT;
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

int64_t watch_took_ms(const struct watch *watch, size_t node)
{
    return watch->nodes[node].reached_ms - watch->nodes[node].started_ms;
}

const char *watch_leader(const struct watch *watch, uint64_t *term)
{
    *term = watch->term;
    return watch->leader;
}

/* A node's answer: who leads, where it is the newest word on that, and how far the node itself is. */
static void learn(struct watched *watched, const struct hive_health *health, int64_t now_ms)
{
    struct watch *watch = watched->watch;
    if (health->mode == HIVE_MODE_QUEEN && health->leader[0] && health->term >= watch->term) {
        watch->term = health->term;
        memcpy(watch->leader, health->leader, sizeof watch->leader);
    }
    enum watch_level level = health->ready ? WATCH_READY : WATCH_ANSWERED;
    if (level > watched->level) {
        watched->level = level;
        watched->reached_ms = now_ms;
    }
}

static void answered(struct hive_http_response *response, void *context)
{
    struct watched *watched = context;
    struct hive_health health;
    int64_t now_ms = hive_clock_monotonic_ms();
    watched->is_asked = false;
    if (watched->level == WATCH_OFF)
        return;
    if (response->status == 200 &&
        hive_health_parse(response->body.data, response->body.size, &health, NULL) == 0) {
        /* Somebody else may have the port, and the node be about to die of that. */
        if (health.pid == watched->watch->ledger->nodes[watched - watched->watch->nodes].process.pid)
            learn(watched, &health, now_ms);
        hive_health_finish(&health);
    }
    int64_t pause_ms = (now_ms - watched->started_ms) / PAUSE_DIVISOR;
    if (pause_ms < PAUSE_MIN_MS)
        pause_ms = PAUSE_MIN_MS;
    watched->ask_at_ms = now_ms + (pause_ms < PAUSE_MAX_MS ? pause_ms : PAUSE_MAX_MS);
}

static void ask(struct watched *watched, const char *address)
{
    char url[HIVE_ADDRESS_BYTES + 32];
    snprintf(url, sizeof url, "http://%s/healthz?drones=0", address);
    watched->is_asked = true;
    hive_http_client_start(watched->watch->client,
                           &(struct hive_http_request){
                               .method = "GET",
                               .url = url,
                               .timeout_ms = ASK_TIMEOUT_MS,
                               .response_bytes = ASK_ANSWER_BYTES,
                           },
                           answered, watched);
}

int64_t watch_poll(struct watch *watch, int64_t now_ms)
{
    int64_t due_ms = INT64_MAX;
    for (size_t i = 0; i < watch->ledger->node_count; i++) {
        struct watched *watched = &watch->nodes[i];
        if (watched->level == WATCH_OFF || watched->level == WATCH_READY || watched->is_asked)
            continue;
        if (watched->ask_at_ms <= now_ms)
            ask(watched, watch->ledger->nodes[i].address);
        else if (watched->ask_at_ms < due_ms)
            due_ms = watched->ask_at_ms;
    }
    return due_ms;
}
