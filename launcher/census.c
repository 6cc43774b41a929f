/* An order that is about "the leader" means the one of this moment, and one that takes a queen away must know who is
 * left. So both ask anew: what was heard a second ago may be over. */
#include "census.h"

#include "hive/api.h"
#include "hive/memory.h"

#define ASK_TIMEOUT_MS   1000
#define ASK_ANSWER_BYTES (4L * 1024 * 1024)

static void learn(struct census_queen *queen, const struct hive_health *health)
{
    queen->has_answered = true;
    queen->term = health->term;
    queen->is_leader = health->raft_state == HIVE_RAFT_LEADER;
    queen->is_voter = *health->standing ? strcmp(health->standing, "voter") == 0
                                        : health->raft_state != HIVE_RAFT_LEARNER; /* an older version */
    queen->voters = queen->is_voter;
    memcpy(queen->leader, health->leader, sizeof queen->leader);
    for (size_t i = 0; i < health->peer_count; i++)
        queen->voters += !*health->peers[i].kind || strcmp(health->peers[i].kind, "voter") == 0;
}

static void answered(struct hive_http_response *response, void *context)
{
    struct census_queen *queen = context;
    struct hive_health health;
    queen->census->pending--;
    if (response->status != 200 ||
        hive_health_parse(response->body.data, response->body.size, &health, NULL) != 0)
        return;
    if (health.mode == HIVE_MODE_QUEEN && health.pid == queen->pid)
        learn(queen, &health);
    hive_health_finish(&health);
}

struct census *census_start(const struct hive_ledger *ledger, struct hive_http_client *client)
{
    struct census *census = hive_calloc(1, sizeof *census);
    census->queens = hive_calloc(ledger->node_count, sizeof *census->queens);
    for (size_t i = 0; i < ledger->node_count; i++) {
        const struct hive_ledger_node *node = &ledger->nodes[i];
        bool is_up = node->state == HIVE_NODE_RUNNING || node->state == HIVE_NODE_STARTING;
        if (node->role != HIVE_ROLE_QUEEN || !is_up)
            continue;
        struct census_queen *queen = &census->queens[census->count++];
        *queen = (struct census_queen){.census = census, .pid = node->process.pid};
        memcpy(queen->name, node->name, sizeof queen->name);
        memcpy(queen->address, node->address, sizeof queen->address);
        char url[HIVE_ADDRESS_BYTES + 32];
        snprintf(url, sizeof url, "http://%s/healthz?drones=0", node->address);
        census->pending++;
        hive_http_client_start(client,
                               &(struct hive_http_request){
                                   .method = "GET",
                                   .url = url,
                                   .timeout_ms = ASK_TIMEOUT_MS,
                                   .response_bytes = ASK_ANSWER_BYTES,
                               },
                               answered, queen);
    }
    return census;
}

void census_free(struct census *census)
{
    if (census)
        free(census->queens);
    free(census);
}

const struct census_queen *census_leader(const struct census *census)
{
    const struct census_queen *leader = NULL;
    for (size_t i = 0; i < census->count; i++)
        if (census->queens[i].is_leader && (!leader || census->queens[i].term > leader->term))
            leader = &census->queens[i];
    return leader;
}

const struct census_queen *census_find(const struct census *census, const char *name)
{
    for (size_t i = 0; i < census->count; i++)
        if (strcmp(census->queens[i].name, name) == 0)
            return &census->queens[i];
    return NULL;
}

size_t census_live_voters(const struct census *census)
{
    size_t live = 0;
    for (size_t i = 0; i < census->count; i++)
        live += census->queens[i].is_voter;
    return live;
}
