/* commit.h - the commit that this build was made from. */
#ifndef TSP_BIND_COMMIT_H
#define TSP_BIND_COMMIT_H

/* All digits of the hash, "-dirty" behind where tracked files differ from it; NULL = not
 * built from a git checkout. In a file that the build generates. */
extern const char *const tsp_commit;

#endif
