/* Functions that overflow, parse without telling errors, or share hidden static state. Included before every
 * source file by the Makefile (-include), so that a use does not compile. Take instead: snprintf, memcpy,
 * strtok_r, strtol, fgets, localtime_r, gmtime_r. */
#ifndef HIVE_BANNED_H
#define HIVE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf strtok atoi atol atoll atof gets
#pragma GCC poison localtime gmtime ctime asctime system tmpnam mktemp

#endif
