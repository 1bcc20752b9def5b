# Warnings, hardening and instrumentation, as interface targets, so that every program gets the same.
include(CheckCXXCompilerFlag)
include(CheckCCompilerFlag)

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

set(CMAKE_C_FLAGS_RELEASE "-O2 -DNDEBUG")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
if(NOT TRUNKLINE_SANITIZE) # the presets of the sanitizers choose for themselves
  set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g")
  set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g")
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion)
# gcc 12 sees overlaps in std::string that are not there (its bug 105651).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-Wno-restrict>)
endif()
if(TRUNKLINE_WERROR)
  add_compile_options(-Werror)
endif()

# No path of the machine that built it ends up in the library.
add_compile_options(-ffile-prefix-map=${CMAKE_SOURCE_DIR}=.)
add_compile_options(-fno-omit-frame-pointer)

if(TRUNKLINE_SANITIZE)
  add_compile_options(-fsanitize=${TRUNKLINE_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${TRUNKLINE_SANITIZE})
  if(TRUNKLINE_FUZZERS)
    add_compile_options(-fsanitize=fuzzer-no-link)
  endif()
else()
  add_compile_options(-fstack-protector-strong)
  foreach(flag IN ITEMS -fstack-clash-protection -fcf-protection)
    string(MAKE_C_IDENTIFIER "TRUNKLINE_HAS${flag}" has_flag)
    check_cxx_compiler_flag(${flag} ${has_flag})
    if(${has_flag})
      add_compile_options(${flag})
    endif()
  endforeach()
  # Level 3 needs the object sizes that gcc knows from 12 on; without optimisation the macro only warns.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_GREATER_EQUAL 12)
    set(fortify_level 3)
  else()
    set(fortify_level 2)
  endif()
  add_compile_options("$<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=${fortify_level}>")
  add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack)
endif()

# Thread-local storage by descriptors: as fast as initial-exec, which musl and dlopen refuse. arm64 does so by default,
# clang 14 cannot on x86-64.
check_cxx_compiler_flag(-mtls-dialect=gnu2 TRUNKLINE_HAS_TLS_DESCRIPTORS)
