/* The queens of the group: who they are, and how they come and go. Changes are the leader's business; others redirect to it. They are
 * answered when they are committed, so whoever reads "OK" may rely on it. */
#include <errno.h>
#include <inttypes.h>

#include "hive/address.h"
#include "hive/clock.h"
#include "hive/json.h"
#include "hive/memory.h"
#include "http/answer.h"
#include "http/handlers.h"
#include "queen/group.h"
#include "raft/configuration.h"

#define NOBODY   UINT64_MAX /* an id that no member has: the leader says that there is no such member */
#define BEST     "best"     /* instead of an id: whoever is best up to date */
#define ALIVE_MS 1000       /* whoever answered so long ago at most is taken to be alive */

/* A change under way. */
struct change {
    struct hive_request *request;
    struct node *node;
    struct raft_change change;
};

/* Answers for everything but a success; true where it did. */
static bool answer_unless_changed(struct hive_request *request, const struct queen_answer *answer)
{
    if (answer->outcome != QUEEN_REFUSED || answer->refusal != RAFT_UNKNOWN_MEMBER)
        return answer_unless_done(request, answer);
    hive_request_reply_problem(request, 404, "not-found",
                               "no member has this id or address: 'hive members' (GET /members) lists them");
    return true;
}

static void on_changed(const struct queen_answer *answer, void *context)
{
    struct change *change = context;
    if (!answer_unless_changed(change->request, answer)) {
        struct hive_buffer json = {0};
        hive_buffer_format(&json, "{\"result\":\"OK\",\"id\":\"%" PRIu64 "\",\"index\":%" PRIu64 "}",
                           change->change.member.id, answer->index);
        hive_request_reply_json(change->request, 200, &json);
    }
    free(change);
}

static void start(struct change *change)
{
    queen_change(change->node->queen, &change->change, on_changed, change);
}

static struct change *new_change(struct hive_request *request, struct node *node, enum raft_change_type type)
{
    struct change *change = hive_calloc(1, sizeof *change);
    *change = (struct change){.request = request, .node = node, .change.type = type};
    return change;
}

/* The member that the path names, by id or address. NOBODY where this queen knows none: the leader has the last word. */
static raft_id named_member(struct hive_request *request, const struct node *node)
{
    const char *name = hive_request_segment(request, 0, NULL);
    raft_id id = group_parse_id(name);
    if (id)
        return id;
    struct raft_configuration *members = hive_malloc(sizeof *members);
    queen_members(node->queen, members, NULL);
    const struct raft_member *member = raft_configuration_find_address(members, name);
    id = member ? member->id : NOBODY;
    free(members);
    return id;
}

/* ---- GET /members ---- */

void handle_list_members(struct hive_request *request, void *context)
{
    struct node *node = context;
    if (answer_if_drone(request, node))
        return;
    struct raft_configuration *members = hive_calloc(2, sizeof *members), *founding = members + 1;
    struct queen_status *status = hive_malloc(sizeof *status);
    struct hive_buffer json = {0};
    queen_members(node->queen, members, founding);
    queen_status(node->queen, status);
    group_append(&json, node->address, status, members, founding);
    free(status);
    free(members);
    hive_request_reply_json(request, 200, &json);
}

/* ---- POST /members ---- */

static int parse_addition(const cJSON *json, struct raft_member *member, struct hive_error *error)
{
    const char *id, *address, *kind = raft_member_kind_names[RAFT_MEMBER_JOINING];
    struct hive_address parsed;
    if (hive_json_string(json, "id", &id, error) || hive_json_string(json, "address", &address, error) ||
        hive_json_string(json, "kind", &kind, error) == -EINVAL)
        return -EINVAL;
    member->id = group_parse_id(id);
    if (!member->id)
        return hive_error_set(
            error, -EINVAL,
            "\"id\" must be the queen's own, which her GET /members tells: a decimal number, "
            "as a text");
    if (hive_address_parse(address, &parsed, error))
        return hive_error_prefix(error, -EINVAL, "\"address\"");
    if (parsed.port == 0)
        return hive_error_set(error, -EINVAL,
                              "\"address\" must have the port that the queen listens on, not 0");
    hive_address_format(&parsed, member->address);
    for (int i = RAFT_MEMBER_JOINING; i <= RAFT_MEMBER_LEARNER; i++)
        if (strcmp(kind, raft_member_kind_names[i]) == 0)
            member->kind = (enum raft_member_kind)i;
    if (!member->kind)
        return hive_error_set(error, -EINVAL,
                              "\"kind\" must be \"joining\", who gets a vote once she has caught up, or "
                              "\"learner\", who gets none until she is promoted");
    return 0;
}

/* Whether the new member would take the address of another one that is alive: then one of the two does not know her own. As a
 * leader sees it; others redirect. */
static bool is_taken(const struct node *node, const struct raft_member *member)
{
    if (strcmp(member->address, node->address) == 0)
        return member->id != queen_id(node->queen);
    struct queen_status *status = hive_malloc(sizeof *status);
    queen_status(node->queen, status);
    bool is_so = false;
    for (size_t i = 0; i < status->peer_count && status->role == RAFT_LEADER; i++) {
        const struct queen_peer *peer = &status->peers[i];
        is_so = is_so || (peer->id != member->id && strcmp(peer->address, member->address) == 0 &&
                          hive_clock_unix_ms() - peer->last_ack_ms < ALIVE_MS);
    }
    free(status);
    return is_so;
}

void handle_add_member(struct hive_request *request, void *context)
{
    struct node *node = context;
    size_t bytes;
    const char *body = hive_request_body(request, &bytes);
    struct hive_error error;
    if (answer_if_drone(request, node))
        return;
    struct change *change = new_change(request, node, RAFT_CHANGE_ADD);
    struct raft_member *member = &change->change.member;
    cJSON *json = hive_json_parse_object(body, bytes, &error);
    int code = json ? parse_addition(json, member, &error) : -EINVAL;
    cJSON_Delete(json);
    if (code) {
        hive_request_reply_problem(request, 400, "bad-request", "%s", error.message);
        free(change);
    } else if (is_taken(node, member)) {
        /* A member with the address of another is taken for her successor. */
        hive_request_reply_problem(
            request, 409, "address-taken",
            "%s is the address of a queen that is alive: give the new one an address of "
            "her own (--listen or --advertise)",
            member->address);
        free(change);
    } else {
        start(change);
    }
}

/* ---- POST /members/ID/promote, DELETE /members/ID ---- */

static void change_named(struct hive_request *request, struct node *node, enum raft_change_type type)
{
    if (answer_if_drone(request, node))
        return;
    struct change *change = new_change(request, node, type);
    change->change.member.id = named_member(request, node);
    start(change);
}

void handle_promote_member(struct hive_request *request, void *context)
{
    change_named(request, context, RAFT_CHANGE_PROMOTE);
}

void handle_remove_member(struct hive_request *request, void *context)
{
    change_named(request, context, RAFT_CHANGE_REMOVE);
}

/* ---- POST /members/ID/transfer ---- */

static void on_transferred(const struct queen_answer *answer, void *context)
{
    struct hive_request *request = context;
    if (answer_unless_changed(request, answer))
        return;
    struct hive_buffer json = {0};
    hive_buffer_append_text(&json, "{\"result\":\"OK\",\"leader\":");
    if (answer->leader)
        hive_json_append_string(&json, answer->leader, strlen(answer->leader));
    else
        hive_buffer_append_text(&json, "null");
    hive_buffer_append_text(&json, "}");
    hive_request_reply_json(request, 200, &json);
}

void handle_transfer_leadership(struct hive_request *request, void *context)
{
    struct node *node = context;
    if (answer_if_drone(request, node))
        return;
    bool is_best = strcmp(hive_request_segment(request, 0, NULL), BEST) == 0;
    queen_transfer(node->queen, is_best ? 0 : named_member(request, node), on_transferred, request);
}
