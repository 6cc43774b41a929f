/* Asks every node for its health once a round, all at the same time, and feeds the answers to the model. A
 * node is never asked again before it answered or its time was up. Never waits; one thread. */
#ifndef HIVETOP_POLLER_H
#define HIVETOP_POLLER_H

#include <stdbool.h>
#include <stdint.h>

#include "hive/http_client.h"
#include "model.h"
#include "source.h"

#define POLLER_FEW     48 /* requests under way while answers come quickly: each costs with every look at all … */
#define POLLER_AT_ONCE 256 /* … and where they do not; further nodes of the round wait for one to end */
#define POLLER_DRONES                                                                                        \
    500 /* that are asked in one round: where there are more, those that are well take turns; the leader tells of all */
#define POLLER_HURRY_MS      3000 /* after an action or a leader's loss the rounds are quick for so long … */
#define POLLER_HURRY_STEP_MS 100  /* … this quickly */

struct poll;

struct poller {
    struct hive_http_client *client; /* not owned, as the next two */
    struct source *source;
    struct model *model;
    struct poll *polls; /* owned: as many as were ever under way at once */
    int64_t interval_ms;
    int64_t next_round_ms; /* monotonic, as all times here */
    int64_t hurry_until_ms;
    int64_t leaderless_since_ms; /* 0: somebody leads */
    int64_t rounds;
    int64_t began_ms; /* the round */
    size_t under_way;
    size_t first_due;  /* nodes before that place were asked in this round */
    size_t node_count; /* when they were */
    bool has_news;     /* the model changed; whoever shows it clears this */
};

void poller_init(struct poller *poller, struct hive_http_client *client, struct source *source,
                 struct model *model, int64_t interval_ms);

/* After the client was destroyed: no answer may come any more. */
void poller_finish(struct poller *poller);

/* Begins a round where it is time, and asks who is due. */
void poller_turn(struct poller *poller, int64_t now_ms);

/* Whether the node, the one at that place of the model's, is asked in that round. Pure. */
bool poller_is_due(const struct node *node, size_t at, size_t drones, int64_t round);

/* Milliseconds until the next round. */
int poller_wait_ms(const struct poller *poller, int64_t now_ms);

/* A round at once, and quick ones for a while: something is about to happen. */
void poller_hurry(struct poller *poller, int64_t now_ms);

/* Another interval, from now on. */
void poller_set_interval(struct poller *poller, int64_t interval_ms, int64_t now_ms);

#endif
