/* The options of a node, as data: the parser, the help and the man page are made of this table. */
#include "cli/node.h"

#define QUEENS "Queens"
#define DRONES "Drones"
#define LOG    "Log"

#define DAY_MS (24 * 3600 * 1000)

#define OPTION(option_name, option_type, member, value)                                                      \
    .name = option_name, .type = HIVE_OPTION_##option_type, .offset = offsetof(struct cli_node, member),     \
    .argument = value

const struct hive_option cli_node_options[] = {
    {OPTION("queen", FLAG, queen, NULL),
     .help = "Run as a queen: a member of the group that keeps the cluster's state"},
    {OPTION("queen-host", LIST, queen_hosts, "HOST:PORT"),
     .help = "Run as a drone, and register with this queen; several are tried in turn", .completion = "node"},
    {OPTION("interface", STRING, interface, "NAME"),
     .help = "Listen on the IPv4 address of this network interface (default: 127.0.0.1)"},
    {OPTION("port", INT, port, "PORT"), .letter = 'p',
     .help = "Listen on this port (default: 8080 for a queen, 5001 for a drone)", .max = UINT16_MAX},
    {OPTION("listen", STRING, listen, "HOST:PORT"),
     .help = "Listen here, whatever --interface and --port say"},
    {OPTION("advertise", STRING, advertise, "HOST:PORT"),
     .help = "The address that others are told to call (default: where it listens)"},
    {OPTION("token-file", STRING, token_file, "FILE"),
     .help = "The cluster's token, a secret word, is in this file (default: $HIVE_TOKEN, or no token)",
     .completion = "file"},
    {OPTION("insecure", FLAG, insecure, NULL),
     .help = "Listen beyond this machine although the traffic is not encrypted"},
    {OPTION("enable-faults", FLAG, enable_faults, NULL),
     .help = "Let PUT /faults lose and delay what this node sends to other nodes, for lessons and tests"},

    {OPTION("queen-list", LIST, queen_list, "HOST:PORT"), .group = QUEENS,
     .help = "The queens of the group; the node's own address may be among them, so that all can be given "
             "one list",
     .completion = "node"},
    {OPTION("join", LIST, join, "HOST:PORT"), .group = QUEENS,
     .help = "Begin with a new --data-dir as a member of the group that this queen belongs to; several are "
             "tried in turn",
     .completion = "node"},
    {OPTION("standby", FLAG, standby, NULL), .group = QUEENS,
     .help = "Wait until somebody adds this queen to a group ('hive members add')"},
    {OPTION("restore", STRING, restore, "FILE"), .group = QUEENS,
     .help =
         "Begin with this backup (of 'hive snapshot save'), alone in a new group; --data-dir must be empty",
     .completion = "file"},
    {OPTION("data-dir", STRING, data_directory, "DIR"), .group = QUEENS,
     .help = "Where the log is kept (default: nodes/HOST_PORT in $XDG_STATE_HOME/hive)",
     .completion = "directory"},
    {OPTION("election-timeout", RANGE_MS, election_timeout, "MIN-MAX"), .group = QUEENS,
     .help =
         "How long to hear nothing of a leader before electing another, random within the range (150-300 ms)",
     .min = 10, .max = 600 * 1000},
    {OPTION("heartbeat", MS, heartbeat_ms, "TIME"), .group = QUEENS,
     .help = "How often the leader calls the other queens (50ms)", .min = 1, .max = 600 * 1000},
    {OPTION("drone-heartbeat", MS, drone_heartbeat_ms, "TIME"), .group = QUEENS,
     .help = "How often the leader calls the drones (1s)", .min = 10, .max = DAY_MS},
    {OPTION("drone-suspect", MS, drone_suspect_ms, "TIME"), .group = QUEENS,
     .help = "A drone that did not answer for so long gets no new tasks (2s)", .min = 10, .max = DAY_MS},
    {OPTION("drone-lost", MS, drone_lost_ms, "TIME"), .group = QUEENS,
     .help = "A drone that did not answer for so long is removed, and its tasks go to others (5s)", .min = 10,
     .max = DAY_MS},
    {OPTION("request-timeout", MS, request_timeout_ms, "TIME"), .group = QUEENS,
     .help = "A write that is not done by then is answered with \"unknown outcome\" (5s)", .min = 10,
     .max = DAY_MS},

    {OPTION("snapshot-entries", INT, snapshot_entries, "N"), .group = QUEENS,
     .help = "Take a snapshot, and let go of the log before it, after so many entries (10000; 0: never)",
     .max = INT64_C(1) << 50},
    {OPTION("snapshot-bytes", INT, snapshot_bytes, "N"), .group = QUEENS,
     .help = "The same, after so many bytes of commands (67108864, which is 64 MiB; 0: never)",
     .max = INT64_C(1) << 50},
    {OPTION("read-lease", FLAG, read_lease, NULL), .group = QUEENS,
     .help = "Let the leader answer reads without asking the others as long as nobody can have been elected, "
             "which "
             "trusts the clocks to keep --clock-drift; for all queens of a group, or none"},
    {OPTION("clock-drift", INT, clock_drift_percent, "PERCENT"), .group = QUEENS,
     .help = "By how much one queen's clock may run faster than another's, for --read-lease (10)", .max = 90},

    {OPTION("name", STRING, name, "NAME"), .group = DRONES,
     .help = "What the drone is called (default: made of its address)"},
    {OPTION("capacity", INT, capacity, "N"), .group = DRONES, .help = "How many tasks it runs at once (4)",
     .min = 1, .max = HIVE_DRONE_CAPACITY},
    {OPTION("register-interval", MS, register_ms, "TIME"), .group = DRONES,
     .help = "How often it renews its registration (1s)", .min = 10, .max = DAY_MS},

    {OPTION("log-level", CHOICE, log_level, NULL), .group = LOG, .choices = hive_log_level_names,
     .help = "What to log, from this level on (info)"},
    {OPTION("log-format", CHOICE, log_format, NULL), .group = LOG, .choices = hive_log_format_names,
     .help = "One line of text or one JSON object an event (text)"},
    {0},
};
