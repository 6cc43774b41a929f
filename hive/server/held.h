/* Answers that are held back: late ones, and lost ones, whose clients never hear of them. */
#ifndef SERVER_HELD_H
#define SERVER_HELD_H

#include <stdbool.h>
#include <stdint.h>

struct hive_server;
struct hive_request;

/* Takes a request whose answer is there and keeps it for so long (HIVE_ANSWER_LOST: until its client gives up, at most
 * HIVE_FAULT_DELAY_MS). False: the server is ending, and nothing waits any more. From here on the request may be gone where it is true. */
bool held_take(struct hive_request *request, int64_t wait_ms);

/* The rest is called with the server's lock held. */

/* Lets go of those whose time has come; gives when the next one's has, monotonic, INT64_MAX for none. */
int64_t held_release(struct hive_server *server, int64_t now_ms);

/* Lets go of all: the server is ending. */
void held_release_all(struct hive_server *server);

/* The client of the answer with this number has closed its side; there may be no such answer any more. */
void held_note_gone(struct hive_server *server, uint64_t number);

#endif
