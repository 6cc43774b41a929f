/* The model as one JSON object, for scripts: `hivetop --json`. Pure. */
#ifndef HIVETOP_MODEL_JSON_H
#define HIVETOP_MODEL_JSON_H

#include "hive/buffer.h"
#include "model.h"

/* Appends the object, without a line end. */
void model_json(const struct model *model, struct hive_buffer *out);

#endif
