#pragma once
// Python's str algorithms on UTF-8: positions are code points, white space and case are Unicode's. Pure functions; the
// caller charges the work.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace shenbi::chat::jinja {

size_t count_characters(std::string_view text) noexcept;
/// Byte offset of code point `index`; text.size() when the text is shorter.
size_t byte_offset(std::string_view text, size_t index) noexcept;
/// How many code points begin before byte `offset`.
size_t character_index(std::string_view text, size_t offset) noexcept;

bool is_python_space(char32_t c) noexcept;
bool is_line_end(char32_t c) noexcept;
bool is_identifier(std::string_view text) noexcept;

enum class Side { kLeft, kRight, kBoth };
/// Strips white space, or any of the code points of `characters`.
std::string_view strip(std::string_view text, Side side, std::optional<std::string_view> characters = std::nullopt);

/// `max_split` < 0 is without bound. Without a separator: runs of white space, no empty parts.
std::vector<std::string_view> split(std::string_view text, std::optional<std::string_view> separator,
                                    int64_t max_split);
std::vector<std::string_view> split_right(std::string_view text, std::optional<std::string_view> separator,
                                          int64_t max_split);
std::vector<std::string_view> split_lines(std::string_view text, bool keep_ends);

/// Occurrences that do not overlap; an empty needle is found around every code point.
size_t count_occurrences(std::string_view text, std::string_view needle);
/// Exact size of what replace() will return, for limits.
size_t replaced_size(std::string_view text, std::string_view from, std::string_view to, int64_t max_count);
std::string replace(std::string_view text, std::string_view from, std::string_view to, int64_t max_count);

std::string upper(std::string_view text);
std::string lower(std::string_view text);
std::string capitalize(std::string_view text);
std::string title(std::string_view text);
std::string swap_case(std::string_view text);
std::string case_fold(std::string_view text);

/// What the predicates isalpha(), isdigit(), ... ask of each character.
bool is_alpha(char32_t c) noexcept;
bool is_decimal(char32_t c) noexcept;
bool is_digit(char32_t c) noexcept;
bool is_numeric(char32_t c) noexcept;
bool is_alnum(char32_t c) noexcept;
bool is_printable(char32_t c) noexcept;
/// isupper(), islower(), istitle() look at the whole text.
bool is_upper_text(std::string_view text) noexcept;
bool is_lower_text(std::string_view text) noexcept;
bool is_title_text(std::string_view text) noexcept;

/// `text` as often as `count` says; "" for 0 or less.
std::string repeated(std::string_view text, int64_t count);

/// & < > " ' as entities, in markupsafe's spelling.
std::string escape_html(std::string_view text);

/// Python's int(text, base) and float(text); nullopt when the text is no number, or beyond 64 bits.
std::optional<int64_t> parse_int(std::string_view text, int base);
std::optional<double> parse_float(std::string_view text);

}  // namespace shenbi::chat::jinja
