/* The socket that a server listens on. */
#ifndef SERVER_LISTENER_H
#define SERVER_LISTENER_H

#include <stdint.h>
#include <sys/socket.h>

#include "hive/error.h"

struct listener {
    int socket;
    char *path; /* owned: the socket's file, removed at the end; NULL where there is none */
};

/* Binds and listens. 0, or a negative errno and a message that names the address. */
int listener_open(struct listener *listener, const struct sockaddr *address, socklen_t address_bytes,
                  struct hive_error *error);

/* Takes a socket that somebody else has bound and set listening; -EINVAL where it is none. */
int listener_adopt(struct listener *listener, int socket, struct hive_error *error);

/* The port, or 0 where there is none. */
uint16_t listener_port(const struct listener *listener);

/* Closes: whoever connects from here on is refused. */
void listener_close(struct listener *listener);

#endif
