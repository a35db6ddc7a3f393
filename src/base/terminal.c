#include "base/terminal.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define USUAL_WIDTH 80

bool tsp_is_terminal(int fd)
{
    return isatty(fd) == 1;
}

int tsp_terminal_width(int fd)
{
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) == -1 || size.ws_col == 0)
        return USUAL_WIDTH;
    return size.ws_col;
}

void tsp_terminal_keep_streams(void)
{
    int fd;
    do /* open takes the lowest free number */
        fd = open("/dev/null", O_RDONLY);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}
