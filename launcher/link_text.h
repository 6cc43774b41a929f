/* How a person writes what shall happen to a link. Pure. */
#ifndef LAUNCHER_LINK_TEXT_H
#define LAUNCHER_LINK_TEXT_H

#include <stddef.h>

#include "hive/error.h"
#include "links.h"

/* "50ms", "50", "1.5s", and how far it may be off: "50ms±10", "50ms+-10ms", "50ms~10", "50ms±20%" (of it). */
int link_text_parse_delay(const char *text, struct link_change *change, struct hive_error *error);

/* "10%", "10", "0.5%". */
int link_text_parse_loss(const char *text, struct link_change *change, struct hive_error *error);

/* What a rule does: "cut", "50 ms ± 10 ms, loses 10 %". */
void link_text_format(const struct link *link, char *text, size_t bytes);

#endif
