/* save.h - a file that is written whole or not at all.
 *
 * The bytes go to a new file in the same folder, which is then renamed into place: whoever
 * reads the path finds the old content or the new, never a part. A symbolic link stays, the
 * file that it leads to is replaced; its mode, and its owner where we may, are kept. Written
 * to as it stands: what is no regular file (a pipe, a device), what this process has as its
 * stdout, and a file that cannot be replaced (its folder is not ours to write to, or it is a
 * mount of its own).
 */
#ifndef TSP_BASE_SAVE_H
#define TSP_BASE_SAVE_H

#include <stddef.h>

#include "base/err.h"

/* 0, or "cannot write to PATH: …"; on failure nothing is left over, and a regular file that
 * is replaced keeps its old content. */
int tsp_save(const char *path, const void *bytes, size_t len, struct tsp_err *err);

/* Whether tsp_save would be let write there. Changes no byte and leaves no file. */
int tsp_save_check(const char *path, struct tsp_err *err);

#endif
