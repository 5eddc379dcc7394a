#include "store/database.h"

#include <fmt/format.h>

#include "base/error.h"
#include "store/driver.h"
#include "store/instances.h"

namespace shenbi::store {

// --- rows ---

const Value& Row::at(std::string_view column) const {
  for (size_t i = 0; i < names_->size(); ++i) {
    if ((*names_)[i] == column) return values_[i];
  }
  throw Error(Code::kInternal, fmt::format("database: no column '{}' in this answer", column));
}

bool Row::is_null(std::string_view column) const { return std::holds_alternative<std::nullptr_t>(at(column)); }

int64_t Row::integer(std::string_view column) const {
  const Value& value = at(column);
  if (const auto* i = std::get_if<int64_t>(&value)) return *i;
  if (const auto* d = std::get_if<double>(&value)) return static_cast<int64_t>(*d);
  return 0;
}

double Row::real(std::string_view column) const {
  const Value& value = at(column);
  if (const auto* d = std::get_if<double>(&value)) return *d;
  if (const auto* i = std::get_if<int64_t>(&value)) return static_cast<double>(*i);
  return 0;
}

std::string Row::text(std::string_view column) const {
  const Value& value = at(column);
  if (const auto* s = std::get_if<std::string>(&value)) return *s;
  if (const auto* b = std::get_if<Blob>(&value)) return b->bytes;
  if (const auto* i = std::get_if<int64_t>(&value)) return fmt::to_string(*i);
  return {};
}

// --- steps ---

Step Step::with(const TextIndex& index) const {
  Step step = *this;
  step.sqlite += ";" + sqlite_text_index(index);
  step.postgres += ";" + postgres_text_index(index);
  return step;
}

std::string anywhere(std::string_view text) {
  std::string out = "%";
  for (const char c : text) {
    if (c == '%' || c == '_' || c == '\\') out += '\\';
    out += c;
  }
  return out + "%";
}

// --- the database ---

bool is_address(std::string_view place) noexcept {
  return place.starts_with("postgresql://") || place.starts_with("postgres://");
}

Database::Database(const std::string& place)
    : driver_(is_address(place) ? open_postgres(place) : open_sqlite(place)),
      instances_(std::make_unique<Instances>(*this)) {}

Database::~Database() = default;

const std::string& Database::name() const noexcept { return driver_->name(); }
bool Database::shared() const noexcept { return driver_->shared(); }
std::string_view Database::seconds_now() const noexcept { return driver_->seconds_now(); }

void Database::migrate(std::string_view part, const std::vector<Step>& steps) {
  transaction([&] {
    const auto rows = query("SELECT steps FROM schema_parts WHERE part = ?", {std::string(part)});
    const auto done = rows.empty() ? size_t{0} : static_cast<size_t>(rows[0].integer("steps"));
    if (done > steps.size()) {
      throw Error(Code::kUnsupported,
                  fmt::format("{}: '{}' was written by a newer shenbi (schema {}, this one knows {})", name(), part,
                              done, steps.size()));
    }
    if (done == steps.size()) return;
    for (size_t i = done; i < steps.size(); ++i) driver_->script(driver_->side(steps[i]));
    run("INSERT INTO schema_parts (part, steps) VALUES (?, ?) ON CONFLICT (part) DO UPDATE SET steps = excluded.steps",
        {std::string(part), static_cast<int64_t>(steps.size())});
  });
}

int64_t Database::run(std::string_view sql, const std::vector<Value>& values) {
  return driver_->run(sql, values, Durability::kNow);
}

int64_t Database::run_soon(std::string_view sql, const std::vector<Value>& values) {
  return driver_->run(sql, values, Durability::kSoon);
}

std::vector<Row> Database::query(std::string_view sql, const std::vector<Value>& values) {
  return driver_->query(sql, values);
}

void Database::transaction(const std::function<void()>& work) { driver_->transaction(work, Isolation::kAlone); }
void Database::bulk(const std::function<void()>& work) { driver_->transaction(work, Isolation::kBeside); }

Condition Database::contains(const TextIndex& index, const std::string& text) const {
  return driver_->contains(index, text);
}

}  // namespace shenbi::store
