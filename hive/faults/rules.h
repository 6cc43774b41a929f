/* Rules as JSON. Private to the room. */
#ifndef FAULTS_RULES_H
#define FAULTS_RULES_H

#include "hive/api.h"
#include "hive/buffer.h"
#include "hive/error.h"

/* The rules of {"rules":[…]}, in byte order of the addresses; the caller frees them. 0, or -EINVAL and a sentence. */
int rules_parse(const char *json, size_t bytes, struct hive_fault **rules, size_t *count,
                struct hive_error *error);

void rules_append(const struct hive_fault *rules, size_t count, struct hive_buffer *json);

#endif
