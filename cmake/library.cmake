# libtrunkline.so and libtrunkline.a, from one set of objects.

# Include paths of what may see the inside: the library itself, the command line, the tests.
add_library(trunkline_internal INTERFACE)
target_include_directories(trunkline_internal INTERFACE ${PROJECT_SOURCE_DIR}/core ${PROJECT_SOURCE_DIR}/capi/include)
target_include_directories(trunkline_internal SYSTEM INTERFACE ${PROTOZERO_INCLUDE_DIR})
target_link_libraries(trunkline_internal INTERFACE SQLite::SQLite3 nlohmann_json::nlohmann_json)
# Its headers alone: the library is loaded at run time, by the first who needs it.
target_include_directories(trunkline_internal SYSTEM INTERFACE ${CURL_INCLUDE_DIRS})

add_library(trunkline_objects OBJECT ${core_sources} ${capi_sources})
target_link_libraries(trunkline_objects PRIVATE trunkline_internal Threads::Threads)
set_target_properties(trunkline_objects PROPERTIES CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
if(TRUNKLINE_HAS_TLS_DESCRIPTORS)
  target_compile_options(trunkline_objects PRIVATE -mtls-dialect=gnu2)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(trunkline_objects PRIVATE -fno-semantic-interposition)
endif()
# The ABI gate reads the types of the public functions from debug information; the rest of a release needs none.
set_source_files_properties(${capi_sources} PROPERTIES COMPILE_OPTIONS -g)

function(trunkline_library target kind)
  add_library(${target} ${kind} $<TARGET_OBJECTS:trunkline_objects>)
  set_target_properties(${target} PROPERTIES OUTPUT_NAME trunkline LINKER_LANGUAGE CXX)
  target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/capi/include>
                                              $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(${target} PRIVATE SQLite::SQLite3 Threads::Threads ${CMAKE_DL_LIBS})
endfunction()

trunkline_library(trunkline_shared SHARED)
file(GLOB shared_only CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/capi/shared/*.cpp)
target_sources(trunkline_shared PRIVATE ${shared_only})
target_link_libraries(trunkline_shared PRIVATE $<BUILD_INTERFACE:trunkline_internal>)
set_target_properties(trunkline_shared PROPERTIES CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
set(version_map ${PROJECT_SOURCE_DIR}/capi/trunkline.map)
set_target_properties(trunkline_shared PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION 0 EXPORT_NAME trunkline
                                                  LINK_DEPENDS ${version_map} INSTALL_RPATH "" SKIP_BUILD_RPATH ON)
target_link_options(trunkline_shared PRIVATE -Wl,--version-script=${version_map} -Wl,-z,nodelete -Wl,--exclude-libs,ALL
                                             -Wl,-Bsymbolic-functions
                                             -Wl,--as-needed)
if(NOT TRUNKLINE_SANITIZE)
  # The unwinder is the process's: an exception of a host's hook could not pass through frames of another one.
  target_link_options(trunkline_shared PRIVATE -static-libstdc++ -shared-libgcc -Wl,-z,defs)
endif()

trunkline_library(trunkline_static STATIC)
set_target_properties(trunkline_static PROPERTIES EXPORT_NAME static)
