/* Server-sent events, cut into pieces at every place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/event_stream.h"
#include "hive/limits.h"
#include "hive/memory.h"

/* What was seen, as text: "name|data|id\n". */
struct log {
    struct hive_buffer text;
    int room; /* events that it takes; below zero: any number */
};

static bool note(const struct event_stream_event *event, void *context)
{
    struct log *log = context;
    assert_int_equal(strlen(event->data), event->bytes);
    hive_buffer_format(&log->text, "%s|%s|%s\n", event->name, event->data, event->id);
    return --log->room != 0;
}

/* Feeds `text` in pieces of every size. */
static void expect(const char *text, const char *events, const char *last_id)
{
    size_t bytes = strlen(text);
    for (size_t piece = 1; piece <= bytes; piece++) {
        struct event_stream stream = {0};
        struct log log = {.room = -1};
        for (size_t at = 0; at < bytes; at += piece)
            assert_true(
                event_stream_feed(&stream, text + at, at + piece < bytes ? piece : bytes - at, note, &log));
        assert_string_equal(log.text.data ? log.text.data : "", events);
        assert_string_equal(event_stream_last_id(&stream), last_id);
        hive_buffer_finish(&log.text);
        event_stream_finish(&stream);
    }
}

static void events_are_put_together_from_lines(void **state)
{
    (void)state;
    expect("event: put\nid: 12\ndata: {}\n\n", "put|{}|12\n", "12");
    expect("data: a\n\ndata: b\n\n", "|a|\n|b|\n", "");
    expect("data: a\ndata:b\ndata:  c\n\n", "|a\nb\n c|\n", "");
    expect("data\n\ndata:\n\n", "||\n||\n", "");
}

static void ids_count_when_their_event_is_complete(void **state)
{
    (void)state;
    expect("id: 1\ndata: a\n\nid: 2\ndata: b\n", "|a|1\n", "1");
    expect("id: 1\ndata: a\n\ndata: b\n\n", "|a|1\n|b|1\n", "1");
    expect(": alive\nid: 7\n\n", "", "7"); /* no event, but a place to go on */
    expect("id: 7\n\nid\ndata: x\n\n", "|x|\n", "");
}

static void line_ends_may_be_any(void **state)
{
    (void)state;
    expect("data: a\r\n\r\ndata: b\r\rdata: c\n\n", "|a|\n|b|\n|c|\n", "");
    expect("id: 3\r\nevent: e\r\ndata: a\r\n\r\n", "e|a|3\n", "3");
}

static void what_is_unknown_is_passed_over(void **state)
{
    (void)state;
    expect(": comment\n:\nretry: 5\nevents: x\ndat: y\ndata: a\nnonsense\n\n\n\n", "|a|\n", "");
    expect("event: lonely\n\ndata: a\n\n", "|a|\n", ""); /* a name without data is forgotten */
}

static void the_visitor_ends_it(void **state)
{
    static const char text[] = "data: a\n\ndata: b\n\ndata: c\n\n";
    struct event_stream stream = {0};
    struct log log = {.room = 2};
    (void)state;
    assert_false(event_stream_feed(&stream, text, sizeof text - 1, note, &log));
    assert_string_equal(log.text.data, "|a|\n|b|\n");
    assert_false(stream.is_too_long);
    hive_buffer_finish(&log.text);
    event_stream_finish(&stream);
}

static void a_new_connection_begins_anew_behind_the_last_id(void **state)
{
    static const char half[] = "id: 4\ndata: a\n\nid: 5\nevent: e\ndata: hal", next[] = "data: b\n\n";
    struct event_stream stream = {0};
    struct log log = {.room = -1};
    (void)state;
    assert_true(event_stream_feed(&stream, half, sizeof half - 1, note, &log));
    event_stream_restart(&stream);
    assert_string_equal(event_stream_last_id(&stream), "4");
    assert_true(event_stream_feed(&stream, next, sizeof next - 1, note, &log));
    assert_string_equal(log.text.data, "|a|4\n|b|4\n");
    hive_buffer_finish(&log.text);
    event_stream_finish(&stream);
}

static void a_line_without_end_is_refused(void **state)
{
    struct event_stream stream = {0};
    struct log log = {.room = -1};
    char *piece = hive_calloc(1, HIVE_VALUE_BYTES);
    int taken = 0;
    (void)state;
    memset(piece, 'x', HIVE_VALUE_BYTES);
    assert_true(event_stream_feed(&stream, "data: ", 6, note, &log));
    while (taken < 100 && event_stream_feed(&stream, piece, HIVE_VALUE_BYTES, note, &log))
        taken++;
    assert_in_range(taken, 6, 20); /* the largest value fits, whatever it is written with */
    assert_true(stream.is_too_long);
    event_stream_finish(&stream);
    for (taken = 0; taken < 100 && !stream.is_too_long; taken++) { /* nor may many lines be one event */
        event_stream_feed(&stream, "data: ", 6, note, &log);
        event_stream_feed(&stream, piece, HIVE_VALUE_BYTES, note, &log);
        event_stream_feed(&stream, "\n", 1, note, &log);
    }
    assert_in_range(taken, 6, 20);
    event_stream_finish(&stream);
    hive_buffer_finish(&log.text);
    free(piece);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_put_together_from_lines),
        cmocka_unit_test(ids_count_when_their_event_is_complete),
        cmocka_unit_test(line_ends_may_be_any),
        cmocka_unit_test(what_is_unknown_is_passed_over),
        cmocka_unit_test(the_visitor_ends_it),
        cmocka_unit_test(a_new_connection_begins_anew_behind_the_last_id),
        cmocka_unit_test(a_line_without_end_is_refused),
    };
    return cmocka_run_group_tests_name("cli_event_stream", tests, NULL, NULL);
}
