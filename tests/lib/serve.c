/* What most tests of HTTP begin with. */
#include "lib/serve.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "lib/wire.h"

struct sockaddr_in serve_address(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
}

struct hive_server *serve_start(const struct hive_route *routes, void *context, const char *token,
                                bool token_for_public)
{
    struct sockaddr_in address = serve_address(0);
    struct hive_server_config config = {.address = (struct sockaddr *)&address,
                                        .address_bytes = sizeof address,
                                        .listen_socket = -1,
                                        .routes = routes,
                                        .context = context,
                                        .token = token,
                                        .token_for_public = token_for_public,
                                        .threads = 2};
    struct hive_server *server;
    struct hive_error error;
    if (hive_server_start(&config, &server, &error))
        fail_msg("%s", error.message);
    return server;
}

void serve_expect(struct hive_server *server, const char *request, int status, const char *part)
{
    struct wire wire;
    wire_connect(&wire, hive_server_port(server));
    wire_expect(&wire, request, status, part);
    wire_close(&wire);
}
