# Every library comes from a Debian package (tools/setup installs them); nothing is vendored.
option(BUILD_TESTING "Build the tests (needs Criterion)" ON)
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
set(dependencies
    "liburing;URING" "libprotobuf-c;PROTOBUFC" "libxxhash;XXHASH" "libnghttp2;NGHTTP2"
    "openssl;OPENSSL" "ck;CK" "libcyaml;CYAML" "yaml-0.1;YAML" "smartcols;SMARTCOLS"
    "zlib;ZLIB" "libzstd;ZSTD" "rocksdb;ROCKSDB" "jansson;JANSSON")
if(BUILD_TESTING)
  list(APPEND dependencies "criterion;CRITERION")
endif()
list(LENGTH dependencies size)
math(EXPR last "${size} - 1")
foreach(at RANGE 0 ${last} 2)
  math(EXPR next "${at} + 1")
  list(GET dependencies ${at} module)
  list(GET dependencies ${next} prefix)
  pkg_check_modules(${prefix} REQUIRED IMPORTED_TARGET ${module})
endforeach()
find_program(PROTOC_C protoc-c REQUIRED)
find_program(PROTOC protoc REQUIRED)
