# tspam_embed(TARGET DIR): every Lua module below DIR becomes part of TARGET, as
# bytes in a generated C file with a table  const struct tsp_embedded tsp_embedded[].
set(TSPAM_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/embed_generate.cmake)

function(tspam_embed target dir)
    file(GLOB_RECURSE modules CONFIGURE_DEPENDS ${dir}/*.lua)
    set(out ${CMAKE_CURRENT_BINARY_DIR}/embedded.c)
    add_custom_command(
        OUTPUT ${out}
        COMMAND ${CMAKE_COMMAND} -DDIR=${dir} -DOUT=${out} -P ${TSPAM_EMBED_SCRIPT}
        DEPENDS ${modules} ${TSPAM_EMBED_SCRIPT}
        COMMENT "Embedding Lua modules"
        VERBATIM)
    target_sources(${target} PRIVATE ${out})
endfunction()
