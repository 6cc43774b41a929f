/* Everything here fails the test by itself when the wire is silent for too long, so that the tests can just
 * ask. */
#include "lib/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "hive/memory.h"

static struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
}

int wire_listen(uint16_t *port, int backlog)
{
    struct sockaddr_in address = loopback(0);
    socklen_t bytes = sizeof address;
    int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listening, (struct sockaddr *)&address, bytes), 0);
    assert_int_equal(listen(listening, backlog), 0);
    assert_int_equal(getsockname(listening, (struct sockaddr *)&address, &bytes), 0);
    *port = ntohs(address.sin_port);
    return listening;
}

static void await(int descriptor, short events)
{
    struct pollfd wait = {.fd = descriptor, .events = events};
    if (poll(&wait, 1, WIRE_PATIENCE_MS) <= 0)
        fail_msg("nothing happened for %d ms", WIRE_PATIENCE_MS);
}

void wire_accept(struct wire *wire, int listening)
{
    await(listening, POLLIN);
    *wire = (struct wire){.socket = accept4(listening, NULL, NULL, SOCK_CLOEXEC)};
    assert_true(wire->socket >= 0);
}

void wire_connect(struct wire *wire, uint16_t port)
{
    struct sockaddr_in address = loopback(port);
    *wire = (struct wire){.socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (connect(wire->socket, (struct sockaddr *)&address, sizeof address))
        fail_msg("cannot connect to port %d: %s", port, strerror(errno));
}

void wire_connect_unix(struct wire *wire, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    *wire = (struct wire){.socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    assert_int_equal(connect(wire->socket, (struct sockaddr *)&address, sizeof address), 0);
}

void wire_close(struct wire *wire)
{
    close(wire->socket);
    hive_buffer_finish(&wire->in);
    wire->socket = -1;
}

void wire_reset(struct wire *wire)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    setsockopt(wire->socket, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    wire_close(wire);
}

bool wire_send(struct wire *wire, const void *data, size_t bytes)
{
    const char *at = data;
    while (bytes) {
        await(wire->socket, POLLOUT);
        ssize_t sent = send(wire->socket, at, bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN)
            return false;
        at += sent > 0 ? sent : 0;
        bytes -= sent > 0 ? (size_t)sent : 0;
    }
    return true;
}

void wire_send_text(struct wire *wire, const char *format, ...)
{
    struct hive_buffer text = {0};
    va_list arguments;
    va_start(arguments, format);
    hive_buffer_vformat(&text, format, arguments);
    va_end(arguments);
    bool is_sent = wire_send(wire, text.data, text.size);
    hive_buffer_finish(&text);
    assert_true(is_sent);
}

/* Receives more; false at the end of the connection. */
static bool receive_more(struct wire *wire)
{
    await(wire->socket, POLLIN);
    char *place = hive_buffer_reserve(&wire->in, 65536);
    ssize_t received = recv(wire->socket, place, 65536, 0);
    wire->in.size += received > 0 ? (size_t)received : 0;
    wire->in.data[wire->in.size] = '\0';
    return received > 0;
}

static const char *header_value(const char *head, const char *name)
{
    size_t bytes = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, bytes) == 0 && line[bytes] == ':')
            return line + bytes + 1 + strspn(line + bytes + 1, " ");
    }
    return NULL;
}

bool wire_receive_head_only(struct wire *wire, struct wire_message *message)
{
    const char *end;
    *message = (struct wire_message){0};
    while (!wire->in.size || !(end = strstr(wire->in.data, "\r\n\r\n")))
        if (!receive_more(wire))
            return false;
    size_t head_bytes = (size_t)(end - wire->in.data) + 4;
    message->head = hive_memdup(wire->in.data, head_bytes);
    hive_buffer_consume(&wire->in, head_bytes);
    if (strncmp(message->head, "HTTP/1.1 ", 9) == 0)
        message->status = (int)strtol(message->head + 9, NULL, 10);
    return true;
}

bool wire_receive(struct wire *wire, struct wire_message *message)
{
    if (!wire_receive_head_only(wire, message))
        return false;
    const char *length = header_value(message->head, "Content-Length");
    size_t body_bytes = length ? strtoul(length, NULL, 10) : 0;
    while (wire->in.size < body_bytes)
        if (!receive_more(wire)) {
            wire_message_finish(message);
            return false;
        }
    hive_buffer_append(&message->body, wire->in.data, body_bytes);
    if (body_bytes)
        hive_buffer_consume(&wire->in, body_bytes);
    return true;
}

bool wire_receive_chunk(struct wire *wire, struct hive_buffer *body, bool *is_whole)
{
    const char *line_end;
    *is_whole = false;
    while (!wire->in.size || !(line_end = strstr(wire->in.data, "\r\n")))
        if (!receive_more(wire))
            return false;
    size_t line_bytes = (size_t)(line_end - wire->in.data) + 2;
    size_t bytes = strtoul(wire->in.data, NULL, 16);
    while (wire->in.size < line_bytes + bytes + 2)
        if (!receive_more(wire))
            return false;
    *is_whole = true;
    hive_buffer_append(body, wire->in.data + line_bytes, bytes);
    hive_buffer_consume(&wire->in, line_bytes + bytes + 2);
    return bytes > 0;
}

void wire_message_finish(struct wire_message *message)
{
    free(message->head);
    hive_buffer_finish(&message->body);
    *message = (struct wire_message){0};
}

bool wire_has_header(const struct wire_message *message, const char *name, const char *value)
{
    const char *found = header_value(message->head, name);
    return found && strncmp(found, value, strlen(value)) == 0 && found[strlen(value)] == '\r';
}

bool wire_has_header_named(const struct wire_message *message, const char *name)
{
    return header_value(message->head, name) != NULL;
}

bool wire_ends(struct wire *wire)
{
    return wire->in.size == 0 && !receive_more(wire);
}

void wire_expect(struct wire *wire, const char *request, int status, const char *part)
{
    struct wire_message answer;
    if (!wire_send(wire, request, strlen(request)) || !wire_receive(wire, &answer))
        fail_msg("no answer to: %.200s", request);
    if (answer.status != status)
        fail_msg("status %d instead of %d to: %.200s", answer.status, status, request);
    if (part && !strstr(answer.body.data, part))
        fail_msg("'%s' does not hold '%s', asked by: %.200s", answer.body.data, part, request);
    wire_message_finish(&answer);
}
