/* Dead and paused nodes must not hold anybody up: each node is asked for itself, with a short time to answer,
 * and nothing here ever waits for one. */
#include "poller.h"

#include <errno.h>

#include "hive/clock.h"
#include "hive/memory.h"
#include "summary.h"

#define TIMEOUT_MIN_MS 250  /* a busy machine may take as long, however short the interval */
#define TIMEOUT_MAX_MS 2000 /* nobody watches longer than that for an answer */
#define LATE_MS        250  /* a timeout that is noticed this late says that we ourselves stood still (^Z) */
#define PATIENT_MS     250  /* a round that takes longer is of nodes that are far away, or gone */
#define HEALTH_BYTES   (8L * 1024 * 1024)

struct poll {
    struct poller *poller;
    struct poll *next;
    char address[HIVE_ADDRESS_BYTES];
    size_t place; /* of the node, as long as none was added before it */
    int64_t started_ms, timeout_ms;
    bool is_under_way;
};

void poller_init(struct poller *poller, struct hive_http_client *client, struct source *source,
                 struct model *model, int64_t interval_ms)
{
    *poller = (struct poller){.client = client, .source = source, .model = model, .interval_ms = interval_ms};
}

void poller_finish(struct poller *poller)
{
    while (poller->polls) {
        struct poll *poll = poller->polls;
        poller->polls = poll->next;
        free(poll);
    }
}

static void take_failure(struct poller *poller, struct node *node, int error_number, const char *failure)
{
    model_take_failure(poller->model, node, error_number, failure);
    /* Look at once whether it was paused, so that it is not called silent first. */
    if (error_number == -ETIMEDOUT && node->process.pid > 0)
        model_take_stopped(poller->model, node, hive_process_is_stopped(node->process));
}

static void take_answer(struct poller *poller, struct node *node, struct hive_http_response *response)
{
    struct hive_health health = {0};
    struct hive_error error = {0};
    const char *body = response->body.data ? response->body.data : "";
    if (hive_health_parse(body, response->body.size, &health, &error) == 0) {
        if (node->is_supervised && health.pid != node->process.pid) {
            /* The node is down, and somebody else has its port; or the ledger is about to tell of its new process. */
            hive_health_finish(&health);
            take_failure(poller, node, -EPROTO, "another process answers there");
            return;
        }
        model_take_health(poller->model, node, &health, response->round_trip_us);
        return;
    }
    char failure[HIVE_ERROR_BYTES + 64];
    if (response->status == 200)
        snprintf(failure, sizeof failure, "no node of Hive: %s", error.message);
    else
        snprintf(failure, sizeof failure, "no node of Hive: it answers %d", response->status);
    take_failure(poller, node, -EPROTO, failure);
}

static struct node *node_of(const struct model *model, const struct poll *poll)
{
    struct node *node = poll->place < model->node_count ? model->nodes[poll->place] : NULL;
    return node && strcmp(node->address, poll->address) == 0 ? node : model_node(model, poll->address);
}

static void finish(struct hive_http_response *response, void *context)
{
    struct poll *poll = context;
    struct poller *poller = poll->poller;
    int64_t now_ms = hive_clock_monotonic_ms();
    poll->is_under_way = false;
    poller->under_way--;
    poller->has_news = true;
    model_set_time(poller->model, now_ms, hive_clock_unix_ms());
    struct node *node = node_of(poller->model, poll);
    if (!node)
        return;
    node->is_asked = false;
    bool is_own_fault =
        response->error_number == -ETIMEDOUT && now_ms > poll->started_ms + poll->timeout_ms + LATE_MS;
    if (response->status)
        take_answer(poller, node, response);
    else if (!is_own_fault)
        take_failure(poller, node, response->error_number, response->failure);
}

static struct poll *free_poll(struct poller *poller)
{
    for (struct poll *poll = poller->polls; poll; poll = poll->next) {
        if (!poll->is_under_way)
            return poll;
    }
    struct poll *poll = hive_calloc(1, sizeof *poll);
    poll->poller = poller;
    poll->next = poller->polls;
    poller->polls = poll;
    return poll;
}

static int64_t period_ms(const struct poller *poller, int64_t now_ms)
{
    bool is_hurrying = now_ms < poller->hurry_until_ms;
    bool is_election = poller->leaderless_since_ms && now_ms < poller->leaderless_since_ms + POLLER_HURRY_MS;
    bool is_quick = (is_hurrying || is_election) && poller->interval_ms > POLLER_HURRY_STEP_MS;
    return is_quick ? POLLER_HURRY_STEP_MS : poller->interval_ms;
}

/* What followers know of drones, the leader knows better; many drones make a long answer. */
static const char *query_for(const struct poller *poller, const struct node *node)
{
    bool is_follower = node->has_health && node->role == HIVE_ROLE_QUEEN && !node->failures &&
                       node->health.raft_state == HIVE_RAFT_FOLLOWER;
    return is_follower && !poller->leaderless_since_ms ? "?drones=0" : "";
}

static void ask(struct poller *poller, size_t place, int64_t now_ms)
{
    struct poll *poll = free_poll(poller);
    struct node *node = poller->model->nodes[place];
    poll->place = place;
    int64_t timeout_ms = poller->interval_ms * 3 / 4;
    timeout_ms = timeout_ms < TIMEOUT_MIN_MS ? TIMEOUT_MIN_MS : timeout_ms;
    poll->timeout_ms = timeout_ms > TIMEOUT_MAX_MS ? TIMEOUT_MAX_MS : timeout_ms;
    poll->started_ms = now_ms;
    poll->is_under_way = true;
    memcpy(poll->address, node->address, sizeof poll->address);
    node->is_due = false;
    node->is_asked = true;
    poller->under_way++;

    char url[HIVE_ADDRESS_BYTES + 32];
    snprintf(url, sizeof url, "http://%s/healthz%s", node->address, query_for(poller, node));
    struct hive_http_request request = {
        .method = "GET", .url = url, .timeout_ms = poll->timeout_ms, .response_bytes = HEALTH_BYTES};
    hive_http_client_start(poller->client, &request, finish, poll);
}

/* An election is over in the blink of an eye: whoever watches wants to see it. */
static void note_leader(struct poller *poller, int64_t now_ms)
{
    struct summary summary;
    summary_of(poller->model, &summary);
    if (summary.leader)
        poller->leaderless_since_ms = 0;
    else if (!poller->leaderless_since_ms)
        poller->leaderless_since_ms = now_ms;
}

bool poller_is_due(const struct node *node, size_t at, size_t drones, int64_t round)
{
    if (node->is_asked || node->is_stopped) /* a paused one cannot answer */
        return false;
    size_t turns = (drones + POLLER_DRONES - 1) / POLLER_DRONES;
    bool is_well = node->role == HIVE_ROLE_DRONE && node->has_health && node->failures == 0;
    return turns < 2 || !is_well || ((size_t)round + at) % turns == 0;
}

static void begin_round(struct poller *poller, int64_t now_ms)
{
    struct model *model = poller->model;
    source_refresh(poller->source, model);
    note_leader(poller, now_ms);
    for (size_t i = 0; i < model->node_count; i++) {
        struct node *node = model->nodes[i];
        node->is_due = poller_is_due(node, i, model->node_count - model->queen_count, poller->rounds);
    }
    poller->first_due = 0;
    poller->began_ms = now_ms;
    poller->next_round_ms = now_ms + period_ms(poller, now_ms);
    poller->rounds++;
    poller->has_news = true;
}

void poller_turn(struct poller *poller, int64_t now_ms)
{
    struct model *model = poller->model;
    if (now_ms >= poller->next_round_ms)
        begin_round(poller, now_ms);
    size_t most = now_ms - poller->began_ms < PATIENT_MS ? POLLER_FEW : POLLER_AT_ONCE;
    size_t at = poller->first_due < model->node_count ? poller->first_due : 0;
    for (; at < model->node_count && poller->under_way < most; at++) {
        if (model->nodes[at]->is_due)
            ask(poller, at, now_ms);
    }
    poller->first_due = poller->node_count == model->node_count ? at : 0; /* new nodes may stand anywhere */
    poller->node_count = model->node_count;
}

int poller_wait_ms(const struct poller *poller, int64_t now_ms)
{
    return now_ms < poller->next_round_ms ? (int)(poller->next_round_ms - now_ms) : 0;
}

void poller_hurry(struct poller *poller, int64_t now_ms)
{
    poller->next_round_ms = now_ms;
    poller->hurry_until_ms = now_ms + POLLER_HURRY_MS;
}

void poller_set_interval(struct poller *poller, int64_t interval_ms, int64_t now_ms)
{
    poller->interval_ms = interval_ms;
    poller->next_round_ms = now_ms;
}
