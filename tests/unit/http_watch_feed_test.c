/* What watchers are sent, against a model: logs that queens apply at different speeds, listings in small pages
 * between which writes go on, snapshots that make a queen skip, and clients that lose their connection anywhere.
 * A client knows exactly the state at the index that it was told, and sees each change behind it once, in
 * order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>
#include <cmocka.h>
#include <errno.h>

#include "cli/event_stream.h"
#include "hive/memory.h"
#include "http/watch_feed.h"

enum { KEYS = 9, LOG = 300, QUEENS = 2, CLIENTS = 3, RUNS = 1000 };

static const char *const keys[KEYS] = {"a", "a/", "a/b", "a/b/c", "a/bb", "a/c", "a/d\xff", "b", "b/c"};
static const char *const prefixes[] = {"", "a/", "a/b", "b", "none"};

static unsigned seed;

static unsigned below(unsigned limit)
{
    return (unsigned)rand_r(&seed) % limit;
}

/* The log, and the state behind each of its entries: the index that last wrote a key, 0 where it is absent. */
static struct {
    int key; /* -1: not about keys */
    bool is_delete, is_effective, is_created;
} entries[LOG + 1];
static uint64_t states[LOG + 1][KEYS];

static struct queen {
    struct watch_hub *hub;
    uint64_t applied;
} queens[QUEENS];

/* A client, the watch that serves it, and what it knows. */
static struct client {
    const char *prefix;
    struct queen *queen; /* NULL: not connected */
    struct watch_feed feed;
    struct watcher *watcher;
    bool is_awake;
    bool is_page_made; /* the page was read, and waits to be sent */
    struct event_stream stream;
    bool lists;         /* it knows the keys up to `listed` only */
    int listed;         /* the last key of the listing so far; -1: none */
    uint64_t corrected; /* the last index of a change within the listing */
    bool has_state;     /* … of all keys, at `after` */
    uint64_t after, state[KEYS], listing[KEYS];
} clients[CLIENTS];

static struct {
    unsigned events, entries, corrections, listed, too_old, resumed_ahead, cut_listings, lag;
} total;

static void make_log(void)
{
    for (uint64_t i = 1; i <= LOG; i++) {
        memcpy(states[i], states[i - 1], sizeof states[i]);
        entries[i].key = below(4) ? (int)below(KEYS) : -1;
        if (entries[i].key < 0)
            continue;
        uint64_t *state = &states[i][entries[i].key];
        entries[i].is_delete = below(3) == 0;
        entries[i].is_effective = !entries[i].is_delete || *state;
        entries[i].is_created = !*state;
        *state = entries[i].is_delete ? 0 : i;
    }
}

static bool concerns(const struct client *client, int key)
{
    return key >= 0 && strncmp(keys[key], client->prefix, strlen(client->prefix)) == 0;
}

static struct machine_bytes bytes(const char *text)
{
    return (struct machine_bytes){.data = text, .size = strlen(text)};
}

static void apply(struct queen *queen)
{
    char value[24];
    if (queen->applied == LOG)
        return;
    uint64_t i = ++queen->applied;
    snprintf(value, sizeof value, "%lu", (unsigned long)i);
    if (entries[i].key >= 0 && entries[i].is_effective) {
        struct watch_event event = {.type = entries[i].is_delete ? WATCH_DELETE : WATCH_PUT,
                                    .index = i,
                                    .key = bytes(keys[entries[i].key]),
                                    .created = entries[i].is_created && !entries[i].is_delete};
        if (!entries[i].is_delete)
            event.value = bytes(value);
        watch_hub_publish(queen->hub, &event);
    }
    if (below(3))
        watch_hub_advance(queen->hub, i); /* else the hub is told late */
}

static void skip_ahead(struct queen *queen)
{
    uint64_t index = queen->applied + below(20);
    if (index > LOG)
        return;
    queen->applied = index;
    watch_hub_reset(queen->hub, index);
}

/* ---- what the client makes of the events ---- */

static int key_of(const cJSON *json)
{
    const cJSON *plain = cJSON_GetObjectItem(json, "key"), *encoded = cJSON_GetObjectItem(json, "key_base64");
    if (encoded) {
        assert_string_equal(encoded->valuestring, "YS9k/w==");
        return 6;
    }
    for (int i = 0; i < KEYS; i++)
        if (strcmp(keys[i], plain->valuestring) == 0)
            return i;
    fail_msg("unknown key %s", plain->valuestring);
    return -1;
}

static uint64_t index_of(const cJSON *json)
{
    const cJSON *index = cJSON_GetObjectItem(json, "index"), *value = cJSON_GetObjectItem(json, "value");
    assert_non_null(index);
    if (value) /* each value is the index that wrote it */
        assert_int_equal(strtoul(value->valuestring, NULL, 10), index->valuedouble);
    return (uint64_t)index->valuedouble;
}

static void expect_state(const struct client *client, const uint64_t *state, uint64_t index)
{
    for (int i = 0; i < KEYS; i++)
        if (concerns(client, i) && state[i] != states[index][i])
            fail_msg("at index %lu the client believes that %s was written at %lu, not %lu",
                     (unsigned long)index, keys[i], (unsigned long)state[i], (unsigned long)states[index][i]);
}

static void take_change(struct client *client, bool is_put, int key, uint64_t index, const cJSON *json,
                        const char *id)
{
    const cJSON *created = cJSON_GetObjectItem(json, "created");
    assert_int_equal(entries[index].key, key);
    assert_int_equal(entries[index].is_delete, !is_put);
    assert_true(!is_put || cJSON_IsTrue(created) == entries[index].is_created);
    if (client->lists) {
        assert_true(key <= client->listed);
        assert_true(index > client->corrected && index > client->listing[key]);
        client->corrected = index;
        client->listing[key] = is_put ? index : 0;
        total.corrections++;
        return;
    }
    assert_true(client->has_state);
    assert_int_equal(strtoul(id, NULL, 10), index);
    assert_true(index > client->after);
    for (uint64_t i = client->after + 1; i < index; i++)
        if (concerns(client, entries[i].key) && entries[i].is_effective)
            fail_msg("the change at %lu was lost", (unsigned long)i);
    client->after = index;
    client->state[key] = is_put ? index : 0;
    total.events++;
}

static void take_entry(struct client *client, int key, uint64_t index)
{
    assert_true(client->lists && key > client->listed && concerns(client, key));
    for (int i = client->listed + 1; i < key; i++)
        client->listing[i] = 0;
    client->listed = key;
    client->listing[key] = index;
    total.entries++;
}

static bool take(const struct event_stream_event *event, void *context)
{
    struct client *client = context;
    cJSON *json = cJSON_Parse(event->data);
    assert_non_null(json);
    bool is_put = strcmp(event->name, "put") == 0;
    if (is_put || strcmp(event->name, "delete") == 0) {
        take_change(client, is_put, key_of(json), index_of(json), json, event->id);
    } else if (strcmp(event->name, "entry") == 0) {
        take_entry(client, key_of(json), index_of(json));
    } else if (strcmp(event->name, "too-old") == 0) {
        assert_true(client->has_state || client->lists);
        memset(client->listing, 0, sizeof client->listing);
        client->lists = true;
        client->listed = -1;
        client->corrected = 0;
        total.too_old++;
    } else if (strcmp(event->name, "listed") == 0) {
        assert_true(client->lists && (!client->has_state || index_of(json) >= client->after));
        client->after = index_of(json);
        assert_int_equal(strtoul(event->id, NULL, 10), client->after);
        memcpy(client->state, client->listing, sizeof client->state);
        client->lists = false;
        client->has_state = true;
        expect_state(client, client->state, client->after);
        total.listed++;
    } else {
        assert_string_equal(event->name, "start");
        assert_false(client->has_state || client->lists);
        client->has_state = true;
        client->after = index_of(json);
        memcpy(client->state, states[client->after], sizeof client->state);
    }
    cJSON_Delete(json);
    return true;
}

/* ---- the watch ---- */

static void wake(void *context)
{
    ((struct client *)context)->is_awake = true;
}

static void connect_client(struct client *client)
{
    const char *id = event_stream_last_id(&client->stream);
    client->queen = &queens[below(QUEENS)];
    client->watcher = watch_hub_join(client->queen->hub, bytes(client->prefix), wake, client);
    client->is_awake = true;
    client->is_page_made = false;
    client->lists = false;
    client->listed = -1;
    client->corrected = 0;
    memset(client->listing, 0, sizeof client->listing);
    if (*id) {
        uint64_t after = strtoul(id, NULL, 10);
        total.resumed_ahead += after > client->queen->applied;
        watch_feed_resume(&client->feed, after);
    } else if (below(2)) {
        watch_feed_start(&client->feed, watch_hub_index(client->queen->hub));
    } else {
        watch_feed_list(&client->feed);
        client->lists = true;
    }
}

static void disconnect(struct client *client)
{
    total.cut_listings += client->lists;
    watch_hub_leave(client->queen->hub, client->watcher);
    watch_feed_finish(&client->feed);
    event_stream_restart(&client->stream);
    client->queen = NULL;
}

/* Reads a page as the queen has it now; it is a small one. */
static void read_page(struct client *client)
{
    const uint64_t *state = states[client->queen->applied];
    const struct hive_buffer *cursor = &client->feed.cursor;
    unsigned room = 1 + below(3);
    bool has_more = false;
    for (int i = 0; i < KEYS; i++) {
        char value[24];
        struct machine_kv entry = {.key = bytes(keys[i]), .modified_index = state[i], .version = 1};
        if (!state[i] || !concerns(client, i) || (cursor->size && strcmp(keys[i], cursor->data) <= 0))
            continue;
        if (!room--) {
            has_more = true;
            break;
        }
        snprintf(value, sizeof value, "%lu", (unsigned long)state[i]);
        entry.value = bytes(value);
        watch_feed_entry(&client->feed, &entry);
    }
    total.lag += watch_hub_index(client->queen->hub) < client->queen->applied;
    watch_feed_page_end(&client->feed, client->queen->applied, !has_more);
}

/* One step of the watch: what it says arrives at once, in pieces of any size. */
static void pump(struct client *client)
{
    struct watch_feed *feed = &client->feed;
    if (feed->need == WATCH_FEED_PAGE)
        read_page(client);
    else if (client->is_awake)
        client->is_awake = watch_feed_take(feed, client->queen->hub, client->watcher);
    else if (below(20) == 0)
        watch_feed_alive(feed);
    for (size_t at = 0; at < feed->text.size;) {
        size_t piece = 1 + below(200);
        if (piece > feed->text.size - at)
            piece = feed->text.size - at;
        assert_true(event_stream_feed(&client->stream, feed->text.data + at, piece, take, client));
        at += piece;
    }
    hive_buffer_clear(&feed->text);
}

static void step(unsigned calm)
{
    struct client *client = &clients[below(CLIENTS)];
    struct queen *queen = &queens[below(QUEENS)];
    unsigned what = below(calm);
    if (what == 0)
        skip_ahead(queen);
    else if (what <= 8)
        apply(queen);
    else if (!client->queen)
        connect_client(client);
    else if (what == 9)
        disconnect(client);
    else
        pump(client);
}

static void one_run(void)
{
    memset(states, 0, sizeof states);
    make_log();
    for (int i = 0; i < QUEENS; i++)
        queens[i] = (struct queen){.hub = watch_hub_create(0)};
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = (struct client){.prefix = prefixes[below(5)]};
    unsigned calm = 20 + below(150);
    while (queens[0].applied < LOG || queens[1].applied < LOG)
        step(calm);
    for (int i = 0; i < QUEENS; i++)
        watch_hub_advance(queens[i].hub, LOG);
    for (int i = 0; i < CLIENTS; i++) {
        struct client *client = &clients[i];
        if (!client->queen)
            connect_client(client);
        while (client->is_awake || client->feed.need == WATCH_FEED_PAGE)
            pump(client);
        pump(client);
        assert_true(client->has_state && !client->lists);
        for (uint64_t at = client->after + 1; at <= LOG; at++)
            assert_false(concerns(client, entries[at].key) && entries[at].is_effective);
        expect_state(client, client->state, LOG);
        disconnect(client);
        event_stream_finish(&client->stream);
    }
    for (int i = 0; i < QUEENS; i++)
        watch_hub_destroy(queens[i].hub);
}

static void every_change_arrives_once_and_in_order_whatever_happens(void **state)
{
    const char *chosen = getenv("WATCH_SEED");
    (void)state;
    for (unsigned run = 1; run <= RUNS; run++) {
        seed = chosen ? (unsigned)strtoul(chosen, NULL, 10) : run;
        print_message(run == 1 && chosen ? "seed %u\n" : "", seed);
        one_run();
        if (chosen)
            return;
    }
    print_message("%u events, %u entries, %u corrections, %u listed, %u too old, %u ahead, %u cut, %u lag\n",
                  total.events, total.entries, total.corrections, total.listed, total.too_old,
                  total.resumed_ahead, total.cut_listings, total.lag);
    assert_true(total.corrections > 1000 && total.too_old > 1000 && total.resumed_ahead > 1000 &&
                total.cut_listings > 1000 && total.lag > 100);
}

/* ---- the text itself ---- */

static void wake_nobody(void *context)
{
    (void)context;
}

static void events_look_as_they_should(void **state)
{
    struct watch_hub *hub = watch_hub_create(7);
    struct watcher *watcher = watch_hub_join(hub, bytes(""), wake_nobody, NULL);
    struct watch_feed feed;
    struct watch_event put = {
        .type = WATCH_PUT, .index = 8, .key = bytes("a\n\"b"), .value = {"\xff\0", 2}, .created = true};
    struct watch_event remove = {.type = WATCH_DELETE, .index = 9, .key = bytes("k")};
    struct machine_kv entry = {.key = bytes("k"), .value = bytes("v"), .modified_index = 3, .version = 2};
    (void)state;
    watch_feed_start(&feed, 7);
    watch_hub_publish(hub, &put);
    watch_hub_publish(hub, &remove);
    assert_true(watch_feed_take(&feed, hub, watcher));
    assert_false(watch_feed_take(&feed, hub, watcher));
    watch_feed_alive(&feed);
    assert_string_equal(
        feed.text.data,
        "event: start\nid: 7\ndata: {\"index\":7}\n\n"
        "event: put\nid: 8\ndata: {\"key\":\"a\\n\\\"b\",\"value_base64\":\"/wA=\",\"index\":8,"
        "\"created\":true}\n\n"
        "event: delete\nid: 9\ndata: {\"key\":\"k\",\"index\":9}\n\n"
        ": alive\nid: 9\n\n");
    watch_feed_finish(&feed);
    watch_feed_resume(&feed, 3);
    hive_buffer_clear(&feed.text);
    assert_true(watch_feed_take(&feed, hub, watcher));
    assert_int_equal(feed.need, WATCH_FEED_PAGE);
    watch_feed_alive(&feed);
    watch_feed_entry(&feed, &entry);
    watch_feed_page_end(&feed, 9, true);
    assert_string_equal(feed.text.data,
                        "event: too-old\ndata: {\"oldest\":7}\n\n"
                        ": alive\n\n"
                        "event: entry\ndata: {\"key\":\"k\",\"value\":\"v\",\"index\":3,\"version\":2}\n\n"
                        "event: listed\nid: 9\ndata: {\"index\":9}\n\n");
    watch_feed_finish(&feed);
    watch_hub_leave(hub, watcher);
    watch_hub_destroy(hub);
}

static void a_page_and_a_text_are_bounded(void **state)
{
    struct watch_hub *hub = watch_hub_create(0);
    struct watcher *watcher = watch_hub_join(hub, bytes(""), wake_nobody, NULL);
    struct watch_feed feed;
    char *value = hive_calloc(1, 10001);
    memset(value, 'v', 10000);
    struct machine_kv entry = {.key = bytes("k"), .value = bytes(value), .modified_index = 3, .version = 2};
    int entry_count = 1;
    (void)state;
    watch_feed_list(&feed);
    while (watch_feed_entry(&feed, &entry))
        entry_count++;
    assert_in_range(entry_count, 5, 100);
    watch_feed_finish(&feed);
    for (uint64_t i = 1; i <= 100; i++)
        watch_hub_publish(hub, &(struct watch_event){
                                   .type = WATCH_PUT, .index = i, .key = bytes("k"), .value = bytes(value)});
    watch_feed_resume(&feed, 0);
    while (watch_feed_take(&feed, hub, watcher))
        ;
    assert_in_range(feed.text.size, 10000, 200 * 1000);
    assert_in_range(feed.after, 2, 20);
    watch_feed_finish(&feed);
    watch_hub_leave(hub, watcher);
    watch_hub_destroy(hub);
    free(value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_look_as_they_should),
        cmocka_unit_test(a_page_and_a_text_are_bounded),
        cmocka_unit_test(every_change_arrives_once_and_in_order_whatever_happens),
    };
    return cmocka_run_group_tests_name("http_watch_feed", tests, NULL, NULL);
}
