/* Themes: few colour pairs, states that can be told apart, and no colours where none are wanted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "hivetop/palette.h"

static const int colours[] = {256, 16, 8};

static bool is_same(struct look a, struct look b)
{
    return a.foreground == b.foreground && a.background == b.background && a.flags == b.flags;
}

static void every_theme_gets_along_with_the_pairs_that_there_are(void **state)
{
    (void)state;
    for (int i = 0; palette_names[i]; i++) {
        assert_true(palette_choose(palette_names[i]));
        for (size_t j = 0; j < sizeof colours / sizeof *colours; j++) {
            struct look seen[2 * STYLE_COUNT];
            int count = 0;
            for (int k = 0; k < 2 * STYLE_COUNT; k++) {
                struct look look = palette_look((enum style)(k / 2), k % 2, colours[j]);
                int at = 0;
                assert_true(look.foreground < colours[j] && look.background < colours[j]);
                look.flags = 0;
                while (at < count && !is_same(seen[at], look))
                    at++;
                seen[at] = look;
                count += at == count;
            }
            assert_in_range(count, 1, PALETTE_PAIRS);
        }
    }
    palette_choose("");
}

static void states_of_nodes_differ_in_every_theme(void **state)
{
    (void)state;
    static const enum style styles[] = {STYLE_NORMAL, STYLE_LEADER, STYLE_CANDIDATE, STYLE_PAUSED,
                                        STYLE_DOWN};
    for (int i = 0; palette_names[i]; i++) {
        if (strcmp(palette_names[i], "mono") == 0)
            continue; /* marks and words tell them apart */
        assert_true(palette_choose(palette_names[i]));
        for (size_t j = 0; j < sizeof colours / sizeof *colours; j++) {
            for (size_t a = 0; a < sizeof styles / sizeof *styles; a++) {
                for (size_t b = 0; b < a; b++) {
                    struct look one = palette_look(styles[a], false, colours[j]);
                    struct look other = palette_look(styles[b], false, colours[j]);
                    if (one.foreground == other.foreground && one.background == other.background)
                        fail_msg("styles %d and %d look alike in \"%s\" with %d colours", styles[a],
                                 styles[b], palette_names[i], colours[j]);
                }
            }
        }
    }
    palette_choose("");
}

static void no_ink_has_the_colour_of_its_ground(void **state)
{
    (void)state;
    for (int i = 0; palette_names[i]; i++) {
        assert_true(palette_choose(palette_names[i]));
        for (size_t j = 0; j < sizeof colours / sizeof *colours; j++) {
            for (int k = 0; k < 2 * STYLE_COUNT; k++) {
                struct look look = palette_look((enum style)(k / 2), k % 2, colours[j]);
                if (look.foreground >= 0 && look.foreground == look.background)
                    fail_msg("style %d cannot be read in \"%s\" with %d colours", k / 2, palette_names[i],
                             colours[j]);
            }
        }
    }
    palette_choose("");
}

static void mono_and_terminals_without_colours_have_none(void **state)
{
    (void)state;
    for (int style = 0; style < STYLE_COUNT; style++) {
        struct look plain = palette_look((enum style)style, false, 0);
        assert_int_equal(plain.foreground, -1);
        assert_int_equal(plain.background, -1);
        assert_true(palette_choose("mono"));
        assert_true(is_same(palette_look((enum style)style, false, 256), plain));
        palette_choose("");
    }
    assert_true(palette_look(STYLE_NORMAL, true, 0).flags & LOOK_REVERSE);
    assert_true(palette_look(STYLE_FOCUS, false, 0).flags & LOOK_REVERSE);
}

static void an_unknown_theme_changes_nothing(void **state)
{
    (void)state;
    assert_true(palette_choose("light"));
    struct look before = palette_look(STYLE_LEADER, false, 256);
    assert_false(palette_choose("solarized"));
    assert_true(is_same(palette_look(STYLE_LEADER, false, 256), before));
    assert_true(palette_choose(""));
    assert_false(is_same(palette_look(STYLE_LEADER, false, 256), before));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_theme_gets_along_with_the_pairs_that_there_are),
        cmocka_unit_test(states_of_nodes_differ_in_every_theme),
        cmocka_unit_test(no_ink_has_the_colour_of_its_ground),
        cmocka_unit_test(mono_and_terminals_without_colours_have_none),
        cmocka_unit_test(an_unknown_theme_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
