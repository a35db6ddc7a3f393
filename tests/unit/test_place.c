/* Where a program is: it is copied about, and its copies are asked. */
#include "base/place.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/cmocka_all.h"

static char root[] = "/tmp/tspam-place-XXXXXX";
static char path[TSP_PATH];

/* "ROOT/name", valid until the next call. */
static const char *in_root(const char *name)
{
    snprintf(path, sizeof path, "%s/%s", root, name);
    return path;
}

static void make_folder(const char *name)
{
    assert_int_equal(mkdir(in_root(name), 0755), 0);
}

static int copy_myself(const char *name)
{
    int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    int to = open(in_root(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
    struct stat st;
    int rc = from == -1 || to == -1 || fstat(from, &st);
    for (off_t left = rc ? 0 : st.st_size; left > 0 && !rc;) {
        ssize_t n = sendfile(to, from, NULL, (size_t)left);
        rc = n <= 0;
        left -= n;
    }
    close(from);
    close(to);
    return rc;
}

static int setup(void **state)
{
    (void)state;
    return !mkdtemp(root) || mkdir(in_root("bin"), 0755) || copy_myself("bin/tspam");
}

static int teardown(void **state)
{
    static const char *const left[] = {"bin/tspam",           "bin/scripts", "bin",
                                       "share/tspam/scripts", "share/tspam", "share"};
    (void)state;
    for (size_t i = 0; i < sizeof left / sizeof *left; i++)
        (void)remove(in_root(left[i]));
    return rmdir(root);
}

/* What the copy says: "executable|scripts", without the root. */
static const char *asked(void)
{
    static char answer[2 * TSP_PATH];
    char command[TSP_PATH + 16];
    snprintf(command, sizeof command, "%s --say", in_root("bin/tspam"));
    FILE *said = popen(command, "r");
    assert_non_null(said);
    char line[2 * TSP_PATH] = "";
    assert_non_null(fgets(line, sizeof line, said));
    assert_int_equal(pclose(said), 0);
    size_t len = 0;
    for (const char *at = line; *at; at++) {
        if (!strncmp(at, root, strlen(root)))
            at += strlen(root);
        answer[len++] = *at;
    }
    answer[len] = '\0';
    return answer;
}

static void without_scripts_nearby_there_are_none(void **state)
{
    (void)state;
    assert_string_equal(asked(), "/bin/tspam|none");
}

static void an_install_tree_has_them_in_share(void **state)
{
    (void)state;
    make_folder("share");
    make_folder("share/tspam");
    make_folder("share/tspam/scripts");
    assert_string_equal(asked(), "/bin/tspam|/bin/../share/tspam/scripts");
}

static void a_file_of_that_name_is_no_folder(void **state)
{
    (void)state;
    int fd = open(in_root("bin/scripts"), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    assert_int_not_equal(fd, -1);
    close(fd);
    assert_string_equal(asked(), "/bin/tspam|/bin/../share/tspam/scripts");
    unlink(in_root("bin/scripts"));
}

static void a_build_tree_has_them_beside_the_executable(void **state)
{
    (void)state;
    make_folder("bin/scripts");
    assert_string_equal(asked(), "/bin/tspam|/bin/scripts");
}

static int say(void)
{
    char own[TSP_PATH], scripts[TSP_PATH];
    bool found = tsp_place_executable(own);
    printf("%s|%s", found ? own : "none", tsp_place_scripts(scripts) ? scripts : "none");
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "--say"))
        return say();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_scripts_nearby_there_are_none),
        cmocka_unit_test(an_install_tree_has_them_in_share),
        cmocka_unit_test(a_file_of_that_name_is_no_folder),
        cmocka_unit_test(a_build_tree_has_them_beside_the_executable),
    };
    return cmocka_run_group_tests_name("place", tests, setup, teardown);
}
