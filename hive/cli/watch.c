/* hive watch: the changes of keys as they happen, whatever becomes of the queen that tells them.
 *
 * Any queen will do. A stream that ends, breaks or is silent for longer than twice the signs of life is left for
 * that of another queen, behind the last id: indexes are the same everywhere. A listing that is cut off has no id to go on behind: it
 * is made anew, and whoever reads is told so. */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/event_stream.h"
#include "cli/seek.h"
#include "cli/table.h"
#include "hive/clock.h"
#include "hive/http_client.h"
#include "hive/json.h"
#include "hive/memory.h"

#define SILENCE_MS       10000 /* queens give a sign of life every 5 s */
#define PAUSE_FIRST_MS   20
#define PAUSE_LONGEST_MS 500

struct watch {
    struct cli cli;
    int64_t after;     /* -1: from now on */
    int64_t count;     /* lines to print; 0: any number */
    bool list;         /* as asked for; then: a listing is to come, or has not come to its end */
    bool is_in_middle; /* some of it is printed */
    struct cli_seek seek;
    struct event_stream stream;
    struct pollfd signals; /* readable: the user wants it to end */
    int64_t printed;
    bool is_over; /* enough is printed, or it cannot go on */
    enum hive_exit exit_status;
    /* The connection. */
    char address[HIVE_ADDRESS_BYTES];
    bool is_answered, is_ended;
};

const struct hive_option cli_watch_options[] = {
    {.name = "after",
     .type = HIVE_OPTION_INT,
     .offset = offsetof(struct watch, after),
     .argument = "N",
     .help = "Begin behind index N (default: with what happens from now on)",
     .max = (int64_t)1 << 53},
    {.name = "list",
     .type = HIVE_OPTION_FLAG,
     .offset = offsetof(struct watch, list),
     .help = "Begin with all keys that there are"},
    {.name = "count",
     .letter = 'n',
     .type = HIVE_OPTION_INT,
     .offset = offsetof(struct watch, count),
     .argument = "COUNT",
     .help = "End after so many lines",
     .min = 1,
     .max = (int64_t)1 << 53},
    CLI_OPTIONS,
};

static void fail(struct watch *watch, enum hive_exit exit_status)
{
    watch->is_over = true;
    watch->exit_status = exit_status;
}

/* INDEX TYPE KEY VALUE, with tabs between. */
static void print_line(const char *type, const cJSON *json)
{
    struct hive_buffer key = {0}, value = {0}, line = {0};
    int64_t index = 0;
    hive_json_int(json, "index", 0, INT64_MAX, &index, NULL);
    cli_get_bytes(json, "key", &key);
    hive_buffer_format(&line, "%lld\t%s\t", (long long)index, type);
    cli_table_escape(&line, key.data, key.size);
    if (cli_get_bytes(json, "value", &value)) {
        hive_buffer_append(&line, "\t", 1);
        cli_table_escape(&line, value.data, value.size);
    }
    puts(line.data);
    hive_buffer_finish(&key);
    hive_buffer_finish(&value);
    hive_buffer_finish(&line);
}

/* The queen's object, with the event's name before all. */
static void print_object(const char *type, cJSON *json)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "event", type);
    while (json->child) {
        cJSON *item = cJSON_DetachItemViaPointer(json, json->child);
        cJSON_AddItemToObject(object, item->string, item);
    }
    cli_print_json(object);
}

/* One that has been passed a pipe that nobody reads any more ends, like all filters. */
static bool flush(struct watch *watch)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return true;
    fail(watch, cli_fail(HIVE_EXIT_FAILED, "cannot write: %s", strerror(errno)));
    return false;
}

/* What is told of a listing is worth something only once it is complete, whatever id may have been known before it. */
static void keep_place(struct watch *watch, const char *name, bool is_line)
{
    if (!strcmp(name, "listed"))
        watch->list = false;
    if (!strcmp(name, "too-old"))
        watch->list = true;
    watch->is_in_middle = watch->list && is_line;
}

/* The stream is over: if that was in the middle of a listing, what was printed of it is void. */
static void void_listing(struct watch *watch)
{
    if (!watch->is_in_middle || watch->is_over)
        return;
    watch->is_in_middle = false;
    cli_fail(HIVE_EXIT_OK, "the listing of %s was cut off: it begins again, with all keys", watch->address);
    if (watch->cli.json) {
        cJSON *object = cJSON_CreateObject();
        cJSON_AddStringToObject(object, "event", "again");
        cli_print_json(object);
    }
    flush(watch);
}

static bool take_event(const struct event_stream_event *event, void *context)
{
    struct watch *watch = context;
    struct hive_error error = {{0}};
    cJSON *json = hive_json_parse_object(event->data, event->bytes, &error);
    if (!json) {
        fail(watch, cli_fail(HIVE_EXIT_FAILED, "%s sends something else than Hive's events: %s",
                             watch->address, error.message));
        return false;
    }
    bool is_change = !strcmp(event->name, "put") || !strcmp(event->name, "delete"),
         is_line = is_change || !strcmp(event->name, "entry");
    int64_t oldest = 0;
    keep_place(watch, event->name, is_line);
    if (!strcmp(event->name, "too-old") && !hive_json_int(json, "oldest", 0, INT64_MAX, &oldest, NULL))
        cli_fail(
            HIVE_EXIT_OK,
            "%s has forgotten the changes before index %lld: here are all keys as they are now, and what "
            "changes from there on",
            watch->address, (long long)oldest);
    if (watch->cli.json)
        print_object(event->name, json);
    else if (is_line)
        print_line(event->name, json);
    cJSON_Delete(json);
    watch->printed += is_line;
    watch->is_over = watch->is_over || (watch->count && watch->printed == watch->count);
    return flush(watch) && !watch->is_over;
}

static bool take_piece(const void *data, size_t bytes, void *context)
{
    struct watch *watch = context;
    watch->is_answered = true;
    if (event_stream_feed(&watch->stream, data, bytes, take_event, watch))
        return true;
    if (watch->stream.is_too_long)
        fail(watch,
             cli_fail(HIVE_EXIT_FAILED, "%s sends a line that is too long for an event", watch->address));
    return false;
}

/* What a problem document says to do, or nothing. */
static void explain(struct watch *watch, const struct hive_http_response *response)
{
    const char *detail = "";
    cJSON *json =
        hive_json_parse_object(response->body.data ? response->body.data : "", response->body.size, NULL);
    if (json)
        hive_json_string(json, "detail", &detail, NULL);
    snprintf(watch->seek.reason, sizeof watch->seek.reason, "%.60s: %.150s (HTTP %d)", watch->address, detail,
             response->status);
    if (response->status >= 400 && response->status < 500)
        fail(watch, cli_fail(HIVE_EXIT_FAILED, "%s", watch->seek.reason));
    cJSON_Delete(json);
}

static void end_connection(struct hive_http_response *response, void *context)
{
    struct watch *watch = context;
    watch->is_ended = true;
    if (watch->is_over)
        return;
    if (response->status >= 300)
        explain(watch, response);
    else if (!response->status)
        snprintf(watch->seek.reason, sizeof watch->seek.reason, "%.100s: %.100s", watch->address,
                 response->failure);
}

/* True once the user wants the end. */
static bool is_interrupted(struct watch *watch, int wait_ms)
{
    poll(&watch->signals, 1, wait_ms);
    return watch->signals.revents;
}

static char *make_url(const struct watch *watch)
{
    struct hive_buffer url = {0};
    const char *prefix = watch->cli.arguments.count ? watch->cli.arguments.items[0] : "";
    hive_buffer_format(&url, "http://%s/watch?prefix=", watch->address);
    hive_path_append(&url, prefix);
    if (watch->list)
        hive_buffer_append_text(&url, "&list=1");
    else if (watch->after >= 0)
        hive_buffer_format(&url, "&after=%lld", (long long)watch->after);
    return hive_buffer_take(&url);
}

/* Follows the queen at `address` until that ends. */
static void follow(struct watch *watch)
{
    char *url = make_url(watch), *id = hive_format("Last-Event-ID: %s", event_stream_last_id(&watch->stream));
    bool has_place = *event_stream_last_id(&watch->stream) && !watch->list;
    const char *headers[] = {has_place ? id : NULL, NULL};
    struct hive_http_request request = {.method = "GET",
                                        .url = url,
                                        .token = watch->seek.token,
                                        .headers = headers,
                                        .idle_timeout_ms = SILENCE_MS,
                                        .piece = take_piece};
    struct hive_http_client *client = hive_http_client_create();
    watch->is_answered = watch->is_ended = false;
    hive_http_client_start(client, &request, end_connection, watch);
    while (!watch->is_ended && !watch->is_over) {
        hive_http_client_wait(client, &watch->signals, 1, SILENCE_MS);
        if (watch->signals.revents)
            watch->is_over = true;
    }
    hive_http_client_destroy(client);
    event_stream_restart(&watch->stream);
    void_listing(watch);
    free(url);
    free(id);
}

/* One queen after the other; ends where no stream could be had for as long as the user wants to try. */
static enum hive_exit follow_all(struct watch *watch)
{
    int64_t until_ms = hive_clock_monotonic_ms() + watch->cli.timeout_ms, pause_ms = 0;
    while (!watch->is_over && !is_interrupted(watch, (int)pause_ms)) {
        bool is_found = cli_seek_round(&watch->seek, CLI_WISH_LED, watch->address);
        if (is_found) {
            follow(watch);
            is_found = watch->is_answered;
        }
        if (is_found) {
            until_ms = hive_clock_monotonic_ms() + watch->cli.timeout_ms;
            pause_ms = 0;
            continue;
        }
        if (!watch->is_over && hive_clock_monotonic_ms() >= until_ms)
            return cli_fail(HIVE_EXIT_UNAVAILABLE, "no queen to watch within %g s: %s",
                            (double)watch->cli.timeout_ms / 1000, watch->seek.reason);
        pause_ms = pause_ms ? pause_ms * 2 : PAUSE_FIRST_MS;
        pause_ms = pause_ms > PAUSE_LONGEST_MS ? PAUSE_LONGEST_MS : pause_ms;
    }
    return watch->exit_status;
}

int cli_watch(const struct hive_command *command, int argc, char **argv)
{
    struct watch watch = {.cli.timeout_ms = CLI_TIMEOUT_MS, .after = -1, .exit_status = HIVE_EXIT_OK};
    int exit_status;
    if (!cli_begin(&watch.cli, command, argc, argv, &exit_status))
        return exit_status;
    if (watch.list && watch.after >= 0) {
        exit_status = cli_fail(HIVE_EXIT_USAGE, "--list and --after exclude each other: give one of them");
    } else {
        watch.signals = (struct pollfd){.fd = cli_open_signals(), .events = POLLIN};
        cli_seek_begin(&watch.seek, &watch.cli);
        exit_status = follow_all(&watch);
        cli_seek_finish(&watch.seek);
        event_stream_finish(&watch.stream);
        close(watch.signals.fd);
    }
    cli_end(&watch.cli);
    return exit_status;
}
