#pragma once
// For tests: a PostgreSQL of this process, in a temporary folder, on a socket of that folder, and a fresh database in
// it for whoever asks. From Debian's package postgresql-15, installed or unpacked in .cache (./dev unit).
//
//   class LedgerTest : public store::OnBothSides {};          // place(): a file, or an address
//   INSTANTIATE_TEST_SUITE_P(On, LedgerTest, store::kSides, store::side_name);
//   TEST_P(LedgerTest, does_this) { store::Database db(place()); ... }

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/folders.h"
#include "store/database.h"

namespace shenbi::store {

class TestPostgres {
 public:
  static TestPostgres& instance() {
    static TestPostgres one;
    return one;
  }

  ~TestPostgres() { stop(); }

  /// The address of a new, empty database.
  std::string fresh() { return create("template1"); }

  /// A new database as `make` left the first one: tables that all tests of a program want are made once.
  std::string fresh_like(const std::function<void(const std::string& address)>& make) {
    if (pattern_.empty()) {
      const std::string first = fresh();
      make(first);
      pattern_ = fmt::format("t{}", made_);
    }
    return create(pattern_);
  }

  std::string address(const std::string& name) const {
    return fmt::format("postgresql://shenbi@/{}?host={}", name, folder_.path().string());
  }

  void start() {
    if (server_ > 0) return;
    server_ = spawn({"postgres", "-D", data(), "-k", folder_.path().string(), "-c", "listen_addresses=", "-c",
                     "fsync=off", "-c", "max_connections=60"});
    while (PQping(address("postgres").c_str()) != PQPING_OK) {
      if (::waitpid(server_, nullptr, WNOHANG) != 0) throw std::runtime_error("PostgreSQL ended: " + logged());
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }

  /// `signal`: SIGINT ends it in order, SIGQUIT as a crash would.
  void stop(int signal = SIGINT) {
    if (server_ <= 0) return;
    ::kill(server_, signal);
    ::waitpid(server_, nullptr, 0);
    server_ = 0;
  }

 private:
  TestPostgres() {
    programs_ = programs();
    ::chmod(folder_.path().c_str(), 0755);
    // It refuses to run as root.
    if (::geteuid() == 0) {
      const passwd* user = ::getpwnam("nobody");
      if (!user) throw std::runtime_error("no user nobody");
      user_ = user->pw_uid;
      group_ = user->pw_gid;
      if (::chown(folder_.path().c_str(), user_, group_) != 0) throw std::runtime_error("chown");
    }
    const pid_t made = spawn({"initdb", "-D", data(), "-U", "shenbi", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8",
                              "--no-sync", "--no-instructions"});
    int status = 0;
    ::waitpid(made, &status, 0);
    if (status != 0) throw std::runtime_error("initdb: " + logged());
    start();
  }

  std::string create(const std::string& pattern) {
    const std::string name = fmt::format("t{}", ++made_);
    const std::unique_ptr<PGconn, void (*)(PGconn*)> connection(PQconnectdb(address("postgres").c_str()), PQfinish);
    const std::unique_ptr<PGresult, void (*)(PGresult*)> done(
        PQexec(connection.get(), fmt::format("CREATE DATABASE {} TEMPLATE {}", name, pattern).c_str()), PQclear);
    if (PQresultStatus(done.get()) != PGRES_COMMAND_OK)
      throw std::runtime_error(fmt::format("no test database: {}", PQerrorMessage(connection.get())));
    return address(name);
  }

  std::string data() const { return (folder_.path() / "data").string(); }
  std::string log() const { return (folder_.path() / "log").string(); }
  std::string logged() const {
    std::ifstream file(log());
    return {std::istreambuf_iterator<char>(file), {}};
  }

  static std::filesystem::path newest_below(const std::filesystem::path& root) {
    std::error_code error;
    std::filesystem::path newest;
    for (const auto& version : std::filesystem::directory_iterator(root / "usr/lib/postgresql", error)) {
      if (std::filesystem::exists(version.path() / "bin/initdb", error))
        newest = std::max(newest, version.path() / "bin");
    }
    return newest;
  }

  std::filesystem::path programs() const {
    if (const auto installed = newest_below("/"); !installed.empty()) return installed;
    const std::filesystem::path unpacked = SHENBI_SOURCE_DIR "/.cache/postgresql-15";
    if (newest_below(unpacked).empty()) throw std::runtime_error("PostgreSQL is not here: ./dev unit unpacks it");
    if (::geteuid() != 0) return newest_below(unpacked);
    // The user who is not root may not see root's folders.
    for (const char* part : {"usr/lib/postgresql", "usr/share/postgresql"}) {
      std::filesystem::create_directories((folder_.path() / part).parent_path());
      std::filesystem::copy(unpacked / part, folder_.path() / part, std::filesystem::copy_options::recursive);
    }
    return newest_below(folder_.path());
  }

  pid_t spawn(const std::vector<std::string>& command) const {
    const std::string program = (programs_ / command[0]).string();
    std::vector<char*> words = {const_cast<char*>(program.c_str())};  // it looks for its companions beside itself
    for (size_t i = 1; i < command.size(); ++i) words.push_back(const_cast<char*>(command[i].c_str()));
    words.push_back(nullptr);
    const std::string output = log();
    const pid_t child = ::fork();
    if (child != 0) return child;
    if (user_ != 0 && (::setgroups(0, nullptr) != 0 || ::setgid(group_) != 0 || ::setuid(user_) != 0)) ::_exit(126);
    ::prctl(PR_SET_PDEATHSIG, SIGINT);
    const int file = ::open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (file < 0 || ::dup2(file, 1) < 0 || ::dup2(file, 2) < 0) ::_exit(126);
    if (::chdir("/") != 0) ::_exit(126);
    ::setenv("LC_ALL", "C.UTF-8", 1);
    ::execv(program.c_str(), words.data());
    ::_exit(127);
  }

  const TemporaryFolder folder_;
  std::string pattern_;
  std::filesystem::path programs_;
  uid_t user_ = 0;
  gid_t group_ = 0;
  pid_t server_ = 0;
  int made_ = 0;
};

enum class Side { kSqlite, kPostgres };

class OnBothSides : public testing::TestWithParam<Side> {
 protected:
  /// The same one for the whole test.
  const std::string& place() {
    if (place_.empty()) place_ = GetParam() == Side::kSqlite ? (folder.path() / "sub" / "t.db").string() : database();
    return place_;
  }
  /// In PostgreSQL.
  virtual std::string database() { return TestPostgres::instance().fresh(); }
  bool is_shared() const { return GetParam() == Side::kPostgres; }
  TemporaryFolder folder;

 private:
  std::string place_;
};

inline const auto kSides = testing::Values(Side::kSqlite, Side::kPostgres);
inline std::string side_name(const testing::TestParamInfo<Side>& side) {
  return side.param == Side::kSqlite ? "sqlite" : "postgresql";
}

}  // namespace shenbi::store
