/* A node keeps its port for life, so a port is good when no other cluster counts on it (even for a node that
 * is down just now) and nobody listens on it. The latter is found out by binding, which is the only answer
 * that is true. */
#include "ports.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

bool ports_can_bind(uint16_t port)
{
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return false;
    int yes = 1; /* as servers do: connections of an old server that linger are no obstacle */
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    bool can_bind = setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
                    bind(descriptor, (struct sockaddr *)&address, sizeof address) == 0 &&
                    listen(descriptor, 1) == 0;
    close(descriptor);
    return can_bind;
}

int ports_choose(struct ports *ports, uint16_t first, uint16_t wanted, size_t count, const char *option,
                 uint16_t *chosen, struct hive_error *error)
{
    size_t found = 0;
    uint32_t port = wanted ? wanted : first;
    for (; found < count && port <= UINT16_MAX; port++) {
        bool is_free = !ports->is_taken[port] && ports->can_bind((uint16_t)port);
        if (is_free)
            chosen[found++] = (uint16_t)port;
        else if (wanted)
            return hive_error_set(
                error, -EADDRINUSE,
                "port %u of 127.0.0.1 is taken%s: choose another with %s, or leave that away for "
                "the first free ones",
                port, ports->is_taken[port] ? " by another cluster" : "", option);
    }
    if (found < count)
        return hive_error_set(
            error, -EADDRINUSE,
            "only %zu of the %zu ports needed are free from %u up: choose a lower one with %s", found, count,
            wanted ? wanted : first, option);
    for (size_t i = 0; i < count; i++)
        ports->is_taken[chosen[i]] = true;
    return 0;
}
