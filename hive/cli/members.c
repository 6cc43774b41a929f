/* hive members: the queens of the group, and how they come and go. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>

#include "cli/cli.h"
#include "cli/table.h"
#include "client/fields.h"
#include "hive/address.h"
#include "hive/clock.h"
#include "hive/http_client.h"
#include "hive/json.h"
#include "hive/memory.h"
#include "queen/group.h"

#define ASK_MS          2000 /* for the new queen to say who she is; she may just be starting */
#define RETRY_MS        100  /* between tries while a change before this one is not committed */
#define WAIT_FIRST_MS   20   /* between two looks at a member that catches up, at first … */
#define WAIT_LONGEST_MS 500
#define PROGRESS_MS     1000 /* between two lines about it */

struct members {
    struct cli cli;
    bool learner, wait;
};

const struct hive_option cli_members_options[] = {
    {.name = "learner",
     .type = HIVE_OPTION_FLAG,
     .offset = offsetof(struct members, learner),
     .help = "add: take her in without a vote, until she is promoted"},
    {.name = "wait",
     .letter = 'w',
     .type = HIVE_OPTION_FLAG,
     .offset = offsetof(struct members, wait),
     .help = "add: wait until the queen has caught up (and has her vote, unless she is a learner)"},
    CLI_OPTIONS,
};

/* ---- the list ---- */

struct member_row {
    char id[HIVE_ID_BYTES];
    char address[HIVE_ADDRESS_BYTES];
    char kind[16];
    bool leader;
    int64_t match_index, last_ack_ms; /* -1: not known */
};

static const struct field row_fields[] = {
    {"id", FIELD_TEXT, FIELD_REQUIRED, FIELD_OF(struct member_row, id), NULL},
    {"address", FIELD_TEXT, FIELD_REQUIRED, FIELD_OF(struct member_row, address), NULL},
    {"kind", FIELD_TEXT, FIELD_REQUIRED, FIELD_OF(struct member_row, kind), NULL},
    {"leader", FIELD_FLAG, FIELD_OPTIONAL, FIELD_OF(struct member_row, leader), NULL},
    {"match_index", FIELD_NUMBER, FIELD_OPTIONAL, FIELD_OF(struct member_row, match_index), NULL},
    {"last_ack_ms", FIELD_NUMBER, FIELD_OPTIONAL, FIELD_OF(struct member_row, last_ack_ms), NULL},
    {0},
};

static const struct cli_table_column columns[] = {
    {"QUEEN", false}, {"KIND", false}, {"ROLE", false}, {"BEHIND", true}, {"SEEN", true}, {"ID", false},
};

static int read_row(const cJSON *entry, struct member_row *row, struct hive_error *error)
{
    *row = (struct member_row){.match_index = -1};
    return hive_fields_read(entry, row_fields, row, error);
}

static const cJSON *member_array(const cJSON *json)
{
    return cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(json, "configuration"),
                                            "members");
}

static int64_t last_index(const cJSON *json)
{
    int64_t last = 0;
    hive_json_int(json, "last_index", 0, INT64_MAX, &last, NULL);
    return last;
}

/* As the leader has it, who alone knows how far the others are; or any queen's word where there is none. */
static cJSON *get_members(const struct cli *cli, enum hive_exit *exit_status)
{
    cJSON *json = cli_get_json(cli, "/members", exit_status);
    const char *leader = NULL, *address = "";
    if (!json)
        return NULL;
    hive_json_string(json, "leader", &leader, NULL);
    hive_json_string(json, "address", &address, NULL);
    if (!leader || strcmp(leader, address) == 0 || strlen(leader) >= HIVE_ADDRESS_BYTES)
        return json;
    char place[1][HIVE_ADDRESS_BYTES];
    snprintf(place[0], sizeof place[0], "%s", leader);
    struct hive_target target = {.addresses = place, .count = 1};
    memcpy(target.token, cli->target.token, sizeof target.token);
    struct hive_answer answer;
    struct hive_call call = {
        .method = "GET", .path = "/members", .timeout_ms = ASK_MS, .is_idempotent = true};
    if (hive_call(&target, &call, &answer, NULL) == HIVE_EXIT_OK) {
        cJSON *better = hive_json_parse_object(answer.body.data, answer.body.size, NULL);
        if (better) {
            cJSON_Delete(json);
            json = better;
        }
    }
    hive_answer_finish(&answer);
    return json;
}

static void add_row(struct cli_table *table, const struct member_row *row, int64_t last, int64_t now_ms)
{
    cli_table_add(table, "%s", row->address);
    cli_table_add(table, "%s", row->kind);
    cli_table_add(table, "%s", row->leader ? "LEADER" : "-");
    if (row->match_index >= 0)
        cli_table_add(table, "%" PRId64, last > row->match_index ? last - row->match_index : 0);
    else
        cli_table_add(table, "-");
    cli_table_add_age(table, row->leader ? -1 : cli_table_age_ms(now_ms, row->last_ack_ms));
    cli_table_add(table, "%s", row->id);
}

static enum hive_exit print_members(const cJSON *json)
{
    struct cli_table table = CLI_TABLE(columns);
    struct hive_error error = {{0}};
    const char *address = "the queen";
    const cJSON *entry;
    int result = 0;
    hive_json_string(json, "address", &address, NULL);
    cJSON_ArrayForEach(entry, member_array(json))
    {
        struct member_row row;
        result = read_row(entry, &row, &error);
        if (result)
            break;
        add_row(&table, &row, last_index(json), hive_clock_unix_ms());
    }
    bool is_empty = table.cell_count == 0;
    if (!result && !is_empty)
        cli_table_print(&table, stdout);
    cli_table_finish(&table);
    if (result)
        return cli_fail(HIVE_EXIT_FAILED, "the list of members is not Hive's: %s", error.message);
    return is_empty ? cli_fail(HIVE_EXIT_UNAVAILABLE,
                               "%s belongs to no group yet: her log and 'hive status' say what she waits for",
                               address)
                    : HIVE_EXIT_OK;
}

static enum hive_exit list(const struct members *members)
{
    enum hive_exit exit_status;
    cJSON *json = get_members(&members->cli, &exit_status);
    if (!json)
        return exit_status;
    if (!members->cli.json)
        exit_status = print_members(json);
    if (members->cli.json)
        cli_print_json(json);
    else
        cJSON_Delete(json);
    return exit_status;
}

/* ---- changes ---- */

/* "change-pending" and the like: it will be possible in a moment. */
static bool will_pass(const struct hive_answer *answer)
{
    static const char *const passing[] = {"change-pending", "too-early", "address-taken", NULL};
    const char *type = "";
    bool passes = false;
    if (answer->status != 409)
        return false;
    cJSON *json = hive_json_parse_object(answer->body.data ? answer->body.data : "", answer->body.size, NULL);
    if (json)
        hive_json_string(json, "type", &type, NULL);
    const char *last = strrchr(type, '/');
    for (size_t i = 0; passing[i]; i++)
        passes |= strcmp(last ? last + 1 : type, passing[i]) == 0;
    cJSON_Delete(json);
    return passes;
}

/* Calls the leader, again while it says that the time has not come. The JSON that it answers, or NULL and what failed is printed. */
static cJSON *change(const struct cli *cli, const char *method, const char *path,
                     const struct hive_buffer *body, enum hive_exit *exit_status)
{
    struct hive_answer answer;
    struct hive_error error = {{0}};
    int64_t end_ms = hive_clock_monotonic_ms() + cli->timeout_ms, left_ms;
    struct hive_call call = {.method = method,
                             .path = path,
                             .content_type = body ? "application/json" : NULL,
                             .body = body ? body->data : NULL,
                             .body_bytes = body ? body->size : 0};
    for (;;) {
        left_ms = end_ms - hive_clock_monotonic_ms();
        call.timeout_ms = left_ms > 0 ? left_ms : 1;
        *exit_status = hive_call(&cli->target, &call, &answer, &error);
        if (left_ms <= RETRY_MS || !will_pass(&answer))
            break;
        hive_answer_finish(&answer);
        poll(NULL, 0, RETRY_MS);
    }
    cJSON *json = NULL;
    if (*exit_status == HIVE_EXIT_UNKNOWN)
        cli_fail(*exit_status, "%s; look with 'hive members' before you do it again", error.message);
    else if (*exit_status != HIVE_EXIT_OK)
        cli_fail(*exit_status, "%s", error.message);
    else if (!(json = cli_answer_json(&answer)))
        *exit_status = HIVE_EXIT_FAILED;
    hive_answer_finish(&answer);
    return json;
}

/* Prints the answer as it is, or this text. */
static void print_done(const struct members *members, cJSON *json, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void print_done(const struct members *members, cJSON *json, const char *format, ...)
{
    if (members->cli.json) {
        cli_print_json(json);
    } else {
        struct hive_buffer text = {0}, line = {0};
        va_list arguments;
        va_start(arguments, format);
        hive_buffer_vformat(&text, format, arguments);
        va_end(arguments);
        cli_table_escape(&line, text.data, text.size);
        puts(line.data);
        hive_buffer_finish(&text);
        hive_buffer_finish(&line);
        cJSON_Delete(json);
    }
    fflush(stdout); /* who reads it need not wait for what comes behind */
}

static void member_path(struct hive_buffer *path, const char *name, const char *action)
{
    hive_buffer_append_text(path, "/members/");
    hive_path_append(path, name);
    hive_buffer_append_text(path, action);
}

static enum hive_exit promote(const struct members *members, const char *name)
{
    struct hive_buffer path = {0};
    enum hive_exit exit_status;
    member_path(&path, name, "/promote");
    cJSON *json = change(&members->cli, "POST", path.data, NULL, &exit_status);
    if (json)
        print_done(members, json, "%s has a vote now", name);
    hive_buffer_finish(&path);
    return exit_status;
}

static enum hive_exit remove_member(const struct members *members, const char *name)
{
    struct hive_buffer path = {0};
    enum hive_exit exit_status;
    member_path(&path, name, "");
    cJSON *json = change(&members->cli, "DELETE", path.data, NULL, &exit_status);
    if (json)
        print_done(members, json, "%s is no member any more: she can be stopped", name);
    hive_buffer_finish(&path);
    return exit_status;
}

static enum hive_exit transfer(const struct members *members, const char *name)
{
    struct hive_buffer path = {0};
    enum hive_exit exit_status;
    const char *leader = NULL;
    member_path(&path, name ? name : "best", "/transfer");
    cJSON *json = change(&members->cli, "POST", path.data, NULL, &exit_status);
    if (json) {
        hive_json_string(json, "leader", &leader, NULL);
        print_done(members, json, "%s leads now", leader ? leader : name ? name : "another queen");
    }
    hive_buffer_finish(&path);
    return exit_status;
}

/* ---- add ---- */

/* Asks the queen at `address` who she is; waits a moment for one that is just starting. */
static enum hive_exit ask_who(const struct members *members, const char *address, struct group_answer *queen)
{
    struct hive_error error = {{0}};
    struct hive_http_reply reply = {0};
    int64_t patience_ms = members->cli.timeout_ms < ASK_MS ? members->cli.timeout_ms : ASK_MS;
    int64_t end_ms = hive_clock_monotonic_ms() + patience_ms;
    char *url = hive_format("http://%s/members", address);
    struct hive_http_request request = {.method = "GET",
                                        .url = url,
                                        .token =
                                            *members->cli.target.token ? members->cli.target.token : NULL,
                                        .timeout_ms = patience_ms,
                                        .response_bytes = GROUP_ANSWER_BYTES};
    int code;
    while ((code = hive_http_call(&request, &reply, &error)) == -ECONNREFUSED &&
           hive_clock_monotonic_ms() < end_ms)
        poll(NULL, 0, RETRY_MS);
    free(url);
    enum hive_exit exit_status = HIVE_EXIT_OK;
    if (code)
        exit_status =
            cli_fail(HIVE_EXIT_UNAVAILABLE,
                     "nobody answers at %s: start the queen there first ('hive --queen --standby')", address);
    else if (reply.status == 401 || reply.status == 403)
        exit_status = cli_fail(HIVE_EXIT_FAILED, "%s has another token than this cluster", address);
    else if (reply.status != 200 ||
             group_parse(reply.body.data ? reply.body.data : "", reply.body.size, queen, &error))
        exit_status = cli_fail(HIVE_EXIT_FAILED, "%s is no queen (HTTP %d%s%s)", address, reply.status,
                               *error.message ? ": " : "", error.message);
    hive_http_reply_finish(&reply);
    return exit_status;
}

/* A queen with a group of her own would lose what she knows, or bring two groups together. */
static enum hive_exit check_group(const struct members *members, const struct group_answer *queen)
{
    struct group_answer *group = hive_malloc(sizeof *group);
    enum hive_exit exit_status = HIVE_EXIT_OK;
    struct hive_error error = {{0}};
    if (queen->standing != RAFT_STANDING_VOTER && queen->standing != RAFT_STANDING_LEARNER)
        goto out;
    cJSON *json = get_members(&members->cli, &exit_status);
    char *text = json ? hive_json_print_and_delete(json) : NULL;
    if (text && group_parse(text, strlen(text), group, &error))
        exit_status = cli_fail(HIVE_EXIT_FAILED, "the list of members is not Hive's: %s", error.message);
    else if (text && !group_is_shared(group, queen)) /* one who was removed may not have heard of it */
        exit_status =
            cli_fail(HIVE_EXIT_FAILED,
                     "%s is a member of another group: stop her, empty her data directory and start her "
                     "with --standby, if that group is not needed any more",
                     queen->address);
    free(text);
out:
    free(group);
    return exit_status;
}

/* One look: 1 while she is on her way, 0 when she has arrived or it failed. */
static int look(const struct members *members, const struct group_answer *queen, int64_t goal,
                int64_t *said_ms, enum hive_exit *exit_status)
{
    struct hive_error error = {{0}};
    struct member_row row = {0};
    char id[HIVE_ID_BYTES];
    cJSON *json = get_members(&members->cli, exit_status);
    const cJSON *entry;
    bool is_found = false;
    if (!json)
        return 0;
    snprintf(id, sizeof id, "%" PRIu64, queen->id);
    cJSON_ArrayForEach(entry, member_array(json)) if (!is_found) is_found =
        read_row(entry, &row, &error) == 0 && strcmp(row.id, id) == 0;
    int64_t behind = row.match_index >= 0 ? last_index(json) - row.match_index : -1,
            now_ms = hive_clock_monotonic_ms();
    cJSON_Delete(json);
    if (!is_found) {
        *exit_status = cli_fail(HIVE_EXIT_FAILED, "%s was removed again meanwhile", queen->address);
        return 0;
    }
    if (members->learner ? row.match_index >= goal : strcmp(row.kind, "voter") == 0)
        return 0;
    if (behind >= 0 && now_ms - *said_ms >= PROGRESS_MS) {
        fprintf(stderr, "hive: %s is %" PRId64 " entries behind\n", queen->address, behind);
        *said_ms = now_ms;
    }
    return 1;
}

static enum hive_exit await_arrival(const struct members *members, const struct group_answer *queen,
                                    int64_t goal)
{
    enum hive_exit exit_status = HIVE_EXIT_OK;
    int64_t said_ms = hive_clock_monotonic_ms();
    int pause_ms = WAIT_FIRST_MS;
    while (look(members, queen, goal, &said_ms, &exit_status)) {
        poll(NULL, 0, pause_ms);
        pause_ms = pause_ms * 2 < WAIT_LONGEST_MS ? pause_ms * 2 : WAIT_LONGEST_MS;
    }
    if (exit_status == HIVE_EXIT_OK && !members->cli.json)
        printf("%s has caught up%s\n", queen->address, members->learner ? "" : " and has a vote");
    return exit_status;
}

static enum hive_exit add(const struct members *members, const char *address)
{
    struct hive_address parsed;
    struct hive_error error = {{0}};
    if (hive_address_parse(address, &parsed, &error) || parsed.port == 0)
        return cli_fail(HIVE_EXIT_USAGE, "'%s' is no address to call%s%s", address,
                        *error.message ? ": " : "", error.message);
    struct group_answer *queen = hive_malloc(sizeof *queen);
    struct hive_buffer body = {0};
    int64_t index = 0;
    const char *kind = members->learner ? "learner" : "joining";
    enum hive_exit exit_status = ask_who(members, address, queen);
    if (exit_status == HIVE_EXIT_OK)
        exit_status = check_group(members, queen);
    if (exit_status != HIVE_EXIT_OK)
        goto out;
    hive_buffer_format(&body, "{\"id\":\"%" PRIu64 "\",\"address\":", queen->id);
    hive_json_append_string(&body, queen->address, strlen(queen->address));
    hive_buffer_format(&body, ",\"kind\":\"%s\"}", kind);
    cJSON *json = change(&members->cli, "POST", "/members", &body, &exit_status);
    if (!json)
        goto out;
    hive_json_int(json, "index", 0, INT64_MAX, &index, NULL);
    print_done(members, json, "%s is a member now (%s, id %" PRIu64 ")", queen->address, kind, queen->id);
    if (members->wait)
        exit_status = await_arrival(members, queen, index);
out:
    hive_buffer_finish(&body);
    free(queen);
    return exit_status;
}

/* ---- the verb ---- */

static const struct {
    const char *name;
    size_t arguments_min, arguments_max;
    enum hive_exit (*run)(const struct members *members, const char *argument);
} actions[] = {
    {"add", 1, 1, add},
    {"promote", 1, 1, promote},
    {"remove", 1, 1, remove_member},
    {"transfer", 0, 1, transfer},
};

static enum hive_exit run(const struct members *members)
{
    const struct hive_strings *arguments = &members->cli.arguments;
    const char *name = arguments->count ? arguments->items[0] : NULL;
    bool is_add = name && strcmp(name, "add") == 0;
    if ((members->learner || members->wait) && !is_add)
        return cli_fail(HIVE_EXIT_USAGE, "--%s is for 'hive members add'",
                        members->learner ? "learner" : "wait");
    if (!name)
        return list(members);
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
        size_t count = arguments->count - 1;
        if (strcmp(actions[i].name, name) != 0)
            continue;
        if (count < actions[i].arguments_min || count > actions[i].arguments_max)
            return cli_fail(HIVE_EXIT_USAGE, "'hive members %s' takes %s: see 'hive members --help'", name,
                            is_add                     ? "the address of the new queen"
                            : actions[i].arguments_min ? "one member's id or address"
                                                       : "one member's id or address, or nothing");
        return actions[i].run(members, count ? arguments->items[1] : NULL);
    }
    return cli_fail(HIVE_EXIT_USAGE,
                    "'%s' cannot be done with members: there are add, promote, remove and transfer", name);
}

int cli_members(const struct hive_command *command, int argc, char **argv)
{
    struct members members = {.cli.timeout_ms = CLI_TIMEOUT_MS};
    int exit_status;
    if (!cli_begin(&members.cli, command, argc, argv, &exit_status))
        return exit_status;
    exit_status = run(&members);
    cli_end(&members.cli);
    return exit_status;
}
