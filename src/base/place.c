#include "base/place.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool tsp_place_executable(char path[TSP_PATH])
{
    ssize_t n = readlink("/proc/self/exe", path, TSP_PATH - 1);
    if (n <= 0)
        return false;
    path[n] = '\0';
    return true;
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool tsp_place_scripts(char path[TSP_PATH])
{
    static const char *const places[] = {"/scripts", "/../share/tspam/scripts"};
    char own[TSP_PATH];
    if (!tsp_place_executable(own))
        return false;
    *strrchr(own, '/') = '\0'; /* /proc/self/exe is absolute */
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        int n = snprintf(path, TSP_PATH, "%s%s", own, places[i]);
        if (n < TSP_PATH && is_folder(path))
            return true;
    }
    return false;
}
