/* hive snapshot: backups. A file gets its name only when it is complete, durable and checked: whatever goes wrong
 * before leaves what was there. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/seek.h"
#include "cli/table.h"
#include "hive/clock.h"
#include "hive/file.h"
#include "hive/http_client.h"
#include "hive/json.h"
#include "hive/memory.h"
#include "store/disk.h"
#include "store/store.h"

/* A queen with a large state takes her time to write it before the first byte comes. */
#define SILENCE_MS  (10 * 60 * 1000)
#define PAUSE_MS    250
#define PROGRESS_MS 100
/* A backup is synced so often on its way: a queen whose log is on the same disk would have to wait for all of it at the end. */
#define PACE_BYTES (1024 * 1024)

struct snapshot {
    struct cli cli;
    bool force, stale;
    struct cli_seek seek;
    const char *path;      /* NULL: standard output */
    char *temporary;       /* owned: what is written until it is complete; NULL where there is none */
    int file;              /* open for writing */
    struct pollfd signals; /* readable: the user wants it to end */
    uint64_t bytes;        /* received */
    uint64_t synced;       /* of them */
    bool shows_progress;   /* on standard error */
    int64_t shown_ms;      /* monotonic: when it was last shown */
    bool is_ended, is_complete, is_refused;
    int error_number; /* of a write; 0: none */
};

const struct hive_option cli_snapshot_options[] = {
    {.name = "force",
     .type = HIVE_OPTION_FLAG,
     .offset = offsetof(struct snapshot, force),
     .help = "Replace FILE where it exists"},
    {.name = "stale",
     .type = HIVE_OPTION_FLAG,
     .offset = offsetof(struct snapshot, stale),
     .help = "Take the state of any queen, also without a leader; it may be behind"},
    CLI_OPTIONS,
};

/* ---- what a file holds ---- */

static enum hive_exit print_file(const struct snapshot *snapshot, const char *path, const char *done,
                                 const struct raft_snapshot *content)
{
    const struct raft_configuration *configuration = &content->configuration;
    struct stat status = {0};
    stat(path, &status);
    if (!snapshot->cli.json) {
        printf("%s %s: index %" PRIu64 ", term %" PRIu64 ", %zu members, %lld bytes\n", done, path,
               content->index, content->term, configuration->count, (long long)status.st_size);
        return HIVE_EXIT_OK;
    }
    cJSON *json = cJSON_CreateObject(), *members = NULL;
    char id[24];
    cJSON_AddStringToObject(json, "file", path);
    cJSON_AddNumberToObject(json, "index", (double)content->index);
    cJSON_AddNumberToObject(json, "term", (double)content->term);
    cJSON_AddNumberToObject(json, "bytes", (double)status.st_size);
    members = cJSON_AddArrayToObject(json, "members");
    for (size_t i = 0; i < configuration->count; i++) {
        const struct raft_member *member = &configuration->members[i];
        cJSON *object = cJSON_CreateObject();
        snprintf(id, sizeof id, "%" PRIu64, member->id);
        cJSON_AddStringToObject(object, "id", id);
        cJSON_AddStringToObject(object, "address", member->address);
        cJSON_AddStringToObject(object, "kind", raft_member_kind_names[member->kind]);
        cJSON_AddItemToArray(members, object);
    }
    cli_print_json(json);
    return HIVE_EXIT_OK;
}

static enum hive_exit verify(const struct snapshot *snapshot, const char *path)
{
    struct raft_snapshot *content = hive_calloc(1, sizeof *content);
    struct hive_error error = {{0}};
    enum hive_exit exit_status;
    int result = store_snapshot_verify(path, content, &error);
    if (result)
        exit_status =
            cli_fail(result == -ENOENT ? HIVE_EXIT_NOT_FOUND : HIVE_EXIT_FAILED, "%s", error.message);
    else
        exit_status = print_file(snapshot, path, "good:", content);
    free(content);
    return exit_status;
}

/* ---- receiving ---- */

static void show_progress(struct snapshot *snapshot, bool is_end)
{
    int64_t now_ms = hive_clock_monotonic_ms();
    if (!snapshot->shows_progress || (!is_end && now_ms < snapshot->shown_ms + PROGRESS_MS))
        return;
    snapshot->shown_ms = now_ms;
    fprintf(stderr, "\r%.1f MiB%s", (double)snapshot->bytes / (1024 * 1024), is_end ? "\n" : "");
}

static bool take_piece(const void *data, size_t bytes, void *context)
{
    struct snapshot *snapshot = context;
    const char *at = data;
    while (bytes && !snapshot->error_number) {
        ssize_t count = write(snapshot->file, at, bytes);
        if (count < 0 && errno != EINTR)
            snapshot->error_number = errno;
        at += count > 0 ? count : 0;
        bytes -= count > 0 ? (size_t)count : 0;
        snapshot->bytes += count > 0 ? (uint64_t)count : 0;
    }
    if (snapshot->path && !snapshot->error_number && snapshot->bytes - snapshot->synced >= PACE_BYTES) {
        snapshot->error_number = fdatasync(snapshot->file) ? errno : 0;
        snapshot->synced = snapshot->bytes;
    }
    show_progress(snapshot, false);
    return !snapshot->error_number;
}

static void end_download(struct hive_http_response *response, void *context)
{
    struct snapshot *snapshot = context;
    char *reason = snapshot->seek.reason;
    size_t room = sizeof snapshot->seek.reason;
    snapshot->is_ended = true;
    snapshot->is_complete = response->status == 200;
    if (!response->status) {
        snprintf(reason, room, "%s", response->failure);
    } else if (response->status != 200) {
        const char *detail = "no reason given";
        cJSON *json =
            hive_json_parse_object(response->body.data ? response->body.data : "", response->body.size, NULL);
        if (json)
            hive_json_string(json, "detail", &detail, NULL);
        snprintf(reason, room, "%.200s (HTTP %d)", detail, response->status);
        cJSON_Delete(json);
    }
    /* Only where a second try makes sense is there one. */
    if (response->status >= 400 && response->status != 503)
        snapshot->is_refused = true;
}

/* Asks the queen at `address` for the file. */
static void download(struct snapshot *snapshot, const char *address)
{
    char *url = hive_format("http://%s/snapshot%s", address, snapshot->stale ? "?consistency=stale" : "");
    struct hive_http_request request = {.method = "GET",
                                        .url = url,
                                        .token = snapshot->seek.token,
                                        .idle_timeout_ms = SILENCE_MS,
                                        .piece = take_piece};
    struct hive_http_client *client = hive_http_client_create();
    snapshot->is_ended = false;
    hive_http_client_start(client, &request, end_download, snapshot);
    while (!snapshot->is_ended && !snapshot->signals.revents)
        hive_http_client_wait(client, &snapshot->signals, 1, 1000);
    hive_http_client_destroy(client);
    free(url);
}

/* Until the file is there, time is over, or it cannot be had. What was sent to standard output cannot be taken
 * back: there, one broken stream is the end. */
static enum hive_exit receive(struct snapshot *snapshot)
{
    int64_t until_ms = hive_clock_monotonic_ms() + snapshot->cli.timeout_ms;
    enum cli_wish wish = snapshot->stale ? CLI_WISH_ANY : CLI_WISH_LEADER;
    char address[HIVE_ADDRESS_BYTES];
    for (;;) {
        if (cli_seek_round(&snapshot->seek, wish, address))
            download(snapshot, address);
        if (snapshot->is_complete)
            return HIVE_EXIT_OK;
        if (snapshot->signals.revents)
            return cli_fail(HIVE_EXIT_FAILED, "no backup: interrupted");
        bool is_lost = snapshot->bytes && !snapshot->temporary;
        if (snapshot->is_refused || is_lost)
            return cli_fail(HIVE_EXIT_FAILED, "no backup: %s", snapshot->seek.reason);
        if (snapshot->error_number)
            return cli_fail(HIVE_EXIT_FAILED, "cannot write %s: %s",
                            snapshot->temporary ? snapshot->temporary : "to standard output",
                            strerror(snapshot->error_number));
        if (hive_clock_monotonic_ms() >= until_ms)
            return cli_fail(HIVE_EXIT_UNAVAILABLE, "no backup within %g s: %s; see 'hive status'",
                            (double)snapshot->cli.timeout_ms / 1000, snapshot->seek.reason);
        if (snapshot->bytes &&
            (disk_shrink(&disk_system, snapshot->file) < 0 || lseek(snapshot->file, 0, SEEK_SET) < 0))
            return cli_fail(HIVE_EXIT_FAILED, "cannot empty %s to begin again", snapshot->temporary);
        snapshot->bytes = snapshot->synced = 0;
        poll(&snapshot->signals, 1, PAUSE_MS);
    }
}

/* ---- saving ---- */

/* The file that is to be replaced, open; -1: there is none, or it is no usual file. */
static int open_old(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0 && S_ISREG(status.st_mode)
               ? open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
               : -1;
}

/* Closes a file that may have lost its name. Its space is given back before the process ends, and with it all of it at once;
 * not where it has another name, or somebody reads it. */
static void close_old(int file)
{
    if (file >= 0 && disk_system.is_orphan(&disk_system, file))
        disk_shrink(&disk_system, file);
    if (file >= 0)
        close(file);
}

/* Gives the complete file its name, durably. */
static enum hive_exit keep(struct snapshot *snapshot)
{
    struct hive_error error = {{0}};
    struct raft_snapshot *content = hive_calloc(1, sizeof *content);
    char *directory = hive_strdup(snapshot->path), *slash = strrchr(directory, '/');
    if (slash)
        slash[slash == directory] = '\0'; /* "/file" is in "/" */
    enum hive_exit exit_status = HIVE_EXIT_OK;
    unsigned how = snapshot->force ? 0 : RENAME_NOREPLACE;
    int old = snapshot->force ? open_old(snapshot->path) : -1;
    bool is_replaced = false; /* for good */
    if (fsync(snapshot->file))
        exit_status = cli_fail(HIVE_EXIT_FAILED, "cannot write %s: %s", snapshot->temporary, strerror(errno));
    else if (store_snapshot_verify(snapshot->temporary, content, &error))
        exit_status = cli_fail(HIVE_EXIT_FAILED, "what came is no good backup: %s", error.message);
    else if (renameat2(AT_FDCWD, snapshot->temporary, AT_FDCWD, snapshot->path, how))
        exit_status =
            cli_fail(HIVE_EXIT_FAILED, "cannot give %s its name: %s", snapshot->path, strerror(errno));
    else if (hive_file_sync_directory(slash ? directory : ".", &error))
        exit_status = cli_fail(HIVE_EXIT_FAILED, "%s", error.message);
    else
        is_replaced = true;
    if (is_replaced)
        print_file(snapshot, snapshot->path, "saved", content);
    fflush(stdout);
    if (is_replaced)
        close_old(old);
    else if (old >= 0)
        close(old);
    free(directory);
    free(content);
    return exit_status;
}

static enum hive_exit save_file(struct snapshot *snapshot)
{
    struct stat status;
    if (!snapshot->force && lstat(snapshot->path, &status) == 0)
        return cli_fail(HIVE_EXIT_CONFLICT, "%s exists: choose another name, or replace it with --force",
                        snapshot->path);
    snapshot->temporary = hive_format("%s.%d.part", snapshot->path, (int)getpid());
    snapshot->file = open(snapshot->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (snapshot->file < 0)
        return cli_fail(HIVE_EXIT_FAILED, "cannot write %s: %s", snapshot->temporary, strerror(errno));
    enum hive_exit exit_status = receive(snapshot);
    if (snapshot->bytes)
        show_progress(snapshot, true);
    if (exit_status == HIVE_EXIT_OK)
        exit_status = keep(snapshot);
    if (exit_status != HIVE_EXIT_OK)
        unlink(snapshot->temporary);
    close_old(snapshot->file);
    return exit_status;
}

static enum hive_exit save(struct snapshot *snapshot, const char *path)
{
    enum hive_exit exit_status;
    cli_seek_begin(&snapshot->seek, &snapshot->cli);
    snapshot->signals = (struct pollfd){.fd = cli_open_signals(), .events = POLLIN};
    snapshot->shows_progress = isatty(STDERR_FILENO);
    if (strcmp(path, "-") != 0) {
        snapshot->path = path;
        exit_status = save_file(snapshot);
    } else if (isatty(STDOUT_FILENO)) {
        exit_status =
            cli_fail(HIVE_EXIT_USAGE, "a backup is no text for a terminal: name a file, or use a pipe");
    } else {
        snapshot->file = STDOUT_FILENO;
        exit_status = receive(snapshot);
    }
    free(snapshot->temporary);
    close(snapshot->signals.fd);
    cli_seek_finish(&snapshot->seek);
    return exit_status;
}

int cli_snapshot(const struct hive_command *command, int argc, char **argv)
{
    struct snapshot snapshot = {.cli.timeout_ms = CLI_TIMEOUT_MS};
    int exit_status;
    if (!cli_parse(&snapshot.cli, command, argc, argv, &exit_status))
        return exit_status;
    const char *action = snapshot.cli.arguments.items[0], *path = snapshot.cli.arguments.items[1];
    if (strcmp(action, "save") == 0) {
        if (!cli_find(&snapshot.cli, &exit_status))
            return exit_status;
        exit_status = save(&snapshot, path);
    } else if (strcmp(action, "verify") == 0) {
        exit_status = verify(&snapshot, path);
    } else {
        exit_status =
            cli_fail(HIVE_EXIT_USAGE, "say 'hive snapshot save FILE' or 'hive snapshot verify FILE'");
    }
    cli_end(&snapshot.cli);
    return exit_status;
}
