/* The founding thread: asks those who might know, does what the rules say (founding_rules.c), and says whom it waits for. It
 * asks often at first, because queens are mostly started together and a group should not take longer to be there than an election does;
 * later seldom, because then it waits for a person. */
#include "queen/founding.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>

#include "hive/address.h"
#include "hive/buffer.h"
#include "hive/clock.h"
#include "hive/http_client.h"
#include "hive/json.h"
#include "hive/log.h"
#include "hive/memory.h"
#include "queen/founding_rules.h"
#include "queen/queen.h"

#define ASK_MS 1000 /* for one answer; a queen needs a few, and one that is stopped gives none */
#define JOIN_MS                                                                                              \
    10000 /* for being taken in, which waits for a majority: longer than a leader lets it wait (--request-timeout) */
#define QUICK_MS     20   /* between rounds at first, … */
#define QUICK_FOR_MS 2000 /* … and for so long; then more and more, up to … */
#define SLOW_MS      1000
#define SETTLED_MS   50   /* between looks at whether the log has come */
#define QUIET_MS     1000 /* what is over within that is not worth a line in the log */

struct founding {
    struct queen *queen;
    struct founding_self self;
    char *address, *token;
    char **queens, **joins; /* whom to found with, and whom to ask to be taken in */
    size_t queen_count, join_count;
    bool standby;

    struct hive_http_client *client; /* used by the thread alone, but for waking it */
    pthread_t thread;
    bool is_started;
    atomic_bool is_stopping;

    /* The thread's own. */
    int64_t started_ms, pause_ms; /* monotonic */
    struct founding_peer *peers;
    struct founding_verdict verdict;
    struct raft_configuration seen; /* the founding that the last round would have made; count 0: none */
    bool is_settled;                /* founded, or a leader has taken her in: nobody is asked again */
    char logged[HIVE_ERROR_BYTES];
    struct hive_http_reply reply; /* of the call under way */
    bool is_answered;

    pthread_mutex_t lock; /* guards: */
    char reason[HIVE_ERROR_BYTES];
};

/* ---- what people see ---- */

static void set_reason(struct founding *founding, const char *reason)
{
    pthread_mutex_lock(&founding->lock);
    snprintf(founding->reason, sizeof founding->reason, "%s", reason);
    pthread_mutex_unlock(&founding->lock);
}

/* Shows the reason, and logs it where `subject` is new and it has lasted for a while. */
static void explain(struct founding *founding, const char *reason, const char *subject)
{
    set_reason(founding, reason);
    bool is_early = hive_clock_monotonic_ms() - founding->started_ms < QUIET_MS;
    if (is_early || strcmp(founding->logged, subject) == 0)
        return;
    hive_log_warning("no member of a group yet", LOG_S("reason", reason));
    snprintf(founding->logged, sizeof founding->logged, "%s", subject);
}

bool founding_reason(struct founding *founding, char reason[HIVE_ERROR_BYTES])
{
    reason[0] = '\0';
    if (!founding)
        return false;
    pthread_mutex_lock(&founding->lock);
    memcpy(reason, founding->reason, HIVE_ERROR_BYTES);
    pthread_mutex_unlock(&founding->lock);
    return reason[0] != '\0';
}

/* ---- what this queen knows by herself ---- */

enum membership {
    NO_MEMBER,
    ON_HER_WAY, /* her log takes her in, but the leader that wrote so may be deposed, and the entry be cut off again */
    MEMBER,
    REMOVED, /* it is for people to take her in again */
};

/* Her own disk's word. */
struct own_state {
    enum membership membership;
    bool has_group; /* she knows a group, whether she has a place in it or not */
    bool has_snapshot;
};

/* What is committed is certain. So are the founding, which is durable, and a vote: nobody is promoted before the entry that took
 * her in is committed (§4.1: one change at a time). The last is what a log tells right after a restart, when no leader has said yet how
 * far it is committed; should she have been removed meanwhile, the voters will say so. */
static enum membership judge_membership(raft_id id, const struct raft_configuration *members,
                                        const struct raft_configuration *founders,
                                        const struct queen_status *status)
{
    if (status->standing == RAFT_STANDING_REMOVED)
        return REMOVED;
    if (raft_configuration_find(founders, id) || status->standing == RAFT_STANDING_VOTER)
        return MEMBER;
    if (status->standing == RAFT_STANDING_NONE)
        return NO_MEMBER;
    return raft_configuration_find(members, id) && members->index > status->commit ? ON_HER_WAY : MEMBER;
}

static struct own_state look_at_self(const struct founding *founding)
{
    struct raft_configuration *members = hive_calloc(2, sizeof *members), *founders = members + 1;
    struct queen_status *status = hive_malloc(sizeof *status);
    queen_members(founding->queen, members, founders);
    queen_status(founding->queen, status);
    struct own_state own = {
        .membership = judge_membership(founding->self.id, members, founders, status),
        .has_group = members->count > 0,
        .has_snapshot = status->snapshot > 0,
    };
    free(status);
    free(members);
    return own;
}

/* ---- asking ---- */

static void pause_for(struct founding *founding, int64_t pause_ms)
{
    int64_t now_ms, end_ms = hive_clock_monotonic_ms() + pause_ms;
    while (!founding->is_stopping && (now_ms = hive_clock_monotonic_ms()) < end_ms)
        hive_http_client_wait(founding->client, NULL, 0, (int)(end_ms - now_ms));
}

static void pause_between_rounds(struct founding *founding)
{
    if (hive_clock_monotonic_ms() - founding->started_ms < QUICK_FOR_MS)
        founding->pause_ms = QUICK_MS;
    else
        founding->pause_ms = founding->pause_ms * 2 < SLOW_MS ? founding->pause_ms * 2 : SLOW_MS;
    pause_for(founding, founding->pause_ms);
}

/* The "detail" of a problem document, or what the status is. */
static void describe(const struct hive_buffer *body, int status, char *text, size_t bytes)
{
    const char *detail = NULL;
    cJSON *json = hive_json_parse_object(body->data ? body->data : "", body->size, NULL);
    if (json)
        hive_json_string(json, "detail", &detail, NULL);
    if (detail)
        snprintf(text, bytes, "%s", detail);
    else
        snprintf(text, bytes, "it answers with HTTP status %d", status);
    cJSON_Delete(json);
}

static void take_answer(struct hive_http_response *response, void *context)
{
    struct founding_peer *peer = context;
    struct hive_error error = {{0}};
    if (response->status == 0) {
        snprintf(peer->failure, sizeof peer->failure, "%s", response->failure);
    } else if (response->status != 200) {
        describe(&response->body, response->status, peer->failure, sizeof peer->failure);
    } else if (group_parse(response->body.data ? response->body.data : "", response->body.size, &peer->answer,
                           &error)) {
        snprintf(peer->failure, sizeof peer->failure, "that is no answer of a queen: %.100s", error.message);
    } else {
        peer->is_answered = true;
    }
}

/* Asks all that are listed at once, and waits until each has answered or will not. */
static void ask_all(struct founding *founding)
{
    for (size_t i = 0; i < founding->queen_count; i++) {
        struct founding_peer *peer = &founding->peers[i];
        char *url = hive_format("http://%s/members", founding->queens[i]);
        *peer = (struct founding_peer){.listed = founding->queens[i]};
        hive_http_client_start(founding->client,
                               &(struct hive_http_request){.method = "GET",
                                                           .url = url,
                                                           .token = founding->token,
                                                           .timeout_ms = ASK_MS,
                                                           .response_bytes = GROUP_ANSWER_BYTES},
                               take_answer, peer);
        free(url);
    }
    while (!founding->is_stopping && hive_http_client_pending(founding->client) > 0)
        hive_http_client_wait(founding->client, NULL, 0, ASK_MS);
}

/* ---- being taken in ---- */

static void keep_reply(struct hive_http_response *response, void *context)
{
    struct founding *founding = context;
    founding->is_answered = true;
    founding->reply.status = response->status;
    founding->reply.body = response->body;
    response->body = (struct hive_buffer){0};
    snprintf(founding->reply.location, sizeof founding->reply.location, "%s", response->location);
    if (!response->status)
        hive_buffer_append_text(&founding->reply.body, response->failure);
}

/* Posts to `address`; false where the founding ends meanwhile. */
static bool post_self(struct founding *founding, const char *address)
{
    struct hive_buffer body = {0};
    hive_buffer_format(&body, "{\"id\":\"%" PRIu64 "\",\"address\":", founding->self.id);
    hive_json_append_string(&body, founding->address, strlen(founding->address));
    hive_buffer_append_text(&body, ",\"kind\":\"joining\"}");
    char *url = hive_format("http://%s/members", address);
    founding->is_answered = false;
    hive_http_client_start(founding->client,
                           &(struct hive_http_request){.method = "POST",
                                                       .url = url,
                                                       .token = founding->token,
                                                       .content_type = "application/json",
                                                       .body = body.data,
                                                       .body_bytes = body.size,
                                                       .timeout_ms = JOIN_MS,
                                                       .response_bytes = GROUP_ANSWER_BYTES},
                           keep_reply, founding);
    while (!founding->is_answered && !founding->is_stopping)
        hive_http_client_wait(founding->client, NULL, 0, JOIN_MS);
    free(url);
    hive_buffer_finish(&body);
    return founding->is_answered;
}

/* The queen's address of a redirect to "http://HOST:PORT/…". */
static bool redirect_target(const char *location, char address[HIVE_ADDRESS_BYTES])
{
    static const char scheme[] = "http://";
    struct hive_address parsed;
    if (strncmp(location, scheme, sizeof scheme - 1) != 0)
        return false;
    const char *start = location + sizeof scheme - 1;
    size_t bytes = strcspn(start, "/?#");
    if (bytes >= HIVE_ADDRESS_BYTES)
        return false;
    snprintf(address, HIVE_ADDRESS_BYTES, "%.*s", (int)bytes, start);
    return hive_address_parse(address, &parsed, NULL) == 0;
}

/* True where the answer is "you are one already", which an earlier try may have brought about. */
static bool is_member_already(const struct hive_buffer *body)
{
    const char *type = "", *last;
    cJSON *json = hive_json_parse_object(body->data ? body->data : "", body->size, NULL);
    if (json)
        hive_json_string(json, "type", &type, NULL);
    last = strrchr(type, '/');
    bool is_so = strcmp(last ? last + 1 : type, "already-member") == 0;
    cJSON_Delete(json);
    return is_so;
}

/* Asks the queen at `given`, and whom she redirects to, to take this one in. */
static void ask_to_join(struct founding *founding, const char *given)
{
    char address[HIVE_ADDRESS_BYTES], detail[300], reason[HIVE_ERROR_BYTES];
    snprintf(address, sizeof address, "%s", given);
    for (int hop = 0; hop <= HIVE_REDIRECTS; hop++) {
        if (!post_self(founding, address))
            return;
        struct hive_http_reply *reply = &founding->reply;
        bool is_redirected = reply->status == 307 && redirect_target(reply->location, address);
        founding->is_settled =
            reply->status == 200 || (reply->status == 409 && is_member_already(&reply->body));
        if (reply->status == 0)
            snprintf(detail, sizeof detail, "%.200s", reply->body.data);
        else
            describe(&reply->body, reply->status, detail, sizeof detail);
        hive_buffer_finish(&reply->body);
        if (!is_redirected)
            break;
    }
    if (founding->is_settled) {
        const char *leader = address;
        hive_log_info("taken into the group", LOG_S("by", leader));
        snprintf(reason, sizeof reason, "%.150s has taken this queen into the group: the log is on its way",
                 address);
        explain(founding, reason, reason);
        return;
    }
    snprintf(reason, sizeof reason, "asks %.150s to take her into the group: %s", address, detail);
    explain(founding, reason, reason);
}

/* ---- the rounds ---- */

/* Makes it durable, and tells the replica. */
static void found(struct founding *founding)
{
    struct hive_error error = {{0}};
    int code = queen_found(founding->queen, &founding->verdict.founding, &error);
    if (!code) {
        founding->is_settled = true;
        hive_log_info(founding->verdict.step == FOUNDING_TAKE ? "group found" : "group founded",
                      LOG_N("queens", founding->verdict.founding.count));
        return;
    }
    /* The leader may have been quicker: then there is a log already, and soon a member. */
    char reason[HIVE_ERROR_BYTES];
    snprintf(reason, sizeof reason, "%.400s", error.message);
    explain(founding, reason, reason);
}

/* All are here and nobody has a group: a second round has to say the same (founding_rules.c). True: go on at once. */
static bool confirm(struct founding *founding)
{
    bool is_confirmed =
        founding->queen_count == 0 || group_is_same(&founding->seen, &founding->verdict.founding);
    founding->seen = founding->verdict.founding;
    if (is_confirmed)
        found(founding);
    return !is_confirmed;
}

static void round_of_founding(struct founding *founding, const struct own_state *own)
{
    struct founding_verdict *verdict = &founding->verdict;
    ask_all(founding);
    if (founding->is_stopping)
        return;
    founding_judge(&founding->self, founding->peers, founding->queen_count, verdict);
    explain(founding, verdict->reason, verdict->subject);
    if (verdict->step == FOUNDING_FOUND && !own->has_group && confirm(founding))
        return;
    if (verdict->step != FOUNDING_FOUND)
        founding->seen.count = 0;
    if (verdict->step == FOUNDING_TAKE && !own->has_group)
        found(founding);
    if (verdict->step == FOUNDING_JOIN)
        ask_to_join(founding, verdict->whom);
    pause_between_rounds(founding);
}

static void round_of_joining(struct founding *founding)
{
    for (size_t i = 0; i < founding->join_count && !founding->is_settled && !founding->is_stopping; i++)
        ask_to_join(founding, founding->joins[i]);
    pause_between_rounds(founding);
}

static void *run(void *argument)
{
    struct founding *founding = argument;
    struct own_state own = look_at_self(founding);
    /* A queen who knows a group that has no place for her was on her way into it, or was removed from it. Where her log is whole, it
     * tells; a snapshot does not: then she must not come back by herself. */
    bool may_ask = own.membership == ON_HER_WAY || !(own.has_group && own.has_snapshot);
    founding->started_ms = hive_clock_monotonic_ms();
    for (; !founding->is_stopping; own = look_at_self(founding)) {
        if (own.membership == MEMBER || own.membership == REMOVED)
            break;
        if (founding->standby) {
            explain(founding, "waits to be added to a group: 'hive members add'", "standby");
            pause_between_rounds(founding);
        } else if (!may_ask) {
            explain(founding,
                    "this queen's data directory belongs to a group in which she has no place yet, or none "
                    "any more: "
                    "unless its leader calls, add her with 'hive members add', or empty the directory",
                    "strange group");
            pause_between_rounds(founding);
        } else if (founding->is_settled) {
            pause_for(founding, SETTLED_MS);
        } else if (founding->join_count > 0) {
            round_of_joining(founding);
        } else {
            round_of_founding(founding, &own);
        }
    }
    set_reason(founding, "");
    return NULL;
}

/* ---- its life ---- */

static char **copy_list(const struct hive_strings *list, size_t *count)
{
    *count = list ? list->count : 0;
    char **copy = hive_calloc(*count + 1, sizeof *copy);
    for (size_t i = 0; i < *count; i++)
        copy[i] = hive_strdup(list->items[i]);
    return copy;
}

struct founding *founding_create(const struct founding_config *config)
{
    struct founding *founding = hive_calloc(1, sizeof *founding);
    founding->queen = config->queen;
    founding->address = hive_strdup(config->address);
    founding->token = hive_strdup(config->token);
    founding->self = (struct founding_self){.id = config->id, .address = founding->address};
    founding->standby = config->standby;
    founding->queens = copy_list(config->queens, &founding->queen_count);
    founding->joins = copy_list(config->join, &founding->join_count);
    founding->peers = hive_calloc(founding->queen_count + 1, sizeof *founding->peers);
    pthread_mutex_init(&founding->lock, NULL);
    return founding;
}

void founding_start(struct founding *founding)
{
    struct own_state own = look_at_self(founding);
    if (own.membership == MEMBER || own.membership == REMOVED)
        return;
    set_reason(founding, "looks for her group");
    founding->client = hive_http_client_create();
    founding->is_started = pthread_create(&founding->thread, NULL, run, founding) == 0;
    if (!founding->is_started)
        abort(); /* for want of memory only, like all threads of a queen */
    pthread_setname_np(founding->thread, "founding");
}

void founding_stop(struct founding *founding)
{
    if (!founding || !founding->is_started)
        return;
    founding->is_stopping = true;
    hive_http_client_wake(founding->client);
    pthread_join(founding->thread, NULL);
    hive_http_client_destroy(founding->client);
    founding->is_started = false;
}

static void free_list(char **list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(list[i]);
    free(list);
}

void founding_destroy(struct founding *founding)
{
    if (!founding)
        return;
    founding_stop(founding);
    hive_buffer_finish(&founding->reply.body);
    free_list(founding->queens, founding->queen_count);
    free_list(founding->joins, founding->join_count);
    free(founding->peers);
    free(founding->address);
    free(founding->token);
    pthread_mutex_destroy(&founding->lock);
    free(founding);
}
