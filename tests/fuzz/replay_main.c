/* replay_main.c - runs a fuzz target over files: each argument is a file, or a
 * directory of which every file is taken. Prints how many; none is a failure,
 * so that a corpus that is not found does not look like one that passed.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* More than any target takes seriously. */
#define FILE_MAX (16L << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void complain(const char *path)
{
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    exit(1);
}

static long size_of(FILE *f, const char *path)
{
    struct stat st;
    if (fstat(fileno(f), &st) == -1)
        complain(path);
    if (st.st_size > FILE_MAX) {
        errno = EFBIG;
        complain(path);
    }
    return (long)st.st_size;
}

/* The buffer is exactly as long as the file: ASan sees one byte too far. */
static void replay_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        complain(path);
    size_t size = (size_t)size_of(f, path);
    uint8_t *data = malloc(size ? size : 1);
    if (!data || fread(data, 1, size, f) != size)
        complain(path);
    fclose(f);
    if (LLVMFuzzerTestOneInput(data, size) != 0)
        fprintf(stderr, "%s: not taken by the target\n", path);
    free(data);
}

static int replay(const char *path);

static int replay_directory(const char *path)
{
    struct dirent **entry;
    int files = 0, entries = scandir(path, &entry, NULL, alphasort);
    if (entries == -1)
        complain(path);
    for (int i = 0; i < entries; i++) {
        char *inner = NULL;
        if (entry[i]->d_name[0] != '.' && asprintf(&inner, "%s/%s", path, entry[i]->d_name) == -1)
            complain(path);
        if (inner)
            files += replay(inner);
        free(inner);
        free(entry[i]);
    }
    free(entry);
    return files;
}

static int replay(const char *path)
{
    struct stat st;
    if (stat(path, &st) == -1)
        complain(path);
    if (S_ISDIR(st.st_mode))
        return replay_directory(path);
    replay_file(path);
    return 1;
}

int main(int argc, char **argv)
{
    int files = 0;
    for (int i = 1; i < argc; i++)
        files += replay(argv[i]);
    printf("%d files replayed\n", files);
    return files > 0 ? 0 : 1;
}
