/* HOST:PORT: what users type, what nodes call each other, and what sockets want. */
#include "hive/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netdb.h>

#define FORM "HOST:PORT such as 127.0.0.1:8080 or [::1]:8080"

static bool is_host_name(const char *host)
{
    size_t bytes = strspn(host, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");
    return bytes > 0 && host[bytes] == '\0' && host[0] != '.' && host[0] != '-';
}

static bool is_ipv6(const char *host)
{
    struct in6_addr address;
    return inet_pton(AF_INET6, host, &address) == 1;
}

static bool parse_port(const char *text, uint16_t *port)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 5 || text[digits] != '\0')
        return false;
    long number = strtol(text, NULL, 10);
    if (number > UINT16_MAX)
        return false;
    *port = (uint16_t)number;
    return true;
}

int hive_address_parse(const char *text, struct hive_address *address, struct hive_error *error)
{
    const char *colon = strrchr(text, ':');
    if (!colon)
        return hive_error_set(error, -EINVAL, "'%.300s' has no port: write " FORM, text);
    size_t bytes = (size_t)(colon - text);
    bool has_brackets = bytes >= 2 && text[0] == '[' && colon[-1] == ']';
    const char *start = has_brackets ? text + 1 : text;
    bytes -= has_brackets ? 2 : 0;

    struct hive_address parsed = {0};
    if (bytes >= sizeof parsed.host - sizeof "[]:65535")
        return hive_error_set(error, -EINVAL, "'%.40s…' is too long for an address: write " FORM, text);
    memcpy(parsed.host, start, bytes);
    if (!has_brackets && is_ipv6(parsed.host))
        return hive_error_set(error, -EINVAL, "'%s' needs brackets around its host: write " FORM, text);
    if (has_brackets ? !is_ipv6(parsed.host) : !is_host_name(parsed.host))
        return hive_error_set(error, -EINVAL, "'%s' has no valid host: write " FORM, text);
    if (!parse_port(colon + 1, &parsed.port))
        return hive_error_set(error, -EINVAL,
                              "'%.300s' has no valid port (a number up to 65535): write " FORM, text);
    *address = parsed;
    return 0;
}

void hive_address_format(const struct hive_address *address, char text[HIVE_ADDRESS_BYTES])
{
    const char *form = strchr(address->host, ':') ? "[%s]:%u" : "%s:%u";
    snprintf(text, HIVE_ADDRESS_BYTES, form, address->host, (unsigned)address->port);
}

int hive_address_of_interface(const char *interface, char host[HIVE_ADDRESS_BYTES], struct hive_error *error)
{
    struct ifaddrs *list;
    if (getifaddrs(&list) < 0)
        return hive_error_set(error, -errno, "cannot list the network interfaces: %s", strerror(errno));
    char names[256] = "";
    size_t used = 0;
    int result = -ENODEV;
    for (const struct ifaddrs *at = list; at && result < 0; at = at->ifa_next) {
        if (!at->ifa_addr || at->ifa_addr->sa_family != AF_INET)
            continue;
        if (strcmp(at->ifa_name, interface) == 0) {
            const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)(const void *)at->ifa_addr;
            inet_ntop(AF_INET, &ipv4->sin_addr, host, HIVE_ADDRESS_BYTES);
            result = 0;
        } else if (used < sizeof names) {
            used +=
                (size_t)snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", at->ifa_name);
        }
    }
    freeifaddrs(list);
    if (result < 0)
        hive_error_set(error, result, "no network interface '%.100s' with an IPv4 address; there are: %s",
                       interface, *names ? names : "none");
    return result;
}

int hive_address_resolve(const struct hive_address *address, struct sockaddr_storage *socket_address,
                         socklen_t *bytes, struct hive_error *error)
{
    char port[8];
    snprintf(port, sizeof port, "%u", (unsigned)address->port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *found;
    int result = getaddrinfo(address->host, port, &hints, &found);
    if (result != 0)
        return hive_error_set(error, -EHOSTUNREACH, "cannot resolve the host '%s': %s", address->host,
                              result == EAI_SYSTEM ? strerror(errno) : gai_strerror(result));
    memset(socket_address, 0, sizeof *socket_address);
    memcpy(socket_address, found->ai_addr, found->ai_addrlen);
    *bytes = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

bool hive_address_is_loopback(const struct sockaddr_storage *socket_address)
{
    if (socket_address->ss_family == AF_INET) {
        const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)socket_address;
        return ntohl(ipv4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    if (socket_address->ss_family == AF_INET6) {
        const struct in6_addr *ipv6 = &((const struct sockaddr_in6 *)socket_address)->sin6_addr;
        return IN6_IS_ADDR_LOOPBACK(ipv6) ||
               (IN6_IS_ADDR_V4MAPPED(ipv6) && ipv6->s6_addr[12] == IN_LOOPBACKNET);
    }
    return false;
}
