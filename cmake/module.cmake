# shenbi_module(NAME DEPS a b ... [LIBS imported::targets ...])
#
# One folder src/NAME = one static library shenbi_NAME = one namespace shenbi::NAME. Sources are globbed, with
#   x_test.cpp  -> NAME_test   (GoogleTest, one binary a module, run by ctest)
#   x_bench.cpp -> NAME_bench  (Google Benchmark, when SHENBI_BENCH is on)
#   x_fuzz.cpp  -> fuzz_NAME_x (libFuzzer, one binary a file, when SHENBI_FUZZ is on)
# With SHENBI_TOGETHER, sources of one folder are compiled in batches: what they include is read once a batch. Names in their
# anonymous namespaces must then differ within the folder; folders whose files are all of one pattern stand in SHENBI_APART.
# DEPS are the modules whose headers this one may include; tools/check_layers.py reads the same call and fails the
# build's tests on any other include.
if(SHENBI_FUZZ)
  add_custom_target(fuzzers)  # every fuzz target and nothing else
endif()
if(SHENBI_TESTS)
  add_custom_target(unit_tests)  # every module's tests and nothing else
endif()

# What most sources read anyway, read once a target where SHENBI_PRECOMPILE is on. Only with clang, which gains a third by
# it (g++ 12 a seventh); the builds without it find a source that does not name what it includes.
set(SHENBI_PRECOMPILED <fmt/format.h> <nlohmann/json.hpp> <algorithm> <chrono> <condition_variable>
                       <filesystem> <fstream> <functional> <map> <memory> <mutex> <optional> <set> <span> <string> <thread> <unordered_map> <vector>)

# Folders whose sources are compiled one by one: each file is written to one pattern with the same private names (cli/commands,
# models/arch, formats/sources), or says `using` for names of Boost that it shares with the standard library (net).
set(SHENBI_APART base cli/commands formats/sources kernels kernels/isa kernels/quant models/arch net)
set(SHENBI_BATCH 8)  # sources of one batch: more gain little, and two cores wait for the last one

# Gives each source of a module's library the batch that it is compiled in: those of one folder, evenly, in order of name.
function(shenbi_batches target)
  set(folders)
  foreach(file ${ARGN})
    get_filename_component(folder ${file} DIRECTORY)
    file(RELATIVE_PATH folder ${PROJECT_SOURCE_DIR}/src ${folder})
    list(APPEND folders ${folder})
    string(MAKE_C_IDENTIFIER ${folder} id)
    list(APPEND files_${id} ${file})
  endforeach()
  list(REMOVE_DUPLICATES folders)
  list(REMOVE_ITEM folders ${SHENBI_APART})
  foreach(folder ${folders})
    string(MAKE_C_IDENTIFIER ${folder} id)
    list(SORT files_${id})
    list(LENGTH files_${id} count)
    math(EXPR batches "(${count} + ${SHENBI_BATCH} - 1) / ${SHENBI_BATCH}")
    set(i 0)
    foreach(file ${files_${id}})
      math(EXPR batch "${i} * ${batches} / ${count}")
      set_source_files_properties(${file} PROPERTIES UNITY_GROUP ${id}_${batch})
      math(EXPR i "${i} + 1")
    endforeach()
  endforeach()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  # g++ takes a source that is included for a header: a class of its own in an anonymous namespace would be another in each.
  target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
endfunction()

function(shenbi_module NAME)
  cmake_parse_arguments(ARG "" "" "DEPS;LIBS" ${ARGN})
  set(dir ${PROJECT_SOURCE_DIR}/src/${NAME})
  file(GLOB_RECURSE all CONFIGURE_DEPENDS ${dir}/*.cpp)
  shenbi_isa_flags(${all})
  set(sources ${all})
  list(FILTER sources EXCLUDE REGEX "_(test|bench|fuzz)\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")  # the program, not the library
  set(tests ${all})
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  set(benches ${all})
  list(FILTER benches INCLUDE REGEX "_bench\\.cpp$")
  set(fuzzers ${all})
  list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cpp$")

  list(TRANSFORM ARG_DEPS PREPEND shenbi_)
  set(scope PUBLIC)
  if(sources)
    add_library(shenbi_${NAME} STATIC ${sources})
  else()
    set(scope INTERFACE)  # a module of headers only
    add_library(shenbi_${NAME} INTERFACE)
  endif()
  target_include_directories(shenbi_${NAME} ${scope} ${PROJECT_SOURCE_DIR}/src ${PROJECT_BINARY_DIR}/generated)
  target_link_libraries(shenbi_${NAME} ${scope} ${ARG_DEPS} ${ARG_LIBS})
  if(SHENBI_TOGETHER AND sources)
    shenbi_batches(shenbi_${NAME} ${sources})
  endif()
  if(SHENBI_PRECOMPILE AND sources)
    target_precompile_headers(shenbi_${NAME} PRIVATE ${SHENBI_PRECOMPILED})
  endif()

  if(SHENBI_TESTS AND tests)
    add_executable(${NAME}_test ${tests})
    target_link_libraries(${NAME}_test PRIVATE shenbi_${NAME} GTest::gtest GTest::gmock GTest::gtest_main)
    # Test data lies in the source tree; tests read it by this path and write only to temporary folders.
    target_compile_definitions(${NAME}_test PRIVATE SHENBI_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    add_test(NAME unit_${NAME} COMMAND ${NAME}_test --gtest_brief=1)
    add_dependencies(unit_tests ${NAME}_test)
    if(SHENBI_PRECOMPILE)
      target_precompile_headers(${NAME}_test PRIVATE ${SHENBI_PRECOMPILED} <gmock/gmock.h> <gtest/gtest.h>)
    endif()
  endif()
  if(SHENBI_BENCH AND benches)
    add_executable(${NAME}_bench ${benches})
    target_link_libraries(${NAME}_bench PRIVATE shenbi_${NAME} benchmark::benchmark benchmark::benchmark_main)
  endif()
  if(SHENBI_FUZZ)
    foreach(file ${fuzzers})
      get_filename_component(stem ${file} NAME_WE)
      string(REGEX REPLACE "_fuzz$" "" stem ${stem})
      set(target fuzz_${NAME}_${stem})
      add_executable(${target} ${file})
      target_link_libraries(${target} PRIVATE shenbi_${NAME})
      target_link_options(${target} PRIVATE -fsanitize=fuzzer)
      add_dependencies(fuzzers ${target})
    endforeach()
  endif()
endfunction()
