#include "base/terminal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "support/cmocka_all.h"

static void a_terminal_tells_its_width(void **state)
{
    (void)state;
    int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (fd == -1)
        skip();                                   /* no /dev/pts in this container */
    assert_int_equal(tsp_terminal_width(fd), 80); /* a new one says 0 */
    struct winsize size = {.ws_col = 132, .ws_row = 50};
    assert_int_equal(ioctl(fd, TIOCSWINSZ, &size), 0);
    assert_true(tsp_is_terminal(fd));
    assert_int_equal(tsp_terminal_width(fd), 132);
    close(fd);
}

static void what_is_no_terminal_has_80_columns(void **state)
{
    (void)state;
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_false(tsp_is_terminal(fd));
    assert_int_equal(tsp_terminal_width(fd), 80);
    close(fd);
    assert_false(tsp_is_terminal(-1));
    assert_int_equal(tsp_terminal_width(-1), 80);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_terminal_tells_its_width),
        cmocka_unit_test(what_is_no_terminal_has_80_columns),
    };
    return cmocka_run_group_tests_name("terminal", tests, NULL, NULL);
}
