# The Python extension module: SWIG's wrapper and the hand-written part, for the stable ABI of Python 3.11. It finds the
# library beside itself. TRUNKLINE_PREBUILT: a libtrunkline.so to carry instead of building one.
find_package(Python 3.11 REQUIRED COMPONENTS Interpreter Development.SABIModule)
find_package(SWIG 4.4 REQUIRED COMPONENTS python)

set(TRUNKLINE_PREBUILT "" CACHE FILEPATH "A built libtrunkline.so for the Python package")
set(swig_dir ${PROJECT_SOURCE_DIR}/bindings/swig)
set(python_wrapper ${CMAKE_BINARY_DIR}/trunkline_python_wrap.c)
add_custom_command(
  OUTPUT ${python_wrapper}
  COMMAND ${SWIG_EXECUTABLE} -python -interface _trunkline -outdir ${CMAKE_BINARY_DIR}
          -I${PROJECT_SOURCE_DIR}/capi/include -o ${python_wrapper} ${swig_dir}/trunkline.i
  DEPENDS ${swig_dir}/trunkline.i ${swig_dir}/trunkline_python.i ${PROJECT_SOURCE_DIR}/capi/include/trunkline.h
  VERBATIM)

file(GLOB native_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/bindings/python/native/*.c)
Python_add_library(trunkline_python MODULE USE_SABI 3.11 WITH_SOABI ${python_wrapper} ${native_sources})
set_target_properties(trunkline_python PROPERTIES OUTPUT_NAME _trunkline INSTALL_RPATH "$ORIGIN" BUILD_RPATH "$ORIGIN"
                                                  C_VISIBILITY_PRESET hidden)
target_include_directories(trunkline_python PRIVATE ${PROJECT_SOURCE_DIR}/bindings/python/native
                                                    ${PROJECT_SOURCE_DIR}/capi/include)
# Python's tables of slots keep functions as void *.
target_compile_options(trunkline_python PRIVATE -Wno-pedantic)
# What SWIG writes is not ours to mend.
set_source_files_properties(${python_wrapper} PROPERTIES COMPILE_OPTIONS "-w")

if(TRUNKLINE_PREBUILT)
  file(REAL_PATH ${TRUNKLINE_PREBUILT} carried_file) # a link would be installed as one
  add_library(trunkline_carried SHARED IMPORTED)
  set_target_properties(trunkline_carried PROPERTIES IMPORTED_LOCATION ${carried_file})
  target_link_libraries(trunkline_python PRIVATE trunkline_carried)
  install(FILES ${carried_file} DESTINATION trunkline RENAME libtrunkline.so.0 COMPONENT python)
else()
  target_link_libraries(trunkline_python PRIVATE trunkline_shared)
  install(FILES $<TARGET_FILE:trunkline_shared> DESTINATION trunkline RENAME libtrunkline.so.0 COMPONENT python)
endif()
install(TARGETS trunkline_python LIBRARY DESTINATION trunkline COMPONENT python)
