/* The version of Hive, in the form MAJOR.MINOR.PATCH (semver.org). One place: programs, /healthz, man pages
 * and the User-Agent all take it from here. */
#ifndef HIVE_VERSION_H
#define HIVE_VERSION_H

#define HIVE_VERSION "0.3.0"

#endif
