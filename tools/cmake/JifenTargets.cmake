# jf_room(NAME [DEPENDS ...]): one static library from the sources of the current folder.
# jf_program(NAME ...): one program. Both get the project's warnings, which are errors.
add_library(jf_flags INTERFACE)
target_compile_options(jf_flags INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
  -Wformat=2 -Wundef -Wpointer-arith -Wimplicit-fallthrough
  -fno-common -fno-strict-aliasing -fstack-protector-strong)
if(NOT JF_FUZZ) # clang warns of other things; gcc's word counts
  target_compile_options(jf_flags INTERFACE -Werror)
endif()
target_compile_definitions(jf_flags INTERFACE _GNU_SOURCE JF_VERSION="${PROJECT_VERSION}")
target_include_directories(jf_flags INTERFACE ${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/ledger)
if(JF_SANITIZE)
  target_compile_options(jf_flags INTERFACE -fsanitize=${JF_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all)
  target_link_options(jf_flags INTERFACE -fsanitize=${JF_SANITIZE})
endif()

function(jf_room name)
  cmake_parse_arguments(ROOM "" "" "DEPENDS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.c)
  if(NOT sources)
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE jf_flags ${ROOM_DEPENDS})
    return()
  endif()
  add_library(${name} STATIC ${sources})
  target_link_libraries(${name} PUBLIC jf_flags ${ROOM_DEPENDS})
  if(name IN_LIST JF_COVERAGE)
    target_compile_options(${name} PRIVATE -O0 --coverage -fprofile-update=atomic)
    target_link_options(${name} PUBLIC --coverage)
  endif()
endfunction()

function(jf_program name)
  cmake_parse_arguments(PROGRAM "" "" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${name} ${PROGRAM_SOURCES})
  target_link_libraries(${name} PRIVATE jf_flags ${PROGRAM_DEPENDS})
endfunction()
