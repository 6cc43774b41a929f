/* The dashboard's hold on the terminal. ncurses compares frames and sends what changed, and follows changes
 * of the window's size. What it does not do is let go cleanly whatever happens: here, what gives the terminal
 * back is prepared when it is taken over, so that a signal handler has only to write it; before the program
 * dies, and before it is stopped with ^Z. */
#include "screen.h"

#include <errno.h>
#include <langinfo.h>
#include <poll.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include <curses.h>
#include <term.h>
#undef columns /* macros of term.h, for the terminal's numbers */
#undef lines

#include "hive/encoding.h"
#include "hive/memory.h"
#include "keys.h"
#include "palette.h"

#define ESCAPE_MS       25
#define RESTORE_BYTES   512
#define ALT_STACK_BYTES 65536
#define MOUSE_OFF       "\033[?1006;1002;1000l" /* what ncurses may have turned on; terminfo has no name for it */

static SCREEN *terminal;
static bool is_open;
static WINDOW *keyboard; /* a pad: reading from it redraws nothing */
static int colours;
static bool has_own_colours; /* the terminal's, which need not be white on black */
static bool is_mouse_on;
static short pairs[STYLE_COUNT][2];

static volatile sig_atomic_t was_continued; /* who knows what the terminal shows since */

/* For the signal handler. */
static struct {
    volatile sig_atomic_t is_taken; /* the terminal is in our modes */
    volatile sig_atomic_t is_writing;
    struct termios modes;
    char text[RESTORE_BYTES];
    size_t bytes;
} saved;

/* ---- ways out ---- */

static int collect(int character)
{
    if (saved.bytes < sizeof saved.text)
        saved.text[saved.bytes++] = (char)character;
    return character;
}

/* Notes what undoes everything that the screen does: attributes, colours, keypad mode, cursor, alternate
 * screen. */
static void prepare_restore(void)
{
    const char *strings[] = {exit_attribute_mode, orig_pair, keypad_local, cursor_normal, exit_ca_mode};
    saved.bytes = 0;
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++) {
        if (strings[i] && strings[i] != (char *)-1)
            tputs(strings[i], 1, collect);
    }
    if (!exit_ca_mode)
        tputs("\r\n", 1, collect);
    for (const char *text = is_mouse_on ? MOUSE_OFF : ""; *text; text++)
        collect(*text);
}

/* The terminal is another program's while this one runs in the background. */
static bool is_in_foreground(void)
{
    pid_t group = tcgetpgrp(STDOUT_FILENO);
    return group < 0 || group == getpgrp();
}

/* Only functions that are safe in a signal handler, and none that can wait for a terminal that takes no
 * output. */
static void give_back(void)
{
    struct pollfd output = {.fd = STDOUT_FILENO, .events = POLLOUT};
    saved.is_taken = 0;
    if (poll(&output, 1, 0) == 0)
        tcflush(STDOUT_FILENO, TCOFLUSH);
    static const char cancel = 0x18; /* ends an escape sequence that was cut short */
    if (saved.is_writing)
        (void)!write(STDOUT_FILENO, &cancel, 1);
    (void)!write(STDOUT_FILENO, saved.text, saved.bytes);
    tcsetattr(STDOUT_FILENO, TCSANOW, &saved.modes);
}

static void die(int signal_number)
{
    if (saved.is_taken && is_in_foreground())
        give_back();
    raise(signal_number); /* its action is the default again: SA_RESETHAND */
}

static void catch_signal(int number, void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags}, old;
    sigemptyset(&action.sa_mask);
    if (sigaction(number, NULL, &old) == 0 && old.sa_handler != SIG_IGN) /* as under nohup */
        sigaction(number, &action, NULL);
}

/* ^Z. The shell may already have taken the terminal, where another process of this job was faster to stop:
 * SIGTTOU, which would stop us too early then, is kept out. */
static void stop(int signal_number)
{
    int old_errno = errno;
    sigset_t early, own, old;
    sigemptyset(&early);
    sigaddset(&early, SIGTTOU);
    sigprocmask(SIG_BLOCK, &early, &old);
    if (saved.is_taken)
        give_back();
    sigemptyset(&own);
    sigaddset(&own, signal_number);
    sigprocmask(SIG_UNBLOCK, &own, NULL);
    raise(signal_number); /* stops here, until somebody continues it: SA_RESETHAND */
    sigprocmask(SIG_SETMASK, &old, NULL);
    catch_signal(signal_number, stop, SA_RESETHAND | SA_NODEFER);
    errno = old_errno;
}

static void note_continued(int signal_number)
{
    (void)signal_number;
    was_continued = 1;
}

static void catch_signals(void)
{
    static const int numbers[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL};
    static char stack[ALT_STACK_BYTES]; /* an overflown stack cannot run a handler */
    sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        catch_signal(numbers[i], die, SA_RESETHAND | SA_NODEFER | SA_ONSTACK);
    catch_signal(SIGTSTP, stop, SA_RESETHAND | SA_NODEFER);
    catch_signal(SIGCONT, note_continued, 0);
}

void screen_close(void)
{
    if (!is_open)
        return;
    is_open = false;
    delwin(keyboard);
    endwin();
    saved.is_taken = 0;
    delscreen(terminal);
    terminal = NULL;
}

/* ---- ways in ---- */

static SCREEN *open_terminal(void)
{
    static const char *const fallbacks[] = {"xterm-256color", "xterm", "vt100", "ansi"};
    const char *type = getenv("TERM");
    SCREEN *screen = type && type[0] ? newterm(type, stdout, stdin) : NULL;
    for (size_t i = 0; !screen && i < sizeof fallbacks / sizeof *fallbacks; i++)
        screen = newterm(fallbacks[i], stdout, stdin);
    return screen;
}

/* The pair of these two colours; styles that look alike share one. The terminal's own colours where there are too
 * many. */
static short pair_of(short front, short back, short taken[PALETTE_PAIRS][2], short *count)
{
    for (short i = 0; i < *count; i++) {
        if (taken[i][0] == front && taken[i][1] == back)
            return (short)(i + 1);
    }
    if (*count >= PALETTE_PAIRS || *count + 1 >= COLOR_PAIRS)
        return 0;
    taken[*count][0] = front;
    taken[*count][1] = back;
    init_pair((short)(*count + 1), front, back);
    return ++*count;
}

static void make_pairs(void)
{
    short taken[PALETTE_PAIRS][2], count = 0;
    for (int style = 0; colours && style < STYLE_COUNT; style++) {
        for (int marked = 0; marked < 2; marked++) {
            struct look look = palette_look((enum style)style, marked, colours);
            short front = look.foreground >= 0 || has_own_colours ? look.foreground : COLOR_WHITE;
            short back = look.background >= 0 || has_own_colours ? look.background : COLOR_BLACK;
            pairs[style][marked] = pair_of(front, back, taken, &count);
        }
    }
}

static void choose_colours(void)
{
    const char *no_color = getenv("NO_COLOR");
    colours = 0;
    if ((no_color && no_color[0]) || !has_colors() || start_color() == ERR)
        return;
    has_own_colours = use_default_colors() == OK;
    colours = COLORS;
    make_pairs();
}

void screen_recolour(void)
{
    make_pairs();
    screen_repaint();
}

int screen_open(struct hive_error *error)
{
    if (tcgetattr(STDOUT_FILENO, &saved.modes) || !isatty(STDIN_FILENO))
        return hive_error_set(error, -ENOTTY,
                              "the screen needs a terminal; use --once or --json without one");
    /* ncurses would believe these rather than the terminal, and miss when it changes. */
    unsetenv("LINES");
    unsetenv("COLUMNS");
    terminal = open_terminal();
    if (!terminal)
        return hive_error_set(
            error, -ENOTSUP,
            "no description of the terminal \"%s\" was found (package ncurses-base); use --once",
            getenv("TERM") ? getenv("TERM") : "");
    if (!cursor_address) {
        endwin();
        delscreen(terminal);
        terminal = NULL;
        return hive_error_set(error, -ENOTSUP, "a terminal of type \"%s\" cannot show a screen; use --once",
                              getenv("TERM"));
    }
    prepare_restore();
    saved.is_taken = 1;
    is_open = true;
    catch_signals();
    atexit(screen_close);
    set_escdelay(ESCAPE_MS);
    cbreak();
    noecho();
    nonl();
    curs_set(0);
    choose_colours();
    keyboard = newpad(1, 1);
    keypad(keyboard, TRUE);
    nodelay(keyboard, TRUE);
    return 0;
}

void screen_use_mouse(void)
{
    mouseinterval(0); /* a click is known by the press: waiting for more would hold every key up */
    is_mouse_on = mousemask(BUTTON1_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED, NULL) != 0;
    prepare_restore();
}

void screen_size(int *columns, int *rows)
{
    getmaxyx(stdscr, *rows, *columns);
}

bool screen_is_unicode(void)
{
    const char *type = getenv("TERM");
    bool is_console = type && strcmp(type, "linux") == 0; /* its font has 256 characters, and few of these */
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0 && !is_console;
}

/* ---- output ---- */

static void set_look(enum style style, bool is_marked)
{
    struct look look = palette_look(style, is_marked, colours);
    attr_t attributes = (look.flags & LOOK_BOLD ? A_BOLD : 0) | (look.flags & LOOK_DIM ? A_DIM : 0) |
                        (look.flags & LOOK_UNDERLINE ? A_UNDERLINE : 0) |
                        (look.flags & LOOK_REVERSE ? A_REVERSE : 0);
    attr_set(attributes, colours ? pairs[style][is_marked] : 0, NULL);
}

/* A row goes to ncurses in runs of one look. */
static void draw_row(const struct cells *cells, int row, wchar_t *run)
{
    for (int column = 0; column < cells->columns;) {
        const struct cell *first = cells_at(cells, column, row);
        int start = column, length = 0;
        for (; column < cells->columns; column++) {
            const struct cell *cell = cells_at(cells, column, row);
            if (cell->style != first->style || cell->is_marked != first->is_marked)
                break;
            if (cell->rune)
                run[length++] = cell->rune;
        }
        set_look((enum style)first->style, first->is_marked);
        mvaddnwstr(row, start, run, length);
    }
}

bool screen_show(const struct cells *cells)
{
    struct pollfd output = {.fd = STDOUT_FILENO, .events = POLLOUT};
    if (!is_in_foreground())
        return true;
    if (poll(&output, 1, 0) == 0)
        return false;
    erase();
    wchar_t *run = hive_calloc((size_t)cells->columns + 1, sizeof *run);
    for (int row = 0; row < cells->rows; row++)
        draw_row(cells, row, run);
    free(run);
    if (cells->cursor_column >= 0)
        move(cells->cursor_row, cells->cursor_column);
    curs_set(cells->cursor_column >= 0);
    saved.is_taken = 1;
    saved.is_writing = 1;
    refresh();
    saved.is_writing = 0;
    return true;
}

void screen_repaint(void)
{
    clearok(curscr, TRUE);
}

/* ---- input ---- */

static int translate(int code)
{
    static const struct {
        int curses, key;
    } codes[] = {
        {KEY_UP, KEYS_UP},         {KEY_DOWN, KEYS_DOWN},
        {KEY_LEFT, KEYS_LEFT},     {KEY_RIGHT, KEYS_RIGHT},
        {KEY_PPAGE, KEYS_PAGE_UP}, {KEY_NPAGE, KEYS_PAGE_DOWN},
        {KEY_HOME, KEYS_HOME},     {KEY_END, KEYS_END},
        {KEY_F(1), KEYS_F1},       {KEY_F(9), KEYS_F9},
        {KEY_F(10), KEYS_F10},     {KEY_BTAB, KEYS_BACK_TAB},
        {KEY_MOUSE, KEYS_MOUSE},   {KEY_BACKSPACE, KEYS_BACKSPACE},
        {KEY_ENTER, KEYS_ENTER},   {KEY_RESIZE, KEYS_RESIZE},
    };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (codes[i].curses == code)
            return codes[i].key;
    }
    return KEYS_OTHER;
}

int screen_key(void)
{
    wint_t character;
    if (was_continued && is_in_foreground()) {
        was_continued = 0;
        if (!saved.is_taken && tcgetattr(STDOUT_FILENO, &saved.modes) == 0)
            def_shell_mode(); /* the user may have changed them meanwhile */
        endwin();             /* the next frame takes the terminal over anew */
        screen_repaint();
        return KEYS_RESIZE;
    }
    int kind = wget_wch(keyboard, &character);
    if (kind == ERR)
        return KEYS_NONE;
    if (kind == KEY_CODE_YES)
        return translate((int)character);
    if (character == '\n')
        return KEYS_ENTER;
    if (character == '\b')
        return KEYS_BACKSPACE;
    return (int)character;
}

bool screen_mouse(int *column, int *row, int *wheel)
{
    MEVENT event;
    if (getmouse(&event) != OK)
        return false;
    *column = event.x;
    *row = event.y;
    *wheel = event.bstate & BUTTON4_PRESSED ? -1 : event.bstate & BUTTON5_PRESSED ? 1 : 0;
    return *wheel || event.bstate & BUTTON1_PRESSED;
}

void screen_copy(const char *text)
{
    struct pollfd output = {.fd = STDOUT_FILENO, .events = POLLOUT};
    if (!is_in_foreground() || poll(&output, 1, 0) == 0)
        return;
    struct hive_buffer sequence = {0};
    hive_buffer_append_text(&sequence, "\033]52;c;");
    hive_base64_append(&sequence, text, strlen(text));
    hive_buffer_append_text(&sequence, "\a");
    fwrite(sequence.data, 1, sequence.size, stdout);
    fflush(stdout);
    hive_buffer_finish(&sequence);
}
