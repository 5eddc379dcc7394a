# shenbi_registry(MODULE NAME FOLDER f TYPE t HEADER h)
#
# The folder is the registry: every src/MODULE/f/STEM.cpp must define `t STEM();` in namespace shenbi::MODULE::f-leaf
# (if it does not, the linker says so). Writes generated/MODULE/NAME_registry.cpp with one declaration and one row a
# file, and the function
#     const std::vector<std::pair<std::string_view, t (*)()>>& NAME_registry();
# in namespace shenbi::MODULE, which HEADER (a header of the module that also declares t) announces. No static
# initialisers, no list to edit: adding an architecture, command or provider is one file.
#
# With EXTENSION h the files are headers that define `inline t STEM()` themselves; the generated file includes them, and
# generated/MODULE/NAME_registry.inc holds the same #include lines for translation units that need every header.
function(shenbi_registry MODULE NAME)
  cmake_parse_arguments(ARG "" "FOLDER;TYPE;HEADER;EXTENSION" "" ${ARGN})
  if(NOT ARG_EXTENSION)
    set(ARG_EXTENSION cpp)
  endif()
  file(GLOB files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${MODULE}/${ARG_FOLDER}/*.${ARG_EXTENSION})
  list(FILTER files EXCLUDE REGEX "_(test|bench|fuzz)\\.cpp$")
  list(SORT files)
  get_filename_component(leaf ${ARG_FOLDER} NAME)
  set(includes "")
  set(declarations "")
  set(rows "")
  foreach(file ${files})
    get_filename_component(stem ${file} NAME_WE)
    if(ARG_EXTENSION STREQUAL "h")
      string(APPEND includes "#include \"${MODULE}/${ARG_FOLDER}/${stem}.h\"\n")
    else()
      string(APPEND declarations "${ARG_TYPE} ${stem}();\n")
    endif()
    string(APPEND rows "      {\"${stem}\", &${leaf}::${stem}},\n")
  endforeach()
  set(out ${PROJECT_BINARY_DIR}/generated/${MODULE}/${NAME}_registry.cpp)
  file(CONFIGURE OUTPUT ${out} @ONLY CONTENT "// Generated from the files of src/${MODULE}/${ARG_FOLDER}; do not edit.
#include \"${MODULE}/${ARG_HEADER}\"
${includes}
namespace shenbi::${MODULE}::${leaf} {
${declarations}}  // namespace shenbi::${MODULE}::${leaf}

namespace shenbi::${MODULE} {
const std::vector<std::pair<std::string_view, ${ARG_TYPE} (*)()>>& ${NAME}_registry() {
  static const std::vector<std::pair<std::string_view, ${ARG_TYPE} (*)()>> rows = {
${rows}  };
  return rows;
}
}  // namespace shenbi::${MODULE}
")
  if(ARG_EXTENSION STREQUAL "h")
    file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/generated/${MODULE}/${NAME}_registry.inc @ONLY CONTENT "${includes}")
  endif()
  target_sources(shenbi_${MODULE} PRIVATE ${out})
endfunction()
