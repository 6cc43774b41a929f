/* Why not leave it to libmicrohttpd: an address that cannot be had needs an error that names it, and a Unix
 * socket must never exist, not for a moment, with a mode that lets others in. */
#include "server/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "hive/limits.h"
#include "hive/memory.h"

/* Room for "[host]:port" or for the path of a Unix socket. */
#define TEXT_BYTES (HIVE_ADDRESS_BYTES + 16)

static const char *socket_path(const struct sockaddr *address)
{
    return address->sa_family == AF_UNIX ? ((const struct sockaddr_un *)(const void *)address)->sun_path
                                         : NULL;
}

static void address_text(const struct sockaddr *address, socklen_t address_bytes, char text[TEXT_BYTES])
{
    char host[HIVE_ADDRESS_BYTES], port[16];
    if (socket_path(address))
        snprintf(text, TEXT_BYTES, "%s", socket_path(address));
    else if (getnameinfo(address, address_bytes, host, sizeof host, port, sizeof port,
                         NI_NUMERICHOST | NI_NUMERICSERV))
        snprintf(text, TEXT_BYTES, "address family %d", address->sa_family);
    else
        snprintf(text, TEXT_BYTES, address->sa_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

static const char *advice(int error_number)
{
    switch (error_number) {
    case EADDRINUSE:
        return "another program has this address: stop it, or choose another port";
    case EADDRNOTAVAIL:
        return "this machine does not have this address: choose one of its own";
    case EACCES:
        return "not allowed: choose a port from 1024 up, or a directory you can write to";
    default:
        return strerror(error_number);
    }
}

/* Makes way for a Unix socket: a dead server's file would keep the address taken. */
static int remove_old_socket(const char *path, struct hive_error *error)
{
    struct stat status;
    if (lstat(path, &status))
        return 0;
    if (!S_ISSOCK(status.st_mode))
        return hive_error_set(error, -EEXIST,
                              "cannot listen on %s: a file that is no socket is there: remove it", path);
    if (unlink(path) && errno != ENOENT)
        return hive_error_set(error, -errno, "cannot remove the old socket %s: %s", path, strerror(errno));
    return 0;
}

static int set_options(int descriptor, int family)
{
    int one = 1;
    if (family == AF_UNIX)
        /* The file that bind() makes takes its mode from the socket: so it is never open to others. */
        return fchmod(descriptor, 0600);
    if (family == AF_INET6 && setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one))
        return -1;
    /* Without it the port of a server that has just ended would be taken for a minute. */
    return setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
}

int listener_open(struct listener *listener, const struct sockaddr *address, socklen_t address_bytes,
                  struct hive_error *error)
{
    char text[TEXT_BYTES];
    const char *path = socket_path(address);
    int descriptor, result;
    if (path && (result = remove_old_socket(path, error)))
        return result;
    descriptor = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0 || set_options(descriptor, address->sa_family) ||
        bind(descriptor, address, address_bytes) || listen(descriptor, SOMAXCONN)) {
        result = -errno;
        address_text(address, address_bytes, text);
        hive_error_set(error, result, "cannot listen on %s: %s", text, advice(-result));
        if (descriptor >= 0)
            close(descriptor);
        return result;
    }
    *listener = (struct listener){.socket = descriptor, .path = hive_strdup(path)};
    return 0;
}

int listener_adopt(struct listener *listener, int descriptor, struct hive_error *error)
{
    int listens = 0, flags = fcntl(descriptor, F_GETFL);
    socklen_t bytes = sizeof listens;
    if (flags < 0 || getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listens, &bytes) || !listens ||
        fcntl(descriptor, F_SETFL, flags | O_NONBLOCK))
        return hive_error_set(
            error, -EINVAL,
            "descriptor %d is not a listening socket: hand over one that is, or -1 and an address",
            descriptor);
    *listener = (struct listener){.socket = descriptor};
    return 0;
}

uint16_t listener_port(const struct listener *listener)
{
    struct sockaddr_storage address = {0};
    socklen_t bytes = sizeof address;
    getsockname(listener->socket, (struct sockaddr *)&address, &bytes);
    if (address.ss_family == AF_INET)
        return ntohs(((struct sockaddr_in *)&address)->sin_port);
    if (address.ss_family == AF_INET6)
        return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
    return 0;
}

void listener_close(struct listener *listener)
{
    if (listener->path)
        unlink(listener->path);
    free(listener->path);
    close(listener->socket);
    *listener = (struct listener){.socket = -1};
}
