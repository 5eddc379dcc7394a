#include "store/postgres_connection.h"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>

#include "base/log.h"
#include "base/utf8.h"
#include "store/postgres_sql.h"

namespace shenbi::store {
namespace {

// pg_type.h of the server; they never change.
enum TypeId : Oid {
  kUnknown = 0,
  kBool = 16,
  kBytea = 17,
  kInt8 = 20,
  kInt2 = 21,
  kInt4 = 23,
  kText = 25,
  kFloat4 = 700,
  kFloat8 = 701,
  kNumeric = 1700
};

constexpr int kOldestServer = 130000;            // pg_trgm may be installed by the owner of a database since then
constexpr std::chrono::seconds kAnswerTime{30};  // beyond the server's own bounds below: then it hangs
constexpr size_t kMaxPrepared = 500;             // the program has some 200 statements
constexpr size_t kMaxMessage = 500;

// The server gives up before we do. A transaction whose owner sleeps (a stopped process) ends, and its locks with it.
constexpr const char* kSettings =
    "SET standard_conforming_strings = on; SET client_min_messages = warning; SET statement_timeout = '20s'; "
    "SET lock_timeout = '15s'; SET idle_in_transaction_session_timeout = '20s'; "
    "SET default_transaction_isolation = 'read committed'";

Code code_of(std::string_view state) {
  if (state == "53100") return Code::kNoSpace;
  if (state == "53200") return Code::kOutOfMemory;
  if (state.starts_with("22") || state.starts_with("23")) return Code::kInvalidArgument;
  // Of no use now: no room for a connection, stopping or starting, a lock that did not come, a copy that only reads.
  for (const std::string_view now : {"08", "40", "53", "55", "57", "25006"}) {
    if (state.starts_with(now)) return Code::kUnavailable;
  }
  return state.starts_with("XX00") && state != "XX000" ? Code::kCorruptFile : Code::kInternal;
}

// The server ends the connection with these.
bool ends_connection(std::string_view state) { return state.starts_with("57P") || state.starts_with("08"); }

std::string storable(const std::string& text) {
  std::string clean = is_valid_utf8(text) ? text : sanitize_utf8(text);
  for (size_t at = clean.find('\0'); at != std::string::npos; at = clean.find('\0', at)) clean.replace(at, 1, "\uFFFD");
  return clean;
}

std::string hex_of(const std::string& bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out = "\\x";
  out.reserve(2 + bytes.size() * 2);
  for (const unsigned char c : bytes) {
    out += kDigits[c >> 4];
    out += kDigits[c & 15];
  }
  return out;
}

struct Parameter {
  Oid type = kUnknown;
  std::string text;
  bool null = false;
};

Parameter parameter_of(const Value& value) {
  if (const auto* i = std::get_if<int64_t>(&value)) return {kInt8, fmt::to_string(*i)};
  if (const auto* d = std::get_if<double>(&value)) return {kFloat8, fmt::format("{}", *d)};
  if (const auto* s = std::get_if<std::string>(&value)) return {kText, storable(*s)};
  if (const auto* b = std::get_if<Blob>(&value)) return {kBytea, hex_of(b->bytes)};
  return {.null = true};
}

char letter_of(const Value& value) { return "nidsb"[value.index()]; }

// A sum of integers is a numeric there.
Value number_of(std::string_view text) {
  int64_t whole = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), whole);
  if (error == std::errc() && end == text.data() + text.size()) return whole;
  return std::strtod(std::string(text).c_str(), nullptr);
}

Value value_of(const PGresult* result, int row, int column) {
  if (PQgetisnull(result, row, column)) return nullptr;
  const std::string_view text(PQgetvalue(result, row, column), static_cast<size_t>(PQgetlength(result, row, column)));
  switch (PQftype(result, column)) {
    case kBool:
      return int64_t{text == "t"};
    case kInt2:
    case kInt4:
    case kInt8:
    case kNumeric:
      return number_of(text);
    case kFloat4:
    case kFloat8:
      return std::strtod(std::string(text).c_str(), nullptr);
    case kBytea: {
      size_t size = 0;
      const std::unique_ptr<unsigned char, void (*)(void*)> bytes(
          PQunescapeBytea(reinterpret_cast<const unsigned char*>(text.data()), &size), PQfreemem);
      if (!bytes) throw Error(Code::kOutOfMemory, "database: no memory for the bytes of an answer");
      return Blob{std::string(reinterpret_cast<const char*>(bytes.get()), size)};
    }
    default:
      return std::string(text);
  }
}

void tell_warning(void*, const PGresult* result) {
  const char* text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  if (text) log_warn("database: {}", text);
}

}  // namespace

// --- the place ---

PostgresPlace PostgresPlace::of(const std::string& address) {
  PostgresPlace place{.address = address, .name = {}, .password = {}};
  char* trouble = nullptr;  // may quote the address, with its password
  const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> options(
      PQconninfoParse(address.c_str(), &trouble), PQconninfoFree);
  PQfreemem(trouble);
  if (!options) {
    throw Error(Code::kInvalidArgument,
                "database: the address is not understood; it is postgresql://USER@HOST:PORT/NAME, and in a password "
                "what is no letter or digit is written as %XX");
  }
  std::string user, host, port, base;
  for (const PQconninfoOption* o = options.get(); o->keyword; ++o) {
    const std::string_view key = o->keyword;
    const std::string value = o->val ? o->val : "";
    if (key == "user") user = value;
    if (key == "host" || (key == "hostaddr" && host.empty())) host = value;
    if (key == "port") port = value;
    if (key == "dbname") base = value;
    if (key == "password") place.password = value;
  }
  if (const char* set = std::getenv("PGPASSWORD"); set && place.password.empty()) place.password = set;
  const bool socket = host.starts_with('/');
  place.name = fmt::format("postgresql://{}{}{}{}{}/{}{}{}", user, user.empty() ? "" : "@", socket ? "" : host,
                           port.empty() ? "" : ":", port, base, socket ? "?host=" : "", socket ? host : "");
  place.name = place.shown(place.name);
  return place;
}

std::string PostgresPlace::shown(std::string_view text) const {
  std::string line(text.substr(0, kMaxMessage));
  while (!line.empty() && (line.back() == '\n' || line.back() == ' ')) line.pop_back();
  std::replace_if(line.begin(), line.end(), [](unsigned char c) { return c < ' '; }, ' ');
  if (password.empty()) return line;
  constexpr std::string_view kHidden = "****";
  for (size_t at = line.find(password); at != std::string::npos; at = line.find(password, at + kHidden.size()))
    line.replace(at, password.size(), kHidden);
  return line;
}

std::string shown_place(std::string_view place) {
  return is_address(place) ? PostgresPlace::of(std::string(place)).name : std::string(place);
}

// --- the connection ---

void PostgresConnection::Clear::operator()(pg_result* result) const { PQclear(result); }

PostgresConnection::PostgresConnection(const PostgresPlace& place) : place_(place) {
  // What the address says itself comes later and wins.
  const char* const keys[] = {"connect_timeout",  "keepalives_idle",  "keepalives_interval",
                              "keepalives_count", "tcp_user_timeout", "fallback_application_name",
                              "client_encoding",  "dbname",           nullptr};
  const char* const values[] = {"5", "10", "5", "3", "20000", "shenbi", "UTF8", place.address.c_str(), nullptr};
  connection_ = PQconnectdbParams(keys, values, 1);
  if (!connection_) throw Error(Code::kOutOfMemory, "database: no memory for a connection");
  try {
    if (PQstatus(connection_) != CONNECTION_OK) lost(PQerrorMessage(connection_));
    PQsetNoticeReceiver(connection_, tell_warning, nullptr);
    const char* encoding = PQparameterStatus(connection_, "server_encoding");
    if (!encoding || std::strcmp(encoding, "UTF8") != 0) {
      throw Error(Code::kUnsupported, fmt::format("{}: the database keeps {}, and must keep UTF8 (createdb -E UTF8 -T "
                                                  "template0)",
                                                  place_.name, encoding ? encoding : "no known encoding"));
    }
    if (PQserverVersion(connection_) < kOldestServer) {
      throw Error(Code::kUnsupported, fmt::format("{}: PostgreSQL {}, and 13 is the oldest that serves", place_.name,
                                                  PQserverVersion(connection_) / 10000));
    }
    simple(kSettings, kAnswerTime);
  } catch (...) {
    PQfinish(connection_);
    throw;
  }
}

PostgresConnection::~PostgresConnection() { PQfinish(connection_); }

void PostgresConnection::lost(const std::string& why) {
  broken_ = true;
  throw Lost(fmt::format("database {}: {}", place_.name, place_.shown(why)));
}

void PostgresConnection::fail(const pg_result* result, std::string_view doing) {
  const char* state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : nullptr;
  const char* text = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : nullptr;
  if (!state || ends_connection(state) || PQstatus(connection_) != CONNECTION_OK) {
    lost(fmt::format("the connection is lost: {}", text ? text : PQerrorMessage(connection_)));
  }
  const Code code = code_of(state);
  const std::string reason = code == Code::kNoSpace ? "no space left on the disk" : place_.shown(text ? text : "");
  throw Error(code, fmt::format("database {}: {}: {} ({})", place_.name, doing, reason, state));
}

// Nothing is sent that nobody has asked for, except the farewell of a server that stops, or the end itself.
bool PostgresConnection::alive() {
  if (broken_ || PQstatus(connection_) != CONNECTION_OK) return false;
  pollfd socket{.fd = PQsocket(connection_), .events = POLLIN, .revents = 0};
  broken_ = ::poll(&socket, 1, 0) != 0;
  return !broken_;
}

// The last result of what was sent; an earlier one if that is an error.
PostgresConnection::Result PostgresConnection::wait(std::chrono::seconds time, std::string_view doing) {
  const auto until = std::chrono::steady_clock::now() + time;
  Result last;
  for (;;) {
    while (PQisBusy(connection_)) {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
      if (left <= 0) lost(fmt::format("no answer in {} seconds", time.count()));
      pollfd socket{.fd = PQsocket(connection_), .events = POLLIN, .revents = 0};
      const int ready = ::poll(&socket, 1, static_cast<int>(std::min<int64_t>(left, 1000)));
      if (ready < 0 && errno != EINTR) lost(std::strerror(errno));
      if (ready > 0 && !PQconsumeInput(connection_))
        lost(fmt::format("the connection is lost: {}", PQerrorMessage(connection_)));
    }
    Result next(PQgetResult(connection_));
    if (!next) break;
    const bool failed = last && PQresultStatus(last.get()) == PGRES_FATAL_ERROR;
    if (!failed) last = std::move(next);
  }
  const auto status = last ? PQresultStatus(last.get()) : PGRES_FATAL_ERROR;
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_EMPTY_QUERY) fail(last.get(), doing);
  return last;
}

std::string PostgresConnection::simple(const std::string& sql, std::chrono::seconds time) {
  if (!PQsendQuery(connection_, sql.c_str())) lost(PQerrorMessage(connection_));
  return PQcmdStatus(wait(time, sql).get());
}

const std::string& PostgresConnection::prepared(std::string_view sql, const std::vector<Value>& values) {
  std::string key;
  for (const Value& value : values) key += letter_of(value);
  key += ' ';
  key += sql;
  if (const auto found = names_.find(key); found != names_.end()) return found->second;
  if (names_.size() >= kMaxPrepared) {
    simple("DEALLOCATE ALL", kAnswerTime);
    names_.clear();
  }
  std::vector<Oid> types;
  for (const Value& value : values) types.push_back(parameter_of(value).type);
  const std::string name = fmt::format("s{}", ++made_);
  if (!PQsendPrepare(connection_, name.c_str(), postgres_statement(sql).c_str(), static_cast<int>(types.size()),
                     types.data()))
    lost(PQerrorMessage(connection_));
  wait(kAnswerTime, sql);
  return names_.emplace(std::move(key), name).first->second;
}

PostgresConnection::Answer PostgresConnection::execute(std::string_view sql, const std::vector<Value>& values) {
  std::vector<Parameter> parameters;
  parameters.reserve(values.size());
  for (const Value& value : values) parameters.push_back(parameter_of(value));
  std::vector<const char*> texts;
  for (const Parameter& one : parameters) texts.push_back(one.null ? nullptr : one.text.c_str());
  // A plan of before another program changed the table is refused before it does anything, and is made again.
  for (bool again = true;; again = false) {
    const std::string& name = prepared(sql, values);
    if (!PQsendQueryPrepared(connection_, name.c_str(), static_cast<int>(texts.size()), texts.data(), nullptr, nullptr,
                             0))
      lost(PQerrorMessage(connection_));
    try {
      return read(wait(kAnswerTime, sql).get());
    } catch (const Lost&) {
      throw;
    } catch (const Error& error) {
      const bool old_plan = std::string_view(error.what()).ends_with("(0A000)");
      if (!old_plan || !again || PQtransactionStatus(connection_) != PQTRANS_IDLE) throw;
      simple("DEALLOCATE ALL", kAnswerTime);
      names_.clear();
    }
  }
}

PostgresConnection::Answer PostgresConnection::read(const pg_result* result) const {
  Answer answer;
  const char* changed = PQcmdTuples(const_cast<pg_result*>(result));
  std::from_chars(changed, changed + std::strlen(changed), answer.changed);
  const int rows = PQntuples(result), columns = PQnfields(result);
  if (rows == 0) return answer;
  auto names = std::make_shared<std::vector<std::string>>();
  for (int i = 0; i < columns; ++i) names->emplace_back(PQfname(result, i));
  answer.rows.reserve(static_cast<size_t>(rows));
  for (int row = 0; row < rows; ++row) {
    std::vector<Value> values;
    values.reserve(static_cast<size_t>(columns));
    for (int i = 0; i < columns; ++i) values.push_back(value_of(result, row, i));
    answer.rows.emplace_back(names, std::move(values));
  }
  return answer;
}

}  // namespace shenbi::store
