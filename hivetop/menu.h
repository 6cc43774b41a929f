/* Lists to choose from, above the rest of the screen: signals, what to add, clusters, and all commands and nodes at once
 * (the palette), which typing narrows down. Pure; one thread. */
#ifndef HIVETOP_MENU_H
#define HIVETOP_MENU_H

#include <stddef.h>

#include "hive/limits.h"
#include "model.h"

#define MENU_LINES        64 /* of the palette the best are offered */
#define MENU_CLUSTERS     32
#define MENU_FILTER_BYTES 64

struct ui;

enum menu_kind { MENU_SIGNALS, MENU_ADD, MENU_CLUSTERS_LIST, MENU_PALETTE };

struct menu {
    enum menu_kind kind;
    int at;                         /* the line that Enter takes */
    char filter[MENU_FILTER_BYTES]; /* typed into the palette */
    char node[HIVE_NAME_BYTES];     /* whom the signals are for, bound when the menu opened, as its process */
    struct hive_process process;
    char clusters[MENU_CLUSTERS][HIVE_NAME_BYTES];
    size_t cluster_count;
};

/* What a line does when it is chosen. */
enum menu_choice {
    MENU_KEY,     /* as if the key `value` was pressed */
    MENU_NODE,    /* selects the node at `value` of the model */
    MENU_ACTION,  /* asks about, or orders, the action `value` */
    MENU_CLUSTER, /* watches the cluster at `value` of the menu */
    MENU_THEME,   /* paints with palette_names[`value`] */
};

struct menu_line {
    char text[128];
    char hint[HIVE_ADDRESS_BYTES]; /* to its right: the key, the address */
    enum menu_choice choice;
    int value;
};

/* Opens it; `menu.node` and `menu.clusters` are filled already where it needs them. */
void menu_open(struct ui *ui, enum menu_kind kind);

/* The lines that are offered, the best first. Returns how many. */
size_t menu_lines(const struct ui *ui, const struct model *model, struct menu_line lines[MENU_LINES]);

const char *menu_title(const struct ui *ui, char *text, size_t bytes);

/* Take a key, or a click on a line. Return reactions. */
unsigned menu_key(struct ui *ui, const struct model *model, int key);
unsigned menu_choose(struct ui *ui, const struct model *model, int at);

#endif
