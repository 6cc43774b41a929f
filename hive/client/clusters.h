/* What clusters there are, in words. Thread-safe. */
#ifndef CLIENT_CLUSTERS_H
#define CLIENT_CLUSTERS_H

#include "hive/error.h"

/* -ENOENT: there is no cluster NAME; the message lists those there are. */
int hive_clusters_unknown(const char *name, struct hive_error *error);

#endif
