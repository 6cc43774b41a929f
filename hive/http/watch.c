/* GET /watch: the changes of keys as server-sent events. What is sent and in which order is the feed's affair
 * (watch_feed.c); here is where it comes from, and when it ends.
 *
 * A watch is used by three threads. The server's thread reads it, and owns the feed; but while a page of a
 * listing has been asked for, the feed belongs to the consensus thread, which makes the page. Whoever publishes
 * a change only wakes the stream. A watch ends when the client goes; a page that is being made then still needs
 * it, so it is counted who holds it. */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>

#include "hive/clock.h"
#include "hive/memory.h"
#include "http/answer.h"
#include "http/handlers.h"
#include "http/watch_feed.h"

/* A sign of life when there was nothing else to say for so long, in milliseconds. */
#define ALIVE_MS 5000
/* A queen that has had no leader for so long is of no use to a watcher: another one may know more. */
#define LEADERLESS_MS 5000
/* How often the two are looked at. */
#define LOOK_MS 1000
/* What is put together for one answer to the stream's question, where there is so much. */
#define FILL_BYTES (32 * 1024)

struct watch {
    struct queen *queen;
    struct watch_hub *hub;
    struct watcher *watcher;
    struct hive_stream *stream;
    struct hive_buffer prefix;
    struct watch_feed feed;
    size_t sent;             /* of the feed's text */
    int64_t said_ms;         /* monotonic: when something was last sent */
    int64_t led_ms, look_ms; /* … there was a leader; it is to be looked again */

    pthread_mutex_t lock; /* guards all that follows */
    int holders;
    bool is_closed;               /* the stream is over */
    bool is_asking;               /* a page is being made: the feed is the consensus thread's */
    bool is_refused, is_stopping; /* no page came: try later; or never again */
};

static void let_go(struct watch *watch)
{
    pthread_mutex_lock(&watch->lock);
    bool is_last = --watch->holders == 0;
    pthread_mutex_unlock(&watch->lock);
    if (!is_last)
        return;
    watch_feed_finish(&watch->feed);
    hive_buffer_finish(&watch->prefix);
    pthread_mutex_destroy(&watch->lock);
    free(watch);
}

struct page {
    struct watch_feed *feed;
    bool has_more;
};

static bool add_entry(const struct machine_kv *entry, void *context)
{
    struct page *page = context;
    page->has_more = !watch_feed_entry(page->feed, entry);
    return !page->has_more;
}

/* On the consensus thread; or, where the queen takes no more, on the one that asks. */
static void on_page(const struct queen_answer *answer, void *context)
{
    struct watch *watch = context;
    if (answer->outcome == QUEEN_DONE) {
        struct page page = {.feed = &watch->feed};
        struct machine_bytes prefix = {.data = watch->prefix.data, .size = watch->prefix.size},
                             after = {.data = watch->feed.cursor.data, .size = watch->feed.cursor.size};
        machine_kv_each(answer->machine, prefix, after, add_entry, &page);
        watch_feed_page_end(&watch->feed, answer->index, !page.has_more);
    }
    pthread_mutex_lock(&watch->lock);
    watch->is_asking = false;
    watch->is_refused = answer->outcome != QUEEN_DONE;
    watch->is_stopping = answer->outcome == QUEEN_STOPPING;
    /* One that was turned away is asked again in a while: waking it would make it ask at once. */
    if (!watch->is_closed && answer->outcome != QUEEN_BUSY)
        hive_stream_wake(watch->stream);
    pthread_mutex_unlock(&watch->lock);
    let_go(watch);
}

/* Whether the source can go on at once: it has a page now, or has not; else what to tell the stream. */
enum progress { GO_ON, WAIT, END };

static enum progress ask_for_page(struct watch *watch)
{
    pthread_mutex_lock(&watch->lock);
    bool is_asking = watch->is_asking, is_refused = watch->is_refused, is_stopping = watch->is_stopping;
    watch->is_refused = false; /* the next time, which is in LOOK_MS, it is asked again */
    if (!is_asking && !is_refused) {
        watch->is_asking = true;
        watch->holders++;
    }
    pthread_mutex_unlock(&watch->lock);
    if (is_asking || is_refused)
        return is_stopping ? END : WAIT;
    queen_read(watch->queen, true, on_page, watch);
    pthread_mutex_lock(&watch->lock);
    is_asking = watch->is_asking;
    pthread_mutex_unlock(&watch->lock);
    return is_asking ? WAIT : GO_ON;
}

/* Puts text together until there is some, or there is none to be had. */
static enum progress fill(struct watch *watch)
{
    enum progress progress = GO_ON;
    while (progress == GO_ON && watch->feed.text.size < FILL_BYTES) {
        if (watch->feed.need == WATCH_FEED_EVENTS)
            progress = watch_feed_take(&watch->feed, watch->hub, watch->watcher) ? GO_ON : WAIT;
        else if (watch->feed.text.size) /* while a page is made, the feed is not ours */
            break;
        else
            progress = ask_for_page(watch);
    }
    return progress;
}

static bool has_leader(struct queen *queen)
{
    struct queen_status status;
    queen_status(queen, &status);
    return status.leader[0] != '\0';
}

/* Nothing to send: is that for want of a leader, and does the client know that somebody is there? */
static enum progress look_around(struct watch *watch, bool has_feed)
{
    int64_t now_ms = hive_clock_monotonic_ms();
    if (now_ms >= watch->look_ms) {
        watch->look_ms = now_ms + LOOK_MS;
        if (has_leader(watch->queen))
            watch->led_ms = now_ms;
    }
    if (now_ms - watch->led_ms >= LEADERLESS_MS)
        return END;
    if (!has_feed || now_ms - watch->said_ms < ALIVE_MS)
        return WAIT;
    watch_feed_alive(&watch->feed);
    return GO_ON;
}

/* Whether the feed is the server thread's. */
static bool has_feed(struct watch *watch)
{
    pthread_mutex_lock(&watch->lock);
    bool is_asking = watch->is_asking;
    pthread_mutex_unlock(&watch->lock);
    return !is_asking;
}

static ssize_t read_watch(void *context, void *data, size_t bytes)
{
    struct watch *watch = context;
    struct hive_buffer *text = &watch->feed.text;
    enum progress progress = WAIT;
    if (!has_feed(watch))
        return look_around(watch, false) == END ? HIVE_STREAM_END : HIVE_STREAM_WAIT;
    if (watch->sent == text->size) {
        hive_buffer_clear(text);
        watch->sent = 0;
        progress = fill(watch);
        bool is_ours = has_feed(watch);
        if (progress != END && !(is_ours && text->size))
            progress = look_around(watch, is_ours);
        if (progress == END)
            return HIVE_STREAM_END;
        if (!is_ours)
            return HIVE_STREAM_WAIT;
    }
    if (!text->size)
        return HIVE_STREAM_WAIT;
    size_t count = text->size - watch->sent < bytes ? text->size - watch->sent : bytes;
    memcpy(data, text->data + watch->sent, count);
    watch->sent += count;
    watch->said_ms = hive_clock_monotonic_ms();
    return (ssize_t)count;
}

static void close_watch(void *context)
{
    struct watch *watch = context;
    watch_hub_leave(watch->hub, watch->watcher);
    pthread_mutex_lock(&watch->lock);
    watch->is_closed = true;
    pthread_mutex_unlock(&watch->lock);
    let_go(watch);
}

static void wake(void *context)
{
    struct watch *watch = context;
    hive_stream_wake(watch->stream);
}

/* Where the client wants to go on: its header, which knows more than the address it began with. False, and an
 * answer, where that is no number. `*text` is NULL where it wants to begin. */
static bool read_place(struct hive_request *request, const char **text, uint64_t *after)
{
    char *end;
    *text = hive_request_header(request, "Last-Event-ID");
    if (!*text)
        *text = hive_request_query(request, "after");
    if (!*text)
        return true;
    errno = 0;
    *after = strtoull(*text, &end, 10);
    if (**text >= '0' && **text <= '9' && !*end && !errno && *after < UINT64_MAX)
        return true;
    hive_request_reply_problem(request, 400, "bad-request",
                               "Last-Event-ID (or ?after=) must be the id of an event, such as 12");
    return false;
}

static void begin(struct watch *watch, struct hive_request *request, const char *place, uint64_t after)
{
    const char *list = hive_request_query(request, "list");
    watch->said_ms = watch->led_ms = hive_clock_monotonic_ms();
    if (place)
        watch_feed_resume(&watch->feed, after);
    else if (list && strcmp(list, "0"))
        watch_feed_list(&watch->feed);
    else
        watch_feed_start(&watch->feed, watch_hub_index(watch->hub));
    struct hive_stream_source source = {.read = read_watch,
                                        .closed = close_watch,
                                        .context = watch,
                                        .bytes = HIVE_STREAM_OPEN_ENDED,
                                        .ask_again_ms = LOOK_MS};
    hive_request_set_header(request, "Cache-Control", "no-store");
    hive_request_set_header(request, "X-Accel-Buffering", "no"); /* else nginx would wait for more */
    hive_request_reply_stream(request, 200, "text/event-stream", &source, &watch->stream);
}

void handle_watch(struct hive_request *request, void *context)
{
    struct node *node = context;
    const char *place, *prefix = hive_request_query(request, "prefix");
    uint64_t after = 0;
    if (answer_if_drone(request, node) || !read_place(request, &place, &after))
        return;
    if (!has_leader(node->queen)) {
        hive_request_set_header(request, "Retry-After", "1");
        hive_request_reply_problem(request, 503, "no-leader",
                                   "this queen knows of no leader now: try again, or watch another one");
        return;
    }
    struct watch *watch = hive_calloc(1, sizeof *watch);
    pthread_mutex_init(&watch->lock, NULL);
    watch->holders = 1;
    watch->queen = node->queen;
    watch->hub = queen_watch_hub(node->queen);
    hive_buffer_append_text(&watch->prefix, prefix ? prefix : "");
    watch->watcher = watch_hub_join(
        watch->hub, (struct machine_bytes){watch->prefix.data, watch->prefix.size}, wake, watch);
    if (watch->watcher) {
        begin(watch, request, place, after);
        return;
    }
    let_go(watch);
    hive_request_set_header(request, "Retry-After", "1");
    hive_request_reply_problem(request, 503, "busy",
                               "%d watchers are here already: watch another queen, or try again later",
                               HIVE_WATCHERS);
}
