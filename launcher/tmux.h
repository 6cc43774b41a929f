/* `launcher --tmux`: a cluster that runs in the background, shown in windows of tmux. */
#ifndef LAUNCHER_TMUX_H
#define LAUNCHER_TMUX_H

/* Makes the windows of a cluster that is ready (in a session of their own, or, in a pane of tmux, beside its window) and
 * shows them on this terminal until they are left or closed. An exit status. */
int tmux_run(const char *cluster);

#endif
