/* What a launcher in the background has no terminal for is done here in its name: signals go on to it, so that Ctrl-C
 * means to it what it always does, a second one included. */
#include "foreground.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "await.h"
#include "hive/options.h"
#include "log_follow.h"
#include "log_print.h"
#include "log_set.h"
#include "tmux_keep.h"

#define END_TIMEOUT_MS 30000 /* beyond twice the grace time */

static int take_signals(void)
{
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGINT);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGHUP);
    sigprocmask(SIG_BLOCK, &wanted, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Hands on what came; true where the terminal itself is gone. */
static bool pass_signals(int signals, struct hive_process launcher)
{
    struct signalfd_siginfo taken;
    bool is_gone = false;
    while (read(signals, &taken, sizeof taken) == sizeof taken) {
        is_gone |= taken.ssi_signo == SIGHUP;
        hive_process_signal(launcher, taken.ssi_signo == SIGINT ? SIGINT : SIGTERM);
    }
    return is_gone;
}

int foreground_run(const struct hive_ledger *ledger)
{
    const char *own[] = {"launcher"};
    const struct hive_strings names = {.items = own, .count = 1};
    struct log_set set;
    struct log_print print;
    struct log_follow changes;
    struct tmux_keep windows;
    int signals = take_signals();
    printf("%s runs in the background; Ctrl-C here ends it, as does closing this terminal\n", ledger->name);
    log_print_init(&print, false);
    log_set_init(&set, ledger, &names);
    log_follow_begin(&changes, ledger);
    tmux_keep_begin(&windows, ledger);
    bool goes_on = true;
    do {
        log_set_look(&set);
        for (struct log_file *file; (file = log_set_next(&set, !goes_on));)
            log_print_line(&print, file);
        fflush(stdout);
        if (!goes_on)
            break;
        if (log_follow_has_new_ledger(&changes))
            tmux_keep_look(&windows, ledger);
        goes_on = log_follow_wait(&changes, signals) & !pass_signals(signals, ledger->launcher);
    } while (true);
    int status = HIVE_EXIT_OK;
    if (hive_process_is_alive(ledger->launcher)) { /* nobody is left to look: it ends without a witness */
        hive_process_signal(ledger->launcher, SIGTERM);
        if (!await_end(ledger->launcher, END_TIMEOUT_MS))
            status = HIVE_EXIT_UNKNOWN;
    }
    printf("%s has ended\n", ledger->name);
    fflush(stdout);
    log_follow_end(&changes);
    log_set_finish(&set);
    tmux_close(ledger);
    tmux_keep_end(&windows);
    return status;
}
