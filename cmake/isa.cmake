# Instruction sets by file name: a translation unit called *_avx2.cpp, *_avxvnni.cpp or *_avx512.cpp (in any module) is
# compiled for that instruction set and only entered after a check at run time (kernels/isa.h). Everything else stays at
# the baseline of the architecture. Such a file includes only <immintrin.h>, <cstdint>, <cstring>, <cstddef> and C-like
# headers: a std template instantiated here might be the copy that the linker keeps for the whole program.
#
# g++ 12 takes the undefined operand inside its own AVX-512 headers for an uninitialised variable, hence the -Wno-.
#
# Kernels are optimised in every build type: at -O1 the tests of the large products would take minutes. Under sanitizers
# the vector units are checked for addresses only: with -O3 and undefined-behaviour checks on every unrolled step each takes
# minutes to compile, and the scalar unit, which has the same source, is checked for both.
function(shenbi_isa_flags)
  set(avx2 -mavx2 -mfma -mf16c -mbmi2)
  set(avxvnni ${avx2} -mavxvnni)
  set(avx512 ${avx2} -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    list(APPEND avx512 -Wno-uninitialized -Wno-maybe-uninitialized)
  endif()
  set(optimise -O3)
  if(SHENBI_SANITIZE)
    set(optimise -O2)
  endif()
  foreach(file ${ARGN})
    if(file MATCHES "_(scalar|avx2|avxvnni|avx512)\\.cpp$")
      set(isa ${CMAKE_MATCH_1})
      if(isa STREQUAL "scalar" OR CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
        set(options ${optimise} ${${isa}})
        if(SHENBI_SANITIZE AND NOT isa STREQUAL "scalar")
          list(APPEND options -fno-sanitize=undefined)
        endif()
        if(SHENBI_FUZZ)
          # No parser runs them, so nothing is learnt from their coverage; at -O2 clang takes minutes to check one.
          list(APPEND options -O1 -fno-sanitize=fuzzer-no-link)
        endif()
        set_source_files_properties(${file} PROPERTIES COMPILE_OPTIONS "${options}" SKIP_PRECOMPILE_HEADERS ON)
      else()
        set_source_files_properties(${file} PROPERTIES HEADER_FILE_ONLY ON)  # another architecture: not compiled
      endif()
    endif()
  endforeach()
endfunction()
