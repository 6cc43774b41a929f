/* What the dashboard costs: hivetop on a terminal of its own watches fake nodes, which one process plays, and the
 * processor time that it took is told. Usage: hivetop_cost [HIVETOP [SECONDS [QUEENS DRONES]…]] */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hive/buffer.h"
#include "hive/clock.h"
#include "hive/memory.h"

#define EVENTS 256

/* A listener, or a connection that one of them took. */
struct end {
    int descriptor;
    bool is_listener;
    int node;
    struct hive_buffer request, answer;
};

struct cast {
    int queens, drones, epoll;
    int *ports;
    int64_t started_ms;
};

static void listen_all(struct cast *cast)
{
    cast->ports = hive_calloc((size_t)(cast->queens + cast->drones), sizeof *cast->ports);
    cast->epoll = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < cast->queens + cast->drones; i++) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t bytes = sizeof address;
        struct end *end = hive_calloc(1, sizeof *end);
        *end = (struct end){.is_listener = true, .node = i};
        end->descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (bind(end->descriptor, (struct sockaddr *)&address, bytes) || listen(end->descriptor, 16) ||
            getsockname(end->descriptor, (struct sockaddr *)&address, &bytes)) {
            perror("listening");
            exit(1);
        }
        cast->ports[i] = ntohs(address.sin_port);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = end};
        epoll_ctl(cast->epoll, EPOLL_CTL_ADD, end->descriptor, &event);
    }
}

/* ---- what the nodes say ---- */

static void append_queen(struct hive_buffer *out, const struct cast *cast, int number, bool with_drones)
{
    int64_t now_ms = hive_clock_unix_ms(), since_ms = hive_clock_monotonic_ms() - cast->started_ms;
    bool is_leader = number == 0;
    uint64_t log = 90000 + (uint64_t)since_ms / 10;
    hive_buffer_format(
        out,
        "\"mode\":\"QUEEN\",\"id\":\"%d\",\"raft_state\":\"%s\",\"standing\":\"voter\",\"term\":14,"
        "\"leader\":\"127.0.0.1:%d\",\"voted_for\":\"127.0.0.1:%d\",\"last_heartbeat\":%" PRId64
        ",\"log\":{\"first\":1,\"last\":%" PRIu64 ",\"commit\":%" PRIu64 ",\"applied\":%" PRIu64
        ",\"snapshot\":0},\"tasks\":{\"pending\":12,\"assigned\":0,\"running\":2,\"succeeded\":4410,"
        "\"failed\":3,\"stopped\":0,\"lost\":0},\"transitions\":[",
        number + 1, is_leader ? "LEADER" : "FOLLOWER", cast->ports[0], cast->ports[0], now_ms - 20, log, log,
        log);
    for (int i = 0; i < 8; i++)
        hive_buffer_format(
            out, "%s{\"time_ms\":%" PRId64 ",\"term\":%d,\"state\":\"%s\",\"reason\":\"heard a leader\"}",
            i ? "," : "", now_ms - since_ms - (8 - i) * 1000, 7 + i,
            i == 7 && is_leader ? "LEADER" : "FOLLOWER");
    hive_buffer_append_text(out, "],\"peers\":[");
    for (int i = 0, count = 0; i < cast->queens; i++) {
        if (i == number)
            continue;
        hive_buffer_format(out, "%s{\"address\":\"127.0.0.1:%d\",\"kind\":\"voter\"", count++ ? "," : "",
                           cast->ports[i]);
        if (is_leader)
            hive_buffer_format(out,
                               ",\"match\":%" PRIu64 ",\"next\":%" PRIu64
                               ",\"state\":\"replicate\",\"last_ack_ms\":%" PRId64,
                               log, log + 1, now_ms - 15);
        hive_buffer_append_text(out, "}");
    }
    hive_buffer_append_text(out, "],\"drones\":{");
    for (int i = 0; with_drones && i < cast->drones; i++)
        hive_buffer_format(
            out,
            "%s\"127.0.0.1:%d\":{\"name\":\"drone-%d\",\"state\":\"healthy\",\"last_seen_ms\":%" PRId64
            ",\"running\":1}",
            i ? "," : "", cast->ports[cast->queens + i], i, now_ms - 1 - i % 900);
    hive_buffer_append_text(out, "}");
}

static void append_drone(struct hive_buffer *out, const struct cast *cast, int number)
{
    int64_t since_ms = hive_clock_monotonic_ms() - cast->started_ms;
    hive_buffer_format(
        out,
        "\"mode\":\"DRONE\",\"id\":\"drone-%d\",\"queen\":\"127.0.0.1:%d\",\"capacity\":4,\"running\":1,"
        "\"tasks\":[{\"id\":\"task-%d\"}],\"done\":%" PRId64 ",\"failed\":0",
        number, cast->ports[0], number, since_ms / 5000);
}

static void make_answer(struct end *end, const struct cast *cast)
{
    struct hive_buffer body = {0};
    hive_buffer_format(&body,
                       "{\"status\":\"READY\",\"version\":\"0.2.0\",\"address\":\"127.0.0.1:%d\",\"pid\":%d,"
                       "\"uptime_ms\":%" PRId64 ",",
                       cast->ports[end->node], 1000 + end->node,
                       60000 + hive_clock_monotonic_ms() - cast->started_ms);
    if (end->node < cast->queens)
        append_queen(&body, cast, end->node, !strstr(end->request.data, "drones=0"));
    else
        append_drone(&body, cast, end->node - cast->queens);
    hive_buffer_append_text(&body, "}");
    hive_buffer_format(&end->answer,
                       "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                       body.size);
    hive_buffer_append(&end->answer, body.data, body.size);
    hive_buffer_finish(&body);
}

/* ---- serving ---- */

static void drop(struct end *end)
{
    close(end->descriptor);
    hive_buffer_finish(&end->request);
    hive_buffer_finish(&end->answer);
    free(end);
}

static void watch(const struct cast *cast, struct end *end, int operation)
{
    struct epoll_event event = {.events = end->answer.size ? EPOLLIN | EPOLLOUT : EPOLLIN, .data.ptr = end};
    epoll_ctl(cast->epoll, operation, end->descriptor, &event);
}

static void take_connection(const struct cast *cast, const struct end *listener)
{
    struct end *end = hive_calloc(1, sizeof *end);
    end->node = listener->node;
    end->descriptor = accept4(listener->descriptor, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (end->descriptor < 0)
        free(end);
    else
        watch(cast, end, EPOLL_CTL_ADD);
}

/* False: the connection is gone. */
static bool serve_connection(const struct cast *cast, struct end *end)
{
    char piece[4096];
    ssize_t got = recv(end->descriptor, piece, sizeof piece, 0);
    if (got == 0 || (got < 0 && errno != EAGAIN))
        return false;
    if (got > 0)
        hive_buffer_append(&end->request, piece, (size_t)got);
    if (end->request.size && strstr(end->request.data, "\r\n\r\n")) {
        make_answer(end, cast);
        hive_buffer_clear(&end->request);
    }
    ssize_t sent =
        end->answer.size ? send(end->descriptor, end->answer.data, end->answer.size, MSG_NOSIGNAL) : 0;
    if (sent < 0 && errno != EAGAIN)
        return false;
    if (sent > 0)
        hive_buffer_consume(&end->answer, (size_t)sent);
    watch(cast, end, EPOLL_CTL_MOD);
    return true;
}

static void play(const struct cast *cast)
{
    for (;;) {
        struct epoll_event events[EVENTS];
        int count = epoll_wait(cast->epoll, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            struct end *end = events[i].data.ptr;
            if (end->is_listener)
                take_connection(cast, end);
            else if (!serve_connection(cast, end))
                drop(end);
        }
    }
}

/* ---- measuring ---- */

static pid_t start_hivetop(const char *program, const char *address, int *master)
{
    struct winsize size = {.ws_col = 120, .ws_row = 50};
    pid_t pid = forkpty(master, NULL, NULL, &size);
    if (pid == 0) {
        setenv("TERM", "xterm-256color", 1);
        execl(program, program, "--connect", address, "--no-config", (char *)NULL);
        perror(program);
        _exit(127);
    }
    return pid;
}

/* Reads what it draws for so long; returns how many bytes that were. */
static size_t read_screen(int master, int64_t ms)
{
    char piece[65536];
    size_t bytes = 0;
    int64_t until_ms = hive_clock_monotonic_ms() + ms;
    struct pollfd descriptor = {.fd = master, .events = POLLIN};
    for (int64_t left_ms; (left_ms = until_ms - hive_clock_monotonic_ms()) > 0;) {
        if (poll(&descriptor, 1, (int)left_ms) > 0) {
            ssize_t got = read(master, piece, sizeof piece);
            if (got <= 0)
                break;
            bytes += (size_t)got;
        }
    }
    return bytes;
}

static double cpu_s(pid_t pid, long *resident_kb)
{
    char path[64];
    unsigned long user = 0, system_time = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    if (!file ||
        fscanf(
            file,
            "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d %*d %*d %*u %*u %ld",
            &user, &system_time, resident_kb) != 3)
        user = system_time = 0;
    if (file)
        fclose(file);
    *resident_kb *= sysconf(_SC_PAGESIZE) / 1024;
    return (double)(user + system_time) / (double)sysconf(_SC_CLK_TCK);
}

static void measure(const char *program, int seconds, int queens, int drones)
{
    struct cast cast = {.queens = queens, .drones = drones, .started_ms = hive_clock_monotonic_ms()};
    char address[64];
    int master;
    long resident_kb;
    listen_all(&cast);
    pid_t players = fork();
    if (players == 0) {
        play(&cast);
        _exit(0);
    }
    snprintf(address, sizeof address, "127.0.0.1:%d", cast.ports[0]);
    pid_t pid = start_hivetop(program, address, &master);
    read_screen(master, 3000); /* it finds the others */
    double before_s = cpu_s(pid, &resident_kb);
    size_t bytes = read_screen(master, (int64_t)seconds * 1000);
    double used_s = cpu_s(pid, &resident_kb) - before_s;
    printf("%d + %d nodes at 2 Hz: %.2f %% of a core, %.1f KB/s to the terminal, %.1f MB resident\n", queens,
           drones, used_s / seconds * 100, (double)bytes / 1000 / seconds, (double)resident_kb / 1000);
    fflush(stdout);
    kill(pid, SIGTERM);
    read_screen(master, 300);
    kill(players, SIGKILL);
    waitpid(pid, NULL, 0);
    waitpid(players, NULL, 0);
    close(master);
    free(cast.ports);
}

int main(int argc, char **argv)
{
    const char *program = argc > 1 ? argv[1] : "build/bin/hivetop";
    int seconds = argc > 2 ? (int)strtod(argv[2], NULL) : 20;
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (argc < 5) {
        measure(program, seconds, 5, 3);
        measure(program, seconds, 5, 1000);
    }
    for (int i = 3; i + 1 < argc; i += 2)
        measure(program, seconds, (int)strtod(argv[i], NULL), (int)strtod(argv[i + 1], NULL));
    return 0;
}
