/* What /healthz looks like, as tables: health.c reads by them, health_changes.c writes. */
#ifndef CLIENT_HEALTH_FIELDS_H
#define CLIENT_HEALTH_FIELDS_H

#include "client/fields.h"

extern const char *const hive_health_status_names[];

/* The document's own, a queen's and a drone's. */
extern const struct field hive_health_node_fields[];
extern const struct field hive_health_queen_fields[];
extern const struct field hive_health_drone_fields[];

/* Of objects within. */
extern const struct field hive_health_log_fields[];
extern const struct field hive_health_task_fields[];

/* Of one element of a list. */
extern const struct field hive_health_digest_fields[];
extern const struct field hive_health_fault_fields[];
extern const struct field hive_health_transition_fields[];
extern const struct field hive_health_peer_fields[];
extern const struct field hive_health_known_drone_fields[];

#endif
