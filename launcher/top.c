/* `launcher --top`: hivetop shares the launcher's terminal and process group, so that it may read the
 * keyboard, and so that Ctrl-Z and fg take both along. */
#include "top.h"

#include <signal.h>
#include <unistd.h>

#include "hive/memory.h"
#include "spawn.h"

void top_init(struct top *top)
{
    *top = (struct top){.has_terminal = isatty(STDOUT_FILENO) && isatty(STDIN_FILENO)};
    top->has_settings = top->has_terminal && tcgetattr(STDIN_FILENO, &top->settings) == 0;
}

/* Events would tear the dashboard's screen. */
static void divert(struct top *top, const struct hive_ledger *ledger, struct report *report)
{
    struct report terminal = *report;
    if (!report_open_log(report, ledger))
        return;
    top->terminal = terminal;
    top->is_diverted = true;
}

int top_start(struct top *top, const char *hivetop, const struct hive_ledger *ledger, struct report *report,
              struct hive_error *error)
{
    char *argv[] = {hive_strdup(hivetop), hive_strdup("--cluster"), hive_strdup(ledger->name),
                    top->has_terminal ? NULL : hive_strdup("--once"), NULL};
    struct spawn spawn = {.argv = argv,
                          .death_signal = SIGTERM}; /* asked, not killed: it restores the terminal */
    top->was_started = true;
    int result = spawn_start(&spawn, &top->process, error);
    if (!result && top->has_terminal)
        divert(top, ledger, report);
    for (char **argument = argv; *argument; argument++)
        free(*argument);
    return result;
}

void top_end(struct top *top, bool by_force)
{
    hive_process_signal(top->process, by_force ? SIGKILL : SIGTERM);
    hive_process_signal(top->process, SIGCONT); /* somebody may have stopped it */
}

void top_note_end(struct top *top, struct report *report)
{
    top->process = (struct hive_process){0};
    if (top->is_diverted) {
        fclose(report->out);
        *report = top->terminal;
        top->is_diverted = false;
    }
    if (top->has_settings)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &top->settings);
}
