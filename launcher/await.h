/* Waiting for a process that is nobody's child here. */
#ifndef LAUNCHER_AWAIT_H
#define LAUNCHER_AWAIT_H

#include <stdbool.h>

#include "hive/process.h"

/* True where that very process has ended by then. */
bool await_end(struct hive_process process, int timeout_ms);

#endif
