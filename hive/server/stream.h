/* Answers that are made while they are sent. */
#ifndef SERVER_STREAM_H
#define SERVER_STREAM_H

#include <stdint.h>

struct hive_server;
struct hive_stream;

/* Tells the source and frees the stream. The thread that reads it. NULL is fine. */
void stream_close(struct hive_stream *stream);

/* The rest is called with the server's lock held, which keeps streams from being freed. */

/* All streams are to end: each at its next read, which is now. */
void streams_end(struct hive_server *server);

/* The client of the stream with this number has closed its side; there may be no such stream any more. */
void streams_note_gone(struct hive_server *server, uint64_t number);

/* Asks those sources again that have waited long enough. */
void streams_ask_again(struct hive_server *server, int64_t now_ms);

#endif
