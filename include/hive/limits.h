/* Every cap of Hive in one place, each with its unit and the reason for its size. Past a cap the answer is an
 * error that names it, never a crash or a silent cut. */
#ifndef HIVE_LIMITS_H
#define HIVE_LIMITS_H

/* Names and addresses, bytes with the closing NUL. 253 is the longest DNS name, 6 is ":65535". */
#define HIVE_ADDRESS_BYTES 264
#define HIVE_NAME_BYTES    64  /* cluster, node and drone names; "drone-" + 40 hex digits fit */
#define HIVE_ID_BYTES      32  /* "task-" + 20 digits fit */
#define HIVE_TOKEN_BYTES   129 /* a cluster token: 64 random bytes in hex at most */

/* HTTP, server side. */
#define HIVE_BODY_BYTES     (1024 * 1024)     /* largest request body; also the largest value */
#define HIVE_RPC_BODY_BYTES (8 * 1024 * 1024) /* Raft RPC bodies: one batch in base64 and its frame */
/* An oversized body is read and dropped up to here, so that the client gets to read its 413 instead of a reset. */
#define HIVE_DISCARD_BYTES    (256L * 1024 * 1024)
#define HIVE_HEADER_BYTES     (16 * 1024) /* request line and headers of one connection */
#define HIVE_TARGET_BYTES     (8 * 1024)  /* path and query of a request: every key fits, percent-encoded */
#define HIVE_CONNECTION_BYTES (64 * 1024) /* memory of one connection: its headers, and a piece of a body */
#define HIVE_CONNECTIONS      1024        /* open connections of one node */
/* Open beyond these, for peers and health checks only: clients must not be able to keep the queens from electing. */
#define HIVE_CONNECTIONS_RESERVED 256
#define HIVE_IDLE_TIMEOUT_S       30   /* a connection that sends nothing for so long is closed */
#define HIVE_SERVER_THREADS       2    /* epoll threads of one node */
#define HIVE_ROUTE_SEGMENTS       8    /* segments of a path */
#define HIVE_FLUSH_MS             1000 /* a server that ends waits so long for clients to take answers */

/* HTTP, client side. */
#define HIVE_RESPONSE_BYTES (64L * 1024 * 1024) /* largest answer that a client takes into memory */
#define HIVE_REDIRECTS      5                   /* hops that a verb follows to the leader */

/* The replicated state. */
#define HIVE_KEY_BYTES        512 /* longest key, without NUL */
#define HIVE_VALUE_BYTES      HIVE_BODY_BYTES
#define HIVE_TASK_TEXT_BYTES  (64 * 1024)
#define HIVE_LIST_ENTRIES     1000  /* entries of one page of a listing */
#define HIVE_DRONES           4096  /* drones of one cluster */
#define HIVE_TASKS_UNFINISHED 65536 /* tasks that are not finished: a submit beyond is answered with 429 */
#define HIVE_TASKS_FINISHED   10000 /* finished tasks that are remembered; the oldest go first */

/* Idempotency keys: how long a result is kept, and how many are. Where that is not enough, the oldest go early, but never
 * before the floor: a keyed write beyond is answered with 429. */
#define HIVE_IDEMPOTENCY_KEY_BYTES 64
#define HIVE_SESSION_MS            (10 * 60 * 1000)
#define HIVE_SESSION_FLOOR_MS      (60 * 1000)
#define HIVE_SESSIONS              262144
/* However far a clock jumps, no more time passes than this: what the floor promises is left for a client to repeat in. */
#define HIVE_SESSION_STEP_MS (HIVE_SESSION_FLOOR_MS / 2)

/* Watches: events that a queen remembers to resume from (the older ones are "too old"), and watchers at once. */
#define HIVE_WATCH_EVENTS 65536
#define HIVE_WATCH_BYTES  (64 * 1024 * 1024)
#define HIVE_WATCHERS     512

/* Drones. */
#define HIVE_DRONE_CAPACITY 1024 /* most tasks at once that a drone may claim to do */
/* Finished tasks that a drone remembers, so as to answer a repeated call (which comes within seconds). */
#define HIVE_DRONE_OUTCOMES 4096

/* Consensus. */
#define HIVE_QUEENS       64   /* members of one Raft group */
#define HIVE_TRANSITIONS  32   /* role changes shown by /healthz */
#define HIVE_DIGESTS      13   /* points of the log whose hash it shows */
#define HIVE_INBOX_EVENTS 8192 /* events waiting for the consensus thread; full = 503 */
/* Of proposals that are not applied yet; beyond = 503. Well below what one write to the log may hold. */
#define HIVE_PENDING_BYTES (256L * 1024 * 1024)
/* A piece of a snapshot on its way to a peer or to the disk: small beside a heartbeat interval. */
#define HIVE_SNAPSHOT_CHUNK_BYTES (1024 * 1024)
#define HIVE_SNAPSHOTS            2 /* kept on disk */
#define HIVE_TRAILING_ENTRIES                                                                                \
    5000 /* kept in the log behind a snapshot, for followers that are a little behind */
#define HIVE_BATCH_ENTRIES 1024              /* entries of one AppendEntries */
#define HIVE_BATCH_BYTES   (2 * 1024 * 1024) /* of entries of one AppendEntries; one entry always fits */

/* Faults between nodes: rules of one node (one for each other node that there may be), and the longest delay: a minute is beyond
 * what anybody waits for. An answer that is lost keeps its connection for so long, unless the other end gives up before. */
#define HIVE_FAULTS         HIVE_NODES
#define HIVE_FAULT_DELAY_MS (60 * 1000)

/* The dashboard and the launcher. */
#define HIVE_NODES        4160               /* queens + drones of one cluster */
#define HIVE_LEDGER_BYTES (16 * 1024 * 1024) /* a ledger of so many nodes, with long paths */

#endif
