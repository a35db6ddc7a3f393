/* cmocka_all.h - cmocka.h with the headers it wants included before it. */
#ifndef TSP_TESTS_CMOCKA_ALL_H
#define TSP_TESTS_CMOCKA_ALL_H

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#endif
