# Examples and benchmarks: programs that use the library from outside.

# A program written in C against a library in C++ needs the C++ parts of the sanitizers' runtime.
function(trunkline_program target)
  if(TRUNKLINE_SANITIZE)
    set_target_properties(${target} PROPERTIES LINKER_LANGUAGE CXX)
  endif()
endfunction()

# A program of a folder of examples/, from all its sources.
function(trunkline_example name folder)
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/examples/${folder}/*.c
       ${PROJECT_SOURCE_DIR}/examples/${folder}/*.cpp)
  add_executable(${name} ${sources})
  target_link_libraries(${name} PRIVATE trunkline_shared Threads::Threads)
  trunkline_program(${name})
  add_dependencies(product ${name})
endfunction()

# A program of bench/, in the folder bench of the build.
function(trunkline_benchmark name file)
  add_executable(bench_${name} ${PROJECT_SOURCE_DIR}/bench/${file})
  set_target_properties(bench_${name} PROPERTIES OUTPUT_NAME ${name}
                                                 RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench)
  target_link_libraries(bench_${name} PRIVATE ${ARGN} Threads::Threads ${CMAKE_DL_LIBS} m)
  trunkline_program(bench_${name})
endfunction()

function(trunkline_add_benchmarks)
  trunkline_benchmark(ours ours.c trunkline_shared)
  trunkline_benchmark(probe probe.c trunkline_shared)
  trunkline_benchmark(runs_agent runs_agent.c trunkline_shared)
  trunkline_benchmark(floor floor.c)
  trunkline_benchmark(make_store core/make_store.cpp trunkline_static trunkline_internal) # it sees the inside
  # The yardstick, for `floor` to load, as it was measured.
  add_library(bench_libfloor MODULE ${PROJECT_SOURCE_DIR}/bench/libfloor.c)
  set_target_properties(bench_libfloor PROPERTIES PREFIX "" OUTPUT_NAME libfloor
                                                  LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench)
  target_link_libraries(bench_libfloor PRIVATE Threads::Threads)
  target_compile_options(bench_libfloor PRIVATE -Wno-conversion)
endfunction()
