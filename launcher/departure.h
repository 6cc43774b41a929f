/* Taking a queen out of her group: DELETE /members/ADDRESS at the leader, again while the leader says that the time has
 * not come. Main thread only. */
#ifndef LAUNCHER_DEPARTURE_H
#define LAUNCHER_DEPARTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "hive/error.h"
#include "hive/http_client.h"
#include "hive/limits.h"

enum departure_state {
    DEPARTURE_TRYING,
    DEPARTURE_DONE,   /* she is no member (any more) */
    DEPARTURE_FAILED, /* see why */
};

struct departure;

/* `leader` is asked first, and whom it redirects to. It gives up at `deadline_ms` (monotonic). */
struct departure *departure_start(struct hive_http_client *client, const char *leader, const char *address,
                                  const char *token, int64_t deadline_ms);

/* Not while a request is under way, unless the client is destroyed. */
void departure_free(struct departure *departure);
bool departure_is_asking(const struct departure *departure);

/* Goes on where it is time. `*due_ms` is when to call again (INT64_MAX: when an answer has come). */
enum departure_state departure_step(struct departure *departure, int64_t now_ms, int64_t *due_ms);

/* The HTTP status of the last answer (0: none), and what it said. */
int departure_status(const struct departure *departure);
const char *departure_why(const struct departure *departure);

#endif
