#pragma once
// Check digits and the like: what tells a number of a person from a number. All of them take text that is already
// plain: ASCII, no blanks, no hyphens. Pure.

#include <string_view>

namespace shenbi::guard {

/// Resident identity number of 18 characters: region, a date that exists, check character (GB 11643-1999, ISO 7064
/// MOD 11-2).
bool is_resident_id(std::string_view text);
/// Unified social credit code of 18 characters: registrar, region, check character (GB 32100-2015, modulo 31).
bool is_social_credit_code(std::string_view text);
/// Card numbers as banks give them: issuer and length that belong together (ISO/IEC 7812), Luhn's check digit.
bool is_card(std::string_view digits);
/// How long the IBANs of a country are ("DE": 22); 0 for one that has none.
size_t iban_length(std::string_view country);
/// ISO 13616: the country's length, modulo 97.
bool is_iban(std::string_view text);
/// Area, group and serial that the Social Security Administration gives out; nine digits.
bool is_social_security_number(std::string_view digits);
/// Eleven digits of a mainland Chinese mobile telephone.
bool is_mobile(std::string_view digits);
/// The area code, with its 0, and the number behind it, of a mainland Chinese landline.
bool is_landline(std::string_view area, std::string_view number);
/// Ten digits of the North American plan: area and office begin with 2 to 9.
bool is_north_american(std::string_view digits);
/// Digits behind a "+": a calling code that is assigned (ITU E.164) and a number of a possible length.
bool is_international(std::string_view digits);
/// Either line of a passport's machine-readable zone (ICAO 9303, TD3): 44 characters; the second with its check digits.
bool is_passport_line(std::string_view text);
/// The serial of a vehicle plate behind "京A": five characters, or six for electric ones (GA 36-2018).
bool is_plate_serial(std::string_view text);

}  // namespace shenbi::guard
