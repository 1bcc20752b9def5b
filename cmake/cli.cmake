# The program `trunkline`, and what it tells about itself as files: its manual page and the completion of shells.
file(GLOB_RECURSE cli_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/cli/*.cpp)
add_executable(trunkline_cli ${cli_sources})
set_target_properties(trunkline_cli PROPERTIES OUTPUT_NAME trunkline)
target_include_directories(trunkline_cli PRIVATE ${PROJECT_SOURCE_DIR}/cli)
target_link_libraries(trunkline_cli PRIVATE trunkline_static trunkline_internal)
if(NOT TRUNKLINE_SANITIZE)
  target_link_options(trunkline_cli PRIVATE -static-libstdc++ -static-libgcc)
endif()
install(TARGETS trunkline_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})

# written_by_cli(FILE DESTINATION WORDS...): what `trunkline WORDS...` writes, made with the build and installed. The
# program must run here; where it is built for another machine, an emulator must be set or the files are left out.
function(written_by_cli file destination)
  if(CMAKE_CROSSCOMPILING AND NOT CMAKE_CROSSCOMPILING_EMULATOR)
    return()
  endif()
  set(path ${CMAKE_BINARY_DIR}/share/${file})
  cmake_path(GET path PARENT_PATH folder)
  add_custom_command(OUTPUT ${path} COMMAND ${CMAKE_COMMAND} -E make_directory ${folder}
                     COMMAND trunkline_cli ${ARGN} > ${path} DEPENDS trunkline_cli VERBATIM)
  set_property(TARGET trunkline_cli_texts APPEND PROPERTY SOURCES ${path})
  install(FILES ${path} DESTINATION ${destination})
endfunction()

add_custom_target(trunkline_cli_texts ALL)
written_by_cli(trunkline.1 ${CMAKE_INSTALL_MANDIR}/man1 man)
written_by_cli(trunkline ${CMAKE_INSTALL_DATADIR}/bash-completion/completions completion bash)
written_by_cli(_trunkline ${CMAKE_INSTALL_DATADIR}/zsh/site-functions completion zsh)
written_by_cli(trunkline.fish ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d completion fish)
