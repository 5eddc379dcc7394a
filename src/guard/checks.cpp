#include "guard/checks.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>

#include "guard/letters.h"

namespace shenbi::guard {
namespace {

int value(std::string_view digits) {
  int all = 0;
  for (const char c : digits) all = all * 10 + (c - '0');
  return all;
}

bool all_digits(std::string_view text) { return std::all_of(text.begin(), text.end(), is_digit); }

bool is_date(int year, int month, int day) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (month < 1 || month > 12 || day < 1) return false;
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return day <= kDays[month - 1] + (month == 2 && leap ? 1 : 0);
}

// The first two digits of GB/T 2260: provinces, Taiwan, Hong Kong, Macau; 83 and 91 stand in residence permits.
bool is_province(int code) {
  constexpr int kCodes[] = {11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42, 43,
                            44, 45, 46, 50, 51, 52, 53, 54, 61, 62, 63, 64, 65, 71, 81, 82, 83, 91};
  return std::find(std::begin(kCodes), std::end(kCodes), code) != std::end(kCodes);
}

// Of ICAO 9303: weights 7, 3, 1; letters count from 10, '<' nothing.
int passport_check(std::string_view text) {
  constexpr int kWeights[] = {7, 3, 1};
  int sum = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    sum += kWeights[i % 3] * (is_digit(c) ? c - '0' : is_upper(c) ? c - 'A' + 10 : 0);
  }
  return sum % 10;
}

bool has_check(std::string_view text, char check) { return passport_check(text) == (check == '<' ? 0 : check - '0'); }

struct Country {
  char code[3];
  uint8_t length;
};
// The registry of ISO 13616.
constexpr Country kIbans[] = {
    {"AD", 24}, {"AE", 23}, {"AL", 28}, {"AT", 20}, {"AZ", 28}, {"BA", 20}, {"BE", 16}, {"BG", 22}, {"BH", 22},
    {"BR", 29}, {"BY", 28}, {"CH", 21}, {"CR", 22}, {"CY", 28}, {"CZ", 24}, {"DE", 22}, {"DJ", 27}, {"DK", 18},
    {"DO", 28}, {"EE", 20}, {"EG", 29}, {"ES", 24}, {"FI", 18}, {"FO", 18}, {"FR", 27}, {"GB", 22}, {"GE", 22},
    {"GI", 23}, {"GL", 18}, {"GR", 27}, {"GT", 28}, {"HR", 21}, {"HU", 28}, {"IE", 22}, {"IL", 23}, {"IQ", 23},
    {"IS", 26}, {"IT", 27}, {"JO", 30}, {"KW", 30}, {"KZ", 20}, {"LB", 28}, {"LC", 32}, {"LI", 21}, {"LT", 20},
    {"LU", 20}, {"LV", 21}, {"LY", 25}, {"MC", 27}, {"MD", 24}, {"ME", 22}, {"MK", 19}, {"MN", 20}, {"MR", 27},
    {"MT", 31}, {"MU", 30}, {"NI", 28}, {"NL", 18}, {"NO", 15}, {"PK", 24}, {"PL", 28}, {"PS", 29}, {"PT", 25},
    {"QA", 29}, {"RO", 24}, {"RS", 22}, {"RU", 33}, {"SA", 24}, {"SC", 31}, {"SD", 18}, {"SE", 24}, {"SI", 19},
    {"SK", 24}, {"SM", 27}, {"SO", 23}, {"ST", 25}, {"SV", 28}, {"TL", 23}, {"TN", 24}, {"TR", 26}, {"UA", 29},
    {"VA", 22}, {"VG", 24}, {"XK", 20}};

bool starts_between(std::string_view digits, size_t count, int low, int high) {
  const int begin = value(digits.substr(0, count));
  return begin >= low && begin <= high;
}

// Which lengths an issuer gives its cards.
bool is_issued(std::string_view digits) {
  const size_t size = digits.size();
  if (digits[0] == '4') return size == 16 || size == 19;                                              // Visa
  if (starts_between(digits, 2, 51, 55) || starts_between(digits, 4, 2221, 2720)) return size == 16;  // Mastercard
  if (starts_between(digits, 2, 34, 34) || starts_between(digits, 2, 37, 37)) return size == 15;  // American Express
  if (starts_between(digits, 2, 62, 62)) return size >= 16 && size <= 19;                         // UnionPay
  if (starts_between(digits, 4, 3528, 3589)) return size >= 16 && size <= 19;                     // JCB
  if (starts_between(digits, 4, 6011, 6011) || starts_between(digits, 3, 644, 659)) return size >= 16;  // Discover
  if (starts_between(digits, 3, 300, 305) || starts_between(digits, 2, 36, 36) || starts_between(digits, 2, 38, 39))
    return size == 14;  // Diners Club
  return false;
}

bool luhn(std::string_view digits) {
  int sum = 0;
  for (size_t i = 0; i < digits.size(); ++i) {
    const int digit = digits[digits.size() - 1 - i] - '0';
    const int twice = digit * 2;
    sum += i % 2 == 0 ? digit : twice > 9 ? twice - 9 : twice;
  }
  return sum % 10 == 0;
}

}  // namespace

bool is_resident_id(std::string_view text) {
  if (text.size() != 18 || !all_digits(text.substr(0, 17)) || !is_province(value(text.substr(0, 2)))) return false;
  const int year = value(text.substr(6, 4));
  if (year < 1800 || year > 2099 || !is_date(year, value(text.substr(10, 2)), value(text.substr(12, 2)))) return false;
  constexpr int kWeights[] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
  int sum = 0;
  for (size_t i = 0; i < 17; ++i) sum += (text[i] - '0') * kWeights[i];
  const char check = text[17] == 'x' ? 'X' : text[17];
  return check == "10X98765432"[sum % 11];
}

bool is_social_credit_code(std::string_view text) {
  constexpr std::string_view kLetters = "0123456789ABCDEFGHJKLMNPQRTUWXY";
  if (text.size() != 18 || std::string_view("159YAN").find(text[0]) == std::string_view::npos) return false;
  if (!all_digits(text.substr(2, 6))) return false;
  const int region = value(text.substr(2, 2));
  if (region != 10 && !is_province(region)) return false;  // 10: of the state
  int sum = 0, weight = 1;
  for (size_t i = 0; i < 17; ++i) {
    const size_t letter = kLetters.find(text[i]);
    if (letter == std::string_view::npos) return false;
    sum += static_cast<int>(letter) * weight;
    weight = weight * 3 % 31;
  }
  return text[17] == kLetters[static_cast<size_t>((31 - sum % 31) % 31)];
}

bool is_card(std::string_view digits) {
  if (digits.size() < 14 || digits.size() > 19 || !all_digits(digits)) return false;
  return is_issued(digits) && luhn(digits);
}

size_t iban_length(std::string_view country) {
  for (const Country& one : kIbans) {
    if (country == one.code) return one.length;
  }
  return 0;
}

bool is_iban(std::string_view text) {
  if (text.size() < 15 || text.size() != iban_length(text.substr(0, 2))) return false;
  int rest = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[(i + 4) % text.size()];
    if (is_digit(c)) {
      rest = (rest * 10 + (c - '0')) % 97;
    } else if (is_upper(c)) {
      rest = (rest * 100 + (c - 'A' + 10)) % 97;
    } else {
      return false;
    }
  }
  return rest == 1;
}

bool is_social_security_number(std::string_view digits) {
  if (digits.size() != 9 || !all_digits(digits)) return false;
  const int area = value(digits.substr(0, 3));
  return area != 0 && area != 666 && area < 900 && digits.substr(3, 2) != "00" && digits.substr(5) != "0000";
}

bool is_mobile(std::string_view digits) {
  if (digits.size() != 11 || !all_digits(digits) || digits[0] != '1') return false;
  switch (digits[1]) {
    case '3':
    case '8':
      return true;
    case '4':
      return digits[2] >= '5';
    case '5':
      return digits[2] != '4';
    case '6':
      return digits[2] == '2' || (digits[2] >= '5' && digits[2] <= '7');
    case '7':
      return digits[2] != '9';
    case '9':
      return digits[2] != '4';
    default:
      return false;
  }
}

bool is_landline(std::string_view area, std::string_view number) {
  if (!all_digits(area) || !all_digits(number) || area.size() < 3 || area[0] != '0') return false;
  const bool large = area.size() == 3 && (area[1] == '2' || area == "010");
  const bool other = area.size() == 4 && area[1] >= '3';
  if (number.size() < 7 || number.size() > 8 || number[0] < '2' || number[0] > '8') return false;
  return (large && number.size() == 8) || other;
}

bool is_north_american(std::string_view digits) {
  return digits.size() == 10 && all_digits(digits) && digits[0] >= '2' && digits[3] >= '2' && digits[1] != '9' &&
         digits.substr(1, 2) != "11" && digits.substr(4, 2) != "11";
}

bool is_international(std::string_view digits) {
  if (digits.size() < 9 || digits.size() > 15 || !all_digits(digits)) return false;
  if (digits[0] == '1') return is_north_american(digits.substr(1));
  if (digits.starts_with("86")) {
    const std::string_view rest = digits.substr(2);
    if (rest[0] == '1' && rest.size() == 11) return is_mobile(rest);
    return rest.size() >= 9 && rest.size() <= 11 && rest[0] != '0';  // landlines lose the 0 of their area
  }
  if (digits[0] == '7') return digits.size() == 11;
  constexpr int kTwo[] = {20, 27, 30, 31, 32, 33, 34, 36, 39, 40, 41, 43, 44, 45, 46, 47, 48, 49, 51, 52, 53, 54,
                          55, 56, 57, 58, 60, 61, 62, 63, 64, 65, 66, 81, 82, 84, 90, 91, 92, 93, 94, 95, 98};
  if (std::find(std::begin(kTwo), std::end(kTwo), value(digits.substr(0, 2))) != std::end(kTwo)) return true;
  constexpr int kThree[] = {21, 22, 23, 24, 25, 26, 29, 35, 37, 38, 42, 50, 59, 67, 68, 69, 85, 88, 96, 97, 99};
  return std::find(std::begin(kThree), std::end(kThree), value(digits.substr(0, 2))) != std::end(kThree);
}

bool is_passport_line(std::string_view text) {
  if (text.size() != 44) return false;
  const bool letters =
      std::all_of(text.begin(), text.end(), [](char c) { return is_digit(c) || is_upper(c) || c == '<'; });
  if (!letters) return false;
  if (text[0] == 'P' && !is_digit(text[1]))
    return std::none_of(text.begin(), text.end(), is_digit) && text.substr(5).find("<<") != std::string_view::npos;
  const auto digit_at = [&](size_t at) { return is_digit(text[at]) || text[at] == '<'; };
  if (!digit_at(9) || !digit_at(19) || !digit_at(27) || !digit_at(42) || !digit_at(43)) return false;
  const std::string_view sex = "MFX<";
  if (!all_digits(text.substr(21, 6)) || sex.find(text[20]) == sex.npos) return false;
  return has_check(text.substr(0, 9), text[9]) && has_check(text.substr(13, 6), text[19]) &&
         has_check(text.substr(21, 6), text[27]);
}

bool is_plate_serial(std::string_view text) {
  const auto allowed = [](char c) { return is_digit(c) || (is_upper(c) && c != 'I' && c != 'O'); };
  if (!std::all_of(text.begin(), text.end(), allowed)) return false;
  const auto letters = std::count_if(text.begin(), text.end(), is_upper);
  if (text.size() == 5) return letters <= 2;
  // Electric: its letter first, then maybe another one; or, for large vehicles, last.
  if (text.size() != 6) return false;
  return (is_upper(text[0]) && letters <= 2 && all_digits(text.substr(2))) || (letters == 1 && is_upper(text[5]));
}

}  // namespace shenbi::guard
