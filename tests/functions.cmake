# Every kind of test is one function; every test has labels and a TIMEOUT.

# tspam_unit_test(hist USES tspam_measure [WRAP connect …] [LABELS threads])
#   builds test_hist.c beside the calling CMakeLists; WRAP lists libc calls that
#   the test replaces by its own __wrap_ function.
function(tspam_unit_test name)
    cmake_parse_arguments(ARG "" "TIMEOUT" "USES;WRAP;LABELS" ${ARGN})
    tspam_c_test(unit ${name} "${ARG_USES}" "${ARG_WRAP}")
    tspam_test_properties(unit.${name} "unit;${ARG_LABELS}" "${ARG_TIMEOUT}" 20)
endfunction()

# tspam_integration_test(run USES tspam_client tspam_server [WRAP …] [LABELS threads])
function(tspam_integration_test name)
    cmake_parse_arguments(ARG "" "TIMEOUT" "USES;WRAP;LABELS" ${ARGN})
    tspam_c_test(integration ${name} "${ARG_USES}" "${ARG_WRAP}")
    tspam_test_properties(integration.${name} "integration;${ARG_LABELS}" "${ARG_TIMEOUT}" 60)
endfunction()

# tspam_fuzz_test(units USES tspam_base CORPUS corpus/units)
#   builds fuzz_units.c with LLVMFuzzerTestOneInput and replays the corpus.
function(tspam_fuzz_test name)
    cmake_parse_arguments(ARG "" "CORPUS" "USES" ${ARGN})
    add_executable(fuzz_${name} fuzz_${name}.c replay_main.c)
    target_link_libraries(fuzz_${name} PRIVATE tspam_flags ${ARG_USES})
    add_test(NAME fuzz.${name} COMMAND fuzz_${name} ${CMAKE_CURRENT_SOURCE_DIR}/${ARG_CORPUS})
    tspam_test_properties(fuzz.${name} "fuzz" "" 30)
endfunction()

# tspam_lua_test(hist [LABELS threads] [TIMEOUT 60])
#   runs lua/hist_test.lua by tspam, with lua/harness.lua in reach.
function(tspam_lua_test name)
    cmake_parse_arguments(ARG "" "TIMEOUT" "LABELS" ${ARGN})
    add_test(NAME lua.${name} COMMAND tspam ${CMAKE_CURRENT_SOURCE_DIR}/${name}_test.lua)
    tspam_test_properties(lua.${name} "lua;${ARG_LABELS}" "${ARG_TIMEOUT}" 60)
endfunction()

# tspam_script_test(cli exit_status.sh LABELS cli TIMEOUT 60)
#   runs a shell script with TSPAM, TSPAM_SOURCE, TSPAM_BUILD in its environment.
function(tspam_script_test kind file)
    cmake_parse_arguments(ARG "" "TIMEOUT;NAME" "LABELS;ARGS;RESOURCE_LOCK" ${ARGN})
    if(NOT ARG_NAME)
        string(REGEX REPLACE "\\.(sh|lua)$" "" ARG_NAME ${file})
    endif()
    add_test(NAME ${kind}.${ARG_NAME}
             COMMAND bash ${CMAKE_CURRENT_SOURCE_DIR}/${file} ${ARG_ARGS})
    tspam_test_properties(${kind}.${ARG_NAME} "${kind};${ARG_LABELS}" "${ARG_TIMEOUT}" 60)
    if(kind STREQUAL "cli")
        # They expect exit statuses, and one that a late start changes: nothing beside them.
        set_tests_properties(${kind}.${ARG_NAME} PROPERTIES RUN_SERIAL TRUE)
    endif()
    if(ARG_RESOURCE_LOCK)
        set_tests_properties(${kind}.${ARG_NAME} PROPERTIES RESOURCE_LOCK "${ARG_RESOURCE_LOCK}")
    endif()
endfunction()

function(tspam_c_test kind name uses wrap)
    add_executable(test_${kind}_${name} test_${name}.c)
    target_include_directories(test_${kind}_${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
    target_link_libraries(test_${kind}_${name} PRIVATE tspam_flags ${uses} PkgConfig::CMOCKA)
    foreach(symbol IN LISTS wrap)
        target_link_options(test_${kind}_${name} PRIVATE "LINKER:--wrap=${symbol}")
    endforeach()
    add_test(NAME ${kind}.${name} COMMAND test_${kind}_${name})
endfunction()

function(tspam_test_properties test labels timeout default)
    if(NOT timeout)
        set(timeout ${default})
    endif()
    set_tests_properties(${test} PROPERTIES
        LABELS "${labels}" TIMEOUT ${timeout} SKIP_RETURN_CODE 77
        ENVIRONMENT "${TSPAM_TEST_ENVIRONMENT}")
endfunction()
