/* The JavaScript part of the guest; guest-builder makes the definition from the files in ../lib. */
#ifndef CONDUIT_LIBRARY_H
#define CONDUIT_LIBRARY_H

#include <stddef.h>

extern const struct LibraryFile {
    const char *name;
    char *source;
    size_t len;
} LIBRARY[];
extern const size_t LIBRARY_FILES;

#endif
