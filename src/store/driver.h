#pragma once
// What a side has to be able to do; see database.h for what each call promises. Inside store only.

#include "store/database.h"

namespace shenbi::store {

enum class Durability { kNow, kSoon };
enum class Isolation { kAlone, kBeside };

class Driver {
 public:
  virtual ~Driver() = default;
  virtual const std::string& name() const noexcept = 0;
  virtual bool shared() const noexcept = 0;
  /// The side's own words of a step.
  virtual const std::string& side(const Step& step) const noexcept = 0;
  /// One or several statements of a schema, without parameters, within a transaction.
  virtual void script(const std::string& sql) = 0;
  virtual int64_t run(std::string_view sql, const std::vector<Value>& values, Durability durability) = 0;
  virtual std::vector<Row> query(std::string_view sql, const std::vector<Value>& values) = 0;
  virtual void transaction(const std::function<void()>& work, Isolation isolation) = 0;
  virtual std::string_view seconds_now() const noexcept = 0;
  virtual Condition contains(const TextIndex& index, const std::string& text) const = 0;
};

std::unique_ptr<Driver> open_sqlite(const std::string& file);
std::unique_ptr<Driver> open_postgres(const std::string& address);

/// What creates the index, for each side.
std::string sqlite_text_index(const TextIndex& index);
std::string postgres_text_index(const TextIndex& index);

inline constexpr const char* kSchemaParts =
    "CREATE TABLE IF NOT EXISTS schema_parts (part TEXT PRIMARY KEY, steps INTEGER NOT NULL)";

}  // namespace shenbi::store
