#include "sys/machine.h"

#include <stdio.h>
#include <sys/utsname.h>

#include "sys/limits.h"

void tsp_machine_read(struct tsp_machine *m)
{
    struct utsname u = {0};
    (void)uname(&u); /* it fails for a bad pointer only */
    snprintf(m->host, sizeof m->host, "%s", u.nodename);
    snprintf(m->kernel, sizeof m->kernel, "%s %s %s", u.sysname, u.release, u.machine);
    m->cpus = tsp_limits_cpus();
}
