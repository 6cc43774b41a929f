/* HOST:PORT. Hosts are names or IPv4 addresses, or IPv6 addresses in brackets. Thread-safe. */
#ifndef HIVE_ADDRESS_H
#define HIVE_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "hive/error.h"
#include "hive/limits.h"

struct hive_address {
    char host[HIVE_ADDRESS_BYTES]; /* without brackets */
    uint16_t port;                 /* 1–65535; 0 only where the caller of the parser allows it */
};

/* Parses "HOST:PORT"; port 0 is parsed too, for those who bind to any. 0 or -EINVAL with a message that shows
 * the right form. */
int hive_address_parse(const char *text, struct hive_address *address, struct hive_error *error);

/* The other way round; IPv6 hosts get their brackets. */
void hive_address_format(const struct hive_address *address, char text[HIVE_ADDRESS_BYTES]);

/* The IPv4 address of a network interface ("lo", "eth0"). 0, or -ENODEV naming the interfaces there are. */
int hive_address_of_interface(const char *interface, char host[HIVE_ADDRESS_BYTES], struct hive_error *error);

/* Resolves (of a name: may ask DNS and block; of an address: never) to a socket address to bind to or connect to. */
int hive_address_resolve(const struct hive_address *address, struct sockaddr_storage *socket_address,
                         socklen_t *bytes, struct hive_error *error);

/* True where the address is of this machine's loopback. */
bool hive_address_is_loopback(const struct sockaddr_storage *socket_address);

#endif
