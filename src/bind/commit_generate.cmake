# Run as a script by commit.cmake: ROOT = a tree, OUT = C file with the commit it is at. OUT
# is touched only when that has changed.
find_package(Git QUIET)
set(commit "")
# Not below ROOT: a tarball unpacked inside another project's checkout is no commit of it.
if(Git_FOUND AND EXISTS ${ROOT}/.git)
    # A checkout that belongs to another user is read as well: it is being built already.
    execute_process(
        COMMAND ${GIT_EXECUTABLE} --no-optional-locks -c safe.directory=* -C ${ROOT}
                describe --always --dirty --abbrev=40 --exclude=*
        OUTPUT_VARIABLE commit RESULT_VARIABLE failed
        OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    if(failed OR NOT commit MATCHES "^[0-9a-f]+(-dirty)?$")
        set(commit "")
    endif()
endif()

set(value "NULL")
if(commit)
    set(value "\"${commit}\"")
endif()
set(text "#include \"bind/commit.h\"\n\n#include <stddef.h>\n\n")
string(APPEND text "const char *const tsp_commit = ${value};\n")
set(old "")
if(EXISTS ${OUT})
    file(READ ${OUT} old)
endif()
if(NOT old STREQUAL text)
    file(WRITE ${OUT} "${text}")
endif()
