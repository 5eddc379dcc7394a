# The page in the program: web/dist (built by `./dev build`, or by npm in web/) becomes one generated source of the library
# shenbi_web, which the server links. CMake looks again whether web/dist exists at each build; without it the program still
# builds, with a page that says how to build the real one.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
set(web_source ${PROJECT_BINARY_DIR}/generated/server/web_assets.cpp)
file(GLOB web_dist CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/web/dist/assets.json)
add_custom_command(
  OUTPUT ${web_source} ${PROJECT_BINARY_DIR}/generated/server/web_assets.bin
  COMMAND Python3::Interpreter ${PROJECT_SOURCE_DIR}/tools/embed_web.py ${web_source} ${web_dist}
  DEPENDS ${PROJECT_SOURCE_DIR}/tools/embed_web.py ${web_dist}
  COMMENT "Embedding the page"
  VERBATIM)
add_library(shenbi_web STATIC ${web_source})
target_include_directories(shenbi_web PUBLIC ${PROJECT_SOURCE_DIR}/src)
