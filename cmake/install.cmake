# What `make install` puts where. Prefix and DESTDIR may be chosen at install time.
include(CMakePackageConfigHelpers)

install(TARGETS trunkline_shared trunkline_static EXPORT trunkline-targets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
file(GLOB public_headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/capi/include/*.h
     ${PROJECT_SOURCE_DIR}/capi/include/*.hpp)
install(FILES ${public_headers} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
file(GLOB swig_files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/bindings/swig/*.i)
install(FILES ${swig_files} DESTINATION ${CMAKE_INSTALL_DATADIR}/trunkline/swig)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/trunkline)
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/trunkline-config.cmake.in
                              ${CMAKE_BINARY_DIR}/cmake/trunkline-config.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/cmake/trunkline-config-version.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/cmake/trunkline-config.cmake
              ${CMAKE_BINARY_DIR}/cmake/trunkline-config-version.cmake DESTINATION ${package_dir})
install(EXPORT trunkline-targets NAMESPACE trunkline:: DESTINATION ${package_dir})

# The pkg-config file names the prefix, which is known only at install time.
install(CODE "
  set(PC_VERSION \"${PROJECT_VERSION}\")
  set(PC_DESCRIPTION \"${PROJECT_DESCRIPTION}\")
  set(PC_LIBDIR \"${CMAKE_INSTALL_LIBDIR}\")
  set(PC_INCLUDEDIR \"${CMAKE_INSTALL_INCLUDEDIR}\")
  configure_file(\"${PROJECT_SOURCE_DIR}/pkgconfig/trunkline.pc.in\" \"${CMAKE_BINARY_DIR}/trunkline.pc\" @ONLY)
")
install(FILES ${CMAKE_BINARY_DIR}/trunkline.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# The bill of materials names the library as it is installed, so it is written last.
find_package(Python3 COMPONENTS Interpreter QUIET)
if(Python3_Interpreter_FOUND)
  install(CODE "
    set(prefix \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}\")
    execute_process(COMMAND \"${Python3_EXECUTABLE}\" \"${PROJECT_SOURCE_DIR}/tools/sbom.py\" ${PROJECT_VERSION}
      \"\${prefix}/${CMAKE_INSTALL_LIBDIR}/libtrunkline.so.${PROJECT_VERSION}\"
      \"\${prefix}/${CMAKE_INSTALL_DOCDIR}/trunkline.spdx.json\" COMMAND_ERROR_IS_FATAL ANY)
  ")
else()
  message(STATUS "python3 is missing: no bill of materials is installed")
endif()
