/* What dump.c and load.c must agree on; dump.c opens with the whole format. */
#ifndef MACHINE_DUMP_FORMAT_H
#define MACHINE_DUMP_FORMAT_H

#include "hive/limits.h"

#define DUMP_MAGIC       "hivedump"
#define DUMP_MAGIC_BYTES 8
#define DUMP_VERSION     2
#define DUMP_HEAD_BYTES  124
#define DUMP_FRAME_BYTES 5 /* before the fields of a row: its table, and their size */

/* No row's fields are longer: those of a key with the longest value are the longest. */
#define DUMP_ROW_BYTES_MAX (HIVE_KEY_BYTES + HIVE_VALUE_BYTES + 64)

#endif
