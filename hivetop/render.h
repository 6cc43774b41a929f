/* The whole picture: a model and the interface's state become a grid of cells. Pure. */
#ifndef HIVETOP_RENDER_H
#define HIVETOP_RENDER_H

#include <stdbool.h>

#include "cells.h"
#include "model.h"
#include "ui.h"

/* Makes a grid of the given size; release with cells_finish. */
void render(const struct model *model, const struct ui *ui, int columns, int rows, bool unicode,
            struct cells *cells);

#endif
