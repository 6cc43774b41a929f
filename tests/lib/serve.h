/* A server on a free port of 127.0.0.1, for tests. */
#ifndef TESTS_SERVE_H
#define TESTS_SERVE_H

#include <netinet/in.h>

#include "hive/server.h"

/* Fails the test where it cannot start. `token` may be NULL. Two threads. */
struct hive_server *serve_start(const struct hive_route *routes, void *context, const char *token,
                                bool token_for_public);

/* 127.0.0.1 and that port. */
struct sockaddr_in serve_address(uint16_t port);

/* On a connection of its own: sends a request text, and checks status of the answer and (unless NULL) that
 * its body holds `part`. */
void serve_expect(struct hive_server *server, const char *request, int status, const char *part);

#endif
