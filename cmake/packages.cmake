# What tspam builds on. All of it is packaged by Debian; what is missing is named
# together with the command that installs it.
function(tspam_missing what package)
    message(FATAL_ERROR "${what} not found. Install it:  apt-get install ${package}")
endfunction()

find_package(Threads REQUIRED)

find_package(PkgConfig)
if(NOT PKG_CONFIG_FOUND)
    tspam_missing("pkg-config" "pkg-config")
endif()

pkg_check_modules(LUA IMPORTED_TARGET lua5.4)
if(NOT LUA_FOUND)
    tspam_missing("Lua 5.4" "liblua5.4-dev")
endif()

find_package(ZLIB)
if(NOT ZLIB_FOUND)
    tspam_missing("zlib" "zlib1g-dev")
endif()

# SHA-256. Not OpenSSL: where memory is short its first digest crashes (3.0), and it keeps 1.4 MiB.
pkg_check_modules(MD IMPORTED_TARGET libmd)
if(NOT MD_FOUND)
    tspam_missing("libmd" "libmd-dev")
endif()

# libev has no pkg-config file.
find_path(LIBEV_INCLUDE_DIR ev.h)
find_library(LIBEV_LIBRARY ev)
if(NOT LIBEV_INCLUDE_DIR OR NOT LIBEV_LIBRARY)
    tspam_missing("libev" "libev-dev")
endif()
add_library(tspam_libev INTERFACE)
target_include_directories(tspam_libev SYSTEM INTERFACE ${LIBEV_INCLUDE_DIR})
target_link_libraries(tspam_libev INTERFACE ${LIBEV_LIBRARY})

if(TSPAM_TESTS)
    pkg_check_modules(CMOCKA IMPORTED_TARGET cmocka)
    if(NOT CMOCKA_FOUND)
        tspam_missing("cmocka" "libcmocka-dev")
    endif()
endif()
