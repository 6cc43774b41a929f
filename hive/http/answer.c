/* Outcomes as HTTP: one place that decides which status says "did not happen", and which "nobody knows"; and the
 * headers that every kind of write or read shares. */
#include "http/answer.h"

#include <errno.h>
#include <inttypes.h>

#include "hive/encoding.h"
#include "hive/json.h"
#include "hive/memory.h"

static void redirect(struct hive_request *request, const char *leader)
{
    char *location = hive_format("http://%s%s", leader, hive_request_target(request));
    hive_request_set_header(request, "Location", location);
    hive_request_reply_problem(request, 307, "not-leader",
                               "the leader is %s: repeat the request there (curl -L does)", leader);
    free(location);
}

static void try_later(struct hive_request *request, const char *type, const char *detail)
{
    hive_request_set_header(request, "Retry-After", "1");
    hive_request_reply_problem(request, 503, type, "%s", detail);
}

/* What a change of members or a transfer was refused for, and what to do about it. Two of them pass by themselves. */
static void refuse(struct hive_request *request, enum raft_status status)
{
    const char *type = "refused", *detail = "the leader refused this";
    bool passes = false;
    switch (status) {
    case RAFT_OK:
    case RAFT_NOT_LEADER:
    case RAFT_TRANSFERRING:
        try_later(request, "no-leader",
                  "the leadership is being handed over, and nothing was changed: try again in a second");
        return;
    case RAFT_CHANGE_PENDING:
        type = "change-pending";
        detail = "another change of the members is not committed yet, and only one is made at a time: try "
                 "again in a "
                 "second, or see /members";
        passes = true;
        break;
    case RAFT_TOO_EARLY:
        type = "too-early";
        detail = "the leader has committed nothing in its term yet, and must before it changes the members: "
                 "try again "
                 "in a second";
        passes = true;
        break;
    case RAFT_UNKNOWN_MEMBER:
        type = "unknown-member";
        detail = "no member has this id or address: see /members for those there are";
        break;
    case RAFT_ALREADY_MEMBER:
        type = "already-member";
        detail = "it is such a member already, and nothing need be done: see /members";
        break;
    case RAFT_NOT_CAUGHT_UP:
        type = "not-caught-up";
        detail = "it is too far behind the leader: wait until /healthz of the leader shows it close to the "
                 "end of the "
                 "log, then try again";
        break;
    case RAFT_LAST_VOTER:
        type = "last-voter";
        detail = "it is the last one that votes, and nobody would be left to lead: add and promote another "
                 "queen first";
        break;
    case RAFT_GROUP_FULL:
        type = "group-full";
        detail = "the group has as many members as one can have: remove one first";
        break;
    case RAFT_NOT_VOTER:
        type = "not-voter";
        detail = "only another voter can take the leadership over: name one, or promote this one first";
        break;
    }
    if (passes)
        hive_request_set_header(request, "Retry-After", "1");
    hive_request_reply_problem(request, 409, type, "%s", detail);
}

static bool asks_stale(const struct hive_request *request)
{
    const char *consistency = hive_request_query(request, "consistency");
    return consistency && !strcmp(consistency, "stale");
}

/* How old at most is what a stale read shows. */
static void tell_age(struct hive_request *request, const struct queen_answer *answer)
{
    char age[24] = "unknown";
    if (!answer->machine || !asks_stale(request))
        return;
    if (answer->age_ms >= 0)
        snprintf(age, sizeof age, "%" PRId64, answer->age_ms);
    hive_request_set_header(request, "Hive-Data-Age-Ms", age);
}

bool answer_unless_done(struct hive_request *request, const struct queen_answer *answer)
{
    switch (answer->outcome) {
    case QUEEN_DONE:
        tell_age(request, answer);
        return false;
    case QUEEN_REFUSED:
        refuse(request, answer->refusal);
        return true;
    case QUEEN_NOT_LEADER:
        if (answer->leader)
            redirect(request, answer->leader);
        else
            try_later(request, "no-leader",
                      "there is no leader now, and nothing was changed: try again in a second, or see "
                      "/healthz of the "
                      "queens if that goes on (a majority of them must be up)");
        return true;
    case QUEEN_DISCARDED: /* no client's */
    case QUEEN_UNKNOWN:
        hive_request_reply_problem(
            request, 504, "unknown-outcome",
            "no majority confirmed this in time: it may or may not be applied, now or later; a write with an "
            "Idempotency-Key can be repeated with the same one, else read before you repeat it");
        return true;
    case QUEEN_UNCONFIRMED:
        try_later(
            request, "no-quorum",
            "no majority of the queens confirmed in time that this one still leads: try again, or read with "
            "?consistency=stale what may be out of date");
        return true;
    case QUEEN_BUSY:
        try_later(request, "busy",
                  "too many requests are waiting, and this one was not taken: try again in a second");
        return true;
    case QUEEN_STOPPING:
        try_later(request, "stopping", "this queen is stopping, and nothing was changed: ask another one");
        return true;
    }
    return false;
}

bool answer_unless_applied(struct hive_request *request, const struct queen_answer *answer)
{
    if (answer_unless_done(request, answer))
        return true;
    if (answer->result->status == MACHINE_KEY_REUSED) {
        hive_request_reply_problem(request, 422, "key-reused",
                                   "this Idempotency-Key was used for another write, and nothing was "
                                   "changed: take a new key for each "
                                   "write, and the same one only to repeat it");
        return true;
    }
    if (answer->result->replayed)
        hive_request_set_header(request, "Idempotency-Replayed", "true");
    return false;
}

bool answer_idempotency_key(struct hive_request *request, struct machine_bytes *key)
{
    const char *text = hive_request_header(request, "Idempotency-Key");
    if (!text)
        return true;
    size_t bytes = strlen(text), printable = 0;
    while (text[printable] >= ' ' && text[printable] <= '~')
        printable++;
    if (bytes == 0 || bytes > HIVE_IDEMPOTENCY_KEY_BYTES || printable < bytes) {
        hive_request_reply_problem(request, 400, "bad-request",
                                   "Idempotency-Key must have 1 to %d printable ASCII characters",
                                   HIVE_IDEMPOTENCY_KEY_BYTES);
        return false;
    }
    *key = (struct machine_bytes){.data = text, .size = bytes};
    return true;
}

void answer_full(struct hive_request *request, int cap, const char *what)
{
    struct hive_buffer detail = {0};
    hive_buffer_append_text(&detail, "");
    if (what)
        hive_buffer_format(&detail, "%d %s", cap, what);
    if (hive_request_header(request, "Idempotency-Key")) {
        hive_request_set_header(request, "Retry-After", "1");
        hive_buffer_format(
            &detail,
            "%s%d writes with an Idempotency-Key were made within %d s, which is the most: try again "
            "in a while, or without a key",
            what ? "; or " : "", HIVE_SESSIONS, HIVE_SESSION_FLOOR_MS / 1000);
    }
    hive_request_reply_problem(request, 429, "full", "%s", detail.data);
    hive_buffer_finish(&detail);
}

bool answer_if_drone(struct hive_request *request, const struct node *node)
{
    if (node->queen)
        return false;
    hive_request_reply_problem(request, 400, "wrong-mode", "this node is a drone: send this to a queen");
    return true;
}

bool answer_reads_stale(struct hive_request *request, bool *stale)
{
    const char *consistency = hive_request_query(request, "consistency");
    *stale = asks_stale(request);
    if (!consistency || *stale || !strcmp(consistency, "linearizable"))
        return true;
    hive_request_reply_problem(request, 400, "bad-request",
                               "consistency must be \"linearizable\" (default) or \"stale\"");
    return false;
}

bool answer_limit(struct hive_request *request, int64_t *limit)
{
    const char *text = hive_request_query(request, "limit");
    *limit = HIVE_LIST_ENTRIES;
    if (!text)
        return true;
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (errno || end == text || *end || number < 1 || number > HIVE_LIST_ENTRIES) {
        hive_request_reply_problem(request, 400, "bad-request", "limit must be a number from 1 to %d",
                                   HIVE_LIST_ENTRIES);
        return false;
    }
    *limit = number;
    return true;
}

void answer_append_bytes(struct hive_buffer *json, const char *name, struct machine_bytes bytes)
{
    /* A NUL is UTF-8, but most readers of JSON cut a text there. */
    if (hive_is_utf8(bytes.data, bytes.size) && !(bytes.size && memchr(bytes.data, '\0', bytes.size))) {
        hive_buffer_format(json, "\"%s\":", name);
        hive_json_append_string(json, bytes.data, bytes.size);
        return;
    }
    hive_buffer_format(json, "\"%s_base64\":\"", name);
    hive_base64_append(json, bytes.data, bytes.size);
    hive_buffer_append_text(json, "\"");
}
