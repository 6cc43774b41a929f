/* Outcomes as HTTP: one place that decides which status says "did not happen", and which "nobody knows". */
#include "http/answer.h"

#include <errno.h>

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

bool answer_unless_done(struct hive_request *request, const struct queen_answer *answer)
{
    switch (answer->outcome) {
    case QUEEN_DONE:
        return false;
    case QUEEN_NOT_LEADER:
        if (answer->leader)
            redirect(request, answer->leader);
        else
            try_later(request, "no-leader",
                      "there is no leader now, and nothing was changed: try again in a second, or see "
                      "/healthz of the "
                      "queens if that goes on (a majority of them must be up)");
        return true;
    case QUEEN_DISCARDED:
        try_later(
            request, "not-applied",
            "the leader changed before this was replicated, and it was certainly not applied: try again");
        return true;
    case QUEEN_UNKNOWN:
        hive_request_reply_problem(
            request, 504, "unknown-outcome",
            "no majority confirmed this in time: it may or may not be applied, now or later; read "
            "before you repeat it");
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
    *stale = consistency && !strcmp(consistency, "stale");
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
