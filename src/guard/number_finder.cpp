// One walk over the text. At most characters nothing begins; at the others the few forms that begin so are tried, each
// of a bounded length. A number is a chain of groups of digits with one blank or hyphen between them: chains are tried
// from the longest, so that a card number of four groups is not taken for what stands in it.

#include "guard/number_finder.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "guard/checks.h"
#include "guard/letters.h"

namespace shenbi::guard {
namespace {

constexpr bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
constexpr bool is_alnum(char c) { return is_digit(c) || is_upper(c) || is_lower(c); }
constexpr bool is_word(char c) { return is_alnum(c) || c == '_'; }
constexpr bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

constexpr size_t kMostDigits = 19;  // of a card
constexpr size_t kMostGroups = 6;
constexpr size_t kLongestLocalPart = 64, kLongestDomain = 253;  // RFC 5321

// Top-level domains of more than two letters that addresses of people end with; of two letters every one counts.
constexpr std::string_view kDomains[] = {
    "com",   "net",     "org",     "edu",      "gov",     "mil",    "int",     "info",   "biz",    "name",
    "pro",   "xyz",     "online",  "site",     "top",     "shop",   "store",   "tech",   "cloud",  "club",
    "vip",   "wang",    "work",    "email",    "group",   "ltd",    "ren",     "link",   "fun",    "icu",
    "space", "website", "world",   "today",    "life",    "agency", "news",    "blog",   "design", "app",
    "dev",   "asia",    "mobi",    "museum",   "coop",    "aero",   "jobs",    "tel",    "travel", "cat",
    "live",  "studio",  "digital", "media",    "academy", "bank",   "company", "global", "one",    "host",
    "test",  "example", "local",   "internal", "lan",     "corp",   "home"};

bool is_top_domain(std::string_view text) {
  if (text.size() == 2) return true;
  if (text.starts_with("xn--")) return true;
  return std::find(std::begin(kDomains), std::end(kDomains), text) != std::end(kDomains);
}

// 京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼: what a plate begins with.
constexpr std::string_view kPlateProvinces = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼";

class Walk {
 public:
  Walk(const Folded& folded, std::vector<Finding>& out) : folded_(folded), text_(folded.text()), out_(out) {}

  void all() {
    for (size_t at = 0; at < text_.size();) at = std::max(at + 1, step(at));
  }

 private:
  // Where to go on; at or before `at`: nothing began here.
  size_t step(size_t at) {
    const char c = text_[at];
    if (is_digit(c)) return digit(at);
    if (is_upper(c)) return upper(at);
    switch (c) {
      case '@':
        return email(at);
      case '+':
        return plus(at);
      case '(':
        return bracket(at);
      case '[':
        return placeholder(at);
      default:
        return c >= 'a' && c <= 'f' ? internet_six(at) : at;
    }
  }

  char char_at(size_t at) const { return at < text_.size() ? text_[at] : '\0'; }
  char before(size_t at) const { return at > 0 ? text_[at - 1] : '\0'; }

  size_t found(size_t begin, size_t end, Kind kind) {
    out_.push_back({folded_.begin(begin), folded_.end(end), kind});
    return end;
  }

  // A number does not begin inside a word, behind a decimal point, or inside a chain of hexadecimal groups (a UUID).
  bool begins(size_t at) const {
    const char c = before(at);
    if (is_word(c)) return false;
    if (c == '.' && at > 1 && is_digit(text_[at - 2])) return false;
    if (c == ',' && is_thousands(at)) return false;
    if (c == '-' && at > 1 && is_hex(text_[at - 2])) return false;
    return true;
  }
  // Three digits and no more behind a comma, and one to three in front of it. A full-width one parts words.
  bool is_thousands(size_t at) const {
    if (folded_.raw()[folded_.begin(at - 1)] != ',') return false;
    size_t before = 0, behind = 0;
    while (before < 4 && before + 1 < at && is_digit(text_[at - 2 - before])) ++before;
    while (behind < 4 && is_digit(char_at(at + behind))) ++behind;
    return before >= 1 && before <= 3 && behind == 3;
  }
  bool ends(size_t at) const {
    const char c = char_at(at);
    if (is_word(c)) return false;
    if (c == '.' && is_digit(char_at(at + 1))) return false;
    return c != '-' || !is_alnum(char_at(at + 1));
  }

  // --- numbers ---

  struct Group {
    size_t begin = 0, size = 0;
    char separator = '\0';  // in front of it
  };
  struct Chain {
    std::array<Group, kMostGroups> groups;
    size_t count = 0;
    std::array<char, kMostDigits> digits;
  };

  Chain chain_at(size_t at) const {
    Chain chain;
    size_t total = 0;
    char separator = '\0';
    while (chain.count < kMostGroups) {
      Group group{.begin = at, .separator = separator};
      while (is_digit(char_at(at + group.size)) && total + group.size < kMostDigits) {
        chain.digits[total + group.size] = text_[at + group.size];
        ++group.size;
      }
      if (is_digit(char_at(at + group.size))) break;  // longer than any
      total += group.size;
      chain.groups[chain.count++] = group;
      at += group.size;
      separator = char_at(at);
      if ((separator != ' ' && separator != '-') || !is_digit(char_at(at + 1))) break;
      ++at;
    }
    return chain;
  }

  size_t digit(size_t at) {
    const size_t run = digits_end(at);
    if (!begins(at)) return run;
    if (const size_t end = passport_line(at); end > at) return end;
    if (const size_t end = internet_four(at); end > at) return end;
    if (const size_t end = internet_six(at); end > at) return end;
    if (const size_t end = social_credit_code(at); end > at) return end;
    const Chain chain = chain_at(at);
    for (size_t count = chain.count; count > 0; --count) {
      if (const size_t end = number(chain, count); end > at) return end;
    }
    return run;
  }

  size_t digits_end(size_t at) const {
    while (is_digit(char_at(at))) ++at;
    return at;
  }

  // The first `count` groups as one number.
  size_t number(const Chain& chain, size_t count) {
    const Group& last = chain.groups[count - 1];
    const size_t begin = chain.groups[0].begin, end = last.begin + last.size;
    size_t total = 0;
    for (size_t i = 0; i < count; ++i) total += chain.groups[i].size;
    const std::string_view digits(chain.digits.data(), total);
    for (size_t i = 2; i < count; ++i) {
      if (chain.groups[i].separator != chain.groups[1].separator) return mixed(chain, count, digits, begin, end);
    }
    if (total == 17 && (char_at(end) == 'X' || char_at(end) == 'x') && ends(end + 1) && is_id_form(chain, count, 3)) {
      if (is_resident_id(std::string(digits) + "X")) return found(begin, end + 1, Kind::kId);
    }
    if (!ends(end) && !is_extension(end)) return 0;
    if (is_phone(chain, count, digits)) return found(begin, end, Kind::kPhone);
    if (!ends(end)) return 0;
    if (total == 18 && is_id_form(chain, count, 4) && is_resident_id(digits)) return found(begin, end, Kind::kId);
    if (is_card_form(chain, count) && is_card(digits)) return found(begin, end, Kind::kCard);
    const bool ssn = sizes(chain, count, {3, 2, 4}) && chain.groups[1].separator == '-';
    return ssn && is_social_security_number(digits) ? found(begin, end, Kind::kSsn) : 0;
  }

  // "010-8888 6666", "86 138-1234-5678"
  size_t mixed(const Chain& chain, size_t count, std::string_view digits, size_t begin, size_t end) {
    if (!ends(end) && !is_extension(end)) return 0;
    return is_phone(chain, count, digits) ? found(begin, end, Kind::kPhone) : 0;
  }

  // Of a landline: "-801".
  bool is_extension(size_t at) const {
    if (char_at(at) != '-') return false;
    const size_t end = digits_end(at + 1);
    return end > at + 1 && end - at <= 6 && char_at(end) != '-' && ends(end);
  }

  static bool sizes(const Chain& chain, size_t count, std::initializer_list<size_t> wanted) {
    if (wanted.size() != count) return false;
    return std::equal(wanted.begin(), wanted.end(), chain.groups.begin(),
                      [](size_t size, const Group& group) { return group.size == size; });
  }

  static bool is_id_form(const Chain& chain, size_t count, size_t last) {
    return count == 1 || sizes(chain, count, {6, 8, last}) || sizes(chain, count, {6, 4, 4, last}) ||
           sizes(chain, count, {3, 3, 4, 4, last});
  }

  static bool is_card_form(const Chain& chain, size_t count) {
    if (count == 1 || sizes(chain, count, {4, 6, 5}) || sizes(chain, count, {4, 6, 4}) ||
        sizes(chain, count, {6, 13}) || sizes(chain, count, {6, 10}) || sizes(chain, count, {8, 8}))
      return true;
    if (count < 4) return false;
    return std::all_of(chain.groups.begin(), chain.groups.begin() + static_cast<ptrdiff_t>(count) - 1,
                       [](const Group& group) { return group.size == 4; });
  }

  static bool is_phone(const Chain& chain, size_t count, std::string_view digits) {
    for (const std::string_view code : {"0086", "86"}) {  // as digits() of a chain, or a group of its own
      if (digits.size() == code.size() + 11 && digits.starts_with(code) && is_mobile(digits.substr(code.size())))
        return count == 1 || chain.groups[0].size == code.size() || chain.groups[0].size == code.size() + 3;
    }
    if (is_mobile(digits))
      return count == 1 || sizes(chain, count, {3, 4, 4}) || sizes(chain, count, {3, 8}) ||
             sizes(chain, count, {7, 4}) || sizes(chain, count, {3, 3, 5});
    if (count >= 2 && chain.groups[0].size <= 4 &&
        (count == 2 || (count == 3 && chain.groups[2].size == 4 && chain.groups[1].size >= 3))) {
      const size_t area = chain.groups[0].size;
      if (is_landline(digits.substr(0, area), digits.substr(area))) return true;
    }
    return sizes(chain, count, {3, 3, 4}) && chain.groups[1].separator == '-' && chain.groups[2].separator == '-' &&
           is_north_american(digits);
  }

  // "+44 20 7946 0958", "+86 (010) 8888-6666"
  size_t plus(size_t at) {
    const char c = before(at);
    if (is_word(c) || c == '+' || c == ')' || c == ']' || c == '/' || c == '=') return at;
    constexpr size_t kMost = 24;
    std::string digits;
    size_t best = 0;
    for (size_t i = at + 1; i < at + kMost && digits.size() <= 15; ++i) {
      const char d = char_at(i);
      if (is_digit(d)) {
        digits += d;
        if (!is_digit(char_at(i + 1)) && ends(i + 1) && is_international(digits)) best = i + 1;
        continue;
      }
      const bool goes_on = is_digit(char_at(i + 1)) || char_at(i + 1) == '(' || d == '(' || char_at(i + 1) == ' ';
      if (digits.empty() || !goes_on || std::string_view(" -.()").find(d) == std::string_view::npos) break;
    }
    return best > 0 ? found(at, best, Kind::kPhone) : at;
  }

  // "(010) 8888-6666", "(415) 555-2671"
  size_t bracket(size_t at) {
    if (is_word(before(at))) return at;  // a call of a function
    const size_t close = digits_end(at + 1);
    const size_t area = close - at - 1;
    if (char_at(close) != ')' || area < 3 || area > 4) return at;
    const size_t begin = char_at(close + 1) == ' ' ? close + 2 : close + 1;
    if (!is_digit(char_at(begin))) return at;
    const Chain chain = chain_at(begin);
    for (size_t count = std::min<size_t>(chain.count, 2); count > 0; --count) {
      const Group& last = chain.groups[count - 1];
      const size_t end = last.begin + last.size;
      if (!ends(end) && !is_extension(end)) continue;
      const std::string_view number(chain.digits.data(), chain.groups[0].size + (count > 1 ? last.size : 0));
      const std::string_view code = text_.substr(at + 1, area);
      const bool local = (count == 1 || last.size == 4) && is_landline(code, number);
      const bool american = count == 2 && chain.groups[0].size == 3 && last.size == 4 &&
                            is_north_american(std::string(code).append(number));
      if (local || american) return found(at, end, Kind::kPhone);
    }
    return at;
  }

  // --- codes of letters and digits ---

  size_t upper(size_t at) {
    if (before(at) == Folded::kOther && plate(at) > at) return plate_end_;
    size_t end = at;
    while (is_word(char_at(end))) ++end;
    if (is_word(before(at))) return end;
    if (const size_t line = passport_line(at); line > at) return line;
    if (const size_t code = social_credit_code(at); code > at) return code;
    if (const size_t number = iban(at); number > at) return number;
    if (const size_t address = internet_six(at); address > at) return address;
    if (const size_t number = passport_number(at, end); number > at) return number;
    // A word is walked through once, but for what may follow a letter of it.
    return end;
  }

  size_t social_credit_code(size_t at) {
    size_t size = 0;
    while (size <= 18 && (is_digit(char_at(at + size)) || is_upper(char_at(at + size)))) ++size;
    if (size != 18 || !ends(at + 18) || !begins(at)) return 0;
    return is_social_credit_code(text_.substr(at, 18)) ? found(at, at + 18, Kind::kCompany) : 0;
  }

  size_t iban(size_t at) {
    if (!is_upper(char_at(at + 1)) || !is_digit(char_at(at + 2)) || !is_digit(char_at(at + 3))) return 0;
    const size_t wanted = iban_length(text_.substr(at, 2));
    if (wanted == 0) return 0;
    std::string plain;
    size_t end = at;
    while (plain.size() < wanted) {
      const char c = char_at(end);
      const bool blank = c == ' ' || c == '-';
      if (!blank && !is_digit(c) && !is_upper(c)) return 0;
      if (blank && (plain.size() % 4 != 0 || !is_alnum(char_at(end + 1)))) return 0;
      if (!blank) plain += c;
      ++end;
    }
    if (is_word(char_at(end)) || !is_iban(plain)) return 0;
    return found(at, end, Kind::kIban);
  }

  // Only behind the word: a letter and eight digits are many things.
  size_t passport_number(size_t at, size_t end) {
    const size_t size = end - at;
    if (size < 8 || size > 9 || !ends(end)) return 0;
    const size_t letters = is_upper(text_[at + 1]) ? 2 : 1;
    if (!std::all_of(text_.begin() + static_cast<ptrdiff_t>(at + letters), text_.begin() + static_cast<ptrdiff_t>(end),
                     is_digit))
      return 0;
    constexpr size_t kNear = 48;
    const size_t place = folded_.begin(at);
    std::string near(folded_.raw().substr(place - std::min(place, kNear), std::min(place, kNear)));
    std::transform(near.begin(), near.end(), near.begin(), [](char c) { return is_upper(c) ? c - 'A' + 'a' : c; });
    if (near.find("passport") == near.npos && near.find("护照") == near.npos) return 0;
    return found(at, end, Kind::kPassport);
  }

  size_t passport_line(size_t at) {
    if (before(at) == '<') return 0;
    const auto of_line = [](char c) { return is_digit(c) || is_upper(c) || c == '<'; };
    size_t size = 0;
    while (size <= 44 && of_line(char_at(at + size))) ++size;
    if (size != 44 || is_word(char_at(at + 44))) return 0;
    return is_passport_line(text_.substr(at, 44)) ? found(at, at + 44, Kind::kPassport) : 0;
  }

  // Its province is the character before the letter.
  size_t plate(size_t at) {
    const size_t place = folded_.begin(at - 1);
    const std::string_view province = folded_.raw().substr(place, folded_.end(at) - place);
    if (province.size() != 3 || kPlateProvinces.find(province) == std::string_view::npos) return 0;
    size_t begin = at + 1;
    const std::string_view dot = folded_.raw().substr(folded_.begin(begin));
    const bool parted = char_at(begin) == ' ' || char_at(begin) == '-' || dot.starts_with("·") || dot.starts_with("•");
    if (parted) ++begin;
    for (const size_t size : {6u, 5u}) {
      if (begin + size > text_.size() || is_word(char_at(begin + size))) continue;
      if (!is_plate_serial(text_.substr(begin, size))) continue;
      plate_end_ = begin + size;
      return found(at - 1, plate_end_, Kind::kPlate);
    }
    return 0;
  }

  // --- addresses ---

  size_t email(size_t at) {
    const auto of_local = [](char c) {
      return is_alnum(c) || std::string_view("._%+-").find(c) != std::string_view::npos;
    };
    size_t begin = at;
    while (begin > 0 && at - begin <= kLongestLocalPart && of_local(text_[begin - 1])) --begin;
    while (begin < at && !is_alnum(text_[begin])) ++begin;
    if (begin == at || at - begin > kLongestLocalPart || before(at) == '.') return at;
    size_t end = at + 1, top = 0, labels = 0;
    while (end - at <= kLongestDomain && (is_alnum(char_at(end)) || char_at(end) == '-' || char_at(end) == '.')) {
      if (char_at(end) == '.') {
        if (!is_alnum(char_at(end + 1)) || !is_alnum(text_[end - 1])) break;
        top = end + 1;
        ++labels;
      }
      ++end;
    }
    while (end > at && char_at(end - 1) == '-') --end;
    if (labels == 0 || end <= top) return at;
    std::string domain(text_.substr(top, end - top));
    std::transform(domain.begin(), domain.end(), domain.begin(),
                   [](char c) { return is_upper(c) ? c - 'A' + 'a' : c; });
    const bool letters = std::all_of(domain.begin(), domain.end(), is_lower) || domain.starts_with("xn--");
    if (!letters || !is_top_domain(domain)) return at;
    const char next = char_at(end);
    if (next == '(' || next == '_' || next == '@') return at;                // code: "a@b.to(device)"
    if (next == ':' && text_.substr(begin, at - begin) == "git") return at;  // "git@example.com:a/b"
    return found(begin, end, Kind::kEmail);
  }

  size_t internet_four(size_t at) {
    if (before(at) == '.' || is_version(at)) return 0;
    size_t end = at;
    int parts[4];
    for (int i = 0; i < 4; ++i) {
      if (i > 0 && char_at(end++) != '.') return 0;
      const size_t begin = end;
      int part = 0;
      while (end - begin < 4 && is_digit(char_at(end))) part = part * 10 + (text_[end++] - '0');
      const size_t size = end - begin;
      if (size == 0 || size > 3 || part > 255 || (size > 1 && text_[begin] == '0')) return 0;
      parts[i] = part;
    }
    const char next = char_at(end);
    if (is_word(next) || (next == '.' && is_digit(char_at(end + 1))) || (next == '-' && is_alnum(char_at(end + 1))))
      return 0;
    if (parts[0] == 0 || parts[0] == 127 || parts[0] == 255) return end;  // nobody's: passed over
    return found(at, end, Kind::kIp);
  }

  // "version 1.2.3.4", "v 1.2.3.4", "版本 1.2.3.4"
  bool is_version(size_t at) const {
    const size_t place = folded_.begin(at);
    std::string near(folded_.raw().substr(place - std::min<size_t>(place, 12), std::min<size_t>(place, 12)));
    std::transform(near.begin(), near.end(), near.begin(), [](char c) { return is_upper(c) ? c - 'A' + 'a' : c; });
    while (!near.empty() && std::string_view(" :=\"'").find(near.back()) != std::string_view::npos) near.pop_back();
    return near.ends_with("version") || near == "v" || near.ends_with(" v") || near.ends_with("版本") ||
           near.ends_with("版本号");
  }

  // In full or shortened; of those that the world routes, local and private ones: what else has colons is code or time.
  size_t internet_six(size_t at) {
    if (is_word(before(at)) || before(at) == ':' || before(at) == '.') return 0;
    for (size_t i = 0; i < 4; ++i) {
      if (!is_hex(char_at(at + i))) return 0;
    }
    if (char_at(at + 4) != ':') return 0;
    size_t end = at;
    while (end - at <= 46 && (is_hex(char_at(end)) || char_at(end) == ':' || char_at(end) == '.')) ++end;
    if (end - at > 45) return 0;
    while (end > at && (text_[end - 1] == '.' || (text_[end - 1] == ':' && text_[end - 2] != ':'))) --end;
    if (is_word(char_at(end))) return 0;
    in6_addr address{};
    if (inet_pton(AF_INET6, std::string(text_.substr(at, end - at)).c_str(), &address) != 1) return 0;
    const unsigned first = address.s6_addr[0], second = address.s6_addr[1];
    const bool used = (first & 0xE0) == 0x20 || (first & 0xFE) == 0xFC || (first == 0xFE && (second & 0xC0) == 0x80);
    return used ? found(at, end, Kind::kIp) : 0;
  }

  // What has the form of a placeholder is the caller's own text: it is kept apart from ours.
  size_t placeholder(size_t at) {
    size_t end = at + 1;
    while (end - at < 12 && is_upper(char_at(end))) ++end;
    const std::string_view word = text_.substr(at + 1, end - at - 1);
    bool known = false;
    for (size_t i = 0; i < kKinds; ++i) known = known || word == kind_word(static_cast<Kind>(i));
    if (!known || char_at(end) != '_') return at;
    const size_t number = end + 1;
    end = number;
    while (end - number < 10 && is_digit(char_at(end))) ++end;
    if (end == number || char_at(end) != ']') return at;
    return found(at, end + 1, Kind::kText);
  }

  const Folded& folded_;
  const std::string_view text_;
  std::vector<Finding>& out_;
  size_t plate_end_ = 0;
};

}  // namespace

void find_by_form(const Folded& folded, std::vector<Finding>& out) { Walk(folded, out).all(); }

}  // namespace shenbi::guard
