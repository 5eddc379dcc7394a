# The house, low to high: a module may include only what its DEPS name (and what those name). What each module holds is
# told in src/README.md; tools/check_layers.py keeps the includes to this list.
pkg_check_modules(EDIT REQUIRED IMPORTED_TARGET libedit)
pkg_check_modules(ARCHIVE REQUIRED IMPORTED_TARGET libarchive)

shenbi_module(base LIBS fmt::fmt spdlog::spdlog nlohmann_json::nlohmann_json ICU::uc ICU::i18n Threads::Threads)
shenbi_module(net DEPS base LIBS CURL::libcurl OpenSSL::Crypto)
shenbi_module(chat DEPS base)
shenbi_module(tokenizers DEPS base)
shenbi_module(kernels DEPS base)
shenbi_registry(kernels quant FOLDER quant EXTENSION h TYPE QuantType HEADER quant_type.h)
shenbi_module(tensor DEPS kernels)
shenbi_module(autograd DEPS tensor)
shenbi_module(formats DEPS tensor net LIBS PkgConfig::ARCHIVE)
shenbi_registry(formats source FOLDER sources TYPE Source HEADER pull.h)
shenbi_module(ops DEPS autograd kernels)
shenbi_module(nn DEPS ops)
shenbi_module(models DEPS nn formats)
shenbi_registry(models arch FOLDER arch TYPE Architecture HEADER architecture.h)
shenbi_module(engine DEPS models tokenizers chat)
shenbi_module(eval DEPS engine)
shenbi_module(cli DEPS eval LIBS PkgConfig::EDIT)
shenbi_registry(cli command FOLDER commands TYPE Command HEADER command.h)

# The program: main.cpp alone; everything it does is in the modules.
add_executable(shenbi src/cli/main.cpp)
target_link_libraries(shenbi PRIVATE shenbi_cli)
target_compile_definitions(shenbi_cli PUBLIC SHENBI_VERSION="${PROJECT_VERSION}")
