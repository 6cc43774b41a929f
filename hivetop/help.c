/* Where help screen and manual get their keys from, so that neither can fall behind the table. */
#include "help.h"

static const char *const legend[] = {
    "*  leader         !  candidate      .  starting      ~  an old value",
    "z  paused         x  down           ?  does not answer",
    "+  marked, for X",
    "LAG     entries that the leader has and this queen lacks",
    "AGE     of the last answer; RTT is how long it took",
    "HEALTH  of a drone, as the leader sees it; HB is when it last heard of it",
};

static bool begins_group(const struct key *key)
{
    return key == keys_table || key->group != key[-1].group;
}

int help_make(struct help_line lines[HELP_LINES])
{
    int count = 0;
    for (const struct key *key = keys_table; key->name; key++) {
        if (begins_group(key)) {
            if (count > 0)
                lines[count++] = (struct help_line){.text = ""};
            lines[count++] = (struct help_line){.text = keys_group_names[key->group], .is_heading = true};
        }
        lines[count++] = (struct help_line){.key = key, .text = key->help};
    }
    lines[count++] = (struct help_line){.text = ""};
    lines[count++] = (struct help_line){.text = "What the screen says", .is_heading = true};
    for (size_t i = 0; i < sizeof legend / sizeof *legend; i++)
        lines[count++] = (struct help_line){.text = legend[i]};
    return count;
}

/* "j Down" becomes "j, Down". */
static void append_names(struct hive_buffer *text, const char *name)
{
    for (; *name; name++) {
        if (*name == ' ')
            hive_buffer_append_text(text, ",");
        hive_buffer_append(text, name, 1);
    }
}

void help_append_manual(struct hive_buffer *text)
{
    for (const struct key *key = keys_table; key->name; key++) {
        if (begins_group(key))
            hive_buffer_format(text, "%s\n\n%s. ", key == keys_table ? "" : ".",
                               keys_group_names[key->group]);
        else
            hive_buffer_append_text(text, "; ");
        append_names(text, key->name);
        hive_buffer_format(text, ": %s", key->help);
    }
    hive_buffer_append_text(text, ".");
}
