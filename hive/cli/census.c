/* All queens at once, so that one that hangs delays the picture by no more than the time-out, and the answers
 * are of the same moment. */
#include "cli/census.h"

#include "hive/clock.h"
#include "hive/http_client.h"
#include "hive/memory.h"

static void add_queen(struct cli_census *census, const char *address)
{
    if (!*address || census->count == HIVE_QUEENS)
        return;
    for (size_t i = 0; i < census->count; i++)
        if (strcmp(census->queens[i]->address, address) == 0)
            return;
    struct cli_queen *queen = hive_calloc(1, sizeof *queen);
    snprintf(queen->address, sizeof queen->address, "%s", address);
    census->queens = hive_realloc(census->queens, census->count + 1, sizeof *census->queens);
    census->queens[census->count++] = queen;
}

static void take_answer(struct hive_http_response *response, void *context)
{
    struct cli_queen *queen = context;
    struct hive_error error = {{0}};
    if (!response->status) {
        snprintf(queen->failure, sizeof queen->failure, "%s", response->failure);
    } else if (hive_health_parse(response->body.data ? response->body.data : "", response->body.size,
                                 &queen->health, &error)) {
        snprintf(queen->failure, sizeof queen->failure, "no Hive node (HTTP %d)", response->status);
    } else {
        queen->is_answered = true;
        queen->answered_at_ms = hive_clock_unix_ms();
        queen->is_drone = queen->health.mode == HIVE_MODE_DRONE;
        queen->json = hive_buffer_take(&response->body);
    }
}

static void ask(struct hive_http_client *client, struct cli_queen *queen, int64_t timeout_ms)
{
    char *url = hive_format("http://%s/healthz", queen->address);
    queen->is_asked = true;
    hive_http_client_start(client,
                           &(struct hive_http_request){.method = "GET", .url = url, .timeout_ms = timeout_ms},
                           take_answer, queen);
    free(url);
}

/* Adds whom the queens that answered know. */
static void hear_of_others(struct cli_census *census)
{
    for (size_t i = 0; i < census->count; i++) {
        const struct hive_health *health = &census->queens[i]->health;
        add_queen(census, health->leader);
        add_queen(census, health->queen);
        for (size_t j = 0; j < health->peer_count; j++)
            add_queen(census, health->peers[j].address);
    }
}

void cli_census_take(const struct hive_target *target, int64_t timeout_ms, struct cli_census *census)
{
    *census = (struct cli_census){0};
    struct hive_http_client *client = hive_http_client_create();
    for (size_t i = 0; i < target->count; i++)
        add_queen(census, target->addresses[i]);
    do {
        for (size_t i = 0; i < census->count; i++)
            if (!census->queens[i]->is_asked)
                ask(client, census->queens[i], timeout_ms);
        size_t pending = hive_http_client_pending(client);
        while (pending && hive_http_client_pending(client) == pending)
            hive_http_client_wait(client, NULL, 0, (int)timeout_ms);
        hear_of_others(census);
    } while (hive_http_client_pending(client) || !census->queens[census->count - 1]->is_asked);
    hive_http_client_destroy(client);
}

void cli_census_finish(struct cli_census *census)
{
    for (size_t i = 0; i < census->count; i++) {
        hive_health_finish(&census->queens[i]->health);
        free(census->queens[i]->json);
        free(census->queens[i]);
    }
    free(census->queens);
    *census = (struct cli_census){0};
}

const struct cli_queen *cli_census_leader(const struct cli_census *census)
{
    const struct cli_queen *leader = NULL;
    for (size_t i = 0; i < census->count; i++) {
        const struct cli_queen *queen = census->queens[i];
        if (queen->is_answered && !queen->is_drone && queen->health.raft_state == HIVE_RAFT_LEADER &&
            (!leader || queen->health.term > leader->health.term))
            leader = queen;
    }
    return leader;
}
