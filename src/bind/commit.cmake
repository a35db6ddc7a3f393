# tspam_add_commit(TARGET ROOT): the commit that the tree ROOT is at becomes part of TARGET,
# as  const char *const tsp_commit.  Looked up by every build, not by configure; nothing is
# compiled again while it stays the same.
set(TSPAM_COMMIT_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/commit_generate.cmake)

function(tspam_add_commit target root)
    set(out ${CMAKE_CURRENT_BINARY_DIR}/commit.c)
    add_custom_target(${target}_commit
        COMMAND ${CMAKE_COMMAND} -DROOT=${root} -DOUT=${out} -P ${TSPAM_COMMIT_SCRIPT}
        BYPRODUCTS ${out}
        VERBATIM)
    target_sources(${target} PRIVATE ${out})
    add_dependencies(${target} ${target}_commit)
endfunction()
