/* Raw HTTP over loopback sockets: for requests that no well-behaved client sends, and for servers that break
 * off. */
#ifndef TESTS_WIRE_H
#define TESTS_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "hive/buffer.h"

/* How long to wait for something that must happen, in milliseconds. */
#define WIRE_PATIENCE_MS 20000

struct wire {
    int socket;
    struct hive_buffer in; /* received, not yet taken */
};

/* One message: a request or an answer. */
struct wire_message {
    char *head; /* owned: start line and headers */
    struct hive_buffer body;
    int status; /* of an answer */
};

/* A socket that listens on a free port of 127.0.0.1. */
int wire_listen(uint16_t *port, int backlog);
/* Takes the next connection. */
void wire_accept(struct wire *wire, int listening);

void wire_connect(struct wire *wire, uint16_t port);
void wire_connect_unix(struct wire *wire, const char *path);
void wire_close(struct wire *wire);
/* Closes so that the other side sees a reset. */
void wire_reset(struct wire *wire);

/* Sends all of it; false where the other side has closed. */
bool wire_send(struct wire *wire, const void *data, size_t bytes);
void wire_send_text(struct wire *wire, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Receives one message; false where the connection ends first. HEAD answers have no body. */
bool wire_receive(struct wire *wire, struct wire_message *message);
bool wire_receive_head_only(struct wire *wire, struct wire_message *message);
/* Appends the next chunk of a chunked body, behind wire_receive_head_only. False: it was the last, or (with
 * `*is_whole` false) the connection ended within the body. */
bool wire_receive_chunk(struct wire *wire, struct hive_buffer *body, bool *is_whole);
void wire_message_finish(struct wire_message *message);

/* True where a line of the head says "name: value". */
bool wire_has_header(const struct wire_message *message, const char *name, const char *value);
bool wire_has_header_named(const struct wire_message *message, const char *name);

/* Waits for the end of the connection; false where more bytes come instead. */
bool wire_ends(struct wire *wire);

/* Sends one request text, and checks status of the answer and (unless NULL) that the body contains `part`. */
void wire_expect(struct wire *wire, const char *request, int status, const char *part);

#endif
