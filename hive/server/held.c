/* Answers that are held back. Their connections are suspended, or will be as soon as the handler has returned, and cost no thread; the
 * minder's thread lets go of them. To the rest of the server a held request is one that is not answered yet.
 *
 * A lost answer must look like a packet that vanished, so its connection stays open and silent until the client gives up. */
#include "server/held.h"

#include "hive/clock.h"
#include "server/internal.h"

static int socket_of(const struct hive_request *request)
{
    return MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

bool held_take(struct hive_request *request, int64_t wait_ms)
{
    struct hive_server *server = request->server;
    bool is_lost = wait_ms == HIVE_ANSWER_LOST;
    if (is_lost && request->response) {
        MHD_destroy_response(request->response);
        request->response = NULL;
    }
    pthread_mutex_lock(&server->lock);
    bool is_taken = !server->is_ending;
    if (is_taken) {
        request->held_number = ++server->stream_number;
        request->due_ms = hive_clock_monotonic_ms() + (is_lost ? HIVE_FAULT_DELAY_MS : wait_ms);
        request->next_held = server->held;
        server->held = request;
        if (is_lost)
            minder_add(&server->minder, socket_of(request), request->held_number);
    }
    pthread_mutex_unlock(&server->lock);
    if (is_taken)
        minder_wake(&server->minder);
    return is_taken;
}

int64_t held_release(struct hive_server *server, int64_t now_ms)
{
    int64_t next_ms = INT64_MAX;
    struct hive_request **place = &server->held, *request;
    while ((request = *place)) {
        if (request->due_ms > now_ms) {
            if (request->due_ms < next_ms)
                next_ms = request->due_ms;
            place = &request->next_held;
            continue;
        }
        *place = request->next_held;
        if (!request->response)
            minder_remove(&server->minder, socket_of(request));
        request_release(request);
    }
    return next_ms;
}

void held_release_all(struct hive_server *server)
{
    held_release(server, INT64_MAX);
}

void held_note_gone(struct hive_server *server, uint64_t number)
{
    for (struct hive_request *request = server->held; request; request = request->next_held)
        if (request->held_number == number)
            request->due_ms = 0;
}
